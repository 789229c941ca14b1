"""Two browsers in front of one search that has its list: passkeys in virtual authenticators, pages as they are served, and a clock of
the rooms that can be moved on.
"""

import threading
import time
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import Self

from case_house import CaseHouse
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_signin_browser import Keyring
from tests.mailroom import Message, SearchWorld

from locum.approval import Site
from locum.demo.sink import Sink
from locum.lifecycle import Case
from locum.web import make_app, make_server, open_socket
from registers import key_of
from softkeys import SoftKey


class Seconds:
    """A clock that goes as the real one, and `ahead` of it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class ViewingHouse:
    """The organisation of mailroom.py, its search open with a list, and the pages over it."""

    def __init__(self, folder: Path, sink: Sink, *messages: Message) -> None:
        self.listening = open_socket("127.0.0.1:0")
        url = f"http://localhost:{self.listening.getsockname()[1]}"
        site = Site.of(url)
        assert site is not None
        self.world = SearchWorld(folder, sink, more=f'[web]\nurl = "{url}"\n', site=site)
        self.seconds = Seconds()
        self.house = CaseHouse(self.world, url)
        self.house.app = make_app(
            self.world.desk, organisation="Voorbeeld BV", url=url, monotonic=self.seconds,
            doorway=self.world.app.doorway, inside=self.world.desk,
        )  # fmt: skip
        self.keys = {name: self._key(name) for name in ("bob", "dirk")}
        self.world.room.put(*(messages or (Message(),)))
        self.case: Case = self.world.open_search()
        self.world.counts(self.case)
        self.world.lists(self.case)
        self.server = make_server(self.house.app)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listening]})

    def _key(self, name: str) -> SoftKey:
        """A key such as a browser's virtual authenticator can hold, besides the one in software."""
        made = SoftKey(f"{name} at the screen", "ES256", site=self.world.site)
        self.world.deed("key-added", key_of(name, made), (name, "", made), (name, "", self.world.keys[name]))
        return made

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.house.app.state.rooms.end()
        self.server.should_exit = True
        self.thread.join()
        self.listening.close()

    @property
    def now(self) -> Case:
        return self.world.now_of(self.case)

    def at(self, path: str) -> str:
        return f"{self.house.url}/cases/{self.case.id}/{path}"

    def context(self, chromium: Browser, name: str, *, width: int = 1200, height: int = 900) -> BrowserContext:
        made = chromium.new_context(viewport={"width": width, "height": height}, locale="nl-NL")
        made.add_cookies([{"name": "locum", "value": self.house.token(name), "url": self.house.url}])
        return made

    def page(self, chromium: Browser, name: str, **size: int) -> Page:
        """A browser in which this person is signed in and has the key at hand."""
        page = self.context(chromium, name, **size).new_page()
        key = self.keys[name]
        private = key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        Keyring(page).take(
            {
                "credentialId": b64encode(key.credential).decode(),
                "isResidentCredential": False,
                "rpId": "localhost",
                "privateKey": b64encode(private).decode(),
                "signCount": 0,
            }
        )
        return page

    def choose(self, page: Page, subject: str = "Offerte 4711") -> None:
        page.goto(self.at("found"))
        line = page.locator(".letter-line").filter(has_text=subject)
        line.get_by_role("button", name="Dit bericht kiezen").click()
        expect(page.locator(".letter-line").filter(has_text=subject)).to_contain_text("door jou gekozen")

    def sign(self, page: Page) -> None:
        page.get_by_role("link", name="Tekenen om te openen").click(timeout=60_000)
        page.get_by_role("button", name="Ondertekenen met je passkey").click()
        expect(page.locator("#room_main")).to_be_visible(timeout=60_000)

    def opened(self, *pages: Page) -> None:
        """Both choose, come in, sign, and see it."""
        for page in pages:
            self.choose(page)
        for page in pages:
            page.goto(self.at("viewing"))
        for page in pages:
            self.sign(page)
        self.world.work()
        for page in pages:
            expect(page.locator(".mail.opened")).to_be_visible(timeout=60_000)
