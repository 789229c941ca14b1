"""What the entries of one case say together about what is asked and who signed it, in the form that the gate takes. Pure.

Used right before the act, over what the store has, and by whoever verifies an account, over what the file has: one reading
of the entries, so that the two cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from locum.approval import Approval, Assertion, NotProven, Signed
from locum.approval.reading import text_of
from locum.entry import Draft, Entry, Json
from locum.gate.passing import Given
from locum.messages import LANGUAGES
from locum.policy import Policy

LATER: Final = 2**61
"""The place in the log of an entry that is about to be written: after all that stand there."""
_FINAL: Final = frozenset({"withdrawn", "refused", "expired", "failed", "ended", "accounted"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record says of a case, in its order, with the entries that are about to be written."""

    lines: tuple[Entry | Draft, ...]

    @classmethod
    def of(cls, case: str, mailbox: str, entries: Sequence[Entry], drafts: Sequence[Draft] = ()) -> "Recorded":
        """Of these, those that say themselves that they are about this case, in the stream of its mailbox."""
        lines: tuple[Entry | Draft, ...] = (*entries, *drafts)
        return cls(tuple(one for one in lines if one.body.get("case") == case and one.stream == mailbox))

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


def is_signed(policy: Policy, measures: frozenset[str]) -> bool:
    """Whether this policy wants signatures for what is asked. A search is always signed: no setting and no policy says otherwise."""
    return "search" in measures or any(getattr(policy.rules(name).review, "signed", False) for name in measures)


def given(request: Mapping[str, Json], told: Recorded) -> list[Given]:
    """The signed approvals in the record. `request` is R, as it is asked now.

    An overruling is of one objection, and not of the next. Whoever approved and overrules an objection later has decided once.
    """
    found: list[Given] = []
    counts: dict[bytes, int] = {}
    for one in told.lines:
        if one.type == "objected" or one.body.get("answer") == "objected":
            found = [before for before in found if decision_of(before) != "overrule"]
        elif one.type == "reviewed" and one.body.get("signed") is not False:
            found.append(_counted(_read(request, one), counts))
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


def _read(request: Mapping[str, Json], entry: Entry | Draft) -> Given:
    """One approval as it stands in an entry. What says that it is one and is none goes to the gate all the same, which says so."""
    try:
        signed = Signed.from_json(entry.body.get("signed"))
    except NotProven:
        signed = Signed(b"", b"")
    return as_given(request, signed, at=entry.time, index=entry.index if isinstance(entry, Entry) else LATER)


def as_given(request: Mapping[str, Json], signed: Signed, *, at: datetime, index: int = LATER, count: int = 0) -> Given:
    """A signed approval with the texts that belong to what it says it decides."""
    shown: tuple[str, ...] = ()
    if (said := said_of(signed)) is not None:
        shown = tuple(text_of(request, said.decision, language) for language in LANGUAGES)
    return Given(signed=signed, index=index, recorded_at=at, shown=shown, count=count)


def said_of(signed: Signed) -> Approval | None:
    """What it says; None where it is no approval at all."""
    try:
        return Approval.load(signed.statement)
    except NotProven:
        return None


def decision_of(one: Given) -> str:
    """What it says that it decides."""
    said = said_of(one.signed)
    return said.decision if said is not None else ""


def who_of(one: Given) -> str:
    """Who it says that decides."""
    said = said_of(one.signed)
    return said.approver if said is not None else ""
