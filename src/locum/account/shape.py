"""The shape of an account: frozen values only. They hold words in her language, and no layout."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from locum.measure import AutoReply, Forward


class Kind(StrEnum):
    """How a row is meant: a plain line (without a label it goes on from the row before), a remark that stands by itself,
    a text quoted to the letter, or something she should not miss.
    """

    LINE = "line"
    NOTE = "note"
    QUOTE = "quote"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a section: `label` may be empty."""

    label: str = ""
    text: str
    kind: Kind = Kind.LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question that the account answers. `key` is the same in every language."""

    key: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One entry of the record, whole: what it is in words, and what she can check it with.

    `rest` are the parts of its body that no section tells. HMAC-SHA256("locum/commit/v1", opening || tag || payload) is
    the commitment; the leaf is 0x01 || tag || commitment (docs/spec/record.md).
    """

    index: int
    seq: int
    type: str
    type_words: str
    at: datetime
    at_words: str
    rest: tuple[tuple[str, str], ...]
    payload: bytes = field(repr=False)
    opening: bytes = field(repr=False)
    leaf: bytes = field(repr=False)

    @property
    def tag(self) -> bytes:
        """The entry's one-time pseudonym in the log."""
        return self.leaf[1:33]

    @property
    def commitment(self) -> bytes:
        """What the log holds of the payload."""
        return self.leaf[33:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What she gets of one case. `outcome`: pending, unknown, live, ended, refused, withdrawn, expired, failed, objected,
    done-herself. `replies_sent` and `copies_sent` are None where the server's log does not tell.
    """

    case: str
    language: str
    time_zone: str
    organisation: str
    mailbox: str
    name: str
    title: str
    lead: tuple[str, ...]
    outcome: str
    measure: AutoReply | None = field(repr=False)
    forward: Forward | None = field(default=None, repr=False)
    live_from: datetime | None
    live_until: datetime | None
    replies_sent: int | None
    copies_sent: int | None = None
    sections: tuple[Section, ...] = field(repr=False)
    record: tuple[Recorded, ...] = field(repr=False)
    checkpoint: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Whom she can turn to: the requester's address, the data protection officer, the authority. Empty where not known."""

    requester: str = ""
    officer: str = ""
    authority: str = ""
