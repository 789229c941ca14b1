"""The form with which something is asked: its fields as they come in, and the desk's forms that they make. Judges nothing."""

from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ConfigDict

from locum.desk import BothForm, ForwardForm, RequestForm, SearchForm
from locum.measure import Audience, Senders

MEASURES: Final = ("auto-reply", "forward", "both", "search")


TRIED: Final = ("auto-reply", "sender-resends", "colleagues-copies", "shared-mailbox")
"""The lighter ways that have a field here."""


class AskForm(BaseModel):
    """The fields, unjudged but for their shape. What was chosen against (a forward's receiver, say, where only a reply is asked) is
    left aside. `do` is the button: look or send. `once` is the key of this form, `shown` says what the preview beside the button was of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form_token: str = ""
    do: str = ""
    once: str = ""
    shown: str = ""
    mailbox: str = ""
    measure: str = "auto-reply"
    reason: str = ""
    because: str = ""
    from_date: str = ""
    until: str = ""
    audience: str = ""
    words: str = "template"
    template: str = ""
    languages: list[str] = []
    contact: str = ""
    closes: str = ""
    subject: str = ""
    internal_text: str = ""
    external_text: str = ""
    exceptions: str = ""
    to: str = ""
    senders: str = ""
    wrote: str = ""
    holds: str = ""
    since: str = ""
    before: str = ""
    deliver_to: str = ""
    tried_auto_reply: str = ""
    tried_sender_resends: str = ""
    tried_colleagues_copies: str = ""
    tried_shared_mailbox: str = ""

    @property
    def is_begun(self) -> bool:
        """Whether enough is filled in to say something of it."""
        needed = [self.mailbox, self.reason, self.because, self.until]
        needed += {"auto-reply": [], "search": [self.deliver_to]}.get(self.measure, [self.to])
        own = self.words == "own" and self.measure in ("auto-reply", "both")
        needed += [self.subject, self.internal_text] if own else []
        return all(text.strip() for text in needed)

    @property
    def asked(self) -> RequestForm | ForwardForm | BothForm | SearchForm:
        """What the desk is asked."""
        match self.measure:
            case "forward":
                return self._forward()
            case "both":
                return BothForm(reply=self._reply(), forward=self._forward())
            case "search":
                return self._search()
        return self._reply()

    @property
    def mark(self) -> str:
        """What was shown, to see whether it is what is sent."""
        return sha256(repr(self.asked).encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def _reply(self) -> RequestForm:
        own = self.words == "own"
        return RequestForm(
            mailbox=self.mailbox.strip(),
            reason=self.reason,
            because=_lines(self.because),
            from_=self.from_date.strip() or "now",
            until=self.until.strip(),
            subject=self.subject if own else None,
            internal_text=_lines(self.internal_text) if own else None,
            external_text=_lines(self.external_text) if own and self.external_text.strip() else None,
            template=None if own else self.template or None,
            audience=Audience(self.audience) if self.audience in list(Audience) else None,
            exceptions=tuple(line.strip() for line in self.exceptions.splitlines() if line.strip()),
            languages=tuple(dict.fromkeys(self.languages)),
            contact_person=self.contact.strip(),
            mailbox_closes_on=self.closes.strip() if self.reason in ("departure", "death", "long-absence") else "",
        )

    def _forward(self) -> ForwardForm:
        return ForwardForm(
            mailbox=self.mailbox.strip(),
            to=self.to.strip(),
            reason=self.reason,
            because=_lines(self.because),
            from_=self.from_date.strip() or "now",
            until=self.until.strip(),
            senders=Senders(self.senders) if self.senders in list(Senders) else None,
        )

    def tried(self, what: str) -> str:
        """The day on which this lighter way was tried."""
        return str(getattr(self, f"tried_{what.replace('-', '_')}", "")).strip()

    def _search(self) -> SearchForm:
        return SearchForm(
            mailbox=self.mailbox.strip(),
            reason=self.reason,
            because=_lines(self.because),
            deliver_to=self.deliver_to.strip(),
            senders=each_line(self.wrote),
            words=each_line(self.holds),
            since=self.since.strip(),
            before=self.before.strip(),
            tried=tuple((what, on) for what in TRIED if (on := self.tried(what))),
            from_=self.from_date.strip() or "now",
            until=self.until.strip(),
        )


def each_line(text: str) -> tuple[str, ...]:
    """What stands on each line, without empty ones."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
