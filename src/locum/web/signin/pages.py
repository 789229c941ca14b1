"""The addresses of signing in and out: /sign-in with its two ways, /signed-in, /sign-out, and the one script there is.

What a browser answers is judged in doorway.py; here it is counted, told in words, and turned into cookies and redirects.
Every refusal looks the same, whoever it is about. Nothing that signs in is ever logged: no token, no code, no address.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import urlencode

import structlog
from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from locum.errors import Trouble
from locum.phrases import when
from locum.web.files import PageFile
from locum.web.guard import GuessLimit, Network, client_of, with_script
from locum.web.shown import error_words, page
from locum.web.signin.browser import may_keep, own_path
from locum.web.signin.doorway import Entered, Signed
from locum.web.signin.passkeys import NoProof
from locum.web.signin.who import Entrance, is_of_another_site, mark, signed_in

HOME: Final = "/signed-in"
_SAID: Final = frozenset({"over", "again", "out", "everywhere"})
_LOG = structlog.get_logger("locum.web")


class SignInPages:
    """The routes over one entrance."""

    def __init__(self, entrance: Entrance, proxies: Sequence[Network], monotonic: Callable[[], float]) -> None:
        """`proxies` and `monotonic` as for the other pages."""
        self._at = entrance
        self._proxies = proxies
        # An office behind one address begins often in the morning; what fails often is somebody who guesses.
        self._begun = GuessLimit(monotonic, many=300)
        self._failed = GuessLimit(monotonic, many=20)
        self._failed_of_person = GuessLimit(monotonic, many=20)
        self._entered = GuessLimit(monotonic, many=30)
        self._script = PageFile("passkey.js", "text/javascript")

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        self._at.join(app)
        for path, show in (
            ("/sign-in", self.show),
            ("/sign-in/provider", self.to_provider),
            ("/sign-in/back", self.back),
            ("/signed-in", self.who),
            ("/static/passkey.js", self.script),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)
        for path, do in (("/sign-in/ask", self.ask), ("/sign-in/passkey", self.passkey), ("/sign-out", self.out)):
            app.add_api_route(path, do, methods=["POST"], response_model=None)

    # signing in
    def show(self, request: Request, to: str = "", said: str = "") -> Response:
        """The ways in; straight on for who is in already."""
        to = own_path(to)
        said = said if said in _SAID else ""
        if said != "again" and self._signed(request) is not None:
            return self._onward(to)
        return self._page(request, to, said=said)

    def ask(self, request: Request, to: Annotated[str, Form()] = "") -> Response:
        """What the script asks the browser's passkeys."""
        if is_of_another_site(request, self._at.site.url) or not may_keep(self._at.site.url):
            return JSONResponse({}, status_code=403)
        if self._begun.guessed(self._client(request)):
            return JSONResponse({}, status_code=429)
        token, asked = self._at.doorway.begin_passkey(own_path(to))
        answer = JSONResponse(asked)
        self._at.cookies.keep(answer, self._at.cookies.attempt, token, seconds=600)
        return answer

    def passkey(
        self, request: Request, credential: Annotated[str, Form()] = "", to: Annotated[str, Form()] = ""
    ) -> Response:
        """What the browser's passkeys answered."""
        if is_of_another_site(request, self._at.site.url):
            return self._refused(request, to, NoProof("another-site"))
        attempt, before = self._tokens(request)
        return self._enter(request, to, lambda: self._at.doorway.finish_passkey(attempt, credential, instead_of=before))

    def to_provider(self, request: Request, to: str = "", again: str = "") -> Response:
        """On to the organisation's provider; not because another site says so."""
        if is_of_another_site(request, self._at.site.url) or not may_keep(self._at.site.url):
            return self._ways(to)
        if self._begun.guessed(self._client(request)):
            return self._page(request, own_path(to), error=("too-many-sign-ins", {}), status=429)
        try:
            token, address = self._at.doorway.begin_provider(own_path(to), again=bool(again))
        except (Trouble, NoProof) as error:
            return self._out_of_reach(request, to, error)
        answer = RedirectResponse(address, status_code=303)
        self._at.cookies.keep(answer, self._at.cookies.attempt, token, seconds=600)
        return answer

    def back(self, request: Request) -> Response:
        """What the browser comes back with from the provider."""
        attempt, before = self._tokens(request)
        query = request.query_params
        # A name that stands twice is read differently by different readers, so it is not read at all.
        answer = {name: value for name, value in query.items() if len(query.getlist(name)) == 1}
        return self._enter(request, "", lambda: self._at.doorway.finish_provider(attempt, answer, instead_of=before))

    def _enter(self, request: Request, to: str, finish: Callable[[], Entered]) -> Response:
        try:
            entered = finish()
        except NoProof as error:
            return self._refused(request, to, error)
        except Trouble as error:
            return self._out_of_reach(request, to, error)
        if self._entered.guessed(entered.person.id):
            self._at.doorway.sessions.end(entered.token)
            return self._refused(request, to, NoProof("too-often", person=entered.person.id))
        _LOG.info("signed in", session=mark(entered.token))
        answer = self._onward(entered.to)
        self._at.cookies.keep(answer, self._at.cookies.session, entered.token)
        self._at.cookies.drop(answer, self._at.cookies.attempt)
        return answer

    def _refused(self, request: Request, to: str, error: NoProof) -> Response:
        """The one answer to whatever is wrong."""
        _LOG.warning("sign-in refused", reason=error.reason)
        waits = self._failed.guessed(self._client(request))
        waits = max(waits, self._failed_of_person.guessed(error.person) if error.person else 0)
        if waits or error.reason == "too-often":
            return self._page(request, own_path(to), error=("too-many-sign-ins", {}), status=429)
        answer = self._page(request, own_path(to), error=("sign-in-failed", {}), status=403)
        self._at.cookies.drop(answer, self._at.cookies.attempt)
        return answer

    def _out_of_reach(self, request: Request, to: str, error: Exception) -> Response:
        _LOG.warning("sign-in failed", key=error.key if isinstance(error, Trouble) else "no-provider")
        return self._page(request, own_path(to), error=("provider-away", {}), status=503)

    # signed in, and out
    def who(self, who: Annotated[Signed, Depends(signed_in)]) -> Response:
        """Who is signed in here, and where else."""
        others = len(self._at.doorway.sessions.of_person(who.person.id)) - 1
        return page(
            "signed_in.html",
            who.person.language,
            self._at.site,
            200,
            who=who,
            since=when(who.signed_in_at, who.person.language, who.person.time_zone),
            elsewhere=max(others, 0),
            idle_minutes=int(self._at.doorway.sessions.lasting.idle.total_seconds() // 60),
        )

    def out(
        self, request: Request, who: Annotated[Signed, Depends(signed_in)], everywhere: Annotated[str, Form()] = ""
    ) -> Response:
        """Sign out, here or everywhere."""
        if everywhere:
            self._at.doorway.sessions.end_all(who.person.id)
        else:
            self._at.doorway.sessions.end(self._tokens(request)[1])
        _LOG.info("signed out", session=mark(self._tokens(request)[1]), everywhere=bool(everywhere))
        answer = self._ways("", "everywhere" if everywhere else "out")
        self._at.cookies.drop(answer, self._at.cookies.session)
        # What was shown is not to be found with the back button by whoever sits there next.
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def script(self, request: Request) -> Response:
        """Our one script."""
        return self._script.answer(request)

    # what they share
    def _page(
        self,
        request: Request,
        to: str,
        *,
        said: str = "",
        error: tuple[str, Mapping[str, str]] | None = None,
        status: int = 200,
    ) -> Response:
        doorway, site = self._at.doorway, self._at.site
        language = site.reads(request.headers.get("accept-language", ""))
        allowed = may_keep(site.url)
        again = "again" if said in ("again", "out", "everywhere") else ""
        query = urlencode([(name, value) for name, value in (("to", to), ("again", again)) if value])
        shown = page(
            "sign_in.html",
            language,
            site,
            status,
            to=to,
            said=said,
            problem=error_words(language, *error) if error else None,
            passkeys=allowed and doorway.party is not None,
            provider=doorway.provider.name if allowed and doorway.provider is not None else None,
            provider_link=f"{site.root}/sign-in/provider{'?' if query else ''}{query}",
        )
        return with_script(shown)

    def _signed(self, request: Request) -> Signed | None:
        return self._at.doorway.signed(self._tokens(request)[1])

    def _tokens(self, request: Request) -> tuple[str, str]:
        """Of the attempt and of the session that the browser brings."""
        cookies = self._at.cookies
        return cookies.read(request, cookies.attempt), cookies.read(request, cookies.session)

    def _onward(self, to: str) -> Response:
        return RedirectResponse(f"{self._at.site.root}{to or HOME}", status_code=303)

    def _ways(self, to: str, said: str = "") -> Response:
        query = urlencode([(name, value) for name, value in (("to", own_path(to)), ("said", said)) if value])
        return RedirectResponse(f"{self._at.site.root}/sign-in{'?' if query else ''}{query}", status_code=303)

    def _client(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        return client_of(peer, ",".join(request.headers.getlist("x-forwarded-for")), self._proxies)
