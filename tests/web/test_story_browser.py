"""The whole story in a real browser, each person in one of her own with her own passkey: the first keys, further keys and
functions, a forward that Bob asks for and signs, Anna and the receiver agree to, and Dirk signs; live, seen and stopped by Anna.
On SQLite and on PostgreSQL. What is a page's own matter is tried beside that page.
"""

import re
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from desks import Ticks
from playwright.sync_api import Browser, Page, expect
from test_signin_browser import Keyring, device
from tests.shelf import ForwardWorld
from tests.signedworld import MORE
from tests.world import PEOPLE

from locum.approval import Assertion, Signed, Site, challenge
from locum.demo.sink import Sink
from locum.key_links import FIRST_KEYS
from locum.lifecycle import Case, State
from locum.web import make_app, make_server, open_socket
from test_approval_judged import Case as Judged
from test_approval_judged import Judge, judge  # noqa: F401  the other implementation is theirs

pytestmark = pytest.mark.slow
pytest_plugins = ("tests.stores",)


@dataclass
class Stage:
    """The organisation, its pages at `url`, and everybody's browser and keys."""

    world: ForwardWorld
    url: str
    browser: Browser
    closing: ExitStack
    keys: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    rings: dict[str, Keyring] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def page(self, name: str) -> Page:
        """The one page of this person, in a browser of her own."""
        if name not in self.pages:
            page = self.closing.enter_context(device(self.browser)).new_page()
            page.on("console", lambda message: self.said.append(f"{name}: {message.text}"))
            page.on("pageerror", lambda error: self.said.append(f"{name}: {error}"))
            self.pages[name], self.rings[name] = page, Keyring(page)
            for key in self.keys.get(name, []):
                self.rings[name].take(key)
        return self.pages[name]

    def to(self, name: str, path: str) -> Page:
        """She goes to a page of ours, and signs in where it asks her to."""
        page = self.page(name)
        page.goto(f"{self.url}{path}")
        if "/sign-in" in page.url:
            page.get_by_role("button", name="Aanmelden met een passkey").click()
            page.wait_for_url(f"{self.url}{path}")
        return page

    def press(self, name: str, label: str, then: str) -> None:
        """She presses a button or follows a link, and reads this afterwards."""
        page = self.page(name)
        role = (page.get_by_role(one, name=label, exact=True) for one in ("button", "link"))  # type: ignore[arg-type]
        first, second = role
        first.or_(second).first.click()
        expect(page.locator("main")).to_contain_text(then)

    def letter(self, recipient: str, event: str) -> str:
        """The path of the link in the newest such letter."""
        return f"/l/{self.world.token(recipient, event)}"

    @property
    def case(self) -> Case:
        return self.world.app.store.find()[0]


@pytest.fixture
def stage(tmp_path: Path, store_url: str, chromium: Browser) -> Iterator[Stage]:
    with Sink() as sink, open_socket("127.0.0.1:0") as listening, ExitStack() as closing:
        url = f"http://localhost:{listening.getsockname()[1]}"
        web = f'[web]\nurl = "{url}"\n'
        world = ForwardWorld(tmp_path, sink, store_url=store_url, trial=False, people=PEOPLE + MORE, more=web)
        app = make_app(
            world.desk,
            organisation="Voorbeeld BV",
            url=url,
            monotonic=Ticks(),
            doorway=world.app.doorway,
            inside=world.desk,
        )
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        made = Stage(world, url, chromium, closing)
        try:
            yield made
        finally:
            closing.close()
            server.should_exit = True
            thread.join()


def first_keys(stage: Stage) -> None:
    """Dirk (personnel) and Petra (data protection) make the first two keys, at one screen."""
    link = stage.world.app.key_links.make(FIRST_KEYS, anew=True)
    page = stage.to("both", f"/first-keys/{link}")
    page.get_by_label("De een").fill("dirk@corp.test")
    page.get_by_label("En de ander").fill("petra@corp.test")
    page.get_by_label("Wie is er nog meer?").fill("Nora, ondernemingsraad")
    stage.press("both", "Beginnen", "Stap 1 van 4")
    stage.press("both", "Maak de sleutel van Dirk Bakker", "Stap 2 van 4")
    stage.press("both", "Maak de sleutel van Petra Vos", "Stap 3 van 4")
    stage.press("both", "Dirk Bakker ondertekent", "Stap 4 van 4")
    stage.press("both", "Petra Vos ondertekent", "Jullie hebben de eerste twee sleutels")
    known = stage.world.desk.register().keys
    for key in stage.rings["both"].held():
        stage.keys.setdefault(known[b64decode(key["credentialId"])].person, []).append(key)


def further_key(stage: Stage, name: str) -> None:
    """A key for somebody who has none: her link, her device, and two who vouch for her."""
    stage.to("dirk", f"/people/of/{name}")
    stage.press("dirk", "Maak een link voor een sleutel", "Je ziet hem alleen nu")
    link = stage.page("dirk").locator("pre.code").inner_text().removeprefix(stage.url)
    stage.to(name, link)
    stage.press(name, "Ik ben er klaar voor", "Je apparaat vraagt waar de sleutel moet komen")
    stage.press(name, "Mijn sleutel maken", "Laat hem ondertekenen")
    stage.press(name, "Ondertekenen met mijn nieuwe sleutel", "De zes woorden van je sleutel")
    by_two(stage)


def by_two(stage: Stage) -> None:
    """What waits on the page of people is signed by Dirk and by Petra."""
    for name, function, then in (
        ("dirk", "personeelszaken", "Het is nog niet vastgelegd"),
        ("petra", "functionaris gegevensbescherming", "het is vastgelegd"),
    ):
        stage.to(name, "/people")
        stage.press(name, "Bekijken en ondertekenen", "Ondertekenen als")
        stage.press(name, f"Ondertekenen als {function}", then)


def enrolled(stage: Stage) -> None:
    first_keys(stage)
    for name in ("bob", "anna"):
        further_key(stage, name)
    stage.world.now = stage.world.now.replace(day=stage.world.now.day + 1)  # others' word for a key waits a day
    stage.to("dirk", "/people")
    stage.press("dirk", "Dit allemaal voorstellen", "Het is voorgesteld")
    for _ in ("functions", "managers"):
        by_two(stage)
    stage.world.work()
    stage.world.app.sign()


def asked(stage: Stage) -> Case:
    """Bob asks on the form, sees what would happen while he types, and sends it."""
    page = stage.to("bob", "/cases/ask")
    page.get_by_label("Wiens mailbox").fill("anna@corp.test")
    page.get_by_label("Een kopie van nieuwe mail naar een collega").check()
    page.get_by_label("Reden", exact=True).select_option("customer")
    page.get_by_label("In je eigen woorden").fill("Bestellingen wachten op antwoord.")
    page.get_by_label("Naar wie", exact=True).fill("carla@corp.test")
    page.get_by_label("Tot", exact=True).fill("2026-12-04")
    expect(page.locator("#asked")).to_contain_text("Dit mag worden gevraagd")
    stage.press("bob", "Dit vragen", "Anna de Vries")
    page.wait_for_url(re.compile(r"/cases/(?!ask)"))
    stage.world.work()
    return stage.case


def signed(stage: Stage, name: str, case: Case, button: str, decision: str = "") -> None:
    stage.world.app.sign()
    page = stage.to(name, f"/cases/{case.id}/review{decision}")
    expect(page.locator("pre.signed")).to_contain_text("carla@corp.test")
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"{stage.url}/cases/{case.id}")
    stage.world.work()


def test_from_the_first_keys_to_her_stop(stage: Stage, judge: Judge) -> None:  # noqa: F811
    enrolled(stage)
    case = asked(stage)
    assert (case.requester, case.state) == ("bob", State.ASKING)
    signed(stage, "bob", case, "Ondertekenen met passkey")

    anna = stage.page("anna")
    anna.goto(f"{stage.url}{stage.letter('anna@home.test', 'ask')}")
    anna.get_by_role("button", name="Ja, zet dit aan").click()
    expect(anna.locator("main")).to_contain_text("Dank je wel. Je bent akkoord.")
    carla = stage.page("carla")
    carla.goto(f"{stage.url}{stage.letter('carla@corp.test', 'consent')}")
    carla.get_by_role("button", name="Yes, I will receive it").click()
    expect(carla.get_by_role("button", name="Yes, I will receive it")).to_have_count(0)
    stage.world.work()
    assert stage.world.state(case) is State.AWAITING_REVIEW
    assert stage.world.shelf.standing() == []

    words = {
        name: stage.to(name, f"/cases/{case.id}/review").locator(".words").inner_text() for name in ("dirk", "bob")
    }
    assert words["dirk"] == words["bob"]
    signed(stage, "dirk", case, "Goedkeuren met passkey")
    assert (stage.world.state(case), stage.world.shelf.standing()) == (State.APPLIED, ["anna@corp.test.forwards"])

    stage.to("anna", "/mine")
    stage.press("anna", "Stop het nu", "Het wordt uitgezet")
    stage.world.work()
    assert (stage.world.shelf.standing(), stage.world.now_of(case).outcome) == ([], "owner")
    stage.world.app.sign()
    stage.world.later(seconds=5)
    assert stage.world.state(case) is State.ACCOUNTED
    assert stage.said == []
    assert [said.split()[0] for said in judge.ask(approvals_of(stage, case))] == ["yes", "yes"]


def approvals_of(stage: Stage, case: Case) -> list[Judged]:
    """What the browsers signed about a case, as it stands in the record, for another implementation to judge."""
    signed_ = [e.body["signed"] for e in stage.world.app.store.entries(case=case.id) if e.type == "reviewed"]
    site, keys = Site.of(stage.url), stage.world.desk.register().keys
    assert site is not None
    found = []
    for one in map(Signed.from_json, signed_):
        assertion = Assertion.load(one.assertion)
        public = keys[assertion.credential].public_key
        found.append(Judged(assertion, challenge("approval", one.statement), public, site))
    return found
