"""A mail host that forwards: Dovecot with directories for forwards, and a Postfix of its own whose queue takes what Dovecot sends.

Postfix's own programs, from the package, with a configuration in the host's folder. What any user may run (sendmail,
postdrop) reads no configuration but the system's, so Dovecot is started where that one is ours: in a namespace of its own
(mount_namespaces(7)), which ends with it. Nothing of the machine is changed. Needs root, as any Postfix does.
"""

import grp
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import Dovecot, Postfix, free_port
from mailhosts.dovecot import PASSWORD
from mailhosts.publishing import SCRIPT

RECEIVER = "bert@corp.test"
ELSEWHERE = "transport_maps = inline:{{ {receiver}=smtp:[127.0.0.1]:{port} }}\n"
QUICK = "minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n"
PICKUP = "pickup unix n - n 1 1 pickup\n"  # looks each second
NAMES = tuple(f"colleague{number}@corp.test" for number in range(1, 600))

FORWARDS = """\
submission_host =
sendmail_path = /usr/sbin/sendmail
plugin {{
  sieve_before2 = file:{forwards}/before/%{{user}}.sieve;bindir=~/.locum-bin
  sieve_after2 = file:{forwards}/after/%{{user}}.sieve;bindir=~/.locum-bin
}}
{extra}
"""


class Queue(Postfix):
    """A Postfix with a queue that Dovecot's mail user may put mail into, by `sendmail`. Bert's mail goes to `sink_port` too,
    as to another mail system.
    """

    @property
    def configuration(self) -> Path:
        """The folder of its main.cf."""
        return self.folder / "etc"

    def furnish(self) -> None:
        super().furnish()
        group = grp.getgrnam("postdrop").gr_gid
        for name, mode in (("maildrop", 0o1730), ("public", 0o2710)):  # as Postfix itself makes them
            folder = self.folder / "queue" / name
            os.chown(folder, -1, group)
            folder.chmod(mode)
        main, master = self.configuration / "main.cf", self.configuration / "master.cf"
        main.write_text(main.read_text() + QUICK + ELSEWHERE.format(receiver=RECEIVER, port=self.sink_port))
        master.write_text(master.read_text() + PICKUP)
        for file in (main, master):
            os.utime(file, (time.time() - 60,) * 2)

    def waiting(self) -> int:
        """How many messages are in the queue, whatever for."""
        queues = ("maildrop", "incoming", "active", "deferred")
        return sum(path.is_file() for queue in queues for path in (self.folder / "queue" / queue).rglob("*"))

    def brings_receivers_mail_to(self, port: int) -> None:
        """From now on Bert's mail goes to another port of this machine."""
        self.set(transport_maps=f"inline:{{ {RECEIVER}=smtp:[127.0.0.1]:{port} }}")

    def set(self, **values: str) -> None:
        """Change the configuration, and let the running server read it."""
        settings = [f"{name}={value}" for name, value in values.items()]
        subprocess.run(["postconf", "-c", self.configuration, "-e", *settings], check=True)
        os.utime(self.configuration / "main.cf", (time.time() - 60,) * 2)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)  # master(8): all its processes read it anew

    def empty(self) -> None:
        """Forget what waits."""
        subprocess.run(["postsuper", "-c", self.configuration, "-d", "ALL"], check=True, capture_output=True)


class ForwardingHost(Dovecot):
    """A Dovecot that hands what it sends to a local queue, and reads forwards from `forwards` behind what it reads from
    `published`. `queue` is its Postfix: mail for corp.test comes back to this Dovecot, all other goes to `sink`.
    """

    def __init__(self, *, queue: bool = True, extra: str = "", **options: object) -> None:
        given = {"users": dict.fromkeys(NAMES, PASSWORD)} | options
        super().__init__(**given)  # type: ignore[arg-type]
        self.imap_port, self.sieve_port, self.lmtp_port = free_port(), free_port(), free_port()
        self.queue = Queue(lmtp_port=self.lmtp_port, sink_port=self.sink.port)
        self._with_queue, self._more = queue, extra
        self._queues = ExitStack()

    @property
    def forwards(self) -> Path:
        """Where forwards are published."""
        return self.folder / "forwards"

    def furnish(self) -> None:
        super().furnish()
        for place in ("forwards", "forwards/before", "forwards/after"):
            (self.folder / place).mkdir(mode=0o755)
        if self._with_queue:
            self._queues.enter_context(self.queue)
        self.extra = FORWARDS.format(forwards=self.forwards, extra=self._more)

    def command(self) -> list[str]:
        if not self._with_queue:
            return super().command()
        ours = 'mount --bind "$0" /etc/postfix && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", ours, str(self.queue.configuration), *super().command()]

    def __exit__(self, *_: object) -> None:
        self._queues.close()
        super().__exit__()


def forward_publisher(host: ForwardingHost, *more: str) -> list[str]:
    """The command of the program that writes forwards on this host, a trial in which unsigned reviews count."""
    options = ("--forwards", "--directory", str(host.forwards), "--config", str(host.config_file), *more)
    return [sys.executable, "-m", "locum.mailhost", *options]


def forwarding(host: ForwardingHost, **options: object) -> SieveFiles:
    """A connector that forwards on `host`, and sees her own script."""
    given: dict[str, object] = {
        "script": SCRIPT,
        "dovecot_config": host.config_file,
        "log": host.log,
        "forward_directory": host.forwards,
        "forward_publisher": forward_publisher(host, "--unsigned-reviews"),
        "mail_log": host.queue.log,
    }
    return SieveFiles(name="dovecot", directory=host.published, **(given | options))  # type: ignore[arg-type]
