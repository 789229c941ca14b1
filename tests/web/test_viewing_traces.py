"""A message is looked for, opened and delivered, and of what it says nothing is left: not in the store, its journal or the server's
folder, not in a log, not in the folder for temporary files.
"""

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from test_viewing_pages import Room
from tests.mailroom import Message, SearchWorld

from locum.demo.sink import Sink
from mailhosts import postgres

pytest_plugins = ("tests.stores",)

MARKS = (b"Quokkakade", b"zeepaardje")
"""Words of the subject and of the text that stand nowhere else."""


@pytest.fixture
def world(tmp_path: Path, store_url: str) -> Iterator[SearchWorld]:
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink, store_url=store_url)


def files(folder: Path, since: float = 0) -> Iterator[Path]:
    """Every file below that was written since then, and can be read."""
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(("pytest-of-", "locum-postgres-", "bash_jobs"))]
        for name in names:
            file = Path(place, name)
            with contextlib.suppress(OSError):
                if file.is_file() and file.stat().st_mtime >= since and file.stat().st_size < 100_000_000:
                    yield file


def marked(file: Path) -> bool:
    with contextlib.suppress(OSError):
        content = file.read_bytes()
        return any(one in content or one.decode().encode("utf-16-le") in content for one in MARKS)
    return False


def test_nothing_of_the_message_is_left_anywhere(
    world: SearchWorld, store_url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    since = time.time() - 1
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        room = Room(world, Message(subject="Offerte voor de Quokkakade", text="Het zeepaardje kost 12 euro."))
        room.opened(subject="Offerte voor de Quokkakade")
        seen = [room.text(name) for name in ("bob", "dirk")]
        for name in ("bob", "dirk"):
            room.do(name, "deliver", part="message")
        world.work()
    places = [world.folder, Path(tempfile.gettempdir())]
    if store_url.startswith("postgresql"):
        server = postgres.shared()
        assert server is not None
        places.append(server.folder)
    left = [file for place in places for file in files(place, since if place == places[1] else 0) if marked(file)]
    said = f"{lines} {caplog.text} {capfd.readouterr()}".encode()
    assert ["zeepaardje" in one for one in seen] == [True, True]
    assert [file for file in left if not file.is_relative_to(world.room.folder)] == []
    assert not any(one in said for one in MARKS)
    assert [one["receipt"] for one in world.bodies(room.case, "delivered")] == ["250 kept"]
