"""A browser for the people whom the demo plays: it reads our pages, fills in their forms and has a passkey answer.

Cookies, redirects and forms as any browser has them, no script: what passkey.js would put into a form is put there here.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, build_opener

from locum.demo.host import HostTrouble
from locum.demo.passkey import Passkey

_NOT_NOW = 503


@dataclass
class Shown:
    """A form as a page shows it: its own attributes, the values of its fields, and its buttons by name and value."""

    said: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects the forms of a page, and the text of what carries a class."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Shown] = []
        self.texts: dict[str, str] = {}
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Shown(told))
        elif tag == "input" and self.forms and "name" in told:
            self.forms[-1].fields[told["name"]] = told.get("value", "")
        elif tag == "button" and self.forms and "name" in told:
            self.forms[-1].buttons.append((told["name"], told.get("value", "")))
        if tag in ("pre", "p"):
            self._within = told.get("class", "").split()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("pre", "p"):
            self._within = []

    def handle_data(self, data: str) -> None:
        for name in self._within:
            self.texts[name] = self.texts.get(name, "") + data


class Browser:
    """The browser of one person, at the pages at `url`; `page` is what it shows, and `status` HTTP's word for it."""

    def __init__(self, url: str) -> None:
        self.url, self.page, self.status = url, "", 0
        self._opener = build_opener(HTTPCookieProcessor())

    def read(self, path: str) -> str:
        """Go to a page."""
        return self._load(path)

    def send(self, path: str, fields: Mapping[str, str]) -> str:
        """Send a form."""
        return self._load(path, fields)

    def _load(self, path: str, fields: Mapping[str, str] | None = None, seconds: int = 30) -> str:
        body = None if fields is None else urlencode(fields).encode()
        try:
            with self._opener.open(urljoin(self.url, path), body, timeout=20) as answer:
                self.status, self.page = answer.status, answer.read().decode()
        except HTTPError as error:  # a page all the same
            self.status, self.page = error.code, error.read().decode()
            if error.code == _NOT_NOW and seconds > 0:  # "try again in a moment": nothing was done
                time.sleep(1)
                return self._load(path, fields, seconds - 1)
        except OSError as error:
            raise HostTrouble(f"the pages did not answer: {error}") from error
        return self.page

    def press(self, value: str) -> str:
        """Press the button that sends this value."""
        for form in self.forms():
            for name, sent in form.buttons:
                if sent == value:
                    return self._load(form.said["action"], form.fields | {name: sent})
        raise HostTrouble(f"the page that came with {self.status} has no button for {value}")

    def prove(self, key: Passkey) -> str:
        """Press the button of the form that asks for a passkey, and have this one answer."""
        form = next((one for one in self.forms() if "data-passkey" in one.said), None)
        if form is None:
            raise HostTrouble(f"the page that came with {self.status} asks for no passkey")
        asked = form.said.get("data-asked") or self._asked(form)
        creates = form.said["data-passkey"] == "create"
        answer = (key.create if creates else key.get)(json.loads(asked))
        return self._load(form.said["action"], form.fields | {"credential": answer})

    def _asked(self, form: Shown) -> str:
        shown, asked = self.page, self._load(form.said["data-ask"], form.fields)
        self.page = shown
        return asked

    def sign_in(self, key: Passkey, to: str) -> str:
        """Sign in, and go where she wanted to go."""
        self.read(f"/sign-in?{urlencode({'to': to})}")
        return self.prove(key)

    def forms(self) -> list[Shown]:
        """The forms of the page."""
        return self._reader().forms

    def text(self, named: str) -> str:
        """The text of what carries this class on the page."""
        return self._reader().texts.get(named, "").strip()

    def _reader(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.page)
        return reader
