"""`locum token`: made for somebody whom this user may act for, shown once, listed without itself, and ended."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clihouse import House

from locum.demo.sink import Sink

READ = ("token", "new", "--for", "bob", "--scope", "cases:read")


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[House]:
    with Sink() as sink:
        yield House(tmp_path, sink, capsys)


def test_a_token_is_printed_once_and_alone_on_standard_output(house: House) -> None:
    ran = house(*READ)
    assert (ran.code, ran.out.startswith("locum_"), ran.out.count("\n")) == (0, True, 1)
    assert ran.out.strip() not in ran.err


def test_the_list_has_who_and_for_what_and_never_the_token(house: House) -> None:
    token = house(*READ, "--scope", "policy:read").out.strip()
    listed = house("token", "list").out
    assert ("bob" in listed, "cases:read policy:read" in listed, token in listed) == (True, True, False)


def test_the_token_stands_in_no_file(house: House) -> None:
    token = house(*READ).out.strip().encode()
    assert [path for path in house.folder.rglob("*") if path.is_file() and token in path.read_bytes()] == []


def test_as_json_it_has_its_name_person_scopes_and_end(house: House) -> None:
    made = json.loads(house(*READ, "--days", "1", "--json").out)
    assert (made["person"], made["scopes"], made["used_at"]) == ("bob", ["cases:read"], None)
    assert [one["id"] for one in json.loads(house("token", "list", "--json").out)] == [made["id"]]


def test_an_ended_token_is_listed_as_ended(house: House) -> None:
    name = json.loads(house(*READ, "--json").out)["id"]
    assert house("token", "end", name).code == 0
    assert json.loads(house("token", "list", "--json").out)[0]["ended_at"] is not None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--for", "nobody", "--scope", "cases:read"), 2),
        (("--for", "bob", "--scope", "everything"), 2),
        (("--for", "bob"), 2),
        (("--for", "bob", "--scope", "cases:read", "--days", "366"), 2),
        (("--for", "bob", "--scope", "cases:read", "--days", "0"), 2),
    ],
)
def test_a_token_that_says_too_much_or_too_little_is_not_made(house: House, words: tuple[str, ...], code: int) -> None:
    assert house("token", "new", *words).code == code
    assert house("token", "list").out == ""


def test_nobody_makes_or_ends_a_token_for_somebody_they_may_not_act_for(house: House) -> None:
    name = json.loads(house(*READ, "--json").out)["id"]
    house.settings('[acting]\nroot = ["anna"]\n')
    assert [house(*READ).code, house("token", "end", name).code] == [3, 3]
    assert house("token", "list").out == ""
