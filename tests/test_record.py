"""The record in the store, on SQLite and PostgreSQL: entries come back as they were written, tampering shows, and only what
continues the last checkpoint is signed.
"""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.filings import NOON, Clock, a_case, a_draft, file_many, filing, together

from locum import entry, tlog
from locum.errors import Garbled
from locum.sealing import seal
from locum.signer import Signer
from locum.store import Change, Store

pytest_plugins = ("tests.stores",)

# The record


def test_entries_are_read_back_as_they_were_written(store: Store) -> None:
    store.commit([filing(a_case(), entries=(a_draft("user1@corp.test", "requested", words=["ë", 1, None, True]),))])
    (found,) = store.entries(mailbox="user1@corp.test")
    assert (found.index, found.seq, found.type, found.time, found.case) == (0, 0, "requested", NOON, "case-1")
    assert found.body == {"words": ["ë", 1, None, True]}


def test_each_entry_names_the_commitment_of_the_one_before(store: Store) -> None:
    (case,) = store.commit(
        [filing(a_case(), entries=(a_draft("user1@corp.test"), a_draft("user1@corp.test", "asked")))]
    )
    store.commit([Change(case=case, entries=(a_draft("user1@corp.test", "answered"),))])
    found = store.entries(mailbox="user1@corp.test")
    assert [entry.payload(a_draft(e.stream, e.type, **dict(e.body)), e.seq, before) == e.payload
            for e, before in zip(found, [b"", *(e.leaf[33:] for e in found)], strict=False)] == [True] * 3  # fmt: skip


def test_entries_of_a_case_come_from_all_its_streams(store: Store) -> None:
    (case,) = store.commit([filing(a_case(1, mailbox="x@corp.test"))])
    store.commit([filing(a_case(2, mailbox="x@corp.test"))])
    store.commit([Change(case=case, entries=(a_draft("x@corp.test", "asked"), a_draft("org/figures", "figures")))])
    assert [e.type for e in store.entries(case=case.id)] == ["requested", "asked", "figures"]
    assert [e.case for e in store.entries(mailbox="x@corp.test")] == ["case-1", "case-2", "case-1"]


def test_an_entry_without_a_case_is_read_back(store: Store) -> None:
    store.commit([Change(entries=(a_draft("org/policy", "policy", hash="ab"),))])
    assert [(e.case, e.body) for e in store.entries(mailbox="org/policy")] == [("", {"hash": "ab"})]


def test_the_tree_is_that_of_the_leaves(store: Store) -> None:
    file_many(store, 0, 37, at_once=5)
    with store._database.reading() as connection:
        size, frontier = connection.execute(text("SELECT size, frontier FROM tree")).one()
    leaves = store.leaves()
    assert size == len(leaves) == 37
    assert tlog.Frontier.from_bytes(size, frontier).root() == tlog.root([tlog.leaf_hash(leaf) for leaf in leaves])
    assert store.leaves(3, 5) == leaves[3:5]


def test_no_text_of_a_case_lies_open_in_the_database(tmp_path: Path, clock: Clock) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    case = a_case(because="ZEKERHEID", measures=(replace(a_case().auto_reply, text_body="GEHEIM"),))
    made.commit([filing(case, found=b"VERBORGEN", entries=(a_draft(case.mailbox, word="VERTROUWELIJK"),))])
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for word in (b"ZEKERHEID", b"GEHEIM", b"VERBORGEN", b"VERTROUWELIJK"):
        assert word not in on_disk


def test_the_same_mailbox_has_no_two_tags_alike_and_another_mailbox_has_others(store: Store) -> None:
    file_many(store, 0, 20)
    store.commit([filing(a_case(100 + n, mailbox="user1@corp.test")) for n in range(20)])
    assert len({leaf[1:33] for leaf in store.leaves()}) == 40


# Tampering with the database

TAMPERING = {
    "a leaf": "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE position = 0) WHERE position = 1",
    "a payload": "UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE position = 0) WHERE position = 1",
    "a place": "UPDATE entries SET seq = 7 WHERE position = 1",
    "a mailbox": "UPDATE entries SET stream = 'user2@corp.test', seq = 1 WHERE position = 1",
    "a case": "UPDATE entries SET case_id = 'case-2' WHERE position = 1",
    "the last entry": "DELETE FROM entries WHERE position = 2",
    "an entry between": "DELETE FROM entries WHERE position = 1",
    "a hidden end": "UPDATE streams SET length = 2 WHERE name = 'user1@corp.test'",
    "a whole stream": "DELETE FROM entries WHERE stream = 'user1@corp.test'",
    "a key": "DELETE FROM vault WHERE name = 'case-1'",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_was_changed_behind_our_back_is_not_shown(store: Store, what: str) -> None:
    (case,) = store.commit(
        [
            filing(a_case(1)),
        ]
    )
    store.commit([Change(case=case, entries=(a_draft(case.mailbox, "asked"), a_draft(case.mailbox, "answered")))])
    store.commit([filing(a_case(2))])
    assert len(store.entries(mailbox=case.mailbox)) == 3
    with store._database.writing() as connection:
        connection.execute(text(TAMPERING[what]))
    with pytest.raises(Garbled):
        store.entries(mailbox=case.mailbox)


def test_an_entry_put_in_place_of_another_with_all_keys_does_not_fit_the_chain(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    store.commit([Change(case=case, entries=(a_draft(case.mailbox, "asked"), a_draft(case.mailbox, "answered")))])
    with store._database.writing() as connection:
        keys = {row.kind: row.key for row in connection.execute(text("SELECT kind, key FROM vault"))}
        forged = entry.payload(a_draft(case.mailbox, "asked", word="forged"), 1, b"")
        tag = entry.tag(keys["tag"], 1)
        leaf = entry.leaf(tag, entry.commitment(bytes(32), tag, forged))
        values = {"leaf": leaf, "sealed": seal(keys["case"], bytes(12), bytes(32) + forged, leaf)}
        connection.execute(text("UPDATE entries SET leaf = :leaf, sealed = :sealed WHERE seq = 1"), values)
    with pytest.raises(Garbled, match="record-damaged"):
        store.entries(mailbox=case.mailbox)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cases SET sealed = (SELECT sealed FROM cases WHERE id = 'case-2') WHERE id = 'case-1'",
        "UPDATE cases SET version = 2 WHERE id = 'case-1'",
        "DELETE FROM vault WHERE name = 'case-1'",
    ],
)
def test_a_case_that_was_changed_behind_our_back_is_not_shown(store: Store, change: str) -> None:
    file_many(store, 1, 3)
    with store._database.writing() as connection:
        connection.execute(text(change))
    with pytest.raises(Garbled):
        store.case("case-1")


def test_a_case_whose_key_is_destroyed_gets_no_new_one(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    with store._database.writing() as connection:
        connection.execute(text("DELETE FROM vault WHERE kind = 'case'"))
    with pytest.raises(Garbled, match="record-key-missing"):
        store.commit([Change(case=case)])


# Checkpoints


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "record.key", "corp.test/locum")


def signed(store: Store, signer: Signer) -> tlog.Checkpoint:
    note = store.sign_checkpoint(signer)
    assert note is not None
    assert store.checkpoint() == note
    return tlog.parse_checkpoint(tlog.verify(note, signer.vkey))


def test_a_checkpoint_says_what_the_leaves_say(store: Store, signer: Signer) -> None:
    file_many(store, 0, 11)
    leaves = [tlog.leaf_hash(leaf) for leaf in store.leaves()]
    assert signed(store, signer) == tlog.Checkpoint("corp.test/locum", 11, tlog.root(leaves))


def test_every_checkpoint_continues_the_one_before(store: Store, signer: Signer) -> None:
    made = []
    for first in (0, 3, 4, 9):
        file_many(store, first * 10, first * 10 + 7, at_once=3)
        made.append(signed(store, signer))
    hashes = [tlog.leaf_hash(leaf) for leaf in store.leaves()]
    for old, new in itertools.pairwise(made):
        proof = tlog.consistency_proof(hashes[: new.size], old.size)
        assert tlog.verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_nothing_is_signed_where_nothing_grew(store: Store, signer: Signer) -> None:
    assert store.sign_checkpoint(signer) is None
    file_many(store, 0, 3)
    signed(store, signer)
    assert store.sign_checkpoint(signer) is None


def test_signers_at_the_same_time_sign_one_history(store: Store, signer: Signer) -> None:
    file_many(store, 0, 3)
    signed(store, signer)
    file_many(store, 3, 40)
    notes: list[bytes | None] = []
    together([lambda: notes.append(store.sign_checkpoint(signer))] * 4)
    assert [note for note in notes if note] == [store.checkpoint()]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE position = 0) WHERE position = 4",
        "DELETE FROM entries WHERE position = 4",
        "UPDATE tree SET size = 2",
        "UPDATE tree SET checkpoint_size = 2",
        "UPDATE tree SET frontier = checkpoint_frontier, size = checkpoint_size + 4",
        "UPDATE tree SET checkpoint = NULL",
        "UPDATE tree SET checkpoint = :other",
        "UPDATE tree SET checkpoint = :foreign",
    ],
)
def test_nothing_is_signed_that_does_not_continue_what_was_signed(
    store: Store, signer: Signer, tmp_path: Path, change: str
) -> None:
    file_many(store, 0, 2)
    other = store.sign_checkpoint(signer)
    file_many(store, 2, 3)
    foreign = Signer(tmp_path / "foreign.key", "corp.test/locum").sign(signed(store, signer).text())
    file_many(store, 3, 6)
    with store._database.writing() as connection:
        values = {name: value for name, value in {"other": other, "foreign": foreign}.items() if f":{name}" in change}
        connection.execute(text(change), values)
    last = store.checkpoint()
    with pytest.raises(Garbled):
        store.sign_checkpoint(signer)
    assert store.checkpoint() == last
