"""What somebody could do who has everything, the log's own key included: write a record anew, consistent in itself, so that only
what others hold against it shows the lie. For tests of accounts, and for the published samples.
"""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.accountworld import ORIGIN, SECRET

from locum import tlog
from locum.checkable import File, Place, Stream
from locum.checkable.file import LEAF_BYTES
from locum.entry import canonical, commitment, leaf, tag

Body = dict[str, Any]
HERS, REGISTER, POLICIES = "hers", "register", "policies"


def signed_note(leaves: Iterable[bytes]) -> bytes:
    """The checkpoint of these leaves, signed with the log's own key."""
    hashes = [tlog.leaf_hash(one) for one in leaves]
    text = tlog.Checkpoint(ORIGIN, len(hashes), tlog.root(hashes)).text()
    identity = tlog.key_id(ORIGIN, b"\x01" + SECRET.public_key().public_bytes_raw())
    line = base64.b64encode(identity + SECRET.sign(text)).decode()
    return text + f"\n\u2014 {ORIGIN} {line}\n".encode()


def split(leaves: bytes | None) -> list[bytes]:
    """The leaves of a file, one by one."""
    whole = leaves or b""
    return [whole[at : at + LEAF_BYTES] for at in range(0, len(whole), LEAF_BYTES)]


@dataclass
class Forger:
    """A file, taken apart to be changed and put together again: `file` is what it was, `made()` what it is now."""

    file: File
    leaves: list[bytes] = field(init=False)
    places: dict[str, list[Place]] = field(init=False)
    erasures: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.leaves = split(self.file.leaves)
        self.places = {HERS: list(self.file.places)}
        self.erasures = list(self.file.erasures)
        if self.file.register is not None:
            self.places[REGISTER] = list(self.file.register.stream.places)
        if self.file.policies is not None:
            self.places[POLICIES] = list(self.file.policies.stream.places)

    def value(self, stream: str, seq: int) -> Body:
        """The payload at a place, parsed."""
        payload = self.places[stream][seq].payload
        assert payload is not None
        found: Body = json.loads(payload)
        return found

    def find(self, stream: str, kind: str, **body: object) -> int:
        """The number of the first entry of this type with these values in its body."""
        for one in self.places[stream]:
            if one.payload is None:
                continue
            said = self.value(stream, one.seq)
            if said["type"] == kind and all(said["body"].get(name) == value for name, value in body.items()):
                return one.seq
        raise LookupError(kind)

    def change(self, stream: str, seq: int, how: Callable[[Body], object]) -> None:
        """Have an entry say something else; `how` changes its payload in place."""
        value = self.value(stream, seq)
        how(value)
        self.places[stream][seq] = replace(self.places[stream][seq], payload=canonical(value))

    def drop(self, stream: str, seq: int) -> None:
        """Take an entry out, of the log too, as if it had never been."""
        gone = self.places[stream].pop(seq).index
        del self.leaves[gone]
        self._move(lambda index: index - (index > gone))

    def insert(self, stream: str, seq: int, kind: str, body: Body, time: str, *, at: int | None = None) -> None:
        """Put an entry in: before the entry that has this number now, or at a place of the log."""
        places = self.places[stream]
        index = at if at is not None else places[seq].index if seq < len(places) else len(self.leaves)
        self.leaves.insert(index, b"")
        self._move(lambda other: other + (other >= index))
        value = {"v": 1, "stream": "", "seq": seq, "prev": "", "type": kind, "time": time, "body": body}
        places.insert(seq, Place(index=index, seq=seq, payload=canonical(value), opening=bytes(32)))

    def _move(self, to: Callable[[int], int]) -> None:
        for places in self.places.values():
            places[:] = [replace(one, index=to(one.index)) for one in places]
        self.erasures[:] = [self._erasing(one, to) for one in self.erasures]

    def _erasing(self, one: Place, to: Callable[[int], int]) -> Place:
        """What says of places that they were erased, about the same places where they stand now."""
        assert one.payload is not None
        value, index = json.loads(one.payload), to(one.index)
        value["body"]["places"] = [[to(first), to(last)] for first, last in value["body"]["places"]]
        payload, mark = canonical(value), self.leaves[index][1:33]
        self.leaves[index] = leaf(mark, commitment(one.opening, mark, payload))
        return Place(index=index, seq=one.seq, payload=payload, opening=one.opening)

    def made(self) -> File:
        """Everything chained, committed and signed anew."""
        for stream, places in self.places.items():
            self._chain(stream, places)
        file = self.file
        keys, policies = file.register, file.policies
        return replace(
            file,
            leaves=b"".join(self.leaves),
            checkpoint=signed_note(self.leaves),
            places=tuple(self.places[HERS]),
            erasures=tuple(self.erasures),
            register=keys and replace(keys, stream=Stream(key=keys.stream.key, places=tuple(self.places[REGISTER]))),
            policies=policies
            and replace(policies, stream=Stream(key=policies.stream.key, places=tuple(self.places[POLICIES]))),
        )

    def _chain(self, stream: str, places: list[Place]) -> None:
        prev = ""
        for seq, one in enumerate(places):
            places[seq] = replace(one, seq=seq)
            if one.payload is not None:
                value = {**json.loads(one.payload), "seq": seq, "prev": prev, "stream": self._name(stream)}
                payload, mark = canonical(value), tag(self._key(stream), seq)
                places[seq] = replace(one, seq=seq, payload=payload)
                self.leaves[one.index] = leaf(mark, commitment(one.opening, mark, payload))
            prev = self.leaves[one.index][33:].hex()

    def _name(self, stream: str) -> str:
        return {HERS: self.file.stream, REGISTER: "org/register", POLICIES: "org/policy"}[stream]

    def _key(self, stream: str) -> bytes:
        if stream == HERS:
            return self.file.key
        found = self.file.register if stream == REGISTER else self.file.policies
        assert found is not None
        return found.stream.key
