"""Dovecot's log, read for who logged in to whose mailbox, how much was read there, and what went out by filter rules.

    imap-login: Login: user=<anna@corp.test>, auth_user=<locum>, method=PLAIN, ..., session=<...>
    imap(anna@corp.test)<pid><session>: Disconnected: ... deleted=0 expunged=0 ... hdr_count=2 ... body_count=1 ...

Who logged in for her is `auth_user`, which Dovecot writes only where it is told to (docs/operate.md). User names are what
somebody typed until a login succeeded, message ids are strangers' text: a line counts only where it begins as the program that
writes it begins it, and its numbers stand at its end. What must not live here: whether an access was right.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from locum.connectors.followed_log import kept, news, place_and_rest
from locum.seam import Access, Accesses, Finding, Sent

_BEGINS = rb"(?:\S+ dovecot(?:\[\d+\])?: )?"
_LOGIN = re.compile(
    _BEGINS + rb"(?P<service>imap|pop3|managesieve|submission)-login: (?:Info: )?Login: (?P<told>user=<.*)\n"
)
_PAIR = re.compile(rb"(?:^|, )([a-z_]+)=<([^<>]*)>")
_LOGOUT = re.compile(
    _BEGINS
    + rb"(?P<service>imap|pop3|managesieve|submission)\((?P<user>[^()]*)\)<\d+><(?P<session>[^<>]*)>(?:<[^<>]*>)*: "
    rb"(?:Info: )?(?:Disconnected|Logged out|Connection closed)(?P<rest>.*)\n"
)
_COUNTS = re.compile(rb"(?: |^)([a-z_]+)=(\d+)(?:/\d+)?,?(?= |$)")
_AT_END = re.compile(rb"((?:[a-z_]+=\d+(?:/\d+)?,? ?)+)$")
_SIEVE = _BEGINS + rb"(?:lmtp|lda)\((?P<user>[^()]*)\)(?:<[^<>]*>)*: (?:Info: )?(?:sieve: )?msgid=.*: "
_REPLY = re.compile(_SIEVE + rb"(?:vacation action: )?sent vacation response to <[^<>]*>\s*")
_COPY = re.compile(_SIEVE + rb"(?:redirect action: )?forwarded to <(?P<to>[^<>\n]*)>\s*")
_FORGOTTEN_AFTER = timedelta(days=8)
_MOST = 2000
_LOOKED_AT = 1 << 20
MANAGESIEVE, IMAP = "managesieve", "imap"


def not_noted(_service: str, _user: str) -> None:
    """Nobody compares these logins with what the mail system tells."""


@dataclass(slots=True)
class _Found:
    """What was found so far. `opened` are sessions by an identity of ours that go on, by their name: who, where, since when."""

    opened: dict[str, list[str]]
    accesses: dict[str, Access] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    says_who: bool = True


class AccessLog:
    """The log at `path`; its times are in `zone`, this machine's if None. `identities` are the names that log in for others; one that
    ends in * is how they begin.
    """

    def __init__(self, path: Path, identities: Collection[str], zone: tzinfo | None = None) -> None:
        self.path, self._zone = path, zone
        named = {one.lower() for one in identities if one}
        self.identities = frozenset(one for one in named if not one.endswith("*"))
        self._begins = tuple(one.removesuffix("*") for one in named if one.endswith("*"))

    def check(self) -> Finding:
        """Whether it shows what is needed, by its newest login line."""
        values = (("log", str(self.path)),)
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - _LOOKED_AT))
                logins = [line for line in file if b"-login: " in line and b"Login: user=<" in line]
        except OSError:
            return Finding(key="access.unreadable", holds=None, values=values)
        if not logins:
            return Finding(key="access.shows-no-login-yet", holds=None, values=values)
        shows = b", auth_user=<" in logins[-1]
        return Finding(
            key=f"access.{'shows-who' if shows else 'shows-not-who'}", holds=True if shows else None, values=values
        )

    def accesses(self, place: bytes) -> Accesses:
        """What was written since `place`. See seam.TellsAccess."""
        troubles = []
        try:
            at, rest = place_and_rest(place)
        except ValueError:
            at, rest, troubles = None, {}, ["place-lost"]
        told = news(self.path, at, self._zone)
        troubles += told.troubles
        opened = rest.get("opened", {})
        found = _Found(dict(opened) if isinstance(opened, dict) else {})
        for instant, line in told.lines:
            self._take(found, instant, line)
        if (self.identities or self._begins) and not found.says_who:
            troubles.append("says-not-who")
        read_to = told.lines[-1][0] if told.lines else None
        return Accesses(
            place=kept(told.place, {"opened": _still(found.opened, read_to)}),
            accesses=tuple(found.accesses.values()),
            sent=tuple(found.sent),
            troubles=tuple(troubles),
        )

    def _take(self, found: _Found, at: datetime, line: bytes) -> None:
        if b"-login: " in line and (login := _LOGIN.fullmatch(line)):
            self._login(found, at, login)
        elif b"=" in line and (logout := _LOGOUT.fullmatch(line)):
            _logout(found, at, logout)
        elif b"sent vacation response to <" in line and (reply := _REPLY.fullmatch(line)):
            found.sent.append(Sent(user=_text(reply["user"]), at=at))
        elif b"forwarded to <" in line and (copy := _COPY.fullmatch(line)):
            found.sent.append(Sent(user=_text(copy["user"]), at=at, to=_text(copy["to"]).lower()))

    def _login(self, found: _Found, at: datetime, login: "re.Match[bytes]") -> None:
        pairs = dict(reversed(_PAIR.findall(login["told"])))  # the first of a name counts
        user, who = _text(pairs.get(b"user", b"")), _text(pairs.get(b"auth_user", b""))
        service, session = _text(login["service"]), _text(pairs.get(b"session", b""))
        if b"auth_user" not in pairs:
            found.says_who = False
            who = user
        if who.lower() not in self.identities and not (self._begins and who.lower().startswith(self._begins)):
            return
        key = session or f"{at.isoformat()} {len(found.accesses)}"
        found.accesses[key] = Access(user=user, identity=who, service=service, at=at)
        found.opened[key] = [who, service, at.isoformat()]


def _logout(found: _Found, at: datetime, logout: "re.Match[bytes]") -> None:
    session = _text(logout["session"])
    if (known := found.opened.pop(session, None)) is None:
        return
    who, service, since = known
    end = _AT_END.search(logout["rest"])
    counts = {name: int(many) for name, many in _COUNTS.findall(end[1] if end else b"")}
    found.accesses[session] = Access(
        user=_text(logout["user"]),
        identity=who,
        service=service,
        at=datetime.fromisoformat(since),
        begun=session in found.accesses,
        until=at,
        headers=_of(counts, b"hdr_count", b"top"),
        bodies=_of(counts, b"body_count", b"retr"),
        deleted=_sum(counts, b"deleted", b"expunged", b"del"),
    )


def _of(counts: dict[bytes, int], *names: bytes) -> int | None:
    return next((counts[name] for name in names if name in counts), None)


def _sum(counts: dict[bytes, int], *names: bytes) -> int | None:
    found = [counts[name] for name in names if name in counts]
    return max(found) if found else None


def _still(opened: dict[str, list[str]], read_to: datetime | None) -> dict[str, list[str]]:
    """Sessions that may still end; those that never will (a server that fell over) are forgotten after a week."""
    if read_to is None:
        return opened
    recent = {name: one for name, one in opened.items() if read_to - datetime.fromisoformat(one[2]) < _FORGOTTEN_AFTER}
    return dict(list(recent.items())[-_MOST:])


def _text(value: bytes) -> str:
    """As text that may stand in an entry."""
    text = unicodedata.normalize("NFC", value.decode("utf-8", "replace"))
    return "".join(sign if sign.isprintable() else "?" for sign in text)
