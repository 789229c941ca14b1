"""The words of a letter: a template filled with values, in one pass, so that no value is ever read as a template. Pure.

templates/<event>/<language>.txt: the first line is the subject, the rest the text; <event>.sms for text messages.
- A paragraph that names a value which is empty is left out.
- A placeholder that stands alone on its line, after nothing or after "| ", takes all lines of its value, each behind the
  same beginning: what people wrote is seen to be quoted. Anywhere else a value is put on one line.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

from locum.absence import Channel
from locum.errors import Rejected
from locum.letter import Letter
from locum.messages import LANGUAGES, catalogue
from locum.phrases import legible, one_line

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_ALONE = re.compile(r"^(\s*(?:\| )?)\{([a-z_]+)\}$")
_EVENT = re.compile(r"[a-z]+(-[a-z]+)*(\.sms)?")
_SUBJECT_CHARACTERS = 150
_SMS_VALUE_CHARACTERS = 40
"""So that a text message stays within two parts, whatever the names. Addresses and links are never cut."""
_NEVER_CUT = frozenset({"link", "requester_address", "reply_address"})


def fill(letter: Letter, organisation: str, from_address: str) -> tuple[str, str]:
    """Subject and text. An answer reaches the letter's named person, or else the organisation at `from_address`.

    Raises Rejected: `letter-unknown`, `letter-incomplete`.
    """
    is_sms = letter.channel is Channel.MOBILE
    language = letter.language if letter.language in LANGUAGES else "en"
    subject, body = _template(f"{letter.event}.sms" if is_sms else letter.event, language)
    values = {
        "organisation": organisation,
        **letter.values,
        "reply_name": letter.reply_name or organisation,
        "reply_address": letter.reply_address or from_address,
    }
    if is_sms:
        values = {name: _short(name, value) for name, value in values.items()}
    else:
        body = f"{body}\n\n-- \n{catalogue(language, 'letters')['footer']}"
    value_of = _values(letter.event, values)
    filled = one_line(_inline(subject, value_of), _SUBJECT_CHARACTERS)
    paragraphs = [_paragraph(text, value_of) for text in body.split("\n\n")]
    return filled, "\n\n".join(text for text in paragraphs if text) + ("" if is_sms else "\n")


@cache
def _template(event: str, language: str) -> tuple[str, str]:
    place = files(__name__.rpartition(".")[0]).joinpath("templates", event, f"{language}.txt")
    if _EVENT.fullmatch(event) is None or not place.is_file():
        raise Rejected("letter-unknown", event=event, language=language)
    subject, _, body = place.read_text("utf-8").partition("\n")
    return subject, body.strip()


def _short(name: str, value: str) -> str:
    return one_line(value, None if name in _NEVER_CUT else _SMS_VALUE_CHARACTERS)


def _values(event: str, values: Mapping[str, str]) -> Callable[[str], str]:
    def value_of(name: str) -> str:
        if name not in values:
            raise Rejected("letter-incomplete", event=event, value=name)
        return legible(values[name])

    return value_of


def _inline(text: str, value_of: Callable[[str], str]) -> str:
    return _PLACEHOLDER.sub(lambda found: one_line(value_of(found[1])), text)


def _paragraph(text: str, value_of: Callable[[str], str]) -> str:
    if any(not value_of(name).strip() for name in _PLACEHOLDER.findall(text)):
        return ""
    return "\n".join(_line(line, value_of) for line in text.split("\n"))


def _line(line: str, value_of: Callable[[str], str]) -> str:
    alone = _ALONE.match(line)
    if alone is None:
        return _inline(line, value_of)
    beginning, value = alone[1], value_of(alone[2]).strip("\n")
    return "\n".join(f"{beginning}{each}".rstrip() for each in value.split("\n"))
