"""The worker's look: one step of one search, judged anew right before it looks, and recorded after it.

What was asked, who signed, what the policy and the ladder say, all of it once more and from the record alone. A look that could
not be recorded is taken again where it changes nothing (count, list); its try stays spent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from locum.asides import Aside
from locum.desk import incidents
from locum.desk.judging import judged, question
from locum.desk.lanes import to_end
from locum.desk.last_look import gate_again, give_up
from locum.desk.office import Office
from locum.desk.reaching import put_off
from locum.desk.searching import hits, opening
from locum.desk.searching.climbing import ladder_in
from locum.desk.searching.leaving_out import exclusions
from locum.entry import Draft, Entry, Json
from locum.errors import Conflict, LocumError, Refused
from locum.gate import Passed, Reason, Stopped
from locum.gate.recorded import Recorded
from locum.ladder import TOO_BROAD, Ladder, Step, Try
from locum.lifecycle import Case, State
from locum.policy import Allowed, No
from locum.query import Look
from locum.seam import Fruitless, Looked
from locum.store import Change, Job, Taken

_TRIES = 5
_LATE = frozenset({"not-both-signed", "she-is-awaited"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The step that is to be taken: the job, the case, the ladder as it was when the step was asked for, and the step itself."""

    taken: Taken
    case: Case
    ladder: Ladder
    step: Try


def look(office: Office, taken: Taken) -> None:
    """Take the step that was asked for last and has no outcome."""
    case = office.store.case(taken.job.case)
    stream = office.store.entries(mailbox=case.mailbox)
    now = ladder_in(office, case, stream)
    if case.state is not State.APPLIED or now.under_way is None:
        office.store.commit([Change(finished=taken)])
        return
    before = ladder_in(office, case, _before_last(case, stream))
    if not _still(office, taken, case, stream):
        return
    guard = before.why_not(now.under_way.act, now.under_way.by, office.clock(), query=now.under_way.query)
    if guard == "not-in-time":
        office.store.commit([Change(put=(to_end(case, office.clock()),), finished=taken)])
        return
    if guard in _LATE and now.under_way.act is Step.OPEN:  # signed in time, and then nobody worked
        asked = Asked(taken=taken, case=case, ladder=before, step=now.under_way)
        settle(office, asked, "closed", {"why": "late", "seconds": 0})
        return
    if guard:
        incidents.stop(office, taken, case, Reason("step-not-allowed", now.under_way.by))
        return
    office.step("look.judged")
    try:
        ACTS[now.under_way.act](office, Asked(taken=taken, case=case, ladder=before, step=now.under_way))
    except LocumError as error:
        put_off(office, taken, error)


def _before_last(case: Case, stream: Sequence[Entry]) -> Sequence[Entry]:
    """What stood in the record when the last step of this case was asked for."""
    last = max(one.seq for one in stream if one.type == "searching" and one.body.get("case") == case.id)
    return [one for one in stream if one.seq < last]


def _still(office: Office, taken: Taken, case: Case, stream: Sequence[Entry]) -> bool:
    """Whether everything that allowed it still does. What may not go on is ended here."""
    told = Recorded.of(case.id, case.mailbox, stream)
    found: Passed | Stopped = gate_again(office, case, told)
    if isinstance(found, Stopped) and found.is_false:
        incidents.stop(office, taken, case, found.reasons[0])
        return False
    if isinstance(found, Stopped):
        give_up(office, taken, case, found, "look")
        return False
    try:
        verdict, _ = judged(office, case, question(office, case, fully=True))
    except LocumError as error:
        put_off(office, taken, error)
        return False
    if isinstance(verdict, Allowed):
        return True
    key, outcome = (verdict.key, "policy") if isinstance(verdict, No) else ("approval-lost", "approval-lost")
    entry = office.draft(case, "failed", act="look", key=key, left_as="")
    office.store.commit([opening.over(office, case, outcome, (entry,), finished=taken)])
    return False


def the_look(office: Office, asked: Asked) -> Look:
    """What is looked for in this step, and what is left out."""
    return Look(query=asked.step.query, exclusions=exclusions(office, asked.case), most=asked.ladder.limits.most)


def cost(looked: Looked) -> dict[str, Json]:
    """What a look cost and left out, as entries have it."""
    return {
        "excluded": dict(looked.excluded),
        "all_judged": looked.all_judged,
        "headers": looked.headers,
        "bodies": looked.bodies,
        "grants": list(looked.grants),
        "remarks": list(looked.remarks),
    }


def _count(office: Office, asked: Asked) -> None:
    searcher, mailbox = office.searcher(asked.case), office.mailbox(asked.case)
    try:
        found = searcher.count(mailbox, the_look(office, asked))
    except Refused as refused:
        _too_broad(office, asked, refused)
        return
    office.step("look.looked")
    said: dict[str, Json] = {"try": asked.step.number, "bucket": asked.ladder.limits.bucket(found.number)}
    settle(office, asked, "counted", {**said, **cost(found.looked)})


def _list(office: Office, asked: Asked) -> None:
    searcher, mailbox = office.searcher(asked.case), office.mailbox(asked.case)
    try:
        found = searcher.list(mailbox, the_look(office, asked))
    except Refused as refused:
        _too_broad(office, asked, refused)
        return
    office.step("look.looked")
    kept = hits.kept_of(office.random(16), found.hits)
    hits.write(office, asked.case, kept)
    office.step("look.kept")
    said: dict[str, Json] = {"try": asked.step.number, "salt": kept.salt, "hits": kept.as_recorded()}
    settle(office, asked, "listed", {**said, **cost(found.looked)})


def _too_broad(office: Office, asked: Asked, refused: Refused) -> None:
    """More than can be judged; or more has come in since it was counted: that is a count, and nothing was seen."""
    if refused.key != "too-broad":
        raise refused
    looked = refused.looked if isinstance(refused, Fruitless) else Looked(all_judged=False)
    settle(office, asked, "counted", {"try": asked.step.number, "bucket": TOO_BROAD, **cost(looked)})


def settle(
    office: Office, asked: Asked, kind: str, body: Mapping[str, Json], *, ends: str = "", put: tuple[Job, ...] = ()
) -> None:
    """Record what came of a step, whoever changed the case meanwhile: it was looked. Where it is over by now, the list goes.
    `ends` is the outcome with which the case ends now, `put` what is to be done besides.
    """
    case = asked.case
    for _ in range(_TRIES):
        entry: Draft = office.draft(case, kind, **body)
        try:
            office.store.commit([_settled(office, asked.taken, case, entry, ends, put)])
        except Conflict as conflict:
            if conflict.key != "changed-meanwhile":
                raise
            case = office.store.case(case.id)
        else:
            break
    if case.state is not State.APPLIED:
        office.asides.wipe(case.id)
    elif kind == "closed":  # what a worker left that died before it could record that it was opened
        office.asides.wipe(case.id, (Aside.MESSAGE,))
    office.step("look.committed")


def _settled(office: Office, taken: Taken, case: Case, entry: Draft, ends: str, put: tuple[Job, ...]) -> Change:
    if case.state is not State.APPLIED:
        return Change(case=case, entries=(entry,), finished=taken)
    if ends:
        return opening.over(office, case, ends, (entry,), finished=taken)
    again = to_end(case, opening.closes_at(office, case))
    return Change(case=case, entries=(entry,), put=(again, *put), finished=taken)


Act = Callable[[Office, Asked], None]
ACTS: dict[Step, Act] = {Step.COUNT: _count, Step.LIST: _list}
"""How each step is taken; the package adds opened.py's and delivering.py's."""
