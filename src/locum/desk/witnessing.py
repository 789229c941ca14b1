"""What waits for a witness waits here, right before it is set: until every witness has signed a state of the record in which
it stands what is about to be done, and what was found.

A witness that is away puts it off; one that has seen another record is an incident, and nothing that waits is set. What need
not wait goes on, and is signed later (`keep_up`). How an incident is told is witnessing_told.py's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from locum.desk import witnessing_told
from locum.desk.office import Office
from locum.desk.reaching import Turn, put_off
from locum.errors import LocumError, Rejected, Trouble, Unreachable
from locum.lifecycle import Case
from locum.measure import measure_name
from locum.policy import MEASURES

_AGAINST: Final = frozenset({"witness-fork", "witness-ahead", "witness-forgot", "witness-false"})
"""What a witness says, or should not have said: told at once. Anything else is told where it lasts."""
_LASTING = timedelta(days=1)


def waits(office: Office, case: Case) -> bool:
    """Whether the policy under which it was filed has it wait for a witness: one of its measures is enough."""
    policy = office.policy_of(case)
    asked = {measure_name(one) for one in case.measures}
    return any(policy.rules(name).witness != "later" for name in MEASURES if name in asked)


def apart(office: Office, turns: Sequence[Turn]) -> tuple[list[Turn], list[Turn]]:
    """What may be set at once, and what waits for the witnesses of the settings; without any, nothing waits."""
    waiting = [turn for turn in turns if office.cosigning is not None and waits(office, turn.case)]
    return [turn for turn in turns if turn not in waiting], waiting


def witnessed(office: Office, waiting: Sequence[Turn]) -> list[Turn]:
    """Those of them that may be set now, since every witness has signed for them: all, or else they are put off."""
    if office.cosigning is None or not waiting:
        return list(waiting)
    try:
        office.cosigning.up_to(_needed(office, [turn.case for turn in waiting]))
    except LocumError as error:
        tell(office, [error])
        for turn in waiting:
            put_off(office, turn.taken, _plain(error))
        return []
    return list(waiting)


def _needed(office: Office, cases: Sequence[Case]) -> int:
    """How many leaves it takes for every last `intended` of these cases to be among them."""
    entries = office.store.entries_of([case.id for case in cases])
    return 1 + max((one.index for told in entries.values() for one in told if one.type == "intended"), default=0)


def _plain(error: LocumError) -> LocumError:
    """What `locum show` says of it: that it waits, and for whom; `locum check` says the rest."""
    if isinstance(error, Unreachable):
        return Unreachable("witness-unreachable")
    return Rejected("witness-refused")


def keep_up(office: Office) -> None:
    """Have what is published signed by every witness, where it is not yet. Raises the first thing that went wrong, for the
    worker's log, once it is recorded.
    """
    if office.cosigning is None:
        return
    errors = office.cosigning.keep_up()
    tell(office, errors)
    if errors:
        raise errors[0]


def tell(office: Office, errors: Sequence[LocumError]) -> None:
    """Record what speaks against a witness or against this record, and a witness that has been away for long."""
    found = [error for error in errors if error.key in _AGAINST]
    found += [
        Trouble("witness-silent", witness=error.values["witness"])
        for error in errors
        if error not in found and "witness" in error.values and _lasts(office, error.values["witness"])
    ]
    witnessing_told.record(office, found)


def _lasts(office: Office, name: str) -> bool:
    """Whether it has signed nothing for so long that it has to be told. One that never signed has been away since it was asked."""
    since: datetime | None = None if office.cosigning is None else office.cosigning.since(name)
    return since is not None and office.clock() - since >= _LASTING
