"""Tokens of the API: rows, no doors. A token is made here and given out once; the store keeps its SHA-256.

A token acts as one person, for what its scopes name, until its end. Whether she is still on file is asked of others at each
use (locum.web.api). Nothing of a token but its name, which says nothing, is ever shown again.
"""

import hashlib
import hmac
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Row, insert, select, update

from locum.database import Database
from locum.errors import Invalid
from locum.schema import access_tokens as table

PREFIX: Final = "locum_"
"""What a token begins with, so that whoever finds one in a file knows what it opens."""
LONGEST_DAYS: Final = 365
_SEEN_EVERY: Final = timedelta(hours=1)
_TOKEN_BYTES: Final = 32


class Scope(StrEnum):
    """What a token may be used for."""

    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    CONTACT_WRITE = "contact:write"
    ACCOUNT_READ = "account:read"
    GAPS_READ = "gaps:read"
    FIGURES_READ = "figures:read"
    POLICY_READ = "policy:read"
    PEOPLE_READ = "people:read"


def scopes_of(names: Iterable[str]) -> list[Scope]:
    """Scopes by their names. Raises Invalid `token-scopes`."""
    given = list(names)
    if not given or not set(given) <= set(Scope):
        raise Invalid("token-scopes", scopes=", ".join(Scope))
    return [Scope(name) for name in given]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token as it is known after it was given out. `made_by` made it, `used_at` is to the hour."""

    id: str
    person: str
    scopes: frozenset[Scope]
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    ended_at: datetime | None = None


class AccessTokens:
    """The tokens of one organisation. Safe to use from several threads and processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._clock = clock
        self._random = random

    def make(self, person: str, scopes: Iterable[Scope], *, days: int, made_by: str) -> tuple[str, AccessToken]:
        """A new token, and what is kept of it. Raises Invalid `token-days` or `token-scopes`."""
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid("token-days", days=days, most=LONGEST_DAYS)
        chosen = frozenset(scopes)
        if not chosen:
            raise Invalid("token-scopes", scopes=", ".join(Scope))
        now, token = self._clock(), PREFIX + urlsafe_b64encode(self._random(_TOKEN_BYTES)).rstrip(b"=").decode()
        made = AccessToken(
            id=b32encode(self._random(5)).decode().lower(),
            person=person,
            scopes=chosen,
            made_by=made_by,
            made_at=now,
            expires_at=now + timedelta(days=days),
        )
        row = {
            "id": made.id,
            "token_hash": digest(token),
            "person": person,
            "scopes": " ".join(sorted(chosen)),
            "made_by": made_by,
            "made_at": now,
            "expires_at": made.expires_at,
        }
        with self._database.writing() as connection:
            connection.execute(insert(table), row)
        return token, made

    def find(self, token: str) -> AccessToken | None:
        """What a token stands for, while it works; None for an unknown, an expired and an ended one alike."""
        now, hashed = self._clock(), digest(token)
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.token_hash == hashed)).one_or_none()
        if row is None or not hmac.compare_digest(row.token_hash, hashed):
            return None
        found = _token(row)
        if found.ended_at is not None or found.expires_at <= now:
            return None
        # Not at every use: a write for each would cost more than most answers.
        if found.used_at is None or now - found.used_at > _SEEN_EVERY:
            with self._database.writing() as connection:
                connection.execute(update(table).where(table.c.id == found.id).values(used_at=now))
        return found

    def all(self) -> list[AccessToken]:
        """Every token that was made, the newest first."""
        with self._database.reading() as connection:
            return [_token(row) for row in connection.execute(select(table).order_by(table.c.made_at.desc()))]

    def get(self, token_id: str) -> AccessToken:
        """One by its name. Raises Invalid `no-such-token`."""
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == token_id)).one_or_none()
        if row is None:
            raise Invalid("no-such-token", token=token_id[:20])
        return _token(row)

    def end(self, token_id: str) -> AccessToken:
        """It works no more. Raises Invalid `no-such-token`."""
        self._end(table.c.id == token_id)
        return self.get(token_id)

    def end_all(self, person: str) -> None:
        """None of hers works any more, also where she should come back."""
        self._end(table.c.person == person)

    def _end(self, these: ColumnElement[bool]) -> None:
        with self._database.writing() as connection:
            connection.execute(update(table).where(these, table.c.ended_at.is_(None)).values(ended_at=self._clock()))


def digest(token: str) -> bytes:
    """What is kept instead of a token."""
    return hashlib.sha256(b"locum/access-token/v1\n" + token.encode("utf-8", "replace")).digest()


def _token(row: Row[tuple[object, ...]]) -> AccessToken:
    return AccessToken(
        id=row.id,
        person=row.person,
        scopes=frozenset(Scope(name) for name in row.scopes.split(" ")),
        made_by=row.made_by,
        made_at=row.made_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        ended_at=row.ended_at,
    )
