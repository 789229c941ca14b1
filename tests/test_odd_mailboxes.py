"""Mailboxes with unusual names, names that are none, and a mailbox that is full, through the whole desk."""

import os
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.on_dovecot import MAIN, OURS, RULES, asked_for, live, managesieve, owner, published, replies, world_of
from tests.world import PEOPLE, PUBLISHED

from locum.demo.host import Dovecot, Sink
from locum.errors import Invalid, LocumError
from locum.lifecycle import State
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, letter
from mailhosts.publishing import stored

pytestmark = pytest.mark.slow

# How Dovecot knows her, and how somebody at the service desk types it.
NAMES = {
    "o'brien@corp.test": "O'Brien@CORP.test",
    "anna+x@corp.test": " anna+x@corp.test ",
    "anna.van.den.berg@corp.test": "Anna.Van.den.Berg@Corp.Test",
    "a_b-c=d@corp.test": "a_b-c=d@corp.test",
    "%n{user}$@corp.test": "%n{user}$@corp.test",
    "zoë@corp.test": "Zoe\u0308@corp.test",
    "łukasz'+x@corp.test": "ŁUKASZ'+x@corp.test",
}
ANY_NAME = """
auth_username_chars =
recipient_delimiter =
userdb {{
  driver = static
  args = allow_all_users=yes uid={uid} gid={gid} home={folder}/mail/%u
}}
protocol lda {{
  mail_plugins = sieve
}}
"""


@pytest.fixture
def relay() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def odd_names() -> Iterator[Dovecot]:
    """A Dovecot that takes any letter in a name."""
    known = [name.replace("'", "\\'") for name in NAMES]  # as Dovecot looks for it in a passwd-file
    users, masters = dict.fromkeys(known, PASSWORD), {MASTER: MASTER_PASSWORD}
    with Dovecot(users=users, masters_sieve=masters) as host:
        host.extra = ANY_NAME.format(folder=host.folder, uid=host.uid, gid=host.gid)
        host.restart()
        yield host


def answer(host: Dovecot, address: str, alias: str) -> list[str]:
    """Deliver to `alias` of this mailbox by Dovecot's delivery agent (its LMTP knows no SMTPUTF8)."""
    sender = f"klant{len(host.log.read_bytes())}@example.net"
    host.sink.clear()
    command = ["/usr/lib/dovecot/dovecot-lda", "-c", str(host.config_file), "-f", sender, "-d", address, "-a", alias]
    subprocess.run([*command, "-r", alias], input=letter(sender, alias), check=True)
    return replies(host.sink.messages)


@pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot's delivery agent needs root to become the user of the mail")
@pytest.mark.parametrize("kind", ["sieve_files", "managesieve"])
def test_an_unusual_name_is_answered_for_and_ends(odd_names: Dovecot, relay: Sink, tmp_path: Path, kind: str) -> None:
    connectors = published(odd_names) if kind == "sieve_files" else managesieve(odd_names, tmp_path)
    rows = [
        f"p{n},Person {n},{typed.strip()},alias{n}@corp.test,nl,Europe/Amsterdam,sales,,p{n}@home.test,,2026-01-05\n"
        for n, typed in enumerate(NAMES.values())
    ]
    world = world_of(tmp_path, relay, connectors, "anna@corp.test", people=PEOPLE + "".join(rows))
    cases = {address: asked_for(world, typed) for address, typed in NAMES.items()}
    assert {address: case.mailbox for address, case in cases.items()} == {address: address for address in NAMES}
    world.work()
    found = {address: answer(odd_names, address, f"alias{n}@corp.test") for n, address in enumerate(NAMES)}
    assert found == {address: [OURS] for address in NAMES}
    world.now = max(case.auto_reply.to_date for case in cases.values())
    while taken := world.app.store.take("worker-1", seconds=60, lanes=["dovecot", "legacy"]):
        world.desk.run(taken)
    assert {world.desk.case(case.id).state for case in cases.values()} == {State.ENDED}
    found = {address: answer(odd_names, address, f"alias{n}@corp.test") for n, address in enumerate(NAMES)}
    assert found == {address: [] for address in NAMES}
    assert list(odd_names.published.glob("*/*.sieve")) == []


NOT_NAMES = (
    "../x@corp.test",
    "a/b@corp.test",
    "/etc/passwd@corp.test",
    "a\0b@corp.test",
    "a\nb@corp.test",
    ".a@corp.test",
    "..@corp.test",
    "a..b@corp.test",
    "a@../corp.test",
    "a\u202eb@corp.test",
    "../x",
    "",
)


def everything(folder: Path) -> dict[str, bytes]:
    """All files there, the store aside, and what lies beside the folder."""
    beside = {path.name: b"" for path in folder.parent.iterdir()}
    return beside | {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("locum.db")
    }


@pytest.mark.parametrize("name", NOT_NAMES)
def test_what_is_no_name_is_refused_and_nothing_is_written(relay: Sink, tmp_path: Path, name: str) -> None:
    world = world_of(tmp_path, relay, PUBLISHED, "anna@corp.test")
    world.app.desk.office.keep_policy()
    before, leaves = everything(tmp_path), world.app.store.leaves()
    with pytest.raises(LocumError) as caught:
        asked_for(world, name)
    assert (caught.value.key, caught.value.exit_code) == ("bad-address", 2)
    assert (everything(tmp_path), world.app.store.find(), world.app.store.leaves()) == (before, [], leaves)


@pytest.mark.parametrize("name", [name for name in NOT_NAMES if name])
def test_a_file_of_people_that_gives_somebody_such_a_mailbox_is_refused(relay: Sink, tmp_path: Path, name: str) -> None:
    quoted = name.replace('"', '""')
    world = world_of(tmp_path, relay, PUBLISHED, "anna@corp.test")
    (tmp_path / "people.csv").write_text(PEOPLE.replace("anna@corp.test", f'"{quoted}"'))
    world.app = world.wired()
    world.app.store.find()
    before = everything(tmp_path)
    for mailbox in (name, "a.devries@corp.test"):
        with pytest.raises(Invalid):
            asked_for(world, mailbox)
        world.work()
    assert (everything(tmp_path), world.app.store.find()) == (before, [])


@pytest.mark.parametrize("name", ["../x", "a/b", ".a", "..", "/tmp/x"])
def test_a_column_that_names_her_otherwise_cannot_lead_elsewhere(relay: Sink, tmp_path: Path, name: str) -> None:
    header, anna, *others = PEOPLE.splitlines()
    people = "\n".join([f"{header},dovecot_name", f"{anna},{name}", *(f"{one},x" for one in others)]) + "\n"
    world = world_of(tmp_path, relay, PUBLISHED + 'user = "dovecot_name"\n', "anna@corp.test", people=people)
    assert world.app.store.find() == []
    before = everything(tmp_path)
    with pytest.raises(Invalid) as caught:
        asked_for(world, "anna@corp.test")
    assert caught.value.key == "publishing-name"
    assert (everything(tmp_path), world.app.store.find()) == (before, [])


FULL = """
protocol lmtp {
  mail_plugins = sieve quota
}
plugin {
  quota = maildir:User
  quota_rule = *:storage=1k
}
"""


def refused(host: Dovecot, mailbox: str, number: int) -> tuple[int, int]:
    """How Dovecot refuses a message that does not fit, and how many are stored."""
    message = letter(f"klant{number}@example.net", mailbox) + b"x" * 4000 + b"\n"
    with pytest.raises(smtplib.SMTPResponseException) as caught:
        host.deliver(f"klant{number}@example.net", mailbox, message)
    return caught.value.smtp_code, stored(host, mailbox)


def test_her_full_mailbox_refuses_mail_as_without_us_and_ours_ends_all_the_same(relay: Sink, tmp_path: Path) -> None:
    """One mailbox by published scripts, one over ManageSieve."""
    anna, bert = "anna@corp.test", "bert@corp.test"
    users = dict.fromkeys((anna, bert), PASSWORD)
    with Dovecot(users=users, masters_sieve={MASTER: MASTER_PASSWORD}, extra=FULL) as host:
        for mailbox in (anna, bert):
            owner(host, mailbox).has({"main": MAIN, "rules": RULES}, "main")
        hers = owner(host, bert).shelf()
        without = refused(host, anna, 1)
        connectors = published(host).replace("@corp.test", anna) + managesieve(host, tmp_path, f'["{bert}"]')
        world = world_of(tmp_path, relay, connectors, anna, bert)
        cases = [live(world, mailbox) for mailbox in (anna, bert)]
        assert refused(host, anna, 2) == refused(host, bert, 3) == without == (552, 0)
        world.later(days=15)
        assert [world.desk.case(case.id).state for case in cases] == [State.ACCOUNTED, State.ACCOUNTED]
        assert (owner(host, bert).shelf(), list(host.published.glob("*/*.sieve"))) == (hers, [])
        assert refused(host, anna, 4) == refused(host, bert, 5) == without
