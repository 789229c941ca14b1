"""Every entry of a case, whole, at the end of its account: with what she can check it by, and what no section tells. Pure."""

from locum.account.shape import Recorded
from locum.account.story import Story, forward, measure, plain, search
from locum.account.teller import Teller
from locum.entry import Entry

# Told in the sections, or saying nothing to a reader; everything else in a body is shown as it stands.
_TOLD = {
    "requested": "case requester reason because measure measures batch contact_person closes_on",
    "refused": "case requester reason because measure measures by clause",
    "asked": "case channel outcome to whom by receipt note tries request",
    "answered": "case answer via by because measure earlier",
    "consented": "case to answer via by",
    "objected": "case via by because",
    "reviewed": "case decision by because signed lacking request",
    "withdrawn": "case by because",
    "expired": "case why",
    "intended": "case act connector",
    "done": "case act privileges",
    "read-back": "case act stands active remarks",
    "ended": "case why put_back replies_sent copies_sent access_told",
    "failed": "case act left_as",
    "incident": "case act",
    "searching": "case act by query",
    "counted": "case bucket excluded all_judged headers bodies remarks",
    "listed": "case hits excluded all_judged headers bodies remarks",
    "chosen": "case by",
    "unmasked": "case by",
    "opening": "case by signed",
    "opened": "case headers bodies",
    "closed": "case why seconds",
    "delivered": "case to part",
}


def record(teller: Teller, story: Story) -> tuple[Recorded, ...]:
    """Every entry of the case, oldest first; nothing that was recorded is left out."""
    return tuple(_recorded(teller, entry) for entry in story.entries)


def _recorded(teller: Teller, entry: Entry) -> Recorded:
    told = frozenset(_TOLD.get(entry.type, "case").split())
    if measure(entry.body) is None and forward(entry.body) is None and search(entry.body) is None:
        told -= {"measure", "measures"}
    rest = ((key, teller.quote(plain(value))) for key, value in entry.body.items() if key not in told)
    return Recorded(
        index=entry.index,
        seq=entry.seq,
        type=entry.type,
        type_words=teller.word("entry", entry.type),
        at=entry.time,
        at_words=teller.when(entry.time),
        rest=tuple(sorted(rest)),
        payload=entry.payload,
        opening=entry.opening,
        leaf=entry.leaf,
    )
