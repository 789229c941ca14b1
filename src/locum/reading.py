"""Reading cases, kept bytes and the tree out of the store, opened and checked; entries are read in record.py."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, select

from locum.errors import Garbled
from locum.filing import load_case
from locum.keyring import Open, keys_of
from locum.lifecycle import Case
from locum.schema import cases, entries, kept, vault
from locum.sealing import about_case, about_kept, unseal


def read_cases(connection: Connection, *wanted: ColumnElement[bool], limit: int | None = None) -> list[Case]:
    """Cases, newest first. Raises Garbled where one cannot be opened."""
    key = and_(vault.c.name == cases.c.id, vault.c.kind == "case")
    rows = connection.execute(
        select(cases.c.id, cases.c.version, cases.c.sealed, vault.c.key)
        .outerjoin_from(cases, vault, key)
        .where(*wanted)
        .order_by(cases.c.number.desc())
        .limit(limit)
    )
    opened = keys_of(connection)
    return [_open(opened, *row) for row in rows]


def _case_key(opened: Open, case_id: str, wrapped: bytes | None) -> bytes:
    if wrapped is None:
        raise Garbled("record-key-missing", place=case_id)
    return opened.opened("case", case_id, wrapped)[1]


def _open(opened: Open, case_id: str, version: int, sealed: bytes, wrapped: bytes | None) -> Case:
    key = _case_key(opened, case_id, wrapped)
    try:
        case = load_case(unseal(key, sealed, about_case(case_id, version)))
    except ValueError as error:
        raise Garbled("record-damaged", place=case_id) from error
    if (case.id, case.version) != (case_id, version):
        raise Garbled("record-damaged", place=case_id)
    return case


def read_kept(connection: Connection, case_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes kept beside these cases, opened, with the case of each."""
    key = and_(vault.c.name == kept.c.case_id, vault.c.kind == "case")
    joined = select(kept.c.case_id, kept.c.sealed, vault.c.key).outerjoin_from(kept, vault, key)
    opened = keys_of(connection)
    for case_id, sealed, wrapped in connection.execute(joined.where(kept.c.case_id.in_(case_ids))):
        yield case_id, unseal(_case_key(opened, case_id, wrapped), sealed, about_kept(case_id))


def read_leaves(connection: Connection, first: int, last: int | None) -> Iterator[bytes]:
    """The leaves [first, last), a thousand at a time in memory."""
    wanted = select(entries.c.leaf).where(entries.c.position >= first).order_by(entries.c.position)
    if last is not None:
        wanted = wanted.where(entries.c.position < last)
    yield from connection.execution_options(yield_per=1000).execute(wanted).scalars()
