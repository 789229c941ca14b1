"""What a witness remembers: every checkpoint that it ever cosigned, in one SQLite file.

That it cosigns no two roots for one size is the table's own key, and a row is on the disk before anything is answered. Nothing
is ever taken out. One process writes at a time; whoever checks holds the lock until it has written.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from locum.errors import Garbled, Unreachable
from locum.tlog import EMPTY_ROOT

_BUSY_SECONDS = 10.0
_TABLES = """
CREATE TABLE witness (vkey TEXT NOT NULL PRIMARY KEY);
CREATE TABLE seen (
    origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, cosigned_at INTEGER NOT NULL,
    PRIMARY KEY (origin, size)
);
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint that was cosigned: its size and root, the note as the log signed it, and when (seconds since 1970)."""

    size: int
    root: bytes
    note: bytes
    cosigned_at: int


NOTHING = Seen(0, EMPTY_ROOT, b"", 0)
"""Before the first one."""


class Page:
    """The notebook, open for writing: nobody else writes until this is over."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """`connection` is in a transaction that writes."""
        self._connection = connection

    def last(self, origin: str) -> Seen:
        """The longest that was cosigned of this log; NOTHING where none was."""
        return self._one(
            "SELECT size, root, note, cosigned_at FROM seen WHERE origin = ? ORDER BY size DESC LIMIT 1", origin
        )

    def at(self, origin: str, size: int) -> Seen | None:
        """What was cosigned of this size, if it was."""
        found = self._one("SELECT size, root, note, cosigned_at FROM seen WHERE origin = ? AND size = ?", origin, size)
        return None if found is NOTHING else found

    def keep(self, origin: str, seen: Seen) -> None:
        """Write it down. For a size that stands here already, only the time: its root is the same, or nothing is written."""
        self._connection.execute(
            "INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin, size) DO UPDATE"
            " SET cosigned_at = excluded.cosigned_at WHERE root = excluded.root",
            (origin, seen.size, seen.root, seen.note, seen.cosigned_at),
        )

    def _one(self, query: str, *values: object) -> Seen:
        row = self._connection.execute(query, values).fetchone()
        return NOTHING if row is None else Seen(*row)


class Notebook:
    """The file. Raises Unreachable(`witness-store-unreachable`) where it does not answer."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self.path = path

    def make(self) -> None:
        """A new one, its owner's alone. Raises Unreachable: also where there is a file already."""
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise Unreachable("witness-store-unreachable", file=self.path, reason=error.strerror or "") from error
        with self._opened() as connection:
            connection.executescript(f"BEGIN;{_TABLES}COMMIT;")

    def bind(self, vkey: str) -> None:
        """It belongs to this key from its first use on. Raises Garbled(`witness-other-key`) where it belongs to another."""
        with self._writing() as connection:
            there = [row[0] for row in connection.execute("SELECT vkey FROM witness")]
            if there not in ([], [vkey]):
                raise Garbled("witness-other-key", file=self.path, vkey=there[0])
            if not there:
                connection.execute("INSERT INTO witness VALUES (?)", (vkey,))

    @contextmanager
    def writing(self) -> Iterator[Page]:
        """To look and to write in one go: what is written is on the disk when the block is over."""
        with self._writing() as connection:
            yield Page(connection)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # A connection of its own each time: after a failed write nothing is remembered that is not on the disk.
        address = f"file:{quote(os.fspath(self.path))}?mode=rw"
        try:
            with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE")
                connection.execute("PRAGMA synchronous=EXTRA")  # the folder too: a power cut takes nothing back
                yield connection
        except sqlite3.DatabaseError as error:
            raise Unreachable("witness-store-unreachable", file=self.path, reason=str(error)[:200]) from error
