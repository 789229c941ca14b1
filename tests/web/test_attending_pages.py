"""Her pages of a search: a comment, and being there when a message is opened, by her link and signed in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from case_house import hidden
from test_viewing_pages import TEXT, Room
from tests.test_attending import Offered

from locum.demo.sink import Sink


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with Sink() as sink:
        made = Room(Offered(tmp_path, sink))
        yield made
        made.rooms.end()


def says(room: Room, answer: str) -> None:
    """She presses a button behind her link."""
    path = f"/l/{room.world.token('anna@corp.test', 'live')}"
    browser = room.house.browser("anna")
    page = browser.get(path)
    assert f'value="{answer}"' in page.text
    browser.post(path, data=hidden(page.text) | {"answer": answer})
    room.world.work()


def test_she_reads_on_her_own_page_that_she_can_be_there(room: Room) -> None:
    page = room.house.browser("anna").get(f"/mine/{room.case.id}").text
    assert all(f'value="{one}"' in page for one in ("attend", "comment"))


def test_three_are_there_and_it_is_gone_when_she_leaves(room: Room) -> None:
    says(room, "attend")
    room.chosen()
    says(room, "here")
    for name in ("anna", "bob", "dirk", "anna", "bob"):
        room.get(name)
    for name in ("bob", "dirk"):
        room.sign(name)
    room.world.work()
    for name in ("anna", "bob", "dirk"):
        room.get(name)
    seen = [TEXT in room.text(name) for name in ("anna", "bob", "dirk")]
    room.ticks.now += 14
    for name in ("bob", "dirk"):
        room.rooms.enter(room.case.id, name)
    room.ticks.now += 2
    assert (seen, TEXT in room.text("bob"), room.closed()) == ([True] * 3, False, ["left"])
