"""The picture of the steps, drawn as SVG from labels. Pure; every text is escaped, and nothing outside is referred to."""

import textwrap
from xml.sax.saxutils import escape

from locum.regulation import Steps

_WIDTH, _HEIGHT = 720, 450
_BOX, _GAP = 216, 36
_ROWS = {1: 8, 2: 122, 3: 236, 4: 350}
_TALL = 76
_PLACES: dict[str, tuple[int, int, int]] = {  # box: column, row, columns wide
    "request": (0, 1, 1),
    "ask": (1, 1, 1),
    "answer": (2, 1, 1),
    "silence": (0, 2, 1),
    "yes": (1, 2, 1),
    "no": (2, 2, 1),
    "review": (0, 3, 2),
    "nothing": (2, 3, 1),
    "live": (0, 4, 1),
    "end": (1, 4, 1),
    "account": (2, 4, 1),
}
_STYLES = {
    "request": "start",
    "ask": "her",
    "answer": "her",
    "yes": "her",
    "no": "stop",
    "nothing": "stop",
    "account": "her",
}
_COLOURS = {"start": ("#14395f", "#ffffff"), "her": ("#e3eef8", "#14395f"), "stop": ("#fdeee0", "#7a3a06")}
_PLAIN = ("#f2f4f7", "#1c2430")
_ACROSS = (("request", "ask"), ("ask", "answer"), ("live", "end"), ("end", "account"))
_DOWN = (("silence", "review"), ("yes", "review"), ("no", "nothing"), ("review", "live"), ("nothing", "account"))


def svg(steps: Steps) -> str:
    """The picture, as wide as its place."""
    drawn = (
        [_across(*pair) for pair in _ACROSS]
        + [_down(*pair) for pair in _DOWN if pair[0] != "silence" or not steps.silence_stops]
        + [_fork()]
    )
    styles = _STYLES | ({"silence": "stop"} if steps.silence_stops else {})
    drawn += [_box(name, *label, styles.get(name, "")) for name, label in steps.boxes.items()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT - 16}" width="{_WIDTH}" '
        f'height="{_HEIGHT - 16}" font-family="Noto Sans, DejaVu Sans, sans-serif">{"".join(drawn)}</svg>'
    )


def _frame(name: str) -> tuple[int, int, int]:
    """Left, top and width of a box."""
    column, row, span = _PLACES[name]
    return column * (_BOX + _GAP), _ROWS[row], span * _BOX + (span - 1) * _GAP


def _box(name: str, title: str, more: str, style: str) -> str:
    left, top, width = _frame(name)
    fill, ink = _COLOURS.get(style, _PLAIN)
    lines = textwrap.wrap(more, 31 if width == _BOX else 64)
    first = top + _TALL / 2 + 5 - 8.5 * len(lines)
    middle = left + width / 2
    words = [_words(title, middle, first, 'font-size="15" font-weight="bold"', ink)]
    words += [_words(line, middle, first + 19 + 16 * n, 'font-size="12"', ink) for n, line in enumerate(lines)]
    frame = f'<rect x="{left}" y="{top}" width="{width}" height="{_TALL}" rx="8" fill="{fill}" stroke="#b7c4d3"/>'
    return frame + "".join(words)


def _words(text: str, x: float, y: float, font: str, ink: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" {font} fill="{ink}">{escape(text)}</text>'


def _across(first: str, second: str) -> str:
    left, top, width = _frame(first)
    y = top + _TALL // 2
    return _line((left + width, y), (_frame(second)[0], y))


def _down(first: str, second: str) -> str:
    """From the middle of the narrower box, straight down."""
    left, _top, width = min((_frame(first), _frame(second)), key=lambda frame: frame[2])
    x = left + width // 2
    return _line((x, _frame(first)[1] + _TALL), (x, _frame(second)[1]))


def _fork() -> str:
    """From her answer down to what it may be."""
    left, top, width = _frame("answer")
    x, y = left + width // 2, top + _TALL
    bar = _frame("yes")[1] - 20
    ends = [_frame(name)[0] + _BOX // 2 for name in ("silence", "yes", "no")]
    stem = f'<path d="M{x} {y}V{bar}M{ends[0]} {bar}H{ends[-1]}" stroke="#566173" stroke-width="1.6" fill="none"/>'
    return stem + "".join(_line((end, bar), (end, _frame("yes")[1])) for end in ends)


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = start, end
    tip = (
        f"M{x2 - 8} {y2 - 5}L{x2} {y2}L{x2 - 8} {y2 + 5}"
        if y1 == y2
        else f"M{x2 - 5} {y2 - 8}L{x2} {y2}L{x2 + 5} {y2 - 8}"
    )
    return f'<path d="M{x1} {y1}L{x2} {y2}{tip}" stroke="#566173" stroke-width="1.6" fill="none"/>'
