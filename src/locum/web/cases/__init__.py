"""Pages for whoever asks and whoever decides."""

from fastapi import FastAPI

from locum.web.inside import Inside


class CasePages:
    """The routes under /cases."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
