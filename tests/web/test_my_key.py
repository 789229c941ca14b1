"""/mine/key: her key, to herself alone, who just proved who she is; each time is recorded. Over the real desk, on both stores."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from inside import Browser, Inside
from tests.world import World

from locum.demo.sink import Sink
from locum.entry import Entry
from locum.herkey import HerKey
from locum.messages import LANGUAGES

pytest_plugins = ("tests.stores",)
ANNA = "anna@corp.test"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, sink: Sink, store_url: str) -> World:
    return World(tmp_path, sink, store_url=store_url)


@pytest.fixture
def inside(world: World) -> Inside:
    return Inside(world)


@pytest.fixture
def anna(inside: Inside) -> Browser:
    return inside.browser("anna")


def enrolled(world: World, mailbox: str = ANNA) -> list[Entry]:
    return [entry for entry in world.app.store.entries(mailbox=mailbox) if entry.type == "enrolled"]


def test_she_takes_her_key_as_a_file(world: World, anna: Browser) -> None:
    answer = anna.post("/mine/key", do="file")
    key = HerKey.load(answer.content)
    assert (key.stream, key.key) == (ANNA, world.desk.office.beside.key(ANNA))
    assert answer.headers["content-disposition"] == 'attachment; filename="anna.locum-key"'


def test_each_time_is_recorded_as_hers(world: World, anna: Browser) -> None:
    key = HerKey.load(anna.post("/mine/key", do="file").content)
    anna.post("/mine/key", do="file")
    assert [(entry.body["how"], entry.body["by"], key.is_hers(entry.body)) for entry in enrolled(world)] == [
        ("page", "anna", True)
    ] * 2


def test_looking_at_the_page_hands_nothing_over(world: World, anna: Browser) -> None:
    assert "nog niet gekregen" in anna.text("/mine/key")
    assert enrolled(world) == []


def test_the_page_says_since_when_she_has_it(world: World, anna: Browser) -> None:
    world.request()
    world.work()
    assert "voor het eerst op maandag 23 november 2026" in anna.text("/mine/key")


@pytest.mark.slow
def test_the_page_to_print_is_one_page_with_the_key(anna: Browser) -> None:
    key = HerKey.load(anna.post("/mine/key", do="file").content)
    pages = pypdf.PdfReader(BytesIO(anna.post("/mine/key", do="print").content)).pages
    assert (len(pages), key.key.hex() in pages[0].extract_text()) == (1, True)


@pytest.mark.parametrize("do", ["file", "print"])
def test_whoever_did_not_just_prove_who_she_is_gets_nothing(world: World, anna: Browser, do: str) -> None:
    token = anna.form_token
    world.now += timedelta(minutes=16)
    answer = anna.client.post("/mine/key", data={"form_token": token, "do": do})
    assert (answer.status_code, b"locum-key" in answer.content, enrolled(world)) == (303, False, [])


def test_the_page_itself_asks_for_that_proof(world: World, anna: Browser) -> None:
    world.now += timedelta(minutes=16)
    assert anna.get("/mine/key").status_code == 303


def test_a_form_of_another_page_gets_nothing(world: World, anna: Browser) -> None:
    answer = anna.client.post("/mine/key", data={"form_token": "0" * 64, "do": "file"})
    assert (answer.status_code, enrolled(world)) == (403, [])


def test_anything_else_that_is_asked_is_no_key(world: World, anna: Browser) -> None:
    assert (anna.post("/mine/key", do="other").status_code, enrolled(world)) == (400, [])


def test_no_browser_keeps_it(anna: Browser) -> None:
    assert anna.post("/mine/key", do="file").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_in_her_language_and_has_no_key_in_it(world: World, inside: Inside, language: str) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace("a.devries@corp.test,nl", f"a.devries@corp.test,{language}"))
    page = inside.browser("anna").text("/mine/key")
    assert (f'<html lang="{language}">' in page, world.desk.office.beside.key(ANNA).hex() in page) == (True, False)
