"""Stores for tests: each test that asks for `store_url` runs on SQLite and on PostgreSQL. Also a case to put in one.

Use it with `from tests.stores import store_url` (and `# noqa: F401`), or as a plugin.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from locum.entry import Draft, Json
from locum.lifecycle import Case, State
from locum.measure import AutoReply
from locum.store import Change, Job, Store
from mailhosts import postgres

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that does not exist yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'locum.db'}"
    server = postgres.shared()
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    return server.new_database()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(store_url: str, clock: Clock) -> Iterator[Store]:
    """A new, empty store."""
    made = Store(store_url, clock)
    made.migrate()
    yield made
    made.close()


def a_case(number: int = 1, **changes: object) -> Case:
    """A case that was just filed, for the mailbox user<number>@corp.test."""
    mailbox = f"user{number}@corp.test"
    measure = AutoReply(
        handle=f"h{number}",
        from_date=NOON,
        to_date=NOON + timedelta(days=14),
        subject="Afwezig",
        text_body="Ik ben er niet.\n" * 20,
        external_text="I am away.\n" * 10,
        addresses=(mailbox,),
        internal_domains=("corp.test",),
    )
    case = Case(
        id=f"case-{number}",
        state=State.REQUESTED,
        mailbox=mailbox,
        person=f"person{number}",
        requester="bob",
        reason="forgotten",
        because="Customers are waiting for an answer.",
        measure=measure,
        filed_at=NOON,
        not_after=NOON + timedelta(days=14),
        request="ab" * 32,
        nonce="cd" * 16,
        policy="ef" * 32,
        connector="dovecot",
        language="nl",
    )
    return replace(case, **changes)  # type: ignore[arg-type]


def a_draft(stream: str, kind: str = "requested", **body: Json) -> Draft:
    return Draft(stream=stream, type=kind, time=NOON, body=body)


def filing(case: Case, **more: object) -> Change:
    """What files a case: the case, an entry, a job that is due now."""
    given: dict[str, object] = {
        "case": case,
        "entries": (a_draft(case.mailbox, text=case.measure.text_body),),
        "put": (Job(kind="ask", case=case.id, due_at=NOON),),
    }
    return Change(**(given | more))  # type: ignore[arg-type]


def file_many(store: Store, first: int, last: int, at_once: int = 500) -> list[Case]:
    """File the cases first..last-1 in batches."""
    made: list[Case] = []
    for at in range(first, last, at_once):
        made += store.commit([filing(a_case(n)) for n in range(at, min(last, at + at_once))])
    return made
