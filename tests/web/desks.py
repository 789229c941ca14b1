"""A whole desk for the pages: the real Desk over a real store, with a mail system and a post that live in memory."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from locum.absence import Absence, Mailbox, Person
from locum.desk import Acting, Desk, Office, Organisation, RequestForm
from locum.desk.behind_links import set_link
from locum.hours import WorkingHours
from locum.letter import Letter
from locum.lifecycle import Case
from locum.measure import AutoReply, Can, Standing, Wanted
from locum.policy import Policy, load
from locum.seam import Report
from locum.store import Change, Store

URL = "http://locum.corp.test"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
REQUESTER = Acting(id="sam", name="Sam Jansen", address="sam@corp.test")


@dataclass
class Clock:
    """The time, moved by hand."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now


class Ticks:
    """A monotonic clock, moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class MailSystem:
    """A mail system in memory."""

    name: str = "memory"
    can: Can = field(default_factory=Can)
    replies: dict[str, tuple[AutoReply, ...]] = field(default_factory=dict)

    def user(self, mailbox: Mailbox) -> str:
        return mailbox.address

    def read(self, mailbox: Mailbox) -> Standing:
        return Standing(replies=self.replies.get(mailbox.address, ()), own_reply=False)

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        self.replies[mailbox.address] = wanted.replies
        return self.read(mailbox)

    def check(self, sample: Mailbox | None = None) -> Report:
        return ()


@dataclass
class Outbox:
    """Letters that would have been sent."""

    letters: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> str:
        self.letters.append(letter)
        return "250 ok"

    def render(self, letter: Letter) -> tuple[str, str]:
        return letter.event, ""


@dataclass
class Staff:
    """Who is who."""

    persons: list[Person]

    def person(self, person_id: str) -> Person | None:
        return next((person for person in self.persons if person.id == person_id), None)

    def owner(self, address: str) -> Person | None:
        return next((p for p in self.persons if p.mailbox and address in p.mailbox.addresses), None)

    def everyone(self) -> Iterable[Person]:
        return self.persons


def person(name: str, language: str = "nl", **changes: str | date) -> Person:
    """A colleague with a mailbox."""
    full = {"anna": "Anna de Vries", "sam": "Sam Jansen", "bert": "Bert Bos"}[name]
    mailbox = Mailbox(address=f"{name}@corp.test")
    return Person(id=name, name=full, mailbox=mailbox, language=language, time_zone="Europe/Amsterdam", **changes)  # type: ignore[arg-type]


class Counter:
    """A desk at work, and what a test does to it from outside."""

    def __init__(
        self, place: Path, *, language: str = "nl", organisation: str = "Voorbeeld BV", policy: Policy | None = None
    ) -> None:
        self.clock = Clock()
        self.post = Outbox()
        self.mail = MailSystem()
        self.store = Store(f"sqlite:///{place}/locum.db", self.clock)
        self.store.migrate()
        office = Office(
            store=self.store,
            connectors={"memory": self.mail},
            route=lambda _address: "memory",
            people=Staff([person("anna", language), person("sam"), person("bert", "en")]),
            post=self.post,
            policy=policy or load(),
            organisation=Organisation(
                name=organisation,
                domains=("corp.test",),
                language="nl",
                time_zone="Europe/Amsterdam",
                hours=WorkingHours.parse("mon-fri 09:00-17:00"),
                web_url=URL,
            ),
            leave=(),
            clock=self.clock,
            random=os.urandom,
            render=lambda _account, form: form.encode(),
        )
        self.desk = Desk(office)

    def ask(self, **changes: object) -> tuple[Case, str]:
        """Sam asks for a reply on Anna's mailbox, and she is asked. The case, and the token in her letter."""
        form = {
            "mailbox": "anna@corp.test",
            "reason": "forgotten",
            "because": "Een klant belt steeds.",
            "until": "2026-12-25",
        }
        case = self.desk.request(REQUESTER, RequestForm(**{**form, **changes}))  # type: ignore[arg-type]
        self.work()
        return self.desk.case(case.id), self.link("ask")

    def remind(self) -> str:
        """The token of a reminder before Anna's leave."""
        token = self.desk.office.new_token()
        leave = Absence(person="anna", from_at=MONDAY, until_at=MONDAY + timedelta(days=14), source="leave.csv")
        self.store.commit([Change(links=(set_link(token, leave),))])
        return token

    def pass_time(self, **time: float) -> None:
        """Later."""
        self.clock.now += timedelta(**time)
        self.work()

    def work(self) -> None:
        """Do all that is due, as a worker does."""
        while taken := self.store.take("test", seconds=60):
            self.desk.run(taken)

    def link(self, event: str) -> str:
        """The token in the latest letter of this kind."""
        letter = next(letter for letter in reversed(self.post.letters) if letter.event == event)
        return urlsplit(letter.values["link"]).path.removeprefix("/l/")

    def everything(self) -> tuple[object, ...]:
        """All that the store holds of Anna's mailbox, to see that nothing changed."""
        cases = self.store.find(mailbox="anna@corp.test")
        jobs = [job for case in cases for job in self.store.jobs(case.id)]
        return cases, self.store.entries(mailbox="anna@corp.test"), jobs, dict(self.mail.replies)
