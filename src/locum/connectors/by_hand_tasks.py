"""What an administrator has to do by hand, and what was seen last: one small file for each mailbox, in a folder of Locum's own.

A file is written whole or not at all. What must not live here: what the steps are (by_hand_steps.py), and when they are needed
(by_hand.py).
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from locum.errors import Unreachable

Do = Literal["look", "set"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One mailbox. `seen` is what was there at `seen_at` (ISO 8601, UTC), as `seen_by` gave it; None where nobody ever looked. `do` is what
    is to be done now, "" for nothing; `target` what is to be put there, and `ours` what was set last.
    """

    mailbox: str
    seen: Mapping[str, object] | None = field(default=None, repr=False)
    seen_at: str = ""
    seen_by: str = ""
    do: str = ""
    since: str = ""
    target: Mapping[str, object] | None = field(default=None, repr=False)
    ours: Mapping[str, object] | None = field(default=None, repr=False)

    def age(self) -> timedelta:
        """How long ago somebody looked."""
        if not self.seen_at:
            return timedelta.max
        return datetime.now(UTC) - datetime.fromisoformat(self.seen_at)


class Tasks:
    """The folder. Every method raises Unreachable `by-hand-folder` where it cannot be used."""

    def __init__(self, folder: Path, connector: str) -> None:
        self._folder, self._connector = folder, connector

    def of(self, mailbox: str) -> Task:
        """What is known of a mailbox, and what is to be done there."""
        found = self._read(self._file(mailbox))
        return found if found is not None and found.mailbox == mailbox else Task(mailbox=mailbox)

    def keep(self, task: Task) -> None:
        """Write it."""
        file = self._file(task.mailbox)
        new = file.with_suffix(".new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as written:
                json.dump(asdict(task), written)
                written.flush()
                os.fsync(written.fileno())
            new.replace(file)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise self._trouble(error) from error

    def waiting(self) -> Iterator[Task]:
        """Those on which something is to be done, the oldest first."""
        try:
            files = sorted(self._folder.glob("*.json"))
        except OSError as error:
            raise self._trouble(error) from error
        found = [task for file in files if (task := self._read(file)) is not None and task.do]
        yield from sorted(found, key=lambda task: (task.since, task.mailbox))

    def try_out(self) -> bool:
        """Whether it is there and may be written."""
        return self._folder.is_dir() and os.access(self._folder, os.W_OK | os.X_OK)

    def _file(self, mailbox: str) -> Path:
        return self._folder / f"{hashlib.sha256(mailbox.encode()).hexdigest()[:32]}.json"

    def _read(self, file: Path) -> Task | None:
        try:
            return Task(**json.loads(file.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble(error) from error
        except (ValueError, TypeError):
            return None  # a file that cannot be read says nothing: somebody looks again

    def _trouble(self, error: OSError) -> Unreachable:
        return Unreachable("by-hand-folder", connector=self._connector, folder=self._folder, what=error.strerror or "")


def now() -> str:
    """The moment, as it is kept."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()
