"""What went wrong in a review of the main path: letters refused, mail systems that fail or are gone, jobs that hold up
others. Each test is a way in which something was lost, said wrongly, or kept waiting.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import PEOPLE, World

from locum import tlog
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.demo.sink import Sink
from locum.desk import REMINDERS, Desk
from locum.errors import Conflict, LocumError, Rejected, Unreachable
from locum.lifecycle import Case, State
from locum.measure import Can, Standing, Wanted
from locum.seam import Connector, Report
from locum.store import Change, Job

pytest_plugins = ("tests.stores",)

REFUSED = "550 5.7.1 not today"


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Callable[..., World]]:
    with Sink() as sink:
        yield lambda **options: World(tmp_path, sink, store_url=store_url, **options)


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()


class Wire:
    """The real connector, with a fault on its way there: `reading` and `writing` are raised, or called, before."""

    def __init__(self, world: World) -> None:
        real = world.app.connectors["dovecot"]
        assert isinstance(real, SieveFiles)
        self.real: Connector = real
        self.name, self.can = real.name, real.can
        self.reading: Callable[[], None] = lambda: None
        self.writing: Callable[[], None] = lambda: None
        self.written: Callable[[], None] = lambda: None
        world.app.desk = Desk(replace(world.desk.office, connectors={"dovecot": self}))

    def user(self, mailbox: Mailbox) -> str:
        return self.real.user(mailbox)

    def read(self, mailbox: Mailbox) -> Standing:
        self.reading()
        return self.real.read(mailbox)

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        self.writing()
        standing = self.real.write(mailbox, wanted, expect)
        self.written()
        return standing

    def check(self, sample: Mailbox | None = None) -> Report:
        return ()


def failing(error: LocumError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def asked(world: World, case: Case, note: str) -> list[object]:
    """What the record says of one kind of letter, in order."""
    return [e.body["outcome"] for e in world.app.store.entries(case=case.id) if e.body.get("note") == note]


def jobs(world: World, case: Case) -> dict[str, Job]:
    return {job.kind: job for job in world.app.store.jobs(case.id)}


def agreed(world: World, **changes: object) -> Case:
    case = world.request(**changes)
    world.work()
    world.desk.answer(world.token(), "agree")
    return case


# letters -----------------------------------------------------------------------------------------------------------


def test_a_letter_refused_for_a_moment_is_sent_later_and_leaves_a_trace(world: World) -> None:
    case = agreed(world)
    world.sink.refusing = REFUSED
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED
    assert not world.letters("anna@corp.test", "live")
    assert asked(world, case, "letter-live") == ["sending", "failed"]
    world.sink.refusing = ""
    world.later(hours=2)
    world.later(hours=2)
    for event in ("live", "answer-noted"):
        assert len(world.letters("anna@corp.test", event)) == 1, event
    assert world.letters("bob@corp.test", "news")
    assert asked(world, case, "letter-live") == ["sending", "failed", "delivered-to-relay"]


def test_a_letter_that_is_refused_for_ever_adds_no_entry_at_every_try(world: World) -> None:
    case = agreed(world)
    world.sink.refusing = REFUSED
    for _ in range(60):
        world.later(hours=1)
    assert asked(world, case, "letter-live") == ["sending", "failed"]
    assert asked(world, case, "letter-answer-noted") == ["sending", "failed"]


@pytest.mark.parametrize("event", ["live", "answer-noted", "news", "account"])
def test_no_letter_leaves_before_the_record_says_so(world: World, event: str) -> None:
    case = agreed(world)
    world.work()
    world.later(days=15)
    note = {"news": "letter-requester"}.get(event, f"letter-{event}")
    assert world.letters("anna@corp.test" if event != "news" else "bob@corp.test", event)
    assert asked(world, case, note)[0] == "sending"


def test_the_requester_hears_that_it_is_live(world: World) -> None:
    world.live()
    assert "bob@corp.test" in world.letters("bob@corp.test", "news")[-1].recipients


def test_the_requester_hears_how_it_ended_when_her_row_is_gone(world: World) -> None:
    case = world.live()
    before = len(world.letters("bob@corp.test", "news"))
    (world.folder / "people.csv").write_text("".join(s for s in PEOPLE.splitlines(True) if not s.startswith("anna")))
    world.app = world.wired()
    world.later(days=15)
    assert world.desk.case(case.id).state is State.ACCOUNTED
    assert len(world.letters("bob@corp.test", "news")) == before + 1
    assert world.letters("anna@corp.test", "account")


def test_an_account_nobody_takes_is_given_up_after_a_month_and_the_record_says_so(world: World) -> None:
    case = world.live()
    world.sink.refusing = REFUSED
    for _ in range(50):
        world.later(days=1)
    failed = [e.body for e in world.app.store.entries(case=case.id) if e.type == "failed"]
    assert [(body["act"], body["key"]) for body in failed] == [("account", "letter-rejected")]
    assert (jobs(world, case), world.app.store.found(case.id)) == ({}, None)


def test_those_who_may_review_are_told_that_a_case_waits_and_nothing_of_it(make: Callable[..., World]) -> None:
    world = make(policy={"count": 1})
    case = world.request(subject="Afwezig deze zomer", audience=None)
    world.work()
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.AWAITING_REVIEW
    [letter] = world.letters("carla@corp.test", "review")
    text = letter.content.decode()
    assert f"locum review {case.id}" in letter.mail.get_content()
    assert not [word for word in ("Anna", "anna@", "Afwezig deze zomer") if word in text]
    assert not world.letters("bob@corp.test", "review")
    world.later(hours=5)
    assert len(world.letters("carla@corp.test", "review")) == 1


# the account and its checkpoint ------------------------------------------------------------------------------------


def test_the_accounts_checkpoint_covers_its_entries(world: World) -> None:
    case = world.live()
    world.app.sign()
    world.later(days=15)
    assert not world.letters("anna@corp.test", "account")
    assert jobs(world, case)["account"].tries == 0
    world.app.sign()
    world.later(seconds=2)
    note = world.app.store.checkpoint()
    assert note is not None
    assert world.app.signer is not None
    size = tlog.parse_checkpoint(tlog.verify(note, world.app.signer.vkey)).size
    ended = next(e for e in world.app.store.entries(case=case.id) if e.type == "ended")
    assert world.letters("anna@corp.test", "account")
    assert ended.index < size


def test_the_account_does_not_wait_for_ever_for_a_signature(world: World) -> None:
    case = world.live()
    world.app.sign()
    world.later(days=15)
    for _ in range(5):
        world.later(minutes=1)
    assert world.desk.case(case.id).state is State.ACCOUNTED


# the mail system ---------------------------------------------------------------------------------------------------


def test_what_could_not_be_undone_is_not_said_to_be_undone(world: World) -> None:
    case = agreed(world)
    wire = Wire(world)
    wire.written = failing(Rejected("script-refused", mailbox="anna@corp.test"))

    def busy() -> None:
        if world.published():
            raise Conflict("changed-meanwhile", case=case.id)

    wire.writing = busy
    world.now = case.auto_reply.to_date - timedelta(seconds=1)
    world.work()
    world.now = case.auto_reply.to_date
    wire.written = lambda: None
    world.later(minutes=1)
    told = [entry.body for entry in world.app.store.entries(case=case.id) if entry.type == "failed"]
    assert "undone" not in {body.get("left_as") for body in told}
    assert world.desk.case(case.id).state is State.ENDING
    wire.writing = lambda: None
    world.later(hours=2)
    assert (world.desk.case(case.id).state, world.published()) == (State.ACCOUNTED, {})


def test_after_a_failure_it_is_looked_whether_ours_is_really_gone(world: World) -> None:
    case = agreed(world)
    wire = Wire(world)
    wire.writing = failing(LocumError("not-as-written", mailbox="anna@corp.test"))
    world.work()
    assert world.desk.case(case.id).state is State.FAILED
    look = jobs(world, case)["look"]
    assert (look.lane, look.due_at) == ("dovecot", world.now + timedelta(minutes=15))


def test_what_she_changed_while_it_ended_is_told_as_it_then_was(world: World) -> None:
    case = world.live()
    wire = Wire(world)
    script = world.folder / "sieve/after/anna@corp.test.sieve"

    def taken_away() -> None:
        if script.exists():
            script.unlink()
            raise Conflict("changed-meanwhile", case=case.id)

    wire.writing = taken_away
    world.later(days=15)
    ended = next(e for e in world.app.store.entries(case=case.id) if e.type == "ended")
    assert ended.body["put_back"] == "nothing-was-there"


def test_a_script_that_she_cannot_have_taken_away_is_not_told_as_her_doing(world: World) -> None:
    case = world.live()
    for script in (world.folder / "sieve/after").iterdir():
        script.unlink()
    world.later(hours=2)
    after = world.desk.case(case.id)
    assert (after.state, after.outcome) == (State.ACCOUNTED, "removed")
    text = world.letters("anna@corp.test", "account")[-1].mail.get_body(("plain",))
    assert text is not None
    assert "je hebt zelf iets" not in text.get_content()


def test_where_she_can_reach_it_a_missing_reply_is_her_doing(world: World) -> None:
    case = world.live()
    wire = Wire(world)
    wire.can = Can()
    for script in (world.folder / "sieve/after").iterdir():
        script.unlink()
    world.later(hours=2)
    assert world.desk.case(case.id).outcome == "changed-by-owner"


def test_two_hundred_hours_of_an_unreachable_server_are_two_entries(world: World) -> None:
    case = agreed(world, until="2026-12-20")
    wire = Wire(world)
    wire.writing = failing(Unreachable("publishing-unwritable", mailbox="anna@corp.test"))
    for _ in range(200):
        world.later(hours=1)
    assert world.types(case).count("intended") == 1
    wire.writing = lambda: None
    world.later(hours=2)
    assert world.desk.case(case.id).state is State.APPLIED
    wire.writing = failing(Unreachable("publishing-unwritable", mailbox="anna@corp.test"))
    world.later(days=20)
    world.later(hours=9)
    assert world.types(case).count("intended") == 2


def test_another_finding_is_recorded_anew(world: World) -> None:
    case = agreed(world)
    wire = Wire(world)
    wire.writing = failing(Unreachable("publishing-unwritable", mailbox="anna@corp.test"))
    world.later(hours=1)
    real = wire.real.read
    wire.reading = lambda: None
    wire.real.read = lambda box: replace(real(box), remarks=("other",))  # type: ignore[method-assign]
    world.later(hours=1)
    assert world.types(case).count("intended") == 2


@pytest.mark.parametrize("moment", ["before", "applying", "live"])
def test_a_connector_that_is_gone_from_the_settings_stops_nothing_else(world: World, moment: str) -> None:
    case = agreed(world) if moment != "live" else world.live()
    if moment == "applying":
        wire = Wire(world)
        wire.writing = failing(Unreachable("publishing-unwritable", mailbox="anna@corp.test"))
        world.work()
        assert world.desk.case(case.id).state is State.APPLYING
    with_it = world.desk
    world.app.desk = Desk(replace(world.desk.office, connectors={}))
    world.later(hours=2)
    kind = "watch" if moment == "live" else "apply"
    assert jobs(world, case)[kind].trouble == "no-connector"
    world.later(days=15)
    world.later(hours=2)
    if moment == "before":
        assert world.desk.case(case.id).state is State.EXPIRED
        return
    assert jobs(world, case)["end"].trouble == "no-connector"
    world.app.desk = with_it
    if moment == "applying":
        wire.writing = lambda: None
    world.later(hours=2)
    assert world.desk.case(case.id).state is State.ACCOUNTED


def test_setting_it_is_not_tried_beyond_its_end(world: World) -> None:
    case = agreed(world)
    wire = Wire(world)
    wire.writing = failing(Unreachable("publishing-unwritable", mailbox="anna@corp.test"))
    world.work()
    wire.reading = failing(Unreachable("publishing-unreadable", mailbox="anna@corp.test"))
    world.later(days=15)
    assert world.desk.case(case.id).state is State.ENDING
    assert "apply" not in jobs(world, case)
    wire.reading = wire.writing = lambda: None
    world.later(hours=2)
    assert world.desk.case(case.id).state is State.ACCOUNTED


# the queue ---------------------------------------------------------------------------------------------------------


def test_a_watch_is_free_again_at_once(world: World) -> None:
    case = world.live()
    world.later(hours=1)
    assert jobs(world, case)["watch"].due_at == world.now + timedelta(hours=1)
    world.desk.end(world.app.acting("bob"), case.id)
    world.work()
    assert (world.desk.case(case.id).state, world.published()) == (State.ACCOUNTED, {})


def test_the_daily_look_is_free_again_at_once(world: World) -> None:
    kind, name = REMINDERS
    world.app.store.commit([Change(put=(Job(kind=kind, case=name, due_at=world.now, lane="letters"),))])
    world.work()
    world.app.store.commit([Change(put=(Job(kind=kind, case=name, due_at=world.now, lane="letters"),))])
    assert len(world.app.store.take("w", seconds=60)) == 1


def test_an_end_that_comes_too_soon_is_free_again_at_once(world: World) -> None:
    case = world.live()
    world.app.store.commit([Change(put=(Job(kind="end", case=case.id, due_at=world.now, lane="dovecot"),))])
    world.work()
    world.app.store.commit([Change(put=(Job(kind="end", case=case.id, due_at=world.now, lane="dovecot"),))])
    [taken] = world.app.store.take("w", seconds=60)
    assert taken.job.kind == "end"


def test_an_end_goes_before_any_number_of_watches(world: World) -> None:
    watches = tuple(Job(kind="watch", case=f"w{n}", due_at=world.now, lane="dovecot") for n in range(1200))
    world.app.store.commit([Change(put=watches)])
    end = Job(kind="end", case="stop", due_at=world.now + timedelta(minutes=1), lane="dovecot")
    world.app.store.commit([Change(put=(end,))])
    world.now += timedelta(minutes=1)
    assert [t.job.kind for t in world.app.store.take("w", seconds=60)] == ["end"]
    assert {t.job.kind for t in world.app.store.take("w", seconds=60)} == {"watch"}


def test_letters_are_taken_a_few_at_a_time(world: World) -> None:
    letters = tuple(Job(kind="ask", case=f"c{n}", due_at=world.now, lane="letters") for n in range(30))
    world.app.store.commit([Change(put=letters)])
    assert len(world.app.store.take("w", seconds=60)) == 10


def test_many_found_bytes_are_read_at_once(world: World) -> None:
    case = world.live()
    found = world.app.store.found_many([case.id, "none-such"])
    assert found == {case.id: world.app.store.found(case.id)} or found == {}
    world.app.store.commit([Change(case=world.desk.case(case.id), found=b"hers")])
    assert world.app.store.found_many([case.id, "none-such"]) == {case.id: b"hers"}
