"""What stands before every page: headers, a limit on what comes in, who may post, and how often one may guess.

Knows nothing of cases or words; a refusal is rendered by shown.py like any other page.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from locum.errors import Refused
from locum.web.problems import is_of_the_api, problem
from locum.web.shown import Site, problem_page

_LOG = structlog.get_logger("locum.web")

Network = IPv4Network | IPv6Network

BODY_LIMIT: Final = 300_000
_DRAIN_LIMIT: Final = 8 * BODY_LIMIT
_BODY_SECONDS: Final = 60.0

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def headers_for(url: str) -> dict[str, str]:
    """HEADERS, and over https that browsers come back over https alone (this host: what others do is theirs)."""
    always = {"Strict-Transport-Security": "max-age=31536000"} if url.startswith("https:") else {}
    return {**HEADERS, **always}


_OUR_SCRIPT: Final = "; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'"


def with_script(page: Response) -> Response:
    """A page that may run the scripts we serve ourselves, and nothing that stands in the page."""
    page.headers["Content-Security-Policy"] = HEADERS["Content-Security-Policy"] + _OUR_SCRIPT
    return page


class Guard:
    """ASGI middleware. Refuses 403 (a post from another website), 408 and 413 (too slow, too much); adds the headers."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = _with_headers(send, headers_for(self._site.url))
        if scope["method"] not in ("GET", "HEAD") and is_foreign(headers, self._site.url):
            await self._refuse(403, "foreign-page", scope, receive, send)
            return
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _read(receive)
        except TimeoutError:
            await self._refuse(408, "body-too-slow", scope, receive, send)
            return
        if body is None:
            await self._refuse(413, "body-too-big", scope, receive, send, limit=str(BODY_LIMIT // 1000))
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _refuse(self, status: int, key: str, scope: Scope, receive: Receive, send: Send, **values: str) -> None:
        _LOG.warning("request refused", key=key, status=status)
        language = self._site.reads(Headers(scope=scope).get("accept-language", ""))
        if is_of_the_api(scope["path"]):
            await problem(language, _refused(key, values))(scope, receive, send)
            return
        await problem_page(self._site, language, status, key, values)(scope, receive, send)


def _refused(key: str, values: dict[str, str]) -> Refused:
    return Refused(key, clause=None, **values)


def is_foreign(headers: Headers, url: str) -> bool:
    """Whether another website made the browser send this.

    There is no cookie to ride on: who knows the token may answer. So this only keeps a stranger's page, on which a link
    was pasted, from answering in passing; a missing Origin passes. So does `null`: it is what browsers send from our own
    pages, since these have Referrer-Policy no-referrer (Fetch 3.2, "append a request Origin header"); there
    Sec-Fetch-Site tells, which no page can set.
    """
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin", "null")
    if origin == "null":
        return False
    ours = urlsplit(url)
    return origin != f"{ours.scheme}://{ours.netloc}" and origin.partition("://")[2] != headers.get("host", "")


def _with_headers(send: Send, ours: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in ours.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


async def _read(receive: Receive) -> bytes | None:
    """The whole body, None where it is too big. Goes on reading for a while then, so that the browser gets to see the page."""
    body = bytearray()
    came = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk: bytes = message.get("body", b"")
        came += len(chunk)
        if came <= BODY_LIMIT:
            body += chunk
        if not message.get("more_body", False) or came > _DRAIN_LIMIT:
            return bytes(body) if came <= BODY_LIMIT else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


class GuessLimit:
    """Counts unknown links per client: `many` within `seconds`, then no more answers to guesses until the oldest is over.

    Keeps at most `clients` of them, the latest. Only guesses are stopped: a link that exists works all the same, since
    otherwise anyone on her network could keep her from objecting.
    """

    def __init__(
        self, monotonic: Callable[[], float], *, many: int = 20, seconds: int = 600, clients: int = 10_000
    ) -> None:
        self._monotonic = monotonic
        self._many = many
        self._seconds = seconds
        self._clients = clients
        self._guesses: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def guessed(self, client: str) -> int:
        """Note one guess of `client`. 0, or for how many seconds it gets no answer."""
        now = self._monotonic()
        with self._lock:
            guesses = self._guesses.setdefault(client, deque())
            self._guesses.move_to_end(client)
            while guesses and guesses[0] <= now - self._seconds:
                guesses.popleft()
            if len(guesses) >= self._many:
                return int(guesses[0] + self._seconds - now) + 1
            guesses.append(now)
            if len(self._guesses) > self._clients:
                self._guesses.popitem(last=False)
            return 0


def client_of(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Who asks: `peer`, or where that is one of `proxies`, the last address of X-Forwarded-For that is none of them.

    An IPv6 client is its /64, since it has all of that to itself.
    """
    for address in [peer, *(part.strip() for part in reversed(forwarded.split(",")))]:
        try:
            client = ip_address(address)
        except ValueError:
            return peer  # no address at all: whatever the proxy means, it is not worth believing
        if not any(client in proxy for proxy in proxies):
            break
    else:
        return peer
    if isinstance(client, IPv6Address):
        return str(client.ipv4_mapped or IPv6Network((client, 64), strict=False))
    return str(client)
