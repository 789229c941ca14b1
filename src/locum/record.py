"""Entries on their way into the store and out of it: sealed and chained before the transaction that writes them,
opened and checked against leaf, tag and chain when they are read. The formats are entry.py's, the tree is tlog.py's.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Row, select, tuple_

from locum import entry
from locum.database import chunks
from locum.entry import Draft, Entry, Erased
from locum.errors import Garbled
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

    `before` is what was read: what the writing transaction compares. `made` are new rows of the vault.
    """

    random: Callable[[int], bytes]
    before: dict[str, int]
    length: dict[str, int]
    head: dict[str, bytes]
    keys: dict[tuple[str, str], bytes]
    made: list[dict[str, object]] = field(default_factory=list)

    def key(self, kind: str, name: str) -> bytes:
        """The key, or a new one. Raises Garbled(`record-key-missing`) for a stream that has lost its own."""
        found = self.keys.get((kind, name))
        if found is None and kind == "tag" and name in self.before:
            raise Garbled("record-key-missing", place=name)
        if found is None:
            found = self.keys[kind, name] = self.random(KEY_BYTES)
            self.made.append({"kind": kind, "name": name, "key": found})
        return found


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries ready to be written: rows without a position, and their leaves' hashes, in order."""

    rows: list[dict[str, object]]
    hashes: list[bytes]


def read_keys(connection: Connection, names: Iterable[str]) -> dict[tuple[str, str], bytes]:
    """All keys under these names, by kind and name."""
    columns = (vault.c.kind, vault.c.name, vault.c.key)
    rows = (row for some in chunks(names) for row in connection.execute(select(*columns).where(vault.c.name.in_(some))))
    return {(kind, name): key for kind, name, key in rows}


def lengths(connection: Connection, names: Iterable[str]) -> dict[str, tuple[int, bytes]]:
    """How many entries each of these streams has, and the commitment of its last."""
    columns = (streams.c.name, streams.c.length, streams.c.head)
    found = (r for some in chunks(names) for r in connection.execute(select(*columns).where(streams.c.name.in_(some))))
    return {name: (length, head) for name, length, head in found}


def read_heads(
    connection: Connection, stream_names: set[str], case_ids: set[str], random: Callable[[int], bytes]
) -> Heads:
    """The heads of these streams, with the keys of these streams and cases."""
    found = lengths(connection, stream_names)
    keys = read_keys(connection, stream_names | case_ids)
    before = {name: length for name, (length, _) in found.items()}
    return Heads(random, before, dict(before), {name: head for name, (_, head) in found.items()}, keys)


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
        done.rows.append({"stream": name, "seq": seq, "case_id": case_id, "leaf": leaf, "sealed": sealed})
        done.hashes.append(leaf_hash(leaf))
        heads.length[name], heads.head[name] = seq + 1, commitment
    return done


def read_entries(connection: Connection, mailbox: str | None, case_id: str | None, since: int = 0) -> list[Entry]:
    """What `read_whole` reads, without the places whose entries were erased."""
    return _still_there(read_whole(connection, mailbox, case_id, since))


def _still_there(found: Sequence[Entry | Erased]) -> list[Entry]:
    return [one for one in found if isinstance(one, Entry)]


def read_whole(
    connection: Connection, mailbox: str | None, case_id: str | None, since: int = 0
) -> list[Entry | Erased]:
    """Entries, opened and checked, and the places of erased ones, oldest first; of a stream, from place `since` on.

    Raises Garbled where one is not what its leaf says, one is missing, or one is gone and no entry `erased` names its place.
    """
    found = lengths(connection, [mailbox]) if mailbox is not None else {}
    wanted: list[ColumnElement[bool]] = []
    if mailbox is not None:
        wanted += [entries.c.stream == mailbox, entries.c.seq < found.get(mailbox, (0, b""))[0], entries.c.seq >= since]
    if case_id is not None:
        wanted.append(entries.c.case_id == case_id)
    rows = list(connection.execute(select(entries).where(*wanted).order_by(entries.c.position)))
    if mailbox is not None and case_id is None:
        _check_whole(mailbox, rows, found.get(mailbox, (0, b"")), since)
    return open_rows(connection, rows)


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
    names = {row.case_id for row in rows} | {row.stream for row in rows}
    keys = read_keys(connection, names)
    leaves = {(row.stream, row.seq): row.leaf for row in rows}
    leaves |= _leaves_before(connection, leaves)
    erased = _erased_places(connection) if any(not row.sealed for row in rows) else frozenset()
    for row in rows:
        try:
            yield _open(row, keys, leaves) if row.sealed else _erased(row, erased)
        except Garbled as error:
            yield error


def _erased_places(connection: Connection) -> frozenset[int]:
    """All places of which an entry `erased` says that nothing is left. The entries that say so are never erased themselves."""
    said = select(entries).where(entries.c.stream == ERASE, entries.c.sealed != b"").order_by(entries.c.position)
    return frozenset(
        index
        for one in _still_there(open_rows(connection, list(connection.execute(said))))
        for first, last in _ranges(one)
        for index in range(first, last + 1)
    )


def _ranges(one: Entry) -> list[tuple[int, int]]:
    """The places of an entry `erased`, as (first, last)."""
    places = one.body.get("places")
    if one.type != "erased" or not isinstance(places, list):
        return []
    pairs = [pair for pair in places if isinstance(pair, list) and len(pair) == 2]
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
    row: Row[*tuple[object, ...]], keys: dict[tuple[str, str], bytes], leaves: dict[tuple[str, int], bytes]
) -> Entry:
    place = f"{row.stream} {row.seq}"
    key = keys.get(("case", row.case_id) if row.case_id else ("stream", row.stream))
    stream_key = keys.get(("tag", row.stream))
    if key is None or stream_key is None:
        raise Garbled("record-key-missing", place=place)
    content = unseal(key, row.sealed, row.leaf)
    opening, payload = content[:OPENING_BYTES], content[OPENING_BYTES:]
    tag = entry.tag(stream_key, row.seq)
    if entry.leaf(tag, entry.commitment(opening, tag, payload)) != row.leaf:
        raise Garbled("record-damaged", place=place)
    value = json.loads(payload)
    before = leaves.get((row.stream, row.seq - 1), b"")[33:]
    if (value["v"], value["stream"], value["seq"], value["prev"]) != (1, row.stream, row.seq, before.hex()):
        raise Garbled("record-damaged", place=place)
    return Entry(
        index=row.position, stream=row.stream, seq=row.seq, type=value["type"], time=parse_instant(value["time"]),
        case=row.case_id, body=value["body"], payload=payload, opening=opening, leaf=row.leaf,
    )  # fmt: skip


def read_entry_at(connection: Connection, index: int) -> Entry | None:
    """The entry at one place of the log; None where it was erased, or there is none. Raises Garbled."""
    rows = list(connection.execute(select(entries).where(entries.c.position == index)))
    found = open_rows(connection, rows)
    return found[0] if found and isinstance(found[0], Entry) else None
