"""Two people choose one message, sign for it at the same time, and see it together. What the doors ask for; the worker opens.

Nothing of the message is in here: it comes sealed for one screen (sealedto.py), lies beside the case for two minutes at most,
and is handed to that screen once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from locum.approval import Assertion, NotProven, Opening, Signed, opening_text, text_hash
from locum.approval.opening import DOMAIN
from locum.asides import Aside
from locum.desk import gating
from locum.desk.forms import Acting, ToSign
from locum.desk.incidents import INCIDENT
from locum.desk.office import Office
from locum.desk.searching import attending, hits, opening
from locum.desk.searching.climbing import ladder_in
from locum.desk.searching.hits import KeptHit
from locum.desk.searching.steps import begin
from locum.entry import Draft, Entry, Json
from locum.errors import Conflict, Refused
from locum.gate import Given, Stopped
from locum.gate.opening import OneMessage, Opens, Two, given_openings, opens
from locum.gate.recorded import Recorded
from locum.jobs import Job
from locum.ladder import Ladder, Step
from locum.lifecycle import Case, State
from locum.register import Moment
from locum.sessions import counted
from locum.store import Change

LASTS: Final = timedelta(minutes=2)
"""How long a message that nobody picked up lies sealed beside its case."""
SHOWN: Final = timedelta(minutes=15)
"""How long it is shown at most."""
WHOLE: Final = "message"
"""What is delivered: the message as it is, or `attachment N`."""
WHYS: Final = frozenset({"closed", "left", "private", "time"})


@dataclass(frozen=True, slots=True)
class Viewings:
    """The steps from the list on, for whoever acts."""

    office: Office

    # who and what

    def two(self, case: Case) -> tuple[Ladder, frozenset[str]]:
        """The ladder, and everybody who may be in the room: the requester, whoever signed besides, and she herself where she said
        that she is there.
        """
        found = ladder_in(self.office, case, self.office.store.entries(mailbox=case.mailbox))
        pair = found.pair
        if not pair.is_whole:
            return found, frozenset()
        here = found.attends_from is not None and (found.is_here(self.office.clock()) or bool(found.opened))
        hers = {case.person} if here and found.here_at is not None else set()
        return found, frozenset({pair.requester, *pair.second, *hers})

    def unmasked(self, case: Case) -> frozenset[str]:
        """The messages whose masked subject both asked to see, by digest."""
        found, _ = self.two(case)
        asked = self.asked_to_unmask(case)
        return frozenset(digest for digest, who in asked.items() if found.pair.is_both(sorted(who)))

    def asked_to_unmask(self, case: Case) -> Mapping[str, frozenset[str]]:
        """Who asked to see which masked subject."""
        asked: dict[str, set[str]] = {}
        for one in self.office.store.entries(case=case.id):
            if one.type == "unmasked" and isinstance(by := one.body.get("by"), dict):
                asked.setdefault(str(one.body.get("digest")), set()).add(str(by.get("id")))
        return {digest: frozenset(who) for digest, who in asked.items()}

    def hit(self, case: Case, digest: str) -> KeptHit | None:
        """The line of the list with this digest, while there is a list."""
        kept = hits.read(self.office, case)
        return None if kept is None else kept.at(digest)

    # choosing

    def choose(self, acting: Acting, case: Case, digest: str) -> Case:
        """She chooses this message; she may choose another until it is opened. Raises Refused `search-<guard>`."""
        return self._note(acting, case, "chosen", digest)

    def unmask(self, acting: Acting, case: Case, digest: str) -> Case:
        """She asks to see a masked subject: it is shown where both do. Raises Refused."""
        return self._note(acting, case, "unmasked", digest)

    def _note(self, acting: Acting, case: Case, kind: str, digest: str) -> Case:
        stream = self.office.store.entries(mailbox=case.mailbox)
        found = ladder_in(self.office, case, stream)
        found.check(Step.CHOOSE, acting.id, self.office.clock(), digest=digest)
        entry = self.office.draft(case, kind, digest=digest, by=_by(acting))
        lines = Recorded.of(case.id, case.mailbox, stream, (entry,)).lines
        both = replace(found, chosen={**found.chosen, acting.id: digest}).chosen_by_both
        invited = attending.invited(self.office, case, lines) if kind == "chosen" and both else ()
        return _commit(self.office, case, stream, entry, invited)

    # signing

    def to_open(self, acting: Acting, case: Case, to: bytes) -> ToSign:
        """What she signs to have the message that both chose opened on the screen with this public key. Raises Refused."""
        office = self.office
        stream = office.store.entries(mailbox=case.mailbox)
        found = ladder_in(office, case, stream)
        digest = found.chosen_by_both
        if not digest and found.pair.holds(acting.id) and not found.opened:
            raise Refused("search-not-both-chose", clause=10, case=case.id)
        found.check(Step.SIGN, acting.id, office.clock(), digest=digest)
        hit = _line(stream, case, digest)
        person = office.people.person(acting.id)
        language = person.language if person else office.organisation.language
        told = Recorded.of(case.id, case.mailbox, stream)
        unmasked = digest in self.unmasked(case)
        text = opening_text(case.mailbox, told.request, hit, to.hex(), language, unmasked=unmasked)
        function = _function(found, acting)
        log = office.log_to_sign(case.id)
        statement = Opening(
            approver=acting.id,
            function=function,
            request=told.request,
            digest=digest,
            to=to.hex(),
            display=text_hash(text),
            log=log,
            nonce=office.random(16).hex(),
        )
        keys = office.register().keys_of(acting.id, Moment(office.clock()))
        if not keys:
            raise Refused("no-key", clause=7, case=case.id)
        return ToSign(
            statement=statement.dump(),
            domain=DOMAIN,
            text=text,
            function=function,
            credentials=tuple(key.credential for key in keys),
        )

    def sign(self, acting: Acting, case: Case, statement: bytes, assertion: bytes) -> Case:
        """Record her signature, and have the worker open the message where it is the second. Raises Refused `signature-void` or
        `search-<guard>`, Conflict.
        """
        office = self.office
        signed = Signed(statement, assertion)
        said, made = _read(signed, acting, case)
        stream = office.store.entries(mailbox=case.mailbox)
        found = ladder_in(office, case, stream)
        found.check(Step.SIGN, acting.id, office.clock(), digest=said.digest)
        if not office.was_shown(said.log):
            raise _void(case, "log-other", acting)
        entry = office.draft(case, DOMAIN, digest=said.digest, by=_by(acting), signed=signed.as_json())
        _check_counts(office, case, Recorded.of(case.id, case.mailbox, stream, (entry,)), found, acting)
        number = int.from_bytes(made.authenticator_data[33:37])
        if not counted(office.store.database, made.credential, number):
            raise _void(case, "key-copied", acting)
        case = _commit(office, case, stream, entry)
        if isinstance(opens_now(office, case), Opens):
            case = begin(office, acting, case, Step.OPEN)
        return case

    # what was opened

    def take(self, case: Case) -> bytes | None:
        """The sealed message, once: it is gone from beside the case then. None where there is none, or it lay there too long."""
        times = self.office.asides.times(case.id, Aside.MESSAGE)
        if times is None:
            return None
        sealed = self.office.asides.read(case.id, Aside.MESSAGE)
        self.office.asides.wipe(case.id, (Aside.MESSAGE,))
        return sealed if self.office.clock() - times[0] <= LASTS else None

    def closed(self, case: Case, why: str, seconds: int, who: str = "") -> Case:
        """Record that it is shown no more, once. `why` is one of WHYS; `private`: it turned out to be private after all, and that
        ends the case as an incident (clause 14); `who` said so.
        """
        office = self.office
        for _ in range(_TRIES):
            case = office.store.case(case.id)
            stream = office.store.entries(mailbox=case.mailbox)
            found = ladder_in(office, case, stream)
            if not found.opened or found.closed or why not in WHYS:
                return case
            entry = office.draft(case, "closed", why=why, seconds=seconds)
            try:
                return office.store.commit(
                    [_closing(office, case, entry, why, who, len(stream) and stream[-1].seq + 1)]
                )[0]
            except Conflict:
                continue
        return case

    def deliver(self, acting: Acting, case: Case, part: str = WHOLE) -> Case:
        """Have it delivered where the request says: the message as it is, or one attachment. Raises Refused `search-<guard>`."""
        return begin(self.office, acting, case, Step.DELIVER, part=part)


_TRIES: Final = 5


def _closing(office: Office, case: Case, entry: Draft, why: str, who: str, length: int) -> Change:
    if why != "private" or case.state is not State.APPLIED:
        return Change(case=case, entries=(entry,), judged_at=(case.mailbox, length))
    found = office.draft(case, "incident", act="open", key="private-after-all", who=who)
    change = opening.over(office, case, "private", (entry, found))
    letter = Job(kind=INCIDENT, case=case.id, due_at=office.clock(), lane="letters")
    return Change(case=change.case, entries=change.entries, put=(*change.put, letter), drop=change.drop)


def _commit(office: Office, case: Case, stream: Sequence[Entry], entry: Draft, put: tuple[Job, ...] = ()) -> Case:
    length = stream[-1].seq + 1
    return office.store.commit([Change(case=case, entries=(entry,), put=put, judged_at=(case.mailbox, length))])[0]


def _by(acting: Acting) -> Json:
    return {"id": acting.id, "name": acting.name}


def _line(stream: Sequence[Entry], case: Case, digest: str) -> Mapping[str, Json]:
    """The line of the entry `listed` with this digest. Raises Refused."""
    for one in stream:
        rows = one.body.get("hits") if one.type == "listed" and one.body.get("case") == case.id else None
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("digest") == digest:
                return row
    raise Refused("search-not-on-the-list", clause=10, case=case.id)


def _function(found: Ladder, acting: Acting) -> str:
    if acting.id == found.pair.requester:
        return found.pair.function
    return dict(found.pair.others).get(acting.id, "")


def _read(signed: Signed, acting: Acting, case: Case) -> tuple[Opening, Assertion]:
    """What came back, if it is hers. Raises Refused `signature-void`."""
    try:
        said, made = Opening.load(signed.statement), Assertion.load(signed.assertion)
    except NotProven as error:
        raise _void(case, error.key, acting) from error
    if said.approver != acting.id:
        raise Refused("signed-by-another", clause=7, case=case.id)
    return said, made


def _void(case: Case, key: str, acting: Acting) -> Refused:
    return Refused("signature-void", clause=7, case=case.id, gate=key, who=acting.name, what="")


def _check_counts(office: Office, case: Case, told: Recorded, found: Ladder, acting: Acting) -> None:
    """Raise Refused where the signature would not count."""
    result = judged_in(office, case, told, found)
    if isinstance(result, Opens):
        return
    mine = [one for one in result.reasons if one.who == acting.id and one.key != "screen-other"]
    if result.is_false or mine:
        raise _void(case, (mine or list(result.reasons))[0].key, acting)


def opens_now(office: Office, case: Case) -> Opens | Stopped:
    """The gate over both signatures, from the record as it is now."""
    stream = office.store.entries(mailbox=case.mailbox)
    return judged_in(office, case, Recorded.of(case.id, case.mailbox, stream), ladder_in(office, case, stream))


def judged_in(office: Office, case: Case, told: Recorded, found: Ladder) -> Opens | Stopped:
    """The same, from these entries."""
    two = Two(
        requester=found.pair.requester, function=found.pair.function, others=found.pair.others, owner=case.person
    )  # fmt: skip
    message = OneMessage(request=told.request, digest=found.chosen_by_both)
    given = given_openings(told, case.mailbox)
    around = gating.surroundings(office, case, _nonces(given))
    return opens(message, two, given, office.register(), around, office.clock())


def _nonces(given: Sequence[Given]) -> list[str]:
    found = []
    for one in given:
        try:
            found.append(Opening.load(one.signed.statement).nonce)
        except NotProven:
            continue
    return found
