"""Witnesses of the record, asked over the network: C2SP tlog-witness, `add-checkpoint`. Any that speaks it will do.

What comes back is verified before it leaves this file: whose signature, over what, and when. Certificates are verified, plain
http goes to this machine only, redirects are refused, the answer is bounded in length and time. When to ask, and what follows
from the answer, is cosigning.py's.
"""

import base64
import re
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx2

from locum.errors import Conflict, Garbled, LocumError, Rejected, Unreachable
from locum.tlog import cosigned_at, lines_of, parse_checkpoint, with_signatures
from locum.tlog.notes import parts

LARGEST = 16 * 1024
_SECONDS = 10.0
APART = timedelta(minutes=5)
"""How far the witness's clock may be from ours."""
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness: what the settings call it, where it is, and its key. See seam.Witness."""

    name: str
    url: str
    vkey: str
    clock: Callable[[], datetime]
    ca_file: Path | None = None
    seconds: float = _SECONDS

    def cosign(self, note: bytes, old: int, proof: Sequence[bytes]) -> bytes:
        """As the seam says."""
        lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof)]
        status, body = self._posted("\n".join(lines).encode() + b"\n\n" + note)
        size = parse_checkpoint(parts(note)[0]).size
        if status == 200:
            return self._verified(note, body)
        if status == 409:
            raise self._other_size(body, old, size)
        if status == 422:
            raise Garbled("witness-fork", witness=self.name, size=size)
        if status >= 500 or status in (408, 429):
            raise Unreachable("witness-no-answer", witness=self.name, what=f"HTTP {status}")
        raise Rejected("witness-refuses", witness=self.name, status=status)

    def _other_size(self, body: bytes, old: int, size: int) -> LocumError:
        found = _SIZE.fullmatch(body)
        if found is None:
            return Garbled("witness-false", witness=self.name, what="409")
        if int(found[1]) == old == size:  # tlog-witness 1.0.0: another root for this size; 1.1.0 answers 422
            return Garbled("witness-fork", witness=self.name, size=size)
        if int(found[1]) == old:
            return Garbled("witness-false", witness=self.name, what="409")
        return Conflict("witness-holds", witness=self.name, size=int(found[1]))

    def _verified(self, note: bytes, body: bytes) -> bytes:
        """The lines of this witness alone, if they are true and of now."""
        try:
            with_signatures(note, body)  # lines, and nothing that would make another text of it
            answered = parts(note)[0] + b"\n" + body
            at, lines = cosigned_at(answered, self.vkey), lines_of(answered, self.vkey)
        except Garbled as error:
            raise Garbled("witness-false", witness=self.name, what=error.key) from error
        if lines.count(b"\n") != 1:
            raise Garbled("witness-false", witness=self.name, what="> 1")
        if abs(at - self.clock()) > APART:
            raise Garbled("witness-clock", witness=self.name, at=at.isoformat())
        return lines

    def _posted(self, content: bytes) -> tuple[int, bytes]:
        deadline = time.monotonic() + self.seconds
        headers = {"Accept-Encoding": "identity", "Content-Type": "text/plain; charset=utf-8", "User-Agent": "locum"}
        try:
            verify = ssl.create_default_context(cafile=self.ca_file) if self.ca_file is not None else True
            with (
                httpx2.Client(timeout=self.seconds, trust_env=False, follow_redirects=False, verify=verify) as client,
                client.stream("POST", self._address(), content=content, headers=headers) as answer,
            ):
                body = bytearray()
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) > LARGEST:
                        raise Garbled("witness-false", witness=self.name, what=f"> {LARGEST} bytes")
                    if time.monotonic() > deadline:
                        raise Unreachable("witness-no-answer", witness=self.name, what="time-out")
                return answer.status_code, bytes(body)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Unreachable("witness-no-answer", witness=self.name, what=_what(error)) from error

    def _address(self) -> str:
        return f"{self.url.rstrip('/')}/add-checkpoint"


def _what(error: Exception) -> str:
    """What may be shown of an error of the network: its kind; for a certificate, why it is not believed."""
    found = re.search(r"CERTIFICATE_VERIFY_FAILED\] ([^(]{1,120})", str(error))
    return found[1].strip() if found else type(error).__name__
