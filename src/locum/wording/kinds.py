"""The linter's words: what may be objected to, what is known of the organisation, and an objection. Frozen values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

LANGUAGES = ("nl", "en", "de", "fr")
Reader = Literal["internal", "external"]


class Kind(StrEnum):
    """What an objection is about. All are clause 8. MORE_THAN_AWAY is a sentence in which no list found a word, and which
    may say something else of her than that she is away: what the lists do not know yet.
    """

    ILLNESS = "illness"
    DEPARTURE = "departure"
    WHEREABOUTS = "whereabouts"
    RETURN_DATE = "return-date"
    PRIVATE_NUMBER = "private-number"
    THIRD_PERSON_DATA = "third-person-data"
    PROMISE = "promise"
    LINK = "link"
    BANK_ACCOUNT = "bank-account"
    MORE_THAN_AWAY = "more-than-away"


class Severity(StrEnum):
    """What an objection does. The policy says it, kind by kind. REVIEW: the text goes live only where she agrees, or somebody
    who may decide has looked.
    """

    REFUSE = "refuse"
    REVIEW = "review"
    WARN = "warn"
    ALLOW = "allow"


_WARN = (Kind.THIRD_PERSON_DATA, Kind.PROMISE, Kind.LINK, Kind.BANK_ACCOUNT)
PROPOSED: Mapping[Kind, Severity] = MappingProxyType(
    {kind: Severity.WARN if kind in _WARN else Severity.REFUSE for kind in Kind}
    | {Kind.MORE_THAN_AWAY: Severity.REVIEW}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the organisation itself says, so that its own data is no objection. `numbers` are telephone numbers and
    `bank_accounts` IBANs as people write them; `links` are addresses elsewhere that are its own all the same.
    `return_on` is the first day on which she is back.
    """

    organisation: str = ""
    name: str = ""
    colleagues: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    bank_accounts: tuple[str, ...] = ()
    return_on: date | None = None
    departure_is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One objection. `word` is what was found, at text[start:end] as it was given; `key` names its sentence in the
    messages; `instead` is a wording to use in its place, in the language of the text.
    """

    clause: int
    kind: Kind
    word: str
    start: int
    end: int
    key: str
    instead: str
    severity: Severity
