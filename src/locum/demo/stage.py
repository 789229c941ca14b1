"""The stage of the demo: a real Dovecot and Postfix, a world outside, a text message gateway, Locum's own processes, one clock.

Locum runs as it would anywhere: the `locum` command, `locum worker` and `locum serve`, each a process of its own. Only the
clock is moved, for all of them, by libfaketime and one file; the product has no switch for that.
"""

import contextlib
import json
import os
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from locum.demo.council import Council
from locum.demo.host import LOOPBACK, HostTrouble, Sink, free_port
from locum.demo.queueing import ForwardingDovecot, Queue

HOME_ZONE = ZoneInfo("Europe/Amsterdam")
ANNA, BAS, CARLA, DAAN, EVA, PETRA = (f"{name}@corp.test" for name in ("anna", "bas", "carla", "daan", "eva", "petra"))

PEOPLE = """\
person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on
anna,Anna de Vries,anna@corp.test,a.devries@corp.test,en,Europe/Amsterdam,sales,carla,anna@home.test,+31612345678,2026-01-05
bas,Bas Smit,bas@corp.test,,en,Europe/Amsterdam,it,carla,,,
carla,Carla Jansen,carla@corp.test,,en,Europe/Amsterdam,manager,,,,
daan,Daan de Boer,daan@corp.test,,en,Europe/Amsterdam,sales,carla,daan@home.test,,2026-01-05
eva,Eva Mulder,eva@corp.test,,en,Europe/Amsterdam,sales,carla,,,
petra,Petra Vos,petra@corp.test,,en,Europe/Amsterdam,dpo,,,,
"""

POLICY = """\
preset = "nl"
[regulation]            # without these, nothing is forwarded
works_council = "OR-2026-02"
works_council_on = 2026-01-05
register = "R-041"
dpia_on = 2026-01-05
[known]                 # whoever was never told of searching is told by the question; the default wants her agreement
search = "ask"
[auto-reply]
reasons = ["forgotten", "continuity", "customer", "closing"]
[auto-reply.ask]
channels = ["mobile", "private_mail", "mailbox"]
wait_hours = 1          # shortened for the demo; the default is 4
if_unanswered = "proceed"
"""

SETTINGS = """\
[organisation]
name = "Voorbeeld BV"
domains = ["corp.test"]
language = "en"
time_zone = "Europe/Amsterdam"
[people]
csv = "people.csv"
[policy]
file = "policy.toml"
[mail]
relay = "smtp://127.0.0.1:{relay}"
from = "locum@corp.test"
[text_messages]
url_file = "sms.url"
[web]
url = "http://localhost:{web}"   # by name: browsers make no passkeys for an address in numbers
listen = "127.0.0.1:{web}"
[web.sign_in]
first_keys_file = "first-keys.link"
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "{published}"
dovecot_config = "{dovecot_config}"
log = "{log}"
forward_directory = "{forwards}"
forward_publisher = {publisher}
[search.dovecot]
kind = "imap"
for = ["dovecot"]
host = "127.0.0.1"
port = {imap}
tls = "none"
grants = "{grants}"
nets = "127.0.0.1"
"""

HER_FILTER = """\
require ["fileinto", "mailbox"];
if header :contains "subject" "[project x]" { fileinto :create "Project X"; }
"""


def _next_working_morning() -> datetime:
    """Ten o'clock on the next working day: never before the real clock, since files keep the real times."""
    day = datetime.now(HOME_ZONE).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Scene:
    """The organisation on the stage, and what its clocks say when it begins. `port` of the pages: 0 is any that is free."""

    people: str = PEOPLE
    policy: str = POLICY
    settings: str = SETTINGS
    begins: Callable[[], datetime] = _next_working_morning
    port: int = 0


class Gateway:
    """Keeps the text messages it is handed, as a provider's HTTP address would take them."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        messages = self.messages

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
                messages.append((self.path.strip("/"), str(body.get("message", ""))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Taker)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_address[1]


class Stage:
    """Everything started; `until` waits for something to be so, `move_to` moves every clock."""

    def __init__(self, tell: Callable[[str], None], scene: Scene | None = None) -> None:
        self._tell, self._scene = tell, scene or Scene()
        self._stack = ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.outside, self.gateway = Sink(), Gateway()
        self.web_port = self._scene.port or free_port()

    def __enter__(self) -> Self:
        try:
            self._set()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self._stack.close()

    def _set(self) -> None:
        enter = self._stack.enter_context
        enter(self.outside)
        enter(self.gateway)
        self.postfix = enter(Queue(lmtp_port=free_port(), sink_port=self.outside.port))
        users = dict.fromkeys((ANNA, BAS, CARLA, DAAN, EVA, PETRA), "not-used-by-anyone")
        # Whole years in the log: its own times are ahead of the file's, since only the clock of programs is moved.
        stamps = 'log_timestamp = "%Y-%m-%d %H:%M:%S "'
        self.host = enter(ForwardingDovecot(self.postfix, users=users, extra=stamps))
        self.folder = self.host.folder / "locum"
        self.folder.mkdir(mode=0o700)
        self.council = Council(self.host.folder / "council", self.folder / "record.key")
        self._write_settings()
        self.move_to(self._scene.begins())
        self.processes_start()

    def _write_settings(self) -> None:
        (self.folder / "people.csv").write_text(self._scene.people)
        (self.folder / "policy.toml").write_text(self._scene.policy)
        secret = self.folder / "sms.url"
        secret.write_text(f"json://127.0.0.1:{self.gateway.port}/{{mobile}}\n")
        secret.chmod(0o600)
        text = self._scene.settings.format(
            relay=self.postfix.port,
            web=self.web_port,
            published=self.host.published,
            dovecot_config=self.host.config_file,
            log=self.host.log,
            forwards=self.host.forwards,
            imap=self.host.imap_port,
            grants=self.host.grants,
            publisher=json.dumps(self._publisher()),
        )
        (self.folder / "locum.toml").write_text(text + self.council.settings)

    def _publisher(self) -> list[str]:
        """The program that writes forwards. It checks by itself what was signed on these pages, and writes nothing else."""
        options = ("--directory", str(self.host.forwards), "--config", str(self.host.config_file), "--site", self.url)
        return [sys.executable, "-m", "locum.mailhost", "--forwards", *options]

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://localhost:{self.web_port}"

    # Locum's own processes

    def environment(self) -> dict[str, str]:
        """What Locum's processes see: the settings, and the moved clock."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TERM")}
        ours = {"LOCUM_CONFIG": str(self.folder / "locum.toml"), "TZ": "UTC", "PATH": _path()}
        return kept | self.host.environment() | ours | {"PYTHONPATH": str(Path(__file__).with_name("moved_clock"))}

    def processes_start(self) -> None:
        """Start the works council's witness, the worker and the pages."""
        for words in (self.council.words, ("worker",), ("serve",)):
            with (self.folder / f"{words[0]}.log").open("ab") as log:
                command = [*_locum(), *words]
                process = subprocess.Popen(
                    command, env=self.environment(), stdout=log, stderr=log, start_new_session=True
                )
            self._processes.append(process)

    def locum(self, *arguments: str) -> dict[str, object]:
        """Run the `locum` command as a person would, and give back its one JSON document."""
        done = subprocess.run(
            [*_locum(), *arguments, "--json"], env=self.environment(), capture_output=True, text=True, check=False
        )
        try:
            document = json.loads(done.stdout)
        except ValueError:
            raise HostTrouble(f"locum {arguments[0]} answered: {done.stdout}{done.stderr}") from None
        return document if isinstance(document, dict) else {"rows": document}

    def run(self, tell: Callable[[str], None], *arguments: str) -> dict[str, object]:
        """The same, and told as it would be typed."""
        tell("$ locum " + " ".join(f'"{word}"' if " " in word else word for word in arguments))
        return self.locum(*arguments)

    def rows(self, *arguments: str) -> list[dict[str, object]]:
        """Run a command that answers with a list."""
        found = self.locum(*arguments).get("rows")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def first_link(self) -> str:
        """The one-time link for the first two keys, as whoever runs the machine reads it, once the worker has written it and
        the pages answer.
        """
        file = self.folder / "first-keys.link"
        if not self.until("the first keys' link and the pages", lambda: file.exists() and self._is_served()):
            raise HostTrouble(f"the pages did not come up: {self.last_words()}")
        return file.read_text().strip()

    def _is_served(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.web_port), 5):
            return True
        return False

    def last_words(self) -> str:
        """The end of the worker's log."""
        return (self.folder / "worker.log").read_text("utf-8", "replace")[-6000:]

    # the clock

    def now(self) -> datetime:
        """The moved clock."""
        return datetime.now(UTC) + self._ahead

    def move_to(self, at: datetime) -> None:
        """From now on it is `at` for Dovecot and for Locum."""
        self._ahead = at - datetime.now(UTC)
        self.host.set_clock(at)

    # mail

    def mail(
        self,
        sender: str,
        recipient: str,
        subject: str,
        *,
        envelope: str | None = None,
        headers: str = "",
        text: str = "Hello,\n\nCould you let me know how our order stands?\n\nKind regards\n",
    ) -> str:
        """Somebody outside writes, through the real Postfix. Gives back the Message-ID."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, recipient, subject
        message["Message-ID"] = f"<{time.time_ns()}@outside.test>"
        for line in headers.splitlines():
            name, _, value = line.partition(": ")
            message[name] = value
        message.set_content(text)
        with smtplib.SMTP(LOOPBACK, self.postfix.port, timeout=20) as client:
            client.send_message(message, sender if envelope is None else envelope, [recipient])
        return str(message["Message-ID"])

    def arrived(self, recipient: str, message_id: str) -> Path | None:
        """The file of a message in a mailbox, as the server keeps it. Nobody logs in for this."""
        wanted = message_id.encode()
        for path in self.host.home(recipient).glob("Maildir/**/new/*"):
            if wanted in path.read_bytes():
                return path
        return None

    def until(self, what: str, holds: Callable[[], object], seconds: float = 45) -> bool:
        """Wait until `holds`; says what it waits for where that takes longer than two seconds."""
        begin, told = time.monotonic(), False
        while time.monotonic() - begin < seconds:
            if holds():
                return True
            if not told and time.monotonic() - begin > 2:
                self._tell(f"waiting: {what} ...")
                told = True
            time.sleep(0.1)
        return False


def _locum() -> list[str]:
    return [sys.executable, "-m", "locum"]


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
