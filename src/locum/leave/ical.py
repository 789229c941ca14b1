"""Leave from an iCalendar file or address (RFC 5545), recurring events and time zones included; also public holidays.

Of an event no more leaves this file than whose it is, when it starts and when it ends. SUMMARY, DESCRIPTION and CATEGORIES
(the kind of leave) are neither kept nor logged, and stand in no error.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from locum.absence import Absence, Person
from locum.errors import Garbled
from locum.leave.fetch import calendar, name
from locum.leave.whose import Whose
from locum.seam import People

_Moment: TypeAlias = "date | datetime"
_A_DAY = timedelta(days=1)
# Leave repeats by days at most; an event a second would fill the memory.
_SLOW = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_HOLIDAYS = (date(2020, 1, 1), date(2051, 1, 1))


class LeaveIcal:
    """seam.LeaveSource over one calendar, fetched anew each time it is asked."""

    def __init__(self, place: str, people: People, time_zone: str) -> None:
        """`place`: see fetch.calendar. `time_zone` is for whoever has none on file."""
        self._place = place
        self._people = people
        self._time_zone = time_zone

    def absences(self, since: datetime, until: datetime) -> Iterator[Absence]:
        """Absences that touch [since, until). Raises Invalid, Unreachable, Rejected, Garbled."""
        whose = Whose(self._people.everyone())
        # A day's margin on both sides: all-day events are days in her zone, which the query does not know.
        for event in _events(calendar(self._place), name(self._place), since - _A_DAY, until + _A_DAY):
            if (span := _span(event)) is None:
                continue
            for person in whose.named(_attendees(event), _organizer(event), str(event.get("SUMMARY", ""))):
                absence = self._absence(span, person)
                if absence.from_at < min(until, absence.until_at) and absence.until_at > since:
                    yield absence

    def _absence(self, span: tuple[_Moment, _Moment], person: Person) -> Absence:
        zone = ZoneInfo(person.time_zone or self._time_zone)
        start, end = span
        return Absence(
            person=person.id, from_at=_instant(start, zone), until_at=_instant(end, zone), source=name(self._place)
        )


def days(file: Path) -> frozenset[date]:
    """The days of the all-day events of a calendar file (public holidays), until 2050.

    Raises Unreachable `leave-unreadable`, Garbled `leave-garbled`.
    """
    found: set[date] = set()
    for event in _events(calendar(str(file)), file.name, *_HOLIDAYS):
        match _span(event):
            case (datetime(), _) | None:
                continue
            case (start, end):
                found |= {start + _A_DAY * n for n in range((end - start).days)}
    return frozenset(found)


def _events(raw: bytes, source: str, since: _Moment, until: _Moment) -> list[icalendar.Event]:
    try:
        read = icalendar.Calendar.from_ical(raw)
        read.subcomponents = [part for part in read.subcomponents if _is_usable(part)]
        found = recurring_ical_events.of(read, skip_bad_series=True).between(since, until)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
        # Not chained: what the parser stumbled over may be the words of an event.
        raise Garbled("leave-garbled", source=source) from None
    return [event for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED"]


def _is_usable(part: icalendar.Component) -> bool:
    if part.name != "VEVENT":
        return True
    rules = part.get("RRULE", [])
    each = rules if isinstance(rules, list) else [rules]
    return "DTSTART" in part and all(str(freq).upper() in _SLOW for rule in each for freq in rule.get("FREQ", []))


def _span(event: icalendar.Event) -> tuple[_Moment, _Moment] | None:
    try:
        # RFC 5545 3.6.1: without an end, a date lasts that day and a time lasts no time.
        return event.start, event.end
    except (ValueError, TypeError):
        return None


def _instant(moment: _Moment, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(0))
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _attendees(event: icalendar.Event) -> list[str]:
    found = event.get("ATTENDEE", [])
    each = found if isinstance(found, list) else [found]
    return [_address(one) for one in each if str(one.params.get("PARTSTAT", "")).upper() != "DECLINED"]


def _organizer(event: icalendar.Event) -> str:
    return _address(event.get("ORGANIZER", ""))


def _address(value: object) -> str:
    text = str(value)
    return text[7:] if text[:7].lower() == "mailto:" else text
