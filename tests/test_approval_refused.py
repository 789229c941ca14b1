"""What statements, keys and assertions refuse, and with which word; and the text that is signed, to the letter.

Each of these fails for one change of a line in src/locum/approval that no other test notices (tools/mutants).
"""

from hashlib import sha256

import pytest

from approvals import Story
from locum.approval import Assertion, Deed, NotProven, Signed, Site, plain_key, request_hash
from locum.approval.assertion import origin_of
from locum.approval.public_key import load_key
from locum.approval.reading import text_of
from locum.approval.statement import Approval
from locum.approval.strict import decoded, encoded, hexadecimal, is_name, list_of, object_of
from locum.entry import Json
from softkeys import SITE, SoftKey

REQUEST = Story().request


def is_pair(value: Json) -> bool:
    return list_of(is_name, 1, 2)(value)


def key_of(error: pytest.ExceptionInfo[NotProven]) -> tuple[str, str, str]:
    return error.value.key, error.value.who, str(error.value)


# shapes


@pytest.mark.parametrize("value", [[], ["a", "b", "c"], ["a", ""], "ab", {"a": 1}, 1, None])
def test_a_list_of_so_many_is_no_other(value: Json) -> None:
    assert not is_pair(value)


@pytest.mark.parametrize("value", [["a"], ["a", "b"]])
def test_a_list_of_so_many_is_one(value: Json) -> None:
    assert is_pair(value)


@pytest.mark.parametrize("value", [{}, {"a": ""}, {"a": "x", "b": "y"}, ["a"], "a", None])
def test_an_object_of_these_keys_is_no_other(value: Json) -> None:
    assert not object_of(a=is_name)(value)


def test_an_object_of_these_keys_is_one() -> None:
    assert object_of(a=is_name)({"a": "x"})


@pytest.mark.parametrize("value", [5, None, "0", "000", "0G", "AB", ""])
def test_hexadecimal_of_so_many_bytes_is_nothing_else(value: Json) -> None:
    assert not hexadecimal(1)(value)


@pytest.mark.parametrize("content", [b"\x00", b"\x00\x00", b"\x00\x00\x17", b"\x00\x00\x17\x00"])
def test_bytes_come_out_of_base64_as_they_went_in(content: bytes) -> None:
    assert decoded(encoded(content)) == content


def test_a_reason_says_whom_it_is_about_where_that_is_known() -> None:
    assert (str(NotProven("denied")), str(NotProven("denied", "dirk"))) == ("denied", "denied (dirk)")
    assert (NotProven("denied").who, NotProven("denied", "dirk").who) == ("", "dirk")


# the word with which each is refused


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_statement_that_is_none_says_so(content: bytes) -> None:
    with pytest.raises(NotProven) as error:
        Approval.load(content)
    assert key_of(error) == ("statement-unreadable", "", "statement-unreadable")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_deed_that_is_none_says_so(content: bytes) -> None:
    with pytest.raises(NotProven) as error:
        Deed.load("delegated", content)
    assert error.value.key == "statement-unreadable"


@pytest.mark.parametrize("value", ["", {}, {"statement": "a"}, {"statement": "a", "assertion": "b", "c": "d"}])
def test_a_signature_in_an_entry_that_is_none_says_so(value: Json) -> None:
    with pytest.raises(NotProven) as error:
        Signed.from_json(value)
    assert error.value.key == "statement-unreadable"


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 16_385])
def test_an_assertion_that_is_none_says_so(content: bytes) -> None:
    with pytest.raises(NotProven) as error:
        Assertion.load(content)
    assert error.value.key == "signature-unreadable"


RS256 = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00%b\x21\x43\x01\x00\x01"
ED448 = b"\xa4\x01\x01\x03\x27\x20\x07\x21\x58\x20" + bytes(32)
ML_DSA = b"\xa3\x01\x07\x03\x38\x2f\x20\x41\x00"


@pytest.mark.parametrize("cose", [b"", b"\xa0", RS256 % (b"\x7f" + bytes(254) + b"\x01"), RS256 % bytes(255)])
def test_a_key_that_is_none_says_so(cose: bytes) -> None:
    with pytest.raises(NotProven) as error:
        load_key(cose)
    assert error.value.key == "key-unreadable"


@pytest.mark.parametrize("cose", [b"", b"\xa0", ML_DSA, ED448, b"\xa4\x01\x01\x03\x26\x20\x06\x21\x58\x20" + bytes(32)])
def test_a_key_that_an_authenticator_spelled_otherwise_and_is_none_says_so(cose: bytes) -> None:
    with pytest.raises(NotProven) as error:
        plain_key(cose)
    assert error.value.key == "key-unreadable"


def test_a_modulus_may_begin_with_any_byte_whose_first_bit_is_set() -> None:
    assert load_key(RS256 % (b"\x80" + bytes(254) + b"\x01")) is not None


def test_all_four_bytes_of_a_counter_count() -> None:
    key, asked = SoftKey("maria", count=0x01000000), sha256(b"asked").digest()
    assert key.sign(asked).verify(key.public_key, asked, (SITE,), 0) > 0x01000000


def test_a_request_with_what_no_entry_may_hold_has_no_hash() -> None:
    with pytest.raises(ValueError, match=r"U\+202E"):
        request_hash({"because": "\u202e"})


# the site


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https:///x", "https://"),
        ("https://Locum.Corp.test/", "https://locum.corp.test"),
        ("https://locum.corp.test:443", "https://locum.corp.test"),
        ("https://locum.corp.test:8443", "https://locum.corp.test:8443"),
        ("https://locum.corp.test:80", "https://locum.corp.test:80"),
        ("http://localhost:80/x", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["", "http://locum.corp.test", "https://192.0.2.1", "https://[2001:db8::1]", "https:///x"]
)
def test_there_are_no_passkeys_there(url: str) -> None:
    assert Site.of(url) is None


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://Locum.corp.test:8443/x", Site("https://locum.corp.test:8443", "locum.corp.test")),
        ("http://localhost:8000", Site("http://localhost:8000", "localhost")),
        ("https://localhost", Site("https://localhost", "localhost")),
    ],
)
def test_passkeys_are_made_for_the_host_of_our_address(url: str, site: Site) -> None:
    assert Site.of(url) == site


# the text, to the letter

FORWARD = """\
Approve. Exactly this will be done, and nothing else:

COPIES OF NEW MAIL. Each new message stays in the mailbox, and a copy of it goes to the receiver.
The receiver:
| bert@corp.test
From:
| 2026-01-07 09:00:00 UTC
Until:
| 2026-01-21 09:00:00 UTC

The mailbox:
| anna@corp.test
Whose it is:
| anna
Asked by:
| sam
The reason:
| work is waiting for an answer (continuity)
In the words of whoever asks:
| Offertes wachten op antwoord — elke dag.
How many in the batch:
| 1
Not after:
| 2026-01-21 09:00:00 UTC
Under the policy with this fingerprint:
| {policy}
On the mail system:
| dovecot
The number of this request:
| {nonce}
Written in form:
| 1
"""


def test_the_text_of_a_forward_is_this() -> None:
    assert text_of(REQUEST, "approve", "en") == FORWARD.format(policy="ef" * 32, nonce="12" * 16)


ODD: dict[str, Json] = {
    "measures": [{"measure": "other", "x": 1}, {"measure": "auto-reply", "audience": "internal", "more": ["a", "b"]}],
    "mailbox": "anna@corp.test",
    "reason": "none of ours",
    "because": "",
    "not_after": "MondayZ",
    "to_date": "Thursday",
    "odd-Näme_": {"a": [1, "x\ny z"]},
    "flag": True,
    "list": ["a\nb"],
    "mixed": ["a", 5],
    "number": 5,
    "nothing": None,
    "none": [],
}
ODD_TEXT = """\
Dit vragen. Precies dit gebeurt, en niets anders, als iemand anders het goedkeurt:

Wat er gebeurt:
| {"measures":{"measure":"other","x":1}}

EEN AUTOMATISCH ANTWOORD. Wie mail naar de postbus stuurt, krijgt dit antwoord.
Wie het krijgt:
| alleen collega's binnen de organisatie (internal)
more:
| a
| b

De postbus:
| anna@corp.test
De reden:
| none of ours
flag:
| {"flag":true}
list:
| {"list":["a\\nb"]}
mixed:
| {"mixed":["a",5]}
Niet later dan:
| Monday UTC
number:
| 5
oddNme_:
| {"odd-Näme_":{"a":[1,"x\\ny z"]}}
to_date:
| Thursday
"""


def test_what_nobody_knew_of_is_shown_as_it_is() -> None:
    assert text_of(ODD, "request", "nl") == ODD_TEXT


@pytest.mark.parametrize(("measures", "shown"), [("text", "text"), ([{"measure": 5}], '{"measures":{"measure":5}}')])
def test_measures_that_are_none_are_shown_as_they_are(measures: Json, shown: str) -> None:
    told = text_of({"measures": measures}, "deny", "en")
    assert told == f"Say no. Nothing of this will be done:\n\nWhat will be done:\n| {shown}\n\n"


def test_a_value_that_could_pass_for_nothing_is_told_from_it() -> None:
    assert "| XXXX" in text_of({**REQUEST, "because": "XXXX"}, "approve", "en")
