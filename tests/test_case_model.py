"""Every state of the small machine of case_model.py is explored: nothing is set that may not be, whatever comes in between.

And the explorer can see it: for each guard that is taken out it finds the shortest way to what the guard is there for.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from minicheck import Protocol, check_safety

from case_model import GUARDS, OVER, Begun, Cast, State, Step

pytestmark = pytest.mark.slow

MOST = 200_000
Fields = dict[str, object]
Always = Callable[[Fields], bool]

SIGNED = Cast()
OVERRULED = Cast(need="none", forwards=False, edits=0, may_lose=("petra",))


# what always holds


def begun(said: Fields) -> Begun | None:
    found = said["begun"]
    return found if isinstance(found, Begun) else None


def two_people_signed_this_request(said: Fields) -> bool:
    """Two people of different functions, neither of them whose mailbox it is, over the request that is set, with keys that count."""
    act = begun(said)
    if act is None:
        return True
    eyes = [one for one in act.eyes if one.version == act.version and one.who != SIGNED.owner]
    return any(a.who != b.who and a.function != b.function for a in eyes for b in eyes)


def nobody_said_no(said: Fields) -> bool:
    act = begun(said)
    return act is None or not act.is_denied


def an_objection_stops_it(said: Fields) -> bool:
    act = begun(said)
    return (act is None or act.objection != "standing") and (said["phase"], said["objection"]) != ("live", "standing")


def two_people_overrule_an_objection(said: Fields) -> bool:
    act = begun(said)
    if act is None or act.objection != "overruled":
        return True
    found = act.grounds
    return len({one.who for one in found}) > 1 and len({one.function for one in found}) > 1


def an_overruling_is_of_one_objection(said: Fields) -> bool:
    """What was overruled before she objected anew counts for nothing: right after an objection, it stands."""
    return not (said["heard"] and said["objection"] == "overruled")


def the_receiver_agreed(said: Fields) -> bool:
    act = begun(said)
    return act is None or act.consent


def it_was_recorded_before(said: Fields) -> bool:
    return said["worker"] != "written" or said["open_act"] in ("apply", "end")


def a_witness_saw_it_before(said: Fields) -> bool:
    return said["worker"] != "written" or said["seen"] is True


def every_act_has_its_pair(said: Fields) -> bool:
    return said["phase"] not in OVER or said["open_act"] == ""


def nothing_of_ours_stands_before_and_after(said: Fields) -> bool:
    return not said["ours"] or said["phase"] not in ("new", "asking", "answered", *OVER)


def nothing_is_done_twice(said: Fields) -> bool:
    return said["twice"] == "" and said["told"] != 2


def what_is_erased_was_told(said: Fields) -> bool:
    return not said["erased"] or said["told"] == 1


ALWAYS = (
    two_people_signed_this_request,
    nobody_said_no,
    an_objection_stops_it,
    two_people_overrule_an_objection,
    an_overruling_is_of_one_objection,
    the_receiver_agreed,
    it_was_recorded_before,
    a_witness_saw_it_before,
    every_act_has_its_pair,
    nothing_of_ours_stands_before_and_after,
    nothing_is_done_twice,
    what_is_erased_was_told,
)
OF_SIGNATURES = (two_people_signed_this_request, the_receiver_agreed)


def machine(cast: Cast, always: tuple[Always, ...]) -> Protocol:
    """The machine as the explorer takes it. Once something does not hold, nothing further is gone into."""
    broken = []

    def steps(state: State) -> list[Step]:
        if not broken and not all(one(state._asdict()) for one in always):
            broken.append(state)
        return [] if broken else list(cast.steps(state))

    named = {one.__name__: one for one in always}
    return Protocol("case", False, State._fields, State(), steps, named)


def way_to_break(cast: Cast, *always: Always) -> list[str]:
    """The steps of a shortest way to where one of these does not hold; empty where all hold in every state."""
    found = check_safety(machine(cast, always), max_states=MOST)
    assert found["exhaustive"], found.get("incomplete_reason")
    ways = [one["counterexample"] for one in found["properties"].values() if one["counterexample"]]
    return [step["label"] for way in ways[:1] for step in way[1:]]


@pytest.mark.parametrize("cast", [SIGNED, OVERRULED], ids=["signed", "overruled"])
def test_nothing_is_set_that_may_not_be(cast):
    assert way_to_break(cast, *(one for one in ALWAYS if cast.need == "two" or one not in OF_SIGNATURES)) == []


BROKEN = {
    "this-request": two_people_signed_this_request,
    "another-person": two_people_signed_this_request,
    "another-function": two_people_signed_this_request,
    "key-counts": two_people_signed_this_request,
    "no-stops": nobody_said_no,
    "objection-stops": an_objection_stops_it,
    "two-persons": two_people_overrule_an_objection,
    "two-functions": two_people_overrule_an_objection,
    "new-objection": an_overruling_is_of_one_objection,
    "consent": the_receiver_agreed,
    "intended-first": it_was_recorded_before,
    "witness-first": a_witness_saw_it_before,
    "judged-again": two_people_signed_this_request,
    "reads-first": nothing_is_done_twice,
    "compare": an_objection_stops_it,
    "takes-away": nothing_of_ours_stands_before_and_after,
    "over-is-over": nothing_is_done_twice,
    "told-once": nothing_is_done_twice,
    "told-first": what_is_erased_was_told,
}


def test_every_guard_but_the_one_of_the_end_is_tried():
    assert set(BROKEN) == set(GUARDS) - {"can-end"}


@pytest.mark.parametrize("guard", BROKEN)
def test_without_a_guard_the_explorer_finds_a_way(guard):
    cast = (
        OVERRULED if BROKEN[guard] in (two_people_overrule_an_objection, an_overruling_is_of_one_objection) else SIGNED
    )
    assert way_to_break(replace(cast, without=guard), BROKEN[guard]) != []


# the end is always possible


@cache
def stuck(cast: Cast) -> int:
    """In how many states something of ours stands, and the worker alone cannot bring it to its end."""
    after: dict[State, list[State]] = {State(): []}
    alone: dict[State, list[State]] = {}
    queue = deque(after)
    while queue:
        state = queue.popleft()
        for label, found in cast.steps(state):
            if is_workers(label):
                alone.setdefault(found, []).append(state)
            if found not in after:
                after[found] = []
                queue.append(found)
    ended = [state for state in after if state.phase in OVER and not state.ours]
    reached = set(ended)
    while ended:
        for before in alone.get(ended.pop(), []):
            if before not in reached:
                reached.add(before)
                ended.append(before)
    return len([state for state in after if state.ours and state not in reached])


def is_workers(label: str) -> bool:
    """A step that takes no person; time passes by itself."""
    people = ("requested", "answered", "objected", "withdrawn", "consented", "reviewed", "(key", "(crash")
    return not label.startswith(people)


def test_whatever_is_set_can_be_ended_by_the_worker_alone():
    assert stuck(SIGNED) == 0


def test_without_the_guard_of_the_end_something_stays_for_ever():
    assert stuck(replace(SIGNED, without="can-end")) > 0
