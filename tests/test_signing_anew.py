"""Signatures of before: under words that another version of Locum shows otherwise, and from an address where the pages were."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.signedworld import SignedWorld
from tests.test_signing_forged import forge, reviewed

from locum.approval import Site
from locum.demo.sink import Sink
from locum.errors import Refused
from locum.lifecycle import Case, State
from locum.mailhost.signatures import signatures
from locum.settings import load

pytestmark = pytest.mark.forges
MOVED = "https://elsewhere.corp.test"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SignedWorld]:
    with Sink() as sink:
        yield SignedWorld(tmp_path, sink)


def worded_otherwise(world: SignedWorld) -> Case:
    """A case that was signed under a text that is shown otherwise by now."""
    case = world.asked_for()
    asks = reviewed(world, case, "bob", "it", "request")
    old = reviewed(world, case, "dirk", "hr", display="ab" * 32)
    forge(world, case, asks, old, reviews=(("bob", "request", case.request), ("dirk", "approve", case.request)))
    return world.now_of(case)


def test_a_signature_under_other_words_sends_the_case_back_and_is_no_incident(world: SignedWorld) -> None:
    case = worded_otherwise(world)
    assert (case.state, world.shelf.standing(), "incident" in world.types(case)) == (State.AWAITING_REVIEW, [], False)


def test_whoever_signed_is_asked_by_letter_and_signs_anew(world: SignedWorld) -> None:
    case = worded_otherwise(world)
    assert world.letters("dirk@corp.test", "review")
    world.signs("dirk", case)
    assert (world.state(case), world.shelf.standing()) == (State.APPLIED, ["anna@corp.test.forwards"])


def test_whoever_signed_under_the_words_of_today_does_not_sign_twice(world: SignedWorld) -> None:
    case = worded_otherwise(world)
    with pytest.raises(Refused, match="signed-already"):
        world.asked("bob", case, "request")


# another address


def moved(world: SignedWorld, until: str) -> SignedWorld:
    """The pages are at another address since, and the settings say until when they were where they had been."""
    settings = world.config.read_text().replace(
        'url = "https://locum.corp.test"\n',
        f'url = "{MOVED}"\nearlier = [{{ url = "https://locum.corp.test", until = {until} }}]\n',
    )
    world.config.write_text(settings)
    world.app = world.wired()
    world.app.sign()
    return world


def test_what_was_signed_at_an_earlier_address_still_counts(world: SignedWorld) -> None:
    case = world.ready()
    moved(world, world.now.date().isoformat())
    world.later(days=1)
    assert (world.state(case), world.shelf.standing()) == (State.APPLIED, ["anna@corp.test.forwards"])


def test_without_an_earlier_address_nobody_has_a_key_any_more(world: SignedWorld) -> None:
    moved(world, (world.now - timedelta(days=30)).date().isoformat())
    assert world.desk.register().keys == {}


def test_what_is_signed_there_later_counts_for_nothing(world: SignedWorld) -> None:
    case = world.asked_for()
    moved(world, (world.now - timedelta(days=1)).date().isoformat())
    old = reviewed(world, case, "dirk", "hr")
    forge(world, case, reviewed(world, case, "bob", "it", "request"), old)
    assert (world.shelf.standing(), "incident" in world.types(case)) == ([], True)


def test_the_last_day_is_a_whole_one(world: SignedWorld) -> None:
    moved(world, "2026-12-01")
    (site,) = load(world.config).web.earlier_sites
    assert site == Site("https://locum.corp.test", "locum.corp.test", datetime(2026, 12, 2, tzinfo=UTC))


def test_the_mail_host_is_told_the_same_and_takes_no_day_that_is_none() -> None:
    old = "https://locum.corp.test"
    given = [
        signatures(MOVED, (), earlier) is not None
        for earlier in ([(old, "2026-12-01")], [(old, "soon")], [("http://x", "2026-12-01")])
    ]
    assert given == [True, False, False]
