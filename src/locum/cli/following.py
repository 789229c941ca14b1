"""Filing a request from the command line and following it: what is due is done, or waited for, and told how far it is."""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from locum.cli.door import Door
from locum.cli.output import put, put_json
from locum.cli.words import case_in_words
from locum.errors import Refused, Trouble
from locum.messages import say
from locum.shapes import case_shape, remark_shape

if TYPE_CHECKING:
    from locum.desk import ForwardForm, RequestForm, SearchForm
    from locum.lifecycle import Case

_WAIT_SECONDS = 10.0
WAITING_FOR_A_PERSON = 7


def request_one(door: Door, form: "RequestForm | ForwardForm | SearchForm", with_: str | None) -> int:
    """File it, and follow it; she is told of a refusal too."""
    try:
        case = door.app.desk.request(door.acting, form, joins=(with_ or "").strip().lower())
    except Refused as error:
        _account_for(door, error)
        raise
    return follow(door, case)


def _account_for(door: Door, error: Refused) -> None:
    """She is told of a refused request too, where the refusal was recorded."""
    case = door.case_of(error)
    if case is not None and case.state == "refused":
        door.tell("recorded-as", case=case.id)
        if door.settings.may_apply(case.connector):
            with suppress(Trouble):  # the refusal is what matters here; a worker tries again
                door.app.run_due(case.id)


def follow(door: Door, case: "Case") -> int:
    """Do the due steps of a case, or wait for a worker to do them; then tell how far it is. Gives back the exit code."""
    trouble: Trouble | None = None
    if door.settings.may_apply(case.connector):
        try:
            door.app.run_due(case.id)
        except Trouble as error:
            trouble = error
    else:
        wait(door, case)
    case = door.app.desk.case(case.id)
    if trouble is not None:
        raise trouble
    return told(door, case)


def wait(door: Door, case: "Case") -> None:
    """Up to ten seconds for a worker to take the case to where it rests: until nothing about it is due."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        if all(job.due_at > door.app.clock() for job in door.app.store.jobs(case.id)):
            return
        time.sleep(0.2)
    door.tell("no-worker", seconds=int(_WAIT_SECONDS))


def told(door: Door, case: "Case") -> int:
    """Tell how far a case is, to the person and to the script. Gives back the exit code."""
    from locum.desk.beforehand import told as told_beforehand  # noqa: PLC0415  as the rest of the desk: slow to import

    trial = door.settings.policy.unsigned_reviews
    print("\n".join(case_in_words(case, door.app.people, door.language, trial=trial)), file=sys.stderr)  # noqa: T201
    if not case.is_final and not case.applied_at and door.app.desk.wants_signature(case):
        door.tell("sign-there", page=door.app.desk.review_address(case))
    remarks = [remark_shape(field, remark, door.language) for field, remark in door.app.desk.warnings(case)]
    for remark in remarks:
        print(remark["sentence"], remark["advice"], file=sys.stderr)  # noqa: T201
    beforehand = told_beforehand(door.app.desk.office, case)
    for key in beforehand:
        print(say(door.language, f"remark.{key}"), file=sys.stderr)  # noqa: T201
    if door.json:
        put_json({**case_shape(case, trial=trial), "warnings": remarks, "beforehand": list(beforehand)})
    else:
        put(f"{case.id} {case.state}")
    return WAITING_FOR_A_PERSON if waits_for_a_person(case) else 0


def waits_for_a_person(case: "Case") -> bool:
    """Whether somebody has to decide: review it, agree to receiving her mail, or overrule an objection that was made before, or
    of which one has begun.
    """
    grounds = any(decision == "overrule" for _, decision, _ in case.reviews)
    receiver = case.forward is not None and case.state in ("agreed", "unanswered")
    overruling = case.state == "objected" and (grounds or bool(case.objected_before))
    return case.state == "awaiting-review" or receiver or overruling
