"""What the pages of people and keys show: names, functions, proposals and keys in words. Changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from locum.desk import Desk
from locum.messages import say, says
from locum.phrases import when
from locum.proposals import Proposal
from locum.register import Key, Moment
from locum.register.reading import key_words, text_of
from locum.register.signers import people
from locum.register.ways import instants
from locum.web.signin.doorway import Signed


@dataclass(frozen=True, slots=True)
class Words:
    """Says things in the reader's language and time zone."""

    desk: Desk
    language: str
    time_zone: str

    @classmethod
    def of(cls, desk: Desk, who: Signed) -> "Words":
        """For whoever is signed in."""
        return cls(desk, who.person.language, who.person.time_zone)

    def name(self, person_id: str) -> str:
        """Somebody's name; the id of who is not on file."""
        person = self.desk.office.people.person(person_id)
        return person.name if person is not None else person_id

    def function(self, function: str) -> str:
        """A function in words; nothing where somebody signs as herself alone."""
        key = f"words.function.{function}"
        return say(self.language, key) if says(self.language, key) else function

    def functions(self, functions: Sequence[str] | frozenset[str]) -> str:
        """Several of them."""
        return ", ".join(self.function(one) for one in sorted(functions))

    def when(self, instant: datetime) -> str:
        """An instant."""
        return when(instant, self.language, self.time_zone)

    def proposal(self, one: Proposal) -> dict[str, object]:
        """A proposal in a list."""
        lines = text_of(one.kind, one.what, self.language).split("\n")[:-1]
        rows = one.what.get("people")
        about = lines[1:3] if isinstance(rows, list) else lines[:1]
        return {
            "id": one.id,
            "title": say(self.language, f"deeds.{one.kind}.title"),
            "about": about,
            "more": max(0, len(rows) - 2) if isinstance(rows, list) else 0,
            "by": self.name(one.by),
            "until": self.when(one.not_after),
            "signed": ", ".join(self.name(hand.person) for hand in self.desk.hands(one) if not hand.is_new),
        }

    def named(self, person_id: str) -> str:
        """Somebody's name and address."""
        person = self.desk.office.people.person(person_id)
        address = person.mailbox.address if person is not None and person.mailbox is not None else ""
        return f"{self.name(person_id)}, {address}" if address else self.name(person_id)

    def persons(self, one: Proposal) -> set[str]:
        """Everybody whom the text of a proposal names."""
        found = {str(row[name]) for row in people(one.what) for name in ("person", "manager", "to") if row.get(name)}
        delegation = self.desk.register().delegations.get(str(one.what.get("delegation", "")))
        return found | ({delegation.by, delegation.to} if delegation is not None else set())

    def span(self, one: Proposal) -> tuple[str, str] | None:
        """From when until when somebody would stand in, where the reader is."""
        if one.kind != "delegated":
            return None
        start, end = instants(one.what)
        return self.when(start), self.when(end)

    def key(self, key: Key, now: datetime) -> dict[str, object]:
        """A key in a list."""
        waits = key.span.ended is None and now < key.span.from_at
        return {
            "id": key.credential.hex(),
            "words": key_words(key.credential, self.language),
            "state": "over" if key.span.ended is not None else "waits" if waits else "counts",
            "from": self.when(key.span.from_at),
        }


def keys_of(desk: Desk, person: str) -> list[Key]:
    """Her keys that were not withdrawn, those that wait among them."""
    return [key for key in desk.register().keys.values() if key.person == person and key.span.ended is None]


@dataclass(frozen=True, slots=True)
class Found:
    """Everybody in the record, or those whose name holds what was searched: the first of them, how many, and of how many."""

    shown: list[Mapping[str, object]]
    found: int
    all: int


def everybody(desk: Desk, words: Words, now: datetime, wanted: str, most: int) -> Found:
    """Everybody who has a key or a function in the record, by name."""
    register, moment = desk.register(), Moment(now)
    keys = {key.person: "waits" for key in register.keys.values() if key.span.ended is None}
    keys |= {key.person: "counts" for key in register.keys.values() if key.span.holds(moment)}
    managing = {m for (_, m), spans in register.managers.items() if any(span.holds(moment) for span in spans)}
    given = {p for (p, _), spans in register.functions.items() if any(span.holds(moment) for span in spans)}
    names = sorted((words.name(one).casefold(), one) for one in given | managing | keys.keys())
    found = [one for name, one in names if wanted.casefold() in name or wanted.casefold() in one.casefold()]
    shown: list[Mapping[str, object]] = [
        {
            "id": one,
            "name": words.name(one),
            "functions": words.functions(register.functions_of(one, moment)),
            "key": keys.get(one, "none"),
        }
        for one in found[:most]
    ]
    return Found(shown, len(found), len(names))
