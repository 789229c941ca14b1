"""A search on the page of its case: where it stands on the ladder, and the buttons that count, list and make it narrower.

What was found is not shown here: the list is a page of its own, for the two who take the steps.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from locum.desk import Desk, SearchForm
from locum.errors import Refused
from locum.ladder import Ladder, Step
from locum.lifecycle import Case, State
from locum.rungs import Rung, comes_next, rungs
from locum.web.cases.form import each_line
from locum.web.signin import Signed

STEPS = ("count", "list", "narrow")
"""The buttons of this page."""


class StepForm(BaseModel):
    """A button of the page of a case, with what makes a question narrower."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form_token: str = ""
    do: str = ""
    wrote: str = ""
    holds: str = ""
    since: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown of a search: its rungs, what comes next, and which of STEPS may be taken now by whoever looks."""

    rungs: tuple[Rung, ...]
    next: str
    may: frozenset[str]
    has_list: bool
    under_way: bool


def shown(desk: Desk, who: Signed, case: Case) -> Shown | None:
    """The ladder of a case, for whoever may see the case; None where it is no search, or was never open."""
    if case.search is None:
        return None
    ladder, now = desk.searching.ladder(case), desk.office.clock()
    reader = who.person
    return Shown(
        rungs=tuple(rungs(ladder, now, reader.language, reader.time_zone)),
        next=comes_next(ladder, now, reader.language),
        may=_may(desk, who, case, ladder),
        has_list=ladder.listed is not None and ladder.is_open and ladder.pair.holds(reader.id),
        under_way=ladder.under_way is not None and case.state is State.APPLIED,
    )


def _may(desk: Desk, who: Signed, case: Case, ladder: Ladder) -> frozenset[str]:
    if case.state is not State.APPLIED:
        return frozenset()
    now, found = desk.office.clock(), set()
    if ladder.may(Step.COUNT, who.person.id, now):
        found |= {"narrow"} if ladder.bucket else {"count"}
    if ladder.may(Step.LIST, who.person.id, now):
        found.add("list")
    return frozenset(found)


def take(desk: Desk, who: Signed, case: Case, form: StepForm) -> Case:
    """Have the step taken that the button asks for. Raises Refused `search-<guard>`, Invalid."""
    searching = desk.searching
    match form.do:
        case "count":
            return searching.count(who.acting, case)
        case "list":
            return searching.list(who.acting, case)
        case "narrow":
            return searching.count(who.acting, case, searching.narrower(case, _narrower(case, form)))
    raise Refused("no-such-step", case=case.id, state=case.state, event=form.do[:20])


def _narrower(case: Case, form: StepForm) -> SearchForm:
    return SearchForm(
        mailbox=case.mailbox,
        reason=case.reason,
        because=case.because,
        deliver_to=case.receives,
        senders=each_line(form.wrote),
        words=each_line(form.holds),
        since=form.since.strip(),
        before=form.before.strip(),
    )
