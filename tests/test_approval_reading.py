"""What is signed, in words: everything of the request is in it, and what people wrote can look like no line of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals import Story
from filings import a_case
from locum.approval import text_hash
from locum.approval.reading import text_of
from locum.approval.statement import DECISIONS
from locum.entry import Json
from locum.measure import measure_to_json
from locum.messages import LANGUAGES, catalogue

FORWARD = Story().request
REPLY: dict[str, Json] = {**FORWARD, "measures": [measure_to_json(a_case().auto_reply)]}  # type: ignore[list-item]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("request_", [FORWARD, REPLY], ids=["forward", "auto-reply"])
def test_another_value_of_any_field_is_another_text(language: str, request_: dict[str, Json]) -> None:
    measures = request_["measures"]
    assert isinstance(measures, list)
    told = text_of(request_, "approve", language)
    whole = {name: {**request_, name: "otherwise"} for name in request_ if name != "measures"}
    first = measures[0]
    assert isinstance(first, dict)
    parts = {name: {**request_, "measures": [{**first, name: "otherwise"}]} for name in first}
    same = [name for name, changed in (whole | parts).items() if text_of(changed, "approve", language) == told]
    assert same == []


def test_each_decision_and_language_has_a_text_of_its_own() -> None:
    assert len({text_of(FORWARD, decision, language) for decision in DECISIONS for language in LANGUAGES}) == 8


def test_a_field_that_nobody_knew_of_is_shown_all_the_same() -> None:
    assert "| everything" in text_of({**FORWARD, "besides": "everything"}, "approve", "en")


HOSTILE = st.text(alphabet="abc :|\n\t>-é\u0338", max_size=80)


@given(HOSTILE, st.sampled_from(["because", "reason", "mailbox", "template", "batch"]), st.sampled_from(LANGUAGES))
def test_no_text_of_people_makes_a_line_of_ours(text: str, field: str, language: str) -> None:
    ours = set(catalogue(language, "reading").values())
    lines = text_of({**FORWARD, field: text}, "approve", language).split("\n")
    assert [
        one
        for one in lines
        if one and not one.startswith("| ") and one.removesuffix(":") not in ours and one not in ours
    ] == []


def test_a_text_that_imitates_a_label_stands_behind_a_bar() -> None:
    lines = text_of({**FORWARD, "because": "x\nThe receiver:\n| eve@evil.test"}, "approve", "en").split("\n")
    assert lines.count("The receiver:") == 1
    assert "| | eve@evil.test" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_shown_can_be_signed(language: str) -> None:
    assert len(text_hash(text_of(REPLY, "request", language))) == 64
