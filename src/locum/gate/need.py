"""How many people, of which functions, have to have signed: Need, and what the policy's tables make of it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from locum.policy import MEASURES, Facts, Policy, Question

YES: Final = frozenset({"approve", "overrule"})
"""The decisions that are a yes of somebody else than the requester."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """A decision that counts: whose, in which function, instead of whom, and with which key."""

    person: str
    function: str
    decision: str
    instead_of: str = ""
    credential: bytes = field(repr=False)

    @property
    def persons(self) -> frozenset[str]:
        """Everybody whose decision it is."""
        return frozenset({self.person, self.instead_of} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """So many persons of these functions; `apart`: of as many different ones."""

    count: int
    functions: frozenset[str]
    decisions: frozenset[str] = YES
    apart: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError where nobody at all could be meant."""
        if self.count < 1:
            raise ValueError("a part of nobody")

    def is_met(self, eyes: Sequence[Eyes]) -> bool:
        """Whether these are enough; no person stands in two of them."""
        found = [one.function for one in eyes if one.decision in self.decisions and one.function in self.functions]
        return len(set(found) if self.apart else found) >= self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What has to be signed for an act: every part, and where two signatures are asked, the requester's own besides."""

    parts: tuple[Part, ...]
    requester_signs: bool = False


def need_of(policy: Policy, question: Question, facts: Facts) -> Need:
    """What the policy's tables ask to be signed: the reviews of each measure, the officer, an objection overruled, a death.

    It may ask more of a case than this (clauses.py): decide() says so, of the reviews that passed the gate.
    """
    reviews = [policy.rules(name).review for name in MEASURES if name in question.measures]
    is_signed = "search" in question.measures or any(getattr(review, "signed", False) for review in reviews)
    parts = tuple(_parts(policy, question, facts))
    return Need(parts=parts, requester_signs=is_signed)


def _parts(policy: Policy, question: Question, facts: Facts) -> Iterator[Part]:
    for name in MEASURES:
        if name in question.measures:
            review = policy.rules(name).review
            # What is to be signed is signed by one other at least, whatever the count says (promise 4).
            if count := max(review.count, 1 if name == "search" or getattr(review, "signed", False) else 0):
                yield Part(count=count, functions=frozenset(review.functions))
    circumstances = {question.reason} | ({"dispute"} if question.disputed else set())
    if circumstances & set(policy.four_eyes.officer_for):
        yield Part(count=1, functions=frozenset({policy.four_eyes.officer}))
    if question.reason == "death":
        yield Part(count=1, functions=frozenset(policy.departure.contact))
    if facts.answer == "objected":
        rules, overrule = policy.objection, frozenset({"overrule"})
        yield Part(count=rules.approvers, functions=frozenset(rules.functions), decisions=overrule, apart=True)
