"""Looking: does her active script have vacation, reject, redirect or stop? Yes or no, how many redirects, and to which
addresses of the domains asked about (a circle of forwards is found by those); nothing else leaves here.

Her files are read with whatever rights this process has, and never kept, shown or logged. Where an answer cannot be
told for certain it is yes. What must not live here: writing anything at all.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from locum import sieve
from locum.errors import Invalid, LocumError, Rejected
from locum.mailhost.judging import run_program
from locum.mailhost.places import checked_user
from locum.sieve import Hers

_LARGEST = 1 << 20
_NONE = b"# no script\r\n"
_DOUBT = None
_ELSEWHERE = "…"


def look(
    users: Sequence[str], script: str, *, doveadm: Sequence[str] = ("doveadm",), domains: Sequence[str] = ()
) -> list[Hers | LocumError]:
    """What the active script of each of `users` has, in order; an error is a result.

    `script` says where it lies: a path with {home} (asked of `doveadm user`), {user}, {local}, {domain}, for instance
    "{home}/.dovecot.sieve". No file, or a link to none, is no script. Personal scripts that it includes are looked for
    beside it. Of the addresses she redirects to, those in `domains` are told, of
    others that there are some (`…`). Raises Invalid where `script` names
    something else.
    """
    homes = _homes(users, doveadm) if "{home}" in script else {}
    inside = frozenset(name.lower() for name in domains)
    return [_within(_look(user, script, homes), inside) for user in users]


def _within(seen: Hers | LocumError, domains: frozenset[str]) -> Hers | LocumError:
    """What she redirects to, told only where it is inside; of all others, that there are such."""
    if isinstance(seen, LocumError) or not seen.redirects_to:
        return seen
    told = (address.strip().strip("<>").lower() for address in seen.redirects_to)
    shown = (one if one.rpartition("@")[2] in domains else _ELSEWHERE for one in told)
    return replace(seen, redirects_to=tuple(dict.fromkeys(shown)))


def paths(users: Sequence[str], script: str, doveadm: Sequence[str]) -> dict[str, Path]:
    """Where the active script of each lies; those that cannot be told are left out. Raises Trouble."""
    homes = _homes(users, doveadm) if "{home}" in script else {}
    return {user: path for user in users if (path := _path_or_none(user, script, homes)) is not None}


def _path_or_none(user: str, script: str, homes: dict[str, str]) -> Path | None:
    try:
        return _path(checked_user(user), script, homes)
    except Invalid:
        raise
    except LocumError:
        return None


def _look(user: str, script: str, homes: dict[str, str]) -> Hers | LocumError:
    try:
        path = _path(checked_user(user), script, homes)
        beside = Path(os.path.realpath(path)).parent
        return sieve.examine(_text(path, user), lambda name: _included(beside, name))
    except LocumError as error:
        return error
    except OSError:
        return Rejected("looking-forbidden", user=user)


def _path(user: str, script: str, homes: dict[str, str]) -> Path:
    if "{home}" in script and not homes.get(user):
        raise Rejected("looking-unknown", user=user)
    local, _, domain = user.rpartition("@")
    try:
        return Path(script.format(home=homes.get(user, ""), user=user, local=local or user, domain=domain))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise Invalid("looking-path", script=script) from error


def _text(path: Path, user: str) -> bytes:
    try:
        text = _regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return _NONE
    if text is None:
        raise Rejected("looking-forbidden", user=user)
    return text


def _included(folder: Path, name: str) -> bytes | None:
    """A script that hers includes; None, which is doubt, for one that cannot be read."""
    if not name or "/" in name or "\0" in name or name.startswith("."):
        return _DOUBT
    try:
        return _regular(folder / f"{name}.sieve")
    except (OSError, ValueError):
        return _DOUBT


def _regular(path: Path) -> bytes | None:
    """The contents of a plain file of bearable size, else None. Never waits, whatever she put there."""
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        facts = os.fstat(opened)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
            return None
        return file.read()


def _homes(users: Sequence[str], doveadm: Sequence[str]) -> dict[str, str]:
    """Where Dovecot says they live: one question for all, and one for each where not all are known."""
    safe = [user for user in users if _is_safe(user)]
    if not safe:
        return {}
    asked = run_program([*doveadm, "user", "-f", "home", *safe])
    lines = asked.stdout.splitlines()
    if asked.returncode == 0 and len(lines) == len(safe):
        return dict(zip(safe, lines, strict=True))
    if len(safe) == 1:
        return {}
    return {user: home for user in safe for home in _homes([user], doveadm).values()}


def _is_safe(user: str) -> bool:
    """Not an option of doveadm's, and not a mask, with which it would answer for others."""
    try:
        return not checked_user(user).startswith("-") and not set(user) & set("*?")
    except Invalid:
        return False
