"""A message taken apart: which parts are its text, and which are attached to it. Never raises but Unshown. Pure.

A message inside a message is an attachment, and not looked into: it was sent by somebody else to somebody else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from itertools import islice
from typing import Final

from locum.charsets import decode_somehow

BROKEN: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    AssertionError,
    RecursionError,
    MessageError,
)
"""What Python's reader of mail may raise on mail that is broken enough."""

_MOST_EFFORT: Final = 20_000_000
_MOST_PARTS: Final = 500
_DEEPEST: Final = 30
_LONGEST_HEADER: Final = 10_000
_STRUCTURE: Final = ("content-type", "content-disposition", "content-transfer-encoding")
_ENCRYPTED: Final = frozenset(
    (
        *("multipart/encrypted", "application/pgp-encrypted", "application/x-microsoft-rpmsg-message"),
        *("application/pkcs7-mime", "application/x-pkcs7-mime"),
    )
)
_ENVELOPES: Final = (".p7m", ".rpmsg")
INLINE_PGP: Final = "-----BEGIN PGP MESSAGE-----"
"""How a text begins that is encrypted in the text itself."""


class Unshown(ValueError):
    """This message is not shown; the argument is the key of the trouble: `encrypted` or `unreadable`."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part: text to be shown (`plain` or `html`, as far as it is there), or something attached."""

    part: Message
    plain: str | None = None
    html: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether it is shown as part of the message."""
        return self.plain is not None or self.html is not None


def opened(content: bytes) -> Message:
    """The message, read. Raises Unshown."""
    # Python's reader asks every line of every boundary it is within.
    if content.lower().count(b"boundary") * (content.count(b"\n") + content.count(b"\r") + 1) > _MOST_EFFORT:
        raise Unshown("unreadable")
    try:
        return BytesParser().parsebytes(content)
    except BROKEN as error:
        raise Unshown("unreadable") from error


def leaves(message: Message) -> list[Leaf]:
    """Its parts, in order. Raises Unshown where it is encrypted, or a part of it is."""
    try:
        found = list(islice(_leaves(message, 0), _MOST_PARTS + 1))
    except Unshown:
        raise
    except BROKEN as error:
        raise Unshown("unreadable") from error
    if len(found) > _MOST_PARTS:
        raise Unshown("unreadable")
    if any(INLINE_PGP in f"{leaf.plain}{leaf.html}" for leaf in found):
        raise Unshown("encrypted")
    return found


def _leaves(part: Message, depth: int) -> Iterator[Leaf]:
    if depth > _DEEPEST or any(len(str(part.get(name, ""))) > _LONGEST_HEADER for name in _STRUCTURE):
        raise Unshown("unreadable")
    kind = part.get_content_type()
    if kind in _ENCRYPTED or name_of(part).lower().endswith(_ENVELOPES):
        raise Unshown("encrypted")
    if not part.is_multipart() or part.get_content_maintype() == "message":
        yield _leaf(part, kind)
    elif kind == "multipart/alternative":
        yield from _one_of(part, depth)
    else:
        for child in _children(part):
            yield from _leaves(child, depth + 1)


def _leaf(part: Message, kind: str) -> Leaf:
    if kind not in {"text/plain", "text/html"} or part.get_content_disposition() == "attachment" or name_of(part):
        return Leaf(part)
    text = text_in(part)
    return Leaf(part, plain=text) if kind == "text/plain" else Leaf(part, html=text)


def _one_of(part: Message, depth: int) -> Iterator[Leaf]:
    """The same thing said in several ways: one text of it, in plain and in HTML, and whatever else is there as attached."""
    found = [leaf for child in _children(part) for leaf in _leaves(child, depth + 1)]
    texts = [leaf for leaf in found if leaf.is_text]
    if texts:
        plain = next((leaf.plain for leaf in texts if leaf.plain is not None), None)
        yield Leaf(part, plain, next((leaf.html for leaf in texts if leaf.html is not None), None))
    yield from (leaf for leaf in found if not leaf.is_text)


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def name_of(part: Message) -> str:
    """The file name that it gives itself, as it stands; empty where it gives none. Raises one of BROKEN."""
    plain = Message()
    for key, value in part.raw_items():
        if key.lower() in _STRUCTURE:
            # Python's own reading of raw letters above ASCII in a header is a row of question marks.
            plain[key] = " ".join(decode_somehow(str(value).encode("utf-8", "surrogateescape"), "utf-8").split())
    return plain.get_filename() or ""


def text_in(part: Message) -> str:
    """The text of a part, in whatever character set it really is."""
    charset = part.get_param("charset", "us-ascii")
    if isinstance(charset, tuple):
        charset = charset[2]
    return decode_somehow(bytes_in(part), str(charset))


def bytes_in(part: Message) -> bytes:
    """What is in a part, decoded; of a message in a message: that message."""
    if part.is_multipart():
        return b"".join(child.as_bytes() for child in _children(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
