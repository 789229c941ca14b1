r"""What two people sign at the moment of opening: `Opening`, with a domain of its own, and the text that each of them is shown. Pure.

challenge = SHA-256("locum/opening/v1\n" || JCS(S)). It names one message, by its digest in the record, and one screen, by the
public key to which the message is encrypted: what is opened for these two can be opened by nobody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from locum.approval.statement import Log, is_log, log_of
from locum.approval.strict import Is, hexadecimal, is_name, is_version_1, read
from locum.entry import Json, canonical
from locum.messages import say

DOMAIN: Final = "opening"
SIGNED_WITHIN: Final = timedelta(minutes=5)
"""Both sign at the moment of opening: their signatures are no further apart than this, and no older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """S: `approver` is a person's id, `function` the one in which she signs, `request` the hash of the request, `digest` the message
    by its digest in the entry `listed`, `to` the X25519 public key of the screen (32 bytes in hexadecimal), `display` the hash of
    the text she was shown.
    """

    approver: str
    function: str
    request: str
    digest: str
    to: str
    display: str
    log: Log
    nonce: str

    @classmethod
    def load(cls, content: bytes) -> "Opening":
        """Read what `dump` writes. Raises NotProven(`statement-unreadable`)."""
        value = read(content, _OPENING, "statement-unreadable")
        said = {name: str(value[name]) for name in _OPENING if name not in ("v", "log")}
        return cls(**said, log=log_of(value["log"]))

    def dump(self) -> bytes:
        """JCS(S)."""
        return canonical(
            {
                "v": 1,
                "approver": self.approver,
                "function": self.function,
                "request": self.request,
                "digest": self.digest,
                "to": self.to,
                "display": self.display,
                "log": self.log.as_json(),
                "nonce": self.nonce,
            }
        )


_OPENING: Final[Mapping[str, Is]] = {
    "v": is_version_1,
    "approver": is_name,
    "function": is_name,
    "request": hexadecimal(32),
    "digest": hexadecimal(32),
    "to": hexadecimal(32),
    "display": hexadecimal(32),
    "log": is_log,
    "nonce": hexadecimal(16),
}


def opening_text(
    mailbox: str, request: str, hit: Mapping[str, Json], to: str, language: str, *, unmasked: bool = True
) -> str:
    """What is shown to whoever signs, and whose hash she signs. `hit` is the line of the entry `listed`; a subject that is masked
    stays so unless it was unmasked. What strangers wrote stands behind a bar.
    """
    subject = str(hit.get("subject", ""))
    if hit.get("masked") is True and not unmasked:
        subject = say(language, "reading.opening.masked")
    rows = (
        ("mailbox", mailbox),
        ("from", str(hit.get("from", ""))),
        ("at", str(hit.get("at", "")).replace("T", " ").replace("Z", " UTC")),
        ("subject", subject),
        ("request", request),
        ("digest", str(hit.get("digest", ""))),
        ("to", to),
    )
    lines = [say(language, "reading.opening.title"), ""]
    for name, value in rows:
        lines += [f"{say(language, f'reading.opening.{name}')}:", f"| {value}"]
    return "\n".join(lines) + "\n"
