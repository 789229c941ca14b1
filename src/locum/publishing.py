"""Publishing the record: leaves into the flat file, checkpoints signed, blank leaves, at fixed times. For who has the key.

The order is always: the database is compared with the flat file; new leaves are written and on the disk; then a checkpoint
over them is signed; then it is published. So the flat file is never shorter than what anybody was shown, and a database that
is behind it, or differs, is an old or a changed one: nothing more is signed.
What the files look like is flatfile.py's, what a checkpoint covers checkpointing.py's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from locum.entry import LEAF_BYTES, Draft
from locum.errors import Garbled, Unreachable
from locum.flatfile import FlatFile, Writing
from locum.store import Change, Signer, Store
from locum.tlog import Checkpoint, Frontier, leaf_hash, parse_checkpoint, verify, with_signatures
from locum.tlog.notes import parts

BLANK = "org/blank"
"""The stream of the blank leaves."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 5000
_REST = timedelta(minutes=1)
_TRIES = 20


@dataclass
class Publisher:
    """Signs and publishes. Several may be at it, threads and processes: one at a time writes the flat file."""

    store: Store
    signer: Signer
    file: FlatFile
    clock: Callable[[], datetime]
    every: timedelta = timedelta(hours=4)
    block: int = 8
    _done: datetime | None = field(default=None, repr=False)
    _wrong: tuple[Garbled, datetime] | None = field(default=None, repr=False)

    def sign(self) -> bytes | None:
        """Sign the record as it stands, with all its leaves in the flat file first; None where it has not grown.

        Raises Garbled `record-behind`, `record-differs` or `record-inconsistent`, and nothing is signed; and Unreachable.
        """
        with self.file.writing() as held:
            return self._signed(held)

    def publish(self) -> bytes:
        """Sign and publish now: for what cannot wait, and at the fixed times. Gives back the note that is published.

        Blank leaves fill the log up to a whole number of blocks, so that its size says nothing.
        """
        return self._publish(at_least=0)

    def publish_if_due(self) -> bytes | None:
        """Publish where a fixed time has come since it was last done, with one blank leaf at least, whether or not anything
        happened. All leaves are compared then, from the first one on. None where none has come.
        """
        due = self._fixed_time(self.clock())
        if self._done is None:
            self._done = self._last()
        if self._done is not None and self._done >= due:
            return None
        self._compare_now_and_then()
        note = self._publish(at_least=1)
        self._done = due
        return note

    def _compare_now_and_then(self) -> None:
        """Where it did not go together, the same is said again for a minute: the worker asks twice a second, of a whole log."""
        if self._wrong is not None and self.clock() < self._wrong[1]:
            raise self._wrong[0].with_values(**self._wrong[0].values)
        try:
            self.compare()
        except Garbled as error:
            self._wrong = error, self.clock() + _REST
            raise
        self._wrong = None

    def keep(self, note: bytes) -> None:
        """Publish a note as it is, with what others signed below it. One of an older tree than is published is passed over."""
        with self.file.writing() as held:
            self._put(held, note)

    def compare(self) -> None:
        """Raise Garbled where database and flat file are not, from the first leaf on, the one log that was signed."""
        self.store.check_log(self.signer)
        self._check_sizes(self.file)
        self._check_leaves(self.file, 0)
        self._check_published(self.file)

    def _publish(self, at_least: int) -> bytes:
        with self.file.writing() as held:
            self._check_sizes(held.file)
            for _ in range(_TRIES):
                self._pad(at_least)
                self._signed(held)
                note = self.store.checkpoint()
                size = _size(note)
                self._fill(held, size)
                if note is not None and size % self.block == 0:
                    return self._put(held, note)
                at_least = 0
        raise Unreachable("store-unreachable", reason="always another was first")

    def _pad(self, at_least: int) -> None:
        size, _ = self.store.tree_sizes()
        missing = at_least + -(size + at_least) % self.block
        now = self.clock()
        if missing or not size:
            blanks = (Draft(stream=BLANK, type="blank", time=now, body={}),) * (missing or self.block)
            self.store.commit([Change(entries=blanks)])

    def _signed(self, held: Writing) -> bytes | None:
        return self.store.sign_checkpoint(self.signer, lambda size: self._fill(held, size))

    def _fill(self, held: Writing, size: int) -> None:
        """Bring the flat file to `size` leaves at least. What no checkpoint covers yet is written anew: the last attempt may have
        failed halfway, or at the disk. What is missing of what one covers is put back, if the database is what was signed.
        """
        there = held.file.size()
        signed = self._check_sizes(held.file)
        self._check_leaves(held.file, max(0, signed - 1) if there >= signed else 0)
        if there < signed:
            self.store.check_log(self.signer)
        size = max(size, there)
        for at in range(min(there, signed), size, _AT_ONCE):
            held.put(at, self.store.leaves(at, min(at + _AT_ONCE, size)))
        if held.file.bytes_there() > size * LEAF_BYTES:  # part of a leaf
            held.put(size, [])

    def _put(self, held: Writing, note: bytes) -> bytes:
        there = held.file.checkpoint()
        if there is not None and parts(there)[0] == parts(note)[0]:  # what others signed below it stays
            note = with_signatures(there, note.rpartition(b"\n\n")[2])
        if _size(note) >= _size(there) and note != there:
            held.publish(note)
        return note

    def _check_sizes(self, file: FlatFile) -> int:
        """Raise Garbled where the database is behind; how many leaves were signed."""
        shown = max(file.size(), _size(file.checkpoint()))
        size, signed = self.store.tree_sizes()
        if shown > size:
            raise Garbled("record-behind", database=size, published=shown, folder=file.folder)
        return signed

    def _check_leaves(self, file: FlatFile, first: int) -> None:
        for some in file.leaves(first):
            stored = self.store.leaves(first, first + len(some))
            if stored != some:
                pairs = enumerate(zip_longest(some, stored), first)
                leaf = next(index for index, (ours, theirs) in pairs if ours != theirs)
                raise Garbled("record-differs", leaf=leaf, folder=file.folder)
            first += len(some)

    def _check_published(self, file: FlatFile) -> None:
        if (note := file.checkpoint()) is None:
            return
        published, frontier = parse_checkpoint(verify(note, self.signer.vkey)), Frontier()
        for at in range(0, published.size, _AT_ONCE):
            leaves = self.store.leaves(at, min(at + _AT_ONCE, published.size))
            frontier = frontier.extend([leaf_hash(leaf) for leaf in leaves])
        if published != Checkpoint(self.signer.origin, frontier.size, frontier.root()):
            raise Garbled("record-inconsistent")

    def _fixed_time(self, at: datetime) -> datetime:
        """The last fixed time before: counted from midnight UTC of 1970, so that it is the same for everybody."""
        return at - (at - _EPOCH) % self.every

    def _last(self) -> datetime | None:
        """The fixed time for which was published last, by whatever process: the last blank leaf says it."""
        length, _ = self.store.length(BLANK)
        found = self.store.entries(mailbox=BLANK, since=length - 1) if length else []
        if not found or self.file.checkpoint() is None:
            return None
        return self._fixed_time(found[-1].time)


def _size(note: bytes | None) -> int:
    """The size a note speaks of; 0 for none. Raises Garbled."""
    return parse_checkpoint(note.rpartition(b"\n\n")[0] + b"\n").size if note else 0
