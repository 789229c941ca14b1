"""IMAP on the wire (RFC 9051 and 3501), as far as a search needs it: one connection, blocking, verified TLS, bounded in time and size.

What lives here: bytes to answers and back. There is no way to SELECT, to STORE, to COPY, MOVE, APPEND or EXPUNGE, and none to FETCH
without PEEK: a mailbox that is looked at through this file is as it was. What it says nothing of: what is looked for, and why.
Secrets pass through `authenticate` and are kept nowhere; no error holds what a server said, since that may quote mail.
Not a connector: imap.py is.
"""

import base64
import re
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

from locum.connectors.imap_answers import Folder, Opened, Row, hers_of, row_of, said_by_name
from locum.connectors.imap_terms import Literal, Part
from locum.connectors.imap_tokens import Attached, Token, Unreadable, attached_in, counted, path_of, tokens
from locum.errors import Garbled, Rejected, Unreachable

LINE_MAX: Final = 1_048_576
LITERAL_MAX: Final = 64 * 1024 * 1024
ANSWER_MAX: Final = 256 * 1024 * 1024

_LITERAL = re.compile(rb"\{(\d{1,10})\}\r\n\Z")


class BadCharset(Exception):
    """The server searches in no other charset than its own (RFC 3501 6.4.4)."""


class Wire:
    """One connection to an IMAP server. Any method may raise Unreachable, Rejected or Garbled; then only `close` is left."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        *,
        at_once: bool = False,
        connect_seconds: float = 5,
        answer_seconds: float = 60,
    ) -> None:
        """Connect and read the greeting. `tls` None: none at all; `at_once`: TLS from the first byte, else by STARTTLS."""
        self.host, self.port = host, port
        self._answer_seconds = answer_seconds
        self._buffer = bytearray()
        self._serial = 0
        try:
            self._socket = socket.create_connection((host, port), connect_seconds)
        except OSError as error:
            raise Unreachable("imap-unreachable", host=host, port=port) from error
        self._until = time.monotonic() + answer_seconds
        try:
            if tls is not None and at_once:
                self._wrap(tls)
            self._greeting()
            if tls is not None and not at_once:
                self._start_tls(tls)
        except BaseException:
            self.close()
            raise

    def _greeting(self) -> None:
        if not self._line().upper().startswith(b"* OK"):
            raise self._garbled("greeting")

    def __repr__(self) -> str:
        return f"Wire({self.host!r}, {self.port})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave. The goodbye is waited for a moment, so that the server has logged it when this returns."""
        with suppress(OSError, Unreachable, Garbled):
            self._until = time.monotonic() + 2
            self._send(b"ZZ LOGOUT\r\n")
            while not self._line().startswith(b"ZZ "):
                pass
        with suppress(OSError):
            self._socket.close()

    # who

    def authenticate(self, login: str, secret: bytes, authorize: str = "") -> None:
        """SASL PLAIN (RFC 4616) as `login`, to act as `authorize`. Raises Rejected where it is refused."""
        message = base64.b64encode(b"\0".join((authorize.encode(), login.encode(), secret)))
        tag = self._tag()
        self._send(tag + b" AUTHENTICATE PLAIN\r\n")
        if not self._line().startswith(b"+"):
            raise Rejected("imap-no-plain", host=self.host)
        self._send(message + b"\r\n")
        if not self._finish(tag, [])[0]:
            raise Rejected("imap-login-refused", host=self.host, mailbox=authorize or login)

    # where

    def folders(self, under: str = "") -> list[Folder]:
        """All folders that this identity may see and open, in the server's order. `under`: only those that are shown there, each with
        its path as its owner has it. Raises Rejected where there is none there: then nothing could be found, and that is no answer.
        """
        found = []
        for answer in self._asked([b"LIST", b'""', b'"*"'], b"LIST"):
            match answer:
                case [list() as attributes, delimiter, bytes() as name]:
                    is_open = not {b"\\NOSELECT", b"\\NONEXISTENT"} & {
                        one.upper() for one in attributes if isinstance(one, bytes)
                    }
                    if is_open and (path := hers_of(path_of(name, delimiter), under)) is not None:
                        found.append(Folder(name, path))
                case _:
                    raise self._garbled("list")
        if under and not found:
            raise Rejected("cyrus-no-mailbox", mailbox=under)
        return found

    def examine(self, folder: Folder) -> Opened | None:
        """Open a folder for reading only; None where it is not there, or not for us. Nothing in it becomes un-recent."""
        ok, answers = self._run([b"EXAMINE", _name(folder.name)])
        if not ok:
            return None
        messages, validity = 0, 0
        for line in answers:
            words = line.raw.upper().split()
            if len(words) == 3 and words[2] == b"EXISTS" and words[1].isdigit():
                messages = int(words[1])
            elif (found := re.search(rb"\[UIDVALIDITY (\d{1,10})\]", line.raw.upper())) is not None:
                validity = int(found[1])
        if not validity:
            raise self._garbled("uidvalidity")
        return Opened(validity, messages)

    # what

    def count(self, criteria: Sequence[Part]) -> int:
        """How many messages answer; nothing but the number crosses the wire (RFC 4731)."""
        return self._search(b"(COUNT)", criteria)[0]

    def search(self, criteria: Sequence[Part]) -> list[int]:
        """The UIDs of the messages that answer, in rising order."""
        count, found = self._search(b"(COUNT ALL)", criteria)
        if len(found) != count:  # what is said to be there and not named could be something that is left out
            raise self._garbled("esearch")
        return found

    def _search(self, asked: bytes, criteria: Sequence[Part]) -> tuple[int, list[int]]:
        # a long word is a literal too, and a server that knows US-ASCII alone can be asked about it
        beyond = any(isinstance(one, Literal) and not one.value.isascii() for one in criteria)
        charset = [b"CHARSET", b"UTF-8"] if beyond else []
        tag = self._tag()
        ok, answers = self._run(
            [b"UID", b"SEARCH", b"RETURN", asked, *charset, *criteria], tag, may_refuse_charset=True
        )
        if not ok:
            raise Rejected("imap-search-refused", host=self.host)
        try:
            for line in answers:
                if line.raw[:10].upper() == b"* ESEARCH " and f'(TAG "{tag.decode()}")'.encode() in line.raw:
                    return counted(tokens(line.raw[10:], line.literals))
        except Unreadable as error:
            raise self._garbled("esearch") from error
        raise self._garbled("no-esearch")

    def headers(self, uids: Sequence[int]) -> list[Row]:
        """Flags, the time of arrival, the size and the headers of these, as far as they are still there."""
        return list(self._fetch(uids, b"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"))

    def attached(self, uids: Sequence[int]) -> dict[int, list[Attached]]:
        """The messages and mail files that each of these holds, from the server's own reading of its structure."""
        found = {}
        for answer in self._asked([b"UID", b"FETCH", _numbers(uids), b"(UID BODYSTRUCTURE)"], b"FETCH", numbered=True):
            match answer:
                case [[*pairs]] if len(pairs) % 2 == 0:
                    said = said_by_name(pairs)
                    uid, structure = said.get(b"UID"), said.get(b"BODYSTRUCTURE")
                    if isinstance(uid, bytes) and uid.isdigit() and isinstance(structure, list):
                        found[int(uid)] = attached_in(structure)
                case _:
                    raise self._garbled("structure")
        return found

    def attached_headers(self, uid: int, part: str) -> bytes | None:
        """The headers of a message that is attached to another."""
        rows = list(self._fetch([uid], b"(UID BODY.PEEK[" + part.encode("ascii") + b".HEADER])"))
        return rows[0].content if rows else None

    def message(self, uid: int) -> bytes | None:
        """One message, whole; None where it is not there any more."""
        rows = list(self._fetch([uid], b"(UID BODY.PEEK[])"))
        return rows[0].content if len(rows) == 1 and rows[0].uid == uid else None

    def _fetch(self, uids: Sequence[int], what: bytes) -> Iterator[Row]:
        if not uids:
            return
        for answer in self._asked([b"UID", b"FETCH", _numbers(uids), what], b"FETCH", numbered=True):
            match answer:
                case [list() as pairs]:
                    row = self._read(pairs)
                    if row.uid in set(uids) and _holds_text(pairs):  # and not news of a flag that nobody asked for
                        yield row
                case _:
                    raise self._garbled("fetch")

    def _read(self, pairs: Sequence[Token]) -> Row:
        try:
            return row_of(pairs)
        except ValueError as error:
            raise self._garbled("fetch") from error

    # bytes

    def _asked(self, parts: Sequence[Part], name: bytes, *, numbered: bool = False) -> Iterator[list[Token]]:
        """Run a command, and give the untagged answers of this name as tokens. `numbered`: a number stands before the name."""
        ok, answers = self._run(parts)
        if not ok:
            raise Rejected("imap-refused", host=self.host)
        for line in answers:
            words = line.raw.split(b" ", 3 if numbered else 2)
            place = 2 if numbered else 1
            if len(words) > place + 0 and words[place].upper().rstrip() == name:
                try:
                    yield tokens(words[place + 1] if len(words) > place + 1 else b"", line.literals)
                except Unreadable as error:
                    raise self._garbled(name.decode().lower()) from error

    def _run(
        self, parts: Sequence[Part], tag: bytes = b"", *, may_refuse_charset: bool = False
    ) -> "tuple[bool, list[_Line]]":
        tag = tag or self._tag()
        line = tag
        for part in parts:
            if isinstance(part, bytes):
                line += b" " + part
                continue
            self._send(line + b" {%d}\r\n" % len(part.value))
            answer = self._line()
            if not answer.startswith(b"+"):
                return self._finish(tag, [], answer, may_refuse_charset=may_refuse_charset)
            line = part.value
        self._send(line + b"\r\n")
        return self._finish(tag, [], may_refuse_charset=may_refuse_charset)

    def _finish(
        self, tag: bytes, answers: "list[_Line]", first: bytes = b"", *, may_refuse_charset: bool = False
    ) -> "tuple[bool, list[_Line]]":
        """Read until the tagged answer. NO and BAD are both "no"; BYE ends it."""
        taken = 0
        while True:
            read = self._whole(first)
            first = b""
            taken += len(read.raw) + sum(map(len, read.literals))
            if taken > ANSWER_MAX:
                raise self._garbled("too-long")
            if read.raw.startswith(tag + b" "):
                said = read.raw[len(tag) + 1 :].upper()
                if said.startswith(b"NO [BADCHARSET") and may_refuse_charset:
                    raise BadCharset
                return said.startswith(b"OK"), answers
            if read.raw[:6].upper() == b"* BYE ":
                raise Unreachable("imap-ended", host=self.host, port=self.port)
            answers.append(read)

    def _whole(self, first: bytes = b"") -> "_Line":
        """One answer with its literals, each in its place marked as {n}."""
        raw, literals = first or self._line(), list[bytes]()
        while (found := _LITERAL.search(raw)) is not None:
            length = int(found[1])
            if length > LITERAL_MAX or len(raw) + sum(map(len, literals)) + length > ANSWER_MAX:
                raise self._garbled("too-long")
            literals.append(self._exactly(length))
            raw += self._line()
        return _Line(raw.replace(b"}\r\n", b"}"), tuple(literals))

    def _tag(self) -> bytes:
        self._until = time.monotonic() + self._answer_seconds
        self._serial += 1
        return b"L%d" % self._serial

    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(data)
        except OSError as error:
            raise self._silent() from error

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > LINE_MAX:
                raise self._garbled("line-too-long")
            self._more()
        line = bytes(self._buffer[: end + 2])
        del self._buffer[: end + 2]
        return line

    def _exactly(self, length: int) -> bytes:
        while len(self._buffer) < length:
            self._more()
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data

    def _more(self) -> None:
        try:
            self._socket.settimeout(self._left())
            data = self._socket.recv(262_144)
        except OSError as error:
            raise self._silent() from error
        if not data:
            raise Unreachable("imap-ended", host=self.host, port=self.port)
        self._buffer += data

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._silent()
        return left

    def _start_tls(self, context: ssl.SSLContext) -> None:
        if not self._run([b"STARTTLS"])[0]:
            raise Rejected("imap-no-tls", host=self.host, port=self.port)
        if self._buffer:  # somebody spoke in between: whatever it is, it was not protected (CVE-2011-0411 and its kin)
            raise self._garbled("injected")
        self._wrap(context)

    def _wrap(self, context: ssl.SSLContext) -> None:
        try:
            self._socket.settimeout(self._left())
            self._socket = context.wrap_socket(self._socket, server_hostname=self.host)
        except ssl.SSLCertVerificationError as error:
            raise Rejected("imap-certificate", host=self.host, why=error.verify_message) from error
        except ssl.SSLError as error:
            raise self._garbled("tls") from error
        except OSError as error:
            raise self._silent() from error

    def _silent(self) -> Unreachable:
        return Unreachable("imap-silent", host=self.host, port=self.port)

    def _garbled(self, what: str) -> Garbled:
        return Garbled("imap-garbled", host=self.host, what=what)


@dataclass(frozen=True, slots=True)
class _Line:
    raw: bytes = field(repr=False)
    literals: tuple[bytes, ...] = field(default=(), repr=False)


def _holds_text(pairs: Sequence[Token]) -> bool:
    return any(isinstance(name, bytes) and name.upper().startswith(b"BODY[") for name in pairs[::2])


def _numbers(uids: Sequence[int]) -> bytes:
    return b",".join(b"%d" % uid for uid in uids)


def _name(folder: bytes) -> Part:
    plain = len(folder) < 500 and all(0x20 <= octet < 0x7F for octet in folder)
    return b'"' + folder.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"' if plain else Literal(folder)
