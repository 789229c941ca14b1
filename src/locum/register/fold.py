"""Entries of the stream `org/register` -> Register. Each says who signed what; what is not signed as it must be is left out
and told. Nothing else is believed: not who wrote the row, not what stands beside the signatures.

The chain of the stream is checked on the way (bytes, places, commitments). A break in it is no matter of one entry: nothing
can be said of the register then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from locum.approval.assertion import Site
from locum.approval.strict import ENTRY, NotProven, read
from locum.entry import Entry, Json, commitment, leaf
from locum.errors import Garbled
from locum.measure import parse_instant
from locum.register.growing import Growing
from locum.register.rules import do
from locum.register.signers import spoken
from locum.register.standing import Ignored, Moment, Register

STREAM: Final = "org/register"


def fold(written: Iterable[Entry], sites: Sequence[Site], *, founded: Collection[str] = ()) -> Register:
    """What the entries of the stream, from its first on and in order, say together. `sites` are where was signed over the years.

    The first founding counts. A later one (after so many keys were lost that nobody can add any) only where `founded` names
    it: that is kept outside the database, by whoever runs the worker. Raises Garbled `record-damaged`, `record-incomplete`.
    """
    return grown(Grown(), written, sites, founded=founded).growing.register


@dataclass(frozen=True, slots=True)
class Grown:
    """The register as far as it was read: how many entries, the commitment of the last and its place in the log."""

    growing: Growing = field(default_factory=Growing)
    length: int = 0
    before: bytes = b""
    last: int = -1


def grown(onto: Grown, written: Iterable[Entry], sites: Sequence[Site], *, founded: Collection[str] = ()) -> Grown:
    """What `onto` is with the entries after it; `onto` stays as it is. Raises as `fold`."""
    growing, length, before, last = onto.growing.copy(), onto.length, onto.before, onto.last
    for one in written:
        kind, at, body = _read(one, length, before, last)
        length, before, last = length + 1, one.leaf[33:], one.index
        moment = Moment(at, one.index)
        try:
            do(growing, kind, spoken(kind, body, moment, growing.keys, sites), moment, founded)
        except NotProven as error:
            growing.ignored.append(Ignored(one.index, kind, error.key, error.who))
    return Grown(growing, length, before, last)


def tried(
    growing: Growing,
    kind: str,
    body: Mapping[str, Json],
    moment: Moment,
    sites: Sequence[Site],
    *,
    founded: Collection[str] = (),
) -> Register:
    """What the register would be with this entry; `growing` stays as it is. Raises NotProven where the entry would be ignored."""
    copy = growing.copy()
    do(copy, kind, spoken(kind, body, moment, copy.keys, sites), moment, founded)
    return copy.register


def _read(one: Entry, seq: int, before: bytes, last: int) -> tuple[str, datetime, dict[str, Json]]:
    """An entry's type, time and body, from its bytes alone. Raises Garbled."""
    place, tag = f"{STREAM} {seq}", one.leaf[1:33]
    if one.index <= last or one.leaf != leaf(tag, commitment(one.opening, tag, one.payload)):
        raise Garbled("record-damaged", place=place)
    try:
        said = read(one.payload, ENTRY, "record-damaged")
    except NotProven as error:
        raise Garbled("record-damaged", place=place) from error
    if (said["stream"], said["seq"], said["prev"]) != (STREAM, seq, before.hex()):
        raise Garbled("record-incomplete", stream=STREAM)
    body = said["body"]
    return str(said["type"]), parse_instant(str(said["time"])), body if isinstance(body, dict) else {}
