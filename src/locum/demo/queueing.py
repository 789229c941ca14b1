"""A mail host that can forward: a Dovecot that hands what it sends to the queue of a Postfix on the same machine.

With a relay in place of a queue, mail for her would wait for the receiver's. What any user may run of Postfix (sendmail,
postdrop) believes the system's configuration only, so Dovecot is started where that one is ours: in a namespace of its own
(mount_namespaces(7)), which ends with it. Nothing of the machine is changed; knows nothing of Locum.
"""

import grp
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from locum.demo.configurations import FORWARDS, QUEUE_MAIN, QUEUE_MASTER, SEARCH, SEARCH_ACL
from locum.demo.host import Dovecot, Postfix, free_port


def may_forward() -> bool:
    """Whether this machine lets us give a program a view of its own of /etc/postfix; a container often does not."""
    try:
        return subprocess.run(_in_view(Path("/"), "true"), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _in_view(configuration: Path, *command: str) -> list[str]:
    """`command`, for which `configuration` is the system's Postfix."""
    return [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount --bind "$0" /etc/postfix && exec "$@"',
        str(configuration),
        *command,
    ]


class Queue(Postfix):
    """A Postfix into whose queue anybody on the machine may put mail by `sendmail`, as Postfix is on any."""

    def furnish(self) -> None:
        super().furnish()
        group = grp.getgrnam("postdrop").gr_gid
        for name, mode in (("maildrop", 0o1730), ("public", 0o2710)):  # as Postfix itself makes them
            place = self.folder / "queue" / name
            os.chown(place, -1, group)
            place.chmod(mode)
        for name, more in (("main.cf", QUEUE_MAIN), ("master.cf", QUEUE_MASTER)):
            file = self.folder / "etc" / name
            file.write_text(file.read_text() + more.format(folder=self.folder))
            os.utime(file, (time.time() - 60,) * 2)


class ForwardingDovecot(Dovecot):
    """A Dovecot that sends by `queue`, which has to run before it does, and reads forwards from `forwards`."""

    def __init__(self, queue: Queue, *, users: Mapping[str, str], extra: str) -> None:
        super().__init__(domain=queue.domain, users=users, relay_port=queue.port, clock=True, extra=extra)
        self.queue, self.may_forward = queue, may_forward()
        self.imap_port, self.sieve_port, self.lmtp_port = free_port(), free_port(), queue.lmtp_port

    @property
    def forwards(self) -> Path:
        """Where forwards are published, behind what is read from `published`: before/ADDRESS.sieve and after/ADDRESS.sieve."""
        return self.folder / "forwards"

    def furnish(self) -> None:
        super().furnish()
        for name in ("forwards", "forwards/before", "forwards/after"):
            (self.folder / name).mkdir(mode=0o755)
        self.extra += "\n" + searchable(self.folder)
        if self.may_forward:  # else what it sends goes to the relay
            self.extra += "\n" + FORWARDS.format(forwards=self.forwards, queue=self.queue.folder / "etc")

    @property
    def grants(self) -> Path:
        """Where the grants of searches lie."""
        return self.folder / "grants"

    def command(self) -> list[str]:
        command = super().command()
        return _in_view(self.queue.folder / "etc", *command) if self.may_forward else command


def searchable(folder: Path) -> str:
    """Make the directory of the grants and the rules of who sees which folder, and give the lines with which Dovecot reads both."""
    grants, acl = folder / "grants", folder / "acl"
    grants.mkdir()
    if os.geteuid() == 0:
        shutil.chown(grants, group="dovecot")
    grants.chmod(0o2750)  # what is written there is of its group, which Dovecot's login process is in
    acl.write_text(SEARCH_ACL, "utf-8")
    return SEARCH.format(grants=grants, acl=acl)
