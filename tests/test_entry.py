"""The bytes of an entry: canonical JSON as the library of RFC 8785 writes it, and what may not stand in one."""

from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from locum.approval import request_hash
from locum.entry import Draft, Json, canonical, check_json, payload

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@given(st.dictionaries(TEXT, VALUES))
def test_canonical_json_is_what_the_library_writes(value: dict[str, Json]) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), VALUES))
def test_canonical_json_with_plain_keys_is_what_the_library_writes(value: dict[str, Json]) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_an_integer_beyond_what_json_holds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical({"n": 2**53})


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), "a\x00", "e\u0301", "a\u202eb", {"k\u200f": 1}, [["\ud800"]], b"bytes"]
)
def test_what_may_not_stand_in_an_entry_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_json(value)  # type: ignore[arg-type]


def test_an_unknown_type_of_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="no such entry type"):
        payload(Draft(stream="anna@corp.test", type="guessed", time=NOW, body={}), 0, b"")


def test_one_changed_character_is_another_request() -> None:
    assert request_hash({"text": "Yes."}) != request_hash({"text": "Yes!"})
