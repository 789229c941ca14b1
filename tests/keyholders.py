"""An organisation at a real desk and store whose people have keys in software: they propose, sign, and are told."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.filings import Clock

from locum.absence import Mailbox, Person
from locum.approval import Signed
from locum.desk import Acting, Desk, Office, Organisation, ToSign
from locum.entry import Json
from locum.hours import WorkingHours
from locum.letter import Letter
from locum.measure import instant
from locum.policy import load
from locum.proposals import Proposal
from locum.register import STREAM, Moment
from locum.store import Store
from registers import key_of
from softkeys import SITE, SoftKey

NAMES = {"maria": "hr", "dirk": "dpo", "sam": "it", "mark": "sales", "hugo": "hr", "anna": "sales"}


@dataclass
class Staff:
    """Who is on file, with the functions that people.csv proposes."""

    persons: dict[str, Person] = field(default_factory=dict)

    def person(self, person_id: str) -> Person | None:
        return self.persons.get(person_id)

    def owner(self, address: str) -> Person | None:
        return next((p for p in self.persons.values() if p.mailbox and address in p.mailbox.addresses), None)

    def everyone(self) -> Iterable[Person]:
        return tuple(self.persons.values())


def person(name: str, function: str, language: str = "nl", manager: str = "") -> Person:
    return Person(
        id=name, name=name.title(), mailbox=Mailbox(address=f"{name}@corp.test"), language=language,
        time_zone="Europe/Amsterdam", function=function, manager=manager,
    )  # fmt: skip


@dataclass
class Outbox:
    letters: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> str:
        self.letters.append(letter)
        return "250 ok"

    def render(self, letter: Letter) -> tuple[str, str]:
        return letter.event, ""


class Keyholders:
    """`found` first; then Maria (hr) and Dirk (dpo) have keys."""

    def __init__(self, store: Store, clock: Clock, site=SITE) -> None:
        self.store, self.clock, self.post = store, clock, Outbox()
        self.staff = Staff({name: person(name, function) for name, function in NAMES.items()})
        self.keys = {name: SoftKey(name, site=site) for name in NAMES}
        self.desk = Desk(self.office(site))

    def office(self, site) -> Office:
        return Office(
            store=self.store, connectors={}, route=lambda _address: None, people=self.staff, post=self.post,
            policy=load(),
            organisation=Organisation(
                name="Voorbeeld BV", domains=("corp.test",), language="nl", time_zone="Europe/Amsterdam",
                hours=WorkingHours.parse("mon-fri 09:00-17:00"), web_url=site.origin if site else "https://locum.corp.test", dpo="dpo@corp.test",
            ),
            leave=(), clock=self.clock, random=os.urandom, render=lambda _account, form: form.encode(), site=site,
        )  # fmt: skip

    def acting(self, name: str) -> Acting:
        return Acting(id=name, name=name.title(), address=f"{name}@corp.test")

    def founding(self, one: str = "maria", other: str = "dirk") -> dict[str, Json]:
        rows: list[Json] = [
            {**key_of(name, self.keys[name]), "function": self.staff.persons[name].function} for name in (one, other)
        ]
        return {"people": rows, "present": "Nora, works council"}

    def found(self) -> None:
        what = self.founding()
        signed = [
            self.answer(self.desk.founding_to_sign(what, name, "nl"), self.keys[name]) for name in ("maria", "dirk")
        ]
        self.desk.found(signed)

    def answer(self, asked: ToSign, key: SoftKey) -> Signed:
        return Signed(asked.statement, key.sign(asked.challenge).dump())

    def propose(self, who: str, kind: str, what: dict[str, Json]) -> Proposal:
        return self.desk.propose(self.acting(who), kind, what)

    def sign(self, who: str, one: Proposal, function: str = "", key: SoftKey | None = None) -> Proposal:
        asked = self.desk.deed_to_sign(self.acting(who), one.id, function)
        made = self.answer(asked, key or self.keys[who])
        return self.desk.sign_deed(self.acting(who), one.id, made.statement, made.assertion)

    def by_two(self, kind: str, what: dict[str, Json]) -> Proposal:
        return self.sign("dirk", self.sign("maria", self.propose("maria", kind, what)))

    def give(self, name: str, function: str) -> Proposal:
        return self.by_two("function-given", {"people": [{"person": name, "function": function}]})

    def key_for(self, name: str, key: SoftKey | None = None) -> Proposal:
        """Two others give a key; it counts after a day."""
        key = key or self.keys[name]
        one = self.propose(name, "key-added", key_of(name, key))
        one = self.sign(name, one, key=key)
        return self.sign("dirk", self.sign("maria", one))

    def delegation(self, by: str, to: str, days: float = 7) -> Proposal:
        end = self.clock.now.timestamp() + days * 86400
        what: dict[str, Json] = {
            "to": to, "from": instant(self.clock.now),
            "until": instant(type(self.clock.now).fromtimestamp(end, self.clock.now.tzinfo)),
        }  # fmt: skip
        return self.propose(by, "delegated", what)

    def functions(self, name: str) -> frozenset[str]:
        return self.desk.register().functions_of(name, Moment(self.clock.now))

    def counts(self, name: str) -> int:
        """How many keys of this person count."""
        return len(self.desk.register().keys_of(name, Moment(self.clock.now)))

    def recorded(self) -> list[str]:
        return [entry.type for entry in self.store.entries(mailbox=STREAM)]

    def work(self) -> None:
        while taken := self.store.take("test", seconds=60):
            self.desk.run(taken)

    def told(self, name: str) -> list[Letter]:
        self.work()
        return [letter for letter in self.post.letters if letter.address == f"{name}@corp.test"]
