"""Whatever way a case really goes, its account holds: what the desk did is what the verifier, asking once more, would allow."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.shelf import ForwardWorld
from tests.signedworld import SignedWorld
from tests.world import World

from locum.checkable import File, verify
from locum.demo.sink import Sink
from locum.desk import OwnText

pytestmark = pytest.mark.slow
GROUNDS = "The court needs an answer before Friday, and knows only this mailbox."
OWN = OwnText(subject="Weg", internal_text="Ik ben weg.", external_text="I am away.", until="")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


def unanswered(world: World) -> None:
    world.live()


def agreed(world: World) -> None:
    world.request()
    world.work()
    world.desk.answer(world.token(), "agree")
    world.later(hours=1)


def her_own_text(world: World) -> None:
    world.request()
    world.work()
    world.desk.answer(world.token(), "own-text", OWN)
    world.later(hours=1)


def heard_by_the_requester(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="agreed", because="She said yes.")
    world.later(hours=5)


def objected_and_agreed_after_all(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="objected", because="She said no.")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.later(hours=5)


def overruled(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "object", because="No.")
    world.work()
    for who in ("dirk", "carla"):
        world.desk.overrule(world.app.acting(who), case.id, because=GROUNDS)
        world.work()
    world.later(hours=5)


def free_words_reviewed(world: World) -> None:
    case = world.request(audience="everyone", subject="Weg", internal_text="Ik ben er niet.", external_text="Away.")
    world.work()
    world.later(hours=5)
    world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    world.later(hours=1)


def a_trial(world: ForwardWorld) -> None:
    world.live_forward()


def joined(world: ForwardWorld) -> None:
    first = world.reply()
    world.work()
    world.made_live(world.forward(joins=first.id))


def half_failed_and_tried_again(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "agree", shown=world.now_of(case).request)
    world.agrees(case)
    world.shelf.breaks = "full"
    world.approved(case)
    world.shelf.breaks = ""
    world.later(hours=2)


def signed(world: SignedWorld) -> None:
    world.live_forward()


def signed_and_joined(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("bob", case, "request")
    world.reply(joins=case.id, until="", from_="")
    world.work()
    world.desk.answer(world.token(), "agree", shown=world.now_of(case).request)
    world.agrees(case)
    world.signs("bob", world.now_of(case), "request")
    world.signs("dirk", world.now_of(case))
    world.later(hours=1)


def denied(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("bob", case, "request")
    world.signs("dirk", case, "deny")
    world.later(hours=1)


def kinds(world: World) -> list[str]:
    world.app.sign()
    found = verify(File.load(world.desk.checkable("anna@corp.test")))
    assert [one for one in found.findings if one.holds is False] == []
    return [one.key for one in found.findings if one.check in ("allowed", "signed")]


@pytest.mark.parametrize(
    "way",
    [
        unanswered,
        agreed,
        her_own_text,
        heard_by_the_requester,
        objected_and_agreed_after_all,
        overruled,
        free_words_reviewed,
    ],
)
def test_a_reply_is_found_allowed_whichever_way_it_went(
    tmp_path: Path, sink: Sink, way: Callable[[World], None]
) -> None:
    world = World(tmp_path, sink)
    way(world)
    assert kinds(world) == ["allowed", "not-asked"]


@pytest.mark.parametrize("way", [a_trial, joined, half_failed_and_tried_again])
def test_a_trial_is_found_allowed_and_said_to_be_one(
    tmp_path: Path, sink: Sink, way: Callable[[ForwardWorld], None]
) -> None:
    world = ForwardWorld(tmp_path, sink)
    way(world)
    assert kinds(world) == ["allowed", "trial"]


@pytest.mark.parametrize(
    ("way", "found"), [(signed, ["allowed", "signed"]), (signed_and_joined, ["allowed", "signed"]), (denied, [])]
)
def test_what_was_signed_is_found_signed(
    tmp_path: Path, sink: Sink, way: Callable[[SignedWorld], None], found: list[str]
) -> None:
    world = SignedWorld(tmp_path, sink)
    way(world)
    assert kinds(world) == found
