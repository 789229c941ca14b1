"""The message catalogue: every sentence Locum says, by language and key.

messages/<lang>/<area>.toml; a key is the file's stem and the TOML path: `letters.ask.subject`. An area may have a folder of
its name as well, or instead, whose files are read as one with it: `errors.end-before-start.sentence`.
Placeholders are str.format names. A missing key is an error in every language, never an empty string.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter

LANGUAGES = ("nl", "en")


@cache
def catalogue(language: str, area: str) -> dict[str, str]:
    """All messages of one area, flattened to dotted keys. Unknown languages fall back to English."""
    language = language if language in LANGUAGES else "en"
    place = files(__name__).joinpath(language)
    folder, file = place.joinpath(area), place.joinpath(f"{area}.toml")
    sources = sorted(folder.iterdir(), key=str) if folder.is_dir() else []
    sources += [file] if file.is_file() or not sources else []
    return {k: v for source in sources for k, v in _flatten("", tomllib.loads(source.read_text("utf-8")))}


def _flatten(prefix: str, table: dict[str, object]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows += _flatten(f"{prefix}{key}.", value)
        else:
            rows.append((f"{prefix}{key}", str(value)))
    return rows


def say(language: str, key: str, /, **values: object) -> str:
    """The sentence for `area.path.to.key` in `language`, filled with `values`.

    Raises KeyError where the key or a placeholder's value is missing.
    """
    area, _, path = key.partition(".")
    return Formatter().vformat(catalogue(language, area)[path], (), {k: str(v) for k, v in values.items()})


def as_far_as_known(language: str, key: str, values: Mapping[str, str]) -> str:
    """The sentence with an ellipsis for each value that is missing; empty where there is no such sentence."""
    if not says(language, key):
        return ""
    area, _, path = key.partition(".")
    names = {name for _, name, _, _ in Formatter().parse(catalogue(language, area)[path]) if name}
    return say(language, key, **{name: values.get(name, "…") for name in names})


def says(language: str, key: str) -> bool:
    """Whether the catalogue has this key."""
    area, _, path = key.partition(".")
    return path in catalogue(language, area)
