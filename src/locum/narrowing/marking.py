"""Whether a subject, a folder, a label or a Sensitivity is marked as private or confidential (clauses 11 and 12). Pure.

A mark is a whole word where people put marks: at the start after whatever answering and forwarding put there, in brackets, between or
after delimiters. The same word in the middle of a sentence, or in a firm's name, is none; it makes a subject doubtful, and masked.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from locum.narrowing.folding import fold, fold_known, holds_any, words_of
from locum.narrowing.markers import MARKERS

_PREFIX = re.compile(r"^\s*([^\W\d_][^:\[\]]{0,40}?)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*:\s*")
_TAG_OF_A_LIST = re.compile(r"^\s*(?:\[[^\[\]]{1,60}\]|\*{2,}[^*]{1,60}\*{2,})[\s:_-]*")
_KEYWORD_ENCODED = re.compile(r"&([A-Za-z0-9+,]+)-")


def is_tagged(subject: str, tags: Iterable[str]) -> bool:
    """Whether a subject says that it is private: by one of these tags, or by a phrase that says so wherever it stands."""
    marks = [one for one in map(_mark, tags) if one is not None]
    for said in {subject, _mended(subject)}:
        folded = fold(said)
        if holds_any(folded, MARKERS.phrases):
            return True
        starts = _without_prefixes(folded)
        if any(mark.start.match(starts) or mark.anywhere.search(folded) for mark in marks):
            return True
    return False


class _Mark:
    """One tag, as it is looked for."""

    __slots__ = ("anywhere", "start")

    def __init__(self, tag: str) -> None:
        # An accent that got lost on the way is a question mark, or the mark of a letter that could not be read.
        word = "".join(
            re.escape(fold(c)) if c.isascii() else f"(?:{re.escape(fold(c))}|[?\\ufffd]{{1,2}})" for c in tag
        )
        whole = rf"{word}(?![^\W_])"
        no_firm = rf"(?![ -](?:{'|'.join(map(_loosely, (*MARKERS.firms, *MARKERS.businesslike)))})(?![^\W_]))"
        self.start = re.compile(rf"[\W_]*{whole}{no_firm}")
        self.anywhere = re.compile(
            rf"[\[({{<*#!]\s*{word}\s*[\])}}>*!:]"  # [private], (private), *private*
            rf"|\#{whole}(?!-\w)"
            rf"|(?:[–—:|,;.!?]|\s-|-\s)\s*{word}\W*$"  # Drinks - private
            rf"|(?:[:|\])>–—]|\s-)\s*{word}\s*(?:[:|\])!–—]|-\s)"  # Accepted: private: drinks
        )


@lru_cache(maxsize=1024)
def _mark(tag: str) -> _Mark | None:
    return _Mark(tag.strip()) if fold(tag) else None


def _loosely(phrase: str) -> str:
    return r"[\W_]*".join(map(re.escape, words_of(phrase)))


def _mended(subject: str) -> str:
    """UTF-8 that a program on the way took for Latin-1, read again as what it was."""
    for charset in ("cp1252", "latin-1"):
        try:
            return subject.encode(charset).decode("utf-8")
        except UnicodeError:
            continue
    return subject


def _without_prefixes(folded: str) -> str:
    """The subject without what answering and forwarding put before it, and without the tag of a list or a gateway."""
    while True:
        found = _PREFIX.match(folded)
        if found is None or found[1].strip() not in MARKERS.prefixes:
            found = _TAG_OF_A_LIST.match(folded)
        if found is None:
            return folded
        folded = folded[found.end() :]


def is_doubtful(subject: str) -> bool:
    """Whether a subject may be business, and may be not."""
    return holds_any(fold(subject), MARKERS.doubtful)


def folder_is_marked(path: str, words: Sequence[str]) -> bool:
    """Whether any level of a folder's path is marked by one of these words, or by one that holds everywhere. A customer's is not."""
    for level in map(fold, path.split("/")):
        if level in MARKERS.folders_alone:
            return True
        if holds_any(level, (*map(fold_known, words), *MARKERS.folders)) and not _is_a_firm(level):
            return True
    return False


def _is_a_firm(level: str) -> bool:
    words = f" {' '.join(words_of(level))}"
    return any(words.endswith(f" {' '.join(words_of(firm))}") for firm in MARKERS.firms)


def has_label(labels: Iterable[str], words: Iterable[str]) -> bool:
    """Whether one of these IMAP keywords or categories is such a word, or has it among its words."""
    named = (*map(fold_known, words), *MARKERS.labels)
    return any(holds_any(fold(_utf7(label)), named) for label in labels)


def _utf7(label: str) -> str:
    """A keyword that was written in the modified UTF-7 of folder names (RFC 3501 section 5.1.3), as some programs do."""
    try:
        return _KEYWORD_ENCODED.sub(lambda m: f"+{m[1].replace(',', '/')}-".encode().decode("utf-7"), label)
    except UnicodeDecodeError:
        return label


def sensitivity_of(value: str) -> str:
    """A value of Sensitivity (RFC 2156 section 5.3.4) in one spelling: `company-confidential`, `private`."""
    return "-".join(words_of(fold(value)))
