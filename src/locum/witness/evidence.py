"""What proves, or may prove, that a log shows two histories: kept as files that anybody can read, check and hand on.

Each holds two checkpoints, both signed by the log's key. Of one size and with two roots, they prove it by themselves. Where
only the way from one to the other was not shown, they are a reason to ask for it: whoever has the log's leaves can tell.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from locum.errors import Unreachable

_MOST = 1000
"""Whoever has stolen the log's key can make as many as he likes; the disk of the witness stays its own."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two checkpoints of a log that do not go together. `kind`: `two-roots` proves it; `no-way` is a reason to ask."""

    kind: Literal["two-roots", "no-way"]
    log: str
    vkeys: tuple[str, ...]
    seen_at: str
    before: str
    after: str
    old: int
    proof: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its file: the same two checkpoints are kept once."""
        said = [one.partition("\n\n")[0] for one in (self.before, self.after)]
        return hashlib.sha256("\n\n".join(said).encode()).hexdigest()[:16] + ".json"


def folder_of(store: Path) -> Path:
    """Where the evidence lies: a folder beside the store."""
    return store.with_name(f"{store.name}.evidence")


def keep(folder: Path, found: Evidence) -> Path | None:
    """Write it, durably, and give back its file; None where it was kept before, or there are too many. Raises Unreachable."""
    file = folder / found.name
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if file.exists() or len(list(folder.glob("*.json"))) >= _MOST:
            return None
        half = file.with_suffix(".half")
        with half.open("w", encoding="utf-8") as opened:
            json.dump(asdict(found), opened, ensure_ascii=False, indent=2)
            opened.write("\n")
            opened.flush()
            os.fsync(opened.fileno())
        half.replace(file)
        _sync(folder)
        _sync(folder.parent)
    except OSError as error:
        raise Unreachable("witness-evidence-unwritten", folder=folder, reason=error.strerror or "") from error
    return file


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def evidence_in(store: Path) -> list[tuple[Path, Evidence]]:
    """All that is kept beside this store, the oldest first. Raises Unreachable where it cannot be read."""
    found = []
    try:
        for file in sorted(folder_of(store).glob("*.json"), key=lambda one: (one.stat().st_mtime, one.name)):
            value = json.loads(file.read_text("utf-8"))
            found.append((file, Evidence(**{**value, "vkeys": tuple(value["vkeys"]), "proof": tuple(value["proof"])})))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Unreachable("witness-evidence-unread", folder=folder_of(store), reason=str(error)[:200]) from error
    return found
