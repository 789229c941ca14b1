"""traces.py finds what does not fit: a record in which something was done that may not be, or a row that says something else."""

from dataclasses import dataclass, field, replace

import pytest

from case_model import State
from locum.entry import Json
from locum.lifecycle import State as Row
from test_lifecycle import CASE
from traces import cast_of, followed, labels, strange


@dataclass(frozen=True)
class Told:
    """An entry, as far as it is read."""

    type: str
    body: dict[str, Json] = field(default_factory=dict)


FORWARD: Json = {"measure": "forward", "to": "carla@corp.test"}


def requested(request: str = "r1", **more: Json) -> Told:
    body: dict[str, Json] = {"requester": {"id": "bob"}, "person": "anna", "request": request, "measures": [FORWARD]}
    return Told("requested", body | more)


def reviewed(decision: str, who: str, function: str, request: str = "r1") -> Told:
    by: Json = {"id": who, "function": function}
    return Told("reviewed", {"decision": decision, "by": by, "request": request, "signed": {"statement": "…"}})


def act(kind: str, what: str) -> Told:
    return Told(kind, {"act": what})


AGREED = Told("answered", {"answer": "agreed"})
CONSENT = Told("consented", {"answer": "agreed", "request": "r1"})
OBJECTED = Told("objected", {"via": "link"})
SIGNED = (reviewed("request", "bob", "it"), reviewed("approve", "dirk", "hr"))
BEGIN = (requested(), AGREED, CONSENT, *SIGNED)
SET = (act("intended", "apply"), act("done", "apply"), act("read-back", "apply"))
END = (act("intended", "end"), act("done", "end"), act("read-back", "end"), Told("ended"), Told("accounted"))
LETTER = Told("asked", {"channel": "mailbox"})


def of(state: Row, *entries: Told) -> str:
    return strange(replace(CASE, state=state), entries)


GOOD = {
    "the whole way": (Row.ACCOUNTED, *BEGIN, *SET, *END),
    "with letters between": (Row.APPLIED, requested(), LETTER, AGREED, CONSENT, LETTER, *SIGNED, LETTER, *SET, LETTER),
    "a second try": (Row.APPLIED, *BEGIN, act("intended", "apply"), *SET),
    "stopped while it is set": (Row.ACCOUNTED, *BEGIN, act("intended", "apply"), OBJECTED, *END),
    "an objection ends it": (Row.ACCOUNTED, *BEGIN, *SET, OBJECTED, *END),
    "nothing was asked further": (Row.WITHDRAWN, requested(), Told("withdrawn")),
}


@pytest.mark.parametrize("told", GOOD.values(), ids=GOOD)
def test_what_may_happen_is_not_strange(told):
    assert of(*told) == ""


WRONG = {
    "set before it is recorded": (*BEGIN, *SET[1:]),
    "set, and not read back": (*BEGIN, *SET[:2]),
    "set with one signature": (requested(), AGREED, CONSENT, SIGNED[0], *SET),
    "set with a signature of the same function": (
        *(requested(), AGREED, CONSENT, SIGNED[0], reviewed("approve", "ivo", "it")),
        *SET,
    ),
    "set with the signature of whoever asks": (
        *(requested(), AGREED, CONSENT, SIGNED[0], reviewed("approve", "bob", "hr")),
        *SET,
    ),
    "set with a signature over the request before": (
        *(*BEGIN, requested("r2", joins="r1"), AGREED),
        Told("consented", {"answer": "agreed", "request": "r2"}),
        *SET,
    ),
    "signed over another request": (
        requested(),
        AGREED,
        CONSENT,
        SIGNED[0],
        reviewed("approve", "dirk", "hr", "r0"),
        *SET,
    ),
    "set although somebody said no": (*BEGIN, reviewed("deny", "petra", "dpo"), *SET),
    "set before the receiver agreed": (requested(), AGREED, *SIGNED, *SET),
    "set in spite of her objection": (*BEGIN, Told("answered", {"answer": "objected"}), *SET),
    "done in spite of her objection": (*BEGIN, SET[0], OBJECTED, *SET[1:]),
    "set twice": (*BEGIN, *SET, *SET),
    "set again after the end": (*BEGIN, *SET, *END, *SET),
    "ended, and nothing taken away": (*BEGIN, *SET, act("intended", "end"), Told("ended")),
    "ended, and nothing recorded before": (*BEGIN, *SET, *END[1:]),
    "told twice": (*BEGIN, *SET, *END, Told("accounted")),
    "begun without a request": SET,
}


@pytest.mark.parametrize("told", WRONG.values(), ids=WRONG)
def test_what_may_not_happen_has_no_way(told):
    assert followed(cast_of(told), labels(told))[1] != ""


SEARCH: Json = {"measure": "search"}
OPEN = (
    requested(measures=[SEARCH]),
    Told("answered", {"answer": "agreed"}),
    *SIGNED,
    act("intended", "apply"),
    act("done", "apply"),
)
HITS: Json = [{"digest": "one"}, {"digest": "two"}]


def step(kind: str, who: str, **more: Json) -> Told:
    return Told(kind, {"by": {"id": who}} | more)


COUNT = (step("searching", "bob", act="count"), Told("counted", {"bucket": "1-5"}))
LIST = (step("searching", "dirk", act="list"), Told("listed", {"hits": HITS}))
CHOSEN = tuple(step("chosen", who, digest="one") for who in ("bob", "dirk"))
OPENING = tuple(step("opening", who, digest="one") for who in ("bob", "dirk"))
OPENED = (*OPENING, step("searching", "dirk", act="open"), Told("opened", {"digest": "one"}))
SEEN = Told("closed", {"why": "left"})
SENT = (step("searching", "bob", act="deliver"), Told("delivered"))

CLIMBED = {
    "to its end": (*COUNT, *LIST, *CHOSEN, *OPENED, SEEN, *SENT),
    "counted twice": (*COUNT, *COUNT, *LIST),
    "nothing was done with it": (),
}
SKIPPED = {
    "listed and never counted": LIST,
    "counted after the list": (*COUNT, *LIST, *COUNT),
    "opened and never listed": (*COUNT, *CHOSEN, *OPENED),
    "opened and chosen by one": (*COUNT, *LIST, CHOSEN[0], *OPENED),
    "opened with one signature": (*COUNT, *LIST, *CHOSEN, OPENING[0], *OPENED[2:]),
    "opened with the same signature twice": (*COUNT, *LIST, *CHOSEN, OPENING[0], OPENING[0], *OPENED[2:]),
    "another one opened than was signed": (*COUNT, *LIST, *CHOSEN, *OPENED[:3], Told("opened", {"digest": "two"})),
    "a second message": (*COUNT, *LIST, *CHOSEN, *OPENED, SEEN, *OPENED),
    "delivered and never opened": (*COUNT, *LIST, *CHOSEN, *SENT),
    "delivered though it was private": (*COUNT, *LIST, *CHOSEN, *OPENED, Told("closed", {"why": "private"}), *SENT),
    "delivered twice": (*COUNT, *LIST, *CHOSEN, *OPENED, SEEN, *SENT, *SENT),
    "counted by somebody else": (step("searching", "eve", act="count"), Told("counted", {"bucket": "1-5"})),
}


@pytest.mark.parametrize("told", CLIMBED.values(), ids=CLIMBED)
def test_a_search_that_goes_step_by_step_is_not_strange(told):
    assert of(Row.APPLIED, *OPEN, *told) == ""


@pytest.mark.parametrize("told", SKIPPED.values(), ids=SKIPPED)
def test_a_search_that_leaves_out_a_step_has_no_way(told):
    assert "no way for" in of(Row.APPLIED, *OPEN, *told)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (Row.APPLIED, BEGIN),
        (Row.SCHEDULED, (*BEGIN, *SET)),
        (Row.ENDED, (*BEGIN, *SET)),
        (Row.APPROVED, (*BEGIN, *SET, *END)),
    ],
)
def test_a_row_that_says_something_else_than_the_record_is_strange(state, told):
    assert "the row says" in of(state, *told)


def test_the_way_of_a_trace_ends_where_the_machine_says_so():
    states, stuck = followed(cast_of(BEGIN), labels(BEGIN))
    assert (stuck, {state.phase for state in states}) == ("", {"answered"})
    assert State() not in states
