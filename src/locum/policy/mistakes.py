"""A mistake in the policy's file, as people can find it: the line, the key, the clause, and what is wrong with it. Pure.

The sentences are in messages/<lang>/policy.toml, under `mistake.`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from locum.messages import say
from locum.phrases import one_line
from locum.policy.keys import KEYS, clause_of

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """`name` is the key as it is written, `key` that of the sentence; `line` None where it stands on none."""

    name: str
    line: int | None
    clause: int | None
    key: str
    values: Mapping[str, str] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """What is wrong, without where."""
        return say(language, f"policy.mistake.{self.key}", name=self.name, **self.values)


class Lines:
    """Where the keys of a file stand."""

    def __init__(self, text: str) -> None:
        """Read the lines once; a key inside a text of several lines may be taken for one."""
        self._places = list(_places(text))

    def of(self, path: Sequence[str]) -> int | None:
        """The line of a key, or of the nearest table above it."""
        best: tuple[int, int] | None = None
        for here, number in self._places:
            if list(path[: len(here)]) == here and (best is None or len(here) > best[0]):
                best = (len(here), number)
        return best[1] if best else None

    def mistake(self, name: str, key: str, *, at: str = "", clause: int | None = None, **values: object) -> Mistake:
        """A mistake in the key `name`, found on its line or on that of `at`."""
        line = self.of((at or name).split("."))
        said = {word: one_line(str(value), 400) for word, value in values.items()}
        return Mistake(name, line, clause_of(name) if clause is None else clause, key, said)


def _places(text: str) -> Iterator[tuple[list[str], int]]:
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if (header := re.match(r"\s*\[+([^\]]+)\]", line)) is not None:
            table = _names(header[1])
            yield table, number
        elif (key := re.match(r"\s*([A-Za-z0-9_\"'. -]+?)\s*=", line)) is not None:
            yield [*table, *_names(key[1])], number


def _names(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


_SAID = {
    "extra_forbidden": "unknown-key",
    "greater_than_equal": "at-least",
    "less_than_equal": "at-most",
    "too_short": "empty-list",
    "string_too_long": "too-long",
    "string_pattern_mismatch": "bad-name",
    "literal_error": "not-one-of",
    "finite_number": "no-number",
}
_KINDS = {
    "int": "no-whole-number", "float": "no-number", "bool": "no-yes-or-no", "string": "no-text", "list": "no-list",
    "dict": "no-table", "model": "no-table", "date": "no-date",
}  # fmt: skip
_CHECKED = {"one line of text": "no-line", "text": "no-text", "an address, or a domain": "no-correspondent"}


def mistakes_in(error: ValidationError, lines: Lines) -> list[Mistake]:
    """All that pydantic found, said in our own words, once for each key."""
    found = {path: one for one in reversed(error.errors()) if (path := _path(one))}
    return [_mistake(".".join(path), one, lines) for path, one in reversed(found.items())]


def paths_of(error: ValidationError) -> list[Path]:
    """The keys that it is about."""
    return [_path(one) for one in error.errors()]


def _path(one: ErrorDetails) -> Path:
    names = tuple(str(part) for part in one["loc"] if isinstance(part, str) and part != "[key]")
    if one["type"] == "value_error" and names == ("regulation",):
        return ("regulation", "works_council_on")
    return names


def _mistake(name: str, one: ErrorDetails, lines: Lines) -> Mistake:
    kind, limits = one["type"], one.get("ctx", {})
    value = one_line(shown(one["input"]), 60)
    if kind == "extra_forbidden":
        return _unknown(name, lines)
    if kind == "value_error":
        key = _CHECKED.get(str(limits.get("error", "")), "council-none")
    elif name == "forward.receivers":
        key = "receivers-outside"
    else:
        key = _SAID.get(kind) or _KINDS.get(kind.split("_", maxsplit=1)[0], "no-value")
    limit = shown(limits.get("ge", limits.get("le", limits.get("max_length", ""))))
    expected = str(limits.get("expected", "")).replace(" or ", ", ").replace("'", '"')
    return lines.mistake(name, key, value=value, limit=limit, expected=expected)


def shown(value: object) -> str:
    """A value as the file would have it, bare."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "[]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unknown(name: str, lines: Lines) -> Mistake:
    above, _, last = name.rpartition(".")
    start = f"{above}." if above else ""
    known = sorted({path[len(start) :].split(".")[0] for path in KEYS if path.startswith(start)})
    close = get_close_matches(last, known, n=1, cutoff=0.5)
    clause = clause_of(f"{start}{close[0]}") if close else clause_of(above)
    key = "unknown-key-close" if close else "unknown-key" if known else "unknown-table"
    return lines.mistake(name, key, clause=clause, close="".join(close), known=", ".join(known))
