"""The stream of the register, byte by byte: whatever is changed, left out, moved or put in is noticed, or gives no right."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.entry import Entry, canonical, commitment, leaf, tag
from locum.errors import Garbled
from locum.register import fold
from registers import People
from softkeys import SITE

ORG = People()
ENTRIES = tuple(ORG.entries)


def refused(entries: list[Entry]) -> str:
    with pytest.raises(Garbled) as error:
        fold(entries, (SITE,))
    return error.value.key


def test_the_whole_stream_is_good():
    assert fold(ENTRIES, (SITE,)).ignored == []


def test_an_entry_left_out_is_noticed():
    assert refused([*ENTRIES[:3], *ENTRIES[4:]]) == "record-incomplete"


def test_the_first_entry_left_out_is_noticed():
    assert refused([*ENTRIES[1:]]) == "record-incomplete"


def test_entries_that_changed_places_are_noticed():
    assert refused([*ENTRIES[:3], ENTRIES[4], ENTRIES[3], *ENTRIES[5:]]) == "record-incomplete"


def test_an_entry_that_stands_twice_is_noticed():
    assert refused([*ENTRIES, ENTRIES[-1]]) == "record-damaged"


def test_entries_stand_in_the_order_of_the_log():
    assert refused([ENTRIES[0], replace(ENTRIES[1], index=ENTRIES[0].index)]) == "record-damaged"


def test_the_first_entry_may_be_the_first_of_the_log():
    assert [one.key for one in fold([replace(ENTRIES[0], index=0)], (SITE,)).ignored] == ["log-ahead"]
    assert refused([replace(ENTRIES[0], index=-1)]) == "record-damaged"


def again(one: Entry, change: Callable[[dict[str, object]], object]) -> Entry:
    """The entry with another payload, committed to as if it were real."""
    value = json.loads(one.payload)
    change(value)
    content = canonical(value)
    mark = one.leaf[1:33]
    return replace(one, payload=content, leaf=leaf(mark, commitment(one.opening, mark, content)))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda value: value.update(v=2), "record-damaged"),
        (lambda value: value.update(v=True), "record-damaged"),
        (lambda value: value.update(more=1), "record-damaged"),
        (lambda value: value.pop("time"), "record-damaged"),
        (lambda value: value.update(time="yesterday"), "record-damaged"),
        (lambda value: value.update(body="text"), "record-damaged"),
        (lambda value: value.update(prev="0"), "record-damaged"),
        (lambda value: value.update(type=""), "record-damaged"),
        (lambda value: value.update(stream="anna@corp.test"), "record-incomplete"),
        (lambda value: value.update(seq=1), "record-incomplete"),
        (lambda value: value.update(prev="00" * 32), "record-incomplete"),
    ],
)
def test_a_payload_that_is_no_entry_of_this_place_is_noticed(change, key):
    assert refused([again(ENTRIES[0], change)]) == key


@settings(max_examples=200, deadline=None)
@given(
    place=st.integers(0, len(ENTRIES) - 1),
    part=st.sampled_from(["payload", "opening", "leaf"]),
    at=st.integers(0),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_noticed(place, part, at, bit):
    one = ENTRIES[place]
    content = bytearray(getattr(one, part))
    content[at % len(content)] ^= 1 << bit
    refused([*ENTRIES[:place], replace(one, **{part: bytes(content)}), *ENTRIES[place + 1 :]])


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, len(ENTRIES) - 1), at=st.integers(0), bit=st.integers(0, 7))
def test_a_forged_body_gives_nobody_anything(place, at, bit):
    """Whoever has all of the store's keys writes what they like; they cannot sign."""
    one = ENTRIES[place]
    signed = json.loads(one.payload)["body"]["signed"]
    text = signed[0]["statement"].encode()
    flipped = bytearray(text)
    flipped[at % len(text)] ^= 1 << bit
    try:
        signed[0]["statement"] = flipped.decode()
        org = People()
        del org.entries[place:]
        org.write(one.type, {"signed": signed}, at=one.time)
    except ValueError:
        return
    assert org.why


def test_entries_are_chained_as_the_record_does_it():
    one = ENTRIES[3]
    mark = tag(bytes(32), 3)
    value = json.loads(one.payload)
    assert (value["prev"], one.leaf[1:33]) == (ENTRIES[2].leaf[33:].hex(), mark)
