"""The viewing room over HTTP: who gets what, while who is there; and everything that is tried to get the message otherwise."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from case_house import CaseHouse, hidden
from desks import Ticks
from httpx2 import Response as Answer
from starlette.testclient import TestClient
from tests.mailroom import Message, SearchWorld

from locum.demo.sink import Sink
from locum.lifecycle import State
from locum.web import make_app
from locum.web.viewing import Rooms

TEXT = "De offerte zit hierbij."


class Room:
    """A search with its list, and a browser for each of its people."""

    def __init__(self, world: SearchWorld, *messages: Message) -> None:
        self.world, self.ticks = world, Ticks()
        self.house = CaseHouse(world)
        self.house.app = make_app(
            world.desk, organisation="Voorbeeld BV", url=self.house.url, monotonic=self.ticks,
            doorway=world.app.doorway, inside=world.desk,
        )  # fmt: skip
        world.room.put(*(messages or (Message(), Message(subject="Offerte 4712", at="2026-11-19T10:00:00+00:00"))))
        self.case = world.open_search()
        world.counts(self.case)
        world.lists(self.case)
        self.browsers: dict[str, TestClient] = {}

    @property
    def rooms(self) -> Rooms:
        found: Rooms = self.house.app.state.rooms
        return found

    def browser(self, name: str) -> TestClient:
        if name not in self.browsers:
            self.browsers[name] = self.house.browser(name)
        return self.browsers[name]

    def get(self, name: str, path: str = "viewing") -> Answer:
        return self.browser(name).get(f"/cases/{self.case.id}/{path}")

    def text(self, name: str, path: str = "viewing") -> str:
        return re.sub(r"\s+", " ", unescape(self.get(name, path).text))

    def post(self, name: str, path: str, **fields: str) -> Answer:
        token = hidden(self.get(name, "").text or "") or hidden(self.browser(name).get(f"/cases/{self.case.id}").text)
        token = token or hidden(self.browser(name).get("/cases/ask").text)
        return self.browser(name).post(
            f"/cases/{self.case.id}/{path}", data={"form_token": token["form_token"], **fields}
        )

    def do(self, name: str, do: str, **fields: str) -> Answer:
        return self.post(name, "viewing", do=do, **fields)

    def beats(self, name: str, **fields: str) -> Answer:
        return self.post(name, "viewing/here", **fields)

    def digest(self, subject: str = "Offerte 4711") -> str:
        kept = self.world.desk.searching.hits(self.world.me("bob"), self.world.now_of(self.case))
        assert kept is not None
        return next(one.digest for one in kept.hits if one.subject == subject)

    def chosen(self, subject: str = "Offerte 4711") -> "Room":
        for name in ("bob", "dirk"):
            self.post(name, "found", do="choose", digest=self.digest(subject))
        return self

    def sign(self, name: str) -> Answer:
        page = self.get(name, "viewing?sign=1")
        return self.house.sign(self.browser(name), name, page)

    def opened(self, subject: str = "Offerte 4711") -> "Room":
        self.chosen(subject)
        for name in ("bob", "dirk", "bob"):
            self.get(name)
        for name in ("bob", "dirk"):
            self.sign(name)
        self.world.work()
        for name in ("bob", "dirk"):
            self.get(name)
        return self

    def closed(self) -> list[object]:
        return [one["why"] for one in self.world.bodies(self.case, "closed")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink)


@pytest.fixture
def room(world: SearchWorld) -> Iterator[Room]:
    made = Room(world)
    yield made
    made.rooms.end()


def test_both_see_it_and_no_browser_keeps_it(room):
    room.opened()
    page = room.get("bob")
    said = page.headers["content-security-policy"]
    assert [TEXT in room.text(name) for name in ("bob", "dirk")] == [True, True]
    assert (page.headers["cache-control"], room.beats("bob").headers["cache-control"]) == ("no-store", "no-store")
    assert ("default-src 'none'" in said, "unsafe" in said) == (True, False)


def test_one_alone_sees_nothing(room):
    room.chosen()
    for name in ("bob", "dirk", "bob"):
        room.get(name)
    for name in ("bob", "dirk"):
        room.sign(name)
    room.ticks.now += 16
    room.world.work()
    assert TEXT not in room.text("bob")


def test_nobody_signs_while_the_other_is_away(room):
    room.chosen()
    page = room.text("bob", "viewing?sign=1")
    assert "Jullie zijn er niet allebei." in page


def test_others_get_nothing_of_it(room: Room) -> None:
    room.opened()
    got = [room.text(name, path) for name in ("anna", "petra", "ivo") for path in ("viewing", "found")]
    assert [one for one in got if TEXT in one or "Offerte" in one] == []


def test_the_html_is_in_a_frame_in_which_nothing_runs(world):
    room = Room(
        world, Message(headers="Content-Type: text/html\r\n", text='<p>De offerte <b>x</b></p><script>y()</script>"')
    )
    try:
        page = room.opened().get("bob").text
        frame = re.search(r"<iframe[^>]*>", page)
        assert frame is not None
        assert re.search(r"\bsandbox(?=[ >])", frame[0])
        assert "y()" not in page
    finally:
        room.rooms.end()


def test_a_sign_of_life_brings_it_once_and_then_nothing_new(room):
    room.opened()
    first = room.beats("bob")
    mark = re.search(r'data-mark="([0-9a-f]+)"', first.text)
    assert mark is not None
    assert (TEXT in first.text, room.beats("bob", seen=mark[1]).status_code) == (True, 204)


def test_closed_is_wiped_and_no_second_is_opened(room):
    room.opened()
    room.do("bob", "closed")
    answer = room.post("bob", "found", do="choose", digest=room.digest("Offerte 4712"))
    assert (TEXT in room.text("dirk"), room.closed()) == (False, ["closed"])
    assert "Van deze zaak is één bericht geopend" in unescape(answer.text)


def test_private_after_all_ends_the_case_as_an_incident(room):
    room.opened()
    room.do("dirk", "private")
    room.world.work()
    case = room.world.now_of(room.case)
    assert (case.outcome, [one["who"] for one in room.world.bodies(room.case, "incident")]) == ("private", ["dirk"])


def test_what_was_private_is_not_delivered(room):
    room.opened()
    room.do("dirk", "private")
    room.do("bob", "deliver", part="message")
    room.do("dirk", "deliver", part="message")
    room.world.work()
    assert room.world.bodies(room.case, "delivered") == []


def test_one_alone_or_two_who_wish_something_else_have_nothing_delivered(room):
    room.opened()
    for part in ("message", "message", "", "attachment 0", "attachment x", "message ", "../message"):
        room.do("bob", "deliver", part=part)
    for part in ("attachment 1", "", "attachment 0", "attachment x", "message ", "../message"):
        room.do("dirk", "deliver", part=part)
    room.world.work()
    assert room.world.bodies(room.case, "delivered") == []


def test_it_is_delivered_where_both_wish_it_also_after_it_was_closed(room):
    room.opened()
    room.do("bob", "closed")
    for name in ("bob", "dirk"):
        room.do(name, "deliver", part="message")
    room.world.work()
    assert room.world.now_of(room.case).state in (State.ENDED, State.ACCOUNTED)
    assert [one["to"] for one in room.world.bodies(room.case, "delivered")] == ["verkoop@corp.test"]


def test_a_page_process_that_was_started_anew_has_nothing_to_show(room):
    room.chosen()
    for name in ("bob", "dirk", "bob"):
        room.get(name)
    for name in ("bob", "dirk"):
        room.sign(name)
    room.world.work()
    room.rooms.end()
    seen = [room.text(name) for name in ("bob", "dirk", "bob")]
    assert ([TEXT in one for one in seen], room.closed()) == ([False] * 3, ["left"])


def test_a_form_from_elsewhere_does_nothing(room):
    room.opened()
    room.browser("bob").post(f"/cases/{room.case.id}/viewing", data={"do": "private"})
    assert room.closed() == []


def test_a_masked_subject_is_shown_where_both_ask(world):
    room = Room(world, Message(subject="Vertrouwelijk: offerte", headers="Sensitivity: Company-Confidential\r\n"))
    digests = re.findall(r'name="digest" value="([0-9a-f]+)"', room.get("bob", "found").text)
    before = "Vertrouwelijk: offerte" in room.text("bob", "found")
    room.post("bob", "found", do="unmask", digest=digests[0])
    one = "Vertrouwelijk: offerte" in room.text("bob", "found")
    room.post("dirk", "found", do="unmask", digest=digests[0])
    both = "Vertrouwelijk: offerte" in room.text("bob", "found")
    assert (before, one, both) == (False, False, True)
    room.rooms.end()
