"""`locum record check`: a sound record is called sound, every damage is named exactly, by the leaf and the entry, and nothing
is changed by looking. Each damage is done behind Locum's back, on SQLite and PostgreSQL.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.filings import Clock, a_case, a_draft, erased, filing

from locum import soundness
from locum.flatfile import FlatFile
from locum.messages import LANGUAGES
from locum.publishing import Publisher
from locum.seam import Finding
from locum.shapes import said_finding
from locum.signer import Signer
from locum.store import Change, Store
from locum.vault_file import VaultFile

pytest_plugins = ("tests.stores",)


@dataclass
class Log:
    """A store of 24 entries, published at 8, at 16 and at 24: three cases of two mailboxes, and blank leaves."""

    store: Store
    publisher: Publisher
    clock: Clock

    @property
    def leaves(self) -> Path:
        return self.publisher.file.leaves_path

    @property
    def checkpoint(self) -> Path:
        return self.publisher.file.checkpoint_path

    def sql(self, *statements: str) -> None:
        with self.store.database.writing() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def cut(self, leaves: int) -> None:
        with self.leaves.open("r+b") as file:
            file.truncate(leaves * 65)

    def swap(self, one: int, other: int) -> None:
        content = bytearray(self.leaves.read_bytes())
        first, second = slice(one * 65, one * 65 + 65), slice(other * 65, other * 65 + 65)
        content[first], content[second] = content[second], content[first]
        self.leaves.write_bytes(content)

    def found(self, vkey: str | None = "ours") -> list[Finding]:
        key = self.publisher.signer.vkey if vkey == "ours" else vkey
        return list(soundness.examine(self.store.database, self.publisher.file, key))


def told(finding: Finding) -> tuple[str, ...]:
    return finding.key.removeprefix("log."), *(value for _, value in finding.values)


@pytest.fixture
def log(store: Store, clock: Clock, tmp_path: Path) -> Log:
    publisher = Publisher(store, Signer(tmp_path / "record.key", "corp.test/locum"), FlatFile(tmp_path / "log"), clock)
    for turn in (1, 2, 3):
        case = a_case(turn, mailbox=f"user{turn % 2}@corp.test")
        (case,) = store.commit([filing(case)])
        store.commit([Change(case=case, entries=(a_draft(case.mailbox, "asked"), a_draft(case.mailbox, "answered")))])
        publisher.publish_if_due()
        clock.now += timedelta(hours=4)
    assert store.tree_sizes() == (24, 24)
    return Log(store, publisher, clock)


# sound


def test_a_sound_record_is_called_sound(log: Log) -> None:
    assert list(map(told, log.found())) == [("sound", "24", "0", "24")]


def test_what_was_written_since_the_last_checkpoint_is_looked_at_too(log: Log) -> None:
    log.store.commit([Change(entries=(a_draft("org/policy", "policy"),) * 3)])
    assert list(map(told, log.found())) == [("sound", "27", "0", "24")]


def test_leaves_that_no_checkpoint_covers_yet_are_no_damage(log: Log) -> None:
    log.store.commit([Change(entries=(a_draft("org/policy", "policy"),) * 3)])
    with log.publisher.file.writing() as held:
        held.put(24, log.store.leaves(24))
    assert [one.key for one in log.found()] == ["log.sound"]


def test_an_empty_record_is_sound_and_unpublished(store: Store, tmp_path: Path) -> None:
    signer = Signer(tmp_path / "record.key", "corp.test/locum")
    found = soundness.examine(store.database, FlatFile(tmp_path / "log"), signer.vkey)
    assert [one.key for one in found] == ["log.unpublished", "log.sound"]


def test_without_the_key_it_is_said_that_signatures_were_not_verified(log: Log) -> None:
    assert [(one.key, one.holds) for one in log.found(vkey=None)] == [
        ("log.signature-unchecked", None),
        ("log.sound", True),
    ]


def test_a_record_that_grows_while_it_is_looked_at_is_sound(log: Log) -> None:
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            log.store.commit([Change(entries=(a_draft("user1@corp.test", "asked"),))])
            log.publisher.sign()

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        keys = {one.key for _ in range(8) for one in log.found()}
    finally:
        stop.set()
        growing.join()
    assert keys <= {"log.sound", "log.leaves-torn"}


def test_erased_places_are_sound_and_counted(log: Log) -> None:
    erased(log.store, "case-2")
    log.sql("DELETE FROM cases WHERE id = 'case-2'")
    assert list(map(told, log.found())) == [("sound", "25", "3", "24")]


def test_a_place_that_is_emptied_without_an_entry_that_says_so_is_out_of_reach(log: Log) -> None:
    log.sql("UPDATE entries SET sealed = '' WHERE position = 9")
    assert {told(one) for one in log.found() if one.holds is False} == {("key-missing", "9", "user0@corp.test", "1")}


def test_a_vault_behind_a_key_file_is_looked_at_as_well(store_url: str, clock: Clock, tmp_path: Path) -> None:
    wrapped = Store(store_url, clock, key_file=VaultFile(tmp_path / "vault.key"))
    wrapped.migrate()
    wrapped.commit([filing(a_case(1))])
    found = soundness.examine(wrapped.database, FlatFile(tmp_path / "log"), None)
    wrapped.close()
    assert [told(one)[0] for one in found] == ["unpublished", "signature-unchecked", "sound"]


def test_looking_changes_nothing(log: Log, tmp_path: Path) -> None:
    log.swap(3, 4)
    before = {path.name: path.read_bytes() for path in log.leaves.parent.iterdir()}
    rows = log.store.leaves()
    log.found()
    assert {path.name: path.read_bytes() for path in log.leaves.parent.iterdir()} == before
    assert log.store.leaves() == rows


# damage in the database: what is done, and what must be told of it (and nothing else)

USER1 = "user1@corp.test"
DATABASE: dict[str, tuple[tuple[str, ...], set[tuple[str, ...]]]] = {
    "an entry changed": (
        ("UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE position = 4) WHERE position = 1",),
        {
            ("entry-damaged", "1", USER1, "1"), ("entry-damaged", "2", USER1, "2"), ("leaf-differs", "1"),
            ("tree-differs", "24"), ("database-changed-signed", "24"), ("database-changed-published", "24"),
        },
    ),
    "a payload changed": (
        ("UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE position = 0) WHERE position = 1",),
        {("entry-damaged", "1", USER1, "1")},
    ),
    "an entry removed": (
        ("DELETE FROM entries WHERE position = 1",),
        {
            ("entry-missing", "1", "1"), ("entry-order", "2", USER1, "2", "1"), ("entry-damaged", "2", USER1, "2"),
            ("tree-differs", "24"), ("database-changed-signed", "24"), ("database-changed-published", "24"),
        },
    ),
    "two entries reordered": (
        (
            "UPDATE entries SET position = 99 WHERE position = 1",
            "UPDATE entries SET position = 1 WHERE position = 2",
            "UPDATE entries SET position = 2 WHERE position = 99",
        ),
        {
            ("leaf-differs", "1"), ("leaf-differs", "2"),
            ("entry-order", "1", USER1, "2", "1"), ("entry-order", "2", USER1, "1", "3"),
            ("entry-order", "16", USER1, "3", "2"),
            ("tree-differs", "24"), ("database-changed-signed", "24"), ("database-changed-published", "24"),
        },
    ),
    "an entry put in at the end": (
        (
            "INSERT INTO entries SELECT 24, stream, 6, case_id, leaf, sealed FROM entries WHERE position = 2",
        ),
        {("entry-beyond", "24", "24")},
    ),
    "the tail cut off": (
        ("DELETE FROM entries WHERE position > 20",),
        {
            ("entry-missing", "21", "23"), ("stream-differs", "org/blank", "12", "15"),
            ("tree-differs", "24"), ("database-changed-signed", "24"), ("database-changed-published", "24"),
        },
    ),
    "a hidden end of a stream": (
        (f"UPDATE streams SET length = 5 WHERE name = '{USER1}'",),
        {("stream-differs", USER1, "6", "5")},
    ),
    "another head of a stream": (
        (f"UPDATE streams SET head = (SELECT head FROM streams WHERE name = 'org/blank') WHERE name = '{USER1}'",),
        {("stream-differs", USER1, "6", "6")},
    ),
    "a lost key": (
        ("DELETE FROM vault WHERE name = 'case-2'",),
        {
            *(("key-missing", str(8 + n), "user0@corp.test", str(n)) for n in range(3)),
            ("case-damaged", "case-2"),
        },
    ),
    "another tree": (("UPDATE tree SET frontier = checkpoint_frontier, size = 24, checkpoint_size = 16",), {("signed-row",)}),
    "a foreign checkpoint": (
        ("UPDATE tree SET checkpoint = (SELECT value FROM settings WHERE name = 'forged')",), {("checkpoint-false-signed",), ("signed-row",)},
    ),
    "a case changed": (("UPDATE cases SET version = 7 WHERE id = 'case-3'",), {("case-damaged", "case-3")}),
}  # fmt: skip


@pytest.mark.parametrize("what", DATABASE)
def test_damage_in_the_database_is_named(log: Log, tmp_path: Path, what: str) -> None:
    statements, expected = DATABASE[what]
    forged = Signer(tmp_path / "forged.key", "corp.test/locum").sign(b"corp.test/locum\n24\n" + b"A" * 43 + b"=\n")
    log.store.setting("forged", lambda: forged)
    log.sql(*statements)
    assert {told(one) for one in log.found() if one.holds is False} == expected


# damage in the folder

FOLDER: dict[str, tuple[Callable[[Log], object], set[tuple[str, ...]]]] = {
    "two leaves swapped": (lambda log: log.swap(3, 4), {("leaf-differs", "3"), ("leaf-differs", "4"), ("file-changed", "24")}),
    "the tail cut off": (lambda log: log.cut(20), {("leaves-short", "20", "23")}),
    "all leaves gone": (lambda log: log.leaves.unlink(), {("leaves-short", "0", "23")}),
    "another checkpoint": (lambda log: log.checkpoint.write_bytes(b"nonsense"), {("checkpoint-false-published",)}),
    "a checkpoint without a signature": (
        lambda log: log.checkpoint.write_bytes(log.checkpoint.read_bytes().split(b"\n\n")[0] + b"\n\n"),
        {("checkpoint-false-published",)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FOLDER)
def test_damage_in_the_folder_is_named(log: Log, what: str) -> None:
    damage, expected = FOLDER[what]
    damage(log)
    assert {told(one) for one in log.found() if one.holds is False} == expected


def test_part_of_a_leaf_is_a_remark_because_the_next_publishing_mends_it(log: Log) -> None:
    with log.leaves.open("ab") as file:
        file.write(b"\x01" * 40)
    assert next((told(one), one.holds) for one in log.found()) == (("leaves-torn", "40"), None)


def test_many_of_a_kind_are_counted(log: Log) -> None:
    log.leaves.write_bytes(bytes(65 * 24))
    assert ("more", "leaf-differs", "4") in {told(one) for one in log.found()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_has_its_sentence(log: Log, language: str) -> None:
    log.sql("DELETE FROM entries WHERE position = 1", "DELETE FROM vault WHERE name = 'case-2'")
    log.cut(20)
    sentences = [said_finding(one, language) for one in log.found()]
    assert [one for one in sentences if "…" in one or one.startswith("log.")] == []
