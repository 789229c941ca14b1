"""The ladder of a search: which steps were taken, and who may take which next. Folded from the entries of the record; pure.

    count (five at most) -> list (once) -> choose (both, the same one) -> sign (both, within minutes) -> open (one) -> deliver (once)

No step can be skipped, and what a row of the database says plays no part. Asked when a step is asked for, asked again by the
worker right before it looks into the mailbox, and once more by whoever checks an account. The guards have names (GUARDS), and
each refusal names the first that does not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from locum.approval.opening import SIGNED_WITHIN
from locum.errors import Refused
from locum.measure import Search
from locum.narrowing import bucket, is_within
from locum.query import Query

MONTH: Final = timedelta(days=31)
"""The budget of a mailbox is for any 31 days, so that the first of a month brings no second one."""
NOT_OPENED: Final = frozenset({"late", "gone"})
"""Why nothing was opened where it was closed at once: the worker came too late, or the message is there no more. Both may choose,
and sign, once more.
"""
HERE_WITHIN: Final = timedelta(minutes=15)
"""How long what she said counts: that she is there."""
AWAITED: Final = timedelta(days=1)
"""How long she is waited for, from when both chose, where she wants to be there: she is offered it, and does not have to come."""
TOO_BROAD: Final = "more"
WANTS, NOT_NEEDED, HERE = "wants", "not-needed", "here"
"""What she says of being there when a message is opened: `what` of an entry `attending`."""
NONE: Final = "0"


class Step(StrEnum):
    """What somebody may ask for."""

    COUNT = "count"
    LIST = "list"
    CHOOSE = "choose"
    SIGN = "sign"
    OPEN = "open"
    DELIVER = "deliver"


GUARDS: Final[Mapping[str, str]] = {
    "not-open": "the mailbox is open for the steps: begun, witnessed, and not ended",
    "not-in-time": "within the time that was asked for",
    "not-one-of-both": "whoever asked and signed, or one of another function who approved and signed",
    "step-under-way": "one step at a time",
    "over": "nothing was closed: private after all, left, gone",
    "counts-used": "so many counts for a case",
    "budget-used": "and so many for a mailbox within a month, over all cases",
    "not-narrower": "a question is only ever made narrower than the one that was signed",
    "listed-before": "one list",
    "not-counted": "nothing is listed that was not counted first",
    "nothing-found": "nor where nothing was found",
    "too-broad": "nor where more was found than may be seen",
    "not-listed": "nothing is chosen that was not listed",
    "not-on-the-list": "and only what was",
    "not-both-chose": "both chose the same one",
    "she-is-awaited": "with her there, where she wants to be, or a day after she was told that it is about to be opened",
    "not-both-signed": "and both signed for just that, at the same time",
    "one-message": "one message",
    "not-opened": "nothing is delivered that was not opened",
    "delivered-before": "and that once",
}
"""Every guard: what it sees to. The message of a refusal is `errors.search-<guard>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Who takes the steps: the requester with the function in which she signed, and others who approved and signed, each with
    theirs. Empty where a signature is missing, or counts no more.
    """

    requester: str = ""
    function: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there are two, of different functions."""
        return bool(self.requester) and any(self._is_other(*one) for one in self.others)

    def _is_other(self, person: str, function: str) -> bool:
        return person != self.requester and bool(function) and function != self.function

    def holds(self, who: str) -> bool:
        """Whether this person takes steps."""
        return self.is_whole and (who == self.requester or who in self.second)

    @property
    def second(self) -> frozenset[str]:
        """Those who can be the other one."""
        return frozenset(person for person, function in self.others if self._is_other(person, function))

    def is_both(self, people: Sequence[str]) -> bool:
        """Whether the requester and another are among these."""
        return self.requester in people and not self.second.isdisjoint(people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the policy allows (clause 10)."""

    counts: int = 5
    counts_per_month: int = 10
    buckets: tuple[int, ...] = (0, 5, 20)
    most: int = 20

    def bucket(self, number: int) -> str:
        """How a number is told: never finer than this."""
        return TOO_BROAD if number > self.most else bucket(number, self.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A step that was begun: what is asked, and what came of it ("" while it is under way)."""

    act: Step
    number: int
    by: str
    at: datetime
    query: Query
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Where one search is. `chosen` is who chose which message last, by its digest, `openings` who signed for which, and when.
    `attends_from`: since when she wants to be there when it is opened; None where she does not. `here_at`: when she said last that
    she is.
    """

    search: Search
    pair: Pair
    limits: Limits
    is_open: bool = False
    tries: tuple[Try, ...] = ()
    spent: tuple[datetime, ...] = ()
    listed: tuple[str, ...] | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    openings: tuple[tuple[str, str, datetime], ...] = ()
    opened: str = ""
    closed: str = ""
    delivered: tuple[str, ...] = ()
    chosen_at: datetime | None = None
    attends_from: datetime | None = None
    here_at: datetime | None = None

    # where it is

    @property
    def under_way(self) -> Try | None:
        """The step that was begun and has no outcome yet."""
        return self.tries[-1] if self.tries and not self.tries[-1].outcome else None

    @property
    def counts(self) -> int:
        """How many counts were begun."""
        return sum(one.act is Step.COUNT for one in self.tries)

    @property
    def counted(self) -> Try | None:
        """The last count, or the list that turned out too broad."""
        return next((one for one in reversed(self.tries) if one.act is Step.COUNT or _is_a_count(one)), None)

    @property
    def bucket(self) -> str:
        """What the last count said; empty where there is none yet."""
        return self.counted.outcome if self.counted is not None else ""

    @property
    def query(self) -> Query:
        """The question as it is now: the one that was counted last, else the one that was signed."""
        return self.counted.query if self.counted is not None else self.search.query

    def counts_left(self, now: datetime) -> int:
        """How many counts this case may still have: of its own, and of the mailbox's budget."""
        return max(0, min(self.limits.counts - self.counts, self.limits.counts_per_month - self._spent(now)))

    def _spent(self, now: datetime) -> int:
        return sum(one > now - MONTH for one in self.spent)

    @property
    def chosen_by_both(self) -> str:
        """The message that both chose; empty while they have not, or chose two."""
        mine = self.chosen.get(self.pair.requester, "")
        return mine if mine and any(self.chosen.get(who) == mine for who in self.pair.second) else ""

    def signed_now(self, now: datetime) -> frozenset[str]:
        """Who signed just now for the message that both chose."""
        both = self.chosen_by_both
        return frozenset(who for who, digest, at in self.openings if both == digest and now - at <= SIGNED_WITHIN)

    def signed_by_both(self, now: datetime) -> str:
        """The message for which both signed just now, and at the same time; empty where they did not."""
        return self.chosen_by_both if self.pair.is_both(sorted(self.signed_now(now))) else ""

    def awaited_until(self, now: datetime) -> datetime | None:
        """Until when nothing is opened without her; None where she does not want to be there, is there, or did not come. While
        nothing is chosen there is nobody to wait for yet: a day from now.
        """
        if self.attends_from is None or self.is_here(now):
            return None
        until = max(self.attends_from, self.chosen_at or now) + AWAITED
        return until if now < until else None

    def is_here(self, now: datetime) -> bool:
        """Whether she said just now that she is there."""
        return self.here_at is not None and now - self.here_at <= HERE_WITHIN

    # what may be done

    def why_not(self, step: Step, who: str, now: datetime, *, query: Query | None = None, digest: str = "") -> str:
        """The first guard that does not hold; empty where the step may be taken. `query` is the question of a count where it is
        made narrower, `digest` the message that is chosen or signed for.
        """
        return next((name for name, holds in self._guards(step, who, now, query, digest) if not holds), "")

    def may(self, step: Step, who: str, now: datetime, *, query: Query | None = None, digest: str = "") -> bool:
        """Whether the step may be taken."""
        return not self.why_not(step, who, now, query=query, digest=digest)

    def check(self, step: Step, who: str, now: datetime, *, query: Query | None = None, digest: str = "") -> None:
        """Raise Refused (clause 10) `search-<guard>` where the step may not be taken."""
        if guard := self.why_not(step, who, now, query=query, digest=digest):
            raise Refused(f"search-{guard}", clause=10, case=self.search.handle)

    def _guards(
        self, step: Step, who: str, now: datetime, query: Query | None, digest: str
    ) -> Sequence[tuple[str, bool]]:
        always = (
            ("not-open", self.is_open),
            ("not-in-time", self.search.from_date <= now < self.search.to_date),
            ("not-one-of-both", self.pair.holds(who)),
            ("over", not self.closed or (step is Step.DELIVER and self.closed in _AFTER_READING)),
            ("step-under-way", self.under_way is None),
        )
        own = {
            Step.COUNT: self._count_guards(now, query or self.search.query),
            Step.LIST: self._list_guards(),
            Step.CHOOSE: self._choose_guards(digest),
            Step.SIGN: (
                *self._choose_guards(digest),
                ("not-both-chose", self.chosen_by_both == digest != ""),
                ("she-is-awaited", self.awaited_until(now) is None),
            ),
            Step.OPEN: self._open_guards(now),
            Step.DELIVER: (("not-opened", bool(self.opened)), ("delivered-before", not self.delivered)),
        }
        return (*always, *own[step])

    def _count_guards(self, now: datetime, query: Query) -> Sequence[tuple[str, bool]]:
        return (
            ("listed-before", self.listed is None),
            ("not-narrower", is_within(query, self.search.query)),
            ("counts-used", self.counts < self.limits.counts),
            ("budget-used", self._spent(now) < self.limits.counts_per_month),
        )

    def _list_guards(self) -> Sequence[tuple[str, bool]]:
        return (
            ("listed-before", self.listed is None),
            ("not-counted", bool(self.bucket)),
            ("nothing-found", self.bucket != NONE),
            ("too-broad", self.bucket != TOO_BROAD),
        )

    def _choose_guards(self, digest: str) -> Sequence[tuple[str, bool]]:
        return (
            ("not-listed", self.listed is not None),
            ("one-message", not self.opened),
            ("not-on-the-list", digest in (self.listed or ())),
        )

    def _open_guards(self, now: datetime) -> Sequence[tuple[str, bool]]:
        return (
            ("not-listed", self.listed is not None),
            ("one-message", not self.opened),
            ("not-both-chose", bool(self.chosen_by_both)),
            ("she-is-awaited", self.awaited_until(now) is None),
            ("not-both-signed", bool(self.signed_by_both(now))),
        )


def _is_a_count(one: Try) -> bool:
    """Whether this is a list that turned out too broad."""
    return one.act is Step.LIST and one.outcome == TOO_BROAD


_AFTER_READING: Final = frozenset({"closed", "left", "time"})
"""Why a message was closed that may still be delivered: it was read, and not found private."""
