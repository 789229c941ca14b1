"""Cosignatures against C2SP tlog-cosignature: made from the page, verified, and every way in which one can be false."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from locum import tlog
from locum.errors import Garbled, Invalid
from locum.tlog.cosignatures import COSIGNATURE
from locum.tlog.notes import ED25519, vkey_of

AT = datetime(2026, 7, 1, 8, tzinfo=UTC)
TEXT = tlog.Checkpoint("corp.test/locum", 3, b"\x07" * 32).text()
LOG, COUNCIL, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
NAMES = {LOG: "corp.test/locum", COUNCIL: "council.corp.test/witness", OTHER: "dpo.corp.test/witness"}


def vkey(key: Ed25519PrivateKey, kind: bytes = COSIGNATURE) -> str:
    return vkey_of(NAMES[key], kind, key.public_key().public_bytes_raw())


def by_the_page(key: Ed25519PrivateKey, text: bytes = TEXT, at: int = 1782892800) -> bytes:
    """A signature line, written from the page of C2SP alone."""
    name, public = NAMES[key], key.public_key().public_bytes_raw()
    identity = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    signed = key.sign(b"cosignature/v1\ntime %d\n" % at + text)
    content = base64.b64encode(identity + at.to_bytes(8, "big") + signed).decode()
    return f"\u2014 {name} {content}\n".encode()


def made(key: Ed25519PrivateKey, at: datetime = AT) -> bytes:
    return tlog.cosignature_line(vkey(key), at, key.sign(tlog.to_cosign(TEXT, at)))


def note_of(*lines: bytes) -> bytes:
    key = NAMES[LOG]
    public = ED25519 + LOG.public_key().public_bytes_raw()
    signature = base64.b64encode(tlog.key_id(key, public) + LOG.sign(TEXT)).decode()
    return TEXT + f"\n\u2014 {key} {signature}\n".encode() + b"".join(lines)


def test_a_cosignature_is_that_of_the_page() -> None:
    assert made(COUNCIL) == by_the_page(COUNCIL)


def test_a_cosignature_says_when_it_was_made() -> None:
    assert tlog.cosigned_at(note_of(by_the_page(COUNCIL)), vkey(COUNCIL)) == AT


def test_the_last_time_counts_where_a_witness_cosigned_twice() -> None:
    note = note_of(made(COUNCIL), made(COUNCIL, AT + timedelta(hours=1)))
    assert tlog.cosigned_at(note, vkey(COUNCIL)) == AT + timedelta(hours=1)


def test_a_note_with_cosignatures_is_still_that_of_its_log() -> None:
    assert tlog.verify(note_of(made(COUNCIL), made(OTHER)), vkey(LOG, ED25519)) == TEXT


def test_each_witness_is_verified_beside_the_others() -> None:
    note = tlog.with_signatures(note_of(made(COUNCIL)), made(OTHER))
    assert [tlog.cosigned_at(note, vkey(key)) for key in (COUNCIL, OTHER)] == [AT, AT]


def test_a_line_that_is_there_is_not_put_twice() -> None:
    note = note_of(made(COUNCIL))
    assert tlog.with_signatures(note, made(COUNCIL) + made(COUNCIL)) == note


def test_the_lines_of_one_witness_are_told_from_the_others() -> None:
    assert tlog.lines_of(note_of(made(OTHER), made(COUNCIL)), vkey(COUNCIL)) == made(COUNCIL)


def test_a_note_without_it_is_not_cosigned() -> None:
    with pytest.raises(Garbled, match="checkpoint-unsigned"):
        tlog.cosigned_at(note_of(made(OTHER)), vkey(COUNCIL))


FALSE = {
    "over another checkpoint": by_the_page(COUNCIL, TEXT.replace(b"\n3\n", b"\n4\n")),
    "a plain signature over the text": tlog.cosignature_line(vkey(COUNCIL), AT, COUNCIL.sign(TEXT)),
    "another time than was signed": tlog.cosignature_line(
        vkey(COUNCIL), AT + timedelta(seconds=1), COUNCIL.sign(tlog.to_cosign(TEXT, AT))
    ),
    "another's key": tlog.cosignature_line(vkey(COUNCIL), AT, OTHER.sign(tlog.to_cosign(TEXT, AT))),
    "too short": tlog.cosignature_line(vkey(COUNCIL), AT, b"\0" * 63),
    "too long": tlog.cosignature_line(vkey(COUNCIL), AT, COUNCIL.sign(tlog.to_cosign(TEXT, AT)) + b"\0"),
    "a time that no clock shows": by_the_page(COUNCIL, at=2**63),
    "a good one and a false one": made(COUNCIL) + tlog.cosignature_line(vkey(COUNCIL), AT, b"\0" * 64),
}


@pytest.mark.parametrize("lines", FALSE.values(), ids=FALSE)
def test_a_false_cosignature_condemns_the_note(lines: bytes) -> None:
    with pytest.raises(Garbled, match="checkpoint-damaged"):
        tlog.cosigned_at(note_of(lines), vkey(COUNCIL))


@pytest.mark.parametrize("key", [vkey(COUNCIL, ED25519), vkey(COUNCIL, b"\x06"), "", "a+b+c"])
def test_a_key_of_another_kind_is_none_of_a_witness(key: str) -> None:
    with pytest.raises(Invalid, match="verifier-key"):
        tlog.cosigned_at(note_of(made(COUNCIL)), key)


def test_a_key_of_a_witness_is_none_of_a_log() -> None:
    with pytest.raises(Invalid, match="verifier-key"):
        tlog.verify(note_of(made(COUNCIL)), vkey(COUNCIL))


NO_LINES = {
    "nothing": b"",
    "no newline": made(COUNCIL)[:-1],
    "a text of its own": b"corp.test/locum\n",
    "an empty line": made(COUNCIL) + b"\n" + made(OTHER),
    "a carriage return": made(COUNCIL).replace(b"\n", b"\r\n"),
    "more words": made(COUNCIL).replace(b"\n", b" x\n"),
    "no base64": made(COUNCIL).replace(b"\n", b"!\n"),
    "too many": b"".join(made(COUNCIL, AT + timedelta(seconds=n)) for n in range(101)),
    "no UTF-8": b"\xff\n",
}


@pytest.mark.parametrize("lines", NO_LINES.values(), ids=NO_LINES)
def test_what_is_no_signature_line_is_put_under_no_note(lines: bytes) -> None:
    with pytest.raises(Garbled, match="checkpoint-damaged"):
        tlog.with_signatures(note_of(), lines)
