"""Texts as they are compared: without accents, without regard to case, one space between words. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_SPACES = re.compile(r"\s+")
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """The text as it is compared."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(
        c
        for c in unicodedata.normalize("NFKD", plain)
        if not unicodedata.category(c).startswith(("M", "C")) or c.isspace()
    )
    return _SPACES.sub(" ", kept.replace("’", "'")).strip()


def words_of(folded: str) -> tuple[str, ...]:
    """The words of a folded text, in order."""
    return tuple(_WORDS.findall(folded))


def holds_any(folded: str, phrases: Iterable[str]) -> bool:
    """Whether any of these folded words or phrases stands in the text as whole words."""
    padded = f" {' '.join(words_of(folded))} "
    return any(f" {' '.join(words_of(phrase))} " in padded for phrase in phrases if words_of(phrase))
