"""The API's routes about cases: ask, look, note a contact, take back, end, read the account. Nothing here decides or signs."""

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import Depends, FastAPI, Path, Query, Request, Security
from starlette.responses import Response

from locum.access_tokens import Scope
from locum.desk.departing import keepers
from locum.desk.seeing import may_stop, told_of
from locum.errors import LocumError, Refused
from locum.lifecycle import Case
from locum.measure import instant
from locum.repeats import Asked
from locum.shapes import entry_shape, error_shape, job_shape, measure_shape, remark_shape
from locum.web.api import told
from locum.web.api.answering import PREFIX, Answering, answered, responses
from locum.web.api.asking import Ask, AskMany, AskReply, CaseId, NoteContact
from locum.web.api.caller import Caller, caller
from locum.web.api.once import Key, Once, said

_ALL: Final = 100
Reads = Annotated[Caller, Security(caller, scopes=[Scope.CASES_READ])]
Writes = Annotated[Caller, Security(caller, scopes=[Scope.CASES_WRITE])]
Contacts = Annotated[Caller, Security(caller, scopes=[Scope.CONTACT_WRITE])]
Accounts = Annotated[Caller, Security(caller, scopes=[Scope.ACCOUNT_READ])]
Said = Annotated[bytes, Depends(said)]
Id = Annotated[str, Path(max_length=40, description="The name of a case.", examples=["abcd-efgh"])]
Limit = Annotated[int, Query(ge=1, le=_ALL)]
After = Annotated[CaseId | None, Query(description="The last case of the page before.")]
Part = Annotated[
    Literal["requester", "owner", "deciding", "decided"],
    Query(
        description="Those you asked for, those about your mailbox, those that wait for you, those you decided about."
    ),
]
_ENDING: Final = {"json": "json", "text": "txt", "html": "html", "pdf": "pdf"}
_FORMS: Final = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}

_DOCUMENT: Final = {
    "description": "The account.",
    "content": {
        kind.partition(";")[0]: {"schema": {} if form == "json" else {"type": "string"}}
        for form, kind in _FORMS.items()
    },
}


class CaseRoutes:
    """The routes over one desk."""

    def __init__(self, answering: Answering, once: Once) -> None:
        self._answering = answering
        self._desk = answering.desk
        self._once = once

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`. Those with a fixed name come before those with a case in it."""
        filed = responses(told.FiledCase, 400, 404, 409, status=201)
        changed = responses(told.FiledCase, 400, 404, 409, 410)
        routes: tuple[tuple[str, str, Any, int, dict[int | str, dict[str, Any]]], ...] = (
            ("POST", "/cases", self.ask, 201, filed),
            ("POST", "/cases/preview", self.preview, 200, responses(told.Preview)),
            ("POST", "/batches", self.ask_many, 200, responses(told.Batch, 400, 409)),
            ("GET", "/cases", self.listed, 200, responses(told.Cases, 400)),
            ("GET", "/cases/waiting", self.waiting, 200, responses(told.Cases)),
            ("GET", "/cases/{case_id}", self.show, 200, responses(told.ShownCase, 404, 410)),
            ("GET", "/cases/{case_id}/entries", self.entries, 200, responses(told.Entries, 404, 410)),
            ("GET", "/cases/{case_id}/account", self.account, 200, {200: _DOCUMENT, **responses(None, 404, 410)}),
            ("POST", "/cases/{case_id}/contact", self.contact, 200, changed),
            ("POST", "/cases/{case_id}/withdraw", self.withdraw, 200, changed),
            ("POST", "/cases/{case_id}/end", self.end, 200, changed),
            ("POST", "/cases/{case_id}/review", self.review, 403, responses(None, 404)),
        )
        for method, path, route, status, found in routes:
            app.add_api_route(
                f"{PREFIX}{path}",
                route,
                methods=[method],
                status_code=status,
                responses=found,
                operation_id=route.__name__,
                tags=["cases"],
                response_model=None,
            )

    def ask(self, who: Writes, body: Ask, key: Key, said_: Said) -> Response:
        """Ask for something. What the policy refuses is recorded, and answered with 403 and the clause."""

        def filing() -> Response:
            if body.joins is not None:
                self._answering.visible(who, body.joins)
            once = f"{who.person.id}/{key}" if body.joins is None else ""
            case = self._desk.request(who.acting, body.form(), joins=body.joins or "", once=once)
            return self._answering.changed(who, case, 201)

        asked = Asked(person=who.person.id, key=key, said=said_)
        return self._once.do(who, asked, filing, safely=body.joins is None)

    def preview(self, who: Writes, body: Ask) -> Response:
        """What would become of a request, had it been sent now. Nothing is recorded, and nobody is asked."""
        found = self._desk.preview(who.acting, body.form())
        case = found.case
        refused = None if found.problem is None else self._answering.shown(who, found.problem)
        return answered(
            {
                "refused": refused and error_shape(refused, who.language),
                "measures": [] if case is None else [measure_shape(case, one) for one in case.measures],
                "warnings": [remark_shape(field, remark, who.language) for field, remark in found.remarks],
                "asked_by": [str(channel) for channel in found.asked_by],
                "answer_by": found.answer_by and instant(found.answer_by),
                "if_unanswered": found.if_silent,
                "reviewers": list(found.reviewers),
                "approvals": found.approvals,
                "consent_of": found.consent_of,
            }
        )

    def ask_many(self, who: Writes, body: AskMany, key: Key, said_: Said) -> Response:
        """Ask for many auto-replies at once; what is wrong with one of them keeps none of the others back."""

        def filing() -> Response:
            batch = f"{who.person.id}/{body.batch}"
            results = self._desk.request_many(who.acting, [one.form() for one in body.requests], batch=batch)
            pairs = zip(body.requests, results, strict=True)
            return answered({"batch": body.batch, "results": [self._one(who, asked, one) for asked, one in pairs]})

        return self._once.do(who, Asked(person=who.person.id, key=key, said=said_), filing, safely=True)

    def _one(self, who: Caller, asked: AskReply, result: Case | LocumError) -> dict[str, object]:
        if isinstance(result, Case):
            return {"mailbox": result.mailbox, "case": result.id, "state": str(result.state), "error": None}
        case = self._answering.own_case(who, result)
        shown = self._answering.shown(who, result)
        return {
            "mailbox": asked.mailbox,
            "case": case and case.id,
            "state": case and str(case.state),
            "error": error_shape(shown, who.language),
        }

    def listed(
        self,
        who: Reads,
        part: Part = "requester",
        state: Annotated[told.StateName | None, Query()] = None,
        mailbox: Annotated[str | None, Query(max_length=320)] = None,
        after: After = None,
        limit: Limit = 20,
    ) -> Response:
        """Your cases, newest first (what waits for you, oldest first). With `state` or `mailbox` a page may hold fewer."""
        asked = {"part": part, "state": state, "mailbox": mailbox and self._answering.mailbox(mailbox)}
        return self._page(who, "/cases", asked, after, limit)

    def waiting(self, who: Reads, after: After = None, limit: Limit = 20) -> Response:
        """What waits for your decision, oldest first. It is signed on the page."""
        return self._page(who, "/cases/waiting", {"part": "deciding"}, after, limit)

    def _page(self, who: Caller, path: str, asked: dict[str, str | None], after: str | None, limit: int) -> Response:
        found = self._desk.listed(who.acting, asked["part"] or "", before=after or "", many=limit)
        wanted = {name: asked.get(name) for name in ("state", "mailbox")}
        shown = [
            case
            for case in found.cases
            if wanted["state"] in (None, str(case.state)) and wanted["mailbox"] in (None, case.mailbox)
        ]
        on = None
        if found.after:
            query = {name: value for name, value in asked.items() if value is not None and path == "/cases"}
            on = self._answering.address(f"{path}?{urlencode({**query, 'limit': limit, 'after': found.after})}")
        return answered({"cases": [self._answering.shape(case) for case in shown], "next": on})

    def show(self, who: Reads, case_id: Id) -> Response:
        """A case: what was asked, how far it is, and what is still to be done."""
        case = self._answering.visible(who, case_id)
        jobs = [job_shape(job, who.language) for job in self._desk.office.store.jobs(case.id)]
        signs = list(self._desk.decisions(who.acting, case))
        at = self._desk.review_address(case) if signs else None
        return answered({**self._answering.shape(case), "jobs": jobs, "may_sign": signs, "sign_at": at})

    def entries(self, who: Reads, case_id: Id) -> Response:
        """What was recorded of a case, oldest first."""
        case = self._answering.visible(who, case_id)
        entries = self._desk.recorded(case)
        return answered({"entries": [entry_shape(told_of(who.acting, case, entry)) for entry in entries]})

    def account(
        self,
        who: Accounts,
        case_id: Id,
        form: Annotated[Literal["json", "text", "html", "pdf"], Query(alias="format")] = "json",
        language: Annotated[Literal["nl", "en"] | None, Query()] = None,
    ) -> Response:
        """What she is told about a case: for her, and for those who keep the contact with her."""
        case = self._answering.visible(who, case_id)
        office = self._desk.office
        keeping = {person.id for person in keepers(office, case)} if who.person.id != case.person else set()
        if who.person.id not in {case.person, *keeping}:
            raise Refused("account-is-hers", case=case.id)
        document = office.render(self._desk.account(case.id, language=language or ""), form)
        headers = {"Content-Disposition": f'attachment; filename="account-{quote(case.id)}.{_ENDING[form]}"'}
        return Response(document, media_type=_FORMS[form], headers=headers)

    def contact(self, who: Contacts, case_id: Id, body: NoteContact, key: Key, said_: Said) -> Response:
        """Note that you tried to reach her yourself."""

        def noting() -> Response:
            case = self._answering.visible(who, case_id)
            noted = self._desk.contact(who.acting, case.id, by=body.by, outcome=body.outcome, because=body.because)
            return self._answering.changed(who, noted)

        return self._once.do(who, Asked(person=who.person.id, key=key, said=said_), noting)

    def withdraw(self, who: Writes, case_id: Id, key: Key, said_: Said) -> Response:
        """Take a request back before anything was set."""

        def withdrawing() -> Response:
            return self._answering.changed(who, self._desk.withdraw(who.acting, self._hers(who, case_id).id))

        return self._once.do(who, Asked(person=who.person.id, key=key, said=said_), withdrawing)

    def end(self, who: Writes, case_id: Id, key: Key, said_: Said) -> Response:
        """End what is live, now."""

        def ending() -> Response:
            return self._answering.changed(who, self._desk.end(who.acting, self._hers(who, case_id).id))

        return self._once.do(who, Asked(person=who.person.id, key=key, said=said_), ending)

    def _hers(self, who: Caller, case_id: str) -> Case:
        """The case, where she may stop it."""
        case = self._answering.visible(who, case_id)
        if not may_stop(who.acting, case):
            raise Refused("not-yours-to-stop")
        return case

    def review(self, who: Reads, case_id: Id, _request: Request) -> Response:
        """Never here: a decision is signed by a person, with a passkey, on the page that this answers with."""
        case = self._answering.visible(who, case_id)
        raise Refused("sign-on-the-page", address=self._desk.review_address(case))
