"""What the log of a real Dovecot shows is compared with what Locum did: what nothing explains is found, and nothing else."""

import imaplib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.on_dovecot import AT_ONCE, live, managesieve, now, owner
from tests.world import PEOPLE, World

from locum.connectors.sieve_wire import command
from locum.demo.host import Dovecot, Sink
from locum.entry import Entry
from locum.lifecycle import State
from locum.store import Change
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, letter
from mailhosts.owner import Owner

pytestmark = pytest.mark.slow

SEARCHER, SEARCHER_PASSWORD = "searcher", "imap-only"
WHO = "login_log_format_elements = user=<%u> auth_user=<%{auth_user}> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>\n"
ANNA, BOB = "anna@corp.test", "bob@corp.test"
STREAM = "org/reconcile"


@pytest.fixture(scope="module")
def host() -> Iterator[Dovecot]:
    with Dovecot(
        users=dict.fromkeys((ANNA, BOB), PASSWORD),
        masters_sieve={MASTER: MASTER_PASSWORD},
        masters_imap={SEARCHER: SEARCHER_PASSWORD},
        extra=WHO,
    ) as made:
        for address in (ANNA, BOB):
            made.deliver("klant@example.net", address, letter("klant@example.net", address))
        yield made


@pytest.fixture
def world(host: Dovecot, tmp_path: Path) -> Iterator[World]:
    """Anna and Bob have their mailboxes there, over ManageSieve; its log is compared from now on."""
    told = f'log = "{host.log}"\nidentities = ["{SEARCHER}"]\n'
    made = made_world(tmp_path, host.sink, managesieve(host, tmp_path) + told)
    yield made
    for address in (ANNA, BOB):
        Owner(host.sieve_port, address, PASSWORD).do(command("SETACTIVE", b""))


def made_world(folder: Path, sink: Sink, connectors: str, **policy: object) -> World:
    dpo = "petra,Petra Post,petra@corp.test,,nl,Europe/Amsterdam,dpo,,,,\n"
    made = World(folder, sink, now=now(), policy=AT_ONCE | policy, people=PEOPLE + dpo, connectors=connectors)
    made.app.start_reconciling()
    made.work()
    return made


def compared(world: World) -> None:
    """The log is read now, by the clock that the mail host has."""
    world.now = now()
    (job,) = world.app.store.jobs(f"{STREAM}/{next(iter(world.app.connectors))}")
    world.app.store.commit([Change(put=(replace(job, due_at=world.now),))])
    world.work()


def incidents(world: World, stream: str = ANNA) -> list[str]:
    return [str(one.body["key"]) for one in found(world, stream)]


def found(world: World, stream: str = ANNA) -> list[Entry]:
    return [one for one in world.app.store.entries(mailbox=stream) if one.type == "incident"]


def master(host: Dovecot, address: str = ANNA) -> Owner:
    """Somebody with the credential of Locum's, by hand."""
    return Owner(host.sieve_port, address, MASTER_PASSWORD, login=MASTER)


def reads(host: Dovecot, user: str, password: str, *, whole: bool = True) -> None:
    client = imaplib.IMAP4("127.0.0.1", host.imap_port)
    client.login(user, password)
    client.select("INBOX", readonly=True)
    client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])")
    if whole:
        client.fetch("1", "(BODY.PEEK[])")
    client.logout()


def test_what_locum_does_itself_is_no_incident(world: World) -> None:
    case = live(world, ANNA)
    compared(world)
    world.desk.end(world.app.acting("bob"), case.id)
    world.work()
    compared(world)
    assert (world.desk.case(case.id).state is State.APPLIED, incidents(world), incidents(world, STREAM)) == (
        False,
        [],
        [],
    )


def test_a_reply_that_somebody_sets_by_hand_with_our_credential_is_found(world: World, host: Dovecot) -> None:
    master(host).has({"locum": b'require "vacation";\nvacation "weg";\n'}, "locum")
    compared(world)
    assert incidents(world) == ["access-unexplained"]


def test_mail_that_an_identity_of_ours_read_is_told_with_how_much(world: World, host: Dovecot) -> None:
    reads(host, f"{ANNA}*{SEARCHER}", SEARCHER_PASSWORD)
    compared(world)
    body = found(world)[0].body
    assert (body["key"], body["identity"], body["headers"], body["bodies"]) == ("access-read-mail", SEARCHER, 1, 1)


def test_her_own_logins_are_no_incident(world: World, host: Dovecot) -> None:
    reads(host, ANNA, PASSWORD)
    owner(host, ANNA).do(command("LISTSCRIPTS"))
    compared(world)
    assert (incidents(world), incidents(world, STREAM)) == ([], [])
