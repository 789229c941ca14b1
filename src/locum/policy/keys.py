"""Every key of the policy's file: its clause, what keeps it, and in which direction it is stricter. Data only.

`kept_by` is a dotted name under locum, or TOLD (an undertaking of the organisation that the documents state; the program does
nothing about it). tests/test_policy_keys.py holds the table to the
shipped file and to the code, and the floors of the presets are compared by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

TOLD = "told"


class Stricter(StrEnum):
    """Which of two values is the stricter one: of numbers the smaller or the larger, of lists the one that holds less or
    more; of named people the fewer, where none named is everybody.
    """

    LESS = "less"
    MORE = "more"
    FEWER = "fewer"
    LONGER = "longer"
    NAMED = "named"


Order = Stricter | tuple[object, ...]
"""A direction, or all the values from the mildest to the strictest."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `order` is None where no value is stricter than another."""

    clause: int
    kept_by: str
    order: Order | None = None


_L, _M, _F, _G, _N = Stricter.LESS, Stricter.MORE, Stricter.FEWER, Stricter.LONGER, Stricter.NAMED
_UNANSWERED = ("proceed", "review", "stop")
_JUDGEMENTS = ("allow", "warn", "review", "refuse")
_UNTOLD = ("ask", "agreement")
_NO_YES = (False, True)
_WITNESS = ("later", "wait", "required")
_REGULATION = "regulation.sentences.Teller"
_FIELDS = {
    "adopted_by": 3, "adopted_on": 3, "ground": 2, "works_council": 3, "works_council_on": 3, "register": 3, "dpia_on": 3,
    "known_on": 4, "known_where": 4, "privacy_officer": 16, "authority": 16, "private_use": 19,
}  # fmt: skip
_OPEN = frozenset({"works_council", "works_council_on", "register", "dpia_on"})
_KINDS = (
    "illness", "departure", "whereabouts", "return-date", "private-number", "third-person-data", "promise", "link",
    "bank-account", "more-than-away",
)  # fmt: skip


def _measure(name: str) -> dict[str, Key]:
    """What every measure has."""
    return {
        f"{name}.reasons": Key(1, "policy.clauses.purpose", _F),
        f"{name}.powers": Key(5, "policy.clauses.least_power", _F),
        f"{name}.record_refusals": Key(16, "desk.refusing.judged", _NO_YES),
        f"{name}.witness": Key(15, "desk.witnessing.witnessed", _WITNESS),
        # More channels are more to be tried, fewer may leave none: neither is stricter.
        f"{name}.ask.channels": Key(6, "policy.clauses.the_ask"),
        f"{name}.ask.wait_hours": Key(6, "policy.deciding.ask_of", _M),
        f"{name}.ask.if_unanswered": Key(6, "policy.clauses.the_ask", _UNANSWERED),
        f"{name}.review.count": Key(7, "policy.clauses.four_eyes", _M),
        f"{name}.review.functions": Key(7, "policy.clauses.four_eyes", _F),
    }


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "preset": Key(3, "policy.checking.load"),
        **{
            f"regulation.{name}": Key(clause, "policy.clauses.open_fields" if name in _OPEN else _REGULATION)
            for name, clause in _FIELDS.items()
        },
        "regulation.known_on": Key(4, "policy.clauses.told_first"),
        **{
            f"weighing.{name}": Key(2, TOLD)
            for name in ("notice", "extent", "reasons", "lighter", "consequences", "safeguards")
        },
        **{f"known.{name}": Key(4, "policy.clauses.told_first", _UNTOLD) for name in ("auto-reply", "forward", "search")},
        **{f"requesters.{name}": Key(4, "policy.clauses.by_whom", _N) for name in ("auto-reply", "forward", "search")},
        **_measure("auto-reply"),
        "auto-reply.ask.template_wait_hours": Key(6, "policy.deciding.ask_of", _M),
        "auto-reply.max_days": Key(5, "policy.clauses.no_longer_than_needed", _L),
        "auto-reply.audience": Key(8, "desk.filing._reply"),
        "auto-reply.free_text": Key(8, "policy.clauses.wording", ("allowed", "review")),
        "auto-reply.batch_review_above": Key(8, "policy.clauses.batch", _L),
        **{f"auto-reply.wording.{kind}": Key(8, "wording.linter.lint", _JUDGEMENTS) for kind in _KINDS},
        **_measure("forward"),
        "forward.review.signed": Key(7, "policy.clauses.signed_reviews", _NO_YES),
        "forward.max_days": Key(9, "policy.clauses.no_longer_than_needed", _L),
        "forward.default_days": Key(9, "desk.measuring.window", _L),
        "forward.senders": Key(9, "desk.measuring.forward_of"),
        "forward.receivers": Key(9, "policy.clauses.receiver"),
        "forward.consent": Key(9, "policy.clauses.consent", ("persons", "everyone")),
        "forward.to_requester": Key(9, "policy.clauses.receiver", ("review", "refuse")),
        **_measure("search"),
        "search.review.signed": Key(7, "gate.recorded.is_signed", _NO_YES),
        "search.alternatives": Key(5, "policy.searching.lighter_ways", _G),
        "search.at_least": Key(10, "policy.searching.question_asked", _M),
        "search.days_before": Key(10, "policy.searching.question_asked", _L),
        "search.counts_max": Key(10, "gate.climbers.limits_of", _L),
        "search.counts_per_month": Key(10, "gate.climbers.limits_of", _L),
        "search.buckets": Key(10, "gate.climbers.limits_of"),
        "search.too_broad_above": Key(10, "gate.climbers.limits_of", _L),
        "search.words_in": Key(10, "policy.searching.question_asked", ("anywhere", "subject")),
        "search.agreement": Key(10, "policy.searching.her_agreement", ("no", "private-use", "always")),
        "search.present": Key(10, "desk.searching.attending.may", ("no", "offered")),
        "ask.shorter": Key(6, "policy.clauses.the_ask", ("review", "never")),
        "objection.overrule": Key(6, "policy.clauses.objection", ("review", "never")),
        "objection.approvers": Key(6, "policy.clauses.objection", _M),
        "objection.functions": Key(6, "policy.clauses.objection", _F),
        "four-eyes.officer": Key(7, "policy.clauses.officer"),
        "four-eyes.officer_for": Key(7, "policy.clauses.officer", _G),
        # Sooner is more people who know, later is a longer wait: neither is stricter.
        "four-eyes.escalate_hours": Key(7, "desk.escalating._due"),
        "private.folders": Key(11, "desk.searching.exclusions"),
        "private.subject_tags": Key(11, "policy.around.Private.marks"),
        "private.sensitivity": Key(11, "desk.searching.exclusions", _G),
        "private.labels": Key(11, "desk.searching.exclusions", _G),
        **{
            f"confidential.{role}": Key(12, "policy.around.Confidential.never", _G)
            for role in (
                "works-council", "company-doctor", "confidential-adviser", "union", "lawyer", "privacy-officer",
                "complaints-committee",
            )
        },
        "protections.kinds": Key(13, "desk.hers.Hers", _G),
        "notify.objection": Key(6, TOLD, _G),
        "notify.incident": Key(14, TOLD, _G),
        "keeping.list_hours": Key(15, "desk.searching.hits.gone_at", _L),
        "keeping.list_days": Key(15, "desk.searching.hits.gone_at", _L),
        "keeping.record_months": Key(15, "desk.keeping.kept_until", _L),
        "account.when": Key(16, TOLD, ("on-return", "at-once")),
        "account.within_days": Key(16, TOLD, _L),
        "departure.reasons": Key(17, "policy.clauses.departure", _G),
        "departure.months": Key(17, "policy.clauses.departure", _L),
        "departure.max_months": Key(17, "policy.clauses.departure", _L),
        "departure.forward": Key(17, "policy.clauses.departure", ("allowed", "refused")),
        "departure.contact": Key(17, "policy.clauses.departure", _F),
        "figures.hide_below": Key(18, "desk.yearly.hide_below", _M),
        "figures.to": Key(18, TOLD, _G),
        "beforehand.gaps_visible_to": Key(19, "cli.house._sees_everyone", _F),
    }
)  # fmt: skip


def clause_of(path: str) -> int | None:
    """The clause of a key, of the key that it stands in, or the lowest one of what stands below it; None for no key at all."""
    names = path.split(".")
    for length in range(len(names), 0, -1):
        if (key := KEYS.get(".".join(names[:length]))) is not None:
            return key.clause
    return min((key.clause for name, key in KEYS.items() if name.startswith(f"{path}.")), default=None)


def is_as_strict(order: Order, value: object, limit: object) -> bool:
    """Whether `value` is no milder than `limit`. Values that cannot be compared are not."""
    if isinstance(order, tuple):
        return value in order and limit in order and order.index(value) >= order.index(limit)
    if isinstance(value, int | float) and isinstance(limit, int | float):
        return value <= limit if order is Stricter.LESS else value >= limit
    if not isinstance(value, list) or not isinstance(limit, list):
        return False
    if order is Stricter.NAMED:
        return not limit or (bool(value) and set(value) <= set(limit))
    return set(value) <= set(limit) if order is Stricter.FEWER else set(value) >= set(limit)
