"""Is this from the organisation's own record? The signed checkpoint, the tree under it, her key file, earlier checkpoints,
witnesses. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from locum.checkable.file import LEAF_BYTES, File
from locum.checkable.finding import Finding, Findings, Trusted
from locum.entry import Entry, Json
from locum.errors import LocumError
from locum.herkey import key_hash
from locum.measure import instant
from locum.tlog import Checkpoint, Frontier, leaf_hash, parse_checkpoint, verify
from locum.tlog.cosignatures import cosigned_at

_CHECK = "origin"


@dataclass(frozen=True, slots=True)
class Log:
    """The log of a file: its leaves, and the roots of its beginnings, each worked out once."""

    leaves: bytes
    roots: Mapping[int, bytes]

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.leaves) // LEAF_BYTES

    def leaf(self, index: int) -> bytes:
        """The leaf at this place; nothing where there is none."""
        return self.leaves[index * LEAF_BYTES : (index + 1) * LEAF_BYTES]


def log_of(leaves: bytes, sizes: Iterable[int]) -> Log:
    """The log, with its root and those of its beginnings of these sizes."""
    size = len(leaves) // LEAF_BYTES
    frontier, roots = Frontier(), {}
    for wanted in sorted({one for one in sizes if 0 <= one <= size} | {size}):
        start, end = frontier.size * LEAF_BYTES, wanted * LEAF_BYTES
        frontier = frontier.extend([leaf_hash(leaves[at : at + LEAF_BYTES]) for at in range(start, end, LEAF_BYTES)])
        roots[wanted] = frontier.root()
    return Log(leaves, roots)


def note_sizes(notes: Iterable[bytes]) -> set[int]:
    """The sizes that notes speak of, as far as they can be read."""
    return {found.size for note in notes if (found := read_note(note)) is not None}


def read_note(note: bytes) -> Checkpoint | None:
    """The checkpoint of a note, whoever signed it; None where there is none."""
    try:
        return parse_checkpoint(note.partition(b"\n\n")[0] + b"\n")
    except LocumError:
        return None


def check_origin(file: File, log: Log, trusted: Trusted) -> Findings:
    """Everything that says whose record this is, but for the entries `enrolled`."""
    yield from _her_key(file, trusted)
    yield from _checkpoint(file, log)
    notes = list(trusted.earlier)
    if trusted.key is not None and trusted.key.checkpoint:
        notes.insert(0, trusted.key.checkpoint)
    for note in notes:
        yield _earlier(file, log, note)
    yield from _witnessed(file, trusted)


def _her_key(file: File, trusted: Trusted) -> Findings:
    key = trusted.key
    if key is None:
        yield Finding(check=_CHECK, key="no-key-file", holds=None)
        return
    for name, same in (
        ("stream", key.stream == file.stream),
        ("key", key.key == file.key),
        ("vkey", key.vkey == file.vkey),
    ):
        if not same:
            values = {"file": file.stream, "key": key.stream}
            yield Finding(check=_CHECK, key=f"other-{name}", holds=False, values=values)
    if (key.stream, key.key, key.vkey) == (file.stream, file.key, file.vkey):
        yield Finding(check=_CHECK, key="her-key")


def _checkpoint(file: File, log: Log) -> Findings:
    try:
        found = parse_checkpoint(verify(file.checkpoint, file.vkey))
    except LocumError:
        yield Finding(check=_CHECK, key="not-signed", holds=False)
        return
    if found.origin != file.vkey.partition("+")[0]:
        yield Finding(check=_CHECK, key="not-signed", holds=False)
        return
    values = {"size": str(found.size), "leaves": str(log.size), "origin": found.origin}
    if log.size != found.size:
        yield Finding(check=_CHECK, key="leaves-count", holds=False, values=values)
    elif log.roots[log.size] != found.root or not _are_leaves(log):
        yield Finding(check=_CHECK, key="leaves-other", holds=False, values=values)
    else:
        yield Finding(check=_CHECK, key="signed", values=values)


def _are_leaves(log: Log) -> bool:
    return log.leaves[::LEAF_BYTES] == b"\x01" * log.size


def _earlier(file: File, log: Log, note: bytes) -> Finding:
    try:
        found = parse_checkpoint(verify(note, file.vkey))
    except LocumError:
        return Finding(check=_CHECK, key="earlier-not-signed", holds=False)
    values = {"size": str(found.size), "leaves": str(log.size)}
    if found.size > log.size:
        return Finding(check=_CHECK, key="earlier-longer", holds=False, values=values)
    if log.roots.get(found.size) != found.root:
        return Finding(check=_CHECK, key="earlier-other", holds=False, values=values)
    return Finding(check=_CHECK, key="earlier", values=values)


def _witnessed(file: File, trusted: Trusted) -> Findings:
    """Witnesses that she names have to have cosigned; those that only the file names may be anybody."""
    hers = dict.fromkeys((*trusted.witnesses, *(trusted.key.witnesses if trusted.key is not None else ())))
    if not hers and not file.witnesses:
        yield Finding(check=_CHECK, key="no-witness", holds=None)
    for vkey in hers:
        yield _cosigned(file, vkey, "witnessed", "not-witnessed", False)
    for vkey in dict.fromkeys(one for one in file.witnesses if one not in hers):
        yield _cosigned(file, vkey, "witnessed-by-its-word", "not-witnessed-yet", None)


def _cosigned(file: File, vkey: str, good: str, bad: str, or_else: bool | None) -> Finding:
    name = vkey.partition("+")[0]
    try:
        at = cosigned_at(file.checkpoint, vkey)
    except LocumError as error:
        is_false = error.key != "checkpoint-unsigned"
        key = "witness-false" if is_false else bad
        return Finding(check=_CHECK, key=key, holds=False if is_false else or_else, values={"name": name})
    return Finding(check=_CHECK, key=good, values={"name": name, "at": instant(at)})


def check_enrolled(file: File, log: Log, entries: Sequence[Entry]) -> Findings:
    """Whether the record says of this very key, and of a beginning of this log, that it was handed over."""
    enrolled = [one for one in entries if one.type == "enrolled"]
    if not enrolled:
        yield Finding(check=_CHECK, key="never-enrolled", holds=None)
    for one in enrolled:
        said = (one.body.get("key_hash"), one.body.get("vkey"))
        if said != (key_hash(file.key), file.vkey):
            yield Finding(check=_CHECK, key="enrolled-other-key", holds=False, seq=one.seq, index=one.index)
        elif not _is_beginning(log, one.body.get("log")):
            yield Finding(check=_CHECK, key="enrolled-other-log", holds=False, seq=one.seq, index=one.index)
        elif one is enrolled[0]:
            yield Finding(check=_CHECK, key="enrolled", values={"at": instant(one.time)}, seq=one.seq, index=one.index)


def logs_in(entries: Iterable[Entry]) -> set[int]:
    """The sizes of the log that entries `enrolled` speak of."""
    told = (one.body.get("log") for one in entries if one.type == "enrolled")
    return {size for one in told if isinstance(one, dict) and isinstance(size := one.get("size"), int)}


def _is_beginning(log: Log, said: Json) -> bool:
    if not isinstance(said, dict):
        return False
    size, root = said.get("size"), said.get("root")
    return isinstance(size, int) and size in log.roots and log.roots[size].hex() == root
