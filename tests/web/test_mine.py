"""Her own pages: what was done in her name, her say in it, and nobody else's. Over the real desk, on both stores."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Browser, Inside
from tests.world import World

from locum.checkable import File, verify
from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.lifecycle import Case, State
from locum.messages import LANGUAGES

pytest_plugins = ("tests.stores",)
HOSTILE = '<script>alert("x")</script> {until} "quoted" & more'


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, sink: Sink, store_url: str) -> World:
    return World(tmp_path, sink, store_url=store_url)


@pytest.fixture
def inside(world: World) -> Inside:
    return Inside(world)


@pytest.fixture
def anna(inside: Inside) -> Browser:
    return inside.browser("anna")


def entries(world: World, case: Case) -> list[dict[str, object]]:
    return [{"type": entry.type, **entry.body} for entry in world.app.store.entries(case=case.id)]


def state(world: World, case: Case) -> State:
    return world.desk.case(case.id).state


# what she sees


def test_everything_in_her_name_is_there_with_who_asked_for_it(world: World, anna: Browser) -> None:
    case = world.live()
    page = anna.text("/mine")
    assert (case.id in page, "Bob Smit" in page, "Staat nu aan" in page) == (True, True, True)


def test_the_newest_is_first_and_the_rest_is_on_further_pages(world: World, anna: Browser) -> None:
    made = []
    for number in range(23):
        case = world.request(because=f"number {number}")
        world.desk.withdraw(world.app.acting("bob"), case.id)
        made.append(case.id)
    first = re.findall(r'/mine/([a-z2-7]{4}-[a-z2-7]{4})"', anna.text("/mine").partition('id="all"')[2])
    rest = re.findall(r'/mine/([a-z2-7]{4}-[a-z2-7]{4})"', anna.text(f"/mine?before={first[-1]}"))
    assert [*first, *rest] == made[::-1]


def test_without_a_case_the_page_says_so(anna: Browser) -> None:
    assert "nog nooit iets" in anna.text("/mine")


@pytest.mark.parametrize("who", ["bob", "carla", "dirk"])
@pytest.mark.parametrize("path", ["", "/account", "/account.json", "/account.pdf"])
def test_nobody_else_sees_hers_whatever_the_function(world: World, inside: Inside, who: str, path: str) -> None:
    case = world.live()
    other = inside.browser(who)
    assert other.get(f"/mine/{case.id}{path}").status_code == 404
    assert case.id not in other.text("/mine")


@pytest.mark.parametrize("who", ["bob", "carla", "dirk"])
@pytest.mark.parametrize("answer", ["stop", "object", "agree"])
def test_nobody_else_has_a_say_in_hers(world: World, inside: Inside, who: str, answer: str) -> None:
    case = world.live()
    assert inside.browser(who).post(f"/mine/{case.id}", answer=answer).status_code == 404
    assert state(world, case) is State.APPLIED


def test_whoever_is_not_signed_in_is_sent_to_sign_in(world: World, inside: Inside) -> None:
    case = world.live()
    stranger = Browser(inside, "")
    for path in ("/mine", f"/mine/{case.id}", f"/mine/{case.id}/account.json", "/mine/text", "/mine/protections"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)


# her say


def test_she_stops_it_with_one_button(world: World, anna: Browser) -> None:
    case = world.live()
    anna.done(f"/mine/{case.id}", answer="stop", request=case.request)
    world.work()
    assert state(world, case) is State.ACCOUNTED
    assert world.published() == {}
    said = [one for one in entries(world, case) if one["type"] == "withdrawn"]
    assert [(one["by"], one["via"]) for one in said] == [("owner", "signed-in")]


def test_she_objects_in_words_before_anything_is_set(world: World, anna: Browser) -> None:
    case = world.request()
    world.work()
    anna.done(f"/mine/{case.id}", answer="object", because="Nee, dank je.", request=case.request)
    said = [one for one in entries(world, case) if one["type"] == "answered"]
    assert state(world, case) is State.OBJECTED
    assert [(one["answer"], one["via"], one["by"], one["because"]) for one in said] == [
        ("objected", "signed-in", "", "Nee, dank je.")
    ]


def test_she_objects_while_it_is_on(world: World, anna: Browser) -> None:
    case = world.live()
    anna.done(f"/mine/{case.id}", answer="object")
    world.work()
    assert (state(world, case), world.published()) == (State.ACCOUNTED, {})


def test_she_agrees_and_it_starts(world: World, anna: Browser) -> None:
    case = world.request()
    world.work()
    anna.done(f"/mine/{case.id}", answer="agree", request=case.request)
    world.work()
    assert state(world, case) is State.APPLIED


def test_an_agreement_counts_only_for_what_she_was_shown(world: World, anna: Browser) -> None:
    case = world.request()
    world.work()
    answer = anna.post(f"/mine/{case.id}", answer="agree", request="0" * 64)
    assert (answer.status_code, state(world, case)) == (409, State.ASKING)


def test_she_can_object_without_having_been_shown_anything(world: World, anna: Browser) -> None:
    case = world.request()
    world.work()
    assert anna.post(f"/mine/{case.id}", answer="object").status_code == 303


def test_what_is_too_late_is_said_and_changes_nothing(world: World, anna: Browser) -> None:
    case = world.live()
    before = entries(world, case)
    answer = anna.post(f"/mine/{case.id}", answer="agree")
    assert (answer.status_code, entries(world, case)) == (400, before)
    assert 'role="alert"' in answer.text


def test_being_back_ends_what_is_on_and_what_is_to_come(world: World, anna: Browser) -> None:
    live = world.live(until="2026-12-01")
    coming = world.request(from_="2026-12-10", until="2026-12-20")
    world.work()
    page = anna.text("/mine")
    assert "Ik ben terug" in page
    assert "Welkom terug" in anna.done("/mine/back")
    world.work()
    assert (state(world, live), state(world, coming)) == (State.ACCOUNTED, State.WITHDRAWN)
    assert (world.desk.case(live.id).outcome, world.desk.case(coming.id).outcome) == ("owner", "owner")
    assert world.published() == {}


def test_being_back_ends_nothing_of_anybody_else(world: World, inside: Inside) -> None:
    case = world.live()
    inside.browser("carla").done("/mine/back")
    assert state(world, case) is State.APPLIED


def test_being_back_leaves_an_objection_as_it_is(world: World, anna: Browser) -> None:
    case = world.request()
    world.work()
    anna.done(f"/mine/{case.id}", answer="object")
    anna.done("/mine/back")
    assert state(world, case) is State.OBJECTED


@pytest.mark.parametrize("path", ["/mine/back", "/mine/{case}", "/mine/text", "/mine/channels", "/mine/protections"])
def test_a_form_of_another_page_changes_nothing(world: World, anna: Browser, path: str) -> None:
    case = world.live()
    fields = {"answer": "stop", "do": "withdraw", "channel": "private_mail", "language": "nl", "subject": "x"}
    sent = anna.client.post(path.format(case=case.id), data={"form_token": "0" * 64, **fields})
    assert (sent.status_code, state(world, case)) == (403, State.APPLIED)
    assert anna.client.post(path.format(case=case.id), data=fields).status_code == 403


# the account


def test_the_account_is_a_page_and_four_kinds_of_file(world: World, anna: Browser) -> None:
    case = world.live()
    assert "Bob Smit" in anna.text(f"/mine/{case.id}/account")
    kinds = {}
    for form in ("html", "txt", "json"):
        answer = anna.get(f"/mine/{case.id}/account.{form}")
        kinds[form] = (answer.headers["content-type"], answer.headers["content-disposition"], case.id in answer.text)
    name = f'attachment; filename="locum-{case.id}.'
    assert kinds == {
        "html": ("text/html; charset=utf-8", f'{name}html"', True),
        "txt": ("text/plain; charset=utf-8", f'{name}txt"', True),
        "json": ("application/json", f'{name}json"', True),
    }


def test_everything_about_her_mailbox_is_one_file_that_holds(world: World, inside: Inside) -> None:
    world.live()
    world.app.sign()
    answer = inside.browser("anna").get("/mine/account.locum")
    assert (answer.headers["content-disposition"], answer.headers["cache-control"]) == (
        'attachment; filename="anna.locum"',
        "no-store",
    )
    assert verify(File.load(answer.content)).holds


def test_for_the_file_she_proves_once_more_who_she_is(world: World, anna: Browser) -> None:
    world.live()  # hours after she signed in
    assert anna.get("/mine/account.locum").headers["location"].endswith("said=again")


def test_the_file_is_hers_alone(world: World, inside: Inside) -> None:
    world.live()
    world.app.sign()
    assert b"anna@corp.test" not in inside.browser("dirk").get("/mine/account.locum").content


def test_her_page_and_each_account_lead_to_the_file(world: World, anna: Browser) -> None:
    case = world.live()
    pages = [anna.text("/mine"), anna.text(f"/mine/{case.id}/account")]
    assert ["/mine/account.locum" in page for page in pages] == [True, True]


@pytest.mark.slow
def test_the_account_is_printed_in_a_process_of_its_own(world: World, anna: Browser) -> None:
    case = world.live()
    answer = anna.get(f"/mine/{case.id}/account.pdf")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")


def test_the_account_says_that_she_did_it_signed_in(world: World, anna: Browser) -> None:
    case = world.request()
    world.work()
    anna.done(f"/mine/{case.id}", answer="object")
    assert "ingelogd" in anna.text(f"/mine/{case.id}/account")
    found = json.loads(anna.get(f"/mine/{case.id}/account.json").text)
    assert found["case"] == case.id


# hostile text, and both languages


def test_text_of_people_is_text_and_nothing_else(world: World, anna: Browser) -> None:
    case = world.request(because=HOSTILE)
    world.work()
    world.desk.answer(world.token(), "own-text", OwnText(subject=HOSTILE, internal_text=HOSTILE, external_text=HOSTILE))
    anna.done(f"/mine/{case.id}", answer="object", because=HOSTILE)
    for path in ("/mine", f"/mine/{case.id}", f"/mine/{case.id}/account"):
        page = anna.get(path)
        assert (page.status_code, "<script>" in page.text) == (200, False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_is_in_her_language_and_lacks_nothing(world: World, inside: Inside, language: str) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace("a.devries@corp.test,nl", f"a.devries@corp.test,{language}"))
    case = world.live()
    anna = inside.browser("anna")
    for path in ("/mine", f"/mine/{case.id}", "/mine/text", "/mine/channels", "/mine/protections"):
        page = anna.text(path)
        assert f'<html lang="{language}">' in page


def test_a_page_without_javascript_has_no_script(world: World, anna: Browser) -> None:
    case = world.live()
    for path in ("/mine", f"/mine/{case.id}", "/mine/text", "/mine/channels", "/mine/protections"):
        answer = anna.get(path)
        assert ("<script" in answer.text, "script-src" in answer.headers["content-security-policy"]) == (False, False)
