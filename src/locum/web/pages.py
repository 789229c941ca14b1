"""The addresses: GET and HEAD /l/{token} show, POST answers; besides those a landing page, the stylesheet and /healthz. A link is
hers, or that of a forward's receiver.

GET never changes anything, since mail scanners open links. A good POST answers 303 to the GET, so that loading the page
again sends nothing twice. Nothing of a case stands in an address.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from locum.desk import ConsentView, LinkView, OwnText
from locum.errors import Conflict, Invalid, LocumError, Refused, Trouble, Unsupported
from locum.lifecycle import Case
from locum.measure import Audience
from locum.web.files import PageFile
from locum.web.guard import GuessLimit, Network, client_of, headers_for
from locum.web.receiver import consent_page
from locum.web.shown import Site, case_page, home_page, problem_page

ANSWERS = frozenset({"agree", "object", "own-text", "done", "stop", "set", "accept", "decline", "no-more"}) | {
    "comment",
    "attend",
    "attend-not",
    "here",
}
_WITH_TEXT = frozenset({"own-text", "set"})
_STATUS_OF_KEY = {"link-unknown": 404, "link-expired": 410, "link-erased": 410, "link-used": 409}
_TOLD_HER = {
    "link-unknown": "no-such-link",
    "link-expired": "link-over",
    "link-used": "answer-noted",
    "no-such-step": "answer-too-late",
    "changed-meanwhile": "answer-too-late",
}
"""What this page says instead of the sentences made for the command line."""
SAID_TO_HER = frozenset(
    {
        *_STATUS_OF_KEY,
        *_TOLD_HER,
        "shown-before",
        "comment-empty",
        *("answer-unknown", "bad-character", "bad-time", "because-too-long", "end-before-start", "end-in-the-past"),
        *("longer-than-asked", "more-than-one-line", "overlapping", "text-empty", "too-far-ahead"),
        *(f"cannot-audience-{audience}" for audience in Audience),
        *("cannot-two-texts", "cannot-html", "cannot-exceptions", "cannot-aliases", "cannot-window"),
        *("cannot-text-too-long", "cannot-subject-too-long"),
    }
)
"""Errors about what was written or pressed, or about this very case. No other is shown: it may tell of somebody else, or of
how this machine is set up.
"""
_STATUS_OF_CLASS: tuple[tuple[type[LocumError], int], ...] = (
    (Invalid, 400),
    (Unsupported, 400),
    (Refused, 409),
    (Conflict, 409),
    (Trouble, 503),
    (LocumError, 500),
)
_LOG = structlog.get_logger("locum.web")


class Answers(Protocol):
    """What this door needs of the desk, and all that it calls."""

    def look(self, token: str) -> LinkView | ConsentView:
        """As Desk.look."""
        ...

    def answer(
        self, token: str, answer: str, text: OwnText | None = None, because: str = "", *, shown: str | None = None
    ) -> Case:
        """As Desk.answer."""
        ...


class AnswerForm(BaseModel):
    """The form of the page, unjudged but for its shape. `answer` may also be `preview`, which shows and changes nothing;
    `request` is the hash of what the page showed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str = ""
    request: str = ""
    subject: str = ""
    internal_text: str = ""
    external_text: str = ""
    until: str = ""
    because: str = ""

    @property
    def text(self) -> OwnText:
        """What she wrote. Forms end lines with CR LF (HTML, "constructing the entry list"); texts with LF."""
        return OwnText(
            subject=_lines(self.subject),
            internal_text=_lines(self.internal_text),
            external_text=_lines(self.external_text),
            until=self.until.strip(),
        )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def status_of(error: LocumError) -> int:
    """The HTTP status of an error. What is not hers to mend is ours: come back later."""
    if error.key not in SAID_TO_HER:
        return 503
    by_class = next(status for kind, status in _STATUS_OF_CLASS if isinstance(error, kind))
    return _STATUS_OF_KEY.get(error.key, by_class)


class Pages:
    """The routes over one desk."""

    def __init__(self, desk: Answers, site: Site, limit: GuessLimit, proxies: Sequence[Network]) -> None:
        self._desk = desk
        self._site = site
        self._limit = limit
        self._proxies = proxies
        self._style = PageFile("locum.css", "text/css")

    def join(self, app: FastAPI) -> None:
        """Add the routes and the pages for errors to `app`."""
        for path, page in (
            ("/", self.home),
            ("/l/{token}", self.look),
            ("/static/locum.css", self.style),
            ("/robots.txt", self.robots),
            ("/healthz", self.health),
        ):
            app.add_api_route(path, page, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/l/{token}", self.answer, methods=["POST"], response_model=None)
        app.add_exception_handler(HTTPException, self._no_page)
        app.add_exception_handler(RequestValidationError, self._no_form)
        app.add_exception_handler(Exception, self._failed)

    def look(self, token: str, request: Request) -> Response:
        """The page behind a link. Changes nothing."""
        try:
            return self._page(self._desk.look(token))
        except LocumError as error:
            return self._told(error, request)

    def answer(self, token: str, form: Annotated[AnswerForm, Form()], request: Request) -> Response:
        """What she says. 303 to the page where it is noted, otherwise the page once more, with what was wrong with it."""
        text = form.text if form.answer in {*_WITH_TEXT, "preview"} else None
        try:
            if form.answer == "preview":
                return self._page(self._desk.look(token), draft=text, preview=True)
            if form.answer not in ANSWERS:
                raise Invalid("answer-unknown")
            self._desk.answer(token, form.answer, text, _lines(form.because), shown=form.request)
        except LocumError as error:
            return self._again(token, error, text, request)
        return RedirectResponse(f"{self._site.root}/l/{quote(token, safe='')}", status_code=303)

    def home(self, request: Request) -> Response:
        """What this is."""
        return home_page(self._site, self._language(request))

    def style(self, request: Request) -> Response:
        """Our one stylesheet."""
        return self._style.answer(request)

    def robots(self) -> Response:
        """Nothing here is for a search engine."""
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    def health(self) -> Response:
        """That this program answers."""
        return PlainTextResponse("ok\n")

    def _page(
        self,
        view: LinkView | ConsentView,
        *,
        status: int = 200,
        problem: tuple[str, Mapping[str, str]] | None = None,
        draft: OwnText | None = None,
        preview: bool = False,
    ) -> Response:
        """The page of whoever the link is for."""
        if isinstance(view, ConsentView):
            return consent_page(self._site, view, status=status, problem=problem)
        return case_page(self._site, view, status=status, problem=problem, draft=draft, preview=preview)

    def _again(self, token: str, error: LocumError, text: OwnText | None, request: Request) -> Response:
        """The page behind the link with the error on top and her words still in it, where the link can still be looked at."""
        if error.key in SAID_TO_HER - {"link-unknown", "link-expired", "link-erased"}:
            try:
                view = self._desk.look(token)
            except LocumError as worse:
                return self._told(worse, request, text)
            key = _TOLD_HER.get(error.key, error.key)
            return self._page(view, status=status_of(error), problem=(key, error.values), draft=text)
        return self._told(error, request, text)

    def _told(self, error: LocumError, request: Request, text: OwnText | None = None) -> Response:
        language, status = self._language(request), status_of(error)
        if error.key == "link-unknown":
            peer = request.client.host if request.client else ""
            forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
            if seconds := self._limit.guessed(client_of(peer, forwarded, self._proxies)):
                _LOG.warning("too many guesses", seconds=seconds)
                return self._wait(language, seconds, text)
        if status >= 500:
            _LOG.warning("page failed", key=error.key, code=error.code)
            key = "try-later" if status == 503 else "server-failed"
            headers = {"Retry-After": "30"}
            return problem_page(self._site, language, status, key, {}, hers=text, headers=headers)
        key = _TOLD_HER.get(error.key, error.key)
        return problem_page(self._site, language, status, key, error.values, hers=text)

    def _wait(self, language: str, seconds: int, text: OwnText | None) -> Response:
        values = {"minutes": str(-(-seconds // 60))}
        headers = {"Retry-After": str(seconds)}
        return problem_page(self._site, language, 429, "too-many-guesses", values, hers=text, headers=headers)

    def _language(self, request: Request) -> str:
        return self._site.reads(request.headers.get("accept-language", ""))

    def _no_page(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        key = {404: "page-unknown", 405: "method-unknown", 400: "form-not-understood"}.get(status, "server-failed")
        headers = error.headers if isinstance(error, HTTPException) else None
        return problem_page(self._site, self._language(request), status, key, {}, headers=headers)

    def _no_form(self, request: Request, _error: Exception) -> Response:
        return problem_page(self._site, self._language(request), 400, "form-not-understood", {})

    def _failed(self, request: Request, error: Exception) -> Response:
        _LOG.error("page failed", error=type(error).__name__)
        # Starlette answers these outside all middleware, so Guard adds nothing.
        headers = {**headers_for(self._site.url), "Cache-Control": "no-store"}
        return problem_page(self._site, self._language(request), 500, "server-failed", {}, headers=headers)
