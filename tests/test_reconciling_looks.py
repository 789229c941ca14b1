"""What a look read by the mail server's own count is compared with what the record says of it, on a real Dovecot."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.world import World

from locum.absence import Mailbox
from locum.entry import Draft
from locum.query import Exclusions, Look, Query
from locum.seam import Access, Looked
from locum.store import Change
from mailhosts.searching import Searched, searched

pytestmark = pytest.mark.slow
ANNA = "anna@corp.test"
STREAM = "org/reconcile"
LOOK = Look(query=Query(senders=("@else.test",)), exclusions=Exclusions())
MAIL = b"From: a@else.test\nSubject: x\nDate: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <1@else.test>\n\ntext\n"


@pytest.fixture(scope="module")
def place() -> Iterator[Searched]:
    with searched([ANNA]) as made:
        made.put(ANNA, [MAIL, MAIL.replace(b"<1@", b"<2@")])
        yield made


@pytest.fixture
def world(place: Searched, tmp_path: Path) -> World:
    """The organisation, whose mailboxes are there; the server's log is compared from now on."""
    connectors = (
        f'[connector.dovecot]\nkind = "sieve_files"\nmailboxes = ["@corp.test"]\ndirectory = "sieve"\nlog = "{place.host.log}"\n'
        f'[search.main]\nkind = "imap"\nfor = ["dovecot"]\nhost = "127.0.0.1"\nport = {place.host.imap_port}\ntls = "none"\ngrants = "{place.grants}"\n'
    )
    made = World(tmp_path, place.host.sink, now=now(), connectors=connectors)
    made.app.start_reconciling()
    made.work()
    return made


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def compared(world: World, place: Searched, minutes: int) -> list[str]:
    """The keys of the incidents, once the log is read so many minutes from now, and the server has logged what went before."""
    world.now = now() + timedelta(minutes=minutes)
    (job,) = world.app.store.jobs(f"{STREAM}/dovecot")
    world.app.store.commit([Change(put=(replace(job, due_at=world.now),))])
    world.work()
    return [str(one.body["key"]) for one in world.app.store.entries(mailbox=ANNA) if one.type == "incident"]


def look(place: Searched) -> Looked:
    looked = place.searcher().list(Mailbox(address=ANNA), LOOK).looked
    place.logged_out(looked.grants[0])
    return looked


def record(world: World, looked: Looked, **other: int) -> None:
    body = {"grants": list(looked.grants), "headers": looked.headers, "bodies": looked.bodies} | other
    world.app.store.commit([Change(entries=(Draft(stream=ANNA, type="counted", time=now(), body=body),))])  # type: ignore[arg-type]


def test_a_look_that_is_recorded_with_what_it_read_is_no_incident(world: World, place: Searched) -> None:
    record(world, look(place))
    assert compared(world, place, 6) == []


@pytest.mark.forges
def test_one_header_more_than_recorded_is_an_incident(world: World, place: Searched) -> None:
    looked = look(place)
    record(world, looked, headers=looked.headers - 1)
    assert compared(world, place, 6) == ["search-read-more"]


@pytest.mark.forges
def test_a_look_of_which_nothing_is_recorded_is_an_incident(world: World, place: Searched) -> None:
    look(place)
    assert compared(world, place, 6) == ["search-not-in-record"]


def test_a_look_that_ended_just_now_is_asked_about_once_more(world: World, place: Searched) -> None:
    looked = look(place)
    early = compared(world, place, 0)
    record(world, looked)
    assert (early, compared(world, place, 6)) == ([], [])


@pytest.mark.forges
def test_and_is_an_incident_when_nothing_was_recorded_by_then(world: World, place: Searched) -> None:
    look(place)
    compared(world, place, 0)
    assert compared(world, place, 6) == ["search-not-in-record"]


def test_what_check_tries_is_no_incident(world: World, place: Searched) -> None:
    assert [one.key for one in world.app.check(["search"])["search"] if one.holds is False] == []
    assert compared(world, place, 6) == []


def test_a_mailbox_that_goes_on_being_looked_into_is_no_incident_yet() -> None:
    from locum.desk.reconciling_looks import unexplained  # noqa: PLC0415

    assert unexplained([], Access(user=ANNA, identity="locum-0123456789ab", service="imap", at=now())) == ""
