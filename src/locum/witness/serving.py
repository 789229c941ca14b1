"""A witness on the network: POST /add-checkpoint and nothing else, with the standard library's own server.

What comes in is bounded in length, in time and in number. No address of a client is kept. It speaks TLS itself where it is
given a certificate; without one it belongs behind something that does, or on the machine of the log.
"""

import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from locum.errors import Invalid, LocumError, Unreachable
from locum.witness.judging import PLAIN, Answer, Tell, Witness

PATH = "/add-checkpoint"
LARGEST = 64 * 1024
_IDLE_SECONDS = 10
_LONGEST_SECONDS = 30
_AT_ONCE = 32
_NOT_FOUND = Answer(404, b"nothing is here\n")
_NO_LENGTH = Answer(411, b"say how long it is\n")
_TOO_LONG = Answer(413, b"too long\n")
_CANNOT = Answer(503, b"nothing can be written down now\n")


class Serving(ThreadingHTTPServer):
    """The server; `server_port` is where it listens. One thread for each connection, a few at once."""

    daemon_threads = True
    request_queue_size = _AT_ONCE

    def __init__(self, witness: Witness, listen: tuple[str, int], tls: ssl.SSLContext | None, tell: Tell) -> None:
        """Listens at once. Raises Unreachable(`witness-listen`)."""
        self.witness, self.tell = witness, tell
        self._open: dict[socket.socket, float] = {}
        self._lock = Lock()
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        try:
            super().__init__(listen, _Conversation)
        except OSError as error:
            raise Unreachable(
                "witness-listen", address=f"{listen[0]}:{listen[1]}", reason=error.strerror or ""
            ) from error
        if tls is not None:  # the handshake is the thread's own matter, and has its time limit
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 as the library has it
        """A few at once; whoever comes then is sent away."""
        with self._lock:
            if len(self._open) >= _AT_ONCE:
                return False
            self._open[request] = time.monotonic()
        return True

    def shutdown_request(self, request: Any) -> None:
        """One is over."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Twice a second: whoever takes too long is cut off, however slowly he goes on sending."""
        with self._lock:
            late = [one for one, since in self._open.items() if time.monotonic() - since > _LONGEST_SECONDS]
        for one in late:
            try:
                socket.socket.shutdown(one, socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no news, and no client's address is kept."""


class _Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "locum-witness", ""
    timeout = _IDLE_SECONDS
    server: Serving

    def do_POST(self) -> None:
        """The one thing that can be asked."""
        length = self.headers.get("Content-Length", "")
        if self.path != PATH:
            self._say(_NOT_FOUND, closing=True)
        elif not length.isdecimal() or "Transfer-Encoding" in self.headers:
            self._say(_NO_LENGTH, closing=True)
        elif len(length) > 9 or int(length) > LARGEST:
            self._say(_TOO_LONG, closing=True)
        elif len(body := self.rfile.read(int(length))) == int(length):
            self._say(self._judged(body))

    def _judged(self, body: bytes) -> Answer:
        try:
            return self.server.witness.add_checkpoint(body)
        except LocumError as error:
            self.server.tell("cannot", file=error.values.get("file", ""), reason=error.values.get("reason", ""))
            return _CANNOT

    def _say(self, answer: Answer, *, closing: bool = False) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if closing:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def send_error(self, code: int, *_words: Any) -> None:
        """What the server itself refuses: no page, only its number."""
        self._say(Answer(code, b"this is not asked of a witness\n", PLAIN), closing=True)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is the library's
        """What was asked is told by the witness; who asked, by nobody."""


def parse_listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:8341` or `[::1]:8341`. Raises Invalid(`witness-listen-address`)."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise Invalid("witness-listen-address", address=text)
    return host.removeprefix("[").removesuffix("]"), int(port)


def tls_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS with this certificate. Raises Invalid(`witness-certificate`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise Invalid("witness-certificate", file=certificate, reason=str(error)[:200]) from error
    return context


def serve(witness: Witness, listen: str, tls: ssl.SSLContext | None, tell: Tell) -> Serving:
    """The server, listening; `serve_forever` is the caller's."""
    return Serving(witness, parse_listen(listen), tls, tell)
