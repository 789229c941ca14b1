"""The ladder of a case: its entries, the counts of its mailbox, and who signed for it, through the gate. Nothing is written."""

from collections.abc import Sequence

from locum.climb import ladder_of, spent_in
from locum.desk import gating
from locum.desk.office import Office
from locum.entry import Entry
from locum.errors import Invalid
from locum.gate import Passed, Stopped, climbers
from locum.gate.recorded import Recorded
from locum.ladder import Ladder, Pair
from locum.lifecycle import Case
from locum.measure import Search


def search_of(case: Case) -> Search:
    """The search of a case. Raises Invalid `no-search` where it is none."""
    if case.search is None:
        raise Invalid("no-search", case=case.id)
    return case.search


def ladder(office: Office, case: Case) -> Ladder:
    """The ladder as it stands. Raises Invalid `no-search`, Garbled."""
    return ladder_in(office, case, office.store.entries(mailbox=case.mailbox))


def ladder_in(office: Office, case: Case, stream: Sequence[Entry]) -> Ladder:
    """The same, from these entries of the mailbox's stream."""
    search = search_of(case)
    told = Recorded.of(case.id, case.mailbox, stream)
    return ladder_of(
        search, pair_of(office, case, told), climbers.limits_of(office.policy_of(case)), told.lines, spent_in(stream)
    )


def pair_of(office: Office, case: Case, told: Recorded) -> Pair:
    """Who takes the steps: those whose signatures of just this request count now. Rows are not believed."""
    passed: Passed | Stopped = gating.passing(office, case, gating.NOBODY, told, gating.given(case, told))
    return climbers.pair_of(passed.eyes) if isinstance(passed, Passed) else Pair()
