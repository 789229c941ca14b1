"""The mailbox is opened for the steps of a search, and closed again. Nothing is set on the mail system meanwhile: every look
makes and takes away its own grant (seam.Searcher).

Opened: judged once more right before (last_look.py), recorded, seen by the witnesses. Closed: at its end, when the list was not
used for a while, or when somebody stops it; the list is wiped, whatever grant there is is taken away, and she gets her account.
A crash between any two lines resumes.
"""

from datetime import datetime

from locum.desk.asking import news
from locum.desk.lanes import to_end
from locum.desk.last_look import ready
from locum.desk.office import Office
from locum.desk.reaching import Turn, put_off, wait_for
from locum.desk.searching import hits
from locum.desk.searching.climbing import search_of
from locum.desk.witnessing import waits, witnessed
from locum.entry import Draft
from locum.errors import LocumError
from locum.lifecycle import ON_SERVER, Case, Event, State, advance
from locum.measure import Standing
from locum.store import Change, Job, Taken

NO_WITNESS = "search-no-witness"
_PRIVILEGES = "could-find-one-message"


def open_(office: Office, taken: Taken) -> None:
    """Open the mailbox for the steps, where everything still allows it."""
    case = office.store.case(taken.job.case)
    living = [one for one in office.store.living_on([case.mailbox], ON_SERVER) if one.id != case.id]
    judged = ready(office, taken, case, living, office.store.entries(case=case.id))
    if judged is None or _lacks(office, taken, case):
        return
    if case.state is State.SCHEDULED:
        said = {"judged": judged} if judged else {}
        entry = office.draft(
            case, "intended", act="apply", connector=case.connector, request=case.request, found=None, **said
        )
        case = office.store.commit([Change(case=advance(case, Event.APPLY), entries=(entry,))])[0]
    office.step("open.intended")
    turn = Turn(taken, case, office.mailbox(case), Standing())
    if office.cosigning is not None and waits(office, case) and not witnessed(office, [turn]):
        return
    office.step("open.witnessed")
    now = office.clock()
    opened = advance(case, Event.APPLIED, applied_at=now, trouble="")
    done = office.draft(case, "done", act="apply", privileges=_PRIVILEGES)
    put = (
        to_end(opened, case.to_date),
        Job(kind="tell-live", case=case.id, due_at=now, lane="letters"),
        news(office, opened),
    )
    office.store.commit([Change(case=opened, entries=(done,), put=put, finished=taken)])
    office.step("open.committed")


def _lacks(office: Office, taken: Taken, case: Case) -> bool:
    """Whether something is missing without which nothing is looked at: put off then, and named."""
    try:
        office.searcher(case)
    except LocumError as error:
        put_off(office, taken, error)
        return True
    if not has_witness(office, case):
        wait_for(office, taken, NO_WITNESS)
        return True
    return False


def has_witness(office: Office, case: Case) -> bool:
    """Whether there is a witness, where the policy has no search without one (clause 15)."""
    return office.cosigning is not None or office.policy_of(case).search.witness != "required"


def close(office: Office, taken: Taken) -> None:
    """Close it: at its end, when the list was not used for a while, or when somebody stopped it."""
    case = office.store.case(taken.job.case)
    search_of(case)
    if case.state not in ON_SERVER:
        office.asides.wipe(case.id)
        office.store.commit([Change(finished=taken)])
        return
    due_at = closes_at(office, case)
    if case.state is State.APPLIED and office.clock() < due_at:
        office.store.commit([Change(put=(to_end(case, due_at),), finished=taken)])
        return
    if case.state is not State.ENDING:
        case = office.store.commit([_intended(office, case)])[0]
    elif not _is_intended(office, case):
        intended = office.draft(case, "intended", act="end", connector=case.connector, request=case.request, found=None)
        case = office.store.commit([Change(case=case, entries=(intended,))])[0]
    office.step("close.intended")
    office.asides.wipe(case.id)
    office.step("close.wiped")
    try:
        if case.connector in office.searchers:
            office.searcher(case).close(office.mailbox(case))
    except LocumError as error:
        put_off(office, taken, error)
        return
    office.step("close.closed")
    office.store.commit([_ended(office, case, taken)])
    office.step("close.committed")


def _intended(office: Office, case: Case) -> Change:
    entry = office.draft(case, "intended", act="end", connector=case.connector, request=case.request, found=None)
    return Change(case=advance(case, Event.END, outcome=case.outcome or "time"), entries=(entry,))


def _is_intended(office: Office, case: Case) -> bool:
    """Whether it is recorded already: a later try says nothing new."""
    entries = office.store.entries(case=case.id)
    return any(one.type == "intended" and one.body.get("act") == "end" for one in entries)


def _ended(office: Office, case: Case, taken: Taken) -> Change:
    ended = advance(case, Event.ENDED, ended_at=office.clock(), trouble="")
    entries = (
        office.draft(ended, "done", act="end", privileges=_PRIVILEGES),
        office.draft(ended, "ended", why=ended.outcome, put_back="nothing-was-there"),
    )
    account = Job(kind="account", case=case.id, due_at=office.clock(), lane="letters")
    return Change(case=ended, entries=entries, put=(account, news(office, ended)), drop=("tell-live",), finished=taken)


def closes_at(office: Office, case: Case) -> datetime:
    """When a search that is open is closed: at its end, or when its list is to be wiped."""
    return min(case.to_date, hits.gone_at(office, case) or case.to_date)


def over(office: Office, case: Case, outcome: str, entries: tuple[Draft, ...], finished: Taken | None = None) -> Change:
    """End a search that is open, now: `outcome` is a key under `words.outcome.`."""
    ending = advance(case, Event.END, outcome=outcome)
    put = (to_end(ending, office.clock()),)
    return Change(case=ending, entries=entries, put=put, drop=("tell-live",), finished=finished)
