"""An incident that the mail system's log shows: recorded for her and for the organisation in one commit, and told by letter.

Her entry says everything; the organisation's stands right behind it in the log and names nobody. The letters go to those whom
the policy names for incidents (clause 14) and to her. Whether something is one is reconciling.py's matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from locum.absence import Channel, Mailbox, Person
from locum.account.accesses import in_words
from locum.desk.office import Office
from locum.entry import Draft, Entry, Json
from locum.letter import Letter
from locum.store import Change, Job, Taken

STREAM: Final = "org/reconcile"
TOLD: Final = "access-told"
_GIVE_UP = timedelta(days=30)
_NAMING = frozenset({"to"})
"""What of an incident could name somebody, and stands in her entry alone."""


@dataclass(frozen=True, slots=True)
class Incident:
    """What was found: on whose mailbox, None where it is nobody's on file or the log's own."""

    mailbox: Mailbox | None
    body: dict[str, Json]


def changes(office: Office, incidents: Sequence[Incident]) -> list[Change]:
    """What records them, and has them told."""
    if not incidents:
        return []
    length, now = office.store.length(STREAM)[0], office.clock()
    readers = len(_officers(office)) + 1
    found = [Change(judged_at=(STREAM, length))]
    for seq, one in enumerate(incidents, length):
        bare = {name: value for name, value in one.body.items() if name not in _NAMING}
        org = Draft(stream=STREAM, type="incident", time=now, body={**bare, "hers": one.mailbox is not None})
        hers = [Draft(stream=one.mailbox.address, type="incident", time=now, body=one.body)] if one.mailbox else []
        told = [Job(kind=TOLD, case=f"{STREAM}/{seq}/{n}", due_at=now, lane="letters") for n in range(readers)]
        found.append(Change(entries=(*hers, org), put=tuple(told)))
    return found


def tell(office: Office, taken: Taken) -> None:
    """Send one of the letters about one incident."""
    seq, number = (int(part) for part in taken.job.case.split("/")[-2:])
    entry = office.store.entries(mailbox=STREAM, since=seq)[0]
    hers = office.store.entry_at(entry.index - 1) if entry.body.get("hers") else None
    owner = None if hers is None else office.people.owner(hers.stream)
    readers = [*([] if owner is None else [owner]), *(one for one in _officers(office) if one != owner)]
    if number < len(readers) and office.clock() < entry.time + _GIVE_UP:
        office.post.send(_letter(office, entry, hers, owner, readers[number]))
    office.store.commit([Change(finished=taken)])


def _officers(office: Office) -> list[Person]:
    functions = office.policy.notify.incident
    return [one for one in office.people.everyone() if one.function in functions and one.mailbox is not None]


def _letter(office: Office, entry: Entry, hers: Entry | None, owner: Person | None, reader: Person) -> Letter:
    language = reader.language
    said = in_words((hers or entry).body, language, reader.time_zone)
    is_hers = owner is not None and reader.id == owner.id
    return Letter(
        id=f"reconcile.{entry.seq}.{reader.id}",
        event="access-hers" if is_hers else "access",
        channel=Channel.MAILBOX,
        address=reader.mailbox.address if reader.mailbox is not None else "",
        name=reader.name,
        language=language,
        values={
            "name": reader.name,
            "organisation": office.organisation.name,
            "case": f"{STREAM} {entry.seq}",
            "found": said,
            "mailbox": "" if hers is None else hers.stream,
            "dpo": office.organisation.dpo,
            "mine": office.own_page(reader),
        },
    )
