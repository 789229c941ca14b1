"""R: everything that is asked, in the form in which it is hashed when it is filed, and made anew from what is about to be done.

Pure. What somebody signs about it is signing.py's matter, whether that is enough the gate's.
"""

from locum.desk.departing import in_request
from locum.entry import Json, canonical
from locum.lifecycle import Case
from locum.measure import instant, measure_to_json


def canonical_request(case: Case) -> dict[str, Json]:
    """R: everything that is asked, as it is hashed (approval.request_hash)."""
    measures: list[Json] = [measure_to_json(one) for one in case.measures]  # type: ignore[misc]
    return {
        "v": 1,
        "nonce": case.nonce,
        "not_after": instant(case.not_after),
        "mailbox": case.mailbox,
        "person": case.person,
        "requester": case.requester,
        "reason": case.reason,
        "because": case.because,
        "template": case.template,
        "batch": case.batch,
        "batch_size": case.batch_size,
        "policy": case.policy,
        "connector": case.connector,
        "measures": measures,
        **in_request(case),
    }


def request_bytes(case: Case) -> bytes:
    """R as the gate takes it; nothing for a case that holds what no request may hold: that was never filed."""
    try:
        return canonical(canonical_request(case))
    except ValueError:
        return b""
