"""The network as `locum init` needs it: Network. A few seconds for each answer, and no answer is an answer."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.resolver
import httpx2

_SECONDS = 4.0
_MOST = 65_536


@dataclass(frozen=True, slots=True)
class Said:
    """What a web server said: its status, the names of its headers in lower case, and how its answer begins."""

    status: int
    headers: frozenset[str]
    start: bytes


class Network:
    """DNS, one GET, and what a server says first."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53, tls: ssl.SSLContext | None = None) -> None:
        """`servers` are addresses of name servers, none for those of this machine; `tls` what certificates are verified with."""
        self._resolver = _resolver(servers, port)
        self._tls = tls or ssl.create_default_context()

    def exchangers(self, domain: str) -> list[str]:
        """The hosts that take mail for this domain, the preferred first."""
        found = sorted((one.preference, _name(one.exchange)) for one in self._ask(domain, "MX"))
        return [host for _, host in found if host]

    def services(self, name: str) -> list[tuple[str, int]]:
        """Where a service is, by its SRV records, the preferred first. A single dot says that there is none."""
        found = sorted((one.priority, -one.weight, _name(one.target), one.port) for one in self._ask(name, "SRV"))
        return [(host, port) for _, _, host, port in found if host]

    def _ask(self, name: str, kind: str) -> list[Any]:
        if self._resolver is None:
            return []
        try:
            return list(self._resolver.resolve(name, kind))
        except (dns.exception.DNSException, OSError):
            return []

    def get(self, url: str) -> Said | None:
        """What stands there; None where nothing answers, or with a certificate that does not verify. Redirects are not followed."""
        with (
            suppress(httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError),
            httpx2.Client(verify=self._tls, timeout=_SECONDS, trust_env=False) as client,
            client.stream("GET", url) as answer,
        ):
            start = b""
            for piece in answer.iter_bytes():
                start += piece
                if len(start) >= _MOST:
                    break
            return Said(answer.status_code, frozenset(name.lower() for name in answer.headers), start[:_MOST])
        return None

    def greeting(self, host: str, port: int) -> bytes:
        """The first bytes of a server that speaks first; nothing where there is none."""
        with suppress(OSError, UnicodeError), socket.create_connection((host, port), timeout=_SECONDS) as there:
            there.settimeout(_SECONDS)
            return there.recv(4096)
        return b""


def _resolver(servers: Sequence[str], port: int) -> dns.resolver.Resolver | None:
    """None on a machine that knows no name server."""
    try:
        made = dns.resolver.Resolver(configure=not servers)
    except dns.exception.DNSException:
        return None
    if servers:
        made.nameservers = list(servers)
        made.port = port
    made.lifetime = _SECONDS
    return made


def _name(host: dns.name.Name) -> str:
    return host.to_text(omit_final_dot=True).lower().rstrip(".")
