r"""Real mail servers for the demo and the tests: Dovecot, Postfix, and a sink that stands for the world outside.

Each server has its own folder (0711, below the system's temporary folder), listens on free ports of the loopback
address, is a child of this process and is stopped by its own process id. Nothing of /etc is read or written and no
account is created: mail belongs to a numeric user id that nobody has. Standard library only; knows nothing of Locum.

    with Dovecot(users={"anna@corp.test": "secret"}) as host:
        host.deliver("kunde@example.net", "anna@corp.test", b"To: anna@corp.test\nSubject: Hello\n\nHi\n")
        host.sink.messages      # what Dovecot sent out, complete as soon as `deliver` has returned
"""

import contextlib
import os
import pwd
import random
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from locum.demo.configurations import DOVECOT, POSTFIX_MAIN, POSTFIX_MASTER, ROOTLESS
from locum.demo.sink import LOOPBACK, HostTrouble, Received, Sink

__all__ = ["LOOPBACK", "Dovecot", "HostTrouble", "Postfix", "Received", "Sink", "free_port", "mail_uid"]


def free_port(wanted: int = 0) -> int:
    """A loopback port nobody listens on, below the range that the kernel hands to clients: `wanted`, where it is free."""
    for port in ([wanted] if wanted else []) + [random.randint(18000, 32000) for _ in range(200)]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise HostTrouble("no free port on the loopback address")


def mail_uid() -> int:
    """The user id to which mail belongs: one that no account has when run as root, else our own."""
    if os.geteuid() != 0:
        return os.geteuid()
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in range(59990, 59000, -1) if uid not in taken)


class _Server:
    """A folder and a child process in it. `start` and `stop` may be called again between entering and leaving."""

    program = ""

    def __init__(self) -> None:
        self.folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / f"{self.program}.log"

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"locum-{self.program}-"))
        self.folder.chmod(0o711)
        try:
            self.furnish()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def furnish(self) -> None:
        """Write the folder's contents."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """What to run; it stays in the foreground."""
        raise NotImplementedError

    def ports(self) -> tuple[int, ...]:
        """What answers when the server is up."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {"PATH": os.defpath + ":/usr/sbin:/sbin"}

    def start(self) -> None:
        """Start the server and wait until it answers. Raises HostTrouble with the end of its log if it does not."""
        # The server ends with us even if we are killed; its own session keeps Ctrl-C away from it.
        command = ["setpriv", "--pdeathsig", "TERM", "--", *self.command()]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment(),
                cwd=self.folder,
                start_new_session=True,
            )
        for port in self.ports():
            self._await(port)

    def stop(self) -> None:
        """Stop the server by its process id, with all its children. The folder stays."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
        with contextlib.suppress(ProcessLookupError):  # whatever of its own session is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)

    def restart(self) -> None:
        """Stop and start, same folder and ports."""
        self.stop()
        self.start()

    def _await(self, port: int) -> None:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 5) as probe:
                probe.settimeout(10)
                if probe.recv(4096):
                    return
            time.sleep(0.02)
        raise HostTrouble(f"{self.program} does not answer on port {port}: {self._last_words()}")

    def _last_words(self) -> str:
        files = (self.folder / "output", self.log)
        return "\n".join(file.read_text("utf-8", "replace")[-1500:] for file in files if file.exists())


class Dovecot(_Server):
    """A Dovecot with IMAP, ManageSieve, LMTP and published scripts (design: docs/operate.md shows the same lines).

    In: `users` (mailbox to password), `masters_sieve` and `masters_imap` (master users per service), `relay_port` where
    it sends mail (its own `sink` if 0), `time_zone` (the server's TZ), `clock` (True: `set_clock` and `freeze_clock` work,
    by libfaketime), `extra` (lines at the end of dovecot.conf; later lines win, plugin blocks add up).
    Out: `imap_port`, `sieve_port`, `lmtp_port`, `published` (holding before/ and after/), `home(user)`, `log`,
    `config_file`, `uid`/`gid` of all mail, `sink`, `deliver`, `doveadm`; `stop`, `start`, `restart`, `add_user`.
    """

    program = "dovecot"

    def __init__(
        self,
        *,
        domain: str = "corp.test",
        users: Mapping[str, str] | None = None,
        masters_sieve: Mapping[str, str] | None = None,
        masters_imap: Mapping[str, str] | None = None,
        relay_port: int = 0,
        time_zone: str = "UTC",
        clock: bool = False,
        extra: str = "",
    ) -> None:
        super().__init__()
        self.domain, self.relay_port, self.time_zone, self.clock, self.extra = (
            domain,
            relay_port,
            time_zone,
            clock,
            extra,
        )
        self._users = dict(users or {})
        self._masters = {"sieve": dict(masters_sieve or {}), "imap": dict(masters_imap or {})}
        self.uid = self.gid = mail_uid() if os.geteuid() == 0 else os.geteuid()
        if os.geteuid() != 0:
            self.gid = os.getegid()
        self.imap_port = self.sieve_port = self.lmtp_port = 0
        self.sink = Sink()

    @property
    def config_file(self) -> Path:
        """For `doveadm -c`, `sievec -c`, `sieve-test -c`."""
        return self.folder / "dovecot.conf"

    @property
    def published(self) -> Path:
        """Where scripts are published: before/ADDRESS.sieve and after/ADDRESS.sieve. Owned by who runs this, 0755."""
        return self.folder / "published"

    def home(self, user: str) -> Path:
        """Her home, with Maildir/, sieve/ and .dovecot.sieve once they exist."""
        return self.folder / "mail" / user

    def __enter__(self) -> Self:
        self.sink.__enter__()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.sink.__exit__()
        if self.clock:
            _sweep_after_faketime()

    def furnish(self) -> None:
        for name in ("run", "state", "mail", "published", "published/before", "published/after"):
            (self.folder / name).mkdir(mode=0o755)
        os.chown(self.folder / "mail", self.uid, self.gid)
        self._write_users()
        (self.folder / "clock").write_text("+0\n")

    def start(self) -> None:
        """Start it; the ports stay the same from the first start on."""
        if not self.imap_port:
            self.imap_port, self.sieve_port, self.lmtp_port = free_port(), free_port(), free_port()
        self.config_file.write_text(self._configuration())
        super().start()

    def command(self) -> list[str]:
        return ["dovecot", "-F", "-c", str(self.config_file)]

    def ports(self) -> tuple[int, ...]:
        return self.imap_port, self.sieve_port, self.lmtp_port

    def environment(self) -> dict[str, str]:
        return super().environment() | {"TZ": self.time_zone} | self._faketime()

    def _faketime(self) -> dict[str, str]:
        if not self.clock:
            return {}
        if (library := faketime()) is None:
            raise HostTrouble("libfaketime is not installed (package libfaketime)")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FMT": "%s",
            "NO_FAKE_STAT": "1",  # files keep the kernel's times, as on any machine whose clock was set
        }

    def _configuration(self) -> str:
        me = pwd.getpwuid(os.geteuid()).pw_name
        rootless = "" if os.geteuid() == 0 else ROOTLESS.format(user=me, group=me)
        return DOVECOT.format(
            folder=self.folder,
            uid=self.uid,
            gid=self.gid,
            rootless=rootless,
            imap_port=self.imap_port,
            sieve_port=self.sieve_port,
            lmtp_port=self.lmtp_port,
            relay_port=self.relay_port or self.sink.port,
            domain=self.domain,
            time_zone=self.time_zone,
            environment=" ".join(f"{name}={value}" for name, value in self._faketime().items()),
            extra=self.extra,
        )

    def _write_users(self) -> None:
        for name, passwords in {"users": self._users, **{f"masters-{s}": m for s, m in self._masters.items()}}.items():
            lines = [f"{user}:{{PLAIN}}{password}::::::\n" for user, password in passwords.items()]
            (self.folder / name).write_text("".join(lines), "utf-8")

    def add_user(self, user: str, password: str) -> None:
        """One more mailbox. Dovecot looks at the file once a second, so this can take as long."""
        self._users[user] = password
        self._write_users()
        until = time.monotonic() + 5
        while not self._knows(user):
            if time.monotonic() > until:
                raise HostTrouble(f"Dovecot does not know {user} after five seconds")
            time.sleep(0.05)

    def _knows(self, user: str) -> bool:
        try:
            self.doveadm("user", user)
        except subprocess.CalledProcessError:
            return False
        return True

    def deliver(self, sender: str, recipient: str, message: bytes) -> None:
        """Deliver by LMTP; what Dovecot sent out because of it has been sent on return. `sender` "" is a bounce's `<>`.

        Raises smtplib.SMTPResponseException or SMTPRecipientsRefused when Dovecot says no.
        """
        content = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        with smtplib.LMTP(LOOPBACK, self.lmtp_port, timeout=30) as client:
            client.sendmail(sender, [recipient], content)

    def doveadm(self, *arguments: str) -> str:
        """What `doveadm` prints. Raises CalledProcessError."""
        command = ["doveadm", "-c", str(self.config_file), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment()).stdout

    def set_clock(self, at: datetime) -> None:
        """From now on the server's clock goes on from `at`."""
        self._set_clock(f"{(at - datetime.now(UTC)).total_seconds():+.3f}")

    def freeze_clock(self, at: datetime) -> None:
        """From now on it is `at` for the server, to the second, until the next call."""
        self._set_clock(f"{at.timestamp():.0f}")

    def _set_clock(self, text: str) -> None:
        if not self.clock:
            raise HostTrouble("this server was started without clock=True")
        self.stop()  # Dovecot's processes end themselves when time jumps under them
        place = self.folder / "clock"
        fresh = place.with_suffix(".new")
        fresh.write_text(text + "\n")
        fresh.replace(place)
        self.start()


def faketime() -> Path | None:
    """The library that moves a process's clock; None where it is not installed. The command `faketime` is not needed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def _sweep_after_faketime() -> None:
    """Remove what libfaketime left in shared memory for processes that are no more: it forgets those that were killed."""
    for left in Path("/dev/shm").glob("*faketime_*"):
        pid = left.name.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                left.unlink()


POSTFIX_QUEUES = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
    *("maildrop", "private", "public", "saved", "trace"),
)


class Postfix(_Server):
    """A Postfix that takes mail on `port`, brings that for `domain` to `lmtp_port` and all other to `sink_port`. Needs root.

    To have Dovecot send through it, take `port = free_port()` first and give it to both.
    """

    program = "postfix"

    def __init__(self, *, lmtp_port: int, sink_port: int, port: int = 0, domain: str = "corp.test") -> None:
        super().__init__()
        self.lmtp_port, self.sink_port, self.port, self.domain = lmtp_port, sink_port, port or free_port(), domain

    def furnish(self) -> None:
        if os.geteuid() != 0:
            raise HostTrouble("Postfix changes users for its parts and can only be started by root")
        owner = pwd.getpwnam("postfix").pw_uid
        values = {name: getattr(self, name) for name in ("folder", "domain", "lmtp_port", "sink_port", "port")}
        for name in ("etc", "queue", "queue/pid"):
            (self.folder / name).mkdir(mode=0o755)
        for name in ("data", *(f"queue/{queue}" for queue in POSTFIX_QUEUES)):
            (self.folder / name).mkdir(mode=0o700)
            os.chown(self.folder / name, owner, -1)
        for name, template in (("main.cf", POSTFIX_MAIN), ("master.cf", POSTFIX_MASTER)):
            file = self.folder / "etc" / name
            file.write_text(template.format(**values))
            # Postfix waits two seconds for a file that was written just now to be complete.
            os.utime(file, (time.time() - 60,) * 2)

    def command(self) -> list[str]:
        programs = subprocess.run(["postconf", "-dh", "daemon_directory"], check=True, capture_output=True, text=True)
        return [f"{programs.stdout.strip()}/master", "-c", str(self.folder / "etc"), "-d"]

    def ports(self) -> tuple[int, ...]:
        return (self.port,)
