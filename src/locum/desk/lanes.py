"""Which job begins what was asked, and which takes it away again: of a search others than of what is set on a mail system."""

from datetime import datetime
from typing import Final

from locum.lifecycle import Case
from locum.store import Job

SEARCH: Final = "search"
"""The lane in which mailboxes are looked into."""
OPEN, CLOSE, LOOK, WIPE = "open-search", "close-search", "look-search", "wipe-message"
"""The jobs of a search: it is opened for the steps, closed, one step is taken; a message that nobody picked up is wiped."""
BEGINS: Final = ("apply", OPEN)
"""The jobs that begin what was asked, to be dropped where it is over before."""


def to_begin(case: Case, due_at: datetime) -> Job:
    """The job that begins what was asked."""
    if case.search is not None:
        return Job(kind=OPEN, case=case.id, due_at=due_at, lane=SEARCH)
    return Job(kind="apply", case=case.id, due_at=due_at, lane=case.connector)


def to_end(case: Case, due_at: datetime) -> Job:
    """The job that takes it away again."""
    if case.search is not None:
        return Job(kind=CLOSE, case=case.id, due_at=due_at, lane=SEARCH)
    return Job(kind="end", case=case.id, due_at=due_at, lane=case.connector)
