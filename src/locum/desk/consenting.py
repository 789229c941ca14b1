"""The receiver of a forward: he is asked, answers on a page of his own, may say "no more", and is told what became of it.

What he gets to see is made here, and is less than what she sees: not why, no text, nothing of how she was reached.
"""

from dataclasses import replace

from locum.absence import Channel
from locum.desk import asking
from locum.desk.forms import ConsentView
from locum.desk.judging import consent, wants_consent
from locum.desk.office import Office
from locum.desk.receiving import receiver_of
from locum.desk.telling import announce, last_outcome, tell, values, worth_trying_until
from locum.entry import Json
from locum.errors import Conflict
from locum.letter import Letter
from locum.lifecycle import Case, State
from locum.measure import Forward
from locum.store import Change, Link, Taken
from locum.tokens import digest

PURPOSE = "consent"
_WAITING = frozenset(
    {State.REQUESTED, State.ASKING, State.AGREED, State.UNANSWERED, State.AWAITING_REVIEW, State.SCHEDULED}
)
_LIVE = frozenset({State.APPLYING, State.APPLIED})
_NOT_HIS = (
    "because",
    "reason",
    "subject",
    "internal_text",
    "external_text",
    "audience",
    "account_text",
    "unanswered_words",
)
_SAID = {"accept": "agreed", "decline": "declined", "no-more": "withdrawn"}


# the letters -------------------------------------------------------------------------------------------------------


def ask(office: Office, taken: Taken) -> None:
    """Ask the receiver, with a link of his own. Nothing where he need not be asked, or has answered."""
    case = office.store.case(taken.job.case)
    is_due = case.state in _WAITING and wants_consent(office, case) and not _was_asked(office, case)
    if case.forward is None or not is_due:
        office.store.commit([Change(finished=taken)])
        return
    _write(office, taken, case, case.forward, "consent")


def _was_asked(office: Office, case: Case) -> bool:
    """Whether the question about this very request has left."""
    letters = [e.body for e in office.store.entries(case=case.id) if e.body.get("note") == "letter-consent"]
    return any((b.get("request"), b.get("outcome")) == (case.request, "delivered-to-relay") for b in letters)


def told(office: Office, taken: Taken) -> None:
    """Tell the receiver that it is on, or that it is over, or that nothing will come of it. Only what he does not know yet."""
    case = office.store.case(taken.job.case)
    notes = ("letter-consent", "letter-receiver-live")
    knows = any(last_outcome(office, case, note) == "delivered-to-relay" for note in notes)
    if case.forward is not None and case.state is State.APPLIED:
        _write(office, taken, case, case.forward, "receiver-live")
    elif case.forward is not None and case.is_final and knows:
        _write(office, taken, case, case.forward, "receiver-ended")
    else:
        office.store.commit([Change(finished=taken)])


def _write(office: Office, taken: Taken, case: Case, forward: Forward, event: str) -> None:
    case = announce(office, taken, case, f"letter-{event}")
    token = ""
    if not case.is_final:
        token = office.new_token()
        link = Link(token_hash=digest(token), case=case.id, purpose=PURPOSE, expires_at=case.to_date)
        office.store.commit([Change(links=(link,))])
    letter = _letter(office, case, forward, event, office.link_address(token) if token else "")
    tell(office, taken, case, letter, f"letter-{event}", worth_trying_until(case))


def _letter(office: Office, case: Case, forward: Forward, event: str, link: str) -> Letter:
    person = receiver_of(office, forward.to)
    language = person.language if person else office.organisation.language
    owner = office.owner_or_address(case)
    zone = person.time_zone if person else office.organisation.time_zone
    filled = values(office, case, replace(owner, time_zone=zone), language) | dict.fromkeys(_NOT_HIS, "")
    # Why it ended is hers; whoever reads a shared mailbox is greeted by its address.
    filled |= {"why": "", "anew": "", "link": link, "owner": owner.name, "name": person.name if person else forward.to}
    filled |= {"never_live": "" if case.applied_at else case.id, "was_live": case.id if case.applied_at else ""}
    return Letter(
        id=f"{case.id}.{event}.{case.request[:8]}",
        event=event,
        channel=Channel.MAILBOX,
        address=forward.to,
        name=filled["name"],
        language=language,
        values=filled,
        reply_name=filled["requester"],
        reply_address=filled["requester_address"],
    )


# his page ----------------------------------------------------------------------------------------------------------


def view(office: Office, case: Case) -> ConsentView:
    """What his page shows now."""
    forward = _forward(case)
    person = receiver_of(office, forward.to)
    language = person.language if person else office.organisation.language
    owner = office.owner_or_address(case)
    zone = person.time_zone if person else office.organisation.time_zone
    words = values(office, case, replace(owner, time_zone=zone), language)
    return ConsentView(
        language=language,
        organisation=office.organisation.name,
        owner=owner.name,
        mailbox=case.mailbox,
        receiver=person.name if person else "",
        address=forward.to,
        shared=person is None,
        requester=words["requester"],
        requester_address=words["requester_address"],
        officer=office.organisation.dpo,
        senders=str(forward.senders),
        from_words=words["from_words"],
        until_words=words["until_words"],
        phase=_phase(case),
        may=_may(case),
        request=case.request,
        trial=office.unsigned_reviews,
    )


def _forward(case: Case) -> Forward:
    if case.forward is None:
        raise Conflict("link-used", case=case.id)
    return case.forward


def _phase(case: Case) -> str:
    if case.state in _LIVE:
        return "live"
    if case.outcome == "receiver":
        return "stopped" if case.applied_at else "declined"
    if case.state is State.OBJECTED:
        return "held"
    if case.state in _WAITING:
        return "agreed" if consent(case) == "agreed" else "asked"
    return "over"


def _may(case: Case) -> frozenset[str]:
    if case.state in _LIVE:
        return frozenset({"no-more"})
    if case.state not in _WAITING:
        return frozenset()
    return frozenset({"decline"}) if consent(case) == "agreed" else frozenset({"accept", "decline"})


def answered(office: Office, link: Link, case: Case, said: str, shown: str | None) -> Change:
    """He answered. Raises Conflict: `link-used` where that cannot be said (any more), `shown-before` where he was shown
    something else than what is asked now; then nothing is recorded.
    """
    forward = _forward(case)
    if said not in _may(case):
        raise Conflict("link-used", case=case.id)
    if said == "accept" and shown not in (None, case.request):
        raise Conflict("shown-before", case=case.id)
    person = receiver_of(office, forward.to)
    by: Json = {"id": person.id, "name": person.name} if person else ""
    answer = _SAID[said]
    entry = office.draft(case, "consented", to=forward.to, answer=answer, via="link", request=case.request, by=by)
    kept = "agreed" if said == "accept" else "declined"
    case = replace(case, consents=(*case.consents, (forward.to, kept, case.request)))
    if said == "no-more":
        return asking.stopped(office, case, "receiver", entry)
    use = link if said == "accept" and link.used_at is None else None
    if said == "accept" and case.state in (State.REQUESTED, State.ASKING):
        return Change(case=case, entries=(entry,), use=use)  # she is being asked still
    return asking.proceed(office, case, (entry,), use=use)
