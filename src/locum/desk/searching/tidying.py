"""What a worker that was lost may have left of a search: a grant with a secret that nobody knows, a list that nobody wiped. Gone at
the next worker's start, and every day.
"""

from contextlib import suppress

from locum.asides import Aside
from locum.desk.office import Office
from locum.desk.searching import hits
from locum.errors import LocumError
from locum.lifecycle import ON_SERVER, Case

_ALL = 10_000


def at_start(office: Office) -> None:
    """Take away whatever grants there are for mailboxes that are open for the steps. Whoever looks at this moment tries again."""
    for case in office.store.find(states=tuple(ON_SERVER), limit=_ALL):
        if case.search is not None and case.connector in office.searchers:
            with suppress(LocumError):  # a mail system that does not answer now is asked at the end of the case
                office.searcher(case).close(office.mailbox(case))
    wipe(office)


def wipe(office: Office) -> None:
    """Wipe what lies beside a search that is over, and a list whose time is."""
    for kind in Aside:
        for case_id in office.asides.cases(kind):
            if _is_over(office, case_id, kind):
                office.asides.wipe(case_id, (kind,))


def _is_over(office: Office, case_id: str, kind: Aside) -> bool:
    case = _case(office, case_id)
    return case is None or case.state not in ON_SERVER or (kind is Aside.HITS and not hits.is_fresh(office, case))


def _case(office: Office, case_id: str) -> Case | None:
    try:
        return office.store.case(case_id)
    except LocumError:
        return None
