"""What is in the memory of the pages while two people look at one message: who is there, and when it is wiped."""

import pytest
from desks import Ticks

from locum.desk.searching.sealedto import seal_to
from locum.web.viewing.rooms import SHOWN, SILENT, Room, Rooms

CONTENT = b"From: a@klant.test\r\nSubject: Offerte\r\n\r\nDe offerte.\r\n"
BOTH = frozenset({"bob", "dirk"})


class Watched:
    """Rooms with one message in them, and what was recorded of it."""

    def __init__(self) -> None:
        self.ticks = Ticks()
        self.closed: list[tuple[str, int, str]] = []
        self.rooms = Rooms(self.ticks, lambda _case, why, seconds, who: self.closed.append((why, seconds, who)))
        for name in BOTH:
            self.room = self.rooms.enter("c", name)

    def show(self, key: bytes = b"", request: str = "r") -> "Watched":
        sealed = seal_to(key or self.room.public, CONTENT, "r", "d")
        self.rooms.show("c", BOTH, lambda: sealed, request, "d")
        return self

    def later(self, seconds: float, *there: str) -> "Watched":
        self.ticks.now += seconds
        for name in there:
            self.rooms.enter("c", name)
        return self


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_it_is_shown_to_two_who_are_there(watched):
    shown = watched.show().room.shown
    assert shown is not None
    assert shown.text.strip() == "De offerte."


def test_it_is_not_taken_while_one_is_away(watched):
    taken: list[int] = []
    watched.later(SILENT, "bob").rooms.show("c", BOTH, lambda: taken.append(1), "r", "d")
    assert (watched.room.is_showing, taken) == (False, [])


@pytest.mark.parametrize("silent", ["bob", "dirk"])
def test_whoever_is_silent_for_fifteen_seconds_closes_it(watched, silent):
    (other,) = BOTH - {silent}
    watched.show().later(14, other)
    before = watched.room.is_showing
    watched.later(1, other)
    assert (before, watched.closed) == (True, [("left", 15, "")])


def test_whoever_says_that_her_page_is_gone_closes_it_sooner(watched):
    watched.show().rooms.leave("c", "dirk")
    watched.later(5, "bob")
    assert watched.closed == [("left", 5, "")]


def test_a_page_that_follows_at_once_keeps_it_open(watched):
    watched.show().rooms.leave("c", "dirk")
    watched.later(4, "dirk").later(2, "bob")
    assert watched.closed == []


def test_it_is_closed_after_a_quarter_of_an_hour(watched):
    watched.show()
    for _ in range(int(SHOWN // 10)):
        watched.later(10, *BOTH)
    assert watched.closed == [("time", SHOWN, "")]


def test_it_is_closed_though_no_browser_asks_any_more(watched):
    watched.show().later(60).rooms.sweep()
    assert watched.closed == [("left", 60, "")]


def test_what_is_closed_is_wiped_with_its_key(watched):
    content = watched.show().room.content
    watched.rooms.close("c", "private", "bob")
    assert (bytes(content), watched.room.shown, watched.room.key) == (bytes(len(CONTENT)), None, None)
    assert watched.closed == [("private", 0, "bob")]


def test_it_is_closed_once(watched):
    watched.show().rooms.close("c", "closed", "bob")
    watched.rooms.close("c", "private", "dirk")
    assert [why for why, _, _ in watched.closed] == ["closed"]


@pytest.mark.parametrize("changed", [{"key": Room("x").public}, {"request": "other"}], ids=["screen", "case"])
def test_what_was_sealed_for_another_is_not_shown(watched, changed):
    assert (watched.show(**changed).room.is_showing, [why for why, _, _ in watched.closed]) == (False, ["left"])


def test_each_room_has_a_key_of_its_own(watched):
    first = watched.room.public
    watched.later(60).rooms.sweep()
    assert watched.rooms.enter("c", "bob").public != first


def test_the_end_of_the_process_closes_everything(watched):
    watched.show().rooms.end()
    assert ([why for why, _, _ in watched.closed], watched.room.content) == (["left"], bytearray())


def test_no_room_tells_of_its_message_by_accident(watched):
    assert "offerte" not in repr(watched.show().room).lower()
