"""An error that names a moment says it in the language of whoever reads the error, not of the mailbox's owner."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.errors import Invalid, LocumError
from locum.phrases import dates_in_words
from locum.shapes import explained
from locum.web.shown import error_words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink)


def too_late(world: World) -> None:
    world.request(until="2026-11-01")  # Anna's mailbox: she reads Dutch


def backwards(world: World) -> None:
    world.request(from_="2026-12-02", until="2026-11-30")


def closing_too_soon(world: World) -> None:
    world.request(contact_person="dirk", mailbox_closes_on="2026-12-01")


def own_end_too_soon(world: World) -> None:
    world.request()
    world.work()
    text = OwnText(subject="Weg", internal_text="Weg.", until="2026-11-20")
    world.desk.answer(world.token(), "own-text", text)


CASES = [
    (too_late, "Sunday 1 November 2026, 00:00", "zondag 1 november 2026, 00:00 uur"),
    (backwards, "Monday 30 November 2026, 00:00", "maandag 30 november 2026, 00:00 uur"),
    (closing_too_soon, "Tuesday 1 December 2026", "dinsdag 1 december 2026"),
    (own_end_too_soon, "Friday 20 November 2026, 00:00", "vrijdag 20 november 2026, 00:00 uur"),
]


@pytest.mark.parametrize(("act", "english", "dutch"), CASES)
def test_the_reader_of_an_error_reads_its_dates(
    world: World, act: Callable[[World], None], english: str, dutch: str
) -> None:
    with pytest.raises(LocumError) as caught:
        act(world)
    error = caught.value
    assert english in explained(error, "en")["sentence"]
    assert dutch in explained(error, "nl")["sentence"]
    assert english in error_words("en", error.key, error.values)[0]


def test_what_people_typed_is_said_as_they_typed_it() -> None:
    error = Invalid("bad-time", text="2026-12-25T00:00:00Z")
    assert '"2026-12-25T00:00:00Z"' in explained(error, "en")["sentence"]


def test_only_dates_are_turned_into_words() -> None:
    values = {"zone": "Europe/Amsterdam", "case": "abcd-efgh", "text": "2026-99-99", "until": "2026-12-24T23:00:00Z"}
    said = dates_in_words(values, "en")
    assert said == {**values, "until": "Friday 25 December 2026, 00:00"}
