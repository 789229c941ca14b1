"""The flat file: what of the record lies outside the database, for everybody who may check it. A folder with two files.

`leaves` are the 65-byte leaves, one after the other, and nothing else; `checkpoint` is the newest published signed note.
A leaf is only appended, a checkpoint only replaced, in one step; both are on the disk before anything builds on them. Who
may write what, and when, is publishing.py's matter; no table and no key is known here.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from locum.entry import LEAF_BYTES
from locum.errors import Unreachable

_AT_ONCE = 5000
_LONGEST_NOTE = 64 * 1024


@dataclass(frozen=True, slots=True)
class FlatFile:
    """The folder, for reading; `writing` gives what may write. Raises Unreachable(`record-folder-unreachable`)."""

    folder: Path

    @property
    def leaves_path(self) -> Path:
        """Where the leaves are."""
        return self.folder / "leaves"

    @property
    def checkpoint_path(self) -> Path:
        """Where the published checkpoint is."""
        return self.folder / "checkpoint"

    def bytes_there(self) -> int:
        """How long the file of leaves is; a multiple of 65, unless writing was cut short."""
        with _told(self.folder):
            try:
                return self.leaves_path.stat().st_size
            except FileNotFoundError:
                return 0

    def size(self) -> int:
        """How many whole leaves there are."""
        return self.bytes_there() // LEAF_BYTES

    def leaves(self, first: int = 0, last: int | None = None) -> Iterator[list[bytes]]:
        """The leaves [first, last), or to the last one there, in lists of some thousands."""
        with _told(self.folder):
            try:
                file = self.leaves_path.open("rb")
            except FileNotFoundError:
                return
            with file:
                file.seek(first * LEAF_BYTES)
                while last is None or first < last:
                    wanted = _AT_ONCE if last is None else min(_AT_ONCE, last - first)
                    if not (some := _cut(file.read(wanted * LEAF_BYTES))):
                        return
                    yield some
                    first += len(some)

    def checkpoint(self) -> bytes | None:
        """The published note, as it lies there; None where nothing was published."""
        with _told(self.folder):
            try:
                with self.checkpoint_path.open("rb") as file:
                    return file.read(_LONGEST_NOTE)
            except FileNotFoundError:
                return None

    @contextmanager
    def writing(self) -> Iterator["Writing"]:
        """The one who writes; another one, thread or process, waits. Makes the folder where there is none."""
        with _told(self.folder):
            if not self.folder.exists():
                self.folder.mkdir(mode=0o750, exist_ok=True)
                _leave_to_owner(self.folder, self.folder.parent)
            descriptor = os.open(self.leaves_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            with _told(self.folder):
                _leave_to_owner(descriptor, self.folder)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if not os.fstat(descriptor).st_size:  # it may just have been made
                    _sync_folder(self.folder)
            yield Writing(self, descriptor)
        finally:
            with _told(self.folder):
                os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Writing:
    """The flat file while it is held. What one of these writes is on the disk when it returns."""

    file: FlatFile
    descriptor: int

    def put(self, first: int, leaves: Sequence[bytes]) -> None:
        """These leaves stand at `first` and are the last ones. Nothing before `first` is touched."""
        if first > self.file.size():
            raise ValueError("a gap in the leaves")
        with _told(self.file.folder):
            at, content = first * LEAF_BYTES, memoryview(b"".join(leaves))
            while content:
                written = os.pwrite(self.descriptor, content, at)
                at, content = at + written, content[written:]
            os.ftruncate(self.descriptor, at)
            os.fsync(self.descriptor)

    def publish(self, note: bytes) -> None:
        """This note is the published checkpoint: all of it or the one before, whatever happens meanwhile."""
        half = self.file.folder / ".checkpoint"
        with _told(self.file.folder):
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
            with open(descriptor, "wb") as out:  # noqa: PTH123 made with its rights, in one step
                _leave_to_owner(descriptor, self.file.folder)
                out.write(note)
                out.flush()
                os.fsync(out.fileno())
            half.rename(self.file.checkpoint_path)
            _sync_folder(self.file.folder)


def _cut(content: bytes) -> list[bytes]:
    """Whole leaves; what is left over is none."""
    return [content[at : at + LEAF_BYTES] for at in range(0, len(content) - LEAF_BYTES + 1, LEAF_BYTES)]


def _leave_to_owner(made: int | Path, folder: Path) -> None:
    """What root makes here belongs to whoever the folder belongs to: the worker must be able to read it and go on."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(made, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unreachable("record-folder-unreachable", folder=folder, reason=reason) from error
