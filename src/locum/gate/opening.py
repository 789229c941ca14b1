"""opens(): may this one message be opened now, on this one screen, because two people signed for just that, just now? Pure.

The requester and one other, of another function, whose signatures of the request itself count (passing.py). As there: false
evidence shuts it for good and is an incident; a true signature that does not count leaves it to others.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from locum.approval import Assertion, NotProven, Opening, Signed, opening_text
from locum.approval.opening import DOMAIN, SIGNED_WITHIN
from locum.entry import Entry, Json
from locum.gate.passing import Given, Reason, Stopped, Surroundings, check_history, signing_key
from locum.gate.recorded import LATER, Recorded
from locum.messages import LANGUAGES
from locum.register import Key, Moment, Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Who may open together: the requester in the function in which she signed, and the others in theirs; all as the gate over the
    request itself let them through. `owner` is whose mailbox it is.
    """

    requester: str
    function: str
    others: tuple[tuple[str, str], ...]
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMessage:
    """What is about to be opened: the hash of the request as it was recorded, and the message by its digest."""

    request: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """It may be opened, for the screen with this public key (32 bytes), by these two."""

    to: bytes
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    said: Opening
    key: Key
    given: Given


def opens(
    message: OneMessage, two: Two, given: Sequence[Given], register: Register, around: Surroundings, now: datetime
) -> Opens | Stopped:
    """Whether it may be opened at `now`. Never raises for anything that outsiders could have written."""
    looks, false = _verified(given, register, around, now)
    if false:
        return Stopped(tuple(false), is_false=True)
    counting: list[_Look] = []
    reasons: list[Reason] = []
    for look in _newest(looks):
        try:
            _check(look, message, two, register, now)
            counting.append(look)
        except NotProven as error:
            reasons.append(Reason(error.key, look.said.approver, look.said.function))
    mine = [one for one in counting if one.said.approver == two.requester]
    theirs = [one for one in counting if one.said.approver != two.requester]
    for one, other in ((one, other) for one in mine for other in theirs):
        if one.said.to == other.said.to:
            return Opens(to=bytes.fromhex(one.said.to), persons=(one.said.approver, other.said.approver))
    if mine and theirs:
        reasons.append(Reason("screen-other", theirs[-1].said.approver))
    return Stopped((Reason("opening-missing"), *reasons))


def _newest(looks: Sequence[_Look]) -> list[_Look]:
    """Of each person the last: whoever signs anew takes back what she signed before."""
    return list({look.said.approver: look for look in looks}.values())


def _verified(
    given: Sequence[Given], register: Register, around: Surroundings, now: datetime
) -> tuple[list[_Look], list[Reason]]:
    """Those whose evidence is good, and why others' is not."""
    looks: list[_Look] = []
    false: list[Reason] = []
    for one in given:
        who = what = ""
        try:
            said = Opening.load(one.signed.statement)
            who, what = said.approver, said.function
            look = _Look(said, signing_key(DOMAIN, who, one, register, (around.site, *around.earlier)), one)
            check_history(said.log, one, around, now)
            _check_fresh(look, looks, around)
        except NotProven as error:
            false.append(Reason(error.key, who, what))
        else:
            looks.append(look)
    return looks, false


def _check_fresh(look: _Look, before: Sequence[_Look], around: Surroundings) -> None:
    """Every signature is for one time, and no two people sign with one key."""
    if look.said.nonce in around.used or any(look.said.nonce == one.said.nonce for one in before):
        raise NotProven("nonce-used")
    others = (one.key for one in before if one.key.person != look.key.person)
    if any(key.public_key == look.key.public_key for key in others):
        raise NotProven("key-of-another")


def _check(look: _Look, message: OneMessage, two: Two, register: Register, now: datetime) -> None:
    """Whether a true signature counts for this message. Raises NotProven."""
    said = look.said
    if said.request != message.request:
        raise NotProven("request-other")
    if said.digest != message.digest:
        raise NotProven("message-other")
    texts = {hashlib.sha256(text.encode()).hexdigest() for text in look.given.shown}
    if said.display not in texts and not look.given.any_words:
        raise NotProven("text-other")
    if now - look.given.recorded_at > SIGNED_WITHIN:
        raise NotProven("opening-too-old")
    for moment in (look.given.moment, Moment(now)):
        if not look.key.span.holds(moment):
            raise NotProven("key-not-valid")
        _check_right(said, two, register, moment)


def _check_right(said: Opening, two: Two, register: Register, moment: Moment) -> None:
    """She is one of the two, in the function in which she signed the request, and has it."""
    if said.approver == two.owner:
        raise NotProven("person-concerned")
    if said.approver == two.requester:
        if said.function != two.function or said.function not in register.functions_of(
            said.approver, moment, two.owner
        ):
            raise NotProven("function-not-hers")
        return
    if (said.approver, said.function) not in two.others:
        raise NotProven("not-one-of-both")
    if said.function == two.function:
        raise NotProven("same-function")
    if not any(register.rights(said.approver, said.function, moment, two.owner)):
        raise NotProven("function-not-hers")


# from the entries of a case


def given_openings(told: Recorded, mailbox: str) -> list[Given]:
    """The signed openings in the record of a case. What says that it is one and is none goes to `opens` all the same."""
    hits: dict[str, Mapping[str, Json]] = {}
    found: list[Given] = []
    counts: dict[bytes, int] = {}
    for one in told.lines:
        if one.type == "listed":
            rows = one.body.get("hits")
            hits |= (
                {str(row.get("digest")): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}
            )
        if one.type not in ("opening", "reviewed"):
            continue
        signed = _signed(one.body.get("signed"))
        if one.type == "opening":
            index = one.index if isinstance(one, Entry) else LATER
            count = counts.get(_credential(signed), 0)
            read = as_opening(signed, hits, mailbox, at=one.time, index=index)
            found.append(replace(read, count=count))
        _count(signed, counts)
    return found


def as_opening(
    signed: Signed,
    hits: Mapping[str, Mapping[str, Json]],
    mailbox: str,
    *,
    at: datetime,
    index: int = LATER,
    count: int = 0,
) -> Given:
    """A signed opening with the texts that belong to what it says it opens."""
    shown: tuple[str, ...] = ()
    try:
        said = Opening.load(signed.statement)
    except NotProven:
        said = None
    if said is not None and (hit := hits.get(said.digest)) is not None:
        shown = tuple(
            opening_text(mailbox, said.request, hit, said.to, language, unmasked=unmasked)
            for language in LANGUAGES
            for unmasked in (True, False)
        )
    return Given(signed=signed, index=index, recorded_at=at, shown=shown, count=count)


def _signed(value: Json) -> Signed:
    try:
        return Signed.from_json(value)
    except NotProven:
        return Signed(b"", b"")


def _credential(signed: Signed) -> bytes:
    try:
        return Assertion.load(signed.assertion).credential
    except NotProven:
        return b""


def _count(signed: Signed, counts: dict[bytes, int]) -> None:
    """Note the counter of a signature that can be read."""
    try:
        assertion = Assertion.load(signed.assertion)
    except NotProven:
        return
    made = int.from_bytes(assertion.authenticator_data[33:37])
    counts[assertion.credential] = max(counts.get(assertion.credential, 0), made)
