"""The register's passkeys, as signing in looks at them. What makes a key count is the register's matter (locum.register)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from locum.register import Moment, Register
from locum.web.signin.passkeys import Key


@dataclass(frozen=True, slots=True)
class EnrolledKeys:
    """Keys of `register()`, the register as it stands now; asked at every request, so it had better be at hand."""

    register: Callable[[], Register]
    clock: Callable[[], datetime]

    def key(self, credential: bytes) -> Key | None:
        """The key with this credential id; one that waits, or was withdrawn, signs nobody in."""
        found = self.register().keys.get(credential)
        if found is None:
            return None
        now = Moment(self.clock())
        return Key(
            credential=found.credential,
            person=found.person,
            public_key=found.public_key,
            sign_count=found.count_before(now.index),
            is_valid=found.span.holds(now),
        )
