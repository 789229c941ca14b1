"""What a document is made of: sentences of parts, in sections. Frozen values, standard library only; no wording here."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """What a part of a sentence is: plain words, a value of the policy, such a value that is still Locum's own, or a field
    that is not filled in.
    """

    PLAIN = "plain"
    VALUE = "value"
    PROPOSAL = "proposal"
    OPEN = "open"


class Kind(StrEnum):
    """Who answers for a sentence: the program (promise), the organisation (duty), or nobody (note, text)."""

    PROMISE = "promise"
    DUTY = "duty"
    NOTE = "note"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence."""

    text: str
    mark: Mark = Mark.PLAIN


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its message key under `regulation.`, its number ("6.2", or none), and its parts."""

    key: str
    kind: Kind
    parts: tuple[Part, ...]
    number: str = ""

    @property
    def text(self) -> str:
        """The bare words."""
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences under a title. `listed`: they are shown as a list."""

    title: str
    sentences: tuple[Sentence, ...]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """The labels of the picture, by the name of their box: (title, what is under it). `silence_stops`: no answer is a no."""

    boxes: dict[str, tuple[str, str]]
    description: str
    silence_stops: bool = False


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A field that the organisation has yet to fill in, and what is refused meanwhile ("" for nothing). `short` is for
    the foot of every page.
    """

    what: str
    short: str
    refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document in one language. `open_lines` is shown at its top, `made` at its foot."""

    name: str
    language: str
    title: str
    organisation: str
    lead: tuple[Sentence, ...]
    sections: tuple[Section, ...]
    open_lines: tuple[OpenLine, ...]
    made: str
    steps: Steps | None = None
