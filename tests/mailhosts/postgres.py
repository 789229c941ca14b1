"""A real PostgreSQL for one test process: its own cluster in its own folder, on a free port, run as the user postgres.

Each test gets an empty database. Nothing is left running: the server is stopped by its own process id.
"""

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import psycopg

from locum.demo.host import free_port

_serial = itertools.count(1)

# A test never pulls the plug of the machine, so the cluster need not reach the disk; the bench starts its own, which does.
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200")


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    return versions[-1].parent if versions else None


class Postgres:
    """A running cluster. Trusts connections over loopback; it lives no longer than the tests."""

    def __init__(self, binaries: Path, options: tuple[str, ...] = _QUICK) -> None:
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="locum-postgres-"))
        self.folder.chmod(0o711)
        self.port = free_port()
        self._make(binaries)
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}/data"]
        flags = [part for option in (*settings, *options) for part in ("-c", option)]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [binaries / "postgres", "-D", self.folder / "data", *flags],
                user=self.user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()

    def _make(self, binaries: Path) -> None:
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(data, self.user, self.user)
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "locum", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            user=self.user, cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def url(self, database: str) -> str:
        return f"postgresql://locum@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template0") -> str:
        """The name of a new database, a copy of `template`."""
        name = f"test{next(_serial)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
        return name

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # fast: sessions are ended
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
        shutil.rmtree(self.folder)


@cache
def shared() -> Postgres | None:
    """The cluster of this test process, started when first asked for; None where PostgreSQL is not installed."""
    binaries = programs()
    if binaries is None:
        return None
    server, owner = Postgres(binaries), os.getpid()
    atexit.register(lambda: server.stop() if os.getpid() == owner else None)  # not from a forked child
    return server
