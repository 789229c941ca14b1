"""What is signed, byte for byte: statements and deeds are read back strictly, each kind with a challenge of its own."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.approval import DEEDS, Approval, Deed, Log, NotProven, Signed, challenge, request_hash, text_hash
from locum.approval.request import hash_of
from locum.approval.strict import (
    encoded,
    hexadecimal,
    is_bytes,
    is_count,
    is_instant,
    is_line,
    is_name,
    is_name_or_none,
    list_of,
    one_of,
)
from locum.entry import Json, canonical

HASH, NONCE = "ab" * 32, "cd" * 16
LOG = Log("corp.test/locum", 12, HASH)
APPROVAL = Approval(
    decision="approve", function="hr", approver="maria", request=HASH, display=HASH, policy=HASH, log=LOG, nonce=NONCE
)
KEY = {"person": "sam", "credential": "AQID", "key": "BAUG", "sign_count": 0}
WHAT: dict[str, dict[str, Json]] = {
    "first-keys": {
        "people": [{**KEY, "function": "it"}, {**KEY, "person": "maria", "function": "hr"}],
        "present": "Nora, works council",
    },
    "key-added": {**KEY},
    "key-withdrawn": {"person": "sam", "credential": "AQID", "reason": "lost"},
    "function-given": {"people": [{"person": "sam", "function": "it"}]},
    "function-withdrawn": {"people": [{"person": "sam", "function": "it"}]},
    "manager-given": {"people": [{"person": "sam", "manager": ""}]},
    "delegated": {"to": "sam", "from": "2026-01-05T09:00:00Z", "until": "2026-01-12T09:00:00Z"},
    "delegation-ended": {"delegation": NONCE},
}


def deed(kind: str) -> Deed:
    return Deed(
        kind=kind,
        by="maria",
        function="hr",
        what=WHAT[kind],
        display=HASH,
        not_after=datetime(2026, 1, 6, tzinfo=UTC),
        log=LOG,
        nonce=NONCE,
    )


def refuses(content: bytes) -> bool:
    with pytest.raises(NotProven, match="statement-unreadable"):
        Approval.load(content)
    return True


def changed(value: dict[str, object], **instead: object) -> bytes:
    return canonical({**value, **instead})  # type: ignore[dict-item]


STATEMENT = json.loads(APPROVAL.dump())


# statements


def test_a_statement_is_the_canonical_json_of_the_page():
    assert (
        APPROVAL.dump()
        == json.dumps(
            {
                "v": 1,
                "decision": "approve",
                "function": "hr",
                "approver": "maria",
                "request": HASH,
                "display": HASH,
                "policy": HASH,
                "log": {"origin": "corp.test/locum", "size": 12, "root": HASH},
                "nonce": NONCE,
            },
            sort_keys=True,
            separators=(",", ":"),
        ).encode()
    )


@pytest.mark.parametrize("decision", ["approve", "deny", "overrule", "request"])
def test_a_statement_comes_back_as_it_was(decision):
    one = replace(APPROVAL, decision=decision, function="hoofd beheer", approver="maría")
    assert Approval.load(one.dump()) == one


@pytest.mark.parametrize("kind", list(DEEDS))
def test_a_deed_comes_back_as_it_was(kind):
    assert Deed.load(kind, deed(kind).dump()) == deed(kind)


def test_every_deed_is_tried_here():
    assert WHAT.keys() == DEEDS.keys()


def test_a_deed_may_be_signed_as_herself():
    assert Deed.load("key-withdrawn", replace(deed("key-withdrawn"), function="").dump()).function == ""


def test_each_kind_has_a_challenge_of_its_own():
    content = b"{}"
    found = {challenge(kind, content) for kind in ("approval", *DEEDS)}
    assert len(found) == 1 + len(DEEDS)


def test_the_challenge_is_that_of_the_page():
    expected = hashlib.sha256(b"locum/approval/v1\n" + APPROVAL.dump()).digest()
    assert challenge("approval", APPROVAL.dump()) == expected


def test_the_hash_of_a_request_is_that_of_its_bytes():
    assert hash_of(canonical({"a": 1})) == request_hash({"a": 1})


def test_the_text_shown_is_hashed_as_it_is():
    assert text_hash("Eén – twee.") == hashlib.sha256("Eén – twee.".encode()).hexdigest()
    with pytest.raises(ValueError, match="NFC"):
        text_hash("e\u0301")


@pytest.mark.parametrize("name", list(STATEMENT))
def test_a_statement_that_lacks_something_is_none(name):
    assert refuses(canonical({key: value for key, value in STATEMENT.items() if key != name}))


@pytest.mark.parametrize("name", list(STATEMENT["log"]))
def test_a_log_that_lacks_something_is_none(name):
    log = {key: value for key, value in STATEMENT["log"].items() if key != name}
    assert refuses(changed(STATEMENT, log=log))


@pytest.mark.parametrize(
    "instead",
    [
        {"more": 1},
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"decision": "maybe"},
        {"decision": 1},
        {"decision": ["approve"]},
        {"function": ""},
        {"function": 1},
        {"function": " hr"},
        {"function": "hr "},
        {"function": "hr,it"},
        {"function": "h" * 201},
        {"approver": ""},
        {"approver": "ma\nria"},
        {"request": HASH.upper()},
        {"request": HASH[2:]},
        {"request": HASH + "00"},
        {"request": None},
        {"display": HASH + "\n"},
        {"policy": ""},
        {"nonce": HASH},
        {"nonce": NONCE[1:]},
        {"log": "corp.test/locum"},
        {"log": {**STATEMENT["log"], "size": -1}},
        {"log": {**STATEMENT["log"], "size": True}},
        {"log": {**STATEMENT["log"], "size": "12"}},
        {"log": {**STATEMENT["log"], "origin": ""}},
        {"log": {**STATEMENT["log"], "origin": "a\nb"}},
        {"log": {**STATEMENT["log"], "root": "00"}},
        {"log": {**STATEMENT["log"], "more": 1}},
    ],
)
def test_a_statement_of_another_shape_is_none(instead):
    assert refuses(changed(STATEMENT, **instead))


GOOD = APPROVAL.dump()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"text"',
        GOOD[:-1],
        GOOD + b" ",
        GOOD + b"\n",
        b" " + GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        GOOD.replace(b'":"', b'": "'),
        GOOD.replace(b'"v":1', b'"v":1.0'),
        GOOD.replace(b'"v":1', b'"v":1e0'),
        GOOD.replace(b'"size":12', b'"size":12.0'),
        GOOD.replace(b'"size":12', b'"size":012'),
        GOOD.replace(b'"size":12', b'"size":NaN'),
        GOOD.replace(b'"size":12', b'"size":9007199254740993'),
        GOOD.replace(b'"size":12', b'"size":' + b"9" * 5000),
        GOOD.replace(b"maria", b"mari\\u0061"),
        GOOD.replace(b"maria", b"mari\xff"),
        GOOD.replace(b"maria", b"mar\\ud800"),
        GOOD.replace(b"maria", "mari\u0301a".encode()),
        GOOD.replace(b"maria", "mar\u202eia".encode()),
        GOOD.replace(b"maria", b"mar\\u0000ia"),
        b'{"approver":"eve",' + GOOD[1:],
        GOOD[:-1] + b',"approver":"eve"}',
        b"[" * 100_000,
    ],
)
def test_another_spelling_is_none(content):
    assert refuses(content)


@pytest.mark.parametrize("kind", list(DEEDS))
def test_a_deed_of_another_kind_is_none(kind):
    for other in DEEDS:
        if WHAT[other] != WHAT[kind] or other != kind:
            with pytest.raises(NotProven, match="statement-unreadable"):
                Deed.load(other, deed(kind).dump())


DEED = json.loads(deed("key-withdrawn").dump())


@pytest.mark.parametrize("name", list(DEED))
def test_a_deed_that_lacks_something_is_none(name):
    with pytest.raises(NotProven, match="statement-unreadable"):
        Deed.load("key-withdrawn", canonical({key: value for key, value in DEED.items() if key != name}))


@pytest.mark.parametrize(
    "instead",
    [
        {"v": 2},
        {"deed": "key-added"},
        {"by": ""},
        {"function": 1},
        {"function": " "},
        {"display": ""},
        {"not_after": "2026-01-06"},
        {"not_after": 1},
        {"log": None},
        {"nonce": ""},
        {"more": 1},
    ],
)
def test_a_deed_of_another_shape_is_none(instead):
    with pytest.raises(NotProven, match="statement-unreadable"):
        Deed.load("key-withdrawn", changed(DEED, **instead))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("first-keys", {"people": WHAT["first-keys"]["people"]}),
        ("first-keys", {"people": WHAT["first-keys"]["people"], "present": ""}),
        ("first-keys", {"people": WHAT["first-keys"]["people"][:1], "present": "Nora"}),  # type: ignore[index]
        ("first-keys", {"people": [*WHAT["first-keys"]["people"], {**KEY, "function": "x"}], "present": "Nora"}),  # type: ignore[misc]
        ("first-keys", {"people": [KEY, KEY], "present": "Nora"}),
        ("key-added", {**KEY, "credential": ""}),
        ("key-added", {**KEY, "credential": "AQI="}),
        ("key-added", {**KEY, "key": "A"}),
        ("key-added", {**KEY, "key": "AQJ"}),
        ("key-added", {**KEY, "sign_count": -1}),
        ("key-added", {**KEY, "sign_count": "0"}),
        ("key-added", {**KEY, "person": ""}),
        ("key-added", {**KEY, "function": "it"}),
        ("key-withdrawn", {**WHAT["key-withdrawn"], "reason": "bored"}),
        ("function-given", {"people": []}),
        ("function-given", {"people": [{"person": "sam", "function": "it"}] * 501}),
        ("function-given", {"people": "sam"}),
        ("function-given", {"people": ["sam"]}),
        ("function-given", {"people": [{"person": "sam", "function": ""}]}),
        ("function-given", {"people": [{"person": "sam", "function": "it", "until": "x"}]}),
        ("manager-given", {"people": [{"person": "sam"}]}),
        ("manager-given", {"people": [{"person": "", "manager": "mark"}]}),
        ("delegated", {"to": "sam", "from": "2026-01-05T09:00:00Z"}),
        ("delegated", {"to": "sam", "from": "2026-01-05T09:00:00Z", "until": ""}),
        ("delegation-ended", {"delegation": HASH}),
        ("delegation-ended", {}),
    ],
)
def test_what_a_deed_says_has_its_shape(kind, what):
    with pytest.raises(NotProven, match="statement-unreadable"):
        Deed.load(kind, replace(deed(kind), what=what).dump())


def test_five_hundred_people_stand_in_one_deed():
    people = {"people": [{"person": f"p{n}", "function": "it"} for n in range(500)]}
    one = replace(deed("function-given"), what=people)
    assert Deed.load("function-given", one.dump()) == one


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_whatever_is_read_is_what_was_written(at, byte):
    content = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    try:
        found = Approval.load(content)
    except NotProven:
        return
    assert found.dump() == content
    assert (found == APPROVAL) == (content == GOOD)


# shapes


@pytest.mark.parametrize(
    ("asks", "good", "bad"),
    [
        (is_count, [0, 1, 2**53 - 1], [-1, True, False, "1", None]),
        (is_name, ["a", "Maria de Wit", "é", "a" * 200], ["", "a" * 201, " a", "a ", "a,b", "a\nb", ",", 1, None]),
        (is_name_or_none, ["", "a"], [" ", None, 0, False]),
        (is_line, ["a", " ", "a" * 300], ["", "a" * 301, "a\nb", 1]),
        (is_instant, ["2026-01-05T09:00:00Z"], ["2026-01-05T09:00:00", "2026-02-30T09:00:00Z", 1, None]),
        (is_bytes, ["AQ", "AQI", "AQID", "-_8"], ["", "A", "AQ=", "AQ==", "A Q", "AR", "+/8", "é", 1, None]),
        (hexadecimal(2), ["0aff"], ["0AFF", "0af", "0afff", "0afg", "0aff\n", 1, None]),
        (one_of("a", "b"), ["a", "b"], ["c", "", 1, None, ["a"]]),
        (list_of(is_count, 1, 2), [[1], [1, 2]], [[], [1, 2, 3], ["1"], [1, -1], "12", None]),
    ],
)
def test_a_shape_takes_what_it_says_and_nothing_else(asks, good, bad):
    assert [asks(value) for value in (*good, *bad)] == [True] * len(good) + [False] * len(bad)


def test_bytes_are_written_as_browsers_do():
    assert encoded(b"\xfb\xff\x01") == "-_8B"


# both together


def test_what_was_signed_goes_into_an_entry_and_comes_out():
    one = Signed(b"{}", b"[]")
    assert Signed.from_json(one.as_json()) == one


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"statement": "a"},
        {"statement": "a", "assertion": 1},
        {"statement": "a", "assertion": "b", "c": 1},
    ],
)
def test_anything_else_in_an_entry_is_nothing_signed(value):
    with pytest.raises(NotProven, match="statement-unreadable"):
        Signed.from_json(value)
