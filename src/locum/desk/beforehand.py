"""What is said beforehand of a mail system that cannot say all that is asked, and how a reply is made to fit it. Nothing is dropped
in silence: what cannot be fitted is refused (filing.check_sayable).
"""

from dataclasses import replace

from locum.desk.forms import RequestForm
from locum.desk.office import Office
from locum.lifecycle import Case
from locum.measure import Audience, AutoReply, Can


def fitted(can: Can, form: RequestForm, reply: AutoReply) -> AutoReply:
    """Where the mail system has one text for all, the text for outsiders is that one, since it suits colleagues too and not the other way
    round; a text for colleagues that somebody wrote is left as it is. Where it does not answer for aliases, the reply is for her own
    address.
    """
    if not can.aliases:
        reply = replace(reply, addresses=reply.addresses[:1])
    if can.two_texts or form.internal_text is not None or reply.external_text is None:
        return reply
    return replace(reply, text_body=reply.external_text)


def told(office: Office, case: Case) -> tuple[str, ...]:
    """Keys under `remark.` of what the mail system makes of this request."""
    connector, reply = office.connectors.get(case.connector), case.reply
    if connector is None or reply is None:
        return ()
    one_text = not connector.can.two_texts and reply.audience is not Audience.INTERNAL
    owner = office.people.owner(case.mailbox)
    others = owner is not None and owner.mailbox is not None and bool(owner.mailbox.aliases)
    said = {
        "one-text": one_text,
        "own-subject": not connector.can.subject,
        "no-aliases": others and not connector.can.aliases,
    }
    return tuple(key for key, holds in said.items() if holds)
