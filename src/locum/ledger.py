"""The ledger of erasing: which cases and streams were erased, outside the database, so that a restored backup forgets them again.

One line of 82 bytes for each: the SHA-256 of what it was, and sixteen digits of a SHA-256 over that and the check before, so
that a line which was changed, moved or taken out is seen. Nothing in it says whom or what it was about. A line is on the disk
before the key of what it names is destroyed.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from locum.errors import Garbled, Unreachable

LINE_BYTES = 82


def hash_of(kind: str, name: str) -> str:
    """What stands for an erased case (its id) or stream (its pseudonym)."""
    return hashlib.sha256(f"locum/erased/v1\n{kind}\n{name}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Ledger:
    """The file at `path`. Raises Unreachable `ledger-unreachable`."""

    path: Path

    def lines(self) -> int:
        """How many whole lines there are."""
        try:
            return self.path.stat().st_size // LINE_BYTES
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise self._unreachable(error) from None

    def read(self) -> list[str]:
        """The hashes, in order. A line that was cut short is none: nothing was destroyed for it yet.

        Raises Garbled `ledger-damaged`.
        """
        try:
            return self._checked(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unreachable(error) from None

    def append(self, hashes: Iterable[str]) -> int:
        """Add those that are not there yet, on the disk when it returns. How many lines there are then."""
        try:
            self.path.parent.mkdir(mode=0o750, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            with os.fdopen(descriptor, "r+b") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX)
                there = self._checked(file.read())
                new = [one for one in dict.fromkeys(hashes) if one not in set(there)]
                file.seek(len(there) * LINE_BYTES)
                file.truncate()
                file.write("".join(_lines(new, _check_of(there))).encode())
                file.flush()
                os.fsync(file.fileno())
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unreachable(error) from None
        return len(there) + len(new)

    def _checked(self, content: bytes) -> list[str]:
        whole = content[: len(content) // LINE_BYTES * LINE_BYTES].decode("ascii", "replace")
        lines = [whole[at : at + LINE_BYTES] for at in range(0, len(whole), LINE_BYTES)]
        hashes = [line[:64] for line in lines]
        if lines != _lines(hashes, ""):
            raise Garbled("ledger-damaged", file=self.path)
        return hashes

    def _unreachable(self, error: OSError) -> Unreachable:
        return Unreachable("ledger-unreachable", file=self.path, reason=error.strerror or type(error).__name__)


def _lines(hashes: Iterable[str], check: str) -> list[str]:
    lines = []
    for one in hashes:
        check = _next(check, one)
        lines.append(f"{one} {check}\n")
    return lines


def _check_of(hashes: Iterable[str]) -> str:
    check = ""
    for one in hashes:
        check = _next(check, one)
    return check


def _next(check: str, one: str) -> str:
    return hashlib.sha256(f"locum/ledger/v1\n{check}\n{one}".encode()).hexdigest()[:16]
