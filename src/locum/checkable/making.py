"""Making the file of an account: which of the organisation's own streams belong in it, and which policy texts. Pure.

Nobody else's mailbox is in it: her stream, the log's leaves (which say nothing of anybody), and of others only who is named in
her own entries; the register where something was signed in them, and the policies where something was asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from locum.approval import Site
from locum.checkable.file import File, Keys, Place, Policies, Stream
from locum.entry import Entry, Erased, Json
from locum.tlog import parse_checkpoint

ERASE = "org/erase"
Whole = Sequence[Entry | Erased]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stream as the record keeps it: its key, and all its places."""

    key: bytes = field(repr=False)
    whole: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the organisation has besides her stream: its streams, its policy texts by hash, where its people sign."""

    register: Kept
    policies: Kept
    erasures: Whole
    texts: Mapping[str, str] = field(repr=False)
    sites: tuple[Site, ...] = ()
    founded: tuple[str, ...] = ()


def made(
    stream: str, hers: Kept, house: House, *, vkey: str, witnesses: Sequence[str], note: bytes, leaves: bytes | None
) -> File:
    """The account of `stream` as of the checkpoint `note`: what was recorded later is not in it. `leaves` are all that the
    checkpoint speaks of.
    """
    size = parse_checkpoint(note.partition(b"\n\n")[0] + b"\n").size
    places = _places(hers.whole, size)
    entries = [one for one in hers.whole if isinstance(one, Entry) and one.index < size]
    register = None
    if house.sites and is_signed(entries):
        register = Keys(stream=_stream(house.register, size), sites=house.sites, founded=house.founded)
    policies = None
    if policy_hashes(entries):
        policies = Policies(stream=_stream(house.policies, size), texts=_texts(entries, house, size))
    return File(
        stream=stream,
        key=hers.key,
        vkey=vkey,
        witnesses=tuple(witnesses),
        checkpoint=note,
        leaves=leaves,
        places=places,
        erasures=_erasures(places, house.erasures, size),
        register=register,
        policies=policies,
    )


def _places(whole: Whole, size: int) -> tuple[Place, ...]:
    return tuple(_place(one) for one in whole if one.index < size)


def _place(one: Entry | Erased) -> Place:
    if isinstance(one, Erased):
        return Place(index=one.index, seq=one.seq)
    return Place(index=one.index, seq=one.seq, payload=one.payload, opening=one.opening)


def _stream(kept: Kept, size: int) -> Stream:
    return Stream(key=kept.key, places=_places(kept.whole, size))


def is_signed(entries: Iterable[Entry]) -> bool:
    """Whether something in these entries says that it was signed."""
    return any(one.type == "reviewed" and one.body.get("signed") is not False for one in entries)


def policy_hashes(entries: Iterable[Entry]) -> frozenset[str]:
    """The policies under which these entries ask for something."""
    found = (request_in(one) for one in entries)
    return frozenset(str(one["policy"]) for one in found if one is not None and "policy" in one)


def request_in(entry: Entry) -> Mapping[str, Json] | None:
    """The request R that an entry brings, in the form in which it is hashed; None for an entry that brings none."""
    if entry.type == "requested":
        asked = {name: value for name, value in entry.body.items() if name not in ("case", "request", "joins")}
        who = asked.get("requester")
        return {**asked, "requester": who.get("id", "") if isinstance(who, dict) else ""}
    own = entry.body.get("r")
    return own if entry.type == "answered" and isinstance(own, dict) else None


def _texts(entries: Sequence[Entry], house: House, size: int) -> Mapping[str, str]:
    """The texts of the policies that were asked under, and of those in force at each act."""
    wanted = set(policy_hashes(entries))
    acts = [one.index for one in entries if one.type == "intended"]
    told = [one for one in house.policies.whole if isinstance(one, Entry) and one.index < size]
    for act in acts:
        before = [str(one.body.get("hash", "")) for one in told if one.index < act]
        wanted |= set(before[-1:])
    return {name: house.texts[name] for name in sorted(wanted) if name in house.texts}


def _erasures(places: Sequence[Place], whole: Whole, size: int) -> tuple[Place, ...]:
    erased = [one.index for one in places if one.payload is None]
    said = [one for one in whole if isinstance(one, Entry) and one.index < size]
    return tuple(_place(one) for one in said if any(names_place(one.body, index) for index in erased))


def names_place(body: Mapping[str, Json], index: int) -> bool:
    """Whether an entry `erased` says of this place that nothing is left of it."""
    ranges = body.get("places")
    return any(_is_in(index, pair) for pair in ranges) if isinstance(ranges, list) else False


def _is_in(index: int, pair: Json) -> bool:
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    first, last = pair
    return isinstance(first, int) and isinstance(last, int) and first <= index <= last
