"""What may be sent to the API: strict models, nothing beyond them. What it means is judged by the desk, not here.

Words of the desk (audiences, channels) are spelled out, as JSON has no types for them; tests/web/test_api_described.py holds
them to the desk's.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from locum.desk import BothForm, ForwardForm, RequestForm, SearchForm
from locum.measure import Audience, Senders
from locum.query import WordsIn

AudienceName = Literal["internal", "known", "everyone"]
SendersName = Literal["internal", "external", "everyone"]
WordsInName = Literal["anywhere", "subject"]
ByName = Literal["phone", "sms", "mail", "desk"]
OutcomeName = Literal["reached", "unreached", "agreed", "objected"]

Mailbox = Annotated[str, Field(min_length=3, max_length=320, description="An address or alias of a colleague.")]
Time = Annotated[
    str,
    Field(max_length=40, description="ISO 8601, a bare date (the start of that day in her time zone), or `now`."),
]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]
Text = Annotated[str, Field(max_length=65536)]
CaseId = Annotated[str, Field(pattern=r"^[a-z2-7]{4}-[a-z2-7]{4}$", description="The name of a case.")]


class Strict(BaseModel):
    """No other field, and no value that has to be made into another."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Asked(Strict):
    """What is asked with an auto-reply, with or without copies beside it."""

    mailbox: Mailbox
    reason: Annotated[str, Field(min_length=1, max_length=100, description="A reason that the policy knows.")]
    because: Sentence
    until: Annotated[Time, Field(default="")]
    from_: Annotated[Time, Field(default="", alias="from")]
    subject: Annotated[str, Field(max_length=1000)] | None = None
    internal_text: Text | None = None
    external_text: Text | None = None
    template: Annotated[str, Field(max_length=100)] | None = None
    audience: AudienceName | None = None
    exceptions: Annotated[list[Annotated[str, Field(max_length=320)]], Field(default=[], max_length=200)]
    languages: Annotated[list[Annotated[str, Field(max_length=10)]], Field(default=[], max_length=10)]
    contact_person: Annotated[str, Field(default="", max_length=320)]
    mailbox_closes_on: Annotated[str, Field(default="", max_length=40)]

    def reply(self, starts: str) -> RequestForm:
        """The auto-reply as the desk takes it."""
        return RequestForm(
            mailbox=self.mailbox,
            reason=self.reason,
            because=self.because,
            until=self.until,
            from_=self.from_ or starts,
            subject=self.subject,
            internal_text=self.internal_text,
            external_text=self.external_text,
            template=self.template,
            audience=None if self.audience is None else Audience(self.audience),
            exceptions=tuple(self.exceptions),
            languages=tuple(self.languages),
            contact_person=self.contact_person,
            mailbox_closes_on=self.mailbox_closes_on,
        )


class AskReply(_Asked):
    """Ask for an auto-reply. `joins` is an earlier request of yours that has nothing set yet; without it
    `until` is needed.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "measure": "auto-reply",
                    "mailbox": "anna@corp.test",
                    "reason": "forgotten",
                    "because": "Customers are waiting for an answer.",
                    "until": "2026-12-25",
                }
            ]
        }
    )

    measure: Literal["auto-reply"]
    joins: CaseId | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not self.until and self.joins is None:
            raise ValueError
        return self

    def form(self) -> RequestForm:
        """As the desk takes it."""
        return self.reply("" if self.joins else "now")


class AskBoth(_Asked):
    """Ask for an auto-reply and for copies of new mail in one request: they stand and fall together, in one window."""

    measure: Literal["both"]
    until: Annotated[Time, Field(min_length=1)]
    to: Annotated[str, Field(min_length=3, max_length=320)]
    senders: SendersName | None = None
    joins: None = None

    def form(self) -> BothForm:
        """As the desk takes it."""
        reply = self.reply("now")
        copies = ForwardForm(
            mailbox=reply.mailbox,
            to=self.to,
            reason=reply.reason,
            because=reply.because,
            until=reply.until,
            from_=reply.from_,
            senders=None if self.senders is None else Senders(self.senders),
        )
        return BothForm(reply=reply, forward=copies)


class AskForward(Strict):
    """Ask for new mail to be copied to a colleague, or to a functional mailbox."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "measure": "forward",
                    "mailbox": "anna@corp.test",
                    "to": "carla@corp.test",
                    "reason": "continuity",
                    "because": "Orders have to be answered while she is away.",
                    "until": "2026-12-25",
                }
            ]
        }
    )

    measure: Literal["forward"]
    mailbox: Mailbox
    to: Annotated[str, Field(min_length=3, max_length=320)]
    reason: Annotated[str, Field(min_length=1, max_length=100)]
    because: Sentence
    until: Annotated[Time, Field(default="")]
    from_: Annotated[Time, Field(default="", alias="from")]
    senders: SendersName | None = None
    joins: CaseId | None = None

    def form(self) -> ForwardForm:
        """As the desk takes it."""
        return ForwardForm(
            mailbox=self.mailbox,
            to=self.to,
            reason=self.reason,
            because=self.because,
            until=self.until,
            from_=self.from_ or ("" if self.joins else "now"),
            senders=None if self.senders is None else Senders(self.senders),
        )


class AskSearch(Strict):
    """Ask for one business message to be found and handed to a colleague. What follows (counting, opening) is done at the command
    line and on the pages, by the two who sign.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "measure": "search",
                    "mailbox": "anna@corp.test",
                    "deliver_to": "carla@corp.test",
                    "reason": "customer",
                    "because": "The delivery has to be checked against what was agreed.",
                    "senders": ["customer.test"],
                    "words": ["2026-118"],
                    "tried": {"auto-reply": "2026-11-30"},
                }
            ]
        }
    )

    measure: Literal["search"]
    mailbox: Mailbox
    deliver_to: Annotated[str, Field(min_length=3, max_length=320)]
    reason: Annotated[str, Field(min_length=1, max_length=100)]
    because: Sentence
    senders: Annotated[list[Annotated[str, Field(max_length=320)]], Field(default=[], max_length=20)]
    words: Annotated[list[Annotated[str, Field(max_length=200)]], Field(default=[], max_length=20)]
    words_in: WordsInName | None = None
    since: Annotated[Time, Field(default="")]
    before: Annotated[Time, Field(default="")]
    tried: Annotated[
        dict[str, Annotated[str, Field(max_length=40)]],
        Field(default={}, max_length=20, description="What was tried before, and on which day (ISO 8601)."),
    ]
    until: Annotated[Time, Field(default="")]
    joins: None = None

    def form(self) -> SearchForm:
        """As the desk takes it."""
        return SearchForm(
            mailbox=self.mailbox,
            reason=self.reason,
            because=self.because,
            deliver_to=self.deliver_to,
            senders=tuple(self.senders),
            words=tuple(self.words),
            since=self.since,
            before=self.before,
            words_in=None if self.words_in is None else WordsIn(self.words_in),
            tried=tuple(self.tried.items()),
            until=self.until,
        )


Ask = Annotated[AskReply | AskForward | AskBoth | AskSearch, Field(discriminator="measure")]


class AskMany(Strict):
    """Ask for many auto-replies at once: one case each. The same batch sent again goes on where it stopped."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "batch": "closing-week-2026",
                    "requests": [
                        {
                            "measure": "auto-reply",
                            "mailbox": "anna@corp.test",
                            "reason": "closing",
                            "because": "The office is closed in the last week of the year.",
                            "from": "2026-12-24",
                            "until": "2027-01-04",
                        }
                    ],
                }
            ]
        }
    )

    batch: Annotated[str, Field(min_length=1, max_length=100)]
    requests: Annotated[list[AskReply], Field(min_length=1, max_length=200)]


class NoteContact(Strict):
    """Note that you tried to reach her yourself, and what came of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"by": "phone", "outcome": "agreed", "because": "She called back, and agrees."}]
        }
    )

    by: ByName
    outcome: OutcomeName
    because: Sentence
