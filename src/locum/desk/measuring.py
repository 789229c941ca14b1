"""From a form to a measure: its window, and a forward with its receiver and everything that is left out.

What an auto-reply says is made in filing.py. Nothing here touches a mail system.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from locum.absence import Mailbox, Person
from locum.addresses import canonical
from locum.desk.forms import ForwardForm, RequestForm, SearchForm
from locum.desk.office import Office
from locum.desk.receiving import never_forwarded, receiver_of
from locum.errors import Invalid
from locum.hours import parse_when
from locum.lifecycle import Case
from locum.measure import Forward, Senders, instant

_LONGEST = timedelta(days=1100)
_A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when, aware UTC."""

    from_date: datetime
    to_date: datetime


def window(
    office: Office, form: RequestForm | ForwardForm | SearchForm, owner: Person, now: datetime, *, joins: Case | None
) -> Window:
    """The window that was asked for; where a request is joined, that request's. Raises Invalid, among others
    `join-other-window` where both say something and they differ.
    """
    zone = office.zone(owner)
    now = now.replace(microsecond=0)
    if joins is not None and not form.from_:
        from_date = joins.from_date
    else:
        from_date = max(parse_when(form.from_ or "now", zone, now), now)
    if form.until:
        to_date = parse_when(form.until, zone, now)
    elif joins is not None:
        to_date = joins.to_date
    else:
        to_date = from_date + _lasts(office, form)
    if to_date <= now:
        raise Invalid("end-in-the-past", until=instant(to_date), zone=owner.time_zone)
    if to_date <= from_date:
        raise Invalid("end-before-start", until=instant(to_date), zone=owner.time_zone)
    if to_date - now > _LONGEST:
        raise Invalid("too-far-ahead")
    if joins is None:
        return Window(from_date, to_date)
    same = Window(joins.from_date, joins.to_date)
    if (max(from_date, now), to_date) != (max(same.from_date, now), same.to_date):
        start, end = instant(same.from_date), instant(same.to_date)
        raise Invalid("join-other-window", case=joins.id, start=start, end=end, zone=owner.time_zone)
    return same


def _lasts(office: Office, form: RequestForm | ForwardForm | SearchForm) -> timedelta:
    """How long it lasts where the form does not say."""
    return _A_WEEK if isinstance(form, SearchForm) else timedelta(days=office.policy.forward.default_days)


def forward_of(office: Office, form: ForwardForm, mailbox: Mailbox, handle: str, times: Window) -> Forward:
    """The forward that was asked for: to the receiver's own address where a person has it. Raises Invalid `bad-address`."""
    to = canonical(form.to)
    person = receiver_of(office, to)
    if person is not None and person.mailbox is not None:
        to = person.mailbox.address
    return Forward(
        handle=handle,
        from_date=times.from_date,
        to_date=times.to_date,
        to=to,
        senders=form.senders or Senders(office.policy.forward.senders),
        addresses=mailbox.addresses,
        internal_domains=office.organisation.domains,
        never=never_forwarded(office, office.policy),
        private_marks=office.policy.private.marks,
    )
