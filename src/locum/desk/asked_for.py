"""From a form to a search: the question, what was tried before, and since when she is away. Nothing here touches a mail system.

Since when: by the lists of leave. Where none has her absence, it counts from the day of the request: what a requester says makes
no absence longer, and so no question wider (clause 10).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from locum.absence import Absence, Person
from locum.addresses import canonical, exception
from locum.desk.forms import SearchForm
from locum.desk.measuring import Window
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.errors import Invalid, LocumError
from locum.hours import parse_when, start_of_day
from locum.measure import Search
from locum.query import Query, WordsIn
from locum.wording import normal_line

_LONGEST: Final = timedelta(days=31)
_MANY: Final = 10
_LONG: Final = 100
_LOOKED_BACK: Final = timedelta(days=366)


def search_of(office: Office, form: SearchForm, owner: Person, handle: str, times: Window) -> Search:
    """The search that was asked for. Raises Invalid."""
    if times.to_date - times.from_date > _LONGEST + timedelta(hours=1):
        raise Invalid("search-too-long", days=str(_LONGEST.days))
    to = canonical(form.deliver_to)
    person = receiver_of(office, to)
    if person is not None and person.mailbox is not None:
        to = person.mailbox.address
    return Search(
        handle=handle,
        from_date=times.from_date,
        to_date=times.to_date,
        query=query_of(office, form, owner, times.from_date),
        deliver_to=to,
        alternatives=tuple(_tried(office, form)),
    )


def query_of(office: Office, form: SearchForm, owner: Person, now: datetime) -> Query:
    """The question of a form. Raises Invalid."""
    zone = office.zone(owner)
    since = parse_when(form.since, zone, now) if form.since else earliest(office, owner, now)
    before = parse_when(form.before, zone, now) if form.before else None
    if before is not None and not since < before:
        raise Invalid("search-dates-crossed")
    named = form.words_in or WordsIn.ANYWHERE
    return Query(
        senders=_several("senders", [_sender(one) for one in form.senders if one.strip()]),
        words=_several("words", [_word(one) for one in form.words if one.strip()]),
        words_in=WordsIn.SUBJECT if office.policy.search.words_in == "subject" else named,
        since=since,
        before=before,
    )


def _several(name: str, values: list[str]) -> tuple[str, ...]:
    if len(values) > _MANY:
        raise Invalid("search-too-many", field=name, most=str(_MANY))
    return tuple(dict.fromkeys(values))


def _sender(text: str) -> str:
    """An address, or a domain with @ before it."""
    found = exception(text)
    return found if "@" in found else f"@{found}"


def _word(text: str) -> str:
    word = " ".join(normal_line(text, "words").split())
    if len(word) > _LONG:
        raise Invalid("search-word-too-long", most=str(_LONG))
    return word


def _tried(office: Office, form: SearchForm) -> Iterator[tuple[str, date]]:
    known = office.policy.search.alternatives
    for what, on in dict(form.tried).items():
        if what not in known:
            raise Invalid("search-not-an-alternative", what=what[:40], known=", ".join(known))
        try:
            yield what, date.fromisoformat(on)
        except ValueError:
            raise Invalid("bad-day", text=on[:40]) from None


def earliest(office: Office, owner: Person, asked_at: datetime) -> datetime:
    """The first moment from which mail may be looked for: the day her absence began, and as many days before as the policy has."""
    zone = office.zone(owner)
    began = away_since(office, owner.id, asked_at) or asked_at
    first = began.astimezone(zone).date() - timedelta(days=office.policy.search.days_before)
    return start_of_day(first, zone)


def away_since(office: Office, person: str, at: datetime, *, fully: bool = False) -> datetime | None:
    """When the absence began in which she is at this moment, by the lists of leave; the earliest of those that follow upon
    each other. None where no list has one. A list that cannot be read is passed over; with `fully` it raises its Trouble.
    """
    mine = sorted((one for one in _absences(office, at, fully) if one.person == person), key=lambda one: one.from_at)
    began: datetime | None = None
    until = at
    for one in reversed(mine):
        if one.from_at <= until <= one.until_at and one.until_at > at - _LOOKED_BACK:
            began = until = one.from_at
    return began


def _absences(office: Office, at: datetime, fully: bool) -> Iterator[Absence]:
    for source in office.leave:
        try:
            yield from source.absences(at - _LOOKED_BACK, at + timedelta(seconds=1))
        except LocumError:
            if fully:
                raise
