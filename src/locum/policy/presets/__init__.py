"""The presets: one TOML file for each country, with the values that differ from `nl`, its floors and its sources.

All but `nl` are small examples that no lawyer has reviewed. A floor is the mildest value that a policy may have.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

PRESETS = ("nl", "be", "de", "fi", "fr", "it", "no")


@dataclass(frozen=True, slots=True)
class Preset:
    """`is_example`: not reviewed by a lawyer, and only what differs. `values` are as they would stand in a policy; `floors`
    are by path. What differs is said in messages/<lang>/policy.toml, under `preset.<name>`.
    """

    name: str
    is_example: bool
    sources: tuple[str, ...]
    values: Mapping[str, object]
    floors: Mapping[str, object]


@cache
def preset(name: str) -> Preset:
    """The preset of this name. Raises KeyError for another word; the floors of `nl` hold in all of them."""
    if name not in PRESETS:
        raise KeyError(name)
    read = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))
    below = {} if name == "nl" else preset("nl").floors
    return Preset(
        name,
        read["example"],
        tuple(read["sources"]),
        MappingProxyType(read.get("policy", {})),
        MappingProxyType({**below, **read["floors"]}),
    )
