"""Acting on the mail system: apply, watch, end. The four moves in order: load, record, act, read back and record.

A crash between any two lines resumes: an `intended` without its outcome is settled by reading the server, and nothing
is applied twice. Many mailboxes of one mail system go together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from locum.absence import Mailbox
from locum.approval import request_hash
from locum.desk.asking import expire, facts, news
from locum.desk.filing import by_mailbox, canonical_request, overlapping, question
from locum.desk.office import Office
from locum.entry import Draft, Json, salted_digest
from locum.errors import Conflict, LocumError, Trouble, Unreachable
from locum.lifecycle import ON_SERVER, Case, Event, State, advance
from locum.measure import Standing, Wanted
from locum.policy import Allowed, Needs, No, decide
from locum.seam import Connector, CountsReplies, ManyAtOnce
from locum.store import Change, Job, Taken

_AFTER_LOOK = timedelta(minutes=15)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Turn:
    """One case in one run of a step: the lease, the case, its mailbox, and what was last read of it."""

    taken: Taken
    case: Case
    mailbox: Mailbox
    standing: Standing


# reading and writing many, whatever the connector offers -----------------------------------------------------------


def _read(connector: Connector, mailboxes: Sequence[Mailbox]) -> list[Standing | LocumError]:
    if isinstance(connector, ManyAtOnce):
        return connector.read_many(mailboxes)
    return [_caught(connector.read, mailbox) for mailbox in mailboxes]


def _write(connector: Connector, items: Sequence[tuple[Mailbox, Wanted, Standing]]) -> list[Standing | LocumError]:
    if isinstance(connector, ManyAtOnce):
        return connector.write_many(items)
    return [_caught(connector.write, *item) for item in items]


def _caught(act: Callable[..., Standing], *arguments: object) -> Standing | LocumError:
    try:
        return act(*arguments)
    except LocumError as error:
        return error


def _write_wanted(
    connector: Connector, turns: Sequence[_Turn], wanted: Callable[[_Turn], Wanted]
) -> list[Standing | LocumError]:
    """Write, and where somebody changed something in between, read again and decide anew, a few times."""
    turns = list(turns)
    results = _write(connector, [(turn.mailbox, wanted(turn), turn.standing) for turn in turns])
    for _ in range(_TRIES):
        again = [place for place, result in enumerate(results) if isinstance(result, Conflict)]
        if not again:
            break
        for place, fresh in zip(again, _read(connector, [turns[p].mailbox for p in again]), strict=True):
            if isinstance(fresh, LocumError):
                results[place] = fresh
                continue
            turns[place] = replace(turns[place], standing=fresh)
            results[place] = _write(connector, [(turns[place].mailbox, wanted(turns[place]), fresh)])[0]
    return results


# apply -------------------------------------------------------------------------------------------------------------


def apply(office: Office, taken: Sequence[Taken]) -> None:
    """Set what was asked, as it was asked, on the mailboxes of these cases (all of one connector)."""
    loaded = _loaded(office, taken)
    living = by_mailbox(office.store.living_on([case.mailbox for _, case in loaded]))
    ready = [(one, case) for one, case in loaded if _may_apply(office, one, case, living.get(case.mailbox, []))]
    if not ready:
        return
    connector = office.connectors[ready[0][1].connector]
    turns = _turns(office, connector, ready)
    turns = _intend(office, turns, "apply")
    office.step("apply.intended")
    results = _write_wanted(connector, turns, _with_ours)
    office.step("apply.written")
    changes = []
    for turn, result in zip(turns, results, strict=True):
        if isinstance(result, Standing) and turn.case.measure in result.replies:
            changes.append(_applied(office, turn, result))
        else:
            changes += _not_applied(office, connector, turn, result)
    office.commit_each(changes)
    office.step("apply.committed")


def _loaded(office: Office, taken: Sequence[Taken]) -> list[tuple[Taken, Case]]:
    cases = {case.id: case for case in office.store.cases([one.job.case for one in taken])}
    return [(one, cases[one.job.case]) for one in taken]


def _may_apply(  # noqa: PLR0911  one exit per question, in the order in which they are asked
    office: Office, taken: Taken, case: Case, living: Sequence[Case]
) -> bool:
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
    if office.clock() >= case.measure.to_date:
        expire(office, case, taken, "too-late")
        return False
    # Two requests filed in the same moment do not see each other; the first that is set counts.
    if (clash := overlapping(case, [other for other in living if other.state in ON_SERVER])) is not None:
        _refuse(office, taken, case, No(8, "overlapping", {"case": clash.id, "mailbox": case.mailbox}))
        return False
    match decide(office.policy_of(case), question(office, case), facts(office, case), office.clock()):
        case Allowed():
            return True
        case No() as no:
            _refuse(office, taken, case, no)
        case Needs():
            close = Job(kind="close", case=case.id, due_at=case.measure.to_date)
            waiting = advance(case, Event.NEED_REVIEW)
            office.store.commit([Change(case=waiting, put=(close, news(office, waiting)), finished=taken)])
    return False


def _refuse(office: Office, taken: Taken, case: Case, no: No) -> None:
    refused = advance(case, Event.REFUSE, outcome="policy", clause=no.clause, trouble=no.key)
    values = {name: value for name, value in no.values.items() if name not in ("case", "mailbox")}
    entry = office.draft(case, "refused", clause=no.clause, key=no.key, by="policy", mailbox=case.mailbox, **values)
    put = (_account(office, case), news(office, refused))
    office.store.commit([Change(case=refused, entries=(entry,), put=put, finished=taken)])


def _fail_changed(office: Office, taken: Taken, case: Case) -> None:
    refuse = Event.REFUSE if case.state is State.SCHEDULED else Event.END
    voided = advance(case, refuse, outcome="request-changed", trouble="request-changed")
    entry = office.draft(case, "failed", act="apply", key="request-changed", left_as="unchanged")
    lane, kind = ("letters", "account") if refuse is Event.REFUSE else (case.connector, "end")
    put = (Job(kind=kind, case=case.id, due_at=office.clock(), lane=lane), news(office, voided))
    office.store.commit([Change(case=voided, entries=(entry,), put=put, finished=taken)])


def _turns(office: Office, connector: Connector, ready: Sequence[tuple[Taken, Case]]) -> list[_Turn]:
    """What stands on each mailbox now. Those that cannot be read are put off."""
    mailboxes = [office.mailbox(case) for _, case in ready]
    turns = []
    for (taken, case), mailbox, standing in zip(ready, mailboxes, _read(connector, mailboxes), strict=True):
        if isinstance(standing, LocumError):
            put_off(office, taken, standing)
        else:
            turns.append(_Turn(taken, case, mailbox, standing))
    return turns


def _intend(office: Office, turns: Sequence[_Turn], act: str) -> list[_Turn]:
    """Record what was found and what is about to be done. A case that is already in the act keeps what was found first."""
    changes = []
    for turn in turns:
        case, found = turn.case, turn.standing
        entry = office.draft(
            case,
            "intended",
            act=act,
            connector=case.connector,
            request=case.request,
            found=_found_json(office, found),
        )
        if act == "apply" and case.state is State.SCHEDULED:
            applying = advance(case, Event.APPLY, own_reply_found=found.own_reply)
            changes.append(Change(case=applying, entries=(entry,), found=found.found))
        elif act == "end" and case.state in (State.APPLIED, State.APPLYING):
            changes.append(Change(case=advance(case, Event.END, outcome=case.outcome or "time"), entries=(entry,)))
        else:
            changes.append(Change(case=case, entries=(entry,)))
    cases = office.commit_each(changes)
    moved_on = [turn.taken for turn, case in zip(turns, cases, strict=True) if case is None]
    if moved_on:
        office.store.back_off(moved_on, office.clock(), "changed-meanwhile")
    return [replace(turn, case=case) for turn, case in zip(turns, cases, strict=True) if case is not None]


def _found_json(office: Office, found: Standing) -> Json:
    salt = office.random(16)
    return {
        "salt": salt.hex(),
        "digest": salted_digest(salt, found.found),
        "own_reply": found.own_reply,
        "replies": [reply.handle for reply in found.replies],
        "remarks": list(found.remarks),
    }


def _with_ours(turn: _Turn) -> Wanted:
    ours = turn.case.measure
    others = tuple(reply for reply in turn.standing.replies if reply.handle != ours.handle)
    return Wanted(replies=tuple(sorted((*others, ours), key=lambda reply: reply.handle)))


def _applied(office: Office, turn: _Turn, standing: Standing) -> Change:
    now = office.clock()
    case = advance(turn.case, Event.APPLIED, applied_at=now, trouble="")
    done = office.draft(case, "done", act="apply", privileges=_privileges(office, case))
    back = _read_back(office, case, "apply", standing)
    live_at = max(now, case.measure.from_date)
    put = (
        Job(kind="end", case=case.id, due_at=case.measure.to_date, lane=case.connector),
        Job(kind="watch", case=case.id, due_at=now + office.watch_every, lane=case.connector),
        Job(kind="tell-live", case=case.id, due_at=live_at, lane="letters"),
    )
    return Change(case=case, entries=(done, back), put=put, finished=turn.taken)


def _privileges(office: Office, case: Case) -> str:
    """The key under `words.privileges` that says what the credential used could do."""
    can = office.connectors[case.connector].can
    if can.reads_mail:
        return "could-read-mail"
    return "could-redirect-mail" if can.redirects_mail else "could-not-read-mail"


def _read_back(office: Office, case: Case, act: str, standing: Standing) -> Draft:
    stands = "absent" if case.measure not in standing.replies else "as-intended" if standing.active else "changed"
    return office.draft(
        case,
        "read-back",
        act=act,
        stands=stands,
        active=standing.active,
        own_reply=standing.own_reply,
        remarks=list(standing.remarks),
    )


def _not_applied(office: Office, connector: Connector, turn: _Turn, result: Standing | LocumError) -> list[Change]:
    """It could not be set. What a later try may mend is put off; anything else is undone and failed."""
    error = result if isinstance(result, LocumError) else Conflict("not-as-written", mailbox=turn.case.mailbox)
    now = office.clock()
    if isinstance(error, Trouble) and now < turn.case.measure.to_date:
        put_off(office, turn.taken, error)
        return []
    undone = _undo(connector, turn)
    if isinstance(undone, Trouble):
        put_off(office, turn.taken, undone)
        return []
    failed = advance(turn.case, Event.FAIL, outcome="failed", trouble=error.key)
    entry = office.draft(failed, "failed", act="apply", key=error.key, left_as="undone")
    put = (_account(office, failed), news(office, failed))
    return [Change(case=failed, entries=(entry,), put=put, finished=turn.taken)]


def _undo(connector: Connector, turn: _Turn) -> LocumError | None:
    """Take ours away if it stands in spite of the error."""
    standing = _caught(connector.read, turn.mailbox)
    if isinstance(standing, LocumError):
        return standing
    if all(reply.handle != turn.case.measure.handle for reply in standing.replies):
        return None
    result = _caught(connector.write, turn.mailbox, _without_ours(turn.case, standing, turn.standing.found), standing)
    return result if isinstance(result, LocumError) else None


def _without_ours(case: Case, standing: Standing, found: bytes) -> Wanted:
    others = tuple(reply for reply in standing.replies if reply.handle != case.measure.handle)
    return Wanted(replies=others, restore=found)


def put_off(office: Office, taken: Taken, error: LocumError) -> None:
    """Give a job back for later: soon where the far side may answer again, later where a person has to act first."""
    soon = isinstance(error, Unreachable | Conflict)
    seconds = min(3600, 5 * 2 ** min(taken.job.tries, 10)) if soon else min(3600, 60 * 2 ** min(taken.job.tries, 6))
    office.store.back_off([taken], office.clock() + timedelta(seconds=seconds), error.key)


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
    if live:
        turns = _turns(office, office.connectors[live[0][1].connector], live)
        office.commit_each([_watched(office, turn) for turn in turns])


def _watched(office: Office, turn: _Turn) -> Change:
    case, standing, now = turn.case, turn.standing, office.clock()
    hers_is_new = standing.own_reply is True and case.own_reply_found is not True
    if case.measure in standing.replies and standing.active and not hers_is_new:
        again = Job(
            kind="watch", case=case.id, due_at=min(now + office.watch_every, case.measure.to_date), lane=case.connector
        )
        return Change(put=(again,), finished=None) if now < case.measure.to_date else Change(finished=turn.taken)
    ending = advance(case, Event.END, outcome="changed-by-owner")
    end_job = Job(kind="end", case=case.id, due_at=now, lane=case.connector)
    entry = _read_back(office, case, "watch", standing)
    return Change(case=ending, entries=(entry,), put=(end_job,), drop=("tell-live",), finished=turn.taken)


# end ---------------------------------------------------------------------------------------------------------------


def end(office: Office, taken: Sequence[Taken]) -> None:
    """Take ours away and put back what was found; what she changed meanwhile is left as she left it."""
    ready = []
    for one, case in _loaded(office, taken):
        if case.state in (State.APPLIED, State.APPLYING, State.ENDING) and _is_due(case, office.clock()):
            ready.append((one, case))
        elif case.state is State.APPLIED:
            put = (replace(one.job, due_at=case.measure.to_date),)
            office.store.commit([Change(put=put)])
        else:
            office.store.commit([Change(finished=one)])
    if not ready:
        return
    connector = office.connectors[ready[0][1].connector]
    turns = _intend(office, _turns(office, connector, ready), "end")
    office.step("end.intended")
    kept = {turn.case.id: office.store.found(turn.case.id) or b"" for turn in turns}
    results = _write_wanted(connector, turns, lambda turn: _without_ours(turn.case, turn.standing, kept[turn.case.id]))
    office.step("end.written")
    changes = []
    for turn, result in zip(turns, results, strict=True):
        if isinstance(result, LocumError):
            put_off(office, turn.taken, result)
        else:
            changes.append(_ended(office, turn, result))
    office.commit_each(changes)
    office.step("end.committed")


def _is_due(case: Case, now: datetime) -> bool:
    return case.state is State.ENDING or now >= case.measure.to_date


def _ended(office: Office, turn: _Turn, standing: Standing) -> Change:
    before = turn.standing
    stood = any(reply.handle == turn.case.measure.handle for reply in before.replies)
    put_back = "as-found" if stood and before.active else "left-as-changed" if stood else "nothing-was-there"
    case = advance(turn.case, Event.ENDED, ended_at=office.clock(), trouble="")
    entries = (
        office.draft(case, "done", act="end", privileges=_privileges(office, case)),
        _read_back(office, case, "end", standing),
        office.draft(case, "ended", why=case.outcome, put_back=put_back, replies_sent=_replies_sent(office, turn)),
    )
    look = Job(kind="look", case=case.id, due_at=office.clock() + _AFTER_LOOK, lane=case.connector)
    put = (_account(office, case), look, news(office, case))
    return Change(case=case, entries=entries, put=put, drop=("watch", "tell-live"), finished=turn.taken)


def _replies_sent(office: Office, turn: _Turn) -> int | None:
    connector = office.connectors[turn.case.connector]
    if not isinstance(connector, CountsReplies):
        return None
    return connector.replies_sent(turn.mailbox, turn.case.measure.from_date, office.clock())


def look(office: Office, taken: Taken) -> None:
    """A while after the end: is it really gone? A worker that lost its lease could have written late."""
    case = office.store.case(taken.job.case)
    connector = office.connectors[case.connector]
    mailbox = office.mailbox(case)
    standing = _caught(connector.read, mailbox)
    if isinstance(standing, LocumError):
        put_off(office, taken, standing)
        return
    if all(reply.handle != case.measure.handle for reply in standing.replies):
        office.store.commit([Change(finished=taken)])
        return
    entry = _read_back(office, case, "after-end", standing)
    case = office.store.commit([Change(case=case, entries=(entry,))])[0]
    result = _caught(connector.write, mailbox, _without_ours(case, standing, b""), standing)
    if isinstance(result, LocumError):
        put_off(office, taken, result)
        return
    office.store.commit([Change(case=case, entries=(_read_back(office, case, "after-end", result),), finished=taken)])
