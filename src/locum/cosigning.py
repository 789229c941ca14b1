"""Having the record cosigned: the published checkpoint goes to every witness of the settings, and what they sign is kept.

Nothing is kept that was not verified, and nothing kept is believed that does not fit the leaves of the store: a row of the
database vouches for nothing. How a witness is asked is an edge's matter (seam.Witness), when it is asked the desk's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from locum.errors import Conflict, Garbled, LocumError, Rejected, Unreachable
from locum.seam import Finding, Report, Witness
from locum.store import Store
from locum.tlog import consistency_proof, cosigned_at, leaf_hash, lines_of, parse_checkpoint, root, with_signatures
from locum.tlog.notes import parts

_TRIES = 3
_REST = timedelta(seconds=20)
"""So long a witness that did not sign is left alone, by whoever can wait."""


class Publisher(Protocol):
    """The part of publishing.Publisher that is needed."""

    def publish(self) -> bytes:
        """Sign and publish now; the note."""
        ...

    def keep(self, note: bytes) -> None:
        """Publish it with what others signed below it."""
        ...


@dataclass
class Cosigning:
    """The witnesses, and what they have signed. `publisher` is None for a process that signs nothing: it only looks.

    `published` is the newest published note, None where there is none.
    """

    store: Store
    witnesses: Sequence[Witness]
    published: Callable[[], bytes | None]
    publisher: Publisher | None
    clock: Callable[[], datetime]
    _asking: Lock = field(default_factory=Lock, repr=False)
    _fitting: set[bytes] = field(default_factory=set, repr=False)
    _resting: dict[str, datetime] = field(default_factory=dict, repr=False)
    _failing: dict[str, datetime] = field(default_factory=dict, repr=False)

    def size(self) -> int:
        """How many leaves every witness of the settings has signed for, as far as they are still ours."""
        note = self.store.cosigned()
        return 0 if note is None or not self._holds(note) else _size(note)

    def up_to(self, size: int) -> None:
        """Every witness has signed for at least so many leaves: the record is published and shown to them now, where they
        have not. Raises what stands in the way; and Unreachable(`witness-not-yet`) in a process that signs nothing.
        """
        if self.size() >= size:
            return
        with self._asking:
            if self.size() < size and self.publisher is not None:
                self.cosign(self.publisher.publish())
        if self.size() < size:
            raise Unreachable("witness-not-yet")

    def keep_up(self) -> list[LocumError]:
        """Have the published checkpoint cosigned, where it is not yet: for what can wait. Gives back what went wrong now."""
        note = self.published()
        if note is None or self.publisher is None or not self.witnesses or self._is_done(note):
            return []
        now = self.clock()
        asked = [one for one in self.witnesses if self._resting.get(one.vkey, now) <= now]
        with self._asking:
            return [error for error in self._ask(asked, note) if error is not None] if asked else []

    def shown_again(self, witness: Witness) -> bytes | None:
        """What it signed last, signed by it once more now, and kept nowhere: whether it answers. None where it signed nothing yet.
        Raises Conflict where it has seen more meanwhile.
        """
        kept = self._kept(witness)
        if kept is None:
            return None
        return with_signatures(kept, witness.cosign(kept, _size(kept), []))

    def since(self, name: str) -> datetime | None:
        """Since when the witness of this name has signed nothing; None for one that never failed."""
        for witness in self.witnesses:
            if witness.name == name:
                kept = self._kept(witness)
                return self._failing.get(witness.vkey) if kept is None else cosigned_at(kept, witness.vkey)
        return None

    def cosign(self, note: bytes) -> None:
        """Have it signed by each of them, and keep it. Raises the first thing that went wrong, after all were asked."""
        for error in self._ask(self.witnesses, note):
            if error is not None:
                raise error

    def _ask(self, witnesses: Sequence[Witness], note: bytes) -> list[LocumError | None]:
        found = [self._by(one, note) for one in witnesses]
        lines = b"".join(one for one in found if isinstance(one, bytes))
        if lines and self.publisher is not None:
            self.publisher.keep(with_signatures(note, lines))
        self._keep_whole(note)
        return [None if isinstance(one, bytes) else one for one in found]

    def _by(self, witness: Witness, note: bytes) -> bytes | LocumError:
        """Its lines, kept; or why there are none. Who has signed this very checkpoint is not asked again."""
        kept = self._kept(witness)
        if kept is not None and parts(kept)[0] == parts(note)[0]:
            return lines_of(kept, witness.vkey)
        try:
            lines = self._signed(witness, note)
            self.store.keep_setting(_row(witness), with_signatures(note, lines))
        except LocumError as error:
            self._resting[witness.vkey] = self.clock() + _REST
            self._failing.setdefault(witness.vkey, self.clock())
            return error
        for known in (self._resting, self._failing):
            known.pop(witness.vkey, None)
        return lines

    def _signed(self, witness: Witness, note: bytes) -> bytes:
        point = parse_checkpoint(parts(note)[0])
        leaves = [leaf_hash(leaf) for leaf in self.store.leaves(0, point.size)]
        if root(leaves) != point.root:
            raise Garbled("record-inconsistent")
        self._fitting.add(parts(note)[0])
        kept = self._kept(witness)
        before = old = 0 if kept is None else _size(kept)
        for _ in range(_TRIES):
            try:
                return witness.cosign(note, min(old, point.size), consistency_proof(leaves, min(old, point.size)))
            except Conflict as held:
                old = self._goes_on(witness, int(held.values["size"]), before, point.size)
        raise Unreachable("witness-no-answer", witness=witness.name, what="409")

    def _goes_on(self, witness: Witness, held: int, before: int, size: int) -> int:
        """From where it has to be shown the way, as it says itself. Raises where that cannot be."""
        if held < before:
            raise Rejected("witness-forgot", witness=witness.name, size=held, before=before)
        if held > size:
            ours = self.store.tree_sizes()[0]
            if held > ours:
                raise Garbled("witness-ahead", witness=witness.name, size=held, ours=ours)
            raise Unreachable("witness-not-yet")  # another worker has shown it more meanwhile
        return held

    def _kept(self, witness: Witness) -> bytes | None:
        """The last checkpoint that it signed, by what is kept; what is false there counts for nothing."""
        note = self.store.kept_setting(_row(witness))
        try:
            if note is not None:
                cosigned_at(note, witness.vkey)
        except Garbled:
            return None
        return note

    def _keep_whole(self, note: bytes) -> None:
        """Where every one of them has signed this very checkpoint, that is kept as the newest one that all have signed."""
        whole = note
        for witness in self.witnesses:
            kept = self._kept(witness)
            if kept is None or parts(kept)[0] != parts(note)[0]:
                return
            whole = with_signatures(whole, lines_of(kept, witness.vkey))
        there = self.store.cosigned()
        newer = there is not None and _size(there) > _size(whole) and self._holds(there)
        if self.witnesses and self._holds(whole) and not newer:
            self.store.keep_setting("cosigned", whole)

    def _is_done(self, note: bytes) -> bool:
        kept = self.store.cosigned()
        return kept is not None and _size(kept) >= _size(note) and self._holds(kept)

    def _holds(self, note: bytes) -> bool:
        """Whether every witness has truly signed this, and its root is that of the leaves in the store."""
        try:
            point = parse_checkpoint(parts(note)[0])
            for witness in self.witnesses:
                cosigned_at(note, witness.vkey)
        except Garbled:
            return False
        text = parts(note)[0]
        if text not in self._fitting:
            leaves = self.store.leaves(0, point.size)
            if len(leaves) != point.size or root([leaf_hash(leaf) for leaf in leaves]) != point.root:
                return False
            self._fitting.add(text)
        return True


def check_witnesses(cosigning: Cosigning | None) -> Report:
    """Whether each witness answers, and with which key; that nobody looks along, where the settings name none."""
    if cosigning is None:
        return (Finding(key="witness.none", holds=None),)
    return tuple(_checked(cosigning, one) for one in cosigning.witnesses)


def _checked(cosigning: Cosigning, witness: Witness) -> Finding:
    known = (("witness", witness.name), ("vkey", witness.vkey))
    try:
        note = cosigning.shown_again(witness)
    except Conflict:
        return Finding(key="witness.holds-more", holds=True, values=known)
    except LocumError as error:
        return Finding(key="witness.trouble", holds=False, values=(*error.values.items(), *known, ("error", error.key)))
    if note is None:
        return Finding(key="witness.nothing-yet", holds=None, values=known)
    at = cosigned_at(note, witness.vkey).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Finding(key="witness.signs", holds=True, values=(*known, ("at", at), ("size", str(_size(note)))))


def _row(witness: Witness) -> str:
    return f"cosigned/{witness.vkey}"


def _size(note: bytes) -> int:
    return parse_checkpoint(parts(note)[0]).size
