"""A case said in words: what was understood of its dates, and what happens next."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from locum.absence import Person
from locum.gist import word
from locum.lifecycle import Case, State
from locum.measure import Audience, AutoReply, Forward
from locum.messages import say
from locum.phrases import day, one_line, when
from locum.seam import People


def case_in_words(case: Case, people: People, language: str, *, trial: bool = False) -> list[str]:
    """What a requester is told: the dates and the audience as they were understood, and how far it is."""
    owner = people.person(case.person)
    name = one_line(owner.name) if owner is not None else case.mailbox
    zone = _zone(owner)
    see = say(language, "cli.see", case=case.id)
    end = [state_in_words(case, name, language, zone), *_objection(case, name, language), see]
    if case.is_final:
        return end
    until = _until(case.to_date, language, zone)
    lines = [
        say(
            language,
            f"cli.dates.{_start(case)}{_VARIANTS[case.asks_for]}",
            **{"from": when(case.from_date, language, zone)},
            until=until,
            zone=zone,
        ),
        *([say(language, f"cli.audience.{_audience(case.reply)}")] if case.reply else []),
        *(_forward(case, case.forward, language, trial=trial) if case.forward else []),
        *_besides(case, people, language),
    ]
    if asked := _asked(case, language):
        lines.append(say(language, "cli.asked", name=name, channels=asked))
    return lines + end


def state_in_words(case: Case, name: str, language: str, zone: str) -> str:
    """Where a case is, and what comes next."""
    deadline = "" if case.ask_deadline_at is None else when(case.ask_deadline_at, language, zone)
    key = f"cli.state.{case.state}"
    if case.state is State.ASKING and deadline:
        key = "cli.state.asking-until"
    values = {
        "name": name,
        "deadline": deadline,
        "from": when(case.from_date, language, zone),
        "until": when(case.to_date, language, zone),
        "why": outcome_in_words(case, language),
    }
    return say(language, key, **values)


def _objection(case: Case, name: str, language: str) -> list[str]:
    """What an objection means, and the two ways on from there."""
    if case.state is not State.OBJECTED:
        return []
    grounds = [who for who, decision, _ in case.reviews if decision == "overrule"]
    return [
        *(
            [say(language, "cli.objection.before", name=name, case=case.objected_before)]
            if case.objected_before
            else []
        ),
        say(language, "cli.objection.grounds", name=name, many=len(grounds))
        if grounds
        else say(language, "cli.objection.how", name=name, case=case.id),
    ]


def outcome_in_words(case: Case, language: str) -> str:
    """Why it came to its end, empty while it has not."""
    return word("outcome", case.outcome, language) if case.outcome else ""


def moment(at: datetime, owner: Person | None, language: str) -> str:
    """An instant in words, in her time zone."""
    return when(at, language, _zone(owner))


def _start(case: Case) -> str:
    return "now" if case.from_date <= case.filed_at else "later"


def _until(at: datetime, language: str, zone: str) -> str:
    there = at.astimezone(ZoneInfo(zone))
    words = when(at, language, zone)
    if there.time() != time(0):
        return words
    # "until the 25th" is read in two ways; so the last day is said too.
    return say(language, "cli.dates.last-day", until=words, day=day(there.date() - timedelta(days=1), language))


_VARIANTS = {"auto-reply": "", "forward": "-forward", "both": "-both", "search": "-search"}


def _forward(case: Case, forward: Forward, language: str, *, trial: bool) -> list[str]:
    to, senders = one_line(forward.to), word("senders", str(forward.senders), language)
    lines = [say(language, "cli.forward", to=to, senders=senders)]
    if not case.applied_at:
        lines.append(say(language, f"cli.consent.{consent_of(case) or 'waits'}", to=to))
    return [*lines, say(language, "cli.trial")] if trial else lines


def consent_of(case: Case) -> str:
    """What the receiver of a forward last said of this very request: agreed, declined, or empty."""
    said = [answer for _, answer, request in case.consents if request == case.request]
    return said[-1] if said else ""


def _besides(case: Case, people: People, language: str) -> list[str]:
    """Whom senders turn to, and when the mailbox closes (clause 17)."""
    contact = named(people.owner(case.contact_person)) or case.contact_person
    lines = [say(language, "cli.contact-person", contact=contact)] if contact else []
    if case.closes_on is not None:
        lines.append(say(language, "cli.closes", day=day(case.closes_on, language), contact=contact))
    return lines


def _audience(reply: AutoReply) -> str:
    if reply.audience is Audience.INTERNAL:
        return "internal"
    return f"{reply.audience}-two-texts" if reply.external_text is not None else str(reply.audience)


def _asked(case: Case, language: str) -> str:
    sent = [contact.channel for contact in case.contacts if contact.outcome in ("sent", "delivered-to-relay")]
    return ", ".join(dict.fromkeys(word("channel", channel, language) for channel in sent))


def _zone(owner: Person | None) -> str:
    return owner.time_zone if owner is not None else "UTC"


def named(owner: Person | None) -> str:
    """A person as others may see her: name and work address, never her private ones."""
    if owner is None:
        return ""
    return one_line(f"{owner.name} <{owner.mailbox.address}>" if owner.mailbox else owner.name)
