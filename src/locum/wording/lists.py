"""The word lists (locum/wordlists/<lang>.toml), read once and held as phrases. No judgement lives here."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from locum.wording.folding import Word, folded
from locum.wording.kinds import LANGUAGES, Kind
from locum.wording.matching import Classes, Phrases, phrases, steps_of

_SAID = ("words", "near", "except", "about", "others")
_PLAIN = ("subject", "not_subject", "away", "topic", "opener", "closing", "named", "perhaps", "telling")


@dataclass(frozen=True, slots=True)
class KindList:
    """What one language says of one kind. `near` counts where a `cue` stands in the same sentence; `allowed` takes back
    what it covers, `about` what it covers of `near`. `others` is how a sentence about a colleague begins.
    """

    words: Phrases
    near: Phrases
    cue: Phrases
    allowed: Phrases
    about: Phrases
    others: Phrases


@dataclass(frozen=True, slots=True)
class PlainList:
    """How one language speaks of her (`subject` but for `not_subject`) and of being `away`, and the `vocabulary` that may
    be used for it; `telling` words never are plain, and without a word of the `core` (mail, away, ask) plain words tell.

    What else a sentence may be about: `reader` means the reader and `asks` asks something of him, `business` is of the
    organisation's work, `ours` of the organisation or of a family, and `perhaps` may be of her all the same. `topic`
    begins what a question is about, `opener` a sentence that says so first, `named` is a department, `closing` opens a
    signature.
    """

    subject: Phrases
    not_subject: Phrases
    away: Phrases
    topic: Phrases
    opener: Phrases
    closing: Phrases
    named: Phrases
    perhaps: Phrases
    telling: Phrases
    ours: frozenset[str]
    reader: frozenset[str]
    reader_named: frozenset[str]
    asks: frozenset[str]
    core: frozenset[str]
    business: frozenset[str]
    business_ends: tuple[str, ...]
    vocabulary: frozenset[str]
    vocabulary_ends: tuple[str, ...]

    def knows(self, word: str) -> bool:
        """Whether a folded word is plain; a number is."""
        return word in self.vocabulary or word[0].isdigit() or word.endswith(self.vocabulary_ends)

    def addresses(self, word: Word) -> bool:
        """Whether a word means the reader; German tells "Sie" from "sie"."""
        return word.text in self.reader or (word.capital and word.text in self.reader_named)

    def is_of_work(self, word: str) -> bool:
        """Whether a folded word is of the organisation's work: a sentence with it may be about that."""
        return word in self.business or word.endswith(self.business_ends)


@dataclass(frozen=True, slots=True)
class WordList:
    """One language. `months` are numbered from 1; `instead` has what may be written in place of each kind."""

    kinds: Mapping[Kind, KindList]
    plain: PlainList
    instead: Mapping[Kind, str]
    months: Mapping[str, int]
    common: frozenset[str]
    not_a_number_after: frozenset[str]
    a_number_after: frozenset[str]


@cache
def word_list(language: str) -> WordList:
    """The list of one of LANGUAGES. Raises ValueError where a phrase in it cannot be read, naming it."""
    table = tomllib.loads(files("locum").joinpath("wordlists", f"{language}.toml").read_text("utf-8"))
    months: list[str] = table["months"]
    classes = {"month": tuple(steps_of(line, {}) for line in months)}
    for name, lines in table["class"].items():
        classes[name] = tuple(steps_of(line, classes) for line in lines)
    return WordList(
        kinds={kind: _kind_list(table.get(kind, {}), classes) for kind in Kind},
        plain=_plain_list(table["plain"], classes, [*months, *table["class"]["weekday"]]),
        instead={kind: table[kind]["instead"] for kind in Kind if kind in table}
        | {Kind.MORE_THAN_AWAY: table["plain"]["instead"]},
        months={folded(name): number for number, line in enumerate(months, 1) for name in line.split("|")},
        common=frozenset(folded(word) for word in table["common"].split()),
        not_a_number_after=_words(table["number"]["not_after"]),
        a_number_after=_words(table["number"]["after"]),
    )


def _plain_list(table: Mapping[str, list[str]], classes: Classes, dates: list[str]) -> PlainList:
    said = {part: phrases(table[part], classes) for part in _PLAIN}
    reader, business, vocabulary = (str(table[part]).split() for part in ("reader", "business", "vocabulary"))
    asks, core = str(table["asks"]).split(), str(table["core"]).split()
    known = [
        *vocabulary,
        *business,
        *asks,
        *(word for line in dates for word in line.split("|")),
        *(word.lstrip("^") for word in reader),
    ]
    whole = frozenset(folded(word) for word in known if "*" not in word)
    return PlainList(
        **said,
        ours=frozenset(folded(word) for word in str(table["ours"]).split()),
        reader=frozenset(folded(word) for word in reader if word[0] != "^"),
        reader_named=frozenset(folded(word[1:]) for word in reader if word[0] == "^"),
        asks=frozenset(folded(word) for word in asks),
        core=frozenset(folded(word) for word in core),
        business=frozenset(folded(word) for word in business if "*" not in word),
        business_ends=_ends(business),
        vocabulary=whole,
        vocabulary_ends=_ends(known),
    )


def _ends(words: list[str]) -> tuple[str, ...]:
    return tuple(folded(word[1:]) for word in words if word.startswith("*"))


@cache
def every_list() -> tuple[tuple[str, WordList], ...]:
    """All languages, each with its name."""
    return tuple((language, word_list(language)) for language in LANGUAGES)


def _kind_list(table: Mapping[str, list[str]], classes: Classes) -> KindList:
    said = {part: phrases(table.get(part, ()), classes) for part in (*_SAID, "cue")}
    return KindList(said["words"], said["near"], said["cue"], said["except"], said["about"], said["others"])


def _words(line: str) -> frozenset[str]:
    return frozenset(folded(word) for word in line.split("|"))
