"""The world outside, for the demo and the tests: an SMTP server on loopback that keeps what it gets.

Standard library only (aiosmtpd is for development), one thread per client; knows nothing of Locum or of the servers.
"""

import socketserver
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as mail_policy
from typing import Self

LOOPBACK = "127.0.0.1"


class HostTrouble(RuntimeError):
    """A server did not start, or not in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the sink got it. `sender` is the envelope's, empty for `<>`."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes = field(repr=False)

    @property
    def mail(self) -> EmailMessage:
        """The message, parsed."""
        return BytesParser(policy=mail_policy).parsebytes(self.content)


class _Conversation(socketserver.StreamRequestHandler):
    """One SMTP client (RFC 5321, with 8BITMIME and SMTPUTF8)."""

    server: "_Listener"

    def handle(self) -> None:
        self.sender, self.recipients = "", list[str]()
        self.say("220 sink.invalid ESMTP")
        while line := self.rfile.readline(4096):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if not self.obey(verb.upper(), rest):
                return

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def obey(self, verb: str, rest: str) -> bool:
        sink = self.server.sink
        match verb:
            case "EHLO" | "LHLO":
                self.say("250-sink.invalid\r\n250-8BITMIME\r\n250 SMTPUTF8")
            case "HELO" | "RSET" | "NOOP":
                self.sender, self.recipients = "", []
                self.say("250 OK")
            case "MAIL":
                self.sender, self.recipients = _path(rest), []
                self.say("250 OK")
            case "RCPT":
                answer = sink.refusing_to.get(_path(rest), sink.refusing)
                self.say(answer or "250 OK")
                if not answer:
                    self.recipients.append(_path(rest))
            case "DATA":
                self.data()
            case "QUIT":
                self.say("221 bye")
                return False
            case _:
                self.say("500 unknown")
        return True

    def data(self) -> None:
        if not self.recipients:
            return self.say("503 no recipients")
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.sink.keep(Received(self.sender, tuple(self.recipients), b"".join(lines)))
        return self.say("250 kept")


def _path(rest: str) -> str:
    return rest.partition("<")[2].rpartition(">")[0]


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 200
    sink: "Sink"


class Sink:
    """The world outside: an SMTP server on a free loopback port that keeps what it gets.

    `messages` is all that came, oldest first. While `refusing` is set ("550 5.1.1 no such user", "451 4.3.0 later"),
    every recipient gets that answer; those in `refusing_to` get their own. Use as a context manager.
    """

    def __init__(self, port: int = 0) -> None:
        self.messages: list[Received] = []
        self.refusing = ""
        self.refusing_to: dict[str, str] = {}
        self._news = threading.Condition()
        self._listener = _Listener((LOOPBACK, port), _Conversation)
        self._listener.sink = self
        self.port = int(self._listener.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def keep(self, message: Received) -> None:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def clear(self) -> None:
        """Forget all messages and refuse nothing."""
        with self._news:
            self.messages.clear()
            self.refusing = ""
            self.refusing_to.clear()

    def wait_for(self, count: int, seconds: float = 10) -> list[Received]:
        """The messages, as soon as there are `count` of them. Raises HostTrouble when they do not come in time."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.messages) >= count, seconds):
                raise HostTrouble(f"{len(self.messages)} messages instead of {count} after {seconds} s")
            return list(self.messages)
