"""Whose cases somebody may see, and a page of them at a time: those she asked for, those of her own mailbox, those that wait
for her decision, those she decided on. Nobody sees another's.

Who may see a case at all is said in seeing.py; whether a decision counts, where it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from locum.desk.forms import Acting
from locum.desk.office import Office
from locum.desk.seeing import waits_for
from locum.lifecycle import Case, State
from locum.policy import MEASURES, Policy
from locum.register import Moment

WHICH: Final = ("deciding", "requester", "owner", "decided")
"""The lists, and the parts somebody may have in a case."""
_DECIDED_IN: Final = (State.AWAITING_REVIEW, State.OBJECTED)
_AT_ONCE: Final = 100
_LOOKED_AT: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of cases. `after` is where the next one begins, empty where there is none."""

    cases: tuple[Case, ...]
    after: str = ""


def part_in(office: Office, acting: Acting, case: Case) -> frozenset[str]:
    """See Desk.part_in."""
    parts = {
        "requester": acting.id == case.requester,
        "owner": acting.id == case.person,
        "deciding": waits_for(office, acting, case),
        "decided": any(person == acting.id for person, _, _ in case.reviews),
    }
    return frozenset(part for part, has in parts.items() if has)


def listed(office: Office, acting: Acting, which: str, before: str, many: int) -> Listed:
    """See Desk.listed. One more than asked for is looked up, to know whether there is a next page."""
    match which:
        case "requester":
            found = office.store.find(requester=acting.id, before=before, limit=many + 1)
        case "decided":
            found = office.store.find(reviewer=acting.id, before=before, limit=many + 1)
        case "owner":
            found = _about(office, acting, before, many + 1)
        case _:
            return _deciding(office, acting, before, many)
    return _page(found, many)


def _page(found: list[Case], many: int) -> Listed:
    shown = tuple(found[:many])
    return Listed(cases=shown, after=shown[-1].id if len(found) > many else "")


def _about(office: Office, acting: Acting, before: str, many: int) -> list[Case]:
    if not acting.address:
        return []
    found = office.store.find(mailbox=acting.address, before=before, limit=many)
    return [case for case in found if case.person == acting.id]


def _deciding(office: Office, acting: Acting, before: str, many: int) -> Listed:
    """What waits for her. Looks at nothing for whoever never decides, at little more than it shows where most of what waits is
    hers, and never at more than a thousand.
    """
    if not _decides_ever(office, acting):
        return Listed(cases=())
    found: list[Case] = []
    for case in _waiting(office, before):
        if waits_for(office, acting, case):
            found.append(case)
        if len(found) > many:
            break
    return _page(found, many)


def _waiting(office: Office, before: str) -> Iterator[Case]:
    last = before
    for _ in range(_LOOKED_AT // _AT_ONCE):
        some = office.store.find(states=_DECIDED_IN, before=last, limit=_AT_ONCE)
        yield from some
        if len(some) < _AT_ONCE:
            return
        last = some[-1].id


def _decides_ever(office: Office, acting: Acting) -> bool:
    """Whether she has a function, or stands in for one, that any policy has look. Most people who come here only ask."""
    register, now = office.register(), Moment(office.clock())
    instead = {one.function for one in register.delegations.values() if one.to == acting.id}
    hers = {acting.function, *register.functions_of(acting.id, now), *instead} - {""}
    return bool(hers) and any(hers & _looking(policy) for policy in office.policies())


def _looking(policy: Policy) -> set[str]:
    """The functions that decide about anything."""
    rules = (policy.rules(name) for name in MEASURES)
    reviewing = {function for one in rules for function in one.review.functions}
    return {*reviewing, *policy.departure.contact, policy.four_eyes.officer, *policy.objection.functions}
