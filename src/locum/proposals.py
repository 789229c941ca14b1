"""Proposals: deeds about people and keys while their signatures are collected, as rows. No judgement here.

What counts is what was signed: a row that is changed in the database only makes signatures that do not fit any more.
Who may sign what is register/ways.py's matter, when a deed is recorded desk/registering.py's.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Row, delete, insert, select, update

from locum.approval import Signed
from locum.database import Database
from locum.entry import Json, canonical
from locum.errors import Conflict, Invalid
from locum.schema import proposals

OPEN, RECORDED, WITHDRAWN = "open", "recorded", "withdrawn"
_KEPT_AFTER: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A deed that somebody proposed: `what` is what is signed (approval.DEEDS), `by` whoever made it, `signed` so far."""

    id: str
    kind: str
    what: Mapping[str, Json] = field(hash=False)
    by: str
    made_at: datetime
    not_after: datetime
    signed: tuple[Signed, ...] = ()
    state: str = OPEN
    version: int = 1

    def is_open(self, now: datetime) -> bool:
        """Whether it still may be signed."""
        return self.state == OPEN and now < self.not_after


class Proposals:
    """The proposals of one organisation."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def add(self, proposal: Proposal) -> Proposal:
        """Keep a new one. Those that are long over go."""
        with self._database.writing() as connection:
            over = proposals.c.not_after < self._clock() - _KEPT_AFTER
            connection.execute(delete(proposals).where(over))
            connection.execute(insert(proposals), _row(proposal))
        return proposal

    def one(self, proposal_id: str) -> Proposal:
        """Raises Invalid `no-such-proposal`."""
        with self._database.reading() as connection:
            row = connection.execute(select(proposals).where(proposals.c.id == proposal_id)).one_or_none()
        if row is None:
            raise Invalid("no-such-proposal")
        return _proposal(row)

    def open(self) -> list[Proposal]:
        """All that may still be signed, the oldest first."""
        wanted = select(proposals).where(proposals.c.state == OPEN, proposals.c.not_after > self._clock())
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(proposals.c.made_at, proposals.c.id)).all()
        return [_proposal(row) for row in rows]

    def change(self, proposal: Proposal, **to: object) -> Proposal:
        """The same with other fields. Raises Conflict `proposal-changed` where somebody else changed it since it was read."""
        changed = replace(proposal, version=proposal.version + 1, **to)  # type: ignore[arg-type]
        mine = (proposals.c.id == proposal.id) & (proposals.c.version == proposal.version)
        with self._database.writing() as connection:
            if connection.execute(update(proposals).where(mine).values(_row(changed))).rowcount != 1:
                raise Conflict("proposal-changed")
        return changed


def _row(one: Proposal) -> dict[str, object]:
    signed: list[Json] = [signature.as_json() for signature in one.signed]
    return {
        "id": one.id,
        "kind": one.kind,
        "what": canonical(dict(one.what)),
        "by": one.by,
        "made_at": one.made_at,
        "not_after": one.not_after,
        "signed": json.dumps(signed).encode(),
        "state": one.state,
        "version": one.version,
    }


def _proposal(row: Row[*tuple[object, ...]]) -> Proposal:
    return Proposal(
        id=row.id,
        kind=row.kind,
        what=json.loads(row.what),
        by=row.by,
        made_at=row.made_at,
        not_after=row.not_after,
        signed=tuple(Signed.from_json(one) for one in json.loads(row.signed)),
        state=row.state,
        version=row.version,
    )
