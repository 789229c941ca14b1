"""The key of the checkpoints: loaded, or made, at first use, and never leaving Signer. Notes are as in locum.tlog."""

import base64
import os
import stat
from pathlib import Path
from secrets import token_hex

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from locum.errors import Garbled, Invalid, Rejected, Unreachable
from locum.tlog import key_id
from locum.tlog.notes import DASH, ED25519, FORBIDDEN, from_base64, is_name


class Signer:
    """Signs checkpoints with the organisation's key, which is loaded, or made, at first use.

    The file holds one line in the form of Go's sumdb/note: `PRIVATE+KEY+<origin>+<hash>+<base64>`. It is made 0600 in one
    step, and refused where others can read it.
    """

    def __init__(self, path: Path, origin: str) -> None:
        """`origin` is the name of the log and of its key: no space, no `+`. Raises Invalid(`origin`)."""
        if not is_name(origin):
            raise Invalid("origin", origin=origin)
        self.origin = origin
        self._path = path
        self._loaded: Ed25519PrivateKey | None = None

    @property
    def vkey(self) -> str:
        """What others verify with: `origin+hash+base64(type || public key)`."""
        public = self._public()
        return f"{self.origin}+{key_id(self.origin, public).hex()}+{base64.b64encode(public).decode()}"

    def sign(self, text: bytes) -> bytes:
        """The signed note: the text, an empty line, our signature. The text must end with a newline.

        Raises Rejected(`key-file-open`), Garbled(`key-file-damaged`) or Unreachable(`key-file-unreachable`).
        """
        if not text.endswith(b"\n") or FORBIDDEN.search(text.decode()):
            raise ValueError("not the text of a note")
        signature = key_id(self.origin, self._public()) + self._key().sign(text)
        return text + f"\n{DASH} {self.origin} {base64.b64encode(signature).decode()}\n".encode()

    def _public(self) -> bytes:
        return ED25519 + self._key().public_key().public_bytes_raw()

    def _key(self) -> Ed25519PrivateKey:
        if self._loaded is None:
            try:
                self._loaded = self._read() or self._make()
            except OSError as error:
                raise Unreachable("key-file-unreachable", path=self._path, reason=error.strerror or "") from error
        return self._loaded

    def _read(self) -> Ed25519PrivateKey | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123 the file we judged is the file we read
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode) or mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Rejected("key-file-open", path=self._path)
            return self._parse(file.read(4096))

    def _parse(self, content: bytes) -> Ed25519PrivateKey:
        try:
            *words, origin, identity, encoded = content.decode().strip().split("+", 4)  # base64 has its own plus signs
            secret = from_base64(encoded)
            key = Ed25519PrivateKey.from_private_bytes(secret[1:])
        except (ValueError, Garbled) as error:
            raise Garbled("key-file-damaged", path=self._path) from error
        expected = key_id(self.origin, ED25519 + key.public_key().public_bytes_raw()).hex()
        if [*words, origin, identity, secret[:1]] != ["PRIVATE", "KEY", self.origin, expected, ED25519]:
            raise Garbled("key-file-damaged", path=self._path)
        return key

    def _make(self) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        identity = key_id(self.origin, ED25519 + key.public_key().public_bytes_raw()).hex()
        secret = base64.b64encode(ED25519 + key.private_bytes_raw()).decode()
        self._put(f"PRIVATE+KEY+{self.origin}+{identity}+{secret}\n".encode())
        # Another process may have been first: what lies there is the key.
        found = self._read()
        if found is None:
            raise Unreachable("key-file-unreachable", path=self._path, reason="")
        return found

    def _put(self, content: bytes) -> None:
        half = self._path.with_name(f".{self._path.name}.{token_hex(8)}")
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 made with its rights, in one step
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _link(half, self._path)
        finally:
            half.unlink()
        _sync_folder(self._path.parent)


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
