"""People from a CSV file: read whole, judged whole, and read again when the file changes.

A mistake names file, line and column, and nothing of a bad file is used: once a good one was read, that one counts until
the file is mended, for one bad row must not stop what is under way. Comma or semicolon, with or without a byte order mark.
Columns beyond the known ones are kept with the mailbox, for `user = "column"` of a connector.
"""

import csv
import gc
import io
import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import structlog

from locum.absence import Mailbox, Person
from locum.addresses import canonical, number
from locum.entry import bad_character
from locum.errors import Invalid, LocumError, Unreachable
from locum.seam import Finding, Report

REQUIRED = ("person", "name", "mailbox")
OPTIONAL = (
    "aliases",
    "language",
    "time_zone",
    "function",
    "manager",
    "private_mail",
    "mobile",
    "private_permitted_on",
    "reads_along",
)
_NOT_KEPT = frozenset(REQUIRED + OPTIONAL) - {"person"}
_LARGEST = 256 * 1024 * 1024
_YES = {"yes": True, "ja": True, "no": False, "nee": False, "": False}


@dataclass(slots=True)
class _Directory:
    """One reading of the file."""

    persons: dict[str, Person] = field(default_factory=dict)
    owners: dict[str, Person] = field(default_factory=dict)


class PeopleCsv:
    """seam.People over one CSV file. Safe to use from several threads. After the first reading no method raises for the
    file's sake: `problem` says why the newest one is not used.
    """

    def __init__(self, path: Path, *, default_language: str, default_time_zone: str) -> None:
        """Read `path`; empty languages and time zones become the defaults.

        Raises Invalid where the file has a mistake, Unreachable `people-unreadable` where it cannot be read.
        """
        self._path = path
        self._defaults = (default_language, default_time_zone)
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._directory = _Directory()
        self._problem: LocumError | None = None
        self._now()
        if self._problem is not None:
            raise self._problem

    @property
    def problem(self) -> LocumError | None:
        """Why the file as it is now is not used, None where it is."""
        self._now()
        return self._problem

    def check(self) -> Report:
        """Whether the file as it is now is the one in use. The error's own values say where it is wrong."""
        problem = self.problem
        if problem is None:
            values = (("file", str(self._path)), ("persons", str(len(self._directory.persons))))
            return (Finding(key="people.in-use", holds=True, values=values),)
        return (Finding(key="people.not-used", holds=False, values=(*problem.values.items(), ("error", problem.key))),)

    def person(self, person_id: str) -> Person | None:
        """The person with this id."""
        return self._now().persons.get(person_id)

    def owner(self, address: str) -> Person | None:
        """The person whose mailbox has this address or alias."""
        try:
            wanted = canonical(address)
        except Invalid:
            return None
        return self._now().owners.get(wanted)

    def everyone(self) -> Iterable[Person]:
        """All persons, in the order of the file."""
        return tuple(self._now().persons.values())

    def _now(self) -> _Directory:
        with self._lock:
            try:
                status = self._path.stat()
                seen = (status.st_mtime_ns, status.st_size, status.st_ino)
                if seen != self._seen:
                    self._read_anew(seen)
            except OSError as error:
                self._seen = None
                self._stays(Unreachable("people-unreadable", file=self._path, what=error.strerror))
            return self._directory

    def _read_anew(self, seen: tuple[int, int, int]) -> None:
        try:
            self._directory = _read(self._path, *self._defaults)
            self._problem = None
        except Invalid as error:
            self._stays(error)
        self._seen = seen

    def _stays(self, problem: LocumError) -> None:
        """What was read last stays in use, and that is logged once, without a row's own words. Where nothing was read yet
        there is nothing to go on with: whoever starts stops at it, and says it in words.
        """
        if self._directory.persons and (self._problem is None or str(self._problem) != str(problem)):
            where = {name: problem.values[name] for name in ("file", "column") if name in problem.values}
            _log().warning("people-not-used", key=problem.key, **where)
        self._problem = problem


def _log() -> structlog.typing.FilteringBoundLogger:
    """One JSON line on standard error, like the worker's: standard output is the command line's."""
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger


def _read(path: Path, language: str, time_zone: str) -> _Directory:
    raw = path.read_bytes()
    if len(raw) > _LARGEST:
        raise Invalid("people-too-large", file=path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Invalid("people-not-utf8", file=f"{path}:{line}") from None
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    # A million new objects and no garbage among them: the collector's walks were a quarter of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _Reader(path, language, time_zone).read(text)
    finally:
        if collects:
            gc.enable()


class _Reader:
    """One reading: rows become persons, and every rule that spans rows is judged."""

    def __init__(self, path: Path, language: str, time_zone: str) -> None:
        self.path = path
        self.language = language
        self.time_zone = time_zone
        self.directory = _Directory()
        self.lines: dict[str, int] = {}

    def read(self, text: str) -> _Directory:
        rows = _rows(text, self.path)
        _, header = next(rows, (1, []))
        names = self._columns(header)
        for line, cells in rows:
            if len(cells) > len(names):
                raise Invalid("people-too-many-cells", file=f"{self.path}:{line}", columns=len(names), cells=len(cells))
            self._add(_Row(f"{self.path}:{line}", dict(zip(names, cells, strict=False))), line)
        self._check_managers()
        return self.directory

    def _columns(self, header: list[str]) -> list[str]:
        names = [name.lower() for name in header]
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            raise Invalid("people-no-column", file=f"{self.path}:1", column=", ".join(missing))
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise Invalid("people-column-twice", file=f"{self.path}:1", column=twice)
        return names

    def _add(self, row: "_Row", line: int) -> None:
        person = row.person(self.language, self.time_zone)
        if person.id in self.lines:
            raise row.wrong("people-person-twice", "person", first=str(self.lines[person.id]))
        self.lines[person.id] = line
        self.directory.persons[person.id] = person
        for place, address in enumerate(person.mailbox.addresses if person.mailbox else ()):
            other = self.directory.owners.setdefault(address, person)
            if other is not person:
                column = "aliases" if place else "mailbox"
                raise row.wrong("people-address-twice", column, address=address, first=str(self.lines[other.id]))

    def _check_managers(self) -> None:
        for person in self.directory.persons.values():
            if person.manager and person.manager not in self.directory.persons:
                file = f"{self.path}:{self.lines[person.id]}"
                raise Invalid("people-unknown-manager", file=file, column="manager", value=person.manager)


def _rows(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid("people-not-csv", file=f"{path}:{line}", what=error) from None


@dataclass(slots=True)
class _Row:
    """One row, by column name; `file` names the line too."""

    file: str
    cells: Mapping[str, str]

    def wrong(self, key: str, column: str, **values: str) -> Invalid:
        return Invalid(key, clause=None, file=self.file, column=column, value=self.cells.get(column, "")[:80], **values)

    def person(self, language: str, time_zone: str) -> Person:
        cells = self.cells
        self._check_characters()
        for column in ("person", "name"):
            if not cells.get(column):
                raise self.wrong("people-empty", column)
        return Person(
            id=cells["person"],
            name=cells["name"],
            mailbox=self._mailbox(),
            language=self._judged("language", _is_language) or language,
            time_zone=self._judged("time_zone", _is_zone) or time_zone,
            function=cells.get("function", "").lower(),
            manager=cells.get("manager", ""),
            private_mail=self._address("private_mail"),
            mobile=self._mobile(),
            private_permitted_on=self._day("private_permitted_on"),
            reads_along=self._reads_along(),
        )

    def _check_characters(self) -> None:
        if "".join(self.cells.values()).isprintable():
            return
        for column, cell in self.cells.items():
            if not cell.isprintable() and any(char in "\n\t" or bad_character(char) for char in cell):
                raise self.wrong("people-bad-character", column)

    def _mailbox(self) -> Mailbox | None:
        address = self._address("mailbox")
        aliases = [
            self._canonical("aliases", alias) for alias in self.cells.get("aliases", "").replace(";", " ").split()
        ]
        if not address:
            if aliases:
                raise self.wrong("people-alias-without-mailbox", "aliases")
            return None
        if len({address, *aliases}) <= len(aliases):
            raise self.wrong("people-alias-twice", "aliases")
        extra = {name: cell for name, cell in self.cells.items() if name not in _NOT_KEPT}
        return Mailbox(
            address=address, name=self.cells["name"], aliases=tuple(aliases), columns=MappingProxyType(extra)
        )

    def _address(self, column: str) -> str:
        text = self.cells.get(column, "")
        return self._canonical(column, text) if text else ""

    def _canonical(self, column: str, text: str) -> str:
        try:
            return canonical(text)
        except Invalid:
            raise self.wrong("people-bad-address", column, address=text[:80]) from None

    def _judged(self, column: str, judge: Callable[[str], bool]) -> str:
        text = self.cells.get(column, "")
        if text and not judge(text):
            raise self.wrong(f"people-bad-{column.replace('_', '-')}", column)
        return text

    def _mobile(self) -> str:
        text = self.cells.get("mobile", "")
        try:
            return number(text) if text else ""
        except Invalid:
            raise self.wrong("people-bad-mobile", "mobile") from None

    def _day(self, column: str) -> date | None:
        text = self.cells.get(column, "")
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise self.wrong("people-bad-date", column) from None

    def _reads_along(self) -> bool:
        text = self.cells.get("reads_along", "").lower()
        if text not in _YES:
            raise self.wrong("people-bad-yes-or-no", "reads_along")
        return _YES[text]


def _is_language(text: str) -> bool:
    return re.fullmatch(r"[a-z]{2}", text) is not None


@cache
def _is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        return False
    return True
