"""The gate at the desk: what was signed about a case, from the entries of the record alone, and whether that is enough.

Rows that somebody could write (case.reviews, the hash in the case) are not believed: the request is made anew, the hash is the
one that was recorded, and the rights come from the signed register. What follows from it is judging.py's and last_look.py's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from locum.approval import Approval, Assertion, Log, NotProven, Signed
from locum.approval.reading import text_of
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.desk.requested import canonical_request, request_bytes
from locum.entry import Draft, Entry
from locum.gate import Act, Given, Need, Passed, Reason, Stopped, Surroundings, gate
from locum.lifecycle import Case
from locum.measure import Forward
from locum.messages import LANGUAGES
from locum.policy import Policy

NOBODY = Need(parts=())
"""Nothing is needed: which of the signatures count."""
_LATER = 2**61
"""The place in the log of an entry that is about to be written: after all that stand there."""
_FINAL = frozenset({"withdrawn", "refused", "expired", "failed", "ended", "accounted"})


def wants_signatures(office: Office, case: Case) -> bool:
    """Whether what is asked waits for signed approvals: by the policy that the case is under, or by the one in force. The text of
    an earlier policy lies in the database, so it alone cannot say that no signature is needed.
    """
    if office.unsigned_reviews:
        return False
    return any(is_signed(policy, case) for policy in (office.policy, office.policy_of(case)))


def is_signed(policy: Policy, case: Case) -> bool:
    """Whether this policy wants signatures for what is asked."""
    names = {"forward" if isinstance(one, Forward) else "auto-reply" for one in case.measures}
    return any(getattr(policy.rules(name).review, "signed", False) for name in names)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record says of a case, in its order, with the entries that are about to be written."""

    lines: tuple[Entry | Draft, ...]

    @classmethod
    def of(cls, case: Case, entries: Sequence[Entry], drafts: Sequence[Draft] = ()) -> "Recorded":
        """Of these, those that say themselves that they are about this case, in the stream of its mailbox."""
        lines: tuple[Entry | Draft, ...] = (*entries, *drafts)
        return cls(tuple(one for one in lines if one.body.get("case") == case.id and one.stream == case.mailbox))

    @property
    def request(self) -> str:
        """The hash of the request as it was last recorded; empty where none was."""
        asked = [one for one in self.lines if one.type == "requested" or one.body.get("answer") == "own-text"]
        return str(asked[-1].body.get("request", "")) if asked else ""

    @property
    def is_objected(self) -> bool:
        """Whether the last that was recorded of her answer to this request is an objection."""
        found = False
        for one in self.lines:
            if one.type in ("requested", "answered", "objected"):
                found = one.type == "objected" or one.body.get("answer") == "objected"
        return found

    @property
    def is_over(self) -> bool:
        """Whether this case came to its end already: nothing is set for it again."""
        return any(one.type in _FINAL and one.body.get("act") != "account" for one in self.lines)


def recorded(office: Office, case: Case, drafts: Sequence[Draft] = ()) -> Recorded:
    """What the record says of a case."""
    return Recorded.of(case, office.store.entries(case=case.id), drafts)


def given(case: Case, told: Recorded) -> list[Given]:
    """The signed approvals in the record.

    An overruling is of one objection, and not of the next. Whoever approved and overrules an objection later has decided once.
    """
    found: list[Given] = []
    counts: dict[bytes, int] = {}
    for one in told.lines:
        if one.type == "objected" or one.body.get("answer") == "objected":
            found = [before for before in found if decision_of(before) != "overrule"]
        elif one.type == "reviewed" and one.body.get("signed") is not False:
            found.append(_counted(_read(case, one), counts))
    overruling = {who_of(one) for one in found if decision_of(one) == "overrule"}
    return [one for one in found if decision_of(one) != "approve" or who_of(one) not in overruling]


def _counted(one: Given, counts: dict[bytes, int]) -> Given:
    """With the highest counter that its key had shown about this case before."""
    try:
        assertion = Assertion.load(one.signed.assertion)
    except NotProven:
        return one
    name, before = assertion.credential, counts.get(assertion.credential, 0)
    counts[name] = max(before, int.from_bytes(assertion.authenticator_data[33:37]))
    return replace(one, count=before)


def _read(case: Case, entry: Entry | Draft) -> Given:
    """One approval as it stands in an entry. What says that it is one and is none goes to the gate all the same, which says so."""
    try:
        signed = Signed.from_json(entry.body.get("signed"))
    except NotProven:
        signed = Signed(b"", b"")
    return as_given(case, signed, at=entry.time, index=entry.index if isinstance(entry, Entry) else _LATER)


def as_given(case: Case, signed: Signed, *, at: datetime, index: int = _LATER, count: int = 0) -> Given:
    """A signed approval with the texts that belong to what it says it decides."""
    shown: tuple[str, ...] = ()
    if (said := _said(signed)) is not None:
        request = canonical_request(case)
        shown = tuple(text_of(request, said.decision, language) for language in LANGUAGES)
    return Given(signed=signed, index=index, recorded_at=at, shown=shown, count=count)


def _said(signed: Signed) -> Approval | None:
    try:
        return Approval.load(signed.statement)
    except NotProven:
        return None


def decision_of(one: Given) -> str:
    """What it says that it decides."""
    said = _said(one.signed)
    return said.decision if said is not None else ""


def who_of(one: Given) -> str:
    """Who it says that decides."""
    said = _said(one.signed)
    return said.approver if said is not None else ""


def passing(office: Office, case: Case, need: Need, told: Recorded, approvals: Sequence[Given]) -> Passed | Stopped:
    """The gate over this case as it is about to be done. Raises Garbled where the register is not what its chain says."""
    if office.site is None:
        return Stopped((Reason("review-missing"),))
    forward = case.forward
    receiver = receiver_of(office, forward.to) if forward is not None else None
    requester = office.people.person(case.requester)
    act = Act(
        request=request_bytes(case),
        recorded=told.request,
        policy=case.policy,
        need=need,
        concerned=frozenset({receiver.id} if receiver is not None else ()),
        requester_functions=frozenset({requester.function} if requester is not None and requester.function else ()),
    )
    around = Surroundings(site=office.site, log=_log(office), used=_used(office, case, approvals))
    found = gate(act, approvals, office.register(), around, office.clock())
    if any(one.handle != case.id for one in case.measures):
        return Stopped((Reason("request-changed"),), is_false=True)  # signed for another case
    return found


def _log(office: Office) -> Log:
    """The log as it is by now, under the name that the settings give it."""
    latest = office.log()
    return Log(f"{office.organisation.domains[0]}/locum", latest.size, latest.root)


def _used(office: Office, case: Case, approvals: Sequence[Given]) -> frozenset[str]:
    """The nonces among these that were used in another case first."""
    said = (_said(one.signed) for one in approvals)
    return frozenset(one.nonce for one in said if one is not None and not claim(office, case, one.nonce))


def claim(office: Office, case: Case, nonce: str) -> bool:
    """Whether this nonce is this case's: the first case that uses it keeps it."""
    return office.store.setting(f"approval-nonce/{nonce}", case.id.encode) == case.id.encode()
