"""The sections of an account: each function answers one question from the story, in rows. Pure; the words are the
teller's, what is true is the story's. A question that the record does not answer is said to be unanswered.
"""

from collections.abc import Iterable, Iterator, Sequence

from locum.account import searched
from locum.account.accesses import in_words, other_access
from locum.account.copies import copies, counted, how_many
from locum.account.deeds import on_mailbox
from locum.account.shape import Contacts, Kind, Row, Section
from locum.account.story import Body, Story, plain, table, text
from locum.account.teller import Teller
from locum.entry import Entry, Json
from locum.measure import AutoReply


def mailbox(story: Story) -> str:
    """The mailbox the case is about."""
    return story.entries[0].stream if story.entries else ""


def owner(teller: Teller, story: Story) -> str:
    """Her name, empty where the names do not hold it."""
    return teller.names.get(text(story.request, "person"), "")


def lead(teller: Teller, story: Story) -> tuple[str, ...]:
    """What happened, in two to four sentences."""
    if not story.entries:
        return (teller.say("lead.nothing"),)
    asked = teller.say(
        "lead.asked",
        who=_requester(teller, story),
        when=teller.when(story.entries[0].time),
        mailbox=mailbox(story),
    )
    said = [asked, _went(teller, story)]
    if story.live_from is not None and story.outcome == "ended":
        said.append(_count(teller, story))
    if teller.says(key := f"lead.kept-by-contact.{text(story.request, 'reason')}"):
        said.append(teller.say(key, name=owner(teller, story) or mailbox(story)))
    return (*said, teller.say("lead.password"))


def _requester(teller: Teller, story: Story) -> str:
    return teller.who(story.request.get("requester")) or teller.say("who.unknown")


def _went(teller: Teller, story: Story) -> str:
    live, until = story.live_from, story.live_until
    if story.outcome == "ended" and live is not None and until is not None:
        return teller.say(
            "lead.never-on" if story.never_on else "lead.ended", live=teller.when(live), until=teller.when(until)
        )
    if story.outcome == "live" and live is not None:
        stops = story.last.to_date if story.last else None
        key = "lead.live" if stops else "lead.live-open"
        return teller.say(key, live=teller.when(live), until=teller.when(stops) if stops else "")
    return teller.say("lead.ended-unknown" if story.outcome in ("ended", "live") else f"lead.{story.outcome}")


def _count(teller: Teller, story: Story) -> str:
    if story.search is not None:
        return teller.say("lead.opened-one" if story.of("opened") else "lead.opened-none")
    if story.forward is None:
        return _replies_counted(teller, story)
    return (
        counted(teller, story)
        if story.measure is None
        else f"{_replies_counted(teller, story)} {counted(teller, story)}"
    )


def _replies_counted(teller: Teller, story: Story) -> str:
    count = story.replies_sent
    if count is None:
        return teller.say("replies.unknown")
    return teller.say({0: "replies.none", 1: "replies.one"}.get(count, "replies.many"), count=count)


def all_of(
    teller: Teller, story: Story, contacts: Contacts, beside: Sequence[Entry] | None = None
) -> tuple[Section, ...]:
    """Every section, in the order in which she would ask."""
    rows = {
        "request": _request(teller, story),
        "asking": _asking(teller, story),
        "answers": _answers(teller, story),
        "reviews": _reviews(teller, story),
        "texts": _texts(teller, story),
        "forward": copies(teller, story),
        "question": searched.question(teller, story),
        "window": _window(teller, story),
        "mailbox": on_mailbox(teller, story),
        "replies": _replies(teller, story),
        "copies": how_many(teller, story),
        "looks": searched.looks(teller, story),
        "seen": searched.seen(teller, story),
        "opened": searched.opened(teller, story),
        "trouble": _trouble(teller, story),
        "access": other_access(teller, story, beside or ()),
        "object": _objecting(teller, story, contacts),
    }
    left_out = (*_LEFT_OUT[story.variant], *(("access",) if beside is None else ()))
    told = {key: tuple(found) for key, found in rows.items() if key not in left_out}
    return tuple(Section(key=key, title=_title(teller, key, story), rows=found) for key, found in told.items())


_OF_A_SEARCH = ("question", "looks", "seen", "opened")
_LEFT_OUT = {
    "": ("forward", "copies", *_OF_A_SEARCH),
    "-forward": ("texts", "replies", *_OF_A_SEARCH),
    "-both": _OF_A_SEARCH,
    "-search": ("texts", "forward", "mailbox", "replies", "copies"),
}
"""Questions that nobody has where nothing of the kind was asked for."""


def _title(teller: Teller, key: str, story: Story) -> str:
    if key in ("texts", "forward") and story.never_on:
        return teller.say(f"section.{key}-unset")
    return teller.say(f"section.{key}")


def _lines(teller: Teller, pairs: Iterable[tuple[str, str]]) -> Iterator[Row]:
    for label, value in pairs:
        if value:
            yield Row(label=teller.say(f"label.{label}"), text=value)


def _or(rows: Iterable[Row], otherwise: str) -> Iterator[Row]:
    found = list(rows)
    yield from found or [Row(text=otherwise)]


def _own_words(teller: Teller, label: str, value: str) -> Iterator[Row]:
    if value.strip():
        yield Row(label=teller.say(f"label.{label}"), text=teller.quote(value), kind=Kind.QUOTE)


def _request(teller: Teller, story: Story) -> Iterator[Row]:
    body = story.request
    yield from _lines(
        teller,
        [
            ("who", _requester(teller, story)),
            ("when", teller.when(story.entries[0].time) if story.entries else ""),
            ("reason", teller.word("reason", text(body, "reason"))),
        ],
    )
    yield from _own_words(teller, "because", text(body, "because"))
    yield from _besides(teller, body)
    if text(body, "batch"):
        yield Row(text=teller.say("request.batch", batch=text(body, "batch")), kind=Kind.NOTE)
    for entry in story.of("requested")[1:]:
        yield from _joined(teller, entry)


def _joined(teller: Teller, entry: Entry) -> Iterator[Row]:
    """Another measure was added, and it was all asked anew."""
    body = entry.body
    yield Row(text=teller.say("request.joined", when=teller.when(entry.time)), kind=Kind.NOTE)
    yield from _lines(teller, [("reason", teller.word("reason", text(body, "reason")))])
    yield from _own_words(teller, "because", text(body, "because"))


def _besides(teller: Teller, body: Body) -> Iterator[Row]:
    """Whom senders turn to, and when the mailbox closes (clause 17)."""
    closes_on = text(body, "closes_on")
    pairs = [
        ("contact-person", text(body, "contact_person")),
        ("closes-on", teller.day(closes_on) if closes_on else ""),
    ]
    yield from _lines(teller, pairs)
    if closes_on:
        yield Row(text=teller.say("request.closes"), kind=Kind.NOTE)


# asked and answered ------------------------------------------------------------------------------------------------


def _asking(teller: Teller, story: Story) -> Iterator[Row]:
    entries = story.of("asked")
    rows = (
        row for place, entry in enumerate(entries) if not _has_result(entries, place) for row in _attempt(teller, entry)
    )
    yield from _or(rows, teller.say("asking.none"))


def _has_result(entries: tuple[Entry, ...], place: int) -> bool:
    """Whether this is a `sending` whose result was recorded after it: the result is told, once."""
    body = entries[place].body
    same = [later.body for later in entries[place + 1 :] if _which(later.body) == _which(body)]
    return body.get("outcome") == "sending" and bool(same) and same[0].get("outcome") != "sending"


def _which(body: Body) -> tuple[Json, ...]:
    """What an attempt and its result have in common; the note too, where it says which letter it was."""
    note = text(body, "note")
    return (*(body.get(key) for key in ("channel", "to", "by", "tries")), note if note.startswith("letter-") else "")


def _attempt(teller: Teller, entry: Entry) -> Iterator[Row]:
    body = entry.body
    by, note, receipt = teller.who(body.get("by")), text(body, "note"), text(body, "receipt")
    said = teller.say(
        "asking.by-person" if by else "asking.attempt",
        channel=teller.word("channel", text(body, "channel")),
        to=f" ({text(body, 'to')})" if text(body, "to") else "",
        outcome=teller.word("contact", text(body, "outcome")),
        by=by,
    )
    if text(body, "tries") not in ("", "0", "1"):
        said += " " + teller.say("asking.tries", tries=text(body, "tries"))
    yield Row(label=teller.when(entry.time), text=said)
    if receipt and receipt != note:
        yield Row(text=_noted(teller, receipt) or teller.say("asking.receipt", receipt=receipt))
    if note:
        told = _noted(teller, note)
        yield Row(text=told) if told else Row(text=teller.quote(note), kind=Kind.QUOTE)


def _noted(teller: Teller, key: str) -> str:
    return teller.say(f"note.{key}") if teller.says(f"note.{key}") else ""


def _answers(teller: Teller, story: Story) -> Iterator[Row]:
    rows = (row for entry in story.of("answered", "objected") for row in _answer(teller, entry))
    yield from _or(rows, teller.say("answers.none"))


def _answer(teller: Teller, entry: Entry) -> Iterator[Row]:
    body = entry.body
    answer = text(body, "answer") or ("objected" if entry.type == "objected" else "")
    said = teller.word("answer", answer)
    via = text(body, "via")
    if via == "earlier-case":
        said = teller.say("answers.earlier", case=text(body, "earlier"))
    elif via:
        said = teller.say("answers.via", answer=said, via=teller.word("channel", via))
    if (by := body.get("by")) not in (None, "", "owner"):
        said = teller.say("answers.noted", answer=said, by=teller.who(by))
    yield Row(label=teller.when(entry.time), text=_capital(said) + ".")
    yield from _own_words(teller, "your-because", text(body, "because"))


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _reviews(teller: Teller, story: Story) -> Iterator[Row]:
    rows = (
        row
        for entry in story.of("reviewed", "refused", "withdrawn", "expired")
        for row in _decision(teller, story, entry)
    )
    yield from _or(rows, teller.say("reviews.none"))


def _decision(teller: Teller, story: Story, entry: Entry) -> Iterator[Row]:
    body = entry.body
    who = teller.who(body.get("by")) or teller.say("who.unknown")
    match entry.type:
        case "reviewed":
            said = teller.say("reviews.reviewed", who=who, decision=teller.word("decision", text(body, "decision")))
            if body.get("lacking"):
                said += " " + teller.say("reviews.lacking")
            if "signed" in body:
                said += " " + teller.say("reviews.signed" if table(body, "signed") else "reviews.unsigned")
        case "refused":
            said = teller.say("reviews.refused", who=who, sentence=_error(teller, body))
            if clause := text(body, "clause"):
                said += " " + teller.say("reviews.clause", clause=clause)
        case "withdrawn":
            said = teller.say("reviews.stopped" if story.was_begun_before(entry) else "reviews.withdrawn", who=who)
        case _:
            said = teller.say("reviews.expired", why=_why(teller, body))
    yield Row(label=teller.when(entry.time), text=said)
    # The because of a refusal by policy is the request's own, and stands there already.
    if not (entry.type == "refused" and text(body, "by") == "policy"):
        yield from _own_words(teller, "their-because", text(body, "because"))


def _why(teller: Teller, body: Body) -> str:
    return teller.word("outcome-hers", text(body, "why"))


def _error(teller: Teller, body: Body) -> str:
    """An error's sentence where it can be said from what was recorded, its key otherwise."""
    key = text(body, "key")
    values = {name: plain(value) for name, value in {**body, **table(body, "values")}.items()}
    return teller.known("errors", f"{key}.sentence", values) or key


# what it said, and when --------------------------------------------------------------------------------------------


def _texts(teller: Teller, story: Story) -> Iterator[Row]:
    wordings = story.measures
    if not wordings:
        yield Row(text=teller.say("texts.none"))
        return
    if len(wordings) > 1:
        yield Row(text=teller.say("texts.changed", when=teller.when(wordings[-1][0].time)), kind=Kind.NOTE)
    yield from _wording(teller, wordings[-1][1])
    for entry, reply in wordings[:-1]:
        yield Row(text=teller.say("texts.earlier", when=teller.when(entry.time)), kind=Kind.NOTE)
        yield from _wording(teller, reply)


def _wording(teller: Teller, reply: AutoReply) -> Iterator[Row]:
    yield from _own_words(teller, "subject", reply.subject)
    yield from _own_words(teller, "internal", reply.text_body)
    yield from _own_words(teller, "external", reply.external_text or "")
    yield from _own_words(teller, "internal-html", reply.html_body or "")
    yield from _own_words(teller, "external-html", reply.external_html or "")
    yield from _lines(
        teller,
        [
            ("audience", teller.word("audience", reply.audience)),
            ("exceptions", ", ".join(reply.exceptions)),
            ("addresses", ", ".join(reply.addresses)),
        ],
    )


def _window(teller: Teller, story: Story) -> Iterator[Row]:
    if (asked := story.last) is not None:
        yield from _lines(teller, [("from", teller.when(asked.from_date)), ("until", teller.when(asked.to_date))])
    live, until = story.live_from, story.live_until
    if live is None or story.never_on:
        yield Row(text=teller.say("window.never" if story.never_on else "window.unknown"), kind=Kind.NOTE)
        return
    yield from _lines(teller, [("live-from", teller.when(live)), ("live-until", teller.when(until) if until else "")])
    if until is None:
        yield Row(text=teller.say("window.still"), kind=Kind.NOTE)
    for entry in story.of("ended")[:1]:
        yield from _lines(teller, [("why-ended", _why(teller, entry.body))])


# how it went ----------------------------------------------------------------------------------------------------


def _replies(teller: Teller, story: Story) -> Iterator[Row]:
    if story.never_on:
        yield Row(text=teller.say("replies.never"))
    elif not story.of("ended", "failed"):
        yield Row(text=teller.say("replies.still"))
    else:
        yield Row(text=_replies_counted(teller, story))


def _trouble(teller: Teller, story: Story) -> Iterator[Row]:
    rows = (row for entry in story.of("failed", "incident") for row in _mishap(teller, entry))
    yield from _or(rows, teller.say("trouble.none"))


def _mishap(teller: Teller, entry: Entry) -> Iterator[Row]:
    body = entry.body
    if entry.type == "incident":
        yield Row(label=teller.when(entry.time), text=_incident(teller, body), kind=Kind.WARNING)
        return
    said = teller.say("trouble.failed", act=teller.word("act", text(body, "act")), sentence=_error(teller, body))
    left_as = text(body, "left_as")
    if left_as:
        said += " " + (teller.say(f"left-as.{left_as}") if teller.says(f"left-as.{left_as}") else left_as)
    yield Row(label=teller.when(entry.time), text=said, kind=Kind.WARNING)


def _incident(teller: Teller, body: Body) -> str:
    """What was found, in the gate's words where they are known."""
    said = teller.known("gate", text(body, "key"), {"who": teller.who(text(body, "who")) or "…"}) or in_words(
        body, teller.language, teller.time_zone
    )
    return said or teller.quote("; ".join(f"{key}: {plain(value)}" for key, value in body.items() if key != "case"))


def _objecting(teller: Teller, story: Story, contacts: Contacts) -> Iterator[Row]:
    yield Row(text=teller.say("object.how"), kind=Kind.NOTE)
    requester = _requester(teller, story)
    yield from _lines(
        teller,
        [
            ("ask", f"{requester} ({contacts.requester})" if contacts.requester else requester),
            ("officer", contacts.officer),
            ("authority", contacts.authority or teller.say("object.authority")),
        ],
    )
