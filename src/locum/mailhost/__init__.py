"""The small program on a Dovecot host: takes values, writes scripts, answers yes or no about hers. Its own user.

Run as `locum-mailhost`, it reads one JSON request per line and answers each with one line of JSON; what it may touch is
said on its command line, which sudo's rules fix, and never in a request. No dependence besides the standard library.
What must not live here: any credential, Sieve from outside, anything of a case.

    {"do": "publish", "items": [{"user": ..., "place": "before" or "after", "replies": [...], "expect": ...}]}
    {"do": "look", "users": [...]}
    {"do": "try"}
 -> {"results": [{"digest": ...} or {"hers": {"vacation": true, ...}} or {"error": {"code": ..., "key": ..., "values": ...}}]}
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Unreachable, Unsupported
from locum.mailhost.following import Follower, following, is_followed
from locum.mailhost.judging import run_program
from locum.mailhost.looking import look
from locum.mailhost.publishing import (
    AHEAD,
    PLACES,
    Item,
    Places,
    Published,
    checked_user,
    publish,
    try_out,
)
from locum.measure import from_json, to_json
from locum.sieve import Hers

__all__ = [
    "AHEAD",
    "PLACES",
    "Item",
    "Places",
    "Published",
    "ask",
    "checked_user",
    "is_followed",
    "look",
    "main",
    "publish",
    "publish_request",
    "run_program",
    "try_out",
]

_KINDS: dict[str, type[LocumError]] = {
    kind.code: kind for kind in (Invalid, Conflict, Unsupported, Unreachable, Rejected, Garbled)
}
_HERS = ("vacation", "reject", "redirect", "stop")
Answer = str | Hers | LocumError


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What this run of the program may touch, from its command line."""

    directory: Path | None
    script: str
    config: Path | None

    def program(self, name: str) -> list[str]:
        return [name] if self.config is None else [name, "-c", str(self.config)]

    def publish(self, items: Sequence[Item]) -> Sequence[str | LocumError]:
        if self.directory is None:
            raise Rejected("mailhost-not-allowed", what="publish")
        return publish(self.directory, items, sievec=self.program("sievec"))

    def try_out(self) -> Sequence[str | LocumError]:
        if self.directory is None:
            raise Rejected("mailhost-not-allowed", what="publish")
        return [try_out(self.directory, sievec=self.program("sievec"))]

    def look(self, users: Sequence[str]) -> Sequence[Hers | LocumError]:
        if not self.script:
            raise Rejected("mailhost-not-allowed", what="look")
        return look(users, self.script, doveadm=self.program("doveadm"))


def main(arguments: Sequence[str] | None = None) -> int:
    """The program `locum-mailhost`. Gives back 0; whatever went wrong is in the answers."""
    options = argparse.ArgumentParser(prog="locum-mailhost", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--directory", type=Path, help="publish here; without it nothing can be published")
    options.add_argument("--script", default="", help='where her active script lies: "{home}/.dovecot.sieve"')
    options.add_argument(
        "--follow", action="store_true", help="answer no requests, but move scripts behind hers as soon as hers answers"
    )
    options.add_argument("--config", type=Path, help="Dovecot's configuration file, where it is not the usual one")
    given = options.parse_args(arguments)
    allowed = Allowed(directory=given.directory, script=given.script, config=given.config)
    return follow(allowed) if given.follow else serve(allowed, sys.stdin, sys.stdout)


def follow(allowed: Allowed, seconds: float = 1.0) -> int:
    """Follow until stopped; trouble is said once on standard error and tried again. 2 where it may not do this."""
    if allowed.directory is None or not allowed.script:
        sys.stderr.write("--follow needs --directory and --script\n")
        return 2
    follower = Follower(allowed.directory, allowed.script, allowed.program("doveadm"), allowed.look, allowed.publish)
    said = ""
    while True:
        try:
            with following(allowed.directory):
                while True:
                    follower.follow()
                    said = ""
                    time.sleep(seconds)
        except LocumError as error:
            if str(error) != said:
                said = str(error)
                sys.stderr.write(f"{said}\n")
        time.sleep(seconds)


def serve(allowed: Allowed, requests: TextIO, answers: TextIO) -> int:
    """Answer each line with a line, until there are no more."""
    for line in requests:
        try:
            answer: dict[str, object] = {"results": [_told(one) for one in _obey(allowed, line)]}
        except LocumError as error:
            answer = _told(error)
        print(json.dumps(answer), file=answers, flush=True)
    return 0


def _obey(allowed: Allowed, line: str) -> Sequence[Answer]:
    try:
        match json.loads(line):
            case {"do": "publish", "items": list(items)}:
                wanted = [_item(item) for item in items]
            case {"do": "look", "users": list(users)}:
                return allowed.look([str(user) for user in users])
            case {"do": "try"}:
                return allowed.try_out()
            case _:
                raise Garbled("mailhost-garbled")
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled("mailhost-garbled") from error
    return allowed.publish(wanted)


def _item(value: dict[str, object]) -> Item:
    replies = value["replies"]
    if not isinstance(replies, list):
        raise TypeError("list expected")
    user, place, expect = (str(value[name]) for name in ("user", "place", "expect"))
    return Item(user=user, place=place, replies=tuple(from_json(reply) for reply in replies), expect=expect)


def _told(answer: Answer) -> dict[str, object]:
    if isinstance(answer, LocumError):
        return {"error": {"code": answer.code, "key": answer.key, "values": answer.values}}
    if isinstance(answer, str):
        return {"digest": answer}
    return {"hers": {name: getattr(answer, name) for name in _HERS}}


# --- the other end: whoever runs the program


def ask(command: Sequence[str], request: dict[str, object]) -> list[Answer]:
    """Run the program with one request, and give back its results. Raises Trouble."""
    done = run_program(command, json.dumps(request) + "\n")
    try:
        answer = json.loads(done.stdout.splitlines()[0])
        if "error" in answer:
            raise _error(answer["error"])
        return [_result(one) for one in answer["results"]]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        kind = Rejected if done.returncode else Garbled
        raise kind("mailhost-no-answer", program=command[0], status=done.returncode) from error


def publish_request(items: Sequence[Item]) -> dict[str, object]:
    """What `ask` needs to publish."""
    told = [
        {"user": one.user, "place": one.place, "replies": [to_json(r) for r in one.replies], "expect": one.expect}
        for one in items
    ]
    return {"do": "publish", "items": told}


def _result(value: dict[str, object]) -> Answer:
    match value:
        case {"digest": str(digest)}:
            return digest
        case {
            "hers": {"vacation": bool(vacation), "reject": bool(reject), "redirect": bool(redirect), "stop": bool(stop)}
        }:
            return Hers(vacation=vacation, reject=reject, redirect=redirect, stop=stop)
        case {"error": dict(error)}:
            return _error(error)
    raise ValueError("no result")


def _error(value: dict[str, object]) -> LocumError:
    values = value["values"]
    if not isinstance(values, dict):
        raise TypeError("values expected")
    return _KINDS[str(value["code"])](str(value["key"]), **{str(name): text for name, text in values.items()})
