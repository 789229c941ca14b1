"""A chart of bars as inline SVG, drawn by hand: few shapes, one colour, hatched where a number is hidden. Pure.

Nothing depends on telling colours apart, every text is escaped, and title and description say the same to whoever cannot
see it. Colours are attributes, which a page's own style may override (it has a dark side); WeasyPrint reads attributes only.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_WIDTH, _LONGEST = 300, 140
_LINE, _BAR, _GAP = 18, 16, 11
_LETTERS = 38
_INK, _SOFT, _FILL = "#1c2430", "#566173", "#14395f"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is, its number in words, and its length; hatched up to the most that a hidden number can be."""

    label: str
    said: str
    length: int
    hatched: bool = False


def bars(name: str, title: str, rows: Sequence[Bar]) -> str:
    """The chart. `name` is an id that nothing else on the page has."""
    longest = max((row.length for row in rows), default=0) or 1
    drawn, top = [], 0
    for row in rows:
        lines = textwrap.wrap(row.label, _LETTERS) or [""]
        drawn.append(_row(name, row, lines, top, longest))
        top += _LINE * len(lines) + _BAR + _GAP
    told = "; ".join(f"{row.label}: {row.said}" for row in rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bars" role="img" aria-labelledby={quoteattr(f"{name}-t {name}-d")} '
        f'viewBox="0 0 {_WIDTH} {max(top, 1)}" width="{_WIDTH}" height="{max(top, 1)}" '
        f'font-family="Noto Sans, DejaVu Sans, sans-serif" font-size="13.5">'
        f"<title id={quoteattr(f'{name}-t')}>{escape(title)}</title><desc id={quoteattr(f'{name}-d')}>{escape(told)}</desc>"
        f"{_hatching(name)}{''.join(drawn)}</svg>"
    )


def _hatching(name: str) -> str:
    return (
        f'<defs><pattern id={quoteattr(f"{name}-h")} width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<path class="stroke" d="M-1 1L1 -1M0 6L6 0M5 7L7 5" stroke="{_FILL}" stroke-width="1.3"/></pattern></defs>'
    )


def _row(name: str, row: Bar, lines: Sequence[str], top: int, longest: int) -> str:
    words = [_text(line, 0, top + 13 + _LINE * n, "soft", _SOFT) for n, line in enumerate(lines)]
    y = top + _LINE * len(lines)
    wide = max(round(row.length * _LONGEST / longest, 1), 2 if row.length else 0)
    frame = f'x="0.5" y="{y + 0.5:g}" width="{wide:g}" height="{_BAR - 1}"'
    if row.hatched:
        shape = f'<rect class="hatched" {frame} fill="url(#{name}-h)" stroke="{_FILL}" stroke-width="1"/>'
    else:
        shape = f'<rect class="full" {frame} fill="{_FILL}"/>' if wide else ""
    return "".join([*words, shape, _text(row.said, wide + 7, y + 12.5, "ink", _INK)])


def _text(text: str, x: float, y: float, kind: str, colour: str) -> str:
    weight = ' font-weight="bold"' if kind == "ink" else ""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" fill="{colour}"{weight}>{escape(text)}</text>'
