"""Canonical JSON read back with nothing forgiven, and the few shapes its values may have. Pure.

One value has one spelling here: what is not, byte for byte, what we would write ourselves is refused, so that no two
readers take two meanings from it. What the values mean is statement.py's matter.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Final, TypeGuard

from locum.entry import Json, canonical, check_json
from locum.measure import parse_instant

Is = Callable[[Json], bool]


class NotProven(ValueError):
    """Something does not prove what it should. `key` is one of the reasons of messages/<language>/gate.toml."""

    def __init__(self, key: str, who: str = "") -> None:
        """`who` is the person whom it is about, by her id, where that is known."""
        super().__init__(f"{key} ({who})" if who else key)
        self.key = key
        self.who = who


def read(content: bytes, shape: Mapping[str, Is], key: str) -> dict[str, Json]:
    """A canonical JSON object of just this shape. Raises NotProven(`key`).

    Keys that stand twice, floats, spaces, other escapes: none of them come out again as they went in.
    """
    try:
        value: Json = json.loads(content.decode())
        check_json(value)
        same = isinstance(value, dict) and canonical(value) == content
    except (ValueError, RecursionError) as error:
        raise NotProven(key) from error
    if not same or not shaped(value, shape):
        raise NotProven(key)
    return value


def shaped(value: Json, shape: Mapping[str, Is]) -> TypeGuard[dict[str, Json]]:
    """Whether a value is an object with just these keys, each with a value of its kind."""
    return isinstance(value, dict) and value.keys() == shape.keys() and all(shape[k](value[k]) for k in shape)


def object_of(**shape: Is) -> Is:
    """An object with just these keys."""
    return lambda value: shaped(value, shape)


def list_of(one: Is, least: int, most: int) -> Is:
    """A list of so many."""
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(one, value))


def one_of(*words: str) -> Is:
    """One of these words."""
    return lambda value: isinstance(value, str) and value in words


def hexadecimal(size: int) -> Is:
    """So many bytes in hexadecimal, in lower case."""
    pattern = re.compile(f"[0-9a-f]{{{2 * size}}}")
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def is_version_1(value: Json) -> bool:
    """The number 1; true is none."""
    return value == 1 and not isinstance(value, bool)


def is_count(value: Json) -> bool:
    """A number from 0; true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_NAME = re.compile(r"[^\s,](?:[^\n,]{0,198}[^\s,])?")


def is_name(value: Json) -> bool:
    """A person's or a function's: one line without a comma, no space at either end."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_name_or_none(value: Json) -> bool:
    """The same, or nothing."""
    return value == "" or is_name(value)


def is_line(value: Json) -> bool:
    """A line of text."""
    return isinstance(value, str) and 0 < len(value) <= 300 and "\n" not in value


def is_instant(value: Json) -> bool:
    """An instant in UTC with whole seconds: 2026-12-25T00:00:00Z."""
    try:
        return isinstance(value, str) and bool(parse_instant(value))
    except ValueError:
        return False


def is_bytes(value: Json) -> bool:
    """Bytes in base64url without padding (RFC 4648 section 5), at least one."""
    if not isinstance(value, str) or not value:
        return False
    try:
        return encoded(decoded(value)) == value
    except ValueError:
        return False


def encoded(content: bytes) -> str:
    """Bytes as WebAuthn writes them in JSON: base64url without padding."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Read what `encoded` writes. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


ENTRY: Final[Mapping[str, Is]] = {
    "v": is_version_1,
    "stream": is_line,
    "seq": is_count,
    "prev": lambda value: value == "" or hexadecimal(32)(value),
    "type": is_line,
    "time": is_instant,
    "body": lambda value: isinstance(value, dict),
}
"""The payload of an entry of the record (docs/spec/record.md)."""
