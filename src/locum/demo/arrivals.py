"""What arrived anywhere on the stage since one looked last: text messages, mail to people at home and outside, mail in mailboxes.

Read where it lies; nobody logs in, and nothing is changed by looking.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as mail_policy
from pathlib import Path

from locum.demo.observed import plain
from locum.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message. `links` are those that lead to Locum's pages, each once."""

    to: str
    sender: str
    subject: str
    text: str
    links: tuple[str, ...]


class Arrivals:
    """Looks, again and again."""

    def __init__(self, stage: Stage, addresses: tuple[str, ...]) -> None:
        """`addresses` are those of the mailboxes."""
        self._stage, self._addresses = stage, addresses
        self._seen: set[Path] = set()
        self._texts = self._outside = 0

    def new(self) -> list[Arrival]:
        """What arrived since."""
        return [*self._on_telephones(), *self._out_there(), *self._in_mailboxes()]

    def _on_telephones(self) -> Iterator[Arrival]:
        fresh = self._stage.gateway.messages[self._texts :]
        self._texts += len(fresh)
        for number, text in fresh:
            yield Arrival(number, "locum", text.partition("\n")[0], text, self._links(text))

    def _out_there(self) -> Iterator[Arrival]:
        fresh = self._stage.outside.messages[self._outside :]
        self._outside += len(fresh)
        for one in fresh:
            yield self._arrival(", ".join(one.recipients), one.mail)

    def _in_mailboxes(self) -> Iterator[Arrival]:
        for address in self._addresses:
            folder = self._stage.host.home(address)
            for path in sorted({*folder.glob("Maildir/new/*"), *folder.glob("Maildir/.*/new/*")} - self._seen):
                self._seen.add(path)
                yield self._arrival(address, BytesParser(policy=mail_policy).parsebytes(path.read_bytes()))

    def _arrival(self, to: str, mail: EmailMessage) -> Arrival:
        text = plain(mail)
        return Arrival(to, str(mail["From"]), str(mail["Subject"]), text, self._links(text))

    def _links(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(re.findall(rf"{re.escape(self._stage.url)}/[\w./~-]*[\w~-]", text)))
