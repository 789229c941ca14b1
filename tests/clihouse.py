"""An organisation in a folder, and the command line in it: in this process where that says the same, or as its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from locum.cli import main
from locum.demo.sink import Sink

PEOPLE = """\
person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on
anna,Anna de Vries,anna@corp.test,a.devries@corp.test,nl,Europe/Amsterdam,sales,carla,anna@home.test,,2026-01-05
bob,Bob Smit,bob@corp.test,,nl,Europe/Amsterdam,it,carla,,,
carla,Carla Jansen,carla@corp.test,,en,Europe/Amsterdam,manager,,,,
dirk,Dirk Bakker,dirk@corp.test,,nl,Europe/Amsterdam,hr,,,,
"""
SETTINGS = """\
[organisation]
name = "Voorbeeld BV"
domains = ["corp.test"]
language = "en"
[people]
csv = "people.csv"
[policy]
file = "policy.toml"
[mail]
relay = "smtp://127.0.0.1:{relay}"
[worker]
lease_seconds = 2
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "sieve"
"""
POLICY = """\
[auto-reply]
reasons = ["forgotten", "customer", "closing"]
free_text = "allowed"
batch_review_above = 1000
[auto-reply.ask]
channels = ["mobile", "private_mail", "mailbox"]
wait_hours = {wait_hours}
[auto-reply.review]
count = {count}
functions = ["manager", "hr"]
"""

WHY = ("--reason", "forgotten", "--because", "Customers are waiting.")
ASK = ("request", "auto-reply", "anna@corp.test", *WHY)


def day(ahead: int) -> str:
    """The date so many days from now."""
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


SOON = ("--until", day(20), "--as", "bob")
LATER = ("--from", day(10), *SOON)


@dataclass
class Ran:
    """What a run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class House:
    """An organisation in a folder, and the command line in it."""

    folder: Path
    sink: Sink
    capture: pytest.CaptureFixture[str] | None = None

    def __post_init__(self) -> None:
        self.write("people.csv", PEOPLE)
        self.write("locum.toml", SETTINGS.format(relay=self.sink.port))
        self.policy()
        for place in ("before", "after"):
            (self.folder / "sieve" / place).mkdir(parents=True)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    def policy(self, more: str = "", *, wait_hours: int = 0, count: int = 0) -> None:
        self.write("policy.toml", POLICY.format(wait_hours=wait_hours, count=count) + more)

    def settings(self, more: str) -> None:
        self.write("locum.toml", more + SETTINGS.format(relay=self.sink.port))

    def __call__(self, *words: str) -> Ran:
        """Run a command in this process: what it says and gives is the same, and no second is lost."""
        assert self.capture is not None
        self.capture.readouterr()
        code = main(["--config", str(self.folder / "locum.toml"), *words])
        said = self.capture.readouterr()
        return Ran(code, said.out, said.err)

    def start(self, *words: str, user: str | None = None, **more: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        environment = {
            "LOCUM_CONFIG": str(self.folder / "locum.toml"),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "locum", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=environment, cwd="/", user=user, **{**pipes, **more})

    def run(self, *words: str, user: str | None = None, **more: Any) -> Ran:
        with self.start(*words, user=user, **more) as process:
            out, err = process.communicate(timeout=60)
        return Ran(process.returncode, out or "", err or "")

    def runs_as(self, user: str, **more: Any) -> bool:
        """Whether another user can run this checkout; one in a folder that is closed to others, as root's home is, it cannot."""
        try:
            return self.run("policy", "show", user=user, **more).code == 0
        except PermissionError:
            return False

    def case(self, *words: str) -> str:
        """File a request, and give back the case's name."""
        return str(self(*ASK, *SOON, "--json", *words).json["case"])

    def state(self, case: str) -> str:
        return str(self("show", case, "--json").json["state"])
