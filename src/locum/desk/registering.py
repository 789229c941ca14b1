"""People and keys at the desk: a deed is proposed, shown, signed by those it takes, and recorded in `org/register`.

An entry is only ever written where the register's own rules would accept it; what is signed so far waits as a proposal, and
what stands in that row counts for nothing by itself. Whoever a deed is about is told of it (registered.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from locum.approval import DEEDS, Assertion, Deed, NotProven, Signed
from locum.approval.statement import text_hash
from locum.approval.strict import decoded, encoded
from locum.desk.forms import Acting, ToSign
from locum.desk.office import Office
from locum.desk.registered import jobs_for
from locum.entry import Draft, Json, check_json
from locum.errors import Conflict, Invalid, LocumError, Refused
from locum.measure import instant, parse_instant
from locum.messages import LANGUAGES, says
from locum.proposals import RECORDED, WITHDRAWN, Proposal, Proposals
from locum.register import LASTS, STREAM, Moment, Register, founding, tried
from locum.register.differing import Differences, differences
from locum.register.reading import hashes, text_of
from locum.register.signers import people
from locum.register.ways import BY_TWO, Hand, Way, Wish, check_delegation, instants, ways
from locum.sessions import Sessions
from locum.store import Change

NEW_KEY: Final = "new-key"
"""The path of a one-time link for one person's key, and before the person's id, its purpose."""
_LONGEST_ID: Final = 180
_TRIES: Final = 4
_GIVES: Final = frozenset({"function-given", "manager-given", "key-added"})


def proposals(office: Office) -> Proposals:
    """The proposals of this organisation."""
    return Proposals(office.store.database, office.clock)


# proposing ---------------------------------------------------------------------------------------------------------


def propose(office: Office, acting: Acting, kind: str, what: Mapping[str, Json]) -> Proposal:
    """Keep a deed until it is signed; the one that says the same and is open, where there is one. Raises Invalid, Refused."""
    if kind == "first-keys":
        raise Invalid("deed-unreadable")
    _check_shape(kind, what)
    _check_known(office, kind, what)
    _check_proposer(office, acting.id, Wish(kind=kind, what=what, by=acting.id))
    for one in proposals(office).open():
        if (one.kind, one.what) == (kind, dict(what)) and (kind != "delegated" or one.by == acting.id):
            return one
    return proposals(office).add(new_proposal(office, acting.id, kind, what))


def _check_shape(kind: str, what: Mapping[str, Json]) -> None:
    try:
        check_json(dict(what))
        readable = kind in DEEDS and DEEDS[kind](dict(what))
    except ValueError:
        readable = False
    if not readable:
        raise Invalid("deed-unreadable")


def new_proposal(office: Office, by: str, kind: str, what: Mapping[str, Json]) -> Proposal:
    """A proposal that nobody judged yet."""
    now = _now(office)
    return Proposal(
        id=office.random(12).hex(), kind=kind, what=dict(what), by=by, made_at=now, not_after=now + LASTS
    )  # fmt: skip


def _check_known(office: Office, kind: str, what: Mapping[str, Json]) -> None:
    """Whoever is to get something is on file."""
    named = {str(row["person"]) for row in people(what)} if kind in _GIVES else set()
    named |= {str(row["manager"]) for row in people(what) if row.get("manager")} if kind == "manager-given" else set()
    named |= {str(what["to"])} if kind == "delegated" else set()
    for person in sorted(named):
        if office.people.person(person) is None:
            raise Invalid("unknown-person", person=person[:80])


def _check_proposer(office: Office, person: str, wish: Wish) -> None:
    try:
        _check_may_propose(office.register(), wish, person, Moment(_now(office)))
        if wish.kind == "delegated":
            _check_delegation(office, person, wish.what)
    except NotProven as error:
        raise refusal(office, error) from error


def _check_may_propose(register: Register, wish: Wish, person: str, moment: Moment) -> None:
    """Who has a function may propose what two others sign; anything else, who may sign it. Raises NotProven."""
    if wish.kind not in BY_TWO:
        ways(register, wish, person, moment)
    elif not register.keys_of(person, moment):
        raise NotProven("no-key", person)
    elif not register.functions_of(person, moment):
        raise NotProven("no-function", person)


def _check_delegation(office: Office, by: str, what: Mapping[str, Json]) -> None:
    to, (start, end), now = str(what["to"]), instants(what), _now(office)
    check_delegation(office.growing_register()[1], by, to, start, end, now)
    if not office.register().keys_of(to, Moment(now)):
        raise NotProven("receiver-without-key", to)


def open_differences(office: Office) -> Differences:
    """What people.csv says differently from the record, and nobody proposed yet."""
    found = differences(office.register(), office.people.everyone(), Moment(_now(office)))
    for one in proposals(office).open():
        found = found.without(one.kind, one.what)
    return found


def propose_differences(office: Office, acting: Acting) -> list[Proposal]:
    """What people.csv proposes differently from the record, as deeds to sign. What is about somebody who could sign stands
    apart, so that she can sign the rest.
    """
    register, moment = office.register(), Moment(_now(office))
    signing = {person for person, functions in register.people(moment).items() if functions}
    found = open_differences(office)
    return [propose(office, acting, kind, what) for kind, what in found.deeds(signing)]


def withdraw_leaver(office: Office, acting: Acting, person: str) -> list[Proposal]:
    """Withdraw all keys and functions of somebody who left, as deeds to sign."""
    register, moment = office.register(), Moment(_now(office))
    given = sorted(
        f for (p, f), spans in register.functions.items() if p == person and any(s.holds(moment) for s in spans)
    )
    deeds: list[tuple[str, dict[str, Json]]] = [
        ("key-withdrawn", {"person": person, "credential": encoded(key.credential), "reason": "left"})
        for key in register.keys.values()
        if key.person == person and key.span.ended is None
    ]
    if given:
        deeds.append(("function-withdrawn", {"people": [{"person": person, "function": one} for one in given]}))
    return [propose(office, acting, kind, what) for kind, what in deeds]


def link_for(office: Office, acting: Acting, person: str) -> str:
    """The address of a one-time link with which somebody makes a key: for whom the two who then sign for it vouch. An earlier
    one works no more. Raises Refused, Invalid.
    """
    try:
        _check_may_propose(
            office.register(), Wish(kind="function-given", what={}, by=acting.id), acting.id, Moment(_now(office))
        )
    except NotProven as error:
        raise refusal(office, error) from error
    if office.people.person(person) is None or len(person) > _LONGEST_ID:
        raise Invalid("unknown-person", person=person[:80])
    if person == acting.id:
        raise Refused("link-for-oneself")
    token = office.key_links().make(f"{NEW_KEY}:{person}", anew=True)
    return f"{office.organisation.web_url.rstrip('/')}/{NEW_KEY}/{token}"


def withdraw(office: Office, acting: Acting, proposal_id: str) -> Proposal:
    """Take a proposal back: whoever made it, or the person whom a new key is said to be of."""
    one = proposals(office).one(proposal_id)
    _check_open(office, one)
    if acting.id != one.by and not (one.kind == "key-added" and acting.id == one.what["person"]):
        raise Refused("proposal-of-another")
    return proposals(office).change(one, state=WITHDRAWN)


# signing -----------------------------------------------------------------------------------------------------------


def to_sign(office: Office, acting: Acting, proposal_id: str, function: str, language: str) -> ToSign:
    """What she signs for this proposal; in which function, where she has a choice. Raises Refused."""
    one = proposals(office).one(proposal_id)
    _check_open(office, one)
    way = _way(office, one, acting.id, function)
    text = text_of(one.kind, one.what, language)
    return deed_to_sign(office, one.kind, one.what, acting.id, way, text, one.not_after)


def deed_to_sign(
    office: Office, kind: str, what: Mapping[str, Json], by: str, way: Way, text: str, not_after: datetime
) -> ToSign:
    """A statement of this deed for one person."""
    if office.site is None:
        raise Refused("no-passkeys-here")
    deed = Deed(
        kind=kind,
        by=by,
        function=way.function,
        what=what,
        display=text_hash(text),
        not_after=not_after,
        log=office.log(),
        nonce=office.random(16).hex(),
    )
    return ToSign(
        statement=deed.dump(), domain=kind, text=text, function=way.function, credentials=way.credentials
    )  # fmt: skip


def sign(office: Office, acting: Acting, proposal_id: str, statement: bytes, assertion: bytes) -> Proposal:
    """Add her signature; with the last that it takes, the deed is recorded. Raises Refused, Conflict, with nothing changed."""
    for _ in range(_TRIES):
        one = proposals(office).one(proposal_id)
        _check_open(office, one)
        try:
            return _sign(office, acting, one, Signed(statement, assertion))
        except Conflict as conflict:
            if conflict.key not in ("changed-meanwhile", "proposal-changed"):
                raise
    raise Conflict("proposal-changed")


def _sign(office: Office, acting: Acting, one: Proposal, signed: Signed) -> Proposal:
    under = (*one.signed, signed)
    try:
        _check_statement(office, acting, one, signed)
        length, now = _tried(office, one.kind, under)
    except NotProven as error:
        if error.key == "signatures-missing" and len(one.signed) < 2:
            return proposals(office).change(one, signed=under)
        raise refusal(office, error) from error
    record(office, one.kind, under, length, now)
    return proposals(office).change(one, signed=under, state=RECORDED)


def _check_statement(office: Office, acting: Acting, one: Proposal, signed: Signed) -> None:
    """That this is what she was shown, signed by her, with a key that she was asked for. Raises NotProven."""
    deed = Deed.load(one.kind, signed.statement)
    way = _way(office, one, acting.id, deed.function)
    if deed.by != acting.id or deed.what != one.what or deed.not_after != one.not_after:
        raise NotProven("deed-differs", acting.id)
    if deed.display not in hashes(one.kind, one.what):
        raise NotProven("text-other", acting.id)
    if Assertion.load(signed.assertion).credential not in way.credentials:
        raise NotProven("key-of-another", acting.id)
    if deed.log.size > office.log().size:
        raise NotProven("log-ahead", acting.id)


def _tried(office: Office, kind: str, under: Sequence[Signed], founded: tuple[str, ...] = ()) -> tuple[int, datetime]:
    """How long the stream was, and when, as the register's rules accepted this. Raises NotProven."""
    length, growing = office.growing_register()
    now = _now(office)
    body: dict[str, Json] = {"signed": [one.as_json() for one in under]}
    tried(growing, kind, body, Moment(now), office.sites, founded=(*office.founded, *founded))
    return length, now


def record(office: Office, kind: str, under: Sequence[Signed], length: int, now: datetime) -> None:
    """Write the entry that was accepted, if the stream still stands where it was judged. Raises Conflict."""
    what = Deed.load(kind, under[0].statement).what
    draft = Draft(stream=STREAM, type=kind, time=now, body={"signed": [one.as_json() for one in under]})
    told = {Deed.load(kind, one.statement).by for one in under}
    jobs = jobs_for(office, kind, what, told, length, now)
    office.store.commit([Change(entries=(draft,), put=tuple(jobs), judged_at=(STREAM, length))])
    if kind == "key-withdrawn":
        sessions = Sessions(office.store.database, office.clock, office.random)
        sessions.end_of_key(decoded(str(what["credential"])))


def founding_to_sign(office: Office, what: Mapping[str, Json], by: str, language: str) -> ToSign:
    """What one of the first two people signs, with the key that she just made. Raises Invalid."""
    _check_shape("first-keys", what)
    (row,) = (row for row in people(what) if row["person"] == by)
    way = Way(str(row["function"]), (decoded(str(row["credential"])),), is_new=True)
    text = text_of("first-keys", what, language)
    return deed_to_sign(office, "first-keys", what, by, way, text, _now(office) + LASTS)


def found(office: Office, under: Sequence[Signed]) -> str:
    """Record a founding of the register, signed by both. Gives nothing where it counts at once, and where there was one before,
    its name: it counts when that stands in the settings. Raises Refused, Conflict.
    """
    try:
        length, now = _tried(office, "first-keys", under)
        name = ""
    except NotProven as error:
        if error.key != "founded-before":
            raise refusal(office, error) from error
        name = founding(Deed.load("first-keys", under[0].statement).what)
        length, now = _tried_anew(office, under, name)
    record(office, "first-keys", under, length, now)
    return name


def _tried_anew(office: Office, under: Sequence[Signed], name: str) -> tuple[int, datetime]:
    try:
        return _tried(office, "first-keys", under, (name,))
    except NotProven as error:
        raise refusal(office, error) from error


# looking -----------------------------------------------------------------------------------------------------------


def wish_of(one: Proposal) -> Wish:
    """A proposal with the hands that signed it so far, as the register looks at it."""
    return Wish(kind=one.kind, what=one.what, by=one.by, hands=tuple(_hand(one, each) for each in one.signed))


def _hand(one: Proposal, signed: Signed) -> Hand:
    deed = Deed.load(one.kind, signed.statement)
    is_new = one.kind == "key-added" and Assertion.load(signed.assertion).credential == decoded(
        str(one.what["credential"])
    )
    return Hand(deed.by, deed.function, is_new)


def ways_of(office: Office, one: Proposal, person: str) -> tuple[Way, ...]:
    """How this person may sign it now. Raises Refused with the reason where she may not."""
    try:
        return ways(office.register(), wish_of(one), person, Moment(_now(office)))
    except NotProven as error:
        raise refusal(office, error) from error


def waiting(office: Office, person: str) -> list[Proposal]:
    """The proposals that this person may sign now."""
    return [one for one in proposals(office).open() if _may(office, one, person)]


def _may(office: Office, one: Proposal, person: str) -> bool:
    try:
        return bool(ways_of(office, one, person))
    except Refused:
        return False


def _way(office: Office, one: Proposal, person: str, function: str) -> Way:
    """The way in this function; the first one, where none is named."""
    may = ways_of(office, one, person)
    chosen = [way for way in may if way.function == function] or ([] if function else list(may))
    if not chosen:
        raise refusal(office, NotProven("function-not-hers", person))
    return chosen[0]


def _check_open(office: Office, one: Proposal) -> None:
    if not one.is_open(office.clock()):
        raise Refused(f"proposal-{one.state}" if one.state != "open" else "proposal-expired")


def refusal(office: Office, error: NotProven) -> LocumError:
    """What a person is told of it: what she can do something about by its name, anything else as one."""
    person = office.people.person(error.who) if error.who else None
    known = all(says(language, f"errors.deed-{error.key}.sentence") for language in LANGUAGES)
    return Refused(f"deed-{error.key}" if known else "deed-not-good", who=person.name if person else error.who)


def _now(office: Office) -> datetime:
    """Whole seconds, as they stand in entries."""
    return parse_instant(instant(office.clock()))
