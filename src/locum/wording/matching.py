"""Phrases as the word lists write them, and where they occur among the words of a text. No words of any language here.

A phrase is a row of steps with spaces between; all of it stands in one sentence:

    ziek  ziek*  *ziekte  *ziek*   a word, its beginning, its end, a part of it     a|b     one of these
    @her                           one of the phrases of that class                 x?      or nothing
    _                              any word                                         !x      the next word is not x
    ..   ...                       up to three, up to eight words                   <  >    a sentence begins, ends
    ^  ^word                       a word with a capital                            @number a word of digits
    @name  @colleague              part of her name, of a colleague's               @digits-date  27-12, 2026-12-27
    ,                              another phrase
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from locum.wording.folding import Word, folded

_GAPS = {"..": 3, "...": 8}


class _Step(Protocol):
    """Where the words after this step may begin, when the step begins at `at`."""

    def ends(self, words: Sequence[Word], at: int) -> Iterable[int]: ...


@dataclass(frozen=True, slots=True)
class _Literal:
    whole: frozenset[str]
    starts: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    capital: bool = False

    def ends(self, words: Sequence[Word], at: int) -> Iterable[int]:
        return (at + 1,) if at < len(words) and self.fits(words[at]) else ()

    def fits(self, word: Word) -> bool:
        text = word.text
        if self.capital and not word.capital:
            return False
        known = text in self.whole or text.startswith(self.starts) or text.endswith(self.tails)
        return known or any(part in text for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Look:
    """A word judged by what it looks like."""

    what: str

    def ends(self, words: Sequence[Word], at: int) -> Iterable[int]:
        return (at + 1,) if at < len(words) and self._fits(words[at]) else ()

    def _fits(self, word: Word) -> bool:
        match self.what:
            case "^":
                return word.capital
            case "@name":
                return word.is_hers
            case "@colleague":
                return word.is_colleagues
            case "@digits-date":
                return word.is_date
            case "@number":
                return word.text[0].isdigit()
        return True


@dataclass(frozen=True, slots=True)
class _Edge:
    """The edge of a sentence, or what may not follow; takes no word."""

    mark: str
    but: "tuple[_Step, ...]" = ()

    def ends(self, words: Sequence[Word], at: int) -> Iterable[int]:
        before = words[at - 1].sentence if at else None
        here = words[at].sentence if at < len(words) else None
        if self.but:
            return () if here == before and any(self.but[0].ends(words, at)) else (at,)
        return (at,) if before != here else ()


@dataclass(frozen=True, slots=True)
class _Gap:
    most: int

    def ends(self, words: Sequence[Word], at: int) -> Iterable[int]:
        return range(at, min(at + self.most, len(words)) + 1)


@dataclass(frozen=True, slots=True)
class _Any:
    """One of several phrases, or nothing at all where `may_lack`."""

    phrases: tuple[tuple[_Step, ...], ...]
    may_lack: bool = False

    def ends(self, words: Sequence[Word], at: int) -> Iterable[int]:
        if self.may_lack:
            yield at
        for phrase in self.phrases:
            yield from _ends(phrase, words, at)


def _ends(steps: tuple[_Step, ...], words: Sequence[Word], at: int) -> Iterator[int]:
    if not steps:
        yield at
        return
    for after in steps[0].ends(words, at):
        yield from _ends(steps[1:], words, after)


Classes = Mapping[str, "tuple[tuple[_Step, ...], ...]"]


_Key = tuple[str, str]  # what a phrase may begin with: a whole word, two letters, or a look


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases to look for, sorted by what they may begin with so that most are never tried."""

    by_first: dict[_Key, list[tuple[_Step, ...]]] = field(default_factory=dict)

    def find(self, words: Sequence[Word], *, longest: bool = False) -> Iterator[tuple[int, int]]:
        """Where phrases occur: from the first of `words` to one after the last; each phrase once from each word, as far
        as it may reach where `longest`.
        """
        for at, word in enumerate(words):
            for steps in (steps for key in _keys(word) for steps in self.by_first.get(key, ())):
                reached = (
                    end for end in _ends(steps, words, at) if end > at and words[end - 1].sentence == word.sentence
                )
                end = max(reached, default=0) if longest else next(reached, 0)
                if end:
                    yield at, end


def phrases(lines: Iterable[str], classes: Classes) -> Phrases:
    """Read phrases. Raises ValueError for one that cannot be read."""
    found = Phrases()
    for line in (one for several in lines for one in several.split(",")):
        steps = steps_of(line, classes)
        for key in _firsts(steps):
            found.by_first.setdefault(key, []).append(steps)
    return found


def _keys(word: Word) -> Iterator[_Key]:
    yield from (("word", word.text), ("start", word.text[:2]), ("look", ""))
    if word.is_hers:
        yield "look", "@name"
    if word.is_colleagues:
        yield "look", "@colleague"
    if word.is_date:
        yield "look", "@digits-date"


def _firsts(steps: tuple[_Step, ...]) -> set[_Key]:
    """Every key that a word may have with which these steps begin."""
    first = steps[0]
    match first:
        case _Literal() if not (first.tails or first.parts) and all(len(start) > 1 for start in first.starts):
            return {("word", word) for word in first.whole} | {("start", start[:2]) for start in first.starts}
        case _Look() if first.what.startswith("@") and first.what != "@number":
            return {("look", first.what)}
        case _Any() if len(steps) > 1 or not first.may_lack:
            after = _firsts(steps[1:]) if first.may_lack else set[_Key]()
            return after.union(*(_firsts(phrase) for phrase in first.phrases))
        case _Edge() if len(steps) > 1 and not first.but:
            return _firsts(steps[1:])
    return {("look", "")}


def steps_of(line: str, classes: Classes) -> tuple[_Step, ...]:
    """One phrase. Raises ValueError for a class that is not there, or for no phrase at all."""
    steps = tuple(step for piece in line.replace("\n", "").replace("'", " ").split() for step in _step(piece, classes))
    if not steps:
        raise ValueError(f"not a phrase: {line!r}")
    return steps


def _step(piece: str, classes: Classes) -> Iterator[_Step]:
    if piece.endswith("?") and len(piece) > 1:
        yield _Any((tuple(_step(piece[:-1], classes)),), may_lack=True)
    elif piece in _GAPS:
        yield _Gap(_GAPS[piece])
    elif piece in "<>":
        yield _Edge(piece)
    elif piece.startswith("!"):
        yield _Edge("!", tuple(_step(piece[1:], classes)))
    elif piece in ("_", "^", "@name", "@colleague", "@number", "@digits-date"):
        yield _Look(piece)
    elif "|" in piece and "@" in piece:
        yield _Any(tuple(tuple(_step(one, classes)) for one in piece.split("|")))
    elif piece.startswith("@"):
        if piece[1:] not in classes:
            raise ValueError(f"no such class: {piece}")
        yield _Any(classes[piece[1:]])
    else:
        yield _literal(piece)


def _literal(piece: str) -> _Literal:
    capital = piece.startswith("^")
    every = [folded(one) for one in piece.removeprefix("^").split("|")]
    if not all(one.strip("*").isalnum() for one in every):
        raise ValueError(f"not words: {piece!r}")
    return _Literal(
        whole=frozenset(one for one in every if "*" not in one),
        starts=tuple(one[:-1] for one in every if one.endswith("*") and one[0] != "*"),
        tails=tuple(one[1:] for one in every if one.startswith("*") and one[-1] != "*"),
        parts=tuple(one.strip("*") for one in every if one[0] == one[-1] == "*"),
        capital=capital,
    )
