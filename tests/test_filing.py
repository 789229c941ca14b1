"""A case as JSON: every case comes back, and nothing else is written or read."""

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.filings import NOON, a_case

from locum.filing import dump_case, load_case
from locum.lifecycle import Case, Contact, State
from locum.measure import Audience, AutoReply, Forward, Measure, Senders

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
zones = st.sampled_from([UTC, timezone(timedelta(hours=-9.5))])
instants = st.datetimes(NOON.replace(year=1990, tzinfo=None), NOON.replace(year=2100, tzinfo=None), timezones=zones)
whole_seconds = instants.map(lambda at: at.replace(microsecond=0))
replies = st.builds(AutoReply, handle=texts, from_date=whole_seconds, to_date=whole_seconds, subject=texts, text_body=texts,
    html_body=st.none() | texts, external_text=st.none() | texts, external_html=st.none() | texts,
    audience=st.sampled_from(Audience), exceptions=st.lists(texts, max_size=3).map(tuple),
    addresses=st.lists(texts, max_size=3).map(tuple), internal_domains=st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip
forwards = st.builds(Forward, handle=texts, from_date=whole_seconds, to_date=whole_seconds, to=texts,
    senders=st.sampled_from(Senders), addresses=st.lists(texts, max_size=3).map(tuple),
    internal_domains=st.lists(texts, max_size=3).map(tuple), never=st.lists(texts, max_size=3).map(tuple),
    private_marks=st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip
_BY_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: texts,
    int: st.integers(0, 2**31),
    datetime: instants,
    State: st.sampled_from(State),
    tuple[Measure, ...]: st.lists(replies | forwards, max_size=2).map(tuple),
    datetime | None: st.none() | instants,
    int | None: st.none() | st.integers(-5, 2**31),
    tuple[tuple[str, str], ...]: st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
}


def of(kind: type) -> dict[str, st.SearchStrategy[object]]:
    hints = {f.name: kind.__init__.__annotations__[f.name] for f in dataclasses.fields(kind)}
    return {name: _BY_TYPE[hint] if hint in _BY_TYPE else st.from_type(hint) for name, hint in hints.items()}


contacts = st.builds(Contact, **of(Contact))
_BY_TYPE[tuple[Contact, ...]] = st.lists(contacts, max_size=3).map(tuple)


@given(st.builds(Case, **of(Case)))
def test_every_case_comes_back_from_json(case: Case) -> None:
    assert load_case(dump_case(case)) == case


@pytest.mark.parametrize(
    "changes",
    [
        {"filed_at": NOON.replace(tzinfo=None)},
        {"because": None},
        {"version": "1"},
        {"version": True},
        {"reviews": (("carla",),)},
        {"contacts": ["phone"]},
        {"state": "requested"},
        {"because": "\ud800"},
        {"measures": (replace(a_case().auto_reply, from_date=NOON.replace(microsecond=1)),)},
    ],
)
def test_a_case_with_a_wrong_value_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        dump_case(a_case(**changes))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":0', b'"version":0,"version":0'),
        (b'"version":0', b'"version":0.0'),
        (b'"version":0', b'"version":0,"more":1'),
        (b'"state":"requested"', b'"state":"lost"'),
        (b"+00:00", b"+01:00"),
        (b"+00:00", b""),
        (b'"mailbox"', b'"mail"'),
        (b'"reviews":[]', b'"reviews":[["a"]]'),
        (b'"measure":"auto-reply"', b'"measure":"forward"'),
    ],
)
def test_json_that_is_no_case_is_not_read(old: bytes, new: bytes) -> None:
    written = dump_case(a_case())
    assert old in written
    with pytest.raises(ValueError):
        load_case(written.replace(old, new))
