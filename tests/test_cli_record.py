"""`locum record` from the command line: published, checked, proved; in words, as JSON and as exit codes."""

import sqlite3

import pytest
from tests.clihouse import SOON, WHY, House

from locum import proving, tlog
from locum.demo.sink import Sink


@pytest.fixture(scope="module")
def sink():
    with Sink() as sink:
        yield sink


@pytest.fixture
def house(tmp_path, sink, capsys):
    return House(tmp_path, sink, capsys)


def published(house: House) -> None:
    house.case()
    assert house("record", "publish").code == 0


def change(house: House) -> None:
    with sqlite3.connect(house.folder / "locum.db") as connection:
        connection.execute("UPDATE entries SET leaf = zeroblob(65) WHERE position = 0")
    connection.close()


def test_publishing_shows_the_checkpoint_that_lies_in_the_folder(house):
    house.case()
    ran = house("record", "publish")
    assert ran.out == (house.folder / "log" / "checkpoint").read_text()


def test_what_is_published_is_a_whole_number_of_blocks(house):
    published(house)
    note = (house.folder / "log" / "checkpoint").read_bytes()
    assert tlog.parse_checkpoint(note).size % 8 == 0


def test_a_sound_record_is_called_sound(house):
    published(house)
    ran = house("record", "check")
    assert (ran.code, "The record is sound" in ran.out, ran.err) == (0, True, "")


def test_damage_is_named_and_the_exit_code_says_so(house):
    published(house)
    change(house)
    ran = house("record", "check")
    assert (ran.code, "Entry 0 (" in ran.out, "sound" in ran.out) == (5, True, False)


def test_damage_is_named_in_dutch(house):
    published(house)
    change(house)
    assert "Vastlegging 0 (" in house("record", "check", "--lang", "nl").out


def test_damage_is_a_json_document_too(house):
    published(house)
    change(house)
    found = house("record", "check", "--json").json
    assert (found["sound"], [one["leaf"] for one in found["findings"] if one["key"] == "log.leaf-differs"]) == (
        False,
        ["0"],
    )


def test_a_changed_record_is_not_published(house):
    published(house)
    change(house)
    before = (house.folder / "log" / "checkpoint").read_bytes()
    ran = house("record", "publish")
    assert (ran.code, (house.folder / "log" / "checkpoint").read_bytes()) == (5, before)


def test_whoever_kept_a_checkpoint_is_given_the_proof_that_it_goes_on(house):
    published(house)
    old = house.write("old", (house.folder / "log" / "checkpoint").read_text())
    assert house("request", "auto-reply", "carla@corp.test", *WHY, *SOON).code == 0
    house("record", "publish")
    ran = house("record", "prove", "--from", str(old))
    assert proving.continues(tlog.parse_checkpoint(old.read_bytes()), ran.out.encode())


def test_another_history_is_said_to_be_one(house):
    published(house)
    text = (house.folder / "log" / "checkpoint").read_text().split("\n")
    old = house.write("old", "\n".join([*text[:2], "A" * 43 + "=", ""]))
    ran = house("record", "prove", "--from", str(old))
    assert (ran.code, "another history" in ran.err) == (5, True)


def test_locum_check_says_that_a_changed_record_is_not_signed(house):
    published(house)
    change(house)
    ran = house("check", "record")
    assert (ran.code, "The record cannot be signed" in ran.out) == (5, True)


def test_looking_makes_nothing(house):
    house.case()
    house("record", "check")
    assert not (house.folder / "log" / "checkpoint").exists()
