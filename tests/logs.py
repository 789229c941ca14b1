"""Logs and witnesses for tests: a log of any size that can also fork, and a witness that listens, in a thread of this process."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from locum import tlog
from locum.signer import Signer
from locum.witness import Witness, open_witness, serve
from locum.witness.judging import Tell

AT = datetime(2026, 7, 1, 8, tzinfo=UTC)
COUNCIL = "council.corp.test/witness"


@dataclass
class Log:
    """A log with a key of its own. `changed` are the places where its leaves are others than those of an honest one."""

    signer: Signer
    changed: tuple[int, ...] = ()

    def hashes(self, size: int) -> list[bytes]:
        """The hashes of its leaves."""
        return [tlog.leaf_hash(b"%d%s" % (n, b"!" * (n in self.changed))) for n in range(size)]

    def note(self, size: int) -> bytes:
        """Its checkpoint at this size, signed."""
        return self.signer.sign(tlog.Checkpoint(self.signer.origin, size, tlog.root(self.hashes(size))).text())

    def proof(self, old: int, size: int) -> list[bytes]:
        """That it goes on from `old`."""
        return tlog.consistency_proof(self.hashes(size), old)

    def forked(self, *changed: int) -> "Log":
        """Another history under the same key."""
        return Log(self.signer, changed)


def request(old: int, proof: list[bytes], note: bytes) -> bytes:
    """The body of add-checkpoint, written from the page of C2SP."""
    import base64  # noqa: PLC0415

    lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof)]
    return "\n".join(lines).encode() + b"\n\n" + note


@dataclass
class Told:
    """What a witness said."""

    keys: list[str] = field(default_factory=list)

    def __call__(self, key: str, **values: object) -> None:
        self.keys.append(key)


def make_log(folder: Path, origin: str = "corp.test/locum") -> Log:
    """A log with a new key."""
    return Log(Signer(folder / f"{origin.replace('/', '-')}.key", origin))


def make_witness(
    folder: Path,
    *logs: Log,
    clock: Callable[[], datetime] = lambda: AT,
    tell: Tell | None = None,
    name: str | None = COUNCIL,
) -> Witness:
    """A witness of these logs."""
    vkeys = [log.signer.vkey for log in logs]
    return open_witness(folder / "witness.db", folder / "witness.key", name, vkeys, clock, tell or Told())


@contextmanager
def listening(witness: Witness, listen: str = "127.0.0.1:0", tls: object = None) -> Iterator[str]:
    """The witness on a free port; its address."""
    server = serve(witness, listen, tls, Told())  # type: ignore[arg-type]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def posted(url: str, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, bytes]:
    """Status, kind and body of the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, data=body), timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()
