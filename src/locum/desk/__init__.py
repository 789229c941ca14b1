"""The desk: the main path of a case, one method per step, each of the same four moves: load, decide, act, commit.

This file holds what the doors see: the forms that come in, the views that go out, and Desk itself.

SKELETON: the interface that the doors rely on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from locum.absence import Person
from locum.entry import Entry
from locum.errors import LocumError
from locum.lifecycle import Case
from locum.measure import Audience
from locum.seam import Report
from locum.store import Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who is acting: a person of people.csv, or an operating system account that stands for nobody (`os:root`)."""

    id: str
    name: str
    address: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """A request for an auto-reply as it comes in at a door, unjudged. Times are texts: ISO 8601, a bare date, or `now`."""

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
    deadline, as the policy has it: proceed, review or stop.
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
    entries: tuple[Entry, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One line of `locum gaps`. `kind`: no-reply-now, no-reply-planned, reply-after-return, unknown."""

    person: Person
    kind: str
    from_words: str
    until_words: str
    reminded: bool = False


class Desk:
    """The main path. Methods raise LocumError; whatever they raise, nothing is left half."""

    # the requester's steps
    def request(self, acting: Acting, form: RequestForm, *, batch: str = "") -> Case:
        """File a request. Raises Invalid (nothing recorded), or Refused after recording the refusal (`values["case"]`)."""
        raise NotImplementedError

    def request_many(self, acting: Acting, forms: Sequence[RequestForm], *, batch: str) -> list[Case | LocumError]:
        """One case each, committed together; an error is a result. A mailbox that already has a case in this batch gives
        that case back, so that a batch can be resumed.
        """
        raise NotImplementedError

    def contact(self, acting: Acting, case_id: str, *, by: str, outcome: str, because: str) -> Case:
        """Note an attempt to reach her that a person made. by: phone, sms, mail, desk; outcome: reached, unreached,
        agreed, objected.
        """
        raise NotImplementedError

    def review(self, acting: Acting, case_id: str, *, approve: bool, because: str) -> Case:
        raise NotImplementedError

    def withdraw(self, acting: Acting, case_id: str) -> Case:
        raise NotImplementedError

    def end(self, acting: Acting, case_id: str) -> Case:
        raise NotImplementedError

    # her steps, by link
    def look(self, token: str) -> LinkView:
        """What a link shows; changes nothing. Raises Invalid `link-unknown` (also for a forged one) or `link-expired`."""
        raise NotImplementedError

    def answer(self, token: str, answer: str, text: OwnText | None = None, because: str = "") -> LinkView:
        """One of LinkView.may. Raises Invalid as `look`, and Conflict `link-used` where this was already said."""
        raise NotImplementedError

    # the worker's steps
    def run(self, taken: Sequence[Taken]) -> None:
        """Do these due jobs (one kind and lane). Trouble backs off; nothing is raised but programming errors."""
        raise NotImplementedError

    # reading
    def case(self, case_id: str) -> Case:
        raise NotImplementedError

    def history(self, mailbox: str) -> list[Entry]:
        """All entries about a mailbox (address or alias), oldest first."""
        raise NotImplementedError

    def account(self, case_id: str, *, language: str = "") -> "Account":  # noqa: F821  locum.account.Account
        raise NotImplementedError

    def gaps(self, *, within_days: int = 14, remind: bool = False) -> list[Gap]:
        raise NotImplementedError

    def check(self, names: Sequence[str] = ()) -> dict[str, Report]:
        """What each connector, the relay and the record report of themselves."""
        raise NotImplementedError
