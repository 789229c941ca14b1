"""What goes into `vacation`: the MIME entity of a reply and its subject, as ASCII.

Written out by hand and not by email.message, since a script is read back by writing it again: the bytes may not depend
on a version of Python. No MIME-Version here, the mail system adds its own (RFC 5230 4.6; seen twice otherwise).
"""

import base64
import hashlib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from locum.errors import Unsupported

MAX_SUBJECT = 255  # characters; str_sanitize_utf8(subject, 256) in Pigeonhole's cmd-vacation.c
_UNFOLDED = 60
_LINE = 76  # RFC 2045 6.7 and 6.8
# Left as they are: printable but for = and what has a meaning to Sieve (quote, backslash).
_PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b'="\\')
_WORD_BYTES = 45  # 60 characters of base64 and 12 around them: one encoded word stays under 75 (RFC 2047 2)


@lru_cache(maxsize=32)  # a closing week gives thousands of mailboxes the same text, and each is read back
def entity(text: str, html: str | None) -> str:
    """A MIME entity without MIME-Version: text, or text and HTML as alternatives. ASCII lines with CRLF.

    Raises Unsupported `sieve-character` for NUL and lone surrogates, which no mail can say.
    """
    plain = _part("text/plain", text)
    if html is None:
        return plain
    parts = (plain, _part("text/html", html))
    # "=_" occurs in neither encoding, so the boundary can be in no part (RFC 2045 6.7).
    boundary = f"=_locum_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:32]}"
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n{body}--{boundary}--\r\n'


def subject(text: str) -> str:
    """The subject for `:subject`: as it is where no folding can touch it, else as encoded words (RFC 2047).

    Pigeonhole cuts `:subject` at 256 characters, encoded or not. So a subject whose encoded words are longer stays as
    it is; Pigeonhole encodes it then, and where it folds, a space between words arrives as a tab.
    Raises Unsupported `sieve-subject` for an empty one, and for control characters and line ends of any kind.
    """
    odd = [char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    if odd or not text.strip():
        raise Unsupported("sieve-subject")
    whole = "=?" not in text and all(text.split(" "))
    if whole and text.isascii() and len(text) <= _UNFOLDED:
        return text
    encoded = " ".join(f"=?utf-8?B?{base64.b64encode(chunk).decode()}?=" for chunk in _chunks(text))
    if len(encoded) <= MAX_SUBJECT:
        return encoded
    if not whole or len(text) > MAX_SUBJECT:
        raise Unsupported("sieve-subject")
    return text


def _chunks(text: str) -> Iterator[bytes]:
    """Pieces for encoded words; a character is never split (RFC 2047 5)."""
    piece = b""
    for char in text:
        encoded = char.encode()
        if len(piece) + len(encoded) > _WORD_BYTES:
            yield piece
            piece = b""
        piece += encoded
    yield piece


def _part(media_type: str, text: str) -> str:
    content = _bytes(text)
    if sum(byte > 0x7E for byte in content) * 4 > len(content):
        encoding, lines = "base64", _base64(content)
    else:
        encoding, lines = "quoted-printable", _quoted_printable(content)
    head = f"Content-Type: {media_type}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head + "\r\n".join(lines)  # who sends it ends the last line; before a boundary the end belongs to that


def _bytes(text: str) -> bytes:
    """UTF-8 with CRLF, without the last line's end; a lone CR stays what it is."""
    if "\0" in text:
        raise Unsupported("sieve-character", character="U+0000")
    try:
        return text.replace("\r\n", "\n").replace("\n", "\r\n").removesuffix("\r\n").encode()
    except UnicodeEncodeError as error:
        raise Unsupported("sieve-character", character=f"U+{ord(text[error.start]):04X}") from error


def _base64(content: bytes) -> list[str]:
    text = base64.b64encode(content).decode()
    return [text[start : start + _LINE] for start in range(0, len(text), _LINE)]


def _quoted_printable(content: bytes) -> list[str]:
    lines: list[str] = []
    for line in content.split(b"\r\n"):
        lines += _folded([_quoted(byte) for byte in line])
    return lines


def _quoted(byte: int) -> str:
    return chr(byte) if byte in _PLAIN or byte == 0x20 else f"={byte:02X}"


def _folded(signs: list[str]) -> list[str]:
    """One line of text as lines of at most 76 characters, the last without a soft break."""
    if signs and signs[-1] == " ":
        signs[-1] = "=20"  # RFC 2045 6.7 (3)
    lines, line = [], ""
    for sign in signs:
        # A lone dot and "From " at a line's start have a meaning to mail programs (RFC 5321 4.5.2, RFC 4155).
        safe = f"={ord(sign):02X}" if not line and sign in (".", "F") else sign
        if len(line) + len(safe) > _LINE - 1:
            lines.append(f"{line}=")
            line = ""
            safe = f"={ord(sign):02X}" if sign in (".", "F") else sign
        line += safe
    return [*lines, line]
