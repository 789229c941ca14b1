"""Bytes in the character set that a message says they are in. Pure; the standard library alone.

Python knows encodings that are none of a message's: some take a time that grows with the square of what they read, one runs escapes.
"""

import codecs
from typing import Final

_UNFIT: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_LONGEST_NAME: Final = 60


def decode(raw: bytes, charset: str) -> str:
    """The text. Raises LookupError for a character set that no message has, UnicodeDecodeError for bytes that are not of it."""
    if len(charset) > _LONGEST_NAME or "\0" in charset:
        raise LookupError("charset")
    name = codecs.lookup(charset).name.replace("_", "-")
    if name in _UNFIT:
        raise LookupError("charset")
    return raw.decode(name)


def decode_somehow(raw: bytes, charset: str) -> str:
    """The text as far as it can be read: as it says, or else as UTF-8, or else as Windows' Latin. Never raises."""
    for name in (charset, "utf-8"):
        try:
            return decode(raw, name)
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")
