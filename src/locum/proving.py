"""That the published log goes on from an earlier checkpoint: made from the flat file alone, for whoever kept the earlier one.

The bytes are those that C2SP tlog-witness is asked with: `old N`, the hashes in base64, an empty line, the published note. No
table and no key is needed.
"""

import base64
from collections.abc import Sequence

from locum.errors import Garbled, Invalid
from locum.flatfile import FlatFile
from locum.tlog import Checkpoint, consistency_proof, leaf_hash, parse_checkpoint, root, verify_consistency
from locum.tlog.notes import parts


def continuation(file: FlatFile, old: Checkpoint) -> bytes:
    """The proof that the published checkpoint continues `old`.

    Raises Invalid `nothing-published`, `checkpoint-not-yet` for one that is newer than what is published, `checkpoint-of-another`
    for another log's; and Garbled `checkpoint-other-history` where the log did not begin with what was signed then.
    """
    note, hashes = _published(file)
    if old.origin != parse_checkpoint(note).origin:
        raise Invalid("checkpoint-of-another", origin=old.origin[:200])
    proof = _proof(hashes, old.size)
    if root(hashes[: old.size]) != old.root:
        raise Garbled("checkpoint-other-history", size=old.size)
    return _text(old.size, proof, note)


def continuation_from(file: FlatFile, size: int) -> bytes:
    """The same for whoever has the checkpoint of that size, and compares its root herself. Raises Invalid."""
    note, hashes = _published(file)
    return _text(size, _proof(hashes, size), note)


def continues(old: Checkpoint, text: bytes) -> bool:
    """Whether these bytes prove that the note in them continues `old`. The signatures on it are another question. Raises Garbled."""
    head, gap, note = text.partition(b"\n\n")
    first, *lines = head.decode("ascii", "replace").split("\n")
    if not gap or first != f"old {old.size}":
        raise Garbled("checkpoint-damaged")
    try:
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except ValueError as error:
        raise Garbled("checkpoint-damaged") from error
    new = parse_checkpoint(parts(note)[0])
    return new.origin == old.origin and verify_consistency(old.size, new.size, old.root, new.root, proof)


def _published(file: FlatFile) -> tuple[bytes, list[bytes]]:
    if (note := file.checkpoint()) is None:
        raise Invalid("nothing-published")
    new = parse_checkpoint(note)
    hashes = [leaf_hash(leaf) for some in file.leaves(0, new.size) for leaf in some]
    if len(hashes) != new.size or root(hashes) != new.root:
        raise Garbled("record-inconsistent")
    return note, hashes


def _proof(hashes: Sequence[bytes], size: int) -> list[bytes]:
    if size > len(hashes):
        raise Invalid("checkpoint-not-yet", size=size, published=len(hashes))
    return consistency_proof(hashes, size)


def _text(size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    lines = [f"old {size}", *(base64.b64encode(one).decode() for one in proof)]
    return "\n".join(lines).encode() + b"\n\n" + note
