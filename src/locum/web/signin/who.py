"""What a page asks before it shows anything: `signed_in` and `require_recent`, for `Depends`.

    def cases(who: Annotated[Signed, Depends(signed_in)]) -> Response: ...
    def review(who: Annotated[Signed, Depends(require_recent(10))]) -> Response: ...

Whoever is not signed in is sent to sign in, and back. Whatever changes something (any method but GET and HEAD) must come
from our own page and bring its form token (field `form_token`, or the header X-Form-Token), or it is refused: no page
can forget that. `look_along` is for what a page asks by itself, which keeps nobody signed in.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from locum.approval.assertion import origin_of
from locum.errors import Trouble
from locum.messages import say
from locum.sessions import digest
from locum.web.shown import Site, error_words, page, problem_page
from locum.web.signin.browser import Cookies, own_path
from locum.web.signin.doorway import Doorway, Signed

_LOG = structlog.get_logger("locum.web")


class NotSignedIn(Exception):
    """Nobody is signed in, or the page wants to know again who it is."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class ForeignForm(Exception):
    """A form that does not come from a page of this session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """What `signed_in` needs, as it stands in `app.state.entrance`."""

    doorway: Doorway
    cookies: Cookies
    site: Site

    def join(self, app: FastAPI) -> None:
        """Have `app` know who is signed in, and send whoever is not to sign in."""
        app.state.entrance = self
        app.add_exception_handler(NotSignedIn, self._send_to_sign_in)
        app.add_exception_handler(ForeignForm, self._refuse)
        app.add_exception_handler(Trouble, self._later)

    def _send_to_sign_in(self, request: Request, error: Exception) -> Response:
        # What was sent is gone after signing in, so a POST leads to where one comes in.
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        to = own_path(path) if request.method in ("GET", "HEAD") else ""
        said = error.said if isinstance(error, NotSignedIn) else ""
        query = urlencode([(name, value) for name, value in (("to", to), ("said", said)) if value])
        return RedirectResponse(f"{self.site.root}/sign-in{'?' if query else ''}{query}", status_code=303)

    def _refuse(self, request: Request, _error: Exception) -> Response:
        _LOG.warning("form refused", session=mark(self.cookies.read(request, self.cookies.session)))
        language = self.site.reads(request.headers.get("accept-language", ""))
        sentences = error_words(language, "foreign-form", {})
        return page(
            "stopped.html", language, self.site, 403, title=say(language, "pages.problem.title-403"), problem=sentences
        )

    def _later(self, request: Request, _error: Exception) -> Response:
        language = self.site.reads(request.headers.get("accept-language", ""))
        return problem_page(self.site, language, 503, "try-later", {}, headers={"Retry-After": "30"})


def mark(token: str) -> str:
    """What a log line may say of a session: enough to find its row by, and nothing that signs in."""
    return digest(token).hex()[:12] if token else ""


def entrance(request: Request) -> Entrance:
    """The entrance of the app that answers this request."""
    found: Entrance = request.app.state.entrance
    return found


async def signed_in(request: Request) -> Signed:
    """Who asks. Raises what becomes a way to sign in, or a refusal of a form that is not ours."""
    return await _who(request, seen=True)


async def look_along(request: Request) -> Signed:
    """The same, for what a page asks by itself."""
    return await _who(request, seen=False)


def require_recent(minutes: float) -> Callable[[Request], Awaitable[Signed]]:
    """Who asks, if she herself proved so within the last `minutes`; otherwise she is asked once more."""

    async def recently(request: Request) -> Signed:
        who = await _who(request, seen=True)
        if not who.proved_within(entrance(request).doorway.clock(), minutes):
            raise NotSignedIn("again")
        return who

    return recently


async def _who(request: Request, *, seen: bool) -> Signed:
    at = entrance(request)
    token = at.cookies.read(request, at.cookies.session)
    who = await run_in_threadpool(at.doorway.signed, token, seen=seen)
    if who is None:
        raise NotSignedIn("over" if token else "")
    if request.method not in ("GET", "HEAD"):
        await _check_form(request, who, at)
    return who


async def _check_form(request: Request, who: Signed, at: Entrance) -> None:
    given = request.headers.get("x-form-token")
    if given is None:
        field = (await request.form()).get("form_token")
        given = field if isinstance(field, str) else ""
    if is_of_another_site(request, at.site.url) or not hmac.compare_digest(given.encode(), who.form_token.encode()):
        raise ForeignForm


def is_of_another_site(request: Request, url: str) -> bool:
    """Stricter than what stands before every page: with a cookie there is something to ride on.

    `null` is what browsers send from our own pages (Referrer-Policy no-referrer); then Sec-Fetch-Site and the form's token
    tell.
    """
    told = request.headers.get("origin", "null")
    return told not in ("null", origin_of(url)) or request.headers.get("sec-fetch-site", "none") not in (
        "same-origin",
        "none",
    )
