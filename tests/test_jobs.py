"""The queue on SQLite and PostgreSQL: leases, lanes, one lease per case, and nothing done twice or lost."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from tests.filings import NOON, Clock, a_case, a_draft, file_many, filing

from locum.errors import Conflict
from locum.lifecycle import State
from locum.store import Change, Job, Store, Taken

pytest_plugins = ("tests.stores",)


def put(store: Store, *jobs: Job) -> None:
    store.commit([Change(put=jobs)])


def job(case: str = "a", kind: str = "ask", **more: object) -> Job:
    given: dict[str, object] = {"kind": kind, "case": case, "due_at": NOON}
    return Job(**(given | more))  # type: ignore[arg-type]


def names(taken: list[Taken]) -> list[str]:
    return [one.job.case for one in taken]


# Putting and moving


def test_a_put_job_is_there(store: Store) -> None:
    put(store, job(lane="dovecot", tries=2, trouble="relay-down"))
    assert store.jobs("a") == [job(lane="dovecot", tries=2, trouble="relay-down")]


def test_putting_a_job_again_moves_it(store: Store) -> None:
    put(store, job())
    put(store, job(due_at=NOON + timedelta(days=1), lane="letters"))
    assert store.jobs("a") == [job(due_at=NOON + timedelta(days=1), lane="letters")]


def test_the_jobs_of_a_case_come_in_their_order(store: Store) -> None:
    put(store, job(kind="end", due_at=NOON + timedelta(days=9)), job(kind="apply"), job("b"))
    assert [j.kind for j in store.jobs("a")] == ["apply", "end"]


def test_a_dropped_job_is_gone(store: Store) -> None:
    (case,) = store.commit([filing(a_case(), put=(job("case-1"), job("case-1", "end")))])
    store.commit([Change(case=case, drop=("ask", "unknown"))])
    assert [j.kind for j in store.jobs("case-1")] == ["end"]


def test_dropping_and_putting_in_one_change_leaves_the_new_job(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    store.commit([Change(case=case, drop=("ask",), put=(job("case-1", tries=5),))])
    assert store.jobs("case-1") == [job("case-1", tries=5)]


# Taking


def test_due_jobs_are_taken_the_longest_due_first(store: Store, clock: Clock) -> None:
    put(store, job("b"), job("a", due_at=NOON - timedelta(hours=1)), job("c", due_at=NOON + timedelta(seconds=1)))
    taken = store.take("w", seconds=60)
    assert names(taken) == ["a", "b"]
    assert taken[0].until == clock.now + timedelta(seconds=60)


def test_a_group_is_of_one_kind_and_lane(store: Store) -> None:
    put(store, job("a"), job("b", "end"), job("c", lane="dovecot"), job("d"))
    groups = [store.take("w", seconds=60) for _ in range(4)]
    assert sorted(names(group) for group in groups) == [[], ["a", "d"], ["b"], ["c"]]


def test_no_more_are_taken_than_asked_for(store: Store) -> None:
    put(store, *(job(f"c{n}") for n in range(5)))
    assert [len(store.take("w", seconds=60, many=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_only_the_lanes_asked_for_are_taken(store: Store) -> None:
    put(store, job("a", lane="dovecot"), job("b", lane="letters"))
    assert store.lanes() == ["dovecot", "letters"]
    assert names(store.take("w", seconds=60, lanes=["letters", "unknown"])) == ["b"]
    assert store.take("w", seconds=60, lanes=[]) == []


def test_a_full_lane_gives_no_more_and_holds_up_no_other(store: Store) -> None:
    put(store, *(job(f"c{n}", lane="dovecot", due_at=NOON - timedelta(1)) for n in range(5)), job("x", lane="letters"))
    store.limit_lane("dovecot", 3)
    first = store.take("w", seconds=60, many=2)
    second = store.take("v", seconds=60, many=2)
    assert [len(first), len(second)] == [2, 1]
    assert names(store.take("v", seconds=60)) == ["x"]
    store.commit([Change(finished=first[0])])
    assert len(store.take("v", seconds=60)) == 1


def test_a_case_is_worked_on_by_one_at_a_time(store: Store) -> None:
    put(store, job("a", "apply", lane="dovecot"), job("a", "ask", lane="letters"))
    (first,) = store.take("w", seconds=60)
    assert store.take("v", seconds=60) == []
    store.commit([Change(finished=first)])
    assert [one.job.kind for one in store.take("v", seconds=60)] == ["ask"]


def test_one_case_is_taken_for_the_command_line(store: Store) -> None:
    put(store, job("a"), job("b"), job("b", "apply"), job("b", "end", due_at=NOON + timedelta(1)))
    assert [(t.job.case, t.job.kind) for t in store.take("w", seconds=60, case="b")] == [("b", "apply")]
    assert store.take("w", seconds=60, case="b") == []
    assert store.take("w", seconds=60, case="nobody") == []


def test_the_next_due_instant_is_told(store: Store, clock: Clock) -> None:
    assert store.next_due() is None
    put(store, job("a", due_at=NOON + timedelta(hours=2)), job("b", due_at=NOON + timedelta(hours=1)))
    assert store.next_due() == NOON + timedelta(hours=1)
    clock.later(3600)
    store.take("w", seconds=30)
    assert store.next_due() == NOON + timedelta(hours=1, seconds=30)


# Finishing and losing


def test_a_finished_job_is_gone_with_what_it_changed(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    (taken,) = store.take("w", seconds=60)
    store.commit([Change(case=replace(case, state=State.ASKING), finished=taken, put=(job(case.id, "lapse"),))])
    assert [j.kind for j in store.jobs(case.id)] == ["lapse"]
    assert store.case(case.id).state is State.ASKING


def test_finishing_and_putting_the_same_kind_makes_a_new_job_that_is_free(store: Store, clock: Clock) -> None:
    put(store, job("a", "read-back"))
    (taken,) = store.take("w", seconds=60)
    store.commit([Change(finished=taken, put=(job("a", "read-back", due_at=NOON + timedelta(seconds=5)),))])
    clock.later(5)
    assert names(store.take("v", seconds=60)) == ["a"]


def test_entries_of_a_change_without_a_case_are_about_the_finished_jobs_case(store: Store) -> None:
    file_many(store, 1, 2)
    (taken,) = store.take("w", seconds=60)
    store.commit([Change(finished=taken, entries=(a_draft("user1@corp.test", "asked"),))])
    assert [e.type for e in store.entries(case="case-1")] == ["requested", "asked"]


def test_a_job_is_not_finished_twice(store: Store) -> None:
    put(store, job())
    (taken,) = store.take("w", seconds=60)
    store.commit([Change(finished=taken)])
    with pytest.raises(Conflict, match="lease-lost"):
        store.commit([Change(finished=taken)])


def test_who_lost_the_lease_cannot_commit(store: Store, clock: Clock) -> None:
    (case,) = store.commit([filing(a_case())])
    (late,) = store.take("w", seconds=60)
    clock.later(61)
    (taken,) = store.take("v", seconds=60)
    with pytest.raises(Conflict, match="lease-lost"):
        store.commit([Change(case=case, finished=late, entries=(a_draft(case.mailbox, "done"),))])
    assert [e.type for e in store.entries(case=case.id)] == ["requested"]
    store.commit([Change(case=case, finished=taken)])


def test_a_worker_of_the_same_name_is_another_holder(store: Store, clock: Clock) -> None:
    put(store, job())
    (late,) = store.take("w", seconds=60)
    clock.later(61)
    store.take("w", seconds=60)
    with pytest.raises(Conflict, match="lease-lost"):
        store.commit([Change(finished=late)])


def test_a_late_worker_whose_lease_nobody_took_may_commit(store: Store, clock: Clock) -> None:
    put(store, job())
    (late,) = store.take("w", seconds=60)
    clock.later(61)
    store.commit([Change(finished=late)])
    assert store.jobs("a") == []


def test_a_dead_workers_job_is_taken_with_one_more_try_and_the_reason(store: Store, clock: Clock) -> None:
    put(store, job(tries=1))
    store.take("w", seconds=60)
    assert store.take("v", seconds=60) == []
    clock.later(60)
    (taken,) = store.take("v", seconds=60)
    assert (taken.job.tries, taken.job.trouble) == (2, "worker-lost")


def test_who_works_on_a_case_loses_it_when_another_takes_that_case_after_the_lease(store: Store, clock: Clock) -> None:
    put(store, job("a", "apply"), job("a", "end", due_at=NOON + timedelta(seconds=61)))
    (late,) = store.take("w", seconds=60)
    clock.later(61)
    (other,) = store.take("v", seconds=60, many=1)
    with pytest.raises(Conflict, match="lease-lost"):
        store.commit([Change(finished=late)])
    store.commit([Change(finished=other)])


def test_a_job_that_is_moved_while_it_is_worked_on_is_not_lost(store: Store, clock: Clock) -> None:
    put(store, job())
    (taken,) = store.take("w", seconds=60)
    put(store, job(due_at=NOON + timedelta(seconds=1)))
    with pytest.raises(Conflict, match="lease-lost"):
        store.commit([Change(finished=taken)])
    clock.later(2)
    assert store.take("v", seconds=60) == []  # w may still be at it
    clock.later(60)
    assert [(one.job.tries, one.job.trouble) for one in store.take("v", seconds=60)] == [(0, "")]


def test_a_job_that_is_dropped_while_it_is_worked_on_cannot_be_finished(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    (taken,) = store.take("w", seconds=60)
    store.commit([Change(case=case, drop=("ask",))])
    with pytest.raises(Conflict, match="lease-lost"):
        store.commit([Change(finished=taken)])


# Renewing and backing off


def test_a_renewed_lease_lasts(store: Store, clock: Clock) -> None:
    put(store, job("a"), job("b"))
    taken = store.take("w", seconds=60)
    clock.later(50)
    assert [one.until for one in store.renew(taken, 60)] == [clock.now + timedelta(seconds=60)] * 2
    clock.later(50)
    assert store.take("v", seconds=60) == []
    store.commit([Change(finished=one) for one in taken])


def test_only_leases_that_are_still_ours_are_renewed(store: Store, clock: Clock) -> None:
    put(store, job("a"), job("b"), job("c"))
    taken = store.take("w", seconds=60)
    store.commit([Change(finished=taken[0])])
    clock.later(61)
    store.take("v", seconds=60, many=1)
    assert names(store.renew(taken, 60)) == []
    assert store.renew([], 60) == []


def test_a_job_that_was_put_off_comes_back_with_its_trouble(store: Store, clock: Clock) -> None:
    put(store, job())
    store.back_off(store.take("w", seconds=60), NOON + timedelta(minutes=5), "relay-down")
    assert store.jobs("a") == [job(due_at=NOON + timedelta(minutes=5), tries=1, trouble="relay-down")]
    clock.later(299)
    assert store.take("w", seconds=60) == []
    clock.later(1)
    assert names(store.take("v", seconds=60)) == ["a"]


def test_who_lost_the_lease_cannot_put_the_job_off(store: Store, clock: Clock) -> None:
    put(store, job())
    late = store.take("w", seconds=60)
    clock.later(61)
    taken = store.take("v", seconds=60)
    store.back_off(late, NOON + timedelta(days=1), "relay-down")
    store.back_off([], NOON, "relay-down")
    assert store.renew(taken, 60) != []


# Many workers


def test_workers_at_the_same_time_take_each_job_once(store_url: str, store: Store, clock: Clock) -> None:
    put(
        store,
        *(job(f"c{n}", kind, lane=lane) for n in range(40) for kind, lane in (("ask", "letters"), ("apply", "x"))),
    )
    store.limit_lane("x", 7)
    done: list[tuple[str, str]] = []
    at_once: list[int] = []
    working: Counter[str] = Counter()
    lock = threading.Lock()

    def work(name: str) -> None:
        mine = Store(store_url, clock)
        while left := sum(len(store.jobs(f"c{n}")) for n in range(40)):
            taken = mine.take(name, seconds=600, many=3)
            with lock:
                working.update(one.job.case for one in taken)
                at_once.append(max(working.values(), default=0))
            for one in taken:
                with lock:
                    working.subtract([one.job.case])
                    done.append((one.job.case, one.job.kind))
                mine.commit([Change(finished=one)])
            assert left
        mine.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted((f"c{n}", kind) for n in range(40) for kind in ("ask", "apply"))
    assert max(at_once) == 1


# A model: whatever order things come in, the queue says what this small dictionary says


class Queue(RuleBasedStateMachine):
    """Three cases, two kinds, two lanes, on SQLite; the model keeps who holds what until when."""

    taken = Bundle("taken")
    store: Store
    make: Callable[[], tuple[Store, Clock]]

    def __init__(self) -> None:
        super().__init__()
        self.store, self.clock = type(self).make()
        self.due: dict[tuple[str, str], float] = {}
        self.held: dict[tuple[str, str], tuple[str, float]] = {}
        self.second = 0.0
        self.store.limit_lane("x", 2)

    def free_dead(self) -> None:
        for key, (_, until) in list(self.held.items()):
            if until <= self.second:
                del self.held[key]

    @rule(case=st.sampled_from("abc"), kind=st.sampled_from(["ask", "end"]), after=st.integers(0, 20))
    def put(self, case: str, kind: str, after: int) -> None:
        due = self.second + after
        put(self.store, job(case, kind, lane="x", due_at=NOON + timedelta(seconds=due)))
        self.due[case, kind] = due
        if (case, kind) in self.held:
            self.held[case, kind] = ("#moved", self.held[case, kind][1])

    @rule(seconds=st.integers(1, 15))
    def later(self, seconds: int) -> None:
        self.clock.later(seconds)
        self.second += seconds

    @rule(target=taken, many=st.integers(1, 3), seconds=st.integers(1, 20))
    def take(self, many: int, seconds: int) -> object:
        got = self.store.take("w", seconds=seconds, many=many)
        due = any(at <= self.second for key, at in self.due.items() if key not in self.held)
        dead = any(until <= self.second for _, until in self.held.values())
        if not due and not dead:
            assert got == []
            return multiple()
        self.free_dead()
        busy = {case for case, _ in self.held}
        can = sorted((at, key) for key, at in self.due.items() if at <= self.second and key[0] not in busy)
        kind = can[0][1][1] if can else ""
        expected = [key for _, key in can if key[1] == kind][: min(many, 2 - len(self.held))]
        assert [(one.job.case, one.job.kind) for one in got] == expected
        for one in got:
            self.held[one.job.case, one.job.kind] = (one.worker, self.second + seconds)
        return multiple(*got)

    def ours(self, one: Taken) -> bool:
        return self.held.get((one.job.case, one.job.kind), ("", 0))[0] == one.worker

    @rule(one=consumes(taken))
    def finish(self, one: Taken) -> None:
        if self.ours(one):
            self.store.commit([Change(finished=one)])
            del self.held[one.job.case, one.job.kind], self.due[one.job.case, one.job.kind]
        else:
            with pytest.raises(Conflict):
                self.store.commit([Change(finished=one)])

    @rule(one=taken, seconds=st.integers(1, 20))
    def renew(self, one: Taken, seconds: int) -> None:
        assert bool(self.store.renew([one], seconds)) is self.ours(one)
        if self.ours(one):
            self.held[one.job.case, one.job.kind] = (one.worker, self.second + seconds)

    @rule(one=consumes(taken), after=st.integers(0, 20))
    def back_off(self, one: Taken, after: int) -> None:
        self.store.back_off([one], NOON + timedelta(seconds=self.second + after), "relay-down")
        if self.ours(one):
            del self.held[one.job.case, one.job.kind]
            self.due[one.job.case, one.job.kind] = self.second + after

    @invariant()
    def the_jobs_are_those_of_the_model(self) -> None:
        stored = {(j.case, j.kind): (j.due_at - NOON).total_seconds() for case in "abc" for j in self.store.jobs(case)}
        assert stored == self.due

    def teardown(self) -> None:
        self.store.close()


def test_the_queue_does_what_its_model_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

    template = tmp_path_factory.mktemp("queue") / "new.db"
    made = Store(f"sqlite:///{template}", Clock())
    made.migrate()
    made.close()

    def make() -> tuple[Store, Clock]:
        file = tmp_path_factory.mktemp("queue") / "locum.db"
        file.write_bytes(template.read_bytes())
        clock = Clock()
        return Store(f"sqlite:///{file}", clock), clock

    Queue.make = staticmethod(make)  # type: ignore[method-assign]
    machine = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Queue, settings=machine)
