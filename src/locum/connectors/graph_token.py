"""The application's token for Microsoft Graph: client credentials with a certificate (RFC 7523, private_key_jwt), kept in memory.

Nothing secret leaves this file but in the request itself: the key is read from its file each time, the token is shown nowhere.
"""

import base64
import hashlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from locum.connectors.https_wire import Https, Reply
from locum.errors import Garbled, LocumError, Rejected, Unreachable

ASSERTION_SECONDS = 300
EARLY_SECONDS = 300
"""So long before its end a token is no longer used."""
APART_SECONDS = 120
"""Clocks that are further apart than this are told of."""

Secret = Callable[[Path], str]

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_REFUSED = {
    "700024": "graph-clock",
    "700027": "graph-certificate-unknown",
    "7000222": "graph-certificate-unknown",
    "7000215": "graph-certificate-unknown",
    "700016": "graph-app-unknown",
    "7000112": "graph-app-disabled",
    "90002": "graph-tenant-unknown",
    "900023": "graph-tenant-unknown",
}
"""What Entra's numbers (AADSTS...) mean; any other is told as its number."""


@dataclass(frozen=True, slots=True)
class App:
    """The application as it is registered, and where its certificate and key lie."""

    tenant: str
    client_id: str
    certificate_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class Token:
    """`until` is by the monotonic clock."""

    value: str = field(repr=False)
    until: float
    roles: tuple[str, ...] | None
    apart: float = 0.0

    @property
    def mail_roles(self) -> tuple[str, ...]:
        """The rights to mail that it holds for the whole organisation."""
        return tuple(role for role in self.roles or () if role.lower().startswith("mail."))


class Tokens:
    """Gives a token that holds for a while yet; `seen` is told of each new one. Safe to use from several threads."""

    def __init__(
        self,
        *,
        connector: str,
        app: App,
        login_url: str,
        scope: str,
        https: Https,
        secret: Secret,
        seen: Callable[[Token], None],
    ) -> None:
        self._connector, self._app, self._https, self._secret, self._seen = connector, app, https, secret, seen
        self._url, self._scope = f"{login_url}/{app.tenant}/oauth2/v2.0/token", scope
        self._token: Token | None = None
        self._lock = threading.Lock()

    def get(self) -> Token:
        """Raises Rejected with what a person has to do, Unreachable, Garbled, and Invalid for a key that others may read."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._token.until:
                self._token = self._fetched()
            return self._token

    def drop(self, token: Token) -> None:
        """It was refused: the next call fetches another."""
        with self._lock:
            if self._token is token:
                self._token = None

    def certificate(self) -> x509.Certificate:
        """Raises Rejected `graph-certificate-file`."""
        try:
            return x509.load_pem_x509_certificate(self._app.certificate_file.read_bytes())
        except (OSError, ValueError) as error:
            file = self._app.certificate_file
            raise Rejected("graph-certificate-file", connector=self._connector, file=file) from error

    def _fetched(self) -> Token:
        asked_at = time.monotonic()
        form = {
            "client_id": self._app.client_id,
            "scope": self._scope,
            "grant_type": "client_credentials",
            "client_assertion_type": _TYPE,
            "client_assertion": self._assertion(),
        }
        reply = self._https.send("POST", self._url, urlencode(form).encode(), _FORM)
        if reply.status != 200:
            raise self._refused(reply)
        table = reply.table or {}
        value, seconds = table.get("access_token"), table.get("expires_in")
        if isinstance(seconds, str) and seconds.isdecimal():
            seconds = int(seconds)
        if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value) or not isinstance(seconds, int):
            raise Garbled("graph-garbled", connector=self._connector, what="token")
        holds = max(seconds - EARLY_SECONDS, seconds / 2)
        token = Token(value, asked_at + holds, roles_of(value), _apart(reply))
        self._seen(token)
        return token

    def _assertion(self) -> str:
        """Who we are, signed: for this one address, for five minutes, once."""
        certificate, key = self.certificate(), self._key()
        now = datetime.now(UTC)
        if certificate.not_valid_after_utc <= now:
            until = certificate.not_valid_after_utc.date()
            raise Rejected("graph-certificate-ended", connector=self._connector, until=until)
        if certificate.public_key() != key.public_key():
            raise Rejected("graph-key-other", connector=self._connector, file=self._app.key_file)
        seconds = int(now.timestamp())
        print_of = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        head = {"alg": "PS256", "typ": "JWT", "x5t#S256": _base64(print_of)}
        claims = {
            "aud": self._url,
            "iss": self._app.client_id,
            "sub": self._app.client_id,
            "jti": str(uuid.uuid4()),
            "iat": seconds,
            "nbf": seconds,
            "exp": seconds + ASSERTION_SECONDS,
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        signature = key.sign(signed.encode(), PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH), SHA256())
        return f"{signed}.{_base64(signature)}"

    def _key(self) -> RSAPrivateKey:
        text = self._secret(self._app.key_file)
        try:
            key = load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
            raise Rejected("graph-key", connector=self._connector, file=self._app.key_file) from None
        return key

    def _refused(self, reply: Reply) -> LocumError:
        if reply.status in (408, 429) or reply.status >= 500:
            return Unreachable("graph-login-later", connector=self._connector, status=reply.status)
        table = reply.table or {}
        found = re.search(r"AADSTS(\d{4,9})", str(table.get("error_description", "")))
        number = found[1] if found else ""
        if not number and not isinstance(table.get("error"), str):
            return Garbled("graph-garbled", connector=self._connector, what=f"HTTP {reply.status}")
        code = f"AADSTS{number}" if number else str(table["error"])[:60]
        key = _REFUSED.get(number, "graph-login-refused")
        app, tenant, minutes = self._app.client_id, self._app.tenant, told(_apart(reply))
        return Rejected(key, connector=self._connector, app=app, tenant=tenant, code=code, minutes=minutes)


def roles_of(token: str) -> tuple[str, ...] | None:
    """The application's rights that stand in a token, None where it cannot be read. Not verified: nothing follows from it but doubt."""
    try:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, IndexError, RecursionError):
        return None
    roles = claims.get("roles", []) if isinstance(claims, Mapping) else None
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        return None
    return tuple(roles)


def told(apart: float) -> str:
    """How far our clock is ahead (or behind, with a minus), in minutes."""
    return f"{apart / 60:+.0f}"


def _apart(reply: Reply) -> float:
    """By how many seconds our clock is ahead of theirs, 0 where they do not say."""
    return 0.0 if reply.at is None else (datetime.now(UTC) - reply.at).total_seconds()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
