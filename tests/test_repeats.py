"""A request that is sent twice is done once, on both stores: two at once, a crash in between, another body, and its end."""

import os

import pytest
from sqlalchemy import select
from tests.filings import Clock, together

from locum.errors import Conflict, Garbled, Invalid, LocumError
from locum.repeats import Answer, Asked, Repeats
from locum.schema import repeats as rows
from locum.store import Store

pytest_plugins = ("tests.stores",)

ASKED = Asked(person="bob", key="0123456789abcdef", said=b"POST /cases\n{}")
DONE = Answer(status=201, content='{"case": "é"}'.encode(), headers=(("Location", "/cases/x"),))


@pytest.fixture
def repeats(store: Store, clock: Clock) -> Repeats:
    return Repeats(store.database, clock, os.urandom)


def done(repeats: Repeats, asked: Asked = ASKED) -> None:
    assert repeats.begin(asked, safely=False) is None
    repeats.keep(asked, DONE)


def test_the_same_again_is_answered_the_same(repeats: Repeats) -> None:
    done(repeats)
    assert repeats.begin(ASKED, safely=False) == DONE


def test_another_persons_key_is_another_key(repeats: Repeats) -> None:
    done(repeats)
    assert repeats.begin(Asked(person="anna", key=ASKED.key, said=ASKED.said), safely=False) is None


def test_the_same_key_with_something_else_is_refused(repeats: Repeats) -> None:
    done(repeats)
    with pytest.raises(Invalid, match="repeat-differs"):
        repeats.begin(Asked(person="bob", key=ASKED.key, said=b"POST /cases\n{ }"), safely=True)


def test_the_same_while_it_is_worked_on_waits(repeats: Repeats) -> None:
    repeats.begin(ASKED, safely=False)
    with pytest.raises(Conflict, match="repeat-at-work"):
        repeats.begin(ASKED, safely=True)


def test_of_many_at_once_one_does_it(repeats: Repeats) -> None:
    said: list[str] = []

    def one() -> None:
        try:
            said.append(str(repeats.begin(ASKED, safely=False)))
        except LocumError as error:
            said.append(error.key)

    together([one] * 8)
    assert sorted(said) == ["None", *["repeat-at-work"] * 7]


def test_what_failed_may_be_tried_again_with_the_same_key(repeats: Repeats) -> None:
    repeats.begin(ASKED, safely=False)
    repeats.forget(ASKED)
    done(repeats)


def test_what_was_answered_is_not_forgotten(repeats: Repeats) -> None:
    done(repeats)
    repeats.forget(ASKED)
    assert repeats.begin(ASKED, safely=False) == DONE


def test_after_a_crash_it_is_not_done_twice(repeats: Repeats, clock: Clock) -> None:
    repeats.begin(ASKED, safely=False)
    clock.later(121)
    with pytest.raises(Conflict, match="repeat-unknown"):
        repeats.begin(ASKED, safely=False)


def test_after_a_crash_what_is_safe_to_do_twice_goes_on_and_by_one_alone(repeats: Repeats, clock: Clock) -> None:
    repeats.begin(ASKED, safely=True)
    clock.later(121)
    assert repeats.begin(ASKED, safely=True) is None
    with pytest.raises(Conflict, match="repeat-at-work"):
        repeats.begin(ASKED, safely=True)


def test_a_key_counts_for_a_day(repeats: Repeats, clock: Clock) -> None:
    done(repeats)
    clock.later(86_399)
    assert repeats.begin(ASKED, safely=False) == DONE
    clock.later(1)
    assert repeats.begin(ASKED, safely=False) is None


def test_the_store_alone_cannot_read_an_answer(store: Store, repeats: Repeats) -> None:
    done(repeats)
    with store.database.reading() as connection:
        (row,) = connection.execute(select(rows)).all()
    assert not [part for part in (b"case", b"Location", ASKED.key.encode(), b"bob") if part in row.sealed + row.name]


def test_an_answer_that_was_changed_in_the_store_is_not_given(store: Store, repeats: Repeats) -> None:
    done(repeats)
    with store.database.writing() as connection:
        (row,) = connection.execute(select(rows)).all()
        connection.execute(rows.update().values(sealed=row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])))
    with pytest.raises(Garbled):
        repeats.begin(ASKED, safely=False)
