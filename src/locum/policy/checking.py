"""Reading a policy and finding its mistakes: all at once for `locum policy check`, the first one for everybody else.

A mistake is an unknown key, a wrong value, a contradiction, or a value milder than the floor of its preset.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from locum.errors import Invalid
from locum.policy.file import File, Policy, policy_of, shipped, values
from locum.policy.keys import KEYS, is_as_strict
from locum.policy.mistakes import Lines, Mistake, mistakes_in, paths_of, shown
from locum.policy.presets import PRESETS, preset

_Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a policy's text. `policy` is None where it has a mistake."""

    policy: Policy | None
    mistakes: tuple[Mistake, ...]


def load(text: str | None = None, *, kept: bool = False) -> Policy:
    """Read a policy from TOML text, None for the shipped one. `kept`: one that was in force before, judged by no floor of now.

    Raises Invalid `policy-not-toml`, `policy-mistake` (name, line, what) or `policy-too-mild`, for the first mistake.
    """
    text = shipped() if text is None else text
    lines = Lines(text)
    read, mistakes = _read(text, lines)
    policy = policy_of(read, text)
    if not kept:
        mistakes += _judged(policy, lines)
    if mistakes:
        raise _invalid(min(mistakes, key=_place))
    return policy


def check(text: str, functions: Sequence[str] | None = None) -> Checked:
    """All mistakes in a policy's text. `functions` are those on file, one for each person; None leaves people out."""
    lines = Lines(text)
    try:
        read, mistakes = _read(text, lines)
    except Invalid as error:
        line = re.search(r"at line (\d+)", error.values["what"])
        where = int(line[1]) if line else None
        return Checked(None, (Mistake("", where, None, "not-toml", {"what": error.values["what"]}),))
    policy = policy_of(read, text)
    mistakes += _judged(policy, lines)
    mistakes += _without_reviewers(policy, functions, lines) if functions is not None else []
    return Checked(None if mistakes else policy, tuple(sorted(mistakes, key=_place)))


def check_reviewers(policy: Policy, functions: Sequence[str]) -> None:
    """Whether the reviews that the policy asks for can be given. `functions` are those on file, one for each person.

    Raises Invalid `policy-no-reviewers` (clause 7) with the line.
    """
    for one in _without_reviewers(policy, functions, Lines(policy.text)):
        named, wanted, there = (one.values[name] for name in ("functions", "wanted", "there"))
        raise Invalid(
            "policy-no-reviewers", clause=7, line=one.line or "?", functions=named, wanted=wanted, there=there
        )


def _place(one: Mistake) -> tuple[int, str]:
    return (one.line or 0, one.name)


def _invalid(one: Mistake) -> Invalid:
    line = one.line if one.line is not None else "?"
    if one.key == "too-mild":
        limit = one.values["limit"]
        return Invalid(
            "policy-too-mild", clause=one.clause, name=one.name, line=line, limit=limit, preset=one.values["preset"]
        )
    return Invalid("policy-mistake", clause=one.clause, name=one.name, line=line, what=one.sentence("en"))


# what is written ----------------------------------------------------------------------------------------------------


def _read(text: str, lines: Lines) -> tuple[File, list[Mistake]]:
    """The file over its preset; a key with a mistake is left out, so that the rest can be judged all the same."""
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("policy-not-toml", what=error) from error
    name = written.get("preset")
    table = _over(preset(name).values if isinstance(name, str) and name in PRESETS else {}, written)
    mistakes: list[Mistake] = []
    while True:
        try:
            return File.model_validate(table), mistakes
        except ValidationError as error:
            mistakes += mistakes_in(error, lines)
            gone = [_leave_out(table, path) for path in paths_of(error)]
            if not any(gone):
                table.clear()  # so that reading comes to an end


def _over(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """One table over another; tables in them likewise, anything else is replaced."""
    found: dict[str, object] = {**below}
    for name, value in above.items():
        under = below.get(name)
        if isinstance(value, dict):
            found[name] = _over(under if isinstance(under, dict) else {}, value)
        else:
            found[name] = value
    return found


def _leave_out(table: dict[str, object], path: Sequence[str]) -> bool:
    """Take a key away; whether it was there."""
    *above, last = path
    here: object = table
    for name in above:
        here = here.get(name) if isinstance(here, dict) else None
    return isinstance(here, dict) and here.pop(last, None) is not None


# what it says -------------------------------------------------------------------------------------------------------


def _judged(policy: Policy, lines: Lines) -> list[Mistake]:
    known = values(policy)
    return [*_below_floors(policy, known, lines), *_contradictions(policy, known, lines)]


def _below_floors(policy: Policy, known: _Values, lines: Lines) -> Iterator[Mistake]:
    for path, limit in preset(policy.preset).floors.items():
        order = KEYS[path].order
        if order is not None and not is_as_strict(order, known[path], limit):
            yield lines.mistake(path, "too-mild", value=shown(known[path]), limit=shown(limit), preset=policy.preset)


_NO_MORE_THAN = (
    ("forward.default_days", "forward.max_days"),
    ("departure.months", "departure.max_months"),
    ("search.counts_max", "search.counts_per_month"),
    ("auto-reply.ask.template_wait_hours", "auto-reply.ask.wait_hours"),
)
"""The first of two may not be larger than the second."""


def _contradictions(policy: Policy, known: _Values, lines: Lines) -> Iterator[Mistake]:
    for small, large in _NO_MORE_THAN:
        low, high = known[small], known[large]
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield lines.mistake(small, "more-than", value=shown(low), other=large, limit=shown(high))
    if policy.keeping.list_hours > policy.keeping.list_days * 24:
        yield lines.mistake("keeping.list_hours", "more-than-days", limit=policy.keeping.list_days)
    if sorted(set(policy.search.buckets)) != policy.search.buckets:
        yield lines.mistake("search.buckets", "not-rising")
    elif policy.search.too_broad_above not in policy.search.buckets:
        yield lines.mistake("search.too_broad_above", "no-bucket")
    yield from _nobody_named(policy, lines)


def _nobody_named(policy: Policy, lines: Lines) -> Iterator[Mistake]:
    """A review that nobody could give, whoever is on file (clauses 6 and 7)."""
    for measure in ("auto-reply", "forward", "search"):
        review, asking = policy.rules(measure).review, getattr(policy.requesters, measure.replace("-", "_"))
        path = f"{measure}.review.functions"
        if _wanted(policy, measure) and not review.functions:
            yield lines.mistake(path, "nobody-named")
        elif asking and _wanted(policy, measure) and set(asking) == set(review.functions) and len(set(asking)) == 1:
            yield lines.mistake(path, "only-the-requesters", function=asking[0])
    objection = policy.objection
    if objection.overrule == "review" and len(set(objection.functions)) < objection.approvers:
        yield lines.mistake("objection.functions", "too-few-functions", wanted=objection.approvers)


def _wanted(policy: Policy, measure: str) -> int:
    """How many reviewers the rules of a measure may ask for."""
    rules = policy.rules(measure)
    asks = rules.ask.if_unanswered == "review"
    asks = asks or (measure == "auto-reply" and policy.auto_reply.free_text == "review")
    return max(rules.review.count, int(asks))


def _without_reviewers(policy: Policy, functions: Sequence[str], lines: Lines) -> list[Mistake]:
    """Reviews by functions that nobody on file has. A measure that is refused as yet (clause 3) asks for none."""
    found = []
    on_file = Counter(functions)
    for measure in ("auto-reply", "forward"):
        named, wanted = policy.rules(measure).review.functions, _wanted(policy, measure)
        there = sum(on_file[function] for function in set(named))
        if there < wanted and named and not policy.missing(measure):
            path = f"{measure}.review.functions"
            shown = ", ".join(named)
            found.append(lines.mistake(path, "no-reviewers", functions=shown, wanted=wanted, there=there))
    return found
