"""The words of markers.toml, folded once: MARKERS."""

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Final

from locum.narrowing.folding import fold


@dataclass(frozen=True, slots=True)
class Markers:
    """See markers.toml, which says what each list is for."""

    folders: tuple[str, ...]
    folders_alone: frozenset[str]
    firms: tuple[str, ...]
    businesslike: tuple[str, ...]
    labels: tuple[str, ...]
    phrases: tuple[str, ...]
    prefixes: frozenset[str]
    doubtful: tuple[str, ...]
    common: frozenset[str]
    everybodys: frozenset[str]


def _read() -> Markers:
    table = tomllib.loads(files(__package__).joinpath("markers.toml").read_text("utf-8"))
    if set(table) != {one.name for one in fields(Markers)}:
        raise ValueError("markers.toml holds other lists than Markers")
    lists = {name: tuple(fold(word) for word in words) for name, words in table.items()}
    return Markers(
        folders=lists["folders"],
        folders_alone=frozenset(lists["folders_alone"]),
        firms=lists["firms"],
        businesslike=lists["businesslike"],
        labels=lists["labels"],
        phrases=lists["phrases"],
        prefixes=frozenset(lists["prefixes"]),
        doubtful=lists["doubtful"],
        common=frozenset(lists["common"]),
        everybodys=frozenset(lists["everybodys"]),
    )


MARKERS: Final = _read()
