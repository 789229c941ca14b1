"""verify(): from a file and what its owner holds against it to everything that can be known of it, in the order in which a
person would ask. Pure: no settings, no store, no network, no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from locum.account.story import story, text
from locum.checkable.file import File
from locum.checkable.finding import Finding, Findings, Trusted, Verified
from locum.checkable.opening import Tags, Whose, check_complete, erasing, opened
from locum.checkable.origin import Log, check_enrolled, check_origin, log_of, logs_in, note_sizes, read_note
from locum.entry import Entry
from locum.measure import instant

_TYPE_ENROLLED = b'"type":"enrolled","v":1}'
_REGISTER, _POLICIES = "org/register", "org/policy"


def verify(file: File, trusted: Trusted | None = None, leaves: bytes | None = None) -> Verified:
    """All that is found. `leaves` are those of the log, where the file was sent without them. Raises nothing, whatever the file
    says: it was read by File.load.
    """
    trusted = trusted or Trusted()
    if file.leaves is None and leaves is None:
        found: tuple[Finding, ...] = (Finding(check="origin", key="no-leaves", holds=False),)
        return _verified(file, trusted, found)
    file = file if file.leaves is not None else replace(file, leaves=leaves)
    return _verified(file, trusted, tuple(_all(file, trusted, file.leaves or b"")))


def _verified(file: File, trusted: Trusted, findings: tuple[Finding, ...]) -> Verified:
    checkpoint = read_note(file.checkpoint)
    return Verified(
        stream=file.stream,
        entries=len(file.places),
        erased=sum(one.payload is None for one in file.places),
        size=checkpoint.size if checkpoint is not None else 0,
        has_key=trusted.key is not None,
        is_quiet=all(one.payload is not None and _TYPE_ENROLLED in one.payload for one in file.places),
        findings=findings,
    )


def _all(file: File, trusted: Trusted, leaves: bytes) -> Findings:
    tags, streams = Tags.of(leaves), _streams(file)
    bare = Log(leaves, {})
    erasures = erasing(file.erasures, bare)
    read = [opened(one, bare, tags, erasures) for one in streams]
    hers = read[0].entries
    keyed = (trusted.key.checkpoint,) if trusted.key is not None else ()
    log = log_of(leaves, note_sizes((*trusted.earlier, *keyed)) | logs_in(hers) | _shown(hers))
    yield from check_origin(file, log, trusted)
    yield from check_enrolled(file, log, hers)
    for one in streams:
        yield from check_complete(one, tags)
    for found in read:
        yield from found.findings
    yield from _acts(file, log, {one.name: found.entries for one, found in zip(streams, read, strict=True)})
    yield from _pairs(file, hers)


def _streams(file: File) -> list[Whose]:
    """Her own stream first, then those of the organisation that came with it."""
    found = [Whose(file.stream, file.key, file.places)]
    if file.register is not None:
        one = file.register.stream
        found.append(Whose(_REGISTER, one.key, one.places, is_hers=False))
    if file.policies is not None:
        one = file.policies.stream
        found.append(Whose(_POLICIES, one.key, one.places, is_hers=False))
    return found


def _shown(entries: Sequence[Entry]) -> set[int]:
    """How long the log was that people signed, by what they signed."""
    if not any(one.type == "reviewed" and one.body.get("signed") is not False for one in entries):
        return set()
    from locum.checkable.signing import shown_sizes  # noqa: PLC0415  slow to load, and only where something was signed

    return shown_sizes(entries)


def _acts(file: File, log: Log, streams: Mapping[str, Sequence[Entry]]) -> Findings:
    """The policy and the gate, asked once more of each act."""
    hers = streams[file.stream]
    if not any(one.type in {"intended", "reviewed"} for one in hers):
        yield _no_acts("allowed", file)
        return
    from locum.checkable.acts import check_acts  # noqa: PLC0415  slow to load, and only where something was done
    from locum.checkable.climbing import check_steps  # noqa: PLC0415
    from locum.checkable.house import House  # noqa: PLC0415
    from locum.checkable.signing import check_others  # noqa: PLC0415

    policies, register = streams.get(_POLICIES, ()), streams.get(_REGISTER, ())
    house = House(file=file, log=log, policies=policies, register=register)
    found = [*check_acts(house, hers), *check_steps(house, hers), *check_others(house, hers)]
    yield from sorted(found, key=lambda one: one.check)


def _no_acts(check: str, file: File) -> Finding:
    """That nothing was done; where something was erased, that this cannot be known any more."""
    if any(one.payload is None for one in file.places):
        return Finding(check=check, key="acts-erased", holds=None)
    return Finding(check=check, key="no-acts")


def _pairs(file: File, entries: Sequence[Entry]) -> Findings:
    """Whether each act has its end, and was announced."""
    cases = dict.fromkeys(one.case for one in entries if one.case)
    found = [finding for case in cases for finding in _pairs_of(entries, case)]
    yield from found
    if not found:
        count = sum(one.type == "intended" for one in entries)
        yield Finding(check="pairs", key="pairs", values={"count": str(count)}) if count else _no_acts("pairs", file)


def _pairs_of(entries: Sequence[Entry], case: str) -> Findings:
    told = story(entries, case)
    for act in told.acts:
        if act.outcome is None and act.again_at is None:
            yield _about("unknown", act.intended, holds=None)
    begun: set[str] = set()
    for one in told.entries:
        if one.type == "intended":
            begun.add(text(one.body, "act"))
        elif one.type == "done" and text(one.body, "act") not in begun:
            yield _about("unannounced", one, holds=False)


def _about(key: str, one: Entry, *, holds: bool | None) -> Finding:
    values = {"act": text(one.body, "act"), "at": instant(one.time), "case": one.case}
    return Finding(check="pairs", key=key, holds=holds, values=values, seq=one.seq, index=one.index)
