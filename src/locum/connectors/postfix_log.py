"""Postfix's log, read to count the copies that it could not hand on: bounced, expired, or still waiting after a first no.

Only messages that were put into the queue on this machine count (`pickup`), since a forward is one of them. Addresses and
what a far side answered are strangers' text, so a line counts only if it begins as Postfix begins it. What must not
live here: anything else of what the log tells.
"""

import re
from datetime import datetime, tzinfo
from pathlib import Path

from locum.connectors.growing_log import GrowingLog

_WHO = rb"(?:\S+ )?postfix[\w-]*/"
_ID = rb"\[\d+\]: (?P<id>[0-9A-Za-z]+): "
_PICKED_UP = re.compile(_WHO + rb"pickup" + _ID + rb"uid=\d+ from=<")
_STATUS = re.compile(
    _WHO
    + rb"[\w/-]+"
    + _ID
    + rb"to=<(?P<to>[^<>\s]*)>, (?:orig_to=<(?P<first>[^<>\s]*)>, )?relay=[^ ]*, (?:conn_use=\d+, )?"
    rb"delay=[\d.]+, delays=[\d./]+, dsn=\d\.\d+\.\d+, status=(?P<status>[a-z]+) "
)
_NAME = b"queue"
_HANDED_ON = (b"sent", b"deliverable")


class PostfixLog:
    """The log at `path`, as GrowingLog reads it."""

    def __init__(self, path: Path, zone: tzinfo | None = None) -> None:
        self.path = path
        self._log = GrowingLog(path, _sift, zone)

    def readable(self) -> bool:
        """Whether it can be read now."""
        return self._log.readable()

    def not_handed_on(self, to: str, since: datetime) -> int | None:
        """How many messages from this machine for `to` failed, or wait after a failure, by what was said last of each.

        None if the log cannot be read, or begins too late to say that none did.
        """
        seen = self._log.since(since, _NAME)
        if seen is None:
            return None
        last: dict[bytes, bool] = {}
        for _, line in seen.lines:
            queue_id, status, *receivers = line.split(b" ")
            if not status:
                last[queue_id] = True
            elif queue_id in last and to.encode() in receivers:
                last[queue_id] = status in _HANDED_ON
        failed = sum(not handed_on for handed_on in last.values())
        return failed if failed or seen.whole else None


def _sift(line: bytes, start: int) -> tuple[bytes, bytes] | None:
    """`ID ` where a message was put into the queue here; `ID STATUS RECEIVER...` where something became of one."""
    if b"/pickup[" in line and (found := _PICKED_UP.match(line, start)):
        return _NAME, found["id"] + b" "
    if b" status=" in line and (found := _STATUS.match(line, start)):
        receivers = b" ".join((found["to"], found["first"] or b"")).lower()
        return _NAME, b" ".join((found["id"], found["status"], receivers))
    return None
