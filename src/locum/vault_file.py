"""The file that holds the key of the vault: made, read, and made anew so that nothing is ever without a key that opens it.

One line for each key: `locum-vault/v1 ID KEY`, the newest last. There are two while the vault is being wrapped anew, and one
otherwise. Readable by its owner and its group (the worker's user and the pages'), by nobody else; it is written to no backup
that is kept for long (docs/operate.md).
"""

import contextlib
import fcntl
import hashlib
import os
import stat
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from locum.errors import Garbled, Invalid, Rejected, Unreachable
from locum.sealing import KEY_BYTES

ID_BYTES = 8
_LARGEST = 4096
_TRIES = 5
_HEAD = "locum-vault/v1"


def key_id(key: bytes) -> bytes:
    """What a key is known by; it says nothing of the key."""
    return hashlib.sha256(b"locum/vault-key/v1\n" + key).digest()[:ID_BYTES]


class VaultFile:
    """The file at `path`. `step` is told what was just done, for tests that stop there."""

    def __init__(
        self, path: Path, random: Callable[[int], bytes] = os.urandom, step: Callable[[str], None] = lambda _name: None
    ) -> None:
        self.path = path
        self._random = random
        self.step = step

    def new(self) -> bytes:
        """A new key; it lies nowhere yet."""
        return self._random(KEY_BYTES)

    def read(self) -> list[bytes]:
        """Its keys, the newest last; none where there is no file.

        Raises Rejected `vault-key-unreadable`, Invalid `vault-key-open`, Garbled `vault-key-damaged`.
        """
        for _ in range(_TRIES):
            try:
                with self.path.open("rb") as file:
                    status, raw = os.fstat(file.fileno()), file.read(_LARGEST + 1)
                    now = self.path.stat()
            except FileNotFoundError:
                return []
            except OSError as error:
                raise Rejected("vault-key-unreadable", file=self.path, what=error.strerror or "") from None
            if status.st_mode & stat.S_IRWXO:
                raise Invalid("vault-key-open", file=self.path)
            if keys := _keys(raw):
                return keys
            if now.st_ino == status.st_ino:
                break  # otherwise it was replaced, and overwritten, while it was read
        raise Garbled("vault-key-damaged", file=self.path)

    def write(self, keys: Sequence[bytes]) -> None:
        """Put these in place of what is there, in one step that outlasts a power cut, and overwrite what was there before.

        Raises Unreachable `vault-key-unwritable`; then the file is as it was.
        """
        lines = "".join(f"{_HEAD} {key_id(key).hex()} {b64encode(key).decode()}\n" for key in keys)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
            before = _opened(self.path)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "wb") as file:
                _as_before(file.fileno(), before)
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            _sync(self.path.parent)
        except OSError as error:
            raise Unreachable("vault-key-unwritable", file=self.path, what=error.strerror or "") from None
        _overwrite(before)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time. Raises Unreachable `vault-key-unwritable`."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise Unreachable("vault-key-unwritable", file=self.path, what=error.strerror or "") from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _keys(raw: bytes) -> list[bytes]:
    try:
        return [_key(line) for line in raw.decode("ascii").splitlines()] if len(raw) <= _LARGEST else []
    except (ValueError, Error):
        return []


def _key(line: str) -> bytes:
    head, name, content = line.split(" ")
    key = b64decode(content, validate=True)
    if head != _HEAD or len(key) != KEY_BYTES or key_id(key).hex() != name:
        raise ValueError(line[:20])
    return key


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # Another's file that this user may only read is replaced all the same; it cannot be overwritten.
        return None


def _as_before(file: int, before: int | None) -> None:
    os.fchmod(file, 0o640)
    if before is not None and os.fstat(before).st_gid != os.fstat(file).st_gid:
        with contextlib.suppress(PermissionError):
            os.fchown(file, -1, os.fstat(before).st_gid)


def _overwrite(before: int | None) -> None:
    """Where the file system writes in place, no block keeps the old key; where it does not, nobody can promise that."""
    if before is None:
        return
    with contextlib.suppress(OSError):
        os.pwrite(before, b"\0" * os.fstat(before).st_size, 0)
        os.fsync(before)
    os.close(before)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
