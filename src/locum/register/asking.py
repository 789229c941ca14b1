"""Who is asked to look at a request, in which order: one person first, then the next as time goes by. Pure.

Asked is only who could really decide: with a key that counts, in a function that counts and that the requester has not, not
concerned herself. Who is away is left out; whoever stands in for her comes in her place.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from locum.register.standing import MANAGER, Moment, Register, Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What it is about: `owner` is whose mailbox, `concerned` everybody who may not look (she, the requester, a receiver), and
    `functions` are those whose look counts, in the policy's order.
    """

    owner: str
    requester: str
    concerned: frozenset[str]
    functions: tuple[str, ...]
    requester_functions: frozenset[str] = frozenset()


def candidates(register: Register, asked: Asked, moment: Moment, away: Collection[str] = ()) -> tuple[Right, ...]:
    """Whom to ask, each once and the first one first: her own manager where managers count, then function by function."""
    manager = register.manager_of(asked.owner, moment)
    found = [right for function in asked.functions for right in _of(register, asked, function, moment, away)]
    found.sort(key=lambda right: not (right.function == MANAGER and manager in right.persons))
    first: dict[str, Right] = {}
    for right in found:
        first.setdefault(right.person, right)
    return tuple(first.values())


def _of(register: Register, asked: Asked, function: str, moment: Moment, away: Collection[str]) -> Iterator[Right]:
    rights = [r for p in register.people(moment) for r in register.rights(p, function, moment, asked.owner)]
    handed_on = {right.instead_of for right in rights}
    functions = asked.requester_functions | register.functions_of(asked.requester, moment)
    for right in rights:
        is_here = right.person not in away and (right.instead_of or right.person not in handed_on)
        if is_here and register.is_apart(right, asked.concerned, functions, moment):
            yield right


def due(candidates_: Sequence[Right], began_at: datetime, now: datetime, after: timedelta) -> tuple[Right, ...]:
    """Who of them should have been asked by now: the first at once, one more after each `after`."""
    return tuple(candidates_[: 1 + (now - began_at) // after])
