"""The table of keys, held to the shipped file, the code and the linter; and the shipped file to the defaults."""

import importlib
import re

import pytest

from locum.messages import LANGUAGES, catalogue
from locum.policy import KEYS, MEASURES, PRESETS, TOLD, load, preset, shipped, values
from locum.policy.keys import Stricter, clause_of, is_as_strict
from locum.wording import PROPOSED, Kind

NAMED = [(path, key.kept_by) for path, key in KEYS.items() if key.kept_by != TOLD]


def test_the_table_has_every_key_of_a_policy_and_no_other() -> None:
    assert set(KEYS) == set(values(load()))


@pytest.mark.parametrize(("path", "rule"), NAMED)
def test_each_key_is_kept_by_something_that_there_is(path: str, rule: str) -> None:
    module, _, name = rule.rpartition(".")
    try:
        found = getattr(importlib.import_module(f"locum.{module}"), name)
    except ModuleNotFoundError:
        outer, _, kind = module.rpartition(".")
        found = getattr(getattr(importlib.import_module(f"locum.{outer}"), kind), name)
    assert found is not None


def test_the_shipped_file_writes_out_every_key() -> None:
    text = shipped()
    written = {line.split(" =")[0].lstrip("# ") for line in text.splitlines() if re.match(r"(# )?[a-z_-]+ = ", line)}
    tables = set(re.findall(r"^\[(.+)\]$", text, re.MULTILINE))
    missing = [path for path in KEYS if path.rpartition(".")[2] not in written and path not in tables]
    assert missing == []


def test_the_shipped_values_are_those_of_the_preset() -> None:
    ours, bare = values(load()), values(load(""))
    # Somebody who writes one waiting time means it for templates too; the shipped file writes both.
    assert {path for path in ours if ours[path] != bare[path]} == {"auto-reply.ask.template_wait_hours"}


def test_the_shipped_wording_is_what_the_linter_proposes() -> None:
    ours = values(load())
    assert {kind: ours[f"auto-reply.wording.{kind}"] for kind in Kind} == PROPOSED


@pytest.mark.parametrize("clause", range(1, 20))
def test_each_clause_has_a_key_or_says_that_there_is_nothing_to_set(clause: int) -> None:
    assert {key.clause for key in KEYS.values()} >= {clause}


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_has_reasons_an_ask_and_a_review(measure: str) -> None:
    assert {f"{measure}.reasons", f"{measure}.ask.wait_hours", f"{measure}.review.count"} <= set(KEYS)


def test_floors_are_values_that_can_be_compared() -> None:
    for path, limit in preset("nl").floors.items():
        order = KEYS[path].order
        assert order is not None
        assert is_as_strict(order, limit, limit)


@pytest.mark.parametrize(
    ("order", "strict", "mild"),
    [
        (Stricter.LESS, 3, 4),
        (Stricter.MORE, 4.5, 4),
        (Stricter.FEWER, ["a"], ["a", "b"]),
        (Stricter.LONGER, ["a", "b"], ["a"]),
        (Stricter.NAMED, ["a"], []),
        (Stricter.NAMED, ["a"], ["a", "b"]),
        (("no", "yes"), "yes", "no"),
        ((False, True), True, False),
    ],
)
def test_what_is_stricter(order: Stricter | tuple[object, ...], strict: object, mild: object) -> None:
    assert is_as_strict(order, strict, mild)
    assert not is_as_strict(order, mild, strict)


def test_what_cannot_be_compared_is_not_as_strict() -> None:
    assert not is_as_strict(Stricter.LESS, None, 3)
    assert not is_as_strict(Stricter.FEWER, "a", ["a"])
    assert not is_as_strict(("no", "yes"), "maybe", "no")


@pytest.mark.parametrize(
    ("path", "clause"),
    [("forward.max_days", 9), ("private.folders.nl", 11), ("departure", 17), ("forward.ask", 6), ("colour", None)],
)
def test_the_clause_of_a_key_is_found_above_and_below_it(path: str, clause: int | None) -> None:
    assert clause_of(path) == clause


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_preset_says_what_differs(language: str) -> None:
    assert {key.removeprefix("preset.") for key in catalogue(language, "policy") if key.startswith("preset.")} == set(
        PRESETS
    )
