"""The Merkle tree over the record, checkpoints and proofs: RFC 6962 (= RFC 9162 section 2.1) with SHA-256, C2SP
signed-note and tlog-checkpoint with Ed25519. All of it can be made and verified without a database.

What must not live here: entries (entry.py), tables (store.py). The key of the checkpoints never leaves Signer.
"""

import base64
import binascii
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from locum.errors import Garbled, Invalid, Rejected, Unreachable

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


# The tree


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to go on: the size, and the hashes of the complete subtrees on the right edge, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where the hashes cannot be those of a tree of this size."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count() or any(len(h) != HASH_BYTES for h in self.hashes):
            raise ValueError("not a frontier")

    @classmethod
    def from_bytes(cls, size: int, content: bytes) -> "Frontier":
        """Read what `bytes(frontier)` writes. Raises ValueError."""
        return cls(size, tuple(content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)))

    def __bytes__(self) -> bytes:
        """The hashes, one after the other."""
        return b"".join(self.hashes)

    def extend(self, leaf_hashes: Sequence[bytes]) -> "Frontier":
        """The frontier after these leaves."""
        size, hashes = self.size, list(self.hashes)
        for right in leaf_hashes:
            carried, rest = right, size
            while rest & 1:  # a complete subtree of the same size stands to the left
                carried = node_hash(hashes.pop(), carried)
                rest >>= 1
            hashes.append(carried)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """The root of the tree so far."""
        if not self.hashes:
            return EMPTY_ROOT
        right = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            right = node_hash(left, right)
        return right


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root of a tree of these leaves."""
    return Frontier().extend(leaf_hashes).root()


def _split(size: int) -> int:
    """The largest power of two strictly below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, D[n]), RFC 6962 2.1.1. Raises IndexError."""
    size = len(leaf_hashes)
    if not 0 <= index < size:
        raise IndexError(index)
    if size == 1:
        return []
    middle = _split(size)
    left, right = leaf_hashes[:middle], leaf_hashes[middle:]
    if index < middle:
        return [*inclusion_proof(left, index), root(right)]
    return [*inclusion_proof(right, index - middle), root(left)]


def consistency_proof(leaf_hashes: Sequence[bytes], old: int) -> list[bytes]:
    """PROOF(old, D[n]), RFC 6962 2.1.2: that the first `old` leaves are those of the older tree. Raises IndexError.

    Empty for old = 0 and old = n, where there is nothing to prove.
    """
    if not 0 <= old <= len(leaf_hashes):
        raise IndexError(old)
    return _subproof(leaf_hashes, old, known=True) if old else []


def _subproof(leaf_hashes: Sequence[bytes], old: int, *, known: bool) -> list[bytes]:
    size = len(leaf_hashes)
    if old == size:
        return [] if known else [root(leaf_hashes)]
    middle = _split(size)
    left, right = leaf_hashes[:middle], leaf_hashes[middle:]
    if old <= middle:
        return [*_subproof(left, old, known=known), root(right)]
    return [*_subproof(right, old - middle, known=False), root(left)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_: bytes) -> bool:
    """Whether the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with this root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or any(len(h) != HASH_BYTES for h in (leaf, *proof)):
        return False
    place, last, made = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            made = node_hash(sibling, made)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            made = node_hash(made, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and made == root_


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= new or any(len(h) != HASH_BYTES for h in (old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return bool(path) and _climbs(old - 1, new - 1, path) == (old_root, new_root)


def _climbs(place: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots that the path leads to; None where it is too long or too short."""
    while place & 1:
        place, last = place >> 1, last >> 1
    made_old = made_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            made_old, made_new = node_hash(sibling, made_old), node_hash(sibling, made_new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            made_new = node_hash(made_new, sibling)
        place, last = place >> 1, last >> 1
    return (made_old, made_new) if last == 0 else None


# Checkpoints and notes


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


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read what `Checkpoint.text` writes; extension lines are passed over. Raises Garbled(`checkpoint-damaged`)."""
    try:
        origin, size, root_, *_ = text.decode().removesuffix("\n").split("\n")
    except ValueError as error:
        raise Garbled("checkpoint-damaged") from error
    found = _base64(root_)
    if not origin or not text.endswith(b"\n") or not _DECIMAL.fullmatch(size) or len(found) != HASH_BYTES:
        raise Garbled("checkpoint-damaged")
    return Checkpoint(origin, int(size), found)


def _base64(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Garbled("checkpoint-damaged") from error
    if base64.b64encode(content).decode() != text:  # one value, one spelling
        raise Garbled("checkpoint-damaged")
    return content


_ED25519 = b"\x01"
_DASH = "\u2014"
_MAX_SIGNATURES = 100
_FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def key_id(name: str, kind_and_key: bytes) -> bytes:
    """C2SP signed-note: the first four bytes of SHA-256(name || 0x0A || type || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + kind_and_key).digest()[:4]


def verify(note: bytes, vkey: str) -> bytes:
    """The text of a signed note that bears a good signature of `vkey` (`name+hash+base64`).

    Signatures of other keys are passed over; one that names this key and is wrong condemns the note.
    Raises Garbled(`checkpoint-damaged`), or Invalid(`verifier-key`) for a key that is none.
    """
    name, identity, public = _verifier(vkey)
    text, signatures = _parts(note)
    ours = [signature[4:] for key_name, signature in signatures if key_name == name and signature[:4] == identity]
    if not ours:
        raise Garbled("checkpoint-unsigned", name=name)
    for signature in ours:
        try:
            public.verify(signature, text)
        except InvalidSignature as error:
            raise Garbled("checkpoint-damaged") from error
    return text


def _verifier(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    name, _, rest = vkey.partition("+")
    identity, _, encoded = rest.partition("+")
    try:
        key = _base64(encoded)
    except Garbled as error:
        raise Invalid("verifier-key") from error
    if not _is_name(name) or key[:1] != _ED25519 or len(key) != 33 or identity != key_id(name, key).hex():
        raise Invalid("verifier-key")
    return name, key_id(name, key), Ed25519PublicKey.from_public_bytes(key[1:])


def _parts(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise Garbled("checkpoint-damaged") from error
    text, gap, below = decoded.rpartition("\n\n")
    lines = below.removesuffix("\n").split("\n")
    if not gap or not below.endswith("\n") or _FORBIDDEN.search(decoded) or len(lines) > _MAX_SIGNATURES:
        raise Garbled("checkpoint-damaged")
    return text.encode() + b"\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    dash, name, encoded = (*line.split(" "), "", "", "")[:3]
    signature = _base64(encoded)
    if dash != _DASH or line.count(" ") != 2 or not _is_name(name) or len(signature) < 5:
        raise Garbled("checkpoint-damaged")
    return name, signature


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() for char in name) and name.isprintable()


# The key


class Signer:
    """Signs checkpoints with the organisation's key, which is loaded, or made, at first use.

    The file holds one line in the form of Go's sumdb/note: `PRIVATE+KEY+<origin>+<hash>+<base64>`. It is made 0600 in one
    step, and refused where others can read it.
    """

    def __init__(self, path: Path, origin: str) -> None:
        """`origin` is the name of the log and of its key: no space, no `+`. Raises Invalid(`origin`)."""
        if not _is_name(origin):
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
        if not text.endswith(b"\n") or _FORBIDDEN.search(text.decode()):
            raise ValueError("not the text of a note")
        signature = key_id(self.origin, self._public()) + self._key().sign(text)
        return text + f"\n{_DASH} {self.origin} {base64.b64encode(signature).decode()}\n".encode()

    def _public(self) -> bytes:
        return _ED25519 + self._key().public_key().public_bytes_raw()

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
            secret = _base64(encoded)
            key = Ed25519PrivateKey.from_private_bytes(secret[1:])
        except (ValueError, Garbled) as error:
            raise Garbled("key-file-damaged", path=self._path) from error
        expected = key_id(self.origin, _ED25519 + key.public_key().public_bytes_raw()).hex()
        if [*words, origin, identity, secret[:1]] != ["PRIVATE", "KEY", self.origin, expected, _ED25519]:
            raise Garbled("key-file-damaged", path=self._path)
        return key

    def _make(self) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        identity = key_id(self.origin, _ED25519 + key.public_key().public_bytes_raw()).hex()
        secret = base64.b64encode(_ED25519 + key.private_bytes_raw()).decode()
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
