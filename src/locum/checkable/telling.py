"""Whether what the policy was told before an act is what the entries before it say. Pure.

Where the entries say a thing, it has to be the same; what only the organisation knows (who is of which function, how the
receiver was placed) is taken as it was told, and shown.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from locum.checkable.asked import Asked
from locum.entry import Entry
from locum.policy import Facts, Policy, Question, ask_of

_BY_ITSELF = ("", "will-be-tried-again")
"""What stands under `note` of a letter that asks her: all other letters have a name of their own."""


def mismatches(
    asked: Asked, policy: Policy, question: Question, facts: Facts, before: Sequence[Entry]
) -> tuple[str, ...]:
    """The names of the facts that are not as the entries have them."""
    return tuple(_mismatches(asked, policy, question, facts, before))


def _mismatches(
    asked: Asked, policy: Policy, question: Question, facts: Facts, before: Sequence[Entry]
) -> Iterator[str]:
    filed = max((place for place, one in enumerate(before) if one.type == "requested"), default=0)
    since = before[filed:]
    answer, heard_by = _answer(since)
    if facts.answer != answer:
        yield "answer"
    if facts.heard_by != heard_by:
        yield "heard_by"
    if facts.consent != _consent(asked, since):
        yield "consent"
    letters = [one for one in since if _asks_her(one)]
    if not {str(one) for one in facts.asked} <= {str(one.body.get("channel")) for one in letters}:
        yield "asked"
    if facts.deadline_at is not None and letters:
        sent = max(one.time for one in letters)
        if facts.deadline_at - sent < timedelta(hours=ask_of(policy, question).wait_hours):
            yield "deadline_at"
    if not _are_recorded(facts, asked, before):
        yield "reviews"


def _answer(since: Sequence[Entry]) -> tuple[str, str]:
    """What she said last to this request, and who noted it, where it was not herself."""
    said = [one for one in since if one.type in ("answered", "objected")]
    if not said:
        return "", ""
    last, answered = said[-1], [one for one in said if one.type == "answered"]
    answer = "objected" if last.type == "objected" else str(last.body.get("answer", ""))
    heard = [one for one in answered if one.body.get("answer") != "unanswered"][-1:]
    by = heard[0].body.get("by") if heard else ""
    return answer, str(by.get("id", "")) if isinstance(by, dict) else ""


def _consent(asked: Asked, since: Sequence[Entry]) -> str:
    """What the receiver of this forward said last to this very request."""
    to = asked.forward.to if asked.forward is not None else ""
    said = [one.body for one in since if one.type == "consented"]
    hers = [str(one.get("answer")) for one in said if (one.get("to"), one.get("request")) == (to, asked.hash)]
    return ("agreed" if hers[-1] == "agreed" else "declined") if hers else ""


def _asks_her(one: Entry) -> bool:
    """Whether this says that she was written to, or that a way to her was tried in vain."""
    outcome, note = one.body.get("outcome"), one.body.get("note")
    is_tried = outcome in ("delivered-to-relay", "failed") and note in _BY_ITSELF
    return one.type == "asked" and one.body.get("by") == "" and is_tried


def _are_recorded(facts: Facts, asked: Asked, before: Sequence[Entry]) -> bool:
    """Whether each decision that counted was recorded about this very request, and no denial of it is missing."""
    since = [one for one in before if one.type == "reviewed" and one.index > asked.entry.index]
    said = {(_who(one), str(one.body.get("decision"))) for one in since}
    told = {(person, decision) for person, decision, _ in facts.reviews}
    denied = {one for one in said if one[1] == "deny"}
    return told <= said and denied <= told


def _who(one: Entry) -> str:
    by = one.body.get("by")
    return str(by.get("id", "")) if isinstance(by, dict) else ""
