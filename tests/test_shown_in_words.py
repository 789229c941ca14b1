"""What `locum show` and `locum history` tell a person: words of the reader's language, no tokens and no texts of people."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clihouse import ASK, House, day

from locum.demo.sink import Sink
from locum.messages import LANGUAGES, catalogue

TOKENS = (
    "delivered-to-relay", "as-intended", "as-found", "will-be-tried-again", "own-text", "letter-", "mailbox, sending",
    "private_mail", "objected", "unanswered,", "never-reached", "requester,", "grounds-too-short", "overrule,",
)  # fmt: skip
SECRET = "Her brother told me in confidence."
GROUNDS = "The court needs an answer before Friday noon."


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    with Sink() as sink:
        yield House(tmp_path, sink, capfd)


def lines(house: House, language: str) -> list[str]:
    """The lines of the record on a screen of a case that has been through a lot."""
    house.policy(wait_hours=4)
    case = house.case()
    note = ("contact", case, "--by", "phone", "--because", SECRET, "--as", "bob", "--outcome")
    house(*note, "unreached")
    house(*note, "objected")
    for who in ("carla", "dirk"):
        house("review", case, "--overrule", "--because", GROUNDS, "--as", who)
    house("end", case, "--as", "bob")
    screen = house("show", case, "--lang", language).out
    return screen.splitlines()[-len(house("history", "anna@corp.test", "--json").json) :]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_happened_is_told_in_words(house: House, language: str) -> None:
    told = lines(house, language)
    assert len(told) > 15
    shown = [line for line in told if any(token in line.partition("  ")[2] for token in TOKENS)]
    assert [line for line in shown if language == "nl" or "objected" not in line] == []
    words = catalogue(language, "words")
    for key in ("decision.overrule", "put-back.as-found", "stands.as-intended", "letter.letter-overruled"):
        assert any(words[key] in line for line in told), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_s_own_words_are_in_the_list(house: House, language: str) -> None:
    told = "\n".join(lines(house, language))
    assert SECRET not in told
    assert GROUNDS not in told


@pytest.mark.parametrize(("language", "told"), [("en", "may last 92 days"), ("nl", "92 dagen")])
def test_a_refusal_is_told_with_its_figures(house: House, language: str, told: str) -> None:
    case = house(*ASK, "--until", day(120), "--as", "bob", "--json").json["case"]
    (refused,) = [
        line for line in house("history", "anna@corp.test", "--lang", language).out.splitlines() if "92" in line
    ]
    assert (case in refused, told in refused) == (True, True)
