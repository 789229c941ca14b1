"""What allows a forward, as bytes: handed to whoever writes it, so that it can be checked there once more. Pure reading.

The request in its canonical form, and the reviews of just that request; where approvals are signed, the signatures, and what they
are checked against: the policy's text, the register's entries, how long the log is.
"""

from locum.desk.gating import given, recorded, wants_signatures
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.desk.requested import canonical_request
from locum.entry import Json, canonical
from locum.gate import Given
from locum.gate.recorded import Recorded, decision_of
from locum.lifecycle import Case
from locum.measure import instant
from locum.register import STREAM


def warrant(office: Office, case: Case) -> bytes:
    """Canonical JSON; what it holds is in locum.mailhost.warranting."""
    function = _function(office, case.requester)
    body: dict[str, Json] = {"v": 1, "request": dict(canonical_request(case)), "requester_function": function}
    if wants_signatures(office, case):
        told = recorded(office, case)
        signed = [_signed(one) for one in given(case, told) if decision_of(one)]
        return canonical({**body, "reviews": list(signed), "signed": _against(office, case, told)})
    reviews: list[Json] = [
        {"person": who, "function": _function(office, who), "decision": decision, "request": request}
        for who, decision, request in case.reviews
        if request == case.request
    ]
    return canonical({**body, "reviews": reviews, "signed": False})


def _signed(one: Given) -> Json:
    said = one.signed.as_json()
    return {**said, "index": one.index, "time": instant(one.recorded_at)}


def _against(office: Office, case: Case, told: Recorded) -> Json:
    receiver = receiver_of(office, case.forward.to) if case.forward is not None else None
    log = office.log()
    return {
        "policy": office.policy_of(case).text,
        "concerned": [receiver.id] if receiver is not None else [],
        "objected": told.is_objected,
        "log": log.as_json(),
        "register": [
            {"index": one.index, "payload": one.payload.decode(), "opening": one.opening.hex(), "leaf": one.leaf.hex()}
            for one in office.store.entries(mailbox=STREAM)
        ],
    }


def _function(office: Office, who: str) -> str:
    person = office.people.person(who)
    return person.function if person else ""
