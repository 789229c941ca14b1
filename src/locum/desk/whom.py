"""Whom to ask to look at a case, in which order, and who was asked already (clause 7). Reads only; escalating.py writes.

First her own manager, where managers count, then function by function in the policy's order. Never the requester, she herself,
the receiver of a forward, or somebody of the requester's function; and nobody who is away.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from locum import register
from locum.absence import Person
from locum.desk.gating import wants_signatures
from locum.desk.judging import facts, function_of, need_for, outline, reviewers
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.entry import Entry
from locum.lifecycle import Case
from locum.register import Asked, Moment
from locum.register.standing import MANAGER

REVIEW, OVER = "letter-review", "letter-review-over"
"""The notes of the letter that a case waits, and of the one that it does so no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Somebody was asked to look. `outcome` is sending, delivered-to-relay or failed; `number` counts from 1 for this person."""

    person: str
    at: datetime
    outcome: str
    number: int


def calls(entries: Iterable[Entry], note: str = REVIEW) -> dict[str, Call]:
    """Who has been asked, by the entries of one case, and not been told since that it is over; in the order of asking.

    With the note OVER: who is being told so, or was, and has not been asked anew since.
    """
    found: dict[str, Call] = {}
    number: Counter[str] = Counter()
    for entry in entries:
        who, what = str(entry.body.get("whom", "")), entry.body.get("note")
        if entry.type != "asked" or not who or what not in (REVIEW, OVER):
            continue
        outcome = str(entry.body.get("outcome"))
        number[who] += (what, outcome) == (REVIEW, "sending")
        if what == note:
            found[who] = Call(person=who, at=entry.time, outcome=outcome, number=number[who])
        elif what == REVIEW or outcome != "sending":
            found.pop(who, None)
    return found


def has_decided(entries: Iterable[Entry], call: Call) -> bool:
    """Whether this person gave a decision since."""
    by = (one.body.get("by") for one in entries if one.type == "reviewed" and one.time >= call.at)
    return any(isinstance(one, dict) and one.get("id") == call.person for one in by)


def next_to_ask(office: Office, case: Case, asked: Mapping[str, Call], *, first: bool) -> list[Person]:
    """Whom to ask now: at first as many as have to say yes, later one more."""
    fresh = [one for one in candidates(office, case) if one.person.id not in asked]
    wanted = fresh[:1]
    need = need_for(office, case, outline(office, case), facts(office, case))
    for part in need.parts if first else ():
        able = [one for one in fresh if one.function in part.functions]
        lacking = part.count - sum(one in able for one in wanted)
        wanted += [one for one in able if one not in wanted][: max(lacking, 0)]
    return [one.person for one in wanted]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be asked, and the function that her look would count in."""

    person: Person
    function: str


def candidates(office: Office, case: Case) -> list[Candidate]:
    """Everybody who may be asked, the first one first: by the register where the look is to be signed, else by people.csv."""
    return _by_register(office, case) if wants_signatures(office, case) else _by_file(office, case)


def _by_register(office: Office, case: Case) -> list[Candidate]:
    """Only who has a key that counts, and whoever stands in for somebody."""
    concerned = _concerned(office, case)
    asked = Asked(
        owner=case.person,
        requester=case.requester,
        concerned=concerned,
        functions=reviewers(office, case),
        requester_functions=frozenset({function_of(office, case.requester)} - {""}),
    )
    rights = register.candidates(office.register(), asked, Moment(office.clock()), office.away_now())
    found = ((office.people.person(right.person), right.function) for right in rights)
    return [Candidate(one, function) for one, function in found if one is not None and one.mailbox is not None]


def _by_file(office: Office, case: Case) -> list[Candidate]:
    concerned, functions = _concerned(office, case), reviewers(office, case)
    able = [
        person
        for person in office.people.everyone()
        if person.function in functions and person.id not in concerned and person.mailbox is not None
    ]
    owner = office.people.person(case.person)
    manager = owner.manager if owner is not None else ""
    # A manager who is not hers comes last.
    able.sort(key=lambda one: (one.id != manager, one.function == MANAGER, functions.index(one.function)))
    away = office.away_now() if able else frozenset()
    return [Candidate(one, one.function) for one in able if one.id not in away]


def _concerned(office: Office, case: Case) -> frozenset[str]:
    receiver = receiver_of(office, case.receives) if case.receives else None
    return frozenset({case.requester, case.person, receiver.id if receiver is not None else ""})
