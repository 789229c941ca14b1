"""The form with which something is asked: its fields as they come in, and the desk's forms that they make. Judges nothing."""

from hashlib import sha256
from typing import Final

from pydantic import BaseModel, ConfigDict

from locum.desk import BothForm, ForwardForm, RequestForm
from locum.measure import Audience, Senders

MEASURES: Final = ("auto-reply", "forward", "both")


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

    @property
    def is_begun(self) -> bool:
        """Whether enough is filled in to say something of it."""
        needed = [self.mailbox, self.reason, self.because, self.until]
        needed += [self.to] if self.measure != "auto-reply" else []
        own = self.words == "own" and self.measure != "forward"
        needed += [self.subject, self.internal_text] if own else []
        return all(text.strip() for text in needed)

    @property
    def asked(self) -> RequestForm | ForwardForm | BothForm:
        """What the desk is asked."""
        match self.measure:
            case "forward":
                return self._forward()
            case "both":
                return BothForm(reply=self._reply(), forward=self._forward())
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


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
