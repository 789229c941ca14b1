"""What is seen on the stage, for every act of the demo: told with a mark if it was observed, and remembered if it was not.

From outside only: what left by mail, what lies in mailboxes, what the pages show, what the commands answer.
"""

import re
import time
from email.message import EmailMessage
from pathlib import Path
from textwrap import wrap
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from rich.console import Console
from rich.text import Text

from locum.demo.host import Received
from locum.demo.stage import HOME_ZONE, Stage

CUSTOMER = "kunde@customer.test"
_NOT_NOW = 503


class Story:
    """Tells and checks. `failed` are the things that were not observed."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failed: list[str] = []

    def chapter(self, title: str) -> None:
        """A heading."""
        self.console.print(f"\n[bold]{title}[/bold]")

    def tell(self, text: str) -> None:
        """A line of the story."""
        self._print(text, "  ", "  ")

    def line(self, text: str, first: str) -> None:
        """A line that begins with `first`, set in beneath it where it is long."""
        self._print(text, first, " " * len(first))

    def show(self, text: str, most: int = 60) -> None:
        """Something as it really is: a message, a page, a file; of a long one, the first `most` lines."""
        lines = text.strip("\n").splitlines()
        for line in lines[:most]:
            self._print(line, "  │ ", "  │ " + " " * (len(line) - len(line.lstrip(" |"))), style="dim")
        if len(lines) > most:
            self._print(f"… and {len(lines) - most} lines more", "  │ ", "  │ ", style="dim")

    def see(self, what: str, holds: object) -> None:
        """Something that has to have been observed."""
        mark, style = ("✓", "green") if holds else ("✗ NOT SEEN:", "red")
        first, *rest = self._lines(f"{mark} {what}", "  ", "    ")
        told = Text(first)
        told.stylize(style, 2, 2 + len(mark))
        self.console.print(told, soft_wrap=True)
        for line in rest:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        if not holds:
            self.failed.append(what)

    def _print(self, text: str, first: str, then: str, style: str | None = None) -> None:
        for line in self._lines(text, first, then):
            self.console.print(line, markup=False, highlight=False, soft_wrap=True, style=style)

    def _lines(self, text: str, first: str, then: str) -> list[str]:
        """Wrapped, and set in; a link or another long word stays whole."""
        width = max(self.console.width - 1, 40)
        return wrap(
            text, width, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False,
        ) or [first.rstrip()]  # fmt: skip


def clock(stage: Stage) -> str:
    """The moved clock, in words."""
    return stage.now().astimezone(HOME_ZONE).strftime("%A %d %B %Y, %H:%M")


def replies(stage: Stage, seconds: float = 15, to: str = CUSTOMER, above: int = 0) -> list[Received]:
    """What left for an address, once there is more of it than `above`."""

    def found() -> list[Received]:
        return [message for message in stage.outside.messages if to in message.recipients]

    stage.until("a reply", lambda: len(found()) > above, seconds)
    return found()[above:]


def page(address: str, seconds: float = 30) -> str:
    """What the page behind a link shows. Where it says "try again in a moment", that is done, as anybody would."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())
        except HTTPError as error:
            if error.code != _NOT_NOW or time.monotonic() > until:
                raise
            time.sleep(1)


def press(link: str, shown: str, button: str) -> str:
    """Press a button of the page that was shown; what the page shows then."""
    request = re.search(r'name="request" value="([^"]*)"', shown)
    form = urlencode({"answer": button, "request": request[1] if request else ""}).encode()
    with urlopen(link, form, timeout=10) as answer:
        return str(answer.read().decode())


def link_in(text: str) -> str:
    """The link of a letter; empty where there is none."""
    found = re.search(r"http\S+/l/[\w.~-]+", text)
    return found[0] if found else ""


def plain(mail: EmailMessage) -> str:
    """Its text."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


def state(stage: Stage, case: str) -> object:
    """How far a case is."""
    return stage.locum("show", case).get("state")


def in_mailbox(stage: Stage, address: str, word: str) -> list[Path]:
    """The messages of an inbox that hold a word. Nobody logs in for this."""
    return [
        path for path in stage.host.home(address).glob("Maildir/new/*") if word in path.read_text("utf-8", "replace")
    ]
