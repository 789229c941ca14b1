"""The organisation of signedworld.py seen through its pages: browsers in which its people are signed in."""

import html
import json
import re
from base64 import urlsafe_b64encode
from typing import Any

from desks import Ticks
from httpx2 import Response as Answer
from starlette.testclient import TestClient
from tests.signedworld import SignedWorld

from locum.approval import Assertion
from locum.sessions import How
from locum.web import make_app

URL = "https://locum.corp.test"


class CaseHouse:
    """The pages over a world."""

    def __init__(self, world: SignedWorld, url: str = URL) -> None:
        self.world = world
        self.url = url
        self.app = make_app(
            world.desk,
            organisation="Voorbeeld BV",
            url=url,
            monotonic=Ticks(),
            doorway=world.app.doorway,
            inside=world.desk,
        )

    def token(self, name: str, *, minutes_ago: float = 0) -> str:
        """A session of this person, who proved who she is some minutes ago."""
        world = self.world
        proved_at = world.now if not minutes_ago else world.now.__class__.fromtimestamp(
            world.now.timestamp() - 60 * minutes_ago, world.now.tzinfo
        )  # fmt: skip
        key = world.keys[name].credential
        return world.app.doorway.sessions.begin(name, How.PASSKEY, credential=key, proved_at=proved_at)

    def browser(self, name: str, **options: Any) -> TestClient:
        """A browser in which this person is signed in."""
        minutes_ago = options.pop("minutes_ago", 0)
        options = {"base_url": self.url, "follow_redirects": False, **options}
        browser = TestClient(self.app, **options)
        browser.cookies.set("__Host-locum", self.token(name, minutes_ago=minutes_ago))
        return browser

    def sign(self, browser: TestClient, name: str, page: Answer, **instead: str) -> Answer:
        """Press the button with the passkey, as passkey.js does."""
        form = re.search(r'<form [^>]*data-passkey="get".*?</form>', page.text, re.DOTALL)
        assert form is not None, page.text
        asked = json.loads(html.unescape(attribute(form[0], "data-asked")))
        challenge = _decoded(asked["challenge"])
        fields = hidden(form[0]) | {"credential": answered(self.world.keys[name].sign(challenge))} | instead
        return browser.post(attribute(form[0], "action"), data=fields)


def attribute(text: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', text)
    assert found is not None, text
    return html.unescape(found[1])


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of a page or a form."""
    inputs = re.findall(r'<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?', text)
    return {html.unescape(name): html.unescape(value) for name, value in inputs}


def answered(assertion: Assertion) -> str:
    """An assertion as a browser's script hands it over."""
    parts = {
        "clientDataJSON": assertion.client_data,
        "authenticatorData": assertion.authenticator_data,
        "signature": assertion.signature,
    }
    name = _encoded(assertion.credential)
    response = {key: _encoded(value) for key, value in parts.items()}
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    from base64 import urlsafe_b64decode  # noqa: PLC0415

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ask_fields(page: Answer, **given: str) -> dict[str, str]:
    """The ask form filled in."""
    fields = {
        "mailbox": "anna@corp.test",
        "measure": "auto-reply",
        "reason": "customer",
        "because": "Customers are waiting for an answer.",
        "until": "2026-12-14",
    }
    return {name: value for name, value in hidden(page.text).items() if name != "shown"} | fields | given


def ask(browser: TestClient, **given: str) -> Answer:
    """Ask for something as one does without a script: look at it, then send what was shown."""
    form = browser.get("/cases/ask")
    looked = browser.post("/cases/ask", data=ask_fields(form, do="look", **given))
    return browser.post(
        "/cases/ask", data=ask_fields(looked, do="send", **given) | {"shown": hidden(looked.text).get("shown", "")}
    )
