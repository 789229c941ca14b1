"""What allows a forward, as bytes: handed to whoever writes it, so that it can be checked there once more. Pure reading.

The request in its canonical form, and the reviews of just that request. Signatures join it when reviews are signed.
"""

from locum.desk.office import Office
from locum.desk.requested import canonical_request
from locum.entry import Json, canonical
from locum.lifecycle import Case


def warrant(office: Office, case: Case) -> bytes:
    """Canonical JSON: {v, request: R, requester_function, reviews: [{person, function, decision, request}], signed}."""
    reviews: list[Json] = [
        {"person": who, "function": _function(office, who), "decision": decision, "request": request}
        for who, decision, request in case.reviews
        if request == case.request
    ]
    function = _function(office, case.requester)
    request = dict(canonical_request(case))
    return canonical({"v": 1, "request": request, "requester_function": function, "reviews": reviews, "signed": False})


def _function(office: Office, who: str) -> str:
    person = office.people.person(who)
    return person.function if person else ""
