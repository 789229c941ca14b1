"""How long the figures of a year take, and how much memory: 100,000 cases with nine entries each, of which every one is read,
opened, checked against the tree and counted.
"""

import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.filings import Clock, a_case

from bench.table import Row
from locum.desk import yearly
from locum.entry import Draft, Json
from locum.figures import span_of
from locum.store import Change, Store

_CASES, _FEW = 100_000, 1_000
_AT_ONCE = 200
_SPAN = span_of(2025, "Europe/Amsterdam")
_SECONDS, _TIMES = 180.0, 2.0
_REASONS = ("closing", "forgotten", "customer", "continuity")
_TEXT = "Customers are waiting for an answer. " * 20


def figures() -> list[Row]:
    """A store with that many cases is made first, which is not measured; each measuring is a process of its own."""
    with TemporaryDirectory(prefix="locum-bench-") as folder:
        (_, little), (seconds, much) = (_measured(Path(folder), count) for count in (_FEW, _CASES))
    return [
        Row(
            name=f"figures-{_CASES}", unit="s", ours=seconds, ratio=seconds / _SECONDS, goal=f"< {_SECONDS:g}",
            holds=seconds < _SECONDS,
        ),
        Row(
            name=f"figures-memory-{_CASES}", unit="MB peak", ours=much, peer=little, peer_name=f"MB for {_FEW}",
            ratio=much / little, goal=f"<= {_TIMES:g} times", holds=much <= little * _TIMES,
        ),
    ]  # fmt: skip


def _measured(folder: Path, count: int) -> tuple[float, float]:
    url = f"sqlite:///{folder / f'{count}.db'}"
    _fill(url, count)
    code = f"from bench.figures import made; print(*made({url!r}, {count}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def made(url: str, count: int) -> tuple[float, float]:
    """The seconds it takes, and the peak resident memory of this process in MB."""
    store = Store(url, lambda: _SPAN.ready_at)
    begin = time.perf_counter()
    found = yearly.make(store, _SPAN)
    seconds = time.perf_counter() - begin
    assert found.total == count, found.total
    status = Path("/proc/self/status").read_text()
    return seconds, int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _fill(url: str, count: int) -> None:
    store = Store(url, Clock())
    store.migrate()
    for first in range(0, count, _AT_ONCE):
        store.commit([_case(number) for number in range(first, min(first + _AT_ONCE, count))])
    store.close()


def _case(number: int) -> Change:
    case = replace(a_case(number), id=f"{number:08x}")
    at = datetime(2025, 1, 2, 9, tzinfo=UTC) + timedelta(minutes=number * 5 % 500_000)
    measures: list[Json] = [{"measure": "auto-reply", "text_body": _TEXT}]
    sent: dict[str, Json] = {"channel": "mailbox", "outcome": "delivered-to-relay", "by": "", "note": ""}
    found: dict[str, Json] = {"salt": "00" * 16, "digest": "00" * 32, "own_reply": False}
    steps: tuple[tuple[str, dict[str, Json]], ...] = (
        (
            "requested",
            {
                "person": case.person,
                "requester": {"id": "bob", "name": "Bob"},
                "reason": _REASONS[number % 4],
                "measures": measures,
            },
        ),
        ("asked", {**sent, "outcome": "sending"}),
        ("asked", sent),
        ("answered", {"answer": "agreed" if number % 3 else "unanswered", "via": "link", "by": ""}),
        ("intended", {"act": "apply", "found": found}),
        ("done", {"act": "apply", "privileges": "could-not-read-mail"}),
        ("read-back", {"act": "apply", "stands": "as-intended"}),
        ("ended", {"why": "time" if number % 7 else "owner", "put_back": "as-found"}),
        ("accounted", {"to": "mailbox", "digest": "00" * 32}),
    )
    drafts = tuple(
        Draft(stream=case.mailbox, type=kind, time=at + timedelta(minutes=place), body={"case": case.id, **body})
        for place, (kind, body) in enumerate(steps)
    )
    return Change(case=case, entries=drafts)
