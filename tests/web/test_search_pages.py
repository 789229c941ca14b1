"""A search on the pages: asked for with what makes it narrower, and climbed up to the list; what was found stands on no page of the case."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from case_house import CaseHouse, ask, ask_fields, hidden
from httpx2 import Response as Answer
from starlette.testclient import TestClient
from tests.mailroom import TRIED, Message, SearchWorld

from locum.demo.sink import Sink
from locum.lifecycle import Case, State

ASKED = {
    "measure": "search",
    "until": "2026-12-02",
    "wrote": "klant.test\r\n\r\n",
    "holds": "offerte\r\nbijlage",
    "deliver_to": "verkoop@corp.test",
    **{f"tried_{what.replace('-', '_')}": on for what, on in TRIED},
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink)


@pytest.fixture
def house(world: SearchWorld) -> CaseHouse:
    return CaseHouse(world)


def pressed(browser: TestClient, case: Case, **fields: str) -> Answer:
    """A button of the page of the case."""
    page = browser.get(f"/cases/{case.id}")
    return browser.post(f"/cases/{case.id}", data={"form_token": hidden(page.text)["form_token"]} | fields)


def page(house: CaseHouse, case: Case, who: str = "bob") -> str:
    return re.sub(r"\s+", " ", house.browser(who).get(f"/cases/{case.id}").text)


def test_a_search_is_asked_for_on_the_page(house: CaseHouse, world: SearchWorld) -> None:
    answer = ask(house.browser("bob"), **ASKED)
    case = world.desk.case(answer.headers["location"].split("/")[2])
    search = case.search
    assert search is not None
    assert (search.query.senders, search.query.words, search.deliver_to, search.alternatives[0][0]) == (
        ("@klant.test",),
        ("offerte", "bijlage"),
        "verkoop@corp.test",
        "auto-reply",
    )


def test_before_it_is_sent_the_page_says_how_it_goes_and_what_would_make_it_narrower(house: CaseHouse) -> None:
    bob = house.browser("bob")
    looked = bob.post("/cases/ask", data=ask_fields(bob.get("/cases/ask"), do="look", **ASKED | {"wrote": ""}))
    assert ("Smaller, graag" in looked.text, "Er is geen afzender genoemd" in looked.text) == (True, True)
    assert "verkoop@corp.test" in looked.text


def test_what_the_policy_refuses_is_said_before_it_is_sent(house: CaseHouse) -> None:
    bob = house.browser("bob")
    looked = bob.post(
        "/cases/ask", data=ask_fields(bob.get("/cases/ask"), do="look", **ASKED | {"tried_auto_reply": ""})
    )
    assert "niet eerst geprobeerd" in looked.text


def test_where_nothing_can_be_looked_for_it_is_no_choice(house: CaseHouse, world: SearchWorld) -> None:
    world.app.desk.office.searchers.clear()  # type: ignore[attr-defined]
    assert 'value="search"' not in house.browser("bob").get("/cases/ask").text


def test_whoever_asks_is_led_to_sign(house: CaseHouse) -> None:
    assert ask(house.browser("bob"), **ASKED).headers["location"].endswith("/review")


def test_what_is_signed_shows_the_whole_question(house: CaseHouse, world: SearchWorld) -> None:
    case = world.unanswered()
    shown = house.browser("dirk").get(f"/cases/{case.id}/review").text
    assert all(text in shown for text in ("@klant.test", "offerte", "verkoop@corp.test", "ÉÉN BERICHT GEZOCHT"))


def test_a_count_is_a_button_and_its_answer_a_bucket(house: CaseHouse, world: SearchWorld) -> None:
    world.room.put(Message(), Message(sender="arts@arbo.test", subject="Offerte"))
    case = world.open_search()
    pressed(house.browser("bob"), case, do="count")
    during = page(house, case)
    world.work()
    after = page(house, case)
    assert ("Er wordt geteld." in during, "1 keer geteld; de laatste keer: 1-5." in after) == (True, True)
    assert "arbo.test" not in after


def test_the_other_one_presses_the_same_buttons_and_nobody_else_any(house: CaseHouse, world: SearchWorld) -> None:
    case = world.open_search()
    assert ['value="count"' in page(house, case, who) for who in ("bob", "dirk", "anna")] == [True, True, False]


def test_a_step_that_may_not_be_taken_is_refused_in_words(house: CaseHouse, world: SearchWorld) -> None:
    case = world.open_search()
    answer = pressed(house.browser("bob"), case, do="list")
    assert "niet eerst geteld" in answer.text


def test_a_question_is_made_narrower_on_the_page(house: CaseHouse, world: SearchWorld) -> None:
    world.room.put(*(Message(subject=f"Offerte {number}") for number in range(30)))
    case = world.open_search()
    world.counts(case)
    pressed(house.browser("bob"), case, do="narrow", holds="offerte 17")
    world.work()
    assert (world.ladder(case).bucket, world.ladder(case).query.words) == ("1-5", ("offerte", "offerte 17"))


def test_what_was_found_stands_on_no_page_of_the_case(house: CaseHouse, world: SearchWorld) -> None:
    world.room.put(Message(subject="Offerte 8822"))
    case = world.open_search()
    world.counts(case)
    pressed(house.browser("dirk"), case, do="list")
    world.work()
    assert ("Opgesomd met afzender, datum en onderwerp: 1" in page(house, case), "8822" in page(house, case)) == (
        True,
        False,
    )


def test_a_search_is_ended_on_the_page(house: CaseHouse, world: SearchWorld) -> None:
    case = world.open_search()
    pressed(house.browser("bob"), case, do="end")
    world.work()
    assert world.state(case) is State.ENDED


def test_words_of_a_requester_are_only_words(house: CaseHouse, world: SearchWorld) -> None:
    case = world.searched(words=("<script>alert(1)</script>",))
    assert "<script>alert" not in house.browser("bob").get(f"/cases/{case.id}").text
