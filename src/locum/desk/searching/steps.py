"""A step is asked for: the intent is recorded, with the job that takes it. Pages and the command line look at nothing themselves."""

from locum.desk.forms import Acting
from locum.desk.lanes import LOOK, SEARCH
from locum.desk.office import Office
from locum.desk.searching.climbing import ladder_in
from locum.entry import Json
from locum.errors import Refused
from locum.ladder import Step
from locum.lifecycle import Case, State
from locum.measure import query_to_json
from locum.query import Query
from locum.store import Change, Job


def begin(office: Office, acting: Acting, case: Case, step: Step, query: Query | None = None, part: str = "") -> Case:
    """Record that this step is to be taken, and have the worker take it. `query` is the question of a count that is narrower than
    the one that was signed, `part` what is delivered. Raises Refused (clause 10) `search-<guard>`; Conflict `changed-meanwhile` where another was first.
    """
    stream = office.store.entries(mailbox=case.mailbox)
    found = ladder_in(office, case, stream)
    if case.state is not State.APPLIED:
        raise Refused("search-not-open", clause=10, case=case.id)
    found.check(step, acting.id, office.clock(), query=query)
    number = 1 + sum(one.act is step for one in found.tries)
    who: Json = {"id": acting.id, "name": acting.name}
    asked: Json = None if query is None else query_to_json(query)  # type: ignore[assignment]
    more: dict[str, Json] = {"part": part} if part else {}
    entry = office.draft(case, "searching", act=str(step), by=who, **{"try": number, "query": asked}, **more)
    job = Job(kind=LOOK, case=case.id, due_at=office.clock(), lane=SEARCH)
    length = stream[-1].seq + 1
    change = Change(case=case, entries=(entry,), put=(job,), judged_at=(case.mailbox, length))
    return office.store.commit([change])[0]
