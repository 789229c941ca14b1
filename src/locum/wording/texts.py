"""Templates with placeholders, and the form every text must have before it is filed. Pure.

Templates are messages (messages/<lang>/templates.toml, in four languages); free text is literal, braces and all. What a
text may say is the linter's matter.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter

from locum.entry import bad_character
from locum.errors import Invalid
from locum.wording.kinds import LANGUAGES

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


def from_template(name: str, language: str, values: Mapping[str, str]) -> tuple[str, str, str]:
    """Subject, internal and external text of template `name`; languages that have none read English.

    `values` are name, organisation and until; `contact`, whom to write to instead, is the organisation where it is not
    given. A paragraph that names `closes_on`, the day on which the mailbox closes, is left out where there is none.
    Raises Invalid `no-such-template`.
    """
    parts = _templates(language if language in LANGUAGES else "en").get(name)
    if parts is None:
        raise Invalid("no-such-template", template=name[:40])
    filled = {"contact": values.get("organisation", ""), "closes_on": "", **values}
    subject, internal, external = (_filled(parts[part], filled) for part in ("subject", "internal", "external"))
    return subject, f"{internal}\n", f"{external}\n"


def _filled(text: str, values: Mapping[str, str]) -> str:
    paragraphs = text.strip().split("\n\n")
    kept = [one for one in paragraphs if values["closes_on"] or "{closes_on}" not in one]
    return Formatter().vformat("\n\n".join(kept), (), values)


def template_for(reason: str) -> str:
    """The template made for a reason of clause 1, "standard" where there is none."""
    return reason if reason in _templates("en") else "standard"


def template_names() -> tuple[str, ...]:
    """All templates, the same in every language."""
    return tuple(_templates("en"))


@cache
def _templates(language: str) -> Mapping[str, Mapping[str, str]]:
    text = files("locum").joinpath("messages", language, "templates.toml").read_text("utf-8")
    return tomllib.loads(text)
