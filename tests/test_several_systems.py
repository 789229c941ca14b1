"""Several mail systems at once: which mailbox is on which, and one that moves in the middle of a case."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world import PUBLISHED, World

from locum.demo.sink import Sink
from locum.lifecycle import Case, State
from locum.seam import Finding

OLD_AND_NEW = (
    """\
[connector.new]
kind = "sieve_files"
mailboxes = [{new}]
directory = "new"
"""
    + PUBLISHED
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for place in ("new/before", "new/after"):
        (tmp_path / place).mkdir(parents=True)
    with Sink() as sink:
        yield World(tmp_path, sink, connectors=OLD_AND_NEW.format(new='"@else.test"'), policy={"wait_hours": 0})


def migrate(world: World, *patterns: str) -> None:
    """Put these mailboxes on the new mail system, as an administrator does it in the settings."""
    before = world.config.read_text()
    written = ", ".join(f'"{one}"' for one in patterns)
    world.config.write_text(before.replace('mailboxes = ["@else.test"]', f"mailboxes = [{written}]"))
    world.app = world.wired()


def live(world: World) -> Case:
    case = world.request()
    world.work()
    assert world.desk.case(case.id).state is State.APPLIED
    return case


def scripts(world: World, directory: str) -> list[str]:
    return sorted(file.name for file in (world.folder / directory).rglob("*.sieve") if file.stat().st_size)


def after(world: World, case: Case, hours: float = 2) -> Case:
    world.later(hours=hours)
    world.work()
    return world.desk.case(case.id)


def test_a_reply_on_a_mailbox_that_moved_ends_on_the_old_one_and_says_why(world: World) -> None:
    case = live(world)
    migrate(world, "anna@corp.test")
    assert (after(world, case).outcome, scripts(world, "sieve"), scripts(world, "new")) == ("moved", [], [])


def test_a_request_for_a_mailbox_that_moved_is_not_set_on_either(world: World) -> None:
    case = world.request(from_="2026-11-24")
    world.work()
    migrate(world, "anna@corp.test")
    found = after(world, case, 48)
    assert (found.state, found.outcome, scripts(world, "sieve"), scripts(world, "new")) == (
        State.EXPIRED,
        "moved",
        [],
        [],
    )


def test_then_it_is_asked_anew_on_the_new_one(world: World) -> None:
    case = live(world)
    migrate(world, "anna@corp.test")
    after(world, case)
    anew = live(world)
    assert (anew.connector, scripts(world, "new")) == ("new", ["anna@corp.test.sieve"])


def test_a_mailbox_that_no_mail_system_serves_for_a_moment_stays_where_it_was(world: World) -> None:
    case = live(world)
    world.config.write_text(
        world.config.read_text().replace('["@corp.test"]\ndirectory = "sieve"', '["@x.test"]\ndirectory = "sieve"')
    )
    world.app = world.wired()
    assert after(world, case).state is State.APPLIED


def checked(world: World) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in world.app.check(["mailboxes"])["mailboxes"]:
        found.setdefault(one.key, []).append(one)
    return found


def test_check_says_how_many_each_serves(world: World) -> None:
    migrate(world, "anna@corp.test")
    told = {dict(one.values)["connector"]: dict(one.values)["many"] for one in checked(world)["mailboxes.served"]}
    assert told == {"new": "1", "dovecot": "3"}


def test_check_names_what_is_under_way_for_a_mailbox_that_moved(world: World) -> None:
    case = live(world)
    migrate(world, "anna@corp.test")
    assert dict(checked(world)["mailboxes.moved"][0].values) == {"many": "1", "cases": case.id}


def test_check_names_whom_nobody_serves(world: World) -> None:
    world.config.write_text(
        world.config.read_text().replace(
            '["@corp.test"]\ndirectory = "sieve"', '["anna@corp.test"]\ndirectory = "sieve"'
        )
    )
    world.app = world.wired()
    assert dict(checked(world)["mailboxes.served-by-none"][0].values)["many"] == "3"
