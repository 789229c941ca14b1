"""Who may see and stop what, the same at every door behind signing in: a case, what waits, and who is away.

Pure judgements about a case and whoever acts. What a door does not show she does not hear of either: for her there is no
such case.
"""

from dataclasses import replace

from locum.desk.forms import Acting
from locum.desk.gating import wants_signatures
from locum.desk.judging import reviewers
from locum.desk.office import Office
from locum.desk.signing import REQUEST, decisions
from locum.entry import Entry
from locum.errors import LocumError
from locum.lifecycle import Case, State

_DECIDED_ABOUT = frozenset({State.AWAITING_REVIEW, State.OBJECTED})


def may_see(office: Office, acting: Acting, case: Case) -> bool:
    """Whether this case is hers: she asked, it is her mailbox, or she decides or decided about it."""
    return (
        acting.id in (case.requester, case.person)
        or any(who == acting.id for who, _, _ in case.reviews)
        or waits_for(office, acting, case)
    )


def may_stop(acting: Acting, case: Case) -> bool:
    """Whether she may take it back, or end it while it is live: whoever asked, and whose mailbox it is."""
    return acting.id in (case.requester, case.person)


def waits_for(office: Office, acting: Acting, case: Case) -> bool:
    """Whether it waits for her: a review, or grounds against an objection. Never for who asked, nor for whom it is about; and for
    nobody who decided about this very request already. Where that is signed, the register says who may, and whoever stands in for
    somebody is among them; otherwise her function does.
    """
    if case.state not in _DECIDED_ABOUT or acting.id in (case.requester, case.person):
        return False
    if _is_signed(office, case):
        return bool(set(decisions(office, acting, case)) - {REQUEST})
    if not acting.function or any((who, request) == (acting.id, case.request) for who, _, request in case.reviews):
        return False
    return acting.function in _deciding(office, case)


def _is_signed(office: Office, case: Case) -> bool:
    try:
        return office.site is not None and wants_signatures(office, case)
    except LocumError:  # the policy it was filed under is lost: then nobody can decide
        return False


def _deciding(office: Office, case: Case) -> tuple[str, ...]:
    """The functions that decide now. None where the policy it was filed under is lost: then nobody can."""
    try:
        if case.state is State.AWAITING_REVIEW:
            return reviewers(office, case)
        objection = office.policy_of(case).objection
    except LocumError:
        return ()
    requester = office.people.person(case.requester)
    own = requester.function if requester else ""
    return () if objection.overrule == "never" else tuple(name for name in objection.functions if name != own)


def sees_everyone(office: Office, acting: Acting) -> bool:
    """Whether she is among those to whom the settings or the policy show everybody's leave (clause 19)."""
    named = {*office.gaps_visible_to, *office.policy.beforehand.gaps_visible_to}
    return acting.id in named or (bool(acting.function) and acting.function in named)


_IN_A_WORD = frozenset(
    "case bucket try channel outcome act answer decision why stands put_back key clause by replies_sent copies_sent request via policy".split()
)


SEEN = frozenset({"counted", "listed", "chosen", "opening", "opened", "closed", "delivered", "unmasked"})
"""Entries that hold what a search saw of her mailbox, or left out."""


def without_what_was_seen(entry: Entry) -> Entry:
    """An entry as anybody but she may read it at the command line: of a search without what was seen, and what was left out."""
    if entry.type not in SEEN:
        return entry
    return replace(entry, body={name: value for name, value in entry.body.items() if name in _IN_A_WORD})


def told_of(acting: Acting, case: Case, entry: Entry) -> Entry:
    """An entry as she may read it: whole where it is her mailbox; for others without what people wrote, and without what was
    found on the mailbox.
    """
    if acting.id == case.person:
        return entry
    body = {name: value for name, value in entry.body.items() if name in _IN_A_WORD}
    note = entry.body.get("note")
    if isinstance(note, str) and note.startswith("letter-"):
        body["note"] = note
    return replace(entry, body=body)
