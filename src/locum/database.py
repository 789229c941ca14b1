"""The way to the database: an engine for SQLite or PostgreSQL, and one context each for reading and for writing.

Here and nowhere else lives what differs between the two systems: pragmas, BEGIN, the file's rights, how their errors
are told. Raises Unreachable(`store-unreachable`) where the database does not answer. No tables, no queries.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from locum.errors import Invalid, Unreachable

BUSY_SECONDS = 10.0
"""How long a writer waits for another before it says so."""

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-8192", "wal_autocheckpoint=4000", "temp_store=MEMORY")
_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
_LOST_A_RACE = frozenset({"40001", "40P01"})


class Raced(Exception):
    """Another writer came first (a unique row, a deadlock that PostgreSQL broke): prepare anew and try again."""


class Database:
    """An engine and its two ways in. Safe to use from several threads; no connection outlives a fork."""

    def __init__(self, url: str, **options: object) -> None:
        """Open nothing yet; each connection carries the `options`. Raises Invalid(`store-url`) for anything but a SQLite file
        or PostgreSQL.
        """
        parsed = _parsed(url)
        self.path = Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
        self.engine = _engine(parsed, self.path)
        self.engine.update_execution_options(**options)
        self._writer = Lock()
        _OPEN.add(self.engine)

    def make(self) -> None:
        """Make the SQLite file if there is none: 0660, so that two users of one group can share it."""
        if self.path is None:
            return
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o660))
            self.path.chmod(0o660)
        except FileExistsError:
            return
        except OSError as error:
            raise Unreachable("store-unreachable", reason=error.strerror or "") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; on SQLite it waits for nobody and sees one moment."""
        with _told(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes (BEGIN IMMEDIATE on SQLite), committed at the end of the block. Keep it short.

        Raises Raced where another writer came first.
        """
        if self.path is None:
            with _told(), self.engine.connect() as connection, connection.begin():
                yield connection
            return
        # Threads of one process queue here rather than in SQLite's own, sleeping, busy loop.
        with _told(), self._writer, self.engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                yield connection

    def compact(self) -> None:
        """Write the database anew, so that no page holds what was changed or deleted before."""
        every = "vault cases reviewers links sessions streams entries wishes".split()
        orders = [f"VACUUM FULL {table}" for table in every] if self.path is None else ["VACUUM", _TRUNCATE]
        with _told(), self._writer, closing(self.engine.raw_connection()) as raw:
            connection: Any = raw.driver_connection  # neither database does this in a transaction
            raw.detach()  # it goes back to nobody as it is left here
            if self.path is None:
                connection.autocommit = True
                connection.execute("SET statement_timeout = 0")
            for order in orders:
                connection.execute(order)

    def close(self) -> None:
        """Close idle connections; the next use opens new ones."""
        self.engine.dispose()


def chunks(names: Iterable[str], many: int = 500) -> Iterator[list[str]]:
    """Names without repetition, in order, in lists that a query can hold."""
    distinct = sorted(set(names))
    return (distinct[at : at + many] for at in range(0, len(distinct), many))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Invalid("store-url") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise Invalid("store-url")


def _engine(url: URL, path: Path | None) -> Engine:
    if path is None:
        # What a commit wrote is on the disk when it returns, whatever the server does for others.
        limits = f"-c statement_timeout=30000 -c lock_timeout={int(BUSY_SECONDS * 1000)} -c synchronous_commit=on"
        arguments = {"connect_timeout": 5, "options": limits, "application_name": "locum"}
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)
    engine = create_engine(url, creator=_sqlite(path), hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _sqlite(path: Path) -> Callable[[], sqlite3.Connection]:
    # mode=rw: a missing file is an error, never an empty store with the wrong rights.
    address = f"file:{quote(os.fspath(path))}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address,
            uri=True,
            isolation_level=None,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            cached_statements=256,
        )
        for pragma in _PRAGMAS:
            _patiently(connection, f"PRAGMA {pragma}")
        return connection

    return connect


def _patiently(connection: sqlite3.Connection, order: str) -> None:
    """Where two make the same file WAL at once, SQLite tells one of them at once that it is locked, without waiting."""
    until = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(order)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or monotonic() > until:
                raise
            sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Raced from error
    except (OperationalError, InterfaceError, sqlite3.OperationalError) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) in _LOST_A_RACE:
            raise Raced from error
        raise Unreachable("store-unreachable", reason=_reason(error)) from error
    except PoolTimeout as error:
        raise Unreachable("store-unreachable", reason="no free connection") from error


def _reason(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:200]


_OPEN: "WeakSet[Engine]" = WeakSet()


def _close_before_fork() -> None:
    # A connection shared by two processes corrupts both its sessions; SQLite's locks do not survive a fork at all.
    for engine in list(_OPEN):
        engine.dispose()


os.register_at_fork(before=_close_before_fork)
