"""Where stories are played: a real Dovecot with a moved clock, a relay that keeps letters, the installed `locum`, its pages.

One host for all stories; each has a folder of its own and a mail server on which nothing stands. What a story may say is in
script.py; each `word` here is a step.
"""

import getpass
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError

from tests.policies import written

import locum.demo
from locum.demo.host import Dovecot, Sink, free_port
from locum.demo.stage import _next_working_morning
from locum.store import Store
from mailhosts.publishing import SCRIPT, deliver
from stories.script import Step, missing, named, words

PEOPLE = """\
person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on,reads_along
anna,Anna de Vries,anna@corp.test,a.devries@corp.test,en,Europe/Amsterdam,sales,carla,anna@home.test,,2026-01-05,no
bas,Bas Smit,bas@corp.test,,en,Europe/Amsterdam,it,carla,,,,no
carla,Carla Jansen,carla@corp.test,,en,Europe/Amsterdam,manager,,,,,no
dirk,Dirk Bakker,dirk@corp.test,,en,Europe/Amsterdam,hr,,,,,no
emma,Emma Visser,emma@corp.test,,en,Europe/Amsterdam,dpo,,,,,no
eva,Eva Mulder,eva@corp.test,,en,Europe/Amsterdam,sales,carla,,,,no
frits,Frits Mol,frits@corp.test,,en,Europe/Amsterdam,sales,carla,,,,yes
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
unsigned_reviews = true
[mail]
relay = "smtp://127.0.0.1:{relay}"
from = "locum@corp.test"
[acting]
{user} = ["*"]
[web]
url = "http://127.0.0.1:{web}"
listen = "127.0.0.1:{web}"
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "{published}"
dovecot_config = "{dovecot_config}"
log = "{log}"
script = "{script}"
{forwards}
"""
USERS = ("anna", "bas", "carla", "dirk", "emma", "eva", "frits", "sales")
T = TypeVar("T")
_SOON = timedelta(seconds=3)
"""An account waits a second for the signature under the record."""
_CASE = re.compile(r"\b[a-z2-7]{4}-[a-z2-7]{4}\b")


class Untrue(AssertionError):
    """What a story tells was not so."""


@dataclass
class Stage:
    """One story's organisation."""

    folder: Path
    host: Dovecot
    relay: Sink
    forwards: str = ""
    cases: list[str] = field(default_factory=list)
    said: str = ""
    serving: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.web_port = free_port()
        self.clear()
        self.move_to(_next_working_morning())
        (self.folder / "people.csv").write_text(PEOPLE)
        (self.folder / "policy.toml").write_text(written({}))
        settings = SETTINGS.format(
            relay=self.relay.port,
            web=self.web_port,
            user=getpass.getuser(),
            published=self.host.published,
            dovecot_config=self.host.config_file,
            log=self.host.log,
            script=SCRIPT,
            forwards=self.forwards,
        )
        (self.folder / "locum.toml").write_text(settings)

    def clear(self) -> None:
        """Nothing of an earlier story stands on the mail server, and nobody was answered."""
        for script in self.host.published.parent.glob("*/*/*.sieve"):
            if script.parent.name in ("before", "after"):
                script.unlink()
        for user in USERS:
            shutil.rmtree(self.host.home(f"{user}@corp.test"), ignore_errors=True)
        self.host.sink.clear()
        self.relay.clear()

    def close(self) -> None:
        """Stop what was started for this story."""
        if self.serving is not None:
            self.serving.terminate()
            self.serving.wait(10)

    # the clock and Locum's processes

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def move_to(self, at: datetime) -> None:
        self._ahead = at - datetime.now(UTC)
        self.host.set_clock(at)

    def today(self) -> date:
        return self.now().date()

    def environment(self) -> dict[str, str]:
        moved = str(Path(locum.demo.__file__).with_name("moved_clock"))
        paths = os.pathsep.join(filter(None, [moved, os.environ.get("PYTHONPATH")]))
        ours = {"LOCUM_CONFIG": str(self.folder / "locum.toml"), "TZ": "UTC", "LANG": "C.UTF-8", "PYTHONPATH": paths}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin", "/sbin"])
        return self.host.environment() | ours | {"PATH": path, "HOME": str(self.folder)}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen([_locum(), *arguments], env=self.environment(), stdout=log, stderr=log)

    def work(self) -> None:
        """A worker does what is due, and is told to stop."""
        store = Store(f"sqlite:///{self.folder}/locum.db", self.now)
        while self._is_due(store):
            process = self.start("worker")
            until = time.monotonic() + 60
            while self._is_due(store) and time.monotonic() < until:
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            if process.wait(60) or time.monotonic() > until:
                raise Untrue(f"the worker does not come to an end: {(self.folder / 'worker.log').read_text()[-2000:]}")
        store.close()

    def _is_due(self, store: Store) -> bool:
        at = store.next_due()
        return at is not None and at <= self.now() + _SOON

    # what happens in a story

    def play(self, step: Step) -> None:
        """One step. Raises Untrue."""
        if step.word == "$":
            self._command(step)
            return
        first, _, more = step.word.partition(" ")
        act = getattr(self, f"_{more.replace(' ', '_') or first}", None)
        if act is None:
            raise Untrue(f"no such step: {step.word}")
        act(first if more else "", step)

    def _command(self, step: Step) -> None:
        command = words(step.rest, self.today(), self.cases)
        done = subprocess.run(
            [_locum(), *command], env=self.environment(), capture_output=True, text=True, check=False, cwd=self.folder
        )
        said = done.stdout + done.stderr
        self.cases += [case for case in dict.fromkeys(_CASE.findall(said)) if case not in self.cases]
        if done.returncode != step.code:
            raise Untrue(f"exit code {done.returncode} instead of {step.code}:\n{said}")
        self._see(step, said)

    def _see(self, step: Step, said: str) -> None:
        lines = tuple(named(line, self.cases) for line in step.lines)
        if line := missing(lines, said):
            raise Untrue(f"not said: {line}\n\n{said}")

    def _clock(self, _who: str, step: Step) -> None:
        number, unit = step.rest.lstrip("+").split()
        self.move_to(self.now() + timedelta(**{unit if unit.endswith("s") else f"{unit}s": int(number)}))
        self.work()

    def _policy(self, _who: str, step: Step) -> None:
        path, _, value = step.rest.partition(" = ")
        shown: object = value if path.endswith("_on") else json.loads(value)
        policy = self.folder / "policy.toml"
        policy.write_text(written({path: shown}, policy.read_text()))

    def _people(self, _who: str, step: Step) -> None:
        """`people: anna,...` replaces a person's row."""
        who = step.rest.partition(",")[0]
        rows = (self.folder / "people.csv").read_text().splitlines()
        rows = [row for row in rows if row.partition(",")[0] != who] + [step.rest]
        (self.folder / "people.csv").write_text("\n".join(rows) + "\n")

    def _file(self, _who: str, step: Step) -> None:
        """`file: outside.txt` with what is in it."""
        file = self.folder / step.rest
        file.write_text("\n".join(step.lines) + "\n")
        file.chmod(0o600)  # it may be a secret

    def _settings(self, _who: str, step: Step) -> None:
        file = self.folder / "locum.toml"
        if not step.rest:
            file.write_text("\n".join([file.read_text(), *step.lines, ""]))
            return
        before, _, after = step.rest.partition(" becomes ")
        if before not in file.read_text():
            raise Untrue(f"not in the settings: {before}")
        file.write_text(file.read_text().replace(before, after))

    # letters, and the pages behind their links

    def _letters(self, who: str) -> list[str]:
        found = [message.mail for message in self.relay.messages if any(who in to for to in message.recipients)]
        bodies = [(mail, mail.get_body(("plain",))) for mail in found]
        return [f"{mail['Subject']}\n{body.get_content()}" for mail, body in bodies if body is not None]

    def _reads(self, who: str, step: Step) -> None:
        """`anna@home.test reads: ...`: the newest letter there that says so."""
        wanted = (step.rest, *step.lines) if step.rest else step.lines
        lines = tuple(named(line, self.cases) for line in wanted)
        letters = self._letters(who)
        if not any(not missing(lines, letter) for letter in letters):
            told = letters[-1] if letters else "(nothing)"
            raise Untrue(f"{who} does not read: {missing(lines, told)}\nThe newest letter is:\n{told}")

    def _gets_no_letter(self, who: str, _step: Step) -> None:
        if letters := self._letters(who):
            raise Untrue(f"{who} got a letter:\n{letters[-1]}")

    def _presses(self, who: str, step: Step) -> None:
        """`anna presses: object`: the button on the page behind the newest link that she got."""
        links = [link for letter in self._letters(who) for link in re.findall(r"http\S+/l/\S+", letter)]
        if not links:
            raise Untrue(f"{who} got no link")
        self._serve()
        page = _get(links[-1])
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        if f'value="{step.rest}"' not in page:
            raise Untrue(f"no such button: {step.rest}; there are {re.findall(r'value=.([a-z-]+).', page)}")
        told = _post(links[-1], {**hidden, "answer": step.rest})
        self._see(step, re.sub(r"<[^>]+>", " ", told))
        self.work()

    def _serve(self) -> None:
        if self.serving is None:
            self.serving = self.start("serve")
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                _get(f"http://127.0.0.1:{self.web_port}/")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise Untrue(f"the pages do not answer: {(self.folder / 'serve.log').read_text()[-2000:]}")

    # mail

    def _writes_to(self, who: str, step: Step) -> None:
        """`customer@else.test writes to: anna@corp.test`, and `nobody answers` or what the answer says."""
        before = len(self._answers(who))
        deliver(self.host, step.rest, who, subject=f"Question of {who}")
        silent = step.lines == ("nobody answers",)
        texts = self._until(lambda: self._answers(who)[before:], 2 if silent else 20)
        if silent and texts:
            raise Untrue(f"somebody answered:\n{texts[0]}")
        if not silent:
            self._see(step, texts[0] if texts else "(nobody answered)")

    def _answers(self, who: str) -> list[str]:
        mails = [message.mail for message in self.host.sink.messages if who in message.recipients]
        return [str(part.get_content()) for mail in mails if (part := mail.get_body(("plain",))) is not None]

    def _has_mail(self, who: str, step: Step) -> None:
        """`eva@corp.test has mail: ...`: a message in her mailbox that says so, as the server keeps it."""
        lines = (step.rest, *step.lines)
        if not self._until(lambda: any(not missing(lines, mail) for mail in self._mails(who)), 20):
            raise Untrue("no such mail; there is:\n" + "\n".join(self._mails(who)))

    def _has_no_mail(self, who: str, step: Step) -> None:
        time.sleep(2)
        if found := [mail for mail in self._mails(who) if step.rest in mail]:
            raise Untrue(f"there is such a mail:\n{found[0]}")

    def _mails(self, who: str) -> list[str]:
        files = self.host.home(who).glob("Maildir/**/new/*")
        return [file.read_text("utf-8", "replace") for file in files]

    def _until(self, found: Callable[[], T], seconds: float) -> T:
        """What is found, as soon as there is something; a host with a queue takes a moment."""
        until = time.monotonic() + (seconds if self.forwards else 0)
        while not (result := found()) and time.monotonic() < until:
            time.sleep(0.1)
        return result


def _locum() -> str:
    """The command as it was installed."""
    return str(Path(sys.executable).with_name("locum"))


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return str(answer.read().decode())


def _post(address: str, fields: dict[str, str]) -> str:
    origin = "://".join(urllib.parse.urlsplit(address)[:2])
    request = urllib.request.Request(address, urllib.parse.urlencode(fields).encode(), {"Origin": origin})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        raise Untrue(f"the page answers {error.code}: {error.read().decode()[:2000]}") from None
