"""The register as entries are added to it: what can be done to it, and nothing of who may do it (rules.py)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from locum.register.standing import ByPerson, Delegation, Ignored, Key, Moment, Register, Span

Pair = tuple[str, str]
Pairs = dict[Pair, tuple[Span, ...]]


@dataclass(slots=True)
class Growing:
    """What stands so far, and the nonces of all statements that counted."""

    keys: dict[bytes, Key] = field(default_factory=dict)
    functions: Pairs = field(default_factory=dict)
    managers: Pairs = field(default_factory=dict)
    delegations: dict[str, Delegation] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    by_person: list[ByPerson] = field(default_factory=list)

    def copy(self) -> "Growing":
        """The same, to try something on."""
        return Growing(
            keys=dict(self.keys),
            functions=dict(self.functions),
            managers=dict(self.managers),
            delegations=dict(self.delegations),
            ignored=list(self.ignored),
            nonces=set(self.nonces),
            by_person=list(self.by_person),
        )

    @property
    def register(self) -> Register:
        """What stands so far; it grows along."""
        return Register(
            keys=self.keys,
            functions=self.functions,
            managers=self.managers,
            delegations=self.delegations,
            ignored=self.ignored,
            by_person=self.by_person,
        )

    def add_key(self, person: str, credential: bytes, public_key: bytes, moment: Moment, from_at: datetime) -> None:
        span = Span(index=moment.index, from_at=from_at)
        self.keys[credential] = Key(person=person, credential=credential, public_key=public_key, span=span)

    def end_key(self, credential: bytes, moment: Moment) -> None:
        key = self.keys[credential]
        self.keys[credential] = replace(key, span=_ended(key.span, moment))

    def count(self, credential: bytes, moment: Moment, count: int) -> None:
        """The key has shown this counter."""
        key = self.keys[credential]
        self.keys[credential] = replace(key, counts=(*key.counts, (moment.index, count)))

    def end_delegation(self, name: str, moment: Moment) -> None:
        one = self.delegations[name]
        self.delegations[name] = replace(one, span=_ended(one.span, moment))

    def end_all(self, moment: Moment) -> None:
        """Nothing of before counts any more."""
        for credential in self.keys:
            self.end_key(credential, moment)
        for name in self.delegations:
            self.end_delegation(name, moment)
        take(self.functions, list(self.functions), moment)
        take(self.managers, list(self.managers), moment)

    def reached(self, one: Delegation) -> set[str]:
        """Everybody to whom this leads, over whoever stands in for whom in the same days, in whatever function."""
        reached: set[str] = set()
        further = {one.to}
        while further:
            reached |= further
            meeting = (d for d in self.delegations.values() if d.by in further and _meet(d.span, one.span))
            further = {d.to for d in meeting} - reached
        return reached


def give(to: Pairs, pairs: Iterable[Pair], moment: Moment) -> None:
    """From now on each of these holds; what holds already goes on."""
    for pair in pairs:
        spans = to.get(pair, ())
        if all(span.ended is not None for span in spans):
            to[pair] = (*spans, Span(index=moment.index, from_at=moment.at))


def take(of: Pairs, pairs: Iterable[Pair], moment: Moment) -> None:
    """From now on none of these holds."""
    for pair in pairs:
        of[pair] = tuple(_ended(span, moment) for span in of.get(pair, ()))


def _ended(span: Span, moment: Moment) -> Span:
    return replace(span, ended=moment.index) if span.ended is None else span


def _meet(one: Span, other: Span) -> bool:
    """Whether two delegations, both with an end, have a moment in common; one that was ended before has none."""
    if one.ended is not None or one.until_at is None or other.until_at is None:
        return False
    return one.from_at < other.until_at and other.from_at < one.until_at
