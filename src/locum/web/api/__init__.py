"""The API: REST under /api/v1 for other programs, with tokens (`locum token`). Everything the pages do except signing.

    caller.py     the token of each request, before anything else is looked at
    once.py       a request that acts is done once (Idempotency-Key)
    asking.py     what may be sent            told.py    what is answered, for the description
    answering.py  what the routes share       cases.py, house.py   the routes
    described.py  the description (OpenAPI), and the errors of the framework

An app of its own, mounted in that of the pages: no cookie is looked at here, and no page looks at a token.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import Depends, FastAPI
from starlette.routing import Mount

from locum.access_tokens import AccessTokens
from locum.desk import Desk
from locum.repeats import Repeats
from locum.web.api.answering import Answering
from locum.web.api.caller import Credentials, Gatekeeper
from locum.web.api.cases import CaseRoutes
from locum.web.api.described import Errors, described
from locum.web.api.house import HouseRoutes
from locum.web.api.once import Once
from locum.web.guard import GuessLimit, Network
from locum.web.problems import ROOT
from locum.web.shown import Site

__all__ = ["Api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the API needs besides the site."""

    desk: Desk
    tokens: AccessTokens
    repeats: Repeats

    def join(self, app: FastAPI, site: Site, proxies: Sequence[Network], monotonic: Callable[[], float]) -> None:
        """Mount it in the app of the pages."""
        answering = Answering(desk=self.desk, site=site)
        errors = Errors(answering)
        api = FastAPI(
            title="Locum",
            version="1",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            dependencies=[Depends(errors.known_parameters)],
        )
        CaseRoutes(answering, Once(repeats=self.repeats, refusal=answering.refusal)).join(api)
        HouseRoutes(answering).join(api)
        errors.join(api)
        described(api, site)
        credentials = Credentials(tokens=self.tokens, people=self.desk.office.people)
        limit = GuessLimit(monotonic)
        api.add_middleware(Gatekeeper, credentials=credentials, site=site, limit=limit, proxies=proxies)
        mount = Mount(ROOT, app=api)
        mount.path_regex = re.compile(
            mount.path_regex.pattern, re.DOTALL
        )  # a line break in an address is ours to refuse too
        app.router.routes.append(mount)
