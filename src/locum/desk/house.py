"""What everybody may see of the house: the regulation in force and its versions, the yearly figures, who is away.

To whom what is shown is judged here (clauses 18 and 19). Why somebody is away is nowhere: leave brings no kind of leave.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from locum import proving
from locum.absence import Absence, Person
from locum.approval import fingerprint
from locum.desk import in_force, seeing, yearly
from locum.desk.forms import Acting
from locum.desk.in_force import InForce
from locum.desk.office import Office
from locum.desk.yearly import Issued
from locum.entry import LEAF_BYTES
from locum.errors import Invalid, LocumError, Refused
from locum.figures import last_ready
from locum.hours import parse_when
from locum.lifecycle import Case, State
from locum.policy import Policy
from locum.regulation import Document, document
from locum.regulation import House as Whose
from locum.tlog import parse_checkpoint

_ON_OR_COMING: Final = (State.APPLIED, State.APPLYING, State.SCHEDULED)
_MOST_CASES: Final = 500
_YEARS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Published:
    """The published checkpoint of the record."""

    note: bytes
    origin: str
    size: int
    root: str

    @property
    def bytes(self) -> int:
        """How long the file of its leaves is."""
        return self.size * LEAF_BYTES

    @property
    def signed_by(self) -> tuple[str, ...]:
        """The names under it: the record itself, and whoever cosigned."""
        lines = self.note.decode("utf-8", "replace").rpartition("\n\n")[2].splitlines()
        return tuple(line.split(" ")[1] for line in lines if line.count(" ") == 2)

    def words(self, language: str) -> str:
        """Six words for it, to compare by telephone."""
        return fingerprint(self.root, language)


@dataclass(frozen=True, slots=True)
class Span:
    """Days of a month, both counted: `kind` is away, away-on (with a reply of ours on), or on (a reply without leave)."""

    first: int
    last: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A person's month."""

    person: Person
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Who is away and whose reply is on. `everyone`: it is not hers alone. `unread`: a list of leave could not be read.
    `source`: there is a list of leave at all. `more`: more replies are on than were looked at.
    """

    first: date
    days: int
    lines: tuple[Line, ...]
    everyone: bool
    unread: bool
    source: bool
    more: bool


class House:
    """What is shown to whoever is signed in."""

    def __init__(self, office: Office) -> None:
        """Work with what `office` has."""
        self._office = office

    # the regulation

    def versions(self) -> list[InForce]:
        """Every policy that was in force, the newest first."""
        return in_force.history(self._office.store)[::-1]

    def version_at(self, moment: str, person: Person) -> InForce:
        """The one in force at a moment, in her time zone. Raises Invalid `policy-none-yet`, `bad-time`."""
        at = parse_when(moment, self._office.zone(person), self._office.clock())
        return in_force.at(in_force.history(self._office.store), at)

    def regulation(self, name: str, language: str, version: str = "") -> Document:
        """A document of the policy in force, or of an earlier one by its hash. Raises Rejected where that is not kept."""
        own = self._office.organisation
        whose = Whose(name=own.name, domains=own.domains, officer=own.dpo, authority=own.authority)
        return document(self._policy(version), whose, name, language)

    def _policy(self, version: str) -> Policy:
        if version in ("", self._office.policy.hash):
            return self._office.policy
        return in_force.text_of(self._office.store, version)

    @property
    def version(self) -> str:
        """The hash of the policy in force now."""
        return self._office.policy.hash

    @property
    def trial(self) -> bool:
        """Whether reviews are recorded and not signed, as a trial."""
        return self._office.unsigned_reviews

    # what the record can be checked by

    @property
    def published(self) -> Published | None:
        """The published checkpoint; None where nothing was published. Raises Unreachable, Garbled."""
        file = self._office.flat_file
        if file is None or (note := file.checkpoint()) is None:
            return None
        found = parse_checkpoint(note)
        return Published(note, found.origin, found.size, found.root.hex())

    def published_leaves(self, size: int) -> Iterator[list[bytes]]:
        """Its leaves, in lists."""
        file = self._office.flat_file
        yield from file.leaves(0, size) if file is not None else ()

    def continuation_from(self, size: int) -> bytes:
        """The proof that it goes on from the checkpoint of that size. Raises Invalid, Unreachable, Garbled."""
        if self._office.flat_file is None:
            raise Invalid("nothing-published")
        return proving.continuation_from(self._office.flat_file, size)

    # the yearly figures

    @property
    def figures_go_to(self) -> tuple[str, ...]:
        """The functions that get the figures (clause 18)."""
        return tuple(self._office.policy.figures.to)

    def may_see_figures(self, acting: Acting) -> bool:
        """Whether she is of one of them."""
        return bool(acting.function) and acting.function in self.figures_go_to

    def figures(self, acting: Acting) -> tuple[list[Issued], int]:
        """Those that were issued of the last years, the newest first, and the newest year that can be issued by now. Raises Refused
        `figures-not-yours`.
        """
        self._may(acting)
        ready = last_ready(self._office.clock(), self._office.organisation.time_zone)
        years = range(ready, ready - _YEARS_SHOWN, -1)
        found = [one for year in years if (one := yearly.issued(self._office.store, year)) is not None]
        return found, ready

    def figures_of(self, acting: Acting, year: int) -> Issued | None:
        """Those of one year, None where they were not issued. Raises Refused `figures-not-yours`."""
        self._may(acting)
        return yearly.issued(self._office.store, year)

    def _may(self, acting: Acting) -> None:
        if not self.may_see_figures(acting):
            raise Refused("figures-not-yours", clause=18, functions=", ".join(self.figures_go_to))

    # who is away

    def month(self, acting: Acting, first: date) -> Month:
        """Everybody's month where the policy or the settings show it to her, her own otherwise (clause 19)."""
        office = self._office
        following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        everyone = seeing.sees_everyone(office, acting)
        absences, unread = self._absences(first, following)
        cases, more = self._cases(acting, everyone=everyone)
        days: dict[str, tuple[set[int], set[int]]] = {}
        for whose, place, begins, ends in (*_leave_of(absences), *_replies_of(cases)):
            if everyone or whose == acting.id:
                found = self._days(whose, begins, ends, first, following)
                days.setdefault(whose, (set(), set()))[place].update(found)
        length = (following - first).days
        lines = [
            Line(person=person, spans=tuple(_spans(away, on, length)))
            for who, (away, on) in days.items()
            if (person := office.people.person(who)) is not None and (away or on)
        ]
        lines.sort(key=lambda line: line.person.name.casefold())
        return Month(
            first=first, days=length, lines=tuple(lines), everyone=everyone, unread=unread,
            source=bool(office.leave), more=more,
        )  # fmt: skip

    def _absences(self, first: date, following: date) -> tuple[list[Absence], bool]:
        zone = self._office.zone(None)
        # A day more on both sides: her own days may begin earlier or end later than the organisation's.
        since = datetime.combine(first, datetime.min.time(), zone) - timedelta(days=1)
        until = datetime.combine(following, datetime.min.time(), zone) + timedelta(days=1)
        found: list[Absence] = []
        unread = False
        for source in self._office.leave:
            try:
                found += source.absences(since, until)
            except LocumError:
                unread = True
        return found, unread

    def _cases(self, acting: Acting, *, everyone: bool) -> tuple[list[Case], bool]:
        store = self._office.store
        if not everyone:
            return store.living_on([acting.address], _ON_OR_COMING) if acting.address else [], False
        found = [store.find(state=state, limit=_MOST_CASES) for state in _ON_OR_COMING]
        return [case for some in found for case in some], any(len(some) == _MOST_CASES for some in found)

    def _days(self, who: str, begins: datetime, ends: datetime, first: date, following: date) -> Iterator[int]:
        """The days of the month on which something is so, in that person's time zone."""
        zone = self._office.zone(self._office.people.person(who))
        day = max(begins.astimezone(zone).date(), first)
        last = min((ends - timedelta(microseconds=1)).astimezone(zone).date(), following - timedelta(days=1))
        while day <= last:
            yield day.day
            day += timedelta(days=1)


_Dated = tuple[str, int, datetime, datetime]
_AWAY, _ON = 0, 1


def _leave_of(absences: list[Absence]) -> Iterator[_Dated]:
    for one in absences:
        yield one.person, _AWAY, one.from_at, one.until_at


def _replies_of(cases: list[Case]) -> Iterator[_Dated]:
    for case in cases:
        if case.reply is not None:
            yield case.person, _ON, case.reply.from_date, case.reply.to_date


def _spans(away: set[int], on: set[int], length: int) -> Iterator[Span]:
    """The days in runs of one kind."""
    first, before = 0, ""
    for day in range(1, length + 2):
        kind = ("away-on" if day in on else "away") if day in away else "on" if day in on else ""
        if kind != before:
            if before:
                yield Span(first, day - 1, before)
            first, before = day, kind
