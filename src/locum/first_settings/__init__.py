"""The first settings file, from a few answers: Answers, System, compose. Pure.

The text is put together from pieces beside this file, one for the head and one for each kind of connector, in two languages.
In a piece `$name` is a value that was answered, written as TOML writes a text; comments say what each line is for.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

_LANGUAGES = ("nl", "en")
_COMMENTS = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One mail system: its `kind`, a `name` in the settings, the patterns of the mailboxes it serves, and where it is."""

    kind: str
    name: str
    mailboxes: tuple[str, ...]
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was asked. `data` is the folder for the database and the keys, `url` the address of the pages as people type it."""

    organisation: str
    domains: tuple[str, ...]
    language: str
    relay: str
    url: str
    data: str
    systems: tuple[System, ...]


def kinds() -> tuple[str, ...]:
    """The kinds of mail systems for which there is a piece."""
    there = files(__name__).joinpath(_LANGUAGES[0])
    return tuple(sorted(one.name.removesuffix(".toml") for one in there.iterdir() if not one.name.startswith("_")))


def compose(answers: Answers) -> str:
    """The settings file. Raises KeyError for a kind that has no piece."""
    head = _piece(answers.language, "_head").substitute(
        organisation=_text(answers.organisation),
        domains=_texts(answers.domains),
        language=_text(answers.language),
        relay=_text(answers.relay),
        sender=_text(f"locum@{answers.domains[0]}"),
        url=_text(answers.url),
        store=_text(f"sqlite:///{answers.data}/locum.db"),
        record=_text(f"{answers.data}/record.key"),
    )
    return _aligned(head + "".join(_system(answers.language, one) for one in answers.systems))


def _system(language: str, system: System) -> str:
    return "\n" + _piece(language, system.kind).substitute(
        name=system.name,
        mailboxes=_texts(system.mailboxes),
        host=_text(system.host),
        port=str(system.port),
        https=_text(f"https://{system.host}" + ("" if system.port in (0, 443) else f":{system.port}")),
    )


def _piece(language: str, name: str) -> Template:
    place = files(__name__).joinpath(language if language in _LANGUAGES else "en", f"{name}.toml")
    if not place.is_file():
        raise KeyError(name)
    return Template(place.read_text("utf-8"))


def _aligned(text: str) -> str:
    """The comments behind values under each other, as far as the values are short. In a piece they are the last `  # ` of a line."""
    lines = []
    for line in text.split("\n"):
        value, there, comment = line.rpartition("  # ")
        lines.append(f"{value:<{_COMMENTS}}  # {comment}" if there and not value.startswith("#") else line)
    return "\n".join(lines)


def _text(value: str) -> str:
    """A basic string of TOML 1.0: JSON's escapes are TOML's too, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"
