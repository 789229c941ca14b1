"""Who forgot: leave compared with what stands on the mail server, and the reminder before leave."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.lifecycle import State
from locum.measure import instant

LEAVE = "person,from,until,kind\n"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "leave.csv").write_text(LEAVE)
    with Sink() as sink:
        yield World(tmp_path, sink, more='[leave]\ncsv = "leave.csv"\n')


def away(world: World, *rows: str) -> None:
    (world.folder / "leave.csv").write_text(LEAVE + "".join(f"{row}\n" for row in rows))
    world.app = world.wired()


def kinds(world: World, **options: object) -> dict[str, str]:
    return {gap.person.id: gap.kind for gap in world.desk.gaps(**options)}  # type: ignore[arg-type]


def test_without_anybody_who_sees_her_script_it_is_unknown(world: World) -> None:
    away(world, "anna,2026-11-16,2026-12-07,sick")
    assert kinds(world) == {"anna": "unknown"}


def test_a_reply_of_ours_closes_the_gap(world: World) -> None:
    away(world, "anna,2026-11-16,2026-12-07,holiday")
    world.live()
    assert kinds(world) == {}


def test_leave_beyond_the_days_asked_does_not_count(world: World) -> None:
    away(world, "anna,2027-01-10,2027-01-20,holiday")
    assert kinds(world, within_days=14) == {}
    assert kinds(world, within_days=60) == {"anna": "unknown"}


def test_a_reply_still_on_after_the_return_is_named(world: World) -> None:
    away(world, "anna,2026-11-16,2026-11-25,holiday")
    world.live()
    world.now += timedelta(days=4)
    assert kinds(world) == {"anna": "reply-after-return"}


def test_the_kind_of_leave_is_nowhere(world: World) -> None:
    away(world, "anna,2026-11-16,2026-12-07,sick")
    assert "sick" not in repr(world.desk.gaps())


def test_she_is_reminded_once_and_can_set_it_herself(world: World) -> None:
    away(world, "anna,2026-11-27,2026-12-07,holiday")
    assert [gap.reminded for gap in world.desk.gaps(within_days=7, remind=True)] == [True]
    assert [gap.reminded for gap in world.desk.gaps(within_days=7, remind=True)] == [False]
    token = world.token("anna@corp.test", "remind")
    view = world.desk.look(token)
    assert view.may == {"set"}
    own = OwnText(subject="Weg", internal_text="Ik ben er even niet.\n", until="2026-12-07")
    case = world.desk.answer(token, "set", own)
    assert case is not None
    world.later(days=4)
    assert world.desk.case(case.id).state is State.APPLIED


def test_a_gap_has_instants_that_a_program_can_read(world: World) -> None:
    away(world, "anna,2026-11-16,2026-12-07,sick")
    gap = world.desk.gaps()[0]
    assert instant(gap.from_at) == "2026-11-15T23:00:00Z"
    assert gap.until_at > gap.from_at
    assert gap.until_at.tzinfo is not None
