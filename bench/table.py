"""A row of the bench, and how the rows are printed and kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`ratio` is ours to the peer's where there is a peer, else ours to the goal's number. `holds` says whether the goal is met."""

    name: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    ratio: float | None = None
    goal: str = ""
    holds: bool = True


def show(rows: Sequence[Row]) -> str:
    """The table as text for people."""
    head = ("name", "ours", "unit", "peer", "ratio", "goal", "holds")
    lines = [head]
    for row in rows:
        peer = f"{row.peer:,.4g} {row.peer_name}" if row.peer is not None else "-"
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else "-"
        lines.append((row.name, f"{row.ours:,.4g}", row.unit, peer, ratio, row.goal, "yes" if row.holds else "NO"))
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def keep(rows: Sequence[Row], file: Path) -> None:
    """Write bench.json."""
    file.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
