"""Exchange Online over Graph: how many mailboxes a second are read, compared, set and read back, beside a script that sets one
after another; and the memory that takes. The far side is the tests' stub in a process of its own, 50 ms for each answer.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bench.table import Row
from locum.absence import Mailbox
from locum.connectors.graph import Graph
from locum.connectors.graph_token import App
from locum.measure import Audience, AutoReply, Standing, Wanted
from locum.settings import secret
from mailhosts.graph import CLIENT, TENANT, graph_host
from mailhosts.graph_client import registered

MAILBOXES = 1000
SINGLY = 100
DELAY = 0.05


def graph() -> list[Row]:
    """1,000 mailboxes at once beside one PATCH after another, and the memory of a tenth and of all of them."""
    with TemporaryDirectory(prefix="locum-bench-") as name:
        folder = Path(name)
        with _far_side(folder) as url:
            peer = _one_after_another(url, folder)
            _, few = _fresh(folder, url, 0, MAILBOXES // 10)
            rate, peak = _fresh(folder, url, MAILBOXES // 10, MAILBOXES)
    return [
        Row(
            name="graph-1000", unit="mailboxes/s", ours=rate, peer=peer, peer_name="mailboxes/s, one PATCH after another",
            ratio=rate / peer, goal=">= 4 times", holds=rate >= 4 * peer,
        ),
        Row(
            name="graph-memory-1000", unit="MB peak", ours=peak, peer=few, peer_name="MB for 100",
            ratio=peak / few, goal="<= 1.1 times", holds=peak <= few * 1.1,
        ),
    ]  # fmt: skip


def serve(folder: str) -> None:
    """The far side: prints its address, and goes on until its input ends."""
    made = registered(Path(folder))
    with graph_host([made.certificate]) as host:
        for number in range(2 * MAILBOXES):
            host.add(_address(number), inside=f"<html><body><p>Weg {number}</p></body></html>")
        host.delay = DELAY
        print(host.url, flush=True)
        sys.stdin.read()


def set_all(folder: str, url: str, start: int, count: int) -> None:
    """Read and set so many, 200 together as the worker does; prints how many a second, and the peak of memory in MB."""
    connector = _connector(Path(folder), url)
    connector.tokens.get()
    begin = time.perf_counter()
    for first in range(start, start + count, connector.can.at_once):
        boxes = [Mailbox(address=_address(n)) for n in range(first, min(first + connector.can.at_once, start + count))]
        items = []
        for box, found in zip(boxes, connector.read_many(boxes), strict=True):
            assert isinstance(found, Standing), found
            items.append((box, Wanted(replies=(_reply(box),)), found))
        done = connector.write_many(items)
        assert all(isinstance(one, Standing) and one.replies for one in done)
    rate = count / (time.perf_counter() - begin)
    status = Path("/proc/self/status").read_text()
    print(rate, int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024)


def _fresh(folder: Path, url: str, start: int, count: int) -> tuple[float, float]:
    code = f"from bench.graph import set_all; set_all({str(folder)!r}, {url!r}, {start}, {count})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rate, peak = done.stdout.split()
    return float(rate), float(peak)


def _one_after_another(url: str, folder: Path) -> float:
    """What an administrator's script does: a token, then a PATCH for each, over one kept connection; nothing is looked at before or after."""
    connector = _connector(folder, url)
    headers = {"Authorization": f"Bearer {connector.tokens.get().value}"}
    with httpx2.Client(headers=headers, trust_env=False) as client:
        begin = time.perf_counter()
        for number in range(2 * MAILBOXES - SINGLY, 2 * MAILBOXES):
            body = {"automaticRepliesSetting": dict(connector.made(_reply(Mailbox(address=_address(number)))))}
            answer = client.patch(f"{url}/v1.0/users/{_address(number)}/mailboxSettings", json=body)
            assert answer.status_code == 200, answer.text
        return SINGLY / (time.perf_counter() - begin)


@contextmanager
def _far_side(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-c", f"from bench.graph import serve; serve({str(folder)!r})"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def _connector(folder: Path, url: str) -> Graph:
    app = App(TENANT, CLIENT, folder / "app.pem", folder / "app.key")
    return Graph(name="online", app=app, secret=secret, login_url=url, graph_url=url)


def _address(number: int) -> str:
    return f"p{number}@corp.test"


def _reply(mailbox: Mailbox) -> AutoReply:
    return replace(_REPLY, addresses=mailbox.addresses)


_NOW = datetime.now(UTC).replace(microsecond=0)
_REPLY = AutoReply(
    handle="bench",
    from_date=_NOW,
    to_date=_NOW + timedelta(days=14),
    subject="Closed",
    text_body="We are closed this week.\nFor what cannot wait: 4711.\n" * 10,
    external_text="We are closed this week. <sales@corp.test> reads along.\n" * 10,
    audience=Audience.EVERYONE,
)
