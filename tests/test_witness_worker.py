"""`locum worker` and `locum witness` as processes: what is published is cosigned by itself, also after the witness was killed."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.clihouse import House

from locum import tlog
from locum.demo.host import free_port
from locum.demo.sink import Sink
from locum.errors import Garbled
from locum.signer import Signer

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Sink() as sink:
        made = House(tmp_path, sink)
        made.policy(wait_hours=0, count=0)
        yield made


@contextmanager
def running(house: House, *words: str) -> Iterator[Callable[[int], None]]:
    process = house.start(*words)
    try:
        yield process.send_signal
    finally:
        process.terminate()
        process.communicate(timeout=20)


def within(seconds: float, look: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_the_worker_has_what_it_publishes_cosigned(house: House) -> None:
    log = Signer(house.folder / "record.key", "corp.test/locum").vkey
    port = free_port()
    files = ("--store", str(house.folder / "w.db"), "--key", str(house.folder / "w.key"))
    vkey = house.run("witness", *files, "--name", "or.corp.test/w", "--show-key").out.strip()
    settings = (house.folder / "locum.toml").read_text()
    house.write("locum.toml", f'{settings}[witness.council]\nurl = "http://127.0.0.1:{port}"\nkey = "{vkey}"\n')
    published = house.folder / "log" / "checkpoint"

    def is_cosigned() -> bool:
        try:
            return bool(tlog.cosigned_at(published.read_bytes(), vkey))
        except (OSError, Garbled):
            return False

    watching = ("witness", *files, "--log", log, "--listen", f"127.0.0.1:{port}")
    with running(house, "worker"):
        with running(house, *watching) as send:
            send(signal.SIGKILL)  # the witness dies, perhaps at once, perhaps in the act
        with running(house, *watching):
            assert within(90, is_cosigned)
            checked = house.run("check", "witness")
    assert (checked.code, vkey in checked.out) == (0, True), checked.out
    assert re.search(r"signed the record at \d{4}-", checked.out)
