"""When a reply begins and ends, from the date that was typed to what Dovecot does: in every zone, over summer time, with
the clock set back, and with Locum stopped altogether.
"""

import itertools
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.on_dovecot import OURS, asked_for, live, managesieve, now, published, replies, world_of
from tests.world import PEOPLE, PUBLISHED, World

from locum.demo.host import Dovecot, Sink, faketime
from locum.lifecycle import Case, State
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, answers_at
from mailhosts.publishing import deliver, stored

pytestmark = pytest.mark.slow

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ANNA, BERT = "anna@corp.test", "bert@corp.test"


@pytest.fixture
def relay() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def clock() -> Iterator[Dovecot]:
    """A Dovecot far east of everybody, whose clock can be set."""
    if faketime() is None or shutil.which("dovecot") is None:
        pytest.skip("Dovecot or libfaketime is not installed")
    users, masters = dict.fromkeys((ANNA, BERT), PASSWORD), {MASTER: MASTER_PASSWORD}
    with Dovecot(users=users, masters_sieve=masters, clock=True, time_zone="Pacific/Kiritimati") as host:
        yield host


# Worked out by hand from the rules of each zone: what the dates mean, as UTC.
WINDOWS = (
    ("Pacific/Kiritimati", "2026-12-31", "2027-01-01", "2026-12-30T10:00", "2026-12-31T10:00"),
    ("Pacific/Pago_Pago", "2026-12-31", "2027-01-01", "2026-12-31T11:00", "2027-01-01T11:00"),
    ("Asia/Kathmandu", "2027-01-01", "2027-01-02", "2026-12-31T18:15", "2027-01-01T18:15"),
    ("Europe/Amsterdam", "2026-10-25", "2026-10-26", "2026-10-24T22:00", "2026-10-25T23:00"),
    ("Europe/Amsterdam", "2027-03-28", "2027-03-29", "2027-03-27T23:00", "2027-03-28T22:00"),
    ("America/New_York", "2027-03-14", "2027-03-15", "2027-03-14T05:00", "2027-03-15T04:00"),
    ("Australia/Lord_Howe", "2027-04-04", "2027-04-05", "2027-04-03T13:00", "2027-04-04T13:30"),
    ("Africa/Casablanca", "2027-02-07", "2027-02-08", "2027-02-06T23:00", "2027-02-08T00:00"),
    # Midnight is skipped on the first day, and is there twice.
    ("Africa/Cairo", "2027-04-30", "2027-05-01", "2027-04-29T22:00", "2027-04-30T21:00"),
    ("America/Santiago", "2026-09-06", "2026-09-07", "2026-09-06T04:00", "2026-09-07T03:00"),
    ("America/Havana", "2026-11-01", "2026-11-02", "2026-11-01T04:00", "2026-11-02T05:00"),
    ("Atlantic/Azores", "2026-10-25", "2026-10-26", "2026-10-25T00:00", "2026-10-26T01:00"),
)


@pytest.mark.parametrize(("zone", "start", "end", "from_", "until"), WINDOWS)
def test_dates_typed_in_her_zone_are_kept_to_the_second_whatever_the_zone_of_the_server(
    clock: Dovecot, relay: Sink, tmp_path: Path, zone: str, start: str, end: str, from_: str, until: str
) -> None:
    from_date, to_date = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (from_, until))
    people = PEOPLE.replace("nl,Europe/Amsterdam,sales", f"nl,{zone},sales")
    world = world_of(tmp_path, relay, PUBLISHED, ANNA, now=from_date - timedelta(days=3), people=people)
    case = asked_for(world, ANNA, from_=start, until=end)
    assert (case.auto_reply.from_date, case.auto_reply.to_date) == (from_date, to_date)
    world.work()
    world.now = from_date - timedelta(minutes=10, seconds=1)
    world.work()
    assert world.published() == {}
    world.later(seconds=1)
    [script] = world.published().values()
    for server in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        instants = (from_date - SECOND, from_date, to_date - SECOND, to_date)
        assert [answers_at(clock, script, at, server) for at in instants] == [False, True, True, False], server
    world.now = to_date - SECOND
    world.work()
    assert (world.desk.case(case.id).state, list(world.published().values())) == (State.APPLIED, [script])
    world.later(seconds=1)
    assert (world.desk.case(case.id).outcome, world.published()) == ("time", {})


_senders = itertools.count(1)


def answer(host: Dovecot, mailbox: str) -> list[str]:
    """Deliver a message from somebody new; give back the texts of the replies. It is stored, whatever else."""
    before = stored(host, mailbox)
    found = replies(deliver(host, mailbox, f"sender{next(_senders)}@example.net"))
    assert stored(host, mailbox) == before + 1
    return found


def test_with_locum_stopped_mail_flows_and_what_is_live_ends_by_the_rule_itself(
    clock: Dovecot, relay: Sink, tmp_path: Path
) -> None:
    """One mailbox by published scripts, one over ManageSieve; after the last step of setting, nothing of Locum runs."""
    clock.freeze_clock(now())
    connectors = published(clock).replace("@corp.test", ANNA) + managesieve(clock, tmp_path, f'["{BERT}"]')
    world = world_of(tmp_path, relay, connectors, ANNA, BERT)
    cases = {mailbox: live(world, mailbox, until=(world.now + 3 * HOUR).isoformat()) for mailbox in (ANNA, BERT)}
    for at, said in ((-SECOND, [OURS]), (timedelta(0), [])):
        clock.freeze_clock(cases[ANNA].auto_reply.to_date + at)
        assert {mailbox: answer(clock, mailbox) for mailbox in cases} == dict.fromkeys(cases, said), at
    world.later(days=31)
    assert {world.desk.case(case.id).state for case in cases.values()} == {State.ACCOUNTED}


class Both:
    """The clock of the organisation and that of its mail server, set together, and what two mailboxes there answer."""

    def __init__(self, world: World, host: Dovecot) -> None:
        self.world, self.host, self.cases = world, host, dict[str, list[Case]]()
        self.begin = world.now
        self.move(timedelta(0))

    def move(self, since_begin: timedelta) -> None:
        self.world.now = self.begin + since_begin
        self.host.freeze_clock(self.world.now)
        self.world.work()

    def live(self, text: str, **changes: object) -> None:
        for mailbox in (ANNA, BERT):
            case = live(self.world, mailbox, internal_text=text, external_text=text, **changes)
            self.cases.setdefault(text, []).append(case)

    def end(self, text: str) -> None:
        for case in self.cases[text]:
            self.world.desk.end(self.world.app.acting("bob"), case.id)
        self.world.work()

    def answers(self) -> list[str]:
        first, second = answer(self.host, ANNA), answer(self.host, BERT)
        assert first == second
        return first

    def states(self, text: str) -> set[State]:
        return {self.world.desk.case(case.id).state for case in self.cases[text]}


def test_a_clock_set_back_an_hour_makes_nothing_early_late_or_twice(
    clock: Dovecot, relay: Sink, tmp_path: Path
) -> None:
    """One mailbox by published scripts, one over ManageSieve."""
    connectors = published(clock).replace("@corp.test", ANNA) + managesieve(clock, tmp_path, f'["{BERT}"]')
    both = Both(world_of(tmp_path, relay, connectors, ANNA, BERT), clock)
    both.live("one", until=(both.begin + 4 * HOUR).isoformat())
    assert both.answers() == ["one"]
    both.move(timedelta(minutes=-10))  # before it was asked for, and before any watch
    assert (both.states("one"), both.answers()) == ({State.APPLIED}, [])
    both.move(4 * HOUR)
    assert (both.states("one"), both.answers()) == ({State.ACCOUNTED}, [])
    both.move(3 * HOUR)  # after its end: it does not come again
    assert both.answers() == []
    both.live("two")
    assert both.answers() == ["two"]
    both.end("two")
    both.move(2 * HOUR)  # and another text in place of one that was compiled later
    both.live("three")
    assert both.answers() == ["three"]
    both.end("three")
    for text in both.cases:
        for case in both.cases[text]:
            acts = Counter((e.type, e.body.get("act")) for e in both.world.app.store.entries(case=case.id))
            assert [acts["done", "apply"], acts["done", "end"], acts["accounted", None]] == [1, 1, 1]
