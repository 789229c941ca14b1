"""The review page: overruling with grounds and a passkey, a review that is recorded and not signed, a doubted sentence that is
marked, and words that are others since somebody signed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from case_house import CaseHouse, ask_fields
from inside import Inside
from tests.signedworld import SignedWorld
from tests.test_signing_forged import forge, reviewed
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.lifecycle import Case, State
from locum.web.shown import in_pieces

GROUNDS = "The customer would lose the order by Friday."
DOUBTED = "Anna telt schapen."


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, sink: Sink) -> SignedWorld:
    return SignedWorld(tmp_path, sink)


@pytest.fixture
def house(world: SignedWorld) -> CaseHouse:
    return CaseHouse(world)


def objected(world: SignedWorld) -> Case:
    case = world.forward()
    world.signs("bob", case, "request")
    world.desk.answer(world.token(), "object", because="No.")
    world.work()
    return world.now_of(case)


def test_an_objection_is_overruled_on_the_page_by_two(house: CaseHouse, world: SignedWorld) -> None:
    case = objected(world)
    for name in ("dirk", "petra"):
        browser = house.browser(name)
        page = browser.get(f"/cases/{case.id}/review")
        assert house.sign(browser, name, page, because=GROUNDS).headers["location"] == f"/cases/{case.id}"
        world.work()
    assert world.state(case) is not State.OBJECTED
    assert GROUNDS in world.said("anna@home.test", "overruled")


def test_too_short_grounds_are_given_back_as_they_were_written(house: CaseHouse, world: SignedWorld) -> None:
    case = objected(world)
    dirk = house.browser("dirk")
    answer = house.sign(dirk, "dirk", dirk.get(f"/cases/{case.id}/review"), because="Haast.")
    assert (">\nHaast.</textarea>" in answer.text, world.state(case)) == (True, State.OBJECTED)


# recorded, and not signed


def waiting(folder: Path, sink: Sink, doubted: str = DOUBTED) -> tuple[Inside, World, Case]:
    """A reply with a sentence that somebody has to look at, where nobody signs."""
    world = World(folder, sink)
    case = world.request(internal_text=f"Anna is er niet. {doubted}\n")
    world.work()
    world.later(hours=5)
    return Inside(world), world, world.desk.case(case.id)


def test_a_review_is_recorded_on_the_page(tmp_path: Path, sink: Sink) -> None:
    inside, world, case = waiting(tmp_path, sink)
    carla = inside.browser("carla")
    page = carla.text(f"/cases/{case.id}/review")
    assert (case.state, "data-passkey" in page) == (State.AWAITING_REVIEW, False)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.partition('/review">')[2]))
    answer = carla.client.post(f"/cases/{case.id}/review", data={**fields, "because": "Fine."})
    assert (answer.status_code, world.desk.case(case.id).reviews) == (303, (("carla", "approve", case.request),))


def test_a_review_of_another_version_is_not_recorded(tmp_path: Path, sink: Sink) -> None:
    inside, world, case = waiting(tmp_path, sink)
    carla = inside.browser("carla")
    page = carla.text(f"/cases/{case.id}/review")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.partition('/review">')[2]))
    answer = carla.client.post(f"/cases/{case.id}/review", data={**fields, "request": "0" * 64})
    assert (answer.status_code, world.desk.case(case.id).reviews) == (409, ())


def test_the_doubted_sentence_is_marked_and_told(tmp_path: Path, sink: Sink) -> None:
    inside, _, case = waiting(tmp_path, sink)
    page = inside.browser("carla").text(f"/cases/{case.id}/review")
    assert re.findall(r"<mark>(.*?)</mark>", page) == ["Anna telt schapen"]
    assert "Anna is er niet. <mark>" in page
    assert page.count('<ul class="points">') == 1


def test_a_marked_text_is_text_and_nothing_else(tmp_path: Path, sink: Sink) -> None:
    inside, _, case = waiting(tmp_path, sink, "Anna telt <b>schapen</b> &amp; <img src=x>.")
    page = inside.browser("carla").get(f"/cases/{case.id}/review").text
    assert ("<mark>" in page, "<b>" in page, "<img" in page) == (True, False, False)


@pytest.mark.parametrize(
    ("places", "pieces"),
    [
        ((), [(False, "abcdef")]),
        (((0, 6),), [(True, "abcdef")]),
        (((2, 4),), [(False, "ab"), (True, "cd"), (False, "ef")]),
        (((3, 5), (1, 4)), [(False, "a"), (True, "bcd"), (True, "e"), (False, "f")]),
        (((1, 5), (2, 3)), [(False, "a"), (True, "bcde"), (False, "f")]),
    ],
)
def test_pieces_are_the_text(places: tuple[tuple[int, int], ...], pieces: list[tuple[bool, str]]) -> None:
    assert in_pieces("abcdef", places) == pieces


# other words since


@pytest.mark.forges
def test_whoever_signed_other_words_reads_why_to_sign_anew(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    asks, old = reviewed(world, case, "bob", "it", "request"), reviewed(world, case, "dirk", "hr", display="ab" * 32)
    forge(world, case, asks, old, reviews=(("bob", "request", case.request), ("dirk", "approve", case.request)))
    dirk = house.browser("dirk")
    page = dirk.get(f"/cases/{case.id}/review")
    assert "Je hebt hier al eens getekend." in page.text
    house.sign(dirk, "dirk", page)
    world.work()
    assert world.state(case) is State.APPLIED


def test_whoever_signs_for_the_first_time_reads_nothing_of_it(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    assert "al eens getekend" not in house.browser("dirk").get(f"/cases/{case.id}/review").text


# her own text, on the form


def test_the_preview_says_that_the_text_is_her_own(house: CaseHouse, world: SignedWorld) -> None:
    bob = house.browser("bob")
    form = bob.get("/cases/ask")
    assert "zo staat die klaar" not in bob.post("/cases/ask", data=ask_fields(form, do="look")).text
    world.desk.hers.write_text(world.me("anna"), "nl", OwnText(subject="Weg", internal_text="Vraag het Carla."))
    assert "zo staat die klaar" in bob.post("/cases/ask", data=ask_fields(form, do="look")).text
