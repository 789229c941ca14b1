"""Who is signed in, what was begun and waits for its answer, and the counters of passkeys: rows, no pages, no cookies.

A token is made here and given out once; the store keeps its SHA-256, so that neither the database nor a copy of it signs
anybody in. Whether the person is still on file, and her key still hers, is asked of others at each request (locum.web).
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, text, update

from locum.database import Database
from locum.errors import Garbled
from locum.keyring import keys_of, marked
from locum.schema import attempts, key_counts, sessions
from locum.sealing import NONCE_BYTES, seal, unseal

ATTEMPT_SECONDS: Final = 600
_MOST_ATTEMPTS: Final = 10_000
_TOKEN_BYTES: Final = 32


class How(StrEnum):
    """How somebody signed in. A provider's word is never a signature; what a passkey did at signing in is none either."""

    PASSKEY = "passkey"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody signed in. `credential` is the passkey; `proved_at` is when she last proved who she is, where that is known."""

    token_hash: bytes
    person: str
    how: How
    credential: bytes | None
    signed_in_at: datetime
    seen_at: datetime
    proved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session lasts: without a request, and in all."""

    idle: timedelta = timedelta(minutes=15)
    whole: timedelta = timedelta(hours=8)


class Sessions:
    """The sessions of one organisation. Safe to use from several threads and processes."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        lasting: Lasting | None = None,
    ) -> None:
        """`random` gives that many unguessable bytes."""
        self._database = database
        self._clock = clock
        self._random = random
        self.lasting = lasting or Lasting()

    def begin(
        self,
        person: str,
        how: How,
        *,
        credential: bytes | None = None,
        proved_at: datetime | None = None,
        instead_of: str = "",
    ) -> str:
        """Sign `person` in: always a new token. `instead_of` is the token that the browser came with; it ends."""
        now, token = self._clock(), self._new_token()
        row = {
            "token_hash": digest(token),
            "how": how.value,
            "credential": credential,
            "signed_in_at": now,
            "seen_at": now,
            "proved_at": proved_at,
        }
        with self._database.writing() as connection:
            over = or_(self._is_over(now), sessions.c.token_hash == digest(instead_of))
            connection.execute(delete(sessions).where(over))
            connection.execute(insert(sessions), {**row, "person": marked(connection, "person", person)})
        return token

    def find(self, token: str, *, seen: bool = True) -> Session | None:
        """The session of this token, while it lasts. `seen` is False for what a page asks by itself: that keeps none alive."""
        now = self._clock()
        wanted = select(sessions).where(sessions.c.token_hash == digest(token), ~self._is_over(now))
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return None
            found = _session(keys_of(connection).named(connection, row.person), *row)
        # Not at every request: a write for each would cost more than all the rest of a page.
        step = self.lasting.idle / 15
        if seen and now - found.seen_at > step:
            mine = (sessions.c.token_hash == found.token_hash) & (sessions.c.seen_at <= now - step)
            with self._database.writing() as connection:
                connection.execute(update(sessions).where(mine).values(seen_at=now))
        return found

    def end(self, token: str) -> None:
        """Sign this one out."""
        self._end(sessions.c.token_hash == digest(token))

    def end_all(self, person: str) -> int:
        """Sign this person out everywhere. How many sessions ended."""
        with self._database.writing() as connection:
            mine = sessions.c.person == keys_of(connection).mark("person", person)
            return connection.execute(delete(sessions).where(mine)).rowcount

    def end_of_key(self, credential: bytes) -> int:
        """Sign out whoever signed in with this passkey. How many sessions ended."""
        return self._end(sessions.c.credential == credential)

    def of_person(self, person: str) -> list[Session]:
        """Her sessions, newest first."""
        with self._database.reading() as connection:
            mark = keys_of(connection).mark("person", person)
            mine = select(sessions).where(sessions.c.person == mark, ~self._is_over(self._clock()))
            rows = connection.execute(mine.order_by(sessions.c.signed_in_at.desc()))
            return [_session(person, *row) for row in rows]

    # what was begun and waits for its answer
    def attempt(self, kind: str, content: bytes) -> str:
        """Keep `content` for ten minutes. Gives the token that fetches it, once."""
        now, token = self._clock(), self._new_token()
        row = {
            "token_hash": digest(token),
            "kind": kind,
            "content": seal(_key_of(token), self._random(NONCE_BYTES), content, kind.encode()),
            "expires_at": now + timedelta(seconds=ATTEMPT_SECONDS),
        }
        with self._database.writing() as connection:
            connection.execute(delete(attempts).where(attempts.c.expires_at <= now))
            _make_room(connection)
            connection.execute(insert(attempts), row)
        return token

    def answered(self, kind: str, token: str) -> bytes | None:
        """What was kept for this token, and only the first time: two at once do not both get it."""
        mine = (attempts.c.token_hash == digest(token)) & (attempts.c.kind == kind)
        with self._database.writing() as connection:
            gone = delete(attempts).where(mine).returning(attempts.c.content, attempts.c.expires_at)
            row = connection.execute(gone).one_or_none()
        if row is None or row.expires_at <= self._clock():
            return None
        try:
            return unseal(_key_of(token), row.content, kind.encode())
        except Garbled:  # begun with a version that did not seal
            return None

    # counters of passkeys
    def count(self, credential: bytes) -> int:
        """The highest counter that was seen of this passkey."""
        return count_of(self._database, credential)

    def counted(self, credential: bytes, number: int) -> bool:
        """Note a counter. False where it did not rise, which a copied key would show (WebAuthn 7.2, step 22).

        An authenticator that keeps no counter always says 0, and that is no rise and no copy.
        """
        return counted(self._database, credential, number)

    def _end(self, these: ColumnElement[bool]) -> int:
        with self._database.writing() as connection:
            return connection.execute(delete(sessions).where(these)).rowcount

    def _is_over(self, now: datetime) -> ColumnElement[bool]:
        idle, whole = self.lasting.idle, self.lasting.whole
        return or_(sessions.c.seen_at <= now - idle, sessions.c.signed_in_at <= now - whole)

    def _new_token(self) -> str:
        return urlsafe_b64encode(self._random(_TOKEN_BYTES)).rstrip(b"=").decode()


def count_of(database: Database, credential: bytes) -> int:
    """The highest counter that was seen of a passkey, at signing in or at signing."""
    wanted = select(key_counts.c.highest).where(key_counts.c.credential == credential)
    with database.reading() as connection:
        return connection.execute(wanted).scalar() or 0


def counted(database: Database, credential: bytes, number: int) -> bool:
    """Note a counter; see Sessions.counted."""
    if number == 0:
        return count_of(database, credential) == 0
    with database.writing() as connection:
        return connection.execute(_COUNT, {"credential": credential, "number": number}).rowcount == 1


def _key_of(token: str) -> bytes:
    """What is kept for a token is sealed under the token itself, of which the store has only the hash."""
    return hashlib.sha256(b"locum/attempt/v1\n" + token.encode("utf-8", "replace")).digest()


def digest(token: str) -> bytes:
    """What is kept instead of a token."""
    return hashlib.sha256(b"locum/session/v1\n" + token.encode("utf-8", "replace")).digest()


_COUNT = text(
    "INSERT INTO key_counts (credential, highest) VALUES (:credential, :number)"
    " ON CONFLICT (credential) DO UPDATE SET highest = excluded.highest WHERE key_counts.highest < excluded.highest"
)


def _make_room(connection: Connection) -> None:
    """Whoever asks from many addresses can at most push out what others began, never fill the disk."""
    many = connection.execute(select(func.count()).select_from(attempts)).scalar_one()
    if many >= _MOST_ATTEMPTS:
        oldest = select(attempts.c.token_hash).order_by(attempts.c.expires_at).limit(many - _MOST_ATTEMPTS + 1)
        connection.execute(delete(attempts).where(attempts.c.token_hash.in_(oldest)))


def _session(
    person: str,
    token_hash: bytes,
    _mark: str,
    how: str,
    credential: bytes | None,
    signed_in_at: datetime,
    seen_at: datetime,
    proved_at: datetime | None,
) -> Session:
    return Session(
        token_hash=token_hash,
        person=person,
        how=How(how),
        credential=credential,
        signed_in_at=signed_in_at,
        seen_at=seen_at,
        proved_at=proved_at,
    )
