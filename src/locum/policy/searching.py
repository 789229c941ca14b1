"""What the clauses say of a search alone: fields that are open (3), lighter ways first (5), signatures (7), a narrow question, her
agreement, and to whom it goes (10). Pure.

What a step of it may be is the ladder's matter (ladder.py), what is left out that of clauses 11 to 13 (narrowing).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from locum.narrowing import parts
from locum.policy.counting import agreed, reviewed
from locum.policy.file import Policy
from locum.policy.question import Allowed, Facts, Needs, No, Question, Verdict
from locum.query import WordsIn

_DAY = timedelta(days=1)
"""The day on which something begins counts whole."""


def search_open_fields(policy: Policy, question: Question, _facts: Facts, now: datetime) -> Iterator[Verdict]:
    """Clause 3: as for a forward, while the works council's consent, the register or the assessment is open."""
    if "search" in question.measures:
        fields = policy.missing("search", now.date())
        yield No(3, "search-open-fields", {"fields": ", ".join(fields)}) if fields else Allowed()


def always_signed(_policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 7: whatever the settings say, a search is signed for: a message is opened with the same keys."""
    if "search" in question.measures and question.reviews_are != "signed":
        yield No(7, "search-unsigned", {})


def lighter_ways(policy: Policy, question: Question, _facts: Facts, now: datetime) -> Iterator[Verdict]:
    """Clause 5: what the policy names was tried before, each on a day that is not still to come."""
    if "search" not in question.measures:
        return
    tried = {what for what, on in question.alternatives if on <= (now + _DAY).date()}
    missing = [what for what in policy.search.alternatives if what not in tried]
    yield No(5, "search-not-tried", {"missing": ", ".join(missing)}) if missing else Allowed()


def question_asked(policy: Policy, question: Question, _facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 10: narrow enough, within her absence and a few days before, and words only where they may be looked for."""
    if "search" not in question.measures:
        return
    rules, asked = policy.search, question.query
    if parts(asked) < rules.at_least:
        yield No(10, "search-too-few-parts", {"at_least": str(rules.at_least)})
    earliest = None if question.away_since is None else question.away_since - timedelta(days=rules.days_before) - _DAY
    if asked.since is None or earliest is None or asked.since < earliest:
        yield No(10, "search-too-early", {"days_before": str(rules.days_before)})
    if asked.words and rules.words_in == "subject" and asked.words_in is not WordsIn.SUBJECT:
        yield No(10, "search-words-in-subject", {})
    yield Allowed()


def her_agreement(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 10, where the policy wants it: she agrees herself, always, or where private use of mail is allowed or tolerated.
    Having no rule about that counts as allowing.
    """
    wanted = policy.search.agreement
    is_private = policy.regulation.private_use != "forbidden"
    if "search" not in question.measures or wanted == "no" or (wanted == "private-use" and not is_private):
        return
    if agreed(question, facts):
        yield Allowed()
    elif facts.answer or question.reason == "death":
        yield No(10, "search-not-agreed", {})
    else:
        yield Needs("answer" if facts.asked else "ask")


def delivery(policy: Policy, question: Question, facts: Facts, _now: datetime) -> Iterator[Verdict]:
    """Clause 10: where the message goes: inside, not back to her, and to the requester only with an approver saying so."""
    if "search" not in question.measures:
        return
    if not question.forward_inside:
        yield No(10, "search-outside", {"to": question.forward_to})
    if question.forward_to_person == question.owner:
        yield No(10, "search-to-owner", {"to": question.forward_to})
    if question.forward_to_person == question.requester:
        yield reviewed(policy.search, question, facts, 1)
