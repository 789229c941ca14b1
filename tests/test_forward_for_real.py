"""A forward, and a reply with it, from the request to the account on a real mail host: the publisher checks the warrant, a
message is kept and copied, an unallowed one never is, and nothing stands of a case of which half could not be set.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.on_dovecot import now
from tests.shelf import FORWARD, REGULATION
from tests.world import PEOPLE, POLICY, World

from locum.demo.sink import Sink
from locum.desk import ForwardForm
from locum.lifecycle import Case, State
from locum.mailhost.following import following
from locum.measure import Audience
from mailhosts.dovecot import letter
from mailhosts.publishing import SCRIPT, stored
from mailhosts.queue import NAMES, RECEIVER, ForwardingHost, forward_publisher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("postfix") is None, reason="Postfix, and root to start it"),
]
CUSTOMER = "klant@example.net"
_names = iter(NAMES)


@pytest.fixture(scope="module")
def host() -> Iterator[ForwardingHost]:
    with ForwardingHost() as started, ExitStack() as followed:
        for directory in (started.published, started.forwards):
            followed.enter_context(following(directory))
        yield started


@pytest.fixture
def anna() -> str:
    return next(_names)


def connector(host: ForwardingHost, publisher: list[str]) -> str:
    program = ", ".join(f'"{word}"' for word in publisher)
    return "\n".join(
        (
            '[connector.dovecot]\nkind = "sieve_files"\nmailboxes = ["@corp.test"]',
            f'directory = "{host.published}"\nscript = "{SCRIPT}"',
            f'dovecot_config = "{host.config_file}"\nlog = "{host.log}"',
            f'forward_directory = "{host.forwards}"\nmail_log = "{host.queue.log}"\nforward_publisher = [{program}]\n',
        )
    )


@pytest.fixture
def make(tmp_path: Path, host: ForwardingHost, anna: str) -> Iterator[Callable[..., World]]:
    """The organisation on that host: Anna's mailbox there, and Bert's elsewhere."""
    with Sink() as sink:

        def world(*more: str) -> World:
            people = (
                PEOPLE.replace("anna@corp.test", anna) + "bert,Bert Bos,bert@corp.test,,nl,Europe/Amsterdam,sales,,,,\n"
            )
            publisher = forward_publisher(host, *more)
            made = World(tmp_path, sink, now=now(), people=people, connectors=connector(host, publisher))
            rules = {"free_text": "allowed", "wait_hours": 0, "if_unanswered": "proceed", "count": 0}
            (tmp_path / "policy.toml").write_text((REGULATION + POLICY + FORWARD).format(**rules))
            file = '[policy]\nfile = "policy.toml"\n'
            made.config.write_text(made.config.read_text().replace(file, f"{file}unsigned_reviews = true\n"))
            made.app = made.wired()
            return made

        yield world


def forwarded(world: World, anna: str, *, joins: str = "", **changes: object) -> Case:
    """A request for copies for Bert, agreed to by both and looked at; and what became of it."""
    given: dict[str, object] = {"mailbox": anna, "to": RECEIVER, "reason": "customer", "because": "Orders wait."}
    form = ForwardForm(**(given | changes))  # type: ignore[arg-type]
    case = world.desk.request(world.app.acting("bob"), form, joins=joins)
    world.work()
    world.desk.answer(world.token("anna@home.test"), "agree")
    world.desk.answer(world.token(RECEIVER, "consent"), "accept")
    world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    world.work()
    return world.desk.case(case.id)


def replied(world: World, anna: str) -> Case:
    text = {"internal_text": "Away.\n", "external_text": "I do not read mail now.\n"}
    until = (world.now + timedelta(days=10)).isoformat()
    return world.request(mailbox=anna, reason="customer", until=until, audience=Audience.EVERYONE, **text)


def comes_in(host: ForwardingHost, anna: str, expected: int, **headers: str) -> tuple[int, list[str]]:
    """Deliver one message; how many of it she has, and who else got something because of it."""
    kept, before = stored(host, anna), len(host.sink.messages)
    host.deliver(CUSTOMER, anna, letter(CUSTOMER, anna, **headers))
    messages = host.sink.wait_for(before + expected)[before:]
    return stored(host, anna) - kept, sorted(one.recipients[0] for one in messages)


def scripts(host: ForwardingHost, anna: str) -> list[str]:
    return sorted(
        str(path.relative_to(host.folder)) for path in host.folder.rglob(f"{anna}.sieve") if "home" not in path.parts
    )


def test_a_forward_is_copied_while_it_is_on_and_kept_always(
    host: ForwardingHost, make: Callable[..., World], anna: str
) -> None:
    world = make("--unsigned-reviews")
    case = forwarded(world, anna)
    assert (case.state, case.trouble) == (State.APPLIED, "")
    assert comes_in(host, anna, 1) == (1, [RECEIVER])
    assert comes_in(host, anna, 0, Subject="Privé: etentje") == (1, [])
    world.desk.answer(world.token(RECEIVER, "receiver-live"), "no-more")
    world.work()
    assert comes_in(host, anna, 0) == (1, [])
    assert world.desk.case(case.id).state is State.ACCOUNTED


def test_a_reply_and_a_forward_together_are_set_and_taken_away_together(
    host: ForwardingHost, make: Callable[..., World], anna: str
) -> None:
    world = make("--unsigned-reviews")
    first = replied(world, anna)
    case = forwarded(world, anna, joins=first.id, from_="")
    assert (case.state, case.asks_for) == (State.APPLIED, "both")
    assert comes_in(host, anna, 2) == (1, [RECEIVER, CUSTOMER])
    world.desk.answer(world.token("anna@home.test"), "stop")
    world.work()
    assert (comes_in(host, anna, 0), scripts(host, anna)) == ((1, []), [])


def test_what_the_program_that_writes_forwards_refuses_leaves_no_reply_behind(
    host: ForwardingHost, make: Callable[..., World], anna: str
) -> None:
    world = make()  # it takes no reviews that nobody signed
    first = replied(world, anna)
    case = forwarded(world, anna, joins=first.id, from_="")
    job = next(job for job in world.app.store.jobs(case.id) if job.kind == "apply")
    assert (case.state, scripts(host, anna)) == (State.SCHEDULED, [])
    assert job.trouble == "check.sieve_files.forward-needs-signatures"


def test_a_reply_beside_a_live_forward_of_another_case_is_set_and_taken_away(
    host: ForwardingHost, make: Callable[..., World], anna: str
) -> None:
    world = make("--unsigned-reviews")
    forward = forwarded(world, anna)
    reply = replied(world, anna)
    world.work()
    assert [world.desk.case(one.id).state for one in (forward, reply)] == [State.APPLIED] * 2
    assert comes_in(host, anna, 2) == (1, [RECEIVER, CUSTOMER])
    world.desk.end(world.app.acting("bob"), reply.id)
    world.work()
    assert comes_in(host, anna, 1) == (1, [RECEIVER])


def test_the_program_that_writes_forwards_is_asked_with_what_was_filed(
    make: Callable[..., World], anna: str, host: ForwardingHost
) -> None:
    assert sys.executable in connector(host, forward_publisher(host))
    world = make("--unsigned-reviews")
    case = forwarded(world, anna, until=(world.now + timedelta(days=3)).isoformat())
    (script,) = [path for path in scripts(host, anna) if path.startswith("forwards")]
    assert (case.state, RECEIVER in (host.folder / script).read_text()) == (State.APPLIED, True)


def test_copies_that_the_receivers_side_refuses_withdraw_the_forward_and_she_keeps_her_mail(
    host: ForwardingHost, make: Callable[..., World], anna: str
) -> None:
    world = make("--unsigned-reviews")
    case = forwarded(world, anna)
    kept = stored(host, anna)
    host.sink.refusing = "550 5.1.1 no such user"
    try:
        host.deliver(CUSTOMER, anna, letter(CUSTOMER, anna))
        until = time.monotonic() + 60
        while case.state is State.APPLIED and time.monotonic() < until:
            time.sleep(0.5)
            world.later(hours=2)
            case = world.desk.case(case.id)
    finally:
        host.sink.refusing = ""
    assert (case.outcome, stored(host, anna), scripts(host, anna)) == ("forward-failed", kept + 1, [])
