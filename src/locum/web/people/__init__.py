"""The pages of people and keys: who has which function, keys, what waits for signatures, standing in, and the two ways in
for whoever has no key yet. What may be done, and what counts, is the desk's and the register's matter.

    overview   /people, /people/of/{id}       proposal     /people/proposals/{id}, where deeds are signed
    keys       /people/keys                   standing_in  /people/delegation
    first_keys /first-keys/{token}            new_key      /new-key/{token}
"""

from fastapi import FastAPI

from locum.web.inside import Inside
from locum.web.people.first_keys import FirstKeys
from locum.web.people.keys import KeyPages
from locum.web.people.links import LinkDoor
from locum.web.people.new_key import NewKeyPages
from locum.web.people.overview import OverviewPages
from locum.web.people.proposal import ProposalPages
from locum.web.people.standing_in import StandingInPages


class PeoplePages:
    """All of them."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        door = LinkDoor(self._inside)
        for group in (
            KeyPages(self._inside),
            StandingInPages(self._inside),
            ProposalPages(self._inside),
            OverviewPages(self._inside),
            FirstKeys(door),
            NewKeyPages(door),
        ):
            group.join(app)
