"""A file that holds one secret key of a log or of a witness: read, or made at first use, 0600, and refused where others can read it.

One line in the form of Go's sumdb/note: `PRIVATE+KEY+<name>+<hash>+<base64(kind || secret)>`. What is signed with it is signer.py's
and the witness's.
"""

import base64
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from locum.errors import Garbled, Rejected, Unreachable
from locum.tlog import key_id
from locum.tlog.notes import from_base64, is_name


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key and the name that its signatures bear."""

    name: str
    key: Ed25519PrivateKey


def load_or_make(path: Path, kind: bytes, name: str) -> SecretKey:
    """The key in the file, or a new one of this name where there is no file.

    Raises Rejected(`key-file-open`), Garbled(`key-file-damaged`: also where it is of another kind or name) or
    Unreachable(`key-file-unreachable`).
    """
    try:
        found = load(path, kind) or _made(path, kind, name)
    except OSError as error:
        raise Unreachable("key-file-unreachable", path=path, reason=error.strerror or "") from error
    if found.name != name:
        raise Garbled("key-file-damaged", path=path)
    return found


def load(path: Path, kind: bytes) -> SecretKey | None:
    """The key in the file; None where there is no file. Raises OSError, and what `load_or_make` raises."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123 the file we judged is the file we read
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode) or mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Rejected("key-file-open", path=path)
        return _parsed(path, kind, file.read(4096))


def _parsed(path: Path, kind: bytes, content: bytes) -> SecretKey:
    try:
        *words, name, identity, encoded = content.decode().strip().split("+", 4)  # base64 has its own plus signs
        secret = from_base64(encoded)
        key = Ed25519PrivateKey.from_private_bytes(secret[1:])
    except (ValueError, Garbled) as error:
        raise Garbled("key-file-damaged", path=path) from error
    expected = key_id(name, kind + key.public_key().public_bytes_raw()).hex()
    if [*words, identity, secret[:1]] != ["PRIVATE", "KEY", expected, kind] or not is_name(name):
        raise Garbled("key-file-damaged", path=path)
    return SecretKey(name, key)


def _made(path: Path, kind: bytes, name: str) -> SecretKey:
    key = Ed25519PrivateKey.generate()
    identity = key_id(name, kind + key.public_key().public_bytes_raw()).hex()
    secret = base64.b64encode(kind + key.private_bytes_raw()).decode()
    _put(path, f"PRIVATE+KEY+{name}+{identity}+{secret}\n".encode())
    # Another process may have been first: what lies there is the key.
    found = load(path, kind)
    if found is None:
        raise Unreachable("key-file-unreachable", path=path, reason="")
    return found


def _put(path: Path, content: bytes) -> None:
    half = path.with_name(f".{path.name}.{token_hex(8)}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 made with its rights, in one step
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _link(half, path)
    finally:
        half.unlink()
    _sync_folder(path.parent)


def _link(half: Path, whole: Path) -> None:
    try:
        os.link(half, whole)  # never over a key that is there
    except FileExistsError:
        return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
