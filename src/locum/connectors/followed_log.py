"""A log that is read from where it was left: each line once, across restarts and rotation. What is missing is told.

The place is a few bytes that say which file, how far, and what stood right before: so that a file that was cut, changed
or taken away behind our back is noticed. What must not live here: what a line means.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import BinaryIO

from locum.connectors.growing_log import stamped

LONGEST = 16384
_BEFORE = 4096
_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a file was read, the hash of what stood right before, and by how many seconds its clock is ahead of ours."""

    device: int = 0
    inode: int = 0
    offset: int = 0
    before: str = ""
    ahead: int = 0

    @classmethod
    def of(cls, value: object) -> "Place | None":
        """As it was kept; None where there is none."""
        if not isinstance(value, dict):
            return None
        return cls(**{name: value[name] for name in ("device", "inode", "offset", "before", "ahead")})

    def json(self) -> dict[str, object]:
        """To be kept."""
        return asdict(self)


@dataclass(slots=True)
class News:
    """What is new: lines with the instant of each by our clock, where to go on, and what is wrong with the log."""

    place: Place | None
    lines: list[tuple[datetime, bytes]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def news(path: Path, place: Place | None, zone: tzinfo | None) -> News:
    """What was written to the log at `path` since `place`; None begins at its end."""
    try:
        with path.open("rb") as file:
            return _news(path, file, place, zone)
    except OSError:
        return News(place, troubles=["unreadable"])


def _news(path: Path, file: BinaryIO, place: Place | None, zone: tzinfo | None) -> News:
    if place is None:
        return News(_place(file, _last_line_end(file)))
    found = News(place)
    start = _goes_on(file, place) if _is_same(place, file) else -1
    if start < 0:  # another file, or cut and written anew in place: what was in it may have been copied away first
        start = 0
        _rest_elsewhere(path, place, found, zone)
    before = len(found.lines)
    end = _read(file, start, found, zone)
    ahead = _ahead(file, found.lines[-1][0]) if len(found.lines) > before else place.ahead
    found.lines = [(at - timedelta(seconds=ahead), line) for at, line in found.lines]
    found.place = replace(_place(file, end), ahead=ahead)
    return found


def _ahead(file: BinaryIO, last: datetime) -> int:
    """By how much the clock of a log is ahead of ours: its last line was written when the file was."""
    ahead = last - datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    return round(ahead.total_seconds()) if abs(ahead) > _CLOCKS_DIFFER else 0


def _is_same(place: Place, file: BinaryIO) -> bool:
    facts = os.fstat(file.fileno())
    return (facts.st_dev, facts.st_ino) == (place.device, place.inode)


def _goes_on(file: BinaryIO, place: Place) -> int:
    """Where to go on; -1 where the file is shorter now, or something else stands before that."""
    if os.fstat(file.fileno()).st_size < place.offset or _before(file, place.offset) != place.before:
        return -1
    return place.offset


def _rest_elsewhere(path: Path, place: Place, found: News, zone: tzinfo | None) -> None:
    """The rest of the file that was read last, under whatever name it has now, and files between that one and this."""
    earlier = sorted(_siblings(path), key=lambda one: one[0])
    for number, (_, sibling) in enumerate(earlier):
        with suppress(OSError), sibling.open("rb") as file:
            if (start := _goes_on(file, place)) >= 0:
                _read(file, start, found, zone)
                _between([later for _, later in earlier[number + 1 :]], found, zone)
                return
    found.troubles.append("cut" if _still_there(path, place) else "gap")


def _siblings(path: Path) -> Iterator[tuple[float, Path]]:
    """Other files of the same log, with when each was last written: log.1, log-20261201. Packed ones cannot be read on."""
    for one in path.parent.glob(f"{path.name}?*"):
        with suppress(OSError):
            if one.is_file() and one.suffix not in (".gz", ".xz", ".bz2", ".zst"):
                yield one.stat().st_mtime, one


def _between(files: list[Path], found: News, zone: tzinfo | None) -> None:
    for one in files:
        with suppress(OSError), one.open("rb") as file:
            _read(file, 0, found, zone)


def _still_there(path: Path, place: Place) -> bool:
    try:
        with path.open("rb") as file:
            return _is_same(place, file)
    except OSError:
        return False


def _read(file: BinaryIO, start: int, found: News, zone: tzinfo | None) -> int:
    """Take in the lines from `start` on, and give back where the next one begins."""
    written_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    file.seek(start)
    at, whole = start, True
    while line := file.readline(LONGEST):
        if not line.endswith(b"\n") and len(line) < LONGEST:
            break  # being written just now: read whole the next time
        at += len(line)
        if whole:
            instant, text = stamped(line, written_at, zone)
            if instant is not None:
                found.lines.append((instant, line[text:]))
        whole = line.endswith(b"\n")
    return at


def _last_line_end(file: BinaryIO) -> int:
    size = os.fstat(file.fileno()).st_size
    start = max(0, size - LONGEST)
    file.seek(start)
    tail = file.read(size - start)
    return start + tail.rfind(b"\n") + 1 if b"\n" in tail else size


def _place(file: BinaryIO, offset: int) -> Place:
    facts = os.fstat(file.fileno())
    return Place(device=facts.st_dev, inode=facts.st_ino, offset=offset, before=_before(file, offset))


def _before(file: BinaryIO, offset: int) -> str:
    start = max(0, offset - _BEFORE)
    file.seek(start)
    return hashlib.sha256(file.read(offset - start)).hexdigest()


def place_and_rest(kept: bytes) -> tuple[Place | None, dict[str, object]]:
    """What was kept: the place, and whatever the reader keeps beside it. Raises ValueError where that cannot be read."""
    try:
        value = json.loads(kept or b"{}")
        rest = value.get("rest", {})
        return Place.of(value.get("place")), rest if isinstance(rest, dict) else {}
    except (KeyError, AttributeError) as error:
        raise ValueError(kept) from error


def kept(place: Place | None, rest: dict[str, object]) -> bytes:
    """To be kept, and given to `place_and_rest`."""
    return json.dumps({"place": None if place is None else place.json(), "rest": rest}, sort_keys=True).encode()
