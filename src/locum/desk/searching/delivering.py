"""The worker delivers the message that was opened, once: as it is, or one attachment of it in a letter. No copy stays here.

SMTP has no "exactly once". That a delivery begins is noted before the relay is spoken to; where a relay's answer was lost, it is
not tried again, and the record says that it is not known. What the relay surely did not take is tried again.
"""

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
_BEGUN, _SURELY_NOT = b"begun", b"not"


def deliver(office: Office, asked: Asked) -> None:
    """Deliver it. Raises LocumError where the mail system or the relay cannot be reached."""
    case, digest = asked.case, asked.ladder.opened
    kept = hits.read(office, case)
    hit = None if kept is None else kept.at(digest)
    part, to = _part(office, asked), search_of(case).deliver_to
    said: dict[str, Json] = {"digest": digest, "to": to, "part": part}
    note = f"delivering/{case.id}/{asked.step.number}"
    if office.store.kept_setting(note) == _BEGUN:
        settle(office, asked, "delivered", {**said, "receipt": UNKNOWN}, ends="delivered")
        return
    fetched = None if hit is None else fetch(office, asked, hit)
    if kept is None or fetched is None or not _is_the_same(office, asked, kept.salt, fetched):
        settle(office, asked, "closed", {"why": "gone", "seconds": 0})
        return
    office.step("look.looked")
    office.store.keep_setting(note, _BEGUN)
    try:
        receipt = _send(office, asked, part, to, fetched)
    except LocumError as error:
        if error.key == "relay-unknown":
            receipt = UNKNOWN
        else:
            office.store.keep_setting(note, _SURELY_NOT)
            _not_sent(office, asked, said, error)
            return
    office.step("look.sent")
    settle(office, asked, "delivered", {**said, "receipt": receipt, **cost(fetched.looked)}, ends="delivered")


def _not_sent(office: Office, asked: Asked, said: dict[str, Json], error: LocumError) -> None:
    """Where it was refused for good, that is what came of it; else it is tried again."""
    if isinstance(error, Rejected):
        settle(office, asked, "delivered", {**said, "receipt": f"refused: {error.key}"}, ends="not-delivered")
    else:
        put_off(office, asked.taken, error)


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
