"""The key of the checkpoints: loaded, or made, at first use, and never leaving Signer. Notes are as in locum.tlog."""

from pathlib import Path

from locum.errors import Invalid
from locum.key_file import SecretKey, load_or_make
from locum.tlog import key_id
from locum.tlog.notes import ED25519, FORBIDDEN, is_name, signature_line, vkey_of


class Signer:
    """Signs checkpoints with the organisation's key, which is loaded, or made, at first use (key_file.py)."""

    def __init__(self, path: Path, origin: str) -> None:
        """`origin` is the name of the log and of its key: no space, no `+`. Raises Invalid(`origin`)."""
        if not is_name(origin):
            raise Invalid("origin", origin=origin)
        self.origin = origin
        self._path = path
        self._loaded: SecretKey | None = None

    @property
    def vkey(self) -> str:
        """What others verify with: `origin+hash+base64(type || public key)`."""
        return vkey_of(self.origin, ED25519, self._public())

    def sign(self, text: bytes) -> bytes:
        """The signed note: the text, an empty line, our signature. The text must end with a newline.

        Raises Rejected(`key-file-open`), Garbled(`key-file-damaged`) or Unreachable(`key-file-unreachable`).
        """
        if not text.endswith(b"\n") or FORBIDDEN.search(text.decode()):
            raise ValueError("not the text of a note")
        signature = key_id(self.origin, ED25519 + self._public()) + self._key().key.sign(text)
        return text + b"\n" + signature_line(self.origin, signature)

    def _public(self) -> bytes:
        return self._key().key.public_key().public_bytes_raw()

    def _key(self) -> SecretKey:
        if self._loaded is None:
            self._loaded = load_or_make(self._path, ED25519, self.origin)
        return self._loaded
