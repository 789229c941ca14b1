"""What can be seen of her own script for published scripts: by a program on the mail host, by ourselves, by another connector.

What cannot be seen is unknown, never a reason to stop: ours must be able to end. What must not live here: what follows
from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from locum.absence import Mailbox
from locum.errors import LocumError
from locum.measure import Standing
from locum.seam import ManyAtOnce
from locum.sieve import Hers


class OwnerReader(Protocol):
    """What can see her own setting: a managesieve connector, for instance."""

    def read(self, mailbox: Mailbox) -> Standing: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """Has she a vacation or a reject of her own, and where does she redirect to? None where it could not be seen; `error`
    says why. `hers` is all that her script does, where a script was looked at.
    """

    own: bool | None = None
    error: LocumError | None = None
    own_forwards: tuple[str, ...] | None = None
    hers: Hers | None = None


def seen(answer: object) -> Seen:
    """What an answer about her script tells."""
    if isinstance(answer, Hers):
        return Seen(own=answer.vacation or answer.reject, own_forwards=answer.redirects_to, hers=answer)
    return Seen(error=answer if isinstance(answer, LocumError) else None)


def seen_by(reader: OwnerReader, mailboxes: Sequence[Mailbox]) -> list[Seen]:
    """What another connector tells."""
    if isinstance(reader, ManyAtOnce):
        found = reader.read_many(mailboxes)
    else:
        found = [_caught(reader, mailbox) for mailbox in mailboxes]
    return [_told(one) for one in found]


def _told(found: Standing | LocumError) -> Seen:
    if isinstance(found, LocumError):
        return Seen(error=found)
    return Seen(own=found.own_reply, own_forwards=found.own_forwards)


def _caught(reader: OwnerReader, mailbox: Mailbox) -> Standing | LocumError:
    try:
        return reader.read(mailbox)
    except LocumError as error:
        return error
