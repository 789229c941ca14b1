"""/mine/text, /mine/channels, /mine/protections: what she wishes beforehand. Shown to her alone, whoever else signs in."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, FastAPI, Form, Response
from pydantic import BaseModel, ConfigDict

from locum.absence import Channel
from locum.desk import OwnText
from locum.errors import Invalid, LocumError
from locum.messages import LANGUAGES
from locum.phrases import day
from locum.web.hers.shown import SAID, TABS, done, words
from locum.web.inside import Inside
from locum.web.signin.doorway import Signed
from locum.web.signin.who import require_recent, signed_in

Who = Annotated[Signed, Depends(signed_in)]
Recently = Annotated[Signed, Depends(require_recent(10))]
JustNow = Annotated[Signed, Depends(require_recent(15))]
"""As Recently, with some time to fill in the form."""
_EMPTY = OwnText(subject="", internal_text="")


class TextForm(BaseModel):
    """Her text in one language; `do` is keep or forget."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    language: str = ""
    subject: str = ""
    internal_text: str = ""
    external_text: str = ""
    do: str = "keep"

    @property
    def text(self) -> OwnText:
        """What she wrote, its lines ended by LF."""
        lines = (text.replace("\r\n", "\n") for text in (self.subject, self.internal_text, self.external_text))
        subject, internal, external = lines
        return OwnText(subject=subject, internal_text=internal, external_text=external)


class WayForm(BaseModel):
    """What she decides about being reached; `do` is permit, withdraw, reads-along or reads-along-not."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    channel: str = ""
    address: str = ""
    do: str = ""


class ProtectionForm(BaseModel):
    """Her lists, one name on a line; `do` is keep or forget."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    senders: str = ""
    folders: str = ""
    words: str = ""
    do: str = "keep"

    @property
    def lines(self) -> Mapping[str, str]:
        """By kind; nothing where she wants it forgotten."""
        lists = {"senders": self.senders, "folders": self.folders, "words": self.words}
        return {} if self.do == "forget" else lists


class MyWishes:
    """The routes over one desk."""

    def __init__(self, inside: Inside) -> None:
        """Over one desk."""
        self._in = inside
        self._hers = inside.desk.hers

    def join(self, app: FastAPI) -> None:
        """Add the routes."""
        for path, show, do in (
            ("/mine/text", self.text, self.keep_text),
            ("/mine/channels", self.channels, self.decide),
            ("/mine/protections", self.protections, self.protect),
        ):
            app.add_api_route(path, show, methods=["GET", "HEAD"], response_model=None)
            app.add_api_route(path, do, methods=["POST"], response_model=None)

    def text(self, who: Who, said: str = "") -> Response:
        """Her text for next time, in each language."""
        return self._text(who, said=done(said))

    def _text(
        self, who: Signed, *, said: str = "", draft: TextForm | None = None, problem: LocumError | None = None
    ) -> Response:
        kept = self._hers.texts(who.acting)
        own = who.person.language
        order = sorted(LANGUAGES, key=lambda name: (name != own, name))
        shown = {name: kept.get(name, _EMPTY) for name in order}
        if draft is not None and draft.language in shown:
            shown[draft.language] = draft.text
        opened = {draft.language} if draft is not None else set(kept) or {order[0]}
        return self._page(who, "text", problem, said, texts=shown, kept=kept, opened=opened)

    def keep_text(self, who: Who, form: Annotated[TextForm, Form()]) -> Response:
        """Keep it, or forget it."""
        forget = form.do == "forget"
        return self._done(
            lambda: self._hers.write_text(who.acting, form.language, None if forget else form.text),
            f"/mine/text?said={'forgotten' if forget else 'kept'}",
            lambda error: self._text(who, draft=form, problem=error),
        )

    def channels(self, who: Recently, said: str = "") -> Response:
        """The ways to reach her, where they come from, and what she decided."""
        return self._channels(who, said=done(said))

    def _channels(
        self, who: Signed, *, said: str = "", draft: WayForm | None = None, problem: LocumError | None = None
    ) -> Response:
        language = who.person.language
        ways = self._hers.ways(who.acting)
        on_file = who.person.private_permitted_on
        return self._page(
            who,
            "channels",
            problem,
            said,
            ways=ways,
            days={one.channel: day(one.decided.on, language) for one in ways if one.decided is not None},
            since=day(on_file, language) if on_file else "",
            mailbox=who.person.mailbox.address if who.person.mailbox else "",
            reads_along=self._hers.reads_along(who.acting),
            draft=draft,
        )

    def decide(self, who: JustNow, form: Annotated[WayForm, Form()]) -> Response:
        """Permit or withdraw a way, or say whether she reads along."""

        def decided() -> None:
            if form.do in ("reads-along", "reads-along-not"):
                self._hers.read_along(who.acting, wish=form.do == "reads-along")
            elif form.do == "permit" and form.channel in set(Channel):
                self._hers.permit(who.acting, Channel(form.channel), form.address)
            elif form.do == "withdraw" and form.channel in set(Channel):
                self._hers.withdraw(who.acting, Channel(form.channel))
            else:
                raise Invalid("answer-unknown")

        said = {"permit": "permitted", "withdraw": "withdrawn"}.get(form.do, form.do)
        return self._done(
            decided, f"/mine/channels?said={said}", lambda error: self._channels(who, draft=form, problem=error)
        )

    def protections(self, who: Who, said: str = "") -> Response:
        """What she named to be protected."""
        return self._protections(who, said=done(said))

    def _protections(
        self, who: Signed, *, said: str = "", draft: ProtectionForm | None = None, problem: LocumError | None = None
    ) -> Response:
        kept = self._hers.protections(who.acting)
        shown = {kind: "\n".join(names) for kind, names in kept.items()}
        if draft is not None:
            shown = {kind: draft.lines.get(kind, "") for kind in shown}
        return self._page(who, "protections", problem, said, lists=shown, kept=any(kept.values()))

    def protect(self, who: Who, form: Annotated[ProtectionForm, Form()]) -> Response:
        """Keep the lists, or forget them."""
        return self._done(
            lambda: self._hers.protect(who.acting, form.lines),
            f"/mine/protections?said={'forgotten' if form.do == 'forget' else 'kept'}",
            lambda error: self._protections(who, draft=form, problem=error),
        )

    def _done(self, act: Callable[[], None], to: str, again: Callable[[LocumError], Response]) -> Response:
        try:
            act()
        except Invalid as error:
            if error.key not in SAID:
                raise
            return again(error)
        return self._in.onward(to)

    def _page(self, who: Signed, tab: str, problem: LocumError | None, said: str, **values: object) -> Response:
        return self._in.page(
            who,
            f"hers/{tab}.html",
            "mine",
            problem=problem,
            mine=words(who.person.language),
            tabs=TABS,
            tab=tab,
            said=said,
            **values,  # type: ignore[arg-type]  # none of them is named like what a page has anyway
        )
