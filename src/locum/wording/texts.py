"""What an auto-reply says: templates with placeholders, and the form every text must have before it is filed. Pure.

Templates are messages (messages/<lang>/templates.toml); free text is literal, braces and all. The linter that objects
to illness, whereabouts and the like joins this file when it exists.
"""

import re
import unicodedata

from locum.entry import bad_character
from locum.errors import Invalid
from locum.messages import say, says

_NEWLINES = re.compile("\r\n|\r|\u2028|\u2029|\x85")


def normal(text: str, field: str) -> str:
    r"""`text` as it is filed: NFC, lines ended by \n. Raises Invalid `bad-character` for what may stand in no text:
    control characters, bidirectional marks, lone surrogates. `field` names the text in the error.
    """
    text = unicodedata.normalize("NFC", _NEWLINES.sub("\n", text))
    if (char := bad_character(text)) is not None:
        raise Invalid("bad-character", field=field, char=f"U+{ord(char):04X}", place=text.index(char) + 1)
    return text


def normal_line(text: str, field: str) -> str:
    """As `normal`, for a text of one line. Raises Invalid `more-than-one-line` as well."""
    text = normal(text, field).strip()
    if "\n" in text or "\t" in text:
        raise Invalid("more-than-one-line", field=field)
    return text


def from_template(name: str, language: str, values: dict[str, str]) -> tuple[str, str, str]:
    """Subject, internal and external text of template `name`. Raises Invalid `no-such-template`."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or not says(language, f"templates.{name}.subject"):
        raise Invalid("no-such-template", template=name[:40])
    subject, internal, external = (
        say(language, f"templates.{name}.{part}", **values) for part in ("subject", "internal", "external")
    )
    return subject.strip(), internal.strip() + "\n", external.strip() + "\n"
