"""A small organisation, wired for real (world.py), with people who are signed in to its pages."""

import os
import re
from datetime import timedelta
from html import unescape

from httpx2 import Response
from starlette.testclient import TestClient
from tests.world import World

from locum.sessions import How, Lasting, Sessions
from locum.web import make_app
from locum.web.signin import Doorway, NoKeys, Party, Provider

URL = "https://locum.corp.test"
_LASTING = Lasting(idle=timedelta(days=400), whole=timedelta(days=400))


class Inside:
    """The pages of a World, and a browser for each of its people."""

    def __init__(self, world: World, url: str = URL) -> None:
        self.world = world
        self.url = url
        app = world.app
        self.sessions = Sessions(app.store.database, app.clock, os.urandom, _LASTING)
        provider = Provider(
            issuer="https://id.corp.test", client_id="x", secret=None, back=f"{url}/sign-in/back", claim_name="email",
            name="Corp", client=None, monotonic=lambda: 0.0,  # type: ignore[arg-type]
        )  # fmt: skip
        doorway = Doorway(
            sessions=self.sessions, people=app.people, keys=NoKeys(), clock=app.clock, random=os.urandom,
            party=Party.of(url, "Voorbeeld BV"), provider=provider,
        )  # fmt: skip
        self.app = make_app(
            app.desk, organisation="Voorbeeld BV", url=url, doorway=doorway, inside=app.desk, papers=app.papers
        )

    def browser(self, person: str) -> "Browser":
        """Somebody who is signed in."""
        return Browser(self, self.token(person))

    def token(self, person: str) -> str:
        """A session of this person."""
        return self.sessions.begin(person, How.PROVIDER, proved_at=self.world.now)


class Browser:
    """Somebody's browser: it sends the token that its pages hold, unless told otherwise."""

    def __init__(self, inside: Inside, token: str) -> None:
        self.client = TestClient(inside.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False)
        self.client.cookies.set("__Host-locum", token)

    def get(self, path: str) -> Response:
        return self.client.get(path)

    def text(self, path: str) -> str:
        """A page that is there."""
        page = self.client.get(path)
        assert page.status_code == 200, (path, page.status_code, page.text[-400:])
        return unescape(page.text)

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.client.get("/signed-in").text)
        assert found is not None
        return found[1]

    def post(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data={"form_token": self.form_token, **fields})

    def done(self, path: str, **fields: str) -> str:
        """A form that was good, and the page it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303, (path, answer.status_code, answer.text[-1500:])
        return self.text(answer.headers["location"])
