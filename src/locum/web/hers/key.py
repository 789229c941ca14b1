"""/mine/key: the key with which she checks what was done, to be fetched whenever she wants it. To herself alone, who just proved
who she is: a page left open gives nobody her key.
"""

from typing import Annotated, Final

from fastapi import Depends, FastAPI, Form, Response

from locum.errors import Invalid, LocumError
from locum.herkey import MEDIA_TYPE, KeyPaper
from locum.messages import say
from locum.phrases import when
from locum.web.hers.shown import TABS, words
from locum.web.inside import Inside
from locum.web.signin.doorway import Signed
from locum.web.signin.who import require_recent

MINUTES: Final = 15
"""How long ago she proved who she is, at most."""
Who = Annotated[Signed, Depends(require_recent(MINUTES))]


class MyKey:
    """The routes over one desk."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        app.add_api_route("/mine/key", self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/mine/key", self.fetch, methods=["POST"], response_model=None)

    def show(self, who: Who) -> Response:
        """What it is for, and the ways to have it."""
        return self._page(who)

    def fetch(self, who: Who, do: Annotated[str, Form()] = "") -> Response:
        """The file, or the page to print."""
        papers = self._in.papers

        def make(paper: KeyPaper) -> bytes:
            if do == "file":
                return paper.key.dump()
            if do == "print" and papers is not None:
                return papers.her_key(paper)
            raise Invalid("answer-unknown")

        try:
            key, content = self._in.desk.handed.fetched(who.acting, make)
        except LocumError as error:
            return self._page(who, problem=error)
        name = key.file_name if do == "file" else f"{say(who.person.language, 'herkey.file.page')}.pdf"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(content, media_type=MEDIA_TYPE if do == "file" else "application/pdf", headers=headers)

    def _page(self, who: Signed, *, problem: LocumError | None = None) -> Response:
        language, person = who.person.language, who.person

        def told(key: str, **values: object) -> str:
            return say(language, f"herkey.{key}", **values)

        first = self._in.desk.handed.first_given(who.acting)
        return self._in.page(
            who,
            "hers/key.html",
            "mine",
            problem=problem,
            mine=words(language),
            tabs=TABS,
            tab="key",
            key=told,
            mailbox=person.mailbox.address if person.mailbox else "",
            first=when(first, language, person.time_zone) if first is not None else "",
            prints=self._in.papers is not None,
        )
