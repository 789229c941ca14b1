"""Functions, managers and standing in: who gives them, when they hold, and who is asked to look in which order."""

from datetime import timedelta

import pytest

from locum.measure import instant
from locum.register import LONGEST, Asked, Moment, Right, candidates, due
from locum.register.growing import Growing
from registers import DAY, People

HOUR = timedelta(hours=1)


@pytest.fixture
def org() -> People:
    return People()


def functions(org: People, name: str) -> frozenset[str]:
    return org.fold().functions_of(name, org.moment)


# functions


def test_two_people_of_different_functions_give_a_function(org):
    org.give("sam", "hr")
    assert (org.why, functions(org, "sam")) == ("", {"it", "hr"})


def test_a_function_holds_from_its_entry_on(org):
    place = org.give("sam", "hr").index
    register = org.fold()
    moments = [Moment(org.now, place), Moment(org.now, place + 1), Moment(org.now - HOUR, place + 1)]
    assert ["hr" in register.functions_of("sam", one) for one in moments] == [False, True, False]


def test_two_people_of_different_functions_take_it_away(org):
    before = Moment(org.now, org.entries[-1].index + 1)
    org.take("sam", "it")
    assert (functions(org, "sam"), org.fold().functions_of("sam", before)) == (set(), {"it"})


def test_a_function_that_was_taken_can_be_given_again(org):
    org.take("sam", "it")
    without = Moment(org.now, org.entries[-1].index + 1)
    org.give("sam", "it")
    assert (functions(org, "sam"), org.fold().functions_of("sam", without)) == ({"it"}, set())


def test_a_function_given_twice_is_taken_once(org):
    org.give("sam", "it")
    org.take("sam", "it")
    assert functions(org, "sam") == set()


def test_a_function_that_nobody_has_can_be_taken(org):
    org.take("sam", "hr")
    assert functions(org, "sam") == {"it"}


WAYS = {
    "one person": ("signatures-missing", [("maria", "hr")]),
    "three people": ("signatures-missing", [("maria", "hr"), ("dirk", "dpo"), ("mark", "sales")]),
    "two of one function": ("same-person-or-function", [("maria", "hr"), ("hugo", "hr")]),
    "one person as two functions": ("same-person-or-function", [("mark", "sales"), ("mark", "manager")]),
    "a function that is not hers": ("function-not-hers", [("maria", "hr"), ("hugo", "dpo")]),
    "no function": ("function-not-hers", [("maria", "hr"), ("hugo", "")]),
    "herself": ("person-concerned", [("maria", "hr"), ("sam", "it")]),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_nobody_gives_a_function(org, way):
    why, signers = WAYS[way]
    org.give("sam", "dpo", *(org.me(*one) for one in signers))
    assert (org.why, functions(org, "sam")) == (why, {"it"})


@pytest.mark.parametrize("way", list(WAYS))
def test_nobody_takes_a_function(org, way):
    why, signers = WAYS[way]
    org.take("sam", "it", *(org.me(*one) for one in signers))
    assert (org.why, functions(org, "sam")) == (why, {"it"})


def test_a_function_that_was_taken_signs_nothing(org):
    org.take("hugo", "hr")
    org.give("sam", "dpo", org.me("hugo", "hr"), org.me("dirk", "dpo"))
    assert org.why == "function-not-hers"


def test_one_concerned_among_many_is_enough_to_refuse(org):
    people = [{"person": name, "function": "dpo"} for name in ("sam", "maria")]
    org.by_two("function-given", {"people": people})
    assert org.why == "person-concerned"


# managers


def manage(org: People, pairs: dict[str, str], *by: tuple[str, str]) -> None:
    what = {"people": [{"person": person, "manager": manager} for person, manager in pairs.items()]}
    org.deed("manager-given", what, *([org.me(*one) for one in by] or org.two))


def test_a_manager_is_one_towards_her_people_only(org):
    register = org.fold()
    told = [register.functions_of("mark", org.moment, about) for about in ("anna", "sam", None)]
    assert told == [{"sales", "manager"}, {"sales"}, {"sales", "manager"}]


def test_another_manager_comes_in_place_of_the_first(org):
    before = Moment(org.now, org.entries[-1].index + 1)
    manage(org, {"anna": "hugo"})
    register = org.fold()
    assert (register.manager_of("anna", org.moment), register.manager_of("anna", before)) == ("hugo", "mark")
    assert "manager" not in register.functions_of("mark", org.moment)


def test_somebody_may_have_no_manager_any_more(org):
    manage(org, {"anna": ""})
    assert (org.why, org.fold().manager_of("anna", org.moment)) == ("", "")
    assert org.fold().functions_of("", org.moment) == set()


def test_giving_one_a_manager_leaves_those_of_others(org):
    manage(org, {"sam": "mark"})
    manage(org, {"anna": "hugo"})
    assert org.fold().manager_of("sam", org.moment) == "mark"


@pytest.mark.parametrize(
    ("pairs", "by", "why"),
    [
        ({"anna": "anna"}, (), "manager-unclear"),
        ({"sam": "hugo"}, [("hugo", "hr"), ("dirk", "dpo")], "person-concerned"),
        ({"sam": "hugo"}, [("sam", "it"), ("dirk", "dpo")], "person-concerned"),
        ({"sam": "hugo"}, [("maria", "hr")], "signatures-missing"),
    ],
)
def test_nobody_makes_a_manager(org, pairs, by, why):
    manage(org, pairs, *by)
    assert org.why == why
    assert org.fold().manager_of("sam", org.moment) == ""


def test_nobody_has_two_managers(org):
    what = {"people": [{"person": "sam", "manager": name} for name in ("mark", "hugo")]}
    org.by_two("manager-given", what)
    assert (org.why, org.fold().manager_of("sam", org.moment)) == ("manager-unclear", "")


# standing in


def rights(org: People, name: str, function: str, about: str = "anna") -> list[Right]:
    return list(org.fold().rights(name, function, org.moment, about))


def test_who_has_a_function_may_decide_in_it(org):
    assert rights(org, "maria", "hr") == [Right("maria", "hr")]
    assert rights(org, "maria", "dpo") == []


def test_she_who_has_a_function_has_somebody_stand_in(org):
    org.delegate(org.me("maria", "hr"), "mark")
    assert rights(org, "mark", "hr") == [Right("mark", "hr", "maria")]
    assert rights(org, "ivo", "hr") == []
    assert rights(org, "mark", "dpo") == []


def test_standing_in_begins_and_ends_by_itself(org):
    org.delegate(org.me("maria", "hr"), "mark", days=2, starts=DAY)
    start = org.now + DAY
    register = org.fold()
    moments = [start - HOUR, start, start + 2 * DAY - HOUR, start + 2 * DAY]
    assert [bool(list(register.rights("mark", "hr", Moment(at), "anna"))) for at in moments] == [
        False,
        True,
        True,
        False,
    ]


def test_standing_in_does_not_begin_before_it_was_said(org):
    org.delegate(org.me("maria", "hr"), "mark", starts=-2 * DAY)
    register = org.fold()
    place = org.entries[-1].index + 1
    assert list(register.rights("mark", "hr", Moment(org.now - HOUR, place), "anna")) == []
    assert list(register.rights("mark", "hr", Moment(org.now, place), "anna")) != []
    assert list(register.rights("mark", "hr", Moment(org.now, place - 1), "anna")) == []


@pytest.mark.parametrize("days", [0, -1, LONGEST / DAY + 1])
def test_standing_in_has_an_end(org, days):
    org.delegate(org.me("maria", "hr"), "mark", days=days)
    assert (org.why, rights(org, "mark", "hr")) == ("delegation-without-end", [])


def test_standing_in_may_last_half_a_year(org):
    org.delegate(org.me("maria", "hr"), "mark", days=LONGEST / DAY)
    assert org.why == ""


def test_standing_in_that_is_over_when_it_is_recorded_is_none(org):
    org.delegate(org.me("maria", "hr"), "mark", days=1, starts=-2 * DAY)
    assert org.why == "delegation-without-end"


def test_an_administrator_has_nobody_stand_in_for_others(org):
    what = {"to": "ivo", "from": instant(org.now), "until": instant(org.now + DAY)}
    org.deed("delegated", what, org.me("sam", "hr"))
    assert org.why == "function-not-hers"
    org.deed("delegated", what, ("maria", "hr", org.keys["sam"]))
    assert org.why == "key-of-another"
    org.deed("delegated", what, *org.two)
    assert org.why == "signatures-missing"
    assert rights(org, "ivo", "hr") == []


def test_who_stands_in_hands_nothing_on(org):
    org.delegate(org.me("maria", "hr"), "mark")
    org.delegate(org.me("mark", "hr"), "ivo")
    assert (org.why, rights(org, "ivo", "hr")) == ("function-not-hers", [])


def test_who_stands_in_decides_nothing_about_people(org):
    org.delegate(org.me("dirk", "dpo"), "mark")
    org.give("sam", "hr", org.me("maria", "hr"), org.me("mark", "dpo"))
    assert org.why == "function-not-hers"


def test_standing_in_ends_with_the_function(org):
    org.delegate(org.me("hugo", "hr"), "mark")
    org.take("hugo", "hr")
    assert rights(org, "mark", "hr") == []


def test_standing_in_ends_with_the_key_it_was_said_with(org):
    org.delegate(org.me("hugo", "hr"), "mark")
    assert rights(org, "mark", "hr") != []
    org.withdraw("hugo")
    assert rights(org, "mark", "hr") == []


def test_a_manager_has_somebody_stand_in_towards_her_people(org):
    org.delegate(org.me("mark", "manager"), "hugo")
    assert rights(org, "hugo", "manager") == [Right("hugo", "manager", "mark")]
    assert rights(org, "hugo", "manager", about="sam") == []


def circle(org: People, *steps: tuple[str, str, str]) -> str:
    for by, function, to in steps:
        org.delegate(org.me(by, function), to)
    return org.why


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([("maria", "hr", "maria")], "delegation-circle"),
        ([("maria", "hr", "dirk"), ("dirk", "dpo", "maria")], "delegation-circle"),
        ([("maria", "hr", "dirk"), ("dirk", "dpo", "mark"), ("mark", "sales", "maria")], "delegation-circle"),
        ([("maria", "hr", "dirk"), ("dirk", "dpo", "mark"), ("mark", "sales", "ivo")], ""),
        ([("maria", "hr", "dirk"), ("hugo", "hr", "dirk"), ("dirk", "dpo", "mark")], ""),
    ],
)
def test_standing_in_never_goes_in_a_circle(org, steps, why):
    assert circle(org, *steps) == why


def test_two_may_stand_in_for_each_other_one_after_the_other(org):
    org.delegate(org.me("maria", "hr"), "dirk", days=2)
    org.delegate(org.me("dirk", "dpo"), "maria", days=2, starts=2 * DAY)
    assert org.why == ""
    org.delegate(org.me("dirk", "dpo"), "maria", days=2, starts=2 * DAY - HOUR)
    assert org.why == "delegation-circle"
    org.delegate(org.me("maria", "hr"), "dirk", days=2, starts=4 * DAY)
    assert org.why == ""


def end(org: People, by: tuple[str, str], name: str) -> str:
    org.deed("delegation-ended", {"delegation": name}, org.me(*by))
    return org.why


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (("maria", ""), ""),
        (("mark", ""), ""),
        (("dirk", ""), "delegation-of-others"),
        (("maria", "hr"), "delegation-of-others"),
    ],
)
def test_either_of_the_two_ends_it(org, by, why):
    org.delegate(org.me("maria", "hr"), "mark")
    (name,) = org.fold().delegations
    assert end(org, by, name) == why
    assert bool(rights(org, "mark", "hr")) == bool(why)


def test_standing_in_is_ended_once_by_one(org):
    org.delegate(org.me("maria", "hr"), "mark")
    (name,) = org.fold().delegations
    org.deed("delegation-ended", {"delegation": name}, org.me("maria"), org.me("mark"))
    assert org.why == "signatures-missing"
    assert end(org, ("maria", ""), "00" * 16) == "delegation-unknown"
    assert end(org, ("maria", ""), name) == ""
    assert end(org, ("maria", ""), name) == "delegation-unknown"


def test_standing_in_that_was_ended_makes_no_circle(org):
    org.delegate(org.me("maria", "hr"), "dirk")
    (name,) = org.fold().delegations
    end(org, ("maria", ""), name)
    org.delegate(org.me("dirk", "dpo"), "maria")
    assert org.why == ""


def test_standing_in_that_was_ended_held_before(org):
    org.delegate(org.me("maria", "hr"), "mark")
    before = Moment(org.now, org.entries[-1].index + 1)
    (name,) = org.fold().delegations
    end(org, ("maria", ""), name)
    assert list(org.fold().rights("mark", "hr", before, "anna")) != []


# who is asked


def asked(**instead: object) -> Asked:
    said = {
        "owner": "anna",
        "requester": "sam",
        "concerned": frozenset({"anna", "sam"}),
        "functions": ("manager", "hr", "dpo"),
    }
    return Asked(**{**said, **instead})  # type: ignore[arg-type]


def order(org: People, away: tuple[str, ...] = (), **instead: object) -> list[tuple[str, str]]:
    return [(one.person, one.function) for one in candidates(org.fold(), asked(**instead), org.moment, away)]


def test_her_manager_is_asked_first_and_then_function_by_function(org):
    assert order(org) == [("mark", "manager"), ("maria", "hr"), ("hugo", "hr"), ("dirk", "dpo")]


def test_her_own_manager_comes_before_others(org):
    org.give("ivo", "manager")
    org.give("maria", "manager", org.me("mark", "sales"), org.me("dirk", "dpo"))
    assert order(org, functions=("manager",), concerned=frozenset({"anna"}), requester="hugo") == [
        ("mark", "manager"),
        ("maria", "manager"),
        ("ivo", "manager"),
    ]


def test_who_has_two_functions_is_asked_once(org):
    org.give("hugo", "dpo")
    assert order(org, functions=("hr", "dpo")) == [("maria", "hr"), ("hugo", "hr"), ("dirk", "dpo")]


def test_nobody_is_asked_who_is_concerned(org):
    assert order(org, concerned=frozenset({"anna", "sam", "hugo"}), functions=("hr",)) == [("maria", "hr")]


@pytest.mark.parametrize("known", [frozenset(), frozenset({"hr"})])
def test_nobody_is_asked_of_the_requesters_function(org, known):
    requester = "sam" if known else "hugo"
    assert order(org, functions=("hr", "dpo"), requester=requester, requester_functions=known) == [("dirk", "dpo")]


def test_nobody_is_asked_who_cannot_sign(org):
    org.withdraw("mark")
    assert order(org, functions=("manager",)) == []


def test_who_is_away_is_not_asked(org):
    assert order(org, away=("maria", "dirk"), functions=("hr", "dpo")) == [("hugo", "hr")]


def test_who_stands_in_is_asked_in_her_place(org):
    org.delegate(org.me("mark", "manager"), "ivo")
    org.give("maria", "manager", org.me("mark", "sales"), org.me("dirk", "dpo"))
    assert order(org, requester="hugo", functions=("manager", "hr"))[:2] == [("ivo", "manager"), ("maria", "manager")]
    assert ("mark", "manager") not in order(org, requester="hugo")


def test_who_is_of_the_requesters_function_does_not_stand_in(org):
    org.delegate(org.me("maria", "hr"), "ivo")
    assert order(org, functions=("hr",)) == [("hugo", "hr")]


def test_nobody_stands_in_for_somebody_concerned(org):
    org.delegate(org.me("hugo", "hr"), "mark")
    assert order(org, functions=("hr",), concerned=frozenset({"hugo"}), requester="ivo") == [("maria", "hr")]


def test_one_more_is_asked_as_time_goes_by(org):
    four = candidates(org.fold(), asked(), org.moment)
    passed = [timedelta(0), 4 * HOUR - timedelta(seconds=1), 4 * HOUR, 9 * HOUR, 90 * HOUR]
    assert [len(due(four, org.now, org.now + one, 4 * HOUR)) for one in passed] == [1, 1, 2, 3, 4]
    assert due(four, org.now, org.now, HOUR) == four[:1]


def test_nothing_stands_in_an_empty_register(org):
    empty = Growing().register
    assert (empty.people(org.moment), empty.manager_of("anna", org.moment)) == ({}, "")
