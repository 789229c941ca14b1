"""The store: cases, entries and jobs, and one verb that writes: `commit`, in one transaction, many cases at once.

Everything expensive (payloads, commitments, sealing, JSON) is made before that transaction, from a read of the heads of
the streams; the transaction checks that they have not moved, and writes. What a commit writes is durable when it returns.
Tables are in schema.py, the way to the database in database.py, a commit in committing.py, entries in record.py,
the queue in jobs.py, checkpoints in checkpointing.py.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, select, text

from locum import jobs as queue
from locum.checkpointing import Signer, check_tree, grown_tree, sign_tree
from locum.committing import OF_PERSON, Change, Link, prepare, touched, write
from locum.database import Database, Raced, chunks
from locum.entry import Entry, Erased
from locum.errors import Invalid, Unreachable
from locum.jobs import Job, Taken
from locum.keyring import ORGANISATION, Keyring, keys_of
from locum.ledger import hash_of
from locum.lifecycle import FINAL, Case, State
from locum.reading import read_cases, read_kept, read_leaves
from locum.record import (
    ERASE,
    lengths,
    read_entries,
    read_entries_of,
    read_entry_at,
    read_heads,
    read_keys,
    read_whole,
    stream_names,
    streams_of,
)
from locum.rewrapping import adopt, renew, tidy
from locum.schema import cases, links, reviewers, settings, tree
from locum.upgrading import upgrade_tables
from locum.vault_file import VaultFile

__all__ = ["Change", "Job", "Link", "Signer", "Store", "Taken"]

T = TypeVar("T")

_TRIES = 60
LOG_KEY = "log-vkey"
"""The setting that holds what checkpoints are verified with, for those who may not read the key that signs them."""
LIVING = tuple(state for state in State if state not in FINAL and state is not State.ENDED)
"""States of a case that is not final (`Case.is_final`)."""


class Store:
    """Everything that is kept. Raises Unreachable(`store-unreachable`) where the database does not answer."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes] = os.urandom,
        key_file: VaultFile | None = None,
    ) -> None:
        """`sqlite:///file` or `postgresql://...`; nothing is opened yet. `random` gives that many unguessable bytes. The vault
        is wrapped with the key of `key_file`; without one it stays in the clear (keyring.py).
        """
        self._keyring = Keyring(key_file)
        self._database = Database(url, keyring=self._keyring)
        self._clock = clock
        self._random = random

    def migrate(self) -> None:
        """Bring the schema up to date, and wrap the vault where it is not yet; also makes a new store."""
        self._database.make()
        upgrade_tables(self._database)
        if (file := self._keyring.file) is not None:
            adopt(self._database, file)
            tidy(self._database, file)

    def renew_vault(self) -> None:
        """Wrap the vault with a new key and destroy the one before: what was copied until now stays closed for good."""
        if self._keyring.file is not None:
            renew(self._database, self._keyring.file)

    def close(self) -> None:
        """Close idle connections; the next call opens new ones."""
        self._database.close()

    @property
    def database(self) -> Database:
        """The way in, for what is kept beside cases and record: sessions.py, key_links.py."""
        return self._database

    # writing
    def commit(self, changes: Sequence[Change]) -> tuple[Case, ...]:
        """All changes or none, durable when it returns. Gives back the cases with their new versions.

        Two hundred cases at once keep other writers waiting for some 15 ms; more belong into several commits.
        Raises ValueError for an entry or a case that cannot be written, and Garbled where a key is missing.
        """
        return self._until_first(lambda: self._commit(changes))

    def _commit(self, changes: Sequence[Change]) -> tuple[Case, ...]:
        with self._database.reading() as connection:
            heads = read_heads(connection, *touched(changes), self._random)
        ready = prepare(heads, changes)
        with self._database.writing() as connection:
            write(connection, ready, self._clock())
        return ready.cases

    def _until_first(self, work: Callable[[], T]) -> T:
        for turn in range(_TRIES):
            try:
                return work()
            except Raced:
                time.sleep(self._random(1)[0] / 256 * min(0.001 * 2**turn, 0.1))
        raise Unreachable("store-unreachable", reason="always another was first")

    def sign_checkpoint(self, signer: Signer, before: Callable[[int], None] = lambda _size: None) -> bytes | None:
        """Sign the tree as it stands if it grew since the last checkpoint. None if there was nothing to sign.

        `before` is told the size that will be signed, and can still prevent it. Raises Garbled where the tree is no
        continuation of what was signed last; then nothing is signed.
        """
        with self._database.reading() as connection:
            grown = grown_tree(connection, signer)
        if grown is None:
            return None
        before(grown.frontier.size)
        with self._database.writing() as connection:
            note = sign_tree(connection, signer, grown)
        self.setting(LOG_KEY, signer.vkey.encode)
        return note

    def check_log(self, signer: Signer) -> None:
        """Raise Garbled where the log is not, leaf by leaf, the one that was signed."""
        with self._database.reading() as connection:
            check_tree(connection, signer)

    def limit_lane(self, name: str, at_once: int) -> None:
        """How many jobs of this lane may be worked on at the same time, by all workers together."""
        with self._database.writing() as connection:
            queue.limit(connection, name, at_once)

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A value of the organisation that is made once and then kept (the key of the links, for instance)."""
        wanted = select(settings.c.value).where(settings.c.name == name)
        with self._database.reading() as connection:
            found: bytes | None = connection.execute(wanted).scalar()
        if found is not None:
            return found
        made = make()
        with self._database.writing() as connection:
            connection.execute(_MAKE_SETTING, {"name": name, "value": made})
            kept: bytes = connection.execute(wanted).scalar_one()
        return kept

    def kept_setting(self, name: str) -> bytes | None:
        """Such a value, where it was made; looking makes none."""
        with self._database.reading() as connection:
            found: bytes | None = connection.execute(select(settings.c.value).where(settings.c.name == name)).scalar()
        return found

    def keep_setting(self, name: str, value: bytes) -> None:
        """Keep such a value, in place of an earlier one."""
        with self._database.writing() as connection:
            connection.execute(_KEEP_SETTING, {"name": name, "value": value})

    # reading
    def case(self, case_id: str) -> Case:
        """Raises Invalid(`no-such-case`)."""
        return self.cases([case_id])[0]

    def cases(self, case_ids: Sequence[str]) -> list[Case]:
        """Many at once, in the order asked for. Raises Invalid(`no-such-case`) or Invalid(`case-erased`) where one is missing."""
        with self._database.reading() as connection:
            found = {one.id: one for some in chunks(case_ids) for one in read_cases(connection, cases.c.id.in_(some))}
        for case_id in case_ids:
            if case_id not in found:
                raise Invalid("case-erased" if self.was_erased(case_id) else "no-such-case", case=case_id)
        return [found[case_id] for case_id in case_ids]

    def was_erased(self, case_id: str) -> bool:
        """Whether there was a case of this id that was erased."""
        wanted = hash_of("case", case_id)
        said = (one.body.get("cases") for one in self.entries(mailbox=ERASE))
        return any(isinstance(names, list) and wanted in names for names in said)

    def find(
        self,
        *,
        state: State | None = None,
        states: Sequence[State] = (),
        mailbox: str | None = None,
        batch: str | None = None,
        requester: str | None = None,
        reviewer: str | None = None,
        before: str = "",
        limit: int = 1000,
    ) -> list[Case]:
        """Newest first; with `before`, those filed before that case. `states`: any of these. `reviewer` has said yes or no to them."""
        wanted: list[ColumnElement[bool]] = [cases.c.state == state.value] if state is not None else []
        if states:
            wanted.append(cases.c.state.in_([one.value for one in states]))
        if before:
            earlier = cases.alias()
            wanted.append(cases.c.number < select(earlier.c.number).where(earlier.c.id == before).scalar_subquery())
        with self._database.reading() as connection:
            vault = keys_of(connection)
            if mailbox is not None:
                wanted.append(cases.c.mailbox.in_(streams_of(connection, [mailbox]).values()))
            if batch is not None:
                wanted.append(cases.c.batch == vault.mark("batch", batch))
            if requester is not None:
                wanted.append(cases.c.requester == vault.mark("person", requester))
            if reviewer is not None:
                mark = vault.mark("person", reviewer)
                wanted.append(cases.c.number.in_(select(reviewers.c.number).where(reviewers.c.person == mark)))
            return read_cases(connection, *wanted, limit=limit)

    def in_batch(self, batch: str) -> dict[str, str]:
        """The cases of a batch: mailbox to id."""
        with self._database.reading() as connection:
            mark = keys_of(connection).mark("batch", batch)
            return {case.mailbox: case.id for case in read_cases(connection, cases.c.batch == mark)}

    def living_on(self, mailboxes: Sequence[str], states: Iterable[State] = LIVING) -> list[Case]:
        """The cases on these mailboxes in these states, newest first per mailbox; all that are not final by default."""
        wanted = [state.value for state in states]
        found: list[Case] = []
        with self._database.reading() as connection:
            for some in chunks(streams_of(connection, mailboxes).values()):
                found += read_cases(connection, cases.c.mailbox.in_(some), cases.c.state.in_(wanted))
        return found

    def entries(self, *, mailbox: str | None = None, case: str | None = None, since: int = 0) -> list[Entry]:
        """Decrypted and checked against their leaves, oldest first; of a mailbox, from its entry `since` on. Erased ones are
        left out. Raises Garbled where they do not agree.
        """
        with self._database.reading() as connection:
            return read_entries(connection, mailbox, case, since)

    def entry_at(self, index: int) -> Entry | None:
        """The entry at this place of the log; None where it was erased, or there is none. Raises Garbled as `entries`."""
        with self._database.reading() as connection:
            return read_entry_at(connection, index)

    def whole(self, stream: str) -> list[Entry | Erased]:
        """Every place of a stream, none left out: its entry, or that it was erased. Raises Garbled as `entries`."""
        with self._database.reading() as connection:
            return read_whole(connection, stream, None)

    def entries_of(self, case_ids: Sequence[str]) -> dict[str, list[Entry]]:
        """The entries of many cases, by case. Raises Garbled as `entries`."""
        with self._database.reading() as connection:
            return {one: found for some in chunks(case_ids) for one, found in read_entries_of(connection, some).items()}

    def mailboxes(self) -> list[str]:
        """All mailboxes that have a stream."""
        with self._database.reading() as connection:
            return [name for name in stream_names(connection) if not name.startswith(ORGANISATION)]

    def stream_keys(self, streams: Sequence[str]) -> dict[str, bytes]:
        """K_s of each of these streams that has one: with it whoever has the leaves finds those of the stream."""
        with self._database.reading() as connection:
            return {name: key for (kind, name), key in read_keys(connection, streams).items() if kind == "tag"}

    def vkey(self) -> str:
        """What the log's checkpoints are verified with; empty where none was signed yet."""
        return (self.kept_setting(LOG_KEY) or b"").decode()

    def length(self, stream: str) -> tuple[int, bytes]:
        """How many entries a stream has, and the commitment of its last: cheap, to see whether it moved."""
        with self._database.reading() as connection:
            return lengths(connection, [stream]).get(stream, (0, b""))

    def found(self, case_id: str) -> bytes | None:
        """The sealed bytes kept beside a case."""
        return self.found_many([case_id]).get(case_id)

    def found_many(self, case_ids: Sequence[str]) -> dict[str, bytes]:
        """The same of many at once; without those beside which nothing is kept."""
        with self._database.reading() as connection:
            return {one: kept for some in chunks(case_ids) for one, kept in read_kept(connection, some)}

    def link(self, token_hash: bytes) -> Link | None:
        """The link with this hash, whether it still works or not."""
        wanted = select(links).where(links.c.token_hash == token_hash)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return None
            token, case_id, purpose, expires_at, used_at = row
            if case_id.startswith(OF_PERSON):
                person = keys_of(connection).named(connection, case_id.removeprefix(OF_PERSON))
                case_id = f"{OF_PERSON}{person}"
        return Link(token_hash=token, case=case_id, purpose=purpose, expires_at=expires_at, used_at=used_at)

    def checkpoint(self) -> bytes | None:
        """The newest signed checkpoint."""
        with self._database.reading() as connection:
            note: bytes | None = connection.execute(select(tree.c.checkpoint)).scalar_one()
        return note

    def cosigned(self) -> bytes | None:
        """The newest checkpoint that all witnesses of the settings have signed (cosigning.py). A row like any other: whoever
        believes it verifies it.
        """
        return self.kept_setting("cosigned")

    def tree_sizes(self) -> tuple[int, int]:
        """How many leaves the tree has, and how many of them the newest checkpoint covers."""
        with self._database.reading() as connection:
            size, signed = connection.execute(select(tree.c.size, tree.c.checkpoint_size)).one()
        return size, signed

    def leaves(self, first: int = 0, last: int | None = None) -> list[bytes]:
        """The 65-byte leaves [first, last) of the log."""
        with self._database.reading() as connection:
            return list(read_leaves(connection, first, last))

    # the queue (jobs.py)
    def jobs(self, case_id: str) -> list[Job]:
        """The next steps of a case, the first one first."""
        with self._database.reading() as connection:
            return queue.of_case(connection, case_id)

    def lanes(self) -> list[str]:
        """All lanes that ever had a job."""
        with self._database.reading() as connection:
            return queue.known_lanes(connection)

    def take(
        self,
        worker: str,
        *,
        seconds: float,
        many: int = 200,
        case: str | None = None,
        lanes: Sequence[str] | None = None,
    ) -> list[Taken]:
        """Up to `many` due jobs of one kind and lane (the longest due first), leased for `seconds`. Never a job of a
        case that another live lease works on; never more than the lane allows. `case` takes only that case's due jobs.
        """
        now = self._clock()
        with self._database.reading() as connection:
            if not queue.anything_due(connection, now, case):
                return []
        lease = f"{worker}#{self._random(8).hex()}"
        until = now + timedelta(seconds=seconds)
        return self._in_queue(lambda connection: queue.take(connection, lease, now, until, many, case, lanes))

    def renew(self, taken: Sequence[Taken], seconds: float) -> list[Taken]:
        """The leases that are still ours, renewed."""
        until = self._clock() + timedelta(seconds=seconds)
        return self._in_queue(lambda connection: queue.renew(connection, taken, until)) if taken else []

    def back_off(self, taken: Sequence[Taken], until: datetime, trouble: str) -> None:
        """Give jobs back, due again at `until`, tries + 1; `trouble` (a message key) is kept with the job for `show`.
        Without a trouble no try is counted.
        """
        if taken:
            self._in_queue(lambda connection: queue.back_off(connection, taken, until, trouble))

    def put_off(self, taken: Sequence[Taken]) -> dict[str, str]:
        """Which of these (of one kind) were given back since they were taken: their cases, and the trouble of each."""
        with self._database.reading() as connection:
            return queue.put_off(connection, taken)

    def next_due(self) -> datetime | None:
        """When the next job is due, or the lease of one ends; for a worker's sleep."""
        with self._database.reading() as connection:
            return queue.next_due(connection)

    def _in_queue(self, work: Callable[[Connection], T]) -> T:
        def once() -> T:
            with self._database.writing() as connection:
                return work(connection)

        return self._until_first(once)


_KEEP_SETTING = text(
    "INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_MAKE_SETTING = text("INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
