"""The pages over the desk as locum.app wires it: the link in the letter that the relay got is the link that works."""

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from reading import press, text_of
from starlette.testclient import TestClient

from locum import app as wiring
from locum.desk import Acting, RequestForm
from locum.settings import load
from locum.web import make_app, open_socket

pytestmark = pytest.mark.slow

SETTINGS = """
[organisation]
name = "Voorbeeld BV"
domains = ["corp.test"]
[people]
csv = "people.csv"
[store]
url = "sqlite:///locum.db"
[mail]
relay = "smtp://127.0.0.1:{port}"
from = "locum@corp.test"
[web]
url = "https://locum.corp.test"
[record]
key_file = "record.key"
[connector.dovecot]
kind = "sieve_files"
mailboxes = ["@corp.test"]
directory = "sieve"
"""
PEOPLE = """person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on
anna,Anna de Vries,anna@corp.test,,nl,,,,,,
sam,Sam Jansen,sam@corp.test,,nl,,it,,,,
"""


class Relay:
    """Takes every letter."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        return "250 taken"


@pytest.fixture
def relay() -> Iterator[tuple[Relay, int]]:
    taking = Relay()
    with open_socket("127.0.0.1:0") as probe:
        port = probe.getsockname()[1]
    controller = Controller(taking, hostname="127.0.0.1", port=port)
    controller.start()
    yield taking, port
    controller.stop()


def test_the_link_in_the_letter_is_the_one_that_works(tmp_path: Path, relay: tuple[Relay, int]) -> None:
    taking, port = relay
    (tmp_path / "locum.toml").write_text(SETTINGS.format(port=port))
    (tmp_path / "people.csv").write_text(PEOPLE)
    for place in ("before", "after"):
        (tmp_path / "sieve" / place).mkdir(parents=True)
    app = wiring.build(load(tmp_path / "locum.toml"))
    soon = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    later = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    form = RequestForm(mailbox="anna@corp.test", reason="forgotten", because="Een klant belt.", from_=soon, until=later)
    case = app.desk.request(Acting(id="sam", name="Sam Jansen"), form)
    while taken := app.store.take("test", seconds=60):
        app.desk.run(taken)
    letter = message_from_bytes(taking.taken[0], policy=policy.default)
    body = letter.get_body(("plain",))
    assert body is not None
    token = re.findall(r"https://locum\.corp\.test/l/(\S+)", body.get_content())[0]
    with TestClient(make_app(app.desk, organisation="Voorbeeld BV"), follow_redirects=False) as browser:
        assert "Een klant belt." in text_of(browser.get(f"/l/{token}"))
        assert press(browser, token, "agree").status_code == 303
        assert "Dank je wel. Je bent akkoord." in text_of(browser.get(f"/l/{token}"))
    assert app.desk.case(case.id).answer == "agreed"


def test_an_answer_over_a_kept_connection_does_not_wait_for_an_acknowledgement() -> None:
    with open_socket("127.0.0.1:0") as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
