"""The file `*.locum`: an account as values, written as bytes and read back with nothing forgiven (docs/spec/account.md). Pure.

What comes in is hostile: limits, shapes and one spelling of everything are judged here, and any breach is one plain error
that names the field. Whether what the file says is true is not asked here (verifying.py).
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeVar

from locum.approval import Site
from locum.entry import Json, canonical
from locum.errors import Invalid
from locum.measure import instant, parse_instant

KIND: Final = "locum-account"
SUFFIX: Final = ".locum"
MEDIA_TYPE: Final = "application/octet-stream"
LONGEST: Final = 128 * 1024 * 1024
"""More than a million leaves with all that belongs to them."""
LEAF_BYTES: Final = 65
_LONGEST_TEXT: Final = 2_000_000
_MOST: Final = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place of a stream: where it stands in the log, and what was recorded there; nothing where that was erased."""

    index: int
    seq: int
    payload: bytes | None = field(default=None, repr=False)
    opening: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """All entries of one of the organisation's own streams, and the key with which its tags are made."""

    key: bytes = field(repr=False)
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The register of people and keys (docs/spec/approval.md), where was signed, and which later foundings count."""

    stream: Stream
    sites: tuple[Site, ...]
    founded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The stream that says which policy was in force when, and the texts of those that count here, by hash."""

    stream: Stream
    texts: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An account as it can be checked. `leaves` are all of the log, as many as `checkpoint` says; None where the file was
    sent without them. `erasures` are the entries that say of a place of hers that it was erased.
    """

    stream: str
    key: bytes = field(repr=False)
    vkey: str
    witnesses: tuple[str, ...] = ()
    checkpoint: bytes
    leaves: bytes | None = field(repr=False)
    places: tuple[Place, ...]
    erasures: tuple[Place, ...] = ()
    register: Keys | None = None
    policies: Policies | None = None

    def dump(self) -> bytes:
        """The bytes of the file."""
        value: dict[str, Json] = {
            "v": 1,
            "kind": KIND,
            "stream": self.stream,
            "key": self.key.hex(),
            "vkey": self.vkey,
            "witnesses": list(self.witnesses),
            "checkpoint": self.checkpoint.decode(),
            "leaves": None if self.leaves is None else base64.b64encode(self.leaves).decode(),
            "entries": [_place_json(one) for one in self.places],
            "erasures": [_place_json(one) for one in self.erasures],
            "register": None if self.register is None else _register_json(self.register),
            "policies": None if self.policies is None else _policies_json(self.policies),
        }
        return canonical(value) + b"\n"

    @classmethod
    def load(cls, content: bytes) -> "File":
        """Read what `dump` writes; space around it does not matter. Raises Invalid `account-file-too-large`, or
        `account-file-unreadable` with the field that is not as it has to be.
        """
        if len(content) > LONGEST:
            raise Invalid("account-file-too-large", megabytes=LONGEST // 1024 // 1024)
        value = _parsed(content)
        _only(value, "", _FIELDS)
        if value["kind"] != KIND:
            _unreadable("kind")
        if value["v"] != 1 or isinstance(value["v"], bool):
            _unreadable("v")
        return cls(
            stream=_line(value["stream"], "stream"),
            key=_hexadecimal(value["key"], "key"),
            vkey=_line(value["vkey"], "vkey"),
            witnesses=tuple(_each(value["witnesses"], "witnesses", _line, 16)),
            checkpoint=_text(value["checkpoint"], "checkpoint").encode(),
            leaves=None if value["leaves"] is None else _leaves(value["leaves"]),
            places=tuple(_each(value["entries"], "entries", _place)),
            erasures=tuple(_each(value["erasures"], "erasures", _place)),
            register=None if value["register"] is None else _register(value["register"]),
            policies=None if value["policies"] is None else _policies(value["policies"]),
        )


_FIELDS: Final = frozenset(
    "v kind stream key vkey witnesses checkpoint leaves entries erasures register policies".split()
)


# written -------------------------------------------------------------------------------------------------------------


def _place_json(one: Place) -> Json:
    if one.payload is None:
        return {"index": one.index, "seq": one.seq, "erased": True}
    return {"index": one.index, "seq": one.seq, "payload": one.payload.decode(), "opening": one.opening.hex()}


def _stream_json(one: Stream) -> dict[str, Json]:
    return {"key": one.key.hex(), "entries": [_place_json(place) for place in one.places]}


def _register_json(one: Keys) -> Json:
    return {**_stream_json(one.stream), "sites": [_site_json(site) for site in one.sites], "founded": list(one.founded)}


def _site_json(one: Site) -> Json:
    until = instant(one.until) if one.until is not None else ""
    return {"origin": one.origin, "rp_id": one.rp_id, "until": until}


def _policies_json(one: Policies) -> Json:
    return {**_stream_json(one.stream), "texts": dict(one.texts)}


# read ----------------------------------------------------------------------------------------------------------------


def _unreadable(where: str) -> NoReturn:
    raise Invalid("account-file-unreadable", where=where)


def _parsed(content: bytes) -> dict[str, Json]:
    """The object, if these are the bytes that would be written of it: no key twice, no fraction, no other spelling."""
    try:
        text = content.decode("utf-8-sig").strip(" \t\r\n")
        value: Json = json.loads(text, parse_float=_no_number, parse_constant=_no_number)
        same = isinstance(value, dict) and _canonical(value) == text.encode()
    except (ValueError, RecursionError, OverflowError):
        raise Invalid("account-file-unreadable", where="JSON") from None
    if not isinstance(value, dict) or not same:
        _unreadable("JSON")
    return value


def _canonical(value: dict[str, Json]) -> bytes:
    """As `canonical`. The leaves, nearly all of the file, are put in afterwards: base64 is written as it stands."""
    leaves = value.get("leaves")
    if not isinstance(leaves, str) or not leaves.isascii() or not leaves.isprintable() or {'"', "\\"} & set(leaves):
        return canonical(value)
    before, gap, after = canonical({**value, "leaves": ""}).partition(b'"leaves":""')
    return before + gap[:-1] + leaves.encode() + b'"' + after


def _no_number(text: str) -> NoReturn:
    raise ValueError(text[:20])


def _only(value: Mapping[str, Json], where: str, names: frozenset[str]) -> None:
    for name in sorted(names - value.keys()):
        _unreadable(f"{where}.{name}".strip("."))
    if value.keys() != names:  # the name itself is somebody else's text
        _unreadable(f"{where}.?".strip("."))


def _object(value: Json, where: str, names: frozenset[str]) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        _unreadable(where)
    _only(value, where, names)
    return value


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        _unreadable(where)
    return value


def _line(value: Json, where: str) -> str:
    text = _text(value, where)
    if not 0 < len(text) <= 400 or not text.isprintable():
        _unreadable(where)
    return text


def _count(value: Json, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        _unreadable(where)
    return value


_HEX: Final = frozenset("0123456789abcdef")


def _hexadecimal(value: Json, where: str) -> bytes:
    """32 bytes, in lower case."""
    text = _text(value, where)
    if len(text) != 64 or not _HEX.issuperset(text):
        _unreadable(where)
    return bytes.fromhex(text)


def _each(value: Json, where: str, read: Callable[[Json, str], T], most: int = _MOST) -> list[T]:
    if not isinstance(value, list) or len(value) > most:
        _unreadable(where)
    return [read(one, f"{where}[{place}]") for place, one in enumerate(value)]


def _leaves(value: Json) -> bytes:
    if not isinstance(value, str):
        _unreadable("leaves")
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        _unreadable("leaves")
    if len(found) % LEAF_BYTES or base64.b64encode(found).decode() != value:
        _unreadable("leaves")
    return found


_ENTRY: Final = frozenset({"index", "seq", "payload", "opening"})
_ERASED: Final = frozenset({"index", "seq", "erased"})


def _place(value: Json, where: str) -> Place:
    is_erased = isinstance(value, dict) and "erased" in value
    table = _object(value, where, _ERASED if is_erased else _ENTRY)
    index, seq = _count(table["index"], f"{where}.index"), _count(table["seq"], f"{where}.seq")
    if is_erased:
        if table["erased"] is not True:
            _unreadable(f"{where}.erased")
        return Place(index=index, seq=seq)
    payload = _text(table["payload"], f"{where}.payload").encode()
    return Place(index=index, seq=seq, payload=payload, opening=_hexadecimal(table["opening"], f"{where}.opening"))


def _stream(table: Mapping[str, Json], where: str) -> Stream:
    places = tuple(_each(table["entries"], f"{where}.entries", _place))
    return Stream(key=_hexadecimal(table["key"], f"{where}.key"), places=places)


def _register(value: Json) -> Keys:
    table = _object(value, "register", frozenset({"key", "entries", "sites", "founded"}))
    sites = _each(table["sites"], "register.sites", _site, 64)
    founded = [one.hex() for one in _each(table["founded"], "register.founded", _hexadecimal)]
    return Keys(stream=_stream(table, "register"), sites=tuple(sites), founded=tuple(founded))


def _site(value: Json, where: str) -> Site:
    table = _object(value, where, frozenset({"origin", "rp_id", "until"}))
    until = _text(table["until"], f"{where}.until")
    try:
        ended = parse_instant(until) if until else None
    except ValueError:
        _unreadable(f"{where}.until")
    return Site(_line(table["origin"], f"{where}.origin"), _line(table["rp_id"], f"{where}.rp_id"), ended)


def _policies(value: Json) -> Policies:
    table = _object(value, "policies", frozenset({"key", "entries", "texts"}))
    texts = table["texts"]
    if not isinstance(texts, dict):
        _unreadable("policies.texts")
    read = {_hexadecimal(name, "policies.texts").hex(): _text(text, "policies.texts") for name, text in texts.items()}
    return Policies(stream=_stream(table, "policies"), texts=read)


def leaf_at(leaves: bytes, index: int) -> bytes:
    """The leaf at this place; nothing where there is none."""
    return leaves[index * LEAF_BYTES : (index + 1) * LEAF_BYTES]


def leaves_of(leaves: Sequence[bytes]) -> bytes:
    """Leaves as they stand in the file."""
    return b"".join(leaves)
