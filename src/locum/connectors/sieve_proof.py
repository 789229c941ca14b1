"""What `locum check` says of a ManageSieve connector: reach, TLS, extensions, whose scripts, and that IMAP refuses it.

The proof is by trying: the login that ManageSieve has just accepted for a mailbox is given to IMAP, as itself and for
that mailbox; no mailbox is ever selected. What could not be tried is a warning, never a success. What must not live
here: changing anything on the mail system.
"""

import imaplib
import ssl
from typing import Protocol

from locum.connectors.access_log import IMAP, AccessLog
from locum.connectors.sieve_shelf import Stood
from locum.connectors.sieve_wire import Answer, Wire
from locum.errors import LocumError
from locum.seam import Finding, Report

REQUIRED = ("vacation", "envelope", "date", "relational", "body", "include")  # what locum.sieve writes
IMAP_PORTS = (143, 993)
IMPLICIT_TLS = 993
SECONDS = 30  # Dovecot answers a refused login late, and later each time


class Login(Protocol):
    """What the proof needs of the connector."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def login(self) -> str: ...
    @property
    def tls(self) -> str: ...
    @property
    def imap_host(self) -> str: ...
    @property
    def imap_port(self) -> int: ...

    def connect(self) -> Wire: ...
    def authenticate(self, wire: Wire, user: str) -> Answer: ...
    def tls_context(self) -> ssl.SSLContext: ...
    def secret(self) -> bytes: ...
    def secret_is_open(self) -> bool: ...
    def notes(self, service: str, user: str, /) -> None: ...
    @property
    def log(self) -> AccessLog | None: ...


def report(login: Login, mailbox: str) -> Report:
    """Everything, as findings; Trouble on the way is a finding too. `mailbox`: whose name to try with, "" for none."""
    found = [Finding(key="managesieve.secret-open", holds=False)] if login.secret_is_open() else []
    accepted = False
    try:
        with login.connect() as wire:
            found += _reached(login, wire)
            said, accepted = _acting(login, wire, mailbox)
            found += said
    except LocumError as error:
        found.append(_trouble("managesieve.does-not-reach", error, _server(login)))
    found += _imap(login, mailbox, accepted=accepted)
    told = Finding(key="access.not-given", holds=None) if login.log is None else login.log.check()
    return (*found, Finding(key="managesieve.redirects", holds=None), told)


def room(stood: Stood, most: str) -> Report:
    """Whether one redirect more fits beside hers. `most` is MAXREDIRECTS (RFC 5804 1.7), "" where the server does not say."""
    hers = stood.judged.redirects if stood.judged is not None else 0
    if not most.isdecimal():
        fits, key = not hers, "managesieve.forward-room-unknown" if hers else "managesieve.forward-no-redirects"
    else:
        fits = hers + 1 <= int(most)
        key = "managesieve.forward-room" if fits else "managesieve.forward-no-room"
    return (Finding(key=key, holds=fits, values=(("hers", str(hers)), ("most", most or "?"))),)


def _reached(login: Login, wire: Wire) -> list[Finding]:
    offered = set(wire.capabilities.get("SIEVE", "").lower().split())
    missing = sorted(set(REQUIRED) - offered)
    values = (("missing", ", ".join(missing)), ("server", wire.capabilities.get("IMPLEMENTATION", "?")[:80]))
    found = [
        Finding(key="managesieve.reaches", holds=True, values=(*_server(login), *values[1:])),
        Finding(key="managesieve.tls" if wire.secure else "managesieve.no-tls", holds=wire.secure or None),
        Finding(
            key="managesieve.extensions-missing" if missing else "managesieve.extensions",
            holds=not missing,
            values=values,
        ),
    ]
    if "VERSION" not in wire.capabilities:  # RFC 5804 1.7: without it there is no CHECKSCRIPT
        found.append(Finding(key="managesieve.too-old", holds=False, values=values[1:]))
    return found


def _acting(login: Login, wire: Wire, mailbox: str) -> tuple[list[Finding], bool]:
    """Log in for the mailbox, and whether that was accepted."""
    if not mailbox:
        return [Finding(key="managesieve.no-sample", holds=None)], False
    values = (("mailbox", mailbox), ("user", login.login))
    try:
        wire.listing(login.authenticate(wire, mailbox))
    except LocumError as error:
        return [_trouble("managesieve.login-fails", error, values)], False
    owned = "OWNER" in wire.capabilities
    owner = Finding(key="managesieve.owner" if owned else "managesieve.no-owner", holds=owned or None, values=values)
    return [Finding(key="managesieve.login", holds=True, values=values), owner], True


def _imap(login: Login, mailbox: str, *, accepted: bool) -> list[Finding]:
    """Whether IMAP refuses the login, as itself and for the mailbox. It counts only if ManageSieve has just accepted it."""
    identities = ["", mailbox] if mailbox else [""]
    tried = {identity: _lets_in(login, identity) for identity in identities}
    values = (("host", login.imap_host), ("user", login.login), ("mailbox", mailbox or "-"))
    if tried.get(mailbox) and mailbox:
        return [Finding(key="managesieve.imap-lets-in", holds=False, values=values)]
    if tried[""]:
        return [Finding(key="managesieve.imap-lets-itself-in", holds=False, values=values)]
    if None in tried.values():
        return [Finding(key="managesieve.imap-not-tried", holds=None, values=values)]
    if not accepted:
        return [Finding(key="managesieve.imap-not-proven", holds=None, values=values)]
    return [Finding(key="managesieve.imap-refuses", holds=True, values=values)]


def _lets_in(login: Login, authorize: str) -> bool | None:
    """Try IMAP with SASL PLAIN; None where it cannot be reached, offers no PLAIN, or says that it cannot tell now."""
    for port in [login.imap_port] if login.imap_port else IMAP_PORTS:
        try:
            with _session(login, port) as client:
                login.notes(IMAP, authorize or login.login)
                return _accepts(client, f"{authorize}\0{login.login}\0".encode() + login.secret())
        except (OSError, imaplib.IMAP4.error, LocumError):
            continue
    return None


def _session(login: Login, port: int) -> imaplib.IMAP4:
    """An IMAP session under TLS where ManageSieve asks for it too."""
    if port == IMPLICIT_TLS:
        return imaplib.IMAP4_SSL(login.imap_host, port, ssl_context=login.tls_context(), timeout=SECONDS)
    client = imaplib.IMAP4(login.imap_host, port, timeout=SECONDS)
    if login.tls == "required":
        client.starttls(login.tls_context())
    return client


def _accepts(client: imaplib.IMAP4, message: bytes) -> bool | None:
    if "AUTH=PLAIN" not in client.capabilities:
        return None
    try:
        client.authenticate("PLAIN", lambda _challenge: message)
    except imaplib.IMAP4.abort:
        return None
    except imaplib.IMAP4.error as error:
        # RFC 5530: UNAVAILABLE and the like say "not now"; that proves nothing
        return (
            None
            if any(code in str(error) for code in ("[UNAVAILABLE]", "[LIMIT]", "[SERVERBUG]", "[INUSE]"))
            else False
        )
    return True


def _server(login: Login) -> tuple[tuple[str, str], ...]:
    return (("host", login.host), ("port", str(login.port)))


def _trouble(key: str, error: LocumError, values: tuple[tuple[str, str], ...]) -> Finding:
    return Finding(key=key, holds=False, values=(*error.values.items(), *values, ("error", error.key)))
