"""Was each act allowed? The policy is asked once more, over what the entries say. Pure.

What the policy was told right before the act stands in the record (policy/told.py); here it is compared with the entries
before it, and asked again. Whether the right people signed is signing.py's question.
"""

from collections.abc import Sequence
from dataclasses import replace

from locum.checkable.asked import Asked, asked_in
from locum.checkable.finding import Finding, Findings
from locum.checkable.house import House, Judged, against
from locum.checkable.signing import check_signed
from locum.checkable.telling import mismatches
from locum.entry import Entry
from locum.gate.recorded import Recorded
from locum.measure import instant
from locum.policy import Allowed, Needs, No, Policy, decide
from locum.policy.told import read_at, read_facts, read_question

_ALLOWED = "allowed"


def check_acts(house: House, entries: Sequence[Entry]) -> Findings:
    """Each act among her entries, the first one first."""
    for act in (one for one in entries if one.type == "intended" and one.body.get("act") == "apply"):
        before = tuple(one for one in entries if one.case == act.case and one.index < act.index)
        yield from _check_act(house, entries, act, before)


def _check_act(house: House, entries: Sequence[Entry], act: Entry, before: tuple[Entry, ...]) -> Findings:
    asked = asked_in(before)
    if asked is None:
        yield against(_ALLOWED, "nothing-asked", act)
        return
    if not asked.fits(house.file.stream, act):
        yield against(_ALLOWED, "request-other", act)
        return
    if Recorded(before).is_over:
        yield against(_ALLOWED, "over-before", act)
    if (found := _not_in_force(house, asked, act)) is not None:
        yield found
    policy = house.policy(asked.policy)
    if policy is None:
        yield against(_ALLOWED, "policy-text", act, policy=asked.policy[:16])
        return
    if house.reads_otherwise(policy):
        yield Finding(check=_ALLOWED, key="policy-otherwise", holds=None, values={"policy": policy.hash[:16]})
    judged = _judged(asked, policy, act, before, is_expected=_is_expected(entries, act))
    if isinstance(judged, Finding):
        yield judged
        return
    if wrong := _told_otherwise(judged):
        yield against(_ALLOWED, "told-otherwise", act, what=", ".join(wrong))
    else:
        yield from _decided(judged)
    yield from check_signed(house, entries, judged)


def _not_in_force(house: House, asked: Asked, act: Entry) -> Finding | None:
    """What is wrong where the policy of the request was not the one in force when it was filed."""
    name = asked.policy
    if house.in_force(asked.entry.index) == name:
        return None
    places = [one.index for one in house.policies if one.body.get("hash") == name]
    late = "policy-later" if places and min(places) > asked.entry.index else "policy-replaced"
    key = late if places else "policy-unknown"
    return against(_ALLOWED, key, act, policy=name[:16])


def _is_expected(entries: Sequence[Entry], act: Entry) -> bool:
    """Whether what the policy was told was written down by then. Versions that did not had handed over no key either."""
    return any(one.type == "enrolled" or "judged" in one.body for one in entries if one.index < act.index)


def _judged(
    asked: Asked, policy: Policy, act: Entry, before: tuple[Entry, ...], *, is_expected: bool
) -> Judged | Finding:
    """What the policy was told of this act, as the record has it."""
    told = next((one.body["judged"] for one in (act, *reversed(before)) if _is_told(one, act)), None)
    if not isinstance(told, dict):
        missing = against(_ALLOWED, "not-told", act)
        return missing if is_expected else replace(missing, key="not-told-early", holds=None)
    try:
        at, facts, question = read_at(told), read_facts(told), read_question(told, asked.question())
    except ValueError:
        return against(_ALLOWED, "told-unreadable", act)
    return Judged(act=act, before=before, asked=replace(asked, at=at), policy=policy, question=question, facts=facts)


def _told_otherwise(judged: Judged) -> list[str]:
    """Of what was told, that which the entries do not say."""
    is_then = judged.asked.entry.time <= judged.asked.judged_at <= judged.act.time
    told = mismatches(judged.asked, judged.policy, judged.question, judged.facts, judged.before)
    return [*([] if is_then else ["at"]), *told]


def _is_told(one: Entry, act: Entry) -> bool:
    return "judged" in one.body and one.type == "intended" and one.body.get("request") == act.body.get("request")


def _decided(judged: Judged) -> Findings:
    at = judged.asked.judged_at
    match decide(judged.policy, judged.question, judged.facts, at):
        case Allowed():
            values = {"case": judged.act.case, "at": instant(judged.act.time), "policy": judged.policy.hash[:16]}
            values["what"] = "+".join(sorted(judged.question.measures))
            yield Finding(check=_ALLOWED, key="allowed", values=values, seq=judged.act.seq, index=judged.act.index)
        case No() as no:
            values = {name: value for name, value in no.values.items() if name not in ("case", "at", "why")}
            yield against(_ALLOWED, "policy-refuses", judged.act, clause=no.clause, why=no.key, **values)
        case Needs(what):
            yield against(_ALLOWED, "policy-needs", judged.act, what=what)
