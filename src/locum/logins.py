"""Locum's own logins at mail systems, each noted before it is made, to be compared with the mail system's own log.

A row is gone once its login was found there. It names nobody: service and mailbox are a keyed hash. It is beside the record and
proves nothing in it; what it explains is only that a login was Locum's, never that it was right.
"""

import hmac
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from locum.database import Database
from locum.schema import logins

KEY = "logins-key"
"""The setting that holds the key of the marks."""


class Logins:
    """The logins of one organisation."""

    def __init__(self, database: Database, key: Callable[[], bytes], clock: Callable[[], datetime]) -> None:
        """`key` gives the key of the marks, when it is first needed."""
        self._database, self._key, self._clock = database, key, clock

    def begins(self, connector: str, service: str, user: str) -> None:
        """A login is about to be tried. Raises Unreachable where it cannot be noted."""
        row = {"connector": connector, "mark": self._mark(service, user), "at": self._clock()}
        with self._database.writing() as connection:
            connection.execute(insert(logins), [row])

    def match(
        self, connector: str, service: str, user: str, at: datetime, within: timedelta, but: Collection[int] = ()
    ) -> int | None:
        """The noted login that is nearest to this instant, not further than `within` and none of `but`; None where there is none."""
        wanted = (
            (logins.c.connector == connector)
            & (logins.c.mark == self._mark(service, user))
            & logins.c.at.between(at - within, at + within)
        )
        with self._database.reading() as connection:
            rows = connection.execute(select(logins.c.id, logins.c.at).where(wanted))
            found = [(row.at, int(row.id)) for row in rows if row.id not in but]
        return min(found, key=lambda one: abs(one[0] - at))[1] if found else None

    def found(self, ids: list[int]) -> None:
        """These were found in the log: they explain nothing further."""
        if ids:
            with self._database.writing() as connection:
                connection.execute(delete(logins).where(logins.c.id.in_(ids)))

    def lost(self, connector: str, before: datetime) -> int:
        """How many noted before then were not found in the log; they are forgotten by this."""
        old = (logins.c.connector == connector) & (logins.c.at < before)
        with self._database.writing() as connection:
            many: int = connection.execute(select(func.count()).select_from(logins).where(old)).scalar_one()
            if many:
                connection.execute(delete(logins).where(old))
        return many

    def _mark(self, service: str, user: str) -> bytes:
        return hmac.digest(self._key(), f"locum/login/v1\n{service}\n{user.lower()}".encode(), "sha256")
