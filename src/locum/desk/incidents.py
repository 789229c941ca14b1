"""Incidents: what was about to be done is not what was asked, or what should prove the approvals proves something else.

Nothing is written to a mail system then. It is recorded, the case ends, and those whom the policy names are told (clause 14):
what was found, and about whom, never a text of hers.
"""

from functools import partial

from locum.absence import Channel, Person
from locum.desk.asking import news
from locum.desk.lanes import to_end
from locum.desk.office import Office
from locum.desk.several import Copy, send_copies
from locum.gate import Reason
from locum.letter import Letter
from locum.lifecycle import ON_SERVER, Case, Event, advance
from locum.messages import as_far_as_known, say
from locum.store import Change, Job, Taken

INCIDENT = "incident"
"""The job and the letter."""
_CHANGED = frozenset({"request-changed", "request-unreadable"})


def stop(office: Office, taken: Taken, case: Case, reason: Reason) -> None:
    """Record it, and end the case; what is being set already is taken away."""
    outcome = "request-changed" if reason.key in _CHANGED else "forged"
    is_begun = case.state in ON_SERVER
    ended = advance(case, Event.END if is_begun else Event.REFUSE, outcome=outcome, trouble=outcome)
    found = office.draft(case, "incident", act="apply", key=reason.key, who=reason.who)
    failed = office.draft(case, "failed", act="apply", key=outcome, left_as="unchanged")
    now = office.clock()
    account = Job(kind="account", case=case.id, due_at=now, lane="letters")
    put = (
        to_end(case, now) if is_begun else account,
        Job(kind=INCIDENT, case=case.id, due_at=now, lane="letters"),
        news(office, ended),
    )
    office.store.commit([Change(case=ended, entries=(found, failed), put=put, finished=taken)])


def tell(office: Office, taken: Taken) -> None:
    """The letter to those whom the policy names; nothing where it names nobody who has a mailbox."""
    case = office.store.case(taken.job.case)
    functions = office.policy.notify.incident
    readers = [one for one in office.people.everyone() if one.function in functions and one.mailbox is not None]
    copies = [
        Copy(channel=Channel.MAILBOX, to=one.mailbox.address, make=partial(_letter, office, case, one))
        for one in readers
        if one.mailbox is not None
    ]
    if not copies or send_copies(office, taken, case, "letter-incident", copies) is not None:
        office.store.commit([Change(finished=taken)])


def _letter(office: Office, case: Case, reader: Person) -> Letter:
    found = [entry for entry in office.store.entries(case=case.id) if entry.type == "incident"]
    body = found[-1].body if found else {}
    said = {"who": str(body.get("who") or "…"), "what": "…"}
    language, organisation = reader.language, office.organisation.name
    act = body.get("act") if body.get("act") in ("end", "open") else "apply"
    return Letter(
        id=f"{case.id}.incident.{reader.id}",
        event=INCIDENT,
        channel=Channel.MAILBOX,
        address=reader.mailbox.address if reader.mailbox is not None else "",
        name=reader.name,
        language=language,
        values={
            "organisation": organisation,
            "name": reader.name,
            "case": case.id,
            "happened": say(language, f"letters.happened.{act}", case=case.id, organisation=organisation),
            "found": as_far_as_known(language, f"gate.{body.get('key')}", said),
        },
    )
