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
