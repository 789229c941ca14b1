"""Erasing: cases whose time is over, and the whole stream of somebody who left, go for good, and their places in the log stay.

The order is always: written down in `org/erase`, with nothing personal; into the ledger, on the disk; then rows and keys in
one transaction; then the vault is wrapped anew and the key before destroyed, so that no copy made earlier opens any more.
Whoever is killed in between, or restores an older database, finds the ledger longer than what was done, and finishes first.
What may be erased, and when, is the desk's matter (desk/keeping.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, delete, insert, select, update

from locum.database import Raced, chunks
from locum.entry import Draft, Json
from locum.errors import Garbled
from locum.keyring import ORGANISATION, keys_of
from locum.ledger import Ledger, hash_of
from locum.lifecycle import FINAL
from locum.record import ERASE, streams_of
from locum.schema import cases, entries, jobs, kept, links, reviewers, settings, streams, tree, vault
from locum.store import Change, Store

MOST = 500
"""So many cases are written down in one entry."""
APPLIED = "erased"
"""The setting that says how many lines of the ledger were carried out here."""
_DUE = "vault-renewal-due"
_ONCE = b"due"
_TRIES = 10


@dataclass(frozen=True, slots=True)
class _What:
    """Cases by id and streams by what stands for them, with the places of both in the log."""

    cases: Sequence[str] = ()
    streams: Sequence[str] = ()
    places: frozenset[int] = frozenset()

    @property
    def hashes(self) -> list[str]:
        return [hash_of("case", one) for one in self.cases] + [hash_of("stream", one) for one in self.streams]


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases. `step` is told what was just done, for tests that stop there."""

    store: Store
    ledger: Ledger
    clock: Callable[[], datetime]
    step: Callable[[str], None] = field(default=lambda _name: None, repr=False)

    def erase(self, case_ids: Iterable[str], why: str, *, mailboxes: Iterable[str] = ()) -> int:
        """Erase these cases, and the whole streams of these mailboxes, and wrap the vault anew. How many cases it were.

        Raises Garbled `ledger-damaged` before anything is done, and Unreachable; what was begun is finished by `finish`.
        """
        with self.store.database.reading() as connection:
            gone = list(streams_of(connection, [one for one in mailboxes if not one.startswith(ORGANISATION)]).values())
        ids = list(dict.fromkeys(case_ids))
        for some in chunks(ids, MOST):
            self._erase(some, (), why)
        for some in chunks(gone, MOST):
            self._erase((), some, why)
        self._renew()
        return len(ids)

    def finish(self) -> None:
        """Carry out what the ledger names and this database still has, before anything else is done with it.

        Raises Garbled `ledger-damaged`, `ledger-short`, and `ledger-names-live` where a line names a case that is not over: whoever
        can write the file could make a live case vanish otherwise. And Unreachable `ledger-unreachable`.
        """
        applied, there = int(self.store.kept_setting(APPLIED) or b"0"), self.ledger.lines()
        if there < applied:
            raise Garbled("ledger-short", file=self.ledger.path, lines=there, wanted=applied)
        if there > applied:
            self._replay(set(self.ledger.read()))
        if self.store.kept_setting(_DUE) == _ONCE:
            self._renew()

    def _replay(self, gone: set[str]) -> None:
        with self.store.database.reading() as connection:
            ids = [one for one in connection.execute(select(cases.c.id)).scalars() if hash_of("case", one) in gone]
            names = connection.execute(
                select(streams.c.name).where(streams.c.name.not_like(f"{ORGANISATION}%"))
            ).scalars()
            lost = [one for one in names if hash_of("stream", one) in gone]
            if (live := next((one for some in chunks(ids) for one in _not_over(connection, some)), None)) is not None:
                raise Garbled("ledger-names-live", file=self.ledger.path, case=live)
        for some in chunks(ids, MOST):
            self._erase(some, (), "restored")
        self._erase((), lost, "restored")
        self._renew()

    def _erase(self, case_ids: Sequence[str], gone: Sequence[str], why: str) -> None:
        for _ in range(_TRIES):
            what = self._what(case_ids, gone)
            if what.places or what.cases or what.streams:
                self._write_down(what, why)
            self.step("erase.recorded")
            lines = self.ledger.append(what.hashes)
            self.step("erase.ledger")
            try:
                with self.store.database.writing() as connection:
                    _forget(connection, what, lines)
            except Raced:
                continue  # somebody wrote an entry for it just now: that is written down too
            self.step("erase.forgotten")
            return
        raise Garbled("record-inconsistent")

    def _what(self, case_ids: Sequence[str], gone: Sequence[str]) -> _What:
        with self.store.database.reading() as connection:
            return _What(case_ids, gone, frozenset(_places(connection, case_ids, gone)))

    def _write_down(self, what: _What, why: str) -> None:
        body: dict[str, Json] = {
            "places": _ranges(what.places),
            "cases": [hash_of("case", one) for one in what.cases],
            "streams": list(what.streams),
            "count": len(what.places),
            "why": why,
        }
        self.store.commit([Change(entries=(Draft(stream=ERASE, type="erased", time=self.clock(), body=body),))])

    def _renew(self) -> None:
        self.store.renew_vault()
        with self.store.database.writing() as connection:
            connection.execute(delete(settings).where(settings.c.name == _DUE))
        self.step("erase.renewed")


def _not_over(connection: Connection, case_ids: Sequence[str]) -> Iterable[str]:
    """Of these cases, those that nobody can have erased by the rules: not final, or with something still to be done or put back."""
    state = select(cases.c.id).where(cases.c.id.in_(case_ids), cases.c.state.not_in([str(one) for one in FINAL]))
    yield from connection.execute(state).scalars()
    for column in (jobs.c.case_id, kept.c.case_id):
        yield from connection.execute(select(column).where(column.in_(case_ids))).scalars()


def _places(connection: Connection, case_ids: Sequence[str], gone: Sequence[str]) -> Iterable[int]:
    for column, names in ((entries.c.case_id, case_ids), (entries.c.stream, gone)):
        for some in chunks(names):
            wanted = select(entries.c.position).where(column.in_(some), entries.c.sealed != b"")
            yield from connection.execute(wanted).scalars()


def _ranges(places: Iterable[int]) -> list[Json]:
    """As (first, last), in order."""
    runs = groupby(enumerate(sorted(places)), key=lambda numbered: numbered[1] - numbered[0])
    listed = [[place for _, place in run] for _, run in runs]
    return [[run[0], run[-1]] for run in listed]


def _forget(connection: Connection, what: _What, lines: int) -> None:
    """Nothing of it is left but the leaves. Whoever writes an entry waits, as for any commit.

    Raises Raced where there is an entry more than was written down.
    """
    connection.execute(select(tree.c.size).with_for_update())
    keys_of(connection)
    if set(_places(connection, what.cases, what.streams)) - what.places:
        raise Raced
    nothing = {"sealed": b"", "case_id": ""}
    for some in chunks(what.cases):
        numbers = select(cases.c.number).where(cases.c.id.in_(some))
        connection.execute(update(entries).where(entries.c.case_id.in_(some)).values(nothing))
        connection.execute(delete(reviewers).where(reviewers.c.number.in_(numbers)))
        for column in (kept.c.case_id, links.c.case_id, jobs.c.case_id, cases.c.id):
            connection.execute(delete(column.table).where(column.in_(some)))
        connection.execute(delete(vault).where(vault.c.kind == "case", vault.c.name.in_(some)))
        ids = [one.encode() for one in some]
        connection.execute(delete(settings).where(settings.c.name.like("approval-nonce/%"), settings.c.value.in_(ids)))
    _forget_streams(connection, what.streams, nothing)
    for name, value in ((APPLIED, str(lines).encode()), (_DUE, _ONCE)):
        connection.execute(delete(settings).where(settings.c.name == name))
        connection.execute(insert(settings), {"name": name, "value": value})


def _forget_streams(connection: Connection, gone: Sequence[str], nothing: Mapping[str, object]) -> None:
    opened = keys_of(connection)
    tags = connection.execute(select(vault.c.kind, vault.c.name, vault.c.key).where(vault.c.kind == "tag"))
    places = [row.name for row in tags if opened.stream(*opened.opened(*row)) in gone] if gone else []
    for some in chunks(places):
        connection.execute(delete(vault).where(vault.c.kind == "tag", vault.c.name.in_(some)))
    for some in chunks(gone):
        connection.execute(delete(vault).where(vault.c.kind == "stream", vault.c.name.in_(some)))
        connection.execute(update(entries).where(entries.c.stream.in_(some)).values(nothing))
