"""Every state of the machine of search_model.py is explored: no step of a search is skipped, whoever asks for what in whatever order.

And the explorer can see it: for each guard that is taken out it finds a way to what the guard is there for.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import pytest

from search_model import FEW, GUARDS, READ, Cast, State

SMALL = Cast(others=(("dirk", "hr"), ("ivo", "it")), hits=("m1",), elsewhere=("m3",), most=2)
"""Two counts stand for five, and one hit for twenty, so that every state can be seen."""
Holds = Callable[[State, str, State], bool]


ALWAYS: Mapping[str, Holds] = {
    "one-of-both": lambda _before, label, _after: not {"ivo", "carla"} & set(label.split()),
    "one-at-a-time": lambda before, label, _after: not (label.startswith("begin") and before.step),
    "five-counts": lambda _before, _label, after: after.counts <= SMALL.most,
    "counted-first": lambda before, label, _after: not label.startswith("begin list") or bool(before.bucket),
    "few-enough": lambda before, label, _after: not label.startswith("begin list") or before.bucket in (*FEW, ""),
    "listed-once": lambda before, label, _after: (
        not (before.listed and label.startswith(("begin list", "begin count")))
    ),
    "on-the-list": lambda _before, _label, after: all(which in SMALL.hits for _, which in after.chosen),
    "both-choose": lambda before, label, _after: not label.startswith("opening") or SMALL.both(before.chosen) != "",
    "both-sign": lambda before, label, _after: not label.startswith("begin open") or SMALL.both(before.signed) != "",
    "one-message": lambda before, label, _after: not (label.startswith("begin open") and before.opened),
    "opened-first": lambda before, label, _after: not label.startswith("begin deliver") or bool(before.opened),
    "not-private": lambda before, label, _after: not label.startswith("begin deliver") or before.closed in ("", *READ),
    "delivered-once": lambda _before, _label, after: after.delivered <= 1,
}


def broken(cast: Cast, wanted: str = "") -> dict[str, str]:
    """What does not always hold, each with the last step of a shortest way there; where one is `wanted`, no further than that."""
    found: dict[str, str] = {}
    seen, left = {State()}, deque([State()])
    while left and wanted not in found:
        state = left.popleft()
        for label, after in cast.steps(state):
            found |= {
                name: label for name, holds in ALWAYS.items() if name not in found and not holds(state, label, after)
            }
            if after not in seen:
                seen.add(after)
                left.append(after)
    return found


@cache
def everything() -> dict[str, str]:
    return broken(SMALL)


def test_every_guard_has_something_that_always_holds() -> None:
    assert ALWAYS.keys() == GUARDS.keys()


@pytest.mark.slow
def test_no_order_of_steps_skips_one() -> None:
    assert everything() == {}


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_what_it_sees_to_is_broken(guard: str) -> None:
    assert guard in broken(replace(SMALL, without=guard), guard)


def test_where_nobody_of_another_function_signed_no_step_is_taken() -> None:
    assert list(Cast(others=(("ivo", "it"),)).steps(State())) == []
