"""What tests of forwards share: a forward from somebody's mailbox, and what allows it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from locum.approval import request_hash
from locum.entry import Json, canonical
from locum.measure import Forward, Measure, instant, measure_to_json

RECEIVER = "bert@corp.test"
INSIDE, OUTSIDE = "carla@corp.test", "klant@example.net"


def a_forward(mailbox: str, **changes: object) -> Forward:
    """A forward that is live now, for everybody's mail, with a confidential correspondent and marks."""
    domain = mailbox.rpartition("@")[2]
    now = datetime.now(UTC).replace(microsecond=0)
    made = Forward(
        handle="case-1",
        from_date=now - timedelta(hours=1),
        to_date=now + timedelta(days=14),
        to=f"bert@{domain}",
        addresses=(mailbox,),
        internal_domains=(domain,),
        never=("doctor@health.test", "union.test", f"locum@{domain}"),
        private_marks=("privé", "persoonlijk", "Private", "niet openbaar", "[personal]"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def a_request(mailbox: str, measures: Sequence[Measure], /, **changes: Json) -> dict[str, Json]:
    """R, as it is hashed when a case is filed: Sam asks for something on Anna's mailbox."""
    told: list[Json] = [measure_to_json(one) for one in measures]  # type: ignore[misc]
    made: dict[str, Json] = {
        "v": 1,
        "nonce": "00" * 16,
        "not_after": instant(max((one.to_date for one in measures), default=datetime.now(UTC))),
        "mailbox": mailbox,
        "person": "anna",
        "requester": "sam",
        "reason": "continuity",
        "because": "Orders wait",
        "template": "",
        "batch": "",
        "batch_size": 1,
        "policy": "00" * 32,
        "connector": "dovecot",
        "measures": told,
    }
    return made | changes


def a_review(request: dict[str, Json], /, **changes: Json) -> dict[str, Json]:
    """Carla, a manager, said yes to just this request."""
    said: dict[str, Json] = {"person": "carla", "function": "manager", "decision": "approve"}
    return said | {"request": request_hash(request)} | changes


def a_warrant(request: dict[str, Json], reviews: Sequence[dict[str, Json]] | None = None, /, **changes: Json) -> bytes:
    """What allows the forwards of a request, as the desk hands it to whoever writes them."""
    said: list[Json] = [*([a_review(request)] if reviews is None else reviews)]
    made: dict[str, Json] = {"v": 1, "request": request, "requester_function": "it", "reviews": said, "signed": False}
    return canonical(made | changes)
