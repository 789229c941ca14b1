"""What was answered to a request of the API that acts, kept for a day: the same request sent again is done once.

A request is known by the person, the key that came with it (Idempotency-Key), and a hash of all it says. The answer is sealed
under the key itself, of which the store keeps a hash: it can be read only by whoever sends it again.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, select, text, update

from locum.database import Database, Raced
from locum.errors import Conflict, Garbled, Invalid, Unreachable
from locum.schema import Instant
from locum.schema import repeats as table
from locum.sealing import NONCE_BYTES, seal, unseal

LASTS: Final = timedelta(hours=24)
_WORKING: Final = timedelta(minutes=2)
"""How long an answer may be in the making. After that whoever was making it is gone."""
_TRIES: Final = 5
_ABOUT: Final = b"locum/repeat/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it was given."""

    status: int
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that acts. `said` is its method, address and body."""

    person: str
    key: str
    said: bytes

    @property
    def name(self) -> bytes:
        """What it is known by."""
        return self._hash("name")

    @property
    def hash(self) -> bytes:
        """What it says."""
        return hashlib.sha256(self.said).digest()

    @property
    def sealing_key(self) -> bytes:
        """What its answer is sealed with."""
        return self._hash("key")

    def _hash(self, what: str) -> bytes:
        return hashlib.sha256(json.dumps(["locum/repeat/v1", what, self.person, self.key]).encode()).digest()


class Repeats:
    """The answers of a day. Safe to use from several threads and processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._clock = clock
        self._random = random

    def begin(self, asked: Asked, *, safely: bool) -> Answer | None:
        """The answer that was given before; None where there was none, and then it is for the caller to `keep` one or `forget`.

        Of two at once one gets None, the other Conflict `repeat-at-work`. Raises Invalid `repeat-differs` where the key came
        with something else before, and Conflict `repeat-unknown` where whoever was answering is gone: what was asked may have been
        done. With `safely` doing it twice does it once, and it may be tried again.
        """
        for _ in range(_TRIES):
            try:
                return self._begin(asked, safely=safely)
            except Raced:
                continue
        raise Unreachable("store-unreachable", reason="always another was first")

    def _begin(self, asked: Asked, *, safely: bool) -> Answer | None:
        now, mine = self._clock(), table.c.name == asked.name
        row = {"name": asked.name, "asked": asked.hash, "began_at": now}
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.began_at <= now - LASTS))
            if connection.execute(_MAKE, row).rowcount == 1:
                return None
            found = connection.execute(select(table).where(mine)).one()
            if found.asked != asked.hash:
                raise Invalid("repeat-differs")
            if found.sealed is not None:
                return _opened(asked, found.sealed)
            if now - found.began_at <= _WORKING:
                raise Conflict("repeat-at-work")
            again = mine & (table.c.began_at == found.began_at)
            if not safely:
                raise Conflict("repeat-unknown")
            if connection.execute(update(table).where(again).values(began_at=now)).rowcount != 1:
                raise Conflict("repeat-at-work")
            return None

    def keep(self, asked: Asked, answer: Answer) -> None:
        """This was answered."""
        plain = json.dumps([answer.status, answer.content.decode(), answer.headers]).encode()
        sealed = seal(asked.sealing_key, self._random(NONCE_BYTES), plain, _ABOUT)
        with self._database.writing() as connection:
            connection.execute(update(table).where(table.c.name == asked.name).values(sealed=sealed))

    def forget(self, asked: Asked) -> None:
        """Nothing was done; it may be asked again with the same key."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.name == asked.name, table.c.sealed.is_(None)))


_MAKE = text(
    "INSERT INTO repeats (name, asked, began_at) VALUES (:name, :asked, :began_at) ON CONFLICT (name) DO NOTHING"
).bindparams(bindparam("began_at", type_=Instant))


def _opened(asked: Asked, sealed: bytes) -> Answer:
    try:
        status, content, headers = json.loads(unseal(asked.sealing_key, sealed, _ABOUT))
    except ValueError as error:
        raise Garbled("record-damaged", place="repeats") from error
    return Answer(status=status, content=content.encode(), headers=tuple((name, value) for name, value in headers))
