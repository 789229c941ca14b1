"""kill -9 between any two lines of a search: opened once, counted once, listed once, closed once; no list is left, no try is given back."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mailroom import Message, SearchWorld
from tests.test_kills import LEASE, in_child, kill_at
from tests.test_viewing import Viewing, delivered

from locum.asides import Aside
from locum.demo.sink import Sink
from locum.desk import Acting
from locum.lifecycle import Case, State

pytest_plugins = ("tests.stores",)
pytestmark = pytest.mark.slow

Make = Callable[[str], SearchWorld]
OPENING = ("open.intended", "open.witnessed", "open.committed")
LOOKING = ("look.judged", "look.looked", "look.committed")
CLOSING = ("close.intended", "close.wiped", "close.closed", "close.committed")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink)


@pytest.fixture
def stored(tmp_path: Path, store_url: str) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink, store_url=store_url)


def killed_at(world: SearchWorld, step: str) -> None:
    """A worker that dies at this step; another that comes when its lease is over."""
    world.step = kill_at(step)
    _, status = os.waitpid(in_child(world, SearchWorld.work), 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "the step was never passed"
    world.step = lambda _name: None
    world.app = world.wired()
    world.later(seconds=LEASE)


def bob(world: SearchWorld) -> Acting:
    return world.me("bob")


def signed(world: SearchWorld) -> Case:
    """A search that both have signed, and that no worker opened yet."""
    case = world.unanswered()
    world.signs("bob", case, "request")
    one = world.asked("dirk", case, "approve")
    world.desk.sign(world.me("dirk"), case.id, one.statement, world.keys["dirk"].sign(one.challenge).dump(), "Fine.")
    return case


def counted(world: SearchWorld) -> Case:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    return world.now_of(case)


def kinds(world: SearchWorld, case: Case) -> Counter[tuple[str, object]]:
    entries = world.app.store.entries(case=case.id)
    return Counter((one.type, one.body.get("act")) for one in entries)


@pytest.mark.parametrize("step", OPENING)
def test_it_is_opened_once_whoever_dies(world: SearchWorld, step: str) -> None:
    case = signed(world)
    killed_at(world, step)
    assert (world.state(case), kinds(world, case)["done", "apply"]) == (State.APPLIED, 1)


@pytest.mark.parametrize("step", LOOKING)
def test_it_is_counted_once_in_the_record_and_the_try_is_one(world: SearchWorld, step: str) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.desk.searching.count(bob(world), case)
    killed_at(world, step)
    assert (world.ladder(case).bucket, world.ladder(case).counts, kinds(world, case)["counted", None]) == ("1-5", 1, 1)


@pytest.mark.parametrize("step", [*LOOKING, "look.kept"])
def test_it_is_listed_once_and_the_list_is_the_one_of_the_record(world: SearchWorld, step: str) -> None:
    case = counted(world)
    world.desk.searching.list(bob(world), case)
    killed_at(world, step)
    kept = world.desk.searching.hits(bob(world), world.now_of(case))
    assert kept is not None
    assert world.ladder(case).listed == tuple(one.digest for one in kept.hits)


@pytest.mark.parametrize("step", [*LOOKING, "look.kept"])
def test_it_is_opened_once_or_may_be_signed_for_anew(world: SearchWorld, step: str) -> None:
    viewing = Viewing(world).both_choose()
    viewing.sign("bob")
    viewing.sign("dirk")
    killed_at(world, step)
    world.later(minutes=3)
    opened, closed = viewing.said("opened"), [one["why"] for one in viewing.said("closed")]
    assert (len(opened), closed) in ((1, []), (0, ["late"]))
    assert world.desk.office.asides.read(viewing.case.id, Aside.MESSAGE) is None


@pytest.mark.parametrize("step", [*LOOKING, "look.sent"])
def test_it_is_delivered_once_or_nobody_knows(world: SearchWorld, step: str) -> None:
    viewing = Viewing(world).opened()
    world.desk.viewings.deliver(bob(world), viewing.now)
    killed_at(world, step)
    sent, told = delivered(world.sink), [str(one["receipt"]) for one in viewing.said("delivered")]
    assert (len(sent), told) == (1, ["unknown" if step == "look.sent" else "250 kept"])


@pytest.mark.parametrize("step", CLOSING)
def test_it_is_closed_once_and_no_list_is_left(world: SearchWorld, step: str) -> None:
    case = counted(world)
    world.lists(case)
    world.desk.end(bob(world), case.id)
    killed_at(world, step)
    assert (world.now_of(case).is_final, kinds(world, case)["ended", None]) == (True, 1)
    assert world.desk.office.asides.read(case.id, Aside.HITS) is None


def test_a_worker_that_dies_while_she_stops_it_leaves_nothing(stored: SearchWorld) -> None:
    case = counted(stored)
    stored.desk.searching.list(bob(stored), case)
    stored.step = kill_at("look.kept")
    os.waitpid(in_child(stored, SearchWorld.work), 0)
    stored.desk.answer(stored.token("anna@corp.test", "live"), "stop")
    stored.step = lambda _name: None
    stored.app = stored.wired()
    stored.later(seconds=LEASE)
    left = stored.desk.office.asides.read(case.id, Aside.HITS)
    assert (stored.now_of(case).is_final, left, stored.bodies(case, "listed")) == (True, None, [])
