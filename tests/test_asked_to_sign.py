"""Who is asked where approvals are signed: by the register of people and keys, and never by people.csv."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.signedworld import SignedWorld

from locum.demo.sink import Sink
from locum.entry import Json
from locum.lifecycle import Case, State
from locum.measure import instant
from registers import encoded

pytest_plugins = ("tests.stores",)
Make = Callable[..., SignedWorld]


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: SignedWorld(tmp_path, sink, store_url=store_url, **options)


@pytest.fixture
def world(make: Make) -> SignedWorld:
    return make()


def asked(world: SignedWorld, event: str = "review") -> list[str]:
    wanted = f".{event}."
    return [m.recipients[0].partition("@")[0] for m in world.sink.messages if wanted in (m.mail["Message-ID"] or "")]


def waits(world: SignedWorld, **changes: object) -> Case:
    case = world.asked_for(**changes)
    assert case.state is State.AWAITING_REVIEW
    return case


def a_week_passes(world: SignedWorld) -> None:
    for _ in range(7):
        world.later(days=1)


def test_only_who_has_a_key_and_a_function_on_record_is_asked_and_not_the_receiver(world: SignedWorld) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text() + "olga,Olga Kuit,olga@corp.test,,nl,Europe/Amsterdam,hr,,,,\n")
    waits(world, until="2026-12-07")
    a_week_passes(world)
    # Carla, her manager, receives the copies; Olga has no key; Bob asks.
    assert sorted(asked(world)) == ["dirk", "mark", "petra"]


def test_whoever_stands_in_is_asked_in_her_place(world: SignedWorld) -> None:
    begin, end = instant(world.now), instant(world.now + timedelta(days=20))
    what: dict[str, Json] = {"to": "petra", "from": begin, "until": end}
    world.deed("delegated", what, ("dirk", "hr", world.keys["dirk"]))
    waits(world, until="2026-12-07")
    a_week_passes(world)
    assert sorted(asked(world)) == ["mark", "petra"]


def test_who_lost_her_key_is_asked_no_more(world: SignedWorld) -> None:
    what: dict[str, Json] = {"person": "dirk", "credential": encoded(world.keys["dirk"].credential), "reason": "lost"}
    world.deed("key-withdrawn", what, ("dirk", "", world.keys["dirk"]))
    waits(world, until="2026-12-07")
    a_week_passes(world)
    assert sorted(asked(world)) == ["mark", "petra"]


def test_the_letter_leads_to_where_she_signs_in_and_to_no_command(world: SignedWorld) -> None:
    waits(world)
    [who] = asked(world)
    [letter] = world.letters(f"{who}@corp.test", "review")
    text = letter.mail.get_content()
    assert [line for line in text.splitlines() if "http" in line] == ["https://locum.corp.test/cases"]
    assert "locum review" not in text


def test_whoever_signed_is_not_told_that_it_is_over_and_the_others_are(world: SignedWorld) -> None:
    case = waits(world, until="2026-12-07")
    world.later(days=1)
    first, second = asked(world)
    world.signs("bob", case, "request")
    world.signs(second, case)
    assert world.state(case) is State.APPLIED
    assert asked(world, "review-over") == [first]


def test_whoever_signed_gets_it_back_at_once_with_the_text_and_its_six_words(world: SignedWorld) -> None:
    case = waits(world)
    one = world.asked("dirk", case, "approve")
    words = world.desk.fingerprint(case, "nl")
    world.signs("dirk", case)
    [letter] = world.letters("dirk@corp.test", ".signed.")
    text = letter.mail.get_content()
    assert [line for line in one.text.splitlines() if line and f"| {line}" not in text] == []
    assert words in text
    assert "http" not in text
    world.signs("bob", case, "request")
    world.later(hours=1)
    assert asked(world, "signed") == ["dirk", "bob"]


def test_a_signature_refused_by_the_relay_is_tried_again_and_told_once(world: SignedWorld) -> None:
    case = waits(world)
    world.sink.refusing_to["dirk@corp.test"] = "451 4.3.0 later"
    world.signs("dirk", case)
    assert asked(world, "signed") == []
    world.sink.refusing_to.clear()
    world.later(hours=2)
    world.later(hours=2)
    assert asked(world, "signed") == ["dirk"]
