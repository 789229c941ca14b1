"""From a case to the words of a page: a row of a list, the facts, what happened and what comes next. Changes nothing.

Times are in the reader's zone, but for the window: that is in the zone of the mailbox, as it was asked. No text of people is
in what happened; why she objected is told to nobody here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from locum.absence import Person
from locum.desk import Desk
from locum.desk.recorded import entries_of
from locum.entry import Entry
from locum.gist import gist, word
from locum.jobs import Job
from locum.lifecycle import Case, State
from locum.messages import say, says
from locum.phrases import day, one_line, query_in_words, when
from locum.shapes import remark_shape, said_trouble
from locum.web.shown import Mail, audience
from locum.wording import Remark

LOOKS: Final = {
    State.REQUESTED: "waits",
    State.ASKING: "waits",
    State.AGREED: "waits",
    State.UNANSWERED: "waits",
    State.AWAITING_REVIEW: "waits",
    State.OBJECTED: "stopped",
    State.APPROVED: "waits",
    State.SCHEDULED: "ready",
    State.APPLYING: "ready",
    State.APPLIED: "live",
    State.REFUSED: "stopped",
    State.FAILED: "stopped",
}
"""How the mark of a state looks; what is over is plain."""
_HIDDEN_JOBS: Final = frozenset({"watch", "look", "noted", "news", "tell-said", "close", "objection-stands", "keepers"})
_LEFT: Final = frozenset({"sent", "delivered-to-relay"})
_ASKED_OF_HER: Final = frozenset({"agreed", "objected", "own-text", "done-herself", "unanswered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case in a list."""

    id: str
    name: str
    what: str
    state: str
    look: str
    asked_on: str
    until: str


def row(desk: Desk, case: Case, reader: Person) -> Row:
    """A case on one line."""
    language = reader.language
    return Row(
        id=case.id,
        name=name_of(desk, case),
        what=say(language, f"pages.cases.what.{case.asks_for}"),
        state=word("state", case.state, language),
        look=LOOKS.get(case.state, "over"),
        asked_on=_short(_local(case.filed_at, reader).date(), language),
        until=_short(_local(case.to_date, reader).date(), language),
    )


def _short(on: date, language: str) -> str:
    """A day without its weekday, which both our languages say first."""
    return day(on, language).partition(" ")[2]


def name_of(desk: Desk, case: Case) -> str:
    """Whose mailbox it is: her name, or the address of who is not on file any more."""
    owner = desk.office.people.person(case.person)
    return one_line(owner.name) if owner is not None else case.mailbox


def named(person: Person | None, otherwise: str) -> str:
    """A person as others may see her: name and work address, never her private ones."""
    if person is None:
        return otherwise
    return one_line(f"{person.name} ({person.mailbox.address})" if person.mailbox else person.name)


def _local(at: datetime, reader: Person) -> datetime:
    return at.astimezone(ZoneInfo(reader.time_zone))


def state_in_words(desk: Desk, case: Case, reader: Person) -> str:
    """Where it is, and what comes next."""
    language, zone = reader.language, reader.time_zone
    deadline = "" if case.ask_deadline_at is None else when(case.ask_deadline_at, language, zone)
    key = "asking-until" if case.state is State.ASKING and deadline else case.state
    return say(
        language,
        f"pages.cases.state.{key}",
        name=name_of(desk, case),
        deadline=deadline,
        **{"from": when(case.from_date, language, zone)},
        until=when(case.to_date, language, zone),
        why=word("outcome", case.outcome, language) if case.outcome else "",
    )


def refusal(case: Case, language: str) -> str:
    """Why it was refused, or what stands in the way; empty where nothing does."""
    return said_trouble(case.trouble, language) if case.trouble else ""


def window(desk: Desk, case: Case, language: str) -> tuple[str, str]:
    """When it begins and ends, in words; the end with its last day, since "until the 25th" is read in two ways."""
    owner = desk.office.owner_or_address(case)
    zone = owner.time_zone
    start = "" if case.from_date <= case.filed_at else when(case.from_date, language, zone)
    return start, until_in_words(case.to_date, language, zone)


def until_in_words(at: datetime, language: str, zone: str) -> str:
    """The first instant at which it no longer works, and the day before where that is a midnight."""
    there = at.astimezone(ZoneInfo(zone))
    words = when(at, language, zone)
    if there.time() != time(0):
        return words
    last = say(language, "pages.cases.ask.last_day", day=day(there.date() - timedelta(days=1), language))
    return f"{words} ({last})"


def facts(desk: Desk, case: Case, reader: Person) -> list[tuple[str, str, str]]:
    """What was asked: label, words, and a text of people behind them, where there is one."""
    language, told = reader.language, _labels(reader.language)
    start, until = window(desk, case, language)
    owner, office = desk.office.owner_or_address(case), desk.office
    if owner.time_zone != reader.time_zone:
        until = say(language, "pages.cases.fact.until_zone", until=until, zone=owner.time_zone)
    reply = case.reply
    rows = [
        ("mailbox", f"{name_of(desk, case)} ({case.mailbox})", ""),
        ("requester", named(office.people.person(case.requester), case.requester), ""),
        ("filed", when(case.filed_at, language, reader.time_zone), ""),
        ("why", word("reason", case.reason, language), case.because),
        ("from", start or say(language, "pages.cases.fact.at_once"), ""),
        ("until", until, ""),
        ("audience", audience(case, language) if reply else "", ""),
        ("except", ", ".join(reply.exceptions) if reply else "", ""),
        ("contact", named(office.people.owner(case.contact_person), case.contact_person), ""),
        ("closes", day(case.closes_on, language) if case.closes_on else "", ""),
        *_of_forward(case, language),
        *_of_search(case, reader),
        *_comments(desk, case, reader),
        ("outcome", word("outcome", case.outcome, language) if case.outcome and case.is_final else "", ""),
        ("number", case.id, ""),
    ]
    return [(told[key], words, text) for key, words, text in rows if words]


def _of_forward(case: Case, language: str) -> Iterator[tuple[str, str, str]]:
    forward = case.forward
    if forward is None:
        return
    yield "to", one_line(forward.to), ""
    yield "senders", word("senders", str(forward.senders), language), ""
    said = [answer for _, answer, request in case.consents if request == case.request]
    yield "receiver", say(language, f"pages.cases.receiver.{said[-1] if said else 'waits'}"), ""


def _of_search(case: Case, reader: Person) -> Iterator[tuple[str, str, str]]:
    search, language = case.search, reader.language
    if search is None:
        return
    yield "question", "; ".join(query_in_words(search.query, language, reader.time_zone)), ""
    yield "deliver_to", one_line(search.deliver_to), ""
    tried = (
        f"{say(language, key) if says(language, key := f'reading.alternative.{what}') else what} ({day(on, language)})"
        for what, on in search.alternatives
    )
    yield "tried", "; ".join(tried), ""


def _comments(desk: Desk, case: Case, reader: Person) -> Iterator[tuple[str, str, str]]:
    """What she said of a search besides yes and no, to those who ask and decide."""
    if case.search is None:
        return
    for one in entries_of(desk.office, case):
        if one.type == "commented" and isinstance(text := one.body.get("text"), str):
            yield "comment", when(one.time, reader.language, reader.time_zone), text


_FACTS: Final = (
    *("mailbox", "requester", "filed", "why", "from", "until", "audience", "except", "contact", "closes"),
    *("to", "senders", "receiver", "question", "deliver_to", "tried", "comment", "outcome", "number"),
)


def _labels(language: str) -> dict[str, str]:
    return {key: say(language, f"pages.cases.fact.{key}") for key in _FACTS}


def mails(case: Case, language: str, remarks: Sequence[tuple[str, Remark]] = ()) -> list[Mail]:
    """The reply as each reader gets it, with what is minded in it."""
    doubted = {field: tuple((one.start, one.end) for name, one in remarks if name == field) for field, _ in remarks}
    reply = case.reply
    if reply is None:
        return []
    inside = Mail(
        title=say(language, "pages.texts.internal"),
        sender=case.mailbox,
        subject=reply.subject,
        text=reply.text_body,
        html=reply.html_body,
        doubted=doubted.get("internal", ()),
        subject_doubted=doubted.get("subject", ()),
    )
    if not reply.external_text:
        return [inside]
    outside = Mail(
        title=say(language, "pages.texts.external"),
        sender=case.mailbox,
        subject=reply.subject,
        text=reply.external_text,
        html=reply.external_html,
        doubted=doubted.get("external", ()),
        subject_doubted=doubted.get("subject", ()),
    )
    return [inside, outside]


def remark(field: str, remark: Remark, language: str) -> dict[str, str]:
    """What the linter minds in one of the texts, in words."""
    return remark_shape(field, remark, language)


def next_steps(jobs: Sequence[Job], reader: Person) -> list[tuple[str, str]]:
    """What comes next: when, and what; without what only Locum itself has to know."""
    return [
        (when(job.due_at, reader.language, reader.time_zone), _doing(job, reader.language))
        for job in sorted(jobs, key=lambda job: job.due_at)
        if job.kind not in _HIDDEN_JOBS and says(reader.language, f"cli.job.{job.kind}")
    ]


def _doing(job: Job, language: str) -> str:
    doing = say(language, f"cli.job.{job.kind}")
    if not job.tries:
        return doing
    why = said_trouble(job.trouble, language) if job.trouble else ""
    return say(language, "pages.cases.case.again", doing=doing, tries=job.tries, why=why).rstrip()


def happened(entries: Sequence[Entry], reader: Person) -> list[tuple[str, str, str, str]]:
    """What has happened, oldest first: the instant for machines, the same in words, what, and by whom or how. What happened in one
    and the same minute has its time once.
    """
    found: list[tuple[str, str, str, str]] = []
    last = ""
    for entry in entries:
        if entry.body.get("outcome") == "sending" or entry.type == "intended":
            continue
        at = when(entry.time, reader.language, reader.time_zone)
        what, more = _said(entry, reader.language)
        found.append((entry.time.isoformat(), "" if at == last else at, what, more))
        last = at
    return found


def _said(entry: Entry, language: str) -> tuple[str, str]:
    """An entry: what, and by whom or how."""
    note = str(entry.body.get("note") or "")
    if entry.type != "asked" or isinstance(entry.body.get("by"), dict):
        more = ", ".join(part for part in (_by(entry), gist(entry, language)) if part)
        return word("entry", entry.type, language), more
    outcome = str(entry.body.get("outcome") or "")
    trouble = "" if outcome in _LEFT else word("contact", outcome, language)
    if note.startswith("letter-"):
        return say(language, "pages.cases.case.written"), ", ".join(
            p for p in (word("letter", note, language), trouble) if p
        )
    channel = word("channel", str(entry.body.get("channel") or ""), language)
    return word("entry", entry.type, language), ", ".join(part for part in (channel, trouble) if part)


def _by(entry: Entry) -> str:
    """Who did it, where a person did."""
    who = entry.body.get("by") or (entry.body.get("requester") if entry.type == "requested" else "")
    return one_line(str(who.get("name") or "")) if isinstance(who, dict) else ""


def her_answer(case: Case, language: str) -> str:
    """What she said so far, for whoever decides."""
    if case.answer in _ASKED_OF_HER:
        return word("answer", case.answer, language)
    return say(language, "pages.cases.review.no_answer" if case.contacts else "pages.cases.review.not_asked")


def today(now: datetime, reader: Person) -> date:
    """The day it is for the reader."""
    return _local(now, reader).date()
