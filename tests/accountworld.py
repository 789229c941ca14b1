"""A made-up organisation whose record comes out the same each time: clock, random bytes and keys are the test's. For accounts
that are checked, and for the published samples (tools/account-vectors).

Anna's mailbox has an auto-reply that was erased, a signed forward that ran, and a reply that is on; Mark's has one reply; with
Ivo's nothing was ever done. Random bytes and keys are chosen to be recognised; never use them.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.signedworld import SignedWorld

from locum.app import App
from locum.checkable import File
from locum.desk.checkable import checkable
from locum.erasing import Eraser
from locum.herkey import HerKey
from locum.ledger import Ledger
from locum.lifecycle import Case
from locum.store import Store
from locum.tlog import key_id

ORIGIN = "corp.test/locum"
SECRET = Ed25519PrivateKey.from_private_bytes(b"\x42" * 32)


def key_line() -> str:
    """The file of the key that signs checkpoints."""
    identity = key_id(ORIGIN, b"\x01" + SECRET.public_key().public_bytes_raw()).hex()
    secret = base64.b64encode(b"\x01" + SECRET.private_bytes_raw()).decode()
    return f"PRIVATE+KEY+{ORIGIN}+{identity}+{secret}\n"


@dataclass
class Drawn:
    """Random bytes that are none: the same ones in each run."""

    seed: str
    drawn: count = field(default_factory=count)

    def __call__(self, size: int) -> bytes:
        number = next(self.drawn)
        parts = (hashlib.sha256(f"{self.seed} {number} {at}".encode()).digest() for at in range(size // 32 + 1))
        return b"".join(parts)[:size]


@dataclass
class AccountWorld(SignedWorld):
    """As SignedWorld, the same each time."""

    draws: Drawn = field(default_factory=lambda: Drawn("desk"))
    stored: Drawn = field(default_factory=lambda: Drawn("store"))

    def wired(self) -> App:
        key = self.folder / "record.key"
        if not key.exists():
            key.write_text(key_line())
            key.chmod(0o600)
        made = super().wired()
        made.random = self.draws
        store = Store(made.settings.store.url, made.clock, self.stored)
        store.migrate()
        made.__dict__["store"] = store
        return made

    def enrolled(self, mailbox: str) -> HerKey:
        """Her key, which she takes from her own page now."""
        self.app.sign()
        return self.desk.handed.fetched(self.me(mailbox.partition("@")[0]), lambda _paper: b"")[0]

    def file(self, mailbox: str = "anna@corp.test") -> File:
        """The account as it stands."""
        self.app.publish()
        return File.load(checkable(self.desk.office, mailbox))

    def erase(self, case: Case) -> None:
        """As it is erased when its time is over."""
        ledger = Ledger(self.app.flat_file.folder / "erased")
        Eraser(self.app.store, ledger, self.app.clock).erase([case.id], "kept-long-enough")

    def replied(self, mailbox: str, **span: float) -> Case:
        """An automatic reply that was asked for, ran, and ended."""
        until = (self.now + timedelta(**span)).date().isoformat()
        case = self.request(mailbox=mailbox, reason="customer", until=until)
        self.work()
        self.later(days=3)
        self.now = case.to_date + timedelta(minutes=1)
        self.work()
        self.later(minutes=20)
        return self.now_of(case)

    def lived(self) -> None:
        """The story of the samples."""
        first = self.replied("anna@corp.test", days=7)
        self.replied("mark@corp.test", days=7)
        forward = self.live_forward(until=(self.now + timedelta(days=9)).date().isoformat())
        self.later(days=1)
        self.erase(first)
        self.now = forward.to_date + timedelta(minutes=1)
        self.work()
        self.later(minutes=20)
        self.request(reason="customer", until=(self.now + timedelta(days=9)).date().isoformat())
        self.work()
        self.later(days=4)
        self.app.sign()
