"""Where a text tells too much: the lists, what is no language, and what the facts about her say, put together. Pure.

What an objection does, and what may be written instead, is linter.py's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain

from locum.wording.exact import exact, places
from locum.wording.folding import Word, folded, name_parts, readings
from locum.wording.kinds import Kind, Known, Reader
from locum.wording.lists import KindList, every_list
from locum.wording.plain import Text, strays

_Span = tuple[int, int]

_OUTSIDE_ONLY = frozenset({Kind.RETURN_DATE})
_COMMAS = (",", ";", ":")
_TOLD_OF_SOMEBODY = (Kind.ILLNESS, Kind.WHEREABOUTS, Kind.DEPARTURE)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found at text[start:end], in the list of `language` (none for what is no language)."""

    kind: Kind
    start: int
    end: int
    language: str = ""
    sentence: int = -1


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of the text; `small` counts, for each language, its commonest words."""

    text: str
    words: Sequence[Word]
    small: dict[str, int]

    def up_to_comma(self, spans: Iterable[_Span]) -> Iterator[_Span]:
        """What takes an objection back does so in its own part of a sentence."""
        for start, end in spans:
            yield start, next((at + 1 for at in range(start, end - 1) if self._ends_part(at)), end)

    def _ends_part(self, at: int) -> bool:
        between = self.text[self.words[at].end : self.words[at + 1].start]
        return any(mark in between for mark in _COMMAS)


@lru_cache(maxsize=256)  # a closing week is one text for many mailboxes
def hits(text: str, audience: Reader, known: Known) -> tuple[Hit, ...]:
    """Everything in `text` that clause 8 does not want, in its order, each place once for each kind."""
    hers = _parts((known.name,))
    colleagues = _parts(known.colleagues) - hers
    found = [Hit(kind, start, end) for kind, start, end in exact(text, known)]
    addresses = places(text)
    guesses: list[list[Hit]] = []
    for words in readings(text, hers, colleagues):
        reading = _Reading(text, words, {name: sum(w.text in one.common for w in words) for name, one in every_list()})
        told = list(_told(reading))
        found += told
        found += _about_colleagues(words, told)
        found += _her_return(words, known)
        guesses.append(list(_more_than_away(reading, told, addresses, known)))
    allowed = {Kind.DEPARTURE} if known.departure_is_public else set[Kind]()
    if audience == "internal":
        allowed |= _OUTSIDE_ONLY
    shown = [hit for hit in _shortest(found, len(text)) if hit.kind not in allowed]
    return tuple(sorted([*shown, *_apart(guesses, found)], key=lambda hit: (hit.start, hit.end, hit.kind)))


@lru_cache(maxsize=16)
def _parts(names: tuple[str, ...]) -> frozenset[str]:
    return name_parts(names)


def _told(reading: _Reading) -> Iterator[Hit]:
    """What the lists object to. What one language takes back is taken back for all: a text may mix them, and "burn-out"
    is a word of four.
    """
    words = reading.words
    for kind in Kind:
        found = [
            (language, one.kinds[kind], *_objections(reading, one.kinds[kind], language))
            for language, one in every_list()
        ]
        if not any(strong or weak for _, _, strong, weak in found):
            continue
        every = [said for _, said, _, _ in found]
        allowed = list(chain(*(said.allowed.find(words, longest=True) for said in every)))
        about = list(chain(*(said.about.find(words, longest=True) for said in every)))
        if kind in _TOLD_OF_SOMEBODY:
            allowed, about = list(reading.up_to_comma(allowed)), list(reading.up_to_comma(about))
        for language, _, strong, weak in found:
            spans = [*_uncovered(strong, allowed, len(words)), *_uncovered(weak, [*allowed, *about], len(words))]
            for at, end in spans:
                if end - at > 1 or not _is_foreign(words[at], language, reading):
                    yield Hit(kind, words[at].start, words[end - 1].end, language, words[at].sentence)


def _objections(reading: _Reading, said: KindList, language: str) -> tuple[list[_Span], list[_Span]]:
    """What counts always, and what counts since a cue stands in the same sentence."""
    words = reading.words
    weak = list(said.near.find(words))
    cues = said.cue.find(words) if weak else ()
    cued = {words[at].sentence for at, end in cues if end - at > 1 or not _is_foreign(words[at], language, reading)}
    return list(said.words.find(words)), [span for span in weak if words[span[0]].sentence in cued]


def _is_foreign(word: Word, language: str, reading: _Reading) -> bool:
    """A word of one language that is a small word of another (German "tot", dead; Dutch "tot", until) counts only where
    the text is not in that other language.
    """
    others = [
        name
        for name, one in every_list()
        if name != language and (word.text in one.common or word.text in one.plain.vocabulary)
    ]
    return any(reading.small[name] > reading.small[language] for name in others)


def _uncovered(spans: Sequence[_Span], by: Sequence[_Span], length: int) -> list[_Span]:
    """The spans that lie within none of `by`."""
    if not by:
        return list(spans)
    reach = [0] * (length + 1)
    for start, end in by:
        reach[start] = max(reach[start], end)
    reach = list(accumulate(reach, max))
    return [(start, end) for start, end in spans if reach[start] < end]


def _about_colleagues(words: Sequence[Word], told: Sequence[Hit]) -> Iterator[Hit]:
    """A colleague of whom illness, whereabouts or departure is told: somebody else's data."""
    last: dict[int, int] = {}
    for hit in told:
        if hit.kind in _TOLD_OF_SOMEBODY:
            last[hit.sentence] = max(last.get(hit.sentence, 0), hit.end)
    for language, one in every_list():
        for at, end in one.kinds[Kind.THIRD_PERSON_DATA].others.find(words):
            about = words[at]
            if last.get(about.sentence, -1) >= words[end - 1].start:
                yield Hit(Kind.THIRD_PERSON_DATA, about.start, words[end - 1].end, language, about.sentence)


def _more_than_away(reading: _Reading, told: Sequence[Hit], addresses: Sequence[_Span], known: Known) -> Iterator[Hit]:
    """Where no list found a word, and the words are not plain either ("I am in a hammock")."""
    words = reading.words
    own, names = _parts((known.organisation,)), _every_part((known.name, *known.colleagues, known.organisation))
    cues = [w.is_colleagues or w.text in own or any(start <= w.start < end for start, end in addresses) for w in words]
    given = [cue or word.is_hers or word.text in names for cue, word in zip(cues, words, strict=True)]
    weak, taken_back = dict[str, set[int]](), set[int]()
    for language, one in every_list():
        allowed = [one.kinds[kind].allowed.find(words, longest=True) for kind in _TOLD_OF_SOMEBODY]
        taken_back |= {at for start, end in reading.up_to_comma(chain(*allowed)) for at in range(start, end)}
        weak[language] = {at for kind in _TOLD_OF_SOMEBODY for at, _ in one.kinds[kind].near.find(words)}
        weak[language] |= {at for at, _ in one.plain.perhaps.find(words)}
    named = {hit.sentence for hit in told if hit.kind in _TOLD_OF_SOMEBODY}
    for language, part in strays(Text(reading.text, words, given, taken_back, cues, weak)):
        first, last = words[part[0]], words[part[-1]]
        if first.sentence not in named:
            yield Hit(Kind.MORE_THAN_AWAY, first.start, last.end, language, first.sentence)


@lru_cache(maxsize=16)
def _every_part(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(part for name in names for part in folded(name).split())


def _her_return(words: Sequence[Word], known: Known) -> Iterator[Hit]:
    """Her day of return, however it is written: 28-12, 2026-12-28, 28 december, December 28th."""
    if known.return_on is None:
        return
    month, day = known.return_on.month, known.return_on.day
    for at, word in enumerate(words):
        if word.is_date and _may_be(word.text, month, day):
            yield Hit(Kind.RETURN_DATE, word.start, word.end)
        elif word.text.rstrip("sterndh") == str(day):
            for beside in words[max(at - 2, 0) : at + 3]:
                if any(one.months.get(beside.text) == month for _, one in every_list()):
                    first, last = sorted((word, beside), key=lambda each: each.start)
                    yield Hit(Kind.RETURN_DATE, first.start, last.end)


def _may_be(written: str, month: int, day: int) -> bool:
    parts = [int(part) for part in written.replace("/", "-").replace(".", "-").split("-")]
    if len(str(parts[0])) == 4:
        return parts[1:] == [month, day]
    return parts[:2] in ([day, month], [month, day])


def _shortest(found: Iterable[Hit], length: int) -> Iterator[Hit]:
    """One objection per place and kind: of those that overlap the shortest, since it names the word itself."""
    taken = {kind: bytearray(length) for kind in Kind}
    for hit in sorted(found, key=lambda each: (each.end - each.start, each.start, each.language)):
        if _take(hit, taken[hit.kind]):
            yield hit


def _apart(guesses: Sequence[Sequence[Hit]], found: Sequence[Hit]) -> Iterator[Hit]:
    """The guesses where nothing of her is named already, and which no other reading takes for plain."""
    named = [hit for hit in found if hit.kind in _TOLD_OF_SOMEBODY]
    for guess in guesses[0]:
        elsewhere = (any(_overlap(guess, other) for other in others) for others in guesses[1:])
        if all(elsewhere) and not any(_overlap(guess, hit) for hit in named):
            yield guess


def _overlap(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end


def _take(hit: Hit, taken: bytearray) -> bool:
    free = not any(taken[hit.start : hit.end])
    if free:
        taken[hit.start : hit.end] = b"\x01" * (hit.end - hit.start)
    return free
