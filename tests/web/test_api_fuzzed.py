"""Schemathesis against the API of a real organisation: whatever is sent, it answers as described, and never fails.

Bounded in examples, and the same ones each time. What it checks: no 5xx, documented statuses, media types, headers and schemas,
that a token is needed everywhere, that what is not as described is not accepted, and that what a header needs is asked for.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from calling import Calling
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.world import World

from locum.demo.sink import Sink

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    missing_required_header,
    ignored_auth,
    unsupported_method,
]
OPERATIONS = sorted(
    "ask ask_many preview listed waiting show entries account contact withdraw end review history gaps figures policy people".split()
)
EXAMPLES = 25


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calling]:
    with Sink() as sink:
        world = World(tmp_path_factory.mktemp("world"), sink, policy={"count": 1, "if_unanswered": "review"})
        calling = Calling(world)
        calling.known = calling.waiting()
        yield calling


@pytest.fixture(scope="module")
def schema(calling: Calling) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", calling.app)


@pytest.fixture(scope="module")
def without_tokens(calling: Calling) -> schemathesis.BaseSchema:
    """The description as if no token were needed, so that a request is wrong for what it says."""
    described = calling.client.get("/api/v1/openapi.json").json()
    for operation in (one for path in described["paths"].values() for one in path.values()):
        del operation["security"]
    made = schemathesis.openapi.from_dict(described)
    made.app = calling.app
    return made


class Player:
    """Plays what schemathesis makes for one operation."""

    def __init__(self, calling: Calling, operation: schemathesis.APIOperation) -> None:
        self.calling = calling
        self.operation = operation
        self.token = calling.token("bob")

    def play(self, mode: schemathesis.GenerationMode, checks: list[object]) -> None:
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self.operation.as_strategy(generation_mode=mode))
        def playing(case):
            self.one(case, checks)

        playing()

    def one(self, case, checks):
        if "case_id" in case.path_parameters and len(str(case.path_parameters["case_id"])) % 2:
            case.path_parameters["case_id"] = self.calling.known  # so that there is one, now and then
        for asked in asked_in(case.body) if checks is CHECKS else ():
            asked |= {"mailbox": "anna@corp.test", "reason": "forgotten", "until": "2026-12-07"}
        self.calling.ticks.now += 1000  # wrong tokens are part of it, and are not to be waited for
        response = case.call(headers={"Authorization": f"Bearer {self.token}"})
        refused_before = response.status_code == 413
        case.validate_response(
            response, checks=[c for c in checks if not (refused_before and c is negative_data_rejection)]
        )


def asked_in(body: object) -> list[dict[str, object]]:
    """The requests in a body whose words are as likely to be understood as not: half of them, so that some are filed."""
    found = body.get("requests", [body]) if isinstance(body, dict) else []
    return [one for one in found if "because" in one and "measure" in one and len(one["because"]) % 2]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_as_described_is_answered_as_described(calling, schema, operation):
    Player(calling, schema.find_operation_by_id(operation)).play(schemathesis.GenerationMode.POSITIVE, CHECKS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_as_described_is_refused_as_described(calling, without_tokens, operation):
    found = without_tokens.find_operation_by_id(operation)
    Player(calling, found).play(schemathesis.GenerationMode.NEGATIVE, [*CHECKS, negative_data_rejection])


def test_every_operation_is_played(schema):
    assert sorted(one.ok().definition.raw["operationId"] for one in schema.get_all_operations()) == OPERATIONS
