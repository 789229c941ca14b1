"""ManageSieve against a real Cyrus 3.10: authorization by proxyservers, OWNER, UNAUTHENTICATE, STARTTLS."""

import imaplib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from conformance import Answer, ConnectorConformance, wanted
from locum.absence import Mailbox
from locum.connectors.managesieve import ManageSieve
from locum.connectors.sieve_wire import Wire
from locum.errors import Rejected, Unsupported
from locum.measure import Standing, Wanted
from mailhosts.certificates import Certified, certified
from mailhosts.cyrus import Cyrus
from mailhosts.dovecot import letter
from mailhosts.owner import REAL, RULES, Owner

pytestmark = pytest.mark.slow

PASSWORD = "secret-of-hers"
PROXY_PASSWORD = "for-sieve-only"

_serial = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """The server and what the connector needs to know."""

    host: Cyrus
    certified: Certified
    secret_file: Path

    def connector(self, **changes: Any) -> ManageSieve:
        known: dict[str, Any] = {
            "name": "cyrus",
            "host": "127.0.0.1",
            "port": self.host.sieve_port,
            "user": "locum",
            "secret_file": self.secret_file,
            "ca_file": self.certified.authority,
            "imap_port": self.host.imap_port,
            "sample": "anna@corp.test",
            "local_queue": True,
        }
        return ManageSieve(**(known | changes))

    def owner(self, mailbox: Mailbox) -> Owner:
        return Owner(self.host.sieve_port, mailbox.address, PROXY_PASSWORD, login="locum")

    def new_mailbox(self) -> Mailbox:
        mailbox = Mailbox(address=f"hers{next(_serial)}@corp.test")
        self.host.create_mailbox(mailbox.address)
        return mailbox

    def deliver(self, mailbox: Mailbox, sender: str = "klant@example.net") -> EmailMessage | None:
        """Deliver a message, and give back the automatic reply to it."""
        self.host.sink.clear()
        self.host.deliver(sender, mailbox.address, letter(sender, mailbox.address))
        return next((kept.mail for kept in self.host.sink.messages if not kept.sender), None)


@pytest.fixture(scope="module")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cyrus")
    (folder / "secret").write_text(PROXY_PASSWORD)
    (folder / "secret").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def place(secrets_folder: Path) -> Iterator[Place]:
    made = certified(secrets_folder)
    users, proxies = {"anna@corp.test": PASSWORD}, {"locum": PROXY_PASSWORD}
    with Cyrus(users=users, proxies=proxies, certificate=made.certificate, key=made.key) as host:
        yield Place(host, made, secrets_folder / "secret")


class TestManageSieveOnCyrus(ConnectorConformance):
    system = "`managesieve` on Cyrus"

    @pytest.fixture
    def connector(self, place: Place) -> ManageSieve:
        return place.connector()

    @pytest.fixture
    def mailbox(self, place: Place) -> Mailbox:
        made = place.new_mailbox()
        place.owner(made).has({"main": REAL, "rules": RULES}, "main")
        return made

    @pytest.fixture
    def another_mailbox(self, place: Place) -> Mailbox:
        return place.new_mailbox()

    @pytest.fixture
    def snapshot(self, place: Place) -> Callable[[Mailbox], object]:
        return lambda mailbox: place.owner(mailbox).shelf()

    @pytest.fixture
    def owner_changes(self, place: Place) -> Callable[[Mailbox], None]:
        days = itertools.count(3)
        return lambda mailbox: place.owner(mailbox).replies(next(days))

    @pytest.fixture
    def answer(self, place: Place, mailbox: Mailbox) -> Answer:
        return lambda sender: place.deliver(mailbox, sender)

    @pytest.fixture
    def secrets(self) -> tuple[str, ...]:
        return (PROXY_PASSWORD,)


@pytest.fixture
def mailbox(place: Place) -> Mailbox:
    made = place.new_mailbox()
    place.owner(made).has({"main": REAL, "rules": RULES}, "main")
    return made


def holding(connector: ManageSieve) -> dict[str, bool | None]:
    return {finding.key: finding.holds for finding in connector.check()}


def test_check_shows_by_trying_that_imap_refuses_a_proxy_that_is_one_for_managesieve_alone(place: Place) -> None:
    connector = place.connector()
    assert holding(connector) == {
        "managesieve.reaches": True,
        "managesieve.tls": True,
        "managesieve.extensions": True,
        "managesieve.login": True,
        "managesieve.owner": True,
        "managesieve.imap-refuses": True,
        "managesieve.redirects": None,
        "access.not-given": None,
    }
    assert not connector.can.reads_mail


def test_check_tells_that_a_proxy_as_cyrus_documents_it_reads_mail(secrets_folder: Path, tmp_path: Path) -> None:
    users, proxies = {"anna@corp.test": PASSWORD}, {"locum": PROXY_PASSWORD}
    with Cyrus(users=users, proxies=proxies, proxies_everywhere=True) as host:
        there = Place(host, certified(tmp_path), secrets_folder / "secret").connector(tls="none")
        assert (holding(there)["managesieve.imap-lets-in"], there.can.reads_mail) == (False, True)


def test_before_it_is_tried_a_cyrus_is_taken_to_let_the_login_read_mail(place: Place) -> None:
    connector = place.connector()
    connector.read(Mailbox(address="anna@corp.test"))
    assert connector.can.reads_mail


def test_many_mailboxes_go_over_four_connections(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    mailboxes = [place.new_mailbox() for _ in range(12)]
    opened = []
    connect = ManageSieve.connect

    def counted(self: ManageSieve) -> Wire:
        opened.append(1)
        return connect(self)

    monkeypatch.setattr(ManageSieve, "connect", counted)
    connector = place.connector()
    found = connector.read_many(mailboxes)
    items = [(m, wanted(m), s) for m, s in zip(mailboxes, found, strict=True) if isinstance(s, Standing)]
    written = connector.write_many(items)
    assert ([isinstance(s, Standing) and s.active for s in written], len(opened)) == ([True] * 12, 8)


def test_a_mailbox_that_does_not_exist_has_nothing_to_write_to(place: Place) -> None:
    connector, mailbox = place.connector(), Mailbox(address="nobody@corp.test")
    with pytest.raises((Rejected, Unsupported)):
        connector.write(mailbox, wanted(mailbox), connector.read(mailbox))


def test_a_script_that_is_larger_than_the_server_allows_is_refused(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector()
    before = connector.read(mailbox)
    with pytest.raises(Unsupported, match="managesieve-too-large"):
        connector.write(mailbox, wanted(mailbox, text_body="a long story\n" * 4000), before)
    assert connector.read(mailbox) == before


def test_her_rules_go_on_beside_ours(place: Place) -> None:
    mailbox, connector = place.new_mailbox(), place.connector()
    place.owner(mailbox).has(
        {"main": b'require "fileinto"; fileinto "INBOX"; redirect "elders@example.org"; stop;'}, "main"
    )
    connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
    reply = place.deliver(mailbox)
    redirected = [kept.recipients for kept in place.host.sink.messages if kept.sender]
    assert (reply is not None, redirected) == (True, [("elders@example.org",)])


def test_at_our_end_hers_runs_again(place: Place, mailbox: Mailbox) -> None:
    connector = place.connector()
    found = connector.read(mailbox).found
    written = connector.write(mailbox, wanted(mailbox), connector.read(mailbox))
    connector.write(mailbox, Wanted(restore=found), written)
    assert place.owner(mailbox).shelf() == ("main", {"main": REAL, "rules": RULES})


def test_the_mailbox_is_never_logged_in_to(place: Place) -> None:
    client = imaplib.IMAP4("127.0.0.1", place.host.imap_port, timeout=20)
    with pytest.raises(imaplib.IMAP4.error):
        client.authenticate("PLAIN", lambda _: f"anna@corp.test\0locum\0{PROXY_PASSWORD}".encode())
    client.shutdown()
