"""How the command line looks: one JSON document, tables, labelled lines. Whatever people wrote is made safe to show.

On a terminal with rich; anywhere else plain columns, one line per row. rich is imported only when there is a terminal.
"""

import json
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from locum.phrases import legible, one_line


def put_json(document: object) -> None:
    """The one JSON document on standard output."""
    put(json.dumps(document, ensure_ascii=False, indent=2))


def put(text: str = "") -> None:
    """A line on standard output, in UTF-8 as far as the terminal can show it."""
    try:
        print(text)  # noqa: T201
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201


def put_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output. Cells are made one safe line each."""
    safe = [[one_line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(columns, safe)
        return
    every = [[column.upper() for column in columns], *safe]
    widths = [max(_width(row[place]) for row in every) for place in range(len(columns))]
    for row in every:
        put("  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip())


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _rich_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415  only on a terminal
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        # A single word names a thing (a case, a mailbox, a state): it is never folded, but there to be copied.
        table.add_column(Text(column), no_wrap=all(" " not in row[place] for row in rows), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def put_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Labelled lines; what is empty is left out, and what is long is wrapped under itself."""
    shown = [(label, one_line(value)) for label, value in fields if value]
    width = max((_width(label) for label, _ in shown), default=0) + 2
    room = max(30, min(shutil.get_terminal_size((100, 24)).columns, 110) - width) if sys.stdout.isatty() else 10_000
    for label, value in shown:
        first, *rest = textwrap.wrap(value, room, break_on_hyphens=False, break_long_words=False) or [""]
        put(f"{label}{' ' * (width - _width(label))}{first}")
        for line in rest:
            put(" " * width + line)


def put_text(label: str, text: str) -> None:
    """A text of people under its label, each line behind a bar, so that where it ends is plain to see."""
    put(label)
    for line in legible(text).rstrip("\n").split("\n"):
        put(f"  │ {line}".rstrip())


def mark(holds: bool | None) -> str:
    """The sign before a finding."""
    signs = {True: "✓", False: "✗", None: "!"}
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        signs = {True: "ok", False: "NO", None: "!"}
    return signs[holds]


def put_finding(holds: bool | None, sentence: str) -> None:
    """One finding of `check`, coloured on a terminal."""
    sign = mark(holds)
    colours = {True: "32", False: "31;1", None: "33"}
    if sys.stdout.isatty():
        sign = f"\x1b[{colours[holds]}m{sign}\x1b[0m"
    put(f"  {sign} {one_line(sentence)}")
