"""Made-up figures, so that a works council can see beforehand what it will get. Nobody's cases; always the same ones."""

from collections.abc import Iterator
from datetime import timedelta

from locum.figures.counting import Row, Span
from locum.figures.hiding import published
from locum.figures.shape import OBJECTIONS, Figures

# How many, measure, reason, outcome, answer; the last word says what is special about them.
_ROWS = """\
61 auto-reply closing      ended      none
24 auto-reply forgotten    ended      none
19 auto-reply forgotten    herself    link
17 auto-reply forgotten    ended      link
11 auto-reply customer     owner      link
 8 auto-reply continuity   ended      noted
 6 auto-reply long-absence ended      link
 5 auto-reply customer     objection  link
 2 auto-reply departure    withdrawn  none
 2 auto-reply continuity   overruled  link
 1 auto-reply death        ended      none
 1 auto-reply handover     failed     none       incident
 7 auto-reply other        refused    none       refused
14 forward    customer     ended      link
 6 forward    continuity   refused    link
 5 forward    handover     ended      none
 2 forward    deadline     objection  link
 2 forward    continuity   owner      noted
 3 forward    other        refused    none       refused
 3 both       long-absence ended      link
 9 auto-reply forgotten    ended      link       own
"""
_AFTER = (timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=20), timedelta(hours=3))


def sample(span: Span, hide_below: int) -> Figures:
    """The made-up figures of a year, hidden as real ones are."""
    return published(span, map(_row, range(10_000), _lines()), (), hide_below)


def _lines() -> Iterator[list[str]]:
    for line in _ROWS.splitlines():
        many, *words = line.split()
        yield from [words] * int(many)


def _row(number: int, words: list[str]) -> Row:
    measure, reason, outcome, answer, *special = words
    return Row(
        person=f"somebody {number}",
        measure=measure,
        reason=reason,
        outcome=outcome,
        answer=answer,
        objected=outcome in OBJECTIONS,
        overruled=outcome == "overruled",
        incident="incident" in special,
        own="own" in special,
        at_once="refused" in special,
        asked_after=None if reason == "death" or "refused" in special else _AFTER[number % len(_AFTER)],
    )
