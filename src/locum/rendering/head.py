"""The headers of a message as they are shown: who, to whom, when, about what. Nothing here raises. Pure.

Names are other people's words: they can claim to be anybody, so an address always stands beside them.
"""

from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from locum.charsets import decode_somehow
from locum.phrases import one_line
from locum.rendering.parts import BROKEN

_LONGEST: Final = 20_000
_LONGEST_SUBJECT: Final = 1000
_LONGEST_PERSON: Final = 300
_MOST_PEOPLE: Final = 200


def people(message: Message, name: str) -> tuple[str, ...]:
    """Everybody in the headers of this name; an ellipsis stands for whoever is too many."""
    try:
        found = getaddresses([_whole(text) for text in _texts(message, name)])
    except BROKEN:
        return tuple(one_line(decoded(text), _LONGEST_PERSON) for text in _texts(message, name))
    shown = tuple(_person(called, address) for called, address in found[:_MOST_PEOPLE] if called or address)
    return (*shown, "…") if len(found) > _MOST_PEOPLE else shown


def _person(called: str, address: str) -> str:
    called = one_line(decoded(called), _LONGEST_PERSON).replace("<", "‹").replace(">", "›")
    address = one_line(decoded(address), _LONGEST_PERSON)
    return f"{called} <{address}>" if called and address else called or address


def subject(message: Message) -> str:
    """The subject, on one line."""
    return one_line(decoded(next(iter(_texts(message, "subject")), "")), _LONGEST_SUBJECT)


def written_at(message: Message) -> datetime | None:
    """When it was written, as it says."""
    try:
        found = parsedate_to_datetime(next(iter(_texts(message, "date")), ""))
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except BROKEN:
        return None


def decoded(text: str) -> str:
    """The text with its encoded words (RFC 2047) read, as far as they can be."""
    try:
        parts = decode_header(text)
    except BROKEN:
        return text
    return "".join(
        part if isinstance(part, str) else decode_somehow(part, charset or "utf-8") for part, charset in parts
    )


def _whole(text: str) -> str:
    """Cut between two addresses where it is longer than is read."""
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(",")[0]


def _texts(message: Message, name: str) -> list[str]:
    """Every such header on one line. Raw bytes above ASCII are read as what they seem to be."""
    found = [str(value) for key, value in message.raw_items() if key.lower() == name]
    return [
        " ".join(decode_somehow(one[: _LONGEST * 4].encode("utf-8", "surrogateescape"), "utf-8").split())
        for one in found
    ]
