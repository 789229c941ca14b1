"""A letter as a mail message (RFC 5322), with its envelope. Nothing is sent here.

Names and texts of people are hostile: they reach headers only on one line, without a character that means something in
an address, and without the beginning of an encoded word (Python decodes those in names, line ends and all).
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from locum.errors import Rejected
from locum.letter import Attachment, Letter
from locum.phrases import legible, one_line

_ADDRESS = re.compile(r'[^\s<>()\[\]:;@\\,"\x00-\x20\x7f]{1,64}@[^\s<>()\[\]:;@\\,"\x00-\x20\x7f]{1,253}')
_MEANS_SOMETHING = re.compile(r'["<>()\[\]:;@\\,]|=\?')
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_MEDIA_TYPE = re.compile(r"([a-z]+)/([a-z0-9.+-]+)")
_NAME_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who the letters are from."""

    address: str
    organisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the relay is given. `needs_utf8`: an address is not ASCII (RFC 6531); `is_8bit`: something else is not (RFC 6152)."""

    sender: str
    recipient: str
    message: bytes = field(repr=False)
    needs_utf8: bool = False
    is_8bit: bool = False


def compose(letter: Letter, subject: str, text: str, sender: Sender, now: datetime) -> Envelope:
    """The message and its envelope. Raises Rejected (`letter-address`) where an address is not one."""
    from_ = address_of(sender.address, sender.organisation)
    to = address_of(letter.address, letter.name)
    needs_utf8 = not (from_.username + to.username + letter.reply_address).isascii()
    message = EmailMessage(policy=SMTPUTF8 if needs_utf8 else SMTP)
    message["From"] = from_
    message["To"] = to
    if letter.reply_address:
        message["Reply-To"] = address_of(letter.reply_address, letter.reply_name)
    message["Subject"] = one_line(subject).replace("=?", "= ?")  # or it would be read as an encoded word (RFC 2047)
    message["Date"] = now
    message["Message-ID"] = f"<{_message_id(letter.id)}@{from_.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers this, hers and ours included
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # the same, for Exchange
    message["X-Locum"] = "letter"  # clause 20: no forward of ours copies this
    _fill(message, letter, text)
    message["Content-Language"] = letter.language
    return Envelope(sender=from_.addr_spec, recipient=to.addr_spec, message=message.as_bytes(), needs_utf8=needs_utf8)


def _fill(message: EmailMessage, letter: Letter, text: str) -> None:
    message.set_content(legible(text), cte="quoted-printable")
    if letter.html is not None:
        message.add_alternative(legible(letter.html), subtype="html", cte="quoted-printable")
    for attachment in letter.attachments:
        main, sub = _media_type(attachment)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", attachment.name).lstrip(".-") or "attachment"
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=name)


def _media_type(attachment: Attachment) -> tuple[str, str]:
    found = _MEDIA_TYPE.fullmatch(attachment.media_type)
    return (found[1], found[2]) if found else ("application", "octet-stream")


def address_of(address: str, name: str) -> Address:
    """An address with a name to show. Raises Rejected (`letter-address`); the address itself is not told."""
    shown = one_line(_MEANS_SOMETHING.sub(" ", legible(name)), _NAME_CHARACTERS)
    if _ADDRESS.fullmatch(address) is None or legible(address) != address:
        raise Rejected("letter-address", name=shown)
    local, _, domain = address.rpartition("@")
    try:
        return Address(display_name=shown, username=local, domain=domain.encode("idna").decode())
    except (UnicodeError, ValueError, IndexError):
        raise Rejected("letter-address", name=shown) from None


def _message_id(letter_id: str) -> str:
    """The same letter has the same Message-ID at every try, so that a reader's mail program shows it once."""
    if len(letter_id) <= 120 and _PLAIN_ID.fullmatch(letter_id):
        return letter_id
    return hashlib.sha256(letter_id.encode("utf-8", "replace")).hexdigest()[:40]
