"""The last look before an act: what was filed is judged once more, against what is so now.

The request hash, other cases, the policy, and for a forward its receiver and everything that has to hold on her mail system.
What may not go on is finished here, or put off; what is written to a mail system is acting.py's.
"""

from collections.abc import Sequence
from typing import TypeAlias

from locum.approval.request import hash_of
from locum.desk import handing, in_force, incidents, moving
from locum.desk.asking import consent_wanted, expire, news, review_wanted, told_to_receiver
from locum.desk.filing import overlapping
from locum.desk.gating import given, passing, wants_signatures
from locum.desk.judging import facts, judged, need_for, question
from locum.desk.lanes import to_end
from locum.desk.office import Office
from locum.desk.reaching import put_off, wait_for
from locum.desk.receiving import NOTHING, look, not_holding
from locum.desk.requested import request_bytes
from locum.entry import Entry, Json, salted_digest
from locum.errors import LocumError
from locum.gate import Passed, Reason, Stopped
from locum.gate.recorded import Recorded
from locum.jobs import LOST
from locum.lifecycle import Case, Event, State, advance
from locum.policy import Allowed, Needs, No, Question
from locum.policy.told import told as as_told
from locum.store import Change, Job, Taken

Judged: TypeAlias = dict[str, Json]
"""What the policy was told, as `intended` records it (policy/told.py)."""


def ready(office: Office, taken: Taken, case: Case, living: Sequence[Case], entries: Sequence[Entry]) -> Judged | None:
    """What the policy was told, where it is to be set now; empty where that was recorded before, in an earlier try. None where
    it is not to be set. One that cannot be judged holds up no other; one whose end has come is not set any more. `living` are
    the cases that have something set on this mailbox, `entries` what was recorded of this one.
    """
    try:
        if case.state is State.APPLYING and office.clock() >= case.to_date:
            office.store.commit([_never_set(office, taken, case)])
            return None
        told = Recorded.of(case.id, case.mailbox, entries)
        found = _may_apply(office, taken, case, living, told)
        return found if found is not None and _may_forward(office, taken, case, entries) else None
    except LocumError as error:
        put_off(office, taken, error)
        return None


def _never_set(office: Office, taken: Taken, case: Case) -> Change:
    """Its end has come while it was being set. Where the mail system did not let it be set, that is said; where a worker was
    lost in the act, what stands is found at the end.
    """
    put = (to_end(case, office.clock()),)
    why = taken.job.trouble
    if not why or why == LOST:
        return Change(case=advance(case, Event.END, outcome="time"), put=put, finished=taken)
    failed = advance(case, Event.END, outcome="failed", trouble=why)
    entry = office.draft(
        case, "failed", act="apply", key=why, left_as="", mailbox=case.mailbox, connector=case.connector
    )
    return Change(case=failed, entries=(entry,), put=put, finished=taken)


def _may_apply(office: Office, taken: Taken, case: Case, living: Sequence[Case], told: Recorded) -> Judged | None:
    """Judge once more, right before the act. What may not go on is finished here."""
    if case.state not in (State.SCHEDULED, State.APPLYING):
        office.store.commit([Change(finished=taken)])
        return None
    found = gate_again(office, case, told)
    if isinstance(found, Stopped) and found.is_false:
        incidents.stop(office, taken, case, found.reasons[0])
        return None
    if case.state is State.APPLYING:
        return _still(office, taken, case, found)
    too_late = office.clock() >= case.to_date
    if too_late or moving.has_moved(office, case):
        expire(office, case, taken, "too-late" if too_late else moving.OUTCOME)
        return None
    # Two requests filed in the same moment do not see each other; the first that is set counts.
    if (clash := overlapping(office, case, living)) is not None:
        _refuse(office, taken, case, No(5, "overlapping", {"case": clash.id, "mailbox": case.mailbox}))
        return None
    return _allowed(office, taken, case)


def gate_again(office: Office, case: Case, told: Recorded) -> Passed | Stopped:
    """Promise 3: what was recorded when it was filed, or agreed to, is what is done; one changed character voids it. Where
    approvals are to be signed, they have to be there, too (promise 4). Raises Garbled where the register is damaged.
    """
    request = request_bytes(case)
    if not request or not told.request == case.request == hash_of(request):
        return Stopped((Reason("request-changed"),), is_false=True)
    if told.is_over:
        return Stopped((Reason("over-before"),), is_false=True)
    if not wants_signatures(office, case):
        return Passed(())
    if not _was_in_force(office, case):
        return Stopped((Reason("policy-other"),), is_false=True)
    need = need_for(office, case, question(office, case), facts(office, case))
    return passing(office, case, need, told, given(case, told))


def _was_in_force(office: Office, case: Case) -> bool:
    """Whether the record has the policy that the case is under. Its text lies in the database, where somebody could put another."""
    return case.policy == office.policy.hash or any(one.hash == case.policy for one in in_force.history(office.store))


def _still(office: Office, taken: Taken, case: Case, found: Passed | Stopped) -> Judged | None:
    """A later try: what was judged stands in the record, and still holds or not."""
    if isinstance(found, Stopped):
        give_up(office, taken, case, found)
        return None
    return {}


def give_up(office: Office, taken: Taken, case: Case, stopped: Stopped, act: str = "apply") -> None:
    """What allowed it was withdrawn since: it ends, and what stands of it is taken away."""
    ended = advance(case, Event.END, outcome="approval-lost", trouble="approval-lost")
    entry = office.draft(case, "failed", act=act, key="approval-lost", left_as="", gate=stopped.reasons[0].key)
    put = (to_end(case, office.clock()), news(office, ended))
    office.store.commit([Change(case=ended, entries=(entry,), put=put, finished=taken)])


def _allowed(office: Office, taken: Taken, case: Case) -> Judged | None:
    """What the policy was told, where it allows it; else what follows is done."""
    asked = _asked(office, case)
    found, told = judged(office, case, asked)
    match found:
        case Allowed():
            return as_told(asked, told, office.clock())
        case No() as no:
            _refuse(office, taken, case, no)
        case Needs("overrule"):  # an approver has lost the function: her objection stands again
            resting = advance(case, Event.OBJECT, outcome="objection")
            close = Job(kind="close", case=case.id, due_at=case.to_date)
            office.store.commit([Change(case=resting, put=(close, news(office, resting)), finished=taken)])
        case Needs(what):
            waiting = advance(case, Event.NEED_REVIEW)
            close = Job(kind="close", case=case.id, due_at=case.to_date)
            more = consent_wanted(office, waiting) if what == "consent" else (review_wanted(office, waiting),)
            office.store.commit([Change(case=waiting, put=(close, news(office, waiting), *more), finished=taken)])
    return None


def _asked(office: Office, case: Case) -> Question:
    """What the policy is asked now, with a look at how the receiver of a forward is placed. Raises Trouble."""
    seen = look(office, case.forward) if case.forward is not None else NOTHING
    return question(office, case, seen, fully=True)


def _may_forward(office: Office, taken: Taken, case: Case, entries: Sequence[Entry]) -> bool:
    """Whether everything holds that has to, before mail may be forwarded or looked for: she can check what was done, since she had
    her key before she was asked, and for a forward the mail system has all it takes. It waits for what does not hold, and names it.
    """
    if case.receives and not handing.came_before_ask(office, case, entries):
        wait_for(office, taken, handing.NOT_BEFORE)
        return False
    lacking = not_holding(office, case) if case.forward is not None else ()
    if lacking:
        wait_for(office, taken, f"check.{lacking[0].key}")
    return not lacking


def _refuse(office: Office, taken: Taken, case: Case, no: No) -> None:
    refused = advance(case, Event.REFUSE, outcome="policy", clause=no.clause, trouble=no.key)
    values = {name: value for name, value in no.values.items() if name not in ("case", "mailbox")}
    entry = office.draft(case, "refused", clause=no.clause, key=no.key, by="policy", mailbox=case.mailbox, **values)
    account = Job(kind="account", case=case.id, due_at=office.clock(), lane="letters")
    put = (account, news(office, refused), *told_to_receiver(office, refused))
    office.store.commit([Change(case=refused, entries=(entry,), put=put, finished=taken)])


def not_as_found(entries: Sequence[Entry], kept: bytes) -> Reason | None:
    """Why what is kept to be put back may not be: it is not what the record says was found before ours was set."""
    acts = [one for one in entries if one.type in ("intended", "done") and one.body.get("act") == "apply"]
    found = [said for one in acts if isinstance(said := one.body.get("found"), dict)]
    is_it = any(salted_digest(bytes.fromhex(str(one["salt"])), kept) == one["digest"] for one in found)
    return None if is_it or not (found or kept) else Reason("found-other")
