"""A look at a mailbox that belongs to no case is recorded too, before it is taken: once a day and mailbox, whyever it is looked at.

Only where something of hers is looked at: what is read in a place of our own says nothing about her. So "nothing has been
done on your mailbox" stays true, and the record does not fill up. What is looked at, and why, is the caller's.
"""

from collections.abc import Sequence

from locum.absence import Mailbox
from locum.desk.office import Office
from locum.entry import Draft
from locum.store import Change

_BACK = 50
"""So many of a mailbox's last entries are looked through for a look of the same day."""


def noted(office: Office, why: str, mailboxes: Sequence[Mailbox]) -> None:
    """These are about to be looked at. `why` is a word under `reconcile.why`. Raises Unreachable: then nothing is looked at."""
    drafts = [
        draft
        for mailbox in {one.address: one for one in mailboxes}.values()
        if (draft := _draft(office, why, mailbox.address)) is not None
    ]
    if drafts:
        office.store.commit([Change(entries=tuple(drafts))])


def _draft(office: Office, why: str, address: str) -> Draft | None:
    name = office.route(address)
    connector = office.connectors.get(name) if name is not None else None
    if name is None or connector is None or not connector.can.sees_own:
        return None
    now, since = office.clock(), max(0, office.store.length(address)[0] - _BACK)
    for entry in office.store.entries(mailbox=address, since=since):
        if entry.type == "looked" and entry.time.date() == now.date() and entry.body.get("connector") == name:
            return None
    return Draft(stream=address, type="looked", time=now, body={"connector": name, "why": why})
