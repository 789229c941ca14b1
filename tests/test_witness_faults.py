"""Each write, fsync and unlink of the witness's notebook failing in turn, and the order of writing and answering: strace injects the
faults. Whatever fails, no two roots are cosigned for one size, and what was answered is on the disk.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from logs import make_log, make_witness, request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]
ADDING = """
import sys
from pathlib import Path
from locum.errors import LocumError
from logs import make_log, make_witness, request
folder = Path(sys.argv[1])
log = make_log(folder)
witness = make_witness(folder, log, name=None)
body = request(3, log.proof(3, 5), log.note(5))
print("ready", flush=True)
try:
    answer = witness.add_checkpoint(body)
    print("answered", answer.status, flush=True)
except LocumError as error:
    print("failed", error.key, flush=True)
"""
CALLS = ("pwrite64", "fdatasync", "fsync", "unlink")


def prepared(folder: Path) -> Path:
    folder.mkdir()
    log = make_log(folder)
    make_witness(folder, log).add_checkpoint(request(0, [], log.note(3)))
    return folder


def added(folder: Path, *options: str) -> tuple[str, str]:
    """What the program said, and what strace saw."""
    trace = folder / "trace"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = ["strace", "-f", "-o", str(trace), *options, sys.executable, "-c", ADDING, str(folder)]
    ran = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    return ran.stdout, trace.read_text()


def test_what_is_answered_is_on_the_disk_first(tmp_path: Path) -> None:
    said, trace = added(prepared(tmp_path / "w"), "-e", "trace=write,fsync,fdatasync,unlink")
    begun = trace[trace.index('"ready"') :]
    kept = [begun.index("sync("), begun.index("unlink("), begun.index('"answered"')]
    assert "answered 200" in said
    assert kept == sorted(kept)
    assert "sync(" in begun[begun.index("unlink(") : begun.index('"answered"')]  # and the folder, too


@pytest.mark.parametrize("call", CALLS)
def test_whatever_fails_no_second_root_is_cosigned(tmp_path: Path, call: str) -> None:
    _, whole = added(prepared(tmp_path / "whole"), "-e", f"trace={call}")
    many = len(re.findall(rf"^\d+ +{call}\(", whole, re.MULTILINE))
    first = many - 3  # those of the start are of no interest: the last ones are those of the act
    for which in range(max(1, first), many + 1):
        folder = prepared(tmp_path / f"{which}")
        said, _ = added(folder, "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={which}")
        log, again = make_log(folder), make_witness(folder, make_log(folder), name=None)
        last = 5 if again.add_checkpoint(request(5, [], log.note(5))).status == 200 else 3
        forked = log.forked(4)
        other = again.add_checkpoint(request(last, forked.proof(last, 5), forked.note(5))).status
        assert "answered" in said or "failed witness-store-unreachable" in said
        assert "answered 200" not in said or (last, other) == (5, 422)
        assert last != 5 or other == 422
