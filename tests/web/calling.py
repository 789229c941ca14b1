"""An organisation whose other programs call the API: the whole World, the app in front of it, and tokens for its people."""

import os
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient
from tests.world import World

from locum.access_tokens import AccessTokens, Scope
from locum.repeats import Repeats
from locum.web import make_app
from locum.web.api import Api

URL = "https://locum.corp.test"
ASK: dict[str, object] = {
    "measure": "auto-reply",
    "mailbox": "anna@corp.test",
    "reason": "forgotten",
    "because": "Customers are waiting for an answer.",
    "until": "2026-12-07",
}


class Ticks:
    """A monotonic clock, moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Calling:
    """The API of a World."""

    world: World
    ticks: Ticks = field(default_factory=Ticks)
    keys: int = 0

    def __post_init__(self) -> None:
        store, clock = self.world.app.store, self.world.app.clock
        self.tokens = AccessTokens(store.database, clock, os.urandom)
        self.repeats = Repeats(store.database, clock, os.urandom)
        api = Api(desk=self.world.desk, tokens=self.tokens, repeats=self.repeats)
        self.app = make_app(
            self.world.desk,
            organisation="Voorbeeld BV",
            language="en",
            url=URL,
            monotonic=self.ticks,
            api=api,
            doorway=self.world.app.doorway,
            inside=self.world.desk,
        )
        self.client = TestClient(
            self.app,
            base_url=URL,
            raise_server_exceptions=False,
            follow_redirects=False,
            headers={"accept-language": "en"},
        )

    def token(self, person: str = "bob", *scopes: Scope, days: int = 30) -> str:
        """A token of this person, for everything where nothing is named."""
        return self.tokens.make(person, scopes or tuple(Scope), days=days, made_by="root")[0]

    def call(self, method: str, path: str, who: str = "bob", *, token: str | None = None, **more: Any) -> Response:
        """One request; what acts brings a key of its own, where none is given."""
        headers = {"authorization": f"Bearer {token or self.token(who)}", **more.pop("headers", {})}
        if method == "POST":
            self.keys += 1
            headers = {"idempotency-key": f"key-of-a-test-{self.keys:06d}", **headers}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, path: str, who: str = "bob", **more: Any) -> Response:
        return self.call("GET", path, who, **more)

    def post(self, path: str, who: str = "bob", **more: Any) -> Response:
        return self.call("POST", path, who, **more)

    def ask(self, who: str = "bob", **changes: object) -> Response:
        return self.post("/cases", who, json={**ASK, **changes})

    def filed(self, who: str = "bob", **changes: object) -> str:
        answer = self.ask(who, **changes)
        assert answer.status_code == 201, answer.text
        name: str = answer.json()["case"]
        return name

    def waiting(self) -> str:
        """A case that waits for a review."""
        name = self.filed()
        self.world.work()
        self.world.later(hours=9)
        assert self.world.desk.case(name).state == "awaiting-review"
        return name


def told(answer: Response) -> tuple[int, str]:
    """The status and the key of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert found["status"] == answer.status_code
    return answer.status_code, found["key"]
