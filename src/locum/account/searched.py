"""A search in rows: what was asked, what each look told and left out, which headers were seen, which message was opened and where it
went. Pure. It is hers alone: what was seen stands here and nowhere else once the list is wiped.
"""

from collections.abc import Iterator

from locum.account.shape import Kind, Row
from locum.account.story import Body, Story, table, text
from locum.account.teller import Teller
from locum.entry import Entry
from locum.measure import parse_instant, query_from_json
from locum.query import Query, WordsIn


def question(teller: Teller, story: Story) -> Iterator[Row]:
    """What was looked for, to whom it was to go, and what was tried before."""
    search = story.search
    if search is None:
        return
    yield from _query(teller, search.query)
    yield Row(label=teller.say("label.deliver-to"), text=teller.quote(search.deliver_to))
    for what, on in search.alternatives:
        yield Row(label=teller.day(on.isoformat()), text=teller.word("alternative", what))
    yield Row(text=teller.say("searched.outside"), kind=Kind.NOTE)


def _query(teller: Teller, query: Query) -> Iterator[Row]:
    if query.senders:
        yield Row(label=teller.say("label.from-whom"), text=teller.quote(", ".join(query.senders)))
    if query.words:
        where = "words-subject" if query.words_in is WordsIn.SUBJECT else "words-anywhere"
        yield Row(label=teller.say(f"label.{where}"), text=teller.quote(", ".join(query.words)))
    if query.since is not None:
        yield Row(label=teller.say("label.since"), text=teller.when(query.since))
    if query.before is not None:
        yield Row(label=teller.say("label.before"), text=teller.when(query.before))


def looks(teller: Teller, story: Story) -> Iterator[Row]:
    """Each look: who asked for it, what it told, what it left out, and how much the machine read for it."""
    asked = story.of("searching")
    if not asked:
        yield Row(text=teller.say("searched.never"))
    for place, entry in enumerate(asked):
        until = asked[place + 1].index if place + 1 < len(asked) else None
        yield from _look(teller, story, entry, until)


def _look(teller: Teller, story: Story, entry: Entry, until: int | None) -> Iterator[Row]:
    act, who = text(entry.body, "act"), teller.who(entry.body.get("by")) or teller.say("who.unknown")
    said = teller.say(f"searched.{act}" if teller.says(f"searched.{act}") else "searched.other", who=who, act=act)
    yield Row(label=teller.when(entry.time), text=said)
    if (narrower := _narrowed(entry.body)) is not None:
        yield Row(text=teller.say("searched.narrowed"), kind=Kind.NOTE)
        yield from _query(teller, narrower)
    found = [
        one
        for one in story.of("counted", "listed", "opened", "delivered", "closed", "failed")
        if one.index > entry.index and (until is None or one.index < until)
    ]
    if not found:
        yield Row(text=teller.say("searched.unknown"), kind=Kind.WARNING)
    for one in found[:1]:
        yield from _told(teller, one)


def _narrowed(body: Body) -> Query | None:
    try:
        return query_from_json(body["query"]) if body.get("query") is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def _told(teller: Teller, entry: Entry) -> Iterator[Row]:
    body = entry.body
    if entry.type == "counted":
        yield Row(text=teller.say("searched.counted", bucket=teller.word("bucket", text(body, "bucket"))))
    elif entry.type == "listed":
        hits = body.get("hits")
        yield Row(text=teller.say("searched.listed", many=len(hits) if isinstance(hits, list) else 0))
    elif entry.type == "failed":
        yield Row(text=teller.say("searched.failed"), kind=Kind.WARNING)
    yield from _left_out(teller, body)
    if "headers" in body:
        yield Row(text=teller.say("searched.read", headers=text(body, "headers"), bodies=text(body, "bodies")))
    remarks = body.get("remarks")
    for one in remarks if isinstance(remarks, list) else []:
        if said := teller.known("remark", str(one), {}):
            yield Row(text=_sentence(said))


def _left_out(teller: Teller, body: Body) -> Iterator[Row]:
    if "excluded" not in body:
        return
    excluded = {kind: many for kind, many in table(body, "excluded").items() if isinstance(many, int) and many}
    all_judged = body.get("all_judged") is not False
    if not excluded:
        yield Row(text=teller.say("searched.nothing-left-out" if all_judged else "searched.not-all"))
        return
    yield Row(text=teller.say("searched.left-out" if all_judged else "searched.left-out-at-least"))
    for kind, many in excluded.items():
        said = teller.known("narrowing", f"kind.{kind}", {}) or kind
        yield Row(text=teller.say("searched.kind", many=many, kind=said))


def seen(teller: Teller, story: Story) -> Iterator[Row]:
    """The headers that people saw; and whose subject was masked."""
    listed = [hit for entry in story.of("listed") for hit in _hits(entry)]
    if not listed:
        yield Row(text=teller.say("searched.none-seen"))
    unmasked = {text(entry.body, "digest") for entry in story.of("unmasked")}
    for hit in listed:
        yield Row(label=_at(teller, text(hit, "at")), text=teller.quote(text(hit, "from")))
        yield Row(text=teller.quote(text(hit, "subject")), kind=Kind.QUOTE)
        if hit.get("masked") is True:
            key = "searched.was-shown" if text(hit, "digest") in unmasked else "searched.masked"
            yield Row(text=teller.say(key), kind=Kind.NOTE)


def _hits(entry: Entry) -> list[Body]:
    hits = entry.body.get("hits")
    return [hit for hit in hits if isinstance(hit, dict)] if isinstance(hits, list) else []


def opened(teller: Teller, story: Story) -> Iterator[Row]:
    """Who chose and opened which message, how long it was open, and where it went."""
    subjects = {text(hit, "digest"): text(hit, "subject") for entry in story.of("listed") for hit in _hits(entry)}
    steps = story.of("chosen", "unmasked", "opening", "opened", "closed", "delivered")
    if not steps:
        yield Row(text=teller.say("searched.none-opened"))
    for entry in steps:
        body = entry.body
        subject = teller.quote(subjects.get(text(body, "digest"), "")) or "…"
        values = {
            "who": teller.who(body.get("by")) or teller.say("who.unknown"),
            "subject": subject,
            "why": teller.word("closed", text(body, "why")),
            "seconds": text(body, "seconds") or "?",
            "to": teller.quote(text(body, "to")),
            "part": teller.word("part", text(body, "part").partition(" ")[0]),
        }
        kind = Kind.WARNING if entry.type == "opened" else Kind.LINE
        yield Row(label=teller.when(entry.time), text=teller.say(f"searched.{entry.type}-step", **values), kind=kind)


def _at(teller: Teller, value: str) -> str:
    try:
        return teller.when(parse_instant(value))
    except ValueError:
        return value


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")
