"""Who calls the API: the token of each request, looked at before anything else is. Cookies are never looked at here.

An unknown, an expired and an ended token, and one whose person is off file, are answered alike. Wrong tokens are counted per
client; one that works is never kept waiting for the guesses of others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer, SecurityScopes
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from locum.absence import Person
from locum.access_tokens import AccessTokens
from locum.desk import Acting
from locum.errors import Invalid, LocumError, Refused, Trouble
from locum.seam import People
from locum.web.guard import GuessLimit, Network, client_of
from locum.web.problems import OPENAPI, problem
from locum.web.shown import Site

_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9_-]{1,200})", re.IGNORECASE)
_LOG: Final = structlog.get_logger("locum.web.api")
_REALM: Final = 'Bearer realm="locum"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom a token acts as, and for what. `language` is that of what is said to it."""

    person: Person
    scopes: frozenset[str]
    language: str

    @property
    def acting(self) -> Acting:
        """She as the desk knows her."""
        address = self.person.mailbox.address if self.person.mailbox else ""
        return Acting(id=self.person.id, name=self.person.name, address=address, function=self.person.function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a token is looked up with."""

    tokens: AccessTokens
    people: People

    def caller(self, token: str, language: str) -> Caller | None:
        """Whom a token acts as now. None where it does not work; hers end when she is off file."""
        found = self.tokens.find(token) if token else None
        if found is None:
            return None
        person = self.people.person(found.person)
        if person is None:
            self.tokens.end_all(found.person)
            return None
        return Caller(person=person, scopes=frozenset(found.scopes), language=language or person.language)


class Gatekeeper:
    """ASGI middleware of the API: 401 and 429 before any address, method or body is looked at; 415 for what is no JSON."""

    def __init__(
        self, app: ASGIApp, *, credentials: Credentials, site: Site, limit: GuessLimit, proxies: Sequence[Network]
    ) -> None:
        self._app = app
        self._credentials = credentials
        self._site = site
        self._limit = limit
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        described = scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) == OPENAPI
        refusal = None if described else await self._refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        wished = headers.get("accept-language", "")
        language = self._site.reads(wished)
        given = headers.getlist("authorization")
        match = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
        try:
            caller = await run_in_threadpool(
                self._credentials.caller, match[1] if match else "", language if wished else ""
            )
        except Trouble as error:
            return problem(language, error)
        if caller is None:
            return self._unknown(scope, headers, language, tried=bool(given))
        scope.setdefault("state", {})["caller"] = caller
        if _has_body(headers) and not _is_json(headers):
            return problem(caller.language, Invalid("not-json"))
        return None

    def _unknown(self, scope: Scope, headers: Headers, language: str, *, tried: bool) -> Response:
        peer = scope["client"][0] if scope.get("client") else ""
        client = client_of(peer, ",".join(headers.getlist("x-forwarded-for")), self._proxies)
        if tried:
            _LOG.warning("token refused", client=client)
        if tried and (seconds := self._limit.guessed(client)):
            waiting = {"Retry-After": str(seconds)}
            return problem(language, Refused("too-many-tokens", minutes=-(-seconds // 60)), headers=waiting)
        challenge = f'{_REALM}, error="invalid_token"' if tried else _REALM
        return problem(language, Refused("token-unknown"), headers={"WWW-Authenticate": challenge})


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0").strip() not in ("", "0") or "transfer-encoding" in headers


def _is_json(headers: Headers) -> bool:
    kind, _, rest = headers.get("content-type", "").partition(";")
    charset = rest.lower().replace(" ", "").replace('"', "")
    return kind.strip().lower() == "application/json" and charset in ("", "charset=utf-8")


_SCHEME = HTTPBearer(auto_error=False, scheme_name="token", description="A token of `locum token new`.")


def caller(request: Request, wanted: SecurityScopes, _given: Annotated[object, Depends(_SCHEME)]) -> Caller:
    """Who calls. Raises Refused `scope-missing` where the token may not be used for this."""
    found: Caller = request.state.caller
    for scope in wanted.scopes:
        if scope not in found.scopes:
            raise Refused("scope-missing", scope=scope)
    return found


def challenge_of(error: LocumError) -> dict[str, str]:
    """The header that goes with a missing scope (RFC 6750 3.1)."""
    if error.key != "scope-missing":
        return {}
    return {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{error.values["scope"]}"'}
