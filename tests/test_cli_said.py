"""What the command line says of trouble: in words, never as a bare key, and also of what went wrong beside a command."""

import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.clihouse import ASK, LATER, PEOPLE, SETTINGS, SOON, House, day

from locum.demo.host import free_port
from locum.demo.sink import Sink
from locum.messages import catalogue

pytestmark = pytest.mark.skipif(shutil.which("sievec") is None, reason="sievec is not installed")

KEYS = {path.rpartition(".")[0] for path in catalogue("en", "errors") if path.endswith(".sentence")} - {
    "origin",
    "objected",
}


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    with Sink() as sink:
        yield House(tmp_path, sink, capfd)


def test_a_case_that_waits_for_a_broken_relay_says_why_in_words(house: House) -> None:
    (house.folder / "locum.toml").write_text(SETTINGS.format(relay=free_port()))
    case = house(*ASK, *SOON, "--json").json["case"]
    shown = house("show", case).out
    assert "The mail server … does not answer." in shown
    assert "relay-silent" not in shown.partition("What comes next")[2].partition("TIME")[0]
    job = house("show", case, "--json").json["jobs"][0]
    assert (job["step"], job["trouble"], job["tries"]) == ("ask", "relay-silent", 1)
    assert job["sentence"] == "The mail server … does not answer."
    assert datetime.fromisoformat(job["due_at"])
    assert "De mailserver …" in house("show", case, "--lang", "nl").out


def test_a_case_that_waits_for_a_broken_mail_system_says_why_in_words(house: House) -> None:
    for place in ("before", "after"):
        (house.folder / "sieve" / place).rmdir()
    house(*ASK, *SOON)
    case = house("cases", "--json").json[0]["case"]
    shown = house("show", case).out
    assert "The place where auto-replies are published does not exist: …" in shown


def test_no_finding_of_check_is_a_bare_key(house: House) -> None:
    house.write("dovecot.conf", "")
    settings = (
        SETTINGS.format(relay=free_port()) + 'dovecot_config = "dovecot.conf"\nhelper = ["/none/locum-mailhost"]\n'
    )
    legacy = (
        f'[connector.legacy]\nkind = "managesieve"\nmailboxes = ["@old.test"]\nhost = "127.0.0.1"\n'
        f'port = {free_port()}\ntls = "none"\nuser = "locum"\nsecret_file = "secret"\n'
    )
    house.write("locum.toml", settings + legacy)
    house.write("secret", "geheim").chmod(0o600)
    for language in ("en", "nl"):
        ran = house("check", "--json", "--lang", language)
        assert ran.code == 5
        for row in ran.json:
            for finding in row["findings"]:
                assert " " in finding["sentence"]
                assert not KEYS & set(re.findall(r"[a-z-]+", finding["sentence"])), finding["sentence"]
                assert "…" not in finding["sentence"]
    relay = next(row for row in house("check", "--json").json if row["connector"] == "letters")["findings"][0]
    assert "does not answer" in relay["sentence"]


def test_check_tries_with_a_mailbox_that_the_settings_or_the_people_name(house: House) -> None:
    config = house.write("dovecot.conf", "mail_home = /nowhere\n")
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + f'dovecot_config = "{config}"\n')
    assert "anna@corp.test" in house("check", "dovecot").out
    house.write("locum.toml", house.folder.joinpath("locum.toml").read_text() + 'sample = "carla@corp.test"\n')
    shown = house("check", "dovecot").out
    assert "carla@corp.test" in shown
    assert "anna@corp.test" not in shown


def test_check_says_that_the_list_of_people_and_the_record_are_in_order(house: House) -> None:
    names = [row["connector"] for row in house("check", "--json").json]
    assert names == ["dovecot", "letters", "people", "record", "policy", "witness", "search", "mailboxes"]
    assert house("check", "people").code == house("check", "record").code == 0
    assert house("check", "peeple").code == 2


def test_a_lost_key_is_said_after_the_command_that_was_done_and_stops_the_worker(house: House) -> None:
    house(*ASK, *SOON)
    (house.folder / "record.key").unlink()
    ran = house("request", "auto-reply", "dirk@corp.test", *ASK[3:], *LATER, "--json")
    assert ran.code == 0
    assert "record.key" in ran.err
    assert house("check", "record").code == 5
    assert house("worker").code == 5
    assert not (house.folder / "record.key").exists()


def test_a_bad_row_is_said_by_a_program_that_starts(house: House) -> None:
    house.write("people.csv", PEOPLE + "eve,Eve,nonsense,,,,,,,,\n")
    ran = house("cases")
    assert house("check").code == 2
    assert "people.csv:6" in house("check").err
    assert ran.code == 0


def test_gaps_are_told_with_instants(house: House) -> None:
    house.write("leave.csv", f"person,from,until\nanna,{day(-1)},{day(5)}\n")
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + '[leave]\ncsv = "leave.csv"\n')
    gap = house("gaps", "--as", "anna", "--json").json[0]
    assert datetime.fromisoformat(gap["from"]) < datetime.fromisoformat(gap["until"])


@pytest.mark.parametrize(("language", "ending"), [("nl", "00:00 uur"), ("en", "00:00")])
def test_gaps_say_the_days_in_the_language_of_the_one_who_looks(house: House, language: str, ending: str) -> None:
    house.write("leave.csv", f"person,from,until\nanna,{day(-1)},{day(5)}\n")
    people = PEOPLE.replace("@corp.test,,nl,", "@corp.test,,en,") if language == "nl" else PEOPLE
    house.write("people.csv", people)
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + '[leave]\ncsv = "leave.csv"\n')
    lines = house("gaps", "--lang", language).out.strip().splitlines()[1:]
    assert lines
    assert all(line.rstrip().endswith(ending) for line in lines)


def test_gaps_without_a_calendar_do_not_say_that_nobody_is_missing_a_reply(house: House) -> None:
    said = house("gaps", "--lang", "en").err
    assert "Nobody is missing a reply." not in said
    assert "nothing to compare with" in said
