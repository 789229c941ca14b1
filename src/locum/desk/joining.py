"""Joining: another measure for a request that has nothing set yet, so that they stand and fall together.

It is a new request with its own hash: she is asked anew about all of it, and what she, a reviewer or a receiver said to the
one before counts no more. What is refused leaves the earlier request as it was.
"""

from dataclasses import replace

from locum.absence import Mailbox
from locum.addresses import canonical
from locum.approval import request_hash
from locum.desk import departing, objecting
from locum.desk.asking import review_over
from locum.desk.filing import (
    Form,
    because_of,
    check_requester,
    check_sayable,
    connector_of,
    first_jobs,
    measure_of,
    new_case_id,
    overlapping,
    owner_of,
)
from locum.desk.forms import Acting, SearchForm
from locum.desk.lanes import BEGINS
from locum.desk.measuring import window
from locum.desk.office import Office
from locum.desk.refusing import judged, refused_change
from locum.desk.requested import canonical_request
from locum.entry import Json
from locum.errors import Invalid, Refused
from locum.lifecycle import Case, Event, State, advance, may
from locum.measure import AutoReply, Measure
from locum.policy import No
from locum.store import Change
from locum.wording import normal_line

_OF_THE_ONE_BEFORE = ("ask", "lapse", "consent", "close", *BEGINS, "noted")


def join(office: Office, acting: Acting, case: Case, form: Form) -> Case:
    """The case with what this form asks for added to it, as it was committed. Raises Invalid or Refused; it is then as it was."""
    _check_may(office, acting, case, form)
    office.keep_policy(acting.id)
    joined = _joined(office, case, form)
    _check_others(office, case, joined)
    if (no := judged(office, joined, office.clock())) is not None:
        raise _refused(office, acting, case, joined, no)
    who: Json = {"id": acting.id, "name": acting.name}
    asked: dict[str, Json] = {**canonical_request(joined), "requester": who, "request": joined.request}
    entry = office.draft(joined, "requested", **asked, joins=case.request)
    check_requester(office, acting, joined)
    put = (*first_jobs(office, joined, office.clock()), *review_over(office, case))
    change = Change(case=joined, entries=(entry,), put=put, drop=_OF_THE_ONE_BEFORE)
    return office.store.commit([change])[0]


def _check_may(office: Office, acting: Acting, case: Case, form: Form) -> None:
    owner = owner_of(office, canonical(form.mailbox))
    if owner.mailbox is None or owner.mailbox.address != case.mailbox:
        raise Invalid("join-other-mailbox", case=case.id, mailbox=form.mailbox)
    if case.search is not None or isinstance(form, SearchForm):
        raise Refused("join-search", clause=5, case=case.id)
    if acting.id != case.requester:
        raise Refused("join-not-yours", clause=7, case=case.id)
    if case.answer == "objected":  # overruled, or not: it was an objection to what stood there then
        raise Refused("join-objected", clause=6, case=case.id)
    if not may(case, Event.JOIN):
        raise Refused("join-too-late", case=case.id, state=case.state)


def _joined(office: Office, case: Case, form: Form) -> Case:
    """The new request: all measures, one window, a new nonce and hash; nothing that was said to the one before."""
    owner = owner_of(office, case.mailbox)
    mailbox = owner.mailbox or Mailbox(address=case.mailbox)
    times = window(office, form, owner, office.clock(), joins=case)
    measure, template = measure_of(office, form, owner, mailbox, case.id, times)
    if any(type(one) is type(measure) for one in case.measures):
        raise Refused("join-same-measure", case=case.id)
    connector = connector_of(office, mailbox)
    check_sayable(office, connector, mailbox, measure)
    case = advance(
        case,
        Event.JOIN,
        measures=tuple(sorted((*case.measures, measure), key=_place)),
        template=template if isinstance(measure, AutoReply) else case.template,
        reason=normal_line(form.reason, "reason"),
        because=_because(case.because, because_of(form.because)),
        nonce=office.random(16).hex(),
        policy=office.policy.hash,
        connector=connector,
        joins=case.request,
        contacts=tuple(contact for contact in case.contacts if contact.by),
        ask_deadline_at=None,
        answer="",
        answered_at=None,
        answered_by="",
        outcome="",
        trouble="",
    )
    case = departing.completed(office, case, form, owner)
    return replace(case, request=request_hash(canonical_request(case)))


def _place(one: Measure) -> bool:
    return not isinstance(one, AutoReply)


def _because(before: str, now: str) -> str:
    """Both sentences, where they differ: she reads why each of them is asked. Raises Invalid where that is too long."""
    return before if now in before.split("\n") else because_of(f"{before}\n{now}")


def _check_others(office: Office, case: Case, joined: Case) -> None:
    """No other request for the same in the same time; and nothing that she objected to before (decision 0006)."""
    others = [other for other in office.store.living_on([case.mailbox], tuple(State)) if other.id != case.id]
    if (clash := overlapping(office, joined, [other for other in others if not other.is_final])) is not None:
        raise Refused("overlapping", case=clash.id, mailbox=case.mailbox)
    if (before := objecting.counting(joined, others)) is not None:
        raise Refused("join-objected", clause=6, case=before.id)


def _refused(office: Office, acting: Acting, case: Case, joined: Case, no: No) -> Refused:
    """The refusal, recorded as a case of its own that she is told of; the earlier request stays as it is."""
    added = tuple(one for one in joined.measures if one not in case.measures)
    recorded = _file_refused(office, acting, replace(joined, measures=added), no)
    return Refused(no.key, clause=no.clause, **{**no.values, "case": recorded, "mailbox": case.mailbox})


def _file_refused(office: Office, acting: Acting, like: Case, no: No) -> str:
    """Record a refusal as a case of its own, with the content of `like`, and give back its name."""
    case_id = new_case_id(office)
    case = Case(
        id=case_id,
        state=State.REFUSED,
        mailbox=like.mailbox,
        person=like.person,
        requester=acting.id,
        reason=like.reason,
        because=like.because,
        measures=tuple(replace(one, handle=case_id) for one in like.measures),
        filed_at=office.clock(),
        not_after=like.to_date,
        request="",
        nonce=office.random(16).hex(),
        policy=office.policy.hash,
        connector=like.connector,
        language=like.language,
        outcome="policy",
        clause=no.clause,
        trouble=no.key,
    )
    case = replace(case, request=request_hash(canonical_request(case)))
    who: Json = {"id": acting.id, "name": acting.name}
    requested = office.draft(
        case, "requested", **{**canonical_request(case), "requester": who, "request": case.request}
    )
    office.store.commit([refused_change(office, acting, case, requested, no.values)])
    return case_id
