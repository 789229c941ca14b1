"""The clauses as pure functions: each says what it has to say of a question, and nothing where it has no bearing on it.

Their order is of no consequence (deciding.py takes the strictest answer). A joined request is judged measure by measure:
what one of them needs, all of them need.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from locum.absence import Channel
from locum.measure import Audience
from locum.policy.counting import agreed, counting, reviewed, reviewed_by, rules_of, unless_agreed
from locum.policy.file import Policy
from locum.policy.measures import MEASURES, MeasureRules
from locum.policy.question import AGREED, Allowed, Facts, Needs, No, Question, Verdict
from locum.policy.searching import (
    always_signed,
    delivery,
    her_agreement,
    lighter_ways,
    question_asked,
    search_open_fields,
)

Clause = Callable[[Policy, Question, Facts, datetime], Iterator[Verdict]]
_HOUR = timedelta(hours=1)
"""Windows are counted in elapsed days plus an hour, so that calendar days over a clock change still fit."""


def known_measures(_policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """There are no others, and a search stands alone. A question about nothing is none that may be allowed."""
    others = sorted(question.measures - set(MEASURES))
    if "search" in question.measures and len(question.measures) > 1:
        others.append("search")
    if others or not question.measures:
        yield No(5, "no-such-measure", {"measure": ", ".join(others)})


def purpose(policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 1: a closed list of reasons for each measure."""
    for _, rules in rules_of(policy, question):
        if question.reason in rules.reasons:
            yield Allowed()
        else:
            yield No(1, "reason-not-listed", {"reason": question.reason, "reasons": ", ".join(rules.reasons)})


def open_fields(policy: Policy, question: Question, _facts: Facts, now: datetime) -> Iterator[Verdict]:
    """Clause 3: while the works council's consent, the register or the assessment is open, a forward is refused. A date in the
    future is open until then.
    """
    if "forward" in question.measures:
        fields = policy.missing("forward", now.date())
        yield No(3, "forward-open-fields", {"fields": ", ".join(fields)}) if fields else Allowed()


def told_first(policy: Policy, question: Question, facts: Facts, now: datetime) -> Iterator[Verdict]:
    """Clause 4: whoever was never told is told first. The question tells her; for what the policy says, her silence is then
    no answer, and neither is an agreement that only the requester heard.
    """
    known_on = policy.regulation.known_on
    if known_on is not None and known_on <= now.date():
        return
    if question.reason == "death" or facts.answer == "objected":
        return  # nobody is asked, and clause 17 says who looks instead; who objects was told, and clause 6 says what follows
    known = policy.known
    for name, needed in (("auto-reply", known.auto_reply), ("forward", known.forward), ("search", known.search)):
        if name not in question.measures:
            continue
        if needed == "ask" or agreed(question, facts):
            yield Allowed()
        elif facts.answer == "unanswered" or facts.answer in AGREED:
            yield No(4, "not-told-before", {})
        else:
            yield Needs("answer" if facts.asked else "ask")


def by_whom(policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 4: who may ask, where the policy names functions."""
    asking = policy.requesters
    named = (("auto-reply", asking.auto_reply), ("forward", asking.forward), ("search", asking.search))
    for name, functions in named:
        if name in question.measures and functions:
            if question.requester_function in functions:
                yield Allowed()
            else:
                yield No(4, "requester-not-named", {"functions": ", ".join(functions)})


def no_longer_than_needed(policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clauses 5 and 9: an end for everything; then it is a new decision."""
    lasts = question.to_date - question.from_date - _HOUR
    if "auto-reply" in question.measures and lasts > timedelta(days=policy.auto_reply.max_days):
        yield No(5, "longer-than-allowed", {"max_days": str(policy.auto_reply.max_days)})
    if "forward" in question.measures and lasts > timedelta(days=policy.forward.max_days):
        yield No(9, "forward-too-long", {"max_days": str(policy.forward.max_days)})


def least_power(policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 5, promise 2: what could do more than the measure has to be allowed by name."""
    for _, rules in rules_of(policy, question):
        more = sorted(question.powers.difference(rules.powers))
        if more:
            yield No(5, "power-not-allowed", {"powers": ", ".join(more)})


def the_ask(policy: Policy, question: Question, facts: Facts, now: datetime) -> Iterator[Verdict]:
    """Clause 6: she is asked before everything. What she says counts; where she says nothing, the policy does."""
    if question.reason == "death" or facts.answer == "objected":
        return  # nobody can be asked (clauses 7 and 17); an objection is judged by itself
    for _, rules in rules_of(policy, question):
        yield _asked(policy, rules, question, facts, now)


def _asked(  # noqa: PLR0911  one exit per answer, in the order in which they are asked
    policy: Policy, rules: MeasureRules, question: Question, facts: Facts, now: datetime
) -> Verdict:
    wanted = facts.channels & {Channel(name) for name in rules.ask.channels}
    if not wanted:
        return No(6, "no-channel", {})
    if facts.answer in AGREED:
        return Allowed()
    if facts.reads_along and facts.answer == "unanswered":
        return No(6, "reads-along", {})
    if not wanted <= facts.asked:
        return Needs("ask")
    if facts.deadline_at is None or now < facts.deadline_at:
        if question.hurried and policy.hurry.shorter == "review" and not facts.reads_along:
            return reviewed(rules, question, facts, 1)
        return Needs("answer")
    match rules.ask.if_unanswered:
        case "stop":
            return No(6, "unanswered-stops", {})
        case "review":
            return reviewed(rules, question, facts, 1)
    return Allowed()


def objection(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 6: an objection stops the case, until as many approvers of different functions overrule it (GDPR 21)."""
    if facts.answer != "objected":
        return
    rules = policy.objection
    if rules.overrule == "never":
        yield No(6, "objected", {})
        return
    overruling = {
        (person, function)
        for person, decision, function in counting(question, facts)
        if decision == "overrule" and function in rules.functions
    }
    persons, functions = {person for person, _ in overruling}, {function for _, function in overruling}
    yield Allowed() if min(len(persons), len(functions)) >= rules.approvers else Needs("overrule")


def four_eyes(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 7: how many look besides, and a no of one of them is a no."""
    if any(decision == "deny" for _, decision, _ in facts.reviews):
        yield No(7, "denied", {})
    for _, rules in rules_of(policy, question):
        if rules.review.count:
            yield reviewed(rules, question, facts, rules.review.count)


def officer(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 7: dispute, suspension and death add the data protection officer."""
    circumstances = {"death"} & {question.reason} | ({"dispute"} if question.disputed else set())
    if circumstances & set(policy.four_eyes.officer_for):
        yield reviewed_by([policy.four_eyes.officer], policy, question, facts)


def signed_reviews(policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 7: a forward waits for signed approvals, or for settings that accept recorded ones as a trial."""
    if "forward" in question.measures and policy.forward.review.signed and question.reviews_are == "unsigned":
        yield No(7, "reviews-unsigned", {})


def wording(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 8: somebody's own text for outsiders would let one person publish in her name."""
    free = question.audience is not Audience.INTERNAL and not question.external_is_template
    if "auto-reply" in question.measures and free and policy.auto_reply.free_text == "review":
        yield unless_agreed(policy.auto_reply, question, facts)


def doubted_words(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 8: so would words that may tell too much of her, whoever reads them."""
    if "auto-reply" in question.measures and question.words_doubted:
        yield unless_agreed(policy.auto_reply, question, facts)


def batch(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 8: so would a large batch."""
    if "auto-reply" in question.measures and question.batch_size > policy.auto_reply.batch_review_above:
        yield unless_agreed(policy.auto_reply, question, facts)


def receiver(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 9: to whom mail may be forwarded: inside, never in a circle, not to somebody who is away too, and to the
    requester only with an approver saying so.
    """
    if "forward" not in question.measures:
        return
    if not question.forward_inside:
        yield No(9, "forward-outside", {"to": question.forward_to})
    if question.forward_circle or question.forward_to_person == question.owner:
        path = question.forward_circle or (question.forward_to,)
        yield No(9, "forward-circle", {"to": question.forward_to, "path": " → ".join(path)})
    if question.receiver_away:
        yield No(9, "forward-receiver-away", {"to": question.forward_to})
    if question.forward_to_person == question.requester:
        if policy.forward.to_requester == "refuse":
            yield No(9, "forward-to-requester", {"to": question.forward_to})
        else:
            yield reviewed(policy.forward, question, facts, 1)


def consent(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 9: the receiver agrees. Whoever asks for it to come to themselves has said so already."""
    if "forward" not in question.measures:
        return
    if facts.consent == "declined":
        yield No(9, "forward-receiver-declined", {"to": question.forward_to})
    elif facts.consent == "agreed" or question.forward_to_person == question.requester:
        yield Allowed()
    elif question.forward_to_person or policy.forward.consent == "everyone":
        yield Needs("consent")


def departure(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 17: long absence, departure and death. One month; longer with an approver; never longer than the last month.
    After a death nobody can be asked, so one of those who keep the contact looks.
    """
    rules = policy.departure
    if question.reason == "death":
        yield reviewed_by(rules.contact, policy, question, facts)
    if question.reason in ("departure", "death") and "forward" in question.measures and rules.forward == "refused":
        yield No(17, "departure-forward", {"to": question.forward_to})
    if question.reason not in rules.reasons or "auto-reply" not in question.measures:
        return
    lasts = question.to_date - question.from_date - _HOUR
    if lasts > timedelta(days=_longest(rules.max_months)):
        yield No(17, "departure-too-long", {"max_months": str(rules.max_months)})
    elif lasts > timedelta(days=_longest(rules.months)):
        yield reviewed(policy.auto_reply, question, facts, 1)


def _longest(months: int) -> int:
    """The days of so many months, at their longest: 31, 62, 92."""
    return (months * 92 + 2) // 3


CLAUSES: tuple[tuple[int, Clause], ...] = (
    (1, purpose),
    (3, open_fields),
    (4, told_first),
    (4, by_whom),
    (5, known_measures),
    (5, no_longer_than_needed),
    (5, least_power),
    (6, the_ask),
    (6, objection),
    (7, four_eyes),
    (7, officer),
    (7, signed_reviews),
    (8, wording),
    (8, doubted_words),
    (8, batch),
    (9, receiver),
    (9, consent),
    (3, search_open_fields),
    (7, always_signed),
    (5, lighter_ways),
    (10, question_asked),
    (10, her_agreement),
    (10, delivery),
    (17, departure),
)
