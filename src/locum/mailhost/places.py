"""The places of published scripts: the directory, before/ and after/ in it, held open; reading what lies there.

Nothing here follows a symlink, and no name leads out of them. What must not live here: writing a script.
"""

import errno
import fcntl
import hashlib
import math
import os
import shutil
import stat
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from locum.errors import Garbled, Invalid, Rejected, Trouble, Unreachable

PLACES = ("before", "after")
STAGED = ".staged-"

_LONGEST_NAME = 200
_LARGEST = 4 << 20
_LOCK_SECONDS = 20.0

_TROUBLE: dict[int, tuple[type[Trouble], str]] = {
    errno.ENOSPC: (Unreachable, "publishing-full"),
    errno.EDQUOT: (Unreachable, "publishing-full"),
    errno.EROFS: (Unreachable, "publishing-read-only"),
    errno.EACCES: (Rejected, "publishing-forbidden"),
    errno.EPERM: (Rejected, "publishing-forbidden"),
    errno.ENOENT: (Rejected, "publishing-missing"),
    errno.ENOTDIR: (Rejected, "publishing-not-a-directory"),
    errno.ELOOP: (Rejected, "publishing-not-a-directory"),
}


def trouble(error: OSError, place: object) -> Trouble:
    """What the operating system said, as one of ours."""
    kind, key = _TROUBLE.get(error.errno or 0, (Unreachable, "publishing-trouble"))
    return kind(key, place=place, what=os.strerror(error.errno or 0))


def checked_user(user: str) -> str:
    """The name itself, if a file of a directory can bear it and it cannot lead out of there. Raises Invalid."""
    odd = not (user.isascii() and user.isprintable()) and any(
        unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in user
    )
    if odd or not user or user.startswith(".") or "/" in user or ".." in user or len(user.encode()) > _LONGEST_NAME:
        raise Invalid("publishing-name", user=ascii(user)[:80])
    return user


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is published for one mailbox. `dated_at` is the oldest of the files' times."""

    before: bytes | None = None
    after: bytes | None = None
    dated_at: float = math.inf

    @property
    def digest(self) -> str:
        """What compare-and-swap compares; "" where nothing is published."""
        if self.before is None and self.after is None:
            return ""
        parts = (hashlib.sha256(part).digest() if part is not None else b"-" for part in (self.before, self.after))
        return hashlib.sha256(b"|".join(parts)).hexdigest()


class Places:
    """The publishing directory and the two in it, held open; a symlink in place of one is not followed.

    Raises Trouble. `writing` opens them so that they can be locked and made durable.
    """

    def __init__(self, directory: Path, *, writing: bool = False) -> None:
        self.directory = directory
        self._flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_RDONLY if writing else os.O_PATH)
        self._opened = ExitStack()
        self.root = -1
        self.folder: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            self.root = self._open(str(self.directory), None)
            self.folder = {place: self._open(place, self.root) for place in PLACES}
        except Trouble:
            self._opened.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _open(self, name: str, within: int | None) -> int:
        try:
            opened = os.open(name, self._flags, dir_fd=within)
        except OSError as error:
            raise trouble(error, self.directory if within is None else self.directory / name) from error
        self._opened.callback(os.close, opened)
        return opened

    def read(self, user: str) -> Published:
        """What is published for `user`. Raises Invalid, Trouble."""
        name = f"{checked_user(user)}.sieve"
        found = {place: self._file(place, name) for place in PLACES}
        texts = {place: one[0] for place, one in found.items() if one is not None}
        dates = [one[1] for one in found.values() if one is not None]
        return Published(before=texts.get("before"), after=texts.get("after"), dated_at=min(dates, default=math.inf))

    def _file(self, place: str, name: str) -> tuple[bytes, float] | None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            opened = os.open(name, flags, dir_fd=self.folder[place])
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise Garbled("published-not-ours", file=f"{place}/{name}") from error
            raise trouble(error, f"{place}/{name}") from error
        with os.fdopen(opened, "rb") as file:
            facts = os.fstat(opened)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
                raise Garbled("published-not-ours", file=f"{place}/{name}")
            return file.read(), facts.st_mtime

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else publishes meanwhile. Raises Unreachable where another does for too long."""
        until = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self.root, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise Unreachable("publishing-busy", place=self.directory) from error
                time.sleep(0.01)
        try:
            yield
        finally:
            fcntl.flock(self.root, fcntl.LOCK_UN)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A private folder on the same disk, gone afterwards. Under the lock only."""
        staged = Path(tempfile.mkdtemp(prefix=STAGED, dir=self.directory))
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
