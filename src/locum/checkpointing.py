"""The signed head of the tree in the store: what was signed last, whether the tree goes on from there, and the next one.

Nothing is signed that is no continuation of the last checkpoint: its signature must be ours, its root that of the kept
frontier, and that frontier with all leaves since must give the tree's own.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from sqlalchemy import Connection, select, update

from locum.errors import Garbled
from locum.reading import read_leaves
from locum.schema import tree
from locum.tlog import Checkpoint, Frontier, leaf_hash, parse_checkpoint, verify

_AT_ONCE = 1000


class Signer(Protocol):
    """Signs a checkpoint text; see tlog.py."""

    origin: str

    @property
    def vkey(self) -> str:
        """What its notes are verified with."""
        ...

    def sign(self, text: bytes) -> bytes:
        """The signed note."""
        ...


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree that was checked to go on from `last`, the checkpoint that was signed before (None for the first)."""

    last: bytes | None
    frontier: Frontier


def kept_frontier(size: int, content: bytes) -> Frontier:
    """A frontier as it stands in the store. Raises Garbled(`record-inconsistent`)."""
    try:
        return Frontier.from_bytes(size, content)
    except ValueError as error:
        raise Garbled("record-inconsistent") from error


def grown_tree(connection: Connection, signer: Signer) -> Grown | None:
    """The tree, checked against the last checkpoint; None if it has not grown. Raises Garbled(`record-inconsistent`)."""
    row = connection.execute(select(tree)).one()
    if row.size == row.checkpoint_size:
        return None
    signed = kept_frontier(row.checkpoint_size, row.checkpoint_frontier)
    _check_signed(row.checkpoint, signed, signer)
    grown = _grown(connection, signed, row.size)
    if (grown.size, bytes(grown)) != (row.size, row.frontier):
        raise Garbled("record-inconsistent")
    return Grown(row.checkpoint, grown)


def _check_signed(note: bytes | None, signed: Frontier, signer: Signer) -> None:
    if note is None and signed.size == 0:
        return
    if note is None:
        raise Garbled("record-inconsistent")
    if parse_checkpoint(verify(note, signer.vkey)) != Checkpoint(signer.origin, signed.size, signed.root()):
        raise Garbled("record-inconsistent")


def check_tree(connection: Connection, signer: Signer) -> None:
    """Raise Garbled(`record-inconsistent`) where the leaves, from the first one on, are not the tree's, or were others when the
    last checkpoint was signed. All leaves are read: for what is seldom asked.
    """
    row = connection.execute(select(tree)).one()
    signed = kept_frontier(row.checkpoint_size, row.checkpoint_frontier)
    _check_signed(row.checkpoint, signed, signer)
    grown = _grown(connection, Frontier(), signed.size)
    if grown != signed or _grown(connection, grown, row.size) != kept_frontier(row.size, row.frontier):
        raise Garbled("record-inconsistent")


def _grown(connection: Connection, frontier: Frontier, size: int) -> Frontier:
    leaves = read_leaves(connection, frontier.size, size)
    while some := [leaf_hash(leaf) for leaf in islice(leaves, _AT_ONCE)]:
        frontier = frontier.extend(some)
    return frontier


def sign_tree(connection: Connection, signer: Signer, grown: Grown) -> bytes | None:
    """Sign and keep it; None if another signer was first. Whoever is in here holds the row of the tree."""
    last = connection.execute(select(tree.c.checkpoint).with_for_update()).scalar_one()
    if last != grown.last:
        return None
    frontier = grown.frontier
    note = signer.sign(Checkpoint(signer.origin, frontier.size, frontier.root()).text())
    kept = {"checkpoint": note, "checkpoint_size": frontier.size, "checkpoint_frontier": bytes(frontier)}
    connection.execute(update(tree).values(**kept))
    return note
