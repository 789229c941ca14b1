"""Errors of the API as problem details (RFC 9457): which status, which sentence, and what of an error may be told.

What is ours to mend (a mail system out of reach, a file of this machine) is told as such and nothing more; the reason is for
our log. No route and no case is known here.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import structlog
from starlette.responses import Response

from locum.errors import Conflict, Invalid, LocumError, Refused, Unsupported
from locum.messages import say
from locum.shapes import explained

MEDIA_TYPE: Final = "application/problem+json"
ROOT: Final = "/api"
OPENAPI: Final = "/v1/openapi.json"

STATUS: Final[tuple[tuple[type[LocumError], int], ...]] = (
    (Invalid, 400),
    (Unsupported, 422),
    (Refused, 403),
    (Conflict, 409),
)
STATUS_OF_KEY: Final[Mapping[str, int]] = MappingProxyType(
    {
        "token-unknown": 401,
        "no-such-case": 404,
        "case-erased": 410,
        "nothing-at-this-address": 404,
        "figures-not-issued": 404,
        "figures-not-yet": 404,
        "policy-none-yet": 404,
        "method-not-here": 405,
        "body-too-slow": 408,
        "no-such-step": 409,
        "overlapping": 409,
        "join-too-late": 409,
        "join-same-measure": 409,
        "body-too-big": 413,
        "not-json": 415,
        "not-as-described": 422,
        "repeat-differs": 422,
        "too-many-tokens": 429,
        "our-fault": 500,
        "not-now": 503,
    }
)
"""Where the kind of an error does not say it."""
_OF_THIS_MACHINE: Final = frozenset({"file", "host", "directory", "url"})
_SOMEBODY: Final = "…"
_LOG = structlog.get_logger("locum.web.api")


def status_of(error: LocumError) -> int:
    """The status of HTTP for an error that may be told."""
    of_kind = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return STATUS_OF_KEY.get(error.key, of_kind)


def is_ours(error: LocumError) -> bool:
    """Whether it is for whoever looks after Locum to mend, and none of the caller's doing."""
    theirs = isinstance(error, (Invalid, Refused, Conflict, Unsupported))
    return not theirs or bool(_OF_THIS_MACHINE & set(error.values))


def problem(
    language: str,
    error: LocumError,
    *,
    hidden: frozenset[str] = frozenset(),
    headers: Mapping[str, str] = MappingProxyType({}),
    **more: object,
) -> Response:
    """What an error becomes. Values named in `hidden` are somebody else's, and are left out of the sentence."""
    if is_ours(error):
        _LOG.warning("request failed", key=error.key, code=error.code)
        error = Conflict("not-now")
    values = {name: _SOMEBODY if name in hidden else value for name, value in error.values.items()}
    shown = error.with_values(**values)
    status = status_of(error)
    code = "trouble" if status == 503 else "error" if status >= 500 else error.code
    kind = "missing" if status == 404 else "unknown" if status == 401 else code
    said = explained(shown, language)
    body: dict[str, object] = {
        "type": f"urn:locum:problem:{error.key}",
        "title": say(language, f"api.title.{kind}"),
        "status": status,
        "detail": said["sentence"],
        "code": code,
        "key": error.key,
        "clause": error.clause,
        "left_as": said["left_as"],
        "advice": said["advice"],
    }
    if "case" in error.values and "case" not in hidden:
        body["case"] = error.values["case"]
    answer = Response(as_json({**body, **more}), status_code=status, media_type=MEDIA_TYPE)
    answer.headers.update(headers)
    answer.headers["Content-Language"] = language
    if status == 503:
        answer.headers["Retry-After"] = "30"
    return answer


def as_json(document: object) -> bytes:
    """A JSON document as the API sends it."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def is_of_the_api(path: str) -> bool:
    """Whether an address, as the app sees it, is one of the API."""
    return path == ROOT or path.startswith(f"{ROOT}/")
