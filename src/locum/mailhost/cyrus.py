"""Grants on a Cyrus host: a login with a secret of its own, in a password database that one IMAP service alone reads, and the rights to
list and read (RFC 4314 `lr`) on the folders of one mailbox that are not private. What is given is taken away again by name.

It acts as an administrator of Cyrus, from this machine; so the secret for that is read here, and Locum has none. What must not live
here: what is looked for, and reading any mail. Loaded with --cyrus-admin alone, since which folders are private is narrowing's to say.
"""

import imaplib
import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from locum.errors import Invalid, Rejected, Unreachable
from locum.mailhost.judging import run_program
from locum.narrowing import folder_is_excluded
from locum.query import Exclusions

_LOOPBACK = "127.0.0.1"
_NAME = re.compile(r"locum-[0-9a-f]{12}\Z")
_USER = re.compile(r"[A-Za-z0-9._+=-]+(@[A-Za-z0-9.-]+)?\Z")
_RIGHTS = "lr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cyrus:
    """The Cyrus on this machine. Its fields are options of the program."""

    admin: str
    secret_file: Path
    port: int
    grants: Path
    processes: Path | None
    realm: str
    saslpasswd2: str

    def grant(self, name: str, user: str, secret: str) -> str:
        """Let `name` with this secret see the folders of `user` that are not private, and give back its login. Whatever an earlier one
        was granted there is taken away first. Raises Invalid, Rejected, Unreachable; then nothing is granted.
        """
        if not _NAME.match(name) or not secret.isascii() or not secret.isalnum():
            raise Invalid("mailhost-garbled")
        login = f"{name}@{self._realm(user)}"
        with self._session() as imap:
            folders = self._folders(imap, user)
            if not folders:
                raise Rejected("cyrus-no-mailbox", mailbox=user)
            self._take_away(imap, folders)
            try:
                for folder, path in folders:
                    if not folder_is_excluded(path, Exclusions()):
                        self._done(imap.setacl(_quoted(folder), login, _RIGHTS), user)
                self._password(login, secret)
            except BaseException:
                self._take_away(imap, folders)
                raise
        return login

    def withdraw(self, user: str) -> int:
        """Take away whatever was granted on this mailbox, and end its sessions. How many grants that were."""
        with self._session() as imap:
            return len(self._take_away(imap, self._folders(imap, user)))

    def _take_away(self, imap: imaplib.IMAP4, folders: Sequence[tuple[str, str]]) -> set[str]:
        """First the logins, then their sessions, the rights last: by these a grant is found again where this does not come to its end."""
        given: list[tuple[str, str]] = []
        for folder, _ in folders:
            _, told = imap.getacl(_quoted(folder))
            words = b" ".join(one for one in told if isinstance(one, bytes)).decode("utf-8", "replace").split()
            given += [(folder, login) for login in {word for word in words if _NAME.match(word.partition("@")[0])}]
        logins = {login for _, login in given}
        for login in logins:
            self._password(login, None)
            self._end_sessions(login)
        for folder, login in given:
            self._done(imap.deleteacl(_quoted(folder), login), folder)
        for login in logins:  # one that was just being opened
            self._end_sessions(login)
        return logins

    def _password(self, login: str, secret: str | None) -> None:
        """Write the login's secret, or remove it; one that is not there is removed already."""
        name, _, realm = login.partition("@")
        options = ["-f", str(self.grants), "-u", realm or self.realm, name]
        done = run_program([self.saslpasswd2, *(["-p", "-c"] if secret else ["-d"]), *options], secret or "")
        if done.returncode != 0:
            raise Rejected("program-failed", program=self.saslpasswd2, what=done.stderr.strip()[:200])

    def _end_sessions(self, login: str) -> None:
        """Cyrus keeps a file for each session, named after its process: service, client, login and mailbox."""
        if self.processes is None:
            return
        with suppress(OSError):
            for file in self.processes.iterdir():
                with suppress(OSError):  # others end in the meantime
                    fields = file.read_text("utf-8", "replace").split("\t") if file.name.isdigit() else []
                    if len(fields) > 2 and fields[2].strip() == login:
                        os.kill(int(file.name), signal.SIGTERM)

    def _folders(self, imap: imaplib.IMAP4, user: str) -> list[tuple[str, str]]:
        """The folders of a mailbox as the administrator names them, each with its path below it ("INBOX" for the first)."""
        if not _USER.match(user):
            raise Invalid("managesieve-user", mailbox=user)
        local, at, domain = user.partition("@")
        root, found = f"user/{local}", []
        for pattern in (f"{root}{at}{domain}", f"{root}/*{at}{domain}"):
            _, lines = imap.list('""', _quoted(pattern))
            for line in lines:
                named = re.match(rb'\(([^)]*)\) "/" "?(.*?)"?\Z', line) if isinstance(line, bytes) else None
                if named is not None and b"\\NonExistent" not in named[1]:
                    name = named[2].decode("ascii", "replace")
                    if not domain and "@" in name:  # of somebody of that name in another domain, which `*` reaches too
                        continue
                    below = name.removesuffix(f"@{domain}").removeprefix(root).strip("/")
                    found.append((name, _decoded(below) if below else "INBOX"))
        return found

    def _realm(self, user: str) -> str:
        return user.partition("@")[2] or self.realm

    @contextmanager
    def _session(self) -> Iterator[imaplib.IMAP4]:
        """The administrator, on this machine alone."""
        try:
            secret = self.secret_file.read_text("ascii").strip("\r\n")
        except (OSError, ValueError) as error:
            raise Rejected("managesieve-secret-file", file=self.secret_file) from error
        try:
            imap = imaplib.IMAP4(_LOOPBACK, self.port, timeout=20)
        except (OSError, imaplib.IMAP4.error) as error:
            raise Unreachable("imap-unreachable", host=_LOOPBACK, port=self.port) from error
        try:
            imap.login(self.admin, secret)
        except imaplib.IMAP4.error:
            imap.shutdown()
            raise Rejected("imap-login-refused", host=_LOOPBACK, mailbox=self.admin) from None
        try:
            yield imap
        except (OSError, imaplib.IMAP4.abort) as error:
            raise Unreachable("imap-ended", host=_LOOPBACK, port=self.port) from error
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                imap.logout()

    def _done(self, answer: tuple[str, object], mailbox: str) -> None:
        if answer[0] != "OK":
            raise Rejected("cyrus-no-rights", mailbox=mailbox, admin=self.admin)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _decoded(path: str) -> str:
    """From modified UTF-7 (RFC 3501 section 5.1.3); what cannot be read stays as it is, and is then left out by its odd name."""

    def part(found: re.Match[str]) -> str:
        return "&" if not found[1] else f"+{found[1].replace(',', '/')}-".encode().decode("utf-7")

    try:
        return re.sub(r"&([A-Za-z0-9+,]*)-", part, path)
    except UnicodeDecodeError:
        return "\0"
