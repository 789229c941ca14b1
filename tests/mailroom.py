"""A small mail system in which one message can be found: mailboxes as lists of messages in a file, and the organisation of
signedworld.py with them. It does what seam.Searcher asks, no more, and counts what it was asked.

What is left out is judged by locum.narrowing; real servers are tried in tests/connectors.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.signedworld import SignedWorld

from locum.absence import Mailbox
from locum.app import App
from locum.desk import SearchForm
from locum.errors import Refused, Unreachable
from locum.ladder import Ladder
from locum.lifecycle import Case, State
from locum.narrowing import answers, excluded, is_doubtful, read_headers
from locum.query import Look, Query
from locum.seam import Counted, Fetched, Hit, Listed, Looked, Report

TRIED = (
    ("auto-reply", "2026-11-20"),
    ("sender-resends", "2026-11-20"),
    ("colleagues-copies", "2026-11-20"),
    ("shared-mailbox", "2026-11-20"),
)
SEARCH = """\
[search]
witness = "{witness}"
counts_per_month = {counts_per_month}
[search.ask]
wait_hours = 16
"""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message. `at` is when it was received, in ISO 8601."""

    sender: str = "jansen@klant.test"
    subject: str = "Offerte 4711"
    at: str = "2026-11-20T10:00:00+00:00"
    text: str = "De offerte zit hierbij."
    headers: str = ""

    @property
    def received(self) -> datetime:
        return datetime.fromisoformat(self.at)

    @property
    def raw(self) -> bytes:
        return (
            f"From: {self.sender}\r\nTo: anna@corp.test\r\nSubject: {self.subject}\r\n"
            f"Date: {self.received:%a, %d %b %Y %H:%M:%S +0000}\r\nMessage-ID: <{hash((self.sender, self.subject, self.at)):x}@klant.test>\r\n"
            f"{self.headers}\r\n{self.text}\r\n"
        ).encode()


@dataclass
class Mailroom:
    """The mail system. `looks` are what it was asked, `away` that it does not answer, `closed` how often it was closed."""

    folder: Path
    name: str = "dovecot"
    away: bool = False
    looks: list[str] = field(default_factory=list)
    closed: int = 0

    def put(self, *messages: Message, address: str = "anna@corp.test") -> None:
        file = self.folder / f"{address}.json"
        found = json.loads(file.read_text()) if file.exists() else []
        file.write_text(json.dumps([*found, *(asdict(one) for one in messages)]))

    def _messages(self, mailbox: Mailbox) -> list[Message]:
        file = self.folder / f"{mailbox.address}.json"
        return [Message(**one) for one in json.loads(file.read_text())] if file.exists() else []

    def _answering(self, mailbox: Mailbox, look: Look, act: str) -> tuple[list[tuple[int, Message]], Looked]:
        if self.away:
            raise Unreachable("store-unreachable", reason="away")
        self.looks.append(act)
        with (self.folder / "looks").open("a") as file:
            file.write(f"{act}\n")
        left_out: dict[str, int] = {}
        found = []
        for place, one in enumerate(self._messages(mailbox)):
            headers = read_headers(one.raw.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
            if not answers(look.query, headers, one.received, f"{one.subject} {one.text}"):
                continue
            if (kind := excluded(headers, (), look.exclusions)) is not None:
                left_out[kind] = left_out.get(kind, 0) + 1
            else:
                found.append((place, one))
        return found, Looked(excluded=tuple(left_out.items()), headers=len(found), grants=("locum-1",))

    def count(self, mailbox: Mailbox, look: Look) -> Counted:
        found, looked = self._answering(mailbox, look, "count")
        return Counted(number=min(len(found), look.most + 1), looked=looked)

    def list(self, mailbox: Mailbox, look: Look) -> Listed:
        found, looked = self._answering(mailbox, look, "list")
        if len(found) > look.most:
            raise Refused("too-broad")
        return Listed(hits=tuple(_hits(found)), looked=looked)

    def fetch(self, mailbox: Mailbox, look: Look, place: str) -> Fetched:
        found, looked = self._answering(mailbox, look, "fetch")
        for number, one in found:
            if str(number) == place:
                return Fetched(content=one.raw, looked=looked)
        raise Refused("no-longer-there")

    def close(self, mailbox: Mailbox) -> None:
        self.closed += 1

    def check(self, sample: Mailbox | None = None) -> Report:
        return ()


def _hits(found: list[tuple[int, Message]]) -> Iterator[Hit]:
    for place, one in sorted(found, key=lambda each: each[1].at, reverse=True):
        yield Hit(
            place=str(place),
            message_id=f"<{place}>",
            from_=one.sender,
            at=one.received,
            subject=one.subject,
            masked=is_doubtful(read_headers(one.raw.split(b"\r\n\r\n")[0] + b"\r\n\r\n")),
        )


@dataclass
class SearchWorld(SignedWorld):
    """The organisation, where one message can be looked for. Anna is away, as no list says; Bob (it) asks, Dirk (hr) signs."""

    counts_per_month: int = 10
    rules: str = ""
    witness: str = "wait"
    room: Mailroom = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "room").mkdir(exist_ok=True)
        self.room = Mailroom(self.folder / "room")
        super().__post_init__()

    def write_policy(self, text: str) -> None:
        super().write_policy(
            text + SEARCH.format(counts_per_month=self.counts_per_month, witness=self.witness) + self.rules
        )

    def wired(self) -> App:
        made = super().wired()
        made.__dict__["searchers"] = {"dovecot": self.room}
        return made

    def search_form(self, **changes: object) -> SearchForm:
        given: dict[str, object] = {
            "mailbox": "anna@corp.test",
            "reason": "customer",
            "because": "De afspraak over offerte 4711 moet worden nagekeken.",
            "deliver_to": "verkoop@corp.test",
            "senders": ("klant.test",),
            "words": ("offerte",),
            "tried": TRIED,
        }
        return SearchForm(**(given | changes))  # type: ignore[arg-type]

    def searched(self, by: str = "bob", **changes: object) -> Case:
        """A search that was filed; she is asked."""
        case = self.desk.request(self.me(by), self.search_form(**changes))
        self.work()
        return self.now_of(case)

    def unanswered(self, **changes: object) -> Case:
        """One that she did not answer, and that waits for signatures."""
        case = self.searched(**changes)
        self.now += timedelta(days=4)
        self.work()
        return self.now_of(case)

    def open_search(self, **changes: object) -> Case:
        """One that is open for the steps."""
        case = self.unanswered(**changes)
        self.signs("bob", case, "request")
        self.signs("dirk", case)
        case = self.now_of(case)
        assert case.state is State.APPLIED, (case.state, case.trouble, self.app.store.jobs(case.id))
        return case

    def counts(self, case: Case, who: str = "bob", query: Query | None = None) -> str:
        """Somebody has it counted; what came out, as it is told."""
        self.desk.searching.count(self.me(who), self.now_of(case), query)
        self.work()
        return self.ladder(case).bucket

    def lists(self, case: Case, who: str = "bob") -> list[str]:
        """Somebody has it listed; the subjects."""
        self.desk.searching.list(self.me(who), self.now_of(case))
        self.work()
        kept = self.desk.searching.hits(self.me(who), self.now_of(case))
        return [] if kept is None else [one.subject for one in kept.hits]

    def ladder(self, case: Case) -> Ladder:
        return self.desk.searching.ladder(self.now_of(case))

    def bodies(self, case: Case, kind: str) -> list[dict[str, object]]:
        """What the entries of this type hold."""
        return [dict(one.body) for one in self.app.store.entries(case=case.id) if one.type == kind]
