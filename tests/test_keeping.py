"""Clause 15: what was kept for long enough is erased, nothing sooner; nothing of it can be read afterwards; a restored copy
forgets it again before anything else.
"""

import base64
import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.test_kills import in_child, kill_at
from tests.world import World

from locum.checkable import File, verify
from locum.cli import main
from locum.demo.sink import Sink
from locum.desk import keeping
from locum.desk.checkable import checkable
from locum.entry import Erased
from locum.errors import Garbled, Invalid, Refused, Rejected
from locum.ledger import Ledger, hash_of
from locum.lifecycle import Case, State
from locum.soundness import examine
from locum.store import Store
from locum.vault_file import VaultFile
from mailhosts import postgres

pytest_plugins = ("tests.stores",)

PEOPLE = """\
person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on
annaerased,Anna Gewiste,anna.gewist@corp.test,a.gewist@corp.test,nl,Europe/Amsterdam,sales,carlaerased,anna@elders.test,,2026-01-05
boberased,Bob Vraagt,bob.vraagt@corp.test,,nl,Europe/Amsterdam,it,carlaerased,,,
carlaerased,Carla Keurt,carla.keurt@corp.test,,en,Europe/Amsterdam,manager,,,,
"""
HERS = "anna.gewist@corp.test"
BECAUSE = "Klantvragen blijven liggen over dossier Zwaluw"
SUBJECT = "Nu even afwezig"
TEXT = "Ik ben afwezig."
SAID = [
    "annaerased",
    "boberased",
    "Anna Gewiste",
    "Bob Vraagt",
    "gewist@corp.test",
    "anna@elders.test",
    "Zwaluw",
    SUBJECT,
    TEXT,
]
"""What nobody may find afterwards: ids, names, addresses, words."""


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    with Sink() as sink:
        yield World(
            tmp_path, sink, store_url=store_url, people=PEOPLE, policy={"wait_hours": 0, "free_text": "allowed"}
        )


def asked(world: World, **changes: object) -> Case:
    form = world.form(mailbox=HERS, because=BECAUSE, subject=SUBJECT, internal_text=TEXT, **changes)
    return world.desk.request(world.app.acting("boberased"), form)


def in_two_weeks(world: World) -> str:
    return (world.now + timedelta(days=14)).date().isoformat()


def accounted(world: World, **changes: object) -> Case:
    case = asked(world, **changes)
    world.later(hours=5)
    world.later(days=15)
    world.later(hours=1)
    case = world.desk.case(case.id)
    assert case.state is State.ACCOUNTED
    return case


def left_of(world: World) -> set[str]:
    """What her stream shows: what happened to each place, or that it was erased."""
    return {"erased" if isinstance(one, Erased) else one.type for one in world.app.store.whole(HERS)}


def erase(world: World) -> int:
    return keeping.erase_due(world.desk.office)


def years_later(world: World, days: int = 731) -> None:
    world.later(days=days)


# When


def test_after_two_years_it_is_erased(world: World) -> None:
    case = accounted(world)
    years_later(world)
    assert erase(world) == 1
    with pytest.raises(Invalid, match="case-erased"):
        world.desk.case(case.id)


def test_a_day_before_that_it_is_not(world: World) -> None:
    case = accounted(world)
    years_later(world, 728)
    assert erase(world) == 0
    assert world.desk.case(case.id).id == case.id


def test_it_is_kept_as_long_as_the_policy_said_when_it_was_filed(world: World) -> None:
    case = accounted(world)
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text() + "[keeping]\nrecord_months = 1\n")
    world.app = world.wired()
    years_later(world, 100)
    assert erase(world) == 0
    assert world.desk.case(case.id).id == case.id


def test_what_was_not_accounted_for_is_never_erased(world: World) -> None:
    case = accounted(world)
    years_later(world)
    with pytest.raises(Refused, match="erase-not-accounted"):
        keeping.check(world.desk.office, replace(case, accounted_at=None))


def test_what_is_live_is_never_erased(world: World) -> None:
    case = asked(world)
    world.later(hours=5)
    with pytest.raises(Refused, match="erase-live"):
        keeping.erase(world.desk.office, world.desk.case(case.id))


def test_by_hand_it_is_erased_no_sooner(world: World) -> None:
    case = accounted(world)
    with pytest.raises(Refused, match="erase-too-soon"):
        keeping.erase(world.desk.office, case)


def test_the_worker_does_it_daily(world: World) -> None:
    case = accounted(world)
    keeping.start(world.desk.office)
    years_later(world)
    assert world.app.store.was_erased(case.id)
    (again,) = world.app.store.jobs(keeping.CASE)
    assert (again.lane, again.due_at > world.now) == (keeping.LANE, True)


# What is left


def test_the_record_says_that_it_was_erased_and_nothing_of_it(world: World) -> None:
    case = accounted(world)
    places = [one.index for one in world.app.store.entries(case=case.id)]
    years_later(world)
    erase(world)
    (entry,) = world.app.store.entries(mailbox="org/erase")
    ranges = entry.body["places"]
    assert isinstance(ranges, list)
    assert [n for first, last in ranges for n in range(first, last + 1)] == places  # type: ignore[misc, str-unpack, arg-type]
    assert [word for word in [*SAID, case.id] if word in entry.payload.decode()] == []


def test_her_stream_shows_the_places_as_erased(world: World) -> None:
    accounted(world)
    before = world.app.store.leaves()
    years_later(world)
    erase(world)
    assert left_of(world) == {"erased", "enrolled"}
    assert world.app.store.leaves()[: len(before)] == before


def test_another_case_of_the_same_mailbox_is_as_it_was(world: World) -> None:
    accounted(world)
    years_later(world, 600)
    other = accounted(world, until=in_two_weeks(world))
    entries = world.app.store.entries(case=other.id)
    years_later(world, 400)
    assert erase(world) == 1
    assert world.app.store.entries(case=other.id) == entries
    assert world.desk.case(other.id) == other


def test_her_account_of_it_verifies_with_the_erased_places_shown_as_erased(world: World) -> None:
    gone = len(world.app.store.entries(case=accounted(world).id))
    years_later(world, 600)
    accounted(world, until=in_two_weeks(world))
    years_later(world, 400)
    erase(world)
    world.app.sign()
    found = verify(File.load(checkable(world.desk.office, HERS)))
    assert [one for one in found.findings if one.holds is False] == []
    assert found.erased == gone


def test_the_record_is_sound_after_erasing(world: World) -> None:
    accounted(world)
    world.app.sign()
    years_later(world)
    erase(world)
    world.app.sign()
    signer = world.app.signer
    assert signer is not None
    found = examine(world.app.store.database, world.app.flat_file, signer.vkey)
    assert [one.key for one in found if one.holds is False] == []


def test_by_hand_it_is_said_what_will_be_gone_and_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The command line has a clock of its own, so the case is as old as it takes.
    world.now -= timedelta(days=1100)
    case = accounted(world, until=in_two_weeks(world))
    world.app.store.close()
    command = ["--config", str(world.config), "record", "erase", case.id]
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(command) == 1
    assert HERS in capsys.readouterr().err
    assert not world.app.store.was_erased(case.id)
    assert main([*command, "--yes"]) == 0
    assert world.app.store.was_erased(case.id)


def test_nothing_else_that_was_kept_beside_it_is_left(world: World) -> None:
    case = accounted(world)
    years_later(world)
    erase(world)
    tables = {
        "cases": "id",
        "kept": "case_id",
        "jobs": "case_id",
        "links": "case_id",
        "entries": "case_id",
        "vault": "name",
    }
    with world.app.store.database.reading() as connection:
        left = {
            table: connection.execute(text(f"SELECT count(*) FROM {table} WHERE {column} = '{case.id}'")).scalar_one()
            for table, column in tables.items()
        }
        left["reviewers"] = connection.execute(text("SELECT count(*) FROM reviewers")).scalar_one()
    assert set(left.values()) == {0}


def test_a_link_to_it_says_that_it_was_erased(world: World) -> None:
    accounted(world)
    token = (
        world.token(HERS, "account")
        if "/l/" in str(world.letters(HERS, "account"))
        else world.token("anna@elders.test")
    )
    years_later(world)
    erase(world)
    with pytest.raises(Invalid, match="link-erased"):
        world.desk.look(token)


def test_who_left_has_no_stream_any_more(world: World) -> None:
    accounted(world)
    (world.folder / "people.csv").write_text(
        "\n".join(line for line in PEOPLE.splitlines() if "annaerased" not in line)
    )
    years_later(world)
    erase(world)
    world.later(days=32)
    erase(world)
    assert world.app.store.mailboxes() == []
    assert world.app.store.whole(HERS) == []
    assert world.app.store.stream_keys([HERS]) == {}


def test_a_list_of_people_that_was_cut_short_for_a_day_erases_nobody(world: World) -> None:
    accounted(world)
    years_later(world)
    (world.folder / "people.csv").write_text(PEOPLE.splitlines()[0] + "\n")
    erase(world)
    world.later(days=1)
    (world.folder / "people.csv").write_text(PEOPLE)
    erase(world)
    world.later(days=32)
    erase(world)
    assert world.app.store.mailboxes() == [HERS]


def test_who_is_still_there_keeps_the_key_of_her_stream(world: World) -> None:
    accounted(world)
    key = world.app.store.stream_keys([HERS])
    years_later(world)
    erase(world)
    assert world.app.store.stream_keys([HERS]) == key


# Killed on the way


@pytest.mark.parametrize(
    "step", ["erase.recorded", "erase.ledger", "erase.forgotten", "renew.both", "renew.wrapped", "renew.destroyed", "erase.renewed"]
)  # fmt: skip
def test_killed_at_a_step_the_next_one_finishes(world: World, step: str) -> None:
    case = accounted(world)
    old = VaultFile(world.folder / "vault.key").read()
    years_later(world)
    world.step = kill_at(step)
    world.app.store.close()
    assert os.WIFSIGNALED(os.waitpid(in_child(world, erase), 0)[1]), "the step was never passed"
    world.step = lambda _name: None
    world.app = world.wired()
    erase(world)
    assert world.app.store.was_erased(case.id)
    assert left_of(world) == {"erased", "enrolled"}
    keys = VaultFile(world.folder / "vault.key").read()
    assert (len(keys), set(keys) & set(old)) == (1, set())


# Nothing can be read


def in_any_form(words: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each word as it may stand in a file."""
    for word in words:
        plain = word.encode()
        for form in (plain, word.encode("utf-16-le"), word.encode("utf-16-be"), plain.hex().encode()):
            yield word, form
        yield word, plain.hex().upper().encode()
        for lead in range(
            3
        ):  # in base64 a word looks different by where it begins; its first and last digit mix with others
            yield word, base64.b64encode(b"\0" * lead + plain)[4 if lead else 0 : -4]


def found_in(folder: Path) -> set[tuple[str, str]]:
    forms = list(in_any_form(SAID))
    files = [path for path in folder.rglob("*") if path.is_file()]
    contents = {path: path.read_bytes() for path in files}
    assert any(contents.values())
    return {(path.name, word) for path, content in contents.items() for word, form in forms if form in content}


def everything(world: World, place: Path) -> Path:
    """A copy of all that a store on SQLite has written, but the key of the vault."""
    place.mkdir()
    for file in [*world.folder.glob("locum.db*"), *world.folder.glob("log/*")]:
        shutil.copy(file, place)
    return place


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        (tmp_path / "house").mkdir()
        yield World(tmp_path / "house", sink, people=PEOPLE, policy={"wait_hours": 0, "free_text": "allowed"})


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" + base64.b64encode(b"ab Zwaluw cd") + "boberased".encode("utf-16-le"))
    assert {word for _, word in found_in(tmp_path)} == {"Zwaluw", "boberased"}


def test_nothing_personal_lies_open_in_any_file_before_or_after(on_sqlite: World, tmp_path: Path) -> None:
    accounted(on_sqlite)
    assert (on_sqlite.folder / "locum.db-wal").exists()
    copy = everything(on_sqlite, tmp_path / "copy")
    years_later(on_sqlite)
    erase(on_sqlite)
    assert found_in(copy) | found_in(everything(on_sqlite, tmp_path / "after")) == set()


def test_a_copy_made_before_opens_with_nothing_that_is_left(on_sqlite: World, tmp_path: Path) -> None:
    accounted(on_sqlite)
    copy = everything(on_sqlite, tmp_path / "copy")
    years_later(on_sqlite)
    erase(on_sqlite)
    left = VaultFile(on_sqlite.folder / "vault.key")
    with pytest.raises(Rejected, match="vault-key-lost"):
        Store(f"sqlite:///{copy}/locum.db", lambda: on_sqlite.now, key_file=left).find()


def test_no_key_that_is_left_is_one_that_was_there(on_sqlite: World) -> None:
    accounted(on_sqlite)
    key = VaultFile(on_sqlite.folder / "vault.key").read()[0]
    years_later(on_sqlite)
    erase(on_sqlite)
    on_sqlite.app.store.close()
    written = b"".join(path.read_bytes() for path in on_sqlite.folder.iterdir() if path.is_file())
    assert [form for form in (key, base64.b64encode(key), key.hex().encode()) if form in written] == []


@pytest.mark.slow
def test_nothing_personal_lies_open_in_any_file_of_postgresql(tmp_path: Path) -> None:
    server = postgres.shared()
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    with Sink() as sink:
        url = server.url(server.new_database())
        world = World(tmp_path, sink, store_url=url, people=PEOPLE, policy={"wait_hours": 0, "free_text": "allowed"})
        accounted(world)
        years_later(world)
        erase(world)
        with world.app.store.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("CHECKPOINT"))
        assert list((server.folder / "data" / "pg_wal").glob("0*"))
        assert found_in(server.folder) == set()


def test_no_job_names_anybody(world: World) -> None:
    asked(world)
    with world.app.store.database.reading() as connection:
        jobs = "\n".join(str(tuple(row)) for row in connection.execute(text("SELECT * FROM jobs")))
    assert [word for word in SAID if word in jobs] == []


# A copy comes back


def test_a_restored_copy_forgets_again_before_anything_else(on_sqlite: World, tmp_path: Path) -> None:
    case = accounted(on_sqlite)
    house = on_sqlite.folder
    on_sqlite.app.store.close()
    old = {name: (house / name).read_bytes() for name in ("locum.db", "vault.key")}
    years_later(on_sqlite)
    erase(on_sqlite)
    on_sqlite.app.store.close()
    for file in house.glob("locum.db*"):
        file.unlink()
    for name, content in old.items():  # with the key of then, which somebody kept
        (house / name).write_bytes(content)
    on_sqlite.app = on_sqlite.wired()
    with pytest.raises(Invalid, match="case-erased"):
        on_sqlite.app.store.case(case.id)
    assert on_sqlite.app.store.entries(mailbox="org/erase")[0].body["why"] == "restored"


def test_a_line_put_into_the_ledger_makes_no_live_case_vanish(world: World) -> None:
    asked(world)
    world.later(hours=5)
    (case,) = world.app.store.find(states=(State.APPLIED,))
    ledger = Ledger(world.folder / "log" / "erased")
    ledger.append([hash_of("case", case.id)])
    world.app.store.close()
    with pytest.raises(Garbled, match="ledger-names-live"):
        world.wired().store  # noqa: B018
    ledger.path.unlink()
    world.app = world.wired()
    assert world.app.store.case(case.id) == case
    assert world.app.store.entries(mailbox="org/erase") == []


@pytest.mark.parametrize("damage", ["changed", "first taken out", "cut off"])
def test_a_damaged_ledger_stops_everything(on_sqlite: World, damage: str) -> None:
    for _ in range(2):
        accounted(on_sqlite, until=in_two_weeks(on_sqlite))
        years_later(on_sqlite)
        erase(on_sqlite)
    ledger = on_sqlite.folder / "log" / "erased"
    lines = ledger.read_text().splitlines(keepends=True)
    lines = {
        "changed": [("1" if lines[0][0] == "0" else "0") + lines[0][1:], *lines[1:]],
        "first taken out": [*lines[1:], lines[0]],
        "cut off": lines[:1],
    }[damage]
    ledger.write_text("".join(lines))
    if damage != "cut off":
        (on_sqlite.folder / "locum.db").unlink()
        for file in on_sqlite.folder.glob("locum.db-*"):
            file.unlink()
        (on_sqlite.folder / "vault.key").unlink()
    with pytest.raises(Garbled, match=r"ledger-(damaged|short)"):
        on_sqlite.wired().store  # noqa: B018
