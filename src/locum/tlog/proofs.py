"""Proofs over the tree: that a leaf stands in it, and that a later tree begins with an earlier one (RFC 6962 2.1.1 and 2.1.2).

Made from the hashes of the leaves, verified with nothing but the proof. Pure.
"""

from collections.abc import Sequence

from locum.tlog.tree import EMPTY_ROOT, HASH_BYTES, node_hash, root


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
