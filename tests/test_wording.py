"""Templates, and the form that every text has before it is filed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.entry import bad_character
from locum.errors import Invalid
from locum.wording import LANGUAGES, Known, from_template, likely_language, lint, normal, normal_line
from locum.wording.texts import template_for, template_names

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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", template_names())
def test_outsiders_are_told_no_date(name: str, language: str) -> None:
    assert "donderdag" not in from_template(name, language, VALUES)[2]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_value_is_never_expanded_again(part: int) -> None:
    assert "Anna Voorbeeld BV" not in from_template("standard", "nl", VALUES)[part]


@pytest.mark.parametrize("name", ["", "nope", "../../etc", "standard.subject"])
def test_a_template_that_is_not_there_is_said_so(name: str) -> None:
    with pytest.raises(Invalid, match="no-such-template"):
        from_template(name, "nl", VALUES)


REASONS = "forgotten continuity handover deadline customer closing long-absence departure death".split()
UNTIL = {
    "nl": "maandag 28 december 2026, 00:00 uur",
    "en": "Monday 28 December 2026, 00:00",
    "de": "Montag, 28. Dezember 2026, 00:00 Uhr",
    "fr": "lundi 28 décembre 2026 à 00:00",
}
KNOWN = Known(
    organisation="Voorbeeld BV",
    name="Anna de Vries",
    colleagues=("Carla Jansen",),
    domains=("voorbeeld.example",),
    return_on=date(2026, 12, 28),
)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_own_template(reason: str) -> None:
    assert template_for(reason) == reason


def test_a_reason_without_a_template_gets_the_standard_one() -> None:
    assert template_for("something-new") == "standard"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", template_names())
@pytest.mark.parametrize("contact", ["Voorbeeld BV", "Carla Jansen", "info@voorbeeld.example"])
def test_a_template_passes_the_linter(name: str, language: str, contact: str) -> None:
    values = {"name": "Anna de Vries", "organisation": "Voorbeeld BV", "until": UNTIL[language], "contact": contact}
    subject, internal, external = from_template(name, language, values)
    seen = [lint(subject, audience="external", known=KNOWN), lint(external, audience="external", known=KNOWN)]
    assert [*seen, lint(internal, audience="internal", known=KNOWN)] == [(), (), ()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", template_names())
def test_a_template_says_on_whose_behalf_it_is_set(name: str, language: str) -> None:
    last = [text.strip().splitlines()[-1] for text in from_template(name, language, VALUES)[1:]]
    assert all("Voorbeeld BV" in line and "Anna" in line for line in last)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_template_is_in_its_language(language: str) -> None:
    assert likely_language(from_template("standard", language, VALUES)[2]) == language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", template_names())
def test_every_language_fills_the_same_places(name: str, language: str) -> None:
    marked = {"name": "N#", "organisation": "O#", "until": "U#", "contact": "C#"}
    parts, english = from_template(name, language, marked), from_template(name, "en", marked)
    seen = [{mark for mark in marked.values() if mark in part} for part in parts]
    assert seen == [{mark for mark in marked.values() if mark in part} for part in english]


def test_whom_to_write_to_is_the_organisation_where_nobody_is_named() -> None:
    assert "contact op met Voorbeeld BV" in from_template("forgotten", "nl", VALUES)[2]


def test_a_language_without_templates_reads_english() -> None:
    assert from_template("standard", "../nl", VALUES) == from_template("standard", "en", VALUES)
