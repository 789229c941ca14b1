"""The relay: letters over real connections, its answers as receipts and errors, and no secret in any of them."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from locum.errors import Invalid, LocumError, Rejected, Unreachable
from test_letters import LETTER, LINK, free_port, parsed, post, secret_file

# the relay -----------------------------------------------------------------------------------------------------------


class Inbox:
    """What an aiosmtpd server does and keeps. `answers` come before 250, one for each message."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.sessions: set[int] = set()
        self.answers: list[str] = []
        self.rcpt = ""
        self.tls = False
        self.logins: list[bytes] = []

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self.rcpt:
            envelope.rcpt_tos.append(address)
        return self.rcpt or "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.sessions.add(id(session))
        self.tls = session.ssl is not None
        self.got.append((str(envelope.mail_from), envelope.rcpt_tos[0], envelope.content))
        return f"250 2.0.0 Ok: queued as Q{len(self.got)}"

    def login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append(data.password)
        return AuthResult(success=data.login == b"locum" and data.password == b"sesame", handled=False)


@contextlib.contextmanager
def serving(inbox: Inbox, port: int = 0, **more: object) -> Iterator[str]:
    options: dict[str, object] = {"hostname": "127.0.0.1", "port": port or free_port(), "enable_SMTPUTF8": True}
    controller = Controller(inbox, **(options | more))  # type: ignore[arg-type]
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def test_a_letter_arrives_and_the_receipt_is_the_relays_answer(inbox: Inbox) -> None:
    with serving(inbox) as relay:
        assert post(relay).send(LETTER) == "250 2.0.0 Ok: queued as Q1"
    sender, recipient, raw = inbox.got[0]
    assert (sender, recipient) == ("locum@corp.test", "anna@corp.test")
    body = parsed(raw).get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == post().render(LETTER)[1]


def test_a_mailbox_name_in_utf8_is_handed_over_as_such(inbox: Inbox) -> None:
    with serving(inbox) as relay:
        post(relay).send(replace(LETTER, address="zoë@corp.test"))
    assert inbox.got[0][1] == "zoë@corp.test"


def test_many_letters_from_many_threads_share_one_connection(inbox: Inbox) -> None:
    with serving(inbox) as relay:
        one = post(relay)
        with ThreadPoolExecutor(8) as pool:
            letters = [replace(LETTER, id=f"case.{number}", address=f"a{number}@corp.test") for number in range(200)]
            receipts = list(pool.map(one.send, letters))
        one.close()
    assert len(set(receipts)) == 200
    assert sorted(recipient for _, recipient, _ in inbox.got) == sorted(letter.address for letter in letters)
    assert len(inbox.sessions) == 1


def test_a_connection_that_went_stale_is_opened_anew(inbox: Inbox) -> None:
    port = free_port()
    with serving(inbox, port) as relay:
        one = post(relay)
        one.send(LETTER)
    with serving(inbox, port):
        one.send(LETTER)
        one.close()
    assert len(inbox.got) == 2


@pytest.mark.parametrize(
    ("answer", "error", "key"),
    [
        ("451 4.3.0 try later", Unreachable, "relay-later"),
        ("452 4.2.2 full", Unreachable, "relay-later"),
        ("550 5.7.1 no", Rejected, "relay-refused"),
        ("554 5.6.0 spam", Rejected, "relay-refused"),
    ],
)
@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_a_4xx_comes_back_later_and_a_5xx_is_final(
    inbox: Inbox, answer: str, error: type[LocumError], key: str, stage: str
) -> None:
    with serving(inbox) as relay:
        one = post(relay)
        if stage == "rcpt":
            inbox.rcpt = answer
        else:
            inbox.answers = [answer]
        with pytest.raises(error) as raised:
            one.send(LETTER)
        assert raised.value.key == key
        assert raised.value.values["answer"] == answer
        inbox.rcpt = ""
        assert one.send(LETTER).startswith("250")
        one.close()


def test_a_relay_that_quotes_the_link_does_not_bring_it_into_an_error_or_a_receipt(inbox: Inbox) -> None:
    inbox.answers = [f"554 5.7.1 blocked, see {LINK} in the message"]
    with serving(inbox) as relay:
        one = post(relay)
        with pytest.raises(Rejected) as raised:
            one.send(LETTER)
        inbox.answers = [f"250 took <{LINK}>"]
        receipt = one.send(LETTER)
        one.close()
    assert "k" * 40 not in str(raised.value) + receipt
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_nobody_at_the_other_end_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="relay-silent"):
        post(f"smtp://127.0.0.1:{free_port()}").send(LETTER)


@contextlib.contextmanager
def speaking(said: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server for faults only: says something to each connection and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=said, args=(connection,), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}"


def _silent(connection: socket.socket) -> None:
    time.sleep(5)
    connection.close()


def _busy(connection: socket.socket) -> None:
    connection.sendall(b"421 4.7.0 too many\r\n")
    connection.close()


def _closed(connection: socket.socket) -> None:
    connection.sendall(b"554 5.7.1 not you\r\n")
    time.sleep(1)
    connection.close()


def _gone(connection: socket.socket) -> None:
    connection.sendall(b"220 hello\r\n")
    connection.recv(99)
    connection.close()


def _nonsense(connection: socket.socket) -> None:
    connection.sendall(b"\x00\xff\r\n" * 3)
    connection.close()


@pytest.mark.parametrize(
    ("said", "error"),
    [(_silent, Unreachable), (_busy, Unreachable), (_gone, Unreachable), (_nonsense, Unreachable), (_closed, Rejected)],
)
def test_a_relay_at_fault_is_told_as_one_of_ours(
    said: Callable[[socket.socket], None], error: type[LocumError]
) -> None:
    with speaking(said) as relay, pytest.raises(error):
        post(relay, seconds=0.5).send(LETTER)


@pytest.mark.parametrize(
    "relay", ["http://x", "smtp://", "smtp://u:sesame@x:25", "smtp://x:99999", "smtp://[::1", "x", "smtp://x/y"]
)
def test_what_is_no_relay_is_said_at_once_without_any_password(relay: str) -> None:
    with pytest.raises(Invalid, match="relay-url") as raised:
        post(relay)
    assert "sesame" not in str(raised.value)


# TLS and signing in --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for relay.corp.test that signed itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.corp.test")])
    today = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), today, today + dt.timedelta(days=2)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("relay.corp.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "relay.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + signed.public_bytes(pem))
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names relay.corp.test and other.corp.test lead to this machine, as if it were another one."""
    real = socket.getaddrinfo

    def found(host: str, *rest: object, **more: object) -> object:
        return real("127.0.0.1" if str(host).endswith(".corp.test") else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def named(relay: str, host: str = "relay.corp.test", scheme: str = "smtp") -> str:
    return f"{scheme}://{host}:{relay.rpartition(':')[2]}"


@pytest.mark.usefixtures("elsewhere")
def test_over_the_network_a_letter_goes_encrypted_to_a_relay_whose_certificate_is_right(
    inbox: Inbox, tls: ssl.SSLContext, certificate: Path, tmp_path: Path
) -> None:
    with serving(inbox, tls_context=tls, authenticator=inbox.login) as relay:
        one = post(named(relay), ca_file=certificate, user="locum", secret_file=secret_file(tmp_path, "sesame\n"))
        one.send(LETTER)
        one.close()
    assert inbox.tls
    assert inbox.logins == [b"sesame"]


@pytest.mark.usefixtures("elsewhere")
def test_smtps_is_verified_too(inbox: Inbox, tls: ssl.SSLContext, certificate: Path) -> None:
    with serving(inbox, ssl_context=tls, hostname="127.0.0.1") as relay:
        one = post(named(relay, scheme="smtps"), ca_file=certificate)
        one.send(LETTER)
        one.close()
        with pytest.raises(Rejected, match="relay-certificate"):
            post(named(relay, scheme="smtps")).send(LETTER)
    assert len(inbox.got) == 1


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("host", ["relay.corp.test", "other.corp.test"])
def test_a_certificate_nobody_vouches_for_or_for_another_name_is_refused(
    inbox: Inbox, tls: ssl.SSLContext, certificate: Path, host: str
) -> None:
    trusted = certificate if host == "other.corp.test" else None
    with serving(inbox, tls_context=tls) as relay, pytest.raises(Rejected, match="relay-certificate"):
        post(named(relay, host), ca_file=trusted).send(LETTER)
    assert inbox.got == []


@pytest.mark.usefixtures("elsewhere")
def test_without_encryption_nothing_crosses_the_network(inbox: Inbox, tmp_path: Path) -> None:
    with (
        serving(inbox, authenticator=inbox.login, auth_require_tls=False) as relay,
        pytest.raises(Rejected, match="relay-no-tls"),
    ):
        post(named(relay), user="locum", secret_file=secret_file(tmp_path, "sesame")).send(LETTER)
    assert inbox.got == []
    assert inbox.logins == []


def test_a_wrong_secret_is_rejected_and_told_to_nobody(inbox: Inbox, tmp_path: Path) -> None:
    file = secret_file(tmp_path, "wrong-sesame")
    with (
        serving(inbox, authenticator=inbox.login, auth_require_tls=False) as relay,
        pytest.raises(Rejected, match="relay-credential") as raised,
    ):
        post(relay, user="locum", secret_file=file).send(LETTER)
    assert inbox.logins == [b"wrong-sesame"]
    assert "sesame" not in repr(raised.value) + str(raised.value)


def test_a_secret_that_others_may_read_is_not_used(inbox: Inbox, tmp_path: Path) -> None:
    file = secret_file(tmp_path, "sesame", 0o644)
    with (
        serving(inbox, authenticator=inbox.login, auth_require_tls=False) as relay,
        pytest.raises(Rejected, match="secret-open-to-others"),
    ):
        post(relay, user="locum", secret_file=file).send(LETTER)
    assert inbox.logins == []


def test_a_secret_file_that_is_not_there_yet_is_worth_another_try(inbox: Inbox, tmp_path: Path) -> None:
    with serving(inbox) as relay, pytest.raises(Unreachable, match="secret-missing"):
        post(relay, user="locum", secret_file=tmp_path / "none").send(LETTER)
