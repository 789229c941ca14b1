"""Which language a text is likely in, and several languages in one reply. Pure."""

from collections.abc import Sequence

from locum.wording.folding import readings
from locum.wording.lists import every_list

SEPARATOR = "\n-- --\n\n"


def likely_language(text: str) -> str | None:
    """The language of a text by its commonest words; None where two could be meant or none is."""
    words = [word.text for word in readings(text, (), ())[0]]
    counts = sorted(((sum(word in one.common for word in words), name) for name, one in every_list()), reverse=True)
    (most, language), (second, _) = counts[:2]
    return language if most > second else None


def parted(text: str) -> tuple[str, ...]:
    """The parts of a reply in several languages."""
    return tuple(part.strip() for part in text.split(SEPARATOR))


def in_languages(texts: Sequence[tuple[str, str]]) -> str:
    """One text in several languages, (language, text) each, in the order in which they come (RFC 5230 section 7). Which one a
    sender reads no mail system here can say: docs/connectors.md.

    A language that is given twice, and an empty text, are said once and not at all.
    """
    kept = {language: text.strip() for language, text in reversed(texts) if text.strip()}
    order = dict.fromkeys(language for language, _ in texts if language in kept)
    return SEPARATOR.join(f"{kept[language]}\n" for language in order)
