"""A text as the linter reads it: words without case, accents, invisible characters and the commonest disguises, each
with its place in the text as it was written.

No lists and no judgement live here. Two readings of one text are given, since a hyphen may join or part words.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

_LOOKALIKES = str.maketrans("авеікмнорстухѕјԁɡαβεικνορτυχıłøđ", "abeikmhopctyxsjdgabeikvoptuxilod")
_LETTERS = {"æ": "ae", "œ": "oe", "ß": "ss"}
_DIGITS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s"}
_ABBREVIATIONS = frozenset("dr drs mr mw mevr dhr prof ir ing st mme mlle hr fr frau ms mrs bv nr tel no art".split())
_MONTHS = frozenset(
    "jan feb fev mar maa mrt mae avr apr mai mei may jui jun jul aug aou sep oct okt nov dec dez".split()
)
_MOST_APART = 5  # one character of a whole sentence (U+FDFA) disguises no word
_SPELLED = re.compile(r"(?<![^\W_])[^\W\d_]([ .\-_*·|/])(?:[^\W\d_]\1)+[^\W\d_](?![^\W_])")
_INSIDE = re.compile(r"(?<=[^\W\d_])[01345]{1,2}(?=[^\W\d_])")
_WORD = re.compile(r"(?P<date>\d{4}-\d\d-\d\d(?!\d)|(?<!\d)\d{1,2}([-/.])\d{1,2}(?:\2\d{2,4})?(?![\d/]))|[^\W_]+")
_ENDS = frozenset(".!?;…")


@dataclass(frozen=True, slots=True)
class Word:
    """One word: folded, its slice of the text as written, the number of its sentence, and what it looks like."""

    text: str
    start: int
    end: int
    sentence: int
    capital: bool = False
    is_date: bool = False
    is_hers: bool = False
    is_colleagues: bool = False


@dataclass(frozen=True, slots=True)
class _Char:
    """A folded character and where it was; `capital` as it was written."""

    text: str
    place: int
    capital: bool


def folded(letters: str) -> str:
    """A word as it is compared: no case, no accents, lookalikes of other scripts made Latin."""
    return "".join(char.text for char in _chars(letters))


def readings(text: str, hers: Container[str], colleagues: Container[str]) -> list[list[Word]]:
    """The words of `text`, read with hyphens that join and with hyphens that part (once where both are the same).

    `hers` and `colleagues` are parts of names, as `folded` gives them.
    """
    chars = _spelled_out(list(_chars(text)))
    shown = "".join(char.text for char in chars)
    both = [_words(chars, "", hers, colleagues)]
    if re.search(r"\w-\s?\w", shown):
        both.append(_words(chars, " ", hers, colleagues))
    return both


def _chars(text: str) -> Iterator[_Char]:
    for place, written in enumerate(text):
        if written == "\n":
            yield _Char("\n", place, capital=False)
            continue
        apart = unicodedata.normalize("NFKD", written)
        for char in apart if len(apart) < _MOST_APART else written:
            yield from (_Char(one, place, written.isupper()) for one in _folded_char(char))


def _folded_char(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me", "Cc", "Cs", "Co") and not char.isspace():
        return ""
    if category == "Pd" or char in "−⁃":
        return "-"
    if char in "’‘`´ʼ′":
        return "'"
    if char.isspace():
        return " "
    small = _LETTERS.get(char.lower(), char.casefold())
    return small.translate(_LOOKALIKES)


def _spelled_out(chars: list[_Char]) -> list[_Char]:
    """Letters that stand apart (z-i-e-k, I L L) are drawn together, and digits between letters read as letters."""
    shown = "".join(char.text for char in chars)
    gone = {
        place
        for found in _SPELLED.finditer(shown)
        for place in range(found.start(), found.end())
        if not chars[place].text.isalnum()
    }
    kept = [char for place, char in enumerate(chars) if place not in gone]
    inside = _INSIDE.finditer("".join(char.text for char in kept))
    letters = {place for found in inside for place in range(found.start(), found.end())}
    return [_as_letter(char) if place in letters else char for place, char in enumerate(kept)]


def _as_letter(char: _Char) -> _Char:
    return _Char(_DIGITS[char.text], char.place, capital=False)


def _words(chars: list[_Char], hyphen: str, hers: Container[str], colleagues: Container[str]) -> list[Word]:
    chars = list(_without_hyphens(chars, hyphen))
    shown = "".join(char.text for char in chars)
    found = list(_WORD.finditer(shown))
    words: list[Word] = []
    sentence = 0
    for number, match in enumerate(found):
        before = found[number - 1]
        if number and _parts(shown[before.end() : match.start()], before, match, chars):
            sentence += 1
        words.append(_word(match, chars, sentence, hers, colleagues))
    return words


def _without_hyphens(chars: list[_Char], instead: str) -> Iterator[_Char]:
    """A hyphen between letters goes, or becomes a space; one at the end of a line takes the line's end along."""
    skip = False
    for place, char in enumerate(chars):
        if skip:
            skip = False
        elif char.text == "-" and 0 < place < len(chars) - 1 and chars[place - 1].text.isalpha():
            after = chars[place + 1]
            broken = after.text == "\n" and place + 2 < len(chars) and chars[place + 2].text.isalpha()
            skip = broken
            if not (broken or after.text.isalpha()):
                yield char
            elif instead:
                yield _Char(instead, char.place, capital=False)
        else:
            yield char


def _word(
    match: re.Match[str], chars: list[_Char], sentence: int, hers: Container[str], colleagues: Container[str]
) -> Word:
    first, last = chars[match.start()], chars[match.end() - 1]
    possible = {match[0], match[0].removesuffix("s")} if first.capital else set[str]()
    return Word(
        text=match[0],
        start=first.place,
        end=last.place + 1,
        sentence=sentence,
        capital=first.capital,
        is_date=match["date"] is not None,
        is_hers=any(part in hers for part in possible),
        is_colleagues=any(part in colleagues for part in possible),
    )


def _parts(between: str, before: re.Match[str], after: re.Match[str], chars: list[_Char]) -> bool:
    """Whether a sentence ends between two words: a blank line, a list item, or a mark that is no abbreviation's or
    ordinal's full stop.
    """
    if re.search(r"\n *\n|\n *[-*•] ", between):
        return True
    for mark, follows in pairwise(f"{between}x"):
        if mark in _ENDS and follows != "x":
            capital, written = chars[after.start()].capital, chars[before.start() : before.end()]
            shouted = len(written) > 1 and all(char.capital for char in written)
            return mark != "." or not _is_abbreviated(before, after[0], capital, shouted)
    return False


def _is_abbreviated(before: re.Match[str], after: str, capital: bool, shouted: bool) -> bool:
    if shouted:
        return False  # HR. Anna
    if before["date"] is not None:
        return not capital  # vom 4.7. bis zum 18.7.
    if before[0].isdigit() and len(before[0]) < 3:
        return after[:3] in _MONTHS
    return len(before[0]) == 1 or before[0] in _ABBREVIATIONS


def name_parts(names: Iterable[str]) -> frozenset[str]:
    """The parts of names that are worth looking for: three letters or more."""
    return frozenset(part for name in names for part in re.findall(r"[^\W\d_]{3,}", folded(name)))
