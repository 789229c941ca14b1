"""Checkpoints and the signed notes they stand in: C2SP signed-note and tlog-checkpoint with Ed25519. Pure.

Read and verified here; the key that signs is in locum.signer.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from locum.errors import Garbled, Invalid
from locum.tlog.tree import HASH_BYTES


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed: this log had `size` leaves with this root (C2SP tlog-checkpoint, no extension lines)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        """The three lines of a checkpoint."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()


_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_SIZES = range(2**63)
"""What 64 bits with a sign hold: not every reader has more."""


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read what `Checkpoint.text` writes; extension lines are passed over. Raises Garbled(`checkpoint-damaged`)."""
    try:
        origin, size, root_, *_ = text.decode().split("\n")
    except ValueError as error:
        raise Garbled("checkpoint-damaged") from error
    found = from_base64(root_)
    if not origin or not text.endswith(b"\n") or not _is_size(size) or len(found) != HASH_BYTES:
        raise Garbled("checkpoint-damaged")
    return Checkpoint(origin, int(size), found)


def _is_size(text: str) -> bool:
    return _DECIMAL.fullmatch(text) is not None and int(text) in _SIZES


def from_base64(text: str) -> bytes:
    """One value, one spelling: what does not come out again as it went in is refused. Raises Garbled(`checkpoint-damaged`)."""
    try:
        content = base64.b64decode(text)
    except ValueError as error:
        raise Garbled("checkpoint-damaged") from error
    if base64.b64encode(content).decode() != text:
        raise Garbled("checkpoint-damaged")
    return content


ED25519 = b"\x01"
DASH = "\u2014"
_MAX_SIGNATURES = 100
FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def key_id(name: str, kind_and_key: bytes) -> bytes:
    """C2SP signed-note: the first four bytes of SHA-256(name || 0x0A || type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + kind_and_key).digest()[:4]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A verifier's key, read: the name that its signatures bear, the four bytes beside it, and the key."""

    name: str
    identity: bytes
    public: Ed25519PublicKey

    def signatures(self, note: bytes) -> tuple[bytes, list[bytes]]:
        """The text of a note, and what stands in those of its signatures that name this key. Raises Garbled: also where there
        is none (`checkpoint-unsigned`).
        """
        text, signatures = parts(note)
        ours = [signature[4:] for name, signature in signatures if (name, signature[:4]) == (self.name, self.identity)]
        if not ours:
            raise Garbled("checkpoint-unsigned", name=self.name)
        return text, ours

    def lines(self, note: bytes) -> bytes:
        """Those signature lines of a note that name this key, whatever they are worth. Raises Garbled."""
        found = [one for name, one in parts(note)[1] if (name, one[:4]) == (self.name, self.identity)]
        return b"".join(signature_line(self.name, one) for one in found)

    def check(self, signature: bytes, message: bytes) -> None:
        """Raises Garbled(`checkpoint-damaged`) where this key did not sign just this."""
        try:
            self.public.verify(signature, message)
        except InvalidSignature as error:
            raise Garbled("checkpoint-damaged") from error


def verify(note: bytes, vkey: str) -> bytes:
    """The text of a signed note that bears a good signature of `vkey` (`name+hash+base64`).

    Signatures of other keys are passed over; one that names this key and is wrong condemns the note.
    Raises Garbled(`checkpoint-damaged`), or Invalid(`verifier-key`) for a key that is none.
    """
    ours = read_vkey(vkey)
    text, signatures = ours.signatures(note)
    for signature in signatures:
        ours.check(signature, text)
    return text


def read_vkey(vkey: str, kind: bytes = ED25519) -> Verifier:
    """A verifier's key of this kind (C2SP signed-note): `name+hash+base64(kind || public key)`. Raises Invalid(`verifier-key`)."""
    name, _, rest = vkey.partition("+")
    identity, _, encoded = rest.partition("+")
    try:
        key = from_base64(encoded)
    except Garbled as error:
        raise Invalid("verifier-key") from error
    if not is_name(name) or key[:1] != kind or len(key) != 33 or identity != key_id(name, key).hex():
        raise Invalid("verifier-key")
    return Verifier(name, key_id(name, key), Ed25519PublicKey.from_public_bytes(key[1:]))


def vkey_of(name: str, kind: bytes, public: bytes) -> str:
    """What `read_vkey` reads."""
    return f"{name}+{key_id(name, kind + public).hex()}+{base64.b64encode(kind + public).decode()}"


def signature_line(name: str, content: bytes) -> bytes:
    """One line under a note: the name of the key, and the four bytes beside it with the signature."""
    return f"{DASH} {name} {base64.b64encode(content).decode()}\n".encode()


def parts(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The text of a signed note, and its signatures: each with the name beside it. Raises Garbled(`checkpoint-damaged`)."""
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise Garbled("checkpoint-damaged") from error
    text, gap, below = decoded.rpartition("\n\n")
    lines = below.removesuffix("\n").split("\n")
    if not gap or not below.endswith("\n") or FORBIDDEN.search(decoded) or len(lines) > _MAX_SIGNATURES:
        raise Garbled("checkpoint-damaged")
    return text.encode() + b"\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    words = line.split(" ")
    if len(words) != 3:
        raise Garbled("checkpoint-damaged")
    dash, name, encoded = words
    signature = from_base64(encoded)
    if dash != DASH or not is_name(name) or len(signature) < 5:
        raise Garbled("checkpoint-damaged")
    return name, signature


def is_name(name: str) -> bool:
    """Whether it may name a key: no space, no plus, nothing unprintable (C2SP signed-note)."""
    return bool(name) and "+" not in name and not any(char.isspace() for char in name) and name.isprintable()
