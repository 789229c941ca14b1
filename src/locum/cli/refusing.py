"""What there is no code path for (decision 0005), refused by the names under which people ask for it first.

Each name leads to a sentence, a clause, and what to do instead. Nothing is recorded, and nothing else lives here.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

import typer

from locum.cli.door import Door, command
from locum.errors import LocumError, Refused

NEVER: Mapping[str, tuple[int, tuple[str, ...]]] = MappingProxyType(
    {
        "password-reset": (5, ("password-reset", "reset-password", "password", "new-password")),
        "full-access": (5, ("full-access", "mailbox-delegation", "delegation", "delegate", "permissions", "send-as")),
        "quota": (5, ("quota", "lower-quota", "bounce", "block")),
        "forward-all": (9, ("forward-all", "redirect", "redirect-all")),
        "read-mail": (10, ("read-mail", "read", "open-mailbox", "export", "copy-mailbox")),
        "investigate": (1, ("investigate", "investigation", "monitor", "audit", "check-up")),
    }
)
"""Each refusal: its clause, and the names that lead to it. Its sentences are under `errors.never-<name>`."""


def register(group: typer.Typer) -> None:
    """Add every name to the commands under `locum request`; none is listed by --help."""
    for what, (clause, names) in NEVER.items():
        for name in names:
            command(group, name, "refused", anything=True, hidden=True)(_refusal(what, clause))


def _refusal(what: str, clause: int) -> Callable[[Door], int]:
    def refuse(door: Door) -> int:
        with suppress(LocumError):  # only for the organisation's language
            _ = door.settings
        raise Refused(f"never-{what}", clause=clause)

    return refuse
