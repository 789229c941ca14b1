"""The entries of one case, read as a story: what was asked, what happened last, what is missing. Pure.

Bodies are read warily: an entry may be older or newer than this program. What is not understood is left for the record
section of the account, where every entry is shown whole.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from locum.entry import Entry, Json
from locum.measure import AutoReply, Forward, Measure, Search, from_json, measure_from_json

Body: TypeAlias = Mapping[str, Json]


def text(body: Body, key: str) -> str:
    """The value as text: "" where it is absent or null, plain JSON where it is no text. Nothing is dropped."""
    value = body.get(key)
    if value is None:
        return ""
    return value if isinstance(value, str) else plain(value)


def plain(value: Json) -> str:
    """Any value as one line of JSON, letters of all languages as they are."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def table(body: Body, key: str) -> Body:
    """The value where it is a table, an empty one otherwise."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def texts(body: Body, key: str) -> tuple[str, ...]:
    """The value where it is a list, as texts."""
    value = body.get(key)
    return tuple(plain(item) for item in value) if isinstance(value, list) else ()


def measure(body: Body) -> AutoReply | None:
    """The auto-reply in a body (`measure`, or the one of `measures`), None where there is none we can read."""
    listed = body.get("measures")
    asked = listed if isinstance(listed, list) else []
    replies = [one for one in asked if isinstance(one, dict) and one.get("measure") == "auto-reply"]
    found = body.get("measure") or (replies[0] if replies else None)
    try:
        return from_json(found) if isinstance(found, dict) else None
    except (KeyError, TypeError, ValueError):
        return None


def forward(body: Body) -> Forward | None:
    """The forward among `measures` in a body, or in the request `r` that an own text of hers made; None where there is none."""
    listed = body.get("measures") or table(body, "r").get("measures")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    try:
        read = [measure_from_json(one) for one in found if one.get("measure") == "forward"]
    except (KeyError, TypeError, ValueError):
        return None
    return next((one for one in read if isinstance(one, Forward)), None)


def search(body: Body) -> Search | None:
    """The search among `measures` in a body; None where there is none that we can read."""
    listed = body.get("measures")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    try:
        read = [measure_from_json(one) for one in found if one.get("measure") == "search"]
    except (KeyError, TypeError, ValueError):
        return None
    return next((one for one in read if isinstance(one, Search)), None)


@dataclass(frozen=True, slots=True)
class Act:
    """One `intended` and what the record says became of it: its `done` or `failed`, None for unknown. `again_at` is when
    the same act was begun anew.
    """

    intended: Entry
    outcome: Entry | None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """The entries of one case, oldest first."""

    entries: tuple[Entry, ...]

    def of(self, *types: str) -> tuple[Entry, ...]:
        """The entries of these types, oldest first."""
        return tuple(entry for entry in self.entries if entry.type in types)

    @property
    def request(self) -> Body:
        """The body of the request; of the refusal, where nothing else was recorded."""
        found = self.of("requested") or self.of("refused")
        return found[0].body if found else {}

    @property
    def measures(self) -> tuple[tuple[Entry, AutoReply], ...]:
        """Every wording that was asked for or put in its place, oldest first."""
        found: list[tuple[Entry, AutoReply]] = []
        for entry in self.of("requested", "refused", "answered"):
            reply = measure(entry.body)
            if reply is not None and not (found and found[-1][1] == reply):  # joined by another measure, its words stay
                found.append((entry, reply))
        return tuple(found)

    @property
    def measure(self) -> AutoReply | None:
        """The last wording: the one that counts."""
        return self.measures[-1][1] if self.measures else None

    @property
    def forward(self) -> Forward | None:
        """The forward that was asked for, as it was last."""
        found = [one for entry in self.of("requested", "refused", "answered") if (one := forward(entry.body))]
        return found[-1] if found else None

    @property
    def search(self) -> Search | None:
        """The search that was asked for, where it was one."""
        found = [one for entry in self.of("requested", "refused") if (one := search(entry.body))]
        return found[-1] if found else None

    @property
    def variant(self) -> str:
        """What is put behind the key of a sentence that is said otherwise of a forward, of both together, or of a search."""
        if self.search is not None:
            return "-search"
        if self.forward is None:
            return ""
        return "-forward" if self.measure is None else "-both"

    @property
    def last(self) -> Measure | None:
        """What was asked for last; all measures of a case have one window."""
        return self.measure or self.forward or self.search

    @property
    def acts(self) -> tuple[Act, ...]:
        """Every `intended` with its pair. A pair settles the latest attempt at the same act."""
        found: list[Act] = []
        for entry in self.entries:
            if entry.type == "intended":
                found.append(Act(entry, None))
            elif entry.type in ("done", "failed"):
                _settle(found, entry)
        return tuple(_with_next(found))

    @property
    def outcome(self) -> str:
        """pending, unknown, live, ended, or how it went no further: refused, withdrawn, expired, failed, objected."""
        state = "pending"
        for entry in self.entries:
            state = _after(state, entry)
        return state

    @property
    def live_from(self) -> datetime | None:
        """When it first answered: when it was set, or its start where that came later."""
        set_at = [entry.time for entry in self.of("done") if text(entry.body, "act") == "apply"]
        if not set_at:
            return None
        return max(set_at[0], self.last.from_date) if self.last else set_at[0]

    def was_begun_before(self, entry: Entry) -> bool:
        """Whether setting it had been begun before this entry."""
        return any(act.intended.index < entry.index for act in self.acts if text(act.intended.body, "act") == "apply")

    @property
    def never_on(self) -> bool:
        """It certainly never answered: setting it was not even begun, or it ended before its start."""
        if self.live_from is not None:
            return self.live_until is not None and self.live_until <= self.live_from
        return not any(text(act.intended.body, "act") == "apply" for act in self.acts)

    @property
    def live_until(self) -> datetime | None:
        """When it answered no more: its end, or when it was ended where that came sooner. None while it is on."""
        ended_at = [entry.time for entry in self.of("ended")]
        if self.live_from is None or not ended_at:
            return None
        return min(ended_at[0], self.last.to_date) if self.last else ended_at[0]

    @property
    def replies_sent(self) -> int | None:
        """How many replies went out by the mail server's own log, None where it does not tell."""
        return self._counted("replies_sent")

    @property
    def copies_sent(self) -> int | None:
        """How many copies went out by the mail server's own log, None where it does not tell."""
        return self._counted("copies_sent")

    def _counted(self, name: str) -> int | None:
        for entry in self.of("ended"):
            count = entry.body.get(name)
            if isinstance(count, int) and not isinstance(count, bool):
                return count
        return None


def story(entries: Sequence[Entry], case_id: str) -> Story:
    """The entries of `case_id` among `entries`, in the order of the log."""
    mine = (entry for entry in entries if entry.about == case_id)
    return Story(tuple(sorted(mine, key=lambda entry: entry.index)))


def _settle(acts: list[Act], outcome: Entry) -> None:
    name = text(outcome.body, "act")
    for place in reversed(range(len(acts))):
        if text(acts[place].intended.body, "act") == name:
            if acts[place].outcome is None:
                acts[place] = Act(acts[place].intended, outcome)
            return


def _with_next(acts: list[Act]) -> list[Act]:
    """An attempt without a pair that was followed by another of the same kind."""
    following: dict[str, datetime] = {}
    found: list[Act] = []
    for act in reversed(acts):
        name = text(act.intended.body, "act")
        found.append(act if act.outcome else Act(act.intended, None, following.get(name)))
        following[name] = act.intended.time
    return found[::-1]


_FINAL = frozenset({"refused", "withdrawn", "expired", "ended"})
_SAID = {"objected": "objected", "done-herself": "done-herself"}


def _after(state: str, entry: Entry) -> str:
    if entry.type in _FINAL:
        # While it is on, a withdrawal is the wish to stop it; what came of that is told by the entries that follow.
        is_on = state in ("live", "unknown") and entry.type != "ended"
        return state if is_on or (state == "failed" and entry.type == "ended") else entry.type
    if entry.type in ("intended", "done", "failed"):
        return _after_act(state, entry.type, text(entry.body, "act"))
    if entry.type == "answered" and (answer := text(entry.body, "answer")) in _SAID:
        return _SAID[answer]
    if entry.type == "reviewed" and state == "objected" and entry.body.get("lacking"):
        return state  # grounds of one approver overrule nothing
    return "pending" if entry.type in ("answered", "reviewed") and state == "objected" else state


def _after_act(state: str, kind: str, act: str) -> str:
    changes = {
        ("intended", "apply"): "unknown",
        ("done", "apply"): "live",
        ("done", "end"): "failed" if state == "failed" else "ended",
        ("failed", "apply"): "failed",
        ("failed", ""): "failed",
    }
    return changes.get((kind, act), state)
