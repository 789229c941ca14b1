"""Whether the record is sound: database, flat file and checkpoints, read from the first leaf to the last and held against each
other, with everything that is wrong named exactly. Reads and never writes; what is written meanwhile is looked at as well.

Its findings are sentences under `check.log` in the messages. What is damage does not hold; what the next publishing mends by
itself, or could not be looked at, is a remark.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import Connection, Row, select

from locum.database import Database, chunks
from locum.entry import LEAF_BYTES, Erased
from locum.errors import Garbled, LocumError
from locum.flatfile import FlatFile
from locum.reading import read_cases
from locum.record import judged_rows
from locum.schema import cases, entries, streams, tree
from locum.seam import Finding, Report
from locum.tlog import Checkpoint, Frontier, leaf_hash, parse_checkpoint, verify

_AT_ONCE = 1000
_MOST = 20
"""So many findings of a kind are told one by one, the others are counted."""

_TRIES = 10
Seen = Callable[[int, int], None]


def examine(database: Database, file: FlatFile, vkey: str | None, seen: Seen = lambda _done, _of: None) -> Report:
    """All findings. `vkey` is what signatures are verified with; None says that they were not. `seen` is told how far it is.

    Raises Unreachable where database or folder cannot be read at all.
    """
    look = _Look(database, file, vkey, seen)
    look.at_all()
    return look.report()


@dataclass
class _Side:
    """The leaves of one side, as far as they are one after the other, and the roots at the sizes that were signed."""

    frontier: Frontier | None = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=dict)

    def extend(self, leaves: Sequence[bytes], sizes: Sequence[int]) -> None:
        if self.frontier is None:
            return
        hashes, at = [leaf_hash(leaf) for leaf in leaves], self.frontier.size
        for stop in [*(size for size in sizes if at < size <= at + len(hashes)), at + len(hashes)]:
            self.frontier = self.frontier.extend(hashes[self.frontier.size - at : stop - at])
            self.roots[stop] = self.frontier.root()


@dataclass
class _Look:
    database: Database
    file: FlatFile
    vkey: str | None
    seen: Seen
    found: list[Finding] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    stored: _Side = field(default_factory=_Side)
    published: _Side = field(default_factory=_Side)
    signed: dict[str, Checkpoint] = field(default_factory=dict)
    walked: int = 0
    erased: int = 0
    differing: list[int] = field(default_factory=list)
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def tell(self, key: str, holds: bool | None = False, **values: object) -> None:
        self.told[key] += 1
        if self.told[key] <= _MOST:
            said = tuple((name, str(value)) for name, value in values.items())
            self.found.append(Finding(key=f"log.{key}", holds=holds, values=said))

    def report(self) -> Report:
        more = {key: count - _MOST for key, count in self.told.items() if count > _MOST}
        for key, count in more.items():
            self.tell("more", of=key, count=count)
        if all(one.holds is not False for one in self.found):
            self.tell("sound", holds=True, size=self.walked, erased=self.erased, published=self._size("published"))
        return tuple(self.found)

    # the path
    def at_all(self) -> None:
        # In this order: what is written meanwhile makes the later ones longer, never shorter.
        self._note("published", self.file.checkpoint())
        row = self._tree()
        self._note("signed", row.checkpoint)
        there = self.file.size()
        if self.signed.get("signed", Checkpoint("", 0, b"")).size != row.checkpoint_size:
            self.tell("signed-row")
        self._walk_all(max(row.size, there))
        self._check_sizes(there, row.checkpoint_size)
        self._check_roots(there)
        self._check_cases()
        if self.vkey is None:
            self.tell("signature-unchecked", holds=None)

    def _note(self, which: str, note: bytes | None) -> None:
        if note is None:
            return
        try:
            self.signed[which] = parse_checkpoint(verify(note, self.vkey) if self.vkey is not None else note)
        except LocumError:
            self.tell(f"checkpoint-false-{which}")

    def _size(self, which: str) -> int:
        return self.signed[which].size if which in self.signed else 0

    def _walk_all(self, total: int) -> None:
        """Until nothing grew: then streams, tree and rows are of one moment."""
        for _ in range(_TRIES):
            row = self._tree()
            self._walk(row.size, max(total, row.size))
            heads = self._stored_heads()
            if self._tree().size == self.walked:
                break
        self._check_streams(heads)
        frontier = self.stored.frontier
        if frontier is None or (frontier.size, bytes(frontier)) != (row.size, row.frontier):
            self.tell("tree-differs", size=row.size)
        with self.database.reading() as connection:
            beyond = connection.execute(select(entries.c.position).where(entries.c.position >= self.walked)).scalars()
            for position in beyond if self._tree().size == self.walked else ():
                self.tell("entry-beyond", leaf=position, size=self.walked)

    def _tree(self) -> Row[*tuple[object, ...]]:
        with self.database.reading() as connection:
            return connection.execute(select(tree)).one()

    def _stored_heads(self) -> dict[str, tuple[int, bytes]]:
        with self.database.reading() as connection:
            return {name: (length, head) for name, length, head in connection.execute(select(streams))}

    # leaf by leaf
    def _walk(self, size: int, total: int) -> None:
        while self.walked < size:
            first, last = self.walked, min(self.walked + _AT_ONCE, size)
            with self.database.reading() as connection:
                within = (entries.c.position >= first, entries.c.position < last)
                rows = list(connection.execute(select(entries).where(*within).order_by(entries.c.position)))
                self._rows(connection, rows)
            self._gaps([row.position for row in rows], first, last)
            ours = list(chain.from_iterable(self.file.leaves(first, last)))
            self._compare({row.position: row.leaf for row in rows}, ours, first)
            sizes = sorted(one.size for one in self.signed.values())
            self.published.extend(ours, sizes)
            self.stored.extend([row.leaf for row in rows], sizes)
            self.walked = last
            self.seen(last, total)

    def _gaps(self, positions: Sequence[int], first: int, last: int) -> None:
        expected = first
        for position in [*positions, last]:
            if position > expected:
                self.tell("entry-missing", first=expected, last=position - 1)
                self.stored.frontier = None
            expected = position + 1

    def _compare(self, stored: dict[int, bytes], published: Sequence[bytes], first: int) -> None:
        for index, leaf in enumerate(published, first):
            if index in stored and stored[index] != leaf:
                self.differing.append(index)
                self.tell("leaf-differs", leaf=index)

    def _rows(self, connection: Connection, rows: Sequence[Row[*tuple[object, ...]]]) -> None:
        for row, one in zip(rows, judged_rows(connection, rows), strict=True):
            stream = row.stream if isinstance(one, Garbled) else one.stream
            place = {"leaf": row.position, "stream": stream, "seq": row.seq}
            expected, _ = self.heads.get(row.stream, (0, b""))
            if row.seq != expected:
                self.tell("entry-order", **place, expected=expected)
            if isinstance(one, Garbled):
                self.tell("key-missing" if one.key == "record-key-missing" else "entry-damaged", **place)
            elif len(row.leaf) != LEAF_BYTES:
                self.tell("entry-damaged", **place)
            self.erased += isinstance(one, Erased)
            self.heads[row.stream] = (row.seq + 1, row.leaf[33:])

    def _check_streams(self, stored: dict[str, tuple[int, bytes]]) -> None:
        for name in sorted(stored.keys() | self.heads.keys()):
            if stored.get(name) != self.heads.get(name):
                counted, kept = self.heads.get(name, (0, b""))[0], stored.get(name, (0, b""))[0]
                self.tell("stream-differs", stream=name, counted=counted, kept=kept)

    # what was signed and published
    def _check_sizes(self, there: int, signed: int) -> None:
        shown = max(there, signed, self._size("published"))
        if shown > self.walked:
            self.tell("database-behind", size=self.walked, shown=shown)
        if not there and "published" not in self.signed:
            self.tell("unpublished", holds=None)
        elif there < (needed := max(signed, self._size("published"))):
            self.tell("leaves-short", first=there, last=needed - 1)
        if over := self.file.bytes_there() % LEAF_BYTES:
            self.tell("leaves-torn", holds=None, bytes=over)

    def _check_roots(self, there: int) -> None:
        for which, note in self.signed.items():
            if note.size > self.walked:
                continue
            root = Frontier().root() if not note.size else self.stored.roots.get(note.size)
            if root == note.root:
                if any(index < note.size for index in self.differing):
                    self.tell("file-changed", size=note.size)
                continue
            intact = note.size <= there and self.published.roots.get(note.size) == note.root
            self.tell(f"{'database-changed' if intact else 'checkpoint-differs'}-{which}", size=note.size)

    # beside the log
    def _check_cases(self) -> None:
        with self.database.reading() as connection:
            ids = list(connection.execute(select(cases.c.id)).scalars())
        for some in chunks(ids):
            with self.database.reading() as connection:
                for case_id in self._unreadable(connection, some):
                    self.tell("case-damaged", case=case_id)

    @staticmethod
    def _unreadable(connection: Connection, some: Sequence[str]) -> Iterator[str]:
        try:
            read_cases(connection, cases.c.id.in_(some))
        except Garbled:
            for case_id in some:
                try:
                    read_cases(connection, cases.c.id == case_id)
                except Garbled:
                    yield case_id
