"""`locum show` and `locum history` for people: a case on one screen, and the entries of the record a line each."""

from collections.abc import Iterator, Sequence

from locum.absence import Person
from locum.cli.door import Door
from locum.cli.output import put, put_fields, put_table, put_text
from locum.cli.words import consent_of, moment, named, outcome_in_words, state_in_words
from locum.entry import Entry
from locum.gist import gist, review_in_words, word
from locum.jobs import Job
from locum.lifecycle import Case
from locum.messages import say, says
from locum.phrases import day, one_line, query_in_words
from locum.shapes import said_trouble


def show_case(door: Door, case: Case, jobs: Sequence[Job], entries: Sequence[Entry]) -> None:
    """Write a case on standard output."""
    owner = door.app.people.person(case.person)
    put_fields(_fields(door, case, owner, entries))
    put()
    if case.reply is not None:
        put_text(door.say("field.internal"), case.reply.text_body)
        if case.reply.external_text is not None:
            put_text(door.say("field.external"), case.reply.external_text)
    if jobs:
        put()
        put(door.say("field.next"))
        for job in sorted(jobs, key=lambda job: job.due_at):
            put(f"  {_job(door, job, owner)}")
    put()
    columns = [door.say(f"column.{name}") for name in ("time", "entry", "what")]
    put_table(columns, ([row[0], *row[2:]] for row in entry_rows(door, entries, owner)))


def _fields(door: Door, case: Case, owner: Person | None, entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    language = door.language
    reply, forward = case.reply, case.forward
    name = one_line(owner.name) if owner is not None else case.mailbox
    zone = owner.time_zone if owner is not None else door.settings.organisation.time_zone
    requester = door.app.people.person(case.requester)
    values = {
        "case": case.id,
        "state": f"{case.state}: {state_in_words(case, name, language, zone)}",
        "why": outcome_in_words(case, language),
        "trouble": said_trouble(case.trouble, language) if case.trouble else "",
        "mailbox": named(owner) or case.mailbox,
        "requester": named(requester) or case.requester,
        "filed": moment(case.filed_at, owner, language),
        "reason": word("reason", case.reason, language),
        "because": case.because,
        "from": moment(case.from_date, owner, language),
        "until": f"{moment(case.to_date, owner, language)} ({zone})",
        "audience": word("audience", str(reply.audience), language) if reply else "",
        "except": ", ".join(reply.exceptions) if reply else "",
        "contact-person": named(door.app.people.owner(case.contact_person)) or case.contact_person,
        "closes-on": day(case.closes_on, language) if case.closes_on else "",
        "objected-before": case.objected_before,
        "question": "; ".join(query_in_words(case.search.query, language, zone)) if case.search else "",
        "deliver-to": one_line(case.search.deliver_to) if case.search else "",
        "tried": _tried(case, language),
        "forward-to": forward.to if forward else "",
        "forward-senders": word("senders", str(forward.senders), language) if forward else "",
        "forward-never": ", ".join(forward.never) if forward else "",
        "consent": door.say(f"consent.{consent_of(case) or 'waits'}", to=one_line(forward.to)) if forward else "",
        "trial": door.say("trial") if forward and door.settings.policy.unsigned_reviews else "",
        "reviews": ", ".join(review_in_words(one, language) for one in entries if one.type == "reviewed"),
        "connector": case.connector,
        "batch": case.batch,
        "subject": reply.subject if reply else "",
    }
    yield from ((door.say(f"field.{key}"), value) for key, value in values.items())


def _tried(case: Case, language: str) -> str:
    """The lighter ways that were tried before a search, each with its day."""
    found = []
    for what, on in case.search.alternatives if case.search else ():
        named = say(language, key) if says(language, key := f"reading.alternative.{what}") else what
        found.append(f"{named} ({on.isoformat()})")
    return ", ".join(found)


def _job(door: Door, job: Job, owner: Person | None) -> str:
    key = f"job.{job.kind}"
    doing = door.say(key) if door.knows(key) else job.kind
    at = moment(job.due_at, owner, door.language)
    if not job.tries:
        return f"{at}: {doing}"
    why = said_trouble(job.trouble, door.language) if job.trouble else ""
    return door.say("again", at=at, doing=doing, tries=job.tries, why=why).rstrip()


def entry_rows(door: Door, entries: Sequence[Entry], owner: Person | None) -> Iterator[list[str]]:
    """Rows of time, case, type, and what of the body tells most; never a text of people."""
    zone = owner.time_zone if owner is not None else door.settings.organisation.time_zone
    for entry in entries:
        yield [_short(entry, zone), entry.about, word("entry", entry.type, door.language), gist(entry, door.language)]


def _short(entry: Entry, zone: str) -> str:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    return entry.time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
