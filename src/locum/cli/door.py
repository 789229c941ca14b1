"""The command line's door: what every command has in common. Options, settings, wiring, who acts, and in which language.

`command` gives a function --json, --as, --config and --lang, before or after the command's name. Nothing heavy is imported
here: `locum --help` has to answer at once.
"""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.errors import LocumError
from locum.messages import LANGUAGES, say, says

if TYPE_CHECKING:
    from locum.app import App
    from locum.desk import Acting
    from locum.lifecycle import Case
    from locum.settings import Settings

_DEFAULT_CONFIG = "/etc/locum/locum.toml"


def early_language() -> str:
    """The language before any settings are read: --lang on the command line, or else the terminal's."""
    words = sys.argv[1:]
    given = [after for word, after in pairwise(words) if word == "--lang"]
    given += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    given += [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    first = next((value for value in given if value), "")
    return first[:2] if first[:2] in LANGUAGES else "en"


def helped(key: str) -> str:
    """A help text, in the language of the terminal."""
    return say(early_language(), f"cli.help.{key}")


@dataclass
class Door:
    """One run of the command line."""

    json: bool = False
    as_person: str | None = None
    config: Path | None = None
    lang: str | None = None

    @cached_property
    def settings(self) -> "Settings":
        """The settings. Raises Invalid."""
        from locum.settings import load  # noqa: PLC0415  pydantic is slow to import

        return load(self.config or Path(os.environ.get("LOCUM_CONFIG") or _DEFAULT_CONFIG))

    @cached_property
    def app(self) -> "App":
        """Everything, wired."""
        from locum.app import build  # noqa: PLC0415  imports everything

        return build(self.settings)

    @cached_property
    def acting(self) -> "Acting":
        """Who acts. Raises Refused where this user may not act for that person."""
        return self.app.acting(self.as_person)

    @property
    def language(self) -> str:
        """The language of what is said: --lang, the organisation's, or (before settings are read) the terminal's."""
        if self.lang is not None:
            return self.lang
        settings = self.__dict__.get("settings")
        return settings.organisation.language if settings is not None else early_language()

    def say(self, key: str, **values: object) -> str:
        """A sentence of this area (cli.toml)."""
        return say(self.language, f"cli.{key}", **values)

    def knows(self, key: str) -> bool:
        """Whether there is such a sentence."""
        return says(self.language, f"cli.{key}")

    def tell(self, key: str, **values: object) -> None:
        """Say something to the person, on standard error."""
        print(self.say(key, **values), file=sys.stderr, flush=True)  # noqa: T201

    def reset(self, *, json: bool) -> None:
        """Begin anew, for another run in the same process. `json` is known before the options are understood."""
        self.__dict__.clear()
        self.__init__(json=json)  # type: ignore[misc]

    def case_of(self, error: LocumError) -> "Case | None":
        """The case an error is about, as it is now, where the store was opened and has it."""
        if "case" not in error.values or "app" not in self.__dict__:
            return None
        try:
            return self.app.desk.case(error.values["case"])
        except LocumError:
            return None


current = Door()
"""The door of this process, for the error that ends it."""


def _language(value: str | None) -> str | None:
    if value is not None and value not in LANGUAGES:
        raise typer.BadParameter(f"{value!r}: {' | '.join(LANGUAGES)}")
    return value


Json = Annotated[bool, typer.Option("--json", help=helped("json"))]
As = Annotated[str | None, typer.Option("--as", metavar="PERSON", help=helped("as"))]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help=helped("config"))]
Lang = Annotated[str | None, typer.Option("--lang", metavar="nl|en", callback=_language, help=helped("lang"))]
_COMMON = (("json_", Json, False), ("as_", As, None), ("config", Config, None), ("lang", Lang, None))


def open_door(json_: bool, as_: str | None, config: Path | None, lang: str | None) -> Door:
    """The door with these options added to those that came before them on the command line."""
    current.json = current.json or json_
    current.as_person = as_ if as_ is not None else current.as_person
    current.config = config if config is not None else current.config
    current.lang = lang if lang is not None else current.lang
    return current


def command(
    group: typer.Typer, name: str, help_key: str = "", *, anything: bool = False, hidden: bool = False
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Make a function (door, its own parameters...) -> exit code a command, with the common options.

    `anything` lets it take words and options it does not know.
    """

    def register(work: Callable[..., int]) -> Callable[..., int]:
        own = list(inspect.signature(work, eval_str=True).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        common = [inspect.Parameter(key, keyword, default=value, annotation=kind) for key, kind, value in _COMMON]

        def run(**given: object) -> int:
            door = open_door(*(given.pop(key) for key, _, _ in _COMMON))  # type: ignore[arg-type]
            return work(door, **given)

        parameters = [parameter.replace(kind=keyword) for parameter in own] + common
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        settings = {"allow_extra_args": True, "ignore_unknown_options": True} if anything else {}
        group.command(name, help=helped(help_key or name), context_settings=settings, hidden=hidden)(run)
        return work

    return register
