"""The works council of the demo: it runs a witness of the record, `locum witness`, a process of its own with files of its own.

The two keys change hands here, as docs/operate.md has it: the council's into the settings, the record's onto its command line.
"""

import subprocess
import sys
from pathlib import Path

from locum.demo.host import HostTrouble, free_port
from locum.errors import Garbled
from locum.signer import Signer
from locum.tlog import cosigned_at

NAME = "or.corp.test/witness"


class Council:
    """Its folder and its port; `words` is how the witness is started, `settings` what Locum's settings say of it."""

    def __init__(self, folder: Path, record_key: Path) -> None:
        """Makes its key, and the record's."""
        folder.mkdir(mode=0o700)
        self._files = ("--store", str(folder / "witness.db"), "--key", str(folder / "witness.key"))
        self._port = free_port()
        made = [sys.executable, "-m", "locum", "witness", *self._files, "--name", NAME, "--show-key"]
        ran = subprocess.run(made, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise HostTrouble(f"locum witness answered: {ran.stderr}")
        self.key = ran.stdout.strip()
        self._log_key = Signer(record_key, "corp.test/locum").vkey

    @property
    def words(self) -> tuple[str, ...]:
        """What follows `locum` on its command line."""
        return ("witness", *self._files, "--log", self._log_key, "--listen", f"127.0.0.1:{self._port}")

    def signed(self, note: bytes) -> bool:
        """Whether it has signed this checkpoint, by its key."""
        try:
            return bool(cosigned_at(note, self.key))
        except Garbled:
            return False

    @property
    def settings(self) -> str:
        """The table of the settings."""
        return f'[witness.council]\nurl = "http://127.0.0.1:{self._port}"\nkey = "{self.key}"\n'
