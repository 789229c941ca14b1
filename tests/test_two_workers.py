"""Two real `locum worker` processes, one of them killed in the middle: every case is applied, and applied once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import RequestForm
from locum.lifecycle import Case, State

pytest_plugins = ("tests.stores",)
CASES = 200


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    header = "person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on"
    rows = [f"p{n},Person {n},p{n}@corp.test,,en,Europe/Amsterdam,sales,,,," for n in range(CASES)]
    people = "\n".join([header, "bob,Bob Smit,bob@corp.test,,en,Europe/Amsterdam,it,,,,", *rows]) + "\n"
    with Sink() as sink:
        yield World(
            tmp_path,
            sink,
            store_url=store_url,
            now=datetime.now(UTC).replace(microsecond=0),
            policy={"wait_hours": 0},
            people=people,
            more="[worker]\nlease_seconds = 3\n",
        )


def worker(world: World) -> subprocess.Popen[bytes]:
    log = (world.folder / "worker.log").open("ab")
    command = [sys.executable, "-m", "locum", "--config", str(world.config), "worker"]
    return subprocess.Popen(command, stdout=log, stderr=log)


@pytest.mark.slow
def test_one_of_two_workers_killed_and_all_are_applied_once(world: World) -> None:
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text().replace("[auto-reply.ask]", "batch_review_above = 1000\n[auto-reply.ask]"))
    world.app = world.wired()
    until = (world.now + timedelta(days=7)).isoformat()
    forms = [
        RequestForm(mailbox=f"p{n}@corp.test", reason="closing", because="Closed.", until=until) for n in range(CASES)
    ]
    filed = world.desk.request_many(world.app.acting("bob"), forms, batch="closing")
    assert all(isinstance(case, Case) for case in filed)
    first, second = worker(world), worker(world)
    try:
        _until(lambda: _applied(world) >= 1)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        _until(lambda: _applied(world) == CASES)
    finally:
        for process in (first, second):
            process.terminate()
            process.wait(20)
    assert len(list((world.folder / "sieve").glob("*/*.sieve"))) == CASES
    for case in filed:
        assert isinstance(case, Case)
        entries = Counter((e.type, e.body.get("act")) for e in world.app.store.entries(case=case.id))
        assert entries["done", "apply"] == 1


def _applied(world: World) -> int:
    return len(world.app.store.find(state=State.APPLIED, limit=CASES + 1))


def _until(holds: object, seconds: float = 90) -> None:
    begin = time.monotonic()
    while not holds():  # type: ignore[operator]
        assert time.monotonic() - begin < seconds, "did not happen in time"
        time.sleep(0.05)
