"""Texts as they are compared: without accents, without regard to case, one space between words. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_SPACES = re.compile(r"\s+")
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def fold(text: str) -> str:
    """The text as it is compared. Nothing of it is kept: most of it is other people's mail."""
    if text.isascii() and text.isprintable():
        return _SPACES.sub(" ", text.lower()).strip()
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(
        c
        for c in unicodedata.normalize("NFKD", plain)
        if not unicodedata.category(c).startswith(("M", "C")) or c.isspace()
    )
    return _SPACES.sub(" ", kept.replace("’", "'")).strip()


@lru_cache(maxsize=4096)
def fold_known(word: str) -> str:
    """A word of the policy's, the settings' or hers as it is compared; kept, since each message is compared with it."""
    return fold(word)


def words_of(folded: str) -> tuple[str, ...]:
    """The words of a folded text, in order."""
    return tuple(_WORDS.findall(folded))


def holds_any(folded: str, phrases: Iterable[str]) -> bool:
    """Whether any of these folded words or phrases stands in the text as whole words."""
    padded = f" {' '.join(words_of(folded))} "
    return any(phrase in padded for phrase in map(_padded, phrases) if phrase != "  ")


@lru_cache(maxsize=4096)
def _padded(phrase: str) -> str:
    return f" {' '.join(words_of(phrase))} "
