"""HTTPS as the connectors for clouds use it: one request, one bounded answer, and errors of the network in our words.

Certificates are verified and redirects refused, with nothing to switch that off; plain http goes to this machine alone. What is
asked, and what follows from an answer, is not decided here.
"""

import ipaddress
import json
import re
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from locum.errors import Garbled, Invalid, Rejected, Unreachable

LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def table(self) -> Mapping[str, object] | None:
        """The body, where it is a JSON object."""
        try:
            value = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def at(self) -> datetime | None:
        """The far side's clock."""
        return _date(self.headers.get("date", ""))


class Https:
    """Requests to addresses that begin with one of ours. Safe to use from several threads."""

    def __init__(self, *, connector: str, ca_file: Path | None, seconds: float = 30.0) -> None:
        self._connector, self._ca_file, self._seconds = connector, ca_file, seconds
        self._client: httpx2.Client | None = None
        self._lock = threading.Lock()

    def send(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Raises Unreachable `https-unreachable`, `https-silent`, Rejected `https-certificate`, `https-ca-file`, Garbled."""
        host = urlsplit(url).hostname or ""
        deadline = time.monotonic() + self._seconds
        given = {"Accept": "application/json", "User-Agent": "locum", **headers}
        try:
            with self._opened().stream(method, url, content=content, headers=given) as answer:
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise Garbled("https-garbled", connector=self._connector, what=f"> {LARGEST} bytes")
                    if time.monotonic() > deadline:
                        raise Unreachable("https-silent", connector=self._connector, host=host)
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status_code, names, bytes(body))
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            if why := _not_verified(error):
                raise Rejected("https-certificate", connector=self._connector, host=host, why=why) from error
            raise Unreachable("https-unreachable", connector=self._connector, host=host) from error
        except (httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise Garbled("https-garbled", connector=self._connector, what=type(error).__name__) from error
        except (httpx2.HTTPError, OSError) as error:
            raise Unreachable("https-silent", connector=self._connector, host=host) from error

    def _opened(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx2.Client(
                    verify=self._context(), timeout=self._seconds, trust_env=False, follow_redirects=False
                )
            return self._client

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=None if self._ca_file is None else str(self._ca_file))
        except OSError as error:
            raise Rejected("https-ca-file", connector=self._connector, file=self._ca_file) from error


def safe_address(connector: str, url: str) -> str:
    """The address without a slash at its end. Raises Invalid where something could be read on the way to it."""
    parts = urlsplit(url)
    if (
        parts.username
        or parts.query
        or parts.fragment
        or not parts.hostname
        or not _is_safe(parts.scheme, parts.hostname)
    ):
        raise Invalid("https-needed", connector=connector, url=url)
    return url.rstrip("/")


def _is_safe(scheme: str, host: str) -> bool:
    if scheme == "https":
        return True
    try:
        return scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def waits(value: str) -> float | None:
    """Retry-After in seconds, however it is written (RFC 9110 10.2.3); None where it says nothing that we understand."""
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    at = _date(value)
    return None if at is None else max(0.0, (at - datetime.now(UTC)).total_seconds())


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _not_verified(error: Exception) -> str:
    """Why a certificate was not believed; "" where it was something else."""
    found = re.search(r"CERTIFICATE_VERIFY_FAILED\] ([^(]{1,120})", str(error))
    return found[1].strip() if found else ""
