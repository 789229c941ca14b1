"""What she reads of a search: the question, each look with what was left out, every header that people saw, and nothing less."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.mailroom import Message, SearchWorld

from locum.account import Account, build
from locum.demo.sink import Sink
from locum.documents.plain import written
from locum.entry import Entry
from locum.lifecycle import Case
from locum.query import Query


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink)


def over(world: SearchWorld, case: Case) -> Account:
    world.now += timedelta(days=8)
    world.work()
    return world.desk.account(case.id, language="en")


def said(account: Account, key: str) -> list[str]:
    return [row.text for section in account.sections if section.key == key for row in section.rows]


@pytest.fixture
def listed(world: SearchWorld) -> Account:
    world.room.put(Message(), Message(subject="Vertrouwelijk: offerte"), Message(subject="Privé: offerte"))
    case = world.open_search()
    world.counts(case)
    world.lists(case)
    return over(world, case)


def test_it_says_what_was_looked_for(listed: Account) -> None:
    assert {"@klant.test", "offerte", "verkoop@corp.test"} <= set(said(listed, "question"))


def test_it_says_what_each_look_told(listed: Account) -> None:
    assert "They were told: 1-5." in said(listed, "looks")


def test_it_says_how_many_were_left_out_and_why(listed: Account) -> None:
    assert (
        said(listed, "looks").count("1: with a subject that says it is private") == 2
    )  # of the count, and of the list


def test_it_has_every_header_that_people_saw(listed: Account) -> None:
    assert {"jansen@klant.test", "Offerte 4711", "Vertrouwelijk: offerte"} <= set(said(listed, "seen"))


def test_it_says_that_nothing_was_opened(listed: Account) -> None:
    assert said(listed, "opened") == ["None was opened."]


@pytest.mark.parametrize("key", ["texts", "replies", "copies", "forward"])
def test_questions_about_replies_and_copies_are_not_there(key: str, listed: Account) -> None:
    assert key not in {section.key for section in listed.sections}


def test_a_search_in_which_nothing_was_looked_at_is_told_too(world: SearchWorld) -> None:
    assert said(over(world, world.unanswered()), "looks") == ["Nothing was looked at."]


def test_a_narrower_question_stands_with_its_look(world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    signed = case.search
    assert signed is not None
    narrower = Query(
        senders=signed.query.senders, words=("offerte", "4711"), since=signed.query.since, before=signed.query.before
    )
    world.counts(case, query=narrower)
    assert "offerte, 4711" in said(over(world, case), "looks")


def test_a_step_without_an_outcome_is_said_to_be_unknown(world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    entries = [one for one in world.app.store.entries(case=case.id) if one.type != "counted"]
    told = built(entries, case)
    assert [text for text in said(told, "looks") if text.startswith("What came of it is not on record")] != []


def built(entries: list[Entry], case: Case) -> Account:
    return build(entries, case.id, language="en", names={}, time_zone="UTC", organisation="Voorbeeld BV")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_it_can_be_read_in_both_languages(language: str, world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    world.lists(case)
    over(world, case)
    assert "Offerte 4711" in written(world.desk.account(case.id, language=language))
