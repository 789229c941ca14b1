"""Every story in tests/stories, played: the installed command line, a real store, a real Dovecot, letters and pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from locum.demo.host import Dovecot, Sink, faketime
from mailhosts.dovecot import PASSWORD
from mailhosts.queue import ForwardingHost, forward_publisher
from stories.four_systems import FourSystems, addresses, elsewhere
from stories.script import Step, read
from stories.stage import USERS, Stage, Untrue

STORIES = sorted((Path(__file__).parent / "stories").glob("*.txt"))
PASSWORDS = dict.fromkeys([*(f"{name}@corp.test" for name in USERS), *addresses("dovecot")], PASSWORD)


@pytest.fixture(scope="module")
def plain_host() -> Iterator[Dovecot]:
    """A Dovecot with a moved clock; what it sends is there as soon as it was sent."""
    if shutil.which("dovecot") is None or faketime() is None:
        pytest.skip("Dovecot or libfaketime is not installed")
    with Dovecot(users=PASSWORDS, clock=True) as made:
        yield made


@pytest.fixture(scope="module")
def forwarding_host() -> Iterator[Dovecot]:
    """The same with a queue of its own, and directories for forwards."""
    if os.geteuid() != 0 or shutil.which("postfix") is None or faketime() is None:
        pytest.skip("forwarding needs Postfix and libfaketime, and Postfix needs root")
    with ForwardingHost(users=PASSWORDS, clock=True) as made:
        yield made


def forwards_of(host: Dovecot) -> str:
    """The settings that let the connector forward on this host."""
    if not isinstance(host, ForwardingHost):
        return ""
    command = ", ".join(f'"{word}"' for word in forward_publisher(host, "--unsigned-reviews"))
    return f'forward_directory = "{host.forwards}"\nforward_publisher = [{command}]\nmail_log = "{host.queue.log}"\n'


@pytest.mark.slow
@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_true(request: pytest.FixtureRequest, tmp_path: Path, path: Path) -> None:
    host: Dovecot = request.getfixturevalue("forwarding_host" if "forward" in path.stem else "plain_host")
    with Sink() as relay, ExitStack() as others:
        if "four-systems" in path.stem:
            stage: Stage = FourSystems(tmp_path, host, relay, others=others.enter_context(elsewhere(tmp_path)))
        else:
            stage = Stage(tmp_path, host, relay, forwards_of(host))
        try:
            for step in read(path).steps:
                play(stage, path, step)
        finally:
            stage.close()


def play(stage: Stage, path: Path, step: Step) -> None:
    """One step, and what was not so about it."""
    try:
        stage.play(step)
    except Untrue as untrue:
        told = f"{path.name}:{step.line}: {step.word} {step.rest}\n{untrue}"
    else:
        return
    pytest.fail(told, pytrace=False)
