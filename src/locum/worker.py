"""The worker, a door: takes due steps from the store, has the desk do them, and signs checkpoints.

One thread per lane, so that a slow mail system holds up neither letters nor other mail systems; one thread that keeps all
leases; one that signs within a second of growth and publishes at fixed times, one that has witnesses sign what is published. It dies of no job's error. What happens to a case is the desk's matter.
It logs one JSON line per job: kind, case, lane, how it went; never a text, an address or an error's own words.
"""

import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Lock, Thread
from typing import Protocol, TextIO, TypeVar

import structlog

from locum.errors import LocumError
from locum.jobs import LETTERS
from locum.store import Store, Taken

T = TypeVar("T")

LANES_AT_ONCE = 16
_LONGEST_REST = timedelta(minutes=5)
_LETTERS_SECONDS = 10
"""A silent relay takes a minute for each letter, and each letter of the group keeps its case waiting: then no more of it."""


class Desk(Protocol):
    """The part of the desk that a worker needs."""

    def run(self, taken: Sequence[Taken]) -> None:
        """Do these due jobs (one kind and lane)."""
        ...

    def cosign(self) -> None:
        """Have the published record signed by its witnesses, where it is not yet."""
        ...


class Publisher(Protocol):
    """What signs and publishes the record (publishing.py)."""

    def sign(self) -> bytes | None:
        """Sign the record, if it has grown; the signed note."""
        ...

    def publish_if_due(self) -> bytes | None:
        """Publish it, if a fixed time has come; the published note."""
        ...


def run(
    desk: Desk,
    store: Store,
    publisher: Publisher,
    *,
    worker_id: str,
    clock: Callable[[], datetime],
    stop: Event,
    lease_seconds: float = 60.0,
    idle_seconds: float = 1.0,
    many: int = 200,
    log_to: TextIO | None = None,
) -> None:
    """Work until `stop` is set, then finish what is under way. Raises nothing; trouble is logged and waited out.

    `many` jobs at most are given to the desk at once; it looks for new ones every `idle_seconds` at the latest.
    """
    log = _log(log_to, worker_id)
    _Worker(desk, store, publisher, worker_id, clock, stop, lease_seconds, idle_seconds, many, log).run()


def stop_on_signals(stop: Event) -> None:
    """Let SIGTERM and SIGINT set `stop`: the worker ends after what it has begun."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())


def _log(to: TextIO | None, worker_id: str) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(to or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger.bind(worker=worker_id)


@dataclass
class _Worker:
    desk: Desk
    store: Store
    publisher: Publisher
    worker_id: str
    clock: Callable[[], datetime]
    stop: Event
    lease_seconds: float
    idle_seconds: float
    many: int
    log: structlog.typing.FilteringBoundLogger
    busy: dict[str, Future[None]] = field(default_factory=dict)
    held: dict[str, list[Taken]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    wake: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    troubles: dict[str, dict[str, object]] = field(default_factory=dict)

    def run(self) -> None:
        self.log.info("worker-started")
        beside = [
            Thread(target=self._again_and_again, args=(self._keep_leases, self.lease_seconds / 3), daemon=True),
            Thread(target=self._again_and_again, args=(self._sign, self.idle_seconds / 2), daemon=True),
            Thread(target=self._again_and_again, args=(self._cosign, self.idle_seconds), daemon=True),
        ]
        for thread in beside:
            thread.start()
        with ThreadPoolExecutor(LANES_AT_ONCE, thread_name_prefix="lane") as lanes:
            while not self.stop.is_set():
                self._guarded("take", lambda: self._hand_out(lanes))
                self._rest()
        self.over.set()
        for thread in beside:
            thread.join()
        self._guarded("sign", self._sign)
        self.log.info("worker-stopped")

    def _hand_out(self, lanes: ThreadPoolExecutor) -> None:
        """Give every lane that rests a group of jobs, until no lane has any that is due."""
        self.busy = {name: future for name, future in self.busy.items() if not future.done()}
        while not self.stop.is_set() and len(self.busy) < LANES_AT_ONCE:
            free = [name for name in self.store.lanes() if name not in self.busy]
            taken = self.store.take(self.worker_id, seconds=self.lease_seconds, many=self.many, lanes=free)
            if not taken:
                return
            with self.lock:
                self.held[taken[0].worker] = taken
            done = self.busy[taken[0].job.lane] = lanes.submit(self._work, taken)
            done.add_done_callback(lambda _future: self.wake.set())

    def _rest(self) -> None:
        """Until something is due, a lane is free again, or the longest rest is over."""
        seconds = self.idle_seconds
        due_at = self._guarded("sleep", self.store.next_due)
        if due_at is not None and (left := (due_at - self.clock()).total_seconds()) > 0:
            seconds = min(seconds, left)
        self._pause(seconds)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        # In short naps: a signal handler can set `stop`, but must not be asked to wake a lock.
        while not self.stop.is_set() and not self.wake.is_set() and (left := until - time.monotonic()) > 0:
            self.wake.wait(min(left, 0.2))
        self.wake.clear()

    # one group of jobs, in its lane's thread
    def _work(self, taken: list[Taken]) -> None:
        began = time.monotonic()
        try:
            if taken[0].job.lane == LETTERS:
                self._one_by_one(taken, began)
            elif not self._tried(taken) and len(taken) > 1:
                for one in self._still_ours(taken):  # the one that fails must not hold up the others
                    self._tried([one])
            self._account_for(taken, time.monotonic() - began)
        finally:
            with self.lock:
                self.held.pop(taken[0].worker, None)

    def _one_by_one(self, taken: list[Taken], began: float) -> None:
        """Letters, until they take long or the worker stops; the rest is given back as it was."""
        for place, one in enumerate(taken):
            if place and (self.stop.is_set() or time.monotonic() - began > _LETTERS_SECONDS):
                rest = partial(self.store.back_off, taken[place:], self.clock(), "")
                self._guarded("give-back", rest)
                del taken[place:]
                return
            self._tried([one])

    def _tried(self, taken: list[Taken]) -> bool:
        try:
            self.desk.run(taken)
        except Exception as error:  # noqa: BLE001 the outer loop: one job's error must not end the others' work
            job = taken[0].job
            self.log.warning("job-error", kind=job.kind, lane=job.lane, jobs=len(taken), **_told(error))
            return False
        return True

    def _still_ours(self, taken: list[Taken]) -> list[Taken]:
        ours = self._guarded("renew", lambda: self.store.renew(taken, self.lease_seconds))
        return ours or []

    def _account_for(self, taken: list[Taken], seconds: float) -> None:
        """Give back what the desk neither finished nor put off, and log each job."""
        left = self._still_ours(taken)
        for one in left:
            self._guarded("back-off", partial(self._give_back, one))
        put_off = self._guarded("read", lambda: self.store.put_off(taken)) or {}
        unfinished = {one.job.case for one in left}
        common = {
            "kind": taken[0].job.kind,
            "lane": taken[0].job.lane,
            "jobs": len(taken),
            "seconds": round(seconds, 3),
        }
        for one in taken:
            case, trouble = one.job.case, put_off.get(one.job.case, "")
            went = "unfinished" if case in unfinished else "put-off" if trouble else "ran"
            self.log.info("job", case=case, tries=one.job.tries, went=went, trouble=trouble, **common)

    def _give_back(self, one: Taken) -> None:
        rest = min(timedelta(seconds=2 ** min(one.job.tries, 9)), _LONGEST_REST)
        self.store.back_off([one], self.clock() + rest, "worker-error")

    # beside the lanes
    def _again_and_again(self, work: Callable[[], None], every: float) -> None:
        while not self.over.wait(every):
            self._guarded(work.__name__.strip("_"), work)

    def _keep_leases(self) -> None:
        with self.lock:
            held = [one for group in self.held.values() for one in group]
        self.store.renew(held, self.lease_seconds)

    def _sign(self) -> None:
        for happened, work in (("checkpoint", self.publisher.sign), ("published", self.publisher.publish_if_due)):
            if (note := work()) is not None:
                self.log.info(happened, size=int(note.split(b"\n")[1]))

    def _cosign(self) -> None:
        self.desk.cosign()

    def _guarded(self, doing: str, work: Callable[[], T]) -> T | None:
        """Do it, or log what went wrong, once until it changes, and go on."""
        try:
            done = work()
        except Exception as error:  # noqa: BLE001 the outer loop: waits trouble out, whatever it is
            told = _told(error)
            if self.troubles.get(doing) != told:
                self.log.warning("trouble", doing=doing, **told)
            self.troubles[doing] = told
            return None
        if self.troubles.pop(doing, None) is not None:
            self.log.info("trouble-over", doing=doing)
        return done


def _told(error: Exception) -> dict[str, object]:
    """What may be logged of an error: its kind, its key, where it came from. Never its words, which may quote a text."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "key": error.key if isinstance(error, LocumError) else "", "at": places}
