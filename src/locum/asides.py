"""What lies sealed beside a search for a short while, each piece with a key of its own in the vault: the hit list, and one message
on its way to the two who opened it (encrypted for them already).

Never in the record, in no copy of the keys (keys_copy.py), and gone for good once the key is destroyed: what an older copy of the
database still holds stays closed. Who may ask for it is judged where it is asked for.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from locum.database import Database
from locum.errors import Garbled
from locum.keyring import keys_of
from locum.schema import asides, vault
from locum.sealing import KEY_BYTES, NONCE_BYTES, seal, unseal


class Aside(StrEnum):
    """What there is to lie beside a search; the kinds of their keys in the vault."""

    HITS = "hits"
    MESSAGE = "message"


class Asides:
    """What lies beside the searches."""

    def __init__(self, database: Database, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._clock = clock
        self._random = random

    def write(self, case_id: str, kind: Aside, content: bytes) -> None:
        """Keep this in place of what was there, under a new key."""
        key, now = self._random(KEY_BYTES), self._clock()
        sealed = seal(key, self._random(NONCE_BYTES), content, _about(case_id, kind))
        row = {"case_id": case_id, "kind": kind.value, "sealed": sealed, "written_at": now, "used_at": now}
        with self._database.writing() as connection:
            opened = keys_of(connection)
            _forget(connection, case_id, (kind,))
            connection.execute(insert(vault), opened.row(kind.value, case_id, key))
            connection.execute(insert(asides), row)

    def read(self, case_id: str, kind: Aside) -> bytes | None:
        """What lies there; None where nothing does. Raises Garbled where it cannot be opened."""
        key = and_(vault.c.name == asides.c.case_id, vault.c.kind == asides.c.kind)
        wanted = select(asides.c.sealed, vault.c.key).outerjoin_from(asides, vault, key).where(_place(case_id, (kind,)))
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return None
            if row.key is None:
                raise Garbled("record-key-missing", place=case_id)
            opened = keys_of(connection).opened(kind.value, case_id, row.key)[1]
        return unseal(opened, row.sealed, _about(case_id, kind))

    def times(self, case_id: str, kind: Aside) -> tuple[datetime, datetime] | None:
        """When it was written, and when it was last used; None where nothing lies there."""
        wanted = select(asides.c.written_at, asides.c.used_at).where(_place(case_id, (kind,)))
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else (row.written_at, row.used_at)

    def touch(self, case_id: str, kind: Aside) -> None:
        """It was used now."""
        with self._database.writing() as connection:
            connection.execute(update(asides).where(_place(case_id, (kind,))).values(used_at=self._clock()))

    def wipe(self, case_id: str, kinds: Sequence[Aside] = tuple(Aside)) -> None:
        """Nothing of it is left, and its key is destroyed. Again and again is harmless."""
        with self._database.writing() as connection:
            _forget(connection, case_id, kinds)

    def cases(self, kind: Aside) -> list[str]:
        """The cases beside which something of this kind lies."""
        with self._database.reading() as connection:
            return list(connection.execute(select(asides.c.case_id).where(asides.c.kind == kind.value)).scalars())


def _place(case_id: str, kinds: Sequence[Aside]) -> ColumnElement[bool]:
    return and_(asides.c.case_id == case_id, asides.c.kind.in_([kind.value for kind in kinds]))


def _forget(connection: Connection, case_id: str, kinds: Sequence[Aside]) -> None:
    names = [kind.value for kind in kinds]
    connection.execute(delete(vault).where(vault.c.kind.in_(names), vault.c.name == case_id))
    connection.execute(delete(asides).where(_place(case_id, kinds)))


def _about(case_id: str, kind: Aside) -> bytes:
    return f"locum/aside/v1\n{kind}\n{case_id}".encode()
