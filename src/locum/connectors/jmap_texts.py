"""Texts as JMAP gets them: letters for letters, except what would not stay text in the filter script that Cyrus makes of it.

Cyrus up to 3.13.6 puts the subject into a quoted string of Sieve, the bodies between `text:` and a lone dot, and all of it into a
comment, each as it comes: what ends one of these would run. So nothing goes out that could end one, on any server. Quotes and
backslashes mean nothing between `text:` and the dot (RFC 5228 2.4.2), and stay there. What is changed, and what is refused, is told on
the page for administrators (docs/connectors/jmap.md).
"""

import re

from locum.errors import Unsupported

BACKSLASH = "\uff3c"
"""FULLWIDTH REVERSE SOLIDUS: looks like a backslash, and is none to Sieve."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_OPENS = re.compile(r'(^|[\s(\[{<\u2018\u201c-])"')


def subject(text: str, connector: str) -> str:
    """One line. Raises Unsupported `jmap-controls`."""
    if "\n" in text or "\t" in text:
        raise Unsupported("jmap-controls", connector=connector)
    plain = _checked(text, connector).replace("*/", "* /").replace("\\", BACKSLASH)
    quoted = _OPENS.sub("\\1\u201c", plain).replace('"', "\u201d")
    return quoted.replace("=?", "= ?")  # never taken for an encoded word (RFC 2047)


def body(text: str, connector: str) -> str:
    """Plain text; line ends become line feeds. Raises Unsupported `jmap-controls`."""
    lines = _checked(text, connector).replace("*/", "* /").split("\n")
    return "\n".join(f" {line}" if line.startswith(".") else line for line in lines)


def html(text: str, connector: str) -> str:
    """HTML, which can say the same by entities. Raises Unsupported `jmap-controls`."""
    lines = _checked(text, connector).replace("*/", "*&#47;").split("\n")
    return "\n".join(f"&#46;{line[1:]}" if line.startswith(".") else line for line in lines)


def _checked(text: str, connector: str) -> str:
    text = text.replace("\r\n", "\n")
    if _CONTROLS.search(text):
        raise Unsupported("jmap-controls", connector=connector)
    return text
