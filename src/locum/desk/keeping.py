"""Clause 15: the record of a case is kept for as long as the policy says, without content, and then erased. Decided here; how it
is done is locum.erasing's matter.

Never before she has the account, never while anything of it is live or waits, and never sooner than the policy says under
which the case was filed: counted from the account, or from the end of what was asked for where that is later. Of somebody who
is not on file any more nothing at all is kept, once the time of everything in her stream is over.
"""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta

from locum.desk.office import Office
from locum.desk.searching import tidying
from locum.errors import LocumError, Refused
from locum.keyring import ORGANISATION
from locum.lifecycle import FINAL, Case
from locum.measure import instant, parse_instant
from locum.policy import Policy
from locum.store import Change, Job, Taken

KIND, CASE, LANE = "erase", "org/erase", "keeping"
"""The daily job and the lane of its own that it runs in."""
OLD = "kept-long-enough"
LEFT = "not-on-file"
_DAILY = timedelta(days=1)
_AT_ONCE = 500
_MONTH = timedelta(days=31)


def start(office: Office) -> None:
    """Put the daily job, where there is none; and take away what a lost worker left of a search."""
    tidying.at_start(office)
    if not office.store.jobs(CASE):
        office.store.commit([Change(put=(Job(kind=KIND, case=CASE, due_at=office.clock(), lane=LANE),))])


def daily(office: Office, taken: Taken) -> None:
    """The daily job: erase what has been kept for long enough, and come back tomorrow."""
    tidying.wipe(office)
    erase_due(office)
    again = Job(kind=KIND, case=CASE, due_at=office.clock() + _DAILY, lane=LANE)
    office.store.commit([Change(put=(again,), finished=taken)])


def erase_due(office: Office) -> int:
    """Erase all whose time is over. How many cases it were."""
    if (eraser := office.eraser) is None:
        return 0
    eraser.finish()
    due = [case.id for case in _final(office) if is_due(office, case)]
    many = eraser.erase(due, OLD) if due else 0
    if gone := [mailbox for mailbox in office.store.mailboxes() if _has_left(office, mailbox)]:
        eraser.erase((), LEFT, mailboxes=gone)
    return many


def erase(office: Office, case: Case) -> None:
    """Erase one case, by hand. Raises Refused (clause 15) `erase-live`, `erase-not-accounted`, `erase-too-soon`."""
    check(office, case)
    if office.eraser is not None:
        office.eraser.erase([case.id], OLD)


def check(office: Office, case: Case) -> None:
    """Raise what speaks against erasing a case now."""
    if case.state not in FINAL or office.store.jobs(case.id) or office.store.found(case.id) is not None:
        raise Refused("erase-live", clause=15, case=case.id, state=case.state)
    if case.accounted_at is None:
        raise Refused("erase-not-accounted", clause=15, case=case.id)
    if office.clock() < (over := kept_until(office, case)):
        raise Refused("erase-too-soon", clause=15, case=case.id, on=over.date().isoformat())


def is_due(office: Office, case: Case) -> bool:
    """Whether nothing speaks against it. The cheap questions come first: it is asked of every case, every day."""
    if case.accounted_at is None or office.clock() < case.accounted_at + _MONTH:
        return False
    try:
        check(office, case)
    except Refused:
        return False
    return True


def kept_until(office: Office, case: Case) -> datetime:
    """From when on it may be erased."""
    since = max(moment for moment in (case.accounted_at, case.to_date, case.filed_at) if moment is not None)
    return _months_later(since, _policy(office, case).keeping.record_months)


def _policy(office: Office, case: Case) -> Policy:
    """The one under which it was filed; where its text is lost, the one in force."""
    try:
        return office.policy_of(case)
    except LocumError:
        return office.policy


def _months_later(moment: datetime, months: int) -> datetime:
    """The same day of that month, or its last one."""
    year, month = divmod(moment.month - 1 + months, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=moment.year + year, month=month + 1, day=day)
        except ValueError:
            continue
    raise ValueError(months)


def _is_gone_long(office: Office, mailbox: str) -> bool:
    store, now = office.store, office.clock()
    name = f"left/{hmac.digest(store.stream_keys([mailbox])[mailbox], b'locum/left/v1', 'sha256')[:16].hex()}"
    since = (store.kept_setting(name) or b"").decode()
    if office.people.owner(mailbox) is not None:
        if since:
            store.commit([Change(keep={name: b""})])
        return False
    if not since:
        store.commit([Change(keep={name: instant(now).encode()})])
    return bool(since) and now >= parse_instant(since) + _MONTH


def _final(office: Office) -> Iterator[Case]:
    before = ""
    while found := office.store.find(states=tuple(FINAL), before=before, limit=_AT_ONCE):
        yield from found
        before = found[-1].id


def _has_left(office: Office, mailbox: str) -> bool:
    """Whether nobody on file has had this mailbox for a month, no case is left on it, and all else that was written about it is
    old. A month: a list of people that was cut short by mistake is mended before that.
    """
    if mailbox.startswith(ORGANISATION) or not _is_gone_long(office, mailbox):
        return False
    if office.store.find(mailbox=mailbox, limit=1):
        return False
    left = office.store.entries(mailbox=mailbox)
    old = not left or office.clock() >= _months_later(left[-1].time, office.policy.keeping.record_months)
    return old and bool(left or office.store.whole(mailbox))
