"""The worker: lanes side by side, leases kept, checkpoints signed, nothing said in its log, and no job done twice or lost
when a process is killed. The desk here is a stand-in of a few lines; the real one is tried in test_two_workers.py.
"""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.filings import a_case, a_draft, filing

from locum import tlog, worker
from locum.entry import Entry
from locum.errors import Unreachable
from locum.flatfile import FlatFile
from locum.publishing import Publisher
from locum.signer import Signer
from locum.store import Change, Job, Store, Taken

pytest_plugins = ("tests.stores",)
pytestmark = pytest.mark.slow

LEASE = 1.0


def real_clock() -> datetime:
    return datetime.now(UTC)


class Acts:
    """A desk whose jobs are one function."""

    def __init__(self, store: Store, act: Callable[[Sequence[Taken]], None] | None = None) -> None:
        self.store = store
        self.act = act or self.finish

    def run(self, taken: Sequence[Taken]) -> None:
        self.act(taken)

    def finish(self, taken: Sequence[Taken]) -> None:
        self.store.commit(
            [Change(finished=one, entries=(a_draft(f"{one.job.case}@corp.test", "done"),)) for one in taken]
        )


@pytest.fixture
def living(store_url: str) -> Iterator[Store]:
    """A store that lives in real time."""
    made = Store(store_url, real_clock)
    yield made
    made.close()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "record.key", "corp.test/locum")


@contextmanager
def working(store: Store, desk: Acts, signer: Signer, log: io.StringIO | None = None) -> Iterator[threading.Event]:
    stop, errors = threading.Event(), []
    publisher = Publisher(store, signer, FlatFile(signer._path.with_name("log")), real_clock)

    def work() -> None:
        try:
            worker.run(
                desk, store, publisher, worker_id="w", clock=real_clock, stop=stop, lease_seconds=LEASE, idle_seconds=0.2,
                log_to=log or io.StringIO(),
            )  # fmt: skip
        except BaseException as error:
            errors.append(error)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert errors == []


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def put(store: Store, *cases: str, lane: str = "desk", kind: str = "ask", in_seconds: float = 0) -> None:
    due = real_clock() + timedelta(seconds=in_seconds)
    store.commit([Change(put=tuple(Job(kind=kind, case=case, due_at=due, lane=lane) for case in cases))])


def said(store: Store) -> list[Entry]:
    """The entries that say something."""
    return [one for one in store.entries() if one.type != "blank"]


def written(store: Store) -> int:
    return len(store.leaves()) - store.length("org/blank")[0]


def test_what_is_due_is_done_and_signed(living: Store, signer: Signer) -> None:
    put(living, "a", "b")
    with working(living, Acts(living), signer):
        eventually(lambda: written(living) == 2)
        eventually(lambda: living.checkpoint() is not None)
    note = living.checkpoint()
    assert note is not None
    assert tlog.parse_checkpoint(tlog.verify(note, signer.vkey)).size == len(living.leaves())


def grown(store: Store, name: str) -> float:
    """How long it takes until one more entry is signed."""
    began = time.monotonic()
    store.commit([Change(entries=(a_draft(f"org/{name}", "policy"),))])
    size = len(store.leaves())
    eventually(lambda: (note := store.checkpoint()) is not None and tlog.parse_checkpoint(note).size >= size)
    return time.monotonic() - began


def test_growth_is_signed_within_a_second_also_while_a_job_takes_long(living: Store, signer: Signer) -> None:
    release = threading.Event()
    begun = threading.Event()
    put(living, "slow", lane="dovecot")
    with working(living, Acts(living, lambda _taken: begun.set() or release.wait(60)), signer):
        assert begun.wait(20)
        took = [grown(living, name) for name in ("policy", "another", "a third")]
        release.set()
    assert min(took) < 1  # others use the machine too


def test_a_slow_lane_holds_up_no_other(living: Store, signer: Signer) -> None:
    release = threading.Event()
    desk = Acts(living)
    desk.act = lambda taken: (release.wait(20) if taken[0].job.lane == "dovecot" else True) and desk.finish(taken)
    put(living, "slow", lane="dovecot")
    put(living, "quick", lane="letters")
    with working(living, desk, signer):
        eventually(lambda: living.jobs("quick") == [])
        assert living.jobs("slow") != []
        release.set()
        eventually(lambda: living.jobs("slow") == [])


def test_a_job_is_done_when_it_becomes_due(living: Store, signer: Signer) -> None:
    done: list[datetime] = []
    desk = Acts(living)
    desk.act = lambda taken: done.append(real_clock()) or desk.finish(taken)
    due = real_clock() + timedelta(seconds=1)
    put(living, "later", in_seconds=1)
    with working(living, desk, signer):
        eventually(lambda: living.jobs("later") == [])
    assert [due <= at for at in done] == [True]


def test_a_lease_is_kept_while_a_job_takes_longer_than_it(living: Store, signer: Signer) -> None:
    done: list[str] = []
    desk = Acts(living)

    def slowly(taken: Sequence[Taken]) -> None:
        time.sleep(LEASE * 2.5)
        desk.finish(taken)
        done.extend(one.job.case for one in taken)

    desk.act = slowly
    put(living, "a")
    with working(living, desk, signer), working(living, desk, signer):
        eventually(lambda: living.jobs("a") == [])
    assert done == ["a"]


def test_one_jobs_error_holds_up_no_other_and_is_put_off(living: Store, signer: Signer) -> None:
    desk = Acts(living)

    def act(taken: Sequence[Taken]) -> None:
        if any(one.job.case == "bad" for one in taken):
            raise ZeroDivisionError("her own words")
        desk.finish(taken)

    desk.act = act
    put(living, "bad", *(f"c{n}" for n in range(5)))
    log = io.StringIO()
    with working(living, desk, signer, log):
        eventually(lambda: written(living) == 5)
        eventually(lambda: living.jobs("bad")[0].tries > 0)
    (left,) = living.jobs("bad")
    assert left.trouble == "worker-error"
    assert "her own words" not in log.getvalue()
    assert "ZeroDivisionError" in log.getvalue()


def test_a_job_that_the_desk_leaves_lying_is_put_off(living: Store, signer: Signer) -> None:
    put(living, "a")
    with working(living, Acts(living, lambda _taken: None), signer):
        eventually(lambda: living.jobs("a")[0].tries > 0)


def test_trouble_with_the_store_is_waited_out(tmp_path: Path, signer: Signer) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", real_clock)
    log = io.StringIO()
    with working(made, Acts(made), signer, log):
        eventually(lambda: "store-unreachable" in log.getvalue())
        made.migrate()
        put(made, "a")
        eventually(lambda: made.jobs("a") == [])
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert "trouble-over" in {line["event"] for line in lines}
    assert len([line for line in lines if line["event"] == "trouble"]) < 12


def test_the_log_is_one_line_of_json_per_job_without_any_text(living: Store, signer: Signer) -> None:
    case = a_case(7)
    desk = Acts(living)
    living.commit([filing(case)])
    log = io.StringIO()
    with working(living, desk, signer, log):
        eventually(lambda: living.jobs(case.id) == [])
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (job,) = [line for line in lines if line["event"] == "job"]
    assert (job["case"], job["kind"], job["lane"], job["went"], job["worker"]) == (case.id, "ask", "desk", "ran", "w")
    for word in (case.mailbox, case.auto_reply.subject, "Ik ben er niet"):
        assert word not in log.getvalue()


def test_the_log_names_the_trouble_of_a_job_that_was_put_off(living: Store, signer: Signer) -> None:
    log = io.StringIO()
    put(living, "late", lane="dovecot")
    desk = Acts(living, lambda taken: living.back_off(taken, real_clock() + timedelta(hours=1), "relay-silent"))
    with working(living, desk, signer, log):
        eventually(lambda: '"case": "late"' in log.getvalue())
    [job] = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "job"]
    assert (job["went"], job["trouble"]) == ("put-off", "relay-silent")


def test_when_it_stops_letters_that_were_not_begun_are_given_back(living: Store, signer: Signer) -> None:
    begun, release = threading.Event(), threading.Event()
    names = [f"case-{number}" for number in range(5)]
    desk = Acts(living)

    def slowly(taken: Sequence[Taken]) -> None:
        begun.set()
        release.wait(20)
        desk.finish(taken)

    desk.act = slowly
    put(living, *names, lane="letters")
    with working(living, desk, signer) as stop:
        assert begun.wait(20)
        stop.set()
        release.set()
    left = [job for name in names for job in living.jobs(name)]
    assert (len(left), {job.tries for job in left}) == (4, {0})
    assert len(living.take("other", seconds=5)) == 4


def test_what_is_begun_is_finished_when_it_stops(living: Store, signer: Signer) -> None:
    begun, release = threading.Event(), threading.Event()
    desk = Acts(living)

    def act(taken: Sequence[Taken]) -> None:
        begun.set()
        release.wait(20)
        desk.finish(taken)

    desk.act = act
    put(living, "a", lane="one")
    with working(living, desk, signer) as stop:
        assert begun.wait(10)
        put(living, "b", lane="one")
        stop.set()
        release.set()
    assert living.jobs("a") == []
    assert living.jobs("b") != []
    assert living.checkpoint() is not None  # the last entries are signed on the way out


def test_an_error_that_says_its_key_is_logged_with_it(living: Store, signer: Signer) -> None:
    def act(_taken: Sequence[Taken]) -> None:
        raise Unreachable("relay-down", relay="secret.test")

    put(living, "a")
    log = io.StringIO()
    with working(living, Acts(living, act), signer, log):
        eventually(lambda: "relay-down" in log.getvalue())
    assert "secret.test" not in log.getvalue()


# Processes

WORKER = textwrap.dedent(
    """
    import sys, time
    from datetime import UTC, datetime
    from pathlib import Path
    from threading import Event
    from locum import worker
    from locum.entry import Draft
    from locum.store import Change, Store
    from locum.signer import Signer
    from locum.flatfile import FlatFile
    from locum.publishing import Publisher

    clock = lambda: datetime.now(UTC)
    url, key, name, many = sys.argv[1:]
    store, stop = Store(url, clock), Event()

    class Desk:
        def run(self, taken):
            for group in (taken[at : at + int(many)] for at in range(0, len(taken), int(many))):
                time.sleep(0.02)  # the mail system
                changes = []
                for one in group:
                    stream = one.job.case + "@corp.test"
                    done = Draft(stream=stream, type="done", time=clock(), body={"by": name})
                    changes.append(Change(finished=one, entries=(done,)))
                store.commit(changes)

    worker.stop_on_signals(stop)
    publisher = Publisher(store, Signer(Path(key), "corp.test/locum"), FlatFile(Path(key).with_name("log")), clock)
    worker.run(Desk(), store, publisher, worker_id=name, clock=clock, stop=stop,
               lease_seconds=1.5, idle_seconds=0.2, many=20)
    """
)


def start(url: str, folder: Path, name: str, many: int = 5) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, url, str(folder / "record.key"), name, str(many)]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stderr=log)


def test_two_workers_of_whom_one_is_killed_do_two_hundred_jobs_exactly_once(
    store_url: str, living: Store, tmp_path: Path
) -> None:
    names = [f"c{n}" for n in range(200)]
    living.limit_lane("dovecot", 50)
    put(living, *names, lane="dovecot")
    workers = [start(store_url, tmp_path, name) for name in ("first", "second")]
    try:
        eventually(lambda: {e.body["by"] for e in said(living)} == {"first", "second"})
        workers[0].send_signal(signal.SIGKILL)
        assert workers[0].wait(60) == -signal.SIGKILL
        assert written(living) < 200
        eventually(lambda: written(living) >= 200, 60)
        workers[1].send_signal(signal.SIGTERM)
        assert workers[1].wait(60) == 0
    finally:
        for process in workers:
            process.kill()
            process.wait()
    done = Counter(e.stream.removesuffix("@corp.test") for e in said(living))
    assert done == Counter(names)
    assert [living.jobs(name) for name in names] == [[]] * 200
    note = living.checkpoint()
    assert note is not None
    assert tlog.parse_checkpoint(note).root == tlog.root([tlog.leaf_hash(leaf) for leaf in living.leaves()])


def test_a_worker_that_is_killed_again_and_again_loses_nothing(store_url: str, living: Store, tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(18)]
    put(living, *names)
    done = 0
    for turn in range(18):
        if done == 18:
            break
        process = start(store_url, tmp_path, f"w{turn}", many=3)
        try:
            eventually(lambda done=done: written(living) > done)  # type: ignore[misc]
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        done = written(living)
    assert Counter(e.stream.removesuffix("@corp.test") for e in said(living)) == Counter(names)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_stops_when_it_is_told(store_url: str, living: Store, tmp_path: Path, number: signal.Signals) -> None:
    put(living, "a")
    process = start(store_url, tmp_path, "w")
    try:
        eventually(lambda: living.jobs("a") == [])
        process.send_signal(number)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
