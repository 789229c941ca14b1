"""The queue: due steps of cases as rows, taken under lease. Every function works inside the caller's transaction.

A lease is one call of `take`; its name (`worker#token`) stands in `taken_by` of all rows it took. It holds until its end
has passed *and* another `take` has freed it; whoever lost it cannot commit (store.py asks `still_ours`). A job that is
moved while somebody works on it loses that lease, but stays untakeable until the lease's end: nobody works beside it.

PostgreSQL: takers queue on the lane rows, skip rows that a commit has locked, and always lock rows in key order.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, or_, select, text, tuple_, update

from locum.database import chunks
from locum.schema import Instant, jobs, lanes

AT_ONCE = 1000
"""How many jobs of a lane are worked on at the same time, where nothing else was said (`limit`)."""

LETTERS = "letters"
LETTERS_AT_ONCE = 10
"""How many letters are taken together: each may keep its case waiting for as long as a relay is silent."""

LOST = "worker-lost"
"""The trouble of a job whose worker did not come back before its lease ended."""

_MOVED = "#moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of the queue: the next step of a case. (kind, case) is unique; putting it again moves it. `lane` is a
    connector's name, or `letters`, or `desk`. `trouble` is the message key of the last try's error.
    """

    kind: str
    case: str
    due_at: datetime
    lane: str = "desk"
    tries: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job under lease. Whoever lost the lease cannot commit. `worker` names the lease: `worker#token`."""

    job: Job
    worker: str
    until: datetime


_PUT = text(
    "INSERT INTO jobs (case_id, kind, lane, due_at, tries, trouble)"
    " VALUES (:case_id, :kind, :lane, :due_at, :tries, :trouble)"
    " ON CONFLICT (case_id, kind) DO UPDATE SET lane = excluded.lane, due_at = excluded.due_at, tries = excluded.tries,"
    " trouble = excluded.trouble, taken_by = CASE WHEN jobs.taken_by IS NULL THEN NULL ELSE :moved END"
).bindparams(bindparam("due_at", type_=Instant))

_LANE = text("INSERT INTO lanes (name, at_once) VALUES (:name, :at_once) ON CONFLICT (name) DO NOTHING")
_LIMIT = text(
    "INSERT INTO lanes (name, at_once) VALUES (:name, :at_once)"
    " ON CONFLICT (name) DO UPDATE SET at_once = excluded.at_once"
)

_THIS = and_(jobs.c.case_id == bindparam("its_case"), jobs.c.kind == bindparam("its_kind"))
_DROP = delete(jobs).where(_THIS)
_OURS = and_(_THIS, jobs.c.taken_by == bindparam("its_lease"))


def put(connection: Connection, rows: Sequence[Job]) -> None:
    """Add jobs, or move those that are there; a new lane gets the usual limit."""
    for name in sorted({job.lane for job in rows}):
        connection.execute(_LANE, {"name": name, "at_once": AT_ONCE})
    if rows:
        connection.execute(_PUT, [_row(job) for job in sorted(rows, key=lambda job: (job.case, job.kind))])


def _row(job: Job) -> dict[str, object]:
    return {
        "case_id": job.case,
        "kind": job.kind,
        "lane": job.lane,
        "due_at": job.due_at,
        "tries": job.tries,
        "trouble": job.trouble,
        "moved": _MOVED,
    }


def drop(connection: Connection, keys: Iterable[tuple[str, str]]) -> None:
    """Delete jobs by (case, kind), taken or not."""
    rows = [{"its_case": case_id, "its_kind": kind} for case_id, kind in sorted(keys)]
    if rows:
        connection.execute(_DROP, rows)


def lock(connection: Connection, case_ids: Iterable[str]) -> dict[tuple[str, str], str | None]:
    """Lock all jobs of these cases, in key order, and say who has each: {(case, kind): lease}."""
    wanted = select(jobs.c.case_id, jobs.c.kind, jobs.c.taken_by).order_by(jobs.c.case_id, jobs.c.kind)
    found = (
        row
        for some in chunks(case_ids)
        for row in connection.execute(wanted.where(jobs.c.case_id.in_(some)).with_for_update())
    )
    return {(case_id, kind): lease for case_id, kind, lease in found}


def of_case(connection: Connection, case_id: str) -> list[Job]:
    """The jobs of a case, the next one first."""
    found = connection.execute(select(*_COLUMNS).where(jobs.c.case_id == case_id).order_by(jobs.c.due_at, jobs.c.kind))
    return [Job(kind=k, case=c, lane=n, due_at=d, tries=t, trouble=e) for k, c, n, d, t, e in found]


_COLUMNS = (jobs.c.kind, jobs.c.case_id, jobs.c.lane, jobs.c.due_at, jobs.c.tries, jobs.c.trouble)


def limit(connection: Connection, name: str, at_once: int) -> None:
    """How many jobs of this lane may be worked on at the same time, by all workers together."""
    connection.execute(_LIMIT, {"name": name, "at_once": at_once})


def known_lanes(connection: Connection) -> list[str]:
    """All lanes that ever had a job."""
    return list(connection.execute(select(lanes.c.name).order_by(lanes.c.name)).scalars())


def anything_due(connection: Connection, now: datetime, case_id: str | None) -> bool:
    """Whether `take` has any chance, asked without locking anything."""
    due = or_(
        and_(jobs.c.taken_by.is_(None), jobs.c.due_at <= now),
        and_(jobs.c.taken_by.is_not(None), jobs.c.taken_until <= now),
    )
    wanted = due if case_id is None else and_(due, jobs.c.case_id == case_id)
    return connection.execute(select(jobs.c.kind).where(wanted).limit(1)).first() is not None


def take(
    connection: Connection,
    lease: str,
    now: datetime,
    until: datetime,
    many: int,
    case_id: str | None,
    only_lanes: Sequence[str] | None,
) -> list[Taken]:
    """Lease up to `many` due jobs of one kind and lane, the longest due first."""
    limits = _limits(connection)
    _free_dead(connection, now)
    room = _room(connection, limits, only_lanes)
    free = and_(_takeable(now, sorted(room)), jobs.c.case_id == case_id if case_id is not None else text("1 = 1"))
    first = connection.execute(select(jobs.c.kind, jobs.c.lane).where(free).order_by(*_ORDER).limit(1)).first()
    if first is None:
        return []
    kind, lane = _before_watching(connection, free, *first)
    chosen = connection.execute(
        select(*_COLUMNS)
        .where(free, jobs.c.kind == kind, jobs.c.lane == lane)
        .order_by(*_ORDER)
        .limit(min(many, room[lane], LETTERS_AT_ONCE if lane == LETTERS else many))
        .with_for_update(skip_locked=True, of=jobs)
    )
    found = [Job(kind=k, case=c, lane=n, due_at=d, tries=t, trouble=e) for k, c, n, d, t, e in chosen]
    connection.execute(
        update(jobs)
        .where(jobs.c.kind == kind, jobs.c.case_id.in_([job.case for job in found]))
        .values(taken_by=lease, taken_until=until)
    )
    return [Taken(job=job, worker=lease, until=until) for job in found]


def _before_watching(connection: Connection, free: ColumnElement[bool], kind: str, lane: str) -> tuple[str, str]:
    """Whoever wants an end does not wait until a thousand others were looked at."""
    if kind != "watch":
        return kind, lane
    an_end = select(jobs.c.case_id).where(free, jobs.c.kind == "end", jobs.c.lane == lane).limit(1)
    return ("end" if connection.execute(an_end).first() is not None else kind), lane


_ORDER = (jobs.c.due_at, jobs.c.case_id, jobs.c.kind)


def _free_dead(connection: Connection, now: datetime) -> None:
    dead = and_(jobs.c.taken_by.is_not(None), jobs.c.taken_until <= now)
    keys = select(jobs.c.case_id, jobs.c.kind).where(dead).with_for_update(skip_locked=True)
    was_moved = jobs.c.taken_by == _MOVED
    connection.execute(
        update(jobs)
        .where(dead, tuple_(jobs.c.case_id, jobs.c.kind).in_(keys))
        .values(
            taken_by=None,
            taken_until=None,
            tries=jobs.c.tries + case((was_moved, 0), else_=1),
            trouble=case((was_moved, jobs.c.trouble), else_=LOST),
        )
    )


def _limits(connection: Connection) -> dict[str, int]:
    """What each lane allows; locked, so that one taker counts at a time."""
    rows = connection.execute(select(lanes.c.name, lanes.c.at_once).order_by(lanes.c.name).with_for_update())
    return {row.name: row.at_once for row in rows}


def _room(connection: Connection, limits: dict[str, int], only: Sequence[str] | None) -> dict[str, int]:
    """The lanes that are not full, and how many more each can have."""
    taken = Counter(connection.execute(select(jobs.c.lane).where(jobs.c.taken_by.is_not(None))).scalars())
    left = {name: at_once - taken[name] for name, at_once in limits.items() if only is None or name in only}
    return {name: room for name, room in left.items() if room > 0}


def _takeable(now: datetime, open_lanes: Sequence[str]) -> ColumnElement[bool]:
    other = jobs.alias("other")
    busy = select(other.c.case_id).where(other.c.case_id == jobs.c.case_id, other.c.taken_by.is_not(None)).exists()
    return and_(jobs.c.taken_by.is_(None), jobs.c.due_at <= now, jobs.c.lane.in_(open_lanes), ~busy)


def renew(connection: Connection, taken: Sequence[Taken], until: datetime) -> list[Taken]:
    """The leases that are still ours, now until `until`."""
    held = lock(connection, (one.job.case for one in taken))
    ours = [one for one in taken if held.get((one.job.case, one.job.kind)) == one.worker]
    if ours:
        connection.execute(update(jobs).where(_OURS).values(taken_until=until), [_key(one) for one in ours])
    return [replace(one, until=until) for one in ours]


def back_off(connection: Connection, taken: Sequence[Taken], until: datetime, trouble: str) -> None:
    """Give back those that are still ours: due at `until`, one more try counted where there was a trouble."""
    lock(connection, (one.job.case for one in taken))
    given_back = update(jobs).where(_OURS)
    connection.execute(
        given_back.values(
            taken_by=None, taken_until=None, due_at=until, tries=jobs.c.tries + int(bool(trouble)), trouble=trouble
        ),
        [_key(one) for one in taken],
    )


def put_off(connection: Connection, taken: Sequence[Taken]) -> dict[str, str]:
    """Those (of one kind) that were given back since: {case: trouble}."""
    tries = {one.job.case: one.job.tries for one in taken}
    wanted = select(jobs.c.case_id, jobs.c.tries, jobs.c.trouble)
    rows = (
        row
        for some in chunks(tries)
        for row in connection.execute(wanted.where(jobs.c.case_id.in_(some), jobs.c.kind == taken[0].job.kind))
    )
    return {row.case_id: row.trouble for row in rows if row.tries > tries[row.case_id]}


def _key(one: Taken) -> dict[str, object]:
    return {"its_case": one.job.case, "its_kind": one.job.kind, "its_lease": one.worker}


def next_due(connection: Connection) -> datetime | None:
    """The earliest instant at which a job becomes due, or the lease of one ends."""
    free = connection.execute(select(func.min(jobs.c.due_at)).where(jobs.c.taken_by.is_(None))).scalar()
    taken = connection.execute(select(func.min(jobs.c.taken_until)).where(jobs.c.taken_by.is_not(None))).scalar()
    return min((at for at in (free, taken) if at is not None), default=None)
