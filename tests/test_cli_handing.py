"""locum hand-over: to everybody or one person, by those who may; stopped at any moment, it goes on where it stopped."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clihouse import PEOPLE, SOON, House

from locum.demo.sink import Sink

MORE = "emma,Emma Visser,emma@corp.test,,nl,Europe/Amsterdam,dpo,carla,,,\n"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, sink: Sink, capsys: pytest.CaptureFixture[str]) -> House:
    made = House(tmp_path, sink, capsys)
    made.write("people.csv", PEOPLE + MORE)
    return made


def sent(sink: Sink) -> list[str]:
    return sorted(recipient for letter in sink.messages for recipient in letter.recipients)


EVERYBODY = [f"{name}@corp.test" for name in ("anna", "bob", "carla", "dirk", "emma")]


def test_everybody_is_written_to_once_however_often_it_is_run(house: House, sink: Sink) -> None:
    first, second = (house("hand-over", "--everyone", "--as", "emma", "--json").json for _ in range(2))
    assert (sent(sink), first["given"], second["given"], second["never"]) == (EVERYBODY, 5, 0, 0)


def test_progress_is_shown(house: House) -> None:
    assert "Handing over keys 5/5" in house("hand-over", "--everyone", "--as", "emma").err


def test_the_sum_is_said(house: House) -> None:
    assert "5 got their key now; 0 of 5 never got one." in house("hand-over", "--everyone", "--as", "emma").out


def test_an_address_that_is_refused_is_named(house: House, sink: Sink) -> None:
    sink.refusing_to["bob@corp.test"] = "550 no such user"
    ran = house("hand-over", "--everyone", "--as", "emma", "--json")
    assert (ran.code, ran.json["refused"], ran.json["never"], "bob got no key" in ran.err) == (5, ["bob"], 1, True)


def test_a_relay_that_is_away_is_said_and_the_next_run_goes_on(house: House, sink: Sink) -> None:
    sink.refusing_to["carla@corp.test"] = "451 later"
    assert house("hand-over", "--everyone", "--as", "emma").code == 5
    del sink.refusing_to["carla@corp.test"]
    assert (house("hand-over", "--everyone", "--as", "emma").code, sent(sink)) == (0, EVERYBODY)


@pytest.mark.parametrize("words", [(), ("anna", "--everyone"), ("--everyone", "--print", "x.pdf")])
def test_it_must_be_said_whom(house: House, words: tuple[str, ...]) -> None:
    assert house("hand-over", *words, "--as", "emma").code == 2


@pytest.mark.parametrize("who", ["nobody", "nobody@corp.test"])
def test_who_is_not_on_file_gets_none(house: House, who: str) -> None:
    assert house("hand-over", who, "--as", "emma").code == 2


@pytest.mark.parametrize("words", [("anna",), ("anna", "--print", "x.pdf"), ("--everyone",)])
def test_a_colleague_hands_over_nothing(house: House, sink: Sink, words: tuple[str, ...]) -> None:
    ran = house("hand-over", *words, "--as", "bob")
    assert (ran.code, sent(sink), Path("x.pdf").exists()) == (3, [], False)


def test_her_own_she_may_have(house: House, sink: Sink) -> None:
    assert (house("hand-over", "anna", "--as", "anna").code, sent(sink)) == (0, ["anna@corp.test"])


def test_the_address_names_her_too(house: House, sink: Sink) -> None:
    assert (house("hand-over", "a.devries@corp.test", "--as", "emma").code, sent(sink)) == (0, ["anna@corp.test"])


def test_her_history_says_that_it_was_handed_over(house: House) -> None:
    house("hand-over", "anna", "--as", "emma")
    assert "Key handed over  by letter" in house("history", "anna@corp.test").out


@pytest.mark.slow
def test_a_page_is_printed_for_its_owner_alone_and_over_nothing(house: House) -> None:
    file = house.folder / "anna.pdf"
    assert house("hand-over", "anna", "--print", str(file), "--as", "emma").code == 0
    assert (file.read_bytes()[:5], file.stat().st_mode & 0o777) == (b"%PDF-", 0o600)
    assert house("hand-over", "anna", "--print", str(file), "--as", "emma").code == 2


def test_no_key_is_on_the_command_line_or_said(house: House) -> None:
    ran = house("hand-over", "--everyone", "--as", "emma")
    house("request", "auto-reply", "anna@corp.test", "--reason", "forgotten", "--because", "x", *SOON)
    from locum.cli.door import current  # noqa: PLC0415

    key = current.app.desk.office.beside.key("anna@corp.test").hex()
    assert key not in ran.out + ran.err


@pytest.mark.slow
def test_killed_at_any_moment_nobody_is_left_out_or_written_to_twice(house: House, sink: Sink) -> None:
    many = [f"p{n:03}" for n in range(120)]
    house.write(
        "people.csv",
        PEOPLE + MORE + "".join(f"{p},{p},{p}@corp.test,,nl,Europe/Amsterdam,sales,carla,,,\n" for p in many),
    )
    for wanted in (10, 60):
        with house.start("hand-over", "--everyone", "--as", "emma") as process:
            until = time.monotonic() + 30
            while len(sink.messages) < wanted and time.monotonic() < until:
                time.sleep(0.005)
            process.kill()
            process.communicate()
    assert house.run("hand-over", "--everyone", "--as", "emma").code == 0
    letters = {letter.mail["Message-ID"]: letter.recipients for letter in sink.messages}
    assert sorted(r for recipients in letters.values() for r in recipients) == sorted(
        [*EVERYBODY, *(f"{p}@corp.test" for p in many)]
    )
    assert len(sink.messages) - len(letters) <= 2
