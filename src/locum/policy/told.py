"""What the policy was told right before an act, as the entry `intended` has it: so that anybody can ask the policy once more.

Only what does not stand in the request itself: how the organisation, its people and its mail systems stood at that moment,
and what had happened. Written and read back here, byte for byte as docs/spec/account.md says. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from locum.absence import Channel
from locum.entry import Json
from locum.measure import instant, parse_instant
from locum.policy.question import Facts, Question


def told(question: Question, facts: Facts, at: datetime) -> dict[str, Json]:
    """`judged` in an entry: all that the policy was told at this moment, besides the request."""
    return {
        "at": instant(at),
        "question": {
            "disputed": question.disputed,
            "forward_circle": [*question.forward_circle],
            "forward_inside": question.forward_inside,
            "forward_to_person": question.forward_to_person,
            "hurried": question.hurried,
            "powers": [*sorted(question.powers)],
            "receiver_away": question.receiver_away,
            "requester_function": question.requester_function,
            "reviews_are": question.reviews_are,
            "words_doubted": question.words_doubted,
            **_away(question),
        },
        "facts": {
            "answer": facts.answer,
            "asked": [*sorted(facts.asked)],
            "channels": [*sorted(facts.channels)],
            "consent": facts.consent,
            "deadline_at": instant(facts.deadline_at) if facts.deadline_at is not None else "",
            "heard_by": facts.heard_by,
            "reads_along": facts.reads_along,
            "reviews": [[*one] for one in facts.reviews],
        },
    }


def _away(question: Question) -> dict[str, Json]:
    """Of a search alone, so that what was told of other measures is as it was."""
    if "search" not in question.measures:
        return {}
    return {"away_since": instant(question.away_since) if question.away_since is not None else ""}


def read_at(said: Mapping[str, Json]) -> datetime:
    """When the policy was asked. Raises ValueError."""
    return parse_instant(_text(said, "at"))


def read_question(said: Mapping[str, Json], asked: Question) -> Question:
    """The question as it was asked: `asked`, which is from the request alone, with what was told. Raises ValueError."""
    table = _table(said, "question")
    return replace(
        asked,
        disputed=_truth(table, "disputed"),
        forward_circle=tuple(_texts(table, "forward_circle")),
        forward_inside=_truth(table, "forward_inside"),
        forward_to_person=_text(table, "forward_to_person"),
        hurried=_truth(table, "hurried"),
        powers=frozenset(_texts(table, "powers")),
        receiver_away=_truth(table, "receiver_away"),
        requester_function=_text(table, "requester_function"),
        reviews_are=_text(table, "reviews_are"),
        words_doubted=_truth(table, "words_doubted"),
        away_since=_instant(table, "away_since") if "search" in asked.measures else None,
    )


def read_facts(said: Mapping[str, Json]) -> Facts:
    """The facts as they were told. Raises ValueError."""
    table = _table(said, "facts")
    return Facts(
        channels=frozenset(map(Channel, _texts(table, "channels"))),
        asked=frozenset(map(Channel, _texts(table, "asked"))),
        deadline_at=_instant(table, "deadline_at"),
        answer=_text(table, "answer"),
        heard_by=_text(table, "heard_by"),
        reads_along=_truth(table, "reads_along"),
        reviews=tuple(_review(one) for one in _list(table, "reviews")),
        consent=_text(table, "consent"),
    )


def _review(value: Json) -> tuple[str, str, str]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError("a review is a person, a decision and a function")
    person, decision, function = value
    if not (isinstance(person, str) and isinstance(decision, str) and isinstance(function, str)):
        raise ValueError("a review is three texts")
    return person, decision, function


def _table(said: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")
    return value


def _instant(said: Mapping[str, Json], name: str) -> datetime | None:
    value = _text(said, name)
    return parse_instant(value) if value else None


def _text(said: Mapping[str, Json], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _truth(said: Mapping[str, Json], name: str) -> bool:
    value = said.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")
    return value


def _list(said: Mapping[str, Json], name: str) -> list[Json]:
    value = said.get(name)
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return value


def _texts(said: Mapping[str, Json], name: str) -> list[str]:
    found = [one for one in _list(said, name) if isinstance(one, str)]
    if len(found) != len(_list(said, name)):
        raise ValueError(f"{name} is no list of texts")
    return found
