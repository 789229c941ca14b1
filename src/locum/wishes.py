"""What somebody wishes for herself, kept beside the record and never in it: her text, her channels, her protections.

Each kind of each person is sealed with a key of its own in the vault, made anew whenever it is written and destroyed when she
erases it: what lies in an older copy of the store is then closed for good. What a wish means is not known here.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from locum.database import Database
from locum.errors import Garbled
from locum.keyring import keys_of
from locum.schema import vault, wishes
from locum.sealing import KEY_BYTES, NONCE_BYTES, seal, unseal

_KEY = "wish"


class Wish(StrEnum):
    """What there is to wish."""

    TEXT = "text"
    CHANNELS = "channels"
    PROTECTIONS = "protections"


class Wishes:
    """The wishes of everybody. Who may ask for whose is judged where they are asked for."""

    def __init__(self, database: Database, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._clock = clock
        self._random = random

    def of(self, person: str, wish: Wish) -> bytes | None:
        """What she wrote last; None where there is nothing. Raises Garbled where it cannot be opened."""
        with self._database.reading() as connection:
            found, place = _key_of(connection, person, wish), keys_of(connection).wish(wish, person)
            where = (wishes.c.person == place) & (wishes.c.wish == wish.value)
            sealed: bytes | None = connection.execute(select(wishes.c.sealed).where(where)).scalar()
        if sealed is None:
            return None
        if found is None:
            raise Garbled("record-key-missing", place=f"wish {wish}")
        return unseal(found, sealed, about_wish(person, wish))

    def write(self, person: str, wish: Wish, content: bytes) -> None:
        """Keep this in place of what was there, under a new key."""
        key = self._random(KEY_BYTES)
        sealed = seal(key, self._random(NONCE_BYTES), content, about_wish(person, wish))
        row = {"wish": wish.value, "sealed": sealed, "written_at": self._clock()}
        with self._database.writing() as connection:
            opened = keys_of(connection)
            self._forget(connection, person, wish)
            connection.execute(insert(vault), opened.row(_KEY, _name(person, wish), key))
            connection.execute(insert(wishes), row | {"person": opened.wish(wish, person)})

    def erase(self, person: str, wish: Wish) -> None:
        """Nothing of it is left, and its key is destroyed."""
        with self._database.writing() as connection:
            self._forget(connection, person, wish)

    def _forget(self, connection: Connection, person: str, wish: Wish) -> None:
        opened = keys_of(connection)
        name, place = opened.place(_KEY, _name(person, wish)), opened.wish(wish, person)
        connection.execute(delete(vault).where((vault.c.kind == _KEY) & (vault.c.name == name)))
        connection.execute(delete(wishes).where((wishes.c.person == place) & (wishes.c.wish == wish.value)))


def _key_of(connection: Connection, person: str, wish: Wish) -> bytes | None:
    opened = keys_of(connection)
    place = opened.place(_KEY, _name(person, wish))
    query = select(vault.c.key).where(vault.c.kind == _KEY, vault.c.name == place)
    wrapped: bytes | None = connection.execute(query).scalar()
    return None if wrapped is None else opened.opened(_KEY, place, wrapped)[1]


def _name(person: str, wish: Wish) -> str:
    return f"{wish}/{person}"


def about_wish(person: str, wish: str) -> bytes:
    """What a sealed wish is bound to."""
    return f"locum/wish/v1\n{wish}\n{person}".encode()
