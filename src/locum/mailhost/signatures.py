"""Signed approvals, checked once more where a forward is written: the gate, on the mail host itself. Loaded with --site only.

The one file of this program that needs more than the standard library (cryptography, and what the gate stands on); without --site
no signature counts here, and no forward is written that was not filed as a trial. What comes in is bytes: the request, the policy's
text (its hash stands in the request), the register's entries, the signed approvals. Nothing else is believed.

What cannot be told here: whether the worker left out the newest entries of the register (a withdrawal), and whether she objected
since. Those the worker looks at.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from locum.approval import Log, NotProven, Signed, Site
from locum.approval.reading import text_of
from locum.approval.statement import Approval
from locum.entry import Entry, Json, canonical
from locum.errors import Garbled, LocumError, Rejected
from locum.gate import Act, Given, Stopped, Surroundings, gate, need_of
from locum.mailhost.warranting import Fields, Signatures, request_hash
from locum.measure import Audience, parse_instant
from locum.messages import LANGUAGES
from locum.policy import Facts, Policy, Question, load
from locum.register import STREAM, fold


def signatures(url: str, founded: Sequence[str] = (), earlier: Sequence[Sequence[str]] = ()) -> Signatures | None:
    """What checks a signed warrant for the site at this address, and for signatures from before at those where it was, each with
    its last day; None where browsers make no passkeys for one of them, or a day is none.
    """
    try:
        found = [Site.of(url), *(Site.of(one, _end_of(day)) for one, day in earlier)]
    except ValueError:
        return None
    sites = tuple(one for one in found if one is not None)
    return partial(_check, sites, tuple(founded)) if len(sites) == len(found) else None


def _end_of(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC) + timedelta(days=1)


def _check(sites: Sequence[Site], founded: Sequence[str], said: Fields, now: datetime) -> None:
    """Raise Rejected `forward-not-signed` unless the right people signed just this request."""
    try:
        request, told = _table(said["request"]), _table(said["signed"])
        policy = _policy(request, str(told["policy"]))
        register = fold(map(_entry, _tables(told["register"])), sites, founded=founded)
        act = Act(
            request=canonical(request),
            recorded=request_hash(said["request"]),  # type: ignore[arg-type]
            policy=str(request["policy"]),
            need=need_of(policy, _question(request), _facts(told)),
            concerned=frozenset(str(one) for one in _list(told["concerned"])),
            requester_functions=frozenset({str(said["requester_function"])} - {""}),
        )
        log = _table(told["log"])
        ours = Log(str(log["origin"]), int(str(log["size"])), str(log["root"]))
        around = Surroundings(site=sites[0], log=ours, earlier=tuple(sites[1:]))
        found = gate(act, [_given(request, one) for one in _tables(said["reviews"])], register, around, now)
    except (LocumError, NotProven, ValueError, KeyError, TypeError) as error:
        raise Rejected("forward-not-signed", reason=type(error).__name__) from error
    if isinstance(found, Stopped):
        raise Rejected("forward-not-signed", reason=", ".join(one.key for one in found.reasons))
    if not act.need.requester_signs or not act.need.parts:
        raise Rejected("forward-not-signed", reason="policy-unsigned")


def _policy(request: dict[str, Json], text: str) -> Policy:
    if hashlib.sha256(text.encode()).hexdigest() != request["policy"]:
        raise Garbled("mailhost-garbled")
    return load(text, kept=True)


def _question(request: dict[str, Json]) -> Question:
    """As much of it as says who has to look."""
    measures = [_table(one) for one in _list(request["measures"])]
    moment = parse_instant(str(request["not_after"]))
    return Question(
        reason=str(request["reason"]),
        from_date=moment,
        to_date=moment,
        audience=Audience.INTERNAL,
        external_is_template=True,
        batch_size=1,
        requester=str(request["requester"]),
        owner=str(request["person"]),
        measures=frozenset(str(one["measure"]) for one in measures),
    )


def _facts(told: dict[str, Json]) -> Facts:
    return Facts(channels=frozenset(), answer="objected" if told["objected"] is True else "")


_WHENEVER = datetime.min.replace(tzinfo=UTC)


def _entry(value: dict[str, Json]) -> Entry:
    """An entry of the register; what counts of it is in its payload, which the fold reads and checks."""
    payload = str(value["payload"]).encode()
    return Entry(
        index=int(str(value["index"])),
        stream=STREAM,
        seq=0,
        type="",
        time=_WHENEVER,
        case="",
        body={},
        payload=payload,
        opening=bytes.fromhex(str(value["opening"])),
        leaf=bytes.fromhex(str(value["leaf"])),
    )


def _given(request: dict[str, Json], value: dict[str, Json]) -> Given:
    signed = Signed(str(value["statement"]).encode(), str(value["assertion"]).encode())
    decision = Approval.load(signed.statement).decision
    return Given(
        signed=signed,
        index=int(str(value["index"])),
        recorded_at=parse_instant(str(value["time"])),
        shown=tuple(text_of(request, decision, language) for language in LANGUAGES),
    )


def _table(value: object) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("a table expected")
    return value


def _list(value: object) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("a list expected")
    return value


def _tables(value: object) -> Iterator[dict[str, Json]]:
    return map(_table, _list(value))
