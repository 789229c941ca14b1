"""Signing at the desk: who may, what is signed, and that a forward waits until both have."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.signedworld import SignedWorld

from locum.demo.sink import Sink
from locum.lifecycle import State

pytest_plugins = ("tests.stores",)
Make = Callable[..., SignedWorld]


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: SignedWorld(tmp_path, sink, store_url=store_url, **options)


@pytest.fixture
def world(make: Make) -> SignedWorld:
    return make()


def test_a_forward_is_live_when_both_have_signed(world: SignedWorld) -> None:
    case = world.asked_for()
    assert case.state is State.AWAITING_REVIEW
    world.signs("bob", case, "request")
    assert world.state(case) is State.AWAITING_REVIEW
    world.signs("dirk", case)
    assert world.state(case) is State.APPLIED
