"""The description of the API, its routes and docs/api.md say the same, and its words are those of the desk."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from calling import Calling
from tests.test_docs import blocks, rows, section
from tests.world import World

from locum import lifecycle, measure, query
from locum.access_tokens import Scope
from locum.cli import cases as cli
from locum.demo.sink import Sink
from locum.web.api import asking, told
from locum.web.problems import STATUS_OF_KEY

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with Sink() as sink:
        calling = Calling(World(tmp_path_factory.mktemp("world"), sink))
        yield calling.client.get("/api/v1/openapi.json").json()


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path.removeprefix('/v1')}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def told_on_the_page() -> dict[str, str]:
    return {row[0].strip("`"): row[1].strip("`") for row in rows(section(PAGE, "What there is"))}


def test_the_page_has_every_route_and_no_other(described):
    assert set(told_on_the_page()) == set(operations(described))


def test_the_page_has_the_scope_of_every_route(described):
    needed = {name: one["security"][0]["token"] for name, one in operations(described).items()}
    assert {name: [scope] for name, scope in told_on_the_page().items()} == needed


def test_every_scope_is_of_use():
    assert set(told_on_the_page().values()) == set(Scope)


def test_the_page_has_the_errors_of_a_key():
    keys = re.findall(r"`(repeat-[a-z-]+)`", section(PAGE, "Sent twice, done once"))
    assert sorted(keys) == ["repeat-at-work", "repeat-differs", "repeat-key", "repeat-unknown"]


def test_the_example_of_the_page_is_accepted():
    body = re.search(r"-d '(\{.*?\})'", blocks(PAGE, "sh")[1], re.DOTALL)
    assert body is not None
    assert asking.AskReply.model_validate_json(body[1]).mailbox == "anna@corp.test"


def test_the_problem_of_the_page_is_one():
    assert told.Problem.model_validate_json(blocks(PAGE, "json")[0]).clause == 1


def test_every_example_of_the_description_is_accepted(described):
    schemas = described["components"]["schemas"]
    models = {name: getattr(asking, name) for name in schemas if hasattr(asking, name)}
    found = [(models[name], one) for name in models for one in schemas[name].get("examples", [])]
    assert len(found) == 5
    for model, example in found:
        model.model_validate(example)


def test_every_operation_has_a_name_and_says_what_it_does(described):
    found = operations(described).values()
    assert all(one["operationId"] and one["description"] for one in found)
    assert len({one["operationId"] for one in found}) == len(found)


def test_every_operation_tells_its_problems_as_problems(described):
    for name, one in operations(described).items():
        wrong = {status: answer for status, answer in one["responses"].items() if status >= "400"}
        assert {"401", "403", "413", "415", "422", "429", "500", "503"} <= set(wrong), name
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in wrong.values()), name


def test_what_acts_asks_for_a_key_and_what_looks_does_not(described):
    with_key = {
        name
        for name, one in operations(described).items()
        if "Idempotency-Key" in [parameter["name"] for parameter in one.get("parameters", [])]
    }
    posts = {name for name in operations(described) if name.startswith("POST")}
    assert with_key == posts - {"POST /cases/preview", "POST /cases/{case_id}/review"}


def test_nothing_unknown_is_accepted_in_a_body(described):
    schemas = described["components"]["schemas"]
    assert [name for name, one in schemas.items() if one.get("additionalProperties") is not False] == ["JsonValue"]


def test_no_route_signs_or_decides(described):
    named = " ".join(operations(described)).lower()
    assert [word for word in ("sign", "approve", "deny", "overrule", "agree", "key", "register") if word in named] == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (asking.AudienceName, measure.Audience),
        (asking.SendersName, measure.Senders),
        (asking.WordsInName, query.WordsIn),
        (asking.ByName, cli.By),
        (asking.OutcomeName, cli.Outcome),
        (told.StateName, lifecycle.State),
    ],
)
def test_the_words_of_the_description_are_those_of_the_desk(words, meant):
    assert list(get_args(words)) == [str(one) for one in meant]


def test_a_status_that_is_told_is_one_that_is_described(described):
    statuses = {int(status) for one in operations(described).values() for status in one["responses"]}
    assert set(STATUS_OF_KEY.values()) - statuses <= {405}
