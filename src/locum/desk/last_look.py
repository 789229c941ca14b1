"""The last look before an act: what was filed is judged once more, against what is so now.

The request hash, other cases, the policy, and for a forward its receiver and everything that has to hold on her mail system.
What may not go on is finished here, or put off; what is written to a mail system is acting.py's.
"""

from collections.abc import Sequence

from locum.approval import request_hash
from locum.desk.asking import consent_wanted, expire, news, review_wanted, told_to_receiver
from locum.desk.filing import canonical_request, overlapping
from locum.desk.judging import facts, question
from locum.desk.office import Office
from locum.desk.reaching import put_off, wait_for
from locum.desk.receiving import NOTHING, look, not_holding
from locum.errors import LocumError
from locum.jobs import LOST
from locum.lifecycle import Case, Event, State, advance
from locum.policy import Allowed, Needs, No, Verdict, decide
from locum.store import Change, Job, Taken


def is_ready(office: Office, taken: Taken, case: Case, living: Sequence[Case]) -> bool:
    """Whether it is to be set now. One that cannot be judged holds up no other; one whose end has come is not set any more.
    `living` are the cases that have something set on this mailbox.
    """
    try:
        if case.state is State.APPLYING and office.clock() >= case.to_date:
            office.store.commit([_never_set(office, taken, case)])
            return False
        return _may_apply(office, taken, case, living) and _may_forward(office, taken, case)
    except LocumError as error:
        put_off(office, taken, error)
        return False


def _never_set(office: Office, taken: Taken, case: Case) -> Change:
    """Its end has come while it was being set. Where the mail system did not let it be set, that is said; where a worker was
    lost in the act, what stands is found at the end.
    """
    put = (Job(kind="end", case=case.id, due_at=office.clock(), lane=case.connector),)
    why = taken.job.trouble
    if not why or why == LOST:
        return Change(case=advance(case, Event.END, outcome="time"), put=put, finished=taken)
    failed = advance(case, Event.END, outcome="failed", trouble=why)
    entry = office.draft(
        case, "failed", act="apply", key=why, left_as="", mailbox=case.mailbox, connector=case.connector
    )
    return Change(case=failed, entries=(entry,), put=put, finished=taken)


def _may_apply(office: Office, taken: Taken, case: Case, living: Sequence[Case]) -> bool:
    """Judge once more, right before the act. What may not go on is finished here."""
    if case.state not in (State.SCHEDULED, State.APPLYING):
        office.store.commit([Change(finished=taken)])
        return False
    if request_hash(canonical_request(case)) != case.request:
        # Promise 3: what was filed, or agreed to, is what is done; one changed character voids it.
        _fail_changed(office, taken, case)
        return False
    if case.state is State.APPLYING:
        return True
    if office.clock() >= case.to_date:
        expire(office, case, taken, "too-late")
        return False
    # Two requests filed in the same moment do not see each other; the first that is set counts.
    if (clash := overlapping(case, living)) is not None:
        _refuse(office, taken, case, No(8, "overlapping", {"case": clash.id, "mailbox": case.mailbox}))
        return False
    return _is_allowed(office, taken, case)


def _is_allowed(office: Office, taken: Taken, case: Case) -> bool:
    match _judged(office, case):
        case Allowed():
            return True
        case No() as no:
            _refuse(office, taken, case, no)
        case Needs("overrule"):  # an approver has lost the function: her objection stands again
            resting = advance(case, Event.OBJECT, outcome="objection")
            close = Job(kind="close", case=case.id, due_at=case.to_date)
            office.store.commit([Change(case=resting, put=(close, news(office, resting)), finished=taken)])
        case Needs(what):
            waiting = advance(case, Event.NEED_REVIEW)
            close = Job(kind="close", case=case.id, due_at=case.to_date)
            asked = consent_wanted(office, waiting) if what == "consent" else (review_wanted(office, waiting),)
            office.store.commit([Change(case=waiting, put=(close, news(office, waiting), *asked), finished=taken)])
    return False


def _judged(office: Office, case: Case) -> Verdict:
    """What the policy says now, with a look at how the receiver of a forward is placed. Raises Trouble."""
    seen = look(office, case.forward) if case.forward is not None else NOTHING
    asked = question(office, case, seen, fully=True)
    return decide(office.policy_of(case), asked, facts(office, case), office.clock())


def _may_forward(office: Office, taken: Taken, case: Case) -> bool:
    """Whether everything holds that has to, before mail may be forwarded. It waits for what does not, and names it."""
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


def _fail_changed(office: Office, taken: Taken, case: Case) -> None:
    refuse = Event.REFUSE if case.state is State.SCHEDULED else Event.END
    voided = advance(case, refuse, outcome="request-changed", trouble="request-changed")
    entry = office.draft(case, "failed", act="apply", key="request-changed", left_as="unchanged")
    lane, kind = ("letters", "account") if refuse is Event.REFUSE else (case.connector, "end")
    put = (Job(kind=kind, case=case.id, due_at=office.clock(), lane=lane), news(office, voided))
    office.store.commit([Change(case=voided, entries=(entry,), put=put, finished=taken)])
