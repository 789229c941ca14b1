"""Auto-replies over ManageSieve (RFC 5804), for Dovecot and Cyrus, on behalf of the mailbox by SASL authorization.

Ours is one script, `locum`: the replies, then an include of the script of hers that was active, which is never
touched. What lives here: connecting as the mailbox, read, write, many at once. What must not: the scripts of one
mailbox (sieve_shelf.py), bytes on the wire (sieve_wire.py), what a script says (locum.sieve), `check` (sieve_proof.py).
"""

import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self, TypeVar

from locum import sieve
from locum.absence import Mailbox
from locum.connectors import sieve_proof
from locum.connectors.access_log import MANAGESIEVE, AccessLog, not_noted
from locum.connectors.sieve_shelf import Shelf, Stood, restored_name
from locum.connectors.sieve_wire import Answer, Wire, command
from locum.errors import Conflict, Invalid, LocumError, Rejected, Trouble, Unreachable, Unsupported
from locum.measure import Can, Standing, Wanted, unsayable
from locum.seam import Accesses, Finding, Report

Item = TypeVar("Item")

PARKED = 40
PARKED_SECONDS = 5.0


class ManageSieve:
    """A mail system with ManageSieve. Settings, all by keyword:

    `host`, `port`; `user` and `secret_file`: the login that may act for others; `tls`: "required" (STARTTLS, certificate
    and host name verified; `ca_file` for an own authority) or "none" (loopback only); `user_template`: how the mail system names a
    mailbox ("{address}", "{local}" or a column of people.csv); `connections`: at most so many at once; `server`:
    "dovecot", "cyrus" or "auto"; `reads_mail`: what is known of the credential, where `server` does not say it; `imap_host`, `imap_port`:
    where `check` tries that it is refused; `local_queue`: the administrator states that the mail host hands what Sieve
    redirects to a local queue that takes it without looking at the receiver: without it nothing is forwarded; `sample`: a mailbox, as the mail system names it, that `check` tries with;
    `log`: where the mail system tells who logged in; `notes`: told the service and the mailbox of each login before it is tried.
    Raises Invalid where these cannot be meant.
    """

    kind = "managesieve"

    def __init__(
        self,
        *,
        name: str,
        host: str,
        user: str,
        secret_file: str | Path,
        port: int = 4190,
        tls: Literal["required", "none"] = "required",
        ca_file: str | Path | None = None,
        user_template: str = "{address}",
        connect_seconds: float = 5,
        answer_seconds: float = 20,
        connections: int = 4,
        server: Literal["auto", "dovecot", "cyrus"] = "auto",
        reads_mail: bool | None = None,
        imap_host: str | None = None,
        imap_port: int | None = None,
        sample: str = "",
        local_queue: bool = False,
        log: AccessLog | None = None,
        notes: Callable[[str, str], None] = not_noted,
    ) -> None:
        if tls not in ("required", "none") or (tls == "none" and not _is_loopback(host)):
            raise Invalid("managesieve-tls-needed", connector=name, host=host)
        self.name, self.host, self.port, self.login = name, host, port, user
        self.imap_host, self.imap_port, self.sample, self.tls = imap_host or host, imap_port or 0, sample, tls
        self.secret_file, self._ca_file = Path(secret_file), ca_file
        self._user_template, self._lanes = user_template, max(1, min(connections, 4))
        self._connect_seconds, self._answer_seconds = connect_seconds, answer_seconds
        self._stated = reads_mail
        self.log, self.notes = log, notes
        self.parked = Parked(most=PARKED, seconds=PARKED_SECONDS)
        # A filter script can always redirect new mail; Cyrus' proxyservers may log in to IMAP too unless shown otherwise.
        known = server == "cyrus" if reads_mail is None else reads_mail
        self.can: Can = replace(sieve.CAN, redirects_mail=True, reads_mail=known, at_once=PARKED, forwards=local_queue)

    def __repr__(self) -> str:
        return f"ManageSieve({self.name!r}, {self.host!r}, {self.port})"

    def user(self, mailbox: Mailbox) -> str:
        """How the mail system names this mailbox. Raises Invalid for names that could reach another place or speak SASL."""
        known = {"{address}": mailbox.address, "{local}": mailbox.local}
        named = known.get(self._user_template) or mailbox.columns.get(self._user_template, "")
        odd = any(ord(sign) < 0x20 or sign in "/\x7f" for sign in named)
        if not named or odd or named.startswith(".") or len(named.encode()) > 255:
            raise Invalid("managesieve-user", mailbox=mailbox.address.replace("\0", "?"))
        return named

    def read(self, mailbox: Mailbox) -> Standing:
        return _or_raise(self.read_many([mailbox])[0])

    def write(self, mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        return _or_raise(self.write_many([(mailbox, wanted, expect)])[0])

    def read_many(self, mailboxes: Sequence[Mailbox]) -> list[Standing | LocumError]:
        return self._each(mailboxes, self._read)

    def _read(self, lane: "_Lane", mailbox: Mailbox) -> Standing:
        user = self.user(mailbox)
        standing = lane.shelf(user).look().standing
        lane.park(user)
        return standing

    def write_many(self, items: Sequence[tuple[Mailbox, Wanted, Standing]]) -> list[Standing | LocumError]:
        return self._each(items, lambda lane, item: self._write(lane, *item))

    def check(self, sample: Mailbox | None = None) -> Report:
        """Reach, TLS, extensions, OWNER, and whether IMAP refuses the same login. `sample`: a mailbox to try with."""
        named = self.user(sample) if sample else self.sample
        report = sieve_proof.report(self, named)
        keys = {finding.key for finding in report}
        if keys & {"managesieve.imap-lets-in", "managesieve.imap-lets-itself-in"}:
            self.can = replace(self.can, reads_mail=True)
        elif "managesieve.imap-refuses" in keys:
            self.can = replace(self.can, reads_mail=False)
        return report

    def may_forward(self, mailbox: Mailbox) -> Report:
        """Whether this mailbox's mail may be forwarded, as far as can be told over ManageSieve. Never raises Trouble."""
        stated = "managesieve.forward-queue-stated" if self.can.forwards else "managesieve.forward-queue-unknown"
        queue = Finding(key=stated, holds=self.can.forwards, values=(("host", self.host),))
        try:
            with _Lane(self) as lane:
                shelf = lane.shelf(self.user(mailbox))
                return (queue, *sieve_proof.room(shelf.look(), lane.capability("MAXREDIRECTS")))
        except LocumError as error:
            values = (*error.values.items(), ("error", error.key))
            return (queue, Finding(key="managesieve.forward-trouble", holds=False, values=values))

    def _write(self, lane: "_Lane", mailbox: Mailbox, wanted: Wanted, expect: Standing) -> Standing:
        shelf = lane.shelf(self.user(mailbox))
        stood = shelf.look()
        if _stands(stood, wanted):
            return stood.standing
        if stood.revision != expect.revision:
            raise Conflict("managesieve-changed", mailbox=mailbox.address)
        self._refuse(mailbox, stood, wanted)
        if not wanted.measures:
            return shelf.put_back(stood, (stood.hers, restored_name(wanted.restore))).standing
        script = sieve.script(wanted.replies, include=stood.hers or None, forwards=wanted.forwards)
        return shelf.set(stood, script).standing

    def _refuse(self, mailbox: Mailbox, stood: Stood, wanted: Wanted) -> None:
        for measure in wanted.measures:
            for key in unsayable(self.can, measure):
                raise Unsupported(f"cannot-{key}", mailbox=mailbox.address, connector=self.name)
        if not wanted.measures:
            return
        if stood.taken:
            raise Rejected("managesieve-name-taken", mailbox=mailbox.address)
        if stood.rejects or (wanted.replies and stood.answers):
            raise Unsupported("managesieve-own-reply", mailbox=mailbox.address, script=stood.hers)

    def _each(self, items: Sequence[Item], act: Callable[["_Lane", Item], Standing]) -> list[Standing | LocumError]:
        """`act` for every item, on up to four connections; each lane takes every fourth item, one after the other."""
        lanes = min(self._lanes, len(items))
        if lanes <= 1:
            return self._lane(items, act)
        with ThreadPoolExecutor(lanes, thread_name_prefix=self.name) as pool:
            parts = list(pool.map(lambda start: self._lane(items[start::lanes], act), range(lanes)))
        return [parts[place % lanes][place // lanes] for place in range(len(items))]

    def _lane(self, items: Sequence[Item], act: Callable[["_Lane", Item], Standing]) -> list[Standing | LocumError]:
        results: list[Standing | LocumError] = []
        with _Lane(self) as lane:
            for item in items:
                try:
                    results.append(act(lane, item))
                except LocumError as error:
                    lane.leave()
                    results.append(error)
        return results

    def connect(self) -> Wire:
        """A connection, TLS started and verified, nobody authenticated. Raises Trouble."""
        wire = Wire(self.host, self.port, connect_seconds=self._connect_seconds, answer_seconds=self._answer_seconds)
        try:
            self._protect(wire)
        except BaseException:
            wire.close()
            raise
        if self._stated is None and "CYRUS" in wire.capabilities.get("IMPLEMENTATION", "").upper():
            self._stated = True
            self.can = replace(self.can, reads_mail=True)
        return wire

    def _protect(self, wire: Wire) -> None:
        if self.tls == "required":
            wire.start_tls(self.tls_context())
        elif not _is_loopback(wire.peer):
            raise Rejected("managesieve-no-tls", host=self.host, port=self.port)

    def authenticate(self, wire: Wire, user: str) -> Answer:
        """Log in for the mailbox `user` and make sure that it is hers; gives the answer to LISTSCRIPTS. Raises Trouble."""
        secret = self.secret()
        self.notes(MANAGESIEVE, user)
        wire.authenticate(self.login, secret, user)
        capabilities, listed = wire.run(command("CAPABILITY"), command("LISTSCRIPTS"))
        wire.know(capabilities)
        owner = wire.capabilities.get("OWNER")  # RFC 5804 1.7: whose scripts these are
        if owner is not None and owner not in (user, user.lower()):
            raise Rejected("managesieve-owner", host=self.host, mailbox=user)
        return listed

    @property
    def tells_access(self) -> bool:
        """Whether it is known where the mail system tells who logged in."""
        return self.log is not None

    def accesses(self, place: bytes) -> Accesses:
        """What is new of that. See seam.TellsAccess."""
        return Accesses(place=place) if self.log is None else self.log.accesses(place)

    def tls_context(self) -> ssl.SSLContext:
        """Verifies the certificate and the host name. Raises Rejected where the authority's file cannot be read."""
        try:
            return ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
        except OSError as error:
            raise Rejected("managesieve-ca-file", file=self._ca_file) from error

    def secret(self) -> bytes:
        """The credential, read anew each time so that it can be changed. Raises Rejected."""
        try:
            secret = self.secret_file.read_bytes().strip(b"\r\n")
        except OSError as error:
            raise Rejected("managesieve-secret-file", file=self.secret_file) from error
        if not secret or b"\0" in secret:
            raise Rejected("managesieve-secret-file", file=self.secret_file)
        return secret

    def secret_is_open(self) -> bool:
        """Whether others than its owner may read the secret's file."""
        try:
            return bool(self.secret_file.stat().st_mode & 0o077)
        except OSError:
            return False  # `secret` says so


class Parked:
    """Connections that were read on a moment ago, by mailbox, each still logged in for that mailbox alone. They are closed
    after some seconds, and never more than `most` are open: a stock Dovecot has a hundred processes for all.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._wires: dict[str, tuple[float, Wire]] = {}
        self._waits = False
        self._lock = threading.Lock()

    def put(self, user: str, wire: Wire) -> None:
        with self._lock:
            left_over = [wire] if len(self._wires) >= self._most or user in self._wires else []
            if not left_over:
                self._wires[user] = (time.monotonic(), wire)
        for one in left_over:
            one.close()
        self._look_later()

    def get(self, user: str) -> Wire | None:
        with self._lock:
            found = self._wires.pop(user, None)
        return None if found is None else found[1]

    def sweep(self) -> None:
        """Close what has been open for longer than it may."""
        oldest = time.monotonic() - self._seconds
        with self._lock:
            old = [user for user, (since, _) in self._wires.items() if since <= oldest]
            wires = [self._wires.pop(user)[1] for user in old]
            self._waits = False
        for wire in wires:
            wire.close()
        self._look_later()

    def _look_later(self) -> None:
        with self._lock:
            if self._waits or not self._wires:
                return
            self._waits = True
        timer = threading.Timer(self._seconds, self.sweep)
        timer.daemon = True
        timer.start()


class _Lane:
    """One connection at a time, for one mailbox after the other."""

    def __init__(self, connector: ManageSieve) -> None:
        self._connector = connector
        self._wire: Wire | None = None
        self._down: Unreachable | None = None
        self._failures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def capability(self, name: str) -> str:
        """What the server says of itself, "" where it says nothing."""
        return "" if self._wire is None else self._wire.capabilities.get(name, "")

    def park(self, user: str) -> None:
        """Leave the connection open for a moment: what was read is mostly written to next, and a login costs most of it."""
        if self._wire is not None and "UNAUTHENTICATE" not in self._wire.capabilities:
            self._connector.parked.put(user, self._wire)
            self._wire = None

    def shelf(self, user: str) -> Shelf:
        """The scripts of `user`: on a connection that was parked for her, on the same one where the server lets us go on,
        else on a fresh one.
        """
        if (parked := self._connector.parked.get(user)) is not None:
            self.leave()
            try:
                (listed,) = parked.run(command("LISTSCRIPTS"))
            except Trouble:
                parked.close()
            else:
                self._wire = parked
                return Shelf(parked, user, listed)
        if self._wire is not None and not self._freed(self._wire):
            self.leave()
        if self._wire is None:
            self._wire = self._fresh()
        return Shelf(self._wire, user, self._connector.authenticate(self._wire, user))

    def _freed(self, wire: Wire) -> bool:
        try:
            return wire.unauthenticate()
        except (Unreachable, Rejected):
            return False

    def _fresh(self) -> Wire:
        if self._down is not None and self._failures >= 2:
            raise Unreachable(
                self._down.key, clause=None, **self._down.values
            )  # not asked a third time: a batch would take hours
        try:
            wire = self._connector.connect()
        except Unreachable as error:
            self._down, self._failures = error, self._failures + 1
            raise
        self._failures = 0
        return wire


def _stands(stood: Stood, wanted: Wanted) -> bool:
    """Whether nothing is left to do."""
    if not wanted.measures:
        return stood.parsed is None
    replies = tuple(sorted(wanted.replies, key=lambda reply: reply.handle))
    forwards = tuple(sorted(wanted.forwards, key=lambda forward: forward.handle))
    return stood.live and not stood.in_the_way and (stood.replies, stood.forwards) == (replies, forwards)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _or_raise(result: Standing | LocumError) -> Standing:
    if isinstance(result, LocumError):
        raise result
    return result
