"""An organisation whose people and keys are at a real desk and store, seen through its pages; keys in software."""

import html
import json
import os
import re
from typing import Any

from authenticator import Authenticator
from desks import Ticks
from httpx2 import Response as Answer
from starlette.testclient import TestClient
from tests.filings import Clock

from keyholders import Keyholders
from locum.approval import Site
from locum.key_links import FIRST_KEYS
from locum.messages import say
from locum.register import Moment
from locum.sessions import How, Sessions
from locum.store import Store
from locum.web import make_app
from locum.web.signin import Doorway, EnrolledKeys, Party, Provider, new_client

URL = "https://locum.corp.test"


class PeopleHouse(Keyholders):
    """The desk of Keyholders with its pages at `url`. `devices` are keys in software, by person."""

    def __init__(self, store: Store, clock: Clock, url: str = URL) -> None:
        super().__init__(store, clock, site=Site.of(url))
        self.url = url
        self.ticks = Ticks()
        self.sessions = Sessions(store.database, clock, os.urandom)
        office = self.desk.office
        self.doorway = Doorway(
            sessions=self.sessions, people=self.staff, keys=EnrolledKeys(office.register, clock), clock=clock,
            random=os.urandom, party=Party.of(url, "Voorbeeld BV"),
            provider=Provider(
                issuer="https://id.corp.test", client_id="x", secret=None, back=f"{url}/sign-in/back", client=new_client(),
                monotonic=self.ticks,
            ),
        )  # fmt: skip
        self.app = make_app(
            self.desk,
            organisation="Voorbeeld BV",
            url=url,
            monotonic=self.ticks,
            doorway=self.doorway,
            inside=self.desk,
        )

    def browser(self, language: str = "nl", **options: Any) -> TestClient:
        options = {"base_url": self.url, "follow_redirects": False, "raise_server_exceptions": True, **options}
        return TestClient(self.app, headers={"accept-language": language}, **options)

    def signed_in(self, name: str, how: How = How.PASSKEY) -> TestClient:
        """A browser in which this person is signed in."""
        keys = self.desk.register().keys_of(name, Moment(self.clock.now))
        credential = keys[0].credential if keys and how is How.PASSKEY else None
        token = self.sessions.begin(name, how, credential=credential, proved_at=self.clock.now)
        browser = self.browser()
        browser.cookies.set("__Host-locum" if self.url.startswith("https") else "locum", token)
        return browser

    def words_of(self, name: str) -> str:
        """The function of this person in words."""
        return say("nl", f"words.function.{self.staff.persons[name].function}")

    def first_link(self) -> str:
        token = self.desk.office.key_links().make(FIRST_KEYS, anew=True)
        return f"/first-keys/{token}"

    def sit_down(self, browser: TestClient, link: str, one: Authenticator, other: Authenticator, **said: str) -> Answer:
        """The whole of a first sitting."""
        form = {"one": "maria@corp.test", "other": "dirk@corp.test", "present": "Nora, OR", **said}
        page = browser.post(link, data=form)
        for device in (one, other):
            page = press(browser, page, device)
        for device in (one, other):
            page = press(browser, page, device)
        return page


def forms(page: Answer | str) -> list[dict[str, str]]:
    """The forms on a page: their fields, `action`, and what a passkey is asked (`asked`, `kind`)."""
    text = page if isinstance(page, str) else page.text
    found = []
    for head, body in re.findall(r"<form ([^>]*)>(.*?)</form>", text, re.DOTALL):
        fields = {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?', body)
        }
        for name, key in (("action", "action"), ("data-asked", "asked"), ("data-passkey", "kind"), ("data-ask", "ask")):
            if match := re.search(rf'(?:^|\s){name}="([^"]*)"', head):
                fields[f"@{key}"] = html.unescape(match[1])
        found.append(fields)
    return found


def form_to(page: Answer | str, action: str) -> dict[str, str]:
    """The first form that goes there."""
    return next(form for form in forms(page) if action in form.get("@action", ""))


def press(browser: TestClient, page: Answer, device: Authenticator, place: int = 0, **instead: str) -> Answer:
    """Press the button of a form with a passkey, as passkey.js does."""
    form = [form for form in forms(page) if "@kind" in form][place]
    asked = json.loads(form["@asked"]) if "@asked" in form else None
    if asked is None:
        fields = {name: value for name, value in form.items() if not name.startswith("@")}
        answer = browser.post(form["@ask"], data=fields)
        assert answer.status_code == 200, answer.text
        asked = answer.json()
    credential = device.create(asked) if form["@kind"] == "create" else device.get(asked)
    fields = {name: value for name, value in form.items() if not name.startswith("@")}
    return browser.post(form["@action"], data={**fields, "credential": credential, **instead})


def follow(browser: TestClient, answer: Answer) -> Answer:
    """The page to which an answer leads."""
    assert answer.status_code == 303, answer.text
    return browser.get(answer.headers["location"])
