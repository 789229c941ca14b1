"""Which language a text or a sender is likely to read, and several languages in one reply. Pure."""

import re
from collections.abc import Sequence

from locum.wording.folding import readings
from locum.wording.kinds import LANGUAGES
from locum.wording.lists import every_list

SEPARATOR = "\n-- --\n\n"
_RANGE = re.compile(r"\s*([a-z]{1,8})(?:-[a-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{1,3})?))?\s*", re.IGNORECASE)


def likely_language(text: str) -> str | None:
    """The language of a text by its commonest words; None where two could be meant or none is."""
    words = [word.text for word in readings(text, (), ())[0]]
    counts = sorted(((sum(word in one.common for word in words), name) for name, one in every_list()), reverse=True)
    (most, language), (second, _) = counts[:2]
    return language if most > second else None


def asked_language(header: str) -> str | None:
    """The language that an Accept-Language or Content-Language header asks for (RFC 8187 names, RFC 9110 12.5.4
    weights); None where it names none that is known. What cannot be read counts for nothing.
    """
    best: tuple[float, str | None] = (0.0, None)
    for part in header.split(","):
        match = _RANGE.fullmatch(part)
        weight = float(match[2] or 1) if match else 0.0
        if match and match[1].lower() in LANGUAGES and weight > best[0]:
            best = (weight, match[1].lower())
    return best[1]


def parted(text: str) -> tuple[str, ...]:
    """The parts of a reply in several languages."""
    return tuple(part.strip() for part in text.split(SEPARATOR))


def in_languages(texts: Sequence[tuple[str, str]], first: str | None = None) -> str:
    """One text in several languages, (language, text) each: that in `first` before all others, the rest as they come.

    RFC 5230 section 7. A language that is given twice, and an empty text, are said once and not at all.
    """
    kept = {language: text.strip() for language, text in reversed(texts) if text.strip()}
    order = [language for language, _ in texts if language in kept]
    ordered = dict.fromkeys([*([first] if first in kept else []), *order])
    return SEPARATOR.join(f"{kept[language]}\n" for language in ordered)
