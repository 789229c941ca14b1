"""Her page after an objection: what she may still say, the grounds once it was overruled, and nothing of them before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from reading import Reader
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.desk import LinkView
from locum.lifecycle import Case, State
from locum.messages import LANGUAGES
from locum.web.shown import Site, case_page

GROUNDS = "The court <script>alert(1)</script> needs an answer before Friday."
SITE = Site(organisation="Voorbeeld BV", language="nl", url="")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, people=PEOPLE)


def objected(world: World, **changes: object) -> Case:
    case = world.request(**changes)
    world.work()
    world.desk.answer(world.token(), "object")
    world.work()
    return case


def page(world: World, token: str) -> tuple[LinkView, Reader, str]:
    view = world.desk.look(token)
    assert isinstance(view, LinkView)
    html = bytes(case_page(SITE, view).body).decode()
    return view, Reader(html), html


def test_she_may_agree_after_all(world: World) -> None:
    objected(world)
    view, reader, _ = page(world, world.token())
    assert view.may == {"agree", "own-text", "done"}
    assert "Je hebt bezwaar gemaakt" in reader.text


def test_one_approver_s_grounds_are_not_shown_as_if_it_were_decided(world: World) -> None:
    case = objected(world)
    world.desk.overrule(world.app.acting("carla"), case.id, because=GROUNDS)
    _, reader, _ = page(world, world.token())
    assert "needs an answer" not in reader.text


@pytest.mark.parametrize(("start", "state"), [("2026-12-01", State.SCHEDULED), ("now", State.APPLIED)])
def test_the_grounds_are_on_her_page_and_she_can_object_again(world: World, start: str, state: State) -> None:
    case = objected(world, from_=start)
    for who in ("carla", "dirk"):
        world.desk.overrule(world.app.acting(who), case.id, because=GROUNDS)
    world.work()
    assert world.desk.case(case.id).state is state
    view, reader, html = page(world, world.token("anna@home.test", "overruled"))
    assert reader.text.count("needs an answer before Friday") == 2
    assert "Dirk Bakker (personeelszaken)" in reader.text
    assert "<script>" not in html
    assert "object" in view.may


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_overruled_is_not_called_unanswered(world: World, language: str) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace(",nl,Europe/Amsterdam,sales", f",{language},Europe/Amsterdam,sales"))
    world.app = world.wired()
    case = objected(world, from_="2026-12-01")
    for who in ("carla", "dirk"):
        world.desk.overrule(world.app.acting(who), case.id, because=GROUNDS)
    world.work()
    _, reader, _ = page(world, world.token())
    assert {"nl": "Je bezwaar is opzijgezet", "en": "Your objection was overruled"}[language] in reader.text
    assert not any(text in reader.text for text in ("Nog geen antwoord", "No answer yet", "{"))
