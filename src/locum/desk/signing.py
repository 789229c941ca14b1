"""Signing at the desk: what somebody may sign about a case, what she is given to sign, and what comes back.

What comes back is judged by the gate's own rules before it is recorded, so that nothing is recorded that would not count. That
it still counts is asked once more right before the act (last_look.py).
"""

from collections.abc import Sequence
from dataclasses import replace

from locum.approval import Approval, Assertion, NotProven, Signed, text_hash
from locum.approval.reading import text_of
from locum.desk import overruling
from locum.desk.asking import proceed
from locum.desk.forms import Acting, ToSign
from locum.desk.gating import (
    IMPOSSIBLE,
    NOBODY,
    as_given,
    given,
    passing,
    recorded,
    to_sign_anew,
    wants_signatures,
)
from locum.desk.judging import facts, need_for, outline, reviewers
from locum.desk.office import Office
from locum.desk.receipts import receipt_wanted
from locum.desk.receiving import receiver_of
from locum.desk.requested import canonical_request
from locum.entry import Draft, Json
from locum.errors import Conflict, LocumError, Refused
from locum.gate import Given, Passed, Reason, Stopped
from locum.gate.recorded import Recorded
from locum.lifecycle import Case, State
from locum.register import Moment, Register
from locum.register.standing import MANAGER
from locum.sessions import count_of, counted
from locum.store import Change
from locum.wording import normal

REQUEST = "request"
_BEFORE = frozenset(
    {
        State.REQUESTED,
        State.ASKING,
        State.AGREED,
        State.UNANSWERED,
        State.AWAITING_REVIEW,
        State.OBJECTED,
        State.SCHEDULED,
    }
)
_RESTING = frozenset({State.AGREED, State.UNANSWERED, State.AWAITING_REVIEW})
_WAITING = (State.REQUESTED, State.ASKING, State.AGREED, State.UNANSWERED, State.AWAITING_REVIEW, State.OBJECTED)
_MANY = 100_000


# what she may sign ---------------------------------------------------------------------------------------------------


def decisions(office: Office, acting: Acting, case: Case) -> tuple[str, ...]:
    """What she may decide about this case now with her signature; nothing where she may not."""
    return tuple(one for one in ("approve", "deny", "overrule", REQUEST) if _may(office, acting, case, one))


def lacking(office: Office, acting: Acting, case_id: str) -> Refused | None:
    """See Desk.lacking. Nothing where she is concerned, or where this is no case that waits for a review."""
    try:
        case = office.store.case(case_id)
        owner, person = office.people.person(case.person), office.people.person(acting.id)
        waits = case.state is State.AWAITING_REVIEW and office.site is not None and wants_signatures(office, case)
        if person is None or owner is None or not waits or person.function not in reviewers(office, case):
            return None
        _check_who(office, acting, case, "approve")
    except LocumError:
        return None
    if person.function == MANAGER and owner.manager != person.id:
        return None
    register, now = office.register(), Moment(office.clock())
    if not register.keys_of(person.id, now):
        return Refused("no-key", clause=7, case=case.id)
    has = person.function in register.functions_of(person.id, now, case.person)
    return None if has else Refused("no-function", clause=7, case=case.id)


def _may(office: Office, acting: Acting, case: Case, decision: str) -> bool:
    try:
        return bool(functions_for(office, acting, case, decision))
    except LocumError:
        return False


def waiting(office: Office, acting: Acting) -> list[Case]:
    """The cases that wait for her signature, the oldest first."""
    if not office.register().keys_of(acting.id, Moment(office.clock())):
        return []
    found = [case for state in _WAITING for case in office.store.find(state=state, limit=_MANY)]
    signed = ("approve", "overrule", REQUEST)  # who may approve may deny
    mine = [case for case in found if any(_may(office, acting, case, one) for one in signed)]
    return sorted(mine, key=lambda case: (case.filed_at, case.id))


def functions_for(office: Office, acting: Acting, case: Case, decision: str) -> list[str]:
    """The functions in which she may make this decision. Raises Refused, saying why she may not."""
    if office.site is None or not wants_signatures(office, case):
        raise Refused("signature-not-wanted", clause=7, case=case.id)
    _check_who(office, acting, case, decision)
    _check_when(office, case, decision)
    said = [one for who, one, request in case.reviews if (who, request) == (acting.id, case.request)]
    if any(_is_same(one, decision) for one in said) and acting.id not in to_sign_anew(office, case):
        raise Refused("signed-already", clause=7, case=case.id)
    register, now = office.register(), Moment(office.clock())
    if not register.keys_of(acting.id, now):
        raise Refused("no-key", clause=7, case=case.id)
    if decision == REQUEST:
        own = sorted(register.functions_of(acting.id, now, case.person), key=lambda one: (one != acting.function, one))
        if not own:
            raise Refused("no-function", clause=7, case=case.id)
        return own
    return _functions(office, acting, case, decision, register)


def _is_same(before: str, decision: str) -> bool:
    """Nobody decides twice; who approved may still overrule an objection that came later, and who asks signs as that alone."""
    return before == decision or (before != REQUEST and decision in ("approve", "deny"))


def _check_who(office: Office, acting: Acting, case: Case, decision: str) -> None:
    if decision == REQUEST:
        if acting.id != case.requester:
            raise Refused("not-your-request", clause=7, case=case.id)
        return
    if acting.id in (case.requester, case.person):
        raise Refused("own-review", clause=7, case=case.id)
    receiver = receiver_of(office, case.receives) if case.receives else None
    if receiver is not None and receiver.id == acting.id:
        raise Refused("receiver-review", clause=7, case=case.id)


def _check_when(office: Office, case: Case, decision: str) -> None:
    states = {REQUEST: _BEFORE, "overrule": {State.OBJECTED}}.get(decision, {State.AWAITING_REVIEW})
    if case.state not in states or office.clock() >= case.to_date:
        raise Refused("no-such-step", case=case.id, state=case.state, event=decision)
    if decision == "overrule":
        overruling.check_open(office, case)


def _functions(office: Office, acting: Acting, case: Case, decision: str, register: Register) -> list[str]:
    """Those in which she decides about others' requests: of another function than whoever asks."""
    wanted = overruling.functions_left(office, case) if decision == "overrule" else reviewers(office, case)
    now = Moment(office.clock())
    rights = [right for name in wanted for right in register.rights(acting.id, name, now, case.person)]
    if not rights:
        error = "not-an-overruler" if decision == "overrule" else "not-a-reviewer"
        raise Refused(error, clause=6 if decision == "overrule" else 7, case=case.id, functions=", ".join(wanted))
    requester = office.people.person(case.requester)
    theirs = register.functions_of(case.requester, now) | ({requester.function} if requester else set()) - {""}
    concerned = frozenset({case.requester, case.person})
    apart = [right.function for right in rights if register.is_apart(right, concerned, frozenset(theirs), now)]
    if not apart:
        raise Refused("same-function", clause=7, case=case.id)
    return list(dict.fromkeys(apart))


# what she is given to sign -------------------------------------------------------------------------------------------


def to_sign(office: Office, acting: Acting, case: Case, decision: str) -> ToSign:
    """What she signs to make this decision; see Desk.to_sign."""
    functions = functions_for(office, acting, case, decision)
    person = office.people.person(acting.id)
    text = text_of(canonical_request(case), decision, person.language if person else office.organisation.language)
    log = office.log_to_sign(case.id)
    function = _wanted_first(office, case, decision, functions)
    statement = Approval(
        decision=decision,
        function=function,
        approver=acting.id,
        request=case.request,
        display=text_hash(text),
        policy=case.policy,
        log=log,
        nonce=office.random(16).hex(),
    )
    keys = office.register().keys_of(acting.id, Moment(office.clock()))
    return ToSign(
        statement=statement.dump(),
        domain="approval",
        text=text,
        function=function,
        credentials=tuple(key.credential for key in keys),
    )


def _wanted_first(office: Office, case: Case, decision: str, functions: Sequence[str]) -> str:
    """Of the functions that she has, one that is still lacking."""
    if decision == REQUEST or len(functions) == 1:
        return functions[0]
    told = recorded(office, case)
    found = passing(office, case, NOBODY, told, given(case, told))
    need = need_for(office, case, outline(office, case), facts(office, case))
    eyes = found.eyes if isinstance(found, Passed) else ()
    lacking = {name for part in need.parts if not part.is_met(eyes) for name in part.functions}
    return next((name for name in functions if name in lacking), functions[0])


# what comes back -----------------------------------------------------------------------------------------------------


class Signature:
    """One signature on its way into the record: its key's counter is noted once, however often the case is looked at anew."""

    def __init__(self, office: Office, acting: Acting, signed: Signed, because: str) -> None:
        """Raises Refused `signature-void` for bytes that are none."""
        self._office, self._acting, self._signed, self._because = office, acting, signed, because
        try:
            self._said = Approval.load(signed.statement)
            self._assertion = Assertion.load(signed.assertion)
        except NotProven as error:
            raise _void("", error.key, acting) from error
        self._count = count_of(office.store.database, self._assertion.credential)
        self._is_counted = False

    def record(self, case: Case) -> Case:
        """Check everything anew, and record it; see Desk.sign."""
        said, acting, office = self._said, self._acting, self._office
        if said.approver != acting.id:
            raise Refused("signed-by-another", clause=7, case=case.id)
        if said.request != case.request:
            raise Conflict("shown-before", case=case.id)
        if said.function not in functions_for(office, acting, case, said.decision):
            raise _void(case.id, "function-not-hers", acting)
        note = self._note()
        body: dict[str, Json] = {
            "decision": said.decision,
            "by": {"id": acting.id, "name": acting.name, "function": said.function},
            "because": note,
            "signed": self._signed.as_json(),
            "request": case.request,
        }
        self._check(case, office.draft(case, "reviewed", **body))
        self._count_once(case)
        case = replace(case, reviews=(*case.reviews, (acting.id, said.decision, case.request)))
        change = _change(office, case, said.decision, body)
        return office.store.commit([replace(change, put=(*change.put, receipt_wanted(office, case)))])[0]

    def _note(self) -> str:
        if self._said.decision == "overrule":
            return overruling.compelling(self._because)
        return normal(self._because, "because").strip()[:2000]

    def _check(self, case: Case, entry: Draft) -> None:
        """Raise Refused where it would not count, by itself or beside what was signed before."""
        office, said = self._office, self._said
        if not office.was_shown(said.log):
            raise _void(case.id, "log-other", self._acting)
        alone = as_given(case, self._signed, at=entry.time, count=self._count)
        told = recorded(office, case)
        for approvals in ([alone], [*given(case, told), alone]):
            _check_counts(office, case, told, approvals, self._acting, said)

    def _count_once(self, case: Case) -> None:
        """The counter as the authenticator's own data has it; one that stands still shows a copy (WebAuthn 7.2, step 22)."""
        number = int.from_bytes(self._assertion.authenticator_data[33:37])
        if not self._is_counted and not counted(self._office.store.database, self._assertion.credential, number):
            raise _void(case.id, "key-copied", self._acting)
        self._is_counted = True


def _check_counts(
    office: Office, case: Case, told: Recorded, approvals: Sequence[Given], acting: Acting, said: Approval
) -> None:
    found = passing(office, case, NOBODY, told, approvals)
    if isinstance(found, Stopped):
        reasons = [one for one in found.reasons if one.key != "denied"]
        if found.is_false or reasons:
            raise _void(case.id, reasons[0].key, acting)
        return
    if not any((one.person, one.decision) == (acting.id, said.decision) for one in found.eyes):
        why = passing(office, case, IMPOSSIBLE, told, approvals)
        reasons = [one for one in _reasons(why) if one.who == acting.id]
        raise _void(case.id, reasons[-1].key if reasons else "person-twice", acting)


def _reasons(found: Passed | Stopped) -> Sequence[Reason]:
    return found.reasons if isinstance(found, Stopped) else ()


def _void(case_id: str, key: str, acting: Acting) -> Refused:
    return Refused("signature-void", clause=7, case=case_id, gate=key, who=acting.name, what="")


def _change(office: Office, case: Case, decision: str, body: dict[str, Json]) -> Change:
    """The entry, and what follows on it."""
    if decision == "overrule":
        return overruling.with_grounds(office, case, body)
    entry = office.draft(case, "reviewed", **body)
    if case.state in _RESTING:
        return proceed(office, case, (entry,))
    return Change(case=case, entries=(entry,))
