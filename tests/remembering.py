"""A connector as the desk uses it, for systems that keep no name of ours (seam.OneReply): told what Locum may have set there.

`remembering(connector)` is what the fixture `connector` of such a suite gives.
"""

from collections.abc import Sequence
from typing import Any

from locum.absence import Mailbox
from locum.errors import LocumError
from locum.measure import AutoReply, Standing, Wanted
from locum.seam import ManyAtOnce


class Remembering:
    """The connector as the desk uses it: told what Locum may have set, where it keeps no name of ours (seam.OneReply)."""

    def __init__(self, connector: Any) -> None:
        self._connector = connector
        self._known: list[AutoReply] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._connector, name)

    def read(self, mailbox: Mailbox) -> Standing:
        return self._told(self._connector.read(mailbox))

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        self._known += wanted.replies
        return self._connector.write(mailbox, wanted, expect)

    def _told(self, standing: Standing) -> Standing:
        return self._connector.recognised(standing, self._known)


class RememberingMany(Remembering):
    """The same, of a connector that takes many mailboxes at once."""

    def read_many(self, mailboxes: Sequence[Mailbox]) -> list[Standing | LocumError]:
        found = self._connector.read_many(mailboxes)
        return [self._told(one) if isinstance(one, Standing) else one for one in found]

    def write_many(self, items: Sequence[tuple[Mailbox, Wanted, Standing]]) -> list[Standing | LocumError]:
        self._known += [reply for _, wanted, _ in items for reply in wanted.replies]
        return self._connector.write_many(items)


def remembering(connector: Any) -> Any:
    """`connector` as a desk that remembers what it set."""
    return (RememberingMany if isinstance(connector, ManyAtOnce) else Remembering)(connector)
