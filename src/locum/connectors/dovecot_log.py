"""Dovecot's log, read to count the automatic replies and the copies that went out, and copies that could not be handed on.

Pigeonhole 2.3 and 2.4 write: `lmtp(USER)<PID><SESSION>: Info: sieve: msgid=<...>: vacation action: sent vacation response to <...>`,
`... redirect action: forwarded to <...>`, and `...: Error: ... redirect action: failed to redirect message to <...>: ...`.
Message ids and senders are strangers' text, so a line counts only if it ends as Pigeonhole ends it. What must not live
here: anything else of what the log tells.
"""

import re
from datetime import datetime, tzinfo
from pathlib import Path

from locum.connectors.growing_log import GrowingLog

_WHO = rb"(?:\S+ dovecot(?:\[\d+\])?: )?(?:lmtp|lda)\((?P<user>[^()]*)\)(?:<[^<>]*>)*: (?:(?:Info|Error): )?(?:sieve: )?msgid=.*: "
_SENT = re.compile(_WHO + rb"(?:vacation action: )?sent vacation response to <[^<>]*>\s*")
_COPIED = re.compile(_WHO + rb"(?:redirect action: )?forwarded to <(?P<to>[^<>\n]*)>\s*")
_FAILED = re.compile(_WHO + rb"(?:redirect action: )?failed to redirect message to <(?P<to>[^<>\n]*)>: [^<>\n]*\n")


class DovecotLog:
    """The log at `path`, as GrowingLog reads it."""

    def __init__(self, path: Path, zone: tzinfo | None = None) -> None:
        self.path = path
        self._log = GrowingLog(path, _sift, zone)

    def readable(self) -> bool:
        """Whether it can be read now."""
        return self._log.readable()

    def replies_sent(self, user: str, since: datetime, until: datetime) -> int | None:
        """How many replies were sent for `user` in [since, until). None if the log cannot be read or begins too late."""
        seen = self._log.since(since, b"sent " + user.encode())
        return sum(at < until for at, _ in seen.lines) if seen is not None and seen.whole else None

    def redirected(self, user: str, to: str, since: datetime, until: datetime) -> int | None:
        """How many messages of `user` were copied to `to` in [since, until), by whatever rule. None as above."""
        seen = self._log.since(since, b"copied " + user.encode())
        if seen is None or not seen.whole:
            return None
        return sum(at < until and receiver == to.encode() for at, receiver in seen.lines)

    def redirects_failed(self, user: str, to: str, since: datetime) -> int:
        """How many copies for `to` of the mail of `user` Dovecot could not hand to the queue, as far as the log tells."""
        seen = self._log.since(since, b"failed " + user.encode())
        return sum(receiver == to.encode() for _, receiver in seen.lines) if seen is not None else 0


def _sift(line: bytes, start: int) -> tuple[bytes, bytes] | None:
    if b"sent vacation response to <" in line and (found := _SENT.fullmatch(line, start)):
        return b"sent " + found["user"], b""
    if b": forwarded to <" in line and (found := _COPIED.fullmatch(line, start)):
        return b"copied " + found["user"], found["to"].lower()
    if b"failed to redirect message to <" in line and (found := _FAILED.fullmatch(line, start)):
        return b"failed " + found["user"], found["to"].lower()
    return None
