"""Signing in with a real browser and its virtual authenticator, at the real server; and what another site tries meanwhile."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from real_provider import SECRET, RealProvider
from signing import House
from tests.filings import Clock

from locum.store import Store
from locum.web import make_server, open_socket
from locum.web.signin import Provider, new_client

pytestmark = pytest.mark.slow
pytest_plugins = ("tests.stores",)


@contextmanager
def served(build: Callable[[str], House]) -> Iterator[House]:
    """The house at an address of its own, served as `locum serve` serves it."""
    listening = open_socket("127.0.0.1:0")
    house = build(f"http://localhost:{listening.getsockname()[1]}")
    server = make_server(house.app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield house
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def house(store: Store, clock: Clock) -> Iterator[House]:
    with served(lambda url: House(store, clock, url=url)) as made:
        yield made


@contextmanager
def device(chromium: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A browser on a telephone."""
    options = {"viewport": {"width": 390, "height": 844}, "locale": "nl-NL", **options}
    context = chromium.new_context(**options)
    yield context
    context.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    with device(chromium) as context:
        yield context.new_page()


class Keyring:
    """The virtual authenticator of one page."""

    def __init__(self, page: Page, **options: Any) -> None:
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        told = {
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True, **options,
        }  # fmt: skip
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": told})["authenticatorId"]

    def verifies(self, yes: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})

    def held(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def take(self, key: dict[str, Any]) -> None:
        self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": key})


def enrol(house: House, page: Page) -> Keyring:
    """Make a key in this browser, and enrol it as Anna's."""
    ring = Keyring(page)
    page.goto(f"{house.url}/enrolling")
    page.get_by_role("button").click()
    expect(page.locator("body")).to_have_text("enrolled")
    return ring


def sign_in(house: House, page: Page, to: str = "/signed-in") -> None:
    page.goto(f"{house.url}/sign-in?to={to}")
    page.get_by_role("button", name="Aanmelden met een passkey").click()
    page.wait_for_url(f"{house.url}{to}")


def test_she_makes_a_key_signs_in_with_it_and_out_again(house: House, phone: Page) -> None:
    said: list[str] = []
    phone.on("console", lambda message: said.append(message.text))
    phone.on("pageerror", lambda error: said.append(str(error)))
    ring = enrol(house, phone)
    assert [key["isResidentCredential"] for key in ring.held()] == [True]
    phone.goto(f"{house.url}/signed-in")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Aanmelden")
    phone.get_by_role("button", name="Aanmelden met een passkey").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dag Anna de Vries")
    assert phone.evaluate("document.cookie") == ""
    assert [cookie["httpOnly"] for cookie in phone.context.cookies()] == [True]
    phone.get_by_role("button", name="Afmelden", exact=True).click()
    expect(phone.get_by_role("status").first).to_have_text("Je bent afgemeld.")
    phone.goto(f"{house.url}/cases")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Aanmelden")
    # Chromium tells what it cleared at signing out (Clear-Site-Data); nothing else is said.
    assert [one for one in said if not one.startswith("Clear-Site-Data")] == []


def test_she_comes_where_she_wanted_to_go_with_the_keyboard_alone(house: House, phone: Page) -> None:
    enrol(house, phone)
    phone.goto(f"{house.url}/cases")
    phone.get_by_role("button", name="Aanmelden met een passkey").focus()
    phone.keyboard.press("Enter")
    phone.wait_for_url(f"{house.url}/cases")
    expect(phone.locator("body")).to_have_text("anna passkey True")


def test_signing_out_everywhere_reaches_the_other_browser(house: House, phone: Page, chromium: Browser) -> None:
    ring = enrol(house, phone)
    sign_in(house, phone)
    with device(chromium) as context:
        other = context.new_page()
        Keyring(other).take(ring.held()[0])
        sign_in(house, other)
        phone.reload()
        expect(phone.get_by_text("je bent in één andere browser aangemeld")).to_be_visible()
        phone.get_by_role("button", name="Overal afmelden").click()
        expect(phone.get_by_role("status").first).to_contain_text("afgemeld")
        other.goto(f"{house.url}/cases")
        expect(other.get_by_text("Je bent niet meer aangemeld")).to_be_visible()


def test_a_copied_key_is_noticed(house: House, phone: Page, chromium: Browser) -> None:
    ring = enrol(house, phone)
    stolen = ring.held()[0]
    sign_in(house, phone)
    with device(chromium) as context:
        thief = context.new_page()
        Keyring(thief).take(stolen)
        thief.goto(f"{house.url}/sign-in")
        thief.get_by_role("button", name="Aanmelden met een passkey").click()
        expect(thief.get_by_role("alert")).to_contain_text("We konden je niet aanmelden.")


def test_without_her_finger_nothing_is_signed(house: House, phone: Page) -> None:
    ring = enrol(house, phone)
    ring.verifies(False)
    phone.goto(f"{house.url}/sign-in")
    phone.get_by_role("button", name="Aanmelden met een passkey").click()
    expect(phone.get_by_text("Het is afgebroken of duurde te lang")).to_be_visible()
    expect(phone.get_by_text("Je apparaat vraagt het je nu.")).to_be_hidden()
    assert house.sessions.of_person("anna") == []
    ring.verifies(True)
    phone.get_by_role("button", name="Aanmelden met een passkey").click()
    phone.wait_for_url(f"{house.url}/signed-in")


def test_one_authenticator_makes_no_second_key_for_her(house: House, phone: Page) -> None:
    enrol(house, phone)
    phone.goto(f"{house.url}/enrolling")
    phone.get_by_role("button").click()
    expect(phone.get_by_text("exists")).to_be_visible()
    assert len(house.ring.keys) == 1


def test_a_browser_without_passkeys_is_told_so(house: House, chromium: Browser) -> None:
    with device(chromium) as context:
        page = context.new_page()
        page.add_init_script("delete window.PublicKeyCredential")
        page.goto(f"{house.url}/sign-in")
        expect(page.get_by_text("Deze browser kent geen passkeys.")).to_be_visible()
        expect(page.get_by_role("button")).to_be_hidden()


# another site


@contextmanager
def another_site(page: str) -> Iterator[int]:
    """A page of somebody else's; its port. On `localhost` it is same-site with ours, on 127.0.0.1 it is not."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("path", ["/cases", "/sign-out"])
def test_a_form_on_another_site_does_nothing(house: House, phone: Page, host: str, path: str) -> None:
    enrol(house, phone)
    sign_in(house, phone)
    token = phone.locator('input[name="form_token"]').first.input_value()
    form = (
        f'<form method="post" action="{house.url}{path}"><input name="what" value="pay">'
        f'<input name="form_token" value="{token}"><button>Win a prize</button></form>'
    )
    with another_site(form) as port:
        phone.goto(f"http://{host}:{port}/")
        with phone.expect_response(lambda answer: answer.url.startswith(house.url)) as answered:
            phone.get_by_role("button").click()
        assert answered.value.status == 403
    assert house.done == []
    phone.goto(f"{house.url}/cases")
    expect(phone.locator("body")).to_have_text("anna passkey True")


def test_our_pages_are_shown_in_no_frame(house: House, phone: Page) -> None:
    enrol(house, phone)
    sign_in(house, phone)
    frames = "".join(f'<iframe src="{house.url}{path}"></iframe>' for path in ("/signed-in", "/sign-in", "/cases"))
    with another_site(frames) as port:
        phone.goto(f"http://localhost:{port}/")
        phone.wait_for_load_state("networkidle")
        shown = [frame.evaluate("document.body ? document.body.innerText : ''") for frame in phone.frames[1:]]
    assert len(shown) == 3
    assert not [text for text in shown if "Anna" in text or "Aanmelden" in text or "anna" in text]


PROVE = """async (asked) => {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  return JSON.stringify((await navigator.credentials.get({ publicKey: options })).toJSON());
}"""
ASK = "() => fetch('/sign-in/ask', { method: 'POST' }).then((answer) => answer.json())"
SEND = """async (credential) => {
  const body = new URLSearchParams({ credential });
  return (await fetch('/sign-in/passkey', { method: 'POST', body })).status;
}"""


def test_an_answer_that_another_page_got_of_her_is_refused(house: House, phone: Page) -> None:
    """A page on another port of this host may use her key, and gets her to press; but the answer names where it was made."""
    ring = enrol(house, phone)
    phone.goto(f"{house.url}/sign-in")
    with another_site("<button>Win a prize</button>") as port:
        phishing = phone.context.new_page()
        phishing.goto(f"http://localhost:{port}/")
        Keyring(phishing).take(ring.held()[0])
        credential = phishing.evaluate(PROVE, phone.evaluate(ASK))
        assert json.loads(credential)["response"]["signature"]
    assert phone.evaluate(SEND, credential) == 403
    assert house.sessions.of_person("anna") == []
    assert phone.evaluate(SEND, phone.evaluate(PROVE, phone.evaluate(ASK))) == 200
    assert len(house.sessions.of_person("anna")) == 1


# a provider, and no JavaScript


def test_at_a_provider_she_signs_in_without_javascript(
    store: Store, chromium: Browser, request: pytest.FixtureRequest
) -> None:
    def build(url: str) -> House:
        back = f"{url}/sign-in/back"
        real = RealProvider("https://elsewhere.test/", back)
        request.addfinalizer(real.close)
        provider = Provider(
            issuer=real.issuer, client_id="local", secret=lambda: SECRET, back=back, client=new_client(), monotonic=lambda: 0.0
        )  # fmt: skip
        return House(store, lambda: datetime.now(UTC), url=url, provider=provider)

    with served(build) as house, device(chromium, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{house.url}/cases")
        expect(page.get_by_text("Een passkey heeft JavaScript nodig")).to_be_visible()
        page.get_by_role("link", name="Aanmelden bij Voorbeeld BV").click()
        page.get_by_placeholder("Enter any login").fill("anna")
        page.get_by_placeholder("and password").fill("anything")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{house.url}/cases")
        expect(page.locator("body")).to_have_text("anna provider False")
        page.goto(f"{house.url}/signed-in")
        page.get_by_role("button", name="Afmelden", exact=True).click()
        expect(page.get_by_text("Je bent afgemeld.")).to_be_visible()
