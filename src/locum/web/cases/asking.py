"""Asking for something: a form that shows what would become of it before it is sent.

The preview is one fragment, made here: the script puts it in place while one types, and without a script the button "look at it
first" shows the same. What may be sent is what was shown: the button stands in the preview.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Form, Response

from locum.absence import Person
from locum.desk import Preview, beforehand
from locum.desk.seeing import may_see
from locum.desk.templated import OWN
from locum.errors import LocumError
from locum.gist import word
from locum.lifecycle import Case
from locum.measure import Audience, Senders
from locum.messages import say
from locum.phrases import one_line, query_in_words, when
from locum.web.cases import told
from locum.web.cases.form import MEASURES, TRIED, AskForm
from locum.web.guard import with_script
from locum.web.inside import Inside, status_of
from locum.web.shown import Mail, page, problem_words
from locum.web.signin import Signed, signed_in
from locum.wording import LANGUAGES
from locum.wording.texts import template_names

ACTIVE: Final = "cases"
_ALL_SHOWN: Final = 50
_SUGGESTED: Final = 8
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a preview says, in words. `good`: it may be sent."""

    good: bool
    sentences: tuple[str, ...] = ()
    problem: tuple[str, ...] = ()
    remarks: tuple[tuple[bool, dict[str, str]], ...] = ()
    beforehand: tuple[str, ...] = ()
    mails: tuple[Mail, ...] = ()
    narrower: tuple[str, ...] = ()


class AskPages:
    """The routes under /cases/ask."""

    def __init__(self, inside: Inside) -> None:
        self._in = inside

    def join(self, app: FastAPI) -> None:
        """Add the routes to `app`."""
        app.add_api_route("/cases/ask", self.form, methods=["GET", "HEAD"], response_model=None)
        app.add_api_route("/cases/ask", self.send, methods=["POST"], response_model=None)
        app.add_api_route("/cases/ask/preview", self.preview, methods=["POST"], response_model=None)

    def form(self, who: Annotated[Signed, Depends(signed_in)], mailbox: str = "", measure: str = "") -> Response:
        """The empty form, or one for a mailbox."""
        given = AskForm(mailbox=mailbox[:300], measure=measure if measure in MEASURES else MEASURES[0])
        return self._page(who, given, None)

    def preview(self, form: Annotated[AskForm, Form()], who: Annotated[Signed, Depends(signed_in)]) -> Response:
        """The fragment that says what would become of it."""
        values = self._values(who, form, self._said(who, form))
        return page("ask_preview.html", who.person.language, self._in.site, 200, **values)

    def send(self, form: Annotated[AskForm, Form()], who: Annotated[Signed, Depends(signed_in)]) -> Response:
        """File it, where it is what was shown; otherwise show it (once more)."""
        if form.do != "send" or form.shown != form.mark:
            return self._page(who, form, self._said(who, form), changed=form.do == "send")
        try:
            case = self._in.desk.request(who.acting, form.asked, once=form.once)
        except LocumError as error:
            if recorded := error.values.get("case") if error.key != "overlapping" else None:
                return self._in.onward(f"/cases/{recorded}")
            return self._page(who, form, self._with(error, who, form), status=status_of(error))
        signs = "request" in self._in.desk.decisions(who.acting, case)
        return self._in.onward(f"/cases/{case.id}{'/review' if signs else ''}")

    def _with(self, error: LocumError, who: Signed, form: AskForm) -> Said:
        said = self._said(who, form) or Said(good=False)
        return replace(said, good=False, problem=self._problem(who, error))

    def _page(
        self, who: Signed, form: AskForm, said: Said | None, *, changed: bool = False, status: int = 200
    ) -> Response:
        values = self._values(who, form, said)
        shown = self._in.page(who, "ask.html", ACTIVE, status=status, changed=changed, **values, **self._choices(who))
        return with_script(shown)

    def _values(self, who: Signed, form: AskForm, said: Said | None) -> dict[str, Any]:
        once = self._in.desk.office.random(_KEY_BYTES).hex() if said is None or not form.once else form.once
        return {"form": form, "said": said, "once": once, "mark": form.mark, "colleagues": self._suggested(who, form)}

    def _choices(self, who: Signed) -> dict[str, Any]:
        policy, language = self._in.desk.office.policy, who.person.language
        finds = bool(self._in.desk.office.searchers)
        reasons = dict.fromkeys((*policy.auto_reply.reasons, *policy.forward.reasons, *policy.search.reasons))
        return {
            "measures": [one for one in MEASURES if one != "search" or finds],
            "alternatives": [
                (one, f"tried_{one.replace('-', '_')}", say(language, f"reading.alternative.{one}"))
                for one in policy.search.alternatives
                if one in TRIED
            ],
            "reasons": [(one, word("reason", one, language)) for one in reasons],
            "audiences": [(str(one), word("audience", str(one), language)) for one in Audience],
            "audience_now": policy.auto_reply.audience,
            "templates": template_names(),
            "languages": LANGUAGES,
            "senders": [(str(one), word("senders", str(one), language)) for one in Senders],
            "today": told.today(self._in.desk.office.clock(), who.person).isoformat(),
        }

    def _suggested(self, who: Signed, form: AskForm) -> list[Person]:
        """Colleagues to choose from: all in a small place, elsewhere those whose name or address begins like what is typed."""
        everyone = [one for one in self._in.desk.office.people.everyone() if one.mailbox and one.id != who.person.id]
        if len(everyone) <= _ALL_SHOWN:
            return everyone
        typed = [text.strip().casefold() for text in (form.mailbox, form.to, form.deliver_to) if len(text.strip()) > 1]
        found = (one for one in everyone if any(_begins(one, text) for text in typed))
        return [one for one, _ in zip(found, range(_SUGGESTED), strict=False)]

    # what a preview says
    def _said(self, who: Signed, form: AskForm) -> Said | None:
        if not form.is_begun:
            return None
        found = self._in.desk.preview(who.acting, form.asked)
        language = who.person.language
        case = found.case
        return Said(
            good=found.problem is None,
            problem=self._problem(who, found.problem) if found.problem and not _is_remarked(found) else (),
            sentences=tuple(self._sentences(found, who.person)) if case is not None and not found.problem else (),
            remarks=tuple(
                (remark.severity == "refuse", told.remark(field, remark, language)) for field, remark in found.remarks
            ),
            mails=tuple(told.mails(case, language)) if case is not None else (),
            beforehand=() if case is None else beforehand.told(self._in.desk.office, case),
            narrower=tuple(say(language, f"narrowing.{one.key}", about=one_line(one.about)) for one in found.advice),
        )

    def _problem(self, who: Signed, error: LocumError) -> tuple[str, ...]:
        """What is wrong, in words; a case that is not hers to see is not named."""
        if error.values.get("case") and not self._is_hers(who, str(error.values["case"])):
            error = error.with_values(**{**error.values, "case": "…"})
        return tuple(problem_words(error, who.person.language))

    def _is_hers(self, who: Signed, case_id: str) -> bool:
        try:
            return may_see(self._in.desk.office, who.acting, self._in.desk.case(case_id))
        except LocumError:
            return False

    def _sentences(self, found: Preview, reader: Person) -> Iterator[str]:
        case, owner, language = found.case, found.owner, reader.language
        if case is None or owner is None:
            return
        name = one_line(owner.name)
        functions = ", ".join(word("function", one, language) for one in found.reviewers)

        def tell(key: str, **values: object) -> str:
            return say(language, f"pages.cases.ask.{key}", name=name, functions=functions, **values)

        start, until = told.window(self._in.desk, case, language)
        yield tell("window" if start else "window_now", **{"from": start}, until=until)
        if case.forward is not None:
            to, senders = one_line(case.forward.to), word("senders", str(case.forward.senders), language)
            yield tell("forward_kept", to=to, senders=senders)
        yield from _of_search(case, reader)
        if case.template == OWN:
            yield tell("her_own_text")
        if case.objected_before:
            yield tell("objected_before")
        elif found.answer_by is None:
            yield tell("not_asked")
        else:
            channels = ", ".join(word("channel", one, language) for one in found.asked_by)
            yield tell("asked_by", channels=channels, deadline=when(found.answer_by, language, reader.time_zone))
        if found.consent_of:
            yield tell("consent", to=one_line(found.consent_of))
        if found.approvals:
            yield tell("reviewed_one" if found.approvals == 1 else "reviewed_many", many=found.approvals)
        if (
            found.answer_by is not None
            and not case.objected_before
            and not (found.approvals and found.if_silent == "review")
        ):
            yield tell(f"silent_{found.if_silent}")


def _of_search(case: Case, reader: Person) -> Iterator[str]:
    """What would be looked for, and how it goes."""
    if case.search is not None:
        lines = "; ".join(query_in_words(case.search.query, reader.language, reader.time_zone))
        yield say(reader.language, "pages.cases.ask.search_question", question=lines)
        yield say(reader.language, "pages.cases.ask.search_steps", to=one_line(case.search.deliver_to))


def _is_remarked(found: Preview) -> bool:
    """Whether the linter's remarks say already what is wrong."""
    return bool(found.remarks and found.problem and found.problem.key.startswith("wording-"))


def _begins(person: Person, typed: str) -> bool:
    address = person.mailbox.address if person.mailbox else ""
    return address.startswith(typed) or any(part.startswith(typed) for part in person.name.casefold().split())
