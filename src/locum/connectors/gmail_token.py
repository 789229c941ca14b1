"""Tokens for one mailbox at a time: a service account with domain-wide delegation (RFC 7523 JWT bearer grant, as Google documents it
for server to server), kept in memory for as long as they hold. The key is read from its file each time, and shown nowhere.
"""

import base64
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from locum.connectors.https_wire import Https, Reply
from locum.errors import Garbled, LocumError, Rejected, Unreachable

SCOPE = "https://www.googleapis.com/auth/gmail.settings.basic"
"""The only one that is asked for to do anything: vacation settings, filters and the like, and no mail."""
READING = (
    "https://mail.google.com/",
    "https://www.googleapis.com/auth/gmail.modify",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/gmail.metadata",
)
SHARING = "https://www.googleapis.com/auth/gmail.settings.sharing"
"""`READING` and this one `check` asks for to see them refused: a delegation for them would be too wide."""
_LONGEST_SECONDS = 86400
ASSERTION_SECONDS = 600
EARLY_SECONDS = 300
APART_SECONDS = 120
_KEPT = 500
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_REFUSED = {"unauthorized_client": "gmail-delegation", "access_denied": "gmail-delegation"}

Secret = Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Account:
    """The service account, from the key file that Google hands out."""

    email: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """`until` is by the monotonic clock; `apart` by how many seconds our clock is ahead of Google's."""

    value: str = field(repr=False)
    until: float
    apart: float = 0.0


class Tokens:
    """Gives a token for a mailbox that holds for a while yet. Safe to use from several threads."""

    def __init__(self, *, connector: str, key_file: Path, token_url: str, https: Https, secret: Secret) -> None:
        self._connector, self.key_file, self._url, self._https = connector, key_file, token_url, https
        self._secret = secret
        self._kept: OrderedDict[str, Token] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, user: str) -> Token:
        """Raises Rejected with what a person has to do, Unreachable, Garbled, and Invalid for a key that others may read."""
        with self._lock:
            token = self._kept.get(user)
        if token is None or time.monotonic() >= token.until:
            token = self._fetched(user)
            with self._lock:
                self._kept[user] = token
                self._kept.move_to_end(user)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return token

    def is_delegated(self, user: str, scope: str) -> bool | None:
        """Whether a token for this scope is given, too; it is thrown away. None where Google says neither yes nor no. Raises Trouble."""
        reply = self._asked(user, scope)
        error = (reply.table or {}).get("error")
        return True if reply.status == 200 else False if error in _REFUSED else None

    def drop(self, user: str) -> None:
        """It was refused: the next call fetches another."""
        with self._lock:
            self._kept.pop(user, None)

    def account(self) -> Account:
        """Raises Rejected `gmail-key`."""
        try:
            told = json.loads(self._secret(self.key_file))
            key = load_pem_private_key(told["private_key"].encode(), None)
            email, key_id = told["client_email"], told["private_key_id"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Rejected("gmail-key", connector=self._connector, file=self.key_file) from None
        if not isinstance(key, RSAPrivateKey) or not isinstance(email, str) or not isinstance(key_id, str):
            raise Rejected("gmail-key", connector=self._connector, file=self.key_file)
        return Account(email, key_id, key)

    def _fetched(self, user: str) -> Token:
        asked_at = time.monotonic()
        reply = self._asked(user, SCOPE)
        if reply.status != 200:
            raise self._refused(reply, self.account(), user)
        table = reply.table or {}
        value, seconds = table.get("access_token"), table.get("expires_in")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
            raise Garbled("gmail-garbled", connector=self._connector, what="token")
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= _LONGEST_SECONDS:
            raise Garbled("gmail-garbled", connector=self._connector, what="token")
        return Token(value, asked_at + max(seconds - EARLY_SECONDS, seconds / 2), apart(reply))

    def _asked(self, user: str, scope: str) -> Reply:
        form = {"grant_type": _GRANT, "assertion": self._assertion(self.account(), user, scope)}
        return self._https.send("POST", self._url, urlencode(form).encode(), _FORM)

    def _assertion(self, account: Account, user: str, scope: str) -> str:
        """Who asks, for whom and for what, signed: for this one address, for ten minutes."""
        seconds = int(datetime.now(UTC).timestamp())
        head = {"alg": "RS256", "typ": "JWT", "kid": account.key_id}
        claims = {
            "iss": account.email,
            "sub": user,
            "scope": scope,
            "aud": self._url,
            "iat": seconds,
            "exp": seconds + ASSERTION_SECONDS,
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_base64(account.key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def _refused(self, reply: Reply, account: Account, user: str) -> LocumError:
        if reply.status in (408, 429) or reply.status >= 500:
            return Unreachable("gmail-away", connector=self._connector, status=reply.status)
        error = (reply.table or {}).get("error")
        if not isinstance(error, str):
            return Garbled("gmail-garbled", connector=self._connector, what=f"HTTP {reply.status}")
        minutes = f"{apart(reply) / 60:+.0f}"
        otherwise = "gmail-clock" if abs(apart(reply)) > APART_SECONDS else "gmail-grant"
        key = _REFUSED.get(error, otherwise)
        return Rejected(
            key, connector=self._connector, account=account.email, mailbox=user, code=error[:60], minutes=minutes
        )


def apart(reply: Reply) -> float:
    """By how many seconds our clock is ahead of theirs, 0 where they do not say."""
    return 0.0 if reply.at is None else (datetime.now(UTC) - reply.at).total_seconds()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
