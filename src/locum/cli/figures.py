"""The yearly figures for the works council: locum figures. Counting and hiding are locum.figures', issuing is the desk's."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.door import Door, command, early_language
from locum.errors import Invalid
from locum.messages import say
from locum.phrases import one_line, when

if TYPE_CHECKING:
    from locum.desk.yearly import Issued
    from locum.documents.figures import Beside
    from locum.figures import Figures, Span


class Sheet(StrEnum):
    """How the figures are written."""

    TEXT = "text"
    CSV = "csv"
    PDF = "pdf"
    HTML = "html"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "figures")(figures)


def _helped(key: str) -> str:
    return say(early_language(), f"figures.help.{key}")


Out = Annotated[Path | None, typer.Option("--out", "--output", "-o", metavar="FILE", help=_helped("out"))]


def figures(
    door: Door,
    *,
    year: Annotated[int | None, typer.Option("--year", metavar="YEAR", help=_helped("year"))] = None,
    sheet: Annotated[Sheet | None, typer.Option("--format", help=_helped("format"))] = None,
    out: Out = None,
    issue: Annotated[bool, typer.Option("--issue", help=_helped("issue"))] = False,
    check: Annotated[bool, typer.Option("--check", help=_helped("check"))] = False,
    sample: Annotated[bool, typer.Option("--sample", help=_helped("sample"))] = False,
) -> int:
    """How many requests there were in a year, why, and what came of them."""
    chosen = _sheet(door, sheet, out)
    if sample:
        if issue or check:
            raise Invalid("usage", what="--sample")
        made, beside = _sample(door, year)
    else:
        made, beside = _real(door, year, issue=issue, check=check)
    from locum.documents.figures import render  # noqa: PLC0415  slow to import

    document = render(made, str(chosen), door.language, beside)
    if out is None:
        sys.stdout.buffer.write(document)
        return 0
    try:
        out.write_bytes(document)
    except OSError as error:
        raise Invalid("file-unwritable", file=out, what=error.strerror) from None
    door.tell("written", file=out)
    return 0


def _sheet(door: Door, sheet: Sheet | None, out: Path | None) -> Sheet:
    if door.json and sheet not in (None, Sheet.JSON):
        raise Invalid("usage", what=f"--json, --format {sheet}")
    chosen = sheet or (Sheet.JSON if door.json else Sheet.TEXT)
    if chosen is Sheet.PDF and out is None and sys.stdout.isatty():
        raise Invalid("usage", what=door.say("usage.pdf-terminal"))
    return chosen


def _sample(door: Door, year: int | None) -> "tuple[Figures, Beside]":
    from locum.documents.figures import Beside  # noqa: PLC0415  slow to import
    from locum.figures import last_ready, sample, span_of  # noqa: PLC0415

    zone = door.settings.organisation.time_zone
    span = span_of(year or last_ready(door.app.clock(), zone), zone)
    beside = Beside(organisation=door.settings.organisation.name, sample=True)
    return sample(span, door.app.policy.figures.hide_below), beside


def _real(door: Door, year: int | None, *, issue: bool, check: bool) -> "tuple[Figures, Beside]":
    from locum.desk import yearly  # noqa: PLC0415  the store is slow to import
    from locum.documents.figures import Beside  # noqa: PLC0415

    span = yearly.ready_span(year, door.settings.organisation.time_zone, door.app.clock())
    before = yearly.issued(door.app.store, span.year)
    if before is None:
        made = yearly.make(door.app.store, span)
        found = _issue(door, made) if issue else None
    else:
        made, found = before.figures, before
        _told_before(door, before, span, issue=issue, check=check)
    beside = Beside(
        organisation=door.settings.organisation.name,
        issued_at=None if found is None else found.at,
        issued_by="" if found is None else found.by,
    )
    return made, beside


def _issue(door: Door, made: "Figures") -> "Issued":
    from locum.desk import yearly  # noqa: PLC0415  the store is slow to import

    found = yearly.issue(door.app.store, door.acting, made, door.app.clock())
    door.app.sign()
    _tell(door, "issued", year=made.year, hash=found.hash[:16])
    return found


def _told_before(door: Door, before: "Issued", span: "Span", *, issue: bool, check: bool) -> None:
    from locum.desk import yearly  # noqa: PLC0415  the store is slow to import

    if issue:
        at = when(before.at, door.language, span.time_zone)
        _tell(door, "issued-before", year=span.year, at=at, by=one_line(before.by))
    if check:
        yearly.check(door.app.store, before, span)
        _tell(door, "holds")


def _tell(door: Door, key: str, **values: object) -> None:
    print(say(door.language, f"figures.said.{key}", **values), file=sys.stderr, flush=True)  # noqa: T201
