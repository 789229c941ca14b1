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
from locum.entry import Draft, Entry, Json
from locum.errors import Refused
from locum.measure import Search, query_from_json
from locum.narrowing import bucket, is_within
from locum.query import Query

MONTH: Final = timedelta(days=31)
"""The budget of a mailbox is for any 31 days, so that the first of a month brings no second one."""
NOT_OPENED: Final = frozenset({"late", "gone"})
"""Why nothing was opened where it was closed at once: the worker came too late, or the message is there no more. Both may choose,
and sign, once more.
"""
TOO_BROAD: Final = "more"
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
    """Where one search is. `chosen` is who chose which message last, by its digest, `openings` who signed for which, and when."""

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
        return next((one for one in reversed(self.tries) if one.act in (Step.COUNT, Step.LIST)), None)

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
            Step.SIGN: (*self._choose_guards(digest), ("not-both-chose", self.chosen_by_both == digest != "")),
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
            ("not-both-signed", bool(self.signed_by_both(now))),
        )


_AFTER_READING: Final = frozenset({"closed", "left", "time"})
"""Why a message was closed that may still be delivered: it was read, and not found private."""


def spent_in(stream: Sequence[Entry | Draft]) -> tuple[datetime, ...]:
    """When this mailbox was counted, in whatever case: each is a question that was answered, whatever became of the case."""
    return tuple(one.time for one in stream if one.type == "searching" and one.body.get("act") == Step.COUNT)


def ladder_of(
    search: Search, pair: Pair, limits: Limits, lines: Sequence[Entry | Draft], spent: Sequence[datetime]
) -> Ladder:
    """The ladder of a case from its entries, the first one first. An entry that cannot be read is no step, and nothing follows it."""
    fold = _Fold(search=search)
    for one in lines:
        fold.read(one)
    return Ladder(
        search=search,
        pair=pair,
        limits=limits,
        is_open=fold.is_open,
        tries=tuple(fold.tries),
        spent=tuple(spent),
        listed=fold.listed,
        chosen=fold.chosen,
        openings=tuple(fold.openings),
        opened=fold.opened,
        closed=fold.closed,
        delivered=tuple(fold.delivered),
    )


_ENDS: Final = frozenset(
    "refused withdrawn expired failed incident ended accounted".split()
)  # an incident with the record, too: nothing goes on before somebody has looked


@dataclass(slots=True, kw_only=True)
class _Fold:
    search: Search
    is_open: bool = False
    is_over: bool = False
    tries: list[Try] = field(default_factory=list)
    listed: tuple[str, ...] | None = None
    chosen: dict[str, str] = field(default_factory=dict)
    openings: list[tuple[str, str, datetime]] = field(default_factory=list)
    opened: str = ""
    closed: str = ""
    delivered: list[str] = field(default_factory=list)

    def read(self, one: Entry | Draft) -> None:
        act = one.body.get("act")
        if one.type == "objected":  # before it is open an objection may still be overruled
            self.is_open, self.is_over = False, self.is_over or self.is_open
        elif (one.type in _ENDS and act != "account") or (one.type == "intended" and act == "end"):
            self._end()
        elif one.type == "done" and act == "apply":
            self.is_open = not self.is_over
        elif one.type == "searching":
            self._begin(one, one.body)
        elif one.type in ("counted", "listed"):
            self._settle(one.type, one.body)
        else:
            self._seen(one, one.body)

    def _seen(self, one: Entry | Draft, body: Mapping[str, Json]) -> None:
        """What is done with what was listed."""
        match one.type:
            case "chosen":
                self.chosen[_who(body)] = _text(body, "digest")
            case "opening":
                self.openings.append((_who(body), _text(body, "digest"), one.time))
            case "opened":
                self.opened = _text(body, "digest") or "?"
                self._outcome("opened")
            case "closed":
                why = _text(body, "why") or "?"
                if self.opened or why not in NOT_OPENED:
                    self.closed = why
                self._outcome(why)
            case "delivered":
                self.delivered.append(_text(body, "to"))
                self._outcome("delivered")

    def _end(self) -> None:
        self.is_open, self.is_over = False, True

    def _begin(self, one: Entry | Draft, body: Mapping[str, Json]) -> None:
        act = _text(body, "act")
        if act not in (Step.COUNT, Step.LIST, Step.OPEN, Step.DELIVER):
            self._end()
            return
        step = Step(act)
        number = 1 + sum(before.act is step for before in self.tries)
        self.tries.append(Try(act=step, number=number, by=_who(body), at=one.time, query=self._asked(step, body)))

    def _asked(self, step: Step, body: Mapping[str, Json]) -> Query:
        """The question of this try: narrowed for a count, as it was counted for a list."""
        asked = body.get("query")
        if step is Step.COUNT and asked is not None:
            try:
                return query_from_json(asked)
            except (ValueError, TypeError, KeyError):
                self._end()
        if step is Step.COUNT or not self.tries:
            return self.search.query
        return self.tries[-1].query

    def _settle(self, kind: str, body: Mapping[str, Json]) -> None:
        if kind == "listed":
            hits = body.get("hits")
            found = [one.get("digest") for one in hits if isinstance(one, dict)] if isinstance(hits, list) else []
            self.listed = tuple(one for one in found if isinstance(one, str))
        self._outcome(_text(body, "bucket") if kind == "counted" else "listed")

    def _outcome(self, said: str) -> None:
        if self.tries and not self.tries[-1].outcome:
            last = self.tries.pop()
            self.tries.append(
                Try(act=last.act, number=last.number, by=last.by, at=last.at, query=last.query, outcome=said or "?")
            )


def _text(body: Mapping[str, Json], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _who(body: Mapping[str, Json]) -> str:
    by = body.get("by")
    return _text(by, "id") if isinstance(by, dict) else by if isinstance(by, str) else ""
