"""/calendar: a month of who is away and whose reply is on: everybody's for those whom the policy names, her own for all others."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Response

from locum.desk.house import Line, Span
from locum.phrases import month_name, weekday_name
from locum.web.house.shown import language_of, words
from locum.web.inside import Inside
from locum.web.signin.doorway import Signed
from locum.web.signin.who import signed_in

Who = Annotated[Signed, Depends(signed_in)]
_AT_ONCE: Final = 25
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
_WEEKEND: Final = 5


@dataclass(frozen=True, slots=True)
class Day:
    """The head of a column."""

    number: int
    weekday: str
    is_weekend: bool
    is_today: bool


class CalendarPages:
    """The route over one desk."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside

    def join(self, app: FastAPI) -> None:
        """Add the route."""
        app.add_api_route("/calendar", self.show, methods=["GET", "HEAD"], response_model=None)

    def show(self, who: Who, month: str = "", page: str = "1") -> Response:
        """A month, some people at a time."""
        language = language_of(who)
        office = self._in.desk.office
        today = office.clock().astimezone(office.zone(who.person)).date()
        first = _month(month) or today.replace(day=1)
        seen = self._in.desk.house.month(who.acting, first)
        pages = max(1, -(-len(seen.lines) // _AT_ONCE))
        number = min(max(int(page), 1), pages) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        lines = seen.lines[(number - 1) * _AT_ONCE : number * _AT_ONCE]
        days = [first + timedelta(days=place) for place in range(seen.days)]
        return self._in.page(
            who,
            "house/calendar.html",
            "calendar",
            house=words(language),
            seen=seen,
            name=month_name(first, language),
            days=[Day(one.day, weekday_name(one, language), one.weekday() >= _WEEKEND, one == today) for one in days],
            rows=[(line.person.name, _cells(line, seen.days), line.spans) for line in lines],
            before=f"{first - timedelta(days=1):%Y-%m}",
            after=f"{first + timedelta(days=31):%Y-%m}",
            month=f"{first:%Y-%m}",
            number=number,
            pages=pages,
        )


def _month(text: str) -> date | None:
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if _FIRST_YEAR <= first.year <= _LAST_YEAR else None


def _cells(line: Line, days: int) -> list[Span]:
    """The spans with the days between them, so that together they are the whole month."""
    cells: list[Span] = []
    next_day = 1
    for span in line.spans:
        if span.first > next_day:
            cells.append(Span(next_day, span.first - 1, ""))
        cells.append(span)
        next_day = span.last + 1
    return [*cells, Span(next_day, days, "")] if next_day <= days else cells
