"""The policy as it is enforced: each clause, and what holds for all of them together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.absence import Channel
from locum.errors import Invalid
from locum.measure import Audience
from locum.policy import Allowed, Facts, Needs, No, Policy, Question, Verdict, decide, load, shipped

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = Facts(
    channels=frozenset({Channel.MAILBOX, Channel.MOBILE}),
    asked=frozenset({Channel.MAILBOX, Channel.MOBILE}),
    deadline_at=NOW - timedelta(minutes=1),
    answer="unanswered",
)
QUESTION = Question(
    reason="forgotten",
    from_date=NOW,
    to_date=NOW + timedelta(days=14),
    audience=Audience.INTERNAL,
    external_is_template=True,
    batch_size=1,
    requester="bob",
    owner="anna",
)


def policy(**changes: object) -> Policy:
    text = shipped()
    for key, value in changes.items():
        lines = [line for line in text.splitlines() if line.startswith(f"{key} =")]
        assert len(lines) == 1, key
        text = text.replace(lines[0], f"{key} = {value}")
    return load(text)


def ask(question: Question = QUESTION, facts: Facts = ASKED, rules: Policy | None = None) -> Verdict:
    return decide(rules or load(), question, facts, NOW)


def test_a_plain_request_goes_ahead_once_she_was_asked_and_the_wait_is_over() -> None:
    assert isinstance(ask(), Allowed)


def test_a_reason_outside_the_list_is_refused_by_clause_1() -> None:
    verdict = ask(replace(QUESTION, reason="curiosity"))
    assert isinstance(verdict, No)
    assert verdict.clause == 1


def test_longer_than_allowed_is_refused_by_clause_5() -> None:
    verdict = ask(replace(QUESTION, to_date=NOW + timedelta(days=93)))
    assert isinstance(verdict, No)
    assert verdict.clause == 5


def test_exactly_the_longest_is_allowed() -> None:
    assert isinstance(ask(replace(QUESTION, to_date=NOW + timedelta(days=92))), Allowed)


def test_nothing_goes_ahead_before_she_was_asked_on_every_channel() -> None:
    assert ask(facts=replace(ASKED, asked=frozenset({Channel.MAILBOX}))) == Needs("ask", (1, 6))


def test_nothing_goes_ahead_before_the_wait_is_over() -> None:
    assert ask(facts=replace(ASKED, deadline_at=NOW + timedelta(seconds=1), answer="")) == Needs("answer", (1, 6))


def test_her_agreement_needs_no_wait() -> None:
    assert isinstance(ask(facts=replace(ASKED, deadline_at=None, asked=frozenset(), answer="agreed")), Allowed)


def test_an_objection_is_refused_by_clause_6() -> None:
    verdict = ask(facts=replace(ASKED, answer="objected"))
    assert isinstance(verdict, No)
    assert verdict.clause == 6


def test_without_a_channel_nothing_may_be_done() -> None:
    verdict = ask(facts=replace(ASKED, channels=frozenset()))
    assert isinstance(verdict, No)
    assert verdict.key == "no-channel"


def test_whoever_reads_along_is_not_overruled_by_silence() -> None:
    verdict = ask(facts=replace(ASKED, reads_along=True))
    assert isinstance(verdict, No)
    assert verdict.key == "reads-along"


def test_silence_stops_it_where_the_policy_says_so() -> None:
    verdict = ask(rules=policy(if_unanswered='"stop"'))
    assert isinstance(verdict, No)
    assert verdict.key == "unanswered-stops"


def test_silence_needs_a_reviewer_where_the_policy_says_so() -> None:
    assert ask(rules=policy(if_unanswered='"review"')) == Needs("review", (1, 6))


FREE = replace(QUESTION, audience=Audience.EVERYONE, external_is_template=False)


def test_free_text_for_outsiders_needs_her_or_a_reviewer() -> None:
    assert ask(FREE) == Needs("review", (1, 6, 8))


def test_free_text_for_outsiders_may_go_where_the_policy_says_so() -> None:
    assert isinstance(ask(FREE, rules=policy(free_text='"allowed"')), Allowed)


def test_free_text_for_outsiders_may_go_with_her_agreement() -> None:
    assert isinstance(ask(FREE, replace(ASKED, answer="agreed")), Allowed)


def test_free_text_for_outsiders_may_go_with_one_reviewer() -> None:
    assert isinstance(ask(FREE, replace(ASKED, reviews=(("carla", "approve", "hr"),))), Allowed)


@pytest.mark.parametrize(("person", "function"), [("bob", "hr"), ("anna", "hr"), ("carla", "it"), ("carla", "")])
def test_a_review_by_the_wrong_person_does_not_count(person: str, function: str) -> None:
    assert ask(FREE, replace(ASKED, reviews=((person, "approve", function),))) == Needs("review", (1, 6, 8))


def test_one_person_approving_twice_is_one_person() -> None:
    twice = replace(ASKED, reviews=(("carla", "approve", "hr"), ("carla", "approve", "hr")))
    assert ask(facts=twice, rules=policy(count=2)) == Needs("review", (1, 6, 7))


def test_a_denial_is_refused_by_clause_7() -> None:
    verdict = ask(FREE, replace(ASKED, reviews=(("carla", "deny", "hr"),)))
    assert isinstance(verdict, No)
    assert verdict.clause == 7


def test_a_large_batch_needs_a_reviewer() -> None:
    assert ask(replace(QUESTION, batch_size=21)) == Needs("review", (1, 6, 8))


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("[auto-reply]\nreasons = ['forgotten']\nmax_dayz = 3\n", "auto-reply.max_dayz", "3"),
        ("[auto-reply]\nreasons = ['revenge']\n", "auto-reply.reasons.0", "2"),
        (
            "[auto-reply]\nreasons = ['forgotten']\n[auto-reply.ask]\nwait_hours = -1\n",
            "auto-reply.ask.wait_hours",
            "4",
        ),
        ("[auto-reply]\nreasons = ['forgotten']\nmax_days = '9'\n", "auto-reply.max_days", "3"),
        ("[autoreply]\n", "auto-reply", "?"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(text: str, name: str, line: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(text)
    assert (caught.value.key, caught.value.values["name"], caught.value.values["line"]) == (
        "policy-mistake",
        name,
        line,
    )


def test_what_is_not_toml_is_said_so() -> None:
    with pytest.raises(Invalid, match="policy-not-toml"):
        load("[auto-reply")


_ANSWERS = ["", "agreed", "own-text", "unanswered", "objected"]
_FACTS = st.builds(
    Facts,
    channels=st.frozensets(st.sampled_from(Channel)),
    asked=st.frozensets(st.sampled_from(Channel)),
    deadline_at=st.sampled_from([None, NOW - timedelta(1), NOW + timedelta(1)]),
    answer=st.sampled_from(_ANSWERS),
    reads_along=st.booleans(),
    reviews=st.lists(
        st.tuples(
            st.sampled_from(["bob", "anna", "carla", "dirk"]),
            st.sampled_from(["approve", "deny"]),
            st.sampled_from(["hr", "manager", "it"]),
        )
    ).map(tuple),
)
_QUESTIONS = st.builds(
    Question,
    reason=st.sampled_from(["forgotten", "customer", "revenge"]),
    from_date=st.just(NOW),
    to_date=st.integers(1, 200).map(lambda days: NOW + timedelta(days=days)),
    audience=st.sampled_from(Audience),
    external_is_template=st.booleans(),
    batch_size=st.integers(1, 50),
    requester=st.just("bob"),
    owner=st.just("anna"),
)
_STRICTER = [
    {"max_days": 30},
    {"batch_review_above": 0},
    {"count": 2},
    {"wait_hours": 40},
    {"if_unanswered": '"review"'},
    {"if_unanswered": '"stop"'},
    {"reasons": '["forgotten"]'},
    {"functions": '["hr"]'},
]


@given(_QUESTIONS, _FACTS, st.sampled_from(_STRICTER))
def test_a_stricter_limit_never_turns_a_no_into_a_yes(
    question: Question, facts: Facts, change: dict[str, object]
) -> None:
    before = decide(load(), question, facts, NOW)
    after = decide(policy(**change), question, facts, NOW)
    if isinstance(before, No):
        assert isinstance(after, No)
    if not isinstance(before, Allowed):
        assert not isinstance(after, Allowed)


def test_a_credential_that_could_read_mail_has_to_be_allowed_by_name() -> None:
    question = replace(QUESTION, powers=frozenset({"read-mail"}))
    verdict = ask(question)
    assert isinstance(verdict, No)
    assert verdict.key == "power-not-allowed"
    assert isinstance(ask(question, rules=policy(powers='["read-mail"]')), Allowed)
