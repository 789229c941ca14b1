"""/figures: the yearly figures as they were issued, for those to whom the policy has them go (clause 18)."""

from typing import Annotated, Final

from fastapi import Depends, FastAPI, Response

from locum.errors import Refused
from locum.messages import say, says
from locum.phrases import when
from locum.web.guard import HEADERS
from locum.web.house.shown import attached, language_of, words
from locum.web.inside import Inside
from locum.web.signin.doorway import Signed
from locum.web.signin.who import signed_in

Who = Annotated[Signed, Depends(signed_in)]
_FORMS: Final = ("pdf", "csv", "json", "text")


class FigurePages:
    """The routes over one desk."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        for path, show in (
            ("/figures", self.years),
            ("/figures/{year}.{form}", self.download),
            ("/figures/{year}", self.year),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)

    def years(self, who: Who) -> Response:
        """The years of which there are figures."""
        language = language_of(who)
        try:
            issued, ready = self._in.desk.house.figures(who.acting)
        except Refused:
            return self._not_hers(who)
        rows = [(one.figures.year, when(one.at, language, who.person.time_zone), one.by) for one in issued]
        return self._page(who, 200, may=True, rows=rows, ready=ready if ready not in {row[0] for row in rows} else 0)

    def year(self, who: Who, year: str) -> Response:
        """The figures of a year, on a page of their own that can be printed."""
        if (found := self._content(who, year, "html")) is None:
            return self._not_hers(who)
        style = self._in.papers.figures_style() if self._in.papers is not None else ""
        policy = HEADERS["Content-Security-Policy"].replace("style-src 'self'", f"style-src {style}")
        headers = {"Content-Security-Policy": policy}
        return Response(found, media_type="text/html; charset=utf-8", headers=headers)

    def download(self, who: Who, year: str, form: str) -> Response:
        """The same as a file."""
        kind = {"txt": "text"}.get(form, form)
        if kind not in _FORMS or (found := self._content(who, year, kind)) is None:
            return self._not_hers(who)
        return attached(found, kind, f"locum-figures-{int(year)}.{form}")

    def _content(self, who: Signed, year: str, form: str) -> bytes | None:
        if self._in.papers is None or not (year.isascii() and year.isdigit() and len(year) == len("2026")):
            return None
        try:
            issued = self._in.desk.house.figures_of(who.acting, int(year))
        except Refused:
            return None
        if issued is None:
            return None
        return self._in.papers.figures(issued.figures, form, language_of(who), issued_at=issued.at, issued_by=issued.by)

    def _not_hers(self, who: Signed) -> Response:
        may = self._in.desk.house.may_see_figures(who.acting)
        return self._page(who, 404 if may else 403, may=may, rows=[], ready=0)

    def _page(self, who: Signed, status: int, **values: object) -> Response:
        language = language_of(who)
        functions = [
            say(language, key) if says(language, key := f"words.function.{name}") else name
            for name in self._in.desk.house.figures_go_to
        ]
        return self._in.page(
            who, "house/figures.html", "figures", status=status, house=words(language), functions=functions,
            files=_FORMS, **values,  # type: ignore[arg-type]  # none of them is named like what a page has anyway
        )  # fmt: skip
