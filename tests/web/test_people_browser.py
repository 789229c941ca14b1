"""The story of the keys in a real browser with its virtual authenticator: the link, two keys, a third person's key by two, a
function, standing in. Each person has a browser of her own.
"""

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from people_house import PeopleHouse
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_signin_browser import Keyring, device
from tests.filings import Clock

from locum.store import Store
from locum.web import make_server, open_socket

pytestmark = pytest.mark.slow
pytest_plugins = ("tests.stores",)


@pytest.fixture
def house(store: Store, clock: Clock) -> Iterator[PeopleHouse]:
    listening = open_socket("127.0.0.1:0")
    made = PeopleHouse(store, clock, url=f"http://localhost:{listening.getsockname()[1]}")
    server = make_server(made.app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield made
    server.should_exit = True
    thread.join()
    listening.close()


class Desk:
    """One person's browser, with the keys on her device."""

    def __init__(self, house: PeopleHouse, context: BrowserContext, name: str, keys: list[dict[str, Any]] = []) -> None:  # noqa: B006
        self.house, self.name, self.page = house, name, context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.ring = Keyring(self.page)
        for key in keys:
            self.ring.take(key)

    def to(self, path: str) -> Page:
        """A page of ours, signed in where it takes that."""
        self.page.goto(f"{self.house.url}{path}")
        if "/sign-in" in self.page.url:
            self.page.get_by_role("button", name="Aanmelden met een passkey").click()
            self.page.wait_for_url(f"{self.house.url}{path}")
        return self.page

    def press(self, name: str, then: str) -> None:
        """Press a button or follow a link, and see this afterwards."""
        found = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        found.first.click()
        expect(self.page.locator("main")).to_contain_text(then)


@contextmanager
def desk(house: PeopleHouse, browser: Browser, name: str, keys: list[dict[str, Any]] | None = None) -> Iterator[Desk]:
    with device(browser) as context:
        made = Desk(house, context, name, keys or [])
        yield made
        assert made.said == []


def sitting(house: PeopleHouse, browser: Browser) -> list[list[dict[str, Any]]]:
    """The first two keys, at one screen; each person's."""
    with desk(house, browser, "maria") as at:
        page = at.to(house.first_link())
        page.get_by_label("De een").fill("maria@corp.test")
        page.get_by_label("En de ander").fill("dirk@corp.test")
        page.get_by_label("Wie is er nog meer?").fill("Nora, ondernemingsraad")
        at.press("Beginnen", "Stap 1 van 4")
        at.press("Maak de sleutel van Maria", "Stap 2 van 4")
        at.press("Maak de sleutel van Dirk", "Stap 3 van 4")
        expect(page.locator("pre")).to_contain_text("Nora, ondernemingsraad")
        at.press("Maria ondertekent", "Stap 4 van 4")
        at.press("Dirk ondertekent", "Jullie hebben de eerste twee sleutels")
        mine = {house.desk.register().keys[_id(key)].person: key for key in at.ring.held()}
    return [[mine["maria"]], [mine["dirk"]]]


def _id(key: dict[str, Any]) -> bytes:
    return b64decode(key["credentialId"])


def test_from_the_link_to_standing_in(house: PeopleHouse, chromium: Browser) -> None:
    marias, dirks = sitting(house, chromium)
    with (
        desk(house, chromium, "maria", marias) as maria,
        desk(house, chromium, "dirk", dirks) as dirk,
        desk(house, chromium, "sam") as sam,
    ):
        page = maria.to("/people/of/sam")
        maria.press("Maak een link voor een sleutel", "Je ziet hem alleen nu")
        link = page.locator("pre.code").inner_text().removeprefix(house.url)
        sam.to(link)
        sam.press("Ik ben er klaar voor", "Je apparaat vraagt waar de sleutel moet komen")
        sam.press("Mijn sleutel maken", "Laat hem ondertekenen")
        sam.press("Ondertekenen met mijn nieuwe sleutel", "Je sleutel is er, Sam")
        words = sam.page.locator(".deadline").inner_text().rpartition(":")[2].strip()
        for one, then in ((maria, "Het is nog niet vastgelegd"), (dirk, "het is vastgelegd")):
            one.to("/people")
            one.press("Bekijken en ondertekenen", words)
            one.press(f"Ondertekenen als {house.words_of(one.name)}", then)
        house.clock.later(86_400)
        maria.to("/people")
        maria.press("Dit allemaal voorstellen", "Het is voorgesteld")
        for one, then in ((maria, "Het is nog niet vastgelegd"), (dirk, "het is vastgelegd")):
            one.to("/people")
            one.press("Bekijken en ondertekenen", "sam: it")
            one.press(f"Ondertekenen als {house.words_of(one.name)}", then)
        page = maria.to("/people/delegation")
        page.get_by_label("Wie").select_option("Sam")
        page.get_by_label("Tot", exact=True).fill("2026-12-20")
        maria.press("Verder naar ondertekenen", "sam beslist in mijn plaats")
        maria.press("Ondertekenen als personeelszaken", "het is vastgelegd")
        sam.to("/people/delegation")
        expect(sam.page.get_by_text("Sam beslist voor Maria, als personeelszaken")).to_be_visible()
    assert (house.functions("sam"), house.counts("sam")) == ({"it"}, 1)
    assert house.recorded() == ["first-keys", "key-added", "function-given", "delegated"]


def test_with_the_keyboard_alone_she_signs(house: PeopleHouse, chromium: Browser) -> None:
    marias, _ = sitting(house, chromium)
    one = house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    with desk(house, chromium, "maria", marias) as maria:
        page = maria.to(f"/people/proposals/{one.id}")
        page.get_by_role("button", name="Ondertekenen als personeelszaken").focus()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text("Je hebt ondertekend")


def test_without_her_finger_nothing_is_signed(house: PeopleHouse, chromium: Browser) -> None:
    marias, _ = sitting(house, chromium)
    one = house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    with desk(house, chromium, "maria", marias) as maria:
        page = maria.to(f"/people/proposals/{one.id}")
        maria.ring.verifies(False)
        page.get_by_role("button", name="Ondertekenen als personeelszaken").click()
        expect(page.get_by_text("Het is afgebroken of duurde te lang")).to_be_visible()
    assert house.desk.proposal(one.id).signed == ()
