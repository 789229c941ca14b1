"""Templates, and the form that every text has before it is filed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.entry import bad_character
from locum.errors import Invalid
from locum.wording import from_template, normal, normal_line

VALUES = {"name": "Anna {organisation}", "organisation": "Voorbeeld BV", "until": "donderdag"}


def test_line_ends_become_newlines() -> None:
    assert normal("a\r\nb\rc\u2028d", "internal") == "a\nb\nc\nd"


def test_text_is_composed() -> None:
    assert normal("e\u0301", "internal") == "\u00e9"


@pytest.mark.parametrize("char", ["\x00", "\x07", "\u202e", "\u2066", "\ud800", "\x9b"])
def test_a_character_that_cannot_be_shown_safely_is_named(char: str) -> None:
    with pytest.raises(Invalid) as caught:
        normal(f"ab{char}", "subject")
    assert (caught.value.values["char"], caught.value.values["place"]) == (f"U+{ord(char):04X}", "3")


def test_a_subject_is_one_line() -> None:
    with pytest.raises(Invalid, match="more-than-one-line"):
        normal_line("Away\r\nBcc: everyone@corp.test", "subject")


@given(st.text())
def test_what_is_filed_holds_no_bad_character(text: str) -> None:
    try:
        assert bad_character(normal(text, "internal")) is None
    except Invalid:
        assert any(bad_character(char) for char in text)


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("name", ["standard", "closing"])
def test_outsiders_are_told_no_date(name: str, language: str) -> None:
    assert "donderdag" not in from_template(name, language, VALUES)[2]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_value_is_never_expanded_again(part: int) -> None:
    assert "Anna Voorbeeld BV" not in from_template("standard", "nl", VALUES)[part]


@pytest.mark.parametrize("name", ["", "nope", "../../etc", "standard.subject"])
def test_a_template_that_is_not_there_is_said_so(name: str) -> None:
    with pytest.raises(Invalid, match="no-such-template"):
        from_template(name, "nl", VALUES)
