"""Is it complete, and was nothing changed? The places of a stream against the leaves of the log, and each entry against its
leaf and the one before it. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from locum.approval import NotProven
from locum.approval.strict import ENTRY, read
from locum.checkable.file import LEAF_BYTES, Place
from locum.checkable.finding import Finding, Findings
from locum.checkable.making import ERASE, names_place
from locum.checkable.origin import Log
from locum.entry import Entry, Json, commitment, leaf, tag
from locum.measure import parse_instant

AHEAD: Final = 1000
"""So many tags after the last one are looked for, too: whoever leaves one out would have to leave out all that follow."""
_COMPLETE, _UNCHANGED = "complete", "unchanged"


@dataclass(frozen=True, slots=True)
class Tags:
    """Where each tag stands in the log, and which of them stand there more than once."""

    places: dict[bytes, int]
    twice: frozenset[bytes]

    @classmethod
    def of(cls, leaves: bytes) -> "Tags":
        found = [leaves[at + 1 : at + 33] for at in range(0, len(leaves), LEAF_BYTES)]
        places = {mark: index for index, mark in enumerate(found)}
        if len(places) == len(found):
            return cls(places, frozenset())
        return cls(places, frozenset(mark for index, mark in enumerate(found) if places[mark] != index))


@dataclass(frozen=True, slots=True)
class Whose:
    """A stream to be checked: its name, its key, its places. `is_hers`: her own, or one of the organisation's."""

    name: str
    key: bytes
    places: Sequence[Place]
    is_hers: bool = True

    @property
    def ending(self) -> str:
        """What is put behind the key of a sentence that is said otherwise of a stream of the organisation's own."""
        return "" if self.is_hers else "-house"


def check_complete(whose: Whose, tags: Tags) -> Findings:
    """Whether the log has the entries of this key that the file has, all of them, and no others."""
    found = list(_complete(whose, tags))
    values = {"count": str(len(whose.places)), "stream": whose.name}
    if not found:
        key = "complete" if whose.places or not whose.is_hers else "nothing"
        found.append(Finding(check=_COMPLETE, key=f"{key}{whose.ending}", values={**values, "ahead": str(AHEAD)}))
    yield from found


def _complete(whose: Whose, tags: Tags) -> Findings:
    marks = [tag(whose.key, seq) for seq in range(len(whose.places) + AHEAD + 1)]
    found = [tags.places.get(mark) for mark in marks]
    count = max((seq + 1 for seq, index in enumerate(found) if index is not None), default=0)
    told = {one.seq: one for one in whose.places}
    before = -1
    for seq, index in enumerate(found[:count]):
        if index is None:
            yield _broken(whose, "gap", seq)
            continue
        if marks[seq] in tags.twice:
            yield _broken(whose, "twice", seq, index)
        elif index <= before:
            yield _broken(whose, "order", seq, index)
        before = index
        if seq not in told:
            yield _broken(whose, "left-out", seq, index)
        elif told[seq].index != index:
            yield _broken(whose, "elsewhere", seq, index)
    yield from (_broken(whose, "not-in-log", seq) for seq in sorted(told) if seq >= count)
    if [one.seq for one in whose.places] != sorted(told):
        yield _broken(whose, "shuffled", 0)


def _broken(whose: Whose, key: str, seq: int, index: int | None = None) -> Finding:
    values = {"seq": str(seq), "stream": whose.name, "index": "" if index is None else str(index)}
    return Finding(check=_COMPLETE, key=f"{key}{whose.ending}", holds=False, values=values, seq=seq, index=index)


# each entry ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The entries of a stream that are what their leaves say, and what is wrong with the others."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]


def opened(whose: Whose, log: Log, tags: Tags, erasures: Sequence[Entry] = ()) -> Opened:
    """Every place of the stream, opened and checked."""
    entries: list[Entry] = []
    wrong: list[Finding] = []
    for place in whose.places:
        before = tags.places.get(tag(whose.key, place.seq - 1)) if place.seq else None
        prev = log.leaf(before)[33:] if before is not None else b""
        if place.payload is None:
            if not any(names_place(one.body, place.index) and one.index > place.index for one in erasures):
                wrong.append(_changed(whose, "erased-unsaid", place))
        elif (found := _open(whose, place, log, prev)) is None:
            wrong.append(_changed(whose, "changed", place))
        else:
            entries.append(found)
    erased = sum(one.payload is None for one in whose.places)
    if not wrong and whose.places:
        key = "unchanged-erased" if erased else "unchanged"
        values = {"count": str(len(entries)), "erased": str(erased), "stream": whose.name}
        wrong = [Finding(check=_UNCHANGED, key=f"{key}{whose.ending}", values=values)]
    return Opened(tuple(entries), tuple(wrong))


def _changed(whose: Whose, key: str, place: Place) -> Finding:
    values = {"seq": str(place.seq), "stream": whose.name, "index": str(place.index)}
    return Finding(
        check=_UNCHANGED,
        key=f"{key}{whose.ending}",
        holds=False,
        values=values,
        seq=place.seq,
        index=place.index,
    )


def _open(whose: Whose, place: Place, log: Log, before: bytes) -> Entry | None:
    """The entry, if its leaf stands at its place, and it comes after the one before it."""
    mark = tag(whose.key, place.seq)
    content = leaf(mark, commitment(place.opening, mark, place.payload or b""))
    said = _said(place)
    if content != log.leaf(place.index) or said is None:
        return None
    if (said["stream"], said["seq"], said["prev"]) != (whose.name, place.seq, before.hex()):
        return None
    return _entry(place, said, content)


def _said(place: Place) -> dict[str, Json] | None:
    """What a payload says; None for one that is no payload."""
    try:
        return read(place.payload or b"", ENTRY, "record-damaged")
    except NotProven:
        return None


def _entry(place: Place, said: Mapping[str, Json], content: bytes) -> Entry:
    body = said["body"]
    told = body if isinstance(body, dict) else {}
    return Entry(
        index=place.index,
        stream=str(said["stream"]),
        seq=place.seq,
        type=str(said["type"]),
        time=parse_instant(str(said["time"])),
        case=str(told.get("case") or ""),
        body=told,
        payload=place.payload or b"",
        opening=place.opening,
        leaf=content,
    )


def erasing(places: Sequence[Place], log: Log) -> list[Entry]:
    """Of the entries that are to say what was erased, those that the log holds: each under the tag of its own leaf."""
    return [found for one in places if (found := _erasing(one, log)) is not None]


def _erasing(place: Place, log: Log) -> Entry | None:
    mark, said = log.leaf(place.index)[1:33], _said(place)
    content = leaf(mark, commitment(place.opening, mark, place.payload or b""))
    if said is None or content != log.leaf(place.index):
        return None
    return _entry(place, said, content) if (said["stream"], said["type"]) == (ERASE, "erased") else None
