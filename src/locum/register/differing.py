"""What people.csv proposes differently from the record. Pure: it only proposes, and two people sign."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from locum.absence import Person
from locum.entry import Json
from locum.register.growing import Pair
from locum.register.signers import people
from locum.register.standing import Moment, Register

_MANY: Final = 500
"""Rows in one deed (approval.DEEDS)."""


_PLACES: Final = {
    "function-given": ("function", "given"),
    "function-withdrawn": ("function", "withdrawn"),
    "manager-given": ("manager", "managers"),
}
"""By the kind of deed: the second word of its rows, and where they stand in Differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Functions to give and to withdraw, managers to change (person and manager, or none), and who is not on file any more."""

    given: tuple[Pair, ...] = ()
    withdrawn: tuple[Pair, ...] = ()
    managers: tuple[Pair, ...] = ()
    leavers: tuple[str, ...] = ()

    @property
    def are_some(self) -> bool:
        """Whether there is something to propose."""
        return bool(self.given or self.withdrawn or self.managers)

    def without(self, kind: str, what: Mapping[str, Json]) -> "Differences":
        """What is left where this deed is proposed already."""
        second, field = _PLACES.get(kind, ("", ""))
        if not field:
            return self
        proposed = {(str(row["person"]), str(row[second])) for row in people(what)}
        left = tuple(pair for pair in getattr(self, field) if pair not in proposed)
        return replace(self, **{field: left})

    def deeds(self, signing: Collection[str]) -> Iterator[tuple[str, dict[str, Json]]]:
        """As deeds. Nobody signs about herself: what is about one of `signing` stands in a deed of its own."""
        for kind, (second, field) in _PLACES.items():
            for some in _apart(getattr(self, field), signing, second):
                rows: list[Json] = [{"person": person, second: word} for person, word in some]
                yield kind, {"people": rows}


def _apart(pairs: Collection[Pair], signing: Collection[str], second: str) -> Iterator[list[Pair]]:
    groups: dict[frozenset[str], list[Pair]] = {}
    for pair in pairs:
        about = pair if second == "manager" else pair[:1]
        groups.setdefault(frozenset(about) & frozenset(signing), []).append(pair)
    for group in groups.values():
        for start in range(0, len(group), _MANY):
            yield group[start : start + _MANY]


def differences(register: Register, persons: Iterable[Person], moment: Moment) -> Differences:
    """Functions and managers that stand otherwise in the list than in the record. A function besides the one in the list is
    left alone as long as she has that one, too: the list has room for one only.
    """
    listed = {person.id: person for person in persons}
    functions: dict[str, set[str]] = {}
    for (person, function), spans in register.functions.items():
        if any(span.holds(moment) for span in spans):
            functions.setdefault(person, set()).add(function)
    managers = {p: m for (p, m), spans in register.managers.items() if any(span.holds(moment) for span in spans)}
    enrolled = {key.person for key in register.keys.values() if key.span.ended is None}
    return Differences(
        given=tuple(
            (p.id, p.function) for p in listed.values() if p.function and p.function not in functions.get(p.id, ())
        ),
        withdrawn=tuple(
            (person, function)
            for person, has in functions.items()
            if person in listed and listed[person].function not in has
            for function in sorted(has)
        ),
        managers=tuple(
            (p.id, wanted)
            for p in listed.values()
            if (wanted := p.manager if p.manager in listed and p.manager != p.id else "") != managers.get(p.id, "")
        ),
        leavers=tuple(sorted((functions.keys() | enrolled) - listed.keys())),
    )
