"""What a review found at the doors: pages that showed a stranger's data, a colleague who left, a key that was lost, and
commands that did not say enough.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.world import PEOPLE, World

from locum.absence import Absence
from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.desk.behind_links import set_link
from locum.errors import Garbled, Refused, Unreachable, Unsupported
from locum.lifecycle import State
from locum.store import Change
from locum.web import make_app
from locum.web.pages import SAID_TO_HER

pytest_plugins = ("tests.stores",)

BAD_ROW = PEOPLE + "eve,Eve Secret,eve@corp.test,,nl,Nowhere/Land,it,,eve.private@home.test,,2026-01-05\n"


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, store_url=store_url)


def browser(world: World) -> TestClient:
    return TestClient(make_app(world.desk, organisation="Voorbeeld BV"), follow_redirects=False)


def people(world: World, text: str) -> None:
    (world.folder / "people.csv").write_text(text)


def set_token(world: World, person: str = "anna", days: int = 14) -> str:
    """The token of a reminder before leave."""
    token = world.desk.office.new_token()
    leave = Absence(person=person, from_at=world.now, until_at=world.now + timedelta(days=days), source="leave.csv")
    world.app.store.commit([Change(links=(set_link(token, leave),))])
    return token


# 5 and 6: a row of somebody else


def test_a_bad_row_of_another_person_stands_in_nobodys_way(world: World) -> None:
    case = world.request()
    world.work()
    people(world, BAD_ROW)
    token = world.token()
    with browser(world) as pages:
        seen = pages.get(f"/l/{token}")
        said = pages.post(f"/l/{token}", data={"answer": "agree", "request": case.request})
    assert (seen.status_code, said.status_code) == (200, 303)
    assert not {"eve", "Nowhere", "people.csv"} & set(seen.text.replace("/", " ").split())
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_an_error_that_is_not_for_her_is_one_plain_sentence_without_values(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.request()
    world.work()
    token = world.token()
    where = "/var/lib/locum/people.csv:7"

    def fail(*_given: object) -> None:
        raise Refused("people-bad-address", file=where, column="private_mail", address="eve@home.test")

    monkeypatch.setattr(type(world.app.store), "link", fail)
    with browser(world) as pages:
        for page in (pages.get(f"/l/{token}"), pages.post(f"/l/{token}", data={"answer": "agree"})):
            assert page.status_code == 503
            assert page.headers["Retry-After"]
            assert "eve@home.test" not in page.text
            assert where not in page.text


def test_what_she_may_be_told_names_nobodys_data_but_hers() -> None:
    assert not [key for key in SAID_TO_HER if key.startswith(("people-", "store-", "relay-", "publishing-", "policy"))]


def test_what_fails_after_her_answer_was_recorded_is_not_told_as_nothing_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.live()
    token = world.token("anna@corp.test", "live")
    monkeypatch.setattr(type(world.app.store), "entries", lambda *_given, **_named: _down())
    with browser(world) as pages:
        assert pages.post(f"/l/{token}", data={"answer": "stop"}).status_code == 303
    assert world.desk.case(case.id).state is State.ENDING


def _down() -> None:
    raise Unreachable("store-unreachable", reason="away")


# 12: she left


@pytest.mark.parametrize("button", ["stop", "object"])
def test_who_left_the_organisation_can_still_stop_what_is_live(world: World, button: str) -> None:
    case = world.live()
    token = world.token("anna@corp.test", "live")
    people(world, PEOPLE.replace("anna,Anna", "anne,Anna"))
    with browser(world) as pages:
        assert "Uitzetten" in pages.get(f"/l/{token}").text or 'value="stop"' in pages.get(f"/l/{token}").text
        assert pages.post(f"/l/{token}", data={"answer": button}).status_code == 303
        assert pages.get(f"/l/{token}").status_code == 200
    world.work()
    assert world.published() == {}
    assert world.desk.case(case.id).ended_at is not None


def test_who_left_before_she_answered_can_still_answer(world: World) -> None:
    case = world.request()
    world.work()
    people(world, PEOPLE.replace("anna,Anna", "anne,Anna"))
    view = world.desk.look(world.token())
    assert (view.owner.mailbox and view.owner.mailbox.address, view.language) == ("anna@corp.test", "nl")
    world.desk.answer(world.token(), "object")
    assert world.desk.case(case.id).state is State.OBJECTED


# 13: her own reply after her objection


def test_after_her_objection_she_can_set_her_own_reply(world: World) -> None:
    world.request()
    world.work()
    world.desk.answer(world.token(), "object")
    own = OwnText(subject="Weg", internal_text="Ik ben weg.\n", external_text="")
    world.desk.answer(set_token(world), "set", own)
    world.work()
    assert len(world.published()) == 1


def test_the_case_that_overlaps_hers_is_the_one_that_is_named(world: World) -> None:
    world.request(from_="2026-12-20", until="2026-12-24")
    clashing = world.request(until="2026-12-02")
    world.work()
    own = OwnText(subject="Weg", internal_text="Ik ben weg.\n", external_text="")
    with pytest.raises(Refused, match="overlapping") as refused:
        world.desk.answer(set_token(world, days=5), "set", own)
    assert refused.value.values["case"] == clashing.id


# 20: the key that signs


def test_a_lost_key_is_not_made_anew(world: World) -> None:
    world.request()
    world.app.sign()
    note = world.app.store.checkpoint()
    assert note is not None
    key = world.folder / "record.key"
    key.unlink()
    again = world.wired()
    assert again.signer is None
    again.sign()
    assert not key.exists()
    assert again.store.checkpoint() == note


def test_only_the_owner_of_the_folder_makes_the_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    assert world.wired().signer is None
    assert not (world.folder / "record.key").exists()


def test_a_record_that_cannot_be_signed_does_not_undo_what_was_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world.request()

    def fail(*_given: object) -> None:
        raise Garbled("checkpoint-unsigned", name="corp.test/locum")

    monkeypatch.setattr(type(world.app.store), "sign_checkpoint", fail)
    world.app.run_due(case.id)
    assert world.desk.case(case.id).state is State.ASKING
    assert world.app.unsigned is not None
    assert world.app.unsigned.key == "checkpoint-unsigned"


# 21: who ended it


@pytest.mark.parametrize(("who", "outcome"), [("bob", "requester"), ("dirk", "other"), ("anna", "owner")])
def test_who_ends_a_live_reply_is_said_as_it_is(world: World, who: str, outcome: str) -> None:
    case = world.live()
    world.desk.end(world.app.acting(who), case.id)
    ended = world.desk.case(case.id)
    assert ended.outcome == outcome
    entry = [e for e in world.app.store.entries(case=case.id) if e.type == "withdrawn"][-1]
    by = entry.body["by"]
    assert isinstance(by, dict)
    assert by["id"] == who


@pytest.mark.parametrize(("who", "outcome"), [("bob", "requester"), ("dirk", "other"), ("anna", "owner")])
def test_who_withdraws_a_request_is_said_as_it_is(world: World, who: str, outcome: str) -> None:
    case = world.request()
    world.work()
    assert world.desk.withdraw(world.app.acting(who), case.id).outcome == outcome


# what cannot be said is refused before anything happens


def test_a_subject_that_the_server_would_cut_is_refused_before_anything_happens(world: World) -> None:
    world.request(subject="Afwezig " * 31 + "Afwezig", until="2026-11-30")
    with pytest.raises(Unsupported, match="cannot-subject-too-long"):
        world.request(mailbox="dirk@corp.test", subject="Afwezig " * 31 + "Afwezig.")
