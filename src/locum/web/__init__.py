"""The web door: pages behind one-time links, for the person who is asked, and signing in. `make_app` builds it, `serve` runs it.

Behind a link it calls the desk's `look` and `answer` and nothing else of Locum's that acts: no sign-in, no cookies, no
JavaScript. Signing in is in signin/, what is behind it in inside.py and the packages beside it, what other programs use in api/.
No log line has a path in it: an address here holds the secret. Nothing here imports documents, letters or connectors.
"""

import resource
import socket
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Final

import uvicorn
from fastapi import FastAPI

from locum.desk import Desk
from locum.errors import Invalid, Unreachable
from locum.web.api import Api
from locum.web.cases import CasePages
from locum.web.guard import Guard, GuessLimit
from locum.web.hers import HerPages
from locum.web.house import HousePages
from locum.web.inside import Inside
from locum.web.pages import Answers, Pages
from locum.web.papers import Papers
from locum.web.people import PeoplePages
from locum.web.shown import Site
from locum.web.signin import Doorway, Entrance, SignInPages
from locum.web.signin.browser import Cookies, may_keep

INSIDE: Final = (CasePages, PeoplePages, HerPages, HousePages)
"""The groups of pages behind signing in: each is made from an Inside and joins the app."""


def make_app(
    desk: Answers,
    *,
    organisation: str,
    language: str = "nl",
    url: str = "",
    proxies: Iterable[str] = (),
    monotonic: Callable[[], float] = time.monotonic,
    doorway: Doorway | None = None,
    inside: Desk | None = None,
    papers: Papers | None = None,
    api: Api | None = None,
) -> FastAPI:
    """The pages of `organisation` over `desk`.

    `language` is for whoever's browser asks for none we have. `url` is where the pages are seen from outside ([web] url):
    its origin may answer and its path goes before ours. `proxies` are addresses or networks whose X-Forwarded-For is
    believed; without any, the peer itself is the client. `doorway` is who may sign in; without one there is no signing in.
    `inside` is the desk for whoever is signed in; without it nothing but signing in is there. `papers` makes files of what is
    shown there. `api` is for other programs; it is not there where a token would pass a network in the clear.
    Raises ValueError for a proxy that is no address.
    """
    site = Site(organisation=organisation, language=language, url=url.rstrip("/"))
    trusted = tuple(ip_network(proxy) for proxy in proxies)
    app = FastAPI(title="Locum", docs_url=None, redoc_url=None, openapi_url=None)
    Pages(desk, site, GuessLimit(monotonic), trusted).join(app)
    if doorway is not None:
        entrance = Entrance(doorway=doorway, cookies=Cookies(url), site=site)
        SignInPages(entrance, trusted, monotonic).join(app)
        if inside is not None:
            shared = Inside(
                desk=inside, entrance=entrance, site=site, proxies=trusted, monotonic=monotonic, papers=papers
            )
            for group in INSIDE:
                group(shared).join(app)
    if api is not None and may_keep(url):
        api.join(app, site, trusted, monotonic)
    app.add_middleware(Guard, site=site)
    return app


def serve(app: FastAPI, listen: str) -> None:
    """Serve `app` on `listen` (`127.0.0.1:8080`, `[::1]:8080`) until SIGTERM or SIGINT; open answers are finished first.

    Raises Invalid `listen-not-understood` or Unreachable `listen-refused`; KeyboardInterrupt after SIGINT, as always.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a message that is being looked at is in no dump of this process
    try:
        with open_socket(listen) as opened:
            make_server(app).run(sockets=[opened])
    finally:
        if (rooms := getattr(app.state, "rooms", None)) is not None:
            rooms.end()


def make_server(app: FastAPI) -> uvicorn.Server:
    """The server as `serve` runs it, for whoever wants to stop it from another thread (`should_exit`)."""
    config = uvicorn.Config(
        app,
        access_log=False,  # a path here is a secret
        log_level="warning",
        proxy_headers=False,  # uvicorn would believe any local peer; Pages believes only the configured ones
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
        limit_concurrency=500,
        lifespan="off",
    )
    return uvicorn.Server(config)


def open_socket(listen: str) -> socket.socket:
    """A listening socket on `host:port`; port 0 takes any free one. Raises as `serve`."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise Invalid("listen-not-understood", listen=listen[:60])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, int(port)), family=family, backlog=256)
    except OSError as error:
        raise Unreachable("listen-refused", listen=listen, what=error.strerror or error) from error
    # Those that are accepted inherit it. asyncio sets it only where the socket names its protocol, and without it every answer
    # over a connection that is kept waits 40 ms for the other side's ACK.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened
