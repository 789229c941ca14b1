"""A review: "this is exactly what will happen", and a decision about it, signed with a passkey; or recorded, where the settings
or the policy ask for no signature.

What is shown is what is signed: the text that the desk gives. Here is nothing that could make another one of it.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Form, Response

from locum.desk import Desk, ToSign
from locum.errors import Conflict, LocumError, Refused
from locum.gist import word
from locum.lifecycle import Case, State
from locum.web.cases import told
from locum.web.guard import with_script
from locum.web.inside import Inside
from locum.web.signin import Signed, require_recent, signed_in
from locum.web.signin.who import NotSignedIn
from locum.web.signing import asked, assertion_of, statement_field, statement_of

ACTIVE: Final = "cases"
MINUTES: Final = 10
_SLACK: Final = 5
_RECORDED: Final = {State.AWAITING_REVIEW: ("approve", "deny"), State.OBJECTED: ("overrule",)}
_LACKING: Final = {"no-key": "no_key", "no-function": "no_function"}


def trial(desk: Desk, case: Case) -> bool:
    """Whether reviews of this case are recorded, and not signed, because the settings say so."""
    return case.forward is not None and desk.office.unsigned_reviews


class ReviewPages:
    """The routes under /cases/{case_id}/review. `hers` gives a case to whoever may see it."""

    def __init__(self, inside: Inside, hers: Callable[[Signed, str], Case]) -> None:
        self._in = inside
        self._hers = hers

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        app.add_api_route("/cases/{case_id}/review", self.show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/cases/{case_id}/review", self.record, methods=["POST"], response_model=None)
        app.add_api_route("/cases/{case_id}/sign", self.sign, methods=["POST"], response_model=None)

    def show(self, case_id: str, who: Annotated[Signed, Depends(signed_in)], decision: str = "") -> Response:
        """What will happen, and the decisions that are hers to make."""
        try:
            case = self._hers(who, case_id)
            return self._page(who, case, decision)
        except LocumError as error:
            lacking = self._in.desk.lacking(who.acting, case_id) if error.key == "no-such-case" else None
            return self._in.page(who, "cases_none.html", ACTIVE, problem=lacking or error)

    def record(
        self,
        case_id: str,
        who: Annotated[Signed, Depends(signed_in)],
        decision: Annotated[str, Form()] = "",
        because: Annotated[str, Form()] = "",
        request: Annotated[str, Form()] = "",
    ) -> Response:
        """A decision that is recorded and not signed. `request` is the hash of what was shown."""
        try:
            case = self._hers(who, case_id)
            if decision not in self._recorded(who, case):
                raise Refused("no-such-step", case=case.id, state=case.state, event=decision[:20])
            if request != case.request:
                raise Conflict("shown-before", case=case.id)
            if decision == "overrule":
                self._in.desk.overrule(who.acting, case.id, because=because)
            else:
                self._in.desk.review(who.acting, case.id, approve=decision == "approve", because=because)
        except LocumError as error:
            return self._again(who, case_id, decision, because, error)
        return self._in.onward(f"/cases/{case.id}")

    def sign(
        self,
        case_id: str,
        who: Annotated[Signed, Depends(require_recent(MINUTES + _SLACK))],
        statement: Annotated[str, Form()] = "",
        credential: Annotated[str, Form()] = "",
        because: Annotated[str, Form()] = "",
        decision: Annotated[str, Form()] = "",
    ) -> Response:
        """A decision that is signed; what it says stands in the statement."""
        try:
            case = self._hers(who, case_id)
            self._in.desk.sign(who.acting, case.id, statement_of(statement), assertion_of(credential), because)
        except LocumError as error:
            return self._again(who, case_id, decision, because, error)
        return self._in.onward(f"/cases/{case.id}")

    def _again(self, who: Signed, case_id: str, decision: str, because: str, error: LocumError) -> Response:
        try:
            return self._page(who, self._hers(who, case_id), decision, because=because, problem=error)
        except LocumError as worse:
            return self._in.page(who, "cases_none.html", ACTIVE, problem=worse)

    def _recorded(self, who: Signed, case: Case) -> tuple[str, ...]:
        """The decisions that are recorded, where no signature is wanted."""
        if self._in.desk.wants_signature(case) or "deciding" not in self._in.desk.part_in(who.acting, case):
            return ()
        return _RECORDED.get(case.state, ())

    def _missing(self, who: Signed, case: Case) -> str:
        """What somebody lacks who would be asked to sign now: no_key or no_function; empty where it is nothing of hers."""
        if not self._in.desk.wants_signature(case):
            return ""
        for decision in ("approve", "overrule", "request"):
            try:
                self._in.desk.to_sign(who.acting, case.id, decision)
            except LocumError as error:
                if found := _LACKING.get(error.key):
                    return found
        return ""

    def _page(
        self, who: Signed, case: Case, decision: str, *, because: str = "", problem: LocumError | None = None
    ) -> Response:
        desk, reader = self._in.desk, who.person
        signed = desk.decisions(who.acting, case)
        open_ = signed or self._recorded(who, case)
        chosen = decision if decision in open_ else next(iter(open_), "")
        if signed and not who.proved_within(self._in.entrance.doorway.clock(), MINUTES):
            raise NotSignedIn("again")
        to_sign = desk.to_sign(who.acting, case.id, chosen) if signed else None
        remarks = desk.warnings(case)
        shown = self._in.page(
            who,
            "review.html",
            ACTIVE,
            problem=problem,
            case=case,
            name=told.name_of(desk, case),
            requester=told.named(desk.office.people.person(case.requester), case.requester),
            answer=told.her_answer(case, reader.language),
            facts=told.facts(desk, case, reader),
            mails=told.mails(case, reader.language, remarks),
            warnings=[told.remark(field, remark, reader.language) for field, remark in remarks],
            anew=bool(signed) and desk.signs_anew(who.acting, case),
            decisions=open_,
            chosen=chosen,
            because=because,
            fingerprint=desk.fingerprint(case, reader.language),
            trial=trial(desk, case),
            missing="" if open_ else self._missing(who, case),
            **self._signing(to_sign, reader.language),
        )
        return with_script(shown)

    def _signing(self, to_sign: ToSign | None, language: str) -> dict[str, Any]:
        """What the form needs, where it is signed."""
        party = self._in.entrance.doorway.party
        if to_sign is None or party is None:
            return {"to_sign": None, "asked": "", "statement": "", "function": ""}
        return {
            "to_sign": to_sign,
            "asked": asked(party, to_sign),
            "statement": statement_field(to_sign),
            "function": word("function", to_sign.function, language),
        }
