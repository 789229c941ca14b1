"""The worker delivers the message that was opened, once: as it is, or one attachment of it in a letter. No copy stays here.

SMTP has no "exactly once". That a delivery begins is noted before the relay is spoken to; where a relay's answer was lost, it is
not tried again, and the record says that it is not known. What the relay surely did not take is tried again.
"""

import json
from email import message_from_bytes
from email.policy import compat32
from email.utils import getaddresses
from typing import Final

from locum.absence import Channel
from locum.desk.office import Office
from locum.desk.reaching import put_off
from locum.desk.searching import hits
from locum.desk.searching.climbing import search_of
from locum.desk.searching.looking import Asked, cost, settle
from locum.desk.searching.opened import fetch
from locum.desk.searching.viewing import WHOLE
from locum.entry import Entry, Json, salted_digest
from locum.errors import LocumError, Rejected
from locum.letter import Attachment, Letter
from locum.rendering import attachment, render
from locum.seam import Fetched

UNKNOWN: Final = "unknown"
"""The receipt of a delivery of which it is not known whether it arrived."""


def deliver(office: Office, asked: Asked) -> None:
    """Deliver it. Raises LocumError where the mail system or the relay cannot be reached."""
    case, digest = asked.case, asked.ladder.opened
    kept = hits.read(office, case)
    hit = None if kept is None else kept.at(digest)
    part, to = _part(office, asked), search_of(case).deliver_to
    said: dict[str, Json] = {"digest": digest, "to": to, "part": part}
    before = _Before(office, f"delivering/{case.id}/{asked.step.number}")
    if before.is_begun:
        settle(office, asked, "delivered", {**said, "receipt": UNKNOWN, **before.cost}, ends="delivered")
        return
    fetched, looked = fetch(office, asked, hit)
    spent = _sum(before.cost, cost(looked))
    if kept is None or fetched is None or not _is_the_same(office, asked, kept.salt, fetched):
        settle(office, asked, "closed", {"why": "gone", "seconds": 0, **spent})
        return
    office.step("look.looked")
    before.note(spent, is_begun=True)
    outcome = "delivered"
    try:
        receipt = _send(office, asked, part, to, fetched)
    except LocumError as error:
        if error.key == "relay-unknown":
            receipt = UNKNOWN
        elif isinstance(error, Rejected):
            receipt, outcome = f"refused: {error.key}", "not-delivered"
        else:
            before.note(spent, is_begun=False)
            put_off(office, asked.taken, error)
            return
    office.step("look.sent")
    settle(office, asked, "delivered", {**said, "receipt": receipt, **spent}, ends=outcome)


class _Before:
    """What is noted of a delivery before the relay is spoken to: that it began, and what its looks cost so far."""

    def __init__(self, office: Office, name: str) -> None:
        self._store, self._name = office.store, name
        found = office.store.kept_setting(name)
        value = json.loads(found) if found is not None else {}
        self.is_begun: bool = value.get("is_begun", False)
        self.cost: dict[str, Json] = value.get("cost", {})

    def note(self, spent: dict[str, Json], *, is_begun: bool) -> None:
        """Keep it."""
        self._store.keep_setting(self._name, json.dumps({"is_begun": is_begun, "cost": spent}).encode())


def _sum(before: dict[str, Json], now: dict[str, Json]) -> dict[str, Json]:
    """What two looks cost together; what they left out is what the last one did."""
    found = dict(now)
    for name in ("headers", "bodies", "grants"):
        one, other = before.get(name), now[name]
        if isinstance(one, int) and isinstance(other, int):
            found[name] = one + other
        elif isinstance(one, list) and isinstance(other, list):
            found[name] = [*one, *other]
    return found


def _last(office: Office, asked: Asked, kind: str) -> Entry | None:
    found = [one for one in office.store.entries(case=asked.case.id) if one.type == kind]
    return found[-1] if found else None


def _part(office: Office, asked: Asked) -> str:
    """What is to be delivered, as it was recorded when it was asked."""
    last = _last(office, asked, "searching")
    return str(last.body.get("part") or WHOLE) if last is not None else WHOLE


def _is_the_same(office: Office, asked: Asked, salt: str, fetched: Fetched) -> bool:
    """Whether these are the bytes that were seen, every one of them."""
    opened = _last(office, asked, "opened")
    return opened is not None and opened.body.get("content") == salted_digest(bytes.fromhex(salt), fetched.content)


def _send(office: Office, asked: Asked, part: str, to: str, fetched: Fetched) -> str:
    name = f"{asked.case.id}.delivered"
    if part == WHOLE:
        return office.post.resend(fetched.content, to, name)
    found = attachment(fetched.content, int(part.rpartition(" ")[2]))
    if found is None:
        raise Rejected("no-such-attachment")
    return office.post.send_once(_letter(office, asked, name, to, fetched, found))


def _letter(
    office: Office, asked: Asked, name: str, to: str, fetched: Fetched, found: tuple[str, str, bytes]
) -> Letter:
    """The letter around one attachment; an answer to it goes to whoever really wrote."""
    shown = render(fetched.content)
    receiver = office.people.owner(to)
    called, kind, content = found
    return Letter(
        id=name,
        event="attachment",
        channel=Channel.MAILBOX,
        address=to,
        name=receiver.name if receiver is not None else to,
        language=receiver.language if receiver is not None else office.organisation.language,
        values={
            "organisation": office.organisation.name,
            "name": receiver.name if receiver is not None else to,
            "case": asked.case.id,
            "sender": shown.from_,
            "subject": shown.subject,
            "file": called,
        },
        reply_address=sender_of(fetched.content),
        attachments=(Attachment(name=called, media_type=kind, content=content),),
    )


def sender_of(content: bytes) -> str:
    """Whom an answer to this message goes to (RFC 5322 3.6.2): Reply-To, else From; empty where that is no address."""
    message = message_from_bytes(content, policy=compat32)
    for name in ("reply-to", "from"):
        for _, address in getaddresses([str(one) for one in message.get_all(name, [])]):
            if "@" in address:
                return address
    return ""
