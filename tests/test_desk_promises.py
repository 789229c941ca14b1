"""What must never happen on the main path: each a way in which a promise could be broken, tried."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import PEOPLE, World

from locum.approval import request_hash
from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.desk.filing import canonical_request
from locum.errors import Invalid, Refused
from locum.lifecycle import State
from locum.measure import Audience
from locum.store import Change, Job

pytest_plugins = ("tests.stores",)


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Callable[..., World]]:
    with Sink() as sink:
        yield lambda **options: World(tmp_path, sink, store_url=store_url, **options)


FREE = {"audience": Audience.EVERYONE, "external_text": "Please pay to NL00BANK0123456789.\n"}


def test_her_stop_in_the_moment_of_setting_leaves_nothing_live(make: Callable[..., World]) -> None:
    world = make()
    other: list[World] = []

    def stop(name: str) -> None:
        if name == "apply.intended" and not other:
            other.append(world)
            world.wired().desk.answer(world.token(), "stop")
            elsewhere = world.wired()
            while taken := elsewhere.store.take("worker-2", seconds=60):
                elsewhere.desk.run(taken)

    world.step = stop
    world.app = world.wired()
    case = world.request()
    world.work()
    world.later(hours=5)
    world.work()
    after = world.desk.case(case.id)
    assert other
    assert (after.state, after.outcome, world.published()) == (State.ACCOUNTED, "owner", {})


def test_what_allowed_it_is_judged_again_right_before_the_act(make: Callable[..., World]) -> None:
    world = make(policy={"count": 1})
    case = world.request(from_="2026-12-01")
    world.work()
    world.later(hours=5)
    world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Fine.")
    people = world.folder / "people.csv"
    people.write_text(PEOPLE.replace("Europe/Amsterdam,manager", "Europe/Amsterdam,sales"))
    world.app = world.wired()
    world.later(days=9)
    assert (world.desk.case(case.id).state, world.published()) == (State.AWAITING_REVIEW, {})


def test_a_review_does_not_outlive_the_text_it_was_given_for(make: Callable[..., World]) -> None:
    world = make(policy={"count": 1})
    case = world.request(from_="2026-12-01")
    world.work()
    world.later(hours=5)
    world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Fine.")
    world.desk.answer(world.token(), "own-text", OwnText(subject="Weg", internal_text="Iets anders.\n"))
    world.later(days=9)
    assert (world.desk.case(case.id).state, world.published()) == (State.AWAITING_REVIEW, {})


def test_a_case_is_judged_by_the_policy_under_which_it_was_filed(make: Callable[..., World]) -> None:
    world = make(policy={"if_unanswered": "stop"})
    case = world.request()
    world.work()
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text().replace('"stop"', '"proceed"'))
    world.app = world.wired()
    world.later(hours=5)
    after = world.desk.case(case.id)
    assert (after.state, after.trouble, world.published()) == (State.REFUSED, "unanswered-stops", {})


@pytest.mark.parametrize("answer", ["451 4.3.0 later", "550 5.7.1 no"])
def test_a_relay_that_was_down_for_a_day_costs_no_case(make: Callable[..., World], answer: str) -> None:
    world = make()
    world.sink.refusing = answer
    case = world.request()
    for _ in range(48):
        world.later(minutes=30)
    assert (world.desk.case(case.id).state, world.published()) == (State.ASKING, {})
    world.sink.refusing = ""
    for _ in range(30):
        world.later(hours=1)
    assert world.desk.case(case.id).state is State.APPLIED


def test_an_ask_that_never_got_through_ends_with_its_window(make: Callable[..., World]) -> None:
    world = make()
    world.sink.refusing = "451 4.3.0 later"
    case = world.request()
    for _ in range(30):
        world.later(hours=12)
    after = world.desk.case(case.id)
    assert (after.state, after.outcome, world.published()) == (State.EXPIRED, "never-reached", {})


def test_a_channel_that_appears_while_waiting_does_not_strand_the_case(make: Callable[..., World]) -> None:
    world = make()
    case = world.request()
    world.work()
    people = world.folder / "people.csv"
    people.write_text(PEOPLE.replace("anna@home.test,,2026-01-05", "anna@home.test,+31612345678,2026-01-05"))
    world.app = world.wired()
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.APPLIED


def test_an_agreement_that_only_the_requester_heard_does_not_publish_free_text(make: Callable[..., World]) -> None:
    world = make()
    case = world.request(**FREE)
    world.work()
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="agreed", because="She said yes.")
    world.later(hours=5)
    assert (world.desk.case(case.id).state, world.published()) == (State.AWAITING_REVIEW, {})


def test_an_agreement_that_somebody_else_heard_does(make: Callable[..., World]) -> None:
    world = make()
    case = world.request(**FREE)
    world.work()
    world.desk.contact(world.app.acting("dirk"), case.id, by="phone", outcome="agreed", because="She said yes.")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_her_own_text_cannot_end_before_it_starts(make: Callable[..., World]) -> None:
    world = make()
    world.request(from_="2026-12-01")
    world.work()
    own = OwnText(subject="Weg", internal_text="Weg.\n", until="2026-11-30")
    with pytest.raises(Invalid, match="end-before-start"):
        world.desk.answer(world.token(), "own-text", own)


def test_a_reviewer_of_the_requesters_function_does_not_count(make: Callable[..., World]) -> None:
    world = make(people=PEOPLE.replace("it,carla", "hr,carla"))
    case = world.request(**FREE)
    world.work()
    world.later(hours=5)
    with pytest.raises(Refused, match="not-a-reviewer"):
        world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    world.work()
    assert (world.desk.case(case.id).state, world.published()) == (State.AWAITING_REVIEW, {})


@pytest.mark.forges
def test_of_two_requests_filed_in_the_same_moment_the_second_is_refused_with_its_reason(
    make: Callable[..., World],
) -> None:
    world = make(policy={"wait_hours": 0})
    first = world.request()
    world.work()
    assert world.desk.case(first.id).state is State.APPLIED
    later = world.request(from_="2026-12-08", until="2026-12-10", reason="customer")
    world.work()
    # As if filed in the same moment: the store is told so, since nobody can ask for it one after the other.
    case = world.desk.case(later.id)
    moved = replace(case.auto_reply, from_date=world.now, to_date=world.now + timedelta(days=3))
    case = replace(case, measures=(moved,), not_after=moved.to_date)
    case = replace(case, request=request_hash(canonical_request(case)))
    asked = world.desk.office.draft(case, "requested", **{**canonical_request(case), "request": case.request})
    apply = Job(kind="apply", case=case.id, due_at=world.now, lane="dovecot")
    world.app.store.commit([Change(case=case, entries=(asked,), put=(apply,))])
    world.work()
    after = world.desk.case(later.id)
    assert (after.state, after.trouble) == (State.REFUSED, "overlapping")
    assert world.desk.case(first.id).state is State.APPLIED


def test_somebody_else_who_withdraws_is_not_told_as_the_requester(make: Callable[..., World]) -> None:
    world = make()
    case = world.request()
    world.desk.withdraw(world.app.acting("dirk"), case.id)
    assert world.desk.case(case.id).outcome == "other"


def test_a_batch_name_is_one_clean_line(make: Callable[..., World]) -> None:
    world = make()
    with pytest.raises(Invalid, match="bad-character"):
        world.desk.request_many(world.app.acting("bob"), [world.form()], batch="closing\u202e")


def test_a_refused_reviewer_may_not_review_twice(make: Callable[..., World]) -> None:
    world = make(policy={"count": 2})
    case = world.request(**FREE)
    world.work()
    world.later(hours=5)
    world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Fine.")
    with pytest.raises(Refused, match="reviewed-already"):
        world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Again.")
