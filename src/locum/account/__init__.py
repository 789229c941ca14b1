"""The account: the entries of a case become what she reads. Pure: it comes from the entries alone.

`build` is here, its values in shape.py; story.py reads the entries, sections.py says them, teller.py has the words. How
an account looks as text, HTML, PDF or JSON is not known here (documents/).
"""

from collections.abc import Mapping, Sequence

from locum.account import recorded, sections
from locum.account.shape import Account, Contacts, Kind, Recorded, Row, Section
from locum.account.story import story
from locum.account.teller import Teller
from locum.entry import Entry

__all__ = ["Account", "Contacts", "Kind", "Recorded", "Row", "Section", "build"]


def build(
    entries: Sequence[Entry],
    case_id: str,
    *,
    language: str,
    names: Mapping[str, str],
    time_zone: str,
    organisation: str,
    contacts: Contacts | None = None,
    checkpoint: str = "",
    beside: Sequence[Entry] | None = None,
) -> Account:
    """The account of `case_id` from `entries` (others' entries among them are left out), in her language and zone.

    `beside` are looks and incidents on her mailbox that belong to no case; None says nothing of those. `checkpoint` is the signed tree head she can check the entries against. Raises nothing: an entry that is not
    understood is shown in a plain form.
    """
    told = story(entries, case_id)
    teller = Teller(
        language=language, names=names, time_zone=time_zone, organisation=organisation, variant=told.variant
    )
    return Account(
        case=case_id,
        language=language,
        time_zone=time_zone,
        organisation=organisation,
        mailbox=sections.mailbox(told),
        name=sections.owner(teller, told),
        title=teller.say("title"),
        lead=sections.lead(teller, told),
        outcome=told.outcome,
        measure=told.measure,
        forward=told.forward,
        live_from=told.live_from,
        live_until=told.live_until,
        replies_sent=told.replies_sent,
        copies_sent=told.copies_sent,
        sections=sections.all_of(teller, told, contacts or Contacts(), beside),
        record=recorded.record(teller, told),
        checkpoint=checkpoint,
    )
