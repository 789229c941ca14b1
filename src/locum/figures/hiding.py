"""From rows to what may be shown of them: small numbers are hidden, and so is whatever would give one of them away. Pure.

Why this and not less is docs/decisions/0007-figures.md; tests/test_figures_hidden.py attacks it. Two things hold throughout.
A number is small where it is about fewer than `below` people, however many requests they are. And what is hidden is chosen
by the pattern of small, large and zero and by sums that are shown anyway, never by the size of what is hidden: to somebody
who knows these rules, the choice tells nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from locum.figures.counting import Row, Span
from locum.figures.shape import BANDS, MEASURES, OBJECTIONS, TABLES, Cell, Figures, Measured, Sign, Table

LEAST = 3
"""Fewer than two would be one. A threshold below two hides nothing."""

_MARGIN = 2
"""So much more than is needed is asked of a sum: else that a table is left out would say that it came to just too little."""

_WITHIN = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=7))
_HALF, _MOST = 50, 90


@dataclass(slots=True)
class Count:
    """How many cases, of whom. Names are kept only up to the number that is enough."""

    cases: int = 0
    people: set[str] = field(default_factory=set)

    def add(self, person: str, enough: int) -> None:
        """One more case, of this person."""
        self.cases += 1
        if len(self.people) < enough:
            self.people.add(person)


def threshold(hide_below: int) -> int:
    """The threshold that is used for the policy's `hide_below`; 0 hides nothing."""
    return 0 if hide_below < 2 else max(LEAST, hide_below)


def published(span: Span, rows: Iterable[Row], elsewhere: Iterable[str], hide_below: int) -> Figures:
    """What may be shown of the rows of a year. `elsewhere` are the streams of incidents that belong to no request."""
    below = threshold(hide_below)
    own, apart_from_cases = Count(), Count()
    by_measure = {measure: _Measure(below) for measure in MEASURES}
    for row in rows:
        if row.own:
            own.add(row.person, below)
        else:
            by_measure[row.measure].add(row)
    for stream in elsewhere:
        apart_from_cases.add(stream, below)
    return Figures(
        year=span.year,
        until=span.last_day,
        time_zone=span.time_zone,
        below=below,
        measures=tuple(one.shown(measure) for measure, one in by_measure.items()),
        own=_alone("own", own, below),
        elsewhere=_alone("elsewhere", apart_from_cases, below),
    )


class _Measure:
    """Everything that is counted of one measure."""

    def __init__(self, below: int) -> None:
        self.below, self.enough, self.divisible = below, max(below, 1), 2 * below
        self.dealt_with, self.refused, self.asked = Count(), Count(), Count()
        self.tables: dict[str, dict[str, Count]] = {name: defaultdict(Count) for name in TABLES}
        self.bands: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """One more case."""
        if row.at_once:
            self.refused.add(row.person, self.below)
            return
        self.dealt_with.add(row.person, self.divisible)
        keys = (row.outcome, row.reason, row.answer, "with" if row.incident else "without")
        for name, key in zip(TABLES, keys, strict=True):
            self.tables[name][key].add(row.person, self.below)
        if row.asked_after is not None:
            self.asked.add(row.person, self.enough)
            self.bands[_band(row.asked_after)] += 1

    def shown(self, measure: str) -> Measured:
        """What may be shown of it."""
        dealt_with = _alone("dealt-with", self.dealt_with, self.below)
        refused = _alone("refused", self.refused, self.below)
        # Of few people the mere fact that they cannot be told apart says how they are divided.
        if not dealt_with.number or len(self.dealt_with.people) < self.divisible:
            return Measured(measure=measure, dealt_with=dealt_with, refused=refused)
        tables = {
            name: divided(name, [self.tables[name][key] for key in keys], self.below) for name, keys in TABLES.items()
        }
        tables = apart(tables, self.below)
        told = self._may_tell_when(dealt_with.number, tables["reason"])
        return Measured(
            measure=measure,
            dealt_with=dealt_with,
            refused=refused,
            tables=tuple(tables.values()),
            half=self._within(_HALF) if told else "",
            most=self._within(_MOST) if told else "",
        )

    def _may_tell_when(self, number: int, reasons: Table) -> bool:
        """That it is told says that enough people were asked; so it must not limit after how many deaths nobody was."""
        if len(self.asked.people) < self.enough:
            return False
        return not reasons.cells or number - self.below >= bounds(reasons, {"death"}, self.below)[1]

    def _within(self, percent: int) -> str:
        """The shortest of BANDS within which so many of those who were asked had been."""
        reached = 0
        for band in BANDS:
            reached += self.bands[band]
            if reached * 100 >= self.asked.cases * percent:
                return band
        return BANDS[-1]


def _band(after: timedelta) -> str:
    return next((band for band, within in zip(BANDS, _WITHIN, strict=False) if after <= within), BANDS[-1])


def is_small(count: Count, below: int) -> bool:
    """Whether a number is about somebody, and about fewer than `below` people."""
    return 0 < len(count.people) < below


def _alone(key: str, count: Count, below: int) -> Cell:
    """A number that is in no sum that is shown."""
    return Cell(key, Sign.FEW) if is_small(count, below) else Cell(key, Sign.NUMBER, count.cases)


# one table ---------------------------------------------------------------------------------------------------------


def divided(name: str, counts: Sequence[Count], below: int) -> Table:
    """One table whose sum is known. Where a cell is small, the first that is large is hidden besides, so that the small ones do
    not follow from the sum; where even then not every number below the threshold stays possible for each small cell, nothing
    of the table is shown.
    """
    keys = TABLES[name]
    small = [place for place, count in enumerate(counts) if is_small(count, below)]
    if not small:
        return Table(name=name, cells=tuple(Cell(k, Sign.NUMBER, c.cases) for k, c in zip(keys, counts, strict=True)))
    large = next((place for place, count in enumerate(counts) if len(count.people) >= below), None)
    hidden = small if large is None else [*small, large]
    together = sum(counts[place].cases for place in hidden)
    if not _leaves_all_open(together, len(small), below, has_large=large is not None):
        return Table(name=name)
    signs = dict.fromkeys(small, Sign.FEW) | ({} if large is None else {large: Sign.HIDDEN})
    cells = (
        Cell(key, signs[place]) if place in signs else Cell(key, Sign.NUMBER, count.cases)
        for place, (key, count) in enumerate(zip(keys, counts, strict=True))
    )
    return Table(name=name, cells=tuple(cells), together=together)


def _leaves_all_open(together: int, small: int, below: int, *, has_large: bool) -> bool:
    """Whether each small cell can still be anything from 1 to `below` - 1, given the sum of all that is hidden."""
    most = below - 1
    if has_large:  # the largest a small one can be, with the others at 1 and the large one at the threshold
        return together >= most + (small - 1) + below + _MARGIN
    return most + (small - 1) <= together <= 1 + most * (small - 1)


# several tables of the same requests ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """What follows from the life of a case: of these cells of one table, all are among those of another. `always`: else only
    under some policies.
    """

    table: str
    keys: frozenset[str]
    other: str
    among: frozenset[str]
    always: bool = True


_SAID = frozenset({"herself", *OBJECTIONS})
_ANSWERED = frozenset({"link", "noted"})
FACTS = (
    # After a death nobody is asked, so nobody answers.
    Fact("outcome", _SAID, "reason", frozenset(TABLES["reason"]) - {"death"}),
    Fact("reason", frozenset({"death"}), "answer", frozenset({"none"})),
    Fact("outcome", _SAID, "answer", _ANSWERED),
    # Where silence stops a request (clause 6), whatever went on was answered.
    Fact("outcome", _SAID | {"ended", "owner", "other"}, "answer", _ANSWERED, always=False),
)
_GIVES_WAY = ("answer", "reason")
"""Which table of two is not shown where both together could say more than each."""


def apart(tables: dict[str, Table], below: int) -> dict[str, Table]:
    """The tables, without those that would narrow down what another one hides. Looks only at what would be shown."""
    kept = dict(tables)
    for fact in FACTS:
        if not _is_harmless(fact, kept, below):
            name = next(one for one in _GIVES_WAY if one in (fact.table, fact.other))
            kept[name] = Table(name=name)
    return kept


def _is_harmless(fact: Fact, tables: dict[str, Table], below: int) -> bool:
    """Whether the fact holds whatever the hidden numbers are; or plainly is none here."""
    these, those = tables[fact.table], tables[fact.other]
    if not these.cells or not those.cells:
        return True
    least, most = bounds(these, fact.keys, below)
    least_there, most_there = bounds(those, fact.among, below)
    return most <= least_there or (not fact.always and least > most_there)


def bounds(table: Table, keys: Collection[str], below: int) -> tuple[int, int]:
    """The least and the most that these cells can be together, as far as the table tells."""
    signs = Counter(cell.sign for cell in table.cells)
    here = [cell for cell in table.cells if cell.key in keys]
    shown = sum(cell.number or 0 for cell in here)
    few = sum(cell.sign is Sign.FEW for cell in here)
    if any(cell.sign is Sign.HIDDEN for cell in here):
        others = signs[Sign.FEW] - few
        return shown + table.together - others * (below - 1), shown + table.together - others
    return shown + few, shown + few * (below - 1)
