"""The lists, and a case as it stands: a timeline, what is asked literally, what comes next, and the buttons that work now.

A part of a page can be had by itself (`/part`), for the script that keeps a page up to date while somebody looks.
"""

from hashlib import sha256
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Form, Request, Response

from locum.desk import beforehand
from locum.desk.seeing import may_see, may_stop
from locum.errors import Conflict, Invalid, LocumError, Refused
from locum.lifecycle import ON_SERVER, Case, Event, State, may
from locum.messages import say
from locum.web.cases import told
from locum.web.cases.asking import AskPages
from locum.web.cases.laddered import STEPS, StepForm, shown, take
from locum.web.cases.reviewing import ReviewPages, trial
from locum.web.files import PageFile
from locum.web.guard import with_script
from locum.web.inside import Inside
from locum.web.shown import page
from locum.web.signin import Signed, look_along, signed_in
from locum.web.viewing import ViewingPages

MANY: Final = 20
FEW: Final = 5
ACTIVE: Final = "cases"
_WHICH: Final = ("deciding", "requester", "owner", "decided")


class CasePages:
    """The routes under /cases."""

    def __init__(self, inside: Inside) -> None:
        self._in = inside
        self._script = PageFile("live.js", "text/javascript")

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`; /cases/ask before /cases/{case_id}."""
        AskPages(self._in).join(app)
        ReviewPages(self._in, self._hers).join(app)
        ViewingPages(self._in, self._hers).join(app)
        for path, show in (
            ("/cases", self.lists),
            ("/cases/{case_id}", self.show),
            ("/cases/{case_id}/part", self.part),
            ("/static/live.js", self.script),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/cases/{case_id}", self.act, methods=["POST"], response_model=None)

    # lists
    def lists(self, who: Annotated[Signed, Depends(signed_in)], which: str = "", before: str = "") -> Response:
        """What waits for her and what she asked; or one list, a page at a time."""
        one = which if which in _WHICH else ""
        shown = (one,) if one else ("deciding", "requester")
        sections = []
        for name in shown:
            listed = self._in.desk.listed(who.acting, name, before=before if one else "", many=MANY)
            more = f"/cases?{urlencode({'which': name, 'before': listed.after})}" if listed.after else ""
            rows = [told.row(self._in.desk, case, who.person) for case in listed.cases]
            if rows or name != "deciding" or one:
                sections.append((name, rows, more))
        return self._in.page(who, "cases.html", ACTIVE, sections=sections, one=one, paged=bool(before))

    # a case
    def show(self, case_id: str, who: Annotated[Signed, Depends(signed_in)]) -> Response:
        """A case as it stands."""
        try:
            case = self._hers(who, case_id)
        except LocumError as error:
            return self._in.page(who, "cases_none.html", ACTIVE, problem=error)
        return self._page(who, case)

    def part(self, case_id: str, request: Request, who: Annotated[Signed, Depends(look_along)]) -> Response:
        """The part of it that changes by itself. 304 where it did not."""
        try:
            case = self._hers(who, case_id)
        except LocumError as error:
            return Response(status_code=404 if error.key in ("no-such-case", "case-erased") else 503)
        shown = page("case_part.html", who.person.language, self._in.site, 200, **self._part(who, case))
        tag = f'"{sha256(bytes(shown.body)).hexdigest()[:24]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        shown.headers.update(headers)
        return shown

    def act(
        self, case_id: str, form: Annotated[StepForm, Form()], who: Annotated[Signed, Depends(signed_in)]
    ) -> Response:
        """Withdraw it or end it, where that is hers to do; or take a step of a search."""
        do = form.do
        try:
            case = self._hers(who, case_id)
            if case.search is not None and do in STEPS:
                take(self._in.desk, who, case, form)
                return self._in.onward(f"/cases/{case.id}")
            if do not in self._may(who, case):
                raise Refused("no-such-step", case=case.id, state=case.state, event=do[:20])
            (self._in.desk.withdraw if do == "withdraw" else self._in.desk.end)(who.acting, case.id)
        except LocumError as error:
            return self._failed(who, case_id, error)
        return self._in.onward(f"/cases/{case.id}")

    def _failed(self, who: Signed, case_id: str, error: LocumError) -> Response:
        try:
            return self._page(who, self._hers(who, case_id), problem=error)
        except LocumError as worse:
            return self._in.page(who, "cases_none.html", ACTIVE, problem=worse)

    def _hers(self, who: Signed, case_id: str) -> Case:
        """The case, if it is hers to see; otherwise there is none."""
        case = self._in.desk.case(case_id)
        if not may_see(self._in.desk.office, who.acting, case):
            raise Invalid("no-such-case", case=case_id[:40])
        return case

    def _may(self, who: Signed, case: Case) -> frozenset[str]:
        """The buttons that work now."""
        if not may_stop(who.acting, case):
            return frozenset()
        can = {"withdraw": may(case, Event.WITHDRAW), "end": case.state in ON_SERVER - {State.ENDING}}
        return frozenset(name for name, works in can.items() if works)

    def _page(self, who: Signed, case: Case, problem: LocumError | Conflict | None = None) -> Response:
        desk, reader = self._in.desk, who.person
        warnings = [told.remark(field, remark, reader.language) for field, remark in desk.warnings(case)]
        shown = self._in.page(
            who,
            "case_inside.html",
            ACTIVE,
            problem=problem,
            facts=told.facts(desk, case, reader),
            mails=told.mails(case, reader.language),
            warnings=warnings,
            beforehand=beforehand.told(desk.office, case),
            **self._part(who, case),
        )
        return with_script(shown)

    def _part(self, who: Signed, case: Case) -> dict[str, Any]:
        """What the part that changes by itself is made of."""
        desk, reader = self._in.desk, who.person
        parts = desk.part_in(who.acting, case)
        return {
            "case": case,
            "part_of": who,
            "name": told.name_of(desk, case),
            "what": say(reader.language, f"pages.cases.what.{case.asks_for}"),
            "state": told.state_in_words(desk, case, reader),
            "badge": told.row(desk, case, reader),
            "refusal": told.refusal(case, reader.language),
            "grounds": sum(1 for _, decision, _ in case.reviews if decision == "overrule"),
            "next_steps": told.next_steps(desk.office.store.jobs(case.id), reader),
            "happened": told.happened(desk.recorded(case), reader),
            "may": self._may(who, case),
            "decides": "deciding" in parts,
            "signs": "request" in desk.decisions(who.acting, case),
            "is_hers": "owner" in parts,
            "search": shown(desk, who, case),
            "fingerprint": desk.fingerprint(case, reader.language),
            "trial": trial(desk, case),
        }

    def script(self, request: Request) -> Response:
        """The script that keeps a page up to date."""
        return self._script.answer(request)
