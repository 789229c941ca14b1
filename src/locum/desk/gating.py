"""The gate at the desk: what was signed about a case, from the entries of the record alone, and whether that is enough.

Rows that somebody could write (case.reviews, the hash in the case) are not believed: the request is made anew, the hash is the
one that was recorded, and the rights come from the signed register. What follows from it is judging.py's and last_look.py's.
"""

from collections.abc import Sequence
from datetime import datetime

from locum.approval import Log, Signed
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.desk.requested import canonical_request, request_bytes
from locum.entry import Draft
from locum.errors import Refused
from locum.gate import Act, Given, Need, Part, Passed, Reason, Stopped, Surroundings, gate
from locum.gate.recorded import LATER, Recorded, said_of
from locum.gate.recorded import as_given as given_of
from locum.gate.recorded import given as signed_in
from locum.gate.recorded import is_signed as signs
from locum.lifecycle import Case
from locum.measure import measure_name
from locum.policy import Policy

NOBODY = Need(parts=())
"""Nothing is needed: which of the signatures count."""
IMPOSSIBLE = Need(parts=(Part(count=1, functions=frozenset()),))
"""Never met: why the others do not count."""
_ANEW = frozenset({"text-other", "key-not-valid"})


def wants_signatures(office: Office, case: Case) -> bool:
    """Whether what is asked waits for signed approvals: by the policy that the case is under, or by the one in force. The text of
    an earlier policy lies in the database, so it alone cannot say that no signature is needed.
    """
    if office.unsigned_reviews:
        return False
    return any(is_signed(policy, case) for policy in (office.policy, office.policy_of(case)))


def is_signed(policy: Policy, case: Case) -> bool:
    """Whether this policy wants signatures for what is asked."""
    return signs(policy, measure_names(case))


def measure_names(case: Case) -> frozenset[str]:
    """What is asked for, by the names that the policy has for it."""
    return frozenset(measure_name(one) for one in case.measures)


def recorded(office: Office, case: Case, drafts: Sequence[Draft] = ()) -> Recorded:
    """What the record says of a case."""
    return Recorded.of(case.id, case.mailbox, office.store.entries(case=case.id), drafts)


def given(case: Case, told: Recorded) -> list[Given]:
    """The signed approvals in the record."""
    return signed_in(canonical_request(case), told)


def as_given(case: Case, signed: Signed, *, at: datetime, index: int = LATER, count: int = 0) -> Given:
    """A signed approval with the texts that belong to what it says it decides."""
    return given_of(canonical_request(case), signed, at=at, index=index, count=count)


def passing(office: Office, case: Case, need: Need, told: Recorded, approvals: Sequence[Given]) -> Passed | Stopped:
    """The gate over this case as it is about to be done. Raises Garbled where the register is not what its chain says."""
    if office.site is None:
        return Stopped((Reason("review-missing"),))
    receiver = receiver_of(office, case.receives) if case.receives else None
    requester = office.people.person(case.requester)
    act = Act(
        request=request_bytes(case),
        recorded=told.request,
        policy=case.policy,
        need=need,
        concerned=frozenset({receiver.id} if receiver is not None else ()),
        requester_functions=frozenset({requester.function} if requester is not None and requester.function else ()),
    )
    nonces = [said.nonce for one in approvals if (said := said_of(one.signed)) is not None]
    around = surroundings(office, case, nonces)
    found = gate(act, approvals, office.register(), around, office.clock())
    if any(one.handle != case.id for one in case.measures):
        return Stopped((Reason("request-changed"),), is_false=True)  # signed for another case
    return found


def to_sign_anew(office: Office, case: Case) -> frozenset[str]:
    """Who signed this very request and may do so once more: the words in which it is shown are others since, or the key is another."""
    told = recorded(office, case)
    approvals = given(case, told)
    found = passing(office, case, NOBODY, told, approvals)
    if not isinstance(found, Passed):
        return frozenset()
    counted = {one.person for one in found.eyes}
    why = passing(office, case, IMPOSSIBLE, told, approvals)
    reasons = why.reasons if isinstance(why, Stopped) else ()
    return frozenset(one.who for one in reasons if one.key in _ANEW) - counted


def _log(office: Office) -> Log:
    """The log as it is by now, under the name that the settings give it."""
    latest = office.log()
    return Log(f"{office.organisation.domains[0]}/locum", latest.size, latest.root)


def surroundings(office: Office, case: Case, nonces: Sequence[str]) -> Surroundings:
    """What is around: where is signed, the log as it is, and which of these nonces were used in another case first. Raises Refused
    where nobody can sign.
    """
    if office.site is None:
        raise Refused("no-passkeys-here")
    used = frozenset(one for one in nonces if not claim(office, case, one))
    return Surroundings(site=office.site, log=_log(office), used=used, earlier=office.earlier_sites)


def claim(office: Office, case: Case, nonce: str) -> bool:
    """Whether this nonce is this case's: the first case that uses it keeps it."""
    return office.store.setting(f"approval-nonce/{nonce}", case.id.encode) == case.id.encode()
