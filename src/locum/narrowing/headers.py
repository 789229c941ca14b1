"""A message's headers as they are judged: Headers, read from the bytes that a mail system hands over. Pure.

Addresses are read twice: as RFC 5322 says, and as anything that looks like one, so that no odd quoting hides a correspondent.
Whatever cannot be read raises Doubt, and what is doubted is left out (clause 11).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, MessageError
from email.errors import MissingHeaderBodySeparatorDefect as NoSeparatorDefect
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from locum.charsets import decode, decode_somehow

LONGEST: Final = 262_144
"""Headers that are longer than this, in bytes, are doubted."""

_LOOKS_LIKE = re.compile(r"[^\s<>()\[\],;:\"'\\@=]{1,64}@[^\s<>()\[\],;:\"'\\@]{1,255}")
_LONGEST_DOMAIN: Final = 253
_MISREAD = re.compile(rb"\r(?!\n)|\0")
_STILL_ENCODED = re.compile(r"=\?[\w*.:-]{1,40}\?[bBqQ]\?")
_BROKEN = (FirstHeaderLineIsContinuationDefect, InvalidHeaderDefect, NoSeparatorDefect)
_IDS = re.compile(r"<[^<>\s]{1,998}>")
_ONCE = ("from", "subject", "date", "message-id", "content-type")
_IDENTIFIERS = frozenset({"references", "in-reply-to", "content-id", "x-forwarded-message-id"})
_ADDRESSED = frozenset(
    {
        *(
            "from",
            "sender",
            "reply-to",
            "to",
            "cc",
            "bcc",
            "return-path",
            "delivered-to",
            "x-original-to",
            "mail-followup-to",
        ),
        *("resent-from", "resent-sender", "resent-reply-to", "resent-to", "resent-cc", "resent-bcc", "x-original-from"),
    }
)
_LABELS = ("keywords", "x-keywords", "x-label", "x-gmail-labels", "x-mozilla-keys", "categories", "x-categories")
_ATOM = re.compile(r'"([\w.!#$%&*/=?^`{|}~+-]+)"')


class Doubt(ValueError):
    """These headers cannot be read for certain."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Headers:
    """`from_` are the addresses of the sender as written, lower-case; `correspondents` everybody on either side, in every header that may
    name somebody (lists and relays too), in the forms in which somebody may be named. `subject` is decoded. `at` is when it was written
    (aware UTC). `references` are the ids it answers, `sensitivities` and `labels` values as they stand, `kind` the content type.
    `is_protected`: it is encrypted in a way that the content type does not tell. Nothing of it shows in a `repr`.
    """

    from_: tuple[str, ...]
    name: str
    correspondents: frozenset[str]
    subject: str
    at: datetime
    message_id: str
    references: tuple[str, ...]
    sensitivities: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kind: str = "text/plain"
    is_protected: bool = False

    @property
    def answered(self) -> tuple[str, ...]:
        """The ids that it answers, as addresses: what stands after the @ is where that mail was written."""
        return tuple(one.strip("<>").lower() for one in self.references)


def read_headers(raw: bytes) -> Headers:
    """The headers of one message. Raises Doubt."""
    if len(raw) > LONGEST:
        raise Doubt("headers-too-long")
    # A lone carriage return ends a line for some programs and not for others.
    if _MISREAD.search(raw):
        raise Doubt("headers-broken")
    try:
        return _read(BytesHeaderParser().parsebytes(raw))
    except Doubt:
        raise
    except (
        ValueError,
        TypeError,
        LookupError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
        MessageError,
    ) as error:
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
        correspondents=_correspondents(message),
        subject=_decoded(_first(message, "subject")),
        at=_instant(_first(message, "date")),
        message_id=ids[0] if ids else "",
        references=tuple(
            dict.fromkeys(_IDS.findall(" ".join((*_texts(message, "references"), *_texts(message, "in-reply-to")))))
        ),
        sensitivities=tuple(_decoded(one) for one in _texts(message, "sensitivity")),
        labels=_labels(message),
        kind=message.get_content_type(),
        is_protected=_is_protected(message),
    )


def _labels(message: Message) -> tuple[str, ...]:
    """Categories and keywords, and the names of sensitivity labels as Microsoft's programs write them beside their numbers."""
    said = [label for name in _LABELS for one in _texts(message, name) for label in _decoded(one).split(",")]
    said += [
        value
        for one in _texts(message, "msip_labels")
        for key, _, value in (part.partition("=") for part in one.split(";"))
        if key.strip().endswith("_Name")
    ]
    return tuple(label.strip() for label in said if label.strip())


def _is_protected(message: Message) -> bool:
    named = f"{_first(message, 'content-type')} {_first(message, 'content-disposition')}".lower()
    return "rpmsg" in _first(message, "content-class").lower() or ".p7m" in named or "enveloped-data" in named


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
    """The text with its encoded words (RFC 2047) read. A word in an unknown character set, or cut off, is a doubt."""
    parts = []
    for part, charset in decode_header(text):
        if isinstance(part, str):
            parts.append(part)
            continue
        try:
            parts.append(decode(part, (charset or "ascii").partition("*")[0]))
        except (LookupError, UnicodeDecodeError) as error:
            raise Doubt("subject-unreadable") from error
    whole = "".join(parts)
    if _STILL_ENCODED.search(whole):
        raise Doubt("subject-unreadable")
    return whole


def _correspondents(message: Message) -> frozenset[str]:
    found: set[str] = set()
    for name, value in message.raw_items():
        key = name.lower()
        if key in _IDENTIFIERS or ("@" not in value and "=?" not in value and key != "list-id"):
            continue
        text = " ".join(_text(str(value)).split())
        for said in {text, _as_far_as_read(text)}:
            if key in _ADDRESSED:
                found |= {address for _, address in getaddresses([said]) if "@" in address}
            found |= set(_LOOKS_LIKE.findall(said))
        if key == "list-id":
            found |= {f"list@{one}" for one in re.findall(r"<([^<>\s@]+)>", text)}
    return frozenset(form for one in found for form in _forms(one.lower().strip(".")))


def _as_far_as_read(text: str) -> str:
    if "=?" not in text:
        return text
    try:
        return "".join(
            part if isinstance(part, str) else decode_somehow(part, charset or "utf-8")
            for part, charset in decode_header(text)
        )
    except (ValueError, MessageError):
        return text


def _forms(address: str) -> Iterator[str]:
    """An address as it stands, and as it may be named: without quotes that say nothing, without what follows a plus, its domain in ASCII."""
    local, _, domain = address.rpartition("@")
    if quoted := _ATOM.fullmatch(local):
        local = quoted[1]
    try:
        domains = {
            domain,
            domain if domain.isascii() or len(domain) > _LONGEST_DOMAIN else domain.encode("idna").decode(),
        }
    except UnicodeError:
        domains = {domain}
    for one in domains:
        yield f"{local}@{one}"
        if "+" in local[1:]:
            yield f"{local.partition('+')[0]}@{one}"


def _instant(text: str) -> datetime:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError) as error:
        raise Doubt("no-date") from error
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
