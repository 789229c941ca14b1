"""Who changes where she is asked: only she, who proved just before who she is; and she hears of it by letter."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from inside import Inside
from tests.world import World

from locum.absence import Channel
from locum.demo.sink import Sink


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink)


def letter(world: World) -> str:
    body = world.letters("anna@corp.test", "ways-changed")[-1].mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


@pytest.mark.parametrize("do", ["get", "post"])
def test_an_old_session_changes_nothing(world: World, do: str) -> None:
    anna = Inside(world).browser("anna")
    fields = {"channel": "mobile", "do": "withdraw", "form_token": anna.form_token}
    world.now += timedelta(minutes=16)
    asked = anna.client.get("/mine/channels") if do == "get" else anna.client.post("/mine/channels", data=fields)
    assert (asked.status_code, "/sign-in" in asked.headers["location"]) == (303, True)
    world.work()
    assert world.letters("anna@corp.test", "ways-changed") == []


def test_a_changed_way_is_told_to_her_with_the_address_masked(world: World) -> None:
    hers, anna = world.desk.hers, world.app.acting("anna")
    hers.permit(anna, Channel.PRIVATE_MAIL, "anders@thuis.test")
    world.work()
    assert ("privémail: ja, a…@thuis.test" in letter(world), "anders@thuis.test" in letter(world)) == (True, False)
    world.now += timedelta(seconds=1)
    hers.withdraw(anna, Channel.PRIVATE_MAIL)
    world.work()
    assert "privémail: nee" in letter(world)


def test_reading_along_is_told_too(world: World) -> None:
    world.desk.hers.read_along(world.app.acting("anna"), wish=True)
    world.work()
    assert "zonder jou wordt er niets aangezet" in letter(world)


def test_the_letter_waits_for_a_relay_that_is_away(world: World) -> None:
    world.sink.refusing = "451 4.3.0 later"
    world.desk.hers.read_along(world.app.acting("anna"), wish=True)
    world.work()
    world.sink.refusing = ""
    world.later(minutes=6)
    assert letter(world)
