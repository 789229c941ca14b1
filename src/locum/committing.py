"""One commit: what changes, made ready without touching the store, then checked and written in one short transaction.

`touched`, `read_heads` (record.py), `prepare`, `write` are the four moves of Store.commit. `write` raises Raced where a
stream has moved since it was read, and Conflict where a case, a lease or a link is not what the caller believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, Executable, bindparam, delete, insert, select, text, update

from locum import jobs as queue
from locum import record
from locum.checkpointing import kept_frontier
from locum.database import Raced, chunks
from locum.entry import Draft
from locum.errors import Conflict, Garbled
from locum.filing import dump_case
from locum.jobs import Job, Taken
from locum.keyring import keys_of
from locum.lifecycle import Case
from locum.schema import cases, entries, kept, links, streams, tree, vault
from locum.sealing import NONCE_BYTES, about_case, about_kept, seal
from locum.tlog import Frontier


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A one-time link. Only the SHA-256 of its token is kept. `purpose`: ask, stop, set."""

    token_hash: bytes = field(repr=False)
    case: str
    purpose: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one case in a commit.

    `case` is the new value; its `version` is the one that was loaded, the store writes version + 1 and raises
    Conflict(`changed-meanwhile`) if the stored one differs. `put` adds or moves jobs, `drop` names kinds of jobs to
    delete, `finished` deletes the taken job and raises Conflict(`lease-lost`) if its lease is not ours any more.
    `found` keeps sealed bytes beside the case (b"" deletes them, None leaves them). `links` are added; `use` marks a
    link used and raises Conflict(`link-used`) if it already was.

    `keep` are settings of the store that change with it. `judged_at` is a stream and its length when the entries were judged: where it grew since, Conflict(`changed-meanwhile`).

    A change without `case` is about the case of the job in `finished`, or about none: then its entries are sealed with a
    key of their stream. The mailbox and the batch of a case stay as they were filed.
    """

    case: Case | None = None
    entries: tuple[Draft, ...] = ()
    put: tuple[Job, ...] = ()
    drop: tuple[str, ...] = ()
    finished: Taken | None = None
    found: bytes | None = field(default=None, repr=False)
    links: tuple[Link, ...] = ()
    use: Link | None = None
    judged_at: tuple[str, int] | None = None
    keep: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def about(self) -> str:
        """The id of the case that this is about, or "" for none."""
        if self.case is not None:
            return self.case.id
        return self.finished.job.case if self.finished is not None else ""


OF_PERSON = "person/"
"""What the `case` of a link begins with that is about a person and no case."""
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Ready:
    """A commit with everything made, waiting for its transaction."""

    changes: Sequence[Change]
    heads: record.Heads
    rows: record.Rows
    cases: tuple[Case, ...]
    reviewed: list[Row]
    filed: list[Row]
    changed: list[Row]
    kept: list[Row]
    links: list[Row]


def touched(changes: Sequence[Change]) -> tuple[set[str], set[str]]:
    """The streams and the cases whose heads and keys are needed."""
    new = {change.case.mailbox for change in changes if change.case is not None and not change.case.version}
    return new | {d.stream for change in changes for d in change.entries}, {c.about for c in changes if c.about}


def prepare(heads: record.Heads, changes: Sequence[Change]) -> Ready:
    """Make everything that can be made beforehand. Touches nothing.

    Raises ValueError for an entry or a case that cannot be written, Garbled(`record-key-missing`) for an erased case.
    """
    for stream, length in [change.judged_at for change in changes if change.judged_at is not None]:
        if heads.before.get(stream, 0) != length:
            raise Conflict("changed-meanwhile", case=stream)
    new = tuple(replace(change.case, version=change.case.version + 1) for change in changes if change.case is not None)
    filed = {case.id for case in new if case.version == 1}
    for case in new:
        if case.id not in filed and ("case", case.id) not in heads.keys:
            raise Garbled("record-key-missing", place=case.id)
    drafts: list[tuple[str, Draft]] = [(change.about, draft) for change in changes for draft in change.entries]
    return Ready(
        changes,
        heads,
        record.prepare(heads, drafts),
        new,
        [{"id": c.id, "person": heads.mark("person", p)} for c in new for p in sorted({r[0] for r in c.reviews})],
        [_filed(heads, case) for case in new if case.version == 1],
        [_changed(heads, case) for case in new if case.version > 1],
        [_kept(heads, change) for change in changes if change.found],
        [_link(heads, link) for change in changes for link in change.links],
    )


def _sealed(heads: record.Heads, case: Case) -> bytes:
    about = about_case(case.id, case.version)
    return seal(heads.key("case", case.id), heads.random(NONCE_BYTES), dump_case(case), about)


def _filed(heads: record.Heads, case: Case) -> Row:
    return {
        "id": case.id,
        "version": case.version,
        "state": case.state.value,
        "mailbox": heads.stream(case.mailbox),
        "batch": heads.mark("batch", case.batch),
        "sealed": _sealed(heads, case),
        "requester": heads.mark("person", case.requester),
    }


def _changed(heads: record.Heads, case: Case) -> Row:
    return {"its_id": case.id, "version": case.version, "state": case.state.value, "sealed": _sealed(heads, case)}


def _kept(heads: record.Heads, change: Change) -> Row:
    key = heads.key("case", change.about)
    sealed = seal(key, heads.random(NONCE_BYTES), change.found or b"", about_kept(change.about))
    return {"case_id": change.about, "sealed": sealed}


def write(connection: Connection, ready: Ready, now: datetime) -> None:
    """Check, and write. Whoever is in here holds the row of the tree: one at a time."""
    size, frontier = connection.execute(select(tree.c.size, tree.c.frontier).with_for_update()).one()
    if keys_of(connection).id != ready.heads.vault.id:
        raise Raced
    _check_cases(connection, ready.changes)
    _check_streams(connection, ready.heads)
    _write_jobs(connection, ready.changes)
    _use_links(connection, ready.changes, now)
    _many(connection, insert(vault), ready.heads.made)
    _many(connection, _MARK, list(ready.heads.marked.values()))
    _many(connection, insert(cases), ready.filed)
    _many(connection, _CHANGE, ready.changed)
    _many(connection, _REVIEWED, ready.reviewed)
    _many(connection, _KEEP, [{"name": n, "value": v} for change in ready.changes for n, v in change.keep.items()])
    _many(connection, insert(links), ready.links)
    _write_kept(connection, ready)
    if ready.rows.rows:
        _write_entries(connection, ready, kept_frontier(size, frontier))


_CHANGE = update(cases).where(cases.c.id == bindparam("its_id"))
_MARK = text("INSERT INTO vault (name, kind, key) VALUES (:name, :kind, :key) ON CONFLICT DO NOTHING")
_REVIEWED = text(
    "INSERT INTO reviewers (person, number) SELECT :person, number FROM cases WHERE id = :id ON CONFLICT DO NOTHING"
)
_KEEP = text(
    "INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_ADVANCE = update(streams).where(streams.c.name == bindparam("its_name"))
_FORGET = delete(kept).where(kept.c.case_id == bindparam("its_case"))


def _many(connection: Connection, statement: Executable, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(statement, rows)


def _check_cases(connection: Connection, changes: Sequence[Change]) -> None:
    wanted = [change.case for change in changes if change.case is not None]
    stored: dict[str, int] = {}
    for some in chunks(case.id for case in wanted):
        rows = connection.execute(select(cases.c.id, cases.c.version).where(cases.c.id.in_(some)))
        stored |= {row.id: row.version for row in rows}
    for case in wanted:
        if stored.get(case.id, 0) != case.version:
            raise Conflict("changed-meanwhile", case=case.id)
        stored[case.id] = case.version + 1


def _check_streams(connection: Connection, heads: record.Heads) -> None:
    places = {name: heads.stream(name) for name in heads.length}
    now = {name: length for name, (length, _) in record.lengths_at(connection, places).items()}
    if now != heads.before:
        raise Raced


def _write_jobs(connection: Connection, changes: Sequence[Change]) -> None:
    finished = [change.finished for change in changes if change.finished is not None]
    put = [job for change in changes for job in change.put]
    gone = {(change.about, kind) for change in changes for kind in change.drop}
    if not (finished or put or gone):
        return
    held = queue.lock(connection, [*(t.job.case for t in finished), *(j.case for j in put), *(c for c, _ in gone)])
    for one in finished:
        if held.get((one.job.case, one.job.kind)) != one.worker:
            raise Conflict("lease-lost", case=one.job.case, kind=one.job.kind)
    queue.drop(connection, (gone | {(one.job.case, one.job.kind) for one in finished}) & held.keys())
    queue.put(connection, put)


def _use_links(connection: Connection, changes: Sequence[Change], now: datetime) -> None:
    for change in changes:
        if change.use is not None:
            unused = (links.c.token_hash == change.use.token_hash) & links.c.used_at.is_(None)
            if connection.execute(update(links).where(unused).values(used_at=now)).rowcount != 1:
                raise Conflict("link-used")


def _link(heads: record.Heads, link: Link) -> Row:
    about, _, person = link.case.partition(OF_PERSON)
    return {
        "token_hash": link.token_hash,
        "case_id": link.case if about or not person else f"{OF_PERSON}{heads.mark('person', person)}",
        "purpose": link.purpose,
        "expires_at": link.expires_at,
        "used_at": link.used_at,
    }


def _write_kept(connection: Connection, ready: Ready) -> None:
    _many(connection, _FORGET, [{"its_case": change.about} for change in ready.changes if change.found is not None])
    _many(connection, insert(kept), ready.kept)


def _write_entries(connection: Connection, ready: Ready, frontier: Frontier) -> None:
    rows = [{**row, "position": position} for position, row in enumerate(ready.rows.rows, frontier.size)]
    connection.execute(insert(entries), rows)
    heads = ready.heads
    moved = [(heads.stream(n), heads.length[n], heads.head[n], n in heads.before) for n in sorted(heads.head)]
    new = [{"name": place, "length": length, "head": head} for place, length, head, known in moved if not known]
    _many(connection, insert(streams), new)
    longer = [{"its_name": place, "length": length, "head": head} for place, length, head, known in moved if known]
    _many(connection, _ADVANCE, longer)
    grown = frontier.extend(ready.rows.hashes)
    connection.execute(update(tree).values(size=grown.size, frontier=bytes(grown)))
