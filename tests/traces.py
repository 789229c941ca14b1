"""What tests record is a way through the machine of case_model.py, or the test fails.

After each test, the entries of every case in every organisation of world.py are read in order, and followed through the machine
with all its guards; steps that leave no entry (a crash, what is set on the mail system) may come in between. Where the way
ends, the row of the case has to be in a state that goes with it. test_traces.py shows that it finds what does not fit.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from case_model import Cast, State
from locum.app import App
from locum.entry import Json
from locum.errors import LocumError
from locum.lifecycle import Case
from locum.lifecycle import State as Row
from search_model import Cast as Ladder
from search_model import State as Rung

MANY = 10_000
ROWS = {
    "asking": {Row.REQUESTED, Row.ASKING},
    "answered": {Row.AGREED, Row.UNANSWERED, Row.AWAITING_REVIEW, Row.APPROVED, Row.SCHEDULED},
    "setting": {Row.APPLYING},
    "live": {Row.APPLIED},
    "stopping": {Row.ENDING},
    "ending": {Row.ENDING},
    "ended": {Row.ENDED, Row.ACCOUNTED},
    "over": {Row.WITHDRAWN, Row.REFUSED, Row.EXPIRED, Row.FAILED},
}


class Recorded(Protocol):
    """What is read of an entry."""

    @property
    def type(self) -> str: ...
    @property
    def body(self) -> dict[str, Json]: ...


def text(value: object, *path: str) -> str:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return str(value or "")


SEARCHED = ("search", "")
"""Beside every entry of a search: nothing is set, so there is nothing to be read back."""


def labels(entries: Sequence[Recorded]) -> Iterator[str]:
    """The steps of the machine that these entries tell of. Letters and notes (`asked`) change nothing about what may be done."""
    request = ""
    search = [SEARCHED] if searches(entries) else []
    for place, one in enumerate(entries):
        body = one.body
        if one.type == "requested" or body.get("answer") == "own-text":
            request = text(body, "request")
        elif one.type in ("reviewed", "consented") and text(body, "request") not in ("", request):
            yield f"{one.type} over another request"
            continue
        yield from _label(one, [(e.type, text(e.body, "act")) for e in entries[max(0, place - 2) : place + 2]] + search)


def _label(one: Recorded, around: list[tuple[str, str]]) -> Iterator[str]:
    body, act = one.body, text(one.body, "act")
    match one.type:
        case "requested":
            yield "requested joins" if body.get("joins") else "requested"
        case "answered":
            said = text(body, "answer")
            yield {"done-herself": "withdrawn"}.get(said, f"answered {said}")
        case "consented":
            said = text(body, "answer")
            yield {"withdrawn": "withdrawn"}.get(said, f"consented {said}")
        case "reviewed":
            yield f"reviewed {text(body, 'decision')} {text(body, 'by', 'id')} {text(body, 'by', 'function')}"
        case "searching":
            yield "step begun"
        case "chosen" | "opening":
            yield "step of two"
        case "closed":
            yield "step closed"
        case "counted" | "listed" | "opened" | "delivered":
            yield "step taken"
        case "objected" | "withdrawn" | "refused" | "expired" | "accounted":
            yield one.type
        case _:
            yield from _of_the_worker(one.type, act, around)


def _of_the_worker(kind: str, act: str, around: list[tuple[str, str]]) -> Iterator[str]:
    """What the worker recorded; beside what it has to stand: an outcome with what was read back, an end with its act."""
    match kind, act:
        case (("failed" | "read-back"), "watch"):
            yield "read-back watch"
        case "failed", "apply" if ("incident", "apply") not in around:
            yield "failed apply"
        case "failed", "look":
            yield "failed look"
        case "done", "apply":
            yield "done apply" if {("read-back", "apply"), SEARCHED} & set(around) else "done, and not read back"
        case ("intended", _) | ("incident", "apply"):
            yield f"{kind} {act}"
        case "ended", _:
            yield "ended" if ("done", "end") in around else "ended, and not done"


def cast_of(entries: Sequence[Recorded]) -> Cast:
    """Who is who in a case, and what it needed."""
    first = entries[0].body
    decided = [one.body for one in entries if one.type == "reviewed"]
    who = {kind: _people(one for one in decided if one.get("decision") in kind.split()) for kind in KINDS}
    receivers = {to for one in entries if one.type == "requested" for to in _receivers(one.body.get("measures"))}
    is_asked = any(one.type == "answered" for one in entries)
    signed = any(isinstance(one.get("signed"), dict) for one in decided)
    return Cast(
        need="two" if signed else "one" if receivers or not is_asked else "none",
        requester=text(first, "requester", "id"),
        owner=text(first, "person"),
        asks_as=next((function for _, function in who["request"]), "?"),
        approvers=who["approve deny"],
        overrulers=who["overrule"],
        may_lose=(),
        searches=searches(entries),
        forwards=bool(receivers - {text(first, "requester", "id")}),
        edits=len(entries),
        asked_of_nobody=not is_asked,
    )


def searches(entries: Sequence[Recorded]) -> bool:
    """Whether what is asked is a search."""
    measures = entries[0].body.get("measures") if entries else None
    return any(text(one, "measure") == "search" for one in (measures if isinstance(measures, list) else ()))


def _receivers(measures: Json) -> Iterator[str]:
    """To whom mail is to be forwarded, by the first half of the address, which is a person's id in these organisations."""
    for one in measures if isinstance(measures, list) else ():
        if isinstance(one, dict) and one.get("measure") == "forward":
            yield text(one, "to").partition("@")[0]


KINDS = ("request", "approve deny", "overrule")


def _people(decided: Iterable[dict[str, Json]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((text(one, "by", "id"), text(one, "by", "function")) for one in decided))


def followed(cast: Cast, steps: Iterable[str]) -> tuple[set[State], str]:
    """Where the machine may be after these steps; with the first step that it has no way for, if there is one."""
    states = closure(cast, {State()})
    for label in steps:
        after = {found for state in states for name, found in cast.steps(state) if name == label}
        if not after:
            return states, label
        states = closure(cast, after)
    return states, ""


def closure(cast: Cast, states: set[State]) -> set[State]:
    """With all that may happen without an entry."""
    found, left = set(states), list(states)
    while left:
        for label, state in cast.steps(left.pop()._replace(begun=None)):
            if label.startswith("(") and (state := state._replace(begun=None)) not in found:
                found.add(state)
                left.append(state)
    return found


def climbing(entries: Sequence[Recorded]) -> Iterator[str]:
    """The steps of search_model.py that these entries tell of."""
    for one in entries:
        body = one.body
        match one.type:
            case "searching":
                yield f"begin {text(body, 'act')} {text(body, 'by', 'id')}"
            case "counted":
                yield f"counted {text(body, 'bucket')}"
            case "unmasked":
                yield f"unmasked {text(body, 'by', 'id')}"
            case "chosen" | "opening":
                yield f"{one.type} {text(body, 'by', 'id')} {text(body, 'digest')}"
            case "opened":
                yield f"opened {text(body, 'digest')}"
            case "closed":
                yield f"closed {text(body, 'why')}"
            case "listed" | "delivered":
                yield one.type


def climbers(entries: Sequence[Recorded]) -> Ladder:
    """Who takes the steps of a search, and what its list holds."""
    who = cast_of(entries)
    lists = [one.body.get("hits") for one in entries if one.type == "listed"]
    hits = tuple(text(hit, "digest") for found in lists if isinstance(found, list) for hit in found)
    said = [one.body for one in entries if one.type == "reviewed" and one.body.get("decision") != "request"]
    return Ladder(requester=(who.requester, who.asks_as), others=_people(said), strangers=(), hits=hits, elsewhere=())


def stuck_on_the_ladder(entries: Sequence[Recorded]) -> str:
    """The first step of a search for which its machine has no way; "" where all are a way through."""
    ladder, states = climbers(entries), {Rung()}
    for label in climbing(entries):
        after = {found for state in states for name, found in ladder.steps(state) if name == label}
        if not after:
            return label
        states = after
    return ""


def strange(case: Case, entries: Sequence[Recorded]) -> str:
    """What is strange about what was recorded of a case; "" where it is a way through the machine."""
    steps = list(labels(entries))
    cast = cast_of(entries)
    states, stuck = followed(cast, steps)
    if stuck:
        return f"{case.id}: no way for {stuck!r} in {steps}"
    if cast.searches and (stuck := stuck_on_the_ladder(entries)):
        return f"{case.id}: no way for {stuck!r} in {list(climbing(entries))}"
    rows = {row for state in states for row in ROWS[state.phase]}
    rows |= {Row.OBJECTED for state in states if state.objection}
    rows |= ROWS["answered"] if cast.asked_of_nobody and Row.ASKING in rows else set()
    return "" if case.state in rows else f"{case.id}: the row says {case.state}, the record {sorted(rows)}"


def strange_in(app: App) -> list[str]:
    """The same of all cases of an organisation. What cannot be read says so itself, and is not asked."""
    try:
        cases = app.store.find(limit=MANY)
        told = app.store.entries_of([case.id for case in cases])
    except LocumError:
        return []
    return [found for case in cases if told.get(case.id) and (found := strange(case, told[case.id]))]
