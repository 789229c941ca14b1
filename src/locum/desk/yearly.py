"""The yearly figures: made from the whole record, recorded in the stream `org/figures` when they are issued, and read from there.

A year can be made from the day on which what counts for it is settled; from then on it always comes out the same, and
under the threshold of that day (decision 0007). What counts and what is hidden is for locum.figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from locum.desk import in_force
from locum.desk.forms import Acting
from locum.entry import Draft, Entry, Json
from locum.errors import Garbled, Invalid
from locum.figures import (
    Counting,
    Figures,
    Span,
    figures_from_json,
    figures_hash,
    figures_to_json,
    last_ready,
    published,
    span_of,
)
from locum.policy.around import Figures as FigureRules
from locum.store import Change, Store
from locum.whole import read_whole

STREAM = "org/figures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """Figures as they were issued. `by` is the name of who acted."""

    figures: Figures
    hash: str
    at: datetime
    by: str


def ready_span(year: int | None, time_zone: str, now: datetime) -> Span:
    """The span of a year, the newest that is ready by default. Raises Invalid `figures-not-yet` before it is, and `figures-year`."""
    if year is None:
        year = last_ready(now, time_zone)
    if not 2000 <= year <= 9000:
        raise Invalid("figures-year", year=year)
    span = span_of(year, time_zone)
    if now < span.ready_at:
        ready = max(last_ready(now, time_zone), 2000)
        raise Invalid("figures-not-yet", year=year, until=span.last_day.isoformat(), ready=ready)
    return span


def make(store: Store, span: Span) -> Figures:
    """The figures from the record. Raises Garbled where the record is not whole, `figures-erased` where cases of the year
    are gone already.
    """
    counting = Counting(span)
    for entry in _unless_erased(read_whole(store.database), span):
        counting.see(entry)
    return published(span, counting.rows(), counting.elsewhere, hide_below(store, span.until))


def _unless_erased(entries: Iterator[Entry | None], span: Span) -> Iterator[Entry]:
    """The entries, as long as none is missing between the year's first instant and its last."""
    before, gap = span.begins, False
    for entry in entries:
        if entry is None:
            gap = True
            continue
        if gap and entry.time >= span.begins and before < span.ends:
            raise Garbled("figures-erased", year=span.year)
        before, gap = entry.time, False
        yield entry
    if gap and before < span.ends:
        raise Garbled("figures-erased", year=span.year)


def hide_below(store: Store, moment: datetime) -> int:
    """The threshold of the policy that was in force at a moment; the default where none had been used yet."""
    try:
        then = in_force.at(in_force.history(store), moment)
    except Invalid:
        return FigureRules().hide_below
    return in_force.text_of(store, then.hash).figures.hide_below


def issued(store: Store, year: int) -> Issued | None:
    """The figures of a year as they were issued, None where they were not. Raises Garbled `figures-unknown` where another
    version of Locum wrote them.
    """
    for entry in store.entries(mailbox=STREAM):
        if entry.type == "figures" and entry.body.get("year") == year:
            return _read(entry, year)
    return None


def _read(entry: Entry, year: int) -> Issued:
    document, by = entry.body.get("figures"), entry.body.get("by")
    try:
        figures = figures_from_json(document if isinstance(document, dict) else {})
    except ValueError as error:
        raise Garbled("figures-unknown", year=year) from error
    if figures_hash(figures) != entry.body.get("hash"):
        raise Garbled("figures-unknown", year=year)
    name = by.get("name") if isinstance(by, dict) else None
    return Issued(figures=figures, hash=figures_hash(figures), at=entry.time, by=str(name or ""))


def issue(store: Store, acting: Acting, figures: Figures, now: datetime) -> Issued:
    """Record the figures of a year, once: those that were issued before stay what they are."""
    if (before := issued(store, figures.year)) is not None:
        return before
    body: dict[str, Json] = {
        "year": figures.year,
        "hash": figures_hash(figures),
        "figures": figures_to_json(figures),
        "by": {"id": acting.id, "name": acting.name},
    }
    store.commit([Change(entries=(Draft(stream=STREAM, type="figures", time=now, body=body),))])
    return Issued(figures=figures, hash=figures_hash(figures), at=now.replace(microsecond=0), by=acting.name)


def check(store: Store, before: Issued, span: Span) -> None:
    """That the record still says what was issued. Raises Garbled `figures-differ`."""
    made = make(store, span)
    if figures_hash(made) != before.hash:
        raise Garbled("figures-differ", year=span.year, issued=before.hash[:16], made=figures_hash(made)[:16])
