"""Was each step of a search one that could be taken? The ladder is asked once more of every step that stands in the record, over the
entries before it; and of a message that was opened, whether two people had signed for just that. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace

from locum.checkable.asked import Asked, asked_in
from locum.checkable.finding import Finding, Findings
from locum.checkable.house import House, against
from locum.checkable.signing import passing, surroundings
from locum.climb import ladder_of, spent_in
from locum.entry import Entry
from locum.errors import LocumError
from locum.gate import Passed, Stopped, climbers
from locum.gate.opening import OneMessage, Two, given_openings, opens
from locum.gate.recorded import Recorded
from locum.ladder import Ladder, Pair, Step
from locum.measure import Search, query_from_json
from locum.query import Query

_ALLOWED, _SIGNED = "allowed", "signed"
_OF_TWO = {"chosen": Step.CHOOSE, "opening": Step.SIGN}


def check_steps(house: House, entries: Sequence[Entry]) -> Findings:
    """Each search among her cases, its steps in their order."""
    for case in dict.fromkeys(one.case for one in entries if one.case):
        steps = [one for one in entries if one.case == case and (one.type == "searching" or one.type in _OF_TWO)]
        if not steps:
            continue
        told = [found for step in steps for found in _check_step(house, entries, step)]
        yield from told
        if all(found.holds for found in told):
            values = {"case": case, "count": str(len(steps))}
            yield Finding(check=_ALLOWED, key="steps", values=values, seq=steps[-1].seq, index=steps[-1].index)


def _check_step(house: House, entries: Sequence[Entry], step: Entry) -> Findings:
    before = tuple(one for one in entries if one.index < step.index)
    told = tuple(one for one in before if one.case == step.case)
    asked = asked_in(told)
    search = None if asked is None else next((one for one in asked.measures if isinstance(one, Search)), None)
    policy = None if asked is None else house.policy(asked.policy)
    if asked is None or search is None or policy is None:
        yield against(_ALLOWED, "step-not-asked", step)
        return
    asked = replace(asked, at=step.time)
    found = passing(house, entries, told, asked, step.index)
    pair = climbers.pair_of(found.eyes) if isinstance(found, Passed) else Pair()
    ladder = ladder_of(search, pair, climbers.limits_of(policy), told, spent_in(before))
    if guard := _why_not(ladder, step):
        yield against(_ALLOWED, "step-not-allowed", step, step=str(step.body.get("act", step.type)), guard=guard)
    elif step.body.get("act") == Step.OPEN:
        yield from _check_opening(house, told, asked, ladder, step)


def _why_not(ladder: Ladder, step: Entry) -> str:
    by = step.body.get("by")
    who = str(by.get("id", "")) if isinstance(by, dict) else ""
    digest = str(step.body.get("digest", ""))
    try:
        kind = _OF_TWO.get(step.type) or Step(str(step.body.get("act", "")))
        query: Query | None = query_from_json(step.body["query"]) if step.body.get("query") is not None else None
    except (ValueError, TypeError, KeyError):
        return "not-narrower"
    return ladder.why_not(kind, who, step.time, query=query, digest=digest)


def _check_opening(house: House, told: tuple[Entry, ...], asked: Asked, ladder: Ladder, step: Entry) -> Findings:
    """The signatures of the two who opened it, over just this message, right before."""
    message = OneMessage(request=asked.hash, digest=ladder.chosen_by_both)
    pair = ladder.pair
    two = Two(requester=pair.requester, function=pair.function, others=pair.others, owner=asked.text("person"))
    given = [replace(one, any_words=True) for one in given_openings(Recorded(told), house.file.stream)]
    try:
        register = house.register_at(step.index)
    except LocumError:
        yield against(_SIGNED, "no-register", step)
        return
    found = opens(message, two, given, register, surroundings(house), step.time)
    if isinstance(found, Stopped):
        why = "\n".join(f"{one.key}\t{one.who}\t{one.what}" for one in found.reasons)
        yield against(_SIGNED, "forged" if found.is_false else "not-signed", step, why=why)
        return
    values = {"case": step.case, "who": ", ".join(found.persons)}
    yield Finding(check=_SIGNED, key="opened", values=values, seq=step.seq, index=step.index)
