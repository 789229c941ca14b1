"""A calendar's bytes, from a file or an address: https (or webcal), time and size limited, certificates verified.

Plain http only to this machine. Addresses of calendars often hold a token: none of them is shown or logged, only the host.
"""

import stat
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from locum.errors import Garbled, Invalid, Rejected, Trouble, Unreachable

LARGEST = 16 * 1024 * 1024
_SECONDS = 20.0
_HOPS = 3
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def name(place: str) -> str:
    """What may be shown of a source: a file's name, or an address's host."""
    return urlsplit(place).hostname or "?" if "://" in place else Path(place).name


def calendar(place: str, *, seconds: float = _SECONDS, largest: int = LARGEST) -> bytes:
    """The bytes of the calendar at `place`: a file, an address, or a file ending in .url that holds an address, and is
    its owner's alone.

    Raises Invalid `leave-address` (a scheme or host that is not allowed, before anything is sent), Unreachable, Rejected
    or Garbled.
    """
    if "://" in place:
        return _from_address(place, seconds, largest)
    raw = _from_file(Path(place), largest)
    if place.endswith(".url"):
        if Path(place).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Invalid("secret-open-to-others", file=place)
        return _from_address(raw.decode(errors="replace").strip(), seconds, largest)
    return raw


def _from_file(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as opened:
            raw = opened.read(largest + 1)
    except OSError as error:
        raise Unreachable("leave-unreadable", file=path, what=error.strerror) from None
    if len(raw) > largest:
        raise Invalid("leave-too-large", file=path)
    return raw


def _allowed(address: str) -> str:
    """The address with its scheme made plain. Raises Invalid `leave-address`."""
    parts = urlsplit(address)
    local = parts.hostname in _LOOPBACK
    scheme = {"webcal": "http" if local else "https", "webcals": "https"}.get(parts.scheme, parts.scheme)
    if not parts.hostname or not (scheme == "https" or (scheme == "http" and local)):
        raise Invalid("leave-address", host=name(address), scheme=parts.scheme[:10])
    return parts._replace(scheme=scheme).geturl()


def _from_address(address: str, seconds: float, largest: int) -> bytes:
    deadline = time.monotonic() + seconds
    address = _allowed(address)
    for _ in range(_HOPS):
        body, onward = _get(address, deadline, largest)
        if onward is None:
            return body
        address = _onward(address, onward)
    raise Garbled("leave-garbled", source=name(address))


def _onward(address: str, location: str) -> str:
    # No way down: neither to plain http nor, from elsewhere, to this machine.
    onward = _allowed(urljoin(address, location))
    if urlsplit(onward).hostname in _LOOPBACK and urlsplit(address).hostname not in _LOOPBACK:
        raise Invalid("leave-address", host=name(onward), scheme="https")
    return onward


def _get(address: str, deadline: float, largest: int) -> tuple[bytes, str | None]:
    import httpx2  # noqa: PLC0415  slow to import, and only where a calendar has an address

    host = name(address)
    # Unpacked, a small answer can become a large one; so it has to come as it is.
    headers = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "locum"}
    try:
        with (
            httpx2.Client(timeout=max(0.1, deadline - time.monotonic()), trust_env=False) as client,
            client.stream("GET", address, headers=headers) as answer,
        ):
            if answer.is_redirect:
                return b"", answer.headers.get("location", "")
            if answer.status_code != 200:
                raise _refusal(answer.status_code, host)
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise Garbled("leave-garbled", source=host)
            body = bytearray()
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > largest:
                    raise Invalid("leave-too-large", file=host)
                if time.monotonic() > deadline:
                    raise Unreachable("leave-unreachable", source=host, what="time-out")
            return bytes(body), None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unreachable("leave-unreachable", source=host, what=type(error).__name__) from None


def _refusal(status: int, host: str) -> Trouble:
    if status in (401, 403, 404, 410):
        return Rejected("leave-rejected", source=host, status=status)
    return Unreachable("leave-unreachable", source=host, what=f"HTTP {status}")
