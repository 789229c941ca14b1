"""Acting on the mail system: apply, watch, end. The four moves in order: load, record, act, read back and record.

A crash between any two lines resumes: an `intended` without its outcome is settled by reading the server, and nothing
is applied twice. Many mailboxes of one mail system go together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from locum.desk.asking import news, told_to_receiver
from locum.desk.filing import by_mailbox
from locum.desk.incidents import INCIDENT
from locum.desk.last_look import Judged, not_as_found, ready
from locum.desk.office import Office
from locum.desk.reaching import (
    Turn,
    caught,
    connector_of,
    is_there,
    put_off,
    read_back,
    read_one,
    read_turns,
    stands,
    write_wanted,
)
from locum.desk.warrant import warrant
from locum.desk.watching import watched
from locum.desk.witnessing import apart, witnessed
from locum.entry import Draft, Entry, Json, salted_digest
from locum.errors import Conflict, Garbled, LocumError, Trouble
from locum.gate import Reason
from locum.lifecycle import ON_SERVER, Case, Event, State, advance
from locum.measure import Forward, Standing, Wanted
from locum.seam import Connector, CountsForwards, CountsReplies, TellsAccess
from locum.store import Change, Job, Taken

_AFTER_LOOK = timedelta(minutes=15)
_NOTHING: Mapping[str, Judged | None] = {}


# apply -------------------------------------------------------------------------------------------------------------


def apply(office: Office, taken: Sequence[Taken]) -> None:
    """Set what was asked, as it was asked, on the mailboxes of these cases (all of one connector)."""
    loaded = _loaded(office, taken)
    living = by_mailbox(office.store.living_on([case.mailbox for _, case in loaded], ON_SERVER))
    told = _recorded(office, loaded)
    judged = {
        case.id: ready(office, one, case, living.get(case.mailbox, []), told.get(case.id, [])) for one, case in loaded
    }
    to_set = [(one, case) for one, case in loaded if judged[case.id] is not None]
    if (connector := connector_of(office, to_set)) is None:
        return
    turns = read_turns(office, connector, to_set)
    turns = _intend(office, turns, "apply", judged)
    office.step("apply.intended")
    at_once, waiting = apart(office, turns)
    _set(office, connector, at_once)
    _set(office, connector, witnessed(office, waiting))


def _set(office: Office, connector: Connector, turns: Sequence[Turn]) -> None:
    """Write what is wanted on these mailboxes, and record what came of it."""
    if not turns:
        return
    results = write_wanted(office, connector, turns, partial(_with_ours, office))
    office.step("apply.written")
    changes = []
    for first, (turn, result) in zip(turns, results, strict=True):
        if isinstance(result, Standing) and stands(turn.case, result):
            changes.append(_applied(office, turn, result, _found_since(first, turn)))
        else:
            changes += _not_applied(office, connector, turn, result)
    office.commit_each(changes)
    office.step("apply.committed")


def _loaded(office: Office, taken: Sequence[Taken]) -> list[tuple[Taken, Case]]:
    cases = {case.id: case for case in office.store.cases([one.job.case for one in taken])}
    return [(one, cases[one.job.case]) for one in taken]


def _recorded(office: Office, loaded: Sequence[tuple[Taken, Case]]) -> dict[str, list[Entry]]:
    """What was recorded of these cases. One whose entries are damaged holds up no other: it has none, and is not set."""
    ids = [case.id for _, case in loaded]
    try:
        return office.store.entries_of(ids)
    except Garbled:
        return {one: found for one in ids if isinstance(found := _entries(office, one), list)}


def _entries(office: Office, case_id: str) -> list[Entry] | Garbled:
    try:
        return office.store.entries(case=case_id)
    except Garbled as error:
        return error


def _intend(
    office: Office, turns: Sequence[Turn], act: str, judged: Mapping[str, Judged | None] = _NOTHING
) -> list[Turn]:
    """Record what was found and what is about to be done, and what the policy was told of it. A case that is already in the act keeps what was found first,
    and another entry is made only where something else is found now.
    """
    changes = {place: _intended(office, turn, act, judged.get(turn.case.id)) for place, turn in enumerate(turns)}
    wanted = {place: change for place, change in changes.items() if change is not None}
    written = dict(zip(wanted, office.commit_each(list(wanted.values())), strict=True))
    moved_on = [turns[place].taken for place, case in written.items() if case is None]
    if moved_on:
        office.store.back_off(moved_on, office.clock(), "changed-meanwhile")
    cases = {place: written.get(place, turn.case) for place, turn in enumerate(turns)}
    return [replace(turns[place], case=case) for place, case in cases.items() if case is not None]


def _intended(office: Office, turn: Turn, act: str, judged: Judged | None) -> Change | None:
    case, found = turn.case, turn.standing
    body = _found_json(office.random(16), found)
    said: Judged = {"judged": judged} if judged else {}
    entry = office.draft(case, "intended", act=act, connector=case.connector, request=case.request, found=body, **said)
    if act == "apply" and case.state is State.SCHEDULED:
        forward = None if found.own_forwards is None else bool(found.own_forwards)
        applying = advance(case, Event.APPLY, own_reply_found=found.own_reply, own_forward_found=forward)
        return Change(case=applying, entries=(entry,), found=found.found)
    if act == "end" and case.state in (State.APPLIED, State.APPLYING):
        return Change(case=advance(case, Event.END, outcome=case.outcome or "time"), entries=(entry,))
    return None if _is_recorded(office, turn, act) else Change(case=case, entries=(entry,))


def _is_recorded(office: Office, turn: Turn, act: str) -> bool:
    """Whether an earlier try of this act recorded just what is found now: nothing new is to be said."""
    if not turn.taken.job.tries:
        return False
    entries = office.store.entries(case=turn.case.id)
    earlier = [e.body.get("found") for e in entries if e.type == "intended" and e.body.get("act") == act]
    last = earlier[-1] if earlier else None
    return isinstance(last, dict) and last == _found_json(bytes.fromhex(str(last.get("salt", ""))), turn.standing)


def _found_json(salt: bytes, found: Standing) -> Json:
    return {
        "salt": salt.hex(),
        "digest": salted_digest(salt, found.found),
        "own_reply": found.own_reply,
        "own_forwards": None if found.own_forwards is None else len(found.own_forwards),
        "replies": [reply.handle for reply in found.replies],
        "forwards": [forward.handle for forward in found.forwards],
        "remarks": list(found.remarks),
    }


def _with_ours(office: Office, turn: Turn) -> Wanted:
    case, others = turn.case, _without_ours(turn.case, turn.standing, b"")
    replies = (*others.replies, *([case.reply] if case.reply else []))
    forwards = (*others.forwards, *([case.forward] if case.forward else []))
    return Wanted(
        replies=tuple(sorted(replies, key=lambda reply: reply.handle)),
        forwards=tuple(sorted(forwards, key=lambda forward: forward.handle)),
        warrant=warrant(office, case) if case.forward else b"",
    )


def _found_since(first: Turn, last: Turn) -> bytes | None:
    """What is to be put back, where she changed it after it was recorded and before ours was set; None where she did not."""
    return None if is_there(last.case, last.standing) or last.standing == first.standing else last.standing.found


def _applied(office: Office, turn: Turn, standing: Standing, since: bytes | None) -> Change:
    now = office.clock()
    case = advance(turn.case, Event.APPLIED, applied_at=now, trouble="")
    found = {} if since is None else {"found": _found_json(office.random(16), turn.standing)}
    done = office.draft(case, "done", act="apply", privileges=_privileges(office, case), **found)
    back = read_back(office, case, "apply", standing)
    live_at = max(now, case.from_date)
    put = (
        Job(kind="end", case=case.id, due_at=case.to_date, lane=case.connector),
        Job(kind="watch", case=case.id, due_at=now + office.watch_every, lane=case.connector),
        Job(kind="tell-live", case=case.id, due_at=live_at, lane="letters"),
        replace(news(office, case), due_at=live_at),
        *told_to_receiver(office, case, live_at),
    )
    return Change(case=case, entries=(done, back), put=put, finished=turn.taken, found=since)


def _privileges(office: Office, case: Case) -> str:
    """The key under `words.privileges` that says what the credential used could do."""
    can = office.connector(case).can
    if can.reads_mail:
        return "could-read-mail"
    if can.redirects_mail:
        return "could-redirect-mail"
    return "could-not-read-mail" if case.forward is None else "could-forward-mail"


def _not_applied(office: Office, connector: Connector, turn: Turn, result: Standing | LocumError) -> list[Change]:
    """It could not be set. What a later try may mend is put off; anything else is undone and failed."""
    error = result if isinstance(result, LocumError) else Conflict("not-as-written", mailbox=turn.case.mailbox)
    now = office.clock()
    if isinstance(error, Trouble) and now < turn.case.to_date:
        _undo_half(office, connector, turn)
        put_off(office, turn.taken, error)
        return []
    undone = _undo(office, connector, turn)
    if undone is not None:  # ours may stand: the next try, or the end, takes it away
        put_off(office, turn.taken, undone)
        return []
    failed = advance(turn.case, Event.FAIL, outcome="failed", trouble=error.key)
    entry = office.draft(failed, "failed", act="apply", key=error.key, left_as="undone")
    put = (_account(office, failed), news(office, failed), _look(office, failed), *told_to_receiver(office, failed))
    return [Change(case=failed, entries=(entry,), put=put, finished=turn.taken)]


def _undo_half(office: Office, connector: Connector, turn: Turn) -> None:
    """All or nothing: where one of several measures was set and another could not be, neither stands until the next try. Where
    the far side does not answer now, that try reads what stands, and so does the end.
    """
    standing = read_one(office, connector, turn.mailbox, turn.case) if len(turn.case.measures) > 1 else None
    if isinstance(standing, Standing) and is_there(turn.case, standing) and not stands(turn.case, standing):
        caught(connector.write, turn.mailbox, _without_ours(turn.case, standing, turn.standing.found), standing)


def _undo(office: Office, connector: Connector, turn: Turn) -> LocumError | None:
    """Take ours away if it stands in spite of the error."""
    standing = read_one(office, connector, turn.mailbox, turn.case)
    if isinstance(standing, LocumError):
        return standing
    if not is_there(turn.case, standing):
        return None
    result = caught(connector.write, turn.mailbox, _without_ours(turn.case, standing, turn.standing.found), standing)
    return result if isinstance(result, LocumError) else None


def _without_ours(case: Case, standing: Standing, found: bytes) -> Wanted:
    handles = {one.handle for one in case.measures}
    replies = tuple(reply for reply in standing.replies if reply.handle not in handles)
    forwards = tuple(forward for forward in standing.forwards if forward.handle not in handles)
    return Wanted(replies=replies, forwards=forwards, restore=found)


def _account(office: Office, case: Case) -> Job:
    return Job(kind="account", case=case.id, due_at=office.clock(), lane="letters")


# watch -------------------------------------------------------------------------------------------------------------


def watch(office: Office, taken: Sequence[Taken]) -> None:
    """Read back now and then. Where she has set her own, or ours is not what runs, ours ends: her change always wins."""
    live = []
    for one, case in _loaded(office, taken):
        if case.state is State.APPLIED:
            live.append((one, case))
        else:
            office.store.commit([Change(finished=one)])
    if (connector := connector_of(office, live)) is not None:
        turns = read_turns(office, connector, live)
        office.commit_each([watched(office, connector, turn) for turn in turns])


# end ---------------------------------------------------------------------------------------------------------------


def end(office: Office, taken: Sequence[Taken]) -> None:
    """Take ours away and put back what was found; what she changed meanwhile is left as she left it. What is kept to be put back,
    and is not what the record says was found, is not put back.
    """
    ready = []
    for one, case in _loaded(office, taken):
        if case.state in (State.APPLIED, State.APPLYING, State.ENDING) and _is_due(case, office.clock()):
            ready.append((one, case))
        elif case.state is State.APPLIED:
            put = (replace(one.job, due_at=case.to_date),)
            office.store.commit([Change(put=put, finished=one)])
        else:
            office.store.commit([Change(finished=one)])
    if (connector := connector_of(office, ready)) is None:
        return
    turns = _intend(office, read_turns(office, connector, ready), "end")
    office.step("end.intended")
    kept, false = _kept(office, turns)
    results = write_wanted(
        office, connector, turns, lambda turn: _without_ours(turn.case, turn.standing, kept.get(turn.case.id, b""))
    )
    office.step("end.written")
    changes = []
    for turn, result in results:
        if isinstance(result, LocumError):
            put_off(office, turn.taken, result)
        else:
            changes.append(_ended(office, turn, result, false.get(turn.case.id)))
    office.commit_each(changes)
    office.step("end.committed")


def _kept(office: Office, turns: Sequence[Turn]) -> tuple[dict[str, bytes], dict[str, Reason]]:
    """What is to be put back, by case; and where something else is kept than what was found, why it is not."""
    kept = office.store.found_many([turn.case.id for turn in turns])
    told = _recorded(office, [(turn.taken, turn.case) for turn in turns])
    looked = {turn.case.id: not_as_found(told.get(turn.case.id, []), kept.get(turn.case.id, b"")) for turn in turns}
    false = {case_id: reason for case_id, reason in looked.items() if reason is not None}
    return {case_id: found for case_id, found in kept.items() if case_id not in false}, false


def _is_due(case: Case, now: datetime) -> bool:
    return case.state is State.ENDING or now >= case.to_date


def _ended(office: Office, turn: Turn, standing: Standing, false: Reason | None) -> Change:
    before = turn.standing
    stood = is_there(turn.case, before)
    put_back = "as-found" if stood and before.active else "left-as-changed" if stood else "nothing-was-there"
    put_back = put_back if false is None else "not-as-kept"
    case = advance(turn.case, Event.ENDED, ended_at=office.clock(), trouble="")
    entries: tuple[Draft, ...] = (
        office.draft(case, "done", act="end", privileges=_privileges(office, case)),
        read_back(office, case, "end", standing),
        office.draft(case, "ended", why=case.outcome, put_back=put_back, **_counted(office, turn)),
    )
    put = (_account(office, case), _look(office, case), news(office, case), *told_to_receiver(office, case))
    if false is not None:
        entries = (office.draft(case, "incident", act="end", key=false.key, who=""), *entries)
        put = (*put, Job(kind=INCIDENT, case=case.id, due_at=office.clock(), lane="letters"))
    return Change(case=case, entries=entries, put=put, drop=("watch", "tell-live"), finished=turn.taken)


def _counted(office: Office, turn: Turn) -> dict[str, Json]:
    """How many replies and copies went out, by the mail system's own log, null where it does not tell; and whether that log tells
    who logged in.
    """
    connector = office.connector(turn.case)
    tells = isinstance(connector, TellsAccess) and connector.tells_access
    found: dict[str, Json] = {"replies_sent": _replies_sent(office, turn), "access_told": tells}
    if turn.case.forward is not None:
        found["copies_sent"] = _copies_sent(office, turn, turn.case.forward)
    return found


def _look(office: Office, case: Case) -> Job:
    return Job(kind="look", case=case.id, due_at=office.clock() + _AFTER_LOOK, lane=case.connector)


def _replies_sent(office: Office, turn: Turn) -> int | None:
    connector = office.connector(turn.case)
    if turn.case.reply is None or not isinstance(connector, CountsReplies):
        return None
    return connector.replies_sent(turn.mailbox, turn.case.from_date, office.clock())


def _copies_sent(office: Office, turn: Turn, forward: Forward) -> int | None:
    connector = office.connector(turn.case)
    if not isinstance(connector, CountsForwards):
        return None
    return connector.forwards_sent(turn.mailbox, forward.to, turn.case.from_date, office.clock())


def look(office: Office, taken: Taken) -> None:
    """A while after the end, or a failure: is it really gone? A worker that lost its lease could have written late."""
    case = office.store.case(taken.job.case)
    connector = office.connector(case)
    mailbox = office.mailbox(case)
    standing = read_one(office, connector, mailbox, case)
    if isinstance(standing, LocumError):
        put_off(office, taken, standing)
        return
    if not is_there(case, standing):
        office.store.commit([Change(finished=taken)])
        return
    entry = read_back(office, case, "after-end", standing)
    case = office.store.commit([Change(case=case, entries=(entry,))])[0]
    result = caught(connector.write, mailbox, _without_ours(case, standing, b""), standing)
    if isinstance(result, LocumError):
        put_off(office, taken, result)
        return
    office.store.commit([Change(case=case, entries=(read_back(office, case, "after-end", result),), finished=taken)])
