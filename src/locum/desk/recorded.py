"""What is on record of one case, read out of the whole stream of its mailbox: one entry less, or one put elsewhere, is noticed.

For whatever tells what happened: the account, the timeline, `locum show`. A column that says which case an entry belongs to, or a
row of a case that names another mailbox, changes nothing there. What follows from an entry is not known here.
"""

from locum.desk.office import Office
from locum.entry import Entry
from locum.errors import Garbled
from locum.lifecycle import Case


def entries_of(office: Office, case: Case) -> list[Entry]:
    """The entries that say they are about this case, oldest first; none where they were erased.

    Raises Garbled `record-incomplete` where the mailbox of the case has none, or one stands somewhere else.
    """
    whole = office.store.whole(case.mailbox)
    mine = [one for one in whole if isinstance(one, Entry) and one.about == case.id]
    elsewhere = {one.index for one in office.store.entries(case=case.id)} - {one.index for one in mine}
    if elsewhere or not (mine or any(not isinstance(one, Entry) for one in whole)):
        raise Garbled("record-incomplete", stream=case.mailbox)
    return mine


def beside_cases(office: Office, mailbox: str) -> list[Entry]:
    """Looks and incidents on a mailbox that belong to no case, oldest first. Raises Garbled."""
    found = office.store.entries(mailbox=mailbox)
    return [one for one in found if not one.about and one.type in ("incident", "looked")]
