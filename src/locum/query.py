"""What is looked for and what is left out, as values: Query, Protections, Exclusions, Look. Frozen; nothing here judges."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WordsIn(StrEnum):
    """Where words are looked for."""

    ANYWHERE = "anywhere"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The question: mail from one of `senders` (canonical addresses, or "@domain"), that holds every one of `words` (each a word
    or a phrase, compared without regard to case), received in [since, before) (aware UTC). An empty tuple or None asks nothing.
    """

    senders: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    words_in: WordsIn = WordsIn.ANYWHERE
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protections:
    """What she named beforehand (clause 13): addresses or "@domain" in either direction, folder names, words in the subject."""

    senders: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """What no search may count, list or open (clauses 11, 12, 13 and 20), as data.

    `folders` and `subject_tags` are words in all languages; `sensitivities` and `labels` are values of the header and flags;
    `correspondents` are addresses or domains, in either direction; `own` are the addresses Locum's own letters come from.
    """

    folders: tuple[str, ...] = ()
    subject_tags: tuple[str, ...] = ()
    sensitivities: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    correspondents: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    protections: Protections = Protections()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look into one mailbox: what is looked for, what is left out, and how many at most are told apart."""

    query: Query
    exclusions: Exclusions
    most: int = 20
