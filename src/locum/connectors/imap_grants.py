"""The credential of a search: one login, to one mailbox, over IMAP alone, that exists while somebody looks and at no other time.

A grant is a file that Dovecot reads at each login (a master passdb whose file name holds the service and the mailbox; docs/operate.md).
It holds the hash of a secret that is made for this one look, lives in this process's memory and is forgotten with it; so a file that a
crash leaves behind opens nothing for anybody. Not a connector: imap.py is.
"""

import base64
import hashlib
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from locum.errors import Invalid, Unreachable

SERVICE: Final = "imap"
FORGOTTEN_SECONDS: Final = 900.0
"""A file that is older was left behind: no look takes as long."""
_KICK_SECONDS: Final = 20
_LONGEST_USER: Final = 200
_NOBODY_THERE: Final = 68
"""doveadm kick's exit code where no session was there."""
_NAMED: Final = "locum-"
_GRANT = re.compile(r"locum-[0-9a-f]{12}\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """A login: its name (which the server's log shows), its secret, and the mailbox that it may enter. `authorize`: whom it acts for
    (RFC 4616), where that is not itself. `under`: where the folders of that mailbox are shown to it, where not at the top.
    """

    name: str
    user: str
    secret: bytes = field(repr=False)
    authorize: str = ""
    under: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The directory of the grants. `group` is the ACL group that they get, `nets` from where they may be used, `kick` the command that
    ends sessions, with `{user}` in it; none where the server has none.
    """

    directory: Path
    group: str
    nets: str = ""
    kick: Sequence[str] = ()
    wall: Callable[[], float] = time.time

    @contextmanager
    def grant(self, user: str, unkicked: Callable[[str], object] = str) -> Iterator[Grant]:
        """A grant for this mailbox, for the length of the block. `unkicked` is told a remark where `kick` failed after it. Raises
        Unreachable `search-grants` where the directory cannot be written, Invalid for a name that could leave it.
        """
        made = Grant(f"{_NAMED}{secrets.token_hex(6)}", user, base64.urlsafe_b64encode(secrets.token_bytes(30)), user)
        file = self.directory / f"{_start(user)}{made.name}"
        self._write(file, made)
        try:
            yield made
        finally:
            if not self._remove([file], user):
                unkicked("kick-failed")

    def withdraw(self, user: str) -> None:
        """Take away whatever grant there is for this mailbox, and end the sessions that one opened. Again and again is harmless."""
        start = _start(user)
        self._remove([file for file in self._files() if _GRANT.sub("", file.name) == start], user)

    def forgotten(self) -> list[str]:
        """The names of mailboxes of which a crash left a grant behind."""
        found = set()
        for file in self._files():
            with suppress(OSError):
                if self.wall() - file.stat().st_mtime > FORGOTTEN_SECONDS:
                    found.add(_GRANT.sub("", file.name).removeprefix(f"{SERVICE}-").removesuffix("-"))
        return sorted(found)

    def _files(self) -> list[Path]:
        try:
            return [file for file in self.directory.iterdir() if _GRANT.search(file.name)]
        except OSError as error:
            raise self._trouble(error) from error

    def _remove(self, files: Sequence[Path], user: str) -> bool:
        """False where sessions that one of these opened could not be ended."""
        try:
            for file in files:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise self._trouble(error) from error
        return not files or not self.kick or self._kicked([one.replace("{user}", user) for one in self.kick])

    def _kicked(self, command: Sequence[str]) -> bool:
        """Whether the command ended them, or found that there were none."""
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, timeout=_KICK_SECONDS, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode in (0, _NOBODY_THERE)

    def _write(self, file: Path, grant: Grant) -> None:
        """Whole or not at all. Each has a name of its own: Dovecot looks at a file that it knows once a second only."""
        new = file.with_name(f".{grant.name}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "w") as written:
                written.write(self._line(grant))
            new.rename(file)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> Unreachable:
        return Unreachable("search-grants", directory=self.directory, reason=error.strerror or "")

    def _line(self, grant: Grant) -> str:
        """As Dovecot's passwd-file has it: name, hash, and what the login is told."""
        nets = "".join(self.nets.split())  # a space would begin another field
        extra = f"userdb_acl_groups={self.group}" + (f" allow_nets={nets}" if nets else "")
        return f"{grant.name}:{_hashed(grant.secret)}::::::{extra}\n"


def _start(user: str) -> str:
    """How the file of a grant for this mailbox is called, up to the grant's own name. Raises Invalid for a name that could leave the
    directory, or that no login of Dovecot's may have.
    """
    odd = any(ord(sign) < 0x21 or sign in "/\x7f:" for sign in user)
    if not user or odd or user.startswith(".") or len(user.encode()) > _LONGEST_USER:
        raise Invalid("managesieve-user", mailbox=user.replace("\0", "?"))
    return f"{SERVICE}-{user}-"


def _hashed(secret: bytes) -> str:
    """{SSHA512}: SHA-512 of the secret and a salt, as Dovecot has it. The secret is random, so no slow hash is needed."""
    salt = secrets.token_bytes(16)
    return "{SSHA512}" + base64.b64encode(hashlib.sha512(secret + salt).digest() + salt).decode()
