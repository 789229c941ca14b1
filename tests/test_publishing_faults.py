"""Publishing when the operating system fails: each open, write, truncation, fsync, rename and close in turn (strace), a full disk
(a small tmpfs), and a kill at each step. After each the record is sound or says exactly what is wrong, the published checkpoint
goes on from the one before, and the next publishing mends all.
"""

import itertools
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.faulty import CALLS, Faulty, faulty
from tests.filings import Clock, a_draft

from locum import proving, soundness, tlog
from locum.flatfile import FlatFile
from locum.publishing import Publisher
from locum.signer import Signer
from locum.store import Change, Store

pytest_plugins = ("tests.stores",)
pytestmark = pytest.mark.slow

KEYS = {"published", "record-folder-unreachable", "store-unreachable", "key-file-unreachable"}
"""How it may end: done, or with an error that says what could not be reached, and is tried again."""


def opened(folder: Path) -> Publisher:
    store = Store(f"sqlite:///{folder}/locum.db", Clock())
    return Publisher(store, Signer(folder / "record.key", "corp.test/locum"), FlatFile(folder / "log"), Clock())


def write(publisher: Publisher, count: int) -> None:
    publisher.store.commit([Change(entries=(a_draft("user1@corp.test", "asked"),) * count)])


def damage(publisher: Publisher) -> list[str]:
    found = soundness.examine(publisher.store.database, publisher.file, publisher.signer.vkey)
    return [one.key for one in found if one.holds is False]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record that was published once, and has grown since."""
    folder = tmp_path_factory.mktemp("before") / "record"
    folder.mkdir()
    publisher = opened(folder)
    publisher.store.migrate()
    write(publisher, 3)
    publisher.publish()
    write(publisher, 4)
    publisher.store.close()
    return folder


@pytest.fixture(scope="module")
def strace(before: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode:
        pytest.skip("strace is not installed, or may not be used here")
    folder = tmp_path_factory.mktemp("faulty")
    shutil.copytree(before, folder / "warm")
    with faulty(folder / "warm", folder / "calls") as found:
        yield found


def wrong_after(folder: Path, old: bytes) -> list[str]:
    """What is wrong with a record after a publishing that failed, and after the next one."""
    publisher = opened(folder)
    old_checkpoint = tlog.parse_checkpoint(old)
    wrong = damage(publisher)
    note = publisher.file.checkpoint()
    if note is None or tlog.parse_checkpoint(tlog.verify(note, publisher.signer.vkey)).size < old_checkpoint.size:
        wrong.append("the published checkpoint went back")
    publisher.publish()
    wrong += [f"{key}, after the next publishing" for key in damage(publisher)]
    if not proving.continues(old_checkpoint, proving.continuation(publisher.file, old_checkpoint)):
        wrong.append("another history")
    publisher.store.close()
    return wrong


def wrong_with(strace: Faulty, before: Path, folder: Path, *inject: str) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(before, folder)
    said = strace.publish(folder, *inject)
    found = wrong_after(folder, (before / "log" / "checkpoint").read_bytes())
    return [*([said] if said not in KEYS else []), *found]


@pytest.fixture(scope="module")
def calls(strace: Faulty, before: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("calls") / "record"
    shutil.copytree(before, folder)
    return strace.calls(folder)


def test_every_kind_of_call_is_among_those_that_are_made_to_fail(calls: list[tuple[str, int]]) -> None:
    assert {name for name, _ in calls} == set(CALLS)


def test_whichever_call_fails_the_record_is_sound_and_mends_itself(
    strace: Faulty, before: Path, calls: list[tuple[str, int]], tmp_path: Path
) -> None:
    wrong = {}
    for name, nth in calls:
        inject = f"inject={name}:error={'ENOSPC' if 'write' in name else 'EIO'}:when={nth}"
        if found := wrong_with(strace, before, tmp_path / "record", "-e", f"trace={name}", "-e", inject):
            wrong[name, nth] = found
    assert wrong == {}


def test_each_thing_is_on_the_disk_before_the_next_builds_on_it(strace: Faulty, before: Path, tmp_path: Path) -> None:
    shutil.copytree(before, tmp_path / "record")
    strace.publish(tmp_path / "record", "-y", "-e", "trace=pwrite64,write,fsync,fdatasync,rename")
    lines = re.findall(r"^\d+ +(\w+)\(.*?/record/([\w./-]+)", strace.log.read_text(), re.MULTILINE)
    steps = [(name.replace("pwrite64", "write").replace("fdatasync", "fsync"), place) for name, place in lines]
    seen = [step for step, _ in itertools.groupby(steps) if step[1].startswith("log") or step[1] == "locum.db-wal"]
    leaves = [("write", "log/leaves"), ("fsync", "log/leaves")]
    signed = [("write", "locum.db-wal"), ("fsync", "locum.db-wal")]
    published = [
        ("write", "log/.checkpoint"),
        ("fsync", "log/.checkpoint"),
        ("rename", "log/.checkpoint"),
        ("fsync", "log"),
    ]
    # A new write-ahead log has its head synced first; then: signed, blank leaves, signed, published.
    assert seen == [*leaves, *signed, *signed, *signed, *leaves, *signed, *published]


@pytest.mark.parametrize("name", ["fsync", "pwrite64", "rename"])
def test_a_disk_that_fails_from_then_on_is_waited_out(strace: Faulty, before: Path, tmp_path: Path, name: str) -> None:
    inject = ("-e", f"trace={name}", "-e", f"inject={name}:error=EIO:when=1+")
    assert wrong_with(strace, before, tmp_path / "record", *inject) == []


@pytest.mark.parametrize("name", ["pwrite64", "ftruncate", "fsync", "write", "rename", "close"])
def test_whoever_is_killed_there_leaves_a_record_that_is_sound(
    strace: Faulty, before: Path, calls: list[tuple[str, int]], tmp_path: Path, name: str
) -> None:
    wrong = {}
    for nth in [nth for one, nth in calls if one == name][-3:]:  # the last ones are those of the flat file
        shutil.rmtree(tmp_path / "record", ignore_errors=True)
        shutil.copytree(before, tmp_path / "record")
        inject = f"inject={name}:signal=KILL:when={nth}"
        strace.publish(tmp_path / "record", "-e", f"trace={name}", "-e", inject, dies=True)
        if found := wrong_after(tmp_path / "record", (before / "log" / "checkpoint").read_bytes()):
            wrong[nth] = found
    assert wrong == {}


def test_a_full_disk_is_said_and_waited_out(before: Path, tmp_path: Path) -> None:
    shutil.copytree(before, tmp_path / "record")
    folder = tmp_path / "record" / "log"
    mounted = f'mount -t tmpfs -o size=8k none {folder} && cp {before}/log/* {folder} && exec {sys.executable} -c "$0" {tmp_path}/record'
    ran = subprocess.run(["unshare", "--mount", "sh", "-c", mounted, FULL], capture_output=True, text=True, check=False)
    if "mount" in ran.stderr or "unshare" in ran.stderr:
        pytest.skip("only root can mount")
    assert ran.stdout.splitlines() == ["record-folder-unreachable", "[]", "published", "[]"], ran.stderr


FULL = f"""
import subprocess, sys
sys.path.insert(0, "{Path(__file__).parent.parent}")
from pathlib import Path
from locum.errors import LocumError
from tests.test_publishing_faults import damage, opened, write
publisher = opened(Path(sys.argv[1]))
write(publisher, 100)
for turn in range(2):
    try:
        publisher.publish()
        print("published")
    except LocumError as error:
        print(error.key)
    print(damage(publisher))
    subprocess.run(["mount", "-o", "remount,size=64k", publisher.file.folder], check=True)
"""


# what was answered is there


ANSWERING = """
import sys
from datetime import UTC, datetime
from locum.entry import Draft
from locum.store import Change, Store
clock = lambda: datetime.now(UTC)
store = Store(sys.argv[1], clock)
for batch in range(100000):
    body = {"batch": batch}
    drafts = tuple(Draft(stream=f"user{n}@corp.test", type="asked", time=clock(), body=body) for n in range(20))
    store.commit([Change(entries=drafts)])
    print(batch, flush=True)
"""


def test_a_batch_that_was_answered_is_there_whole_after_a_kill_and_no_batch_in_part(
    store_url: str, store: Store
) -> None:
    for turn in range(3):
        process = subprocess.Popen([sys.executable, "-c", ANSWERING, store_url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        answered = [int(process.stdout.readline()) for _ in range(3 + turn)][-1]
        process.kill()
        process.wait()
        found = Counter(one.body["batch"] for one in store.entries(mailbox="user0@corp.test"))
        assert all(found[batch] == turn + 1 for batch in range(3)), answered
    assert len(store.leaves()) % 20 == 0


def test_postgresql_answers_no_commit_that_is_not_on_its_disk(store: Store) -> None:
    with store.database.reading() as connection:
        if connection.dialect.name == "postgresql":
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
