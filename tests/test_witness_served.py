"""The witness on the network: one path, bounded in length, time and number; and `locum witness` as its people start it."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from locum import tlog
from locum.errors import Invalid, Unreachable
from locum.witness import Witness, serving
from locum.witness.serving import serve, tls_of
from logs import Log, Told, listening, make_log, make_witness, posted, request
from mailhosts.certificates import certified


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return make_log(tmp_path)


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Witness:
    return make_witness(tmp_path, log)


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    with listening(witness) as address:
        yield address


def test_a_checkpoint_is_cosigned_over_the_network(url: str, witness: Witness, log: Log) -> None:
    status, _, lines = posted(url, request(0, [], log.note(3)))
    assert (status, bool(tlog.cosigned_at(tlog.with_signatures(log.note(3), lines), witness.vkey))) == (200, True)


def test_the_size_that_was_cosigned_comes_in_its_own_kind(url: str, log: Log) -> None:
    posted(url, request(0, [], log.note(3)))
    assert posted(url, request(0, [], log.note(5))) == (409, "text/x.tlog.size", b"3\n")


@pytest.mark.parametrize("path", ["/", "/add-checkpoint/", "/add-checkpoint?x", "/metrics"])
def test_nothing_else_is_there(url: str, log: Log, path: str) -> None:
    assert posted(url, request(0, [], log.note(3)), path)[0] == 404


def raw(url: str, content: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as connection:
        connection.sendall(content)
        return b"".join(iter(lambda: connection.recv(4096), b""))


ODD = {
    "another method": (b"GET /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n", b" 501 "),
    "no length": (b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n", b" 411 "),
    "in pieces": (
        b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        b" 411 ",
    ),
    "a negative length": (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b" 411 "),
    "too long": (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", b" 413 "),
    "a length beyond all numbers": (
        b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b" 413 ",
    ),
    "no HTTP at all": (b"hello there you\r\n\r\n", b"this is not asked"),
    "a line without end": (b"POST /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b" 414 "),
}


@pytest.mark.parametrize(("content", "status"), ODD.values(), ids=ODD)
def test_what_is_odd_is_refused_in_a_line_and_the_connection_is_closed(url: str, content: bytes, status: bytes) -> None:
    first, _, rest = raw(url, content).partition(b"\r\n")
    assert (status in first, b"<" not in rest, len(rest) < 400) == (True, True, True)


def test_two_requests_go_through_one_connection(url: str, log: Log) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    found = []
    for old, size in ((0, 3), (3, 5)):
        connection.request("POST", "/add-checkpoint", request(old, log.proof(old, size), log.note(size)))
        found.append((answer := connection.getresponse()).status)
        answer.read()
    connection.close()
    assert found == [200, 200]


def test_what_cannot_be_written_down_is_answered_with_503(url: str, log: Log, tmp_path: Path) -> None:
    (tmp_path / "witness.db").unlink()
    assert posted(url, request(0, [], log.note(3)))[0] == 503


def test_whoever_sends_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(serving, "_LONGEST_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as connection:
        connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
        assert connection.recv(100) == b""


def test_more_than_a_few_at_once_are_sent_away(monkeypatch: pytest.MonkeyPatch, url: str, log: Log) -> None:
    monkeypatch.setattr(serving, "_AT_ONCE", 1)
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as first:
        first.sendall(b"POST")
        with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as second:
            assert second.recv(100) == b""
    while True:  # the first is gone: its place is free again
        try:
            assert posted(url, request(0, [], log.note(3)))[0] == 200
            break
        except OSError:
            continue


def test_it_speaks_tls_itself(witness: Witness, log: Log, tmp_path: Path) -> None:
    made = certified(tmp_path)
    trusting = ssl.create_default_context(cafile=str(made.authority))
    with listening(witness, tls=tls_of(made.certificate, made.key)) as address:
        asked = urllib.request.Request(f"{address}/add-checkpoint", data=request(0, [], log.note(3)))
        with urllib.request.urlopen(asked, timeout=5, context=trusting) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("listen", ["", "8341", "host:", "host:no", "host:70000"])
def test_what_is_no_address_is_not_listened_on(witness: Witness, listen: str) -> None:
    with pytest.raises(Invalid, match="witness-listen-address"):
        serve(witness, listen, None, Told())


def test_an_address_that_is_taken_is_said(witness: Witness, url: str) -> None:
    with pytest.raises(Unreachable, match="witness-listen"):
        serve(witness, f"127.0.0.1:{urlsplit(url).port}", None, Told())


def test_a_certificate_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("x")
    with pytest.raises(Invalid, match="witness-certificate"):
        tls_of(tmp_path / "x.pem", tmp_path / "x.pem")


# as its people start it


class Started:
    """`locum witness` as a process, in a folder of its own and without any settings."""

    def __init__(self, folder: Path, *words: str) -> None:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "LANG": "nl_NL.UTF-8"}
        self.folder, self.env = folder, env
        self.process = subprocess.Popen(
            [sys.executable, "-m", "locum", "witness", *words, "--listen", "127.0.0.1:0"],
            cwd=folder, env=env, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said: list[str] = []

    def address(self) -> str:
        assert self.process.stderr is not None
        while line := self.process.stderr.readline():
            self.said.append(line)
            if found := re.search(r"luistert op (127\.0\.0\.1:\d+)", line):
                return f"http://{found[1]}"
        raise AssertionError(self.said)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=10)[1].splitlines(keepends=True)
        return self.process.returncode

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "locum", "witness", *words]
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_its_people_start_it_read_what_it_kept_and_stop_it(tmp_path: Path, log: Log) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    one = Started(folder, "--name", "or.corp.test/getuige", "--log", log.signer.vkey)
    address = one.address()
    vkey = one.run("--show-key").stdout.strip()
    lines = posted(address, request(0, [], log.note(3)))[2]
    posted(address, request(3, [], log.forked(1).note(3)))
    shown = one.run("--evidence")
    known = json.loads(one.run("--evidence", "--json").stdout)
    assert one.stop() == 0
    assert tlog.cosigned_at(tlog.with_signatures(log.note(3), lines), vkey)
    assert vkey in one.said[0]
    assert [line for line in one.said if "TWEE GESCHIEDENISSEN" in line]
    assert (shown.returncode, log.forked(1).note(3).decode().splitlines()[2] in shown.stdout) == (4, True)
    assert [found["kind"] for found in known] == ["two-roots"]
    assert one.run("--evidence").returncode == 4


@pytest.mark.slow
def test_without_a_log_it_says_what_is_missing(tmp_path: Path) -> None:
    one = Started(tmp_path, "--name", "or.corp.test/getuige")
    assert (one.process.wait(10), "--log" in one.process.stderr.read()) == (2, True)  # type: ignore[union-attr]
    assert one.run("--evidence").returncode == 0
