"""The policy as it is enforced: each clause, and what holds for all of them together."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.policies import ASKED, NOW, QUESTION, policy

from locum.absence import Channel
from locum.errors import Invalid
from locum.measure import Audience
from locum.policy import Allowed, Facts, Needs, No, Policy, Question, Verdict, decide, load


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
    assert ask(facts=replace(ASKED, asked=frozenset({Channel.MAILBOX}))) == Needs("ask", (1, 4, 6))


def test_nothing_goes_ahead_before_the_wait_is_over() -> None:
    assert ask(facts=replace(ASKED, deadline_at=NOW + timedelta(seconds=1), answer="")) == Needs("answer", (1, 4, 6))


def test_her_agreement_needs_no_wait() -> None:
    assert isinstance(ask(facts=replace(ASKED, deadline_at=None, asked=frozenset(), answer="agreed")), Allowed)


def test_an_objection_is_refused_by_clause_6() -> None:
    verdict = ask(facts=replace(ASKED, answer="objected"), rules=policy({"objection.overrule": "never"}))
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
    verdict = ask(rules=policy({"auto-reply.ask.if_unanswered": "stop"}))
    assert isinstance(verdict, No)
    assert verdict.key == "unanswered-stops"


def test_silence_needs_a_reviewer_where_the_policy_says_so() -> None:
    assert ask(rules=policy({"auto-reply.ask.if_unanswered": "review"})) == Needs("review", (1, 4, 6))


FREE = replace(QUESTION, audience=Audience.EVERYONE, external_is_template=False)


def test_free_text_for_outsiders_needs_her_or_a_reviewer() -> None:
    assert ask(FREE) == Needs("review", (1, 4, 6, 8))


def test_free_text_for_outsiders_may_go_where_the_policy_says_so() -> None:
    assert isinstance(ask(FREE, rules=policy({"auto-reply.free_text": "allowed"})), Allowed)


def test_free_text_for_outsiders_may_go_with_her_agreement() -> None:
    assert isinstance(ask(FREE, replace(ASKED, answer="agreed")), Allowed)


def test_free_text_for_outsiders_may_go_with_one_reviewer() -> None:
    assert isinstance(ask(FREE, replace(ASKED, reviews=(("carla", "approve", "hr"),))), Allowed)


@pytest.mark.parametrize(("person", "function"), [("bob", "hr"), ("anna", "hr"), ("carla", "it"), ("carla", "")])
def test_a_review_by_the_wrong_person_does_not_count(person: str, function: str) -> None:
    assert ask(FREE, replace(ASKED, reviews=((person, "approve", function),))) == Needs("review", (1, 4, 6, 8))


def test_one_person_approving_twice_is_one_person() -> None:
    twice = replace(ASKED, reviews=(("carla", "approve", "hr"), ("carla", "approve", "hr")))
    assert ask(facts=twice, rules=policy({"auto-reply.review.count": 2})) == Needs("review", (1, 4, 6, 7))


def test_a_denial_is_refused_by_clause_7() -> None:
    verdict = ask(FREE, replace(ASKED, reviews=(("carla", "deny", "hr"),)))
    assert isinstance(verdict, No)
    assert verdict.clause == 7


def test_a_large_batch_needs_a_reviewer() -> None:
    assert ask(replace(QUESTION, batch_size=21)) == Needs("review", (1, 4, 6, 8))


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("[auto-reply]\nreasons = ['forgotten']\nmax_dayz = 3\n", "auto-reply.max_dayz", "3"),
        ("[auto-reply]\nreasons = ['revenge']\n", "auto-reply.reasons", "2"),
        (
            "[auto-reply]\nreasons = ['forgotten']\n[auto-reply.ask]\nwait_hours = -1\n",
            "auto-reply.ask.wait_hours",
            "4",
        ),
        ("[auto-reply]\nreasons = ['forgotten']\nmax_days = '9'\n", "auto-reply.max_days", "3"),
        ("[autoreply]\n", "autoreply", "1"),
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


def test_a_credential_that_could_read_mail_has_to_be_allowed_by_name() -> None:
    question = replace(QUESTION, powers=frozenset({"read-mail"}))
    verdict = ask(question)
    assert isinstance(verdict, No)
    assert verdict.key == "power-not-allowed"
    assert isinstance(ask(question, rules=policy({"auto-reply.powers": ["read-mail"]})), Allowed)
