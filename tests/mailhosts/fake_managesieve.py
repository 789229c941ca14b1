"""A small ManageSieve server (RFC 5804) for faults that no real server shows when asked to. It judges no Sieve.

`says` overrides what it answers to a verb (or to "greeting"): bytes as they are, or a function of the connection that
sends what it likes. `meanwhile` is called before a verb is obeyed: what she does at that very moment.
"""

import base64
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

LITERAL = re.compile(rb"\{(\d+)\+\}\r\n\Z")
QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')

Reply = bytes | Callable[["Connection"], None]


class Connection:
    """One client."""

    def __init__(self, server: "FakeManageSieve", sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.file = sock.makefile("rb")
        self.tls = False
        self.owner = ""

    def send(self, content: bytes) -> None:
        self.sock.sendall(content)

    def drip(self, content: bytes, pause: float) -> None:
        for place in range(len(content)):
            self.send(content[place : place + 1])
            time.sleep(pause)

    def command(self) -> tuple[str, list[bytes]]:
        line = self.file.readline()
        verb = line.split(None, 1)[0].decode().upper() if line.strip() else ""
        arguments = [re.sub(rb"\\(.)", rb"\1", one) for one in QUOTED.findall(line)]
        while literal := LITERAL.search(line):
            arguments.append(self.file.read(int(literal[1])))
            line = self.file.readline()
        return verb, arguments

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.file.detach()
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile("rb")
        self.tls = True


class FakeManageSieve:
    """Use as a context manager; `port` is where it listens. `scripts` and `active` are those of its one mailbox."""

    def __init__(
        self,
        *,
        scripts: Mapping[str, bytes] | None = None,
        active: str = "",
        tls: ssl.SSLContext | None = None,
        owner: str | None = None,
        password: bytes = b"service-only",
    ) -> None:
        self.scripts, self.active, self.tls, self.owner, self.password = (
            dict(scripts or {}),
            active,
            tls,
            owner,
            password,
        )
        self.says: dict[str, Reply] = {}
        self.meanwhile: Callable[[str, int], None] = lambda verb, count: None
        self.seen: list[str] = []
        self.messages: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(Connection(self, sock),), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            self._answer(connection, "greeting", [])
            while verb := (command := connection.command())[0]:
                self._answer(connection, verb, command[1])
                if verb == "LOGOUT":
                    break
        except (OSError, ValueError):
            pass
        finally:
            connection.sock.close()

    def _answer(self, connection: Connection, verb: str, arguments: list[bytes]) -> None:
        self.seen.append(verb)
        self.meanwhile(verb, self.seen.count(verb))
        said = self.says.get(verb)
        if callable(said):
            said(connection)
        elif said is not None:
            connection.send(said)
        elif verb in ("greeting", "CAPABILITY"):
            connection.send(self.capabilities(connection))
        elif verb == "STARTTLS" and self.tls is not None:
            connection.send(b"OK\r\n")
            connection.start_tls(self.tls)
            connection.send(self.capabilities(connection))
        elif verb == "AUTHENTICATE":
            self._authenticate(connection, arguments[1])
        else:
            connection.send(self._obey(verb, [one.decode("utf-8", "replace") for one in arguments], arguments))

    def _authenticate(self, connection: Connection, message: bytes) -> None:
        authorize, _, password = base64.b64decode(message).split(b"\0")
        self.messages.append(base64.b64decode(message))
        connection.owner = authorize.decode()
        connection.send(b"OK\r\n" if password == self.password else b'NO "Authentication failed."\r\n')

    def capabilities(self, connection: Connection) -> bytes:
        owner = self.owner if self.owner is not None else connection.owner
        lines = ['"IMPLEMENTATION" "Fake"', '"SASL" "PLAIN"', f'"SIEVE" "{SIEVE}"', '"VERSION" "1.0"']
        lines += ['"STARTTLS"'] if self.tls and not connection.tls else []
        lines += [f'"OWNER" "{owner}"'] if owner else []
        return "\r\n".join([*lines, "OK", ""]).encode()

    def _obey(self, verb: str, names: list[str], raw: list[bytes]) -> bytes:
        match verb:
            case "LISTSCRIPTS":
                rows = [f'"{name}"' + (" ACTIVE" if name == self.active else "") for name in self.scripts]
                return "\r\n".join([*rows, "OK", ""]).encode()
            case "GETSCRIPT" if names[0] in self.scripts:
                script = self.scripts[names[0]]
                return b"{%d}\r\n%s\r\nOK\r\n" % (len(script), script)
            case "SETACTIVE" if names[0] in ("", *self.scripts):
                self.active = names[0]
            case "PUTSCRIPT":
                self.scripts[names[0]] = raw[1]
            case "DELETESCRIPT" if names[0] in self.scripts:
                if self.active == names[0]:
                    return b"NO (ACTIVE)\r\n"
                del self.scripts[names[0]]
            case "CHECKSCRIPT" | "HAVESPACE" | "NOOP" | "LOGOUT":
                pass
            case "GETSCRIPT" | "SETACTIVE" | "DELETESCRIPT":
                return b'NO (NONEXISTENT) "There is no script by that name"\r\n'
            case _:
                return b'NO "unknown"\r\n'
        return b"OK\r\n"


SIEVE = (
    "fileinto reject envelope encoded-character vacation subaddress comparator-i;ascii-numeric relational regex imap4flags "
    "copy include variables body enotify environment mailbox date index ihave duplicate mime vacation-seconds"
)
