"""What comes in at a door and what goes out to it: Acting, RequestForm, ForwardForm, SearchForm, BothForm, Preview, OwnText, ...
Frozen values only.
"""

from dataclasses import dataclass, field
from datetime import datetime

from locum.absence import Person
from locum.approval import challenge
from locum.entry import Entry
from locum.errors import LocumError
from locum.lifecycle import Case
from locum.measure import Audience, Senders
from locum.narrowing import Advice
from locum.query import WordsIn
from locum.wording import Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who is acting: a person of people.csv, or an operating system account that stands for nobody (`os:root`)."""

    id: str
    name: str
    address: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSign:
    """What a person is about to sign: the statement, its domain, the text that is shown (and whose hash stands in the
    statement), the function in which she signs, and which of her keys may.
    """

    statement: bytes
    domain: str
    text: str
    function: str
    credentials: tuple[bytes, ...]

    @property
    def challenge(self) -> bytes:
        """What the authenticator is given to sign."""
        return challenge(self.domain, self.statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """A request for an auto-reply as it comes in at a door, unjudged. Times are texts: ISO 8601, a bare date, or `now`; where
    it joins an earlier request, an empty one means that request's. `contact_person` is whom senders turn to (a person's id, or an
    address), `mailbox_closes_on` a day (clause 17).
    """

    mailbox: str
    reason: str
    because: str
    until: str
    from_: str = "now"
    subject: str | None = None
    internal_text: str | None = None
    external_text: str | None = None
    template: str | None = None
    audience: Audience | None = None
    exceptions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    contact_person: str = ""
    mailbox_closes_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardForm:
    """A request for a forward as it comes in at a door, unjudged. An empty `until` is as long as the policy has it; where it
    joins an earlier request, an empty time means that request's.
    """

    mailbox: str
    to: str
    reason: str
    because: str
    until: str = ""
    from_: str = "now"
    senders: Senders | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForm:
    """A request to find one message, as it comes in at a door, unjudged. `senders` are addresses or domains; times are texts as
    elsewhere. An empty `since` is as early as the policy lets it be, an empty `until` a week. `tried` says what was tried before,
    and on which day: {"auto-reply": "2026-11-30"}.
    """

    mailbox: str
    reason: str
    because: str
    deliver_to: str
    senders: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    since: str = ""
    before: str = ""
    words_in: WordsIn | None = None
    tried: tuple[tuple[str, str], ...] = ()
    until: str = ""
    from_: str = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class BothForm:
    """A reply and a forward asked for together, of one mailbox and one window: those of the reply. They are one request."""

    reply: RequestForm
    forward: ForwardForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of a request, had it been filed now. Nothing is kept.

    `case` is the request as it would be filed, None where it could not be one. `problem` is why it would be refused. `remarks`
    are the linter's on words of the requester's own: the text's name, and the remark. `owner` is whose mailbox it is.
    `asked_by` are the ways by which she is asked; none where she cannot be. `answer_by` is until when she would be waited for, if
    she were asked now. `if_silent`: proceed, review or stop. `reviewers` are the functions of which `approvals` persons have to say
    yes. `consent_of` is the address of the receiver who has to agree. `advice` is what would make the question of a search narrower.
    """

    case: Case | None
    problem: LocumError | None
    remarks: tuple[tuple[str, Remark], ...] = ()
    owner: Person | None = None
    asked_by: tuple[str, ...] = ()
    answer_by: datetime | None = None
    if_silent: str = ""
    reviewers: tuple[str, ...] = ()
    approvals: int = 0
    signed: bool = False
    consent_of: str = ""
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnText:
    """What she writes herself on the page behind her link."""

    subject: str
    internal_text: str
    external_text: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """What the page behind a link shows. `may` holds the buttons that work now: agree, object, own-text, done, stop, set.

    `purpose` is ask, stop or set. `case` is None on a `set` page (a reminder before leave: nothing was asked yet).
    `deadline` and the other times are words in her language and time zone. `if_unanswered` says what happens after the
    deadline, as the policy has it: proceed, review or stop. `request` is the hash of what is shown: an answer comes back with
    it, so that nobody agrees to what was never on the page. `anew`: a measure joined since, and she is asked once more.
    `forward_to` is who would get copies of her mail, in words. `trial`: reviews are recorded and not signed yet.
    `grounds` are those on which her objection was overruled: who gave them, and the words. `wants_to_attend`: she said that she
    wants to be there when a message is opened.
    """

    purpose: str
    language: str
    organisation: str
    owner: Person
    case: Case | None
    requester: str
    requester_address: str
    reason: str
    from_words: str
    until_words: str
    deadline_words: str
    if_unanswered: str = "proceed"
    may: frozenset[str]
    draft: OwnText
    request: str = ""
    anew: bool = False
    forward_to: str = ""
    trial: bool = False
    grounds: tuple[tuple[str, str], ...] = ()
    entries: tuple[Entry, ...] = field(default=(), repr=False)
    wants_to_attend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """What the page behind a receiver's link shows, and no more: not why, no text, nothing of how she was reached.

    `phase`: asked, agreed, live, declined, stopped, held (she objected) or over. `may` holds the buttons that work now:
    accept, decline, no-more. `shared`: the mailbox is nobody's own. `senders` is a key under `words.senders.`.
    """

    language: str
    organisation: str
    owner: str
    mailbox: str
    receiver: str
    address: str
    shared: bool
    requester: str
    requester_address: str
    officer: str
    senders: str
    from_words: str
    until_words: str
    phase: str
    may: frozenset[str]
    request: str
    trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One line of `locum gaps`. `kind`: no-reply-now, no-reply-planned, reply-after-return, unknown."""

    person: Person
    kind: str
    from_at: datetime
    until_at: datetime
    from_words: str
    until_words: str
    reminded: bool = False
