"""The command line as processes of its own, and many cases at once: killed, fed back in, left to a worker."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from tests.clihouse import ASK, LATER, PEOPLE, SETTINGS, SOON, WHY, House, day

from locum.demo.host import free_port
from locum.demo.sink import Sink

T = TypeVar("T")

pytestmark = pytest.mark.skipif(shutil.which("sievec") is None, reason="sievec is not installed")


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    with Sink() as sink:
        yield House(tmp_path, sink, capfd)


# many at once

CLOSING = ("--reason", "closing", "--because", "Closed.", *LATER)


def test_many_at_once_are_one_case_each_and_a_bad_line_stops_no_other(house: House) -> None:
    lines = (
        "mailbox;until;subject\nanna@corp.test;;\neva@corp.test;;\nbob@corp.test;"
        + day(15)
        + ";Dicht\nBOB@corp.test;;\n"
    )
    file, summary = house.write("closing.csv", lines), house.folder / "out.csv"
    ran = house("request", "auto-reply", "--mailboxes", str(file), *CLOSING, "--summary", str(summary), "--json")
    assert ran.code == 2
    assert [(row["mailbox"], row["state"]) for row in ran.json] == [
        ("anna@corp.test", "scheduled"),
        ("eva@corp.test", None),
        ("bob@corp.test", "scheduled"),
        ("BOB@corp.test", None),
    ]
    assert ran.json[2]["measures"][0]["subject"] == "Dicht"
    assert ran.json[1]["error"]["code"] == "invalid"
    assert len({row["batch"] for row in ran.json}) == 1
    rows = summary.read_text().splitlines()
    assert rows[0].startswith("mailbox,case,state,error,batch")
    assert len(rows) == 5
    assert len(house("cases", "--json").json) == 2


def test_a_summary_can_be_fed_back_in_when_it_was_mended(house: House) -> None:
    file, summary = house.write("closing.csv", "mailbox\nanna@corp.test\neva@corp.test\n"), house.folder / "out.csv"
    again = ("request", "auto-reply", *CLOSING, "--summary", str(summary), "--json", "--mailboxes")
    first = house(*again, str(file)).json[0]["case"]
    summary.write_text(summary.read_text().replace("eva@", "dirk@"))
    ran = house(*again, str(summary))
    assert ran.code == 0
    assert ran.json[0]["case"] == first
    assert [row["state"] for row in ran.json] == ["scheduled", "scheduled"]
    assert len(house("cases", "--json").json) == 2


def test_the_same_file_and_options_are_the_same_batch(house: House) -> None:
    file = house.write("closing.csv", "mailbox\nanna@corp.test\n")
    batches = [
        house("request", "auto-reply", "--mailboxes", str(file), *CLOSING, "--json", *more).json[0]["batch"]
        for more in ((), (), ("--batch", "spring"))
    ]
    assert batches[0] == batches[1] == batches[2]
    assert len(house("cases", "--json").json) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mailbox\n",
        "address\nanna@corp.test\n",
        "mailbox,colour\na,b\n",
        "mailbox\na,b\n",
        'mailbox\n"a\n',
        "mailbox,batch\na,x\nb,y\n",
    ],
)
def test_a_file_that_is_no_list_of_mailboxes_files_nothing(house: House, text: str) -> None:
    file = house.write("closing.csv", text)
    assert house("request", "auto-reply", "--mailboxes", str(file), *CLOSING).code == 2
    assert house("cases", "--json").json == []


@pytest.mark.slow
def test_a_batch_that_was_killed_goes_on_where_it_stopped(house: House) -> None:
    many = 120
    rows = "".join(f"p{n},P {n},p{n}@corp.test,,,,,,,,\n" for n in range(many))
    house.write("people.csv", PEOPLE + rows)
    file = house.write("closing.csv", "mailbox\n" + "".join(f"p{n}@corp.test\n" for n in range(many)))
    words = ("request", "auto-reply", "--mailboxes", str(file), *CLOSING, "--json")
    process = house.start(*words)
    until = time.monotonic() + 60
    while len(house.sink.messages) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 5 <= len(house.sink.messages) < many
    time.sleep(2.2)  # the lease of whoever was killed
    ran = house(*words)
    assert ran.code == 0
    assert {row["state"] for row in ran.json} == {"scheduled"}
    assert len(house("cases", "--limit", "1000", "--json").json) == many


# as processes of their own


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(house: House) -> None:
    house.case()
    with house.start("cases") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_a_text_may_come_from_standard_input(house: House) -> None:
    given = house.folder / "given"
    given.write_text("Tot later.\n")
    with given.open() as stdin:
        ran = house.run(*ASK, *SOON, "--internal-file", "-", "--json", stdin=stdin)
    assert ran.json["measures"][0]["text_body"] == "Tot later.\n"


@pytest.mark.slow
def test_the_pages_are_served_until_they_are_told_to_stop(house: House) -> None:
    port = free_port()
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + f'[web]\nlisten = "127.0.0.1:{port}"\n')
    process = house.start("serve")
    try:
        assert process.stderr is not None
        assert "The pages are at" in process.stderr.readline()
        assert answers(f"http://127.0.0.1:{port}/l/none")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.slow
def test_one_command_runs_pages_and_worker_and_stops_both(house: House) -> None:
    port = free_port()
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + f'[web]\nlisten = "127.0.0.1:{port}"\n')
    process = house.start("serve", "--with-worker")
    try:
        assert answers(f"http://127.0.0.1:{port}/l/none")
        worker = until(lambda: children(process.pid))
        assert until((house.folder / "record.key").exists)  # the worker's alone, made when it starts
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert (process.returncode, [one for one in worker if Path(f"/proc/{one}").exists()]) == (0, [])


@pytest.mark.slow
def test_without_its_worker_the_one_command_does_not_go_on(house: House) -> None:
    port = free_port()
    house.write("locum.toml", SETTINGS.format(relay=house.sink.port) + f'[web]\nlisten = "127.0.0.1:{port}"\n')
    process = house.start("serve", "--with-worker")
    assert answers(f"http://127.0.0.1:{port}/l/none")
    (worker,) = until(lambda: children(process.pid))
    os.kill(worker, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "ended with code -9" in said) == (5, True)


def children(parent: int) -> list[int]:
    """The processes that this one started."""
    return [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def until(found: Callable[[], T]) -> T:
    for _ in range(600):
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def answers(address: str) -> bool:
    for _ in range(600):
        try:
            urllib.request.urlopen(address)
        except urllib.error.HTTPError:
            return True
        except urllib.error.URLError:
            time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another user")
def test_who_may_not_write_the_scripts_leaves_it_to_a_worker(house: House) -> None:
    folder = Path(tempfile.mkdtemp(prefix="locum-cli-"))
    group = pwd.getpwnam("nobody").pw_gid
    os.chown(folder, 0, group)
    folder.chmod(0o2771)
    outside = House(folder, house.sink)
    outside.write("locum.toml", SETTINGS.format(relay=house.sink.port) + '[acting]\nnobody = ["bob"]\n')
    if not outside.runs_as("nobody"):
        pytest.skip("another user cannot run this checkout")
    worker = outside.start("worker", umask=0o007, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not (folder / "locum.db").exists() and time.monotonic() < until:
            time.sleep(0.05)
        ran = outside.run(*ASK, *SOON, "--json", user="nobody", group=group)
        assert ran.code == 0, ran.err
        assert ran.json["state"] == "applied"
    finally:
        worker.terminate()
        assert worker.wait(timeout=60) == 0
    alone = outside.run("request", "auto-reply", "dirk@corp.test", *WHY, *SOON, "--json", user="nobody", group=group)
    assert (alone.code, alone.json["state"]) == (0, "requested")
    assert "No worker" in alone.err
    assert not (folder / "record.key").exists() or (folder / "record.key").stat().st_uid == 0
    shutil.rmtree(folder)
