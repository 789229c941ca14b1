"""A server that speaks just enough IMAP to answer a look wrongly, for faults that no real server here has."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HEADER = b"From: Klant <klant@else.test>\r\nSubject: Offerte\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@else.test>\r\n\r\n"
LISTED = b'* LIST () "/" INBOX\r\n'
ANSWERS = {
    b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n",
    b"BODYSTRUCTURE": b'* 1 FETCH (UID 1 BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 5 1))\r\n',
    b"FETCH": b'* 1 FETCH (UID 1 FLAGS () INTERNALDATE "23-Nov-2026 10:00:00 +0100" RFC822.SIZE 99 BODY[HEADER] {%d}\r\n%s)\r\n'
    % (len(HEADER), HEADER),
}


class _Session(socketserver.StreamRequestHandler):
    """One connection to the fake of `fault`."""

    fault = ""

    def handle(self) -> None:
        self.wfile.write(b"* OK fake\r\n")
        while line := self.rfile.readline():
            tag, _, rest = line.rstrip(b"\r\n").partition(b" ")
            if rest.startswith(b"AUTHENTICATE"):
                self.wfile.write(b"+ \r\n")
                self.rfile.readline()
                self.wfile.write(tag + b" OK in\r\n")
            elif b"CHARSET" in rest and self.fault == "ascii":
                self.wfile.write(tag + b" NO [BADCHARSET (US-ASCII)] no\r\n")
            else:
                self.wfile.write(self._answer(tag, self._whole(rest)) + tag + b" OK done\r\n")

    def _whole(self, rest: bytes) -> bytes:
        """The command with its literals, each asked for."""
        while (found := re.search(rb"\{(\d+)\}\Z", rest)) is not None:
            self.wfile.write(b"+ go on\r\n")
            rest += self.rfile.read(int(found[1])) + self.rfile.readline().rstrip(b"\r\n")
        return rest

    def _answer(self, tag: bytes, asked: bytes) -> bytes:
        if asked.startswith(b"LIST"):
            # three hundred megabytes are more than any answer may be
            return LISTED if self.fault != "endless" else (b"* LIST () {15000000}\r\n" + bytes(15_000_000)) * 20
        if b"SEARCH" in asked:
            of_texts = b"BODY" in asked
            said = {"short": b"COUNT 1", "ascii": b"COUNT 0"}.get(self.fault, b"") if of_texts else b"COUNT 1 ALL 1"
            return b'* ESEARCH (TAG "%s") UID %s\r\n' % (tag, said)
        return next((answer for word, answer in ANSWERS.items() if word in asked), b"")


@contextmanager
def fake_imap(fault: str) -> Iterator[int]:
    """One mailbox with one message, at this port. `fault`: `ascii` knows no other charset, `short` says that one message answers to
    a question about the text of mail and not which, `endless` answers a listing with literals that do not end.
    """
    handler = type("Session", (_Session,), {"fault": fault})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
