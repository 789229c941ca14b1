"""Published scripts on the real Dovecot: the conformance suite, and what else connectors.md asks of this connector."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from conformance import Answer, ConnectorConformance, Zoned
from locum.absence import Mailbox
from locum.connectors.sieve_files import SieveFiles
from locum.demo.host import Dovecot, Sink
from locum.seam import Connector
from mailhosts.dovecot import PASSWORD, letter

pytestmark = pytest.mark.slow

HER_FILTER = b'require "fileinto";\r\nif header :contains "Subject" "invoice" { fileinto "INBOX"; }\r\n'
HER_VACATION = b'require "vacation";\r\nvacation :days 7 "I set this myself.";\r\n'
SCRIPT = "{home}/.dovecot.sieve"
_serial = itertools.count(1)


def sieve_files(host: Dovecot, directory: Path | None = None, **options: object) -> SieveFiles:
    """A connector for `host` that looks at her script in this process."""
    given = {"script": SCRIPT, "dovecot_config": host.config_file} | options
    return SieveFiles(name="dovecot", directory=directory or host.published, **given)  # type: ignore[arg-type]


def set_script(host: Dovecot, user: str, script: bytes) -> None:
    """She uploads and activates a script of her own."""
    home = host.home(user)
    (home / "sieve").mkdir(parents=True, exist_ok=True)
    (home / "sieve" / "mine.sieve").write_bytes(script)
    active = home / ".dovecot.sieve"
    active.unlink(missing_ok=True)
    active.symlink_to("sieve/mine.sieve")
    for path in (home, *home.rglob("*")):
        shutil.chown(path, host.uid, host.gid) if not path.is_symlink() else None


def hers(host: Dovecot, user: str) -> dict[str, object]:
    """Every file in her home but what Dovecot compiles and remembers for itself."""
    home = host.home(user)
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if name.startswith((".locum-bin", ".dovecot.lda-dupes")) or name.endswith(".svbin") or path.is_dir():
            continue
        found[name] = path.readlink() if path.is_symlink() else (path.stat().st_mtime_ns, path.read_bytes())
    return found


class TestSieveFiles(ConnectorConformance):
    @pytest.fixture
    def connector(self, dovecot: Dovecot) -> Connector:
        return sieve_files(dovecot)

    @pytest.fixture
    def mailbox(self, dovecot: Dovecot, mailbox: str) -> Mailbox:
        set_script(dovecot, mailbox, HER_FILTER)
        return Mailbox(address=mailbox, name="Anna", aliases=(mailbox.replace("@", ".alias@"),))

    @pytest.fixture
    def another_mailbox(self, dovecot: Dovecot) -> Iterator[Mailbox]:
        address = f"other{next(_serial)}@corp.test"
        dovecot.add_user(address, PASSWORD)
        set_script(dovecot, address, HER_VACATION)
        yield Mailbox(address=address)
        (dovecot.published / "after" / f"{address}.sieve").unlink(missing_ok=True)

    @pytest.fixture
    def snapshot(self, dovecot: Dovecot) -> Callable[[Mailbox], object]:
        return lambda mailbox: hers(dovecot, mailbox.address)

    @pytest.fixture
    def owner_changes(self, dovecot: Dovecot) -> Callable[[Mailbox], None]:
        serial = itertools.count()
        return lambda mailbox: set_script(dovecot, mailbox.address, HER_VACATION + b"# %d\r\n" % next(serial))

    @pytest.fixture
    def answer(self, dovecot: Dovecot, sink: Sink, mailbox: Mailbox) -> Answer:
        def deliver(sender: str) -> EmailMessage | None:
            sink.clear()
            dovecot.deliver(sender, mailbox.address, letter(sender, mailbox.address))
            assert [message.recipients for message in sink.messages] in ([], [(sender,)])
            return sink.messages[0].mail if sink.messages else None

        return deliver

    @pytest.fixture(scope="class")
    def clocks(self) -> Iterator[dict[str, Dovecot]]:
        started: dict[str, Dovecot] = {}
        yield started
        for host in started.values():
            host.__exit__(None, None, None)

    @pytest.fixture
    def zoned(self, clocks: dict[str, Dovecot]) -> Zoned:
        @contextmanager
        def start(zone: str) -> Iterator[tuple[Connector, Mailbox, Callable[[datetime], bool]]]:
            address = f"anna{next(_serial)}@corp.test"
            if zone not in clocks:
                clocks[zone] = Dovecot(time_zone=zone, clock=True).__enter__()
            host = clocks[zone]
            host.add_user(address, PASSWORD)

            def answers(at: datetime) -> bool:
                host.freeze_clock(at)
                sender = f"klant{next(_serial)}@example.net"
                host.deliver(sender, address, letter(sender, address))
                return any(message.recipients == (sender,) for message in host.sink.messages)

            yield sieve_files(host, script=None), Mailbox(address=address), answers

        return start

    @pytest.fixture
    def troubled(self, dovecot: Dovecot, mailbox: Mailbox, tmp_path: Path) -> Callable[[str], Connector]:
        def make(trouble: str) -> Connector:
            folder = tmp_path / trouble
            for place in ("before", "after"):
                (folder / place).mkdir(parents=True)
            if trouble == "refusing":
                return sieve_files(dovecot, folder, publisher=["false"])
            if trouble == "garbled":
                (folder / "before" / f"{mailbox.address}.sieve").write_text("keep;\r\n")
                return sieve_files(dovecot, folder, dovecot_config=folder / "none")
            return sieve_files(dovecot, folder, dovecot_config=None)

        return make
