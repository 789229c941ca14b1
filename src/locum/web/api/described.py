"""The description of the API (OpenAPI 3.1), and the framework's own errors as problems. No page shows it: the CSP stays strict."""

from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response

from locum.errors import Invalid, LocumError, Refused
from locum.web.api.answering import Answering, answered
from locum.web.api.once import KEY
from locum.web.guard import HEADERS
from locum.web.problems import MEDIA_TYPE, OPENAPI, ROOT
from locum.web.shown import Site

_LOG: Final = structlog.get_logger("locum.web.api")
_KEYS: Final = {404: "nothing-at-this-address", 405: "method-not-here", 400: "not-as-described"}
_PROBLEM: Final = "#/components/schemas/Problem"
_ABOUT: Final = (
    "The few things that may be done in an absent colleague's name, for other programs. A token acts as one person and sees what "
    "she sees on the pages. Deciding is not here: that is a signature, on the page."
)


class Errors:
    """What goes wrong, as problems."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._description = f"{answering.site.url}{ROOT}{OPENAPI}"

    def join(self, app: FastAPI) -> None:
        """Have `app` answer with them."""
        app.add_exception_handler(LocumError, self._of_ours)
        app.add_exception_handler(HTTPException, self._of_the_framework)
        app.add_exception_handler(RequestValidationError, self._not_as_described)
        app.add_exception_handler(Exception, self._failed)

    def known_parameters(self, request: Request) -> None:
        """Raise Invalid for a parameter in the address that the route does not have: a misspelt one would be passed over."""
        known = {one.alias for one in request.scope["route"].dependant.query_params}
        if unknown := [name for name in request.query_params if name not in known]:
            raise Invalid("not-as-described", where=f"query/{unknown[0][:60]}", description=self._description)

    def _of_ours(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, LocumError):
            raise error
        return self._answering.refusal(request.state.caller, error)

    def _of_the_framework(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        key = _KEYS.get(status, "our-fault")
        answer = self._answering.refusal(
            request.state.caller, Invalid(key, where="body", description=self._description)
        )
        answer.headers.update((error.headers if isinstance(error, HTTPException) else None) or {})
        return answer

    def _not_as_described(self, request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        if any(tuple(one["loc"]) == ("header", KEY) for one in found):
            return self._answering.refusal(request.state.caller, Invalid("repeat-key"))
        # Never what was sent: it may be somebody's text, and need not be said back.
        mistakes = [{"at": "/".join(str(part) for part in one["loc"])[:200], "what": one["type"]} for one in found[:20]]
        where = ", ".join(dict.fromkeys(one["at"] for one in mistakes))
        return self._answering.refusal(
            request.state.caller,
            Invalid("not-as-described", where=where, description=self._description),
            mistakes=mistakes,
        )

    def _failed(self, request: Request, error: Exception) -> Response:
        _LOG.error("request failed", error=type(error).__name__)
        answer = self._answering.refusal(request.state.caller, Refused("our-fault"))
        # Starlette answers these outside all middleware of ours.
        for name, value in {**HEADERS, "Cache-Control": "no-store"}.items():
            answer.headers.setdefault(name, value)
        return answer


def described(app: FastAPI, site: Site) -> None:
    """Serve the description, to anybody: it is the same in every organisation."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app, site)
        return app.openapi_schema

    def openapi() -> Response:
        """This description."""
        return answered(description())

    app.openapi = description  # type: ignore[method-assign]
    app.add_api_route(OPENAPI, openapi, methods=["GET"], include_in_schema=False, response_model=None)


def _description(app: FastAPI, site: Site) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary="Locum's API",
        description=_ABOUT,
        routes=app.routes,
        servers=[{"url": f"{site.url}{ROOT}"}],
    )
    for operation in (one for path in made["paths"].values() for one in path.values()):
        for status, response in operation["responses"].items():
            _as_problem(response)
            if status in ("401", "429"):
                name = {"401": "WWW-Authenticate", "429": "Retry-After"}[status]
                response["headers"] = {name: {"schema": {"type": "string"}, "required": True}}
    return made


def _as_problem(response: dict[str, Any]) -> None:
    """A problem has a media type of its own."""
    content = response.get("content", {})
    if content.get("application/json", {}).get("schema", {}).get("$ref") == _PROBLEM:
        response["content"] = {MEDIA_TYPE: content["application/json"]}
