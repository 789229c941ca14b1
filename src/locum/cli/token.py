"""`locum token`: tokens of the API, for other programs. A token is printed once, when it is made, and never again."""

import os
import pwd
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli.door import Door, command, early_language, helped
from locum.cli.output import put, put_json, put_table
from locum.errors import Refused
from locum.measure import instant
from locum.messages import say

if TYPE_CHECKING:
    from locum.access_tokens import AccessToken, AccessTokens

_DAYS = 90


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(group, name="token", help=helped("token"))
    command(group, "new", "token-new")(new)
    command(group, "list", "token-list")(listed)
    command(group, "end", "token-end")(end)


def _helped(key: str) -> str:
    return say(early_language(), f"api.help.{key}")


For = Annotated[str, typer.Option("--for", metavar="PERSON", help=_helped("for"))]
Scopes = Annotated[list[str], typer.Option("--scope", metavar="SCOPE", help=_helped("scope"))]
Days = Annotated[int, typer.Option("--days", metavar="DAYS", help=_helped("days"))]
TokenId = Annotated[str, typer.Argument(metavar="ID", help=_helped("id"))]


def new(door: Door, *, for_: For, scope: Scopes, days: Days = _DAYS) -> int:
    """Make a token that acts as a person, and print it: the only time that it can be seen."""
    from locum.access_tokens import scopes_of  # noqa: PLC0415  the store is slow to import

    acting = door.app.acting(for_)
    token, made = _tokens(door).make(acting.id, scopes_of(scope), days=days, made_by=_login())
    if door.json:
        put_json({"token": token, **token_shape(made)})
    else:
        put(token)
    _tell(door, "made", id=made.id, person=made.person, until=instant(made.expires_at))
    return 0


def listed(door: Door) -> int:
    """The tokens of those whom this user may act for, the newest first; never the tokens themselves."""
    found = [one for one in _tokens(door).all() if _may_act_for(door, one.person)]
    if door.json:
        put_json([token_shape(one) for one in found])
    elif found:
        columns = ("id", "person", "scopes", "expires", "used", "ended", "made-by")
        put_table([_said(door, f"column.{name}") for name in columns], [_row(one) for one in found])
    else:
        _tell(door, "none")
    return 0


def end(door: Door, *, token_id: TokenId) -> int:
    """Have a token work no more, at once."""
    tokens = _tokens(door)
    person = tokens.get(token_id).person
    if not _may_act_for(door, person):
        raise Refused("may-not-act-as", user=_login(), person=person)
    ended = tokens.end(token_id)
    if door.json:
        put_json(token_shape(ended))
    _tell(door, "ended", id=ended.id, person=ended.person)
    return 0


def token_shape(one: "AccessToken") -> dict[str, object]:
    """A token as --json tells it."""
    return {
        "id": one.id,
        "person": one.person,
        "scopes": sorted(one.scopes),
        "made_by": one.made_by,
        "made_at": instant(one.made_at),
        "expires_at": instant(one.expires_at),
        "used_at": one.used_at and instant(one.used_at),
        "ended_at": one.ended_at and instant(one.ended_at),
    }


def _row(one: "AccessToken") -> list[str]:
    times = (one.expires_at, one.used_at, one.ended_at)
    told = [at.strftime("%Y-%m-%d %H:%M") if at else "" for at in times]
    return [one.id, one.person, " ".join(sorted(one.scopes)), *told, one.made_by]


def _tokens(door: Door) -> "AccessTokens":
    from locum.access_tokens import AccessTokens  # noqa: PLC0415  the store is slow to import

    return AccessTokens(door.app.store.database, door.app.clock, door.app.random)


def _login() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _may_act_for(door: Door, person: str) -> bool:
    return person == _login() or door.settings.may_act_as(_login(), person)


def _said(door: Door, key: str, **values: object) -> str:
    return say(door.language, f"api.{key}", **values)


def _tell(door: Door, key: str, **values: object) -> None:
    print(_said(door, f"said.{key}", **values), file=sys.stderr, flush=True)  # noqa: T201
