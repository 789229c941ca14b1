"""The program that writes forwards checks the signatures itself: what the worker hands over is judged there by the same gate."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.signedworld import SignedWorld

from locum.demo.sink import Sink
from locum.desk.warrant import warrant
from locum.entry import canonical
from locum.errors import Rejected
from locum.lifecycle import Case
from locum.mailhost import Forwarding
from locum.mailhost.signatures import signatures
from locum.mailhost.warranting import warranted

SITE = "https://locum.corp.test"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SignedWorld]:
    with Sink() as sink:
        yield SignedWorld(tmp_path, sink)


def judged(world: SignedWorld, case: Case, content: bytes, site: str = SITE) -> str:
    """Why the program refuses this warrant; nothing where it writes the forward."""
    assert case.forward is not None
    allowed = Forwarding(signatures=signatures(site))
    try:
        warranted(content, case.mailbox, (case.forward,), allowed, world.now)
    except Rejected as error:
        return f"{error.key} {error.values.get('reason', '')}".strip()
    return ""


def changed(content: bytes, change: Callable[[dict], object]) -> bytes:
    said = json.loads(content)
    change(said)
    return canonical(said)


def test_a_forward_that_both_signed_is_written(world: SignedWorld) -> None:
    case = world.ready()
    assert judged(world, case, warrant(world.desk.office, case)) == ""


def test_a_forward_that_one_alone_signed_is_not(world: SignedWorld) -> None:
    case = world.asked_for()
    world.signs("dirk", case)
    assert "requester-not-signed" in judged(world, case, warrant(world.desk.office, world.now_of(case)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda said: said["reviews"].pop(), "review-missing"),
        (lambda said: said["request"].update(because="Otherwise."), "request-other"),
        (lambda said: said["signed"].update(policy="[forward.review]\nsigned = false\n"), "Garbled"),
        (lambda said: said["signed"]["register"].pop(3), "Garbled"),
        (lambda said: said["signed"]["register"].clear(), "key-unknown"),
        (lambda said: said["signed"].update(concerned=["dirk"]), "person-concerned"),
        (lambda said: said.update(requester_function="hr"), "same-function"),
        (lambda said: said["reviews"][1].update(assertion=said["reviews"][0]["assertion"]), "key-of-another"),
        (lambda said: said["reviews"].append(said["reviews"][1]), "nonce-used"),
    ],
)
def test_a_warrant_with_something_changed_is_refused(
    world: SignedWorld, change: Callable[[dict], object], reason: str
) -> None:
    case = world.ready()
    content = changed(warrant(world.desk.office, case), change)
    assert reason in judged(world, case, content)


def test_what_was_signed_on_another_site_is_refused(world: SignedWorld) -> None:
    case = world.ready()
    assert judged(world, case, warrant(world.desk.office, case), "https://evil.corp.test").startswith(
        "forward-not-signed"
    )


def test_reviews_that_nobody_signed_are_refused(world: SignedWorld) -> None:
    case = world.ready()
    content = changed(warrant(world.desk.office, case), lambda said: said.update(signed=False, reviews=[]))
    assert judged(world, case, content) == "forward-unsigned"


def test_a_program_that_checks_no_signatures_writes_no_forward(world: SignedWorld) -> None:
    case = world.ready()
    assert case.forward is not None
    with pytest.raises(Rejected, match="forward-signatures-unknown"):
        warranted(warrant(world.desk.office, case), case.mailbox, (case.forward,), Forwarding(), world.now)


def test_a_site_for_which_browsers_make_no_passkeys_is_none() -> None:
    assert signatures("http://locum.corp.test") is None
