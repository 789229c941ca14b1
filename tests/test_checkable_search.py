"""A search, checked by whoever's mailbox it was: what really happened is found to be allowed and signed, and a step that could not
be taken is found too, whoever wrote it into the record.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mailroom import Message, SearchWorld
from tests.test_viewing import Viewing

from locum.asides import Aside
from locum.checkable import File, verify
from locum.demo.sink import Sink
from locum.entry import Json
from locum.store import Change

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink)


def found(world: SearchWorld) -> list[tuple[str, bool | None]]:
    """What is found about acts, signatures and pairs."""
    world.app.sign()
    said = verify(File.load(world.desk.checkable("anna@corp.test")))
    return [(one.key, one.holds) for one in said.findings if one.check in ("allowed", "signed", "pairs")]


def test_a_search_that_found_and_delivered_a_message_is_allowed_and_signed(world: SearchWorld) -> None:
    viewing = Viewing(world).opened()
    viewing.content()
    world.desk.viewings.closed(viewing.now, "closed", 40)
    world.desk.viewings.deliver(world.me("bob"), viewing.now)
    world.work()
    assert sorted(found(world)) == [(key, True) for key in ("allowed", "opened", "pairs", "signed", "steps")]


def by_the_short_one(world: SearchWorld) -> str:
    """What docs/verify.py says, which was written from the specification alone."""
    world.app.sign()
    file = world.folder / "anna.locum"
    file.write_bytes(world.desk.checkable("anna@corp.test"))
    command = [sys.executable, "-I", Path(__file__).parents[1] / "docs" / "verify.py", file]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_the_short_verifier_finds_a_whole_search_sound(world: SearchWorld) -> None:
    viewing = Viewing(world).opened()
    viewing.content()
    said = by_the_short_one(world)
    assert ("FAILS" in said, "two people signed (signed)" in said) == (False, True)


def test_a_search_that_was_only_counted_is_allowed_and_signed(world: SearchWorld) -> None:
    world.room.put(Message())
    world.counts(world.open_search())
    assert [one for one in found(world) if one[1] is False] == []


@pytest.mark.forges
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("searching", {"act": "list", "by": {"id": "bob", "name": "Bob"}, "try": 1, "query": None}),
        ("searching", {"act": "count", "by": {"id": "petra", "name": "Petra"}, "try": 1, "query": None}),
        ("searching", {"act": "open", "by": {"id": "bob", "name": "Bob"}, "try": 1, "query": None}),
        ("chosen", {"by": {"id": "bob", "name": "Bob"}, "digest": "aa"}),
    ],
)
def test_a_step_that_could_not_be_taken_is_found(world: SearchWorld, kind: str, body: dict[str, Json]) -> None:
    case = world.open_search()
    world.app.store.commit([Change(case=case, entries=(world.desk.office.draft(case, kind, **body),))])
    assert ("step-not-allowed", False) in found(world)


def test_what_is_private_after_all_is_closed_wiped_and_recorded(world: SearchWorld) -> None:
    viewing = Viewing(world).opened()
    world.desk.viewings.closed(viewing.now, "private", 3)
    world.work()
    left = world.desk.office.asides.cases(Aside.HITS)
    assert (viewing.now.is_final, viewing.now.outcome, "incident" in world.types(viewing.case), left) == (
        True,
        "private",
        True,
        [],
    )
