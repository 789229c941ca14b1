"""Nobody can be guessed from the yearly figures: they are attacked by solving for everything that is hidden.

Two attackers. One knows all that is published and what follows from the life of a case, and tries every value of every hidden
cell. The other knows the rules of hiding too, and looks which numbers would have led to just this publication.
"""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.figures import (
    MEASURES,
    TABLES,
    Figures,
    Measured,
    Row,
    Sign,
    Table,
    figures_to_json,
    published,
    sample,
    span_of,
    threshold,
)
from locum.figures.hiding import FACTS, Count, Fact, divided

SPAN = span_of(2026, "Europe/Amsterdam")
SAID = ("herself", "objection", "overruled", "taken-back")


def row(person: str, **changes: object) -> Row:
    plain = Row(
        person=person, measure="auto-reply", reason="forgotten", outcome="ended", answer="none", objected=False,
        overruled=False, incident=False, own=False, at_once=False, asked_after=timedelta(minutes=5),
    )  # fmt: skip
    return replace(plain, **changes)


def rows_of(*groups: tuple[int, dict[str, object]]) -> list[Row]:
    """So many rows of each kind, each about another person."""
    kinds = [changes for many, changes in groups for _ in range(many)]
    return [row(f"p{number}", **changes) for number, changes in enumerate(kinds)]


def shown(rows: Sequence[Row], below: int = 5) -> Figures:
    return published(SPAN, rows, (), below)


# the attacker who solves -------------------------------------------------------------------------------------------

Values = dict[str, int]


def solutions(table: Table, number: int, below: int) -> Iterator[Values]:
    """Every way to fill a table that agrees with what is published of it."""
    known = {cell.key: cell.number for cell in table.cells if cell.number is not None}
    few = [cell.key for cell in table.cells if cell.sign is Sign.FEW]
    hidden = [cell.key for cell in table.cells if cell.sign is Sign.HIDDEN]
    rest = number - sum(known.values())
    for guess in itertools.product(range(1, below), repeat=len(few)):
        left = rest - sum(guess)
        if (len(hidden) == 1 and left >= below) or (not hidden and left == 0):
            yield known | dict(zip(few, guess, strict=True)) | dict.fromkeys(hidden, left)


def profile(values: Values, name: str, facts: Sequence[Fact]) -> tuple[int, ...]:
    """What the facts ask of one table."""
    keys = [fact.keys if fact.table == name else fact.among if fact.other == name else frozenset() for fact in facts]
    return tuple(sum(number for key, number in values.items() if key in some) for some in keys)


def agree(facts: Sequence[Fact], profiles: dict[str, tuple[int, ...]]) -> bool:
    return all(
        profiles[fact.table][n] <= profiles[fact.other][n]
        for n, fact in enumerate(facts)
        if fact.table in profiles and fact.other in profiles
    )


def feasible(one: Measured, below: int, facts: Sequence[Fact]) -> dict[tuple[str, str], set[int]]:
    """For every cell that reads "fewer than": the values that agree with everything published and with the facts."""
    tables = {table.name: table for table in one.tables if table.cells}
    number = one.dealt_with.number or 0
    ways = {name: list(solutions(table, number, below)) for name, table in tables.items()}
    profiles = {name: {profile(values, name, facts) for values in found} for name, found in ways.items()}
    open_: dict[tuple[str, str], set[int]] = defaultdict(set)
    for name, table in tables.items():
        others = [other for other in tables if other != name]
        for cell in table.cells:
            if cell.sign is not Sign.FEW:
                continue
            for values in ways[name]:
                mine = {name: profile(values, name, facts)}
                rest = itertools.product(*(profiles[other] for other in others))
                if any(agree(facts, mine | dict(zip(others, some, strict=True))) for some in rest):
                    open_[name, cell.key].add(values[cell.key])
            open_[name, cell.key] |= set()
    return open_


def true_facts(rows: Sequence[Row]) -> list[Fact]:
    """The facts that hold of these rows: all that always do, and those that an attacker may know of this policy."""
    reasons = {"outcome": lambda r: r.outcome, "reason": lambda r: r.reason, "answer": lambda r: r.answer}

    def holds(fact: Fact) -> bool:
        return all(reasons[fact.other](r) in fact.among for r in rows if reasons[fact.table](r) in fact.keys)

    return [fact for fact in FACTS if fact.always or holds(fact)]


def a_life(reason: str, outcome: str, answer: str, *, silence_stops: bool) -> tuple[str, str, str]:
    """Made true to life: nobody is asked after a death, and whoever objects or has it arranged has answered."""
    if reason == "death":
        return reason, ("withdrawn" if outcome in SAID else outcome), "none"
    if answer == "none" and outcome in (*SAID, *(("ended", "owner", "other") if silence_stops else ())):
        return reason, outcome, "link"
    return reason, outcome, answer


KINDS = st.tuples(
    st.sampled_from(TABLES["reason"]), st.sampled_from(TABLES["outcome"]), st.sampled_from(TABLES["answer"])
)
MANY = st.sampled_from([1, 1, 1, 2, 3, 4, 5, 6, 9, 14, 25])


@st.composite
def years(draw: st.DrawFn) -> list[Row]:
    """Some large kinds of cases and some small ones, of one measure."""
    silence_stops = draw(st.booleans())
    groups = draw(st.lists(st.tuples(MANY, KINDS, st.booleans()), min_size=2, max_size=6))
    found = []
    for many, kind, incident in groups:
        reason, outcome, answer = a_life(*kind, silence_stops=silence_stops)
        found.append((many, {"reason": reason, "outcome": outcome, "answer": answer, "incident": incident}))
    return rows_of(*found)


@settings(max_examples=300, deadline=None)
@given(years(), st.sampled_from([3, 4, 5]))
def test_every_hidden_number_can_still_be_all_that_it_is_said_to_be(rows, below):
    facts = true_facts(rows)
    for one in shown(rows, below).measures:
        for values in feasible(one, below, facts).values():
            assert values == set(range(1, below))


def test_the_attacker_would_find_what_is_hidden_badly():
    rows = rows_of((12, {}), (1, {"outcome": "failed"}))
    careless = Table(
        name="outcome",
        cells=tuple(
            replace(cell, sign=Sign.NUMBER, number=12) if cell.sign is Sign.HIDDEN else cell
            for cell in shown(rows).measures[0].tables[0].cells
        ),
    )
    one = replace(shown(rows).measures[0], tables=(careless,))
    assert feasible(one, 5, []) == {("outcome", "failed"): {1}}


def test_the_attacker_would_find_what_another_table_gives_away():
    few = {"outcome": "failed", "answer": "none"}
    rows = rows_of((30, few), *((1, {"outcome": said, "answer": "noted"}) for said in SAID))
    tables = {
        name: divided(name, [counted(rows, name, key) for key in TABLES[name]], 5) for name in ("outcome", "answer")
    }
    one = replace(shown(rows).measures[0], tables=tuple(tables.values()))
    assert feasible(one, 5, true_facts(rows))["answer", "noted"] == {4}
    assert feasible(shown(rows).measures[0], 5, true_facts(rows)).keys() == {("outcome", said) for said in SAID}


def counted(rows: Sequence[Row], name: str, key: str) -> Count:
    count = Count()
    for one in rows:
        if getattr(one, name) == key:
            count.add(one.person, 5)
    return count


# the attacker who knows the rules ------------------------------------------------------------------------------------


def compositions(number: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (number,)
        return
    for first in range(number + 1):
        for rest in compositions(number - first, parts - 1):
            yield (first, *rest)


def count_of(number: int) -> Count:
    return Count(number, {f"p{n}" for n in range(number)})


def by_publication(number: int, parts: int, below: int) -> list[tuple[Table, list[tuple[int, ...]]]]:
    """All tables of a sum, those together that look the same when published."""
    found: dict[Table, list[tuple[int, ...]]] = defaultdict(list)
    for numbers in compositions(number, parts):
        counts = [count_of(one) for one in numbers] + [Count()] * (len(TABLES["reason"]) - parts)
        found[divided("reason", counts, below)].append(numbers)
    return list(found.items())


@pytest.mark.parametrize(("below", "parts"), [(3, 2), (3, 3), (3, 4), (4, 2), (4, 3), (5, 2), (5, 3), (5, 4)])
def test_knowing_the_rules_tells_nothing_about_a_hidden_number(below, parts):
    for number in range(2 * below, (5 if parts < 4 else 4) * below):
        for table, truths in by_publication(number, parts, below):
            for place in range(parts):
                values = {numbers[place] for numbers in truths}
                if not table.cells:
                    assert len(values) >= below, (number, truths)
                elif table.cells[place].sign is Sign.FEW:
                    assert values == set(range(1, below)), (number, truths)


# small numbers, and what is about few people ---------------------------------------------------------------------------


def cells(figures: Figures, table: str = "outcome") -> dict[str, tuple[str, int | None]]:
    found = next(one for one in figures.measures[0].tables if one.name == table)
    return {cell.key: (str(cell.sign), cell.number) for cell in found.cells if cell.number != 0}


def test_a_small_number_is_hidden_and_the_first_large_one_with_it():
    figures = shown(rows_of((40, {}), (7, {"outcome": "lapsed"}), (1, {"outcome": "failed"})))
    assert cells(figures) == {"ended": ("hidden", None), "lapsed": ("number", 7), "failed": ("few", None)}


def test_a_number_that_is_large_but_about_few_people_is_hidden():
    often = [row("anna", outcome="failed") for _ in range(9)]
    assert cells(shown([*rows_of((40, {})), *often]))["failed"] == ("few", None)


def test_a_measure_about_few_people_has_its_number_hidden_and_nothing_more():
    figures = shown(rows_of((40, {}), (3, {"measure": "forward"})))
    assert [(str(one.dealt_with.sign), len(one.tables)) for one in figures.measures] == [
        ("number", 4),
        ("few", 0),
        ("number", 0),
        ("number", 0),
    ]


def test_a_measure_is_divided_only_where_it_is_about_twice_as_many_people():
    divisions = [len(shown(rows_of((many, {}))).measures[0].tables) for many in (5, 9, 10)]
    assert divisions == [0, 0, 4]


def test_there_is_no_sum_of_all_requests_where_a_part_is_hidden():
    assert shown(rows_of((40, {}), (3, {"measure": "forward"}))).total is None
    assert shown(rows_of((40, {}), (6, {"measure": "forward"}))).total == 46


def test_without_small_numbers_everything_is_shown():
    figures = shown(rows_of((40, {}), (6, {"outcome": "objection", "answer": "link", "objected": True})))
    assert cells(figures) == {"ended": ("number", 40), "objection": ("number", 6)}


def test_a_person_alone_is_in_no_number():
    """The same year with her and without her: what is published differs in no number that is about her kind of case."""
    others = rows_of((40, {}), (8, {"reason": "customer"}))
    for reason, outcome in (("departure", "objection"), ("death", "ended"), ("customer", "failed")):
        alone = shown(
            [*others, row("anna", reason=reason, outcome=outcome, answer="link" if reason != "death" else "none")]
        )
        assert alone.measures[0].dealt_with.number == 49
        if reason != "customer":
            assert cells(alone, "reason")[reason] == ("few", None)
        if outcome != "ended":
            assert cells(alone)[outcome] == ("few", None)


def test_a_threshold_of_two_would_say_that_it_is_one_and_is_raised():
    assert [threshold(below) for below in (0, 1, 2, 3, 5, 100)] == [0, 0, 3, 3, 5, 100]


def test_with_a_threshold_of_nothing_nothing_is_hidden():
    figures = shown(rows_of((3, {}), (1, {"outcome": "failed"})), below=0)
    assert cells(figures) == {"ended": ("number", 3), "failed": ("number", 1)}


def test_what_is_published_holds_no_hidden_number_in_any_way():
    """Two years that differ only in what is hidden are the same document, to the last byte."""
    one = rows_of((40, {}), (2, {"outcome": "failed"}), (3, {"outcome": "lapsed"}))
    other = rows_of((41, {}), (3, {"outcome": "failed"}), (1, {"outcome": "lapsed"}))
    assert json.dumps(figures_to_json(shown(one))) == json.dumps(figures_to_json(shown(other)))


def test_after_which_time_she_was_asked_is_told_only_of_enough_people():
    few = [replace(one, asked_after=None) for one in rows_of((40, {}))[4:]]
    assert [shown([*few, *rows_of((many, {}))]).measures[0].half for many in (4, 5)] == ["", "hour"]


def test_after_which_time_she_was_asked_is_not_told_where_it_would_limit_how_many_died() -> None:
    deaths = [replace(one, asked_after=None) for one in rows_of((12, {"reason": "death"}))]
    asked = [row(f"q{n}", reason="departure" if n % 2 else "deadline") for n in range(6)]
    (one, *_) = shown([*deaths, *asked]).measures
    assert {cell.key for cell in one.tables[1].cells if cell.sign is Sign.FEW} == {"departure", "deadline"}
    assert (one.half, one.most) == ("", "")


def test_the_sample_shows_each_way_of_being_shown():
    signs = Counter(cell.sign for one in sample(SPAN, 5).measures for table in one.tables for cell in table.cells)
    assert set(signs) == set(Sign)
    assert {one.measure for one in sample(SPAN, 5).measures} == set(MEASURES)
