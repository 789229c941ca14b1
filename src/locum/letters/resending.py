"""Somebody's message on its way to somebody else as it is: our Resent- headers in front, and not a byte of it otherwise touched.

RFC 5322 3.6.6: whoever reads it sees that it was sent on, by whom and when; an answer goes to whoever wrote it, since From and
Reply-To are his. Nothing is sent here.
"""

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from locum.letters.mail import Envelope, Sender, address_of

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_BY_A_MACHINE = re.compile(
    rb"^(?:return-path:[ \t]*<>|auto-submitted:(?![ \t]*no\b)|resent-from:)", re.IGNORECASE | re.MULTILINE
)


def resent(content: bytes, to: str, message_id: str, sender: Sender, now: datetime) -> Envelope:
    """The message as it is handed on. Lines end in CRLF, as SMTP has it (RFC 5321 2.3.8). Raises Rejected (`letter-address`).

    The envelope is ours, so that what cannot be delivered comes back to us and not to whoever wrote; it is empty for what a machine
    sent, or was sent on already: nothing answers that, so nothing goes in a circle (RFC 5321 4.5.5).
    """
    from_, receiver = address_of(sender.address, sender.organisation), address_of(to, "")
    message = _BARE.sub(b"\r\n", content)
    if message.startswith(b"From "):  # a line that mbox files begin with, and no header
        message = message.partition(b"\r\n")[2]
    header, blank, _ = message.partition(b"\r\n\r\n")
    # Raw bytes in headers came without SMTPUTF8 too, and a next hop that lacks it would not take them with it.
    needs_utf8 = not (from_.username + receiver.username).isascii()
    ours = EmailMessage(policy=SMTPUTF8 if needs_utf8 else SMTP)
    ours["Resent-Date"] = now
    ours["Resent-From"] = from_
    ours["Resent-To"] = receiver
    ours["Resent-Message-ID"] = f"<{message_id}@{from_.domain}>"
    by_a_machine = _BY_A_MACHINE.search(header if blank else message) is not None
    return Envelope(
        sender="" if by_a_machine else from_.addr_spec,
        recipient=receiver.addr_spec,
        message=ours.as_bytes().removesuffix(b"\r\n") + message,
        needs_utf8=needs_utf8,
        is_8bit=not message.isascii(),
    )
