"""The account of a mailbox as a file, made by the desk from a real record: it holds, and holds nothing of anybody else."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.accountworld import AccountWorld

from locum.checkable import File, Trusted, verify
from locum.demo.sink import Sink
from locum.desk.checkable import with_file
from locum.desk.telling import account_letter
from locum.entry import tag
from locum.errors import Invalid
from locum.herkey import HerKey

ANNA, MARK, IVO, DIRK = "anna@corp.test", "mark@corp.test", "ivo@corp.test", "dirk@corp.test"
KEYS: dict[str, HerKey] = {}
"""As they were handed over before anything happened."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountWorld]:
    """Once for all: nothing here changes it."""
    with Sink() as sink:
        made = AccountWorld(tmp_path_factory.mktemp("world"), sink)
        KEYS.update({mailbox: made.enrolled(mailbox) for mailbox in (ANNA, MARK, IVO)})
        made.lived()
        yield made


def content(world: AccountWorld, mailbox: str) -> bytes:
    return world.desk.checkable(mailbox)


@pytest.mark.parametrize("mailbox", [ANNA, MARK, IVO])
def test_what_the_desk_makes_holds(world: AccountWorld, mailbox: str) -> None:
    found = verify(File.load(content(world, mailbox)), Trusted(key=KEYS[mailbox]))
    assert [one for one in found.findings if one.holds is False] == []


def test_it_is_the_same_by_an_alias(world: AccountWorld) -> None:
    assert content(world, "a.devries@corp.test") == content(world, ANNA)


def without_leaves(one: bytes) -> str:
    """The file but for the leaves of the log, which are the same for everybody and say of nobody whose they are."""
    return json.dumps({**json.loads(one), "leaves": ""}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("mailbox", "others"), [(ANNA, [MARK, DIRK, "ivo@corp.test"]), (MARK, [ANNA, IVO, DIRK]), (IVO, [ANNA, MARK])]
)
def test_no_address_of_another_mailbox_is_in_it(world: AccountWorld, mailbox: str, others: list[str]) -> None:
    said = without_leaves(content(world, mailbox))
    assert [one for one in others if one in said] == []


@pytest.mark.parametrize(("mailbox", "other"), [(ANNA, MARK), (MARK, ANNA), (IVO, ANNA)])
def test_no_key_and_no_tag_of_another_mailbox_is_told_in_it(world: AccountWorld, mailbox: str, other: str) -> None:
    key = world.app.store.stream_keys([other])[other]
    marks = [key.hex(), *(tag(key, seq).hex() for seq in range(100))]
    said = without_leaves(content(world, mailbox))
    assert [one for one in marks if one in said] == []


def test_no_payload_of_another_mailbox_is_in_it(world: AccountWorld) -> None:
    theirs = [one.payload.decode() for one in world.app.store.entries(mailbox=MARK)]
    said = json.loads(content(world, ANNA))
    assert not {one.get("payload") for one in said["entries"]} & set(theirs)


def test_who_was_in_none_of_her_cases_is_not_in_it(world: AccountWorld) -> None:
    assert "Ivo Bos" not in without_leaves(content(world, ANNA))


def test_the_register_is_there_only_where_something_was_signed(world: AccountWorld) -> None:
    assert [File.load(content(world, one)).register is not None for one in (ANNA, MARK, IVO)] == [True, False, False]


def test_where_no_key_was_handed_over_there_is_no_file(world: AccountWorld) -> None:
    with pytest.raises(Invalid, match="no-stream"):
        content(world, DIRK)


def test_the_letter_with_the_account_brings_the_file(world: AccountWorld) -> None:
    letter = world.letters(ANNA, "account")[-1].mail
    files = {part.get_filename(): part.get_payload(decode=True) for part in letter.iter_attachments()}
    found = verify(File.load(files["anna.locum"]), Trusted(key=KEYS[ANNA]))
    assert [one for one in found.findings if one.holds is False] == []


def test_the_letter_says_how_to_check_it(world: AccountWorld) -> None:
    assert "locum verify anna.locum --key" in world.said(ANNA, "account")


def test_a_long_log_goes_with_no_letter(world: AccountWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.desk.checkable._LARGEST_IN_A_LETTER", 100)
    office = world.desk.office
    case = next(one for one in world.app.store.find(mailbox=ANNA, limit=9) if one.forward is not None)
    told = with_file(office, account_letter(office, case)[0], ANNA, "https://locum.corp.test/mine")
    assert (File.load(told.attachments[-1].content).leaves, told.values["checkable_part"]) == (None, "anna.locum")


# the command line


def ran(world: AccountWorld, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locum", *words]
    return subprocess.run(command, cwd=world.folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_line_writes_it_and_checks_it(world: AccountWorld) -> None:
    (world.folder / "anna.locum-key").write_bytes(KEYS[ANNA].dump())
    made = ran(world, "account", "--mailbox", ANNA, "--format", "locum", "-o", "anna.locum", "--config", "locum.toml")
    done = ran(world, "verify", "anna.locum", "--key", "anna.locum-key", "--lang", "nl")
    assert (made.returncode, done.returncode, "Alles klopt" in done.stdout) == (0, 0, True), made.stderr + done.stderr
