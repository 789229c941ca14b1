"""What tests put in a store: a clock that stands still, a case that was just filed, entries and jobs to go with it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from locum.entry import Draft, Json
from locum.lifecycle import Case, State
from locum.measure import AutoReply
from locum.schema import entries, vault
from locum.store import Change, Job, Store

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


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
        measures=(measure,),
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
        "entries": (a_draft(case.mailbox, text=case.auto_reply.text_body),),
        "put": (Job(kind="ask", case=case.id, due_at=NOON),),
    }
    return Change(**(given | more))  # type: ignore[arg-type]


def file_many(store: Store, first: int, last: int, at_once: int = 500) -> list[Case]:
    """File the cases first..last-1 in batches."""
    made: list[Case] = []
    for at in range(first, last, at_once):
        made += store.commit([filing(a_case(n)) for n in range(at, min(last, at + at_once))])
    return made


def together(acts: list[Callable[[], object]]) -> None:
    """Do all of these at the same time, each in a thread."""
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def erased(store: Store, *case_ids: str) -> None:
    """What erasing these cases does to the record: it is written down, and then nothing of them is left but their leaves."""
    places: list[Json] = [[one.index, one.index] for case in case_ids for one in store.entries(case=case)]
    store.commit([Change(entries=(a_draft("org/erase", "erased", places=places),))])
    with store.database.writing() as connection:
        connection.execute(entries.update().where(entries.c.case_id.in_(case_ids)).values(sealed=b"", case_id=""))
        connection.execute(vault.delete().where(vault.c.kind == "case", vault.c.name.in_(case_ids)))
