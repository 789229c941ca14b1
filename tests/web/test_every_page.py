"""Every page that the app has, in a real browser with real data: axe-core, small and sideways, in both languages.

The rows are compared with the app's own routes, so that a page without a row is noticed.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe import violations
from case_house import CaseHouse
from playwright.sync_api import Browser, BrowserContext, Page
from starlette.routing import Route
from test_signin_browser import Keyring
from tests.signedworld import MORE, SignedWorld
from tests.world import PEOPLE

from locum.approval import Site
from locum.demo.sink import Sink
from locum.key_links import FIRST_KEYS
from locum.web import make_server, open_socket

pytestmark = pytest.mark.slow

SAM = "sam,Sam Groen,sam@corp.test,,nl,Europe/Amsterdam,it,,,,\n"
LOCALES = {"nl": "nl-NL", "en": "en-GB"}
WIDTHS = (320, 390, 1200)
SIGNED_OUT = (
    "/",
    "/sign-in",
    "/sign-in?to=/cases",
    "/l/nonsense",
    "/new-key/nonsense",
    "/first-keys/nonsense",
    "/nowhere",
)
HERE = {
    "/people": "/people",
    "/people/of/{person}": "/people/of/sam",
    "/people/keys": "/people/keys",
    "/people/delegation": "/people/delegation",
    "/people/proposals/{proposal}": "",
    "/signed-in": "/signed-in",
    "/record": "/record",
    "/": "/",
    "/sign-in": "/sign-in",
    "/l/{token}": "",
    "/first-keys/{token}": "",
    "/new-key/{token}": "",
}
"""Pages opened here, by route; empty where the way to it is walked."""
ELSEWHERE = {
    *("/cases", "/cases/ask", "/cases/{case_id}", "/cases/{case_id}/review"),
    *("/cases/{case_id}/found", "/cases/{case_id}/viewing"),
    *(
        "/mine",
        "/mine/{case_id}",
        "/mine/{case_id}/account",
        "/mine/text",
        "/mine/channels",
        "/mine/protections",
        "/mine/key",
    ),
    *("/calendar", "/policy", "/figures", "/figures/{year}"),
}
"""Those that test_case_browser.py, test_hers_browser.py and test_viewing_browser.py open."""
NO_PAGES = {
    *("/healthz", "/robots.txt", "/sign-in/provider", "/sign-in/back", "/policy/{name}.{form}"),
    *("/mine/account.locum", "/mine/{case_id}/account.{form}", "/figures/{year}.{form}"),
    *("/record/leaves", "/record/checkpoint", "/record/proof"),
    *("/static/locum.css", "/static/passkey.js", "/static/live.js", "/static/viewing.js", "/cases/{case_id}/part"),
}


@dataclass
class Looking:
    """One browser that goes from page to page; what is wrong with each is kept in `found`."""

    house: CaseHouse
    page: Page
    language: str
    found: list[str] = field(default_factory=list)

    def at(self, name: str) -> None:
        """Judge the page that is open."""
        if self.page.locator("html").get_attribute("lang") != self.language:
            self.found.append(f"{name}: not in {self.language}")
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            if self.page.evaluate("document.documentElement.scrollWidth") > width:
                self.found.append(f"{name}: sticks out at {width}")
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.found += [f"{name} {scheme}: {one}" for one in violations(self.page)]

    def to(self, path: str) -> None:
        self.page.goto(f"{self.house.url}{path}")
        self.at(path)

    def press(self, selector: str, name: str) -> None:
        """Press a button that leads to another page, or to another step on the same address."""
        self.page.evaluate("document.documentElement.dataset.before = ''")
        self.page.locator(selector).first.click()
        self.page.wait_for_function(
            "document.documentElement && !('before' in document.documentElement.dataset) && document.readyState === 'complete'"
        )
        self.at(name)

    def sign_in(self, name: str) -> None:
        self.page.context.clear_cookies()
        self.page.context.add_cookies([{"name": "locum", "value": self.house.token(name), "url": self.house.url}])


@pytest.fixture(params=["nl", "en"])
def looking(tmp_path: Path, request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Looking]:
    language = request.param
    listening = open_socket("127.0.0.1:0")
    url = f"http://localhost:{listening.getsockname()[1]}"
    people = (PEOPLE + MORE + SAM).replace(",nl,", f",{language},").replace(",en,", f",{language},")
    with Sink() as sink:
        site = Site.of(url)
        assert site is not None
        world = SignedWorld(tmp_path, sink, people=people, more=f'[web]\nurl = "{url}"\n', site=site)
        house = CaseHouse(world, url)
        server = make_server(house.app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        # bypass_csp: axe is put into the page, which no page of ours would let in.
        context: BrowserContext = chromium.new_context(locale=LOCALES[language], bypass_csp=True)
        yield Looking(house, context.new_page(), language)
        context.close()
        server.should_exit = True
        thread.join()
        listening.close()


def test_each_page_has_a_row(looking: Looking) -> None:
    routes = {
        route.path
        for route in looking.house.app.routes
        if isinstance(route, Route) and "GET" in (route.methods or ()) and not route.path.startswith("/api/")
    }
    assert routes == {*HERE, *ELSEWHERE, *NO_PAGES}


def test_axe_finds_nothing_where_nobody_is_signed_in(looking: Looking) -> None:
    for path in SIGNED_OUT:
        looking.to(path)
    for _ in range(40):
        looking.page.request.get(f"{looking.house.url}/new-key/guess", headers={"accept-language": looking.language})
    looking.to("/new-key/guess")
    assert looking.found == []


def test_axe_finds_nothing_behind_the_links_of_letters(looking: Looking) -> None:
    world = looking.house.world
    case = world.forward()
    world.work()
    looking.to(f"/l/{world.token()}")
    looking.press("main form button", "/l/ agreed or stopped")
    looking.to(f"/l/{world.token(world.now_of(case).forward.to, 'consent')}")  # type: ignore[union-attr]
    assert looking.found == []


def test_axe_finds_nothing_on_the_way_to_keys(looking: Looking) -> None:
    Keyring(looking.page)
    looking.to(f"/first-keys/{looking.house.world.app.key_links.make(FIRST_KEYS, anew=True)}")
    for label, said in (("one", "dirk@corp.test"), ("other", "petra@corp.test"), ("present", "Nora")):
        looking.page.locator(f"[name={label}]").fill(said)
    for step in range(5):
        looking.press("main form button:visible", f"first keys, step {step}")
    assert looking.found == []


def test_axe_finds_nothing_on_the_pages_of_people(looking: Looking) -> None:
    looking.sign_in("dirk")
    looking.to("/record?unpublished")
    looking.house.world.app.publish()
    for path in filter(None, HERE.values()):
        looking.to(path)
        assert "said=over" not in looking.page.url
    looking.to("/people/of/nobody")
    looking.to("/people/of/sam")
    looking.press('form[action$="/link"] button', "a link for Sam")
    link = looking.page.locator("pre.code").inner_text().removeprefix(looking.house.url)
    looking.to("/people")
    Keyring(looking.page)
    looking.page.context.clear_cookies()
    looking.to(link)
    for step in range(3):
        looking.press("main form button:visible", f"new key, step {step}")
    looking.sign_in("dirk")
    looking.to("/people")
    looking.press('a[href*="/people/proposals/"]', "a proposal")
    assert looking.found == []
