"""A passkey's signature as the browser gave it (WebAuthn level 3), kept as raw bytes and verified from them. Pure.

Stricter than the libraries are by default: user verification is required, another origin, a frame on another's page and a
counter that stands still are refused. What the challenge stands for is statement.py's matter, whose the key is the register's.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from locum.approval.public_key import load_key, verifies
from locum.approval.strict import Is, NotProven, decoded, encoded, is_bytes, read
from locum.entry import Json, canonical

_PRESENT, _VERIFIED, _MAY_BE_BACKED_UP, _BACKED_UP, _WITH_KEY, _EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
_DATA_BYTES = 37
_LARGEST = 16_384
"""Bytes of an assertion; a real one has a twentieth of that."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where is signed: the origin of our pages, exactly as browsers write it, and the host that passkeys are made for. `until`
    is when our pages moved away from there: what was signed there before still counts, what is signed later does not.
    """

    origin: str
    rp_id: str
    until: datetime | None = None

    @classmethod
    def of(cls, url: str, until: datetime | None = None) -> "Site | None":
        """The site of our address; None where browsers make no passkeys: over plain http, and for an address in numbers."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host or _is_number(host) or (parts.scheme != "https" and host != "localhost"):
            return None
        return cls(origin=origin_of(url), rp_id=host, until=until)


def at_the_time(sites: Iterable[Site], at: datetime) -> tuple[Site, ...]:
    """Those of these where our pages were then."""
    return tuple(one for one in sites if one.until is None or at < one.until)


def origin_of(url: str) -> str:
    """The origin of our address as browsers write it: lower case, without the usual port (HTML, "ASCII serialization")."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """The answer of `navigator.credentials.get`: four byte strings, none of them changed."""

    credential: bytes
    client_data: bytes = field(repr=False)
    authenticator_data: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def load(cls, content: bytes) -> "Assertion":
        """Read what `dump` writes. Raises NotProven(`signature-unreadable`)."""
        if len(content) > _LARGEST:
            raise NotProven("signature-unreadable")
        value = read(content, _SHAPE, "signature-unreadable")
        return cls(**{name: decoded(str(text)) for name, text in value.items()})

    def dump(self) -> bytes:
        """Canonical JSON of the four, each in base64url."""
        parts: dict[str, Json] = {one.name: encoded(getattr(self, one.name)) for one in fields(self)}
        return canonical(parts)

    def verify(self, public_key: bytes, challenge: bytes, sites: Sequence[Site], count: int) -> int:
        """The authenticator's counter in this signature; `count` is the highest one seen before. Signed on one of `sites`.

        Raises NotProven.
        """
        site = _check_client(self.client_data, challenge, sites)
        made = _check_data(self.authenticator_data, site)
        signed = self.authenticator_data + hashlib.sha256(self.client_data).digest()
        if not verifies(load_key(public_key), self.signature, signed):
            raise NotProven("signature-wrong")
        if (made or count) and made <= count:  # 7.2 step 22: somebody else has a copy of this key
            raise NotProven("key-copied")
        return made


_SHAPE: dict[str, Is] = {one.name: is_bytes for one in fields(Assertion)}


def _check_client(content: bytes, challenge: bytes, sites: Sequence[Site]) -> Site:
    """CollectedClientData (5.8.1). Other keys may stand in it: browsers add some so that nobody relies on there being none."""
    said = _client(content)
    if said.get("type") != "webauthn.get":
        raise NotProven("signature-of-another-kind")
    if said.get("challenge") != encoded(challenge):
        raise NotProven("signature-of-something-else")
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise NotProven("signature-in-a-frame")
    for site in sites:
        if said.get("origin") == site.origin:
            return site
    raise NotProven("signature-on-another-page")


def _client(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NotProven("signature-unreadable") from error
    if not isinstance(found, dict):
        raise NotProven("signature-unreadable")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check_data(data: bytes, site: Site) -> int:
    """Authenticator data (6.1): SHA-256 of the host, one byte of flags, the counter; no key and no extension, for neither
    was asked.
    """
    if len(data) != _DATA_BYTES or data[32] & (_WITH_KEY | _EXTENDED):
        raise NotProven("signature-unreadable")
    flags = data[32]
    if data[:32] != hashlib.sha256(site.rp_id.encode()).digest():
        raise NotProven("signature-for-another-host")
    if not flags & _PRESENT:
        raise NotProven("nobody-present")
    if not flags & _VERIFIED:
        raise NotProven("person-not-verified")
    if flags & _BACKED_UP and not flags & _MAY_BE_BACKED_UP:  # 7.2 step 19
        raise NotProven("signature-unreadable")
    return int.from_bytes(data[33:])
