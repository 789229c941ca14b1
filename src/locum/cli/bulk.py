"""Many at once: one case per line of a CSV file, in one batch. Whatever stops it, the same command goes on where it stopped.

The batch's name comes from the file's content and the options, so a mailbox that has its case is not filed twice. A line
that fails stops no other. The summary has the file's own columns, and can be fed back in.
"""

import csv
import hashlib
import io
import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from locum.cli.door import Door
from locum.cli.following import WAITING_FOR_A_PERSON
from locum.cli.output import put, put_json
from locum.cli.progress import progress, spinning
from locum.cli.requests import read_text
from locum.desk import RequestForm
from locum.errors import Invalid, LocumError
from locum.lifecycle import Case
from locum.measure import Audience
from locum.shapes import case_shape, error_shape

_DIFFER = {
    "from": "from_",
    "until": "until",
    "subject": "subject",
    "internal": "internal_text",
    "external": "external_text",
}
_OURS = ("case", "state", "error", "batch")
_KNOWN = frozenset({"mailbox", "audience", *_DIFFER, *_OURS})
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file: its cells, and the request it makes or what is wrong with it."""

    cells: dict[str, str]
    form: RequestForm | LocumError


def request_many(door: Door, form: RequestForm, mailboxes: Path, batch: str | None, summary: Path | None) -> int:
    """File a case for each line, do their due steps, and sum up. Gives back the exit code of the first failure, if any."""
    text = read_text(mailboxes)
    lines = _lines(text, mailboxes, form)
    batch = batch or _batch_in(lines, mailboxes) or _batch_of(lines, form)
    forms = [line.form for line in lines if isinstance(line.form, RequestForm)]
    with spinning(door.say("filing", many=len(forms))):
        filed = door.app.desk.request_each(door.acting, forms, batch=batch)
        results = [_kept(next(filed) if isinstance(line.form, RequestForm) else line.form) for line in lines]
    _work(door, [case_id for case_id, error in results if error is None])
    return _sum_up(door, lines, results, batch, summary)


def _kept(result: Case | LocumError) -> tuple[str, LocumError | None]:
    """Of each line its case's id and what went wrong, and no more: there may be very many."""
    if isinstance(result, LocumError):
        return result.values.get("case", ""), result
    return result.id, None


def _lines(text: str, file: Path, form: RequestForm) -> list[_Line]:
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="", strict=True)
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if "mailbox" not in names:
            raise Invalid("bulk-no-column", file=f"{file}:1")
        if unknown := [name for name in names if name not in _KNOWN]:
            raise Invalid("bulk-unknown-column", file=f"{file}:1", column=", ".join(unknown))
        reader.fieldnames = names
        lines: list[_Line] = []
        seen: set[str] = set()
        for row in reader:
            if None in row:
                raise Invalid("bulk-not-csv", file=f"{file}:{reader.line_num}", what=len(names))
            cells = {name: cell.strip() for name, cell in row.items()}
            if any(cells.values()):
                lines.append(_Line(cells, _form(cells, form, seen, f"{file}:{reader.line_num}")))
    except csv.Error as error:
        raise Invalid("bulk-not-csv", file=f"{file}:{reader.line_num}", what=error) from None
    if not lines:
        raise Invalid("bulk-empty", file=file)
    return lines


def _form(cells: dict[str, str], form: RequestForm, seen: set[str], file: str) -> RequestForm | LocumError:
    """The request of one line: the command line's, where the line does not differ."""
    mailbox = cells["mailbox"].lower()
    if mailbox in seen:
        return Invalid("bulk-twice", file=file, mailbox=cells["mailbox"])
    seen.add(mailbox)
    changes: dict[str, object] = {field: cells[column] for column, field in _DIFFER.items() if cells.get(column)}
    if audience := cells.get("audience"):
        if audience not in list(Audience):
            return Invalid("bulk-bad-audience", file=file, audience=audience, audiences=", ".join(Audience))
        changes["audience"] = Audience(audience)
    made = replace(form, mailbox=cells["mailbox"], **changes)  # type: ignore[arg-type]
    return made if made.until else Invalid("bulk-no-until", file=file)


def _batch_in(lines: Sequence[_Line], file: Path) -> str:
    """The batch that a fed-back summary belongs to, empty where the file names none."""
    named = {line.cells.get("batch", "") for line in lines} - {""}
    if len(named) > 1:
        raise Invalid("bulk-two-batches", file=file, batches=", ".join(sorted(named)[:5]))
    return next(iter(named), "")


def _batch_of(lines: Sequence[_Line], form: RequestForm) -> str:
    content = [asdict(form), [{name: cell for name, cell in line.cells.items() if name not in _OURS} for line in lines]]
    return "batch-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _work(door: Door, ids: Sequence[str]) -> None:
    """Do the due steps of these cases, together with whatever else is due in the same lanes, and show how far it is."""
    app, settings = door.app, door.settings
    connectors = [name for name in settings.connectors if settings.may_apply(name)]
    if not connectors:
        door.tell("left-to-worker")
        return
    lanes = ["desk", "letters", *connectors]
    worker = f"cli-{socket.gethostname()}-{os.getpid()}"
    ours = set(ids)
    touched: set[str] = set()
    with progress(door.say("working"), len(ours)) as advance:
        while taken := app.store.take(worker, seconds=settings.worker.lease_seconds, many=_CHUNK, lanes=lanes):
            app.run(taken)
            touched |= {one.job.case for one in taken} & ours
            advance(len(touched))
        advance(len(ours))
    app.sign()


def _sum_up(
    door: Door,
    lines: Sequence[_Line],
    results: Sequence[tuple[str, LocumError | None]],
    batch: str,
    summary: Path | None,
) -> int:
    documents: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    states: dict[str, int] = {}
    for line, (case_id, error), case in zip(lines, results, _cases(door, [i for i, _ in results]), strict=True):
        state = "" if case is None else str(case.state)
        told = error_shape(error, door.language) if error is not None else None
        states["error" if told else state] = states.get("error" if told else state, 0) + 1
        rows.append(
            {**line.cells, "case": case_id, "state": state, "error": told["sentence"] if told else "", "batch": batch}
        )
        if door.json:
            documents.append(_document(line.cells["mailbox"], case, told, batch))
        if told:
            door.tell("bulk-error", mailbox=line.cells["mailbox"], sentence=told["sentence"])
    if summary is not None:
        _write_summary(summary, rows)
    if door.json:
        put_json(documents)
    else:
        put(f"{batch} " + " ".join(f"{state}={count}" for state, count in sorted(states.items())))
    door.tell("bulk-done", many=len(lines) - states.get("error", 0), errors=states.get("error", 0), batch=batch)
    first = next((error.exit_code for _, error in results if error is not None), 0)
    return first or (WAITING_FOR_A_PERSON if "awaiting-review" in states else 0)


def _cases(door: Door, ids: Sequence[str]) -> Iterator[Case | None]:
    """The cases as they stand now, in order, two hundred at a time; None where there is none."""
    for at in range(0, len(ids), _CHUNK):
        chunk = ids[at : at + _CHUNK]
        found = {case.id: case for case in door.app.store.cases([case_id for case_id in chunk if case_id])}
        yield from (found.get(case_id) for case_id in chunk)


def _document(mailbox: str, case: Case | None, error: dict[str, object] | None, batch: str) -> dict[str, object]:
    empty: dict[str, object] = {"case": None, "state": None, "mailbox": mailbox, "measures": [], "batch": batch}
    shape = case_shape(case) if case is not None else empty
    return shape if error is None else {**shape, "error": error}


def _write_summary(path: Path, rows: Sequence[dict[str, object]]) -> None:
    columns = list(dict.fromkeys(["mailbox", *_OURS, *rows[0]]))
    try:
        # Beside it and then in its place: it may be the very file that was read.
        beside = path.with_name(path.name + ".part")
        with beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        beside.replace(path)
    except OSError as error:
        raise Invalid("file-unwritable", file=path, what=error.strerror) from None
