"""ManageSieve on the wire (RFC 5804): one connection, blocking, verified TLS, bounded in time and size.

What lives here: bytes to answers and back. What must not: anything about auto-replies, mailboxes or the desk.
Secrets pass through `authenticate` and are kept nowhere; no error holds what a server or a script said, since
that may quote either. Not a connector: managesieve.py is.
"""

import base64
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from locum.errors import Garbled, Rejected, Unreachable

LINE_MAX = 65_536
LITERAL_MAX = 4 * 1024 * 1024  # scripts end at 1 MiB in Pigeonhole
ANSWER_MAX = 2 * LITERAL_MAX
ROWS_MAX = 5_000

# Pipelined commands are answered in several small packets; Dovecot sends the second only when the first was
# acknowledged (Nagle), and Linux would wait 40 ms with that. The option wears off, so it is set before each read.
QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)

Token = bytes | str  # a string is bytes, an atom or a parenthesis is str
Row = tuple[Token, ...]

_TOKEN = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"|\{(\d{1,10})\+?\}\Z|([()])|([^\s()"{}\\]+)')
_CODE = re.compile(r"[A-Z0-9/_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered to one command. `code` is the response code's name (RFC 5804 1.3), e.g. QUOTA/MAXSIZE."""

    ok: bool
    code: str = ""
    rows: tuple[Row, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """The names of all scripts of a mailbox, and of the active one ("" where none is)."""

    names: tuple[str, ...]
    active: str


def command(verb: str, *arguments: bytes | int) -> bytes:
    """One command as it goes over the wire."""
    return b" ".join([verb.encode("ascii"), *(_argument(one) for one in arguments)]) + b"\r\n"


def _argument(value: bytes | int) -> bytes:
    if isinstance(value, int):
        return b"%d" % value
    if len(value) > 1000 or any(octet < 0x20 or octet == 0x7F for octet in value):  # RFC 5804 1.2: quoted up to 1024
        return b"{%d+}\r\n%s" % (len(value), value)
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


class Wire:
    """One connection to a ManageSieve server. Any method may raise Unreachable, Rejected or Garbled; then only `close` is left."""

    def __init__(self, host: str, port: int, *, connect_seconds: float = 5, answer_seconds: float = 20) -> None:
        """Connect and read the greeting."""
        self.host, self.port = host, port
        self.capabilities: dict[str, str] = {}
        self.secure = False
        self._answer_seconds = answer_seconds
        self._buffer = bytearray()
        try:
            self._socket = socket.create_connection((host, port), connect_seconds)
        except OSError as error:
            raise Unreachable("managesieve-unreachable", host=host, port=port) from error
        self._until = time.monotonic() + answer_seconds
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._learn(self._answer())
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Wire({self.host!r}, {self.port})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def peer(self) -> str:
        """The address at the other end."""
        return str(self._socket.getpeername()[0])

    def close(self) -> None:
        """Leave, without waiting for a goodbye."""
        with suppress(OSError):
            self._socket.settimeout(0.5)
            self._socket.sendall(b"LOGOUT\r\n")
        with suppress(OSError):
            self._socket.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS (RFC 5804 2.2). What was learnt before is forgotten; bytes that came before TLS are an error."""
        if "STARTTLS" not in self.capabilities:
            raise Rejected("managesieve-no-tls", host=self.host, port=self.port)
        if not self.run(command("STARTTLS"))[0].ok:
            raise Rejected("managesieve-no-tls", host=self.host, port=self.port)
        if self._buffer:  # somebody spoke in between: whatever it is, it was not protected (CVE-2011-0411 and its kin)
            raise self._garbled("injected")
        try:
            self._socket.settimeout(self._left())
            self._socket = context.wrap_socket(self._socket, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raise Rejected("managesieve-certificate", host=self.host, why=error.verify_message) from error
        except ssl.SSLError as error:
            raise self._garbled("tls") from error
        except OSError as error:
            raise self._silent() from error
        self.secure = True
        self._learn(self._answer())

    def authenticate(self, user: str, secret: bytes, authorize: str = "") -> None:
        """SASL PLAIN (RFC 4616) as `user`, to act as `authorize`. Raises Rejected on NO, Unreachable on TRYLATER."""
        if "PLAIN" not in self.capabilities.get("SASL", "").upper().split():
            raise Rejected("managesieve-no-plain", host=self.host, port=self.port)
        message = b"\0".join((authorize.encode(), user.encode(), secret))
        answer = self.run(command("AUTHENTICATE", b"PLAIN", base64.b64encode(message)))[0]
        if answer.code == "TRYLATER":
            raise Unreachable("managesieve-later", host=self.host)
        if not answer.ok:
            raise Rejected("managesieve-login-refused", host=self.host, user=user, mailbox=authorize or "-")

    def unauthenticate(self) -> bool:
        """Go back to before authentication, where the server offers it (RFC 5804 2.14.1). Whether it did."""
        if "UNAUTHENTICATE" not in self.capabilities:
            return False
        done, capabilities = self.run(command("UNAUTHENTICATE"), command("CAPABILITY"))
        if done.ok:
            self.know(capabilities)
        return done.ok

    def run(self, *commands: bytes) -> list[Answer]:
        """Send the commands in one packet and read one answer for each, in order (RFC 5804 1.1: pipelining)."""
        self._until = time.monotonic() + self._answer_seconds
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(b"".join(commands))
        except OSError as error:
            raise self._silent() from error
        return [self._answer() for _ in commands]

    def know(self, answer: Answer) -> None:
        """Take in the answer to a CAPABILITY command."""
        if not answer.ok:
            raise self._garbled("capabilities")
        self._learn(answer)

    def _learn(self, answer: Answer) -> None:
        if not answer.ok:
            raise Unreachable("managesieve-later", host=self.host)
        found: dict[str, str] = {}
        for row in answer.rows:
            texts = [self._text(token) for token in row]
            found[texts[0].upper()] = texts[1] if len(texts) > 1 else ""
        self.capabilities = found

    def listing(self, answer: Answer) -> Listing:
        """Read the answer to LISTSCRIPTS (RFC 5804 2.7)."""
        if not answer.ok:
            raise Rejected("managesieve-no", command="LISTSCRIPTS", code=answer.code)
        names = tuple(self._text(row[0]) for row in answer.rows)
        active = [self._text(row[0]) for row in answer.rows if self._mark(row)]
        if len(active) > 1 or "" in names or len(set(names)) != len(names):
            raise self._garbled("scripts")
        return Listing(names, active[0] if active else "")

    def _mark(self, row: Row) -> bool:
        marks = row[1:]
        if marks and not (len(marks) == 1 and isinstance(marks[0], str) and marks[0].upper() == "ACTIVE"):
            raise self._garbled("scripts")
        return bool(marks)

    def script(self, answer: Answer) -> bytes | None:
        """Read the answer to GETSCRIPT (RFC 5804 2.9); None where there is no such script."""
        if not answer.ok and answer.code == "NONEXISTENT":
            return None
        if not answer.ok:
            raise Rejected("managesieve-no", command="GETSCRIPT", code=answer.code)
        if len(answer.rows) != 1 or len(answer.rows[0]) != 1 or not isinstance(answer.rows[0][0], bytes):
            raise self._garbled("script")
        return answer.rows[0][0]

    def _answer(self) -> Answer:
        rows: list[Row] = []
        size = 0
        while True:
            row = self._row()
            if isinstance(row[0], str):
                return self._verdict(row, tuple(rows))
            rows.append(row)
            size += sum(len(token) for token in row)
            if len(rows) > ROWS_MAX or size > ANSWER_MAX:
                raise self._garbled("too-much")

    def _verdict(self, row: Row, rows: tuple[Row, ...]) -> Answer:
        word, code = str(row[0]).upper(), ""
        if len(row) > 2 and row[1] == "(" and isinstance(row[2], str):
            code = row[2].upper() if _CODE.fullmatch(row[2].upper()) else ""
        if word == "BYE":
            raise Unreachable("managesieve-bye", host=self.host, code=code or "-")
        if word not in ("OK", "NO"):
            raise self._garbled("word")
        return Answer(word == "OK", code, rows)

    def _row(self) -> Row:
        tokens: list[Token] = []
        while True:
            line, literal = self._line(), False
            place = 0
            while place < len(line):
                match = _TOKEN.match(line, place)
                if match is None:
                    raise self._garbled("line")
                if literal := match[2] is not None:
                    tokens.append(self._literal(int(match[2])))
                else:
                    tokens.append(_token(match))
                place = match.end() + (line[match.end() : match.end() + 1] == b" ")
            if not literal:
                break
        if not tokens:
            raise self._garbled("line")
        return tuple(tokens)

    def _literal(self, size: int) -> bytes:
        if size > LITERAL_MAX:
            raise self._garbled("too-much")
        while len(self._buffer) < size:
            self._more()
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _line(self) -> bytes:
        seen = 0
        while (end := self._buffer.find(b"\r\n", max(0, seen - 1))) < 0:
            seen = len(self._buffer)
            if seen > LINE_MAX:
                raise self._garbled("too-much")
            self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _more(self) -> None:
        try:
            self._socket.settimeout(self._left())
            if QUICK_ACK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)
            piece = self._socket.recv(65_536)
        except OSError as error:  # a time-out is one
            raise self._silent() from error
        if not piece:
            raise self._silent()
        self._buffer += piece

    def _left(self) -> float:
        """What is left for the whole answer: a server that drips an octet at a time does not hold us longer."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._silent()
        return left

    def _text(self, token: Token) -> str:
        try:
            if isinstance(token, bytes):
                return token.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._garbled("utf-8") from error
        raise self._garbled("line")

    def _silent(self) -> Unreachable:
        return Unreachable("managesieve-silent", host=self.host, port=self.port)

    def _garbled(self, what: str) -> Garbled:
        return Garbled("managesieve-garbled", host=self.host, port=self.port, what=what)


def _token(match: "re.Match[bytes]") -> Token:
    if match[1] is not None:
        return re.sub(rb"\\(.)", rb"\1", match[1])
    return (match[3] or match[4]).decode("ascii", "replace")
