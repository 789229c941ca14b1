"""The witness and others' programs: aics-witness works in the place of ours, and ours works for a log that aics-tlog made and a
client that is aics-witness's. Both are fetched by tools/others; where they are missing these tests are skipped, and say so.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.council import council_of
from tests.shelf import ForwardWorld

from locum import tlog
from locum.demo.host import free_port
from locum.demo.sink import Sink
from locum.errors import Conflict, Garbled, Rejected
from locum.lifecycle import State
from locum.tlog.notes import ED25519, parts, vkey_of
from locum.witness import open_witness
from locum.witnesses import Witness as Asked
from logs import Log, Told, listening, make_log

OTHERS = Path(sys.prefix) / "others"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (OTHERS / "aics_witness").is_dir(), reason="aics-witness is not here; fetch it with: tools/others"
    ),
]


def now() -> datetime:
    return datetime.now(UTC)


def theirs(*words: object, **more: object) -> "subprocess.Popen[str]":
    env = {**os.environ, "PYTHONPATH": str(OTHERS)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, words)], env=env, **{**pipes, **more})  # type: ignore[call-overload,no-any-return]


class Their:
    """aics-witness in a folder, on a free port."""

    def __init__(self, folder: Path, log: Log) -> None:
        self.config, self.port = ("--config", folder / "witness.json"), free_port()
        folder.mkdir()
        self.run("init", "--name", "other.corp.test/w1", "--listen", f"127.0.0.1:{self.port}")
        self.run("add-log", "--origin", log.signer.origin, "--vkey", log.signer.vkey)
        self.vkey = str(json.loads(self.run("status", "--json"))["witness"]["vkey"])
        self.process = theirs("-m", "aics_witness", "serve", *self.config, stderr=subprocess.DEVNULL)

    def run(self, command: str, *words: str) -> str:
        ran = theirs("-m", "aics_witness", command, *self.config, *words)
        out, err = ran.communicate(timeout=30)
        assert ran.returncode == 0, err
        return str(out)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return make_log(tmp_path)


@pytest.fixture
def other(tmp_path: Path, log: Log) -> Iterator[Their]:
    made = Their(tmp_path / "theirs", log)
    yield made
    made.stop()


def answering(url: str) -> None:
    host, _, port = url.removeprefix("http://").rpartition(":")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def test_another_witness_answers_ours_as_ours_does(other: Their, log: Log, tmp_path: Path) -> None:
    asked = Asked("other", other.url, other.vkey, now)
    answering(other.url)
    lines = asked.cosign(log.note(3), 0, [])
    assert tlog.cosigned_at(tlog.with_signatures(log.note(3), lines), other.vkey)
    assert asked.cosign(log.note(8), 3, log.proof(3, 8))
    with pytest.raises(Conflict) as held:
        asked.cosign(log.note(9), 0, [])
    assert held.value.values["size"] == "8"
    for size in (8, 12):
        with pytest.raises(Garbled, match="witness-fork"):
            asked.cosign(log.forked(1).note(size), 8, log.forked(1).proof(8, size))
    with pytest.raises(Rejected, match="witness-refuses"):
        asked.cosign(make_log(tmp_path, "unknown.test/log").note(1), 0, [])


def test_a_forward_waits_for_another_witness_just_as_well(tmp_path: Path) -> None:
    ours = council_of(tmp_path)
    other = Their(tmp_path / "theirs", ours.log)
    more = f'[witness.other]\nurl = "{other.url}"\nkey = "{other.vkey}"\n'
    try:
        answering(other.url)
        with Sink() as sink:
            world = ForwardWorld(tmp_path, sink, more=more, now=now())
            case = world.live_forward()
            note = world.app.store.cosigned()
    finally:
        other.stop()
    assert note is not None
    assert (case.state, bool(tlog.cosigned_at(note, other.vkey))) == (State.APPLIED, True)


def test_our_witness_serves_another_log_and_its_client(tmp_path: Path) -> None:
    seed, origin = bytes(range(32)), "other.example/log"
    vkey = vkey_of(origin, ED25519, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
    told = Told()
    witness = open_witness(tmp_path / "w.db", tmp_path / "w.key", "or.corp.test/w", [vkey], now, told)
    with listening(witness) as url:
        script = Path(__file__).parent / "data" / "aics_feeding.py"
        ran = theirs(script, url, witness.vkey, seed.hex(), origin)
        out, err = ran.communicate(timeout=60)
    assert ran.returncode == 0, err
    found = json.loads(out)
    note = found.pop("note").encode()
    assert found == {"fork": 422, "behind": 300, "cosigned": [3, 100, 300]}
    assert tlog.cosigned_at(note, witness.vkey) <= now()
    assert tlog.parse_checkpoint(parts(note)[0]).size == 300
    assert "no-way" in told.keys
