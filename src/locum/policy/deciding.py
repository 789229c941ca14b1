"""`decide`: may this be done? And how she is asked. Pure.

Every clause is asked, and all that played a part are named; the strictest answer wins: No, then Needs, then Allowed.
"""

from collections.abc import Sequence
from datetime import datetime

from locum.policy.clauses import CLAUSES, Clause
from locum.policy.file import Policy
from locum.policy.measures import MEASURES, Ask, ReplyAsk
from locum.policy.question import Allowed, Facts, Needs, No, Question, Verdict

_ORDER = ("ask", "answer", "overrule", "consent", "review")
_UNANSWERED = ("proceed", "review", "stop")


def decide(policy: Policy, question: Question, facts: Facts, now: datetime) -> Verdict:
    """Whether the request may go ahead at `now`: all its measures, or none."""
    return judge(CLAUSES, policy, question, facts, now)


def judge(
    clauses: Sequence[tuple[int, Clause]], policy: Policy, question: Question, facts: Facts, now: datetime
) -> Verdict:
    """`decide` with these clauses, in whatever order."""
    part: set[int] = set()
    refusals: list[No] = []
    needs: list[str] = []
    for clause, ask in clauses:
        for verdict in ask(policy, question, facts, now):
            part.add(clause if not isinstance(verdict, No) else verdict.clause)
            if isinstance(verdict, No):
                refusals.append(verdict)
            elif isinstance(verdict, Needs):
                needs.append(verdict.what)
    spoken = tuple(sorted(part))
    if refusals:
        first = min(refusals, key=lambda no: (no.clause, no.key, tuple(no.values.values())))
        return No(first.clause, first.key, first.values, spoken)
    if needs:
        return Needs(min(needs, key=_ORDER.index), spoken)
    return Allowed(spoken)


def ask_of(policy: Policy, question: Question) -> Ask:
    """How she is asked: of several measures all channels, the longest wait, and the strictest of what silence means.
    Nobody is asked after a death: no channel.
    """
    asks = [policy.rules(name).ask for name in MEASURES if name in question.measures]
    channels = dict.fromkeys(channel for ask in asks for channel in ask.channels)
    return Ask.model_construct(
        channels=[] if question.reason == "death" else list(channels),
        wait_hours=max((_wait(ask, question) for ask in asks), default=0),
        if_unanswered=max((ask.if_unanswered for ask in asks), key=_UNANSWERED.index, default="stop"),
    )


def _wait(ask: Ask, question: Question) -> float:
    is_short = isinstance(ask, ReplyAsk) and question.external_is_template
    if is_short and isinstance(ask, ReplyAsk) and ask.template_wait_hours is not None:
        return ask.template_wait_hours
    return ask.wait_hours
