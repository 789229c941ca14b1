"""gate(): from the bytes of what is about to be done, and of what was signed, to Passed or Stopped. Pure.

Two kinds of reasons. Some say that the evidence is false: bytes that no key of ours signed, another history than ours, a
copied key. One such and the gate is shut, however many good signatures stand beside it. Others say that a true signature
does not count: its key or function was withdrawn since, it is for an earlier version of the request or under other words than
are shown now, its signer is concerned. Then the others have to be enough.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from locum.approval import Approval, Assertion, Log, NotProven, Signed, Site, at_the_time
from locum.approval.request import hash_of
from locum.approval.statement import challenge
from locum.entry import canonical, check_json
from locum.gate.need import Eyes, Need
from locum.measure import parse_instant
from locum.register import Key, Moment, Register, Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is about to be done: the canonical bytes of the request, made anew from it; the hash that was recorded when it was
    filed; the hash of the policy that the case is under, and what that needs. `concerned` are people besides the owner and
    the requester (whoever receives a forward), `requester_functions` what is known of her functions besides the register.
    """

    request: bytes
    recorded: str
    policy: str
    need: Need
    concerned: frozenset[str] = frozenset()
    requester_functions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A signed approval as it stands in the record: the place and time of its entry, and the highest counter that its key had
    shown before. `shown` are the texts that the page makes of this request and decision, one for each language. `any_words`: the
    text is not compared, for whoever looks back with words that are others since; never where something is about to be done.
    """

    signed: Signed
    index: int
    recorded_at: datetime
    shown: tuple[str, ...]
    count: int = 0
    any_words: bool = False

    @property
    def moment(self) -> Moment:
        """When it was recorded."""
        return Moment(self.recorded_at, self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is around: where our people sign, and where they did before, how long the log is by now, and the nonces of approvals
    of other requests.

    `roots` are the log's roots by size; None where they are not at hand, and then only sizes are compared.
    """

    site: Site
    log: Log
    roots: Mapping[int, str] | None = None
    used: frozenset[str] = frozenset()
    earlier: tuple[Site, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a key of messages/<language>/gate.toml, whom it is about, and which functions."""

    key: str
    who: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """It may be done. `eyes` are all decisions that counted, the requester's signature among them."""

    eyes: tuple[Eyes, ...]

    @property
    def reviews(self) -> tuple[tuple[str, str, str], ...]:
        """Person, decision and function of the others, as policy.Facts has them."""
        return tuple((one.person, one.decision, one.function) for one in self.eyes if one.decision != _REQUEST)


@dataclass(frozen=True, slots=True)
class Stopped:
    """It may not. `is_false`: something here was forged, changed or used twice, and that is an incident."""

    reasons: tuple[Reason, ...]
    is_false: bool = False


_REQUEST: Final = "request"
_REQUEST_NEEDS: Final = ("requester", "person", "policy", "not_after")


@dataclass(frozen=True, slots=True)
class _Request:
    requester: str
    owner: str
    policy: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class _Look:
    """An approval whose signature is good."""

    said: Approval
    key: Key
    given: Given


def gate(act: Act, given: Sequence[Given], register: Register, around: Surroundings, now: datetime) -> Passed | Stopped:
    """Whether the act may be done at `now`. Never raises for anything that outsiders could have written."""
    try:
        request = _request(act)
    except NotProven as error:
        return Stopped((Reason(error.key),), is_false=True)
    looks, false = _verified(act, given, register, around, now)
    if false:
        return Stopped(tuple(false), is_false=True)
    eyes, reasons = _counting(looks, _Judge(act, request, register, Moment(now)))
    missing = [*_missing(act.need, eyes), *_denials(looks, act)]
    if not now < request.not_after:
        missing.append(Reason("request-expired"))
    return Stopped((*missing, *reasons)) if missing else Passed(tuple(eyes))


def _counting(looks: Sequence[_Look], judge: "_Judge") -> tuple[list[Eyes], list[Reason]]:
    """The decisions that count, and why others do not. No person decides twice: not as two functions, not for somebody else
    besides.
    """
    eyes: list[Eyes] = []
    reasons: list[Reason] = []
    for look in looks:
        try:
            eyes.append(judge.eyes(look, eyes))
        except NotProven as error:
            reasons.append(Reason(error.key, look.said.approver, look.said.function))
    return eyes, reasons


def _request(act: Act) -> _Request:
    """R, if it is the one that was filed and is under this policy. Raises NotProven."""
    try:
        value = json.loads(act.request.decode())
        check_json(value)
        if not isinstance(value, dict) or canonical(value) != act.request:
            raise NotProven("request-unreadable")
        requester, owner, policy, not_after = (str(value[name]) for name in _REQUEST_NEEDS)
        found = _Request(requester, owner, policy, parse_instant(not_after))
    except (ValueError, KeyError, RecursionError) as error:
        raise NotProven("request-unreadable") from error
    if hash_of(act.request) != act.recorded:
        raise NotProven("request-changed")
    if found.policy != act.policy:
        raise NotProven("policy-other")
    return found


def _verified(
    act: Act, given: Sequence[Given], register: Register, around: Surroundings, now: datetime
) -> tuple[list[_Look], list[Reason]]:
    """The approvals whose evidence is good, and why others' is not."""
    looks: list[_Look] = []
    false: list[Reason] = []
    for one in given:
        who = what = ""
        try:
            said = Approval.load(one.signed.statement)
            who, what = said.approver, said.function
            look = _Look(said, _key(said, one, register, (around.site, *around.earlier)), one)
            _check_said(look, act, around, now)
            _check_fresh(look, looks, around)
        except NotProven as error:
            false.append(Reason(error.key, who, what))
        else:
            looks.append(look)
    return looks, false


def _key(said: Approval, one: Given, register: Register, sites: Sequence[Site]) -> Key:
    return signing_key("approval", said.approver, one, register, sites)


def signing_key(domain: str, who: str, one: Given, register: Register, sites: Sequence[Site]) -> Key:
    """The key that signed it, if it is hers and signed just this, where our pages were then. Raises NotProven."""
    assertion = Assertion.load(one.signed.assertion)
    key = register.keys.get(assertion.credential)
    if key is None:
        raise NotProven("key-unknown")
    if key.person != who:
        raise NotProven("key-of-another")
    count = max(one.count, key.count_before(one.index))
    then = at_the_time(sites, one.recorded_at)
    assertion.verify(key.public_key, challenge(domain, one.signed.statement), then, count)
    return key


def check_history(signed: Log, one: Given, around: Surroundings, now: datetime) -> None:
    """That what was signed is a beginning of our log, from before the signature was recorded. Raises NotProven."""
    if one.recorded_at > now:
        raise NotProven("recorded-later")
    if signed.origin != around.log.origin:
        raise NotProven("log-other")
    if signed.size > min(one.index, around.log.size):
        raise NotProven("log-ahead")
    if around.roots is not None and around.roots.get(signed.size) != signed.root:
        raise NotProven("log-other")


def _check_said(look: _Look, act: Act, around: Surroundings, now: datetime) -> None:
    """What she signed besides the decision: the history, and of this request also the policy."""
    said, one = look.said, look.given
    check_history(said.log, one, around, now)
    if said.request == act.recorded and said.policy != act.policy:
        raise NotProven("policy-other")


def _check_fresh(look: _Look, before: Sequence[_Look], around: Surroundings) -> None:
    """Every signature is for one time and one request, and no two people sign with one key."""
    if look.said.nonce in around.used or any(look.said.nonce == one.said.nonce for one in before):
        raise NotProven("nonce-used")
    others = (one.key for one in before if one.key.person != look.key.person)
    if any(key.public_key == look.key.public_key for key in others):
        raise NotProven("key-of-another")


@dataclass(frozen=True, slots=True)
class _Judge:
    """Whether a true signature counts for this act."""

    act: Act
    request: _Request
    register: Register
    now: Moment

    def eyes(self, look: _Look, before: Sequence[Eyes]) -> Eyes:
        """The decision, if it counts besides those before. Raises NotProven."""
        said, signed = look.said, look.given.moment
        if said.request != self.act.recorded:
            raise NotProven("request-other")
        texts = {hashlib.sha256(text.encode()).hexdigest() for text in look.given.shown}
        if said.display not in texts and not look.given.any_words:
            raise NotProven("text-other")  # the same request in other words, as another version of Locum has them
        for moment in (signed, self.now):
            if not look.key.span.holds(moment):
                raise NotProven("key-not-valid")
        right = self._own_right(said, signed) if said.decision == _REQUEST else self._right(said, signed)
        if any(right.persons & one.persons for one in before):
            raise NotProven("person-twice")
        return Eyes(
            person=said.approver,
            function=said.function,
            decision=said.decision,
            instead_of=right.instead_of,
            credential=look.key.credential,
        )

    def _own_right(self, said: Approval, signed: Moment) -> Right:
        if said.approver != self.request.requester:
            raise NotProven("not-the-requester")
        for moment in (signed, self.now):
            if said.function not in self.register.functions_of(said.approver, moment, self.request.owner):
                raise NotProven("function-not-hers")
        return Right(said.approver, said.function)

    def _right(self, said: Approval, signed: Moment) -> Right:
        if said.approver == self.request.requester:
            raise NotProven("own-request")
        then = self._rights(said, signed)
        rights = [right for right in self._rights(said, self.now) if right in then]
        if not rights:
            raise NotProven("function-not-hers")
        apart = [right for right in rights if self._is_apart(right, signed) and self._is_apart(right, self.now)]
        if not apart:
            raise NotProven("person-concerned" if self._concerned & rights[0].persons else "same-function")
        return apart[0]

    def _rights(self, said: Approval, moment: Moment) -> list[Right]:
        return list(self.register.rights(said.approver, said.function, moment, self.request.owner))

    @property
    def _concerned(self) -> frozenset[str]:
        return self.act.concerned | {self.request.requester, self.request.owner}

    def _is_apart(self, right: Right, moment: Moment) -> bool:
        functions = self.register.functions_of(self.request.requester, moment) | self.act.requester_functions
        return self.register.is_apart(right, self._concerned, functions, moment)


def _denials(looks: Sequence[_Look], act: Act) -> list[Reason]:
    """A no of anybody is a no."""
    denied = [look.said for look in looks if look.said.decision == "deny" and look.said.request == act.recorded]
    return [Reason("denied", said.approver, said.function) for said in denied]


def _missing(need: Need, eyes: Sequence[Eyes]) -> list[Reason]:
    missing = [
        Reason("review-missing", what=", ".join(sorted(part.functions))) for part in need.parts if not part.is_met(eyes)
    ]
    if need.requester_signs and all(one.decision != _REQUEST for one in eyes):
        missing.append(Reason("requester-not-signed"))
    return missing
