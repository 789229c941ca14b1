"""A whole message judged once more, right before it is shown to anybody: what it holds, and what was forwarded in it. Pure.

Before it is counted a message is judged by its headers, and by what the mail system finds in it. Here its own bytes are read: messages
in messages, mail that is encrypted inside, forwarded mail as people write it. A customer who passes on a word of the company doctor's
passes on what no search may open.
"""

import re
from collections.abc import Iterator
from typing import Final

from locum.narrowing.excluding import excluded
from locum.narrowing.headers import Doubt, read_headers
from locum.narrowing.marking import is_tagged, sensitivity_of
from locum.query import Exclusions
from locum.rendering.markup import TooMuch, sanitised, text_of
from locum.rendering.parts import Leaf, Unshown, bytes_in, leaves, name_of, opened

_DEEPEST: Final = 8
_MESSAGES: Final = frozenset({"message/rfc822", "message/global", "message/news"})
_MAIL_FILES: Final = (".eml", ".msg", ".mbox", ".pst", "winmail.dat")
_MAIL_TYPES: Final = frozenset({"application/ms-tnef", "application/vnd.ms-outlook", "application/mbox"})
_SUBJECTS: Final = frozenset({"subject", "onderwerp", "betreff", "objet"})
_SENSITIVITIES: Final = frozenset({"sensitivity", "gevoeligheid", "vertraulichkeit"})
_PRIVATE_EVENT = re.compile(
    rb"^CLASS[^:\r\n]*:\s*(?:PRIVATE|CONFIDENTIAL)", re.IGNORECASE | re.MULTILINE
)  # RFC 5545 section 3.8.1.3
_LONGEST_LINE: Final = 1000
_AROUND: Final = " \t>|*_\u00a0"
"""What stands around the name of a header where people forward: quoting, stars for bold."""


def excluded_within(content: bytes, exclusions: Exclusions) -> str | None:
    """The kind for which a message is left out because of what is in it, or in its headers; None where nothing speaks against it."""
    return _of_message(content, exclusions, 0)


def _of_message(content: bytes, exclusions: Exclusions, depth: int) -> str | None:
    if depth > _DEEPEST:
        return "doubt"
    try:
        kind = excluded(read_headers(_head_of(content)), (), exclusions)
        found = leaves(opened(content)) if kind is None else []
    except Doubt:
        return "doubt"
    except Unshown as error:
        return "encrypted" if str(error) == "encrypted" else "doubt"
    return kind or next(filter(None, (_of_leaf(leaf, exclusions, depth) for leaf in found)), None)


def _head_of(content: bytes) -> bytes:
    end = re.search(rb"\r?\n\r?\n", content)
    return content[: end.end()] if end else content


def _of_leaf(leaf: Leaf, exclusions: Exclusions, depth: int) -> str | None:
    if leaf.is_text:
        return next(filter(None, (_of_text(text, exclusions) for text in _texts(leaf))), None)
    kind = leaf.part.get_content_type()
    if kind == "text/calendar" and _PRIVATE_EVENT.search(bytes_in(leaf.part)):
        return "sensitivity"
    if kind in _MESSAGES:
        return _of_message(bytes_in(leaf.part), exclusions, depth + 1)
    return "doubt" if kind in _MAIL_TYPES or name_of(leaf.part).lower().rstrip().endswith(_MAIL_FILES) else None


def _texts(leaf: Leaf) -> Iterator[str]:
    """What is written in it: as text, as it stands in HTML (addresses that links lead to as well), and as HTML reads."""
    if leaf.plain is not None:
        yield leaf.plain
    if leaf.html is not None:
        yield leaf.html
        try:
            yield text_of(sanitised(leaf.html))
        except TooMuch:
            return


def _of_text(text: str, exclusions: Exclusions) -> str | None:
    small = text.lower()
    for kind, named in (
        ("correspondent", exclusions.correspondents),
        ("own-letter", exclusions.own),
        ("protected", exclusions.protections.senders),
    ):
        if any(one.lower().removeprefix("@") in small for one in named):
            return kind
    return next(filter(None, (_of_line(line[:_LONGEST_LINE], exclusions) for line in text.splitlines())), None)


def _of_line(line: str, exclusions: Exclusions) -> str | None:
    """Of a line that may be a header of a message that was forwarded as text."""
    name, colon, value = line.partition(":")
    name = name.strip(_AROUND).lower() if colon else ""
    if name in _SUBJECTS and is_tagged(value.strip(_AROUND), exclusions.subject_tags):
        return "subject"
    named = {sensitivity_of(one) for one in exclusions.sensitivities}
    return "sensitivity" if name in _SENSITIVITIES and sensitivity_of(value) in named else None
