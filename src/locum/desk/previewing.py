"""A preview: all that filing would judge, and nothing of it kept. What a requester is told here is what would happen.

No entry, no case, no letter: a request that was only looked at was never made.
"""

from dataclasses import replace

from locum.absence import Person
from locum.addresses import canonical
from locum.desk import worded
from locum.desk.attempts import channels_of
from locum.desk.departing import path_of
from locum.desk.filing import AnyForm, by_mailbox, first_of, made, new_case_id, overlapping, owner_of
from locum.desk.forms import Acting, Preview, RequestForm
from locum.desk.judging import approvals, ask_rules, if_silent, reviewers, wants_consent
from locum.desk.measuring import window
from locum.desk.objecting import counting
from locum.desk.office import Office
from locum.desk.refusing import judged
from locum.errors import LocumError, Refused
from locum.lifecycle import Case, State
from locum.narrowing import Advice, advice
from locum.wording import Remark


def preview(office: Office, acting: Acting, form: AnyForm) -> Preview:
    """See Desk.preview."""
    owner: Person | None = None
    remarks: tuple[tuple[str, Remark], ...] = ()
    try:
        owner = owner_of(office, canonical(first_of(form).mailbox))
        remarks = _remarks(office, form, owner)
        case = made(office, acting, form, new_case_id(office))
    except LocumError as problem:
        return Preview(case=None, problem=problem, owner=owner, remarks=remarks)
    return replace(_what_follows(office, case, owner), problem=_problem(office, case), remarks=remarks)


def _remarks(office: Office, form: AnyForm, owner: Person) -> tuple[tuple[str, Remark], ...]:
    first = first_of(form)
    if not isinstance(first, RequestForm):
        return ()
    times = window(office, first, owner, office.clock(), joins=None)
    return worded.remarks(office, first, owner, times.to_date)


def _problem(office: Office, case: Case) -> LocumError | None:
    """Why it would be refused as it is filed."""
    if (no := judged(office, case, office.clock())) is not None:
        return Refused(no.key, clause=no.clause, **{**no.values, "mailbox": case.mailbox, "case": ""})
    others = office.store.living_on([case.mailbox])
    if (clash := overlapping(office, case, others)) is not None:
        return Refused("overlapping", case=clash.id, mailbox=case.mailbox)
    return None


def _what_follows(office: Office, case: Case, owner: Person) -> Preview:
    before = by_mailbox(office.store.living_on([case.mailbox], tuple(State))).get(case.mailbox, [])
    earlier = counting(case, before)
    if earlier is not None:
        case = replace(case, objected_before=earlier.objected_before or earlier.id)
    rules = ask_rules(office, case)
    asked_by = (
        tuple(channels_of(office, case, office.reached(owner))) if path_of(case).asks_her and earlier is None else ()
    )
    answer_by = (
        office.organisation.hours.after(office.clock(), rules.wait_hours, office.zone(owner)) if asked_by else None
    )
    silence = if_silent(office, case)
    wanted = approvals(office, case)
    return Preview(
        case=case,
        problem=None,
        owner=owner,
        asked_by=asked_by,
        answer_by=answer_by,
        if_silent=silence,
        reviewers=reviewers(office, case) if wanted or silence == "review" else (),
        approvals=wanted,
        advice=_advice(office, case),
        consent_of=case.forward.to if case.forward is not None and wants_consent(office, case) else "",
    )


def _advice(office: Office, case: Case) -> tuple[Advice, ...]:
    """What would make the question of a search narrower."""
    if case.search is None:
        return ()
    return advice(case.search.query, office.organisation.domains, office.policy.search.at_least)
