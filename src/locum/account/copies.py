"""A forward in rows: to whom copies of her new mail went, whose mail, what was left out, what the receiver said, how many. Pure."""

from collections.abc import Iterator

from locum.account.shape import Kind, Row
from locum.account.story import Story, text
from locum.account.teller import Teller
from locum.entry import Entry
from locum.measure import Forward


def copies(teller: Teller, story: Story) -> Iterator[Row]:
    """Where copies were to go, what never did, and what the receiver answered."""
    forward = story.forward
    if forward is None:
        return
    yield Row(label=teller.say("label.forward-to"), text=teller.quote(forward.to))
    yield Row(label=teller.say("label.forward-senders"), text=teller.word("senders", forward.senders))
    yield Row(text=teller.say("copies.kept"), kind=Kind.NOTE)
    yield from _left_out(teller, forward)
    for entry in story.of("consented"):
        yield Row(label=teller.when(entry.time), text=_answer(teller, entry))


def _left_out(teller: Teller, forward: Forward) -> Iterator[Row]:
    yield Row(text=teller.say("copies.never"))
    for label, values in (("forward-marks", forward.private_marks), ("forward-never", forward.never)):
        if values:
            yield Row(label=teller.say(f"label.{label}"), text=teller.quote(", ".join(values)))


def _answer(teller: Teller, entry: Entry) -> str:
    body = entry.body
    key, to = f"copies.answer.{text(body, 'answer')}", teller.quote(text(body, "to"))
    by = teller.who(body.get("by")) or to
    return teller.say(key, by=by, to=to) if teller.says(key) else teller.say("copies.answer.other", by=by, to=to)


def how_many(teller: Teller, story: Story) -> Iterator[Row]:
    """How many copies went out, as far as the mail server's log tells."""
    if story.never_on:
        yield Row(text=teller.say("copies.none-at-all"))
    elif not story.of("ended", "failed"):
        yield Row(text=teller.say("replies.still"))
    else:
        yield Row(text=counted(teller, story))


def counted(teller: Teller, story: Story) -> str:
    """The number in a sentence."""
    count = story.copies_sent
    if count is None:
        return teller.say("copies.unknown")
    return teller.say({0: "copies.zero", 1: "copies.one"}.get(count, "copies.many"), count=count)
