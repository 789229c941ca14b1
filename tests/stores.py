"""Stores for tests: each test that asks for `store_url` or `store` runs on SQLite and on PostgreSQL.

Fixtures only, for `pytest_plugins = ("tests.stores",)`; what to put in a store is in filings.py.
"""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.filings import Clock

from locum.store import Store
from mailhosts import postgres


@cache
def _new_on_sqlite() -> bytes:
    """A new store as a file: making one anew takes ten times as long as copying it."""
    with tempfile.TemporaryDirectory() as folder:
        made = Store(f"sqlite:///{folder}/new.db", Clock())
        made.migrate()
        made.close()
        return Path(folder, "new.db").read_bytes()


@cache
def _new_on_postgresql(server: postgres.Postgres) -> str:
    name = server.new_database()
    made = Store(server.url(name), Clock())
    made.migrate()
    made.close()
    return name


def _server() -> postgres.Postgres:
    server = postgres.shared()
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    return server


both = pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])


@both
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that was not made yet."""
    if request.param == "postgresql":
        server = _server()
        return server.url(server.new_database())
    return f"sqlite:///{tmp_path / 'locum.db'}"


@both
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new, empty store."""
    if request.param == "postgresql":
        server = _server()
        return server.url(server.new_database(_new_on_postgresql(server)))
    file = tmp_path / "locum.db"
    file.write_bytes(_new_on_sqlite())
    file.chmod(0o660)
    return f"sqlite:///{file}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(store_url: str, clock: Clock) -> Iterator[Store]:
    """A new, empty store."""
    made = Store(store_url, clock)
    yield made
    made.close()
