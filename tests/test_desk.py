"""The main path of a case, with a real store, real scripts judged by sievec and a real relay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.errors import Conflict, Invalid, LocumError, Refused, Unsupported
from locum.lifecycle import State
from locum.measure import Audience
from locum.store import Change

pytest_plugins = ("tests.stores",)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path, sink: Sink, store_url: str) -> World:
    return World(tmp_path, sink, store_url=store_url)


def test_silence_leads_to_a_live_reply_and_its_end_to_an_account(world: World) -> None:
    case = world.request()
    world.work()
    assert world.desk.case(case.id).state is State.ASKING
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.APPLIED
    assert list(world.published()) == ["after/anna@corp.test.sieve"]
    world.later(days=15)
    assert world.desk.case(case.id).state is State.ACCOUNTED
    assert world.published() == {}
    account = world.letters("anna@corp.test", "account")[-1].mail
    assert {part.get_content_type() for part in account.walk()} >= {"text/plain", "text/html", "application/pdf"}


def test_every_step_has_its_entry(world: World) -> None:
    case = world.live()
    world.later(days=15)
    found = [kind for kind in world.types(case) if kind != "asked"]
    assert found == [
        "requested", "answered", "intended", "done", "read-back", "intended", "done", "read-back", "ended", "accounted",
    ]  # fmt: skip


def test_she_is_asked_on_every_channel_she_permitted(world: World) -> None:
    world.request()
    world.work()
    assert len(world.letters("anna@home.test", "ask")) == len(world.letters("anna@corp.test", "ask")) == 1


def test_an_ordinary_answer_to_the_letter_reaches_the_requester(world: World) -> None:
    world.request()
    world.work()
    assert "bob@corp.test" in world.letters("anna@home.test")[0].mail["Reply-To"]


def test_opening_the_link_changes_nothing(world: World) -> None:
    case = world.request()
    world.work()
    before = world.desk.case(case.id), world.types(case)
    assert world.desk.look(world.token()).may == {"agree", "object", "own-text", "done"}
    world.desk.look(world.token())
    assert (world.desk.case(case.id), world.types(case)) == before


def test_her_agreement_needs_no_waiting(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "agree")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_an_answer_is_given_once(world: World) -> None:
    world.request()
    world.work()
    world.desk.answer(world.token(), "agree")
    with pytest.raises(Conflict, match="link-used"):
        world.desk.answer(world.token(), "agree")


def test_an_objection_stops_it_before_anything_is_set(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "object", because="Please not.")
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.OBJECTED
    assert world.published() == {}
    assert world.letters("anna@corp.test", "objection-noted")


def test_an_objection_rests_until_the_end_and_is_accounted_for(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "object")
    world.later(days=15)
    case = world.desk.case(case.id)
    assert (case.state, case.accounted_at is not None) == (State.EXPIRED, True)


@pytest.mark.parametrize(("button", "outcome"), [("object", "objection"), ("stop", "owner")])
def test_she_can_stop_a_live_reply_with_the_link_she_was_asked_by(world: World, button: str, outcome: str) -> None:
    case = world.live()
    world.desk.answer(world.token(), button)
    world.work()
    case = world.desk.case(case.id)
    assert (case.state, case.outcome) == (State.ACCOUNTED, outcome)
    assert world.published() == {}


def test_the_letter_that_says_it_is_on_has_a_link_that_stops_it(world: World) -> None:
    case = world.live()
    world.desk.answer(world.token("anna@corp.test", "live"), "stop")
    world.work()
    assert world.desk.case(case.id).state is State.ACCOUNTED


def test_her_own_text_is_what_is_set(world: World) -> None:
    case = world.request(audience=Audience.EVERYONE)
    world.work()
    own = OwnText(subject="Even weg", internal_text="Vraag het Carla.\n", external_text="Ik lees geen mail.\n")
    world.desk.answer(world.token(), "own-text", own)
    world.work()
    after = world.desk.case(case.id)
    assert (after.state, after.auto_reply.subject, after.auto_reply.text_body) == (
        State.APPLIED,
        own.subject,
        own.internal_text,
    )
    assert after.request != case.request


def test_she_has_done_it_herself(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "done")
    world.later(hours=5)
    case = world.desk.case(case.id)
    assert (case.state, case.outcome, world.published()) == (State.WITHDRAWN, "done-herself", {})
    assert case.accounted_at is not None


@pytest.mark.parametrize("token", ["", "a", "../../etc/passwd", "A" * 34])
def test_a_forged_link_is_unknown(world: World, token: str) -> None:
    with pytest.raises(Invalid, match="link-unknown"):
        world.desk.look(token)


def test_a_link_expires_with_its_case(world: World) -> None:
    world.request()
    world.work()
    token = world.token()
    world.later(days=15)
    with pytest.raises(Invalid, match="link-expired"):
        world.desk.look(token)


def test_nothing_goes_live_while_the_relay_is_down(world: World) -> None:
    world.sink.refusing = "451 4.3.0 later"
    case = world.request()
    world.work()
    world.later(days=1)
    assert world.desk.case(case.id).state is State.ASKING
    assert world.published() == {}
    world.sink.refusing = ""
    world.later(days=1)
    world.later(days=1)
    assert world.desk.case(case.id).state is State.APPLIED


def test_a_letter_that_cannot_be_sent_is_a_recorded_failed_attempt(world: World) -> None:
    world.sink.refusing = "451 4.3.0 later"
    case = world.request()
    world.work()
    outcomes = {e.body["outcome"] for e in world.app.store.entries(case=case.id) if e.type == "asked"}
    assert outcomes == {"sending", "failed"}


def test_a_refused_request_is_recorded_and_accounted_for(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.request(reason="departure")
    world.work()
    case = world.desk.case(caught.value.values["case"])
    assert (case.state, caught.value.clause) == (State.REFUSED, 1)
    assert [kind for kind in world.types(case) if kind != "asked"] == ["requested", "refused", "accounted"]


@pytest.mark.parametrize(
    ("changes", "error", "key"),
    [
        ({"until": "2026-11-01"}, Invalid, "end-in-the-past"),
        ({"until": "2026-11-25", "from_": "2026-11-26"}, Invalid, "end-before-start"),
        ({"until": "soon"}, Invalid, "bad-time"),
        ({"until": "2028-01-01"}, Refused, "longer-than-allowed"),
        ({"until": "2128-01-01"}, Invalid, "too-far-ahead"),
        ({"mailbox": "nobody@corp.test"}, Invalid, "unknown-mailbox"),
        ({"mailbox": "anna@else.test"}, Invalid, "foreign-domain"),
        ({"mailbox": "../anna"}, Invalid, "bad-address"),
        ({"because": "  "}, Invalid, "because-missing"),
        ({"subject": "a\r\nBcc: x@y.z"}, Invalid, "more-than-one-line"),
        ({"subject": "a\x00b"}, Invalid, "bad-character"),
        ({"internal_text": "a\u202eb"}, Invalid, "bad-character"),
        ({"internal_text": "  \n"}, Invalid, "text-empty"),
        ({"internal_text": "x" * 70_000}, Unsupported, "cannot-text-too-long"),
        ({"audience": Audience.KNOWN}, Unsupported, "cannot-audience-known"),
        ({"external_text": "Hello"}, Invalid, "external-text-without-audience"),
        ({"template": "../x"}, Invalid, "no-such-template"),
        ({"exceptions": ("a b",)}, Invalid, "bad-domain"),
    ],
)
def test_bad_input_is_said_and_changes_nothing(
    world: World, changes: dict[str, object], error: type[LocumError], key: str
) -> None:
    with pytest.raises(error) as caught:
        world.request(**changes)
    assert caught.value.key == key
    assert error is Refused or world.app.store.find() == []


def test_two_auto_replies_at_one_time_are_refused(world: World) -> None:
    world.request()
    with pytest.raises(Refused, match="overlapping"):
        world.request(until="2026-12-01")


def test_one_after_the_other_is_fine(world: World) -> None:
    world.request(until="2026-12-01")
    second = world.request(from_="2026-12-01", until="2026-12-08")
    world.work()
    world.later(days=10)
    assert world.desk.case(second.id).state is State.APPLIED


def test_free_text_for_outsiders_waits_for_a_reviewer(world: World) -> None:
    case = world.request(audience=Audience.EVERYONE, external_text="Please buy now!\n")
    world.work()
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.AWAITING_REVIEW
    world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Fine.")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


@pytest.mark.parametrize(("who", "key"), [("bob", "own-review"), ("anna", "own-review")])
def test_requester_and_owner_cannot_review(world: World, who: str, key: str) -> None:
    case = world.request(audience=Audience.EVERYONE, external_text="Please buy now!\n")
    world.work()
    world.later(hours=5)
    with pytest.raises(Refused, match=key):
        world.desk.review(world.app.acting(who), case.id, approve=True, because="Mine.")


def test_a_reviewers_no_ends_it(world: World) -> None:
    case = world.request(audience=Audience.EVERYONE, external_text="Please buy now!\n")
    world.work()
    world.later(hours=5)
    world.desk.review(world.app.acting("dirk"), case.id, approve=False, because="No.")
    world.work()
    after = world.desk.case(case.id)
    assert (after.state, after.clause, after.accounted_at is not None) == (State.REFUSED, 7, True)


def test_a_call_in_which_she_agreed_is_noted_and_counts(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="agreed", because="She said yes.")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_a_call_in_which_she_objected_stops_it(world: World) -> None:
    case = world.live()
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="objected", because="She said no.")
    world.work()
    after = world.desk.case(case.id)
    assert (after.state, after.outcome) == (State.ACCOUNTED, "objection")


def test_a_call_that_did_not_reach_her_is_only_noted(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="unreached", because="Voicemail.")
    after = world.desk.case(case.id)
    assert (after.state, after.contacts[-1].outcome) == (State.ASKING, "unreached")


def test_a_request_can_be_withdrawn_before_it_is_live(world: World) -> None:
    case = world.request()
    world.desk.withdraw(world.app.acting("bob"), case.id)
    world.later(hours=5)
    case = world.desk.case(case.id)
    assert (case.state, world.published(), case.accounted_at is not None) == (State.WITHDRAWN, {}, True)


def test_a_live_reply_can_be_ended_early(world: World) -> None:
    case = world.live()
    world.desk.end(world.app.acting("bob"), case.id)
    world.work()
    after = world.desk.case(case.id)
    assert (after.state, after.outcome, world.published()) == (State.ACCOUNTED, "requester", {})


def test_ending_what_is_not_live_is_refused(world: World) -> None:
    case = world.request()
    with pytest.raises(Refused, match="no-such-step"):
        world.desk.end(world.app.acting("bob"), case.id)


def test_a_start_in_the_future_is_waited_for(world: World) -> None:
    case = world.request(from_="2026-12-01")
    world.work()
    world.later(hours=5)
    assert (world.desk.case(case.id).state, world.published()) == (State.SCHEDULED, {})
    world.later(days=8)
    assert world.desk.case(case.id).state is State.APPLIED


def test_a_script_taken_away_is_noticed_by_the_watch(world: World) -> None:
    case = world.live()
    next((world.folder / "sieve/after").glob("*.sieve")).unlink()
    world.later(hours=2)
    after = world.desk.case(case.id)
    assert (after.state, after.outcome) == (State.ACCOUNTED, "removed")


def test_a_batch_is_resumed_without_doubling(world: World) -> None:
    forms = [world.form(mailbox=f"{name}@corp.test", reason="closing") for name in ("anna", "dirk", "nobody", "carla")]
    acting = world.app.acting("bob")
    first = world.desk.request_many(acting, forms[:2], batch="closing")
    second = world.desk.request_many(acting, forms, batch="closing")
    assert [getattr(c, "id", "") for c in second[:2]] == [getattr(c, "id", "") for c in first]
    assert isinstance(second[2], Invalid)
    assert len(world.app.store.find(batch="closing")) == 3


def test_she_is_told_nothing_about_colleagues(world: World) -> None:
    world.live()
    assert world.desk.history("dirk@corp.test") == []
    assert world.desk.history("a.devries@corp.test")


def test_whoever_reads_along_is_asked_and_not_overruled(tmp_path: Path, sink: Sink) -> None:
    header, anna, *others = World(tmp_path, sink).people.splitlines()
    people = "\n".join([f"{header},reads_along", f"{anna},yes", *(f"{line},no" for line in others)]) + "\n"
    world = World(tmp_path, sink, people=people)
    case = world.request()
    world.work()
    world.later(hours=5)
    after = world.desk.case(case.id)
    assert (after.state, after.clause, world.published()) == (State.REFUSED, 6, {})


def test_a_request_that_was_changed_after_filing_is_never_carried_out(world: World) -> None:
    case = world.request()
    world.work()
    case = world.desk.case(case.id)
    forged = replace(case, measures=(replace(case.auto_reply, text_body="Send your invoices to evil@else.test\n"),))
    world.app.store.commit([Change(case=forged)])
    world.later(hours=5)
    after = world.desk.case(case.id)
    assert (after.state, after.outcome, world.published()) == (State.REFUSED, "request-changed", {})
    assert "failed" in world.types(case)
