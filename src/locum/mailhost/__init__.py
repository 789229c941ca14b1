"""The small program on a Dovecot host: takes values, writes scripts, answers yes or no about hers. Its own user.

Run as `locum-mailhost`, it reads one JSON request per line and answers each with one line of JSON; what it may touch is
said on its command line, which sudo's rules fix, and never in a request. No dependence besides the standard library, but for
signatures.py, which --site loads, and cyrus.py, which --cyrus-admin does.
What must not live here: any credential, Sieve from outside, anything of a case.

    {"do": "publish", "items": [{"user", "place": "before" or "after", "replies": [...], "forwards": [...], "warrant", "expect"}]}
    {"do": "look", "users": [...], "domains": [...]}
    {"do": "try"}
    {"do": "grant", "name", "user", "secret"}, {"do": "withdraw", "user"}
 -> {"results": [{"digest": ...} or {"hers": {"vacation": true, ...}} or {"error": {"code": ..., "key": ..., "values": ...}}]}
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, TextIO

from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Unreachable, Unsupported
from locum.mailhost.following import Follower, following, forward_goes_behind, is_followed
from locum.mailhost.judging import most_redirects, run_program
from locum.mailhost.looking import look
from locum.mailhost.places import PLACES, Places, Published, checked_user
from locum.mailhost.publishing import AHEAD, Item, publish, try_out
from locum.mailhost.warranting import ASCII_LOWER, Forwarding, Signatures
from locum.measure import AutoReply, Forward, forward_to_json, measure_from_json, to_json
from locum.sieve import Hers

__all__ = [
    "AHEAD",
    "ASCII_LOWER",
    "PLACES",
    "SIGNED",
    "UNSIGNED",
    "Forwarding",
    "Item",
    "Places",
    "Published",
    "ask",
    "checked_user",
    "forward_goes_behind",
    "is_followed",
    "look",
    "main",
    "most_redirects",
    "publish",
    "publish_request",
    "run_program",
    "try_out",
]

UNSIGNED = "unsigned-reviews"
"""What is said to `try` by a program that takes reviews nobody signed."""
SIGNED = "signed-reviews"
"""What is said to `try` by a program that checks signatures itself."""
_KINDS: dict[str, type[LocumError]] = {
    kind.code: kind for kind in (Invalid, Conflict, Unsupported, Unreachable, Rejected, Garbled)
}
_HERS = ("vacation", "reject", "redirect", "discard", "stop")
Answer = str | Hers | LocumError


class Granting(Protocol):
    """What gives and takes grants for searching (cyrus.py)."""

    def grant(self, name: str, user: str, secret: str) -> str: ...

    def withdraw(self, user: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What this run of the program may touch, from its command line. `forwarding`: `directory` is one of forwards."""

    directory: Path | None
    script: str
    config: Path | None
    forwarding: Forwarding | None = None
    cyrus: "Granting | None" = None

    def program(self, name: str) -> list[str]:
        return [name] if self.config is None else [name, "-c", str(self.config)]

    def publish(self, items: Sequence[Item]) -> Sequence[str | LocumError]:
        if self.directory is None:
            raise Rejected("mailhost-not-allowed", what="publish")
        return publish(self.directory, items, forwarding=self.forwarding, sievec=self.program("sievec"))

    def try_out(self) -> Sequence[str | LocumError]:
        if self.directory is None:
            raise Rejected("mailhost-not-allowed", what="publish")
        tried = try_out(self.directory, forwarding=self.forwarding, sievec=self.program("sievec"))
        if tried != "" or self.forwarding is None:
            return [tried]
        if self.forwarding.unsigned_reviews:
            return [UNSIGNED]
        return [SIGNED if self.forwarding.signatures is not None else tried]

    def look(self, users: Sequence[str], domains: Sequence[str] = ()) -> Sequence[Hers | LocumError]:
        if not self.script:
            raise Rejected("mailhost-not-allowed", what="look")
        return look(users, self.script, doveadm=self.program("doveadm"), domains=domains)

    def granting(self) -> "Granting":
        if self.cyrus is None:
            raise Rejected("mailhost-not-allowed", what="grant")
        return self.cyrus


def main(arguments: Sequence[str] | None = None) -> int:
    """The program `locum-mailhost`. Gives back 0; whatever went wrong is in the answers."""
    options = argparse.ArgumentParser(prog="locum-mailhost", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--directory", type=Path, help="publish here; without it nothing can be published")
    options.add_argument("--script", default="", help='where her active script lies: "{home}/.dovecot.sieve"')
    options.add_argument(
        "--forwards", action="store_true", help="publish forwards here, with a warrant, and nothing else"
    )
    options.add_argument("--user", default="{address}", help='how Dovecot names a mailbox: "{address}" or "{local}"')
    options.add_argument(
        "--unsigned-reviews", action="store_true", help="a trial: reviews count although nobody signed them"
    )
    options.add_argument("--site", default="", help="the address of the pages: approvals signed there count")
    options.add_argument(
        "--earlier-site",
        nargs=2,
        action="append",
        default=[],
        metavar=("URL", "DAY"),
        help="where the pages were, and the last day (UTC) there: approvals of before count",
    )
    options.add_argument("--founded", action="append", default=[], help="a later founding of the register that counts")
    options.add_argument(
        "--follow", action="store_true", help="answer no requests, but move scripts behind hers as soon as hers answers"
    )
    options.add_argument("--forward-directory", type=Path, help="with --follow: where forwards are published")
    options.add_argument("--config", type=Path, help="Dovecot's configuration file, where it is not the usual one")
    _cyrus_options(options)
    given = options.parse_args(arguments)
    if given.site and given.unsigned_reviews:
        options.error("--site and --unsigned-reviews exclude each other")
    signatures = _signatures(given.site, given.founded, given.earlier_site) if given.site else None
    if given.site and signatures is None:
        options.error("--site, --earlier-site: an address for which browsers make passkeys, and a day as 2026-12-01")
    forwarding = Forwarding(names=given.user, unsigned_reviews=given.unsigned_reviews, signatures=signatures)
    forwarding_or_none = forwarding if given.forwards else None
    allowed = Allowed(
        directory=given.directory,
        script=given.script,
        config=given.config,
        forwarding=forwarding_or_none,
        cyrus=_cyrus(given),
    )
    return follow(allowed, given.forward_directory) if given.follow else serve(allowed, sys.stdin, sys.stdout)


def _cyrus_options(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--cyrus-admin", default="", help="an administrator of Cyrus: grants for searching are given here"
    )
    options.add_argument("--cyrus-secret", type=Path, help="the file with the administrator's secret")
    options.add_argument("--cyrus-port", type=int, default=143, help="where IMAP listens on this machine")
    options.add_argument(
        "--cyrus-grants", type=Path, help="the password database (sasldb) of the service for searching"
    )
    options.add_argument(
        "--cyrus-processes", type=Path, help="Cyrus' proc folder: sessions of a grant are ended with it"
    )
    options.add_argument("--realm", default="localhost", help="of mailboxes without a domain")
    options.add_argument(
        "--saslpasswd2", default="saslpasswd2", help="the program of that name, where it lies elsewhere"
    )


def _cyrus(given: argparse.Namespace) -> Granting | None:
    """What gives grants; None where no administrator, no secret or no database is named."""
    if not (given.cyrus_admin and given.cyrus_secret and given.cyrus_grants):
        return None
    made: Granting = import_module("locum.mailhost.cyrus").Cyrus(
        admin=given.cyrus_admin,
        secret_file=given.cyrus_secret,
        port=given.cyrus_port,
        grants=given.cyrus_grants,
        processes=given.cyrus_processes,
        realm=given.realm,
        saslpasswd2=given.saslpasswd2,
    )
    return made


def _signatures(url: str, founded: Sequence[str], earlier: Sequence[Sequence[str]]) -> Signatures | None:
    """The check of signatures, which is loaded only where it is asked for: nothing else here needs more than the standard library."""
    checks: Signatures | None = import_module("locum.mailhost.signatures").signatures(url, founded, earlier)
    return checks


def follow(allowed: Allowed, forwards: Path | None = None, seconds: float = 1.0) -> int:
    """Follow until stopped; trouble is said once on standard error and tried again. 2 where it may not do this."""
    if allowed.directory is None or not allowed.script:
        sys.stderr.write("--follow needs --directory and --script\n")
        return 2
    said = ""
    while True:
        try:
            with ExitStack() as followed:
                followers = list(_followers(allowed, allowed.directory, forwards))
                for directory in (allowed.directory, *([forwards] if forwards else [])):
                    followed.enter_context(following(directory))
                while True:
                    for follower in followers:
                        follower.follow()
                    said = ""
                    time.sleep(seconds)
        except LocumError as error:
            if str(error) != said:
                said = str(error)
                sys.stderr.write(f"{said}\n")
        time.sleep(seconds)


def _followers(allowed: Allowed, replies: Path, forwards: Path | None) -> Iterator[Follower]:
    """One for each directory."""
    doveadm = allowed.program("doveadm")
    yield Follower(replies, allowed.script, doveadm, allowed.look, allowed.publish)
    if forwards is not None:
        # Nothing new is ever written here, so no review counts.
        theirs = dataclasses.replace(allowed, directory=forwards, forwarding=Forwarding())
        most = most_redirects(allowed.program("doveconf"))
        yield Follower(forwards, allowed.script, doveadm, allowed.look, theirs.publish, forward_goes_behind, most or 0)


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
            case {"do": "look", "users": list(users)} as asked:
                return allowed.look([str(user) for user in users], [str(one) for one in asked.get("domains", ())])
            case {"do": "try"}:
                return allowed.try_out()
            case {"do": "grant", "name": str(name), "user": str(user), "secret": str(secret)}:
                return [allowed.granting().grant(name, user, secret)]
            case {"do": "withdraw", "user": str(user)}:
                return [str(allowed.granting().withdraw(user))]
            case _:
                raise Garbled("mailhost-garbled")
    except (ValueError, KeyError, TypeError) as error:
        raise Garbled("mailhost-garbled") from error
    return allowed.publish(wanted)


def _item(value: dict[str, object]) -> Item:
    replies, forwards = value["replies"], value.get("forwards", [])
    if not isinstance(replies, list) or not isinstance(forwards, list):
        raise TypeError("list expected")
    measures = [measure_from_json(one) for one in (*replies, *forwards)]
    user, place, expect = (str(value[name]) for name in ("user", "place", "expect"))
    return Item(
        user=user,
        place=place,
        replies=tuple(one for one in measures if isinstance(one, AutoReply)),
        forwards=tuple(one for one in measures if isinstance(one, Forward)),
        warrant=str(value.get("warrant", "")).encode(),
        expect=expect,
    )


def _told(answer: Answer) -> dict[str, object]:
    if isinstance(answer, LocumError):
        return {"error": {"code": answer.code, "key": answer.key, "values": answer.values}}
    if isinstance(answer, str):
        return {"digest": answer}
    return {"hers": {name: getattr(answer, name) for name in (*_HERS, "redirects", "redirects_to")}}


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
    return {"do": "publish", "items": [_item_told(item) for item in items]}


def _item_told(item: Item) -> dict[str, object]:
    told: dict[str, object] = {"user": item.user, "place": item.place, "expect": item.expect}
    told["replies"] = [to_json(reply) for reply in item.replies]
    if item.forwards:
        told["forwards"] = [forward_to_json(forward) for forward in item.forwards]
        told["warrant"] = item.warrant.decode("utf-8", "replace")
    return told


def _result(value: dict[str, object]) -> Answer:
    match value:
        case {"digest": str(digest)}:
            return digest
        case {"hers": dict(hers)}:
            return _hers(hers)
        case {"error": dict(error)}:
            return _error(error)
    raise ValueError("no result")


def _hers(told: dict[str, object]) -> Hers:
    said = {name: told[name] for name in _HERS}
    count, addresses = told["redirects"], told["redirects_to"]
    if not all(isinstance(one, bool) for one in said.values()) or not isinstance(count, int):
        raise TypeError("yes or no expected")
    if addresses is not None and not isinstance(addresses, list):
        raise TypeError("list expected")
    known = None if addresses is None else tuple(str(one) for one in addresses)
    return Hers(redirects=count, redirects_to=known, **{name: bool(one) for name, one in said.items()})


def _error(value: dict[str, object]) -> LocumError:
    values = value["values"]
    if not isinstance(values, dict):
        raise TypeError("values expected")
    return _KINDS[str(value["code"])](str(value["key"]), **{str(name): text for name, text in values.items()})
