"""Judging: Pigeonhole's own compiler says whether a script compiles, before anybody's mail meets it.

Scripts are compiled in a private folder in memory where there is one; the compiled ones hold the path they were made
at and are thrown away. What must not live here: publishing.
"""

import errno
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from locum.errors import LocumError, Rejected, Unreachable

_MEMORY = Path("/dev/shm")  # noqa: S108  the folders made there are private
_SECONDS = 120.0
_REDIRECTS = 4  # sieve_max_redirects where nothing is said


def judge(texts: Mapping[int, bytes], place: Path, sievec: Sequence[str]) -> dict[int, LocumError]:
    """Compile all at once, and give back the errors of those that do not compile. `place` is used where memory is not.

    `sievec DIR` stops at the first bad script and exits 0 on a full disk, so what counts is whether the binary is there.
    Under the lock of publishing only. Raises Unreachable, Rejected, OSError.
    """
    if not texts:
        return {}
    with _folder(place) as folder:
        for number, text in texts.items():
            (folder / f"{number}.sieve").write_bytes(text)
        run_program([*sievec, str(folder)])
        return {
            number: error
            for number in texts
            if not _is_there(folder / f"{number}.svbin") and (error := _alone(folder, number, sievec))
        }


def _alone(folder: Path, number: int, sievec: Sequence[str]) -> LocumError | None:
    """What is wrong with one that was not compiled; None if it was only not reached."""
    binary = folder / f"{number}.svbin"
    done = run_program([*sievec, str(folder / f"{number}.sieve"), str(binary)])
    if "failed to compile" in done.stderr:
        return Rejected("published-not-compiled")
    if done.returncode != 0:  # it did not come as far as the script, so what it says is not about that
        return Rejected("program-failed", program=sievec[0], what=done.stderr.strip()[:200])
    if not _is_there(binary):
        return Unreachable("publishing-full", place=folder.parent, what=os.strerror(errno.ENOSPC))
    return None


def _is_there(binary: Path) -> bool:
    return binary.exists() and binary.stat().st_size > 0


@contextmanager
def _folder(place: Path) -> Iterator[Path]:
    """A private folder, in memory if that can be had. One that a killed publisher left there is removed first."""
    if not os.access(_MEMORY, os.W_OK | os.X_OK):
        yield place
        return
    around = place.parent.stat()
    prefix = f"locum-judging-{around.st_dev}-{around.st_ino}-"
    for left in _MEMORY.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_program(command: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run it with `given` on its standard input. Raises Unreachable where it does not end, Rejected where there is none."""
    # Dovecot's programs do not start for a user without a name, as systemd makes them, unless they are told one.
    environment = {"USER": "locum", "HOME": "/"} | os.environ
    try:
        return subprocess.run(
            command,
            input=given,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise Unreachable("program-silent", program=command[0]) from error
    except FileNotFoundError as error:
        raise Rejected("program-missing", program=command[0]) from error
    except OSError as error:
        raise Unreachable("program-silent", program=command[0]) from error


def most_redirects(doveconf: Sequence[str]) -> int | None:
    """How many redirects Dovecot allows in one delivery, hers and ours together; None where it does not say."""
    try:
        done = run_program([*doveconf, "-n"])
    except LocumError:
        return None
    if done.returncode != 0:
        return None
    found = re.findall(r"^\s*sieve_max_redirects\s*=\s*(\d+)\s*$", done.stdout, re.MULTILINE)
    return int(found[-1]) if found else _REDIRECTS
