"""The steps of one search as a small machine: who may ask for which, what a worker that dies leaves, and what may follow.

Written from docs/cases.md (looking for one message), not from the code: the code has ladder.py. test_search_model.py explores every
state, with all guards and without each; traces.py asks of every search that other tests record whether it is a way through here.
Time is not in it: how long a signature, a list and a case last is tried in test_ladder.py and test_searching.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

Step = tuple[str, "State"]

GUARDS = {
    "one-of-both": "only the two who signed, of two functions, take steps",
    "one-at-a-time": "one step at a time",
    "five-counts": "five counts",
    "counted-first": "nothing is listed that was not counted",
    "few-enough": "nor where nothing, or too much, was found",
    "listed-once": "one list, and no count after it",
    "on-the-list": "only what was listed is chosen",
    "both-choose": "both chose the same one",
    "both-sign": "both signed for just that",
    "one-message": "one message is opened",
    "opened-first": "nothing is delivered that was not opened",
    "not-private": "nor what turned out to be private",
    "delivered-once": "once",
}
BUCKETS = ("0", "1-5", "6-20", "more")
FEW = ("1-5", "6-20")
READ = ("closed", "left", "time")
"""Why a message was closed that had been read, and may still be delivered."""
NOTHING_OPENED = ("gone", "late")


class State(NamedTuple):
    """`step` is what was begun and has no outcome; `chosen` and `signed` are (who, which message)."""

    counts: int = 0
    step: str = ""
    bucket: str = ""
    listed: bool = False
    chosen: frozenset[tuple[str, str]] = frozenset()
    signed: frozenset[tuple[str, str]] = frozenset()
    opened: str = ""
    closed: str = ""
    delivered: int = 0


@dataclass(frozen=True)
class Cast:
    """Who there is: whoever asked and signed with her function, others who approved with theirs, and what the list would hold."""

    requester: tuple[str, str] = ("bob", "it")
    others: tuple[tuple[str, str], ...] = (("dirk", "hr"), ("ivo", "it"))
    strangers: tuple[str, ...] = ("carla",)
    hits: tuple[str, ...] = ("m1", "m2")
    elsewhere: tuple[str, ...] = ("m3",)
    most: int = 5
    without: str = ""

    def has(self, guard: str) -> bool:
        assert guard in GUARDS
        return guard != self.without

    @property
    def second(self) -> frozenset[str]:
        """Those who can be the other one."""
        mine, function = self.requester
        return frozenset(who for who, of in self.others if who != mine and of != function)

    @property
    def takes(self) -> tuple[str, ...]:
        """Everybody who may take steps; without the guard, everybody."""
        both = (self.requester[0], *sorted(self.second)) if self.second else ()
        rest = tuple(who for who, _ in self.others if who not in both) + self.strangers
        return both if self.has("one-of-both") else (*both, *rest)

    def both(self, said: frozenset[tuple[str, str]]) -> str:
        """What both said, where it is the same."""
        for which in (*self.hits, *self.elsewhere):
            who = {one for one, what in said if what == which}
            if self.requester[0] in who and who & self.second:
                return which
        return ""

    def steps(self, state: State) -> Iterator[Step]:
        if not state.step or not self.has("one-at-a-time"):
            for who in self.takes:
                yield from self._counting(state, who)
                yield from self._choosing(state, who)
                yield from self._opening(state, who)
        yield from self._outcomes(state)
        if state.opened and not state.closed:
            for why in (*READ, "private", "stopped"):
                yield f"closed {why}", state._replace(closed=why)

    def _counting(self, state: State, who: str) -> Iterator[Step]:
        if state.closed or (state.listed and self.has("listed-once")):
            return
        if state.counts < self.most or not self.has("five-counts"):
            yield f"begin count {who}", state._replace(step="count", counts=state.counts + 1)
        counted = bool(state.bucket) or not self.has("counted-first")
        few = state.bucket in FEW or not self.has("few-enough") or not state.bucket
        if counted and few:
            yield f"begin list {who}", state._replace(step="list")

    def _choosing(self, state: State, who: str) -> Iterator[Step]:
        if not state.listed or state.closed or (state.opened and self.has("one-message")):
            return
        there = self.hits if self.has("on-the-list") else (*self.hits, *self.elsewhere)
        yield f"unmasked {who}", state
        for which in there:
            mine = frozenset(one for one in state.chosen if one[0] != who)
            yield f"chosen {who} {which}", state._replace(chosen=mine | {(who, which)})
            if self.both(state.chosen) == which or not self.has("both-choose"):
                yield f"opening {who} {which}", state._replace(signed=state.signed | {(who, which)})

    def _opening(self, state: State, who: str) -> Iterator[Step]:
        wanted = self.both(state.chosen) if self.has("both-choose") else next((what for _, what in state.signed), "")
        ready = bool(wanted) and (self.both(state.signed) == wanted or not self.has("both-sign"))
        fresh = not state.opened or not self.has("one-message")
        if state.listed and ready and fresh and not state.closed:
            yield f"begin open {who}", state._replace(step="open")
        read = bool(state.opened) or not self.has("opened-first")
        kept = not state.closed or state.closed in READ or not self.has("not-private")
        if state.listed and read and kept and (not state.delivered or not self.has("delivered-once")):
            yield f"begin deliver {who}", state._replace(step="deliver")

    def _outcomes(self, state: State) -> Iterator[Step]:
        """What comes of the step that was begun."""
        match state.step:
            case "count":
                for bucket in BUCKETS:
                    yield f"counted {bucket}", state._replace(step="", bucket=bucket)
            case "list":
                yield "listed", State(listed=True)  # what was counted before plays no part any more
                yield "counted more", state._replace(step="", bucket="more")
            case "open":
                which = self.both(state.chosen) or next((what for _, what in state.signed), self.hits[0])
                yield f"opened {which}", State(listed=True, opened=which)
                for why in NOTHING_OPENED:
                    yield f"closed {why}", state._replace(step="", signed=frozenset())
                yield "closed stopped", state._replace(step="", closed="stopped")
            case "deliver":
                yield "delivered", state._replace(step="", delivered=min(2, state.delivered + 1))
                yield "closed gone", state._replace(step="", closed="gone")
