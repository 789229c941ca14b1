"""Entries on their way into the store and out of it: sealed and chained before the transaction that writes them,
opened and checked against leaf, tag and chain when they are read. The formats are entry.py's, the tree is tlog.py's.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, Connection, Row, select, tuple_

from locum import entry
from locum.database import chunks
from locum.entry import Draft, Entry, Erased
from locum.errors import Garbled
from locum.keyring import Open, keys_of
from locum.measure import parse_instant
from locum.schema import entries, streams, vault
from locum.sealing import KEY_BYTES, NONCE_BYTES, seal, unseal
from locum.tlog import leaf_hash

OPENING_BYTES = 32
ERASE = "org/erase"
"""The stream in which every erasure is written down before it is done."""

_MANY = 500


@dataclass(slots=True)
class Heads:
    """How far the streams are, their keys and the cases' keys, as read in one moment; new ones are made as needed.

    `before` is what was read: what the writing transaction compares. `made` are new rows of the vault, `marked` those that
    may be there already, `vault` is the vault as it was read.
    """

    vault: Open
    random: Callable[[int], bytes]
    before: dict[str, int]
    length: dict[str, int]
    head: dict[str, bytes]
    keys: dict[tuple[str, str], bytes]
    places: dict[str, str] = field(default_factory=dict)
    made: list[dict[str, object]] = field(default_factory=list)
    marked: dict[str, dict[str, object]] = field(default_factory=dict)

    def key(self, kind: str, name: str) -> bytes:
        """The key, or a new one. Raises Garbled(`record-key-missing`) for a stream that has lost its own."""
        found = self.keys.get((kind, name))
        if found is None and kind == "tag" and name in self.before:
            raise Garbled("record-key-missing", place=name)
        if found is None:
            found = self.keys[kind, name] = self.random(KEY_BYTES)
            self.made.append(self.vault.row(kind, self.stream(name) if kind == "stream" else name, found))
        return found

    def stream(self, name: str) -> str:
        """What stands in the store for this stream."""
        if (place := self.places.get(name)) is None:
            place = self.places[name] = self.vault.stream(name, self.key("tag", name))
        return place

    def mark(self, what: str, name: str) -> str:
        """What stands in the store for a person or a batch."""
        if (mark := self.vault.mark(what, name)) != name:
            self.marked[mark] = self.vault.row("mark", f"{what}/{name}", b"")
        return mark


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries ready to be written: rows without a position, and their leaves' hashes, in order."""

    rows: list[dict[str, object]]
    hashes: list[bytes]


def read_keys(connection: Connection, names: Iterable[str]) -> dict[tuple[str, str], bytes]:
    """All keys of these streams and cases, by kind (case, stream, tag) and name."""
    opened, wanted = keys_of(connection), set(names)
    found = dict(_vault_rows(connection, opened, wanted | {opened.place("tag", name) for name in wanted}))
    hidden = {opened.stream(name, key): name for (kind, name), key in found.items() if kind == "tag"}
    for (kind, name), key in _vault_rows(connection, opened, hidden.keys() - wanted):
        found[kind, hidden[name]] = key
    return found


def _vault_rows(connection: Connection, opened: Open, places: Iterable[str]) -> Iterator[tuple[tuple[str, str], bytes]]:
    columns = select(vault.c.kind, vault.c.name, vault.c.key)
    for some in chunks(places):
        for kind, place, wrapped in connection.execute(columns.where(vault.c.name.in_(some))):
            if kind in ("case", "stream", "tag"):
                name, key = opened.opened(kind, place, wrapped)
                yield (kind, name), key


def streams_of(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """What stands in the store for each of these streams; without those that have no key, and so no entry."""
    opened, wanted = keys_of(connection), set(names)
    rows = _vault_rows(connection, opened, {opened.place("tag", name) for name in wanted})
    return {name: opened.stream(name, key) for (kind, name), key in rows if kind == "tag"}


def stream_names(connection: Connection) -> list[str]:
    """All streams that have a key."""
    opened = keys_of(connection)
    rows = connection.execute(select(vault.c.kind, vault.c.name, vault.c.key).where(vault.c.kind == "tag"))
    return sorted(opened.opened(*row)[0] for row in rows)


def lengths(connection: Connection, names: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """How many entries each of these streams has, and the commitment of its last."""
    return lengths_at(connection, streams_of(connection, names))


def lengths_at(connection: Connection, places: Mapping[str, str]) -> dict[str, tuple[int, bytes]]:
    """The same, where what stands for each stream is known already."""
    columns, names = (streams.c.name, streams.c.length, streams.c.head), {place: name for name, place in places.items()}
    found = (r for some in chunks(names) for r in connection.execute(select(*columns).where(streams.c.name.in_(some))))
    return {names[place]: (length, head) for place, length, head in found}


def read_heads(
    connection: Connection, stream_names: set[str], case_ids: set[str], random: Callable[[int], bytes]
) -> Heads:
    """The heads of these streams, with the keys of these streams and cases."""
    opened, keys = keys_of(connection), read_keys(connection, stream_names | case_ids)
    known = {name: opened.stream(name, keys["tag", name]) for name in stream_names if ("tag", name) in keys}
    places = known if opened.key is not None else {name: name for name in stream_names}
    found = lengths_at(connection, places)
    before = {name: length for name, (length, _) in found.items()}
    return Heads(opened, random, before, dict(before), {name: head for name, (_, head) in found.items()}, keys, known)


def prepare(heads: Heads, drafts: Sequence[tuple[str, Draft]]) -> Rows:
    """Chain, commit and seal drafts (each with its case, or ""), and move the heads on. Touches nothing.

    Raises ValueError for a draft that may not be an entry.
    """
    done = Rows([], [])
    for case_id, draft in drafts:
        name, seq = draft.stream, heads.length.get(draft.stream, 0)
        payload = entry.payload(draft, seq, heads.head.get(name, b""))
        opening, tag = heads.random(OPENING_BYTES), entry.tag(heads.key("tag", name), seq)
        commitment = entry.commitment(opening, tag, payload)
        leaf = entry.leaf(tag, commitment)
        key = heads.key("case", case_id) if case_id else heads.key("stream", name)
        sealed = seal(key, heads.random(NONCE_BYTES), opening + payload, leaf)
        done.rows.append({"stream": heads.stream(name), "seq": seq, "case_id": case_id, "leaf": leaf, "sealed": sealed})
        done.hashes.append(leaf_hash(leaf))
        heads.length[name], heads.head[name] = seq + 1, commitment
    return done


def read_entries(connection: Connection, mailbox: str | None, case_id: str | None, since: int = 0) -> list[Entry]:
    """What `read_whole` reads, without the places whose entries were erased."""
    return _still_there(read_whole(connection, mailbox, case_id, since))


def read_beside(connection: Connection, names: Sequence[str]) -> list[Entry]:
    """The entries of these streams that belong to no case, as `read_entries` gives them. Raises Garbled."""
    places = list(streams_of(connection, names).values())
    wanted = select(entries).where(entries.c.stream.in_(places), entries.c.case_id == "").order_by(entries.c.position)
    return _still_there(open_rows(connection, list(connection.execute(wanted))))


def _still_there(found: Sequence[Entry | Erased]) -> list[Entry]:
    return [one for one in found if isinstance(one, Entry)]


def read_whole(
    connection: Connection, mailbox: str | None, case_id: str | None, since: int = 0
) -> list[Entry | Erased]:
    """Entries, opened and checked, and the places of erased ones, oldest first; of a stream, from place `since` on.

    Raises Garbled where one is not what its leaf says, one is missing, or one is gone and no entry `erased` names its place.
    """
    places = streams_of(connection, [mailbox]) if mailbox is not None else {}
    if mailbox is not None and mailbox not in places and (lost := without_key(connection)):
        raise Garbled("record-key-missing", place=lost[0])
    found = lengths_at(connection, places)
    wanted: list[ColumnElement[bool]] = []
    if mailbox is not None:
        place = places.get(mailbox, mailbox)
        wanted += [entries.c.stream == place, entries.c.seq < found.get(mailbox, (0, b""))[0], entries.c.seq >= since]
    if case_id is not None:
        wanted.append(entries.c.case_id == case_id)
    rows = list(connection.execute(select(entries).where(*wanted).order_by(entries.c.position)))
    if mailbox is not None and case_id is None:
        _check_whole(mailbox, rows, found.get(mailbox, (0, b"")), since)
    opened = open_rows(connection, rows)
    if mailbox is None:
        return opened
    return [replace(one, stream=mailbox) if isinstance(one, Erased) else one for one in opened]


def without_key(connection: Connection) -> list[str]:
    """The streams that have lost their K_s although no entry `erased` names them."""
    opened = keys_of(connection)
    columns = select(vault.c.kind, vault.c.name, vault.c.key).where(vault.c.kind == "tag")
    known = {opened.stream(*opened.opened(*row)) for row in connection.execute(columns)}
    lost = set(connection.execute(select(streams.c.name)).scalars()) - known
    return sorted(lost - {name for one in _erasures(connection) for name in erased_streams(one)} if lost else lost)


def read_entries_of(connection: Connection, case_ids: Sequence[str]) -> dict[str, list[Entry]]:
    """The entries of each of these cases, as `read_entries` gives them; without the cases that have none. Raises Garbled."""
    wanted = select(entries).where(entries.c.case_id.in_(case_ids)).order_by(entries.c.position)
    found: dict[str, list[Entry]] = {}
    for one in open_rows(connection, list(connection.execute(wanted))):
        if isinstance(one, Entry):
            found.setdefault(one.case, []).append(one)
    return found


def _check_whole(
    stream: str, rows: Sequence[Row[*tuple[object, ...]]], expected: tuple[int, bytes], since: int
) -> None:
    length, head = expected
    last = rows[-1].leaf[33:] if rows else b""
    if [row.seq for row in rows] != list(range(since, length)) or (last != head and (rows or not since)):
        raise Garbled("record-incomplete", stream=stream)


def open_rows(connection: Connection, rows: Sequence[Row[*tuple[object, ...]]]) -> list[Entry | Erased]:
    """Rows of the table of entries, opened and checked against leaf, tag and chain. Raises Garbled."""
    found: list[Entry | Erased] = []
    for one in judged_rows(connection, rows):
        if isinstance(one, Garbled):
            raise one
        found.append(one)
    return found


def judged_rows(connection: Connection, rows: Sequence[Row[*tuple[object, ...]]]) -> Iterator[Entry | Erased | Garbled]:
    """The same, each with what is wrong with it in its place: for whoever wants to know all that is damaged."""
    keys = read_keys(connection, {row.case_id for row in rows} | {row.stream for row in rows if not row.case_id})
    said = [_said(row, keys) if row.sealed else None for row in rows]
    opened, named = keys_of(connection), {one.stream for one in said if isinstance(one, _Unsealed)}
    tags = {name: key for (kind, name), key in read_keys(connection, named).items() if kind == "tag"}
    leaves = {(row.stream, row.seq): row.leaf for row in rows}
    leaves |= _leaves_before(connection, leaves)
    erased = _erased_places(connection) if any(one is None for one in said) else frozenset()
    for row, one in zip(rows, said, strict=True):
        try:
            yield _judged(row, one, opened, tags, leaves) if one is not None else _erased(row, erased)
        except Garbled as error:
            yield error


def _said(row: Row[*tuple[object, ...]], keys: Mapping[tuple[str, str], bytes]) -> "_Unsealed | Garbled":
    try:
        return _unseal(row, keys)
    except Garbled as error:
        return error


def _judged(
    row: Row[*tuple[object, ...]],
    said: "_Unsealed | Garbled",
    opened: Open,
    tags: Mapping[str, bytes],
    leaves: Mapping[tuple[str, int], bytes],
) -> Entry:
    if isinstance(said, Garbled):
        raise said
    return _open(row, said, opened, tags.get(said.stream), leaves)


@dataclass(frozen=True, slots=True)
class _Unsealed:
    """What a row says, before it is checked."""

    opening: bytes
    payload: bytes
    value: Mapping[str, object]
    stream: str


def _unseal(row: Row[*tuple[object, ...]], keys: Mapping[tuple[str, str], bytes]) -> _Unsealed:
    key = keys.get(("case", row.case_id) if row.case_id else ("stream", row.stream))
    if key is None:
        raise Garbled("record-key-missing", place=f"{row.stream} {row.seq}")
    content = unseal(key, row.sealed, row.leaf)
    try:
        value = json.loads(content[OPENING_BYTES:])
        return _Unsealed(content[:OPENING_BYTES], content[OPENING_BYTES:], value, str(value["stream"]))
    except (ValueError, TypeError, LookupError) as error:
        raise Garbled("record-damaged", place=f"{row.stream} {row.seq}") from error


def _erasures(connection: Connection) -> list[Entry]:
    """The entries that say what was erased. They are never erased themselves."""
    said = select(entries).where(entries.c.stream == ERASE, entries.c.sealed != b"").order_by(entries.c.position)
    found = _still_there(open_rows(connection, list(connection.execute(said))))
    return [one for one in found if one.type == "erased"]


def _erased_places(connection: Connection) -> frozenset[int]:
    """All places of which an entry `erased` says that nothing is left."""
    ranges = (pair for one in _erasures(connection) for pair in erased_ranges(one))
    return frozenset(index for first, last in ranges for index in range(first, last + 1))


def erased_streams(one: Entry) -> list[str]:
    """The streams of which an entry `erased` says that nothing is left, by what stood for each in the store."""
    names = one.body.get("streams")
    return [str(name) for name in names] if isinstance(names, list) else []


def erased_ranges(one: Entry) -> list[tuple[int, int]]:
    """The places of an entry `erased`, as (first, last)."""
    places = one.body.get("places")
    pairs = [p for p in places if isinstance(p, list) and len(p) == 2] if isinstance(places, list) else []
    return [(first, last) for first, last in pairs if isinstance(first, int) and isinstance(last, int)]


def _erased(row: Row[*tuple[object, ...]], places: frozenset[int]) -> Erased:
    """Raises Garbled(`record-key-missing`) where nothing says that this place was erased."""
    if row.position not in places:
        raise Garbled("record-key-missing", place=f"{row.stream} {row.seq}")
    return Erased(index=row.position, stream=row.stream, seq=row.seq, leaf=row.leaf)


def _leaves_before(connection: Connection, known: dict[tuple[str, int], bytes]) -> dict[tuple[str, int], bytes]:
    """The leaves that `prev` points at, where they are not among those already read."""
    missing = sorted({(s, seq - 1) for s, seq in known if seq} - known.keys())
    found: dict[tuple[str, int], bytes] = {}
    for at in range(0, len(missing), _MANY):
        place = tuple_(entries.c.stream, entries.c.seq).in_(missing[at : at + _MANY])
        rows = connection.execute(select(entries.c.stream, entries.c.seq, entries.c.leaf).where(place))
        found |= {(stream, seq): leaf for stream, seq, leaf in rows}
    return found


def _open(
    row: Row[*tuple[object, ...]],
    said: _Unsealed,
    opened: Open,
    stream_key: bytes | None,
    leaves: Mapping[tuple[str, int], bytes],
) -> Entry:
    place = f"{row.stream} {row.seq}"
    if stream_key is None:
        raise Garbled("record-key-missing", place=place)
    tag, value = entry.tag(stream_key, row.seq), said.value
    if entry.leaf(tag, entry.commitment(said.opening, tag, said.payload)) != row.leaf:
        raise Garbled("record-damaged", place=place)
    before = leaves.get((row.stream, row.seq - 1), b"")[33:]
    stands = (1, opened.stream(said.stream, stream_key), row.seq, before.hex())
    if (value["v"], row.stream, value["seq"], value["prev"]) != stands:
        raise Garbled("record-damaged", place=place)
    body = value["body"]
    if not isinstance(body, dict):
        raise Garbled("record-damaged", place=place)
    return Entry(
        index=row.position, stream=said.stream, seq=row.seq, type=str(value["type"]),
        time=parse_instant(str(value["time"])), case=row.case_id, body=body, payload=said.payload,
        opening=said.opening, leaf=row.leaf,
    )  # fmt: skip


def read_entry_at(connection: Connection, index: int) -> Entry | None:
    """The entry at one place of the log; None where it was erased, or there is none. Raises Garbled."""
    rows = list(connection.execute(select(entries).where(entries.c.position == index)))
    found = open_rows(connection, rows)
    return found[0] if found and isinstance(found[0], Entry) else None
