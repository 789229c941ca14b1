"""One-time links to enrol keys with: made here, written to a file that its owner alone can read, used once.

The store keeps the hash of a link's token (tokens.py), one row per purpose. Who may enrol which key, and what that takes
besides a link, is the register's matter; what the page behind the link shows is the web's.
"""

import contextlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import bindparam, delete, select, text, update

from locum import tokens
from locum.database import Database
from locum.errors import Conflict, Invalid, Unreachable
from locum.schema import Instant, key_links

FIRST_KEYS: Final = "first-keys"
"""The purpose of the link with which the first two keys of an organisation are enrolled."""

LASTS: Final = timedelta(hours=24)


class KeyLinks:
    """The links of one organisation. `key` signs their tokens, and is another than that of the links in letters."""

    def __init__(
        self, database: Database, key: bytes, clock: Callable[[], datetime], random: Callable[[int], bytes]
    ) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._key = key
        self._clock = clock
        self._random = random

    def make(self, purpose: str, *, anew: bool = False) -> str | None:
        """A link's token; None where there was one before, of two at once for all but one. `anew` replaces that one."""
        token = tokens.new(self._key, self._random)
        row = {"purpose": purpose, "token_hash": tokens.digest(token), "expires_at": self._clock() + LASTS}
        with self._database.writing() as connection:
            made = connection.execute(_REPLACE if anew else _MAKE, row).rowcount == 1
        return token if made else None

    def purpose(self, token: str) -> str:
        """What the link is for; changes nothing. Raises Invalid `key-link-unknown`, `key-link-expired`, Conflict
        `key-link-used`.
        """
        if not tokens.genuine(self._key, token):
            raise Invalid("key-link-unknown")
        wanted = select(key_links).where(key_links.c.token_hash == tokens.digest(token))
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            raise Invalid("key-link-unknown")
        if row.used_at is not None:
            raise Conflict("key-link-used")
        if row.expires_at <= self._clock():
            raise Invalid("key-link-expired")
        purpose: str = row.purpose
        return purpose

    def use(self, token: str) -> str:
        """The same, and from now on it is used. Of two at once one gets it. Raises as `purpose`."""
        purpose, now = self.purpose(token), self._clock()
        unused = (key_links.c.token_hash == tokens.digest(token)) & key_links.c.used_at.is_(None)
        with self._database.writing() as connection:
            if connection.execute(update(key_links).where(unused).values(used_at=now)).rowcount != 1:
                raise Conflict("key-link-used")
        return purpose

    def withdraw(self, purpose: str) -> None:
        """There is no such link any more."""
        with self._database.writing() as connection:
            connection.execute(delete(key_links).where(key_links.c.purpose == purpose))


_MAKE = text(
    "INSERT INTO key_links (purpose, token_hash, expires_at) VALUES (:purpose, :token_hash, :expires_at)"
    " ON CONFLICT (purpose) DO NOTHING"
).bindparams(bindparam("expires_at", type_=Instant))
_REPLACE = text(
    "INSERT INTO key_links (purpose, token_hash, expires_at) VALUES (:purpose, :token_hash, :expires_at)"
    " ON CONFLICT (purpose) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at,"
    " used_at = NULL"
).bindparams(bindparam("expires_at", type_=Instant))


def write_link(file: Path, address: str) -> None:
    """Write a link's address to `file`, 0600, in place of what was there. Never through a link that somebody put there.

    Raises Unreachable `key-link-unwritable`.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as writing:
            os.fchmod(writing.fileno(), 0o600)
            writing.write(f"{address}\n")
            writing.flush()
            os.fsync(writing.fileno())
        beside.replace(file)
    except OSError as error:
        raise Unreachable("key-link-unwritable", file=file, what=error.strerror) from None
