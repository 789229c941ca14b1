"""docs/security.md: what must not be possible and the tests that try it; every point of ASVS 4.0.3, level 2, once; and what is said to show it exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
MUST_NOT = PAGE.partition("## What must not be possible\n")[2].partition("\n## ")[0]
TRIED = re.findall(r"^\| ([^|]+) \| (.+) \|$", MUST_NOT, re.MULTILINE)[1:]
DOORS = {
    "approve one's own request": ("page", "API", "command line", "row"),
    "injection": ("page", "mail", "Sieve", "PDF"),
}
"""The doors that have to be named, by how the point begins."""
HOLDS = {"yes", "partly", "no", "n/a"}
LEVEL_2 = """
1.1:1-7 1.2:1-4 1.4:1,4,5 1.5:1-4 1.6:1-4 1.7:1-2 1.8:1-2 1.9:1-2 1.10:1 1.11:1-2 1.12:2 1.14:1-6
2.1:1-12 2.2:1-3 2.3:1-3 2.4:1-5 2.5:1-7 2.6:1-3 2.7:1-6 2.8:1-6 2.9:1-3 2.10:1-4
3.1:1 3.2:1-4 3.3:1-4 3.4:1-5 3.5:1-3 3.7:1
4.1:1-3,5 4.2:1-2 4.3:1-3
5.1:1-5 5.2:1-8 5.3:1-10 5.4:1-3 5.5:1-4
6.1:1-3 6.2:1-6 6.3:1-2 6.4:1-2
7.1:1-4 7.2:1-2 7.3:1,3,4 7.4:1-3
8.1:1-4 8.2:1-3 8.3:1-8
9.1:1-3 9.2:1-4
10.2:1-2 10.3:1-3
11.1:1-8
12.1:1-3 12.2:1 12.3:1-6 12.4:1-2 12.5:1-2 12.6:1
13.1:1,3,4,5 13.2:1,2,3,5,6 13.3:1-2 13.4:1-2
14.1:1-4 14.2:1-6 14.3:2,3 14.4:1-7 14.5:1-4
"""
"""The points of level 2 that were not taken out of the standard: chapter and section, then the numbers."""
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+(?:-\d+\.\d+\.\d+)?) \| ([^|]+) \| ([^|]+) \| (.+) \|$", PAGE, re.MULTILINE)
REFERENCE = re.compile(r"`([\w./-]+\.(?:py|md|toml|js|service|lock)|Makefile|docs/decisions)(?:::(test_\w+))?`")


def level_2() -> list[str]:
    found = []
    for section, numbers in (one.split(":") for one in LEVEL_2.split()):
        for part in numbers.split(","):
            first, _, last = part.partition("-")
            found += [f"{section}.{n}" for n in range(int(first), int(last or first) + 1)]
    return found


def points(said: str) -> list[str]:
    """The points of a row: one, or from one to another."""
    first, _, last = said.partition("-")
    every = level_2()
    return every[every.index(first) : every.index(last or first) + 1]


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_point_of_level_2_stands_on_the_page_once_and_in_its_order() -> None:
    assert [point for said, *_ in ROWS for point in points(said)] == level_2()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_shows_a_point_exists(row: tuple[str, str, str, str]) -> None:
    _, _, holds, shown = row
    assert holds.strip() in HOLDS
    references = REFERENCE.findall(shown)
    assert references or holds.strip() != "yes"
    for path, test in references:
        assert (ROOT / path).exists(), path
        assert not test or test in names_in(path), test


@pytest.mark.parametrize("row", [row for row in ROWS if row[2].strip() != "yes"], ids=lambda row: row[0])
def test_what_does_not_hold_says_what_is_missing(row: tuple[str, str, str, str]) -> None:
    assert len(re.sub(r"`[^`]*`", "", row[3]).split()) >= 1


def test_all_that_must_not_be_possible_is_tried() -> None:
    assert len(TRIED) == 18
    for begins, doors in DOORS.items():
        (tried,) = [tests for what, tests in TRIED if what.startswith(begins)]
        assert [door for door in doors if f"{door}: `" not in tried] == []


@pytest.mark.parametrize("row", TRIED, ids=lambda row: row[0])
def test_what_tries_it_exists(row: tuple[str, str]) -> None:
    references = REFERENCE.findall(row[1])
    assert references
    assert row[1].count("`") == 2 * len(references)
    for path, test in references:
        assert test in names_in(path), (path, test)


def test_what_is_named_outside_the_list_exists() -> None:
    assert [path for path, _ in REFERENCE.findall(PAGE) if not (ROOT / path).exists() and "/" in path] == []


def test_the_short_page_leads_here() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text("utf-8")
