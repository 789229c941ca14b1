"""Who takes the steps of a search, by the signatures that passed the gate, and within which limits, by its policy. Pure."""

from collections.abc import Sequence

from locum.gate.need import Eyes
from locum.ladder import Limits, Pair
from locum.policy import Policy

_REQUEST = "request"


def pair_of(eyes: Sequence[Eyes]) -> Pair:
    """The requester, and those who approved; nobody where the requester's own signature is not among them."""
    mine = next((one for one in eyes if one.decision == _REQUEST), None)
    others = tuple((one.person, one.function) for one in eyes if one.decision != _REQUEST)
    return Pair() if mine is None else Pair(requester=mine.person, function=mine.function, others=others)


def limits_of(policy: Policy) -> Limits:
    """What the policy allows (clause 10)."""
    rules = policy.search
    return Limits(
        counts=rules.counts_max,
        counts_per_month=rules.counts_per_month,
        buckets=tuple(rules.buckets),
        most=rules.too_broad_above,
    )
