"""/mine: everything that was done in her name, what is on and to come, and her say in it; a case of hers, and its account.

A form that was good leads on to a GET, so that loading the page again sends nothing twice. Whatever is not hers is not there.
"""

from dataclasses import dataclass
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Form, Response
from pydantic import BaseModel, ConfigDict

from locum.checkable import MEDIA_TYPE
from locum.errors import Invalid, LocumError
from locum.lifecycle import Case
from locum.messages import LANGUAGES, say, says
from locum.phrases import day, when
from locum.web.hers.shown import SAID, TABS, done, words
from locum.web.inside import Inside
from locum.web.shown import audience, filled, mails, of_case, phase, phase_of, so_far, variant
from locum.web.signin.doorway import Signed
from locum.web.signin.who import require_recent, signed_in

_BESIDES: Final = {one: one for one in ("comment", "attend", "attend-not", "here")}
_THEN: Final = {**_BESIDES, "agree": "agreed", "object": "objected", "done": "noted", "stop": "stopped"}
ANSWERS: Final = frozenset(_THEN)
_TOLD: Final = {
    "link-used": "answer-too-late",
    "no-such-step": "answer-too-late",
    "changed-meanwhile": "answer-too-late",
}
"""What these pages say instead of the sentences made for links and for the command line."""
_FORMS: Final = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "json": "application/json",
}
_SUFFIX: Final = {"text": "txt"}
Who = Annotated[Signed, Depends(signed_in)]
Recent = Annotated[Signed, Depends(require_recent(15))]


class Answer(BaseModel):
    """The form on the page of a case. `request` is the hash of what the page showed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    answer: str = ""
    request: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A case in a list, in words."""

    id: str
    phase: str
    badge: str
    what: str
    who: str
    from_words: str
    until_words: str
    filed_words: str
    request: str


class MyMailbox:
    """The routes over one desk."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        for path, show in (
            ("/mine", self.all_of_it),
            ("/mine/account.locum", self.checkable),  # before any case
            ("/mine/{case_id}", self.one),
            ("/mine/{case_id}/account", self.account),
            ("/mine/{case_id}/account.{form}", self.download),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/mine/back", self.back, methods=["POST"], response_model=None)
        app.add_api_route("/mine/{case_id}", self.answer, methods=["POST"], response_model=None)

    def all_of_it(self, who: Who, before: str = "", said: str = "") -> Response:
        """What is on and to come, and everything that was asked for her mailbox, a page at a time."""
        return self._all(who, before, said=done(said))

    def _all(self, who: Signed, before: str = "", *, said: str = "", problem: LocumError | None = None) -> Response:
        hers = self._in.desk.hers
        living, listed = hers.living(who.acting), self._in.desk.listed(who.acting, "owner", before=before)
        return self._in.page(
            who,
            "hers/mine.html",
            "mine",
            problem=problem,
            mine=words(who.person.language),
            tabs=TABS,
            tab="mine",
            said=said,
            on=[self._line(who, case) for case in living.on],
            coming=[self._line(who, case) for case in living.coming],
            rows=[self._line(who, case) for case in listed.cases],
            after=listed.after,
            later=bool(before),
            file_name=hers.file_name(who.acting),
        )

    def _line(self, who: Signed, case: Case) -> Line:
        language, zone = who.person.language, who.person.time_zone
        stands = phase_of(case)
        requester = self._in.desk.office.people.person(case.requester)
        return Line(
            id=case.id,
            phase=stands,
            badge=say(language, f"pages.phase.{stands}.badge"),
            what=say(language, f"words.measures.{case.asks_for}"),
            who=requester.name if requester else case.requester,
            from_words=when(case.from_date, language, zone),
            until_words=when(case.to_date, language, zone),
            filed_words=day(case.filed_at.astimezone(ZoneInfo(zone)).date(), language),
            request=case.request,
        )

    def back(self, who: Who) -> Response:
        """She is back: everything that is on or to come ends."""
        try:
            ended = self._in.desk.hers.back(who.acting)
        except LocumError as error:
            return self._all(who, problem=_told(error))
        return self._in.onward(f"/mine?said={'back' if ended else 'back-nothing'}")

    def one(self, who: Who, case_id: str, said: str = "") -> Response:
        """A case of hers."""
        return self._one(who, case_id, said=done(said))

    def _one(self, who: Signed, case_id: str, *, said: str = "", problem: LocumError | None = None) -> Response:
        try:
            view = self._in.desk.hers.look(who.acting, case_id)
        except Invalid:
            return self._none(who)
        language, case = view.language, view.case
        if case is None:
            return self._none(who)
        told = words(language)
        reason = f"words.reason.{view.reason}"
        outcome = f"words.outcome-hers.{case.outcome}"
        stands = phase(view)
        return self._in.page(
            who,
            "hers/case.html",
            "mine",
            problem=problem,
            mine=told,
            tabs=TABS,
            tab="mine",
            said=said,
            view=view,
            case=case,
            phase=stands,
            variant=variant(view),
            words=filled(view, stands),
            said_of_it="mine" if says(language, f"mine.phase.{stands}") else "phase",
            reason=say(language, reason) if says(language, reason) else view.reason,
            outcome=say(language, outcome) if says(language, outcome) else "",
            senders=say(language, f"words.senders.{case.forward.senders}") if case.forward else "",
            audience=audience(case, language) if case.reply else "",
            mails=mails(view, of_case(case)) if case.reply else [],
            silent=view.if_unanswered if stands == "asked" and view.may & {"agree", "object"} else "",
            so_far=so_far(view),
        )

    def answer(self, who: Who, case_id: str, form: Annotated[Answer, Form()]) -> Response:
        """What she says of it."""
        try:
            if form.answer not in ANSWERS:
                raise Invalid("answer-unknown")
            because = form.because.replace("\r\n", "\n")
            self._in.desk.hers.answer(who.acting, case_id, form.answer, None, because, shown=form.request or None)
        except LocumError as error:
            if error.key in ("no-such-case", "case-erased"):
                return self._none(who)
            return self._one(who, case_id, problem=_told(error))
        return self._in.onward(f"/mine/{case_id.strip().lower()}?said={_THEN[form.answer]}")

    def account(self, who: Who, case_id: str) -> Response:
        """The account as it stands now, as a page."""
        try:
            account = self._in.desk.hers.account(who.acting, case_id, _language(who))
        except Invalid:
            return self._none(who)
        return self._in.page(
            who,
            "hers/account.html",
            "mine",
            mine=words(who.person.language),
            tabs=TABS,
            tab="mine",
            account=account,
            forms=[form for form in _FORMS if self._in.papers is not None],
            suffix=_SUFFIX,
            file_name=self._in.desk.hers.file_name(who.acting),
        )

    def checkable(self, who: Recent) -> Response:
        """Everything on record about her mailbox as a file that she can check. Her key is in it, so she just proved who she is."""
        try:
            content = self._in.desk.hers.checkable(who.acting)
        except LocumError as error:
            return self._all(who, problem=error)
        name = self._in.desk.hers.file_name(who.acting)
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(content, media_type=MEDIA_TYPE, headers=headers)

    def download(self, who: Who, case_id: str, form: str) -> Response:
        """The account as a file."""
        kind = {"txt": "text"}.get(form, form)
        if kind not in _FORMS or self._in.papers is None:
            return self._none(who)
        try:
            account = self._in.desk.hers.account(who.acting, case_id, _language(who))
        except Invalid:
            return self._none(who)
        content = self._in.papers.account(account, kind)
        name = f"locum-{account.case}.{_SUFFIX.get(kind, kind)}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=_FORMS[kind], headers=headers)

    def _none(self, who: Signed) -> Response:
        """Another's case is as one that never was."""
        return self._in.page(
            who, "hers/none.html", "mine", status=404, mine=words(who.person.language), tabs=TABS, tab="mine"
        )


def _language(who: Signed) -> str:
    return who.person.language if who.person.language in LANGUAGES else "en"


def _told(error: LocumError) -> LocumError:
    """The error as she may read it. Raises it again where it is not about what she pressed."""
    if error.key in _TOLD:
        return Invalid(_TOLD[error.key])
    if error.key in SAID:
        return error
    raise error
