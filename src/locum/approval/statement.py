r"""What is signed: an approval of a request, or a deed about people and keys, each with a domain of its own. Pure.

challenge = SHA-256("locum/<domain>/v1\n" || JCS(S)); the domain of an approval is `approval`, of a deed its name, so that no
signature of one kind can be taken for one of another. Every statement also signs the history so far (`log`).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from locum.approval.strict import (
    Is,
    NotProven,
    hexadecimal,
    is_bytes,
    is_count,
    is_instant,
    is_line,
    is_name,
    is_name_or_none,
    is_version_1,
    list_of,
    object_of,
    one_of,
    read,
)
from locum.entry import Json, canonical, check_json
from locum.measure import instant, parse_instant

DECISIONS: Final = ("approve", "deny", "overrule", "request")
"""`overrule` is a yes in spite of her objection; `request` is the requester's own signature, and a yes of nobody else."""

REASONS: Final = ("left", "lost", "replaced", "stolen")
"""Why a key is withdrawn."""

_MANY: Final = 500


@dataclass(frozen=True, slots=True)
class Log:
    """The checkpoint that whoever signs was shown: the log's name, its size, its root in hexadecimal."""

    origin: str
    size: int
    root: str

    def as_json(self) -> dict[str, Json]:
        return {"origin": self.origin, "size": self.size, "root": self.root}


is_log = object_of(origin=is_line, size=is_count, root=hexadecimal(32))


def log_of(value: Json) -> Log:
    """What `Log.as_json` writes. Raises NotProven(`statement-unreadable`)."""
    if not isinstance(value, dict):
        raise NotProven("statement-unreadable")
    origin, size, root = value["origin"], value["size"], value["root"]
    return Log(str(origin), size if isinstance(size, int) else -1, str(root))


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """S: what an approver signs. `approver` is a person's id, `function` the one in which she decides, `request` the hash of
    the request, `display` that of the text she was shown, `policy` that of the policy's text.
    """

    decision: str
    function: str
    approver: str
    request: str
    display: str
    policy: str
    log: Log
    nonce: str

    @classmethod
    def load(cls, content: bytes) -> "Approval":
        """Read what `dump` writes. Raises NotProven(`statement-unreadable`)."""
        value = read(content, _APPROVAL, "statement-unreadable")
        said = {name: str(value[name]) for name in _APPROVAL if name not in ("v", "log")}
        return cls(**said, log=log_of(value["log"]))

    def dump(self) -> bytes:
        """JCS(S)."""
        return canonical(
            {
                "v": 1,
                "decision": self.decision,
                "function": self.function,
                "approver": self.approver,
                "request": self.request,
                "display": self.display,
                "policy": self.policy,
                "log": self.log.as_json(),
                "nonce": self.nonce,
            }
        )


_APPROVAL: Mapping[str, Is] = {
    "v": is_version_1,
    "decision": one_of(*DECISIONS),
    "function": is_name,
    "approver": is_name,
    "request": hexadecimal(32),
    "display": hexadecimal(32),
    "policy": hexadecimal(32),
    "log": is_log,
    "nonce": hexadecimal(16),
}

_KEY: Final[dict[str, Is]] = {"person": is_name, "credential": is_bytes, "key": is_bytes, "sign_count": is_count}
_GIVEN: Final[dict[str, Is]] = {
    "people": list_of(object_of(person=is_name, function=is_name), 1, _MANY),
}

DEEDS: Final[Mapping[str, Is]] = {
    "first-keys": object_of(people=list_of(object_of(**_KEY, function=is_name), 2, 2), present=is_line),
    "key-added": object_of(**_KEY),
    "key-withdrawn": object_of(person=is_name, credential=is_bytes, reason=one_of(*REASONS)),
    "function-given": object_of(**_GIVEN),
    "function-withdrawn": object_of(**_GIVEN),
    "manager-given": object_of(people=list_of(object_of(person=is_name, manager=is_name_or_none), 1, _MANY)),
    "delegated": object_of(to=is_name, **{"from": is_instant, "until": is_instant}),
    "delegation-ended": object_of(delegation=hexadecimal(16)),
}
"""What is signed about people and keys: the type of entry, and what its `what` holds. There are no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What one person signs about people and keys. `kind` is one of DEEDS, `by` who signs, `function` the one in which she
    does (empty where she signs as herself alone), `not_after` the last moment at which it may be recorded.
    """

    kind: str
    by: str
    function: str
    what: Mapping[str, Json] = field(hash=False)
    display: str
    not_after: datetime
    log: Log
    nonce: str

    @classmethod
    def load(cls, kind: str, content: bytes) -> "Deed":
        """Read what `dump` writes, for one of DEEDS. Raises NotProven(`statement-unreadable`)."""
        shape: dict[str, Is] = {**_DEED, "deed": one_of(kind), "what": DEEDS[kind]}
        value = read(content, shape, "statement-unreadable")
        what = value["what"]
        return cls(
            kind=kind,
            by=str(value["by"]),
            function=str(value["function"]),
            what=what if isinstance(what, dict) else {},
            display=str(value["display"]),
            not_after=parse_instant(str(value["not_after"])),
            log=log_of(value["log"]),
            nonce=str(value["nonce"]),
        )

    def dump(self) -> bytes:
        """JCS(S)."""
        return canonical(
            {
                "v": 1,
                "deed": self.kind,
                "by": self.by,
                "function": self.function,
                "what": dict(self.what),
                "display": self.display,
                "not_after": instant(self.not_after),
                "log": self.log.as_json(),
                "nonce": self.nonce,
            }
        )


_DEED: Final[Mapping[str, Is]] = {
    "v": is_version_1,
    "by": is_name,
    "function": is_name_or_none,
    "display": hexadecimal(32),
    "not_after": is_instant,
    "log": is_log,
    "nonce": hexadecimal(16),
}


def challenge(domain: str, statement: bytes) -> bytes:
    """What the authenticator is given to sign: for `approval`, or for a deed by its name."""
    return hashlib.sha256(f"locum/{domain}/v1\n".encode() + statement).digest()


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement and the assertion over its challenge, both as bytes, as they are kept in entries."""

    statement: bytes
    assertion: bytes

    def as_json(self) -> dict[str, Json]:
        """Both as texts, for the body of an entry."""
        return {"statement": self.statement.decode(), "assertion": self.assertion.decode()}

    @classmethod
    def from_json(cls, value: Json) -> "Signed":
        """Read what `as_json` writes. Raises NotProven(`statement-unreadable`)."""
        match value:
            case {"statement": str(statement), "assertion": str(assertion), **rest} if not rest:
                return cls(statement.encode(), assertion.encode())
        raise NotProven("statement-unreadable")


def text_hash(shown: str) -> str:
    """What a statement holds of the text that was shown: SHA-256 of it in UTF-8. Raises ValueError for text that is not NFC."""
    check_json(shown)
    return hashlib.sha256(shown.encode()).hexdigest()
