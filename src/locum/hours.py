"""Time as people mean it: dates as they type them, and waiting counted in working hours. Pure; `now` comes in.

Nothing here reads a clock or a calendar file; holidays come in as dates.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from locum.errors import Invalid

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPEC = re.compile(r"^\s*([a-z]{3})(?:-([a-z]{3}))?\s+(\d\d):(\d\d)-(\d\d):(\d\d)\s*$")
_LONGEST_WAIT_DAYS = 366


def parse_when(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The instant (aware UTC, whole seconds) that `text` names: `now`, a date, or ISO 8601 with or without an offset.

    A bare date is the start of that day in `zone`; a time without an offset is local time there.
    Raises Invalid `bad-time`.
    """
    text = text.strip()
    if text == "now":
        return now.astimezone(UTC).replace(microsecond=0)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return start_of_day(date.fromisoformat(text), zone)
        value = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("bad-time", text=text[:40]) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise Invalid("bad-time", text=text[:40]) from None


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day` in `zone`, as UTC. Where midnight is skipped by summer time, the first that exists."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When an organisation works: whole weekdays, one span a day, minus holidays. Local time of whoever is asked."""

    weekdays: frozenset[int]
    start: timedelta
    end: timedelta
    holidays: frozenset[date] = field(default=frozenset())

    @classmethod
    def parse(cls, text: str, holidays: frozenset[date] = frozenset()) -> "WorkingHours":
        """Read `mon-fri 09:00-17:00`. Raises Invalid `bad-working-hours`."""
        match = _SPEC.match(text.lower())
        if match is None or match[1] not in _DAYS or (match[2] or match[1]) not in _DAYS:
            raise Invalid("bad-working-hours", text=text[:40])
        first, last = _DAYS.index(match[1]), _DAYS.index(match[2] or match[1])
        start = timedelta(hours=int(match[3]), minutes=int(match[4]))
        end = timedelta(hours=int(match[5]), minutes=int(match[6]))
        if not timedelta(0) <= start < end <= timedelta(hours=24):
            raise Invalid("bad-working-hours", text=text[:40])
        days = frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
        return cls(days, start, end, holidays)

    def span(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """The working span of `day` as UTC instants, None where nobody works."""
        if day.weekday() not in self.weekdays or day in self.holidays:
            return None
        return _wall(day, self.start, zone), _wall(day, self.end, zone)

    def after(self, start: datetime, hours: float, zone: ZoneInfo) -> datetime:
        """The instant at which `hours` of working time have passed since `start` in `zone`. No hours: `start` itself."""
        left = timedelta(hours=hours)
        day = start.astimezone(zone).date()
        if not left:
            return start
        for _ in range(_LONGEST_WAIT_DAYS):
            if (span := self.span(day, zone)) is not None:
                begin = max(start, span[0])
                if begin + left <= span[1]:
                    return begin + left
                left -= max(span[1] - begin, timedelta(0))
            day += timedelta(days=1)
        raise Invalid("no-working-time")


def _wall(day: date, since_midnight: timedelta, zone: ZoneInfo) -> datetime:
    days, rest = divmod(since_midnight, timedelta(days=1))
    minutes = int(rest.total_seconds()) // 60
    moment = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), zone)
    return moment.astimezone(UTC)
