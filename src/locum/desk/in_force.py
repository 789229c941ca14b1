"""Which policy was in force when: recorded in the stream `org/policy` as each is first seen, and read from there.

The time is that of the record, whatever the file says of itself, so that a policy put in later cannot pass for an earlier
one. A case is judged by the policy it was filed under (Office.policy_of); this only remembers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from locum.entry import Draft, Entry
from locum.errors import Garbled, Invalid, Rejected
from locum.measure import instant
from locum.policy import Policy, digest_of, load
from locum.store import Change, Store

STREAM = "org/policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A policy by its hash, from `since` on. `digest` is of every value in force, the preset's and Locum's own included: it
    changes where the text does not, with another version of Locum. `seen_by` is who acted when it was first seen, and may be empty.
    """

    hash: str
    digest: str
    previous: str
    since: datetime
    seen_by: str


def keep(store: Store, policy: Policy, now: datetime, seen_by: str = "") -> None:
    """Keep the text of a policy, and record it where another one was in force before."""
    store.setting(f"policy/{policy.hash}", policy.text.encode)
    known, digest = history(store), digest_of(policy)
    last = known[-1] if known else None
    if last is not None and (last.hash, last.digest) == (policy.hash, digest):
        return
    previous = last.hash if last is not None else ""
    body = {"hash": policy.hash, "values": digest, "previous": previous, "preset": policy.preset, "seen_by": seen_by}
    store.commit([Change(entries=(Draft(stream=STREAM, type="policy", time=now, body=body),))])


def history(store: Store) -> list[InForce]:
    """All that were in force, the first one first."""
    found: list[InForce] = []
    for entry in store.entries(mailbox=STREAM):
        one = _read(entry)
        # Two processes that see a new policy in the same moment record it twice.
        if not found or (found[-1].hash, found[-1].digest) != (one.hash, one.digest):
            found.append(one)
    return found


def _read(entry: Entry) -> InForce:
    said = {name: str(entry.body.get(name, "")) for name in ("hash", "values", "previous", "seen_by")}
    return InForce(
        hash=said["hash"], digest=said["values"], previous=said["previous"], since=entry.time, seen_by=said["seen_by"]
    )


def at(known: Sequence[InForce], moment: datetime) -> InForce:
    """The one in force at a moment. Raises Invalid `policy-none-yet` before the first, and where none was ever recorded."""
    before = [one for one in known if one.since <= moment]
    if not before:
        raise Invalid("policy-none-yet", first=instant(known[0].since) if known else "-")
    return before[-1]


def kept(store: Store, hash_: str) -> Policy | None:
    """A policy that was in force, as it was then; None where its text is not kept. Raises Garbled `policy-text-changed` where
    the text that is kept is another one: nothing is judged by it.
    """
    text = store.setting(f"policy/{hash_}", bytes)
    if not text:
        return None
    if hashlib.sha256(text).hexdigest() != hash_:
        raise Garbled("policy-text-changed", hash=hash_[:16])
    return load(text.decode(), kept=True)


def text_of(store: Store, hash_: str) -> Policy:
    """The same. Raises Rejected `policy-text-lost` where it is not kept."""
    if (policy := kept(store, hash_)) is None:
        raise Rejected("policy-text-lost", hash=hash_[:16])
    return policy
