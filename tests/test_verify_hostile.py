"""A file from somebody hostile: whatever it is, there is one plain error or an answer, never a traceback, and it takes no time.

Made up by hypothesis: bytes, JSON of all shapes, a real account with any value in it another, and a record that was really
written and signed, with any value in its entries another.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.forging import HERS, POLICIES, REGISTER, Forger

from locum.checkable import File, Trusted, verify
from locum.checkable.words import answers
from locum.errors import Invalid
from locum.herkey import HerKey
from locum.messages import LANGUAGES

VECTORS = Path(__file__).parent.parent / "docs" / "spec" / "vectors"
QUICK = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

leaf = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=12) | st.sampled_from(["", "org/erase"])
)
anything = st.recursive(
    leaf, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=3)
)


@cache
def content(name: str = "anna") -> bytes:
    return (VECTORS / f"{name}.locum").read_bytes()


def told(one: bytes) -> str:
    """What comes out: the field that an error names, or how many things do not hold."""
    try:
        found = verify(File.load(one), Trusted(key=HerKey.load((VECTORS / "anna.locum-key").read_bytes())))
    except Invalid as error:
        return error.values.get("where", error.key)
    return str([answer.holds for language in LANGUAGES for answer in answers(found, language)])


def written(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")


def put(value: Any, path: list[int], what: object) -> None:
    """Put something at a place that the numbers lead to."""
    for step in path[:-1]:
        places = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
        if not places:
            return
        below = value[places[step % len(places)]]
        if not isinstance(below, dict | list) or not below:
            break
        value = below
    places = list(value) if isinstance(value, dict) else range(len(value))
    if places:
        value[places[path[-1] % len(places)]] = what


steps = st.lists(st.integers(0, 10_000), min_size=1, max_size=6)


@QUICK
@given(st.binary(max_size=200))
def test_bytes_that_are_no_account_are_one_plain_error(one):
    assert told(one)


@QUICK
@given(anything)
def test_json_of_any_shape_is_one_plain_error(value):
    assert told(written(value))


@QUICK
@given(steps, anything)
def test_an_account_with_any_value_in_it_another_is_answered(path, what):
    value = json.loads(content())
    put(value, path, what)
    assert told(written(value))


@pytest.mark.slow
@QUICK
@given(st.sampled_from([HERS, HERS, REGISTER, POLICIES]), st.integers(0, 100), steps, anything)
def test_a_signed_record_with_any_value_in_an_entry_another_is_answered(stream, number, path, what):
    forger = Forger(File.load(content()))
    open_places = [one.seq for one in forger.places[stream] if one.payload is not None]
    try:
        forger.change(stream, open_places[number % len(open_places)], lambda value: put(value["body"], path, what))
        lie = forger.made().dump()
    except ValueError:  # what no entry can hold was never written
        return
    assert told(lie)


@pytest.mark.parametrize(
    "one",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"v":1,"v":1}',
        b'{"v":1.5}',
        b'{"v":NaN}',
        b'{"v":' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b'{"v":"\\ud800"}',
        b"",
    ],
    ids=["lists", "objects", "twice", "fraction", "nan", "number", "utf-16", "surrogate", "empty"],
)
def test_what_readers_trip_over_is_one_plain_error(one):
    assert told(one) == "JSON"


def test_a_key_that_stands_twice_is_refused():
    assert told(content().replace(b'"kind":', b'"kind":"locum-account","kind":', 1)) == "JSON"


def test_another_spelling_of_the_same_is_refused():
    assert told(content().replace(b'"kind":', b'"kind": ', 1)) == "JSON"


def test_a_number_for_a_place_that_no_log_has_is_answered():
    value = json.loads(content())
    value["entries"][30] |= {"index": 2**53 - 1, "seq": 2**53 - 1}
    assert "False" in told(written(value))


def test_what_is_longer_than_any_account_is_not_read(monkeypatch):
    monkeypatch.setattr("locum.checkable.file.LONGEST", 1000)
    assert told(content()) == "account-file-too-large"
