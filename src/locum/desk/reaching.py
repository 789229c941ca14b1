"""Reaching the mail systems for acting.py: reading and writing many mailboxes, whatever a connector offers, and giving a
job back where that failed. What is set, and what follows from it, is not decided here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from locum.absence import Mailbox
from locum.desk.office import Office
from locum.entry import Draft
from locum.errors import Conflict, LocumError, Unreachable
from locum.lifecycle import Case, State
from locum.measure import Measure, Standing, Wanted
from locum.seam import Connector, ManyAtOnce, OneReply
from locum.store import Taken

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """One case in one run of a step: the lease, the case, its mailbox, and what was last read of it."""

    taken: Taken
    case: Case
    mailbox: Mailbox
    standing: Standing


def read(
    office: Office, connector: Connector, mailboxes: Sequence[Mailbox], cases: Sequence[Case]
) -> list[Standing | LocumError]:
    """What stands on each, of these `cases` and of others that may stand there; an error is a result."""
    if isinstance(connector, ManyAtOnce):
        found = connector.read_many(mailboxes)
    else:
        found = [caught(connector.read, mailbox) for mailbox in mailboxes]
    if not isinstance(connector, OneReply):
        return found
    known: dict[str, list[Measure]] = {}
    for case in (*cases, *office.store.living_on([mailbox.address for mailbox in mailboxes], _MAY_STAND)):
        known.setdefault(case.mailbox, []).extend(case.measures)
    return [
        one if isinstance(one, LocumError) else connector.recognised(one, known.get(mailbox.address, ()))
        for mailbox, one in zip(mailboxes, found, strict=True)
    ]


_MAY_STAND = (State.APPLYING, State.APPLIED, State.ENDING)


def read_one(office: Office, connector: Connector, mailbox: Mailbox, case: Case) -> Standing | LocumError:
    """`read` for one mailbox of one case."""
    return read(office, connector, [mailbox], [case])[0]


def _write(connector: Connector, items: Sequence[tuple[Mailbox, Wanted, Standing]]) -> list[Standing | LocumError]:
    if isinstance(connector, ManyAtOnce):
        return connector.write_many(items)
    return [caught(connector.write, *item) for item in items]


def caught(act: Callable[..., Standing], *arguments: object) -> Standing | LocumError:
    """What the connector gives back, or the error it raises."""
    try:
        return act(*arguments)
    except LocumError as error:
        return error


def write_wanted(
    office: Office, connector: Connector, turns: Sequence[Turn], wanted: Callable[[Turn], Wanted]
) -> list[tuple[Turn, Standing | LocumError]]:
    """Write, and where somebody changed something in between, read again and decide anew, a few times.

    Each turn comes back with its result, and with what stood right before the last writing.
    """
    turns = list(turns)
    results = _write(connector, [(turn.mailbox, wanted(turn), turn.standing) for turn in turns])
    for _ in range(_TRIES):
        again = [place for place, result in enumerate(results) if isinstance(result, Conflict)]
        if not again:
            break
        boxes, cases = [turns[place].mailbox for place in again], [turns[place].case for place in again]
        for place, fresh in zip(again, read(office, connector, boxes, cases), strict=True):
            if isinstance(fresh, LocumError):
                results[place] = fresh
                continue
            turns[place] = replace(turns[place], standing=fresh)
            results[place] = _write(connector, [(turns[place].mailbox, wanted(turns[place]), fresh)])[0]
    return list(zip(turns, results, strict=True))


def read_turns(office: Office, connector: Connector, ready: Sequence[tuple[Taken, Case]]) -> list[Turn]:
    """What stands on each mailbox now. Those that cannot be read are put off."""
    mailboxes = [office.mailbox(case) for _, case in ready]
    turns = []
    found = read(office, connector, mailboxes, [case for _, case in ready])
    for (taken, case), mailbox, standing in zip(ready, mailboxes, found, strict=True):
        if isinstance(standing, LocumError):
            put_off(office, taken, standing)
        else:
            turns.append(Turn(taken, case, mailbox, standing))
    return turns


def connector_of(office: Office, ready: Sequence[tuple[Taken, Case]]) -> Connector | None:
    """The mail system of these cases (all of one). None where there are none, or it is gone: then they are put off."""
    if not ready:
        return None
    try:
        return office.connector(ready[0][1])
    except LocumError as error:
        for taken, _ in ready:
            put_off(office, taken, error)
        return None


def put_off(office: Office, taken: Taken, error: LocumError) -> None:
    """Give a job back for later: soon where the far side may answer again, later where a person has to act first."""
    if not isinstance(error, Unreachable | Conflict):
        wait_for(office, taken, error.key)
        return
    seconds = min(3600, 5 * 2 ** min(taken.job.tries, 10))
    office.store.back_off([taken], office.clock() + timedelta(seconds=seconds), error.key)


def wait_for(office: Office, taken: Taken, trouble: str) -> None:
    """Give a job back until a person has acted; `trouble` is the message key of what it waits for."""
    seconds = min(3600, 60 * 2 ** min(taken.job.tries, 6))
    office.store.back_off([taken], office.clock() + timedelta(seconds=seconds), trouble)


def stands(case: Case, standing: Standing) -> bool:
    """Whether all that was asked is set, to the letter."""
    return all(one in standing.measures for one in case.measures)


def is_there(case: Case, standing: Standing) -> bool:
    """Whether anything of this case is set, in whatever form."""
    handles = {one.handle for one in case.measures}
    return any(one.handle in handles for one in standing.measures)


def read_back(office: Office, case: Case, act: str, standing: Standing) -> Draft:
    """The entry that says what the mail system says."""
    found = "absent" if not stands(case, standing) else "as-intended" if standing.active else "changed"
    return office.draft(
        case,
        "read-back",
        act=act,
        stands=found,
        active=standing.active,
        own_reply=standing.own_reply,
        remarks=list(standing.remarks),
    )
