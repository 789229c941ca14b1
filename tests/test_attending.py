"""She is there when a message of hers is opened, where the policy offers it and she wants to; and nothing is opened without her."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.mailroom import SearchWorld
from tests.test_viewing import Viewing, why

from locum.demo.sink import Sink


class Offered(SearchWorld):
    """As SearchWorld, where the policy offers her to be there."""

    def write_policy(self, text: str) -> None:
        super().write_policy(text)
        file = self.folder / "policy.toml"
        file.write_text(file.read_text().replace("[search]\n", '[search]\npresent = "offered"\n', 1))


@pytest.fixture
def viewing(tmp_path: Path) -> Iterator[Viewing]:
    with Sink() as sink:
        yield Viewing(Offered(tmp_path, sink))


def she_says(viewing: Viewing, answer: str, text: str = "") -> None:
    desk = viewing.world.desk
    desk.answer(viewing.world.token("anna@corp.test", "live"), answer, because=text)
    viewing.world.work()


def test_nothing_is_opened_without_her_who_wants_to_be_there(viewing: Viewing) -> None:
    she_says(viewing, "attend")
    viewing.both_choose()
    before = why(lambda: viewing.sign("bob"))
    she_says(viewing, "here")
    viewing.sign("bob")
    viewing.sign("dirk")
    viewing.world.work()
    assert (before, len(viewing.said("opened"))) == ("search-she-is-awaited", 1)


def test_she_is_in_the_room_once_she_is_there(viewing: Viewing) -> None:
    she_says(viewing, "attend")
    viewing.both_choose()
    before = viewing.world.desk.viewings.two(viewing.now)[1]
    she_says(viewing, "here")
    assert ("anna" in before, "anna" in viewing.world.desk.viewings.two(viewing.now)[1]) == (False, True)


def test_she_is_told_that_a_message_was_chosen(viewing: Viewing) -> None:
    she_says(viewing, "attend")
    before = len(viewing.world.sink.messages)
    viewing.both_choose()
    viewing.world.work()
    told = [one for one in viewing.world.sink.messages[before:] if "anna" in str(one.recipients)]
    assert len(told) == 1


def test_whoever_does_not_come_within_a_day_is_waited_for_no_longer(viewing: Viewing) -> None:
    she_says(viewing, "attend")
    viewing.both_choose()
    viewing.world.now += timedelta(days=1, minutes=1)
    assert why(lambda: viewing.sign("bob")) == ""


def test_what_she_comments_is_told_to_whoever_asked(viewing: Viewing) -> None:
    she_says(viewing, "comment", "De offerte staat ook op de schijf.")
    assert [one["text"] for one in viewing.said("commented")] == ["De offerte staat ook op de schijf."]
