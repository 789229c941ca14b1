"""Systems that have one place for an automatic reply on each mailbox, where nothing says who set it: what they all do alike.

Ours is told from hers by comparing what stands there with what Locum knows to have set (seam.OneReply); a letter changed makes it
hers. What stood there before is kept whole and put back whole. A subclass adds the wire and the system's own form of a reply.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from locum.absence import Mailbox
from locum.errors import Conflict, Garbled, Unreachable, Unsupported
from locum.measure import AutoReply, Can, Measure, Standing, Wanted, unsayable

Kept = Mapping[str, object]
"""The place as the system keeps it: JSON values, whole, nothing added and nothing left out."""


class OnePlace(ABC):
    """`name` and `can` as in seam.Connector; `can.one_reply` has to be true."""

    name: str
    can: Can

    # what a subclass says

    @abstractmethod
    def get(self, mailbox: Mailbox) -> Kept:
        """What is in the place now. Raises Trouble, Invalid."""

    @abstractmethod
    def put(self, mailbox: Mailbox, kept: Kept, before: Kept) -> None:
        """Put this there instead of `before`. Raises Conflict where the system sees that `before` no longer stands, Trouble, Invalid."""

    @abstractmethod
    def made(self, reply: AutoReply) -> Kept:
        """The place with this reply in it. Raises Unsupported where it cannot be said."""

    @abstractmethod
    def off(self) -> Kept:
        """The place with no reply in it."""

    @abstractmethod
    def normal(self, kept: Kept) -> Kept:
        """The same for all that the system takes for the same: of what it writes its own way, one form. Raises Garbled."""

    @abstractmethod
    def answers(self, kept: Kept, now: datetime) -> bool:
        """Whether it answers now, or will later (`now` is aware). Raises Garbled."""

    # what follows from it

    def read(self, mailbox: Mailbox) -> Standing:
        """See seam.Connector."""
        return self.standing(self.get(mailbox))

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        """See seam.Connector. After a time-out it is read whether the far side acted after all; nothing is repeated blindly."""
        self.refuse(mailbox, wanted)
        before = self.get(mailbox)
        target = self.decided(mailbox, wanted, expect, before)
        if target is None:
            return self.recognised(self.standing(before), wanted.replies)
        try:
            self.put(mailbox, target, before)
        except Unreachable:
            if not self.same(self.get(mailbox), target):
                raise
        return self.recognised(self.standing(self.get(mailbox)), wanted.replies)

    def refuse(self, mailbox: Mailbox, wanted: Wanted) -> None:
        """Raise Unsupported for what cannot be said here. Nothing is asked."""
        for measure in wanted.measures:
            for key in unsayable(self.can, measure):
                raise Unsupported(f"cannot-{key}", mailbox=mailbox.address, connector=self.name)
        if len(wanted.replies) > 1:
            raise Unsupported("cannot-one-reply", mailbox=mailbox.address, connector=self.name)

    def decided(self, mailbox: Mailbox, wanted: Wanted, expect: Standing, before: Kept) -> Kept | None:
        """What is to be put in the place, which holds `before`; None where nothing is to be done.

        Raises Conflict where it is not as `expect` says, Unsupported where a reply of hers is on.
        """
        if not wanted.replies and not expect.replies:
            return None  # nothing of ours is there: what is there is hers
        target = self.made(wanted.replies[0]) if wanted.replies else self._restored(wanted.restore)
        if self.same(before, target):
            return None
        if self.revised(before) != expect.revision:
            raise Conflict("one-place-changed", mailbox=mailbox.address, connector=self.name)
        if wanted.replies and not expect.replies and self.answers(before, datetime.now(UTC)):
            raise Unsupported("one-place-own-reply", mailbox=mailbox.address, connector=self.name)
        return target

    def standing(self, kept: Kept) -> Standing:
        """What is there, all of it taken for hers."""
        own = self.answers(kept, datetime.now(UTC))
        return Standing(own_reply=own, active=True, revision=self.revised(kept), found=canonical(kept))

    def revised(self, kept: Kept) -> str:
        """What compare-and-swap compares of it. Where the system itself changes what it keeps, say it of `normal(kept)`."""
        return revision(kept)

    def recognised(self, standing: Standing, known: Sequence[Measure]) -> Standing:
        """See seam.OneReply."""
        there = read_kept(standing.found)
        for one in known:
            if isinstance(one, AutoReply) and self._is(there, one):
                remarks = standing.remarks if self.can.subject else (*standing.remarks, "own-subject")
                return replace(standing, replies=(one,), own_reply=False, remarks=remarks)
        return standing

    def _is(self, there: Kept, reply: AutoReply) -> bool:
        try:
            return self.same(there, self.made(reply))
        except Unsupported:  # it never was set
            return False

    def same(self, one: Kept, other: Kept) -> bool:
        """Whether the system takes both for the same."""
        return self.normal(one) == self.normal(other)

    def _restored(self, found: bytes) -> Kept:
        return read_kept(found) if found else self.off()


def canonical(kept: Kept) -> bytes:
    """As bytes, the same for the same values."""
    return json.dumps(kept, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def read_kept(found: bytes) -> Kept:
    """Read what `canonical` writes. Raises Garbled."""
    try:
        value = json.loads(found)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Garbled("one-place-found")
    return value


def revision(kept: Kept) -> str:
    """What compare-and-swap compares."""
    return hashlib.sha256(canonical(kept)).hexdigest()
