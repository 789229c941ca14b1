"""The question itself: whether a message answers it, whether one is narrower than another, what makes one broad, and how a number
is told. Pure.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from locum.narrowing.excluding import any_is
from locum.narrowing.folding import fold, words_of
from locum.narrowing.headers import Headers
from locum.narrowing.markers import MARKERS
from locum.query import Query, WordsIn

_SHORT: Final = 4
_LONG: Final = timedelta(days=62)


def parts(query: Query) -> int:
    """How many of senders, dates and words the question names; dates count where both ends are there."""
    return sum((bool(query.senders), query.since is not None and query.before is not None, bool(query.words)))


def answers(query: Query, headers: Headers, received: datetime, text: str = "") -> bool:
    """Whether a message answers the question, compared here: for mail systems that do not compare these words. `text` is
    everything in it that can be read, the subject too; `received` is aware.
    """
    if query.senders and not any_is(headers.from_, query.senders):
        return False
    if (query.since is not None and received < query.since) or (query.before is not None and received >= query.before):
        return False
    where = fold(headers.subject if query.words_in is WordsIn.SUBJECT else f"{headers.subject}\n{text}")
    return all(fold(word) in where for word in query.words)


def is_within(narrower: Query, wider: Query) -> bool:
    """Whether every message that answers `narrower` answers `wider` too, whatever the mailbox holds."""
    return (
        _senders_within(narrower.senders, wider.senders)
        and all(any(_spelled(word) in _spelled(other) for other in narrower.words) for word in wider.words)
        and (wider.words_in is WordsIn.ANYWHERE or narrower.words_in is WordsIn.SUBJECT or not wider.words)
        and (wider.since is None or (narrower.since is not None and narrower.since >= wider.since))
        and (wider.before is None or (narrower.before is not None and narrower.before <= wider.before))
    )


def _spelled(word: str) -> str:
    """To the letter, accents too: one mail system minds them where another does not, and what is narrower has to be so on both."""
    return unicodedata.normalize("NFC", word).lower()


def _senders_within(narrower: Sequence[str], wider: Sequence[str]) -> bool:
    if not wider:
        return True
    return bool(narrower) and all(
        one in wider or any_is([one if "@" in one[1:] else f"@{one.removeprefix('@')}"], wider) for one in narrower
    )


def bucket(number: int, buckets: Sequence[int]) -> str:
    """How a number is told: for buckets 0, 5 and 20 as "0", "1-5", "6-20" or "more". They rise (policy check sees to it)."""
    lowest = 0
    for highest in buckets:
        if number <= highest:
            return str(highest) if lowest == highest else f"{lowest}-{highest}"
        lowest = highest + 1
    return "more"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that makes a question broad: a key under `narrowing.` in the messages, and what it is about."""

    key: str
    about: str = ""


def advice(query: Query, domains: Sequence[str], at_least: int) -> tuple[Advice, ...]:
    """What would make the question narrower, the most telling first. `domains` are the organisation's own."""
    found = [Advice("too-few-parts", str(at_least))] if parts(query) < at_least else []
    found += [one for sender in query.senders for one in _of_sender(sender, domains)]
    found += [one for word in query.words for one in _of_word(word)]
    if not query.senders:
        found.append(Advice("no-sender"))
    if not query.words:
        found.append(Advice("no-words"))
    if query.since is None or query.before is None or query.before - query.since > _LONG:
        found.append(Advice("long-window"))
    return tuple(found)


def _of_sender(sender: str, domains: Sequence[str]) -> Iterator[Advice]:
    domain = sender.rpartition("@")[2]
    if "@" in sender[1:]:
        return
    if domain in MARKERS.everybodys:
        yield Advice("everybodys-domain", domain)
    elif any_is([f"x@{domain}"], domains):
        yield Advice("own-domain", domain)


def _of_word(word: str) -> Iterator[Advice]:
    if len("".join(words_of(fold(word)))) < _SHORT:
        yield Advice("short-word", word)
    elif fold(word) in MARKERS.common:
        yield Advice("common-word", word)
