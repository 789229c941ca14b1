"""What the tests of published scripts share: a connector, her own scripts, other users, small disks."""

import atexit
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

import locum
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import Dovecot, Received
from mailhosts.dovecot import letter

HER_FILTER = b'require "fileinto";\r\nif header :contains "Subject" "invoice" { fileinto "INBOX"; }\r\n'
HER_VACATION = b'require "vacation";\r\nvacation :days 7 "I set this myself.";\r\n'
SCRIPT = "{home}/.dovecot.sieve"
PUBLISHER = 59980  # a user id that nobody has, and that is not the mail's
_serial = itertools.count(1)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users and small disks need root")


def sieve_files(host: Dovecot, directory: Path | None = None, **options: object) -> SieveFiles:
    """A connector for `host` that looks at her script in this process."""
    given = {"script": SCRIPT, "dovecot_config": host.config_file, "log": host.log} | options
    return SieveFiles(name="dovecot", directory=directory or host.published, **given)  # type: ignore[arg-type]


def set_script(host: Dovecot, user: str, script: bytes) -> None:
    """She uploads a script of her own and activates it."""
    home = host.home(user)
    (home / "sieve").mkdir(parents=True, exist_ok=True)
    (home / "sieve" / "mine.sieve").write_bytes(script)
    (home / "sieve" / "mine.svbin").unlink(missing_ok=True)
    (home / ".dovecot.svbin").unlink(missing_ok=True)
    active = home / ".dovecot.sieve"
    active.unlink(missing_ok=True)
    active.symlink_to("sieve/mine.sieve")
    for path in (home, *home.rglob("*")):
        os.chown(path, host.uid, host.gid, follow_symlinks=False)


def hers(host: Dovecot, user: str) -> dict[str, object]:
    """Every file in her home but what Dovecot compiles and remembers for itself."""
    home = host.home(user)
    found: dict[str, object] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if name.startswith((".locum-bin", ".dovecot.lda-dupes")) or name.endswith(".svbin") or path.is_dir():
            continue
        found[name] = path.readlink() if path.is_symlink() else (path.stat().st_mtime_ns, path.read_bytes())
    return found


def deliver(host: Dovecot, mailbox: Mailbox | str, sender: str = "", subject: str = "Question") -> list[Received]:
    """Deliver one message from somebody new, and give back what went out because of it."""
    address = mailbox if isinstance(mailbox, str) else mailbox.address
    sender = sender or f"klant{next(_serial)}@example.net"
    before = len(host.sink.messages)
    host.deliver(sender, address, letter(sender, address, subject))
    return host.sink.messages[before:]


def stored(host: Dovecot, user: str) -> int:
    """How many messages lie in all her folders."""
    maildir = host.home(user) / "Maildir"
    return sum(1 for kind in ("new", "cur") for folder in maildir.rglob(kind) for _ in folder.iterdir())


def as_user(uid: int, *command: str) -> list[str]:
    """The command, run as a user id without any other right."""
    found = [*python_of_all(), *command[1:]] if command[0] == sys.executable else command
    return [*_with_rights_of(uid), *found]


def _with_rights_of(uid: int) -> list[str]:
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]


@cache
def python_of_all() -> tuple[str, ...]:
    """A Python that has Locum's code and that every user may run. Where this checkout lies in a folder that is closed to others,
    as root's home is, that is the machine's own with a copy of the code: it needs no other package on a mail host.
    """
    ours = [*_with_rights_of(PUBLISHER), sys.executable, "-c", "import locum.mailhost"]
    if subprocess.run(ours, capture_output=True, check=False).returncode == 0:
        return (sys.executable,)
    folder = open_folder("locum-code-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(Path(locum.__file__).parent, folder / "locum", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return ("env", f"PYTHONPATH={folder}", str(Path(sys.executable).resolve()))


def open_folder(prefix: str) -> Path:
    """A new folder that every user may enter, which those of pytest are not. Whoever asks removes it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    return folder


def mailhost(*arguments: object) -> list[str]:
    """The program of the mail host."""
    return [sys.executable, "-m", "locum.mailhost", *map(str, arguments)]


@contextmanager
def disk(folder: Path, kilobytes: int = 256) -> Iterator[Path]:
    """A disk of its own at `folder`, in memory, with before/ and after/ on it. Needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={kilobytes}k,mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "locum-test", folder], check=True)
    try:
        for place in ("before", "after"):
            (folder / place).mkdir()
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    """Leave no room on the disk of `folder`."""
    with (folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def read_only(folder: Path) -> None:
    """From now on the disk at `folder` cannot be written to."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


def two_places(folder: Path) -> Path:
    """`folder` with before/ and after/ in it, afresh."""
    shutil.rmtree(folder, ignore_errors=True)
    for place in ("before", "after"):
        (folder / place).mkdir(parents=True)
    return folder
