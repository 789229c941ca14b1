"""What tests of forwards share: a forward from Anna's mailbox, and messages that people send to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from locum.measure import Forward

RECEIVER = "bert@corp.test"
INSIDE, OUTSIDE = "carla@corp.test", "klant@example.net"


def a_forward(mailbox: str, **changes: object) -> Forward:
    """A forward that is live now, for everybody's mail, with a confidential correspondent and marks."""
    now = datetime.now(UTC).replace(microsecond=0)
    made = Forward(
        handle="case-1",
        from_date=now - timedelta(hours=1),
        to_date=now + timedelta(days=14),
        to=RECEIVER,
        addresses=(mailbox,),
        internal_domains=("corp.test",),
        never=("doctor@health.test", "union.test", "locum@corp.test"),
        private_marks=("[privé]", "persoonlijk", "Private", "niet openbaar"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]
