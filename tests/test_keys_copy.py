"""Restoring as docs/operate.md has it, on SQLite and PostgreSQL: a dump, the newest copy of the keys, and what was erased since
is erased again before anything else.
"""

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.test_keeping import HERS, PEOPLE, SAID, accounted, erase, in_two_weeks
from tests.world import World

from locum.cli import main
from locum.demo.sink import Sink
from locum.desk import Acting
from locum.errors import Invalid, Rejected
from locum.lifecycle import Case
from mailhosts import postgres

SHE = Acting(id="annaerased", name="Anna Gewiste", address=HERS)
pytest_plugins = ("tests.stores",)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    with Sink() as sink:
        yield World(
            tmp_path, sink, store_url=store_url, people=PEOPLE, policy={"wait_hours": 0, "free_text": "allowed"}
        )


def found(program: str) -> Path:
    binaries = postgres.programs()
    assert binaries is not None
    return (binaries / "initdb").resolve().parent / program


def dumped(world: World) -> Path:
    """A dump without the keys where the database can leave them out."""
    dump = world.folder / "dump"
    if world.store_url.startswith("sqlite"):
        with sqlite3.connect(world.folder / "locum.db") as there, sqlite3.connect(dump) as copy:
            there.backup(copy)
        return dump
    command = [found("pg_dump"), "--exclude-table-data=vault", "--no-owner", "-f", dump, world.store_url]
    subprocess.run(command, check=True, capture_output=True)
    return dump


def restored(world: World, dump: Path) -> None:
    """The database is the dump; the key of the vault is lost with the machine."""
    world.app.store.close()
    (world.folder / "vault.key").unlink()
    if world.store_url.startswith("sqlite"):
        for file in world.folder.glob("locum.db*"):
            file.unlink()
        (world.folder / "locum.db").write_bytes(dump.read_bytes())
        return
    server = postgres.shared()
    assert server is not None
    url = server.url(server.new_database())
    subprocess.run([found("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-f", dump, url], check=True, capture_output=True)
    world.config.write_text(world.config.read_text().replace(world.store_url, url))


def keys(world: World, *arguments: str) -> int:
    """`locum record keys`."""
    world.app.store.close()
    return main(["--config", str(world.config), "record", "keys", *arguments])


def two_cases(world: World) -> tuple[Case, Case]:
    """One that is old, one that is not; and a wish."""
    old = accounted(world)
    world.later(days=700)
    young = accounted(world, until=in_two_weeks(world))
    world.desk.hers.read_along(SHE, wish=True)
    return old, young


@pytest.fixture
def disaster(world: World) -> Callable[[], tuple[Case, Case]]:
    """A dump, a copy of the keys, a case erased; then the machine is lost and the dump restored."""

    def happens() -> tuple[Case, Case]:
        old, young = two_cases(world)
        dump = dumped(world)
        assert keys(world, "--output", str(world.folder / "keys")) == 0
        world.later(days=40)
        assert erase(world) == 1
        restored(world, dump)
        return old, young

    return happens


def test_with_dump_and_keys_all_is_there_again_but_what_was_erased(
    world: World, disaster: Callable[[], tuple[Case, Case]]
) -> None:
    old, young = disaster()
    assert keys(world, "--restore", str(world.folder / "keys")) == 0
    world.app = world.wired()
    store = world.app.store
    assert [case.id for case in store.find(requester="boberased")] == [young.id]
    assert store.case(young.id) == young
    assert {one.case for one in store.entries(mailbox=HERS)} - {""} == {young.id}
    assert world.desk.hers.reads_along(SHE)
    with pytest.raises(Invalid, match="case-erased"):
        store.case(old.id)


def test_a_dump_says_nothing_without_the_keys(world: World) -> None:
    two_cases(world)
    dump = dumped(world)
    assert [word for word in SAID if word.encode() in dump.read_bytes()] == []


def test_before_the_keys_are_back_nothing_is_read_and_nothing_made(
    world: World, disaster: Callable[[], tuple[Case, Case]]
) -> None:
    disaster()
    with pytest.raises(Rejected, match=r"vault-(empty|key-lost)"):
        world.wired().store.find()


def test_the_copy_is_for_its_owner_alone_and_never_written_over_a_file(world: World) -> None:
    accounted(world)
    file = world.folder / "keys"
    assert keys(world, "--output", str(file)) == 0
    assert file.stat().st_mode & 0o7777 == 0o600
    assert keys(world, "--output", str(file)) == 5


@pytest.mark.parametrize("spoil", ["", "cut", "other"])
def test_a_spoiled_copy_changes_nothing(world: World, spoil: str) -> None:
    case = accounted(world)
    file = world.folder / "keys"
    keys(world, "--output", str(file))
    lines = file.read_text().splitlines(keepends=True)
    file.write_text({"": "", "cut": "".join(lines[:-1]), "other": "".join([*lines[:2], *lines[3:]])}[spoil])
    assert keys(world, "--restore", str(file)) == 2
    assert world.wired().store.case(case.id) == case
