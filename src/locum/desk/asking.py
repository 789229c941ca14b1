"""Asking her first: the letters with their links, her answers, the wait, and what follows from it.

The steps here end at `scheduled`; what touches the mail system is in acting.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from locum.absence import Person
from locum.desk import handing
from locum.desk.attempts import ask_on, attempt_of, channels_of, is_to_be_tried, was_sent
from locum.desk.departing import path_of
from locum.desk.forms import Acting
from locum.desk.gating import wants_signatures
from locum.desk.judging import ask_rules, question, reviewers, verdict
from locum.desk.lanes import BEGINS, to_begin, to_end
from locum.desk.office import APPLY_AHEAD, Office
from locum.desk.requested import canonical_request
from locum.entry import Draft, Json
from locum.errors import Invalid, Refused
from locum.lifecycle import Case, Contact, Event, State, advance, may
from locum.measure import to_json
from locum.policy import Allowed, Needs
from locum.store import Change, Job, Link, Taken
from locum.wording import normal

_AGAIN = timedelta(minutes=5)
_LONGEST_AGAIN = timedelta(hours=6)
_WAITING_JOBS = ("ask", "lapse")


def ask(office: Office, taken: Taken) -> None:
    """Send the ask on every channel on file that is not yet sent; when all are tried, start the wait."""
    case = office.store.case(taken.job.case)
    if case.state not in (State.REQUESTED, State.ASKING):
        office.store.commit([Change(finished=taken)])
        return
    if office.clock() >= case.to_date:
        expire(office, case, taken, "never-reached")
        return
    if not path_of(case).asks_her:
        office.store.commit([proceed(office, case, (), finished=taken)])
        return
    owner = office.owner(case)
    if not handing.before_ask(office, taken, case, owner):
        return
    if case.state is State.REQUESTED:
        case = advance(case, Event.ASK)
    for channel in channels_of(office, case, owner):
        if is_to_be_tried(case, channel):
            case = ask_on(office, case, owner, channel)
    _after_asking(office, case, owner, taken)


def _after_asking(office: Office, case: Case, owner: Person, taken: Taken) -> None:
    now = office.clock()
    attempts = [attempt_of(case, channel) for channel in channels_of(office, case, owner)]
    unsent = [attempt for attempt in attempts if attempt.outcome == "unsent"]
    if unsent or not was_sent(case):
        trouble = next((attempt.note for attempt in unsent or attempts), "no-channel")
        office.store.back_off([taken], now + min(_LONGEST_AGAIN, _AGAIN * 2 ** min(taken.job.tries, 8)), trouble)
        return
    deadline = office.organisation.hours.after(now, ask_rules(office, case).wait_hours, office.zone(owner))
    case = replace(case, ask_deadline_at=deadline)
    lapse_job = Job(kind="lapse", case=case.id, due_at=deadline)
    office.store.commit([Change(case=case, put=(lapse_job,), finished=taken)])


def lapse(office: Office, taken: list[Taken]) -> None:
    """The waiting time is over and she has not answered: what the policy says then."""
    now = office.clock()
    cases = {case.id: case for case in office.store.cases([t.job.case for t in taken])}
    changes = []
    for one in taken:
        case = cases[one.job.case]
        if case.state is State.ASKING and case.ask_deadline_at is not None and now >= case.ask_deadline_at:
            case = advance(case, Event.LAPSE, answer="unanswered")
            entry = office.draft(case, "answered", answer="unanswered", via="", by="")
            changes.append(proceed(office, case, (entry,), finished=one))
        else:
            changes.append(Change(finished=one))
    office.commit_each(changes)


def proceed(
    office: Office, case: Case, entries: tuple[Draft, ...], *, finished: Taken | None = None, use: Link | None = None
) -> Change:
    """Judge a case that was answered, lapsed or reviewed, and move it on as far as it may go."""
    now = office.clock()
    if now >= case.to_date:
        return _expired(office, case, entries, "too-late", finished, use)
    match verdict(office, case, question(office, case), entries):
        case Allowed():
            return _scheduled(office, case, entries, finished, use)
        case Needs("review"):
            waits = case.state is State.AWAITING_REVIEW
            close = Job(kind="close", case=case.id, due_at=case.to_date)
            told = (news(office, case),) if waits else (news(office, case), review_wanted(office, case))
            return Change(
                case=case if waits else advance(case, Event.NEED_REVIEW),
                entries=entries,
                put=(close, *told),
                drop=_WAITING_JOBS,
                finished=finished,
                use=use,
            )
        case Needs():
            # She was not reached after all, or the receiver of a forward has not agreed: it rests, until its end.
            close_job = Job(kind="close", case=case.id, due_at=case.to_date)
            put = (close_job, *consent_wanted(office, case))
            return Change(case=case, entries=entries, put=put, finished=finished, use=use)
        case no:
            refused = advance(
                case,
                Event.DENY if case.state is State.AWAITING_REVIEW else Event.REFUSE,
                outcome="receiver" if no.key == "forward-receiver-declined" else "policy",
                clause=no.clause,
                trouble=no.key,
            )
            entry = office.draft(
                case, "refused", clause=no.clause, key=no.key, by="policy", mailbox=case.mailbox, **no.values
            )
            return _with(_finished(office, refused, (*entries, entry), finished, use), *review_over(office, case))


def _scheduled(
    office: Office, case: Case, entries: tuple[Draft, ...], finished: Taken | None, use: Link | None
) -> Change:
    over = review_over(office, case)
    if case.state is not State.SCHEDULED:
        case = advance(advance(case, Event.APPROVE), Event.SCHEDULE)
    ahead = APPLY_AHEAD if case.search is None else timedelta(0)  # nothing is looked at before its time
    due_at = max(office.clock(), case.from_date - ahead)
    job = to_begin(case, due_at)
    drop = (*_WAITING_JOBS, "close")
    return Change(case=case, entries=entries, put=(job, *over), drop=drop, finished=finished, use=use)


def _finished(
    office: Office, case: Case, entries: tuple[Draft, ...], finished: Taken | None = None, use: Link | None = None
) -> Change:
    """A case that ends before anything was set: she gets the account all the same."""
    account = Job(kind="account", case=case.id, due_at=office.clock(), lane="letters")
    drop = (*_WAITING_JOBS, "close", *BEGINS, "consent")
    put = (account, news(office, case), *told_to_receiver(office, case))
    return Change(case=case, entries=entries, put=put, drop=drop, finished=finished, use=use)


def news(office: Office, case: Case) -> Job:
    """Tell the requester what became of it."""
    return Job(kind="news", case=case.id, due_at=office.clock(), lane="letters")


def consent_wanted(office: Office, case: Case) -> tuple[Job, ...]:
    """Ask the receiver of a forward, if there is one. He is asked at the same time as she is."""
    if case.forward is None:
        return ()
    return (Job(kind="consent", case=case.id, due_at=office.clock(), lane="letters"),)


def told_to_receiver(office: Office, case: Case, at: datetime | None = None) -> tuple[Job, ...]:
    """Tell the receiver of a forward, if there is one, how it stands: now, or at a later time."""
    if case.forward is None:
        return ()
    return (Job(kind="tell-receiver", case=case.id, due_at=at or office.clock(), lane="letters"),)


def review_wanted(office: Office, case: Case) -> Job:
    """Ask those who may review to look, or tell them that it is over."""
    return Job(kind="review-wanted", case=case.id, due_at=office.clock(), lane="letters")


def review_over(office: Office, case: Case) -> tuple[Job, ...]:
    """Tell those who were asked to look that it is over, where this case, as it is now, waits for them."""
    return (review_wanted(office, case),) if case.state is State.AWAITING_REVIEW else ()


def _with(change: Change, *jobs: Job) -> Change:
    return replace(change, put=(*change.put, *jobs))


def _expired(
    office: Office, case: Case, entries: tuple[Draft, ...], why: str, finished: Taken | None, use: Link | None = None
) -> Change:
    entry = office.draft(case, "expired", why=why)
    expired = _finished(office, advance(case, Event.EXPIRE, outcome=why), (*entries, entry), finished, use)
    return _with(expired, *review_over(office, case))


def expire(office: Office, case: Case, taken: Taken, why: str) -> None:
    """Its end has come before it could be done."""
    office.store.commit([_expired(office, case, (), why, taken)])


def close(office: Office, taken: Taken) -> None:
    """The end of a request that waited for a review, or rests with an objection."""
    case = office.store.case(taken.job.case)
    if may(case, Event.EXPIRE) and office.clock() >= case.to_date:
        expire(office, case, taken, "objection" if case.state is State.OBJECTED else "too-late")
    else:
        office.store.commit([Change(finished=taken)])


# her answers, and what others note or decide ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer and how it came: `via` link or contact, `by` whom where it was not herself (`heard_by` is that
    person's id), `because` her words.
    """

    answer: str
    via: str
    by: Json = ""
    because: str = ""
    heard_by: str = ""
    use: Link | None = None


def answered(office: Office, case: Case, said: Said) -> Change:
    """She answered before anything was set. Raises Refused `no-such-step` where it is too late for that."""
    now = office.clock()
    if case.state is State.OBJECTED and said.answer != "objected" and said.heard_by == case.requester:
        raise Refused("agreement-unheard", clause=6, case=case.id)
    case = replace(case, answered_by=said.heard_by)
    body: dict[str, Json] = {"answer": said.answer, "via": said.via, "by": said.by, "because": said.because}
    if said.answer == "own-text":
        body |= {"measure": _measure(case), "request": case.request, "r": dict(canonical_request(case))}
    entry = office.draft(case, "answered", **body)
    noted = Job(kind="noted", case=case.id, due_at=now, lane="letters")
    over = review_over(office, case)
    match said.answer:
        case "agreed" | "own-text":
            agreed = advance(case, Event.AGREE, answer=said.answer, answered_at=now, outcome="")
            return _with(proceed(office, agreed, (entry,), use=said.use), noted, *over)
        case "done-herself":
            done = advance(case, Event.WITHDRAW, answer=said.answer, answered_at=now, outcome=said.answer)
            return _with(_finished(office, done, (entry,), use=said.use), *over)
    objected = _with_objection(advance(case, Event.OBJECT, outcome="objection"), now)
    close_job = Job(kind="close", case=case.id, due_at=case.to_date)
    put = (close_job, noted, news(office, case), *over)
    return Change(case=objected, entries=(entry,), put=put, drop=(*_WAITING_JOBS, *BEGINS), use=said.use)


def _with_objection(case: Case, now: datetime) -> Case:
    """Her objection, and no earlier overruling: that was of another objection (decision 0006)."""
    reviews = tuple(review for review in case.reviews if review[1] != "overrule")
    return replace(case, answer="objected", answered_at=now, reviews=reviews)


def _measure(case: Case) -> Json:
    return to_json(case.auto_reply)  # type: ignore[return-value]


def stopped(office: Office, case: Case, why: str, entry: Draft, use: Link | None = None) -> Change:
    """End a live case now. `why` is the outcome: owner, requester, objection.

    A worker that is setting it right now keeps its job, and so keeps the case to itself until it is done; then it ends.
    """
    ending = advance(case, Event.END, outcome=why)
    if why == "objection":
        ending = _with_objection(ending, office.clock())
    end = to_end(case, office.clock())
    return Change(case=ending, entries=(entry,), put=(end,), drop=("watch", "tell-live", "tell-receiver"), use=use)


def contact(office: Office, acting: Acting, case: Case, by: str, outcome: str, because: str) -> Case:
    """A call, a visit, a message that a person made and noted; see Desk.contact."""
    note = normal(because, "because").strip()
    if not note:
        raise Invalid("because-missing")
    who: Json = {"id": acting.id, "name": acting.name}
    attempt = Contact(channel=by, at=office.clock(), outcome=outcome, by=acting.id, note=note)
    asked = office.draft(case, "asked", channel=by, outcome=outcome, to="", by=who, receipt="", note=note, tries=1)
    case = replace(case, contacts=(*case.contacts, attempt))
    if outcome in ("reached", "unreached"):
        if case.is_final:
            raise Refused("no-such-step", case=case.id, state=case.state, event="contact")
        return office.store.commit([Change(case=case, entries=(asked,))])[0]
    said = Said(answer=outcome, via="contact", by=who, because=note, heard_by=acting.id)
    if outcome == "objected" and case.state in (State.APPLYING, State.APPLIED):
        entry = office.draft(case, "objected", via="contact", by=who, because=note)
        change = stopped(office, case, "objection", entry)
    else:
        if case.state is State.REQUESTED:
            case = advance(case, Event.ASK)
        change = answered(office, case, said)
    return office.store.commit([replace(change, entries=(asked, *change.entries))])[0]


def review(office: Office, acting: Acting, case: Case, approve: bool, because: str) -> Case:
    """A second person looked; recorded, not signed. Raises Refused with clause 7 where this person may not, or signs."""
    if acting.id in (case.requester, case.person):
        raise Refused("own-review", clause=7, case=case.id)
    if wants_signatures(office, case):
        raise Refused("signature-wanted", clause=7, case=case.id, page=office.review_address(case))
    reviewing = reviewers(office, case)
    if acting.function not in reviewing:
        functions = ", ".join(reviewing)
        raise Refused("not-a-reviewer", clause=7, case=case.id, functions=functions)
    if case.state is not State.AWAITING_REVIEW:
        raise Refused("no-such-step", case=case.id, state=case.state, event="review")
    if any(person == acting.id and request == case.request for person, _, request in case.reviews):
        raise Refused("reviewed-already", clause=7, case=case.id)
    decision = "approve" if approve else "deny"
    who: Json = {"id": acting.id, "name": acting.name, "function": acting.function}
    note = normal(because, "because").strip()
    entry = office.draft(case, "reviewed", decision=decision, by=who, because=note, signed=False)
    case = replace(case, reviews=(*case.reviews, (acting.id, decision, case.request)))
    return office.store.commit([proceed(office, case, (entry,))])[0]


def by_whom(case: Case, acting: Acting) -> str:
    """The outcome of a case that somebody ends at the command line; the entry says who."""
    return {case.person: "owner", case.requester: "requester"}.get(acting.id, "other")


def withdraw(office: Office, acting: Acting, case: Case) -> Case:
    """Somebody, most often the requester, takes it back before anything was set."""
    entry = office.draft(case, "withdrawn", by={"id": acting.id, "name": acting.name}, because="")
    return office.store.commit([withdrawn(office, case, by_whom(case, acting), entry)])[0]


def withdrawn(office: Office, case: Case, why: str, entry: Draft) -> Change:
    """Taken back before anything was set. `why` is the outcome: owner, requester, other."""
    over = review_over(office, case)
    return _with(_finished(office, advance(case, Event.WITHDRAW, outcome=why), (entry,)), *over)
