"""Cosignatures: what a witness adds to a checkpoint, and when. C2SP tlog-cosignature with Ed25519, key type 0x04. Pure.

Made ready, put under a note and verified here; the key of a witness is in locum.witness, and asking one in locum.witnesses.
"""

from datetime import UTC, datetime

from locum.errors import Garbled
from locum.tlog.notes import DASH, Verifier, parts, read_vkey, signature_line

COSIGNATURE = b"\x04"
_SIGNATURE_BYTES = 64


def read_witness_key(vkey: str) -> Verifier:
    """The verifier's key of a witness. Raises Invalid(`verifier-key`): also for that of a log."""
    return read_vkey(vkey, COSIGNATURE)


def to_cosign(text: bytes, at: datetime) -> bytes:
    """What a witness signs: that at this time it had seen nothing of this log that is longer than, or differs from, this."""
    return f"cosignature/v1\ntime {int(at.timestamp())}\n".encode() + text


def cosignature_line(vkey: str, at: datetime, signature: bytes) -> bytes:
    """The line under a note: the time, and the signature over `to_cosign`. Raises Invalid(`verifier-key`)."""
    key = read_witness_key(vkey)
    return signature_line(key.name, key.identity + int(at.timestamp()).to_bytes(8) + signature)


def cosigned_at(note: bytes, vkey: str) -> datetime:
    """When the witness with this key cosigned this note; the last time, where it did so more than once.

    Cosignatures of others are passed over; one that names this key and is wrong condemns the note. Raises
    Garbled(`checkpoint-unsigned`, `checkpoint-damaged`), or Invalid(`verifier-key`).
    """
    key = read_witness_key(vkey)
    text, signatures = key.signatures(note)
    return max(_checked(key, text, signature) for signature in signatures)


def _checked(key: Verifier, text: bytes, signature: bytes) -> datetime:
    at, rest = signature[:8], signature[8:]
    if len(rest) != _SIGNATURE_BYTES:
        raise Garbled("checkpoint-damaged")
    try:
        when = datetime.fromtimestamp(int.from_bytes(at), UTC)
    except (ValueError, OverflowError, OSError) as error:  # beyond the year 9999
        raise Garbled("checkpoint-damaged") from error
    key.check(rest, to_cosign(text, when))
    return when


def with_signatures(note: bytes, lines: bytes) -> bytes:
    """The note with these signature lines under it too; a line that is there already is not put twice. Nothing is verified.

    Raises Garbled(`checkpoint-damaged`) where they are no signature lines.
    """
    parts(note)
    there = note.rpartition(b"\n\n")[2].splitlines(keepends=True)
    added: list[bytes] = []
    for line in lines.splitlines(keepends=True):
        if line not in there and line not in added:
            added.append(line)
    whole = note + b"".join(added)
    if not lines.startswith(DASH.encode()) or parts(whole)[0] != parts(note)[0]:
        raise Garbled("checkpoint-damaged")
    return whole


def lines_of(note: bytes, vkey: str) -> bytes:
    """Those signature lines of a note that name the witness with this key. Raises Garbled, or Invalid(`verifier-key`)."""
    return read_witness_key(vkey).lines(note)
