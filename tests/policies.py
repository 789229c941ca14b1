"""The shipped policy with other values, and a question about a forward, for the tests of the policy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

from pydantic import BaseModel

from locum.absence import Channel
from locum.measure import Audience
from locum.policy import KEYS, Facts, Policy, Question, load, shipped
from locum.policy.file import File
from locum.policy.keys import Stricter
from locum.policy.measures import Reason
from locum.policy.mistakes import Lines
from locum.query import Query

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = Facts(
    channels=frozenset({Channel.MAILBOX, Channel.MOBILE}),
    asked=frozenset({Channel.MAILBOX, Channel.MOBILE}),
    deadline_at=NOW - timedelta(minutes=1),
    answer="unanswered",
)
QUESTION = Question(
    reason="forgotten",
    from_date=NOW,
    to_date=NOW + timedelta(days=14),
    audience=Audience.INTERNAL,
    external_is_template=True,
    batch_size=1,
    requester="bob",
    owner="anna",
)
ALTERNATIVES = ("auto-reply", "sender-resends", "colleagues-copies", "shared-mailbox")
JOINED = replace(
    QUESTION,
    reason="customer",
    measures=frozenset({"auto-reply", "forward"}),
    reviews_are="trial",
    forward_to="dirk@corp.test",
    forward_to_person="dirk",
    forward_inside=True,
)
SEARCHED = replace(
    QUESTION,
    reason="customer",
    measures=frozenset({"search"}),
    reviews_are="signed",
    powers=frozenset({"read-mail"}),
    forward_to="verkoop@corp.test",
    forward_inside=True,
    query=Query(senders=("@klant.test",), words=("offerte",), since=NOW - timedelta(days=30)),
    alternatives=tuple((what, NOW.date()) for what in ALTERNATIVES),
    away_since=NOW,
)
SETTLED = replace(ASKED, consent="agreed", reviews=(("carla", "approve", "manager"),))
FILLED = {
    "regulation.works_council": "OR-2026-17",
    "regulation.works_council_on": "2026-08-20",
    "regulation.register": "R-041",
    "regulation.dpia_on": "2026-08-11",
    "regulation.known_on": "2026-09-01",
}


def written(values: Mapping[str, object], text: str | None = None) -> str:
    """The text of a policy with other values, by their paths."""
    lines = (shipped() if text is None else text).splitlines()
    for path, value in values.items():
        table, _, key = path.rpartition(".")
        shown = value if path.endswith("_on") else json.dumps(value, ensure_ascii=False)
        entry = f"{key} = {shown}"
        where = Lines("\n".join(lines)).of(path.split("."))
        if where is not None and lines[where - 1].split("=")[0].strip() == key:
            lines[where - 1] = entry
        elif where is not None:
            lines.insert(where, entry)
        else:
            lines += [f"[{table}]", entry]
    return "\n".join(lines) + "\n"


def policy(values: Mapping[str, object] | None = None) -> Policy:
    """The shipped policy with other values, by their paths."""
    return load(written(values or {}))


def with_value(base: Policy, path: str, value: object) -> Policy:
    """The same policy with another value, unjudged: what no file may say can be tried too."""
    tables = {(field.alias or name): name for name, field in File.model_fields.items()}
    first, *rest = path.split(".")
    return replace(base, **{tables[first]: _copied(getattr(base, tables[first]), rest, value)})


def _copied(table: BaseModel, path: Sequence[str], value: object) -> BaseModel:
    names = {(field.alias or name): name for name, field in type(table).model_fields.items()}
    name, *rest = path
    inner = _copied(getattr(table, names[name]), rest, value) if rest else value
    return table.model_copy(update={names[name]: inner})


_LISTS = {
    "reasons": get_args(Reason),
    "powers": ("redirect-mail", "read-mail"),
    "officer_for": ("death", "dispute"),
}
_NUMBERS = {
    "max_days": (1, 13, 27, 92, 120),
    "batch_review_above": (0, 1, 20),
    "approvers": (1, 2, 3),
    "count": (0, 1, 2),
}
FUNCTIONS = ("manager", "hr", "dpo", "it")


def domain(path: str) -> list[object]:
    """Values to try for a key, mild ones and strict ones."""
    order, name = KEYS[path].order, path.rpartition(".")[2]
    if isinstance(order, tuple):
        return list(order)
    if order in (Stricter.LESS, Stricter.MORE):
        return list(_NUMBERS.get(name, (1, 2, 3)))
    choices = _LISTS.get(name, FUNCTIONS)
    return [[], *([one] for one in choices), list(choices[:2]), list(choices)]
