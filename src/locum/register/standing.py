"""Register: whose a key was, who had which function, whose manager somebody was, who stood in for whom, at any moment.

Values only; how they come about is fold.py's matter. A moment is a place in the log and a time: what stands later in the log
was not there yet, whatever time it bears, so that nobody can make a right older than it is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

MANAGER: Final = "manager"
"""The function that somebody also has towards those whose manager she is."""

_END_OF_LOG: Final = 2**62


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the log and a time. By default the place is after all that is known: now."""

    at: datetime
    index: int = _END_OF_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when until when something held, and the places of the entries that began and ended it."""

    index: int
    from_at: datetime
    ended: int | None = None
    until_at: datetime | None = None

    def holds(self, moment: Moment) -> bool:
        """Whether it did at this moment."""
        in_log = self.index < moment.index and (self.ended is None or moment.index < self.ended)
        return in_log and self.from_at <= moment.at and (self.until_at is None or moment.at < self.until_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A passkey of a person. `counts` are the counters it has shown here: the place of the entry, and the number."""

    person: str
    credential: bytes
    public_key: bytes = field(repr=False)
    span: Span
    counts: tuple[tuple[int, int], ...] = ()

    def count_before(self, index: int) -> int:
        """The highest counter shown in entries before this place."""
        return max((count for place, count in self.counts if place < index), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """`by` has `to` decide in her function, for a while. `credential` is the key that she said so with, `id` the nonce."""

    id: str
    by: str
    to: str
    function: str
    credential: bytes
    span: Span


@dataclass(frozen=True, slots=True)
class Right:
    """A person may decide in a function: her own, or that of somebody for whom she stands in (`instead_of`)."""

    person: str
    function: str
    instead_of: str = ""

    @property
    def persons(self) -> frozenset[str]:
        """Everybody whose decision it is. Two persons are two only where none of these is in both."""
        return frozenset({self.person, self.instead_of} - {""})


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry that gave no right: its place, its type, the reason (messages/<language>/gate.toml) and whom that is about."""

    index: int
    type: str
    key: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What all entries up to a place say together. Functions are by person and function, managers by person and manager."""

    keys: Mapping[bytes, Key] = field(default_factory=dict)
    functions: Mapping[tuple[str, str], Sequence[Span]] = field(default_factory=dict)
    managers: Mapping[tuple[str, str], Sequence[Span]] = field(default_factory=dict)
    delegations: Mapping[str, Delegation] = field(default_factory=dict)
    ignored: Sequence[Ignored] = ()
    by_person: list["ByPerson"] = field(default_factory=list, repr=False, compare=False)

    @property
    def _of(self) -> "ByPerson":
        """Where to look for a person, made when first asked and kept: thousands have a function, and each page asks about many."""
        known = next(iter(self.by_person), None)
        if known is None or known.size != len(self.functions) + len(self.managers):  # pairs come, and never go
            known = ByPerson.made(self.functions, self.managers)
            self.by_person[:] = [known]
        return known

    def keys_of(self, person: str, moment: Moment) -> list[Key]:
        """The keys that count for her, the oldest first."""
        return [key for key in self.keys.values() if key.person == person and key.span.holds(moment)]

    def manager_of(self, person: str, moment: Moment) -> str:
        """Her manager, or nobody."""
        found = (pair[1] for pair in self._of.managers.get(person, ()) if _any(self.managers[pair], moment))
        return next(found, "")

    def functions_of(self, person: str, moment: Moment, about: str | None = None) -> frozenset[str]:
        """The functions that she has herself. `manager` is one towards those whose manager she is: towards `about`, or,
        where nobody is named, towards anybody.
        """
        given = {pair[1] for pair in self._of.functions.get(person, ()) if _any(self.functions[pair], moment)}
        managed = (pair[0] for pair in self._of.managing.get(person, ()) if _any(self.managers[pair], moment))
        if any(about in (None, one) for one in managed):
            given.add(MANAGER)
        return frozenset(given)

    def rights(self, person: str, function: str, moment: Moment, about: str) -> Iterator[Right]:
        """How she may decide in this function about somebody: herself first, then instead of others."""
        if function in self.functions_of(person, moment, about):
            yield Right(person, function)
        for one in self.delegations.values():
            if (one.to, one.function) == (person, function) and self.delegation_holds(one, moment, about):
                yield Right(person, function, one.by)

    def delegation_holds(self, one: Delegation, moment: Moment, about: str) -> bool:
        """It does as long as whoever gave it has the function, and the key that she gave it with."""
        has_key = self.keys[one.credential].span.holds(moment)
        return has_key and one.span.holds(moment) and one.function in self.functions_of(one.by, moment, about)

    def is_apart(self, right: Right, concerned: frozenset[str], functions: frozenset[str], moment: Moment) -> bool:
        """Whether this is another pair of eyes: nobody concerned, and not of the requester's `functions`; who stands in for
        somebody is not of them herself either.
        """
        own = self.functions_of(right.person, moment) if right.instead_of else frozenset()
        return not right.persons & concerned and not functions & (own | {right.function})

    def people(self, moment: Moment) -> dict[str, frozenset[str]]:
        """Everybody who has a key that counts, with her functions, in the order of their first keys."""
        enrolled = dict.fromkeys(key.person for key in self.keys.values() if key.span.holds(moment))
        return {person: self.functions_of(person, moment) for person in enrolled}


@dataclass(frozen=True, slots=True)
class ByPerson:
    """The pairs of a register by whom they are about: functions and managers by person, and managers by the manager."""

    functions: Mapping[str, Sequence[tuple[str, str]]]
    managers: Mapping[str, Sequence[tuple[str, str]]]
    managing: Mapping[str, Sequence[tuple[str, str]]]
    size: int

    @classmethod
    def made(cls, functions: Collection[tuple[str, str]], managers: Collection[tuple[str, str]]) -> "ByPerson":
        """Of the pairs of a register."""
        size = len(functions) + len(managers)
        return cls(_grouped(functions, 0), _grouped(managers, 0), _grouped(managers, 1), size)


def _grouped(pairs: Iterable[tuple[str, str]], by: int) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        found.setdefault(pair[by], []).append(pair)
    return found


def _any(spans: Sequence[Span], moment: Moment) -> bool:
    return any(span.holds(moment) for span in spans)
