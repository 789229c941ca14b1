"""The shipped policy with other values, and a question about a forward, for the tests of the policy."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from locum.absence import Channel
from locum.measure import Audience
from locum.policy import Facts, Policy, Question, load, shipped
from locum.policy.mistakes import Lines

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
