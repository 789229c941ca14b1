"""Publishing while the operating system fails: a process that forks one child for each fault, and strace, which makes the Nth call
of a kind in that child fail. The forking process has everything loaded, so that a child's calls are those of publishing alone.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CALLS = ("openat", "flock", "pwrite64", "write", "ftruncate", "fsync", "fdatasync", "rename", "close")
"""The calls with which publishing changes files, those of the database included."""

PUBLISHING = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from locum.entry import Draft
from locum.errors import LocumError
from locum.flatfile import FlatFile
from locum.publishing import Publisher
from locum.signer import Signer
from locum.store import Change, Store

clock = lambda: datetime.now(UTC)

def publish(folder):
    store = Store(f"sqlite:///{folder}/locum.db", clock)
    publisher = Publisher(store, Signer(folder / "record.key", "corp.test/locum"), FlatFile(folder / "log"), clock)
    publisher.sign()
    publisher.publish()

def child(folder):
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
        publish(folder)
        said = "published"
    except LocumError as error:
        said = error.key
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    os.write(1, f"{said}\\n".encode())  # a close that fails leaves print's buffer behind
    os._exit(0)

publish(Path(sys.argv[1]))  # everything that is loaded late is loaded now
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        child(Path(line.strip()))
    os.waitpid(pid, os.WUNTRACED)
    print(pid, flush=True)
    os.waitpid(pid, 0)
"""


@dataclass
class Faulty:
    """Publishes in a child, with one fault."""

    process: subprocess.Popen[str]
    log: Path

    def publish(self, folder: Path, *options: str, dies: bool = False) -> str:
        """What the child said at its end: `published`, or the key of an error. `options` are strace's. One that dies says nothing."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(folder, file=self.process.stdin, flush=True)
        pid = int(self.process.stdout.readline())
        command = ["strace", "-f", "-o", str(self.log), *options, "-p", str(pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr is not None
            assert "attached" in strace.stderr.readline()
            subprocess.run(["kill", "-CONT", str(pid)], check=True)
            said = "" if dies else self.process.stdout.readline().strip()
            strace.stderr.read()
        return said

    def calls(self, folder: Path) -> list[tuple[str, int]]:
        """The calls that publishing makes there where nothing fails: the kind, and the how manieth of it. All of those on the
        flat file, the first of its kind and every third of those on the database.
        """
        said = self.publish(folder, "-y", "-e", f"trace={','.join(CALLS)}")
        assert said == "published", said
        lines = re.findall(r"^\d+ +(\w+)\((.*)", self.log.read_text(), re.MULTILINE)
        count: Counter[str] = Counter()
        found: list[tuple[str, int]] = []
        for name, rest in lines[:-1]:  # the last one says that it is over
            count[name] += 1
            if "/log" in rest or count[name] % 3 == 1:
                found.append((name, count[name]))
        return found


@contextmanager
def faulty(warm: Path, log: Path) -> Iterator[Faulty]:
    """`warm` is a folder with a store, to publish in once beforehand."""
    command = [sys.executable, "-c", PUBLISHING, str(warm)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Faulty(process, log)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
