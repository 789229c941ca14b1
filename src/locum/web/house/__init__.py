"""The pages about the house, for whoever is signed in: the policy, the yearly figures, who is away, the record.

policy.py    /policy: the regulation in force, its versions, its documents as files
figures.py   /figures: for those to whom the figures go
calendar.py  /calendar: who is away and whose reply is on, as far as she may see
record.py    /record: what the record can be checked by, as files
"""

from fastapi import FastAPI

from locum.web.house.calendar import CalendarPages
from locum.web.house.figures import FigurePages
from locum.web.house.policy import PolicyPages
from locum.web.house.record import RecordPages
from locum.web.inside import Inside


class HousePages:
    """All of them."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._groups = (PolicyPages(inside), FigurePages(inside), CalendarPages(inside), RecordPages(inside))

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        for group in self._groups:
            group.join(app)
