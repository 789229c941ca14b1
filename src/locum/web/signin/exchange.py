"""How a provider is spoken to: one exchange of HTTP, with limits on time and size, and on how many wait for it at once.

A provider that is slow or silent must cost nobody but those who sign in there: the pages behind links are served by the
same threads. What is said, and what an answer is worth, is provider.py's matter.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2

from locum.errors import Garbled, Unreachable

Json = dict[str, object]

AT_ONCE: Final = 8
SILENT_SECONDS: Final = 10.0
"""After it did not answer, it is not asked again for so long."""

_LARGEST: Final = 512 * 1024
_SECONDS: Final = 5.0


def new_client(ca_file: str | None = None, *, seconds: float = _SECONDS) -> httpx2.Client:
    """Certificates verified, no proxies of the environment, no redirects followed."""
    return httpx2.Client(timeout=seconds, trust_env=False, follow_redirects=False, verify=ca_file or True)


class Exchange:
    """The way to one provider; `host` is what may be said of it."""

    def __init__(self, client: httpx2.Client, host: str, monotonic: Callable[[], float]) -> None:
        """`client` as `new_client` makes it."""
        self._client = client
        self._host = host
        self._monotonic = monotonic
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._silent_until = float("-inf")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The turn of one person. Raises Unreachable `provider-unreachable` where so many wait already."""
        if not self._turns.acquire(blocking=False):
            raise self._unreachable("busy")
        try:
            yield
        finally:
            self._turns.release()

    def send(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, Json]:
        """The status, and the object that came; an empty one with an error that holds none.

        Raises Unreachable `provider-unreachable`, Garbled `provider-garbled`.
        """
        if self._monotonic() < self._silent_until:
            raise self._unreachable("silent")
        sent = {"Accept": "application/json", "User-Agent": "locum", **(headers or {})}
        try:
            status, body = self._exchanged(method, address, sent, form)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            self._silent_until = self._monotonic() + SILENT_SECONDS
            raise self._unreachable(type(error).__name__) from None
        return status, self._object(status, body)

    def _exchanged(
        self, method: str, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[int, bytes]:
        until = self._monotonic() + 2 * _SECONDS
        body = bytearray()
        with self._client.stream(method, address, headers=headers, data=form) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise self.garbled("too-much")
                if self._monotonic() > until:
                    raise httpx2.ReadTimeout("too slow")
        return answer.status_code, bytes(body)

    def _object(self, status: int, body: bytes) -> Json:
        try:
            found = json.loads(body) if body else {}
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        if status == 200:
            raise self.garbled("not-json")
        return {}

    def garbled(self, what: str) -> Garbled:
        """An answer that is not understood."""
        return Garbled("provider-garbled", host=self._host, what=what)

    def _unreachable(self, what: str) -> Unreachable:
        return Unreachable("provider-unreachable", host=self._host, what=what)
