"""docs/search.md: every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "search.md").read_text("utf-8")
CANNOT = PAGE.partition("## What cannot happen\n")[2].partition("\n## ")[0]
TRIED = re.findall(r"^\| ([^|]+) \| (`.+) \|$", CANNOT, re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w./-]+\.py)::(test_\w+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_the_table_is_there():
    assert len(TRIED) >= 12


@pytest.mark.parametrize(("what", "tests"), TRIED, ids=[what for what, _ in TRIED])
def test_what_cannot_happen_is_tried_by_tests_that_exist(what, tests):
    named = NAMED.findall(tests)
    assert named
    assert [name for path, name in named if name not in names_in(path)] == []


def test_the_picture_is_there():
    assert (ROOT / "docs" / "search.svg").read_text("utf-8").startswith("<svg ")
