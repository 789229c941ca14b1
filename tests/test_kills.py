"""kill -9 at every step of asking, applying and ending: nothing is lost, nothing is done twice, nothing is left half.

The child is forked from a warm parent and killed by itself at a named step, or by the parent at a random moment.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.lifecycle import Case, State

STEPS = [
    "ask.sending",
    "ask.sent",
    "apply.intended",
    "apply.written",
    "apply.committed",
    "end.intended",
    "end.written",
    "end.committed",
]
LEASE = 61


pytest_plugins = ("tests.stores",)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, store_url=store_url, policy={"wait_hours": 0})


def in_child(world: World, act: Callable[[World], object]) -> int:
    """Fork; the child wires itself anew over the same store and acts. Gives back its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        world.app = world.wired()
        act(world)
        code = 0
    finally:
        os._exit(code)


def kill_at(step: str) -> Callable[[str], None]:
    def stop(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return stop


def settled(world: World, case: Case) -> None:
    """What has to hold of a case that ran to its end, however often somebody was killed on the way."""
    entries = world.app.store.entries(case=case.id)
    kinds = Counter((e.type, e.body.get("act")) for e in entries)
    assert world.desk.case(case.id).state is State.ACCOUNTED
    assert kinds["done", "apply"] == kinds["done", "end"] == kinds["ended", None] == kinds["accounted", None] == 1
    assert world.published() == {}


def run_to_the_end(world: World, case: Case) -> None:
    world.app = world.wired()
    world.later(seconds=LEASE)
    assert world.desk.case(case.id).state is State.APPLIED
    assert len(world.published()) == 1
    world.later(days=15)
    world.later(seconds=LEASE)
    settled(world, case)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_it_goes_on_where_it_was(world: World, step: str) -> None:
    case = world.request()
    world.step = kill_at(step)
    if step.startswith("end"):
        world.work()
        world.now = case.auto_reply.to_date
    _, status = os.waitpid(in_child(world, World.work), 0)
    assert os.WIFSIGNALED(status), "the step was never passed"
    world.step = lambda _name: None
    if step.startswith("end"):
        world.app = world.wired()
        world.later(seconds=LEASE)
        settled(world, case)
    else:
        run_to_the_end(world, case)


@pytest.mark.slow
def test_two_hundred_random_kills_lose_and_double_nothing(world: World) -> None:
    chance = random.Random(20261123)
    kills = 0
    while kills < 200:
        case = world.request(until=(world.now + timedelta(days=14)).isoformat())
        while kills < 200 and world.desk.case(case.id).state is not State.ACCOUNTED:
            pid = in_child(world, World.work)
            time.sleep(chance.uniform(0.0, 0.06))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            kills += os.WIFSIGNALED(status)
            world.now = next_moment(world, nothing_left=os.WIFEXITED(status))
        world.app = world.wired()
        world.later(seconds=LEASE)
        world.later(days=15)
        world.later(seconds=LEASE)
        settled(world, case)


def next_moment(world: World, *, nothing_left: bool) -> datetime:
    """When the dead worker's lease is over, or, where all was done, when something is due again."""
    after = world.now + timedelta(seconds=LEASE)
    due = world.app.store.next_due() if nothing_left else None
    return max(after, due) if due else after
