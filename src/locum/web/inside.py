"""What all pages behind signing in share: the navigation, who is looking, and the errors that may be shown to her.

Knows no page and no case. A group of pages is a class with `join(app)` that is given an `Inside`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.responses import HTMLResponse, RedirectResponse

from locum.desk import Desk
from locum.errors import Conflict, Invalid, LocumError, Refused, Trouble, Unsupported
from locum.web.guard import Network
from locum.web.papers import Papers
from locum.web.shown import Site, page, problem_words
from locum.web.signin.doorway import Signed
from locum.web.signin.who import Entrance

_LOG = structlog.get_logger("locum.web")

NAV: Final = (
    ("mine", "/mine"),
    ("cases", "/cases"),
    ("calendar", "/calendar"),
    ("people", "/people"),
    ("policy", "/policy"),
    ("figures", "/figures"),
)
"""The entries of the navigation, in their order: the key of the label under `pages.nav.`, and the path."""

STATUS: Final[tuple[tuple[type[LocumError], int], ...]] = (
    (Invalid, 400),
    (Unsupported, 400),
    (Refused, 403),
    (Conflict, 409),
    (Trouble, 503),
    (LocumError, 500),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """The desk, who may come in, and whose pages these are; `proxies` and `monotonic` as in make_app. `papers` makes files;
    without it there are none to have.
    """

    desk: Desk
    entrance: Entrance
    site: Site
    proxies: tuple[Network, ...] = ()
    monotonic: Callable[[], float] = time.monotonic
    papers: Papers | None = None

    def page(
        self,
        who: Signed,
        template: str,
        active: str,
        *,
        status: int = 200,
        problem: LocumError | None = None,
        variant: str = "",
        **values: object,
    ) -> HTMLResponse:
        """A page with the navigation, in the reader's language. `active` is the entry of NAV that it belongs to; `problem` is told on
        top of it, in words.
        """
        language = who.person.language
        if isinstance(problem, Refused):
            _LOG.warning("refused", key=problem.key, code=problem.code)
        said = problem_words(problem, language) if problem is not None else None
        return page(
            template,
            language,
            self.site,
            status_of(problem) if problem is not None else status,
            variant=variant,
            who=who,
            nav=NAV,
            active=active,
            problem=said,
            **values,
        )

    def onward(self, path: str) -> RedirectResponse:
        """After a form that was good: on to a page of ours, by GET."""
        return RedirectResponse(f"{self.site.root}{path}", status_code=303)


def status_of(error: LocumError) -> int:
    """The status of HTTP for an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def words_of(error: LocumError) -> Mapping[str, str]:
    """The values of an error as texts."""
    return {name: str(value) for name, value in error.values.items()}
