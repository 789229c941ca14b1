"""Who is away, when, and how we know: Person, Mailbox, Absence. Frozen values, standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType


class Channel(StrEnum):
    """A way to reach a person."""

    MOBILE = "mobile"
    PRIVATE_MAIL = "private_mail"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A mailbox as the organisation names it; how the mail system names it is the connector's matter.

    `address` is canonical: lower-cased domain, NFC. `columns` are the row of people.csv, for `user = "column"`.
    """

    address: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    @property
    def local(self) -> str:
        """The part before the last @."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the last @."""
        return self.address.rpartition("@")[2]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The address and all aliases, the address first."""
        return (self.address, *self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human being of the organisation. Persons are counted, never accounts.

    `id` is the key of people.csv (`person`). `private_permitted_on` is the day on which she allowed the
    private channels (mobile, private_mail) to be used for this; without it they are never used.
    `reads_along` is her standing wish "I read along: ask, do not set".
    """

    id: str
    name: str
    mailbox: Mailbox | None
    language: str
    time_zone: str
    function: str = ""
    manager: str = ""
    private_mail: str = ""
    mobile: str = ""
    private_permitted_on: date | None = None
    reads_along: bool = False

    @property
    def channels(self) -> Mapping[Channel, str]:
        """The channels that may be used to reach this person, with their addresses."""
        found: dict[Channel, str] = {}
        if self.private_permitted_on is not None:
            if self.mobile:
                found[Channel.MOBILE] = self.mobile
            if self.private_mail:
                found[Channel.PRIVATE_MAIL] = self.private_mail
        if self.mailbox is not None:
            found[Channel.MAILBOX] = self.mailbox.address
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Somebody is away from `from_at` to `until_at` (aware UTC). The kind of leave is never kept."""

    person: str
    from_at: datetime
    until_at: datetime
    source: str
