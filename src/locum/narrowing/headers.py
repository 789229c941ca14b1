"""A message's headers as they are judged: Headers, read from the bytes that a mail system hands over. Pure.

Addresses are read twice: as RFC 5322 says, and as anything that looks like one, so that no odd quoting hides a correspondent.
Whatever cannot be read raises Doubt, and what is doubted is left out (clause 11).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MessageError
from email.errors import MissingHeaderBodySeparatorDefect as NoSeparatorDefect
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

LONGEST: Final = 262_144
"""Headers that are longer than this, in bytes, are doubted."""

_LOOKS_LIKE = re.compile(r"[^\s<>()\[\],;:\"'\\]+@[^\s<>()\[\],;:\"'\\]+")
_BROKEN = (FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, NoSeparatorDefect)
_IDS = re.compile(r"<[^<>\s]{1,998}>")
_ONCE = ("from", "subject", "date", "message-id", "content-type")
_SENDERS = ("from", "sender", "reply-to", "return-path", "resent-from", "resent-sender", "list-id", "list-post")
_RECEIVERS = ("to", "cc", "bcc", "resent-to", "resent-cc", "delivered-to", "x-original-to")


class Doubt(ValueError):
    """These headers cannot be read for certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """`from_` are the addresses of the sender, `senders` everybody it may come from (lists too), `receivers` to whom it went; all
    lower-case. `subject` is decoded. `at` is when it was written (aware UTC). `references` are the ids it answers.
    `sensitivities` and `labels` are values as they stand, `kind` the content type with its parameters.
    """

    from_: tuple[str, ...]
    name: str
    senders: frozenset[str]
    receivers: frozenset[str]
    subject: str
    at: datetime
    message_id: str
    references: tuple[str, ...]
    sensitivities: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kind: str = "text/plain"
    parameters: str = ""
    is_protected: bool = False

    @property
    def correspondents(self) -> frozenset[str]:
        """Everybody on either side."""
        return self.senders | self.receivers


def read_headers(raw: bytes) -> Headers:
    """The headers of one message. Raises Doubt."""
    if len(raw) > LONGEST:
        raise Doubt("headers-too-long")
    try:
        return _read(BytesHeaderParser().parsebytes(raw))
    except Doubt:
        raise
    except (ValueError, TypeError, LookupError, IndexError, AttributeError, OverflowError, MessageError) as error:
        raise Doubt("headers-unreadable") from error


def _read(message: Message) -> Headers:
    if any(isinstance(one, _BROKEN) for one in message.defects):
        raise Doubt("headers-broken")
    for name in _ONCE:
        if len(_texts(message, name)) > 1:
            raise Doubt("headers-twice")
    written = getaddresses(_texts(message, "from"))
    from_ = tuple(address.lower() for _, address in written if "@" in address)
    if not from_:
        raise Doubt("no-sender")
    ids = _IDS.findall(_first(message, "message-id"))
    return Headers(
        from_=from_,
        name=_decoded(written[0][0]),
        senders=_addresses(message, *_SENDERS),
        receivers=_addresses(message, *_RECEIVERS),
        subject=_decoded(_first(message, "subject")),
        at=_instant(_first(message, "date")),
        message_id=ids[0] if ids else "",
        references=tuple(
            dict.fromkeys(_IDS.findall(" ".join((*_texts(message, "references"), *_texts(message, "in-reply-to")))))
        ),
        sensitivities=tuple(_decoded(one) for one in _texts(message, "sensitivity")),
        labels=tuple(
            label.strip()
            for name in ("keywords", "x-keywords", "x-label", "x-gmail-labels")
            for one in _texts(message, name)
            for label in _decoded(one).split(",")
            if label.strip()
        ),
        kind=message.get_content_type(),
        parameters=_first(message, "content-type").lower(),
        is_protected="rpmsg" in _first(message, "content-class").lower(),
    )


def _texts(message: Message, name: str) -> list[str]:
    """Every such header as text, on one line. Raw bytes above ASCII are read as UTF-8, or else as Latin-1."""
    return [" ".join(_text(str(value)).split()) for key, value in message.raw_items() if key.lower() == name]


def _text(value: str) -> str:
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _first(message: Message, name: str) -> str:
    return next(iter(_texts(message, name)), "")


def _decoded(text: str) -> str:
    """The text with its encoded words (RFC 2047) read; one in an unknown charset is no doubt of ours, but a word that is not known."""
    parts = []
    for part, charset in decode_header(text):
        if isinstance(part, str):
            parts.append(part)
            continue
        try:
            parts.append(part.decode(charset or "ascii"))
        except (LookupError, UnicodeDecodeError) as error:
            raise Doubt("subject-unreadable") from error
    return "".join(parts)


def _addresses(message: Message, *names: str) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        texts = _texts(message, name)
        found |= {address.lower() for _, address in getaddresses(texts) if "@" in address}
        for text in texts:
            found |= {one.lower().strip(".") for one in _LOOKS_LIKE.findall(text)}
            if name == "list-id":
                found |= {f"list@{one.lower().strip('<>')}" for one in re.findall(r"<[^<>\s@]+>", text)}
    return frozenset(found)


def _instant(text: str) -> datetime:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError) as error:
        raise Doubt("no-date") from error
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
