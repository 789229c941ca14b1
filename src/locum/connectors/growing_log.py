"""A log that grows and is rotated, read a line at a time; garbage is skipped. Stamps may lack a year, or a zone.

What was read once is not read again while the file only grows. What must not live here: what a line means; that is
for whoever gives the `Sift`.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import BinaryIO, TypeAlias

_LONGEST = 16384
_BARE = re.compile(rb"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) ")
_DATED = re.compile(rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)? ")
_MONTHS = {name: n for n, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_LEAP_YEAR = 2000
_LEAP_YEARS = 9
"""So many years hold a 29th of February, whatever the century."""
_A_DAY = timedelta(days=1)

Bare: TypeAlias = tuple[int, int, int, int, int, int]
"""A time without a year: years since the file's first line, month, day, hour, minute, second."""


Sift: TypeAlias = Callable[[bytes, int], tuple[bytes, bytes] | None]
"""A line and where its text begins: a name and what is kept under it, or None."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was kept, and when it was written. Not `whole`: the log begins later, so there may have been more."""

    lines: tuple[tuple[datetime, bytes], ...]
    whole: bool


class GrowingLog:
    """The log at `path` and, of a rotated one, `path`.1. Times without a zone are in `zone`, this machine's if None.

    Safe to use from several threads.
    """

    def __init__(self, path: Path, sift: Sift, zone: tzinfo | None = None) -> None:
        self.path, self._sift, self._zone = path, sift, zone
        self._lock = threading.Lock()
        self._files: dict[Path, _Reading] = {}

    def readable(self) -> bool:
        """Whether it can be read now."""
        try:
            with self.path.open("rb"):
                return True
        except OSError:
            return False

    def since(self, since: datetime, name: bytes) -> "Seen | None":
        """What was kept under a name of each line written from then on, in order. None if it cannot be read."""
        with self._lock:
            try:
                readings = [self._read(path) for path in (self._rotated(), self.path) if path is not None]
            except OSError:
                return None
            begins = [reading.begins(self._zone) for reading in readings]
            known = [at for at in begins if at is not None]
            lines = [(at, kept) for reading in readings for at, kept in reading.kept(name, self._zone) if at >= since]
            return Seen(tuple(lines), whole=bool(known) and min(known) <= since)

    def _rotated(self) -> Path | None:
        path = self.path.with_name(f"{self.path.name}.1")
        return path if path.exists() else None

    def _read(self, path: Path) -> "_Reading":
        with path.open("rb") as file:
            reading = self._files.get(path)
            if reading is None or not reading.goes_on_in(file):
                reading = self._files[path] = _Reading(file, self._sift)
            reading.go_on(file)
        return reading


class _Reading:
    """What was read of one file so far.

    Stamps may have no year. Their years are counted from the first line on, by the months that begin anew, and
    the last line is not from the future; so which year the first one is of follows when all is read.
    """

    def __init__(self, file: BinaryIO, sift: Sift) -> None:
        self._identity, self._sift = _identity(file), sift
        self._offset = 0
        self._years, self._month = 0, 0
        self._last_bare: Bare | None = None
        self._first: Bare | datetime | None = None
        self._written_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        self._kept: dict[bytes, list[tuple[Bare | datetime, bytes]]] = {}

    def goes_on_in(self, file: BinaryIO) -> bool:
        """The same file, and not shorter."""
        return self._identity == _identity(file) and os.fstat(file.fileno()).st_size >= self._offset

    def go_on(self, file: BinaryIO) -> None:
        """Read what is new, whole lines only."""
        self._written_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        file.seek(self._offset)
        for line in self._lines(file):
            stamp, rest = self._stamp(line)
            if stamp is None:
                continue
            self._first = self._first or stamp
            if (sifted := self._sift(line, rest)) is not None:
                name, kept = sifted
                self._kept.setdefault(name, []).append((stamp, kept))

    def begins(self, zone: tzinfo | None) -> datetime | None:
        """When its first line was written; None where no line bears a time."""
        return None if self._first is None else self._instant(self._first, zone)

    def kept(self, name: bytes, zone: tzinfo | None) -> Iterator[tuple[datetime, bytes]]:
        """What was kept under a name, and when it was written."""
        for stamp, kept in self._kept.get(name, []):
            at = self._instant(stamp, zone)
            if at is not None:
                yield at, kept

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        while line := file.readline(_LONGEST):
            if not line.endswith(b"\n") and len(line) < _LONGEST:
                return  # being written just now: read it whole the next time
            whole = line.endswith(b"\n")
            self._offset += len(line)
            if whole:
                yield line
            while not whole and (more := file.readline(_LONGEST)):
                self._offset += len(more)
                whole = more.endswith(b"\n")

    def _stamp(self, line: bytes) -> tuple[Bare | datetime | None, int]:
        """When a line was written, and where its text begins."""
        if found := _BARE.match(line):
            return self._bare(found), found.end()
        if found := _DATED.match(line):
            try:
                return datetime.fromisoformat(
                    b"".join((found[1], b"T", found[2], found[3] or b"")).decode()
                ), found.end()
            except ValueError:
                return None, 0
        return None, 0

    def _bare(self, found: "re.Match[bytes]") -> Bare | None:
        month = _MONTHS.get(found[1], 0)
        day, hour, minute, second = (int(found[n]) for n in (2, 3, 4, 5))
        if _of_year(_LEAP_YEAR, (0, month, day, hour, minute, second), UTC) is None:
            return None
        if self._month - month > 1:
            self._years += 1
        elif (self._month, month) == (1, 12):  # the clock was set back over the new year
            self._years -= 1
        self._month = month
        self._last_bare = (self._years, month, day, hour, minute, second)
        return self._last_bare

    def _instant(self, stamp: Bare | datetime, zone: tzinfo | None) -> datetime | None:
        if isinstance(stamp, datetime):
            return stamp.astimezone(UTC) if stamp.tzinfo else _in_zone(stamp, zone)
        return _of_year(self._first_year(zone) + stamp[0], stamp, zone)

    def _first_year(self, zone: tzinfo | None) -> int:
        last = self._last_bare
        if last is None:
            return self._written_at.year
        year = self._written_at.year + 1
        while (at := _of_year(year, last, zone)) is None or at > self._written_at + _A_DAY:
            year -= 1
        return year - last[0]


def stamped(line: bytes, newest: datetime, zone: tzinfo | None) -> tuple[datetime | None, int]:
    """When a line was written, and where its text begins; None for a line that bears no time. A stamp without a year is of
    the last year that does not make it later than a day after `newest`.
    """
    if found := _DATED.match(line):
        return _dated(found, zone), found.end()
    if (found := _BARE.match(line)) is None:
        return None, 0
    day, hour, minute, second = (int(found[n]) for n in (2, 3, 4, 5))
    stamp = (0, _MONTHS.get(found[1], 0), day, hour, minute, second)
    years = range(newest.year + 1, newest.year - _LEAP_YEARS, -1)
    fits = (at for year in years if (at := _of_year(year, stamp, zone)) is not None and at <= newest + _A_DAY)
    return next(fits, None), found.end()


def _dated(found: "re.Match[bytes]", zone: tzinfo | None) -> datetime | None:
    try:
        stamp = datetime.fromisoformat(b"".join((found[1], b"T", found[2], found[3] or b"")).decode())
    except ValueError:
        return None
    return stamp.astimezone(UTC) if stamp.tzinfo else _in_zone(stamp, zone)


def _of_year(year: int, stamp: Bare, zone: tzinfo | None) -> datetime | None:
    try:
        return _in_zone(datetime(year, *stamp[1:]), zone)  # noqa: DTZ001  its zone is given right after
    except ValueError:
        return None  # the 29th of February, or no date at all


def _in_zone(bare: datetime, zone: tzinfo | None) -> datetime:
    return (bare.replace(tzinfo=zone) if zone else bare.astimezone()).astimezone(UTC)


def _identity(file: BinaryIO) -> tuple[int, int]:
    facts = os.fstat(file.fileno())
    return facts.st_dev, facts.st_ino
