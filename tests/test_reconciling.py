"""What the log of a real Dovecot shows is compared with what Locum did: what nothing explains is found, and nothing else."""

import imaplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.on_dovecot import AT_ONCE, live, managesieve, now, owner, published
from tests.world import PEOPLE, World

from conformance import a_reply
from locum import sieve
from locum.absence import Mailbox
from locum.connectors.sieve_wire import command
from locum.demo.host import Dovecot, Sink
from locum.entry import Entry
from locum.lifecycle import State
from locum.store import Change
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, letter, publish
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
        hers = owner(host, address)
        scripts = hers.shelf()[1]
        hers.do(command("SETACTIVE", b""), *(command("DELETESCRIPT", name.encode()) for name in scripts))
        hers.forget("locum")


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


def test_a_login_by_hand_in_the_minute_in_which_locum_logs_in_is_left_over(world: World, host: Dovecot) -> None:
    live(world, ANNA)
    master(host).do(command("LISTSCRIPTS"))
    compared(world)
    assert [(one.body["key"], one.body["times"]) for one in found(world)] == [("access-unexplained", 1)]


def test_a_note_of_a_login_that_somebody_put_into_the_database_explains_nothing(world: World, host: Dovecot) -> None:
    world.app.logins.begins("legacy", "managesieve", BOB)
    master(host, BOB).do(command("LISTSCRIPTS"))
    compared(world)
    assert incidents(world, BOB) == ["access-not-in-record"]


def test_a_look_of_locum_without_a_case_is_on_record_and_no_incident(world: World) -> None:
    world.desk.check(["legacy"])
    world.desk.check(["legacy"])
    compared(world)
    entries = world.app.store.entries(mailbox=ANNA)
    assert [(one.type, one.body["why"]) for one in entries] == [("looked", "check")]


def test_an_incident_is_told_to_her_and_to_whom_the_policy_names(world: World, host: Dovecot) -> None:
    host.sink.clear()
    reads(host, f"{ANNA}*{SEARCHER}", SEARCHER_PASSWORD)
    compared(world)
    subjects = [world.letters(who, "reconcile")[0].mail["Subject"] for who in (ANNA, "petra@corp.test")]
    assert subjects == [
        "Er was toegang tot je mailbox die niets verklaart",
        "Iets wat het logboek van Locum niet verklaart",
    ]


def test_what_is_on_record_of_the_organisation_names_nobody(world: World, host: Dovecot) -> None:
    reads(host, f"{ANNA}*{SEARCHER}", SEARCHER_PASSWORD)
    compared(world)
    assert (incidents(world, STREAM), "anna" in repr(found(world, STREAM)[0].body)) == (["access-read-mail"], False)


def test_her_account_tells_it_in_plain_words(world: World, host: Dovecot) -> None:
    case = live(world, ANNA)
    reads(host, f"{ANNA}*{SEARCHER}", SEARCHER_PASSWORD)
    compared(world)
    section = next(one for one in world.desk.account(case.id, language="en").sections if one.key == "access")
    assert "headers of 1 messages, 1 messages whole, 0 deleted" in section.rows[0].text


def test_a_place_in_the_log_that_was_taken_away_is_told(world: World) -> None:
    with world.app.store.database.writing() as connection:
        connection.execute(text("DELETE FROM settings WHERE name LIKE 'reconcile/%'"))
    compared(world)
    assert incidents(world, STREAM) == ["log-place-lost"]


def test_a_log_that_cannot_be_read_is_told_once_while_it_lasts(world: World, host: Dovecot) -> None:
    elsewhere = host.log.rename(host.log.with_name("elsewhere"))
    compared(world)
    compared(world)
    elsewhere.rename(host.log)
    compared(world)
    assert incidents(world, STREAM) == ["log-unreadable"]


def test_a_log_without_our_own_logins_is_told(world: World, host: Dovecot) -> None:
    for _ in range(3):
        world.app.logins.begins("legacy", "managesieve", ANNA)
    (job,) = world.app.store.jobs(f"{STREAM}/legacy")
    world.now = job.due_at + timedelta(minutes=20)
    world.work()
    assert incidents(world, STREAM) == ["log-misses-own"]


def test_a_worker_that_starts_anew_goes_on_where_the_last_one_stopped(world: World, host: Dovecot) -> None:
    master(host).do(command("LISTSCRIPTS"))
    compared(world)
    world.app = world.wired()
    world.app.start_reconciling()
    compared(world)
    assert incidents(world) == ["access-unexplained"]


@pytest.fixture
def publishing(host: Dovecot, tmp_path: Path) -> Iterator[World]:
    """Anna and Bob have their mailboxes there, by published scripts."""
    yield made_world(tmp_path, host.sink, published(host))
    for place in ("before", "after"):
        for script in (host.published / place).glob("*.sieve"):
            script.unlink()


def gets_mail(host: Dovecot, address: str) -> None:
    host.deliver("kunde@example.net", address, letter("kunde@example.net", address))


def test_a_reply_of_a_case_is_no_incident(publishing: World, host: Dovecot) -> None:
    live(publishing, ANNA)
    gets_mail(host, ANNA)
    compared(publishing)
    assert incidents(publishing) == []


def test_her_own_reply_is_no_incident(publishing: World, host: Dovecot) -> None:
    owner(host, BOB).replies(7)
    gets_mail(host, BOB)
    compared(publishing)
    owner(host, BOB).do(command("SETACTIVE", b""))
    assert incidents(publishing, BOB) == []


def test_a_reply_published_by_hand_in_our_place_is_found_once_a_day(publishing: World, host: Dovecot) -> None:
    publish(host, BOB, sieve.script([a_reply(Mailbox(address=BOB))]))
    gets_mail(host, BOB)
    compared(publishing)
    host.deliver("autre@example.net", BOB, letter("autre@example.net", BOB))
    compared(publishing)
    assert incidents(publishing, BOB) == ["reply-of-no-case"]
