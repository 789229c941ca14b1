"""Her objection outlives its case (decision 0006): a later request for the same starts where the earlier one stopped.

Which earlier answer counts, how the new case rests, and the letter that tells her so. Overruling is in overruling.py; what
the policy makes of an objection is the policy's matter.
"""

from collections.abc import Sequence
from dataclasses import replace

from locum.absence import Channel
from locum.desk.departing import path_of
from locum.desk.office import Office
from locum.desk.telling import announce, letter_to_owner, tell, worth_trying_until
from locum.entry import Draft
from locum.lifecycle import Case, Event, State, advance
from locum.store import Change, Job, Link, Taken
from locum.tokens import digest

STANDS = "objection-stands"
"""The job, and the letter, that tell her that her objection counts for a new request too."""


def counting(case: Case, others: Sequence[Case]) -> Case | None:
    """The earlier case whose objection counts for this request: the last that she answered herself, of those that asked for the
    same in the same time. None where there is none, where she agreed since, or where it is her own request.
    """
    if case.requester == case.person:
        return None
    answered = [other for other in others if other.answered_at is not None and _is_the_same(case, other)]
    last = max(answered, key=lambda other: (other.answered_at, other.filed_at), default=None)
    return last if last is not None and last.answer == "objected" else None


def if_objected_before(case: Case, others: Sequence[Case]) -> Case:
    """The request as it is filed: resting with her earlier objection, where there is one that counts."""
    before = counting(case, others) if case.state is State.REQUESTED else None
    return resting(case, before) if before is not None else case


def _is_the_same(case: Case, other: Case) -> bool:
    kinds = {type(one) for one in case.measures}
    meet = case.from_date < other.to_date and other.from_date < case.to_date
    return other.id != case.id and meet and any(type(one) in kinds for one in other.measures)


def resting(case: Case, before: Case) -> Case:
    """The new request as it starts where she objected before."""
    return advance(
        advance(case, Event.ASK),
        Event.OBJECT,
        answer="objected",
        answered_at=before.answered_at,
        outcome="objection",
        objected_before=before.objected_before or before.id,
    )


def filed(office: Office, case: Case, requested: Draft) -> Change:
    """What files a request that starts as objected: nothing is asked, and she is told."""
    said = office.draft(
        case, "answered", answer="objected", via="earlier-case", by="", because="", earlier=case.objected_before
    )
    close = Job(kind="close", case=case.id, due_at=case.to_date)
    told = Job(kind=STANDS, case=case.id, due_at=case.filed_at, lane="letters")
    return Change(case=case, entries=(requested, said), put=(close, told))


def tell_standing(office: Office, taken: Taken) -> None:
    """Who asks again, that her objection stands, and a link by which she can agree after all."""
    case = office.store.case(taken.job.case)
    if case.state is not State.OBJECTED or not path_of(case).letters_to_her:
        office.store.commit([Change(finished=taken)])
        return
    note = f"letter-{STANDS}"
    case = announce(office, taken, case, note)
    token = office.new_token()
    link = Link(token_hash=digest(token), case=case.id, purpose="ask", expires_at=case.to_date)
    office.store.commit([Change(links=(link,))])
    owner = office.owner_or_address(case)
    letter = letter_to_owner(office, case, owner, STANDS, Channel.MAILBOX, link=office.link_address(token))
    letter = replace(letter, values={**letter.values, "earlier": case.objected_before})
    tell(office, taken, case, letter, note, worth_trying_until(case))
