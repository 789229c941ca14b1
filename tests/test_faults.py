"""Faults around a case, through the whole desk: the place where scripts are published, the store, the relay, the mail
server. Each is told, put off, mended by nobody but the one who mends the fault, and done exactly once.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from tests.on_dovecot import AT_ONCE, MAIN, RULES, asked_for, managesieve, owner, world_of
from tests.world import World

from locum import worker
from locum.demo.host import Dovecot, Sink
from locum.errors import Trouble
from locum.lifecycle import Case, State
from locum.messages import LANGUAGES, says
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD
from mailhosts.postgres import Postgres, programs
from mailhosts.publishing import PUBLISHER, disk, fill, open_folder, read_only

pytestmark = pytest.mark.slow


@pytest.fixture
def relay() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may enter."""
    made = open_folder("locum-faults-")
    yield made
    shutil.rmtree(made, ignore_errors=True)


def jobs(world: World, case: Case) -> dict[str, tuple[int, str]]:
    """What is still to be done, how often it was tried, and why it was put off."""
    return {job.kind: (job.tries, job.trouble) for job in world.app.store.jobs(case.id)}


def acts(world: World, case: Case) -> Counter[tuple[str, object]]:
    return Counter((entry.type, entry.body.get("act")) for entry in world.app.store.entries(case=case.id))


def done_once(world: World, case: Case) -> None:
    """What has to hold of a case that ran to its end, whatever happened on the way."""
    counted = acts(world, case)
    assert world.desk.case(case.id).state is State.ACCOUNTED
    done = [counted["done", "apply"], counted["done", "end"], counted["ended", None], counted["accounted", None]]
    assert done == [1, 1, 1, 1]
    assert world.published() == {}


def is_told(trouble: str) -> bool:
    return all(says(language, f"errors.{trouble}.sentence") for language in LANGUAGES)


# the place where scripts are published


@contextmanager
def small_disk(world: World, fault: str) -> Iterator[None]:
    place = world.folder / "sieve"
    (fill if fault == "full" else read_only)(place)
    yield
    if fault == "full":
        (place / "ballast").unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)


@contextmanager
def forbidden(world: World, _fault: str) -> Iterator[None]:
    """Locum runs as a user who may not enter the place."""
    place = world.folder / "sieve"
    for path in (world.folder, *world.folder.rglob("*")):
        os.chown(path, PUBLISHER, PUBLISHER)
    os.chown(place, 0, 0)
    place.chmod(0o700)
    os.setegid(PUBLISHER)
    os.seteuid(PUBLISHER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        place.chmod(0o755)


@contextmanager
def replaced(world: World, fault: str) -> Iterator[None]:
    place, aside = world.folder / "sieve", world.folder / "aside"
    place.rename(aside)
    match fault:
        case "a file":
            place.write_text("x")
        case "a symlink":
            place.symlink_to(aside)
        case "a loop":
            place.symlink_to(place)
    yield
    with suppress(FileNotFoundError):
        place.unlink()
    aside.rename(place)


FAULTS: dict[str, tuple[str, Callable[[World, str], object]]] = {
    "full": ("publishing-full", small_disk),
    "read-only": ("publishing-read-only", small_disk),
    "unreadable": ("publishing-forbidden", forbidden),
    "a file": ("publishing-not-a-directory", replaced),
    "a symlink": ("publishing-not-a-directory", replaced),
    "a loop": ("publishing-not-a-directory", replaced),
    "missing": ("publishing-missing", replaced),
}


@pytest.fixture(params=list(FAULTS))
def faulty(
    request: pytest.FixtureRequest, folder: Path, relay: Sink
) -> Iterator[tuple[World, Callable[[], object], str]]:
    """An organisation whose place of publishing can be made faulty, that fault, and what it is to be told as."""
    told, break_it = FAULTS[request.param]
    if break_it is replaced:
        world = World(folder, relay, policy=AT_ONCE)
        yield world, lambda: break_it(world, request.param), told
        return
    if os.geteuid() != 0:
        pytest.skip("other users and small disks need root")
    with disk(folder / "sieve"):
        world = World(folder, relay, policy=AT_ONCE)
        yield world, lambda: break_it(world, request.param), told


Faulty = tuple[World, Callable[[], "contextmanager[None]"], str]


def test_a_fault_where_scripts_are_published_puts_setting_off_until_it_is_mended(faulty: Faulty) -> None:
    world, fault, told = faulty
    case = world.request()
    for lane in ("letters", "desk"):  # asked before the fault: what is tried here is the publishing
        while taken := world.app.store.take("worker-1", seconds=60, lanes=[lane]):
            world.desk.run(taken)
    with fault():
        waits = []
        for _ in range(4):
            world.work()
            job = next(job for job in world.app.store.jobs(case.id) if job.kind == "apply")
            waits.append(job.due_at - world.now)
            world.now = job.due_at
        assert (job.tries, job.trouble) == (4, told)
        assert waits == sorted(set(waits))
        assert is_told(told)
        assert world.desk.case(case.id).state in (State.SCHEDULED, State.APPLYING)
    assert world.published() == {}
    world.work()
    assert (world.desk.case(case.id).state, len(world.published())) == (State.APPLIED, 1)
    world.later(days=20)
    done_once(world, case)


def test_a_fault_while_a_reply_is_live_leaves_it_live_and_it_ends_when_that_is_mended(faulty: Faulty) -> None:
    world, fault, told = faulty
    case = world.request()
    world.work()
    before = world.published()
    with fault():
        world.later(hours=2)
        assert world.desk.case(case.id).state is State.APPLIED
    world.later(hours=2)
    assert (world.desk.case(case.id).state, world.published()) == (State.APPLIED, before)
    with fault():
        world.now = case.auto_reply.to_date
        world.work()
        put_off = jobs(world, case).get("end")
    world.later(hours=2)
    assert put_off in ((1, told), None)  # a full disk does not stop a script from being removed
    assert (put_off is None) == (told == "publishing-full")
    done_once(world, case)


def test_a_fault_that_outlasts_the_time_asked_for_leaves_nothing_live_and_is_accounted_for(faulty: Faulty) -> None:
    world, fault, _ = faulty
    case = world.request()
    with fault():
        world.work()
        world.later(days=15)
    world.later(hours=2)
    after = world.desk.case(case.id)
    assert after.state in (State.ACCOUNTED, State.EXPIRED)
    assert (after.accounted_at is not None, world.published(), acts(world, case)["done", "apply"]) == (True, {}, 0)
    assert (len(world.letters("anna@corp.test", "live")), len(world.letters("anna@corp.test", "account"))) == (0, 1)
    told = world.desk.account(case.id)
    said = " ".join(row.text for section in told.sections for row in section.rows)
    # Where the setting had begun, the record says that it failed, and not that it was taken away.
    if after.state is State.ACCOUNTED:
        assert (after.outcome, told.outcome, "failed" in world.types(case)) == ("failed", "failed", True)
        assert "Het automatische antwoord is weggehaald" not in said
        assert "publishing-" not in said  # a sentence, and no key


# the worker's own loop, while the store, the relay or the mail server is away


@contextmanager
def working(world: World, log: StringIO | None = None, lease_seconds: float = 1800) -> Iterator[Callable[..., None]]:
    """A worker on this organisation. Gives back how to wait: the organisation's clock runs a minute per tenth of a second."""
    stop = threading.Event()
    publisher = world.app.publisher
    assert publisher is not None
    thread = threading.Thread(
        target=lambda: worker.run(
            world.desk, world.app.store, publisher, worker_id="w", clock=lambda: world.now, stop=stop,
            lease_seconds=lease_seconds, idle_seconds=0.05, log_to=log or StringIO(),
        )
    )  # fmt: skip

    def eventually(holds: Callable[[], object], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.1)
            world.now += timedelta(minutes=1)

    thread.start()
    try:
        yield eventually
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def is_in(world: World, case: Case, state: State) -> Callable[[], bool]:
    def holds() -> bool:
        try:
            return world.desk.case(case.id).state is state
        except Trouble:
            return False

    return holds


def once(at: str, act: Callable[[], object]) -> Callable[[str], None]:
    """A step hook that acts the first time that `at` is passed."""
    done: list[str] = []

    def step(name: str) -> None:
        if name == at and not done:
            done.append(name)
            act()

    return step


LOCK = """
import sqlite3, sys, time
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
store.execute("ROLLBACK")
"""


def locked(world: World, seconds: float) -> subprocess.Popen[str]:
    """Another process holds the database for so long, from now on."""
    command = [sys.executable, "-c", LOCK, str(world.folder / "locum.db"), str(seconds)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    return other


def a_world(folder: Path, relay: Sink, store_url: str = "") -> World:
    return World(folder, relay, store_url=store_url or f"sqlite:///{folder}/locum.db", policy=AT_ONCE)


@pytest.mark.parametrize(("step", "patience"), [("apply.written", 10.0), ("end.written", 0.2)])
def test_a_database_that_another_process_has_locked_is_waited_for(
    folder: Path, relay: Sink, monkeypatch: pytest.MonkeyPatch, step: str, patience: float
) -> None:
    """With patience the commit itself waits; without, the worker comes back when its lease is over."""
    monkeypatch.setattr("locum.database.BUSY_SECONDS", patience)
    world = a_world(folder, relay)
    others: list[subprocess.Popen[str]] = []
    world.step = once(step, lambda: others.append(locked(world, 1.5)))
    world.app = world.wired()
    case = world.request()
    log = StringIO()
    with working(world, log) as eventually:
        eventually(is_in(world, case, State.APPLIED))
        world.now = case.auto_reply.to_date
        eventually(is_in(world, case, State.ACCOUNTED))
    assert others
    assert others[0].wait(10) == 0
    assert ("store-unreachable" in log.getvalue()) == (patience < 1)
    done_once(world, case)


def test_a_postgresql_that_is_restarted_in_the_middle_is_waited_for(folder: Path, relay: Sink) -> None:
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    server = Postgres(binaries)
    try:
        world = a_world(folder, relay, server.url(server.new_database()))
        stopped: list[int] = []
        world.step = once("apply.written", lambda: stopped.append(restarted(server)))
        world.app = world.wired()
        case = world.request()
        with working(world) as eventually:
            eventually(is_in(world, case, State.APPLIED))
            world.now = case.auto_reply.to_date
            eventually(is_in(world, case, State.ACCOUNTED))
        assert stopped == [0]
        done_once(world, case)
    finally:
        server.stop()


def restarted(server: Postgres) -> int:
    """Stop the server now, and start it again in a second. Gives back how it stopped."""
    server.process.send_signal(signal.SIGINT)
    status = server.process.wait(20)
    command = server.process.args

    def start() -> None:
        with (server.folder / "log").open("ab") as log:
            server.process = subprocess.Popen(command, user=server.user, cwd=server.folder, stdout=log, stderr=log)

    threading.Timer(1.0, start).start()
    return status


def test_a_relay_that_is_down_holds_up_nothing_but_letters_and_they_leave_when_it_is_back(
    folder: Path, relay: Sink
) -> None:
    world = a_world(folder, relay)
    early = world.request(mailbox="dirk@corp.test")
    with working(world) as eventually:
        eventually(is_in(world, early, State.APPLIED))
        relay.refusing = "451 4.3.0 later"
        case = world.request()
        world.desk.end(world.app.acting("bob"), early.id)
        eventually(is_in(world, early, State.ENDED))
        eventually(lambda: jobs(world, case)["ask"][0] > 2)
        assert world.desk.case(case.id).state is State.ASKING
        assert not world.letters("anna@corp.test")
        relay.refusing = ""
        eventually(is_in(world, early, State.ACCOUNTED))
        eventually(is_in(world, case, State.APPLIED))
        eventually(lambda: world.letters("anna@corp.test", "live"))
    assert len(world.letters("dirk@corp.test", "account")) == 1
    assert len(world.letters("anna@corp.test", "ask")) == len(world.letters("anna@home.test", "ask")) == 1


def test_a_managesieve_server_that_is_down_is_waited_for(folder: Path, relay: Sink) -> None:
    users = {"anna@corp.test": PASSWORD}
    with Dovecot(users=users, masters_sieve={MASTER: MASTER_PASSWORD}) as host:
        her = owner(host, "anna@corp.test")
        her.has({"main": MAIN, "rules": RULES}, "main")
        hers = her.shelf()
        world = world_of(folder, relay, managesieve(host, folder), "anna@corp.test")
        with working(world) as eventually:
            host.stop()
            case = asked_for(world, "anna@corp.test")
            eventually(lambda: jobs(world, case).get("apply", (0, ""))[0] > 1)
            told = jobs(world, case)["apply"][1]
            host.start()
            eventually(is_in(world, case, State.APPLIED))
            assert (told, is_told(told), her.shelf()) == ("managesieve-unreachable", True, hers)
            host.stop()
            world.now = case.auto_reply.to_date
            eventually(lambda: jobs(world, case).get("end", (0, ""))[0] > 1)
            host.start()
            eventually(is_in(world, case, State.ACCOUNTED))
        counted = acts(world, case)
        assert (counted["done", "apply"], counted["done", "end"], her.shelf()) == (1, 1, hers)
