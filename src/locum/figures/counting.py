"""From the entries of the record to one row per case: what was asked, and what had become of it by a fixed day. Pure.

Only entries are read, in the order of the record, so that anybody who has them comes to the same rows. Of each case a few
words are kept, never its entries. No numbers are made here (hiding.py), and nothing is shown.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from locum.entry import Entry, Json
from locum.figures.shape import MEASURES, REASONS

_SETTLED_BY = (4, 1)
"""Month and day of the next year before which an entry counts: three months, longer than most measures last."""
_GRACE = timedelta(days=1)
"""What was drafted before that moment may be committed a little after it, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Span:
    """The instants of a year in the organisation's time zone: cases filed from `begins` to `ends`, entries before `until`."""

    year: int
    time_zone: str
    begins: datetime
    ends: datetime
    until: datetime

    @property
    def last_day(self) -> date:
        """The day before which an entry counts."""
        return date(self.year + 1, *_SETTLED_BY)

    @property
    def ready_at(self) -> datetime:
        """When the figures can be made: from then on they come out the same for ever."""
        return self.until + _GRACE


def span_of(year: int, time_zone: str) -> Span:
    """The span of a year. Raises zoneinfo.ZoneInfoNotFoundError, and ValueError for a year that no calendar has."""
    zone = ZoneInfo(time_zone)
    first, next_, settled = ((year, 1, 1), (year + 1, 1, 1), (year + 1, *_SETTLED_BY))
    begins, ends, until = (datetime(*day, tzinfo=zone).astimezone(UTC) for day in (first, next_, settled))
    return Span(year, time_zone, begins, ends, until)


def last_ready(now: datetime, time_zone: str) -> int:
    """The newest year of which figures can be made."""
    year = now.astimezone(ZoneInfo(time_zone)).year - 1
    return year if now >= span_of(year, time_zone).ready_at else year - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case. `outcome`, `reason` and `answer` are keys of TABLES; `objected` says that she objected at any time,
    `overruled` that an objection of hers was, whatever came after. `asked_after` is how long it took until a question to
    her had left, None where none had. `own`: she set it herself. `at_once`: refused as it was filed.
    """

    person: str
    measure: str
    reason: str
    outcome: str
    answer: str
    objected: bool
    overruled: bool
    incident: bool
    own: bool
    at_once: bool
    asked_after: timedelta | None


@dataclass(slots=True)
class _Course:
    """What is remembered of a case while the entries go by."""

    person: str
    own: bool
    filed_at: datetime
    measure: str = ""
    reason: str = ""
    came_to: str = ""
    answer: str = "none"
    objection: str = ""
    was_overruled: bool = False
    fresh: bool = True
    at_once: bool = False
    incident: bool = False
    asked_at: datetime | None = None


class Counting:
    """Sees every entry of the record once, in its order, and then has the rows of one year."""

    def __init__(self, span: Span) -> None:
        """Count the year of `span`."""
        self.span = span
        self.elsewhere: list[str] = []
        self._courses: dict[str, _Course] = {}

    def see(self, entry: Entry) -> None:
        """Take in the next entry. What is later than the year's last day counts no more."""
        if entry.time >= self.span.until:
            return
        if entry.type == "requested":
            self._request(entry)
        elif (course := self._courses.get(entry.case)) is not None:
            if (step := _STEPS.get(entry.type)) is not None:
                step(course, entry)
            course.fresh = False
        elif entry.type == "incident" and not entry.case and self.span.begins <= entry.time < self.span.ends:
            self.elsewhere.append(entry.stream)

    def _request(self, entry: Entry) -> None:
        """A new case, or the request of a known one anew: then what was answered before counts no more."""
        course = self._courses.get(entry.case)
        if course is None:
            if not self.span.begins <= entry.time < self.span.ends:
                return
            person = _text(entry, "person") or entry.stream
            course = _Course(person=person, own=_who(entry, "requester") == person, filed_at=entry.time)
            self._courses[entry.case] = course
        else:
            course.answer, course.came_to, course.fresh = "none", "", False
        course.measure = _measure(entry.body.get("measures"))
        course.reason = _REASON.get(_text(entry, "reason"), "other")

    def rows(self) -> Iterator[Row]:
        """One row per case that was filed in the year."""
        return map(_row, self._courses.values())


def _row(course: _Course) -> Row:
    return Row(
        person=course.person,
        measure=course.measure,
        reason=course.reason,
        outcome=course.objection or course.came_to or "going-on",
        answer=course.answer,
        objected=bool(course.objection),
        overruled=course.was_overruled,
        incident=course.incident,
        own=course.own,
        at_once=course.at_once,
        asked_after=None if course.asked_at is None else course.asked_at - course.filed_at,
    )


_REASON = {reason: reason for reason in REASONS}
"""One text for all the cases that have it: a decoded entry brings its own."""


def _measure(measures: Json) -> str:
    """Which of MEASURES a request asks for."""
    kinds = {one.get("measure") for one in measures if isinstance(one, dict)} if isinstance(measures, list) else set()
    auto_reply, forward, both, search = MEASURES
    if search in kinds:
        return search
    return (both if auto_reply in kinds else forward) if forward in kinds else auto_reply


def _text(entry: Entry, key: str) -> str:
    value = entry.body.get(key)
    return value if isinstance(value, str) else ""


def _who(entry: Entry, key: str) -> str:
    """The id of a person in an entry: bare, or beside her name."""
    value = entry.body.get(key)
    return str(value.get("id", "")) if isinstance(value, dict) else _text(entry, key)


# what each type of entry changes -----------------------------------------------------------------------------------


def _asked(course: _Course, entry: Entry) -> None:
    """Letters about other things are entries of this type too; a call that somebody noted is no question that was sent."""
    is_question = not _who(entry, "by") and not _text(entry, "note").startswith("letter-")
    if course.asked_at is None and is_question and _text(entry, "outcome") == "delivered-to-relay":
        course.asked_at = entry.time


def _answered(course: _Course, entry: Entry) -> None:
    answer, via = _text(entry, "answer"), _text(entry, "via")
    if answer == "unanswered":
        return
    course.answer = "noted" if via == "contact" else "link"
    if answer == "objected":
        course.objection = "objection"
    elif course.objection:
        course.objection = "taken-back"
    if answer == "done-herself":
        course.came_to = "herself"


def _objected(course: _Course, entry: Entry) -> None:
    course.answer = "noted" if _text(entry, "via") == "contact" else "link"
    course.objection = "objection"


def _reviewed(course: _Course, entry: Entry) -> None:
    """It is overruled with the last approver that it takes; a refusal by a reviewer has an entry of its own."""
    if course.objection and _text(entry, "decision") == "overrule" and entry.body.get("lacking") == 0:
        course.objection, course.was_overruled = "overruled", True


def _refused(course: _Course, _entry: Entry) -> None:
    course.came_to, course.at_once = "refused", course.fresh


def _withdrawn(course: _Course, entry: Entry) -> None:
    """While it is on, this only begins its end, and the end says why."""
    by = _who(entry, "by")
    course.came_to = "owner" if by in ("owner", course.person) else "withdrawn"


_ENDED: Mapping[str, str] = MappingProxyType(
    {
        "time": "ended",
        "owner": "owner",
        "changed-by-owner": "owner",
        "objection": "objection",
        "request-changed": "failed",
    }
)
"""Why a case that was on has ended; by anybody else where it is none of these."""


def _ended(course: _Course, entry: Entry) -> None:
    course.came_to = _ENDED.get(_text(entry, "why"), "other")


def _expired(course: _Course, _entry: Entry) -> None:
    course.came_to = "lapsed"


def _failed(course: _Course, entry: Entry) -> None:
    """An account that nobody takes is no failure of the measure."""
    if _text(entry, "act") == "apply":
        course.came_to = "failed"


def _incident(course: _Course, _entry: Entry) -> None:
    course.incident = True


_STEPS: Mapping[str, Callable[[_Course, Entry], None]] = MappingProxyType(
    {
        "asked": _asked,
        "answered": _answered,
        "objected": _objected,
        "reviewed": _reviewed,
        "refused": _refused,
        "withdrawn": _withdrawn,
        "ended": _ended,
        "expired": _expired,
        "failed": _failed,
        "incident": _incident,
    }
)
