"""An objection at any moment of a case, through the whole desk and a real Dovecot: gone from the server in the same run.

By her link and noted by somebody, with published scripts and over ManageSieve; and what was overruled answers again.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.on_dovecot import AT_ONCE, OURS, asked_for, managesieve, published, replies, world_of
from tests.world import World

from locum.absence import Mailbox
from locum.demo.host import Dovecot, Sink
from locum.errors import Conflict
from locum.lifecycle import Case, State
from mailhosts.publishing import deliver

pytestmark = pytest.mark.slow

GROUNDS = "The court needs an answer before Friday, and knows only this mailbox."
STEPS = {
    "right before it is set": "apply.intended",
    "set and not recorded": "apply.written",
    "just set": "apply.committed",
}
POLICIES: dict[str, dict[str, object]] = {
    "asked": AT_ONCE | {"wait_hours": 4},
    "waiting for a reviewer": AT_ONCE | {"count": 1},
}
MOMENTS = ("filed", "asked", "waiting for a reviewer", "scheduled", *STEPS, "live")


@pytest.fixture
def relay() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(params=["published", "managesieve"])
def connectors(request: pytest.FixtureRequest, dovecot: Dovecot, tmp_path: Path) -> str:
    return published(dovecot) if request.param == "published" else managesieve(dovecot, tmp_path)


def object_by_link(world: World, _case: Case) -> None:
    world.desk.answer(world.token(), "object", because="I read along.")


def object_by_telephone(world: World, case: Case) -> None:
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="objected", because="She said no.")


def nothing_of_ours(world: World, mailbox: str) -> bool:
    connector = next(iter(world.desk.office.connectors.values()))
    return connector.read(Mailbox(address=mailbox)).measures == ()


@pytest.mark.parametrize("objecting", [object_by_link, object_by_telephone])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_objection_stops_it_at_any_moment(
    dovecot: Dovecot,
    mailbox: str,
    relay: Sink,
    tmp_path: Path,
    connectors: str,
    moment: str,
    objecting: Callable[[World, Case], None],
) -> None:
    if (moment, objecting) == ("filed", object_by_link):
        pytest.skip("there is no link before she was asked")
    world = world_of(tmp_path, relay, connectors, mailbox, policy=POLICIES.get(moment, AT_ONCE))
    starts = {"from_": (world.now + timedelta(days=2)).isoformat()} if moment == "scheduled" else {}
    case = asked_for(world, mailbox, **starts)
    met: list[State] = []

    def she_objects(step: str) -> None:
        if not met and step in (STEPS.get(moment), None):
            met.append(world.desk.case(case.id).state)
            objecting(world, case)

    if moment in STEPS:
        world.step = she_objects
        world.app = world.wired()
        world.work()
    else:
        if moment != "filed":
            world.work()
        met.append(world.desk.case(case.id).state)
        objecting(world, case)
        world.work()
    expected = {"filed": State.REQUESTED, "asked": State.ASKING, "waiting for a reviewer": State.AWAITING_REVIEW}
    expected |= {"scheduled": State.SCHEDULED, "just set": State.APPLIED, "live": State.APPLIED}
    assert met == [expected.get(moment, State.APPLYING)]
    after = world.desk.case(case.id)
    assert (after.answer, after.outcome) == ("objected", "objection")
    assert after.state in (State.OBJECTED, State.ACCOUNTED)
    assert nothing_of_ours(world, mailbox)
    assert replies(deliver(dovecot, mailbox)) == []
    world.later(days=3)
    assert nothing_of_ours(world, mailbox)


def test_what_was_overruled_answers_and_an_objection_takes_it_away_again(
    dovecot: Dovecot, mailbox: str, relay: Sink, tmp_path: Path, connectors: str
) -> None:
    world = world_of(tmp_path, relay, connectors, mailbox, policy=AT_ONCE)
    case = asked_for(world, mailbox)
    world.work()
    object_by_link(world, case)
    world.work()
    again = asked_for(world, mailbox)
    assert again.objected_before == case.id
    world.work()
    assert replies(deliver(dovecot, mailbox)) == []
    for who in ("carla", "dirk"):
        world.desk.overrule(world.app.acting(who), again.id, because=GROUNDS)
    world.work()
    assert replies(deliver(dovecot, mailbox)) == [OURS]
    world.desk.answer(world.token("anna@home.test", "overruled"), "object")
    world.work()
    assert replies(deliver(dovecot, mailbox)) == []


def test_what_is_ending_already_needs_no_objection(
    dovecot: Dovecot, mailbox: str, relay: Sink, tmp_path: Path, connectors: str
) -> None:
    world = world_of(tmp_path, relay, connectors, mailbox, policy=AT_ONCE)
    case = asked_for(world, mailbox)
    world.work()
    world.desk.end(world.app.acting("bob"), case.id)
    with pytest.raises(Conflict, match="link-used"):
        object_by_link(world, case)
    world.work()
    assert nothing_of_ours(world, mailbox)
