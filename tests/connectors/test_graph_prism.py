"""Our requests to Graph, judged by somebody else's program: Prism, over Microsoft's schema, on a port of its own.

It keeps no state, so nothing is read back here: it says of each request whether Microsoft's schema has it, and answers with
Microsoft's own examples of errors. It is fetched once, by npm, into the folder of the Python packages; where it cannot be had these
tests are skipped, and say so.
"""

import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from conformance import wanted
from graph_judge import SPEC
from locum.absence import Mailbox
from locum.connectors.graph import Graph
from locum.connectors.https_wire import Https, Reply
from locum.demo.host import free_port
from locum.errors import LocumError, Rejected, Unreachable
from mailhosts.graph import GraphHost, graph_host
from mailhosts.graph_client import Registered, registered
from schemas import schema

VERSION = "5.14.2"  # those after it want Node 24
FOLDER = Path(sys.prefix) / "others" / f"prism-{VERSION}"
ANNA = Mailbox(address="anna@corp.test")
pytestmark = pytest.mark.slow


def fetched() -> Path:
    """Prism's own program; the test is skipped where there is none to be had."""
    program = FOLDER / "node_modules" / ".bin" / "prism"
    if shutil.which("npm") is None:
        pytest.skip("Prism needs Node, and npm is not here")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            command = ["npm", "install", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", str(FOLDER)]
            ran = subprocess.run(
                [*command, f"@stoplight/prism-cli@{VERSION}"], capture_output=True, check=False, timeout=300
            )
            if ran.returncode != 0 or not program.exists():
                pytest.skip(f"Prism {VERSION} could not be fetched by npm")
    return program


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    spec, program, port = schema(SPEC), fetched(), free_port()
    command = [str(program), "mock", "-h", "127.0.0.1", "-p", str(port), "--errors", str(spec)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    until = time.monotonic() + 60
    for line in process.stdout:
        if "listening" in line:
            break
        assert time.monotonic() < until, line
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.stdout.close()
    process.wait(20)


class _Asking(Https):
    """Prism answers as `Prefer` says, and knows no /v1.0."""

    prefers = ""

    def send(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        asked = {**headers, "Prefer": self.prefers} if self.prefers else headers
        return super().send(method, url.replace("/v1.0/", "/"), content, asked)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GraphHost, Registered]]:
    app = registered(tmp_path_factory.mktemp("graph"))
    with graph_host([app.certificate]) as made:
        yield made, app


@pytest.fixture
def graph(prism: str, host: tuple[GraphHost, Registered]) -> Graph:
    """Tokens are the stub's, all else is asked of Prism."""
    entra, app = host
    entra.audience = prism
    made = app.connector(entra, graph_url=prism)
    made.wire._https = _Asking(connector="online", ca_file=None)
    return made


def answered(graph: Graph, prefers: str) -> LocumError | None:
    asking = graph.wire._https
    assert isinstance(asking, _Asking)
    asking.prefers = prefers
    call = graph.reading(ANNA)
    return graph.wire.error(graph.wire.ask_one(call), ANNA.address)


def test_prism_finds_nothing_wrong_with_what_is_asked_and_written(graph: Graph) -> None:
    before = graph.read(ANNA)
    written = graph.write(ANNA, wanted(ANNA, graph.can), before)
    assert (before.own_reply, written) == (False, before)  # it keeps nothing


def test_prism_finds_what_microsofts_schema_does_not_have(graph: Graph) -> None:
    wrong = graph._writing(ANNA, {"status": "enabled"})
    error = graph.wire.error(graph.wire.ask_one(wrong), ANNA.address)
    assert isinstance(error, Rejected)
    assert error.values["status"] == "422"


@pytest.mark.parametrize(
    ("prefers", "kind", "key"),
    [
        ("code=403", Rejected, "graph-not-allowed"),
        ("code=404, example=MailboxNotEnabledForRESTAPI", Rejected, "graph-not-online"),
        ("code=404, example=Request_ResourceNotFound", Rejected, "graph-no-mailbox"),
        ("code=429", Unreachable, "graph-throttled"),
    ],
)
def test_microsofts_own_examples_of_errors_are_understood(
    graph: Graph, prefers: str, kind: type[LocumError], key: str
) -> None:
    error = answered(graph, prefers)
    assert isinstance(error, kind)
    assert (error.key, error.values["seconds"]) == (key, "10" if kind is Unreachable else "0")


def test_prism_refuses_a_mail_read_as_check_asks_for_it_where_microsoft_would(graph: Graph) -> None:
    asking = graph.wire._https
    assert isinstance(asking, _Asking)
    asking.prefers = "code=403"
    found = {one.key: one.holds for one in graph.check(ANNA)}
    assert (found["graph.settings-refused"], found["graph.mail-not-proven"]) == (False, None)
