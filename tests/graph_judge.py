"""Judges what goes to and comes from Graph by Microsoft's own schema, in both directions (openapi-core): the stub is judged too."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema_rs import validator_for
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from mailhosts.graph import Exchanged, GraphHost
from schemas import SCHEMAS

HOST = "http://127.0.0.1:4010"  # where the schema says that Graph is
ERROR = "microsoft.graph.ODataErrors.ODataError"


class GraphJudge:
    """`complaints` are about each request and answer that does not fit."""

    def __init__(self, file: Path) -> None:
        self._api, self._errors = loaded(file)
        self.complaints: list[str] = []
        self.judged = 0

    def __call__(self, one: Exchanged) -> None:
        self.judged += 1
        parts = urlsplit(one.path)
        args = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kind = one.content_type or "application/json"
        request = MockRequest(
            HOST, one.method.lower(), f"/v1.0{parts.path}", args=args, data=one.sent, content_type=kind
        )
        try:
            self._api.validate_request(request)
            if one.status in KNOWN:
                self._api.validate_response(request, MockResponse(one.answered, status_code=one.status))
            else:
                self._errors.validate(json.loads(one.answered))
        except (OpenAPIError, ValueError) as error:
            why = error.__cause__ or error
            self.complaints.append(
                f"{one.method} {one.path} {one.status}: {error} {why} {getattr(why, 'schema_errors', '')}"
            )


@contextmanager
def judging(host: GraphHost) -> Iterator[GraphJudge | None]:
    """All that goes to and from this stub is judged at the end of the block; where Microsoft's schema is not here, nobody judges."""
    if not (SCHEMAS / SPEC).is_file():
        yield None
        return
    host.seen = judge = GraphJudge(SCHEMAS / SPEC)
    yield judge
    host.seen = None
    assert judge.complaints == []


SPEC = "graph-mail.openapi.json"
KNOWN = (200, 403, 404, 429)


@cache
def loaded(file: Path) -> tuple[OpenAPI, Any]:
    spec = json.loads(file.read_text("utf-8"))
    errors = {**spec["components"]["schemas"][ERROR], "components": spec["components"]}
    return OpenAPI.from_dict(spec), validator_for(errors)
