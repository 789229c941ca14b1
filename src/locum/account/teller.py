"""Words for an account: names, instants and the catalogue's sentences in her language. Pure; holds no layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from locum.account.story import plain
from locum.entry import Json
from locum.messages import as_far_as_known, say, says
from locum.phrases import day, legible, one_line, when


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """How things are said to one reader. `names` are the persons' names by id, for entries that hold only an id. `variant` is
    put behind a key where there is such a sentence: what is said otherwise of a forward, or of both together.
    """

    language: str
    names: Mapping[str, str]
    time_zone: str
    organisation: str
    variant: str = ""

    def say(self, key: str, **values: object) -> str:
        """The sentence `account.<key>`, or its variant."""
        path = f"account.{key}{self.variant}"
        return say(self.language, path if says(self.language, path) else f"account.{key}", **values)

    def says(self, key: str) -> bool:
        """Whether there is a sentence `account.<key>`."""
        return says(self.language, f"account.{key}")

    def when(self, instant: datetime) -> str:
        """An instant in words, in her zone; in UTC, and saying so, where her zone is not known any more."""
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return f"{when(instant, self.language, 'UTC')} UTC"
        return when(instant, self.language, self.time_zone)

    def day(self, on: str) -> str:
        """A day (2026-12-25) in words; as it stands where it is none."""
        try:
            return day(date.fromisoformat(on), self.language)
        except ValueError:
            return one_line(on)

    def word(self, group: str, key: str) -> str:
        """The word for `key` in its group of words.toml; the key itself where there is none."""
        name = f"words.{group}.{key}"
        return say(self.language, name) if key and says(self.language, name) else one_line(key)

    def known(self, area: str, key: str, values: Mapping[str, str]) -> str:
        """A sentence of another area (errors, remark), with an ellipsis for what we have not got; "" where it is not there."""
        try:
            return as_far_as_known(self.language, f"{area}.{key}", values)
        except (KeyError, IndexError, FileNotFoundError):
            return ""

    def who(self, value: Json) -> str:
        """A person as recorded ({id, name, function}), an id, or one of the words owner, policy, reviewer."""
        if isinstance(value, dict):
            person, function = value.get("id"), value.get("function")
            name = value.get("name") or self.names.get(str(person)) or person or ""
            shown = one_line(plain(name))
            return f"{shown} ({self.word('function', plain(function))})" if shown and function else shown
        if value is None or value == "":
            return ""
        if value in ("owner", "policy", "reviewer"):
            return self.say(f"who.{value}")
        return one_line(self.names.get(plain(value), plain(value)))

    def quote(self, value: str) -> str:
        """A text of people, to the letter but for what could make it read as something else."""
        return legible(value)
