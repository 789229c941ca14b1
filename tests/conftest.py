"""Servers that many tests share: one Dovecot per test process, with mailboxes of their own for each test; and a browser."""

import itertools
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from tests.world import BUILT

from locum.demo.host import Dovecot, Sink
from mailhosts.dovecot import MASTER, MASTER_PASSWORD, PASSWORD
from traces import strange_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MAILBOXES = 2000  # known from the start: Dovecot takes up to a second to notice a new one

_serial = itertools.count(1)

# The same examples each time, and no clock: a run of all tests tells of the change that was made and not of the machine.
# To look for more: --hypothesis-profile=default
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


_LONG = (
    *("test_demo_played.py", "test_story_browser.py", "test_stories.py", "test_demo.py", "test_case_browser.py"),
    *("test_kills.py", "test_two_workers.py", "test_worker.py", "test_faults.py", "test_forwarding_hosts.py"),
    *("test_forward_for_real.py", "test_people_browser.py", "test_every_page.py", "test_api_fuzzed.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first: as the last ones they would leave all but one process with nothing to do."""
    items.sort(key=lambda item: _LONG.index(item.path.name) if item.path.name in _LONG else len(_LONG))


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A running Dovecot for corp.test with the mailboxes anna@ and bert@; tests that change mailboxes take `mailbox`."""
    if shutil.which("dovecot") is None:
        pytest.skip("Dovecot is not installed")
    names = ("anna", "bert", *(f"colleague{number}" for number in range(1, MAILBOXES)))
    users = {f"{name}@corp.test": PASSWORD for name in names}
    with Dovecot(users=users, masters_sieve={MASTER: MASTER_PASSWORD}) as host:
        yield host


@pytest.fixture
def sink(dovecot: Dovecot) -> Iterator[Sink]:
    """What Dovecot sends to the world outside, empty at first."""
    dovecot.sink.clear()
    yield dovecot.sink
    dovecot.sink.clear()


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[str]:
    """The address of a mailbox that no other test has; what was published for it is removed afterwards."""
    address = f"colleague{next(_serial)}@corp.test"
    yield address
    for place in ("before", "after"):
        (dovecot.published / place / f"{address}.sieve").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """Chromium, started once for a file. What a page is expected to say may take long: the server runs in this process, and
    others use the machine too.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415  most runs start no browser

    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What a test recorded has to be a way through the machine of case_model.py (traces.py); read before its servers go."""
    yield
    if item.get_closest_marker("forges") is None:
        found = [line for world in BUILT for line in strange_in(world.app)]
        assert found == []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    BUILT.clear()
