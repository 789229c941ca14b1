r"""Whether a forward may be written: what was asked and who approved it, checked by the program that writes forwards.

A warrant is canonical JSON: {v, request: R, requester_function, reviews, signed}. Where `signed` is false, reviews are
[{person, function, decision, request}], and `request` is h_R = SHA-256("locum/request/v1\n" || JCS(R)), computed anew here; whoever
hands the warrant over could have made them up, so they count only where this program was started to say so. Otherwise reviews are
[{statement, assertion, index, time}], and `signed` is what they are checked against: signatures.py does that.
What must not live here: the policy, writing. The standard library alone (RFC 8785 of values without floats is short).
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, TypeAlias

from locum.errors import Rejected
from locum.measure import Forward, forward_to_json, parse_instant

Fields: TypeAlias = dict[str, object]
Signatures: TypeAlias = Callable[[Fields, datetime], None]

ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_LARGEST = 1 << 24
_KEYS = {"v", "request", "requester_function", "reviews", "signed"}
_NAMES = ("{address}", "{local}")
_YES = frozenset({"approve", "overrule"})
"""An overruling is a yes too: one in spite of her objection (clause 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """How forwards are written here, from the program's command line: `names` is how Dovecot names a mailbox,
    `signatures` what checks signed approvals; None where nothing does.
    """

    names: str = "{address}"
    unsigned_reviews: bool = False
    signatures: Signatures | None = None


def warranted(warrant: bytes, user: str, forwards: Sequence[Forward], allowed: Forwarding, now: datetime) -> None:
    """Raises Rejected unless `warrant` allows each of `forwards` on the mailbox that Dovecot calls `user`, now.

    The one place where approvals are judged on the mail host; signatures are checked by what `allowed` has for it.
    """
    said = _read(warrant)
    request = said["request"]
    if not isinstance(request, dict):
        raise Rejected("forward-warrant-garbled")
    is_signed = said["signed"] is not False
    if is_signed and allowed.signatures is None:
        raise Rejected("forward-signatures-unknown")
    if not is_signed and not allowed.unsigned_reviews:
        raise Rejected("forward-unsigned")
    if named(str(request.get("mailbox", "")), allowed.names) != user:
        raise Rejected("forward-other-mailbox", user=user)
    asked = {_canonical(one) for one in _dicts(request.get("measures"))}
    if not all(_canonical(forward_to_json(forward)) in asked for forward in forwards):
        raise Rejected("forward-not-asked", user=user)
    if not now < _until(request):
        raise Rejected("forward-too-late", user=user)
    if is_signed and allowed.signatures is not None:
        allowed.signatures(said, now)
    elif not any(_approves(review, request, said["requester_function"]) for review in _dicts(said["reviews"])):
        raise Rejected("forward-not-reviewed", user=user)


def named(address: str, names: str) -> str:
    """How Dovecot names the mailbox; "" where it cannot be told from the address alone."""
    if names not in _NAMES:
        return ""
    return (address if names == "{address}" else address.rpartition("@")[0]).translate(ASCII_LOWER)


def request_hash(request: Fields) -> str:
    """h_R, as locum.approval computes it."""
    return hashlib.sha256(b"locum/request/v1\n" + _canonical(request)).hexdigest()


def _read(warrant: bytes) -> Fields:
    said: object = None
    try:
        if len(warrant) < _LARGEST:
            said = json.loads(warrant, parse_float=_no_number, parse_constant=_no_number)
        # Written again it must be the same: so no key stands twice, and nothing else is hidden between the values.
        if isinstance(said, dict) and set(said) == _KEYS and said["v"] == 1 and _canonical(said) == warrant:
            return said
    except (ValueError, RecursionError) as error:
        raise Rejected("forward-warrant-garbled") from error
    raise Rejected("forward-warrant-garbled")


def _canonical(value: Fields) -> bytes:
    """RFC 8785 of what holds no floats and only plain keys, which sort alike in every encoding."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _no_number(_text: str) -> NoReturn:
    raise ValueError("no such number in a warrant")


def _until(request: Fields) -> datetime:
    try:
        return parse_instant(str(request.get("not_after", "")))
    except ValueError as error:
        raise Rejected("forward-warrant-garbled") from error


def _dicts(value: object) -> Iterator[Fields]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _approves(review: Fields, request: Fields, requester_function: object) -> bool:
    """Somebody who is neither the requester nor the person concerned, of another function, said yes to just this."""
    person, function = review.get("person"), review.get("function")
    named_ones = (person, function, requester_function, request.get("requester"), request.get("person"))
    return (
        all(isinstance(name, str) for name in named_ones)
        and bool(person and function)
        and person not in (request.get("requester"), request.get("person"))
        and function != requester_function
        and review.get("decision") in _YES
        and review.get("request") == request_hash(request)
    )
