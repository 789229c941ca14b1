"""Who is asked to look at a case: one named person first, one more as time goes by, and what they hear when it is over."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.lifecycle import Case, State
from locum.store import Change

pytest_plugins = ("tests.stores",)

MORE = PEOPLE + (
    "eva,Eva Mol,eva@corp.test,,nl,Europe/Amsterdam,hr,,,,\n"
    "finn,Finn Post,finn@corp.test,,en,Europe/Amsterdam,manager,,,,\n"
    "gus,Gus Vos,gus@corp.test,,en,Europe/Amsterdam,it,,,,\n"
)
Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: World(tmp_path, sink, store_url=store_url, **options)


def waiting(world: World) -> Case:
    """A case that waits for a second person since 13:00 on a Monday in UTC, 14:00 in Amsterdam."""
    case = world.request(subject="Afwezig deze zomer", audience=None)
    world.work()
    world.later(hours=4)
    assert world.desk.case(case.id).state is State.AWAITING_REVIEW
    return case


def asked(world: World, event: str = "review") -> list[str]:
    """Who got such a letter, in the order of sending, whatever case."""
    wanted = f".{event}."
    return [m.recipients[0].partition("@")[0] for m in world.sink.messages if wanted in (m.mail["Message-ID"] or "")]


@pytest.fixture
def world(make: Make) -> World:
    return make(policy={"count": 1}, people=MORE)


def test_one_named_person_is_asked_first_and_one_more_after_each_escalation_time(world: World) -> None:
    waiting(world)
    assert asked(world) == ["carla"]  # her own manager
    world.later(hours=2, minutes=59)
    assert asked(world) == ["carla"]
    world.later(hours=17, minutes=2)  # 14:00 to 17:00, and 9:00 to 10:01 the next day
    assert asked(world) == ["carla", "dirk"]
    world.later(hours=4)
    assert asked(world) == ["carla", "dirk", "eva"]
    world.later(days=4)
    assert asked(world) == ["carla", "dirk", "eva", "finn"]  # whoever is not her manager comes last


def test_whoever_was_asked_and_had_not_decided_is_told_that_it_is_over(world: World) -> None:
    case = waiting(world)
    world.later(hours=20, minutes=2)
    world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    world.work()
    assert (asked(world), asked(world, "review-over")) == (["carla", "dirk"], ["carla"])
    world.later(days=2)
    assert asked(world, "review-over") == ["carla"]
    assert asked(world) == ["carla", "dirk"]


@pytest.mark.parametrize("how", ["withdrawn", "denied", "agreed", "objected", "lapsed"])
def test_however_it_ends_those_who_were_asked_are_told(world: World, how: str) -> None:
    case = waiting(world)
    if how == "withdrawn":
        world.desk.withdraw(world.app.acting("bob"), case.id)
    elif how == "denied":
        world.desk.review(world.app.acting("eva"), case.id, approve=False, because="No.")
    elif how == "lapsed":
        world.now = case.to_date + timedelta(minutes=1)
    else:
        world.desk.contact(world.app.acting("gus"), case.id, by="phone", outcome=how, because="She said so.")
    world.work()
    told = asked(world, "review-over")
    # Agreed: an own text for outsiders needs no second person any more, but this policy always asks one.
    assert told == ([] if how == "agreed" else ["carla"])


def test_the_requester_she_and_whoever_has_the_requesters_function_are_never_asked(make: Make) -> None:
    people = MORE.replace("sales,carla", "hr,carla").replace(",it,carla", ",manager,carla")
    world = make(policy={"count": 1}, people=people)
    waiting(world)
    world.later(days=9)
    assert asked(world) == ["dirk", "eva"]


def test_the_letter_names_no_content_and_leads_to_no_decision(world: World) -> None:
    case = waiting(world)
    [letter] = world.letters("carla@corp.test", "review")
    text = letter.mail.get_content()
    assert [line for line in text.splitlines() if "http" in line] == ["http://127.0.0.1:8080/cases"]
    assert not [
        word for word in ("Anna", "anna@", "Bob", "Afwezig deze zomer", "Customers") if word in str(letter.mail)
    ]
    world.desk.withdraw(world.app.acting("bob"), case.id)
    world.work()
    [over] = world.letters("carla@corp.test", "review-over")
    assert "http" not in over.mail.get_content()


def test_whoever_is_away_is_not_asked_and_is_when_back(make: Make) -> None:
    world = make(policy={"count": 1}, people=MORE, more='[leave]\ncsv = "leave.csv"\n')
    (world.folder / "leave.csv").write_text("person,from,until\ncarla,2026-11-20,2026-11-24\n")
    waiting(world)
    assert asked(world) == ["dirk"]
    world.later(hours=20, minutes=2)
    assert asked(world) == ["dirk", "carla"]


def test_a_list_of_leave_that_cannot_be_read_keeps_nobody_from_being_asked(make: Make) -> None:
    world = make(policy={"count": 1}, people=MORE, more='[leave]\ncsv = "leave.csv"\n')
    waiting(world)
    assert asked(world) == ["carla"]


def test_where_two_have_to_say_yes_two_are_asked(make: Make) -> None:
    world = make(policy={"count": 2}, people=MORE)
    waiting(world)
    assert asked(world) == ["carla", "dirk"]


def test_in_a_death_the_officer_is_asked_at_once_too(make: Make) -> None:
    world = make(people=MORE + "petra,Petra Vos,petra@corp.test,,nl,Europe/Amsterdam,dpo,,,,\n")
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text().replace('"closing"]', '"closing", "death"]', 1))
    world.app = world.wired()
    world.request(reason="death", contact_person="sales@corp.test")
    world.work()
    assert set(asked(world)) >= {"carla", "petra"}


def test_without_an_escalation_time_everybody_is_asked_at_once(make: Make) -> None:
    world = make(policy={"count": 1}, people=MORE)
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text() + "[four-eyes]\nescalate_hours = 0\n")
    world.app = world.wired()
    waiting(world)
    assert asked(world) == ["carla", "dirk", "eva", "finn"]


def test_where_an_address_is_refused_the_next_one_is_asked_at_once(world: World) -> None:
    world.sink.refusing_to["carla@corp.test"] = "550 no such user"
    waiting(world)
    assert asked(world) == ["dirk"]


class Killed(BaseException):
    """The worker is no more."""


@pytest.mark.parametrize("at", ["review.sending", "review.sent"])
def test_after_a_crash_nobody_is_asked_under_two_names_and_everybody_once(make: Make, at: str) -> None:
    world = make(policy={"count": 1}, people=MORE)

    def killed(step: str) -> None:
        if step == at:
            raise Killed

    world.step = killed
    world.app = world.wired()
    with pytest.raises(Killed):
        waiting(world)
    world.step = lambda _step: None
    world.app = world.wired()
    world.later(minutes=2)
    letters = world.letters("carla@corp.test", "review")
    assert len({letter.mail["Message-ID"] for letter in letters}) == 1
    assert asked(world).count("dirk") == 0
    world.later(minutes=30)
    assert len(world.letters("carla@corp.test", "review")) == len(letters)


def test_a_second_look_of_the_same_job_asks_nobody_again(world: World) -> None:
    case = waiting(world)
    for _ in range(3):
        [job] = [one for one in world.app.store.jobs(case.id) if one.kind == "review-wanted"]
        world.app.store.commit([Change(put=(replace(job, due_at=world.now),))])
        assert world.work() == 1
    assert asked(world) == ["carla"]
