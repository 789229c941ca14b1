"""What is measured, a function per name; each gives its rows."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.world import World

from bench.figures import figures
from bench.gate import gate
from bench.graph import graph
from bench.leaks import leaks, search_numbers
from bench.log import log
from bench.organisation import PASSWORD, apply, apply_by, forms, on_dovecot, organisation, scheduled
from bench.pages import pages, waiting
from bench.policy import decisions
from bench.regulation import regulation
from bench.table import Row
from bench.verify import verify
from bench.wording import wording
from locum import sieve
from locum.demo.host import Dovecot, free_port
from locum.lifecycle import Case, State

MAILBOXES = 2000
LOCUM = str(Path(sys.executable).with_name("locum"))


def publish() -> list[Row]:
    """Published scripts for 2,000 mailboxes, by one worker and by two, beside `doveadm sieve put -a` in a loop over the
    same mailboxes.
    """
    peer, rates = 0.0, dict[int, float]()
    for workers in (2, 1):
        if peer:
            time.sleep(40)  # ext4 makes files slowly for half a minute after thousands were removed
        with on_dovecot(MAILBOXES) as (world, host):
            scheduled(world, MAILBOXES)
            rates[workers] = MAILBOXES / apply_by(world, workers)
            assert len(list((host.published / "after").glob("*.sieve"))) == MAILBOXES
            assert len(world.app.store.find(state=State.APPLIED, limit=MAILBOXES + 1)) == MAILBOXES
            peer = peer or _doveadm_loop(world, host, MAILBOXES)
    return [
        _against("publish-2000-two-workers", rates[2], peer, 20),
        _against("publish-2000-one-worker", rates[1], peer, 20),
    ]


def managesieve() -> list[Row]:
    """The same over ManageSieve, for 400 mailboxes."""
    count = 400
    with on_dovecot(count) as (world, host):
        peer = _doveadm_loop(world, host, count)
        for n in range(count):
            host.doveadm("sieve", "deactivate", "-u", f"p{n}@corp.test")
        secret = world.folder / "managesieve.secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        text = world.config.read_text()
        table = (
            f'[connector.dovecot]\nkind = "managesieve"\nmailboxes = ["@corp.test"]\nhost = "127.0.0.1"\n'
            f'port = {host.sieve_port}\nuser = "locum"\nsecret_file = "{secret}"\ntls = "none"\n'
        )
        world.config.write_text(text[: text.index("[connector.dovecot]")] + table)
        world.app = world.wired()
        scheduled(world, count)
        begin = time.perf_counter()
        assert apply(world) == count
        ours = count / (time.perf_counter() - begin)
    return [_against("managesieve-400", ours, peer, 1.5)]


def _against(name: str, ours: float, peer: float, goal: float) -> Row:
    ratio = ours / peer
    peer_name = "mailboxes/s, doveadm sieve put -a in a loop"
    return Row(
        name=name, unit="mailboxes/s", ours=ours, peer=peer, peer_name=peer_name, ratio=ratio, goal=f">= {goal} times", holds=ratio >= goal
    )  # fmt: skip


def _doveadm_loop(world: World, host: Dovecot, count: int) -> float:
    """What an administrator does today: one command per mailbox."""
    case = world.desk.request(world.app.acting("bob"), forms(1)[0]) if not world.app.store.find(limit=1) else None
    reply = (case or world.app.store.find(limit=1)[0]).auto_reply
    script = sieve.script([reply])
    begin = time.perf_counter()
    for n in range(count):
        command = ["doveadm", "-c", str(host.config_file), "sieve", "put", "-a", "-u", f"p{n}@corp.test", "locum-bench"]
        subprocess.run(command, input=script, check=True, capture_output=True)
    rate = count / (time.perf_counter() - begin)
    if case is not None:
        world.desk.withdraw(world.app.acting("bob"), case.id)
    return rate


def memory() -> list[Row]:
    """Peak memory of one process that files and applies 200, 2,000 and 20,000 mailboxes."""
    peaks = {count: _peak_of(count) for count in (200, 2000, 20000)}
    return [
        Row(
            name=f"memory-{count}", unit="MB peak", ours=peak, peer=peaks[200], peer_name="MB for 200",
            ratio=peak / peaks[200], goal="<= 1.5 times", holds=peak <= peaks[200] * 1.5,
        )
        for count, peak in peaks.items()
    ]  # fmt: skip


def switch_on(count: int) -> float:
    """File and apply `count`; the peak resident memory of this process in MB."""
    with organisation(count) as world:
        scheduled(world, count)
        assert apply(world) == count
    # Not ru_maxrss: that is handed on from the parent (exec keeps the highest it ever had).
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _peak_of(count: int) -> float:
    """The same in a fresh process, which inherits nothing."""
    code = f"from bench.rows import switch_on; print(switch_on({count}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def command_line() -> list[Row]:
    """Whole processes: one request until its reply is live; --help; serve doing nothing."""
    with on_dovecot(20) as (world, host):
        environment = {**os.environ, "LOCUM_CONFIG": str(world.config)}
        live = []
        for n in range(9):
            command = [
                LOCUM,
                "request",
                "auto-reply",
                f"p{n}@corp.test",
                "--reason",
                "closing",
                "--because",
                "We are closed.",
            ]
            begin = time.perf_counter()
            done = subprocess.run(
                [*command, "--as", "bob", "--until", _in_two_weeks(), "--json"],
                env=environment,
                capture_output=True,
                check=False,
            )
            live.append(time.perf_counter() - begin)
            assert json.loads(done.stdout)["state"] == "applied", done.stdout + done.stderr
            assert (host.published / f"after/p{n}@corp.test.sieve").exists()
        helps = [_seconds([LOCUM, "--help"]) for _ in range(9)]
        serving = _serve_memory(world, environment)
    return [
        _below("request-to-live", "s, median of 9 processes", statistics.median(live), 1.5),
        _below("help", "s, median of 9 processes", statistics.median(helps), 0.3),
        _below("serve-idle", "MB resident", serving, 150),
    ]


def _in_two_weeks() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + 14 * 86400))


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def _below(name: str, unit: str, ours: float, limit: float) -> Row:
    return Row(name=name, unit=unit, ours=ours, ratio=ours / limit, goal=f"< {limit}", holds=ours < limit)


def _serve_memory(world: World, environment: dict[str, str]) -> float:
    port = free_port()
    text = world.config.read_text() + f'[web]\nurl = "http://127.0.0.1:{port}"\nlisten = "127.0.0.1:{port}"\n'
    world.config.write_text(text)
    process = subprocess.Popen([LOCUM, "serve"], env=environment)
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/healthz")
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_until_it_answers(address: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing answers at {address}")


def growth() -> list[Row]:
    """One more case, from request to live, with 100,000 cases in the store and with 100."""
    small = _cost_of_one_more(100)
    large = _cost_of_one_more(100_000)
    ratio = large / small
    return [
        Row(
            name="one-more-of-100000", unit="ms a case", ours=large * 1000, peer=small * 1000, peer_name="ms with 100",
            ratio=ratio, goal="<= 1.3 times", holds=ratio <= 1.3,
        )
    ]  # fmt: skip


def _cost_of_one_more(seeded: int) -> float:
    """The median over 60 cases that are filed and applied one by one, each with all its commits."""
    with organisation(seeded + 100) as world:
        acting = world.app.acting("bob")
        for start in range(0, seeded, 2000):
            count = min(2000, seeded - start)
            filed = world.desk.request_each(acting, forms(count, start), batch=f"seed-{start}")
            assert all(isinstance(case, Case) for case in filed)
        return statistics.median(_one(world, form) for form in forms(60, seeded))


def _one(world: World, form: object) -> float:
    begin = time.perf_counter()
    case = world.desk.request(world.app.acting("bob"), form)  # type: ignore[arg-type]
    while taken := world.app.store.take("bench", seconds=60, case=case.id, lanes=["letters", "desk", "dovecot"]):
        if taken[0].job.kind not in ("ask", "lapse", "apply"):
            break
        world.desk.run(taken)
    return time.perf_counter() - begin


BENCHES: dict[str, Callable[[], list[Row]]] = {
    "publish": publish,
    "managesieve": managesieve,
    "graph": graph,
    "command-line": command_line,
    "gate": gate,
    "growth": growth,
    "log": log,
    "verify": verify,
    "memory": memory,
    "pages": pages,
    "waiting": waiting,
    "policy": decisions,
    "regulation": regulation,
    "figures": figures,
    "wording": wording,
    "leaks": leaks,
    "search": search_numbers,
}
