"""An organisation whose people sign in: sessions on a real store, people and keys in memory, and two pages that ask who."""

import html
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from authenticator import Authenticator
from desks import Counter, Staff, Ticks, person
from fastapi import Depends, FastAPI, Form, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from httpx2 import Response as Answer
from starlette.testclient import TestClient

from locum.absence import Person
from locum.sessions import Sessions
from locum.store import Store
from locum.web import make_app
from locum.web.guard import with_script
from locum.web.signin import Doorway, Key, Party, Provider, Signed, look_along, require_recent, signed_in
from locum.web.signin.passkeys import NewKey, ask_for_key, new_key

URL = "https://locum.corp.test"
ENROL = """<!doctype html><title>x</title><script src="/static/passkey.js" defer></script>
<form method="post" action="/enrolling" data-passkey="create" data-asked="{asked}">
<input type="hidden" name="credential"><button hidden>Make a key</button>
<p data-said="asking" hidden>asking</p><p data-said="cancelled" hidden>cancelled</p><p data-said="exists" hidden>exists</p>
<p data-said="failed" hidden>failed</p></form>"""


@dataclass
class Ring:
    """Enrolled keys, in memory; the register does this in earnest."""

    keys: dict[bytes, Key] = field(default_factory=dict)

    def key(self, credential: bytes) -> Key | None:
        return self.keys.get(credential)


class Unused:
    """A desk that nobody comes to: these pages are not behind links."""

    def look(self, token: str) -> Any:
        raise AssertionError(token)

    def answer(self, token: str, answer: str, text: Any = None, because: str = "") -> Any:
        raise AssertionError(token)


class House:
    """Everything behind the sign-in pages."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        *,
        url: str = URL,
        provider: Provider | None = None,
        counter: Counter | None = None,
    ) -> None:
        self.url = url
        self.store = store
        self.clock = clock
        self.ticks = Ticks()
        self.staff: list[Person] = [person("anna"), person("sam"), person("bert", "en")]
        self.ring = Ring()
        self.sessions = Sessions(store.database, clock, os.urandom)
        self.party = Party.of(url, "Voorbeeld BV")
        self.doorway = Doorway(
            sessions=self.sessions,
            people=Staff(self.staff),
            keys=self.ring,
            clock=clock,
            random=os.urandom,
            party=self.party,
            provider=provider,
        )
        desk = counter.desk if counter else Unused()
        self.app = make_app(
            desk,
            organisation="Voorbeeld BV",
            url=url,
            monotonic=self.ticks,
            doorway=self.doorway,
            proxies=("10.0.0.1",),
        )
        self.done: list[str] = []
        self._pages(self.app)

    def _pages(self, app: FastAPI) -> None:
        def cases(who: Annotated[Signed, Depends(signed_in)]) -> Response:
            return PlainTextResponse(f"{who.person.id} {who.how} {who.with_key} {who.acting.function}")

        def do(who: Annotated[Signed, Depends(signed_in)], what: Annotated[str, Form()] = "") -> Response:
            self.done.append(f"{who.person.id} {what}")
            return PlainTextResponse("done")

        def review(who: Annotated[Signed, Depends(require_recent(10))]) -> Response:
            return PlainTextResponse(f"review {who.person.id}")

        def live(who: Annotated[Signed, Depends(look_along)]) -> Response:
            return PlainTextResponse(who.person.id)

        def enrolling() -> Response:
            asked = self._ask_for_key("anna")
            return with_script(HTMLResponse(ENROL.format(asked=html.escape(json.dumps(asked)))))

        def enrolled(credential: Annotated[str, Form()]) -> Response:
            assert self.party is not None
            self._add(new_key(self.party, credential, self.challenge), "anna")
            return PlainTextResponse("enrolled")

        app.add_api_route("/enrolling", enrolling, methods=["GET"], response_model=None)
        app.add_api_route("/enrolling", enrolled, methods=["POST"], response_model=None)
        app.add_api_route("/cases", cases, methods=["GET"], response_model=None)
        app.add_api_route("/cases", do, methods=["POST"], response_model=None)
        app.add_api_route("/review", review, methods=["GET"], response_model=None)
        app.add_api_route("/live", live, methods=["GET"], response_model=None)

    def browser(self, **options: Any) -> TestClient:
        options = {"base_url": self.url, "follow_redirects": False, "raise_server_exceptions": False, **options}
        return TestClient(self.app, **options)

    def enrol(self, who: str = "anna", **device: Any) -> Authenticator:
        """Enrol a key of this person, on a device in software."""
        assert self.party is not None
        made = Authenticator(self.party.origin, **device)
        self._add(new_key(self.party, made.create(self._ask_for_key(who)), self.challenge), who)
        return made

    def _ask_for_key(self, who: str) -> dict[str, object]:
        assert self.party is not None
        self.challenge = os.urandom(32)
        existing = [key.credential for key in self.ring.keys.values() if key.person == who]
        return ask_for_key(
            self.party, self.challenge, person=who, name=who.title(), shown=f"{who}@corp.test", existing=existing
        )

    def _add(self, key: NewKey, who: str) -> None:
        self.ring.keys[key.credential] = Key(
            credential=key.credential, person=who, public_key=key.public_key, sign_count=key.sign_count
        )


def ask(browser: TestClient, to: str = "") -> dict[str, Any]:
    """What the page's script asks."""
    answer = browser.post("/sign-in/ask", data={"to": to})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    return found


def answer(browser: TestClient, credential: str, **fields: str) -> Answer:
    """What the page's script sends."""
    return browser.post("/sign-in/passkey", data={"credential": credential, **fields})


def sign_in(browser: TestClient, device: Authenticator, to: str = "", **instead: str | None) -> Answer:
    """The whole of it."""
    return answer(browser, device.get(ask(browser, to), **instead))


def cookie(browser: TestClient) -> str:
    """The token that this browser brings."""
    return browser.cookies.get("__Host-locum") or browser.cookies.get("locum") or ""


def form_token(browser: TestClient) -> str:
    """The token in the forms of this browser's pages."""
    page = browser.get("/signed-in").text
    return page.partition('name="form_token" value="')[2].partition('"')[0]
