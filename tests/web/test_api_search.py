"""Asking over the API for one message to be found: filed as at every other door, told as described, and nothing of it counted there."""

from pathlib import Path

import pytest
from calling import Calling
from tests.mailroom import TRIED, SearchWorld

from locum.demo.sink import Sink
from locum.web.api import told as shapes

ASKED = {
    "measure": "search",
    "mailbox": "anna@corp.test",
    "deliver_to": "verkoop@corp.test",
    "reason": "customer",
    "because": "De afspraak over offerte 4711 moet worden nagekeken.",
    "senders": ["klant.test"],
    "words": ["offerte"],
    "tried": dict(TRIED),
}


@pytest.fixture
def calling(tmp_path: Path, sink: Sink) -> Calling:
    return Calling(SearchWorld(tmp_path, sink))


def test_a_search_is_filed_and_told_as_described(calling):
    answer = calling.post("/cases", json=ASKED)
    assert answer.status_code == 201
    case = shapes.ShownCase.model_validate_json(calling.get(f"/cases/{answer.json()['case']}").text)
    asked = case.measures[0]
    assert isinstance(asked, shapes.Search)
    assert (asked.query.senders, asked.query.words, asked.deliver_to) == (
        ["@klant.test"],
        ["offerte"],
        "verkoop@corp.test",
    )
    assert {one.what: one.on for one in asked.alternatives} == dict(TRIED)


def test_a_question_that_is_too_broad_is_refused_by_its_clause(calling):
    answer = calling.post("/cases", json=ASKED | {"senders": [], "words": ["offerte"]})
    assert (answer.status_code, answer.json()["clause"]) == (403, 10)


@pytest.mark.parametrize("changes", [{"joins": "aaaa-aaaa"}, {"words_in": "body"}, {"tried": ["auto-reply"]}])
def test_what_is_not_described_is_refused(calling, changes):
    assert calling.post("/cases", json=ASKED | changes).status_code == 422
