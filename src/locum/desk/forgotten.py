"""Who forgot: leave compared with what is set on the mail servers, and the reminder before leave begins.

The kind of leave never gets here. A standing wish "I read along" silences it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from locum.absence import Absence, Channel, Person
from locum.desk import looking
from locum.desk.behind_links import set_link
from locum.desk.forms import Gap
from locum.desk.office import Office
from locum.entry import Draft, Json
from locum.errors import LocumError, Trouble
from locum.letter import Letter
from locum.measure import Standing, instant
from locum.phrases import when
from locum.store import Change, Job, Taken

_BACK_DAYS = 14
_DAILY = timedelta(days=1)
_SENT = "delivered-to-relay"


@dataclass(frozen=True, slots=True)
class _Away:
    person: Person
    absence: Absence


def gaps(office: Office, within_days: int, *, remind: bool) -> list[Gap]:
    """Who is away, or soon will be, without a reply; and whose reply is still on after the return. See Desk.gaps."""
    now = office.clock()
    found = []
    everybody = _away(office, now, within_days)
    looking.noted(office, "leave", [away.person.mailbox for away in everybody if away.person.mailbox is not None])
    for away in everybody:
        if (kind := _kind(away, _standing(office, away.person), now)) is not None:
            ahead = kind in ("no-reply-planned", "unknown") and away.absence.from_at > now
            reminded = remind and ahead and _remind(office, away)
            found.append(_gap(away, kind, reminded=reminded))
    return found


def _away(office: Office, now: datetime, within_days: int) -> list[_Away]:
    """The absences that matter: going on, starting within the days asked, or just over with nothing after them."""
    since, until = now - timedelta(days=_BACK_DAYS), now + timedelta(days=within_days)
    absences = sorted((a for source in office.leave for a in source.absences(since, until)), key=lambda a: a.from_at)
    rows: dict[tuple[str, bool], _Away] = {}
    for absence in absences:
        person = office.people.person(absence.person)
        if person is not None and person.mailbox is not None and not office.reached(person).reads_along:
            is_over = absence.until_at <= now
            if is_over or (absence.person, False) not in rows:
                rows[absence.person, is_over] = _Away(person, absence)
    return [
        away for (who, is_over), away in rows.items() if not (is_over and _is_away_now(rows.get((who, False)), now))
    ]


def _is_away_now(away: _Away | None, now: datetime) -> bool:
    return away is not None and away.absence.from_at <= now


def _standing(office: Office, person: Person) -> Standing | LocumError:
    name = office.route(person.mailbox.address) if person.mailbox is not None else None
    if person.mailbox is None or name is None or name not in office.connectors:
        return Trouble("no-connector", mailbox=person.id)
    try:
        return office.connectors[name].read(person.mailbox)
    except LocumError as error:
        return error


def _kind(away: _Away, standing: Standing | LocumError, now: datetime) -> str | None:
    """What is wrong about this absence, None where nothing is."""
    start, end = away.absence.from_at, away.absence.until_at
    if isinstance(standing, LocumError):
        return "unknown"
    if end <= now:
        late = standing.own_reply is True or any(r.from_date <= now < r.to_date for r in standing.replies)
        return "reply-after-return" if late else None
    if standing.own_reply is True or any(r.from_date < end and start < r.to_date for r in standing.replies):
        return None
    if standing.own_reply is None:
        return "unknown"
    return "no-reply-now" if start <= now else "no-reply-planned"


def _gap(away: _Away, kind: str, *, reminded: bool) -> Gap:
    person, absence = away.person, away.absence
    return Gap(
        person=person,
        kind=kind,
        from_at=absence.from_at,
        until_at=absence.until_at,
        from_words=when(absence.from_at, person.language, person.time_zone),
        until_words=when(absence.until_at, person.language, person.time_zone),
        reminded=reminded,
    )


def _remind(office: Office, away: _Away) -> bool:
    """Write to her once per absence, with a page to set it herself. False where she was reminded already, or now cannot be:
    a failed attempt is recorded, and the next day's look tries again.
    """
    if _was_reminded(office, away):
        return False
    token = office.new_token()
    link = set_link(token, away.absence)
    office.store.commit([Change(entries=(_reminder(office, away, "sending"),), links=(link,))])
    try:
        receipt = office.post.send(_letter(office, away, office.link_address(token)))
    except Trouble as trouble:
        office.store.commit([Change(entries=(_reminder(office, away, "failed", trouble.key),))])
        return False
    office.store.commit([Change(entries=(_reminder(office, away, _SENT, receipt),))])
    return True


def _reminder(office: Office, away: _Away, outcome: str, receipt: str = "") -> Draft:
    body: dict[str, Json] = {
        "channel": "mailbox",
        "outcome": outcome,
        "to": "",
        "by": "",
        "receipt": receipt,
        "tries": 1,
    }
    body |= {"note": "letter-remind", "absence_from": instant(away.absence.from_at)}
    return Draft(stream=_address(away), type="asked", time=office.clock(), body=body)


def _was_reminded(office: Office, away: _Away) -> bool:
    start = instant(away.absence.from_at)
    entries = [e.body for e in office.store.entries(mailbox=_address(away)) if e.body.get("note") == "letter-remind"]
    return any(body.get("absence_from") == start and body.get("outcome") == _SENT for body in entries)


def _address(away: _Away) -> str:
    return away.person.mailbox.address if away.person.mailbox else away.person.id


def _letter(office: Office, away: _Away, link: str) -> Letter:
    person = away.person
    words = _gap(away, "", reminded=False)
    empty = dict.fromkeys(
        "requester requester_address case reason because subject internal_text external_text audience deadline_words "
        "unanswered_words why news account_text".split(),
        "",
    )
    filled = {
        **empty,
        "organisation": office.organisation.name,
        "name": person.name,
        "from_words": words.from_words,
        "until_words": words.until_words,
        "link": link,
    }
    return Letter(
        id=f"remind.{person.id}.{instant(away.absence.from_at)}".replace(":", ""),
        event="remind",
        channel=Channel.MAILBOX,
        address=person.channels[Channel.MAILBOX],
        name=person.name,
        language=person.language,
        values=filled,
    )


def daily(office: Office, taken: Taken) -> None:
    """The daily job: remind everybody whose leave begins within the days that the settings name."""
    again = Job(kind=taken.job.kind, case=taken.job.case, due_at=office.clock() + _DAILY, lane=taken.job.lane)
    gaps(office, office.remind_days, remind=True)
    office.store.commit([Change(put=(again,), finished=taken)])
