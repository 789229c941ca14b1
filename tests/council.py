"""An organisation whose record has a witness: the works council's, on a port of this machine. It can go away, come back, lose
its notebook or get an old one; and somebody who has stolen the record's key can bring it another history.
"""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.shelf import ForwardWorld

from locum.demo.host import free_port
from locum.signer import Signer
from locum.witness import Evidence, Witness, evidence_in
from logs import COUNCIL, Log, Told, listening, make_witness


@dataclass
class Council:
    """The witness, its folder and its port. `world` is the organisation whose clock it has."""

    folder: Path
    log: Log
    port: int = field(default_factory=free_port)
    told: Told = field(default_factory=Told)
    world: ForwardWorld | None = None
    _running: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.witness = self._opened()

    def _opened(self) -> Witness:
        now = lambda: self.world.now  # type: ignore[union-attr]  # noqa: E731
        return make_witness(self.folder, self.log, clock=now, tell=self.told, name=COUNCIL)

    @property
    def settings(self) -> str:
        return f'[witness.council]\nurl = "{self.url}"\nkey = "{self.witness.vkey}"\n'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def store(self) -> Path:
        return self.folder / "witness.db"

    def comes(self) -> None:
        self.witness = self._opened()
        self._running.enter_context(listening(self.witness, f"127.0.0.1:{self.port}"))

    def goes(self) -> None:
        self._running.close()

    def copied(self) -> Path:
        """An old copy of its notebook."""
        return Path(shutil.copy(self.store, self.folder / "old.db"))

    def put_back(self, copy: Path) -> None:
        """Its administrator puts an old copy back."""
        self.goes()
        shutil.copy(copy, self.store)
        self.comes()

    def evidence(self) -> list[Evidence]:
        return [one for _, one in evidence_in(self.store)]


def council_of(folder: Path) -> Council:
    """The witness of an organisation in this folder, whose key is made for it."""
    signer = Signer(folder / "record.key", "corp.test/locum")
    assert signer.vkey
    return Council(folder / "council", Log(signer))
