"""What a deed does, and whose signatures it takes: one rule for each of approval.DEEDS. Pure but for what it adds to.

first-keys          both of the two people, with the keys themselves; once
key-added           the new key, and an older one of hers; or two others of different functions, and then it waits a day
key-withdrawn       herself, or one other who has a function: taking away is easy, giving is not
function-given      two people of different functions; never about themselves
function-withdrawn  the same
manager-given       the same; nor about those whose manager they become
delegated           who has the function, herself, with an end, never in a circle
delegation-ended    either of the two
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Final

from locum.approval.strict import NotProven, decoded
from locum.entry import Json, canonical
from locum.measure import parse_instant
from locum.register.growing import Growing, give, take
from locum.register.signers import Signer, Spoken
from locum.register.standing import Delegation, Moment, Span

WAIT: Final = timedelta(hours=24)
"""How long a key waits that others added: time for its owner, who is told at once, to say that it is not hers."""
LONGEST: Final = timedelta(days=183)
"""How long somebody may stand in for another before it is to be said again."""


def founding(what: Mapping[str, Json]) -> str:
    """What names a founding of the register (`first-keys`): SHA-256 of what was signed, in hex."""
    return hashlib.sha256(canonical(dict(what))).hexdigest()


def do(growing: Growing, kind: str, deed: Spoken, moment: Moment, founded: Collection[str]) -> None:
    """Do what a deed says. Raises NotProven, with nothing done, where its signatures are not enough for it."""
    if growing.nonces.intersection(deed.nonces) or len(set(deed.nonces)) < len(deed.nonces):
        raise NotProven("nonce-used")
    if kind == "first-keys" and growing.keys and founding(deed.what) not in founded:
        raise NotProven("founded-before")
    _RULES[kind](growing, deed, moment)
    growing.nonces.update(deed.nonces)
    for signer in deed.signers:
        growing.count(signer.credential, moment, signer.count)


def _first_keys(growing: Growing, deed: Spoken, moment: Moment) -> None:
    pairs = deed.pairs("function")
    if len({person for person, _ in pairs}) != 2 or len({function for _, function in pairs}) != 2:
        raise NotProven("same-person-or-function")
    if sorted((signer.person, signer.function) for signer in deed.signers if signer.is_new) != sorted(pairs):
        raise NotProven("signatures-missing")
    _check_only(deed, 2)
    _check_fresh(growing, deed)
    growing.end_all(moment)
    for key in deed.new:
        growing.add_key(key.person, key.credential, key.public_key, moment, moment.at)
    give(growing.functions, pairs, moment)


def _key_added(growing: Growing, deed: Spoken, moment: Moment) -> None:
    (key,) = deed.new
    own = [(signer.person, signer.function, signer.is_new) for signer in deed.signers]
    if (key.person, "", True) not in own:
        raise NotProven("signatures-missing", key.person)  # the new key itself, which shows that it is there
    _check_fresh(growing, deed)
    if sorted(own) == [(key.person, "", False), (key.person, "", True)]:
        wait = timedelta(0)
    else:
        _check_two(growing, [one for one in deed.signers if not one.is_new], {key.person}, moment)
        _check_only(deed, 3)
        wait = WAIT
    growing.add_key(key.person, key.credential, key.public_key, moment, moment.at + wait)


def _key_withdrawn(growing: Growing, deed: Spoken, moment: Moment) -> None:
    _check_only(deed, 1)
    signer, person = deed.signers[0], deed.word("person")
    key = growing.keys.get(decoded(deed.word("credential")))
    if key is None or key.person != person or key.span.ended is not None:
        raise NotProven("key-unknown", person)
    if (signer.person, signer.function) != (person, ""):
        _check_has(growing, signer, moment)
    growing.end_key(key.credential, moment)


def _function_given(growing: Growing, deed: Spoken, moment: Moment) -> None:
    pairs = deed.pairs("function")
    _check_two(growing, deed.signers, {person for person, _ in pairs}, moment)
    give(growing.functions, pairs, moment)


def _function_withdrawn(growing: Growing, deed: Spoken, moment: Moment) -> None:
    pairs = deed.pairs("function")
    _check_two(growing, deed.signers, {person for person, _ in pairs}, moment)
    take(growing.functions, pairs, moment)


def _manager_given(growing: Growing, deed: Spoken, moment: Moment) -> None:
    pairs = deed.pairs("manager")
    persons = {person for person, _ in pairs}
    _check_two(growing, deed.signers, persons | {manager for _, manager in pairs}, moment)
    if any(person == manager for person, manager in pairs) or len(persons) < len(pairs):
        raise NotProven("manager-unclear")
    take(growing.managers, [pair for pair in growing.managers if pair[0] in persons], moment)
    give(growing.managers, [pair for pair in pairs if pair[1]], moment)


def _delegated(growing: Growing, deed: Spoken, moment: Moment) -> None:
    _check_only(deed, 1)
    signer = deed.signers[0]
    _check_has(growing, signer, moment)
    from_at, until_at = max(parse_instant(deed.word("from")), moment.at), parse_instant(deed.word("until"))
    if not from_at < until_at <= from_at + LONGEST:
        raise NotProven("delegation-without-end", signer.person)
    one = Delegation(
        id=deed.nonces[0],
        by=signer.person,
        to=deed.word("to"),
        function=signer.function,
        credential=signer.credential,
        span=Span(index=moment.index, from_at=from_at, until_at=until_at),
    )
    if one.by in growing.reached(one):
        raise NotProven("delegation-circle", signer.person)
    growing.delegations[one.id] = one


def _delegation_ended(growing: Growing, deed: Spoken, moment: Moment) -> None:
    _check_only(deed, 1)
    signer = deed.signers[0]
    one = growing.delegations.get(deed.word("delegation"))
    if one is None or one.span.ended is not None:
        raise NotProven("delegation-unknown", signer.person)
    if signer.person not in (one.by, one.to) or signer.function:
        raise NotProven("delegation-of-others", signer.person)
    growing.end_delegation(one.id, moment)


def _check_only(deed: Spoken, count: int) -> None:
    """No more and no fewer signatures than this."""
    if len(deed.signers) != count:
        raise NotProven("signatures-missing")


def _check_fresh(growing: Growing, deed: Spoken) -> None:
    """One credential is one person's, for good; so is the key behind it, under whatever name."""
    known = {key.public_key for key in growing.keys.values()}
    fresh = {key.public_key for key in deed.new}
    if len(fresh) < len(deed.new) or fresh & known or any(key.credential in growing.keys for key in deed.new):
        raise NotProven("key-known")


def _check_two(growing: Growing, signers: Collection[Signer], concerned: Collection[str], moment: Moment) -> None:
    """Two enrolled people of different functions, neither of them concerned."""
    if len(signers) != 2:
        raise NotProven("signatures-missing")
    if len({signer.person for signer in signers}) < 2 or len({signer.function for signer in signers}) < 2:
        raise NotProven("same-person-or-function")
    for signer in signers:
        _check_has(growing, signer, moment)
        if signer.person in concerned:
            raise NotProven("person-concerned", signer.person)


def _check_has(growing: Growing, signer: Signer, moment: Moment) -> None:
    """Her own function. Who stands in for somebody decides about requests, not about people and keys."""
    if signer.function not in growing.register.functions_of(signer.person, moment):
        raise NotProven("function-not-hers", signer.person)


_RULES: Final[Mapping[str, Callable[[Growing, Spoken, Moment], None]]] = {
    "first-keys": _first_keys,
    "key-added": _key_added,
    "key-withdrawn": _key_withdrawn,
    "function-given": _function_given,
    "function-withdrawn": _function_withdrawn,
    "manager-given": _manager_given,
    "delegated": _delegated,
    "delegation-ended": _delegation_ended,
}
