"""Where a search is on its ladder, in words and as JSON: what was done, what comes next, how many counts are left. Pure.

What was left out of a count, and whose mail it was, is in neither: that is for her account alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from locum.ladder import NONE, TOO_BROAD, Ladder, Step
from locum.measure import query_to_json
from locum.messages import say, says
from locum.phrases import one_line, when


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rung: `name` is open, count, list, choose, open-message or deliver; `stands` is yet, under-way, done, ..."""

    name: str
    stands: str
    sentence: str

    @property
    def is_done(self) -> bool:
        """Whether it was climbed."""
        return self.stands == "done"


def bucket_in_words(bucket: str, language: str) -> str:
    """How many, as it is told: "1-5", "none", "more than may be seen"."""
    return say(language, key) if says(language, key := f"words.bucket.{bucket}") else bucket


def rungs(ladder: Ladder, now: datetime, language: str, time_zone: str) -> list[Rung]:
    """Every rung, the lowest first."""
    values = {
        "until": when(ladder.search.to_date, language, time_zone),
        "counts": ladder.counts,
        "left": ladder.counts_left(now),
        "bucket": bucket_in_words(ladder.bucket, language),
        "many": len(ladder.listed or ()),
        "to": one_line(ladder.search.deliver_to),
    }
    return [
        Rung(name=name, stands=stands, sentence=say(language, f"search.rung.{name}.{stands}", **values))
        for name, stands in _stands(ladder)
    ]


def _stands(ladder: Ladder) -> Iterator[tuple[str, str]]:
    under_way = ladder.under_way.act if ladder.under_way is not None else None
    was_open = bool(ladder.tries or ladder.is_open)
    yield "open", "done" if ladder.is_open else "over" if was_open else "yet"
    done = bool(ladder.bucket) and under_way is not Step.COUNT
    yield "count", "under-way" if under_way is Step.COUNT else "done" if done else "yet"
    yield "list", "under-way" if under_way is Step.LIST else "yet" if ladder.listed is None else "done"
    yield "choose", _chosen(ladder)
    yield "open-message", "under-way" if under_way is Step.OPEN else "done" if ladder.opened else "yet"
    yield "deliver", "under-way" if under_way is Step.DELIVER else "done" if ladder.delivered else "yet"


def _chosen(ladder: Ladder) -> str:
    if ladder.chosen_by_both or ladder.opened:
        return "done"
    return "yet" if not ladder.chosen else "one" if len(set(ladder.chosen.values())) == 1 else "two"


def comes_next(ladder: Ladder, now: datetime, language: str) -> str:
    """What is to be done next, as a sentence."""
    values = {
        "bucket": bucket_in_words(ladder.bucket, language),
        "buckets": ", ".join(buckets_in_words(ladder, language)),
        "to": one_line(ladder.search.deliver_to),
    }
    return say(language, f"search.next.{_next(ladder, now)}", **values)


def buckets_in_words(ladder: Ladder, language: str) -> list[str]:
    """Every answer that a count can have."""
    told = dict.fromkeys(ladder.limits.bucket(number) for number in range(ladder.limits.most + 2))
    return [bucket_in_words(one, language) for one in told]


def _next(ladder: Ladder, now: datetime) -> str:  # noqa: PLR0911  one exit per rung
    if not ladder.is_open:
        return "closed" if ladder.tries else "wait"
    if ladder.under_way is not None:
        return "under-way"
    if not ladder.pair.is_whole:
        return "nobody"
    if ladder.delivered:
        return "over"
    if ladder.closed and not ladder.may(Step.DELIVER, ladder.pair.requester, now):
        return "closed"
    if ladder.opened:
        return "deliver"
    if ladder.listed is not None:
        return "open" if ladder.chosen_by_both else "choose"
    return _counting(ladder, now)


def _counting(ladder: Ladder, now: datetime) -> str:
    if ladder.bucket and ladder.bucket not in (NONE, TOO_BROAD):
        return "list"
    if not ladder.counts_left(now):
        return "spent"
    return {NONE: "nothing", TOO_BROAD: "narrow"}.get(ladder.bucket, "count")


def ladder_shape(ladder: Ladder, now: datetime) -> dict[str, object]:
    """The ladder as JSON, stable: of what was found never more than its bucket and how many lines the list has."""
    return {
        "open": ladder.is_open,
        "next": _next(ladder, now),
        "under_way": None if ladder.under_way is None else str(ladder.under_way.act),
        "counts": ladder.counts,
        "counts_left": ladder.counts_left(now),
        "bucket": ladder.bucket,
        "query": query_to_json(ladder.query),
        "listed": None if ladder.listed is None else len(ladder.listed),
        "opened": bool(ladder.opened),
        "closed": ladder.closed,
        "delivered": list(ladder.delivered),
    }
