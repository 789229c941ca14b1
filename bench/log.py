"""How fast the record grows and is read: entries appended durably, in batches and one by one; the leaves of 100,000 entries rebuilt
to a root; all of it looked at; and how large it is. Beside what this machine can do at all: bare fsyncs, and bare hashing.

On SQLite, in a new folder beside this one, where the disk is that of the bench.
"""

import hashlib
import itertools
import os
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.table import Row
from locum.entry import LEAF_BYTES, Draft
from locum.flatfile import FlatFile
from locum.publishing import Publisher
from locum.signer import Signer
from locum.soundness import examine
from locum.store import Change, Store
from locum.tlog import leaf_hash, root

BATCH, BATCHES, LEAVES = 200, 40, 100_000
TURNS, SINGLY = 10, 50
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def log() -> list[Row]:
    """All rows of the record."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent.parent) as name:
        folder = Path(name)
        store = Store(f"sqlite:///{folder}/locum.db", lambda: NOON)
        store.migrate()
        publisher = Publisher(
            store, Signer(folder / "record.key", "corp.test/locum"), FlatFile(folder / "log"), lambda: NOON
        )
        rows = [
            _batches(publisher, folder),
            _singly(publisher, folder),
            _looked_at(publisher),
            _size(publisher, folder),
        ]
        return [*rows, _root(folder / "leaves")]


def _drafts(first: int, many: int) -> tuple[Draft, ...]:
    """Entries as long as most are, of a hundred mailboxes."""
    body = {
        "case": "abcd-efgh",
        "by": {"id": "sam", "name": "Sam Groen"},
        "because": "Customers wait for an answer. " * 4,
    }
    return tuple(
        Draft(stream=f"user{n % 100}@corp.test", type="asked", time=NOON, body=body) for n in range(first, first + many)
    )


def _batches(publisher: Publisher, folder: Path) -> Row:
    begin = time.perf_counter()
    for batch in range(BATCHES):
        publisher.store.commit([Change(entries=_drafts(batch * BATCH, BATCH))])
        publisher.sign()
    rate = BATCH * BATCHES / (time.perf_counter() - begin)
    bare = _fsyncs(folder / "bare", 200)
    return Row(
        name="log-batches", unit=f"entries/s, {BATCH} at a time, durable, in the flat file and signed", ours=rate,
        peer=bare * BATCH, peer_name=f"bare fsyncs of {BATCH} leaves", ratio=rate / (bare * BATCH), goal=">= 2000", holds=rate >= 2000,
    )  # fmt: skip


def _singly(publisher: Publisher, folder: Path) -> Row:
    """In turns with the bare ones, so that both meet the same disk."""
    passed, bare = 0.0, 0.0
    for turn in range(TURNS):
        begin = time.perf_counter()
        for n in range(SINGLY):
            publisher.store.commit([Change(entries=_drafts(turn * SINGLY + n, 1))])
        passed += time.perf_counter() - begin
        bare += SINGLY / _fsyncs(folder / "bare", SINGLY)
    publisher.sign()
    rate, peer = TURNS * SINGLY / passed, TURNS * SINGLY / bare
    return Row(
        name="log-singly", unit="entries/s, each durable by itself", ours=rate, peer=peer, peer_name="bare fsyncs/s",
        ratio=rate / peer, goal=">= 200", holds=rate >= 200,
    )  # fmt: skip


def _fsyncs(file: Path, many: int) -> float:
    """How many times a second 65 bytes can be put on this disk, by nothing but write and fsync."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    begin = time.perf_counter()
    for _ in range(many):
        os.write(descriptor, bytes(LEAF_BYTES))
        os.fsync(descriptor)
    passed = time.perf_counter() - begin
    os.close(descriptor)
    return many / passed


def _looked_at(publisher: Publisher) -> Row:
    begin = time.perf_counter()
    found = examine(publisher.store.database, publisher.file, publisher.signer.vkey)
    passed = time.perf_counter() - begin
    assert all(one.holds is not False for one in found), found
    size, _ = publisher.store.tree_sizes()
    return Row(
        name="log-check", unit="entries/s looked at by `locum record check`", ours=size / passed, ratio=size / passed / 2000,
        goal=">= 2000", holds=size / passed >= 2000,
    )  # fmt: skip


def _size(publisher: Publisher, folder: Path) -> Row:
    """The database holds entries and nothing else here; that of a new one is subtracted."""
    size, _ = publisher.store.tree_sizes()
    publisher.store.close()
    with sqlite3.connect(folder / "locum.db") as connection:
        connection.execute("VACUUM")
        pages, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        payload = connection.execute("SELECT avg(length(sealed)) FROM entries").fetchone()[0]
    connection.close()
    each = pages * page / size
    return Row(
        name="log-size", unit=f"bytes per entry in the database, {LEAF_BYTES} more in the flat file", ours=each,
        peer=payload, peer_name="bytes sealed", ratio=each / payload, goal="<= 2 x what is sealed", holds=each <= 2 * payload,
    )  # fmt: skip


def _root(file: Path) -> Row:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(os.urandom(LEAF_BYTES * LEAVES))
    flat = FlatFile(file.parent)
    begin = time.perf_counter()
    made = root([leaf_hash(leaf) for leaf in itertools.chain.from_iterable(flat.leaves())])
    passed = time.perf_counter() - begin
    assert len(made) == hashlib.sha256().digest_size
    bare = _hashes(2 * LEAVES)
    return Row(
        name="log-root", unit=f"s for the root of {LEAVES:,} leaves in the flat file", ours=passed, peer=bare,
        peer_name="s for as many bare SHA-256", ratio=passed / bare, goal="< 0.5", holds=passed < 0.5,
    )  # fmt: skip


def _hashes(many: int) -> float:
    content, begin = bytes(LEAF_BYTES + 1), time.perf_counter()
    for _ in range(many):
        hashlib.sha256(content).digest()
    return time.perf_counter() - begin
