"""What is asked of an IMAP server, as parts of a SEARCH command: words of people in a form in which they are only words. Pure.

A server compares more loosely than we do (days of its own zone, parts of addresses); what it finds is judged here once more, so a term
may find too much and never too little. Not a connector: imap.py is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from locum.query import Query, WordsIn

_MONTHS: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_LONGEST_QUOTED: Final = 500


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is sent as a literal, whatever is in it."""

    value: bytes = field(repr=False)


Part: TypeAlias = bytes | Literal


def text(value: str) -> Part:
    """A word or an address of somebody's: quoted where it is plain, a literal where it is not. NUL cannot be asked for."""
    raw = value.encode("utf-8", "replace")
    if len(raw) < _LONGEST_QUOTED and all(0x20 <= octet < 0x7F for octet in raw):
        return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return Literal(raw.replace(b"\0", b""))


def day(value: datetime) -> bytes:
    """A date as SEARCH has it."""
    return f"{value.day}-{_MONTHS[value.month - 1]}-{value.year:04}".encode()


def criteria(query: Query, *, words: bool = True) -> list[Part]:
    """The question in the server's terms. A server counts days in a zone of its own, so each end is a day wider. `words` False: in
    US-ASCII, for a server that knows nothing else; the words, and senders that cannot be said in it, are compared here then.
    """
    asked: list[Part] = []
    if query.since is not None:
        asked += [b"SINCE", day(query.since.astimezone(UTC) - timedelta(days=1))]
    if query.before is not None:
        asked += [b"BEFORE", day(query.before.astimezone(UTC) + timedelta(days=2))]
    if words or all(one.isascii() for one in query.senders):
        asked += either([(b"FROM", _sender(one)) for one in query.senders])
    where = b"SUBJECT" if query.words_in is WordsIn.SUBJECT else b"TEXT"
    for word in query.words if words else ():
        asked += [where, text(word)]
    return asked or [b"ALL"]


def _sender(sender: str) -> Part:
    """A domain is looked for without its @, since those below it count too."""
    return text(sender.removeprefix("@") if "@" not in sender[1:] else sender)


def either(terms: Sequence[tuple[bytes, Part]]) -> list[Part]:
    """Any of these: IMAP's OR takes two, so they nest in halves, and not deeper than need be."""
    if not terms:
        return []
    if len(terms) == 1:
        return list(terms[0])
    half = len(terms) // 2
    return [b"OR", *either(terms[:half]), *either(terms[half:])]


def any_message_id(ids: Iterable[str]) -> list[Part]:
    """Messages with one of these ids."""
    return either([(b"HEADER Message-ID", text(one)) for one in ids])


def these(uids: Sequence[int]) -> bytes:
    """Only these messages."""
    return b"UID " + b",".join(b"%d" % uid for uid in uids)
