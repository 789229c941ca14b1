"""What can be seen from outside of a domain's mail system, for `locum init`: mail exchangers, service records, and three doors
at which one knocks without a name. An edge; it logs in nowhere and sends no address of anybody.

RFC 5321 section 5 (MX), RFC 2782 (SRV), RFC 8620 section 2.2 (.well-known/jmap), RFC 5804 sections 1.7 and 1.8 (_sieve._tcp, and
what a server says first), and the maker's Autodiscover for Exchange.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from locum.discovery.network import Network

__all__ = ["Network", "Sign", "look"]

_CLOUDS = {
    "graph": ("mail.protection.outlook.com", "mx.microsoft", "mail.protection.outlook.de"),
    "gmail": ("google.com", "googlemail.com"),
}
_SIEVE_PORT = 4190


@dataclass(frozen=True, slots=True, order=True)
class Sign:
    """One thing that was seen: which kind of connector it speaks for (a kind of the settings), where, and by what: a key under
    `init.seen.` in cli.toml.
    """

    kind: str
    host: str
    port: int
    seen: str


def look(domain: str, network: Network, seen: Callable[[str], None] = lambda _what: None) -> tuple[Sign, ...]:
    """Everything that speaks for a mail system of this domain, each host once a kind. `seen` is told what is looked at, as it
    begins. Raises nothing: what does not answer is not there.
    """
    looks = {"mx": _exchangers, "srv": _services, "jmap": _jmap, "autodiscover": _autodiscover, "sieve": _sieve}
    found: dict[tuple[str, str], Sign] = {}
    with ThreadPoolExecutor(len(looks)) as pool:
        running = []
        for name, one in looks.items():
            seen(name)
            running.append(pool.submit(lambda one=one: list(one(domain, network))))  # type: ignore[misc]
        for each in running:
            for sign in each.result():
                found.setdefault((sign.kind, sign.host), sign)
    return tuple(found.values())


def _exchangers(domain: str, network: Network) -> Iterator[Sign]:
    for host in network.exchangers(domain):
        for kind, ends in _CLOUDS.items():
            if any(host == end or host.endswith(f".{end}") for end in ends):
                yield Sign(kind, host, 25, "mx")


def _services(domain: str, network: Network) -> Iterator[Sign]:
    for kind, service in (("jmap", "_jmap._tcp"), ("managesieve", "_sieve._tcp")):
        for host, port in network.services(f"{service}.{domain}"):
            yield Sign(kind, host, port, "srv")


def _jmap(domain: str, network: Network) -> Iterator[Sign]:
    """A JMAP server answers here with its session, or asks who is there."""
    for host, port in ((domain, 443), *network.services(f"_jmap._tcp.{domain}")):
        said = network.get(f"https://{host}:{port}/.well-known/jmap")
        if said is not None and (said.status == 401 or b"urn:ietf:params:jmap:core" in said.start):
            yield Sign("jmap", host, port, "well-known")


def _autodiscover(domain: str, network: Network) -> Iterator[Sign]:
    """Exchange asks who is there, and says so in headers that only Exchange has."""
    host = f"autodiscover.{domain}"
    said = network.get(f"https://{host}/autodiscover/autodiscover.xml")
    if said is not None and {"x-feserver", "x-owa-version"} & said.headers:
        yield Sign("exchange_shell", host, 443, "autodiscover")


def _sieve(domain: str, network: Network) -> Iterator[Sign]:
    """ManageSieve says what it is before anybody logs in."""
    for host in dict.fromkeys((f"mail.{domain}", f"imap.{domain}", *network.exchangers(domain)[:2])):
        if b'"IMPLEMENTATION"' in network.greeting(host, _SIEVE_PORT):
            yield Sign("managesieve", host, _SIEVE_PORT, "greeting")
