"""The shape of the yearly figures: frozen values that hold only what may be shown, and their JSON. Pure.

What is hidden is not in here at all, so that no form of showing (page, PDF, CSV, JSON, the record) can give it away.
How rows become these values is in hiding.py; the words for the keys are in messages/<language>/figures.toml.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from locum.entry import Json, canonical

VERSION = 2
"""Grows with every change of what is counted or how it is hidden: two ways of counting one year are two views of it."""

MEASURES = ("auto-reply", "forward", "both", "search")
REASONS = (
    "closing", "forgotten", "continuity", "customer", "handover", "deadline", "long-absence", "departure", "death", "other",
)  # fmt: skip
OUTCOMES = (
    "ended", "owner", "other", "herself", "withdrawn", "refused", "lapsed", "failed", "objection", "overruled",
    "taken-back", "going-on",
)  # fmt: skip
ANSWERS = ("none", "link", "noted")
INCIDENTS = ("without", "with")
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"outcome": OUTCOMES, "reason": REASONS, "answer": ANSWERS, "incident": INCIDENTS}
)
"""Each table divides the same requests. The order is fixed: it decides which cell is hidden besides the small ones."""

OBJECTIONS = ("objection", "overruled", "taken-back")
"""The outcomes that are objections: that stood, that were overruled, and that she took back."""

BANDS = ("hour", "four-hours", "day", "week", "longer")
"""Within which time she was asked."""


class Sign(StrEnum):
    """How a number is shown: as it is, as fewer than the threshold, or not at all, since a small one would follow from it."""

    NUMBER = "number"
    FEW = "few"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Cell:
    """One number. `number` is None unless it is shown."""

    key: str
    sign: Sign
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How the requests for one measure are divided. No cells: too few to tell apart. `together` is the sum of the hidden ones."""

    name: str
    cells: tuple[Cell, ...] = ()
    together: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measure: how many requests were dealt with, how many were refused at once, and how the former are divided.

    `half` and `most` are BANDS: within which time half, and nine in ten, of those who were asked had been asked. Empty
    where that is not told.
    """

    measure: str
    dealt_with: Cell
    refused: Cell
    tables: tuple[Table, ...] = ()
    half: str = ""
    most: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of a year: of requests filed in it, as far as they had come by `until`, the first day not counted.

    `own` are replies that people set themselves from a reminder; `elsewhere` are incidents that belong to no request.
    """

    year: int
    until: date
    time_zone: str
    below: int
    measures: tuple[Measured, ...]
    own: Cell
    elsewhere: Cell

    @property
    def total(self) -> int | None:
        """All requests, where each of its parts is shown."""
        parts = [cell.number for one in self.measures for cell in (one.dealt_with, one.refused)]
        shown = [number for number in parts if number is not None]
        return sum(shown) if len(shown) == len(parts) else None


def figures_to_json(figures: Figures) -> dict[str, Json]:
    """The figures as they are recorded, hashed and given as JSON."""
    return {
        "document": f"locum/figures/v{VERSION}",
        "year": figures.year,
        "until": figures.until.isoformat(),
        "time_zone": figures.time_zone,
        "below": figures.below,
        "own": _cell(figures.own),
        "elsewhere": _cell(figures.elsewhere),
        "measures": [
            {
                "measure": one.measure,
                "dealt_with": _cell(one.dealt_with),
                "refused": _cell(one.refused),
                "half": one.half,
                "most": one.most,
                "tables": [
                    {"table": t.name, "together": t.together, "cells": [_cell(cell) for cell in t.cells]}
                    for t in one.tables
                ],
            }
            for one in figures.measures
        ],
    }


def _cell(cell: Cell) -> dict[str, Json]:
    return {"key": cell.key, "sign": str(cell.sign), "number": cell.number}


def figures_hash(figures: Figures) -> str:
    """SHA-256 of the canonical JSON: of what is shown, never of what is hidden (that could be found by trying)."""
    return hashlib.sha256(b"locum/figures/v1\n" + canonical(figures_to_json(figures))).hexdigest()


def figures_from_json(value: Mapping[str, Json]) -> Figures:
    """Read what `figures_to_json` makes. Raises ValueError on anything else."""
    try:
        figures = _read(value)
    except (KeyError, TypeError) as error:
        raise ValueError("not figures") from error
    if figures_to_json(figures) != value:
        raise ValueError("not figures of this version")
    return figures


def _read(value: Mapping[str, Json]) -> Figures:
    return Figures(
        year=_number(value["year"]),
        until=date.fromisoformat(str(value["until"])),
        time_zone=str(value["time_zone"]),
        below=_number(value["below"]),
        own=_read_cell(value["own"]),
        elsewhere=_read_cell(value["elsewhere"]),
        measures=tuple(_read_measured(_object(one)) for one in _list(value["measures"])),
    )


def _read_measured(value: Mapping[str, Json]) -> Measured:
    return Measured(
        measure=str(value["measure"]),
        dealt_with=_read_cell(value["dealt_with"]),
        refused=_read_cell(value["refused"]),
        half=str(value["half"]),
        most=str(value["most"]),
        tables=tuple(
            Table(
                name=str(one["table"]),
                cells=tuple(_read_cell(cell) for cell in _list(one["cells"])),
                together=_number(one["together"]),
            )
            for one in map(_object, _list(value["tables"]))
        ),
    )


def _read_cell(value: Json) -> Cell:
    cell = _object(value)
    number = None if cell["number"] is None else _number(cell["number"])
    return Cell(str(cell["key"]), Sign(str(cell["sign"])), number)


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("an object expected")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list expected")
    return value


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number expected")
    return value
