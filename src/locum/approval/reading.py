"""A request in words: "this is exactly what will happen", as whoever signs is shown it, and as the gate makes it again. Pure.

From the canonical request alone, so that the same request and decision always give the same text: no clock, no names of people
who may be renamed, instants in UTC. Every field that says anything is in it. What people wrote stands on lines that begin with a bar, and no line
of ours does: no text can look like another line of the page.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from locum.entry import Json, canonical
from locum.messages import say, says

_BAR: Final = "| "
_LISTED: Final = frozenset({"reason", "audience", "senders", "words_in"})
"""Fields whose value is one of a list, with words of its own under `reading.`."""
_FIRST: Final = ("mailbox", "person", "requester", "reason", "because")
_LAST: Final = ("policy", "connector", "nonce", "v")
_INSTANTS: Final = frozenset({"from_date", "to_date", "not_after", "since", "before"})


def text_of(request: Mapping[str, Json], decision: str, language: str) -> str:
    """What is shown to whoever makes this decision about this request, and whose hash she signs. Raises KeyError for a decision
    that is none.
    """
    lines = [say(language, f"reading.decision.{decision}"), ""]
    measures = request.get("measures")
    for one in measures if isinstance(measures, list) else [measures]:
        lines += [*_measure(one, language), ""]
    others = [name for name in request if name not in (*_FIRST, *_LAST, "measures")]
    for name in (*_FIRST, *sorted(others), *_LAST):
        if name in request:
            lines += _field(f"request.{name}", name, request[name], language)
    return "\n".join(lines) + "\n"


def _measure(value: Json, language: str) -> Iterator[str]:
    kind = value.get("measure") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or not says(language, f"reading.measure.{kind}"):
        yield from _field("measures", "measures", value, language)
        return
    yield say(language, f"reading.measure.{kind}")
    yield from _fields(kind, value, language)


def _fields(kind: str, value: Mapping[str, Json], language: str) -> Iterator[str]:
    """Every field, the known ones in their order; those of a table in it as lines of the same measure."""
    order = [name for name in _ORDER if name in value]
    for name in (*order, *sorted(name for name in value if name not in (*order, "measure"))):
        inner = value[name]
        if name == "query" and isinstance(inner, dict):
            yield from _fields(kind, inner, language)
        else:
            yield from _field(f"{kind}.{name}", name, inner, language)


_ORDER: Final = (
    "query",
    "words",
    "words_in",
    "since",
    "before",
    "deliver_to",
    "alternatives",
    "to",
    "senders",
    "from_date",
    "to_date",
    "audience",
    "subject",
    "text_body",
    "external_text",
    "html_body",
    "external_html",
)


def _field(path: str, name: str, value: Json, language: str) -> Iterator[str]:
    """A label, and below it the value behind a bar."""
    if value is None or value in ("", []):
        return
    key = f"reading.{path}"
    yield f"{say(language, key)}:" if says(language, key) else f"{_plain(name)}:"
    yield from (f"{_BAR}{line}" for line in _lines(name, value, language))


def _plain(name: str) -> str:
    """The name of a field for which we have no word."""
    return "".join(char for char in name if char.isascii() and (char.isalnum() or char == "_"))


def _lines(name: str, value: Json, language: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _text(name, value, language)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list) and all(isinstance(one, str) and "\n" not in one for one in value):
        yield from map(str, value)
    elif name == "alternatives" and isinstance(value, list):
        for one in value:
            yield _alternative(one, language)
    else:
        yield canonical({name: value}).decode()  # escapes newlines: one line


def _alternative(value: Json, language: str) -> str:
    match value:
        case {"what": str(what), "on": str(on), **rest} if not rest and says(language, f"reading.alternative.{what}"):
            return f"{say(language, f'reading.alternative.{what}')} ({what}): {on}"
    return canonical({"alternative": value}).decode()


def _text(name: str, value: str, language: str) -> Iterator[str]:
    if name in _LISTED and says(language, f"reading.{name}.{value}"):
        yield f"{say(language, f'reading.{name}.{value}')} ({value})"
    elif name in _INSTANTS:
        yield value.replace("T", " ").replace("Z", " UTC") if value.endswith("Z") else value
    else:
        yield from value.split("\n")
