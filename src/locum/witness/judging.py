"""What a witness answers to a checkpoint that is brought to it: C2SP tlog-witness, `add-checkpoint`. No network here.

The order of the checks is that of the page. Version 1.0.0 of it answers 409 where two roots of one size are brought, 1.1.0
answers 422, and so does this.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

from locum.errors import Garbled, LocumError
from locum.key_file import SecretKey
from locum.tlog import Checkpoint, cosignature_line, parse_checkpoint, to_cosign, verify, verify_consistency
from locum.tlog.cosignatures import COSIGNATURE
from locum.tlog.notes import from_base64, parts, read_vkey, vkey_of
from locum.tlog.tree import HASH_BYTES
from locum.witness.evidence import Evidence, folder_of, keep
from locum.witness.notebook import NOTHING, Notebook, Page, Seen

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_MOST_PROOF = 63
_LARGEST = 2**63 - 1
SIZE = "text/x.tlog.size"
PLAIN = "text/plain; charset=utf-8"


class Tell(Protocol):
    """Says what happened, in words: `key` is under `witness.` in the messages."""

    def __call__(self, key: str, **values: object) -> None:
        """Say it."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of HTTP, and what is said with it."""

    status: int
    body: bytes
    kind: str = PLAIN


@dataclass(frozen=True, slots=True)
class Asked:
    """What was brought: a checkpoint, and the proof that it goes on from `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes
    checkpoint: Checkpoint


_BAD = Answer(400, b"not a request of tlog-witness\n")
_UNKNOWN = Answer(404, b"this witness knows no such log\n")
_UNSIGNED = Answer(403, b"not signed by the key of this log\n")
_TOO_OLD = Answer(400, b"the old size is larger than the checkpoint\n")
_INCONSISTENT = Answer(422, b"this does not go on from what was cosigned before\n")


def read_request(body: bytes) -> Asked:
    """`old N`, hashes in base64, an empty line, a signed checkpoint. Raises Garbled."""
    head, gap, note = body.partition(b"\n\n")
    first, *rest = head.decode("ascii", "replace").split("\n")
    found = _OLD.fullmatch(first)
    if found is None or not gap or len(rest) > _MOST_PROOF:
        raise Garbled("checkpoint-damaged")
    proof = tuple(from_base64(line) for line in rest)
    checkpoint = parse_checkpoint(parts(note)[0])
    if checkpoint.size > _LARGEST or any(len(one) != HASH_BYTES for one in proof):
        raise Garbled("checkpoint-damaged")
    return Asked(int(found[1]), proof, note, checkpoint)


class Witness:
    """Cosigns what goes on from what it cosigned before, and nothing else. Safe to use from several threads."""

    def __init__(
        self, key: SecretKey, notebook: Notebook, logs: Sequence[str], clock: Callable[[], datetime], tell: Tell
    ) -> None:
        """`logs` are the verifier's keys of the logs it knows; two of one name are two keys of one log. Raises Invalid."""
        self.vkey = vkey_of(key.name, COSIGNATURE, key.key.public_key().public_bytes_raw())
        self._key = key
        self._notebook = notebook
        self._logs = _by_origin(logs)
        self._clock = clock
        self._tell = tell
        self._keeping = Lock()

    @property
    def origins(self) -> tuple[str, ...]:
        """The logs that it knows."""
        return tuple(self._logs)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge what was brought, write down what is cosigned, and only then sign it. Raises Unreachable."""
        try:
            asked = read_request(body)
        except Garbled:
            return _BAD
        vkeys = self._logs.get(asked.checkpoint.origin)
        if vkeys is None:
            return _UNKNOWN
        if not _is_signed(asked.note, vkeys):
            return _UNSIGNED
        if asked.old > asked.checkpoint.size:
            return _TOO_OLD
        return self._judged(asked, _bare(asked.note, vkeys))

    def _judged(self, asked: Asked, note: bytes) -> Answer:
        point, now = asked.checkpoint, self._clock().astimezone(UTC).replace(microsecond=0)
        with self._notebook.writing() as page:
            last, refusal = page.last(point.origin), _refusal(page, asked)
            before = _against(page, asked, refusal)
            if refusal is None:
                page.keep(point.origin, Seen(point.size, point.root, note, int(now.timestamp())))
        if before is not None:
            self._alarm(asked, note, before, now)
        if refusal is not None:
            self._tell("refused", log=point.origin, size=point.size, last=last.size, status=refusal.status)
            return refusal
        self._tell("cosigned", log=point.origin, size=point.size)
        text = parts(note)[0]
        return Answer(200, cosignature_line(self.vkey, now, self._key.key.sign(to_cosign(text, now))))

    def _alarm(self, asked: Asked, note: bytes, before: Seen, now: datetime) -> None:
        """Keep both checkpoints, and say it as loudly as a log can. What cannot be kept is refused all the same."""
        kind: Literal["two-roots", "no-way"] = "two-roots" if before.size == asked.checkpoint.size else "no-way"
        proof = tuple(one.hex() for one in asked.proof)
        at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        two = (before.note.decode(), note.decode())
        log = asked.checkpoint.origin
        found = Evidence(kind, log, self._logs[log], at, *two, old=asked.old, proof=proof)
        folder = folder_of(self._notebook.path)
        try:
            with self._keeping:
                file: Path | None = keep(folder, found)
        except LocumError as error:
            self._tell(
                "evidence-lost", log=found.log, before=two[0], after=two[1], reason=error.values.get("reason", "")
            )
            return
        if file is not None:
            self._tell(kind, log=log, size=asked.checkpoint.size, last=before.size, file=file)


def _by_origin(logs: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for vkey in logs:
        origin = read_vkey(vkey).name
        found[origin] = (*found.get(origin, ()), vkey)
    return found


def _is_signed(note: bytes, vkeys: Sequence[str]) -> bool:
    """By one of these keys at least, and falsely by none of them."""
    is_signed = False
    for vkey in vkeys:
        try:
            verify(note, vkey)
        except Garbled as error:
            if error.key != "checkpoint-unsigned":
                return False
        else:
            is_signed = True
    return is_signed


def _bare(note: bytes, vkeys: Sequence[str]) -> bytes:
    """The note with the signatures of its log alone: nobody fills a notebook with others'."""
    return parts(note)[0] + b"\n" + b"".join(read_vkey(vkey).lines(note) for vkey in vkeys)


def _refusal(page: Page, asked: Asked) -> Answer | None:
    point, last = asked.checkpoint, page.last(asked.checkpoint.origin)
    if asked.old != last.size:
        return Answer(409, f"{last.size}\n".encode(), SIZE)
    # Of one size: the roots have to be the same. From nothing: the proof has to be empty.
    if not verify_consistency(last.size, point.size, last.root, point.root, asked.proof):
        return _INCONSISTENT
    return None


def _against(page: Page, asked: Asked, refusal: Answer | None) -> Seen | None:
    """What speaks against the log: another root that was cosigned for this size, whatever was asked with it; or the last
    checkpoint, where the way on from it was not shown.
    """
    point = asked.checkpoint
    there = page.at(point.origin, point.size)
    if there is not None and there.root != point.root:
        return there
    if refusal is _INCONSISTENT and (last := page.last(point.origin)) is not NOTHING and last.root != point.root:
        return last
    return None
