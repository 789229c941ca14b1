"""/record: what others can check the record by, for whoever is signed in: what it is in words, leaves and checkpoint as files,
and the proof that it goes on from an earlier checkpoint. Everybody gets the same, and it tells of nobody.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Response
from starlette.responses import StreamingResponse

from locum.errors import Invalid, LocumError
from locum.web.house.shown import attached, language_of, words
from locum.web.inside import Inside
from locum.web.signin.doorway import Signed
from locum.web.signin.who import signed_in

Who = Annotated[Signed, Depends(signed_in)]
_LONGEST = 18


class RecordPages:
    """The routes over one desk."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        for path, show in (
            ("/record", self.record),
            ("/record/leaves", self.leaves),
            ("/record/checkpoint", self.checkpoint),
            ("/record/proof", self.proof),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)

    def record(self, who: Who) -> Response:
        """What it is, and the files."""
        return self._page(who)

    def leaves(self, who: Who) -> Response:
        """The leaves that the published checkpoint covers, as a file."""
        found = self._in.desk.house.published
        if found is None:
            return self._page(who, status=404)
        headers = {
            "Content-Disposition": 'attachment; filename="leaves"',
            "Content-Length": str(found.bytes),
            "X-Locum-Size": str(found.size),
        }
        content = (b"".join(some) for some in self._in.desk.house.published_leaves(found.size))
        return StreamingResponse(content, media_type="application/octet-stream", headers=headers)

    def checkpoint(self, who: Who) -> Response:
        """The published checkpoint, as a file."""
        found = self._in.desk.house.published
        return self._page(who, status=404) if found is None else attached(found.note, "text", "checkpoint")

    def proof(self, who: Who, size: str = "") -> Response:
        """The proof that it goes on from the checkpoint of that size, as a file."""
        try:
            if not (size.isascii() and size.isdigit() and len(size) <= _LONGEST):
                raise Invalid("checkpoint-size", size=size[:40])
            found = self._in.desk.house.continuation_from(int(size))
        except LocumError as error:
            return self._page(who, problem=error)
        return attached(found, "text", f"proof-from-{int(size)}")

    def _page(self, who: Signed, status: int = 200, problem: LocumError | None = None) -> Response:
        language = language_of(who)
        try:
            found = self._in.desk.house.published
        except LocumError as error:
            found, problem = None, error
        return self._in.page(
            who, "house/record.html", "policy", status=status, problem=problem, house=words(language), record=found,
            root_words=found.words(language) if found is not None else "",
        )  # fmt: skip
