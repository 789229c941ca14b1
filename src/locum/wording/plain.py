"""What may be said of her, and everything else: sentences that no list objects to and that are not plain either. Pure.

The lists name what tells too much, but nobody can list all that a person may be doing. So a sentence about her, or about
nobody, may hold only words that are known to be plain (wordlists/*.toml [plain]); anything else "says more than that she
is away". What speaks to the reader, or of the organisation, is left alone. What the lists object to is finding.py's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from locum.wording.folding import Word
from locum.wording.lists import PlainList, every_list

_PARTS = re.compile(r"(?<!\d):|:(?!\d)|[,;()\[\]\n\"«»„“”‹›/]|\s[-–—]\s|…|\.\.")

_QUOTED = re.compile(r"(?<!\w)(?:'[^'\n]{2,80}'|\"[^\"\n]{2,80}\"|[«„“‘][^»“”’\n]{2,80}[»“”’])(?!\w)")


@dataclass(frozen=True, slots=True)
class Text:
    """A text and what is known of each of its words: `given` needs no judgement (a name, an address), nor does what a
    list takes back; `cues` speak to the reader or of the organisation whatever the language, `weak` (by language)
    may be about her.
    """

    text: str
    words: Sequence[Word]
    given: Sequence[bool]
    taken_back: set[int]
    cues: Sequence[bool]
    weak: Mapping[str, set[int]]


_FIRST = 3  # what is asked for comes first: "Please then call ..."


def strays(text: Text) -> Iterator[tuple[str, range]]:
    """The parts of sentences that say more than that she is away, by their words, each with the language it is in.

    A text may change languages from sentence to sentence: the one that knows most of a sentence counts.
    """
    readers = [(name, _Reader(one.plain, text, text.weak[name])) for name, one in every_list()]
    for sentence in _sentences(text.text, text.words):
        known = max(reader.known(sentence) for _, reader in readers)
        read = [(name, reader.strays(sentence)) for name, reader in readers if reader.known(sentence) == known]
        name, found = min(read, key=lambda each: sum(len(part) for part in each[1]))
        yield from ((name, part) for part in found)


def _sentences(text: str, words: Sequence[Word]) -> Iterator[range]:
    """Sentences by their words; a semicolon parts none here."""
    start = 0
    for at in range(1, len(words) + 1):
        goes_on = at < len(words) and (
            words[at].sentence == words[at - 1].sentence or ";" in text[words[at - 1].end : words[at].start]
        )
        if not goes_on and words:
            yield range(start, at)
            start = at


class _Reader:
    """The words of a text as one language knows them."""

    def __init__(self, plain: PlainList, text: Text, weak: set[int]) -> None:
        self._text, self._vocabulary, self._weak = text, plain.vocabulary, weak
        words = text.words
        quoted = _quoted(text.text, words)
        others = _places(plain.not_subject.find(words, longest=True))
        signature = range(_signature(plain, text.text, words), len(words))
        self._hers = _places(plain.subject.find(words)) - others - quoted
        self._about = self._hers | _places(plain.away.find(words))
        self._named = {at for at, given in enumerate(text.given) if given} | text.taken_back
        self._cues = {at for at, word in enumerate(words) if text.cues[at] or plain.addresses(word)}
        self._asks = {at for at, word in enumerate(words) if word.text in plain.asks}
        self._core = _places(plain.away.find(words)) | self._cues | self._asks | text.taken_back
        self._core |= {at for at, word in enumerate(words) if word.text in plain.core or plain.is_of_work(word.text)}
        self._ours = {at for at, word in enumerate(words) if word.text in plain.ours}
        self._work = {at for at, word in enumerate(words) if plain.is_of_work(word.text)}
        self._opens = {start for start, _ in plain.opener.find(words)}
        self._topics = {start for start, _ in plain.topic.find(words)}
        self._plain = others | quoted | {at for at, word in enumerate(words) if plain.knows(word.text)} | self._named
        self._plain -= _places(plain.telling.find(words)) - quoted - self._named
        self._plain |= _places(plain.named.find(words, longest=True))
        self._plain |= {at for at in signature if words[at].capital}

    def known(self, sentence: range) -> int:
        """How many words of a sentence are of this language."""
        return sum(self._text.words[at].text in self._vocabulary for at in sentence)

    def strays(self, sentence: range) -> list[range]:
        """The parts of a sentence that say too much."""
        if not self._about.isdisjoint(sentence):
            if self._core.isdisjoint(sentence) and not self._named.issuperset(sentence):
                return [sentence]  # "It has all become too much for Anna"
            return [part for part in self._parts(sentence) if self._says_more(part)]
        if not (self._cues | self._asks).isdisjoint(sentence):
            return [part for part in list(self._parts(sentence))[1:] if self._is_weak(part) and self._says_more(part)]
        of_work = not (self._work | self._ours).isdisjoint(sentence) and not self._is_weak(sentence)
        return [] if of_work or not self._says_more(sentence) else [sentence]

    def _is_weak(self, part: range) -> bool:
        return not self._weak.isdisjoint(part) and self._ours.isdisjoint(part)

    def _says_more(self, part: range) -> bool:
        speaks = not self._cues.isdisjoint(part) or not self._asks.isdisjoint(part[:_FIRST])
        if self._hers.isdisjoint(part) and speaks:
            return False
        topic = min((at for at in self._topics if at in part), default=part.stop)
        return any(at not in self._plain for at in range(part.start, topic))

    def _parts(self, sentence: range) -> Iterator[range]:
        """A sentence between its commas. One that opens with what it is about ("For offers, orders and …") goes on until
        it speaks to somebody.
        """
        start = sentence.start
        for at in sentence:
            is_last = at + 1 == sentence.stop
            waits = start in self._opens and self._cues.isdisjoint(range(start, at + 1))
            if is_last or (not waits and self._is_parted(at)):
                yield range(start, at + 1)
                start = at + 1

    def _is_parted(self, at: int) -> bool:
        words = self._text.words
        return _PARTS.search(self._text.text[words[at].end : words[at + 1].start]) is not None


def _signature(plain: PlainList, text: str, words: Sequence[Word]) -> int:
    """The first word of the lines under "Kind regards", where names of functions and departments stand."""
    for _, end in plain.closing.find(words):
        line = text.find("\n", words[end - 1].end)
        return next((at for at, word in enumerate(words) if word.start > line), len(words)) if line >= 0 else len(words)
    return len(words)


def _quoted(text: str, words: Sequence[Word]) -> set[int]:
    """The words of titles and the like, within quotation marks, where the sentence says more than they do."""
    spans = [match.span() for match in _QUOTED.finditer(text)]
    inside = {at for at, word in enumerate(words) if any(start < word.start < end for start, end in spans)}
    around = {word.sentence for at, word in enumerate(words) if at not in inside}
    return {at for at in inside if words[at].sentence in around}


def _places(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {at for start, end in spans for at in range(start, end)}
