"""Who may sign a deed, and how: before anybody signs, for pages and for clear refusals. Pure.

What makes a deed count is rules.py's matter, and it is asked again when all have signed; this only never offers what it
would not take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from locum.approval.strict import NotProven, decoded
from locum.entry import Json
from locum.measure import parse_instant
from locum.register.growing import Growing
from locum.register.rules import LONGEST
from locum.register.signers import people
from locum.register.standing import Delegation, Moment, Register, Span

BY_TWO = frozenset({"function-given", "function-withdrawn", "manager-given"})
"""Deeds that two people of different functions sign, and nobody else."""


@dataclass(frozen=True, slots=True)
class Way:
    """She may sign in this function (none: as herself alone) with one of these keys. `is_new`: with the key it is about."""

    function: str
    credentials: tuple[bytes, ...]
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Hand:
    """A signature so far: whose, in which function, and whether it is of the key that the deed is about."""

    person: str
    function: str
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A deed that is not done yet: its kind, what it says, by whom it was proposed, and who signed so far."""

    kind: str
    what: Mapping[str, Json]
    by: str
    hands: Sequence[Hand] = ()

    @property
    def concerned(self) -> frozenset[str]:
        """Whom it is about."""
        rows = people(self.what) if "person" in self.what or "people" in self.what else []
        found = {str(row["person"]) for row in rows}
        return frozenset(found | {str(row["manager"]) for row in rows if row.get("manager")})


def ways(register: Register, wish: Wish, person: str, moment: Moment) -> tuple[Way, ...]:
    """How this person may sign it now. Raises NotProven where she may not: why."""
    keys = tuple(key.credential for key in register.keys_of(person, moment))
    if wish.kind == "key-added" and person in wish.concerned:
        return _own_new_key(wish, person, keys)
    if not keys:
        raise NotProven("no-key", person)
    if wish.kind == "delegation-ended":
        return _either(register, wish, person, keys)
    if wish.kind == "key-withdrawn" and person in wish.concerned:
        return (Way("", keys),)
    functions = register.functions_of(person, moment)
    if wish.kind == "delegated" and person != wish.by:
        raise NotProven("delegation-of-others", person)
    if not functions:
        raise NotProven("no-function", person)
    if wish.kind in ("delegated", "key-withdrawn"):
        return tuple(Way(function, keys) for function in sorted(functions))
    return _one_of_two(wish, person, functions, keys)


def _own_new_key(wish: Wish, person: str, keys: tuple[bytes, ...]) -> tuple[Way, ...]:
    if not any(hand.is_new for hand in wish.hands):
        return (Way("", (decoded(str(wish.what["credential"])),), is_new=True),)
    if any(not hand.is_new for hand in wish.hands) or not keys:
        raise NotProven("signed-before", person)  # two others sign it
    return (Way("", keys),)


def _either(register: Register, wish: Wish, person: str, keys: tuple[bytes, ...]) -> tuple[Way, ...]:
    one = register.delegations.get(str(wish.what["delegation"]))
    if one is None or one.span.ended is not None:
        raise NotProven("delegation-unknown", person)
    if person not in (one.by, one.to):
        raise NotProven("delegation-of-others", person)
    return (Way("", keys),)


def _one_of_two(wish: Wish, person: str, functions: frozenset[str], keys: tuple[bytes, ...]) -> tuple[Way, ...]:
    others = [hand for hand in wish.hands if not hand.is_new]
    if wish.kind == "key-added" and len(others) == len(wish.hands):
        raise NotProven("new-key-first", str(wish.what["person"]))
    if any(hand.person == person for hand in others):
        raise NotProven("signed-before", person)
    if person in wish.concerned:
        raise NotProven("person-concerned", person)
    left = functions - {hand.function for hand in others}
    if not left:
        raise NotProven("same-person-or-function", person)
    return tuple(Way(function, keys) for function in sorted(left))


def check_delegation(growing: Growing, by: str, to: str, from_at: datetime, until_at: datetime, now: datetime) -> None:
    """Say early what rules.py would say late. Raises NotProven."""
    starts = max(from_at, now)
    if not starts < until_at <= starts + LONGEST:
        raise NotProven("delegation-without-end", by)
    span = Span(index=0, from_at=starts, until_at=until_at)
    one = Delegation(id="", by=by, to=to, function="", credential=b"", span=span)
    if by == to or by in growing.reached(one):
        raise NotProven("delegation-circle", by)


def instants(what: Mapping[str, Json]) -> tuple[datetime, datetime]:
    """From when until when a `delegated` says that somebody stands in."""
    return parse_instant(str(what["from"])), parse_instant(str(what["until"]))
