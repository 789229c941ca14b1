"""Leave from a CSV file: person,from,until. Every other column, the kind of leave first of all, is dropped unread.

`person` is an id of people.csv or an address. A bare date is the start of that day in her time zone, so `until` is her
first day back, as everywhere in Locum. Rows about people who are not on file are passed over: such lists outlive people.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from locum.absence import Absence, Person
from locum.errors import Invalid, Unreachable
from locum.seam import People

_LARGEST = 64 * 1024 * 1024
_COLUMNS = ("person", "from", "until")


class LeaveCsv:
    """seam.LeaveSource over one CSV file, read anew each time it is asked."""

    def __init__(self, path: Path, people: People, time_zone: str) -> None:
        """`time_zone` is for whoever has none on file."""
        self._path = path
        self._people = people
        self._time_zone = time_zone

    def absences(self, since: datetime, until: datetime) -> Iterator[Absence]:
        """Absences that touch [since, until). Raises Invalid (file, line, column) and Unreachable `leave-unreadable`."""
        for line, cells in _rows(self._path):
            absence = self._absence(f"{self._path}:{line}", cells)
            if absence is not None and absence.from_at < until and absence.until_at > since:
                yield absence

    def _absence(self, file: str, cells: Mapping[str, str]) -> Absence | None:
        name = cells["person"]
        person = self._people.owner(name) if "@" in name else self._people.person(name)
        if person is None:
            return None
        from_at, until_at = (self._instant(file, cells, column, person) for column in ("from", "until"))
        if until_at <= from_at:
            raise Invalid("leave-end-before-start", file=file, column="until", value=cells["until"][:40])
        return Absence(person=person.id, from_at=from_at, until_at=until_at, source=self._path.name)

    def _instant(self, file: str, cells: Mapping[str, str], column: str, person: Person) -> datetime:
        text = cells[column]
        try:
            moment = (
                datetime.combine(date.fromisoformat(text), time(0)) if len(text) == 10 else datetime.fromisoformat(text)
            )
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=ZoneInfo(person.time_zone or self._time_zone))
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Invalid("leave-bad-date", file=file, column=column, value=text[:40]) from None


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open("rb") as opened:
            raw = opened.read(_LARGEST + 1)
    except OSError as error:
        raise Unreachable("leave-unreadable", file=path, what=error.strerror) from None
    if len(raw) > _LARGEST:
        raise Invalid("leave-too-large", file=path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Invalid("leave-not-utf8", file=f"{path}:{line}") from None
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        places = _places(next(reader, []), path)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, {name: cells[at].strip() if at < len(cells) else "" for name, at in places.items()}
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid("leave-not-csv", file=f"{path}:{line}", what=error) from None


def _places(header: list[str], path: Path) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise Invalid("leave-no-column", file=f"{path}:1", column=", ".join(missing))
    return {name: names.index(name) for name in _COLUMNS}
