"""Who may see and stop a case: whoever asked, whose mailbox it is, and those who decide about it; nobody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.signedworld import MORE, SignedWorld
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.desk.seeing import may_see, may_stop, waits_for
from locum.lifecycle import Case, State

PERSONS = ("anna", "bob", "carla", "dirk")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, policy={"count": 1, "if_unanswered": "review"})


def waiting(world: World) -> Case:
    case = world.request()
    world.work()
    world.later(hours=9)
    case = world.desk.case(case.id)
    assert case.state is State.AWAITING_REVIEW
    return case


def those(world: World, holds, case: Case) -> list[str]:
    return [who for who in PERSONS if holds(world.desk.office, world.app.acting(who), case)]


def test_a_case_is_seen_by_who_asked_and_by_her_alone(world):
    assert those(world, may_see, world.request()) == ["anna", "bob"]


def test_what_waits_is_seen_by_those_who_decide_too(world):
    assert those(world, may_see, waiting(world)) == list(PERSONS)
    assert those(world, waits_for, waiting_again(world)) == ["carla", "dirk"]


def waiting_again(world: World) -> Case:
    return world.app.store.find(state=State.AWAITING_REVIEW)[0]


def test_a_review_waits_no_more_for_who_gave_it_and_she_still_sees_it(world):
    case = world.desk.review(world.app.acting("carla"), waiting(world).id, approve=True, because="Fine.")
    assert those(world, waits_for, case) == []
    assert those(world, may_see, case) == ["anna", "bob", "carla"]


def test_who_asked_never_decides_whatever_her_function(world):
    case = world.desk.request(world.app.acting("carla"), world.form())
    world.work()
    world.later(hours=9)
    assert those(world, waits_for, world.desk.case(case.id)) == ["dirk"]


def test_an_objection_is_seen_by_those_who_may_overrule_it(world):
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "object", because="I read along.")
    assert those(world, waits_for, world.desk.case(case.id)) == ["carla", "dirk"]


def test_only_who_asked_and_whose_mailbox_it_is_may_stop_it(world):
    case = waiting(world)
    assert [who for who in PERSONS if may_stop(world.app.acting(who), case)] == ["anna", "bob"]


# where it is signed, the register says who decides


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[SignedWorld]:
    with Sink() as sink:
        eve = "eve,Eve Mol,eve@corp.test,,nl,Europe/Amsterdam,hr,,,,\n"
        yield SignedWorld(tmp_path, sink, people=PEOPLE + MORE + eve)


def test_a_function_in_the_list_of_people_alone_shows_nothing_that_is_to_be_signed(signed):
    case = signed.asked_for()
    everybody = [person.id for person in signed.app.people.everyone()]
    office = signed.desk.office
    assert [who for who in everybody if waits_for(office, signed.me(who), case)] == ["dirk", "petra", "mark"]
    assert not may_see(office, signed.me("eve"), case)


def test_what_she_signed_waits_for_her_no_more_and_for_others_while_more_are_wanted(signed):
    case = signed.asked_for()
    signed.signs("dirk", case)
    case = signed.now_of(case)
    assert not waits_for(signed.desk.office, signed.me("dirk"), case)
    assert may_see(signed.desk.office, signed.me("dirk"), case)
