"""Was it signed by the people named? The gate, asked once more of an act over what the file has. Pure.

It is the gate that the worker asks right before the act (locum.gate), over the same bytes, with the register as far as it
stood then, and with the roots of the log that everybody signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from locum.approval import Log as Shown
from locum.approval import text_hash
from locum.checkable.asked import Asked, asked_in
from locum.checkable.finding import Finding, Findings
from locum.checkable.house import House, Judged, against
from locum.entry import Entry
from locum.errors import LocumError
from locum.gate import Act, Given, Need, Passed, Reason, Stopped, Surroundings, gate, need_of
from locum.gate.recorded import Recorded, given, is_signed, said_of

_SIGNED = "signed"
_NOBODY = Need(parts=())


def shown_sizes(entries: Sequence[Entry]) -> set[int]:
    """How long the log was that people were shown, by what they signed in these entries."""
    said = (said_of(one.signed) for one in given({}, Recorded(tuple(entries))))
    return {one.log.size for one in said if one is not None}


def check_signed(house: House, entries: Sequence[Entry], judged: Judged) -> Findings:
    act, names = judged.act, judged.question.measures
    in_force = house.policy(house.in_force(act.index))
    if in_force is None:
        yield against(_SIGNED, "policy-text", act, policy=house.in_force(act.index)[:16])
        return
    if not any(is_signed(policy, names) for policy in (judged.policy, in_force)):
        yield Finding(
            check=_SIGNED, key="not-asked", holds=True, values={"case": act.case}, seq=act.seq, index=act.index
        )
        return
    if judged.question.reviews_are == "trial":
        yield Finding(check=_SIGNED, key="trial", holds=None, values={"case": act.case}, seq=act.seq, index=act.index)
        return
    if house.file.register is None:
        yield against(_SIGNED, "no-register", act)
        return
    own, now = (need_of(policy, judged.question, judged.facts) for policy in (judged.policy, in_force))
    found = _gate(house, entries, judged, own if own.requester_signs else now)
    if isinstance(found, Stopped):
        yield against(_SIGNED, "forged" if found.is_false else "not-signed", act, why=_reasons(found.reasons))
    elif sorted(found.reviews) != sorted(judged.facts.reviews):
        yield against(_SIGNED, "reviews-other", act)
    else:
        names_of = _names(judged.before)
        who = ", ".join(f"{names_of.get(one.person, one.person)} ({one.function})" for one in found.eyes)
        values = {"case": act.case, "who": who, "count": str(len(found.eyes))}
        yield Finding(check=_SIGNED, key="signed", values=values, seq=act.seq, index=act.index)
        if other := _other_words(judged):
            values = {"case": act.case, "who": ", ".join(names_of.get(one, one) for one in other)}
            yield Finding(check=_SIGNED, key="words-other", holds=None, values=values, seq=act.seq, index=act.index)


def _other_words(judged: Judged) -> list[str]:
    """Who signed this request in words that are not the ones that this version of the program has for it."""
    found: dict[str, None] = {}
    for one in given(judged.asked.request, Recorded(judged.before)):
        said = said_of(one.signed)
        if said is not None and said.request == judged.asked.hash and said.display not in map(text_hash, one.shown):
            found[said.approver] = None
    return list(found)


def _reasons(reasons: Sequence[Reason]) -> str:
    """The reasons as keys of messages/<language>/gate.toml, with whom and which functions they are about."""
    return "\n".join(f"{one.key}\t{one.who}\t{one.what}" for one in reasons)


def _names(entries: Sequence[Entry]) -> Mapping[str, str]:
    by = (one.body.get("by") for one in entries if one.type == "reviewed")
    return {str(one.get("id")): str(one.get("name")) for one in by if isinstance(one, dict)}


def _gate(house: House, entries: Sequence[Entry], judged: Judged, need: Need) -> Passed | Stopped:
    question = judged.question
    concerned = frozenset({question.forward_to_person} - {""})
    functions = frozenset({question.requester_function} - {""})
    return _asked_gate(house, entries, judged.before, judged.asked, judged.act.index, (need, concerned, functions))


def check_others(house: House, entries: Sequence[Entry]) -> Findings:
    """Signatures about requests that came to nothing: whether they are those of the people named. Nothing was allowed by them."""
    acted = {one.case for one in entries if one.type == "intended"}
    signed = [one for one in entries if one.type == "reviewed" and one.body.get("signed") is not False]
    for case in dict.fromkeys(one.case for one in signed if one.case not in acted):
        last = [one for one in signed if one.case == case][-1]
        until = tuple(one for one in entries if one.case == case and one.index <= last.index)
        if (asked := asked_in(until)) is None or house.file.register is None:
            yield against(_SIGNED, "no-register", last)
            continue
        asked = replace(asked, at=last.time)
        found = _asked_gate(house, entries, until, asked, last.index + 1, (_NOBODY, frozenset(), frozenset()))
        if isinstance(found, Stopped) and found.is_false:
            yield against(_SIGNED, "forged", last, why=_reasons(found.reasons))


def _asked_gate(
    house: House,
    entries: Sequence[Entry],
    before: tuple[Entry, ...],
    asked: Asked,
    index: int,
    needed: tuple[Need, frozenset[str], frozenset[str]],
) -> Passed | Stopped:
    """The gate over these entries, as it stood at this place of the log. `needed`: what is needed, who is concerned besides, and
    the requester's functions besides those of the register.
    """
    keys = house.file.register
    approvals = [replace(one, any_words=True) for one in given(asked.request, Recorded(before))]
    if keys is None or not keys.sites:
        return Stopped((Reason("review-missing"),))
    try:
        register = house.register_at(index)
    except LocumError:
        return Stopped((Reason("key-unknown"),), is_false=True)
    act = Act(
        request=asked.bytes,
        recorded=asked.hash,
        policy=asked.policy,
        need=needed[0],
        concerned=needed[1],
        requester_functions=needed[2],
    )
    around = surroundings(house, _used(entries, asked.entry.case, approvals))
    return gate(act, approvals, register, around, asked.judged_at)


def surroundings(house: House, used: frozenset[str] = frozenset()) -> Surroundings:
    """Where was signed, by the file, and the log as it has it."""
    sites = house.file.register.sites if house.file.register is not None else ()
    log = house.log
    return Surroundings(
        site=sites[0],
        earlier=sites[1:],
        log=Shown(house.file.vkey.partition("+")[0], log.size, log.roots[log.size].hex()),
        roots={size: root.hex() for size, root in log.roots.items()},
        used=used,
    )


def passing(
    house: House, entries: Sequence[Entry], before: tuple[Entry, ...], asked: Asked, index: int
) -> Passed | Stopped:
    """Whose signatures of a request counted at this place of the log."""
    return _asked_gate(house, entries, before, asked, index, (_NOBODY, frozenset(), frozenset()))


def _used(entries: Sequence[Entry], case: str, approvals: Sequence[Given]) -> frozenset[str]:
    """The nonces that approvals of her other cases used before these."""
    first = min((one.index for one in approvals), default=0)
    others = [one for one in entries if one.case != case and one.index < first and one.type == "reviewed"]
    said = (said_of(one.signed) for one in given({}, Recorded(tuple(others))))
    return frozenset(one.nonce for one in said if one is not None)
