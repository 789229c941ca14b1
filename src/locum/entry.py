r"""One entry of the record: its payload, tag and commitment, byte for byte (docs/spec/record.md). Pure.

P          = JCS({v, stream, seq, prev, type, time, body})                    RFC 8785
tag        = HMAC-SHA256(K_s, "locum/tag/v1\n" || u64be(seq))
commitment = HMAC-SHA256("locum/commit/v1", opening[32] || tag || P)
leaf       = 0x01 || tag[32] || commitment[32]                               65 bytes
"""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import rfc8785

from locum.measure import instant

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

TYPES = frozenset(
    "enrolled requested asked answered consented reviewed objected refused withdrawn intended done read-back ended accounted "
    "failed expired incident searching counted listed chosen unmasked attending commented opening opened closed delivered "
    "looked figures erased "
    "function-given function-withdrawn manager-given "
    "first-keys key-added key-withdrawn delegated delegation-ended policy blank".split()
)

LEAF_BYTES = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry that has no place yet. `stream` is the canonical mailbox, or `org/<name>`. `body` holds no floats."""

    stream: str
    type: str
    time: datetime
    body: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry in its place: `index` in the log, `seq` in its stream."""

    index: int
    stream: str
    seq: int
    type: str
    time: datetime
    case: str
    body: Mapping[str, Json] = field(repr=False)
    payload: bytes = field(repr=False)
    opening: bytes = field(repr=False)
    leaf: bytes = field(repr=False)

    @property
    def about(self) -> str:
        """The case that the entry itself says it is about, "" for none: what is sealed under its leaf, wherever it was put."""
        said = self.body.get("case")
        return said if isinstance(said, str) else self.case


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """A place whose entry was erased: its leaf is all that is left of it."""

    index: int
    stream: str
    seq: int
    leaf: bytes = field(repr=False)


def payload(draft: Draft, seq: int, prev: bytes) -> bytes:
    """P: the canonical JSON of the draft at place `seq`, after the entry with commitment `prev` (b"" for the first).

    Raises ValueError for an unknown type, a float, or text that is not NFC or holds control or bidirectional characters.
    """
    if draft.type not in TYPES:
        raise ValueError(f"no such entry type: {draft.type}")
    check_json(dict(draft.body))
    return canonical(
        {
            "v": 1,
            "stream": draft.stream,
            "seq": seq,
            "prev": prev.hex(),
            "type": draft.type,
            "time": instant(draft.time),
            "body": dict(draft.body),
        }
    )


def canonical(value: dict[str, Json]) -> bytes:
    """RFC 8785 (JCS) of a value without floats. Raises ValueError for an integer that JCS cannot write.

    Where all keys are ASCII, the standard library's C encoder writes the same bytes, twenty times as fast: it escapes as
    JCS does, and ASCII sorts alike by code point and by UTF-16. Anything else goes through the library (tests judge both).
    """
    if not _is_plain(value):
        return rfc8785.dumps(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


_GREATEST = 2**53 - 1


def _is_plain(value: Json) -> bool:
    match value:
        case str() | bool() | None:
            return True
        case int():
            return -_GREATEST <= value <= _GREATEST
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(key.isascii() for key in value) and all(map(_is_plain, value.values()))
    return False


def tag(stream_key: bytes, seq: int) -> bytes:
    """The one-time pseudonym of entry `seq` of the stream with key K_s."""
    return hmac.digest(stream_key, b"locum/tag/v1\n" + seq.to_bytes(8, "big"), "sha256")


def commitment(opening: bytes, tag_: bytes, payload_: bytes) -> bytes:
    """The commitment to a payload under a random 32-byte opening."""
    return hmac.digest(b"locum/commit/v1", opening + tag_ + payload_, "sha256")


def leaf(tag_: bytes, commitment_: bytes) -> bytes:
    """The 65 bytes that go into the log."""
    return b"\x01" + tag_ + commitment_


def salted_digest(salt: bytes, value: bytes) -> str:
    """What the record holds instead of bytes that are kept sealed outside it (what was found on a mailbox)."""
    return hashlib.sha256(b"locum/found/v1\n" + salt + value).hexdigest()


# Controls (Cc) but newline and tab, marks that turn the direction of writing, line separators, lone surrogates.
_BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def bad_character(text: str) -> str | None:
    """The first character that may stand in no entry: a control (but newline and tab), a bidirectional mark, a surrogate
    or a Unicode line separator. None if there is none.
    """
    found = _BAD.search(text)
    return found[0] if found else None


def check_json(value: Json) -> None:
    """Raise ValueError where a value may not stand in an entry: floats, text that is not NFC, bad characters."""
    match value:
        case bool() | None | int():
            return
        case str():
            _check_text(value)
        case list():
            for item in value:
                check_json(item)
        case dict():
            for key, item in value.items():
                _check_text(key)
                check_json(item)
        case _:
            raise ValueError(f"not allowed in an entry: {type(value).__name__}")


def _check_text(text: str) -> None:
    if text.isascii() and text.isprintable():
        return
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("text in an entry is not NFC")
    if (char := bad_character(text)) is not None:
        raise ValueError(f"text in an entry holds U+{ord(char):04X}")
