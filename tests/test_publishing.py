"""Publishing: leaves on the disk before anything is signed over them, fixed times and blank leaves, what is noticed of an old or a
changed database before anything more is signed, what mends itself, and one history where two sign at once.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.filings import Clock, a_draft, together

from locum import proving, soundness, tlog
from locum.errors import Garbled, Invalid, LocumError, Unreachable
from locum.flatfile import FlatFile
from locum.publishing import Publisher
from locum.signer import Signer
from locum.store import Change, Store

pytest_plugins = ("tests.stores",)

ORIGIN = "corp.test/locum"


@pytest.fixture
def publisher(store: Store, clock: Clock, tmp_path: Path) -> Publisher:
    return Publisher(store, Signer(tmp_path / "record.key", ORIGIN), FlatFile(tmp_path / "log"), clock)


def write(publisher: Publisher, count: int = 1) -> None:
    publisher.store.commit([Change(entries=(a_draft("user1@corp.test", "asked"),) * count)])


def published(publisher: Publisher) -> tlog.Checkpoint:
    note = publisher.file.checkpoint()
    assert note is not None
    return tlog.parse_checkpoint(tlog.verify(note, publisher.signer.vkey))


def in_file(publisher: Publisher) -> list[bytes]:
    return list(itertools.chain.from_iterable(publisher.file.leaves()))


def damaged(publisher: Publisher) -> list[str]:
    found = soundness.examine(publisher.store.database, publisher.file, publisher.signer.vkey)
    return [one.key for one in found if one.holds is False]


# what is published


def test_the_published_checkpoint_is_that_of_the_published_leaves(publisher: Publisher) -> None:
    write(publisher, 11)
    publisher.publish()
    hashes = [tlog.leaf_hash(leaf) for leaf in in_file(publisher)]
    assert published(publisher) == tlog.Checkpoint(ORIGIN, 16, tlog.root(hashes))


def test_what_is_signed_has_its_leaves_in_the_file_though_it_is_not_published(publisher: Publisher) -> None:
    publisher.publish()
    write(publisher, 3)
    publisher.sign()
    assert (in_file(publisher), published(publisher).size) == (publisher.store.leaves(), 8)


def test_nothing_is_signed_before_its_leaves_are_in_the_file(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(publisher, 3)
    publisher.file.folder.mkdir()
    publisher.file.leaves_path.mkdir()
    with pytest.raises(Unreachable, match="record-folder-unreachable"):
        publisher.sign()
    assert publisher.store.checkpoint() is None


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16])
def test_what_is_published_is_a_whole_number_of_blocks(publisher: Publisher, count: int) -> None:
    write(publisher, count)
    publisher.publish()
    size = published(publisher).size
    assert (size % 8, size - count < 8 or count == 0) == (0, True)


def test_a_blank_leaf_is_an_entry_that_says_nothing(publisher: Publisher) -> None:
    publisher.publish()
    assert {(e.type, e.stream, str(e.body)) for e in publisher.store.entries()} == {("blank", "org/blank", "{}")}


def test_files_are_for_the_group_and_nobody_else(publisher: Publisher) -> None:
    publisher.publish()
    rights = [
        path.stat().st_mode & 0o777
        for path in (publisher.file.folder, publisher.file.leaves_path, publisher.file.checkpoint_path)
    ]
    assert [one & 0o027 for one in rights] == [0, 0, 0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files to others")
def test_what_root_makes_belongs_to_the_owner_of_the_folder_above(publisher: Publisher) -> None:
    os.chown(publisher.file.folder.parent, 4321, 4321)
    publisher.publish()
    paths = (publisher.file.folder, publisher.file.leaves_path, publisher.file.checkpoint_path)
    assert {path.stat().st_uid for path in paths} == {4321}


def test_a_cosigned_note_takes_the_place_of_the_published_one(publisher: Publisher) -> None:
    note = publisher.publish() + "\u2014 witness.test AAAAAAAA\n".encode()
    publisher.keep(note)
    assert publisher.file.checkpoint() == note


def test_a_note_of_an_older_tree_does_not(publisher: Publisher) -> None:
    old = publisher.publish()
    write(publisher)
    new = publisher.publish()
    publisher.keep(old)
    assert publisher.file.checkpoint() == new


# fixed times


def moments(
    publisher: Publisher, clock: Clock, minutes: int, of: int, busy: Callable[[int], bool]
) -> list[tuple[int, int]]:
    """When it was published and with how many leaves, looked at every ten minutes, with something written where it is busy."""
    start, seen = clock.now, []
    for at in range(0, of, minutes):
        clock.now = start + timedelta(minutes=at)
        if busy(at):
            write(publisher)
            publisher.sign()
        if publisher.publish_if_due() is not None:
            seen.append((at, published(publisher).size))
    return seen


def test_neither_moments_nor_sizes_tell_whether_anything_happened(
    store: Store, publisher: Publisher, clock: Clock, tmp_path: Path
) -> None:
    clock.now = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    quiet = moments(publisher, clock, 10, 24 * 60, lambda _at: False)
    clock.now = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    busy = moments(publisher, clock, 10, 24 * 60, lambda at: at % 60 == 30)
    assert [(at, size + 48) for at, size in quiet] == busy == [(at * 240, 56 + at * 8) for at in range(6)]


def test_a_worker_that_begins_anew_does_not_publish_again(publisher: Publisher, clock: Clock) -> None:
    publisher.publish_if_due()
    again = Publisher(publisher.store, publisher.signer, publisher.file, clock)
    clock.now += timedelta(minutes=1)
    assert again.publish_if_due() is None


def test_a_worker_that_was_away_publishes_what_was_due(publisher: Publisher, clock: Clock) -> None:
    publisher.publish_if_due()
    clock.now += timedelta(days=3, minutes=17)
    assert (publisher.publish_if_due() is not None, publisher.publish_if_due()) == (True, None)


def test_what_is_urgent_does_not_put_off_the_next_fixed_time(publisher: Publisher, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    publisher.publish_if_due()
    clock.now += timedelta(hours=3, minutes=59)
    write(publisher)
    publisher.publish()
    clock.now += timedelta(minutes=1)
    assert publisher.publish_if_due() is not None


# a database that is old or was changed: nothing more is signed


def dump(store: Store) -> dict[str, list[dict[str, object]]]:
    """A backup of the whole database, whatever system it is."""
    with store.database.reading() as connection:
        tables = ("tree", "streams", "entries", "vault", "settings")
        return {
            name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()] for name in tables
        }


def restore(store: Store, backup: dict[str, list[dict[str, object]]]) -> None:
    with store.database.writing() as connection:
        for name, rows in backup.items():
            connection.execute(text(f"DELETE FROM {name}"))
            for row in rows:
                names = ", ".join(row)
                connection.execute(
                    text(f"INSERT INTO {name} ({names}) VALUES ({', '.join(':' + one for one in row)})"), row
                )


def refuses(publisher: Publisher) -> str:
    """What keeps it from signing and from publishing, where nothing is signed or published; empty where something is."""
    before = publisher.store.checkpoint(), publisher.file.checkpoint(), in_file(publisher)
    keys = []
    for work in (publisher.sign, publisher.publish, publisher.compare):
        try:
            work()
            keys.append("")
        except Garbled as error:
            keys.append(error.key)
    assert (publisher.store.checkpoint(), publisher.file.checkpoint(), in_file(publisher)) == before
    return keys[0] if len(set(keys)) == 1 else str(keys)


def test_a_restored_old_database_is_noticed_by_the_folder(publisher: Publisher) -> None:
    publisher.publish()
    backup = dump(publisher.store)
    write(publisher, 3)
    publisher.sign()
    restore(publisher.store, backup)
    write(publisher)
    assert (refuses(publisher), "log.database-behind" in damaged(publisher)) == ("record-behind", True)


def test_a_restored_old_database_that_grew_past_the_folder_is_noticed_by_the_first_leaf_that_differs(
    publisher: Publisher,
) -> None:
    publisher.publish()
    backup = dump(publisher.store)
    write(publisher, 3)
    publisher.sign()
    restore(publisher.store, backup)
    write(publisher, 9)
    assert (refuses(publisher), damaged(publisher)) == ("record-differs", ["log.leaf-differs"] * 3)


def test_an_old_database_with_its_own_old_folder_is_noticed_by_whoever_kept_a_checkpoint(publisher: Publisher) -> None:
    publisher.publish()
    backup, folder = dump(publisher.store), {path: path.read_bytes() for path in publisher.file.folder.iterdir()}
    write(publisher, 3)
    kept = tlog.parse_checkpoint(publisher.publish())
    restore(publisher.store, backup)
    for path, content in folder.items():
        path.write_bytes(content)
    write(publisher, 9)
    publisher.publish()
    assert damaged(publisher) == []  # nothing here can tell
    with pytest.raises(Garbled, match="checkpoint-other-history"):
        proving.continuation(publisher.file, kept)


def test_a_folder_that_is_gone_is_written_anew_from_what_was_signed(publisher: Publisher) -> None:
    write(publisher, 3)
    publisher.publish()
    for path in publisher.file.folder.iterdir():
        path.unlink()
    publisher.publish()
    assert (in_file(publisher), published(publisher).size, damaged(publisher)) == (publisher.store.leaves(), 8, [])


def test_a_folder_that_is_gone_is_not_filled_from_a_database_that_was_changed(publisher: Publisher) -> None:
    write(publisher, 8)
    publisher.publish()
    publisher.file.leaves_path.unlink()
    with publisher.store.database.writing() as connection:
        connection.execute(
            text("UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE position = 2) WHERE position = 1")
        )
    with pytest.raises(Garbled, match="record-inconsistent"):
        publisher.publish()
    assert in_file(publisher) == []


def test_the_tail_of_the_database_cut_off_is_noticed_by_the_folder(publisher: Publisher) -> None:
    publisher.publish()
    backup = dump(publisher.store)
    write(publisher, 3)
    publisher.sign()
    now = dump(publisher.store)
    restore(publisher.store, {**now, **{name: backup[name] for name in ("tree", "streams", "entries")}})
    write(publisher)
    assert refuses(publisher) == "record-behind"


def test_the_tail_of_the_file_cut_off_is_put_back(publisher: Publisher) -> None:
    write(publisher, 11)
    publisher.publish()
    with publisher.file.leaves_path.open("r+b") as file:
        file.truncate(65 * 5 + 30)
    assert damaged(publisher) == ["log.leaves-short"]
    publisher.publish()
    assert (in_file(publisher), damaged(publisher)) == (publisher.store.leaves(), [])


def test_both_tails_cut_off_are_noticed_by_the_published_checkpoint(publisher: Publisher) -> None:
    publisher.publish()
    backup = dump(publisher.store)
    write(publisher, 3)
    publisher.publish()
    restore(publisher.store, backup)
    with publisher.file.leaves_path.open("r+b") as file:
        file.truncate(65 * 8)
    write(publisher)
    assert (refuses(publisher), "log.database-behind" in damaged(publisher)) == ("record-behind", True)


def test_a_leaf_changed_in_the_file_is_noticed_at_the_next_fixed_time(publisher: Publisher, clock: Clock) -> None:
    write(publisher, 11)
    publisher.publish_if_due()
    content = bytearray(publisher.file.leaves_path.read_bytes())
    content[65 * 3 + 40] ^= 1
    publisher.file.leaves_path.write_bytes(content)
    clock.now += timedelta(hours=4)
    with pytest.raises(Garbled, match=r"record-differs.*leaf=3"):
        publisher.publish_if_due()


def test_a_changed_log_is_read_whole_once_a_minute_and_is_published_once_it_is_mended(
    publisher: Publisher, clock: Clock
) -> None:
    publisher.publish_if_due()
    before = publisher.file.leaves_path.read_bytes()
    publisher.file.leaves_path.write_bytes(bytes(65) + before[65:])
    clock.now += timedelta(hours=4)
    said = []
    for after in (0, 59, 60):
        clock.now += timedelta(seconds=after)
        try:
            said.append(publisher.publish_if_due())
        except Garbled as error:
            said.append(error.key)
        publisher.file.leaves_path.write_bytes(before)
    assert (said[:2], said[2] is not None) == (["record-differs"] * 2, True)


def test_a_forged_published_checkpoint_is_noticed_at_the_next_fixed_time(
    publisher: Publisher, clock: Clock, tmp_path: Path
) -> None:
    note = publisher.publish_if_due()
    assert note is not None
    forged = Signer(tmp_path / "other.key", ORIGIN).sign(note.partition(b"\n\n")[0] + b"\n")
    publisher.file.checkpoint_path.write_bytes(forged)
    clock.now += timedelta(hours=4)
    with pytest.raises(Garbled, match="checkpoint-unsigned"):
        publisher.publish_if_due()


# consistency between any two


def test_there_is_a_proof_from_every_checkpoint_to_every_later_one(publisher: Publisher) -> None:
    kept: list[tlog.Checkpoint] = []
    for count in (1, 2, 9, 5, 1, 14):
        write(publisher, count)
        note = publisher.sign()
        assert note is not None
        kept.append(tlog.parse_checkpoint(note))
        kept.append(tlog.parse_checkpoint(publisher.publish()))
        assert [proving.continues(old, proving.continuation(publisher.file, old)) for old in kept] == [True] * len(kept)


def test_a_proof_is_none_for_another_root(publisher: Publisher) -> None:
    write(publisher, 3)
    old = tlog.parse_checkpoint(publisher.sign() or b"")
    publisher.publish()
    proof = proving.continuation(publisher.file, old)
    assert not proving.continues(tlog.Checkpoint(ORIGIN, old.size, bytes(32)), proof)


def test_a_checkpoint_that_is_newer_than_what_is_published_has_no_proof_yet(publisher: Publisher) -> None:
    publisher.publish()
    write(publisher, 3)
    with pytest.raises(Invalid, match="checkpoint-not-yet"):
        proving.continuation(publisher.file, tlog.parse_checkpoint(publisher.sign() or b""))


def test_a_checkpoint_of_another_log_has_no_proof(publisher: Publisher) -> None:
    publisher.publish()
    with pytest.raises(Invalid, match="checkpoint-of-another"):
        proving.continuation(publisher.file, tlog.Checkpoint("other.test/locum", 0, tlog.EMPTY_ROOT))


# two at once


def test_two_threads_that_sign_and_publish_at_once_write_one_history(
    publisher: Publisher, clock: Clock, tmp_path: Path
) -> None:
    other = Publisher(publisher.store, publisher.signer, FlatFile(tmp_path / "elsewhere"), clock)
    kept: list[bytes | None] = []

    def busy(one: Publisher) -> None:
        for turn in range(8):
            write(one)
            kept.append(one.publish() if turn % 3 == 0 else one.sign())

    together([lambda one=one: busy(one) for one in (publisher, publisher, other)])  # type: ignore[misc]
    publisher.publish()
    other.publish()
    notes = [tlog.parse_checkpoint(note) for note in kept if note]
    assert in_file(publisher)[: published(other).size] == in_file(other)[: published(other).size]
    assert [proving.continues(old, proving.continuation(publisher.file, old)) for old in notes] == [True] * len(notes)


SIGN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from locum.entry import Draft
from locum.flatfile import FlatFile
from locum.publishing import Publisher
from locum.signer import Signer
from locum.store import Change, Store
url, key, folder = sys.argv[1:]
clock = lambda: datetime.now(UTC)
store = Store(url, clock)
publisher = Publisher(store, Signer(Path(key), "corp.test/locum"), FlatFile(Path(folder)), clock)
sys.stdin.readline()
for turn in range(12):
    store.commit([Change(entries=(Draft(stream="user1@corp.test", type="asked", time=clock(), body={}),))])
    note = publisher.sign()
    if note:
        print(note.split(b"\\n")[1].decode(), note.split(b"\\n")[2].decode(), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("folders", [("log", "log"), ("log", "elsewhere")], ids=["one folder", "two hosts"])
def test_two_processes_that_sign_at_once_sign_one_history(
    store_url: str, publisher: Publisher, tmp_path: Path, folders: tuple[str, str]
) -> None:
    publisher.publish()
    command = [sys.executable, "-c", SIGN, store_url, str(tmp_path / "record.key")]
    started = [
        subprocess.Popen([*command, str(tmp_path / name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in folders
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [line.split() for process in started for line in process.communicate(timeout=60)[0].splitlines()]
    hashes = [tlog.leaf_hash(leaf) for leaf in publisher.store.leaves()]
    roots = {
        str(size): tlog.Checkpoint(ORIGIN, size, tlog.root(hashes[:size])).text().decode().split("\n")[2]
        for size in range(len(hashes) + 1)
    }
    assert dict(said) == {size: roots[size] for size, _ in said}
    publisher.publish()  # where the other one has its own folder, ours is behind it by now
    assert (len(said) == len({size for size, _ in said}), len(hashes), damaged(publisher)) == (True, 32, [])


def test_an_error_is_told_with_its_key_by_every_part(publisher: Publisher) -> None:
    write(publisher)
    publisher.file.folder.write_text("a file, no folder")
    with pytest.raises(LocumError, match="record-folder-unreachable"):
        publisher.publish()
