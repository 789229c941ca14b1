"""Her own pages and those of the house in a real browser: axe-core on each, on a phone and wide, in both languages, light and
dark; and the whole of stopping what is on by keyboard, without a script.
"""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe import everywhere
from inside import Inside
from playwright.sync_api import Browser, BrowserContext, expect
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.desk import OwnText, yearly
from locum.desk.yearly import ready_span
from locum.lifecycle import State
from locum.web import make_server, open_socket

pytestmark = pytest.mark.slow

PAGES = (
    *("/mine", "/mine/{live}", "/mine/{coming}", "/mine/{live}/account", "/mine/aaaa-aaaa", "/mine/text"),
    *("/mine/channels", "/mine/protections", "/mine/key", "/calendar", "/policy", "/figures", "/figures/2026"),
)
LEAVE = "person,from,until\nanna,2028-06-01,2028-06-20\nbob,2028-06-30,2028-07-02\n"


def world_of(folder: Path, sink: Sink, language: str) -> tuple[World, dict[str, str]]:
    """A reply that is on, one to come, wishes of every kind, figures of a year; and the names of the cases."""
    (folder / "leave.csv").write_text(LEAVE)
    people = PEOPLE.replace("a.devries@corp.test,nl", f"a.devries@corp.test,{language}")
    more = '[leave]\ncsv = "leave.csv"\ngaps_visible_to = ["sales"]\n'
    world = World(folder, sink, people=people, more=more)
    (folder / "policy.toml").write_text(f'{(folder / "policy.toml").read_text()}[figures]\nto = ["sales"]\n')
    world.app = world.wired()
    world.now = datetime(2028, 6, 1, 9, tzinfo=UTC)
    span = ready_span(2026, "Europe/Amsterdam", world.now)
    yearly.issue(world.app.store, world.app.acting("bob"), yearly.make(world.app.store, span), world.now)
    live = world.live(until="2028-06-20")
    coming = world.request(from_="2028-07-10", until="2028-07-20")
    world.work()
    return world, {"live": live.id, "coming": coming.id}


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Inside, dict[str, str]]]:
    language = getattr(request, "param", "nl")
    listening = open_socket("127.0.0.1:0")
    with Sink() as sink:
        world, cases = world_of(tmp_path, sink, language)
        inside = Inside(world, f"http://localhost:{listening.getsockname()[1]}")
        server = make_server(inside.app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield inside, cases
        server.should_exit = True
        thread.join()
        listening.close()


def context(chromium: Browser, inside: Inside, width: int, **options: object) -> BrowserContext:
    made = chromium.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
    made.add_cookies([{"name": "locum", "value": inside.token("anna"), "url": inside.url}])
    return made


@pytest.mark.parametrize("served", ["nl", "en"], indirect=True)
def test_axe_finds_nothing_and_nothing_sticks_out(chromium: Browser, served: tuple[Inside, dict[str, str]]) -> None:
    inside, cases = served
    # bypass_csp: axe is put into the page, which no page of ours would let in.
    page = context(chromium, inside, 390, bypass_csp=True).new_page()
    found: dict[str, list[str]] = {}
    for path in PAGES:
        page.goto(f"{inside.url}{path.format(**cases)}")
        if said := everywhere(page):
            found[path] = said
    assert found == {}


def test_she_stops_it_by_keyboard_and_without_a_script(
    chromium: Browser, served: tuple[Inside, dict[str, str]]
) -> None:
    inside, cases = served
    page = context(chromium, inside, 390, java_script_enabled=False).new_page()
    page.goto(f"{inside.url}/mine")
    page.get_by_role("button", name="Stop het nu").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Het wordt uitgezet")
    inside.world.work()
    assert inside.world.desk.case(cases["live"]).state is State.ACCOUNTED


def test_what_she_wrote_is_not_lost_where_it_is_refused(
    chromium: Browser, served: tuple[Inside, dict[str, str]]
) -> None:
    inside, _ = served
    page = context(chromium, inside, 390).new_page()
    page.goto(f"{inside.url}/mine/channels")
    page.get_by_text("Ja, hier mag je me iets vragen").first.click()
    page.get_by_label("Je nummer").fill("bel me maar")
    page.get_by_role("button", name="Sta het hiervoor toe").first.click()
    expect(page.get_by_role("alert")).to_contain_text("geen telefoonnummer")
    expect(page.get_by_label("Je nummer")).to_have_value("bel me maar")


def test_her_text_for_next_time_is_what_goes_out(chromium: Browser, served: tuple[Inside, dict[str, str]]) -> None:
    inside, _ = served
    page = context(chromium, inside, 1200).new_page()
    page.goto(f"{inside.url}/mine/text")
    page.get_by_label("Onderwerp").first.fill("Even weg")
    page.get_by_label("Tekst voor collega's").first.fill("Eerste regel.\n\nTweede.")
    page.get_by_role("button", name="Bewaar deze tekst").first.click()
    expect(page.get_by_role("status")).to_contain_text("Bewaard")
    world = inside.world
    seen = world.desk.preview(world.app.acting("bob"), world.form(from_="2028-08-01", until="2028-08-20")).case
    assert seen is not None
    assert OwnText(subject=seen.auto_reply.subject, internal_text=seen.auto_reply.text_body) == OwnText(
        subject="Even weg", internal_text="Eerste regel.\n\nTweede.\n"
    )
