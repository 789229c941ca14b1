"""A worker beside the pages, for a small place: a process of its own that begins and ends with `locum serve --with-worker`.

It stays another process, so that what happens to the pages happens to the pages alone. Where it dies, the pages stop too:
whoever started one command is not left with half of it.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STOPS_WITHIN = 60.0


@contextmanager
def worker_beside(config: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    """A `locum worker` with these settings for as long as this lasts. Its return code says whether it ended by itself."""
    named = ["--config", str(config)] if config is not None else []
    child = subprocess.Popen([sys.executable, "-m", "locum", *named, "worker"], start_new_session=True)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    threading.Thread(target=_stop_with_it, args=(child, stopping), daemon=True).start()
    try:
        yield child
    finally:
        stopping.set()
        _end(child)


def _stop_with_it(child: "subprocess.Popen[bytes]", stopping: threading.Event) -> None:
    child.wait()
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Let it finish what it has begun."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
