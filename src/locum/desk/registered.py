"""What follows on a deed that was recorded: everybody whom it is about is told by letter, and those who signed get it back
in words. No letter here holds a link that does anything.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from locum.absence import Channel, Person
from locum.approval import Deed
from locum.desk.office import Office
from locum.entry import Entry, Json
from locum.letter import Letter
from locum.messages import say
from locum.phrases import when
from locum.register import STREAM, WAIT
from locum.register.reading import text_of
from locum.register.signers import people
from locum.store import Change, Job, Taken

TOLD: Final = "people-told"
_GIVE_UP: Final = timedelta(days=30)


def concerned(office: Office, kind: str, what: Mapping[str, Json]) -> set[str]:
    """Whom a deed is about."""
    rows = people(what) if "person" in what or "people" in what else []
    found = {str(row["person"]) for row in rows} | {str(row["manager"]) for row in rows if row.get("manager")}
    if kind == "delegated":
        found.add(str(what["to"]))
    if kind == "delegation-ended" and (one := office.register().delegations.get(str(what["delegation"]))) is not None:
        found |= {one.by, one.to}
    return found


def jobs_for(
    office: Office, kind: str, what: Mapping[str, Json], signers: Collection[str], seq: int, now: datetime
) -> list[Job]:
    """A letter to each of them: those it is about, and those who signed."""
    readers = sorted(concerned(office, kind, what) | set(signers))
    return [Job(kind=TOLD, case=f"{STREAM}/{seq}/{n}", due_at=now, lane="letters") for n in range(len(readers))]


def tell(office: Office, taken: Taken) -> None:
    """Send one of those letters."""
    _, _, seq, number = taken.job.case.split("/")
    entry = office.store.entries(mailbox=STREAM)[int(seq)]
    deeds = [Deed.load(entry.type, str(one["statement"]).encode()) for one in _signed(entry)]
    signers, what = [deed.by for deed in deeds], deeds[0].what
    reader = sorted(concerned(office, entry.type, what) | set(signers))[int(number)]
    person = office.people.person(reader)
    if person is not None and person.mailbox is not None and office.clock() < entry.time + _GIVE_UP:
        office.post.send(_letter(office, entry, person, signers, what))
    office.store.commit([Change(finished=taken)])


def _signed(entry: Entry) -> list[dict[str, Json]]:
    signed = entry.body["signed"]
    return [one for one in signed if isinstance(one, dict)] if isinstance(signed, list) else []


def _letter(office: Office, entry: Entry, person: Person, signers: Collection[str], what: Mapping[str, Json]) -> Letter:
    language = person.language
    hers = person.id in concerned(office, entry.type, what)
    waits = entry.type == "key-added" and len(signers) == 3
    until = when(entry.time + WAIT, language, person.time_zone) if waits else ""
    named = [one.name if (one := office.people.person(who)) is not None else who for who in sorted(set(signers))]
    return Letter(
        id=f"register.{entry.seq}.{person.id}",
        event="key-changed" if hers else "people-signed",
        channel=Channel.MAILBOX,
        address=person.mailbox.address if person.mailbox is not None else "",
        name=person.name,
        language=language,
        values={
            "name": person.name,
            "organisation": office.organisation.name,
            "case": f"{STREAM} {entry.seq}",
            "text": text_of(entry.type, what, language, about=person.id if hers else ""),
            "signed_by": ", ".join(named),
            "on_words": when(entry.time, language, person.time_zone),
            "waits_words": until,
            "dpo": office.organisation.dpo or say(language, "words.function.dpo"),
        },
    )
