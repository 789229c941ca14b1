"""The pages about the house: the policy, the yearly figures, who is away. Over the real desk."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from inside import Inside
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.desk import yearly
from locum.desk.yearly import ready_span
from locum.messages import LANGUAGES

LEAVE = "person,from,until\nanna,2026-11-20,2026-12-04\nbob,2026-11-30,2026-12-02\ncarla,2026-12-10,2026-12-24\n"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


def world_of(folder: Path, sink: Sink, *, policy: str = "", people: str = PEOPLE, leave: str = LEAVE) -> World:
    """An organisation with a list of leave, and something more in its policy."""
    (folder / "leave.csv").write_text(leave)
    world = World(folder, sink, people=people, more='[leave]\ncsv = "leave.csv"\n')
    (folder / "policy.toml").write_text((folder / "policy.toml").read_text() + policy)
    world.app = world.wired()
    return world


# who is away


def test_everybody_sees_herself_only(tmp_path: Path, sink: Sink) -> None:
    inside = Inside(world_of(tmp_path, sink))
    page = inside.browser("anna").text("/calendar?month=2026-12")
    assert ("Anna de Vries" in page.partition("<main")[2], "Bob Smit" in page, "Carla" in page) == (True, False, False)


def test_those_whom_the_policy_names_see_everybody(tmp_path: Path, sink: Sink) -> None:
    inside = Inside(world_of(tmp_path, sink, policy='[beforehand]\ngaps_visible_to = ["hr"]\n'))
    page = inside.browser("dirk").text("/calendar?month=2026-12")
    assert [name in page for name in ("Anna de Vries", "Bob Smit", "Carla Jansen")] == [True] * 3
    assert "Anna de Vries" not in inside.browser("bob").text("/calendar?month=2026-12")


def test_a_reply_that_is_on_is_told_from_leave_alone(tmp_path: Path, sink: Sink) -> None:
    world = world_of(tmp_path, sink)
    world.live(until="2026-11-26")
    page = Inside(world).browser("anna").text("/calendar?month=2026-11")
    assert ('23–25: </span><span class="unseen">weg, antwoord aan<' in page, "20–22: </span>weg<" in page) == (
        True,
        True,
    )


def test_a_day_off_ends_before_the_day_on_which_she_is_back(tmp_path: Path, sink: Sink) -> None:
    page = Inside(world_of(tmp_path, sink)).browser("anna").text("/calendar?month=2026-12")
    assert "1–3: </span>weg<" in page


def test_why_somebody_is_away_is_nowhere(tmp_path: Path, sink: Sink) -> None:
    leave = "person,from,until,kind\nanna,2026-11-20,2026-12-04,sick leave\n"
    page = Inside(world_of(tmp_path, sink, leave=leave)).browser("anna").text("/calendar?month=2026-12")
    assert ("1–3" in page, "sick" in page) == (True, False)


def test_a_list_that_cannot_be_read_is_said(tmp_path: Path, sink: Sink) -> None:
    world = world_of(tmp_path, sink)
    (tmp_path / "leave.csv").unlink()
    assert "kon nu niet worden gelezen" in Inside(world).browser("anna").text("/calendar?month=2026-12")


def test_many_people_are_on_several_pages(tmp_path: Path, sink: Sink) -> None:
    many = [f"p{n},Person {n:02},p{n}@corp.test,,nl,Europe/Amsterdam,,,,," for n in range(30)]
    leave = "person,from,until\n" + "".join(f"p{n},2026-12-01,2026-12-03\n" for n in range(30))
    people = PEOPLE + "\n".join(many) + "\n"
    world = world_of(tmp_path, sink, policy='[beforehand]\ngaps_visible_to = ["hr"]\n', people=people, leave=leave)
    dirk = Inside(world).browser("dirk")
    first, second = (dirk.text(f"/calendar?month=2026-12&page={n}") for n in (1, 2))
    assert [("Person 00" in page, "Person 29" in page) for page in (first, second)] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    "query", ["month=2026-13", "month=0000-01", "month=<script>", "page=-1", "page=9999", "page=x"]
)
def test_a_month_that_is_none_is_this_one(tmp_path: Path, sink: Sink, query: str) -> None:
    assert "November 2026" in Inside(world_of(tmp_path, sink)).browser("anna").text(f"/calendar?{query}")


# the policy


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_regulation_is_there_in_the_readers_language(tmp_path: Path, sink: Sink, language: str) -> None:
    people = PEOPLE.replace("a.devries@corp.test,nl", f"a.devries@corp.test,{language}")
    page = Inside(world_of(tmp_path, sink, people=people)).browser("anna").text("/policy")
    assert f'<html lang="{language}">' in page
    assert {"nl": "Nog niet ingevuld", "en": "Not filled in yet"}[language] in page


def test_a_trial_is_said(tmp_path: Path, sink: Sink) -> None:
    world = World(tmp_path, sink)
    assert "Dit is een proef" not in Inside(world).browser("anna").text("/policy")
    world.config.write_text(world.config.read_text().replace("[policy]\n", "[policy]\nunsigned_reviews = true\n"))
    world.app = world.wired()
    assert "Dit is een proef" in Inside(world).browser("anna").text("/policy")


def test_each_version_says_when_it_was_in_force_and_can_be_read(tmp_path: Path, sink: Sink) -> None:
    world = world_of(tmp_path, sink)
    world.request()
    before = world.app.policy.hash
    world.now += timedelta(days=1)
    (tmp_path / "policy.toml").write_text(
        (tmp_path / "policy.toml").read_text() + '[beforehand]\ngaps_visible_to = ["hr"]\n'
    )
    world.app = world.wired()
    world.request(mailbox="carla@corp.test")
    anna = Inside(world).browser("anna")
    page = anna.text("/policy")
    assert [mark[:16] in page for mark in (before, world.app.policy.hash)] == [True, True]
    earlier = anna.text(f"/policy?version={before}")
    assert ("Dit is een eerdere versie" in earlier, "zelf, personeelszaken" in earlier) == (
        True,
        False,
    )
    assert "Dit is een eerdere versie" in anna.text("/policy?at=2026-11-24")
    assert "Dit is een eerdere versie" not in page


@pytest.mark.parametrize("query", ["version=link-key", "version=../../etc", "at=soon", "at=2020-01-01"])
def test_what_was_never_in_force_shows_the_one_that_is(tmp_path: Path, sink: Sink, query: str) -> None:
    world = world_of(tmp_path, sink)
    world.request()
    answer = Inside(world).browser("anna").get(f"/policy?{query}")
    assert answer.status_code in (200, 400, 404)
    assert world.app.policy.hash[:16] in answer.text


def test_the_documents_are_files(tmp_path: Path, sink: Sink) -> None:
    anna = Inside(world_of(tmp_path, sink)).browser("anna")
    answer = anna.get("/policy/dpia.md")
    assert answer.headers["content-disposition"] == 'attachment; filename="dpia-nl.md"'
    assert answer.text.startswith("# ")
    assert anna.get("/policy/settings.md").status_code == 303


@pytest.mark.slow
def test_a_document_is_printed_apart_and_once(tmp_path: Path, sink: Sink) -> None:
    anna = Inside(world_of(tmp_path, sink)).browser("anna")
    first, second = (anna.get("/policy/summary.pdf").content for _ in range(2))
    assert (first[:5], first == second) == (b"%PDF-", True)


# the yearly figures


@pytest.fixture
def figures(tmp_path: Path, sink: Sink) -> Inside:
    world = world_of(tmp_path, sink, policy='[figures]\nto = ["hr"]\n')
    world.request()
    world.now = datetime(2028, 6, 1, tzinfo=UTC)
    span = ready_span(2026, "Europe/Amsterdam", world.now)
    yearly.issue(world.app.store, world.app.acting("bob"), yearly.make(world.app.store, span), world.now)
    return Inside(world)


def test_the_figures_are_there_for_those_they_go_to(figures: Inside) -> None:
    dirk = figures.browser("dirk")
    assert "Cijfers over 2026" in dirk.text("/figures")
    page = dirk.get("/figures/2026")
    assert (page.status_code, "sha256-" in page.headers["content-security-policy"]) == (200, True)
    assert json.loads(dirk.get("/figures/2026.json").text)["figures"]["year"] == 2026
    assert dirk.get("/figures/2026.csv").headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("who", ["anna", "bob", "carla"])
@pytest.mark.parametrize("path", ["/figures", "/figures/2026", "/figures/2026.csv", "/figures/2026.pdf"])
def test_nobody_else_sees_them(figures: Inside, who: str, path: str) -> None:
    answer = figures.browser(who).get(path)
    assert (answer.status_code, "2026" in answer.text) == (403, False)


@pytest.mark.parametrize("path", ["/figures/2025", "/figures/x", "/figures/2026.exe", "/figures/٢٠٢٦"])
def test_what_was_not_issued_is_not_there(figures: Inside, path: str) -> None:
    assert figures.browser("dirk").get(path).status_code == 404


# all of them


@pytest.mark.parametrize("path", ["/calendar", "/policy", "/policy/dpia.md", "/figures", "/figures/2026"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in(tmp_path: Path, sink: Sink, path: str) -> None:
    inside = Inside(world_of(tmp_path, sink))
    stranger = inside.browser("anna")
    stranger.client.cookies.clear()
    assert stranger.get(path).headers["location"].startswith("/sign-in")


def test_names_are_text_and_nothing_else(tmp_path: Path, sink: Sink) -> None:
    people = PEOPLE.replace("Anna de Vries", HOSTILE)
    anna = Inside(world_of(tmp_path, sink, people=people)).browser("anna")
    for path in ("/calendar?month=2026-12", "/policy", "/figures"):
        assert HOSTILE not in anna.get(path).text
