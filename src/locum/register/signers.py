"""Who signed a deed: from the body of an entry to persons whose keys verify. What their signatures are enough for, and what
the deed does, is rules.py's matter. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from locum.approval.assertion import Assertion, Site, at_the_time
from locum.approval.statement import DEEDS, Deed, Signed, challenge
from locum.approval.strict import NotProven, decoded
from locum.entry import Json
from locum.register.standing import Key, Moment

LASTS: Final = timedelta(days=14)
"""How long a signature under a deed may wait to be recorded, at the most."""

_MOST_SIGNATURES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that a deed is about."""

    person: str
    credential: bytes
    public_key: bytes = field(repr=False)
    sign_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One good signature: who, in which function, with which key at which count, and whether the deed is about that key."""

    person: str
    function: str
    credential: bytes
    count: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A deed that was signed: what it says, by whom, and the nonces of the statements in the same order."""

    what: Mapping[str, Json]
    signers: tuple[Signer, ...]
    nonces: tuple[str, ...]
    new: tuple[NewKey, ...] = ()

    def word(self, name: str) -> str:
        """A text of `what`."""
        return str(self.what[name])

    def pairs(self, second: str) -> list[tuple[str, str]]:
        """The people of `what`, each with a second word."""
        return [(str(row["person"]), str(row[second])) for row in people(self.what)]


def people(what: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The rows under `people`; where there is none, `what` itself is the only row."""
    rows = what.get("people", [dict(what)])
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def spoken(
    kind: str, body: Mapping[str, Json], moment: Moment, keys: Mapping[bytes, Key], sites: Sequence[Site]
) -> Spoken:
    """The deed in an entry's body, if all its signatures are good. Raises NotProven."""
    if kind not in DEEDS:
        raise NotProven("not-a-deed")
    signed = body.get("signed")
    if body.keys() != {"signed"} or not isinstance(signed, list) or not 0 < len(signed) <= _MOST_SIGNATURES:
        raise NotProven("deed-unreadable")
    under = [Signed.from_json(one) for one in signed]
    deeds = [Deed.load(kind, one.statement) for one in under]
    what = deeds[0].what
    new = tuple(_new_keys(kind, what))
    for deed in deeds:
        _check(deed, what, moment)
    signers = [
        _signer(deed, one, moment, keys, {key.credential: key for key in new}, sites)
        for deed, one in zip(deeds, under, strict=True)
    ]
    return Spoken(what=what, signers=tuple(signers), nonces=tuple(deed.nonce for deed in deeds), new=new)


def _new_keys(kind: str, what: Mapping[str, Json]) -> list[NewKey]:
    if kind not in ("first-keys", "key-added"):
        return []
    return [
        NewKey(
            person=str(row["person"]),
            credential=decoded(str(row["credential"])),
            public_key=decoded(str(row["key"])),
            sign_count=int(str(row["sign_count"])),
        )
        for row in people(what)
    ]


def _check(deed: Deed, what: Mapping[str, Json], moment: Moment) -> None:
    if deed.what != what:
        raise NotProven("deed-differs", deed.by)
    if not moment.at <= deed.not_after <= moment.at + LASTS:
        raise NotProven("deed-out-of-time", deed.by)
    if deed.log.size > moment.index:
        raise NotProven("log-ahead", deed.by)


def _signer(
    deed: Deed,
    signed: Signed,
    moment: Moment,
    keys: Mapping[bytes, Key],
    new: Mapping[bytes, NewKey],
    sites: Sequence[Site],
) -> Signer:
    assertion = Assertion.load(signed.assertion)
    name = assertion.credential
    if name in new:
        owner, public, count = new[name].person, new[name].public_key, new[name].sign_count
    elif name in keys:
        owner, public, count = keys[name].person, keys[name].public_key, keys[name].count_before(moment.index)
        if not keys[name].span.holds(moment):
            raise NotProven("key-not-valid", deed.by)
    else:
        raise NotProven("key-unknown", deed.by)
    if owner != deed.by:
        raise NotProven("key-of-another", deed.by)
    try:
        made = assertion.verify(public, challenge(deed.kind, signed.statement), at_the_time(sites, moment.at), count)
    except NotProven as error:
        raise NotProven(error.key, deed.by) from error
    return Signer(person=deed.by, function=deed.function, credential=name, count=made, is_new=name in new)
