"""The yearly figures as text, CSV, HTML page, PDF/UA and JSON. An edge: it knows the figures' values and how things look.

Nothing is counted or hidden here: what may not be shown is not in the values. Nothing is fetched: the page refers to nothing
outside itself, and its charts are inline.
"""

import base64
import csv
import hashlib
import io
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

from locum.documents.bars import Bar, bars
from locum.documents.printing import Printer, pdf
from locum.errors import Invalid
from locum.figures import OBJECTIONS, Cell, Figures, Measured, Sign, Table, figures_hash, figures_to_json
from locum.measure import instant
from locum.messages import say
from locum.phrases import day, legible, one_line, when

if TYPE_CHECKING:
    from jinja2 import Template

FORMS = ("text", "csv", "html", "pdf", "json")
_WIDTH = 78
_DIVIDED = ("outcome", "reason", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is told beside the numbers: whose they are, when they were issued (None: not yet) and by whom, or that they are made up."""

    organisation: str = ""
    issued_at: datetime | None = None
    issued_by: str = ""
    sample: bool = False


NOTHING = Beside()


def render(figures: Figures, form: str, language: str, beside: Beside = NOTHING, printer: Printer = pdf) -> bytes:
    """The figures in one of FORMS. Raises Invalid (`document-form`) for another."""
    shown = Shown(figures, language, beside)
    match form:
        case "text":
            return ("\n".join(_text(shown)) + "\n").encode()
        case "csv":
            return _csv(shown)
        case "html":
            return figures_page(figures, language, beside).encode()
        case "pdf":
            return printer(_html(shown, _file("figures.css") + _file("figures_print.css"), as_image=True))
        case "json":
            return (json.dumps(_values(shown), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    raise Invalid("document-form", form=form, forms=", ".join(FORMS))


def figures_page(figures: Figures, language: str, beside: Beside = NOTHING) -> str:
    """The whole page, which refers to nothing outside itself."""
    return _html(Shown(figures, language, beside), _page_style(), as_image=False)


def style_source() -> str:
    """What a page that shows it has to allow in its Content-Security-Policy: `style-src <this>`."""
    digest = hashlib.sha256(_page_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class Shown:
    """The figures in words of one language. Everything that the forms say is said here."""

    def __init__(self, figures: Figures, language: str, beside: Beside) -> None:
        """Say `figures` in `language`."""
        self.figures, self.language, self.beside = figures, language, beside
        self.organisation = one_line(beside.organisation)
        self.few = self.say("few", below=figures.below)

    def say(self, key: str, **values: object) -> str:
        """A sentence of this area (figures.toml)."""
        return say(self.language, f"figures.{key}", **values)

    def day(self) -> str:
        """The day before which an entry counts, in words."""
        return day(self.figures.until, self.language)

    def cell(self, cell: Cell) -> str:
        """A number as it is shown."""
        if cell.sign is Sign.NUMBER:
            return str(cell.number)
        return self.few if cell.sign is Sign.FEW else self.say("hidden")

    def lead(self) -> list[str]:
        """What comes first: the years's bounds, how to read it, and that nothing is hidden where that is so."""
        figures = self.figures
        first = [self.say("sample")] if self.beside.sample else []
        hiding = (
            self.say("hiding", below=figures.below, few=self.few, hidden=self.say("hidden"))
            if figures.below
            else self.say("open")
        )
        return [*first, self.say("lead", year=figures.year, until=self.day()), self.say("mean"), hiding]

    def sums(self) -> list[str]:
        """What is told below the numbers of the measures."""
        figures = self.figures
        total = self.say("unadded") if figures.total is None else self.say("total", total=figures.total)
        lines = [total]
        for cell in (figures.own, figures.elsewhere):
            if cell.sign is Sign.FEW:
                lines.append(self.say(f"{cell.key}-few", below=figures.below))
            elif cell.number or cell.key == "elsewhere":
                lines.append(self.say(cell.key, number=cell.number))
        return lines

    def told(self, one: Measured) -> list[str]:
        """What is told of a measure in sentences: objections, incidents, how soon she was asked."""
        if not one.tables:
            none = one.dealt_with.number == 0
            return [self.say("nothing") if none else self.say("no-details")]
        tables = {table.name: table for table in one.tables}
        lines = [*self._objections(tables["outcome"]), self._incidents(tables["incident"])]
        if one.half:
            lines.append(self.say("asked", half=self.say(f"band.{one.half}"), most=self.say(f"band.{one.most}")))
        return lines

    def _objections(self, outcome: Table) -> Iterator[str]:
        numbers = [cell.number for cell in outcome.cells if cell.key in OBJECTIONS]
        shown = [number for number in numbers if number is not None]
        if outcome.cells:
            hidden = len(shown) < len(numbers)
            yield self.say("objections-hidden") if hidden else self.say("objections", number=sum(shown))

    def _incidents(self, table: Table) -> str:
        cell = next((cell for cell in table.cells if cell.key == "with"), None)
        if cell is None or cell.sign is Sign.HIDDEN:
            return self.say("incidents-blank")
        if cell.sign is Sign.FEW:
            return self.say("incidents-few", few=self.few)
        return self.say("incidents", number=cell.number)

    def divided(self, one: Measured) -> list[Table]:
        """The tables that are shown as such."""
        return [table for table in one.tables if table.name in _DIVIDED]

    def rows(self, table: Table) -> list[tuple[str, Cell]]:
        """What there is of a table, with its label, without what never was."""
        return [(self.say(f"{table.name}.{cell.key}"), cell) for cell in table.cells if cell.number != 0]

    def beneath(self, table: Table) -> list[str]:
        """What is told beneath a table."""
        if not table.cells:
            return [self.say("blank")]
        zeros = [self.say(f"{table.name}.{cell.key}") for cell in table.cells if cell.number == 0]
        signs = {cell.sign for cell in table.cells}
        return [
            *([self.say("together", together=table.together)] if Sign.HIDDEN in signs else []),
            *([self.say("zeros", labels="; ".join(zeros))] if zeros else []),
        ]

    def chart(self, name: str, table: Table) -> str:
        """The bars of a table."""
        few = sum(cell.sign is Sign.FEW for cell in table.cells)
        rows = [self._bar(label, cell, table.together - few) for label, cell in self.rows(table)]
        return bars(name, self.say("picture", title=self.say(f"table.{table.name}")), rows)

    def _bar(self, label: str, cell: Cell, most: int) -> Bar:
        if cell.number is not None:
            return Bar(label, self.cell(cell), cell.number)
        return Bar(label, self.cell(cell), self.figures.below - 1 if cell.sign is Sign.FEW else most, hatched=True)

    def overview(self) -> str:
        """The bars of how many requests there were for each measure."""
        rows = [self._bar(self.say(f"measure.{one.measure}"), one.dealt_with, 0) for one in self.figures.measures]
        return bars("overview", self.say("picture", title=self.say("overview")), rows)

    def foot(self) -> list[str]:
        """What the figures are made of, and whether they were issued."""
        figures, beside = self.figures, self.beside
        if beside.sample:
            return [self.say("sample")]
        lines = [
            self.say("made", organisation=self.organisation, until=self.day(), time_zone=figures.time_zone),
            self.say("not-issued"),
            self.say("hash", hash=figures_hash(figures)),
        ]
        if beside.issued_at is not None:
            at = when(beside.issued_at, self.language, figures.time_zone)
            lines[1] = self.say("issued", at=at, by=one_line(beside.issued_by))
        return lines


# page and PDF ------------------------------------------------------------------------------------------------------


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  slow to import

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.from_string(_file("figures.html"))


def _file(name: str) -> str:
    return files("locum").joinpath(f"documents/{name}").read_text("utf-8")


@cache
def _page_style() -> str:
    """That of the pages (a file is read; the door is not imported), and what only this one has."""
    pages = files("locum").joinpath("web/static/locum.css").read_text("utf-8")
    return "\n".join([pages, _file("figures.css"), _file("figures_screen.css")])


def _html(shown: Shown, style: str, *, as_image: bool) -> str:
    from markupsafe import Markup  # noqa: PLC0415  comes with jinja2

    return _template().render(
        shown=shown,
        figures=shown.figures,
        say=shown.say,
        style=Markup(style),  # noqa: S704  our own files, no text of people
        svg=partial(_picture, as_image=as_image),
    )


def _picture(drawn: str, *, as_image: bool) -> str:
    """A chart as it stands in the page; in a PDF as an image, which has a description there."""
    from markupsafe import Markup, escape  # noqa: PLC0415

    if not as_image:
        return Markup(drawn)  # noqa: S704  made by bars.py, which escapes
    told = drawn.partition("<desc")[2].partition(">")[2].partition("</desc>")[0]
    source = base64.b64encode(drawn.encode()).decode()
    alt = escape(Markup(told).unescape())  # noqa: S704  escaped anew right away
    return Markup(f'<img class="bars" src="data:image/svg+xml;base64,{source}" alt="{alt}">')  # noqa: S704


# text, CSV, JSON ------------------------------------------------------------------------------------------------------


def _text(shown: Shown) -> Iterator[str]:
    title = shown.say("title", year=shown.figures.year)
    yield from (*([shown.organisation] if shown.organisation else []), title, "=" * len(title))
    for sentence in shown.lead():
        yield from ("", *textwrap.wrap(sentence, _WIDTH))
    yield from _headed(shown.say("overview"))
    for one in shown.figures.measures:
        refused = f"{shown.say('column.refused')}: {shown.cell(one.refused)}"
        dealt_with = f"{shown.say('column.dealt-with')}: {shown.cell(one.dealt_with)}"
        yield from _wrapped(f"{shown.say(f'measure.{one.measure}')}: {dealt_with}; {refused}")
    for sentence in shown.sums():
        yield from _wrapped(sentence)
    for one in shown.figures.measures:
        yield from _measured_text(shown, one)
    yield from _headed(shown.say("misuse_title"))
    yield from (*textwrap.wrap(shown.say("misuse"), _WIDTH), "")
    for sentence in shown.foot():
        yield from _wrapped(sentence)


def _measured_text(shown: Shown, one: Measured) -> Iterator[str]:
    yield from _headed(shown.say(f"measure.{one.measure}"))
    for sentence in shown.told(one):
        yield from _wrapped(sentence)
    for table in shown.divided(one):
        yield from ("", f"{shown.say(f'table.{table.name}')}:")
        rows = [(label, shown.cell(cell)) for label, cell in shown.rows(table)]
        widest = max((len(said) for _, said in rows), default=0)
        for label, said in rows:
            yield from _wrapped(label, f"  {said.rjust(widest)}  ", " " * (widest + 4))
        for sentence in shown.beneath(table):
            yield from _wrapped(sentence, "  ", "  ")


def _headed(title: str) -> list[str]:
    return ["", title, "-" * len(title)]


def _wrapped(text: str, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False)


def _csv(shown: Shown) -> bytes:
    """With a byte order mark: what opens it by a double click takes it for UTF-8 only then."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow([_harmless(shown.say(f"csv.{name}")) for name in _COLUMNS])
    whose = shown.say("sample") if shown.beside.sample else shown.organisation
    for row in _csv_rows(shown):
        writer.writerow([_harmless(one) for one in (whose, str(shown.figures.year), *row)])
    return held.getvalue().encode("utf-8-sig")


_COLUMNS = ("organisation", "year", "measure", "table", "row", "number", "shown")
_FORMULA = tuple("=+-@\t\r＝＋－＠")


def _harmless(text: str) -> str:
    """What a spreadsheet would run as a formula is made text with an apostrophe."""
    text = legible(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _csv_rows(shown: Shown) -> Iterator[tuple[str, ...]]:
    for one in shown.figures.measures:
        measure, requests = shown.say(f"measure.{one.measure}"), shown.say("csv.requests")
        yield (measure, requests, shown.say("column.dealt-with"), *_numbered(shown, one.dealt_with))
        yield (measure, requests, shown.say("column.refused"), *_numbered(shown, one.refused))
        for table in one.tables:
            division = shown.say(f"table.{table.name}")
            for cell in table.cells:
                yield (measure, division, shown.say(f"{table.name}.{cell.key}"), *_numbered(shown, cell))
            if not table.cells:
                yield (measure, division, "", "", shown.say("hidden"))


def _numbered(shown: Shown, cell: Cell) -> tuple[str, str]:
    """The number, and the text that stands for it where there is none."""
    return ("" if cell.number is None else str(cell.number), "" if cell.number is not None else shown.cell(cell))


def _values(shown: Shown) -> dict[str, object]:
    at, by = shown.beside.issued_at, one_line(shown.beside.issued_by)
    return {
        "organisation": shown.organisation,
        "sample": shown.beside.sample,
        "hash": figures_hash(shown.figures),
        "issued": None if at is None else {"at": instant(at), "by": by},
        "figures": figures_to_json(shown.figures),
    }
