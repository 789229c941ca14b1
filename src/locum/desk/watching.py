"""The watch: what stands is read back now and then, until it ends. Her own change wins; a forward that fails is withdrawn.

What is written to a mail system is acting.py's.
"""

from dataclasses import replace
from datetime import datetime

from locum.desk import moving
from locum.desk.office import Office
from locum.desk.reaching import Turn, read_back, stands
from locum.desk.receiving import NOTHING, Seen, circle, is_away, look
from locum.entry import Draft
from locum.errors import Trouble
from locum.lifecycle import Case, Event, advance
from locum.measure import Forward, Standing
from locum.seam import Connector, WatchesForwards
from locum.store import Change, Job


def watched(office: Office, connector: Connector, turn: Turn) -> Change:
    """What follows from what was read back of one live case."""
    case, standing, now = turn.case, turn.standing, office.clock()
    hers_is_new = _is_new(case, standing)
    if not (stands(case, standing) and standing.active) or hers_is_new:
        is_hers = hers_is_new or connector.can.owner_reaches
        return _ending(
            office, turn, "changed-by-owner" if is_hers else "removed", read_back(office, case, "watch", standing)
        )
    if moving.has_moved(office, case):
        return _ending(office, turn, moving.OUTCOME, read_back(office, case, "watch", standing))
    if key := _trouble(office, connector, turn):
        return _ending(office, turn, "forward-failed", office.draft(case, "failed", act="watch", key=key, left_as=""))
    again = replace(turn.taken.job, due_at=min(now + office.watch_every, case.to_date), tries=0, trouble="")
    put = (again,) if now < case.to_date else ()
    return Change(case=_known_now(case, standing), put=put, finished=turn.taken)


def _is_new(case: Case, standing: Standing) -> bool:
    """Whether she set something of her own since. What could not be seen when ours was set, may have been there then: it is
    known from now on, and not told as new.
    """
    reply = case.reply is not None and standing.own_reply is True and case.own_reply_found is False
    return reply or (case.forward is not None and bool(standing.own_forwards) and case.own_forward_found is False)


def _known_now(case: Case, standing: Standing) -> Case | None:
    """The case with what can be seen of hers now and could not before; None where that is nothing."""
    known = case
    if case.own_reply_found is None and standing.own_reply is not None:
        known = replace(known, own_reply_found=standing.own_reply)
    if case.own_forward_found is None and standing.own_forwards is not None:
        known = replace(known, own_forward_found=bool(standing.own_forwards))
    return None if known is case else known


def _ending(office: Office, turn: Turn, why: str, entry: Draft) -> Change:
    case = turn.case
    end = Job(kind="end", case=case.id, due_at=office.clock(), lane=case.connector)
    return Change(
        case=advance(case, Event.END, outcome=why),
        entries=(entry,),
        put=(end,),
        drop=("tell-live", "tell-receiver"),
        finished=turn.taken,
    )


def _trouble(office: Office, connector: Connector, turn: Turn) -> str:
    """The key of what keeps this forward from going on, "" where nothing does."""
    case, forward = turn.case, turn.case.forward
    if forward is None:
        return ""
    if _has_failed(connector, turn, forward):
        return "forward-copies-failed"
    now, seen = office.clock(), _seen(office, forward)
    if circle(office, case, forward, seen, behind=False):
        return "forward-goes-round"
    return "forward-receiver-left" if now >= case.from_date and _is_away(office, case, forward, seen, now) else ""


def _has_failed(connector: Connector, turn: Turn, forward: Forward) -> bool:
    since = turn.case.applied_at
    if since is None or not isinstance(connector, WatchesForwards):
        return False
    return (connector.forwards_failed(turn.mailbox, forward.to, since) or 0) > 0


def _seen(office: Office, forward: Forward) -> Seen:
    try:
        return look(office, forward)
    except Trouble:
        return NOTHING  # the next watch looks again


def _is_away(office: Office, case: Case, forward: Forward, seen: Seen, now: datetime) -> bool:
    try:
        return is_away(office, case, forward, seen, since=now, now=True)
    except Trouble:
        return False
