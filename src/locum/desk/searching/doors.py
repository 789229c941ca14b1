"""What the doors ask for about a search: where it stands, the next step, the list. Each step is recorded and taken by the worker."""

from dataclasses import dataclass

from locum.asides import Aside
from locum.desk.asked_for import query_of
from locum.desk.forms import Acting, SearchForm
from locum.desk.lanes import LOOK
from locum.desk.office import Office
from locum.desk.searching import hits
from locum.desk.searching.climbing import ladder, search_of
from locum.desk.searching.hits import Kept
from locum.desk.searching.steps import begin
from locum.errors import Refused
from locum.jobs import Job
from locum.ladder import Ladder, Step
from locum.lifecycle import Case
from locum.query import Query


@dataclass(frozen=True, slots=True)
class Searching:
    """The steps of searches, for whoever acts."""

    office: Office

    def ladder(self, case: Case) -> Ladder:
        """Where it stands. Raises Invalid `no-search`."""
        return ladder(self.office, case)

    def next_steps(self, acting: Acting, case: Case) -> tuple[Step, ...]:
        """What somebody may ask for now, of what needs no message named."""
        found, now = self.ladder(case), self.office.clock()
        return tuple(one for one in (Step.COUNT, Step.LIST) if found.may(one, acting.id, now))

    def count(self, acting: Acting, case: Case, query: Query | None = None) -> Case:
        """Have it counted: by the question that was signed, or by one that is narrower. Raises Refused `search-<guard>`."""
        return begin(self.office, acting, case, Step.COUNT, query)

    def list(self, acting: Acting, case: Case) -> Case:
        """Have it listed: what was counted last. Raises Refused `search-<guard>`."""
        return begin(self.office, acting, case, Step.LIST)

    def narrower(self, case: Case, form: SearchForm) -> Query:
        """The question that was signed with what the form says more of it: other senders, more words, a shorter time. Raises
        Invalid; whether it is narrower is judged where it is counted.
        """
        signed, owner = search_of(case).query, self.office.owner_or_address(case)
        asked = query_of(self.office, form, owner, case.from_date)
        return Query(
            senders=asked.senders or signed.senders,
            words=tuple(dict.fromkeys((*signed.words, *asked.words))),
            words_in=asked.words_in if form.words_in is not None else signed.words_in,
            since=asked.since if form.since else signed.since,
            before=asked.before if form.before else signed.before,
        )

    def under_way(self, case: Case) -> Job | None:
        """The job of the step that is being taken, to be shown with what it waits for."""
        return next((one for one in self.office.store.jobs(case.id) if one.kind == LOOK), None)

    def hits(self, acting: Acting, case: Case) -> Kept | None:
        """The list, for the two who take the steps, while the case is open. None where there is none (any more). Looking at it is
        using it: it is kept a while longer. Raises Refused `search-not-open` or `search-not-one-of-both`.
        """
        found = self.ladder(case)
        if not found.is_open:
            raise Refused("search-not-open", clause=10, case=case.id)
        if not found.pair.holds(acting.id):
            raise Refused("search-not-one-of-both", clause=10, case=case.id)
        kept = hits.read(self.office, case)
        if kept is not None:
            self.office.asides.touch(case.id, Aside.HITS)
        return kept
