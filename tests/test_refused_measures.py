"""What people type first and Locum has no code for: refused with its clause and what to do instead, whatever else they say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clihouse import WHY, House, day

from locum.cli.refusing import NEVER
from locum.demo.sink import Sink
from locum.messages import say

NAMES = [(name, what, clause) for what, (clause, names) in NEVER.items() for name in names]
ANYTHING = (
    (),
    ("anna@corp.test",),
    ("anna@corp.test", "--new-password", "hunter2", "--force"),
    ("--reason", "investigation", "--because", "Fraud!", "--until", "never"),
    ("anna@corp.test", "--", "--to", "bob@corp.test"),
    ("\u202emoc.tset", "-x", "--json"),
)
AWAY = ("auto-reply", "anna@corp.test", "--because", "Customers are waiting.", "--until", day(5), "--as", "bob")


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    with Sink() as sink:
        yield House(tmp_path, sink, capfd)


@pytest.mark.parametrize(("name", "what", "clause"), NAMES)
def test_each_name_is_refused_with_its_clause_and_a_way_round(house: House, name: str, what: str, clause: int) -> None:
    ran = house("request", name, "anna@corp.test", "--json")
    error = ran.json["error"]
    assert (ran.code, error["code"], error["key"], error["clause"]) == (3, "refused", f"never-{what}", clause)
    assert error["advice"] == say("en", f"errors.never-{what}.advice")
    assert error["left_as"] == "Nothing was changed."


@pytest.mark.parametrize("words", ANYTHING)
def test_it_is_refused_whatever_is_said_with_it(house: House, words: tuple[str, ...]) -> None:
    ran = house("request", "password-reset", *words)
    assert (ran.code, "Clause 5 of the policy." in ran.err) == (3, True)
    assert "hunter2" not in ran.out + ran.err


def test_nothing_of_it_is_recorded(house: House) -> None:
    for name, _, _ in NAMES:
        house("request", name, "anna@corp.test")
    assert house("cases", "--json").json == []
    assert house("history", "anna@corp.test", "--json").json == []


@pytest.mark.parametrize("what", NEVER)
def test_it_is_said_in_the_language_of_the_organisation(house: House, what: str) -> None:
    settings = house.folder / "locum.toml"
    settings.write_text(settings.read_text().replace('language = "en"', 'language = "nl"'))
    ran = house("request", NEVER[what][1][0], "anna@corp.test")
    assert say("nl", f"errors.never-{what}.sentence") in ran.err
    assert say("nl", f"errors.never-{what}.advice") in ran.err


def test_it_is_refused_without_any_settings(house: House) -> None:
    (house.folder / "locum.toml").unlink()
    assert house("request", "full-access", "anna@corp.test").code == 3


@pytest.mark.parametrize("what", NEVER)
def test_what_it_names_instead_is_a_command(house: House, what: str) -> None:
    advice = say("en", f"errors.never-{what}.advice")
    named = {words[0].rstrip(".:") for after in advice.split("locum request ")[1:] if (words := after.split())}
    assert all(house("request", name.rstrip(","), "--help").code == 0 for name in named)
    assert named or what == "investigate"


@pytest.mark.parametrize("reason", ["investigation", "performance", "curiosity", "onderzoek", ""])
def test_a_reason_outside_the_list_says_where_such_a_question_belongs(house: House, reason: str) -> None:
    ran = house("request", *AWAY, "--reason", reason, "--json")
    error = ran.json["error"]
    assert (ran.code, error["key"], error["clause"]) == (3, "reason-not-listed", 1)
    assert "human resources" in error["advice"]
    assert "data protection officer" in error["advice"]


def test_a_reason_of_the_list_is_the_way_round(house: House) -> None:
    house("request", *AWAY, "--reason", "investigation")
    assert house("request", *AWAY, *WHY).code == 0
