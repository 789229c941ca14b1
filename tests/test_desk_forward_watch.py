"""A forward that must not be, or not go on: circles and chains, a receiver who is away, a mail system that may not, copies that
fail, her own change; and attacks on what was agreed to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.shelf import ForwardWorld

from locum.absence import Absence
from locum.app import App
from locum.approval import request_hash
from locum.demo.sink import Sink
from locum.desk.filing import canonical_request
from locum.errors import Invalid, Unreachable
from locum.lifecycle import Case, State
from locum.store import Change

pytest_plugins = ("tests.stores",)

Make = Callable[..., "Away"]


@dataclass
class Leave:
    """A list of who is away."""

    rows: list[Absence] = field(default_factory=list)
    broken: bool = False

    def absences(self, since: datetime, until: datetime) -> list[Absence]:
        if self.broken:
            raise Unreachable("store-unreachable", reason="the calendar does not answer")
        return [row for row in self.rows if row.from_at < until and since < row.until_at]


@dataclass
class Away(ForwardWorld):
    """The organisation, with a list of who is away."""

    calendar: Leave = field(default_factory=Leave)

    def wired(self) -> App:
        made = super().wired()
        made.__dict__["leave"] = [self.calendar]
        made.desk.office.leave  # noqa: B018  wired before anything else
        return made

    def goes_away(self, person: str, days_from_now: float, days: float = 5) -> None:
        start = self.now + timedelta(days=days_from_now)
        self.calendar.rows.append(
            Absence(person=person, from_at=start, until_at=start + timedelta(days=days), source="x")
        )


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        settings = '[leave]\ncsv = "leave.csv"\n'
        yield lambda **options: Away(tmp_path, sink, store_url=store_url, more=settings, **options)


@pytest.fixture
def world(make: Make) -> Away:
    return make()


def scheduled(world: Away, **changes: object) -> Case:
    """A forward that is ready, and starts in a week."""
    case = world.forward(**({"from_": "2026-12-01"} | changes))
    world.work()
    mailbox = case.mailbox if case.mailbox != "anna@corp.test" else "anna@home.test"
    world.desk.answer(world.token(mailbox), "agree")
    assert case.forward is not None
    world.agrees(case, case.forward.to)
    world.approved(case, "dirk" if case.mailbox != "dirk@corp.test" else "carla")
    assert world.state(case) is State.SCHEDULED
    return case


# circles and chains


def test_two_forwards_that_would_go_round_are_not_both_made(world: Away) -> None:
    scheduled(world, to="dirk@corp.test")
    error = world.refused(mailbox="dirk@corp.test", to="anna@corp.test", from_="2026-12-02")
    assert (error.key, error.clause, error.values["path"]) == (
        "forward-circle",
        9,
        "dirk@corp.test → anna@corp.test → dirk@corp.test",
    )


def test_a_circle_of_three_is_found_and_names_no_third_person(world: Away) -> None:
    world.shelf.own_forwards["anna@corp.test"] = ("dirk@corp.test",)
    scheduled(world, mailbox="dirk@corp.test", to="carla@corp.test")
    error = world.refused(mailbox="carla@corp.test", to="anna@corp.test", from_="2026-12-02")
    assert error.values["path"] == "carla@corp.test → anna@corp.test → … → carla@corp.test"


def test_a_receiver_whose_mail_is_forwarded_already_is_refused(world: Away) -> None:
    scheduled(world, mailbox="carla@corp.test", to="dirk@corp.test")
    error = world.refused(from_="2026-12-02")
    assert (error.key, error.values["path"]) == ("forward-circle", "anna@corp.test → carla@corp.test → …")


def test_whose_mail_others_are_sent_on_to_is_not_sent_on_further(world: Away) -> None:
    scheduled(world, mailbox="dirk@corp.test", to="anna@corp.test")
    error = world.refused(from_="2026-12-02")
    assert (error.key, error.values["path"]) == ("forward-circle", "… → anna@corp.test → carla@corp.test")


def test_forwards_at_other_times_are_in_nobodys_way(world: Away) -> None:
    scheduled(world, mailbox="carla@corp.test", to="dirk@corp.test", from_="2026-12-08")
    assert world.forward(until="2026-12-07").state is State.REQUESTED


@pytest.mark.parametrize("onward", ["anna@corp.test", "a.devries@corp.test", "carla@gmail.test"])
def test_the_receivers_own_rules_are_looked_at_where_they_can_be_seen(world: Away, onward: str) -> None:
    world.shelf.own_forwards["carla@corp.test"] = (onward,)
    error = world.refused()
    assert error.key == "forward-circle"
    assert onward == "anna@corp.test" or onward not in error.values["path"]


def test_a_circle_that_was_made_meanwhile_is_found_right_before_it_is_set(world: Away) -> None:
    case = scheduled(world)
    world.shelf.own_forwards["carla@corp.test"] = ("anna@corp.test",)
    world.later(days=9)
    after = world.now_of(case)
    assert (after.state, after.trouble, world.shelf.standing()) == (State.REFUSED, "forward-circle", [])


def test_of_two_that_would_go_round_and_were_filed_together_the_first_is_set(world: Away) -> None:
    first = world.forward(to="dirk@corp.test", from_="2026-12-01")
    second = world.forward(mailbox="dirk@corp.test", to="anna@corp.test", from_="2026-12-01")
    world.work()
    world.agrees(first, "dirk@corp.test")
    world.agrees(second, "anna@corp.test")
    world.desk.answer(world.token("dirk@corp.test"), "agree")
    world.desk.answer(world.token("anna@home.test"), "agree")
    assert [world.state(first), world.state(second)] == [State.AWAITING_REVIEW] * 2
    for case in (first, second):  # without a worker between the two
        world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Fine.")
    world.later(days=9)
    assert [world.state(first), world.state(second)] == [State.APPLIED, State.REFUSED]


# a receiver who is away


def test_a_receiver_who_is_on_leave_in_that_time_is_refused(world: Away) -> None:
    world.goes_away("carla", 3)
    assert (world.refused().key, world.refused().clause) == ("forward-receiver-away", 9)


def test_a_receiver_who_is_away_after_it_is_over_is_not(world: Away) -> None:
    world.goes_away("carla", 30)
    assert world.forward().state is State.REQUESTED


def test_a_receiver_with_a_live_reply_of_ours_is_refused(world: Away) -> None:
    case = world.reply(mailbox="carla@corp.test", until="2026-12-01")
    world.work()
    world.desk.answer(world.token("carla@corp.test"), "agree")
    world.work()
    assert world.state(case) is State.APPLIED
    assert world.refused().key == "forward-receiver-away"


def test_a_receiver_with_a_reply_of_his_own_is_refused(world: Away) -> None:
    world.shelf.own_replies.add("carla@corp.test")
    assert world.refused().key == "forward-receiver-away"


def test_leave_that_is_entered_meanwhile_is_found_right_before_it_is_set(world: Away) -> None:
    case = scheduled(world)
    world.goes_away("carla", 10)
    world.later(days=9)
    after = world.now_of(case)
    assert (after.state, after.trouble, world.shelf.standing()) == (State.REFUSED, "forward-receiver-away", [])


def test_a_list_of_leave_that_does_not_answer_keeps_nobody_from_asking_and_everything_from_being_set(
    world: Away,
) -> None:
    case = scheduled(world)
    world.calendar.broken = True
    world.later(days=9)
    assert (world.state(case), world.shelf.standing()) == (State.SCHEDULED, [])
    world.calendar.broken = False
    world.later(hours=1)
    assert world.state(case) is State.APPLIED


# what has to hold on the mail system


def test_a_finding_that_does_not_hold_is_waited_for_and_named(world: Away) -> None:
    case = scheduled(world)
    world.shelf.lacks = ("sieve_files.does-not-publish",)
    world.later(days=9)
    job = next(job for job in world.app.store.jobs(case.id) if job.kind == "apply")
    assert (world.state(case), job.trouble) == (State.SCHEDULED, "check.sieve_files.does-not-publish")
    assert world.shelf.standing() == []
    world.shelf.lacks = ()
    world.later(hours=2)
    assert world.state(case) is State.APPLIED


def test_a_finding_that_never_holds_ends_with_the_window(world: Away) -> None:
    case = scheduled(world)
    world.shelf.lacks = ("sieve_files.does-not-publish",)
    for _ in range(40):
        world.later(hours=18)
    assert (world.now_of(case).is_final, world.shelf.standing()) == (True, [])


# the watch


@pytest.mark.parametrize("why", ["copies", "circle", "leave", "own-reply"])
def test_a_forward_that_goes_wrong_is_withdrawn_and_everybody_is_told(world: Away, why: str) -> None:
    case = world.live_forward()
    match why:
        case "copies":
            world.shelf.failed = 3
        case "circle":
            world.shelf.own_forwards["carla@corp.test"] = ("dirk@corp.test",)
        case "leave":
            world.goes_away("carla", 0)
        case "own-reply":
            world.shelf.own_replies.add("carla@corp.test")
    world.later(hours=2)
    after = world.now_of(case)
    assert (after.state, after.outcome, world.shelf.standing()) == (State.ACCOUNTED, "forward-failed", [])
    assert "no longer come" in world.said("carla@corp.test", "receiver-ended")
    assert "het doorsturen ging niet goed" in world.said("bob@corp.test", "news")
    assert "Wat er misging" in world.said("anna@corp.test", "account")


def test_leave_that_lies_ahead_does_not_end_a_live_forward_yet(world: Away) -> None:
    case = world.live_forward()
    world.goes_away("carla", 3)
    world.later(hours=2)
    assert world.state(case) is State.APPLIED
    world.later(days=4)
    assert world.now_of(case).outcome == "forward-failed"


def test_copies_that_arrive_leave_it_on(world: Away) -> None:
    world.shelf.failed = 0
    case = world.live_forward()
    world.later(hours=5)
    assert world.state(case) is State.APPLIED


def test_a_forward_of_her_own_while_ours_is_on_comes_first(world: Away) -> None:
    case = world.live_forward()
    world.shelf.own_forwards["anna@corp.test"] = ("dirk@corp.test",)
    world.later(hours=2)
    assert (world.now_of(case).outcome, world.shelf.standing()) == ("changed-by-owner", [])


def test_a_forward_that_she_had_before_is_not_told_as_new(world: Away) -> None:
    world.shelf.own_forwards["anna@corp.test"] = ("dirk@corp.test",)
    case = world.live_forward()
    world.later(hours=5)
    assert world.state(case) is State.APPLIED


def test_a_reply_of_her_own_does_not_end_a_forward_alone(world: Away) -> None:
    case = world.live_forward()
    world.shelf.own_replies.add("anna@corp.test")
    world.later(hours=2)
    assert world.state(case) is State.APPLIED


def test_how_many_copies_went_out_is_in_her_account(world: Away) -> None:
    world.live_forward()
    world.later(days=15)
    assert "zijn er 7 berichten gekopieerd" in world.said("anna@corp.test", "account")


# attacks


def test_a_receiver_changed_after_the_review_voids_it(world: Away) -> None:
    case = world.now_of(scheduled(world))
    assert case.forward is not None
    other = replace(case, measures=(replace(case.forward, to="bob@corp.test"),))
    world.app.store.commit([Change(case=other)])
    world.later(days=9)
    after = world.now_of(case)
    assert (after.state, after.outcome, world.shelf.standing()) == (State.REFUSED, "request-changed", [])


def test_a_receiver_changed_together_with_the_hash_has_nobodys_agreement_and_nobodys_review(world: Away) -> None:
    case = world.now_of(scheduled(world))
    assert case.forward is not None
    other = replace(case, measures=(replace(case.forward, to="bob@corp.test"),))
    other = replace(other, request=request_hash(canonical_request(other)))
    world.app.store.commit([Change(case=other)])
    world.later(days=9)
    assert (world.state(case) in (State.SCHEDULED, State.APPLIED), world.shelf.standing()) == (False, [])


def test_a_consent_that_names_another_address_or_another_request_does_not_count(world: Away) -> None:
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "agree")
    forged = (("dirk@corp.test", "agreed", case.request), ("carla@corp.test", "agreed", "0" * 64))
    world.app.store.commit([Change(case=replace(world.now_of(case), consents=forged))])
    world.later(days=1)
    assert (world.state(case), world.shelf.standing()) == (State.AGREED, [])


@pytest.mark.parametrize("shown", ["", "0" * 64, "forged"])
def test_a_forged_hash_on_the_form_agrees_to_nothing(world: Away, shown: str) -> None:
    case = world.forward()
    world.work()
    for token, answer in ((world.token(), "agree"), (world.token("carla@corp.test", "consent"), "accept")):
        with pytest.raises(Exception, match="shown-before"):
            world.desk.answer(token, answer, shown=shown)
    assert (world.now_of(case).answer, world.now_of(case).consents) == ("", ())


def test_the_link_of_another_cases_receiver_answers_for_that_case_alone(world: Away) -> None:
    one = world.forward(to="carla@corp.test", until="2026-12-01")
    world.work()
    other = world.forward(mailbox="dirk@corp.test", to="bob@corp.test", by="carla")
    world.work()
    world.desk.answer(world.token("bob@corp.test", "consent"), "accept")
    assert (world.now_of(one).consents, len(world.now_of(other).consents)) == ((), 1)


def test_a_link_that_was_made_up_or_is_over_does_nothing(world: Away) -> None:
    case = world.live_forward()
    token = world.token("carla@corp.test", "consent")
    with pytest.raises(Invalid, match="link-unknown"):
        world.desk.answer("0" * 40, "accept")
    world.later(days=15)
    with pytest.raises(Invalid, match="link-expired"):
        world.desk.answer(token, "accept")
    assert world.state(case) is State.ACCOUNTED
