"""JMAP on the wire (RFC 8620): who is asked, the session, one request, and what its errors are in our words.

A connection is for one mailbox and is closed after it, so that nothing a server remembers of a connection reaches another mailbox.
Certificates are verified; plain http goes to this machine alone; a redirect, and the address for requests, are followed to the same
place only, since the credential goes with them. What is asked is not decided here.
"""

import base64
import ipaddress
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx2

from locum.errors import Conflict, Garbled, Invalid, LocumError, Rejected, Unreachable

CORE = "urn:ietf:params:jmap:core"
VACATION = "urn:ietf:params:jmap:vacationresponse"
MAIL = "urn:ietf:params:jmap:mail"
LARGEST = 4 * 1024 * 1024
_REDIRECTS = 3
_MOMENT = 30.0
_WELL_KNOWN = "/.well-known/jmap"

_ERRORS: Mapping[str, tuple[type[LocumError], str]] = {
    "stateMismatch": (Conflict, "one-place-changed"),
    **dict.fromkeys(("serverUnavailable", "serverFail", "serverPartialFail", "rateLimit"), (Unreachable, "jmap-later")),
    "accountNotFound": (Rejected, "jmap-account"),
    **dict.fromkeys(("forbidden", "accountReadOnly", "accountNotSupportedByMethod"), (Rejected, "jmap-forbidden")),
    "unknownMethod": (Rejected, "jmap-no-vacation"),
    **dict.fromkeys(("invalidArguments", "invalidResultReference", "?"), (Garbled, "jmap-garbled")),
}
"""What a method, or a change, may answer instead (RFC 8620 3.6.2 and 5.3); anything else was not set."""

_CUT_OFF = re.compile("disconnected|closed", re.IGNORECASE)

Call = tuple[str, Mapping[str, object]]
Said = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server and the credential for it. `user` with `secret` is HTTP Basic, `secret` alone a bearer token; `authorize_as`: the
    mailbox is named in a header (Cyrus), otherwise the credential itself reaches it, as an account. Raises Invalid `jmap-url`.
    """

    connector: str
    url: str
    user: str
    secret: Callable[[], str] = field(repr=False)
    authorize_as: bool
    ca_file: Path | None
    connect_seconds: float
    answer_seconds: float
    _known: dict[str, ssl.SSLContext] = field(default_factory=dict, repr=False)
    _sessions: "dict[str, tuple[float, Session]]" = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        """Nothing is sent where somebody could read along."""
        parts = urlsplit(self.url)
        odd = parts.username or parts.query or parts.fragment or not parts.hostname
        if odd or not _is_safe(parts.scheme, parts.hostname or ""):
            raise Invalid("jmap-url", connector=self.connector, url=self.url)

    @property
    def host(self) -> str:
        """Where it is, as it may be told."""
        parts = urlsplit(self.url)
        return parts.hostname or "" if parts.port is None else f"{parts.hostname}:{parts.port}"

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == "https"

    def headers(self, user: str) -> dict[str, str]:
        """What goes with every request. Raises Trouble, Invalid where the secret cannot be had."""
        given = self.secret()
        if not self.user and not re.fullmatch(r"[\x21-\x7e]+", given):
            raise Rejected("jmap-token", connector=self.connector)
        basic = base64.b64encode(f"{self.user}:{given}".encode()).decode()
        credential = {"Authorization": f"Basic {basic}" if self.user else f"Bearer {given}"}
        behalf = {"Authorize-As": user} if self.authorize_as and user else {}
        return {"Accept": "application/json", "User-Agent": "locum", **credential, **behalf}

    def tls(self) -> ssl.SSLContext:
        """Verifies certificate and host name. Raises Rejected `jmap-ca-file`."""
        with self._lock:
            if "tls" not in self._known:
                try:
                    self._known["tls"] = ssl.create_default_context(cafile=self.ca_file)
                except OSError as error:
                    raise Rejected("jmap-ca-file", connector=self.connector, file=self.ca_file) from error
            return self._known["tls"]

    @property
    def told(self) -> dict[str, Any]:
        """What every error says of it."""
        return {"connector": self.connector, "host": self.host}

    def session(self, user: str) -> "Session | None":
        """The session that was found for this mailbox a moment ago: what follows on a look needs none of its own."""
        with self._lock:
            since, known = self._sessions.get(user, (0.0, None))
        return known if time.monotonic() - since < _MOMENT else None

    def remember(self, user: str, session: "Session | None") -> None:
        """Remember it, for a moment; None forgets."""
        now = time.monotonic()
        with self._lock:
            for one in [name for name, (since, _) in self._sessions.items() if now - since >= _MOMENT] + [user]:
                self._sessions.pop(one, None)
            if session is not None:
                self._sessions[user] = now, session

    def garbled(self, what: str) -> Garbled:
        """An answer that is not understood."""
        return Garbled("jmap-garbled", what=what, **self.told)


@dataclass(frozen=True, slots=True)
class Session:
    """What the server says of itself, and of the account that is looked at (RFC 8620 section 2)."""

    address: str
    username: str
    capabilities: frozenset[str]
    account: str


class Wire:
    """One connection, for one mailbox; as nobody's where `user` is empty. `anew`: with the session as it is now."""

    def __init__(self, server: Server, user: str, *, anew: bool = False) -> None:
        self._server, self.user = server, user
        self._headers = server.headers(user)
        limit = httpx2.Timeout(server.answer_seconds, connect=server.connect_seconds)
        self._client = httpx2.Client(timeout=limit, trust_env=False, follow_redirects=False, verify=server.tls())
        self._session = None if anew else server.session(user)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()
        self._server.remember(self.user, None if error is not None else self._session)

    @property
    def session(self) -> Session:
        """The session, found by `.well-known/jmap` where the settings name no other address. Raises Trouble."""
        if self._session is None:
            self._session = self._found()
        return self._session

    def _found(self) -> Session:
        url = self._server.url
        url = url if urlsplit(url).path.strip("/") else url.rstrip("/") + _WELL_KNOWN
        for _ in range(_REDIRECTS + 1):
            status, body, location = self._exchanged("GET", url, None)
            if status not in (301, 302, 307, 308):
                return self._read_session(url, _table(self._server, self._answered(status, body)))
            url = self._same_place(url, location)
        raise self._server.garbled("redirects")

    def _same_place(self, url: str, other: str) -> str:
        there = urljoin(url, other)
        if _origin(there) != _origin(self._server.url):
            elsewhere = urlsplit(there).hostname or "?"
            raise Rejected("jmap-elsewhere", other=elsewhere, **self._server.told)
        return there

    def _read_session(self, url: str, said: Mapping[str, object]) -> Session:
        server = self._server
        capabilities, accounts, primary = (said.get(key) for key in ("capabilities", "accounts", "primaryAccounts"))
        address, username = said.get("apiUrl"), said.get("username")
        if not (isinstance(capabilities, dict) and isinstance(accounts, dict) and isinstance(primary, dict)):
            raise server.garbled("session")
        if not (isinstance(address, str) and address and isinstance(username, str) and CORE in capabilities):
            raise server.garbled("session")
        if VACATION not in capabilities:
            raise Rejected("jmap-no-vacation", **server.told)
        account = self.user
        if server.authorize_as and self.user:
            if username.casefold() != self.user.casefold():
                raise Rejected("jmap-somebody-else", host=server.host, mailbox=self.user)
            account = primary.get(VACATION, self.user)
        elif self.user:
            named = [
                one for one, about in accounts.items() if isinstance(about, dict) and about.get("name") == self.user
            ]
            account = named[0] if len(named) == 1 and self.user not in accounts else self.user
        if not isinstance(account, str):
            raise server.garbled("session")
        return Session(self._same_place(url, address), username, frozenset(capabilities), account)

    def ask(self, using: Sequence[str], *calls: Call) -> list[Said]:
        """One request with these calls, and what was said to each. Raises Trouble; an error of one call is `error` with its type."""
        named = [
            [name, {"accountId": self.session.account, **given}, str(at)] for at, (name, given) in enumerate(calls)
        ]
        content = json.dumps({"using": [CORE, *using], "methodCalls": named}).encode()
        status, body, _ = self._exchanged("POST", self.session.address, content)
        said = _table(self._server, self._answered(status, body)).get("methodResponses")
        found: dict[str, Said] = {}
        for one in said if isinstance(said, list) else ():
            match one:
                case [str(name), dict(values), str(at)]:
                    found.setdefault(at, (name, values))
        if found.keys() != {one[2] for one in named}:
            raise self._server.garbled("methodResponses")
        return [found[str(at)] for at in range(len(calls))]

    def told(self, said: Said, name: str) -> Mapping[str, object]:
        """The values of an answer by this name, for the account that was asked. Raises what its error is."""
        if said[0] == "error":
            raise self.error_of(said[1].get("type"))
        if said[0] != name or said[1].get("accountId") != self.session.account:
            raise self._server.garbled(name)
        return said[1]

    def error_of(self, kind: object) -> LocumError:
        """RFC 8620 sections 3.6.2 and 5.3: an error of one call, or of what was to be changed."""
        kind = kind if isinstance(kind, str) and re.fullmatch(r"[A-Za-z]{1,60}", kind) else "?"
        error, key = _ERRORS.get(kind, (Rejected, "jmap-not-set"))
        return error(key, mailbox=self.user, what=kind, **self._server.told)

    def _answered(self, status: int, body: bytes) -> bytes:
        """The body of a good answer. Raises what the others mean."""
        server, told = self._server, self._server.told
        if status == 200:
            return body
        if status in (401, 403):
            raise Rejected("jmap-refused", user=server.user or "-", mailbox=self.user or "-", **told)
        if status >= 500 or status in (408, 429):
            raise Unreachable("jmap-busy", status=status, mailbox=self.user or "-", **told)
        if b"urn:ietf:params:jmap:error:unknownCapability" in body:
            raise Rejected("jmap-no-vacation", **told)
        if b"urn:ietf:params:jmap:error:limit" in body:
            raise Rejected("jmap-not-set", mailbox=self.user, what="limit", **told)
        if status in (404, 405, 410):
            raise Rejected("jmap-not-there", status=status, **told)
        raise server.garbled(f"HTTP {status}")

    def _exchanged(self, method: str, url: str, content: bytes | None) -> tuple[int, bytes, str]:
        server, told = self._server, self._server.told
        deadline = time.monotonic() + server.answer_seconds
        headers = self._headers if content is None else {**self._headers, "Content-Type": "application/json"}
        try:
            with self._client.stream(method, url, content=content, headers=headers) as answer:
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise server.garbled(f"> {LARGEST} bytes")
                    if time.monotonic() > deadline:
                        raise Unreachable("jmap-silent", **told)
                return answer.status_code, bytes(body), answer.headers.get("location", "")
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            if why := _not_verified(error):
                raise Rejected("jmap-certificate", why=why, **told) from error
            raise Unreachable("jmap-unreachable", **told) from error
        except (httpx2.DecodingError, httpx2.InvalidURL, httpx2.RemoteProtocolError) as error:
            if _CUT_OFF.search(str(error)):  # it may have acted
                raise Unreachable("jmap-silent", **told) from error
            raise server.garbled(type(error).__name__) from error
        except (httpx2.HTTPError, OSError) as error:
            raise Unreachable("jmap-silent", **told) from error


def _table(server: Server, body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise server.garbled("JSON")
    return value


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port


def _is_safe(scheme: str, host: str) -> bool:
    if scheme == "https":
        return True
    try:
        return scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _not_verified(error: Exception) -> str:
    found = re.search(r"CERTIFICATE_VERIFY_FAILED\] ([^(]{1,120})", str(error))
    return found[1].strip() if found else ""
