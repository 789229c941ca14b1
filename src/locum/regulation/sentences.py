"""A sentence from its key: the variant that the policy chooses, filled with the policy's values, each marked for what it is.

Words come from messages/<lang>/regulation.toml. Nothing here knows which document a sentence stands in.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from locum.messages import say, says
from locum.phrases import day, one_line
from locum.policy import AutoReplyRules, Policy, load
from locum.regulation.promises import PROMISES
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
def _default() -> AutoReplyRules:
    return load().auto_reply


def setting(rules: AutoReplyRules, path: str) -> object:
    """The value at a path such as `auto-reply.ask.wait_hours`."""
    value: object = rules
    for name in path.split(".")[1:]:
        value = getattr(value, name)
    return value


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells sentences of one policy for one house in one language."""

    policy: Policy
    house: House
    language: str
    _forms: dict[str, Callable[[], Part]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Know how each value is written."""
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
        rules, fields = self.policy.auto_reply, self.policy.regulation
        chosen = {
            "promise.5.powers": "some" if rules.powers else "none",
            "promise.6.wait": "some" if rules.ask.wait_hours else "none",
            "promise.6.unanswered": rules.ask.if_unanswered,
            "promise.7.count": "some" if rules.review.count else "none",
            "promise.8.audience": rules.audience,
            "promise.8.free-text": rules.free_text,
            "promise.16.refusals": "yes" if rules.record_refusals else "no",
            "duty.2.ground": fields.ground,
            "duty.3.council": "no-council" if fields.works_council == "none" else "consent",
            "duty.19.private-use": fields.private_use or "private-use-open",
        }.get(key)
        if chosen is None:
            return key
        return f"{key}.{chosen}" if key.startswith("promise.") else f"{key.rpartition('.')[0]}.{chosen}"

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
        rules = self.policy.auto_reply
        return (
            bool(paths)
            and self.policy.regulation.adopted_on is None
            and all(setting(rules, path) == setting(_default(), path) for path in paths)
        )

    def _value(self, text: str, path: str) -> Part:
        return Part(text, Mark.PROPOSAL if self._is_proposal([path]) else Mark.VALUE)

    def _written(self) -> dict[str, Callable[[], Part]]:
        rules, house = self.policy.auto_reply, self.house
        ask, review = rules.ask, rules.review
        settings: dict[str, tuple[Callable[[], str], str]] = {
            "reasons": (lambda: "; ".join(self._word("reason", name) for name in rules.reasons), "auto-reply.reasons"),
            "max_days": (lambda: self._count(rules.max_days, "day", "days"), "auto-reply.max_days"),
            "powers": (lambda: self._either(self._own("power", rules.powers)), "auto-reply.powers"),
            "channels": (lambda: self._all(self._own("channel", ask.channels)), "auto-reply.ask.channels"),
            "wait_hours": (
                lambda: self._count(ask.wait_hours, "working-hour", "working-hours"),
                "auto-reply.ask.wait_hours",
            ),
            "count": (lambda: self._count(review.count, "person", "persons"), "auto-reply.review.count"),
            "functions": (
                lambda: self._either([self._word("function", name) for name in review.functions]),
                "auto-reply.review.functions",
            ),
            "audience": (lambda: self._word("audience", rules.audience), "auto-reply.audience"),
            "batch": (
                lambda: self._count(rules.batch_review_above, "mailbox", "mailboxes"),
                "auto-reply.batch_review_above",
            ),
        }
        forms: dict[str, Callable[[], Part]] = {
            "organisation": lambda: Part(one_line(house.name)),
            "domains": lambda: Part(", ".join(house.domains)),
            "privacy_officer": lambda: self._field("privacy_officer", house.officer),
            "authority": lambda: self._field("authority", house.authority),
        }
        fields = ("adopted_by", "adopted_on", "works_council", "works_council_on", "register", "dpia_on")
        for name in (*fields, "known_on", "known_where", "private_use"):
            forms[name] = lambda name=name: self._field(name)  # type: ignore[misc]
        for name, (write, path) in settings.items():
            forms[name] = lambda write=write, path=path: self._value(write(), path)  # type: ignore[misc]
        return forms

    def _field(self, name: str, settled: str = "") -> Part:
        value = settled or self.policy.regulation.model_dump(by_alias=True)[name]
        if value is None:
            return self.open(name)
        return Part(day(value, self.language) if isinstance(value, date) else one_line(str(value)), Mark.VALUE)

    def _own(self, area: str, names: Sequence[str]) -> list[str]:
        return [self.words(f"{area}.{name}") for name in names]

    def _word(self, area: str, name: str) -> str:
        """A word of words.toml; a function that an organisation made up is said as it is."""
        key = f"words.{area}.{name}"
        return say(self.language, key) if says(self.language, key) else one_line(name)

    def _count(self, number: float, one: str, many: str) -> str:
        written = f"{number:g}".replace(".", "," if self.language == "nl" else ".")
        return self.words(f"unit.{one if number == 1 else many}", n=written)

    def _all(self, words: Sequence[str]) -> str:
        return self._listed("and-also", words)

    def _either(self, words: Sequence[str]) -> str:
        return self._listed("or-also", words)

    def _listed(self, key: str, words: Sequence[str]) -> str:
        return self.words(key, first=", ".join(words[:-1]), last=words[-1]) if len(words) > 1 else "".join(words)
