"""What tests ask of the real Dovecot besides locum.demo.host: messages to deliver, and scripts compiled and dumped."""

import itertools
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from locum.demo.host import Dovecot

MASTER = "locum"
MASTER_PASSWORD = "service-only"
PASSWORD = "secret"

_serial = itertools.count(1)


def letter(sender: str, recipient: str, subject: str = "Question", **headers: str) -> bytes:
    """A message as a person would send it. Header names are given with underscores: `List_Id="..."`."""
    given = {
        "From": f"<{sender}>",
        "To": f"<{recipient}>",
        "Subject": subject,
        "Message-ID": f"<{next(_serial)}@example.net>",
        "Date": "Mon, 05 Oct 2026 10:00:00 +0000",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\n" for name, value in given.items() if value)
    return f"{lines}\nCan you help me?\n".encode()


def compiled(host: Dovecot, scripts: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    """Compile all `scripts` (name to text) in `folder` with one sievec, and give back the dump of each that compiled."""
    for name, script in scripts.items():
        (folder / f"{name}.sieve").write_bytes(script)
    run(host, ["sievec", "-c", str(host.config_file), str(folder)])
    return {name: dumped(host, folder / f"{name}.svbin") for name in scripts if (folder / f"{name}.svbin").exists()}


def dumped(host: Dovecot, binary: Path) -> str:
    """What `sieve-dump` says about a binary."""
    return run(host, ["sieve-dump", "-c", str(host.config_file), str(binary), "-"]).stdout.decode("utf-8", "replace")


def run(host: Dovecot, command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run one of Pigeonhole's programs as the server would."""
    return subprocess.run(command, check=False, capture_output=True, env=host.environment())


def publish(host: Dovecot, mailbox: str, script: bytes, *, place: str = "before") -> None:
    """Put a script where Dovecot reads it. Only for mailboxes that had none: Dovecot runs a compiled script that is newer."""
    (host.published / place / f"{mailbox}.sieve").write_bytes(script)


def answers_at(host: Dovecot, script: bytes, at: datetime, zone: str) -> bool:
    """Whether `script` would answer klant@example.net at that instant on a server in `zone`, by sieve-test.

    `host` was started with clock=True; its own clock is not touched.
    """
    place, server, recipient = host.folder / "answers-at", host.folder / "answers-at.conf", "anna@corp.test"
    place.mkdir(exist_ok=True)
    (place / "clock").write_text(f"{at.timestamp():.0f}\n")
    (place / "locum.sieve").write_bytes(script)
    (place / "message").write_bytes(letter("klant@example.net", recipient))
    configuration = host.config_file.read_text().replace(f"TZ={host.time_zone}", f"TZ={zone}")
    server.write_text(configuration.replace(str(host.folder / "clock"), str(place / "clock")))
    command = ["sieve-test", "-c", str(server), "-u", recipient, "-f", "klant@example.net", "-r", recipient]
    environment = host.environment() | {"FAKETIME_TIMESTAMP_FILE": str(place / "clock"), "TZ": zone}
    files = [str(place / "locum.sieve"), str(place / "message")]
    done = subprocess.run([*command, "-a", recipient, *files], check=True, capture_output=True, env=environment)
    assert b"Performed actions" in done.stdout
    return b"send vacation message" in done.stdout
