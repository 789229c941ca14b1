"""Erasing cases: what is left of them in the record is their leaves, and everything else still verifies."""

import pytest
from tests.filings import Clock, a_case, a_draft, erased, file_many, filing

from locum.entry import Entry, Erased
from locum.errors import Garbled
from locum.schema import entries, vault
from locum.store import Change, Store

pytest_plugins = ("tests.stores",)

HERS = "user1@corp.test"


def two_cases_on_one_mailbox(store: Store) -> None:
    (first,) = store.commit([filing(a_case(1))])
    store.commit([filing(a_case(2, mailbox=HERS))])
    store.commit([Change(case=first, entries=(a_draft(HERS, "asked"),))])


# What the record says afterwards


def test_every_place_of_a_stream_is_told_as_its_entry_or_as_erased(store: Store) -> None:
    two_cases_on_one_mailbox(store)
    leaves = store.leaves()
    erased(store, "case-1")
    whole = store.whole(HERS)
    assert [(type(one), one.index, one.seq) for one in whole] == [(Erased, 0, 0), (Entry, 1, 1), (Erased, 2, 2)]
    assert [one.leaf for one in whole] == leaves


def test_entries_of_an_erased_case_are_left_out(store: Store) -> None:
    two_cases_on_one_mailbox(store)
    erased(store, "case-1")
    assert [one.case for one in store.entries(mailbox=HERS)] == ["case-2"]
    assert store.entries_of(["case-1", "case-2"]).keys() == {"case-2"}


def test_a_stream_goes_on_after_an_erased_place(store: Store) -> None:
    two_cases_on_one_mailbox(store)
    erased(store, "case-1")
    store.commit([filing(a_case(3, mailbox=HERS))])
    assert [one.seq for one in store.entries(mailbox=HERS)] == [1, 3]


def test_a_place_that_no_entry_says_is_erased_is_damage(store: Store) -> None:
    two_cases_on_one_mailbox(store)
    erased(store, "case-1")
    with store.database.writing() as connection:
        connection.execute(entries.update().where(entries.c.position == 1).values(sealed=b""))
    with pytest.raises(Garbled, match="record-key-missing"):
        store.whole(HERS)


def test_a_key_that_is_gone_without_an_erasure_is_damage(store: Store, clock: Clock) -> None:
    file_many(store, 1, 3)
    with store.database.writing() as connection:
        connection.execute(vault.delete().where(vault.c.name == "case-1"))
    with pytest.raises(Garbled, match="record-key-missing"):
        store.entries(mailbox=HERS)


def test_who_empties_the_entry_that_says_so_empties_nothing_else(store: Store) -> None:
    two_cases_on_one_mailbox(store)
    erased(store, "case-1")
    with store.database.writing() as connection:
        connection.execute(entries.update().where(entries.c.stream == "org/erase").values(sealed=b""))
    with pytest.raises(Garbled, match="record-key-missing"):
        store.whole(HERS)
