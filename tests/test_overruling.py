"""An objection stops a case, and is overruled only as clause 6 says: each way past it is tried, and refused."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.errors import Conflict, Invalid, LocumError, Refused
from locum.lifecycle import Case, State
from locum.measure import Audience

GROUNDS = "A court order expires on Friday and only her mailbox is known to the court."
OTHERS = "The deadline cannot be moved, and no colleague is known to the court."
MORE = """\
emma,Emma Visser,emma@corp.test,,nl,Europe/Amsterdam,dpo,carla,,,
frank,Frank Mol,frank@corp.test,,nl,Europe/Amsterdam,manager,carla,,,
gijs,Gijs Bos,gijs@corp.test,,nl,Europe/Amsterdam,it,carla,,,
"""
STANDS = "letter-objection-stands"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path, sink: Sink) -> World:
    return World(tmp_path, sink, people=PEOPLE + MORE)


def objected(world: World, **changes: object) -> Case:
    case = world.request(**changes)
    world.work()
    world.desk.answer(world.token(), "object", because="I read along.")
    world.work()
    case = world.desk.case(case.id)
    assert case.state is State.OBJECTED
    return case


def overrule(world: World, who: str, case: Case, because: str = GROUNDS) -> Case:
    return world.desk.overrule(world.app.acting(who), case.id, because=because)


def text_of(world: World, recipient: str, event: str) -> str:
    part = world.letters(recipient, event)[-1].mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def flat(text: str) -> str:
    """On one line: an account is folded."""
    return " ".join(text.split())


# two of them, with grounds -------------------------------------------------------------------------------------------


def test_one_approver_is_not_enough(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    world.later(hours=20)
    assert (world.desk.case(case.id).state, world.published()) == (State.OBJECTED, {})
    assert world.letters("anna@corp.test", "overruled") == []


def test_the_second_of_another_function_lets_it_go_on(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    overrule(world, "dirk", case, OTHERS)
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED
    assert list(world.published()) == ["after/anna@corp.test.sieve"]


@pytest.mark.parametrize(
    ("before", "who", "because", "error", "key"),
    [
        ((), "bob", GROUNDS, Refused, "own-review"),
        ((), "anna", GROUNDS, Refused, "own-review"),
        ((), "gijs", GROUNDS, Refused, "not-an-overruler"),
        ((), "carla", "", Invalid, "grounds-too-short"),
        ((), "carla", "Urgent!", Invalid, "grounds-too-short"),
        ((), "carla", "- - - 1 2 3 ! ? . ,", Invalid, "grounds-too-short"),
        ((), "carla", "why " * 600, Invalid, "because-too-long"),
        ((), "carla", GROUNDS + "\u202e", Invalid, "bad-character"),
        (("carla",), "carla", OTHERS, Refused, "overruled-already"),
        (("carla",), "frank", OTHERS, Refused, "overruled-by-function"),
        (("carla", "dirk"), "emma", OTHERS, Refused, "overruled-enough"),
    ],
)
def test_whoever_may_not_or_gives_no_grounds_is_refused(
    world: World, before: tuple[str, ...], who: str, because: str, error: type[LocumError], key: str
) -> None:
    case = objected(world)
    for one in before:
        overrule(world, one, case)
    known = world.types(case)
    with pytest.raises(error, match=key):
        overrule(world, who, case, because)
    assert world.types(case) == known


def test_an_account_that_is_nobody_cannot_overrule(world: World) -> None:
    case = objected(world)
    with pytest.raises(Refused, match="not-an-overruler"):
        world.desk.overrule(world.app.acting(None), case.id, because=GROUNDS)


def test_the_function_of_the_requester_does_not_count(tmp_path: Path, sink: Sink) -> None:
    world = World(tmp_path, sink, people=PEOPLE.replace(",it,", ",hr,") + MORE)
    case = objected(world)
    with pytest.raises(Refused, match="not-an-overruler"):
        overrule(world, "dirk", case)


def test_an_approver_who_lost_the_function_counts_no_more(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace("en,Europe/Amsterdam,manager", "en,Europe/Amsterdam,sales"))
    world.app = world.wired()
    overrule(world, "dirk", case)
    world.work()
    assert world.desk.case(case.id).state is State.OBJECTED


def test_nobody_can_overrule_where_the_policy_says_never(world: World) -> None:
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text() + '[objection]\noverrule = "never"\n')
    world.app = world.wired()
    case = objected(world)
    with pytest.raises(Refused, match="objection-final") as refused:
        overrule(world, "carla", case)
    assert refused.value.clause == 6


def test_an_approval_is_no_overruling(world: World) -> None:
    case = objected(world)
    with pytest.raises(Refused, match="no-such-step"):
        world.desk.review(world.app.acting("carla"), case.id, approve=True, because=GROUNDS)


@pytest.mark.parametrize("state", [State.ASKING, State.APPLIED])
def test_what_was_not_objected_to_is_not_overruled(world: World, state: State) -> None:
    case = world.request() if state is State.ASKING else world.live()
    with pytest.raises(Refused, match="no-such-step"):
        overrule(world, "carla", case)


def test_whoever_approved_before_she_objected_may_still_give_grounds(world: World) -> None:
    case = world.request(audience=Audience.EVERYONE, external_text="Please buy now!\n", from_="2026-12-01")
    world.work()
    world.later(hours=5)
    world.desk.review(world.app.acting("carla"), case.id, approve=True, because="Fine.")
    world.desk.answer(world.token(), "object")
    overrule(world, "carla", case)
    overrule(world, "dirk", case)
    world.work()
    assert world.desk.case(case.id).state is State.SCHEDULED


# she receives the grounds --------------------------------------------------------------------------------------------


def test_she_gets_the_grounds_on_every_way_she_was_asked_by(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    overrule(world, "dirk", case, OTHERS)
    world.work()
    for address in ("anna@home.test", "anna@corp.test"):
        said = text_of(world, address, "overruled")
        assert f"  | {GROUNDS}" in said
        assert f"  | {OTHERS}" in said
        assert "Carla Jansen (leidinggevende)" in said
        assert "autoriteitpersoonsgegevens.nl" in said


def test_nothing_goes_on_before_she_was_told(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    world.sink.refusing = "451 4.3.0 later"
    overrule(world, "dirk", case)
    world.later(hours=1)
    assert (world.desk.case(case.id).state, world.published()) == (State.OBJECTED, {})
    world.sink.refusing = ""
    world.later(hours=1)
    assert world.desk.case(case.id).state is State.APPLIED
    letters = [one for address in ("anna@home.test", "anna@corp.test") for one in world.letters(address, "overruled")]
    assert len(letters) == 2


def test_no_letter_goes_out_twice_where_one_way_is_shut(world: World) -> None:
    case = objected(world)
    world.sink.refusing_to = {"anna@home.test": "451 4.3.0 later"}
    overrule(world, "carla", case)
    overrule(world, "dirk", case)
    for _ in range(12):
        world.later(hours=1)
    assert world.desk.case(case.id).state is State.APPLIED
    assert len(world.letters("anna@corp.test", "overruled")) == 1


def test_her_account_tells_the_grounds_and_how_to_complain(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    overrule(world, "dirk", case, OTHERS)
    world.later(days=15)
    said = flat(text_of(world, "anna@corp.test", "account"))
    assert GROUNDS in said
    assert OTHERS in said
    assert "Carla Jansen (leidinggevende): zette het bezwaar opzij" in said
    assert "autoriteitpersoonsgegevens.nl" in said


def test_one_approver_leaves_it_told_as_objected(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    assert world.desk.account(case.id).outcome == "objected"
    overrule(world, "dirk", case)
    assert world.desk.account(case.id).outcome == "pending"


# she objects again -----------------------------------------------------------------------------------------------------


def test_an_objection_after_an_overruling_stops_it_and_takes_the_grounds_away(world: World) -> None:
    case = objected(world, from_="2026-12-01")
    overrule(world, "carla", case)
    overrule(world, "dirk", case)
    world.work()
    world.desk.answer(world.token("anna@home.test", "overruled"), "object")
    world.later(days=9)
    again = world.desk.case(case.id)
    assert (again.state, again.reviews, world.published()) == (State.OBJECTED, (), {})


def test_what_was_overruled_twice_goes_on(world: World) -> None:
    case = objected(world, from_="2026-12-01")
    for _ in range(2):
        overrule(world, "carla", case)
        overrule(world, "dirk", case)
        world.work()
        assert world.desk.case(case.id).state is State.SCHEDULED
        if len(world.letters("anna@home.test", "overruled")) == 1:
            world.desk.answer(world.token("anna@home.test", "overruled"), "object")
    assert len(world.letters("anna@home.test", "overruled")) == 2


def test_she_can_stop_what_was_overruled_once_it_is_live(world: World) -> None:
    case = objected(world)
    overrule(world, "carla", case)
    overrule(world, "dirk", case)
    world.work()
    world.desk.answer(world.token("anna@home.test", "overruled"), "object")
    world.work()
    after = world.desk.case(case.id)
    assert (after.state, after.outcome, world.published()) == (State.ACCOUNTED, "objection", {})


def test_an_overruling_that_no_longer_holds_right_before_the_act_lets_her_objection_stand(world: World) -> None:
    case = objected(world, from_="2026-12-01")
    overrule(world, "carla", case)
    overrule(world, "dirk", case)
    world.work()
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace("nl,Europe/Amsterdam,hr", "nl,Europe/Amsterdam,sales"))
    world.app = world.wired()
    world.later(days=9)
    assert (world.desk.case(case.id).state, world.published()) == (State.OBJECTED, {})


# she agrees after all --------------------------------------------------------------------------------------------------


def test_she_may_change_her_mind_by_her_link(world: World) -> None:
    case = objected(world)
    assert world.desk.look(world.token()).may == {"agree", "own-text", "done"}
    world.desk.answer(world.token(), "agree")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_the_requester_alone_cannot_hear_her_change_her_mind(world: World) -> None:
    case = objected(world)
    with pytest.raises(Refused, match="agreement-unheard") as refused:
        world.desk.contact(world.app.acting("bob"), case.id, by="phone", outcome="agreed", because="She said yes.")
    world.work()
    assert (refused.value.clause, world.desk.case(case.id).state) == (6, State.OBJECTED)


def test_somebody_else_may_hear_her_change_her_mind(world: World) -> None:
    case = objected(world)
    world.desk.contact(world.app.acting("gijs"), case.id, by="phone", outcome="agreed", because="She said yes.")
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED


def test_an_objection_that_was_said_twice_is_said_once(world: World) -> None:
    objected(world)
    with pytest.raises(Conflict, match="link-used"):
        world.desk.answer(world.token(), "object")


# a later request for the same --------------------------------------------------------------------------------------------


def ended_by_objection(world: World) -> Case:
    case = world.live()
    world.desk.answer(world.token(), "object")
    world.work()
    return world.desk.case(case.id)


def resting(world: World) -> Case:
    return objected(world)


def withdrawn_after_objection(world: World) -> Case:
    return world.desk.withdraw(world.app.acting("bob"), objected(world).id)


@pytest.mark.parametrize("before", [ended_by_objection, resting, withdrawn_after_objection])
def test_asking_once_more_does_not_get_past_an_objection(world: World, before: Callable[[World], Case]) -> None:
    first = before(world)
    asked = len(world.letters("anna@home.test", "ask"))
    second = world.request(because="Once more.")
    world.later(hours=9)
    case = world.desk.case(second.id)
    assert (case.state, case.objected_before, world.published()) == (State.OBJECTED, first.id, {})
    assert len(world.letters("anna@home.test", "ask")) == asked
    assert "Once more." in text_of(world, "anna@corp.test", "objection-stands")


def test_a_third_request_names_the_case_in_which_she_objected(world: World) -> None:
    first = ended_by_objection(world)
    world.request()
    assert world.request().objected_before == first.id


def test_a_request_after_a_live_objection_can_be_overruled(world: World) -> None:
    ended_by_objection(world)
    second = world.request()
    overrule(world, "carla", second)
    overrule(world, "dirk", second)
    world.work()
    assert world.desk.case(second.id).state is State.APPLIED


def test_the_letter_about_a_later_request_lets_her_agree(world: World) -> None:
    ended_by_objection(world)
    second = world.request()
    world.work()
    world.desk.answer(world.token("anna@corp.test", "objection-stands"), "agree")
    world.work()
    assert world.desk.case(second.id).state is State.APPLIED


@pytest.mark.parametrize(
    "changes",
    [{"from_": "2026-12-07", "until": "2026-12-20"}, {"mailbox": "carla@corp.test"}],
    ids=["another time", "another mailbox"],
)
def test_what_she_did_not_object_to_is_asked_anew(world: World, changes: dict[str, object]) -> None:
    ended_by_objection(world)
    assert world.request(**changes).state is State.REQUESTED


def test_her_own_request_is_not_held_back(world: World) -> None:
    ended_by_objection(world)
    case = world.desk.request(world.app.acting("anna"), world.form())
    assert case.state is State.REQUESTED


def test_an_objection_that_she_took_back_counts_no_more(world: World) -> None:
    case = objected(world)
    world.now = world.now.replace(hour=10)
    world.desk.answer(world.token(), "agree")
    world.work()
    world.desk.end(world.app.acting("bob"), case.id)
    world.work()
    assert world.request().state is State.REQUESTED


def test_her_account_of_a_later_request_names_the_earlier_case(world: World) -> None:
    first = ended_by_objection(world)
    second = world.request()
    world.later(days=15)
    assert world.desk.case(second.id).accounted_at is not None
    said = flat(text_of(world, "anna@corp.test", f"{second.id}.account"))
    assert f"Je maakte bezwaar in zaak {first.id}; dat telt ook voor dit verzoek." in said
