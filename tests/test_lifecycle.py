"""The state table: every step it has is possible, every other one is refused, and nothing but the state moves.

The expectations that say what the table should be are in docs/cases.md, which tests/test_docs.py compares with it.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from locum.errors import Refused
from locum.lifecycle import FINAL, ON_SERVER, TABLE, Case, Event, State, advance, may
from locum.measure import AutoReply

START = datetime(2026, 7, 1, tzinfo=UTC)
END = datetime(2026, 7, 31, tzinfo=UTC)
CASE = Case(
    id="abcd-efgh",
    state=State.REQUESTED,
    mailbox="anna@corp.test",
    person="anna",
    requester="sam",
    reason="forgotten",
    because="Customers wait for an answer.",
    measures=(
        AutoReply(handle="abcd-efgh", from_date=START, to_date=END, subject="Away", text_body="Away until 31 July."),
    ),
    filed_at=START,
    not_after=END,
    request="00",
    nonce="00",
    policy="00",
    connector="dovecot",
    language="nl",
)
PAIRS = [(state, event) for state in State for event in Event]
STEPS = [(state, event) for state, event in PAIRS if event in TABLE[state]]
OTHERS = [(state, event) for state, event in PAIRS if event not in TABLE[state]]
BEFORE_ANYTHING_IS_SET = (
    State.REQUESTED,
    State.ASKING,
    State.AGREED,
    State.UNANSWERED,
    State.AWAITING_REVIEW,
    State.APPROVED,
    State.SCHEDULED,
)


def reachable(*starts: State) -> set[State]:
    found, open_ = set(starts), list(starts)
    while open_:
        for state in TABLE[open_.pop()].values():
            if state not in found:
                found.add(state)
                open_.append(state)
    return found


@pytest.mark.parametrize(("state", "event"), STEPS)
def test_a_step_of_the_table_changes_the_state_and_nothing_else(state, event):
    case = replace(CASE, state=state)
    assert advance(case, event) == replace(case, state=TABLE[state][event])


@pytest.mark.parametrize(("state", "event"), OTHERS)
def test_every_other_step_is_refused(state, event):
    with pytest.raises(Refused, match="no-such-step"):
        advance(replace(CASE, state=state), event)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_what_may_be_done_is_what_the_table_says(state, event):
    assert may(replace(CASE, state=state), event) == ((state, event) in STEPS)


def test_a_refusal_names_the_case_its_state_and_the_step():
    with pytest.raises(Refused) as refusal:
        advance(replace(CASE, state=State.ACCOUNTED), Event.APPLY)
    assert refusal.value.values == {"case": "abcd-efgh", "state": "accounted", "event": "apply"}


def test_other_fields_move_in_the_same_step():
    case = advance(CASE, Event.WITHDRAW, outcome="requester")
    assert (case.state, case.outcome) == (State.WITHDRAWN, "requester")


def test_every_state_has_its_row():
    assert set(TABLE) == set(State)


def test_every_event_moves_something():
    assert {event for row in TABLE.values() for event in row} == set(Event)


def test_every_state_can_be_reached_from_a_request():
    assert reachable(State.REQUESTED) == set(State)


def test_every_case_comes_to_an_end():
    assert all(reachable(state) & FINAL for state in State)


def test_five_states_are_final():
    assert {State.ACCOUNTED, State.WITHDRAWN, State.REFUSED, State.EXPIRED, State.FAILED} == FINAL


def test_a_case_that_ended_is_final_for_the_mailbox_though_it_waits_for_its_account():
    assert [state for state in State if replace(CASE, state=state).is_final] == [
        State.ENDED,
        State.ACCOUNTED,
        State.WITHDRAWN,
        State.REFUSED,
        State.EXPIRED,
        State.FAILED,
    ]


def test_something_of_ours_is_on_the_server_only_while_it_is_applied_or_ended():
    assert {State.APPLYING, State.APPLIED, State.ENDING} == ON_SERVER


def test_nothing_reaches_the_server_but_through_the_schedule():
    assert [(s, e) for s, e in STEPS if TABLE[s][e] in ON_SERVER and s not in ON_SERVER] == [
        (State.SCHEDULED, Event.APPLY)
    ]


def test_nothing_leaves_the_server_without_being_read_back_or_undone():
    assert [(s, e) for s, e in STEPS if s in ON_SERVER and TABLE[s][e] not in ON_SERVER] == [
        (State.APPLYING, Event.FAIL),
        (State.ENDING, Event.ENDED),
    ]


@pytest.mark.parametrize("state", BEFORE_ANYTHING_IS_SET[1:])
def test_she_can_object_until_it_is_set(state):
    assert TABLE[state][Event.OBJECT] is State.OBJECTED


@pytest.mark.parametrize("state", BEFORE_ANYTHING_IS_SET)
def test_a_request_can_be_withdrawn_until_it_is_set(state):
    assert TABLE[state][Event.WITHDRAW] is State.WITHDRAWN


def test_an_objection_leads_to_no_measure_unless_she_agrees_or_it_is_overruled():
    others = [to for event, to in TABLE[State.OBJECTED].items() if event not in (Event.AGREE, Event.OVERRULE)]
    assert not reachable(*others) & ON_SERVER


def test_what_was_overruled_is_judged_once_more_before_it_is_scheduled():
    assert TABLE[State.OBJECTED][Event.OVERRULE] is State.AWAITING_REVIEW
