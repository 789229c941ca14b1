"""A search at the desk, step by step up to the list: what it takes, what it leaves behind, and what cannot be had from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mailroom import Message, SearchWorld

from locum.demo.sink import Sink
from locum.errors import LocumError

pytest_plugins = ("tests.stores",)
Make = Callable[..., SearchWorld]


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: SearchWorld(tmp_path, sink, store_url=store_url, **options)


@pytest.fixture
def world(make: Make) -> SearchWorld:
    return make()


def why(act: Callable[[], object]) -> str:
    """The key of the error that comes out."""
    try:
        act()
    except LocumError as error:
        return error.key
    return ""


def test_a_search_goes_from_the_ask_to_the_list(world: SearchWorld) -> None:
    world.room.put(Message(), Message(subject="Offerte 4712"), Message(sender="arts@arbo.test", subject="Offerte"))
    case = world.open_search()
    assert (world.counts(case), world.lists(case)) == ("1-5", ["Offerte 4711", "Offerte 4712"])
