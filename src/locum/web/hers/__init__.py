"""Her own pages, for whoever is signed in: what was done in her name and her say in it, her text, her ways, her protections.

    case.py    /mine and a case of hers: stop it, I am back, agree, object; the account
    key.py     /mine/key
    wishes.py  /mine/text, /mine/channels, /mine/protections

Nobody is shown another's: the desk is asked with who is signed in, and no address or form names a person.
"""

from fastapi import FastAPI

from locum.web.hers.case import MyMailbox
from locum.web.hers.key import MyKey
from locum.web.hers.wishes import MyWishes
from locum.web.inside import Inside


class HerPages:
    """All of them."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._groups = (MyWishes(inside), MyKey(inside), MyMailbox(inside))

    def join(self, app: FastAPI) -> None:
        """Add the routes; those with a name of their own before those that take any."""
        for group in self._groups:
            group.join(app)
