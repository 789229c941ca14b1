"""`locum init`: what is seen of a domain, and a first settings file that can be read as it stands."""

import json
import socket
import ssl
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.nameserver import nameserver

from locum.cli import main
from locum.discovery import Network, Sign, look
from locum.first_settings import Answers, System, compose, kinds
from locum.settings import kinds as known
from locum.settings import load

GIVEN = ("--name", "Voorbeeld BV", "--domain", "corp.test", "--system", "corp.test=managesieve", "--offline")


def answers(organisation: str = "Voorbeeld BV", language: str = "en", kind: str = "managesieve") -> Answers:
    system = System(kind=kind, name="mail", mailboxes=("@corp.test",), host="mail.corp.test", port=4190)
    return Answers(
        organisation=organisation,
        domains=("corp.test",),
        language=language,
        relay="smtp://127.0.0.1:25",
        url="https://locum.corp.test",
        data="/var/lib/locum/data",
        systems=(system,),
    )


# what is written


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("kind", kinds())
def test_what_is_written_is_read_without_a_mistake(kind: str, language: str, tmp_path: Path) -> None:
    (tmp_path / "locum.toml").write_text(compose(answers(language=language, kind=kind)))
    read = load(tmp_path / "locum.toml")
    assert [(name, table.kind) for name, table in read.connectors.items()] == [("mail", kind)]


def test_there_is_a_piece_for_each_kind_that_the_settings_know() -> None:
    assert set(kinds()) == set(known())


@given(name=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=80))
def test_whatever_the_organisation_is_called_stands_in_the_file_as_it_is(name: str) -> None:
    assert tomllib.loads(compose(answers(name)))["organisation"]["name"] == name


def test_the_comments_stand_under_each_other() -> None:
    places = {
        line.rindex("  # ") for line in compose(answers()).split("\n") if "  # " in line and not line.startswith("#")
    }
    assert places == {46}


# the command


def run(*words: str) -> int:
    return main(["--lang", "en", "init", *words])


def test_it_writes_settings_and_a_list_of_people_with_its_first_line(tmp_path: Path) -> None:
    code = run(*GIVEN, "--output", str(tmp_path / "locum.toml"))
    assert (code, load(tmp_path / "locum.toml").organisation.name, (tmp_path / "people.csv").read_text()[:19]) == (
        0,
        "Voorbeeld BV",
        "person,name,mailbox",
    )


def test_others_cannot_read_what_it_writes(tmp_path: Path) -> None:
    run(*GIVEN, "--output", str(tmp_path / "locum.toml"))
    assert {stat.S_IMODE(file.stat().st_mode) & 0o007 for file in tmp_path.iterdir()} == {0}


@pytest.mark.parametrize("name", ["locum.toml", "people.csv"])
def test_nothing_that_is_there_is_written_over(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    run(*GIVEN, "--output", str(tmp_path / "locum.toml"))
    assert (tmp_path / name).read_text() == "mine"


def test_as_json_it_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(*GIVEN, "--json", "--output", str(tmp_path / "locum.toml"))
    assert json.loads(capsys.readouterr().out)["systems"] == [
        {"name": "managesieve", "kind": "managesieve", "mailboxes": ["@corp.test"]}
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--domain", "corp.test"),
        ("--name", "Voorbeeld BV"),
        ("--name", "Voorbeeld BV", "--domain", "not a domain"),
        ("--name", "Voorbeeld BV", "--domain", "corp.test", "--system", "corp.test=telex"),
        ("--name", "Voorbeeld BV", "--domain", "corp.test", "--offline"),
    ],
)
def test_without_an_answer_and_nobody_to_ask_nothing_is_written(words: tuple[str, ...], tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "locum", "init", *words, "--output", tmp_path / "locum.toml"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr.count("Traceback"), list(tmp_path.iterdir())) == (2, 0, [])


# what is seen

ONLINE = {("corp.test", "MX"): ["10 corp-test.mail.protection.outlook.com."]}
WORKSPACE = {("corp.test", "MX"): ["1 smtp.google.com.", "5 alt1.aspmx.l.google.com."]}
LOOKALIKE = {("corp.test", "MX"): ["1 mail.notgoogle.com.", "2 google.com.else.test."]}
SIEVE = {("_sieve._tcp.corp.test", "SRV"): ["0 1 4190 sieve.corp.test."]}
NONE = {("_sieve._tcp.corp.test", "SRV"): ["0 0 0 ."]}


@pytest.mark.parametrize(
    ("records", "kinds_seen"),
    [
        (ONLINE, {"graph"}),
        ({("corp.test", "MX"): ["1 smtp.google.com."]}, {"gmail"}),
        (WORKSPACE, {"gmail"}),
        (LOOKALIKE, set()),
        (SIEVE, {"managesieve"}),
        (NONE, set()),
        ({}, set()),
    ],
)
def test_the_mail_system_is_seen_in_dns(records: dict[tuple[str, str], list[str]], kinds_seen: set[str]) -> None:
    with nameserver(records) as port:
        assert {sign.kind for sign in look("corp.test", Network(["127.0.0.1"], port))} == kinds_seen


class Jmap(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401 if self.path == "/.well-known/jmap" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def https(folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A web server on localhost that asks who is there, and a context that believes its certificate."""
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    what = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", *files, *what], check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = HTTPServer(("127.0.0.1", 0), Jmap)
    server.socket = served.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, ssl.create_default_context(cafile=folder / "cert.pem")
    server.shutdown()
    server.server_close()


def test_jmap_is_seen_where_dns_says_and_a_server_asks_who_is_there(tmp_path: Path) -> None:
    with (
        https(tmp_path) as (web, tls),
        nameserver({("_jmap._tcp.corp.test", "SRV"): [f"0 1 {web} localhost."]}) as port,
    ):
        assert Sign("jmap", "localhost", web, "srv") in look("corp.test", Network(["127.0.0.1"], port, tls))


def test_a_server_whose_certificate_does_not_verify_says_nothing(tmp_path: Path) -> None:
    with https(tmp_path) as (web, _):
        assert Network(["127.0.0.1"]).get(f"https://localhost:{web}/.well-known/jmap") is None


def test_a_server_that_is_asked_who_is_there_says_so(tmp_path: Path) -> None:
    with https(tmp_path) as (web, tls):
        said = Network(["127.0.0.1"], tls=tls).get(f"https://localhost:{web}/.well-known/jmap")
        assert said is not None
        assert said.status == 401


def test_a_server_that_speaks_first_is_heard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=lambda: door.accept()[0].sendall(b'"IMPLEMENTATION" "x"\r\n'), daemon=True).start()
        assert Network(["127.0.0.1"]).greeting("127.0.0.1", door.getsockname()[1]).startswith(b'"IMPLEMENTATION"')
