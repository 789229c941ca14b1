"""Whoever writes the database, with all keys in hand, changes what rows and columns say: what is told of a case comes from the
entries, so it stays as it was, or it is said that the record does not fit.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import bindparam, text
from tests.world import World

from locum.committing import _sealed  # as whoever has the store's keys would seal it
from locum.demo.sink import Sink
from locum.entry import Entry
from locum.errors import Garbled
from locum.lifecycle import Case, State
from locum.record import read_heads, streams_of
from locum.shapes import entry_shape
from locum.web.cases.told import happened

pytestmark = pytest.mark.forges

ANNA, BOB = "anna@corp.test", "bob@corp.test"
Told = tuple[object, ...]


@pytest.fixture
def world(tmp_path: Path, sink: Sink) -> World:
    return World(tmp_path, sink, policy={"wait_hours": 0})


def ended(world: World) -> Case:
    world.live(mailbox=BOB, because="Somebody else's, for the same reason.")
    case = world.live()
    world.desk.end(world.app.acting("bob"), case.id)
    world.work()
    return world.desk.case(case.id)


def told(world: World, case_id: str) -> Told:
    """History, timeline and account, as a process that starts anew tells them; `Garbled` where one says so."""
    desk = world.wired().desk
    reader = desk.office.people.person("bob")
    assert reader is not None
    return (
        said(lambda: [entry_shape(one) for one in desk.history(ANNA)]),
        said(lambda: happened(desk.recorded(desk.case(case_id)), reader)),
        said(lambda: replace(desk.account(case_id), checkpoint="")),
    )


def said(tell: Callable[[], object]) -> object:
    try:
        return tell()
    except Garbled:
        return Garbled


def run(world: World, statement: str, **values: object) -> None:
    with world.app.store.database.writing() as connection:
        connection.execute(text(statement).bindparams(*(bindparam(name) for name in values)), values)


def forged(world: World, case: Case, **changes: object) -> None:
    """The sealed row, with other values, sealed as Locum seals it."""
    other = replace(world.desk.case(case.id), **changes)  # type: ignore[arg-type]
    with world.app.store.database.reading() as connection:
        heads = read_heads(connection, {ANNA}, {case.id}, world.app.random)
    run(world, "UPDATE cases SET sealed = :sealed WHERE id = :id", sealed=_sealed(heads, other), id=case.id)


ROW: dict[str, object] = {
    "mailbox": BOB,
    "person": "carla",
    "requester": "dirk",
    "reason": "customer",
    "because": "Another reason.",
    "language": "en",
    "state": State.REFUSED,
    "outcome": "objection",
    "contacts": (),
    "reviews": (("dirk", "approve", "hr"),),
    "answer": "agreed",
    "batch": "another",
    "request": "ab" * 32,
    "policy": "cd" * 32,
    "connector": "another",
    "applied_at": None,
    "ended_at": None,
    "measures": (),
}


@pytest.mark.parametrize("field", list(ROW))
def test_no_value_in_the_sealed_row_changes_what_is_told_of_a_case(world: World, field: str) -> None:
    case = ended(world)
    before = told(world, case.id)
    forged(world, case, **{field: ROW[field]})
    after = told(world, case.id)
    assert all(now in (then, Garbled) for then, now in zip(before, after, strict=True))


COLUMNS = {
    "the state": "UPDATE cases SET state = 'refused' WHERE id = :id",
    "the requester": "UPDATE cases SET requester = 'dirk' WHERE id = :id",
    "the batch": "UPDATE cases SET batch = 'another' WHERE id = :id",
    "the mailbox": "UPDATE cases SET mailbox = :his WHERE id = :id",
    "an entry's case": "UPDATE entries SET case_id = 'zzzz-zzzz' WHERE position = :one",
    "an entry's lack of a case": "UPDATE entries SET case_id = '' WHERE position = :one",
    "all entries' case": "UPDATE entries SET case_id = 'zzzz-zzzz' WHERE case_id = :id",
    "an entry's stream": "UPDATE entries SET stream = :his, seq = seq + 1000 WHERE position = :one",
    "an entry's number": "UPDATE entries SET seq = seq + 1000 WHERE position = :one",
    "an entry that is gone": "DELETE FROM entries WHERE position = :one",
    "an entry that is said to be erased": "UPDATE entries SET sealed = :nothing WHERE position = :one",
    "the length of the stream": "UPDATE streams SET length = length - 1 WHERE name = :hers",
    "the last one of the stream": "UPDATE streams SET head = :nothing WHERE name = :hers",
}


@pytest.mark.parametrize("column", list(COLUMNS))
def test_no_column_and_no_row_changes_what_is_told_of_a_case(world: World, column: str) -> None:
    case = ended(world)
    before = told(world, case.id)
    with world.app.store.database.reading() as connection:
        places = streams_of(connection, [ANNA, BOB])
    one = entries(world, case)[3]
    values = {"id": case.id, "his": places[BOB], "hers": places[ANNA], "one": one.index, "nothing": b""}
    run(world, COLUMNS[column], **{name: value for name, value in values.items() if f":{name}" in COLUMNS[column]})
    after = told(world, case.id)
    assert all(now in (then, Garbled) for then, now in zip(before, after, strict=True))


def entries(world: World, case: Case) -> list[Entry]:
    return world.app.store.entries(case=case.id)
