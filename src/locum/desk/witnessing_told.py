"""An incident with a witness: recorded in a stream of the organisation, and told by letter to those whom the policy names for
incidents (clause 14). It names nobody and no mailbox. Whether something is one is witnessing.py's matter.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from locum.absence import Channel, Person
from locum.desk.office import Office
from locum.entry import Draft, Entry, Json
from locum.errors import LocumError
from locum.letter import Letter
from locum.messages import as_far_as_known
from locum.store import Change, Job, Taken

STREAM: Final = "org/witness"
TOLD: Final = "witness-told"
_ANEW = timedelta(days=7)
"""The same of the same witness is told again after so long."""
_GIVE_UP = timedelta(days=30)
_LAST = 50


def record(office: Office, errors: Sequence[LocumError]) -> None:
    """Record each of these that was not recorded lately, and have it told."""
    length, now = office.store.length(STREAM)[0], office.clock()
    known = office.store.entries(mailbox=STREAM, since=max(0, length - _LAST)) if length and errors else []
    lately = {_same(one.body) for one in known if one.time + _ANEW > now}
    changes: list[Change] = []
    for error in errors:
        body: dict[str, Json] = {"key": error.key, **error.values}
        if _same(body) in lately:
            continue
        lately.add(_same(body))
        entry = Draft(stream=STREAM, type="incident", time=now, body=body)
        seq = length + len(changes)
        told = [
            Job(kind=TOLD, case=f"{STREAM}/{seq}/{n}", due_at=now, lane="letters") for n in range(len(_readers(office)))
        ]
        changes.append(Change(entries=(entry,), put=tuple(told)))
    if changes:
        office.store.commit([Change(judged_at=(STREAM, length)), *changes])


def _same(body: Mapping[str, object]) -> tuple[object, object]:
    return body.get("key"), body.get("witness")


def tell(office: Office, taken: Taken) -> None:
    """Send one of the letters about one incident."""
    seq, number = (int(part) for part in taken.job.case.split("/")[-2:])
    entry, readers = office.store.entries(mailbox=STREAM, since=seq)[0], _readers(office)
    if number < len(readers) and office.clock() < entry.time + _GIVE_UP:
        office.post.send(_letter(office, entry, readers[number]))
    office.store.commit([Change(finished=taken)])


def _readers(office: Office) -> list[Person]:
    functions = office.policy.notify.incident
    return [one for one in office.people.everyone() if one.function in functions and one.mailbox is not None]


def _letter(office: Office, entry: Entry, reader: Person) -> Letter:
    language = reader.language
    values = {name: str(value) for name, value in entry.body.items()}
    said = [as_far_as_known(language, f"errors.{values['key']}.{part}", values) for part in ("sentence", "advice")]
    return Letter(
        id=f"witness.{entry.seq}.{reader.id}",
        event="witness",
        channel=Channel.MAILBOX,
        address=reader.mailbox.address if reader.mailbox is not None else "",
        name=reader.name,
        language=language,
        values={
            "name": reader.name,
            "organisation": office.organisation.name,
            "case": f"{STREAM} {entry.seq}",
            "found": "\n\n".join(one for one in said if one),
        },
    )
