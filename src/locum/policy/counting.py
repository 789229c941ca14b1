"""Who counts: her agreement, and the decisions of others, for the clauses that ask for them. Pure; persons, never accounts."""

from collections.abc import Sequence

from locum.policy.file import Policy
from locum.policy.measures import MEASURES, MeasureRules
from locum.policy.question import AGREED, FAVOURABLE, Allowed, Facts, Needs, Question, Verdict


def rules_of(policy: Policy, question: Question) -> list[tuple[str, MeasureRules]]:
    return [(name, policy.rules(name)) for name in MEASURES if name in question.measures]


def agreed(question: Question, facts: Facts) -> bool:
    """Whether she agreed, heard by somebody else than the requester alone."""
    return facts.answer in AGREED and facts.heard_by != question.requester


def unless_agreed(rules: MeasureRules, question: Question, facts: Facts) -> Verdict:
    # An agreement that only the requester heard would let one person publish in her name.
    return Allowed() if agreed(question, facts) else reviewed(rules, question, facts, 1)


def counting(question: Question, facts: Facts) -> list[tuple[str, str, str]]:
    """The decisions of people who may decide: neither the requester nor the person concerned, nor anybody of the
    requester's function (clause 7).
    """
    return [
        one
        for one in facts.reviews
        if one[0] not in (question.requester, question.owner) and one[2] and one[2] != question.requester_function
    ]


def reviewed(rules: MeasureRules, question: Question, facts: Facts, count: int) -> Verdict:
    """Persons are counted, never accounts."""
    functions = rules.review.functions
    approving = {
        person
        for person, decision, function in counting(question, facts)
        if decision in FAVOURABLE and function in functions
    }
    return Allowed() if len(approving) >= count else Needs("review")


def reviewed_by(functions: Sequence[str], policy: Policy, question: Question, facts: Facts) -> Verdict:
    """One of these functions looks; where it is the requester's, any other that may review does in its place."""
    looking = reviewing(policy, question) if question.requester_function in functions else functions
    found = counting(question, facts)
    is_there = any(decision in FAVOURABLE and function in looking for _, decision, function in found)
    return Allowed() if is_there else Needs("review")


def reviewing(policy: Policy, question: Question) -> tuple[str, ...]:
    """The functions whose review of this can count, in the policy's order; the requester's own never does (clause 7)."""
    functions = [function for _, rules in rules_of(policy, question) for function in rules.review.functions]
    if question.reason == "death":
        functions += policy.departure.contact
    if question.reason == "death" or question.disputed:
        functions.append(policy.four_eyes.officer)
    return tuple(dict.fromkeys(one for one in functions if one != question.requester_function))
