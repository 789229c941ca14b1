"""What all of her pages share: their words, the small navigation among them, what may be told of an error. Changes nothing."""

from collections.abc import Callable
from typing import Final

from locum.messages import say
from locum.web.pages import SAID_TO_HER

TABS: Final = (
    ("mine", "/mine"),
    ("text", "/mine/text"),
    ("channels", "/mine/channels"),
    ("protections", "/mine/protections"),
    ("key", "/mine/key"),
)
"""Her pages, in their order: the key under `mine.tab.`, and the path."""

DONE: Final = frozenset(
    {"stopped", "back", "back-nothing", "agreed", "objected", "noted", "kept", "forgotten", "permitted", "withdrawn"}
    | {"reads-along", "reads-along-not", "comment", "attend", "attend-not", "here"}
)
"""What a page says after a form that was good, a key under `mine.done.`."""

SAID: Final = SAID_TO_HER | {
    *("no-such-case", "no-such-language", "bad-address", "bad-domain", "bad-number", "wish-too-long", "wish-too-many"),
    *("no-such-step", "changed-meanwhile", "answer-noted", "answer-too-late"),
}
"""Errors that are about what she wrote or pressed. No other is shown."""


def words(language: str) -> Callable[..., str]:
    """The sentences of her pages, under `mine.`."""

    def told(key: str, **values: object) -> str:
        return say(language, f"mine.{key}", **values)

    return told


def done(said: str) -> str:
    """What a page is asked to say, if that is one of ours."""
    return said if said in DONE else ""
