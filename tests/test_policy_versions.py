"""Which policy was in force when: recorded as it is first seen, looked back at, and not to be put in later."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from tests.policies import with_value
from tests.world import MONDAY, World

from clihouse import ASK, SETTINGS, SOON, House, day
from locum.demo.sink import Sink
from locum.desk import in_force
from locum.errors import Garbled, Invalid, Rejected
from locum.lifecycle import State

pytest_plugins = ("tests.stores",)


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, store_url=store_url)


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[House]:
    with Sink() as sink:
        yield House(tmp_path, sink, capsys)


def other_policy(world: World, before: str = '"proceed"', after: str = '"stop"') -> None:
    file = world.folder / "policy.toml"
    file.write_text(file.read_text().replace(before, after))
    world.app = world.wired()


def history(world: World) -> list[in_force.InForce]:
    return in_force.history(world.app.store)


def test_the_first_use_of_a_policy_is_recorded(world: World) -> None:
    world.request()
    (one,) = history(world)
    assert (one.hash, one.previous, one.since, one.seen_by) == (world.app.policy.hash, "", MONDAY, "bob")


def test_the_same_policy_is_recorded_once_whoever_uses_it(world: World) -> None:
    world.request()
    world.app = world.wired()
    world.request(mailbox="dirk@corp.test")
    assert len(world.app.store.entries(mailbox=in_force.STREAM)) == 1


def test_another_policy_is_recorded_with_the_one_before_it(world: World) -> None:
    world.request()
    first = world.app.policy.hash
    other_policy(world)
    world.now += timedelta(days=1)
    world.request(mailbox="dirk@corp.test")
    assert [(one.hash, one.previous) for one in history(world)] == [(first, ""), (world.app.policy.hash, first)]


def test_a_policy_that_comes_back_is_in_force_anew(world: World) -> None:
    for before, after in (('"x"', '"x"'), ('"proceed"', '"stop"'), ('"stop"', '"proceed"')):
        other_policy(world, before, after)
        world.app.desk.office.keep_policy()
        world.now += timedelta(days=1)
    assert [one.since for one in history(world)] == [MONDAY + timedelta(days=day) for day in range(3)]


def test_the_same_text_with_other_values_is_recorded_too(world: World) -> None:
    # As it comes with another version of Locum, or of a preset.
    policy = world.app.policy
    in_force.keep(world.app.store, policy, MONDAY)
    in_force.keep(world.app.store, with_value(policy, "forward.max_days", 20), MONDAY)
    assert [one.hash for one in history(world)] == [policy.hash, policy.hash]


def test_two_that_see_it_in_the_same_moment_are_read_as_one(world: World) -> None:
    world.request()
    (entry,) = world.app.store.entries(mailbox=in_force.STREAM)
    twice = replace(
        world.app.desk.office.draft(world.app.store.find()[0], "policy"), stream=in_force.STREAM, body=entry.body
    )
    world.app.store.commit([in_force.Change(entries=(twice,))])
    assert len(world.app.store.entries(mailbox=in_force.STREAM)) == 2
    assert len(history(world)) == 1


def test_a_case_keeps_the_policy_it_was_filed_under(world: World) -> None:
    case = world.request()
    other_policy(world)
    world.request(mailbox="dirk@corp.test")
    world.work()
    world.later(hours=6)
    assert world.desk.case(case.id).state is State.APPLIED


def test_what_was_in_force_at_a_moment(world: World) -> None:
    world.request()
    first = world.app.policy
    other_policy(world)
    world.now += timedelta(days=2)
    world.request(mailbox="dirk@corp.test")
    known = history(world)
    moments = [MONDAY, MONDAY + timedelta(days=2, seconds=-1), MONDAY + timedelta(days=2), MONDAY + timedelta(days=99)]
    assert [in_force.at(known, moment).hash == first.hash for moment in moments] == [True, True, False, False]
    assert in_force.text_of(world.app.store, first.hash).text == first.text


def test_before_the_first_one_there_is_none(world: World) -> None:
    with pytest.raises(Invalid, match="policy-none-yet"):
        in_force.at(history(world), MONDAY)
    world.request()
    with pytest.raises(Invalid, match="policy-none-yet"):
        in_force.at(history(world), MONDAY - timedelta(seconds=1))


def test_a_text_changed_in_the_store_judges_nothing(world: World) -> None:
    case = world.request()
    hash_ = world.app.policy.hash
    milder = world.app.policy.text.replace("wait_hours = 4", "wait_hours = 0").encode()
    write(world, "UPDATE settings SET value = :value WHERE name = :name", name=f"policy/{hash_}", value=milder)
    other_policy(world)
    with pytest.raises(Garbled, match="policy-text-changed"):
        world.app.desk.office.policy_of(case)
    with pytest.raises(Garbled, match="policy-text-changed"):
        in_force.text_of(world.app.store, hash_)


def test_a_text_that_is_gone_is_said_to_be(world: World) -> None:
    world.request()
    write(world, "DELETE FROM settings WHERE name = :name", name=f"policy/{world.app.policy.hash}")
    with pytest.raises(Rejected, match="policy-text-lost"):
        in_force.text_of(world.app.store, world.app.policy.hash)


def write(world: World, statement: str, **values: object) -> None:
    """What somebody does who can write in the database."""
    with world.app.store._database.writing() as connection:
        connection.execute(sql(statement), values)


# the commands


def backdated(house: House) -> None:
    file = house.folder / "policy.toml"
    file.write_text(f"{file.read_text()}[regulation]\nadopted_on = 2020-01-01\n")


def test_show_tells_text_hash_and_since_when(house: House) -> None:
    house(*ASK, *SOON)
    shown = house("policy", "show", "--json").json
    assert shown["text"] == (house.folder / "policy.toml").read_text()
    assert (len(shown["policy"]), shown["seen_by"], shown["until"]) == (64, "bob", None)
    assert house("policy", "show", "--at", shown["since"], "--json").json["policy"] == shown["policy"]
    told = house("policy", "show")
    assert told.out == shown["text"]
    assert shown["policy"][:16] in told.err


def test_show_looks_back_at_a_policy_that_is_in_force_no_more(house: House) -> None:
    house(*ASK, *SOON)
    first = house("policy", "show", "--json").json
    # The entries bear whole seconds, so the next policy is seen a second later.
    a_second_passes(first["since"])
    house.policy(wait_hours=9)
    house("request", "auto-reply", "dirk@corp.test", "--reason", "forgotten", "--because", "Waiting.", *SOON)
    then = house("policy", "show", "--at", first["since"], "--json").json
    now = house("policy", "show", "--json").json
    assert (then["policy"], then["until"]) == (first["policy"], now["since"])
    assert (now["previous"], now["policy"] != then["policy"]) == (first["policy"], True)
    assert "another one was in force" in house("policy", "show", "--at", first["since"]).err


def a_second_passes(since: str) -> None:
    while datetime.now(UTC) < datetime.fromisoformat(since) + timedelta(seconds=1):
        time.sleep(0.05)


@pytest.mark.parametrize("filed", [False, True])
def test_show_says_that_there_was_none_before_the_first(house: House, filed: bool) -> None:
    if filed:
        house(*ASK, *SOON)
    ran = house("policy", "show", "--at", "2026-01-01", "--json")
    assert ran.code == (2 if filed else 5)
    assert ran.json["error"]["key"] == ("policy-none-yet" if filed else "store-unreachable")


def test_show_alone_makes_no_store(house: House) -> None:
    ran = house("policy", "show")
    assert ran.code == 0
    assert "not in the record" in ran.err
    assert not (house.folder / "locum.db").exists()


def test_a_backdated_policy_is_noticed(house: House) -> None:
    house(*ASK, *SOON)
    backdated(house)
    house("request", "auto-reply", "dirk@corp.test", "--reason", "forgotten", "--because", "Waiting.", *SOON)
    shown = house("policy", "show")
    assert "adopted on 2020-01-01. It was not seen before" in shown.err
    assert house("policy", "show", "--at", "2021-01-01").code == 2


def test_check_tells_all_mistakes_and_ends_with_2(house: House) -> None:
    house.write("policy.toml", "colour = 1\n[auto-reply]\nmax_dayz = 3\n[forward]\nmax_days = 90\n")
    ran = house("policy", "check", "--lang", "nl")
    file = house.folder / "policy.toml"
    assert ran.code == 2
    assert [f"{file}:{line}:" in ran.out for line in (1, 3, 5)] == [True, True, True]
    assert "(artikel 9)" in ran.out
    told = house("policy", "check", "--json").json
    assert [(one["line"], one["clause"]) for one in told["mistakes"]] == [(1, None), (3, 5), (5, 9)]
    assert (told["holds"], told["error"]["key"]) == (False, "policy-mistakes")


def test_check_of_a_policy_in_order_warns_and_ends_with_0(house: House) -> None:
    house.write("policy.toml", 'preset = "be"\n')
    ran = house("policy", "check", "--json")
    assert ran.code == 0
    assert {one["name"] for one in ran.json["warnings"]} >= {"preset", "confidential", "four-eyes.officer"}
    assert {one["field"] for one in ran.json["open"] if one["refused"]} >= {"works_council", "dpia_on"}


def test_check_of_a_file_that_is_no_text(house: House) -> None:
    (house.folder / "policy.toml").write_bytes(b"preset = \xff\n")
    ran = house("policy", "check", "--json")
    assert (ran.code, ran.json["error"]["key"]) == (2, "policy-not-toml")


def test_every_command_says_the_first_mistake(house: House) -> None:
    house.write("policy.toml", "[forward]\nmax_days = 90\n")
    ran = house(*ASK, *SOON, "--json")
    assert (ran.code, ran.json["error"]["key"], ran.json["error"]["clause"]) == (2, "policy-too-mild", 9)
    assert json.loads(ran.out)["error"]["sentence"].count("28") == 1


def test_the_policy_that_comes_with_locum_has_no_mistakes(house: House) -> None:
    text = (house.folder / "locum.toml").read_text()
    (house.folder / "locum.toml").write_text(text.replace('[policy]\nfile = "policy.toml"\n', ""))
    ran = house("policy", "check", "--json")
    assert (ran.code, ran.json["file"], ran.json["mistakes"]) == (0, None, [])
    assert ran.json["open"]


def test_the_policy_names_who_sees_everybodys_gap(house: House) -> None:
    file = house.folder / "policy.toml"
    file.write_text(f"{file.read_text()}[beforehand]\ngaps_visible_to = ['it']\n")
    house.write("leave.csv", f"person,from,until\nanna,{day(-1)},{day(5)}\n")
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + '[leave]\ncsv = "leave.csv"\n')
    assert [gap["person"] for gap in house("gaps", "--as", "bob", "--json").json] == ["anna"]
    assert house("gaps", "--as", "dirk", "--json").json == []


@pytest.mark.slow
def test_the_worker_records_the_policy_as_it_starts(house: House) -> None:
    worker = house.start("worker")
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (shown := house("policy", "show", "--json").json)["since"]:
            time.sleep(0.2)
        assert (shown["seen_by"], bool(shown["since"])) == ("", True)
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
