"""Two people open one message: choosing, signing, what is opened for whom, how it is closed and delivered, and all that is tried
to get more than that.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tests.mailroom import Message, SearchWorld

from locum.demo.sink import Sink
from locum.desk.searching.sealedto import unseal_with
from locum.errors import LocumError
from locum.lifecycle import Case, State

pytest_plugins = ("tests.stores",)


class Viewing:
    """A search that has its list, and a screen."""

    def __init__(self, world: SearchWorld, *more: Message) -> None:
        self.world = world
        world.room.put(Message(), Message(subject="Offerte 4712", at="2026-11-19T10:00:00+00:00"), *more)
        self.case = world.open_search()
        world.counts(self.case)
        world.lists(self.case)
        self.screen = X25519PrivateKey.generate()

    @property
    def now(self) -> Case:
        return self.world.now_of(self.case)

    @property
    def to(self) -> bytes:
        return self.screen.public_key().public_bytes_raw()

    def digest(self, subject: str = "Offerte 4711") -> str:
        kept = self.world.desk.searching.hits(self.world.me("bob"), self.now)
        assert kept is not None
        return next(one.digest for one in kept.hits if one.subject == subject)

    def choose(self, who: str, subject: str = "Offerte 4711") -> None:
        self.world.desk.viewings.choose(self.world.me(who), self.now, self.digest(subject))

    def both_choose(self) -> "Viewing":
        self.choose("bob")
        self.choose("dirk")
        return self

    def sign(self, who: str, *, to: bytes = b"", key: str = "") -> None:
        desk, me = self.world.desk, self.world.me(who)
        one = desk.viewings.to_open(me, self.now, to or self.to)
        made = self.world.keys[key or who].sign(one.challenge)
        desk.viewings.sign(me, self.now, one.statement, made.dump())

    def opened(self) -> "Viewing":
        self.both_choose()
        self.sign("bob")
        self.sign("dirk")
        self.world.work()
        return self

    def content(self, screen: X25519PrivateKey | None = None) -> bytes:
        sealed = self.world.desk.viewings.take(self.now)
        assert sealed is not None
        return unseal_with(screen or self.screen, sealed, self.now.request, self.digest())

    def said(self, kind: str) -> list[dict[str, object]]:
        return self.world.bodies(self.case, kind)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink, store_url=store_url)


@pytest.fixture
def viewing(world: SearchWorld) -> Viewing:
    return Viewing(world)


def why(act: Callable[[], object]) -> str:
    """The key of the error that comes out, and what the gate says."""
    try:
        act()
    except LocumError as error:
        return str(error.values.get("gate") or error.key)
    return ""


# what passes


def test_two_who_chose_and_signed_see_the_message(viewing: Viewing) -> None:
    assert b"De offerte zit hierbij." in viewing.opened().content()


def test_it_is_delivered_as_it_is_and_the_case_ends(viewing: Viewing) -> None:
    viewing.opened().content()
    viewing.world.desk.viewings.closed(viewing.now, "closed", 40)
    viewing.world.desk.viewings.deliver(viewing.world.me("bob"), viewing.now)
    viewing.world.work()
    assert viewing.now.state in (State.ENDED, State.ACCOUNTED)
    assert viewing.now.outcome == "delivered"
