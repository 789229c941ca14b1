"""Who is asked to look, as time goes by (clause 7): one named person first, one more after each escalation time, and a short
letter that it is no longer needed to those who were asked and had not decided.

One job per waiting case does all of it; who was asked when is read from the entries. A letter names no content and has no link
that decides: only where to sign in and look. One that may have left before a crash goes out again under the same Message-ID.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from locum.absence import Channel, Person
from locum.desk.gating import to_sign_anew, wants_signatures
from locum.desk.office import Office
from locum.desk.telling import record, try_later
from locum.desk.whom import OVER, REVIEW, Call, calls, has_decided, next_to_ask
from locum.entry import Draft, Entry
from locum.errors import Rejected, Trouble
from locum.letter import Letter
from locum.lifecycle import Case, State
from locum.phrases import one_line
from locum.store import Change, Job, Taken

_SENDING, _SENT, _FAILED = "sending", "delivered-to-relay", "failed"
_SHORTEST = timedelta(hours=1)
"""How often it is looked whether somebody can be asked, where nobody is left."""
_EVENTS = {REVIEW: "review", OVER: "review-over"}


def review_wanted(office: Office, taken: Taken) -> None:
    """Ask whoever is to be asked by now; or tell those who were asked that it is over."""
    case = office.store.case(taken.job.case)
    try:
        if case.state is State.AWAITING_REVIEW and office.clock() < case.to_date:
            _call(office, taken, case)
        else:
            _call_off(office, taken, case)
    except Trouble as trouble:
        try_later(office, taken, trouble)


def _call(office: Office, taken: Taken, case: Case) -> None:
    entries = office.store.entries(case=case.id)
    asked = calls(entries)
    if wants_signatures(office, case):
        anew = to_sign_anew(office, case)
        asked = {who: call for who, call in asked.items() if who not in anew or not has_decided(entries, call)}
    for call in asked.values():
        if call.outcome == _SENDING:  # a worker was lost, or the relay had trouble, in between
            asked[call.person] = _tell(office, case, call, REVIEW)
    while (due_at := _due(office, case, asked)) <= office.clock():
        if not (people := next_to_ask(office, case, asked, first=not _reached(asked))):
            due_at = office.clock() + _SHORTEST
            break
        for person in people:
            asked[person.id] = _ask(office, case, person)
    again = Job(kind=taken.job.kind, case=case.id, due_at=due_at, lane=taken.job.lane)
    office.store.commit([Change(put=(again,), finished=taken)])


def _reached(asked: Mapping[str, Call]) -> list[datetime]:
    """When those were asked whose address took the letter."""
    return [call.at for call in asked.values() if call.outcome != _FAILED]


def _due(office: Office, case: Case, asked: Mapping[str, Call]) -> datetime:
    """When the next one is to be asked: at once where nobody was reached."""
    if not (reached := _reached(asked)):
        return office.clock()
    hours = office.policy_of(case).four_eyes.escalate_hours
    return office.organisation.hours.after(max(reached), hours, ZoneInfo(office.organisation.time_zone))


def _ask(office: Office, case: Case, person: Person) -> Call:
    entries = office.store.entries(case=case.id)
    number = 1 + sum(_is_about(one, person.id) and one.body.get("outcome") == _SENDING for one in entries)
    call = Call(person=person.id, at=office.clock(), outcome=_SENDING, number=number)
    record(office, case, _entry(office, case, call, REVIEW))
    office.step("review.sending")
    return _tell(office, case, call, REVIEW)


def _is_about(entry: Entry, who: str) -> bool:
    return entry.body.get("whom") == who and entry.body.get("note") == REVIEW


def _call_off(office: Office, taken: Taken, case: Case) -> None:
    """Nobody's look is needed any more. Who decided knows that; who was never reached need not."""
    entries = office.store.entries(case=case.id)
    told = calls(entries, OVER)
    for call in calls(entries).values():
        if call.outcome == _FAILED or has_decided(entries, call):
            continue
        over = replace(call, outcome=_SENDING)
        if call.person not in told:
            record(office, case, _entry(office, case, over, OVER))
        _tell(office, case, over, OVER)
    office.store.commit([Change(finished=taken)])


def _tell(office: Office, case: Case, call: Call, note: str) -> Call:
    """Send one letter whose entry was made, and record what became of it. Raises Trouble where that is the relay's."""
    person = office.people.person(call.person)
    try:
        receipt = office.post.send(_letter(office, case, person, call.number, note)) if person is not None else ""
        call = replace(call, outcome=_SENT if person is not None else _FAILED)
    except Rejected as refusal:
        receipt, call = refusal.key, replace(call, outcome=_FAILED)
    office.step("review.sent")
    record(office, case, _entry(office, case, call, note, receipt))
    return call


def _entry(office: Office, case: Case, call: Call, note: str, receipt: str = "") -> Draft:
    person = office.people.person(call.person)
    return office.draft(
        case,
        "asked",
        channel=Channel.MAILBOX,
        outcome=call.outcome,
        to=one_line(person.name) if person is not None else call.person,
        whom=call.person,
        by="",
        receipt=receipt,
        note=note,
        tries=1,
    )


def _letter(office: Office, case: Case, person: Person, number: int, note: str) -> Letter:
    return Letter(
        id=f"{case.id}.{_EVENTS[note]}.{person.id}.{number}",
        event=_EVENTS[note],
        channel=Channel.MAILBOX,
        address=person.mailbox.address if person.mailbox is not None else "",
        name=person.name,
        language=person.language,
        values={
            "organisation": office.organisation.name,
            "name": person.name,
            "case": case.id,
            "pages": f"{office.organisation.web_url.rstrip('/')}/cases",
            "unsigned": "" if wants_signatures(office, case) else f"locum review {case.id}",
        },
    )
