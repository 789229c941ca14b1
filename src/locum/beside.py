"""What a stream has besides its cases: the entries that belong to none, and K_s, which is handed over (handing.py of the desk).

K_s is made here where the stream has none yet, so that she can have it before the first entry; once made it is never another.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import insert, select

from locum.database import Database, Raced, chunks
from locum.entry import Entry
from locum.errors import Garbled, Unreachable
from locum.keyring import keys_of
from locum.record import read_beside, read_heads, without_key
from locum.schema import tree, vault

_TRIES = 20


class Beside:
    """Read from, and made in, one store. Raises Unreachable(`store-unreachable`)."""

    def __init__(self, database: Database, random: Callable[[int], bytes]) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._random = random

    def entries(self, streams: Sequence[str]) -> dict[str, list[Entry]]:
        """What was recorded in these streams and belongs to no case, by stream. Raises Garbled as Store.entries."""
        found: dict[str, list[Entry]] = {}
        with self._database.reading() as connection:
            for entry in (one for some in chunks(streams) for one in read_beside(connection, some)):
                found.setdefault(entry.stream, []).append(entry)
        return found

    def key(self, stream: str) -> bytes:
        """K_s of a stream, made where it has none yet. Raises Garbled(`record-key-missing`) where it was lost."""
        for _ in range(_TRIES):
            try:
                return self._key(stream)
            except Raced:
                continue
        raise Unreachable("store-unreachable", reason="always another was first")

    def _key(self, stream: str) -> bytes:
        with self._database.reading() as connection:
            heads = read_heads(connection, {stream}, set(), self._random)
        key = heads.key("tag", stream)
        if heads.made:
            with self._database.writing() as connection:
                connection.execute(select(tree.c.size).with_for_update())
                if keys_of(connection).id != heads.vault.id:
                    raise Raced
                connection.execute(insert(vault), heads.made)
        return key

    def check(self) -> None:
        """Raise Garbled(`record-key-missing`) where a stream has another K_s than it was written with, or none."""
        with self._database.reading() as connection:
            lost = without_key(connection)
        if lost:
            raise Garbled("record-key-missing", place=lost[0])
