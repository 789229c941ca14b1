"""The Merkle tree over the record: RFC 6962 section 2.1 (= RFC 9162 section 2.1) with SHA-256. Pure.

Hashes of leaves and nodes, the root, and the frontier with which a tree goes on growing. Proofs are in proofs.py.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


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
