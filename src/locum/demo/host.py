"""Real mail servers for the demo and the tests: Dovecot, Postfix, and a sink that stands for the world outside.

Each server has its own folder (0711, below the system's temporary folder), listens on free ports of the loopback
address, is a child of this process and is stopped by its own process id. Nothing of /etc is read or written and no
account is created: mail belongs to a numeric user id that nobody has. Standard library only; knows nothing of Locum.

    with Dovecot(users={"anna@corp.test": "secret"}) as host:
        host.deliver("kunde@example.net", "anna@corp.test", b"To: anna@corp.test\\nSubject: Hello\\n\\nHi\\n")
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
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as mail_policy
from pathlib import Path
from typing import Self, cast

LOOPBACK = "127.0.0.1"

DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap sieve lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_master_user_separator = *
first_valid_uid = 1
mail_uid = {uid}
mail_gid = {gid}
mail_location = maildir:~/Maildir
{rootless}
passdb {{
  driver = passwd-file
  master = yes
  # one file of master users per service: a master user for ManageSieve is nobody for IMAP
  args = scheme=PLAIN username_format=%u {folder}/masters-%s
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {sieve_port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
lda_mailbox_autocreate = yes
postmaster_address = postmaster@{domain}
hostname = mail.{domain}
submission_host = 127.0.0.1:{relay_port}
plugin {{
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_extensions = +vacation-seconds
  sieve_before = file:{folder}/published/before/%{{user}}.sieve;bindir=~/.locum-bin
  sieve_after = file:{folder}/published/after/%{{user}}.sieve;bindir=~/.locum-bin
  sieve_vacation_send_from_recipient = no
}}
import_environment = $import_environment TZ={time_zone} {environment}
{extra}
"""

ROOTLESS = """\
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service managesieve-login {{
  chroot =
}}
"""

POSTFIX_MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
virtual_mailbox_domains = {domain}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = smtp:[127.0.0.1]:{sink_port}
recipient_delimiter = +
mailbox_size_limit = 0
biff = no
"""

POSTFIX_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


class HostTrouble(RuntimeError):
    """A server did not start, or not in time; the message holds the end of its log."""


def free_port() -> int:
    """A loopback port nobody listens on, below the range that the kernel hands to clients."""
    for _ in range(200):
        port = random.randint(18000, 32000)
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


# --- the world outside


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the sink got it. `sender` is the envelope's, empty for `<>`."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)

    @property
    def mail(self) -> EmailMessage:
        """The message, parsed."""
        return cast(EmailMessage, BytesParser(policy=mail_policy).parsebytes(self.content))


class _Conversation(socketserver.StreamRequestHandler):
    """One SMTP client (RFC 5321, with 8BITMIME and SMTPUTF8)."""

    server: "_Listener"

    def handle(self) -> None:
        self.sender, self.recipients = "", list[str]()
        self.say("220 sink.invalid ESMTP")
        while line := self.rfile.readline(4096):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if not self.obey(verb.upper(), rest):
                return

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def obey(self, verb: str, rest: str) -> bool:
        sink = self.server.sink
        match verb:
            case "EHLO" | "LHLO":
                self.say("250-sink.invalid\r\n250-8BITMIME\r\n250 SMTPUTF8")
            case "HELO" | "RSET" | "NOOP":
                self.sender, self.recipients = "", []
                self.say("250 OK")
            case "MAIL":
                self.sender, self.recipients = _path(rest), []
                self.say("250 OK")
            case "RCPT":
                self.say(sink.refusing or "250 OK")
                if not sink.refusing:
                    self.recipients.append(_path(rest))
            case "DATA":
                self.data()
            case "QUIT":
                self.say("221 bye")
                return False
            case _:
                self.say("500 unknown")
        return True

    def data(self) -> None:
        if not self.recipients:
            return self.say("503 no recipients")
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.sink.keep(Received(self.sender, tuple(self.recipients), b"".join(lines)))
        return self.say("250 kept")


def _path(rest: str) -> str:
    return rest.partition("<")[2].rpartition(">")[0]


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 200
    sink: "Sink"


class Sink:
    """The world outside: an SMTP server on a free loopback port that keeps what it gets.

    `messages` is all that came, oldest first. While `refusing` is set ("550 5.1.1 no such user", "451 4.3.0 later"),
    every recipient gets that answer. Use as a context manager.
    """

    def __init__(self, port: int = 0) -> None:
        self.messages: list[Received] = []
        self.refusing = ""
        self._news = threading.Condition()
        self._listener = _Listener((LOOPBACK, port), _Conversation)
        self._listener.sink = self
        self.port = int(self._listener.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def keep(self, message: Received) -> None:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def clear(self) -> None:
        """Forget all messages and refuse nothing."""
        with self._news:
            self.messages.clear()
            self.refusing = ""

    def wait_for(self, count: int, seconds: float = 10) -> list[Received]:
        """The messages, as soon as there are `count` of them. Raises HostTrouble when they do not come in time."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.messages) >= count, seconds):
                raise HostTrouble(f"{len(self.messages)} messages instead of {count} after {seconds} s")
            return list(self.messages)


# --- servers


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
        self.domain, self.relay_port, self.time_zone, self.clock, self.extra = domain, relay_port, time_zone, clock, extra
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
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            raise HostTrouble("libfaketime is not installed (package faketime)")
        return {
            "LD_PRELOAD": str(libraries[0]),
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
        """One more mailbox, at once."""
        self._users[user] = password
        self._write_users()

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
        queues = "active bounce corrupt defer deferred flush hold incoming maildrop private public saved trace".split()
        for name in ("data", *(f"queue/{queue}" for queue in queues)):
            (self.folder / name).mkdir(mode=0o700)
            os.chown(self.folder / name, owner, -1)
        (self.folder / "etc/main.cf").write_text(POSTFIX_MAIN.format(**values))
        (self.folder / "etc/master.cf").write_text(POSTFIX_MASTER.format(**values))

    def command(self) -> list[str]:
        programs = subprocess.run(["postconf", "-dh", "daemon_directory"], check=True, capture_output=True, text=True)
        return [f"{programs.stdout.strip()}/master", "-c", str(self.folder / "etc"), "-d"]

    def ports(self) -> tuple[int, ...]:
        return (self.port,)
