"""The list: from, date and subject of at most twenty messages, and where each is. Sealed beside the case with a key of its own
(asides.py), for the two who take the steps alone, and wiped with that key when the case ends or the list was not used for a while.

The record has the headers too, for her account; nobody else is shown them from there.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from locum.asides import Aside
from locum.desk.office import Office
from locum.entry import Json, bad_character, salted_digest
from locum.errors import Garbled
from locum.lifecycle import Case
from locum.measure import instant, parse_instant
from locum.seam import Hit

_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHit:
    """One line of the list. `digest` names the message in the record, `place` is where it is, opaque to all but the searcher."""

    number: int
    digest: str
    place: str = field(repr=False)
    message_id: str = field(repr=False)
    from_: str = field(repr=False)
    at: datetime = field(repr=False)
    subject: str = field(repr=False)
    masked: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The list of a case, and the salt of its digests."""

    salt: str
    hits: tuple[KeptHit, ...]

    def at(self, digest: str) -> KeptHit | None:
        """The line of this message."""
        return next((one for one in self.hits if one.digest == digest), None)

    def as_recorded(self) -> list[Json]:
        """`hits` of the entry `listed`."""
        return [
            {
                "n": one.number,
                "digest": one.digest,
                "from": one.from_,
                "at": instant(one.at),
                "subject": one.subject,
                "masked": one.masked,
            }
            for one in self.hits
        ]


def digest_of(salt: bytes, place: str, message_id: str) -> str:
    """What names a message in the record."""
    return salted_digest(salt, f"{place}\n{message_id}".encode())


def kept_of(salt: bytes, hits: Sequence[Hit]) -> Kept:
    """The list of these messages, in the order in which they came."""
    return Kept(salt=salt.hex(), hits=tuple(_kept(salt, number, hit) for number, hit in enumerate(hits, 1)))


def _kept(salt: bytes, number: int, hit: Hit) -> KeptHit:
    return KeptHit(
        number=number,
        digest=digest_of(salt, hit.place, hit.message_id),
        place=hit.place,
        message_id=hit.message_id,
        from_=plain(hit.from_),
        at=hit.at,
        subject=plain(hit.subject),
        masked=hit.masked,
        size=hit.size,
    )


def plain(text: str) -> str:
    """A header as it may stand in an entry: one line, NFC, nothing that turns the direction of writing, and not endless."""
    composed = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    cleaned = "".join("\N{REPLACEMENT CHARACTER}" if bad_character(char) else char for char in composed)
    return unicodedata.normalize("NFC", " ".join(cleaned.split())[:_LONGEST])


def write(office: Office, case: Case, kept: Kept) -> None:
    """Keep it beside the case."""
    rows = [
        {
            "number": one.number,
            "digest": one.digest,
            "place": one.place,
            "message_id": one.message_id,
            "from": one.from_,
            "at": instant(one.at),
            "subject": one.subject,
            "masked": one.masked,
            "size": one.size,
        }
        for one in kept.hits
    ]
    office.asides.write(case.id, Aside.HITS, json.dumps({"salt": kept.salt, "hits": rows}).encode())


def read(office: Office, case: Case) -> Kept | None:
    """The list of a case that is open for the steps; None where there is none, or none any more. Raises Garbled."""
    if not is_fresh(office, case):
        return None
    content = office.asides.read(case.id, Aside.HITS)
    if content is None:
        return None
    try:
        value = json.loads(content)
        return Kept(salt=str(value["salt"]), hits=tuple(_read(value["hits"])))
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled("record-damaged", place=case.id) from error


def _read(rows: Sequence[dict[str, object]]) -> Iterator[KeptHit]:
    for row in rows:
        yield KeptHit(
            number=int(str(row["number"])),
            digest=str(row["digest"]),
            place=str(row["place"]),
            message_id=str(row["message_id"]),
            from_=str(row["from"]),
            at=parse_instant(str(row["at"])),
            subject=str(row["subject"]),
            masked=row["masked"] is True,
            size=int(str(row["size"])),
        )


def gone_at(office: Office, case: Case) -> datetime | None:
    """When the list is wiped, if nobody uses it before; None where there is none."""
    times = office.asides.times(case.id, Aside.HITS)
    if times is None:
        return None
    written, used = times
    keeping = office.policy_of(case).keeping
    return min(used + timedelta(hours=keeping.list_hours), written + timedelta(days=keeping.list_days), case.to_date)


def is_fresh(office: Office, case: Case) -> bool:
    """Whether there is a list that may still be used."""
    until = gone_at(office, case)
    return until is not None and office.clock() < until
