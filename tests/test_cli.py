"""The command line as a contract: words, JSON, exit codes, who acts; on a real organisation with published scripts."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clihouse import ASK, LATER, SETTINGS, SOON, WHY, House, day

from locum.demo.host import free_port
from locum.demo.sink import Sink

pytestmark = pytest.mark.skipif(shutil.which("sievec") is None, reason="sievec is not installed")


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    with Sink() as sink:
        yield House(tmp_path, sink, capfd)


# JSON


def test_a_request_is_one_json_document_and_its_words_go_to_standard_error(house: House) -> None:
    ran = house(*ASK, *SOON, "--audience", "everyone", "--except", "Else.test", "--json")
    assert ran.code == 0
    assert (ran.json["state"], ran.json["mailbox"], ran.json["requester"]) == ("applied", "anna@corp.test", "bob")
    (measure,) = ran.json["measures"]
    assert (measure["measure"], measure["audience"], measure["exceptions"]) == ("auto-reply", "everyone", ["else.test"])
    assert measure["until"] == f"{day(19)}T23:00:00Z" or measure["until"] == f"{day(19)}T22:00:00Z"
    assert "It is live" in ran.err
    assert (house.folder / "sieve" / "after" / "anna@corp.test.sieve").exists()


def test_a_case_has_the_same_shape_wherever_it_is_told(house: House) -> None:
    case = house.case()
    shown, listed = house("show", case, "--json").json, house("cases", "--json").json
    for key in ("case", "state", "mailbox", "measures", "filed_at", "requester", "reason", "because", "deadline_at"):
        assert shown[key] == listed[0][key]
    assert listed[0].keys() >= {"connector", "outcome", "trouble", "contacts"}
    assert {job["step"] for job in shown["jobs"]} >= {"end"}


def test_no_token_of_a_link_stands_in_any_document(house: House) -> None:
    house.policy(wait_hours=4)
    case = house.case()
    letters = [str(message.mail.get_body(("plain",)).get_content()) for message in house.sink.messages]  # type: ignore[union-attr]
    tokens = [word.rpartition("/l/")[2] for letter in letters for word in letter.split() if "/l/" in word]
    assert tokens
    told = house("show", case, "--json").out + house("history", "anna@corp.test", "--json").out + house("cases").out
    assert not [token for token in tokens if token in told]


def test_the_history_of_an_alias_is_the_mailboxs(house: House) -> None:
    case = house.case()
    entries = house("history", "A.deVries@corp.test", "--json").json
    assert [entry["type"] for entry in entries][:2] == ["requested", "asked"]
    assert {entry["case"] for entry in entries} - {""} == {case}  # her key is of no case


def test_an_error_has_one_shape(house: House) -> None:
    ran = house("show", "none-here", "--json")
    assert ran.code == 2
    assert ran.json["error"].keys() >= {"code", "clause", "sentence", "left_as", "advice"}
    assert ran.json["error"]["sentence"] == "There is no case none-here."
    assert ran.json["error"]["sentence"] in ran.err


def test_a_refusal_names_its_clause_and_its_case(house: House) -> None:
    ran = house("request", "auto-reply", "anna@corp.test", "--reason", "curiosity", "--because", "x", *SOON, "--json")
    assert ran.code == 3
    assert (ran.json["error"]["code"], ran.json["error"]["clause"]) == ("refused", 1)
    assert ran.json["state"] == "refused"
    assert house("cases", "--state", "refused", "--json").json[0]["case"] == ran.json["case"]


def test_wrong_usage_is_a_json_document_too(house: House) -> None:
    ran = house("cases", "--colour", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "invalid")
    assert "--colour" in ran.json["error"]["sentence"]


# exit codes


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, (*ASK, *SOON)),
        (0, (*ASK, *LATER)),
        (2, ()),
        (2, ("bogus",)),
        (2, ("request",)),
        (2, ("request", "bogus")),
        (2, (*ASK, "--as", "bob")),
        (2, ("request", "auto-reply", *WHY, *SOON)),
        (2, ("request", "auto-reply", "anna@corp.test", "--reason", "forgotten", *SOON)),
        (2, ("request", "auto-reply", "eva@corp.test", *WHY, *SOON)),
        (2, ("request", "auto-reply", "anna@else.test", *WHY, *SOON)),
        (2, ("request", "auto-reply", "../x@corp.test", *WHY, *SOON)),
        (2, ("request", "auto-reply", "a/b@corp.test", *WHY, *SOON)),
        (2, ("request", "auto-reply", "a\0b@corp.test", *WHY, *SOON)),
        (2, (*ASK, *SOON, "--from", day(30))),
        (2, (*ASK, "--until", day(-3), "--as", "bob")),
        (2, (*ASK, "--until", "soon", "--as", "bob")),
        (2, (*ASK, *SOON, "--audience", "nobody")),
        (2, (*ASK, *SOON, "--subject", "a\x1bb")),
        (2, (*ASK, *SOON, "--as", "nobody-here")),
        (2, (*ASK, *SOON, "--batch", "x")),
        (3, (*ASK, "--until", day(200), "--as", "bob")),
        (3, ("request", "password-reset", "anna@corp.test")),
        (3, ("request", "full-access", "anna@corp.test", "--to", "bob@corp.test")),
        (3, ("request", "quota", "anna@corp.test", "--mb", "1")),
        (6, (*ASK, *SOON, "--audience", "known")),
        (2, (*ASK, *SOON, "--with", "abcd-efgh")),
        (6, ("request", "forward", "anna@corp.test", "--to", "bob@corp.test", *WHY, *SOON)),
        (2, ("verify", "x.locum")),
        (0, ("policy", "render", "--lang", "nl", "--format", "md")),
        (0, ("policy", "check")),
        (0, ("policy", "show")),
        (0, ("cases",)),
        (0, ("--version",)),
        (2, ("cases", "--state", "bogus")),
        (2, ("show", "none-here")),
        (2, ("history", "nonsense")),
        (2, ("check", "bogus")),
        (0, ("gaps",)),
    ],
)
def test_every_outcome_has_its_exit_code(house: House, code: int, words: tuple[str, ...]) -> None:
    ran = house(*words)
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    if code:
        assert ran.err.strip()
        assert ran.out == ""


@pytest.mark.parametrize("what", ["forward", "password-reset", "full-access", "quota"])
def test_what_is_not_done_leaves_no_case(house: House, what: str) -> None:
    house("request", what, "anna@corp.test", *WHY, *SOON)
    assert house("cases", "--json").json == []


def test_a_relay_that_is_away_is_told_and_the_request_is_kept(house: House) -> None:
    house.settings("")
    (house.folder / "locum.toml").write_text(SETTINGS.format(relay=free_port()))
    ran = house(*ASK, *SOON, "--json")
    assert ran.code == 5
    assert ran.json["case"]
    assert ran.json["state"] in ("requested", "asking")
    assert ran.json["error"]["code"] == "trouble"


def test_an_overlapping_request_is_refused(house: House) -> None:
    case = house.case()
    ran = house(*ASK, *SOON)
    assert ran.code == 3
    assert case in ran.err


def test_settings_with_a_mistake_are_told_with_their_line(house: House) -> None:
    house.settings("colour = 1\n")
    ran = house("cases", "--json")
    assert (ran.code, ran.json["error"]["key"]) == (2, "settings-unknown-key")
    assert "locum.toml:1" in ran.json["error"]["sentence"]


def test_a_policy_with_a_mistake_is_told_with_its_line(house: House) -> None:
    house.write("policy.toml", "[auto-reply]\nreasons = ['forgotten']\nmax_dayz = 3\n")
    ran = house("policy", "check", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "invalid")
    assert "line 3" in ran.json["error"]["sentence"]


# words


@pytest.mark.parametrize(
    ("language", "last"), [("en", "is the last day on which it answers"), ("nl", "de laatste dag waarop")]
)
def test_what_a_bare_date_means_is_said_back(house: House, language: str, last: str) -> None:
    ran = house(*ASK, *LATER, "--lang", language)
    assert last in ran.err
    assert "Europe/Amsterdam" in ran.err


def test_it_speaks_the_organisations_language(house: House) -> None:
    (house.folder / "locum.toml").write_text(SETTINGS.format(relay=house.sink.port).replace('"en"', '"nl"'))
    assert "Er is geen zaak" in house("show", "none-here").err


def test_options_may_stand_before_and_after_the_command(house: House) -> None:
    assert house("--json", "--lang", "nl", "show", "none-here").json["error"]["sentence"].startswith("Er is")
    assert house("show", "--json", "none-here", "--lang=nl").json["error"]["sentence"].startswith("Er is")


def test_what_people_wrote_cannot_move_the_terminal(house: House) -> None:
    house.write("internal.txt", "Hallo [bold]x[/bold] \u2764\n")
    case = house.case(
        "--because", "[red]Zoë[/red] says: \\x1b[31m", "--internal-file", str(house.folder / "internal.txt")
    )
    shown = house("show", case)
    assert "[red]Zoë[/red]" in shown.out
    assert "│ Hallo [bold]x[/bold] \u2764" in shown.out
    assert "\x1b" not in shown.out


def test_a_text_comes_from_a_file_and_a_bad_one_is_refused(house: House) -> None:
    good = house.write("internal.txt", "Tot later.\n")
    ran = house(*ASK, *SOON, "--internal-file", str(good), "--subject", "Weg", "--json")
    assert (ran.json["measures"][0]["text_body"], ran.json["measures"][0]["subject"]) == ("Tot later.\n", "Weg")
    (house.folder / "latin.txt").write_bytes(b"Zo\xeb")
    (house.folder / "large.txt").write_bytes(b"x" * 1_100_000)
    for name in ("latin.txt", "large.txt", "none.txt", "."):
        assert house(*ASK, *LATER, "--external-file", str(house.folder / name)).code == 2


# who acts


def test_an_account_acts_for_those_named_and_nobody_else(house: House) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + f'[acting]\n{me} = ["bob"]\n')
    assert house(*ASK, *LATER).code == 0
    ran = house("request", "auto-reply", "dirk@corp.test", *WHY, "--until", day(5), "--as", "carla")
    assert ran.code == 3
    assert "carla" in ran.err


def test_without_as_the_account_itself_is_named(house: House) -> None:
    ran = house(*ASK, "--until", day(20), "--json")
    assert ran.json["requester"] == f"os:{pwd.getpwuid(os.getuid()).pw_name}"


# the life of a case


def test_she_is_asked_and_what_she_said_is_noted(house: House) -> None:
    house.policy(wait_hours=8)
    ran = house(*ASK, *SOON, "--json")
    assert (ran.code, ran.json["state"]) == (0, "asking")
    assert ran.json["deadline_at"]
    case = ran.json["case"]
    noted = house(
        "contact",
        case,
        "--by",
        "phone",
        "--outcome",
        "agreed",
        "--because",
        "She asked for it.",
        "--as",
        "bob",
        "--json",
    )
    assert (noted.code, noted.json["state"]) == (0, "applied")
    assert noted.json["contacts"][-1]["outcome"] == "agreed"
    assert house("contact", case, "--by", "pigeon", "--outcome", "agreed", "--because", "x").code == 2


def test_a_case_that_waits_for_a_second_person_says_so_by_its_exit_code(house: House) -> None:
    house.policy(count=1)
    ran = house(*ASK, *SOON, "--json")
    assert (ran.code, ran.json["state"]) == (7, "awaiting-review")
    case = ran.json["case"]
    assert house("review", case, "--approve", "--because", "x", "--as", "bob").code == 3
    assert house("review", case, "--approve", "--deny", "--because", "x", "--as", "dirk").code == 2
    done = house("review", case, "--approve", "--because", "It is needed.", "--as", "dirk", "--json")
    assert (done.code, done.json["state"]) == (0, "applied")


def test_a_second_person_can_say_no(house: House) -> None:
    house.policy(count=1)
    case = house.case()
    done = house("review", case, "--deny", "--because", "No.", "--as", "dirk", "--json")
    assert (done.code, done.json["state"]) == (0, "refused")


def test_what_is_live_is_ended_and_she_is_told(house: House) -> None:
    case = house.case()
    assert house("withdraw", case, "--as", "bob").code == 3
    ended = house("end", case, "--as", "bob", "--json")
    assert (ended.code, ended.json["state"]) == (0, "accounted")
    assert not list((house.folder / "sieve").glob("*/*.sieve"))
    assert house("end", case, "--as", "bob").code == 3


def test_what_is_not_live_is_withdrawn(house: House) -> None:
    case = str(house(*ASK, *LATER, "--json").json["case"])
    assert house("end", case, "--as", "bob").code == 3
    assert house("withdraw", case, "--as", "bob", "--json").json["state"] == "withdrawn"


def test_cases_are_listed_by_state_and_by_mailbox(house: House) -> None:
    case = house.case()
    other = house("request", "auto-reply", "bob@corp.test", *WHY, *LATER, "--json").json["case"]
    assert [row["case"] for row in house("cases", "--json").json] == [other, case]
    assert [row["case"] for row in house("cases", "--mailbox", "a.devries@CORP.test", "--json").json] == [case]
    assert [row["case"] for row in house("cases", "--state", "applied", "--json").json] == [case]
    assert house("cases").out.splitlines()[1].split()[:3] == [other, "scheduled", "bob@corp.test"]


def test_an_account_is_written_in_each_form(house: House) -> None:
    case = house.case()
    assert "Anna de Vries" in house("account", case).out
    assert house("account", case, "--format", "html").out.startswith("<!")
    assert house("account", case, "--json").json["case"] == case
    assert house("account", case, "--json", "--format", "pdf").code == 2
    pdf = house.folder / "account.pdf"
    assert house("account", case, "--format", "pdf", "--output", str(pdf)).code == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    assert house("account", case, "--output", str(house.folder / "none" / "x")).code == 2


# the house


def test_check_says_what_to_mend_by_its_exit_code(house: House) -> None:
    assert house("check", "dovecot").code == 0
    report = house("check", "--json").json
    assert "dovecot" in [row["connector"] for row in report]
    assert all(finding["sentence"] for row in report for finding in row["findings"])
    shutil.rmtree(house.folder / "sieve")
    ran = house("check", "dovecot", "--json")
    assert ran.code == 5
    assert not ran.json[0]["holds"]


def test_who_is_away_is_shown_to_those_named_and_to_everyone_of_herself(house: House) -> None:
    leave = '[leave]\ncsv = "leave.csv"\ngaps_visible_to = ["hr"]\n'
    house.write("leave.csv", f"person,from,until\nanna,{day(-1)},{day(5)}\ndirk,{day(-1)},{day(5)}\n")
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + leave)
    assert [gap["person"] for gap in house("gaps", "--as", "dirk", "--json").json] == ["anna", "dirk"]
    assert [gap["person"] for gap in house("gaps", "--as", "anna", "--json").json] == ["anna"]
    assert house("gaps", "--as", "bob", "--json").json == []
    assert house("gaps", "--as", "bob", "--remind").code == 3
    assert house("gaps", "--as", "dirk").out.count("@corp.test") == 2


HEAVY = "pydantic sqlalchemy rich babel httpx2 weasyprint icalendar fastapi cryptography alembic apprise".split()


def test_help_imports_nothing_heavy() -> None:
    script = f"import sys, locum.cli; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_is_there_within_a_third_of_a_second() -> None:
    def once() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-m", "locum", "--help"], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(once() for _ in range(4)) < 0.3


@pytest.mark.parametrize(
    ("language", "word"), [("nl_NL.UTF-8", "wachtwoord"), ("en_GB.UTF-8", "password"), ("fr_FR.UTF-8", "password")]
)
def test_help_speaks_the_terminals_language(house: House, language: str, word: str) -> None:
    environment = {"LANG": language, "PATH": os.environ["PATH"]}
    found = subprocess.run(
        [sys.executable, "-m", "locum", "--help"], capture_output=True, text=True, check=True, env=environment
    )
    assert word in found.stdout
