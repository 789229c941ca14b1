"""A sentence from its key: the variant that the policy chooses, filled with the policy's values, each marked for what it is.

Words come from messages/<lang>/regulation.toml. Nothing here knows which document a sentence stands in.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial

from locum.messages import say, says
from locum.phrases import day, one_line
from locum.policy import Policy, load
from locum.policy.around import Weighing
from locum.policy.file import values
from locum.regulation.promises import PROMISES
from locum.regulation.slots import SIBLINGS, SLOTS, VARIANTS, judged_kinds
from locum.regulation.values import Kind, Mark, Part, Sentence

_SLOT = re.compile("\ue000([a-z_]+)\ue001")
_SETTINGS = {f"promise.{promise.key}": promise.settings for promise in PROMISES}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Whose regulation it is, from the settings. What they say of officer and authority comes before the policy's fields,
    since the account shows that.
    """

    name: str
    domains: tuple[str, ...] = ()
    officer: str = ""
    authority: str = ""


@cache
def _shipped() -> Mapping[str, object]:
    return values(load())


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells sentences of one policy for one house in one language."""

    policy: Policy
    house: House
    language: str
    _values: Mapping[str, object] = field(init=False, repr=False)
    _forms: dict[str, Callable[[], Part]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Know how each value is written."""
        object.__setattr__(self, "_values", values(self.policy))
        object.__setattr__(self, "_forms", self._written())

    def words(self, key: str, **values: object) -> str:
        """A bare message of this area."""
        return say(self.language, f"regulation.{key}", **values)

    def sentence(self, key: str, number: str = "") -> Sentence:
        """The sentence under `key`, or under its variant for this policy."""
        kind = Kind(key.partition(".")[0]) if key.startswith(("promise.", "duty.", "note.")) else Kind.TEXT
        chosen = self.variant(key)
        parts = self._parts(chosen)
        if kind is Kind.PROMISE and self._is_proposal(_SETTINGS[key]) and all(p.mark is Mark.PLAIN for p in parts):
            parts = (*parts, Part("", Mark.PROPOSAL))
        return Sentence(chosen, kind, parts, number)

    def variant(self, key: str) -> str:
        """The key of the sentence that is said: where settings choose between several, the one that is so."""
        if key not in VARIANTS:
            return key
        chosen = VARIANTS[key](self.policy)
        return f"{key.rpartition('.')[0]}.{chosen}" if key in SIBLINGS else f"{key}.{chosen}"

    def label(self, key: str) -> tuple[str, str]:
        """Title and second line of a box in the picture."""
        first, _, second = "".join(part.text for part in self._parts(f"step.{key}")).partition("|")
        return first, second

    def open(self, key: str) -> Part:
        """A field that is not filled in."""
        return Part(self.words("open", what=self.words(f"field.{key}")), Mark.OPEN)

    def _parts(self, key: str) -> tuple[Part, ...]:
        """The message with its values as parts; people's text is a value and is never read for placeholders."""
        slots = {name: f"\ue000{name}\ue001" for name in self._forms}
        pieces = _SLOT.split(say(self.language, f"regulation.{key}", **slots))
        parts = [self._forms[piece]() if place % 2 else Part(piece) for place, piece in enumerate(pieces)]
        return tuple(part for part in parts if part.text)

    def _is_proposal(self, paths: Sequence[str]) -> bool:
        """Still Locum's own values: nobody has adopted a regulation, and nobody has chosen others."""
        return (
            bool(paths)
            and self.policy.regulation.adopted_on is None
            and all(self._values[path] == _shipped()[path] for path in paths)
        )

    def _value(self, name: str) -> Part:
        path, write = SLOTS[name]
        text = write(self, self._values[path])
        return Part(text, Mark.PROPOSAL if self._is_proposal([path]) else Mark.VALUE)

    def _written(self) -> dict[str, Callable[[], Part]]:
        house = self.house
        forms: dict[str, Callable[[], Part]] = {
            "organisation": lambda: Part(one_line(house.name)),
            "domains": lambda: Part(", ".join(house.domains)),
            "privacy_officer": lambda: self._field("privacy_officer", house.officer),
            "authority": lambda: self._field("authority", house.authority),
            "refused_words": partial(self._kinds, "refuse"),
            "reviewed_words": partial(self._kinds, "review"),
            "warned_words": partial(self._kinds, "warn"),
            "confidential": self._confidential,
        }
        fields = ("adopted_by", "adopted_on", "works_council", "works_council_on", "register", "dpia_on")
        forms |= {name: partial(self._field, name) for name in (*fields, "known_on", "known_where", "private_use")}
        forms |= {f"weighing_{name}": partial(self._own_answer, name) for name in Weighing.model_fields}
        return forms | {name: partial(self._value, name) for name in SLOTS}

    def _kinds(self, judgement: str) -> Part:
        said = [self.words(f"kind.{kind}") for kind in judged_kinds(self.policy, judgement)]
        paths = [f"auto-reply.wording.{kind}" for kind in judged_kinds(self.policy, judgement)]
        return Part("; ".join(said), Mark.PROPOSAL if self._is_proposal(paths) else Mark.VALUE)

    def _confidential(self) -> Part:
        rows = self.policy.confidential.model_dump(by_alias=True)
        said = [f"{self.words(f'role.{role}')} ({', '.join(named)})" for role, named in rows.items() if named]
        return Part("; ".join(one_line(one, 2000) for one in said), Mark.VALUE)

    def _own_answer(self, name: str) -> Part:
        """The organisation's own words to one of the six questions, if it has written any."""
        text = getattr(self.policy.weighing, name)
        return Part(f" {one_line(text, 4000)}" if text else "", Mark.VALUE)

    def _field(self, name: str, settled: str = "") -> Part:
        value = settled or self.policy.regulation.model_dump(by_alias=True)[name]
        if value is None:
            return self.open(name)
        return Part(day(value, self.language) if isinstance(value, date) else one_line(str(value)), Mark.VALUE)

    def word(self, area: str, name: str) -> str:
        """A word of words.toml; a function that an organisation made up is said as it is."""
        key = f"words.{area}.{name}"
        return say(self.language, key) if says(self.language, key) else one_line(name)
