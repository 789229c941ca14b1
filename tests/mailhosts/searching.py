"""A Dovecot into which one may look for one message: grants, ACLs, and mail put there as files. docs/operate.md shows the same lines."""

import imaplib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from locum.connectors.imap import ImapSearcher
from locum.connectors.imap_grants import Grants
from locum.connectors.imap_tokens import to_utf7
from locum.demo.configurations import SEARCH_GROUP
from locum.demo.host import Dovecot
from locum.demo.queueing import searchable
from mailhosts.dovecot import PASSWORD

# a refused login makes Dovecot answer late, and this address later and later; not what is tried here
AT_ONCE = """
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""


@dataclass(frozen=True)
class Searched:
    """The server, with what a searcher needs to know of it."""

    host: Dovecot
    grants: Path

    def searcher(self, **changes: object) -> ImapSearcher:
        grants = Grants(directory=self.grants, group=SEARCH_GROUP, nets="127.0.0.1", **changes.pop("grants", {}))  # type: ignore[arg-type]
        known: dict[str, object] = {
            "name": "imap",
            "host": "127.0.0.1",
            "port": self.host.imap_port,
            "grants": grants,
            "tls": "none",
        }
        return ImapSearcher(**(known | changes))  # type: ignore[arg-type]

    def put(
        self,
        mailbox: str,
        messages: Iterable[bytes],
        folder: str = "",
        at: datetime | None = None,
        keywords: Sequence[str] = (),
    ) -> None:
        """Put messages into a folder of hers, as they would lie there after delivery, unseen. `at` is when they arrived."""
        home = self.host.home(mailbox) / "Maildir"
        place = home / f".{to_utf7(folder).decode().replace('/', '.')}" if folder else home
        fresh = "cur" if keywords else "new"
        for one in (home, place):
            for name in ("cur", "new", "tmp"):
                (one / name).mkdir(parents=True, exist_ok=True)
        letters = "".join(chr(ord("a") + n) for n in range(len(keywords)))
        if keywords:
            (place / "dovecot-keywords").write_text("".join(f"{n} {word}\n" for n, word in enumerate(keywords)))
        moment = (at or datetime.now(UTC)).timestamp()
        for number, message in enumerate(messages):
            file = (
                place
                / fresh
                / f"{int(moment)}.M{number}P{time.monotonic_ns()}.test{f':2,{letters}' if keywords else ''}"
            )
            file.write_bytes(message.replace(b"\r\n", b"\n"))
            os.utime(file, (moment, moment))
        for one in (home.parent, home, *home.rglob("*")):
            os.chown(one, self.host.uid, self.host.gid)

    def logged_out(self, name: str) -> dict[str, int]:
        """What the server's log says that this login did, once it has left."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for line in reversed(self.host.log.read_text("utf-8", "replace").splitlines()):
                if "hdr_count=" in line and name in self._session(line):
                    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
            time.sleep(0.02)
        raise AssertionError(f"{name} never logged out")

    def _session(self, line: str) -> str:
        """The login line of the session that a line is of."""
        session = re.search(r"<([A-Za-z0-9+/]{8,})>", line)
        lines = self.host.log.read_text("utf-8", "replace").splitlines()
        return " ".join(one for one in lines if session is not None and session[1] in one)


@contextmanager
def searched(users: Iterable[str]) -> Iterator[Searched]:
    """A Dovecot with these mailboxes, and a directory for grants that its own user can read."""
    host = Dovecot(users=dict.fromkeys(users, PASSWORD))
    furnish = host.furnish

    def furnished() -> None:
        furnish()
        host.extra = AT_ONCE + searchable(host.folder)

    host.furnish = furnished  # type: ignore[method-assign]
    with host:
        yield Searched(host, host.folder / "grants")


def owner(host: Dovecot, mailbox: str) -> imaplib.IMAP4:
    """She herself, logged in."""
    client = imaplib.IMAP4("127.0.0.1", host.imap_port)
    client.login(mailbox, PASSWORD)
    return client
