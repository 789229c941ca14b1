"""What holds for every question, whatever has happened: stricter never helps, order is nothing, the strictest wins."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policies import FILLED, FUNCTIONS, JOINED, NOW, QUESTION, domain, policy, with_value

from locum.absence import Channel
from locum.errors import Refused
from locum.measure import Audience
from locum.policy import CLAUSES, KEYS, Allowed, Facts, Needs, Question, Verdict, ask_of, decide, judge, reviewing
from locum.policy.keys import is_as_strict
from locum.wording import Kind, Known, Severity, lint, refuse
from test_policy_table import BOTH, ROWS, asked, judged, rules

PEOPLE = ("bob", "anna", "carla", "dirk", "eva")
MEASURES = [frozenset({"auto-reply"}), frozenset({"forward"}), frozenset({"auto-reply", "forward"})]
REASONS = ["forgotten", "customer", "departure", "death", "long-absence", "revenge"]
QUESTIONS = st.builds(
    Question,
    reason=st.sampled_from(REASONS),
    from_date=st.just(NOW),
    to_date=st.sampled_from([1, 14, 28, 29, 31, 32, 62, 92, 93, 130]).map(lambda days: NOW + timedelta(days=days)),
    audience=st.sampled_from(Audience),
    external_is_template=st.booleans(),
    batch_size=st.sampled_from([1, 20, 21]),
    words_doubted=st.booleans(),
    requester=st.just("bob"),
    owner=st.just("anna"),
    requester_function=st.sampled_from(["", "it", "hr"]),
    powers=st.frozensets(st.sampled_from(["redirect-mail", "read-mail"])),
    measures=st.sampled_from(MEASURES),
    hurried=st.booleans(),
    disputed=st.booleans(),
    reviews_are=st.sampled_from(["signed", "trial", "unsigned"]),
    forward_to=st.just("dirk@corp.test"),
    forward_to_person=st.sampled_from(["dirk", "bob", "anna", ""]),
    forward_inside=st.booleans(),
    forward_circle=st.sampled_from([(), ("anna@corp.test",)]),
    receiver_away=st.booleans(),
)
REVIEWS = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(["approve", "approve", "overrule", "deny"]),
    st.sampled_from(["", *FUNCTIONS]),
)
FACTS = st.builds(
    Facts,
    channels=st.frozensets(st.sampled_from(Channel)),
    asked=st.frozensets(st.sampled_from(Channel)),
    deadline_at=st.sampled_from([None, NOW - timedelta(1), NOW + timedelta(1)]),
    answer=st.sampled_from(["", "agreed", "own-text", "unanswered", "objected"]),
    heard_by=st.sampled_from(["", "bob", "carla"]),
    reads_along=st.booleans(),
    reviews=st.lists(REVIEWS, max_size=4).map(tuple),
    consent=st.sampled_from(["", "agreed", "declined"]),
)
# Most questions above are refused, and most facts are not enough: these are near a yes, where a limit decides.
NEAR = st.sampled_from(ROWS).map(asked)
ASKED_FOR = st.one_of(st.tuples(QUESTIONS, FACTS), NEAR, st.tuples(st.just(BOTH[0]), FACTS))
WHOLE = policy(FILLED)
SHIPPED = policy()
KNOWN_ON = st.sampled_from([None, NOW.date(), NOW.date() + timedelta(1)])
LIMITS = [path for path, key in KEYS.items() if key.order is not None and key.kept_by.startswith("policy.clauses.")]


def rank(verdict: Verdict) -> int:
    """How strict an answer is."""
    return 0 if isinstance(verdict, Allowed) else 1 if isinstance(verdict, Needs) else 2


@pytest.mark.parametrize("path", LIMITS)
@settings(max_examples=40, deadline=None)
@given(case=ASKED_FOR, known_on=KNOWN_ON, data=st.data())
def test_a_stricter_limit_never_turns_a_no_into_a_yes(
    path: str, case: tuple[Question, Facts], known_on: datetime | None, data: st.DataObject
) -> None:
    order = KEYS[path].order
    assert order is not None
    pairs = [(a, b) for a, b in itertools.permutations(domain(path), 2) if is_as_strict(order, b, a)]
    mild, strict = data.draw(st.sampled_from(pairs))
    base = with_value(WHOLE, "regulation.known_on", known_on)
    before = decide(with_value(base, path, mild), *case, NOW)
    after = decide(with_value(base, path, strict), *case, NOW)
    assert rank(after) >= rank(before)


@pytest.mark.parametrize("path", LIMITS)
def test_each_limit_decides_in_some_row_of_the_table(path: str) -> None:
    tried = ((number, row, value) for number, row in enumerate(ROWS) for value in domain(path))
    assert any(decide(with_value(rules(n), path, value), *asked(row), NOW) != judged(row) for n, row, value in tried)


@settings(max_examples=200, deadline=None)
@given(case=ASKED_FOR, clauses=st.permutations(CLAUSES), filled=st.booleans())
def test_the_order_of_the_clauses_is_of_no_consequence(
    case: tuple[Question, Facts], clauses: list[tuple[int, object]], filled: bool
) -> None:
    given_policy = WHOLE if filled else SHIPPED
    assert judge(clauses, given_policy, *case, NOW) == decide(given_policy, *case, NOW)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(case=ASKED_FOR, filled=st.booleans())
def test_the_strictest_clause_wins_and_all_that_spoke_are_named(case: tuple[Question, Facts], filled: bool) -> None:
    given_policy = WHOLE if filled else SHIPPED
    alone = [judge([clause], given_policy, *case, NOW) for clause in CLAUSES]
    verdict = decide(given_policy, *case, NOW)
    assert rank(verdict) == max(map(rank, alone))
    assert set(verdict.clauses) == {number for one in alone for number in one.clauses}


@settings(max_examples=200, deadline=None)
@given(case=ASKED_FOR)
def test_what_stands_and_falls_together_is_judged_as_strictly_as_its_strictest_measure(
    case: tuple[Question, Facts],
) -> None:
    question, facts = case
    both = decide(WHOLE, replace(question, measures=MEASURES[2]), facts, NOW)
    alone = [decide(WHOLE, replace(question, measures=one), facts, NOW) for one in MEASURES[:2]]
    assert rank(both) == max(map(rank, alone))


@settings(max_examples=500, deadline=None)
@given(case=ASKED_FOR, own=st.lists(REVIEWS, max_size=5))
def test_no_single_person_can_have_mail_forwarded(
    case: tuple[Question, Facts], own: list[tuple[str, str, str]]
) -> None:
    question = replace(case[0], measures=MEASURES[1], requester_function="hr")
    reviews = tuple(
        (person, said, function) for person, said, function in own if person in ("bob", "anna") or function == "hr"
    )
    facts = replace(case[1], reviews=reviews)
    assert not isinstance(decide(WHOLE, question, facts, NOW), Allowed)


@settings(max_examples=200, deadline=None)
@given(case=ASKED_FOR)
def test_an_objection_is_never_passed_over(case: tuple[Question, Facts]) -> None:
    question, facts = case[0], replace(case[1], answer="objected", reviews=case[1].reviews[:1])
    assert not isinstance(decide(WHOLE, question, facts, NOW), Allowed)


@settings(max_examples=200, deadline=None)
@given(case=ASKED_FOR)
def test_who_may_review_is_who_can_help(case: tuple[Question, Facts]) -> None:
    question, facts = case
    if isinstance(before := decide(WHOLE, question, facts, NOW), Needs) and before.what == "review":
        everyone = tuple((f"x-{function}", "approve", function) for function in reviewing(WHOLE, question))
        after = decide(WHOLE, question, replace(facts, reviews=(*facts.reviews, *everyone)), NOW)
        assert isinstance(after, Allowed)


def test_she_is_asked_once_for_all_measures_as_the_strictest_of_them_asks() -> None:
    ask = ask_of(policy({**FILLED, "forward.ask.if_unanswered": "stop", "forward.ask.channels": ["mailbox"]}), JOINED)
    assert (ask.wait_hours, ask.if_unanswered) == (8, "stop")
    assert ask.channels == ["mobile", "private_mail", "mailbox"]


@pytest.mark.parametrize(("is_template", "hours"), [(True, 1), (False, 4)])
def test_a_template_waits_shorter_than_somebodys_own_text(is_template: bool, hours: float) -> None:
    assert ask_of(policy(), replace(QUESTION, external_is_template=is_template)).wait_hours == hours


def test_a_policy_that_says_one_wait_means_it_for_templates_too() -> None:
    one_wait = with_value(SHIPPED, "auto-reply.ask.template_wait_hours", None)
    assert ask_of(one_wait, QUESTION).wait_hours == 4


def test_nobody_is_asked_after_a_death() -> None:
    assert ask_of(policy(), replace(QUESTION, reason="death")).channels == []
    assert reviewing(policy(), replace(QUESTION, reason="death")) == ("manager", "hr", "dpo")


DOUBTFUL = "Anna telt schapen."
JUDGEMENTS = [Severity.ALLOW, Severity.WARN, Severity.REVIEW, Severity.REFUSE]


def rank_with_words(judgement: Severity, question: Question, facts: Facts) -> int:
    """How strict the answer is where the policy says this of the words."""
    said = {Kind.MORE_THAN_AWAY: judgement}
    remarks = lint(DOUBTFUL, audience="internal", known=Known(name="Anna de Vries"), severities=said)
    try:
        kept = refuse([("internal", one) for one in remarks])
    except Refused:
        return 2
    doubted = any(one.severity is Severity.REVIEW for _, one in kept)
    return rank(decide(WHOLE, replace(question, words_doubted=doubted), facts, NOW))


@settings(max_examples=200, deadline=None)
@given(case=ASKED_FOR)
def test_a_stricter_judgement_of_words_never_turns_a_no_into_a_yes(case: tuple[Question, Facts]) -> None:
    ranks = [rank_with_words(judgement, *case) for judgement in JUDGEMENTS]
    assert ranks == sorted(ranks)
