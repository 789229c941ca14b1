"""A server that speaks just enough IMAP to answer a look wrongly, for faults that no real server here has."""

import re
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

MESSAGE = (
    b"From: Klant <klant@else.test>\r\nSubject: Offerte\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n"
    b"Message-ID: <1@else.test>\r\n\r\nHierbij de offerte.\r\n"
)
LISTED = b'* LIST () "/" INBOX\r\n'
DATE = b'INTERNALDATE "23-Nov-2026 10:00:00 +0100"'


class _Session(socketserver.StreamRequestHandler):
    """One connection to the fake of `fault`, whose mailbox holds `messages`."""

    fault = ""
    messages: Sequence[bytes] = (MESSAGE,)

    def handle(self) -> None:
        self.wfile.write(b"* OK fake\r\n")
        while line := self.rfile.readline():
            tag, _, rest = line.rstrip(b"\r\n").partition(b" ")
            if rest == b"STARTTLS":  # what comes before TLS is finished could be anybody's
                self.wfile.write(tag + b" OK begin\r\n" + tag + b" OK [CAPABILITY IMAP4rev1] hello\r\n")
            elif rest.startswith(b"AUTHENTICATE"):
                self.wfile.write(b"+ \r\n")
                self.rfile.readline()
                self.wfile.write(tag + b" OK in\r\n")
            elif b"SEARCH" in rest and (self.fault == "refuses" or (b"CHARSET" in rest and self.fault == "ascii")):
                self.wfile.write(tag + b" NO [BADCHARSET (US-ASCII)] no\r\n")
            else:
                self.wfile.write(self._answer(tag, self._whole(rest)) + tag + b" OK done\r\n")
                if self.fault == "longer" and b"HEADER" in rest:
                    return

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
            return b'* ESEARCH (TAG "%s") UID %s\r\n' % (tag, self._found(asked))
        if asked.startswith(b"EXAMINE"):
            return b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n" % len(self.messages)
        if b"FETCH" in asked:
            wanted = sorted({int(one) for one in re.findall(rb"\d+", asked.split(b"(")[0])} or {0})
            return b"".join(self._fetched(uid, asked) for uid in wanted if 0 < uid <= len(self.messages))
        return b""

    def _found(self, asked: bytes) -> bytes:
        if b"HEADER Message-ID" in asked:
            return b"COUNT 1 ALL 9" if self.fault == "hidden" else b"COUNT 0"
        if b"BODY" in asked:
            return {"short": b"COUNT 1"}.get(self.fault, b"COUNT 0")
        return b"COUNT %d ALL 1:%d" % (len(self.messages), len(self.messages))

    def _fetched(self, uid: int, asked: bytes) -> bytes:
        content = self.messages[uid - 1]
        if b"BODYSTRUCTURE" in asked:
            return b'* %d FETCH (UID %d BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 5 1))\r\n' % (uid, uid)
        part, name = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", b"BODY[HEADER]"
        if b"HEADER" not in asked:
            part, name = content, b"BODY[]"
        seen = b"* %d FETCH (UID %d FLAGS (\\Seen))\r\n" % (uid, uid)
        news = seen if self.fault == "flags" else b""  # she reads it at this moment
        if self.fault == "ascii" and name == b"BODY[]" and b"X-Gone" in content:
            return b"* %d FETCH (UID %d BODY[] NIL)\r\n" % (uid, uid)
        size = len(part) + {"longer": 4000, "shorter": -40, "huge": 10**12}.get(self.fault, 0)
        said = uid + 1000 if self.fault == "others" else uid
        return b"* %d FETCH (UID %d FLAGS () %s RFC822.SIZE %d %s {%d}\r\n%s)\r\n" % (
            uid, said, DATE, len(content), name, size, part,
        ) + news  # fmt: skip


@contextmanager
def fake_imap(fault: str, messages: Sequence[bytes] = (MESSAGE,)) -> Iterator[int]:
    """One mailbox with these messages, at this port. `fault`:

    ascii              knows no other charset; of a message with X-Gone it gives the headers and no text
    refuses            says so of US-ASCII as well
    hidden             says that it has each message that is answered, and does not hand it over
    flags              tells of a flag that changed after each message that it hands over
    short              says that one message answers to a question about the text of mail, and not which
    endless            answers a listing with literals that do not end
    shorter, huge      says of each literal that it is shorter than it is, or longer by a terabyte
    longer             says that it is longer, and ends the connection in the midst of it
    others             answers for messages that nobody asked about
    """
    handler = type("Session", (_Session,), {"fault": fault, "messages": messages})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
