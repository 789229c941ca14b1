"""One case as a small machine: who may say what, when the worker may act, and what a crash leaves behind.

Written from docs/spec/approval.md and docs/cases.md, not from the code. test_case_model.py explores every state of it, once with all
its guards and once without each; traces.py asks of everything that the other tests record whether it is a way through it.

A step has a label. What stands in the record is named as there (`intended apply`, `reviewed approve dirk hr`); what leaves
no entry is in brackets. A guard is a condition that the rest relies on: `Cast.without` takes one out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

Step = tuple[str, "State"]

GUARDS = {
    "this-request": "only what was signed over the very request counts",
    "another-person": "neither the requester nor whose mailbox it is counts as the other pair of eyes",
    "another-function": "the other pair of eyes is of another function",
    "key-counts": "a key that was withdrawn counts no more",
    "no-stops": "one who says no stops it",
    "objection-stops": "an objection stops it before it is set, and ends it afterwards",
    "two-persons": "whoever overrules are two people",
    "two-functions": "and of two functions",
    "new-objection": "an overruling is of the objection that it was made for",
    "consent": "the receiver of a forward has agreed to this request",
    "intended-first": "what is about to be done is recorded before it is done",
    "witness-first": "and a witness has seen it, where the policy waits for one",
    "judged-again": "a second try is judged like the first",
    "reads-first": "a second try looks at what stands",
    "compare": "an outcome is recorded only where the case is still as it was when the act began",
    "takes-away": "it has ended when ours stands no more",
    "can-end": "what was begun can be ended, whoever crashed",
    "over-is-over": "what has ended is not begun again",
    "told-once": "the account is given once",
    "told-first": "nothing is erased before the account was given",
}


class Yes(NamedTuple):
    """A signature: who, in which function, over which version of the request."""

    who: str
    function: str
    version: int


class Begun(NamedTuple):
    """What was so when the act was begun: kept to be judged by the invariants."""

    eyes: frozenset[Yes]
    version: int
    is_denied: bool
    objection: str
    grounds: frozenset[Yes]
    consent: bool


class State(NamedTuple):
    """`objection` is "", standing or overruled, `heard` that nobody gave grounds since; `worker` is where the one worker is in
    its act, lost in a crash; `open_act` is what was recorded as intended and has no outcome yet. `under_way`: a step of a search was
    begun and has no outcome yet (which steps there are is search_model.py's).
    """

    phase: str = "new"
    version: int = 0
    yes: frozenset[Yes] = frozenset()
    requested: frozenset[Yes] = frozenset()
    grounds: frozenset[Yes] = frozenset()
    is_denied: bool = False
    objection: str = ""
    consent: int = 0
    lost: frozenset[str] = frozenset()
    worker: str = "idle"
    open_act: str = ""
    seen: bool = False
    ours: bool = False
    was_set: bool = False
    twice: str = ""
    told: int = 0
    erased: bool = False
    heard: bool = False
    under_way: bool = False
    begun: Begun | None = None


SETTABLE = ("asking", "answered", "setting")
STANDS = ("setting", "live", "stopping", "ending")
OVER = ("ended", "over")


@dataclass(frozen=True)
class Cast:
    """Who there is, what is needed, and which guard is taken out.

    `need`: two (two signatures), one (somebody looked), none. `may_lose` are those whose key may be withdrawn.
    """

    need: str = "two"
    requester: str = "bob"
    owner: str = "anna"
    asks_as: str = "it"
    approvers: tuple[tuple[str, str], ...] = (("bob", "hr"), ("ivo", "it"), ("dirk", "hr"), ("anna", "sales"))
    overrulers: tuple[tuple[str, str], ...] = (("dirk", "hr"), ("dirk", "dpo"), ("petra", "dpo"), ("hugo", "hr"))
    may_lose: tuple[str, ...] = ("dirk",)
    forwards: bool = True
    searches: bool = False
    edits: int = 1
    asked_of_nobody: bool = False
    without: str = ""

    def has(self, guard: str) -> bool:
        assert guard in GUARDS
        return guard != self.without

    # what counts

    def counts(self, one: Yes, state: State) -> bool:
        is_of_this = one.version == state.version or not self.has("this-request")
        return is_of_this and (one.who not in state.lost or not self.has("key-counts"))

    def may_approve(self, who: str, function: str) -> bool:
        other = who not in (self.requester, self.owner) or not self.has("another-person")
        return other and (function != self.asks_as or not self.has("another-function"))

    def overruled(self, state: State) -> bool:
        found = [one for one in state.grounds if self.counts(one, state)]
        people = len({one.who for one in found}) if self.has("two-persons") else len(found)
        functions = len({one.function for one in found}) if self.has("two-functions") else len(found)
        return people > 1 and functions > 1

    def may_begin(self, state: State) -> bool:
        """The gate, right before the act."""
        others = any(self.counts(one, state) for one in (*state.yes, *state.grounds))
        own = any(self.counts(one, state) for one in state.requested)
        ready = {"none": True, "one": others, "two": others and own}[self.need]
        heard = state.objection != "standing" or not self.has("objection-stops")
        said_yes = state.consent == state.version or not self.forwards or not self.has("consent")
        allowed = not state.is_denied or not self.has("no-stops")
        return ready and heard and said_yes and allowed

    # the steps

    def steps(self, state: State) -> Iterator[Step]:
        if state.erased:
            return
        if state.phase == "new":
            yield "requested", state._replace(phase="asking", version=1)
            return
        yield from self._said(state)
        yield from self._signed(state)
        yield from self._worker(state)
        yield from self._looked(state)
        yield from self._afterwards(state)
        if state.worker != "idle":
            yield "(crash)", state._replace(worker="idle")
        for who in self.may_lose:
            if who not in state.lost:
                yield f"(key of {who} withdrawn)", state._replace(lost=state.lost | {who})

    def _said(self, state: State) -> Iterator[Step]:
        """What the requester, she and the receiver say before anything is set."""
        if state.phase not in ("asking", "answered"):
            yield from self._said_since(state)
            return
        anew = state._replace(version=state.version + 1, is_denied=False)
        agreed = {"phase": "answered", "objection": "", "grounds": frozenset[Yes]()}
        yield "answered agreed", state._replace(**agreed)
        yield "answered objected", self._objected(state)
        if state.version <= self.edits:
            yield "answered own-text", anew._replace(**agreed)
        if not state.objection:
            yield "answered unanswered", state._replace(phase="answered")
            if state.version <= self.edits:
                yield "requested joins", anew._replace(phase="asking")
        for label in ("withdrawn", "expired", "refused", "incident apply"):
            yield label, state._replace(phase="over")
        if self.forwards:
            yield "consented declined", state._replace(is_denied=True)
            yield "consented agreed", state._replace(consent=state.version)

    def _said_since(self, state: State) -> Iterator[Step]:
        """What ends it: her objection, a word of hers or the requester's, a change on the mail system, time."""
        stopped = state._replace(phase="stopping")
        if state.phase in ("setting", "live"):
            yield "objected", self._objected(state)
            yield "withdrawn", stopped
            yield "(its end has come)", stopped
        if state.phase == "setting" and state.worker == "idle":
            yield "incident apply", stopped
        if state.phase == "live":
            yield "read-back watch", stopped

    def _objected(self, state: State) -> State:
        ends = state.phase in ("setting", "live") and self.has("objection-stops")
        kept = state.grounds if not self.has("new-objection") else frozenset()
        phase = "stopping" if ends else state.phase
        made = state._replace(objection="standing", grounds=kept, phase=phase, heard=True)
        return made._replace(objection="overruled") if self.overruled(made) else made

    def _signed(self, state: State) -> Iterator[Step]:
        if state.phase not in ("asking", "answered"):
            return
        mine = Yes(self.requester, self.asks_as, state.version)
        if mine not in state.requested and self.need == "two":
            yield f"reviewed request {mine.who} {mine.function}", state._replace(requested=state.requested | {mine})
        if state.phase == "answered" or self.asked_of_nobody:
            for who, function in self.approvers:
                one = Yes(who, function, state.version)
                if self.may_approve(who, function) and who not in state.lost and one not in state.yes:
                    yield f"reviewed approve {who} {function}", state._replace(yes=state.yes | {one})
                    yield f"reviewed deny {who} {function}", state._replace(is_denied=True)
        if state.objection == "standing":
            for who, function in self.overrulers:
                one = Yes(who, function, state.version)
                if one not in state.grounds and who not in state.lost and self.may_approve(who, function):
                    made = state._replace(grounds=state.grounds | {one}, heard=False)
                    made = made._replace(objection="overruled", phase="answered") if self.overruled(made) else made
                    yield f"reviewed overrule {who} {function}", made

    def _worker(self, state: State) -> Iterator[Step]:
        if state.worker == "idle" and self.may_set(state):
            yield "intended apply", self._intend(state)
            if state.open_act == "apply":  # it is recorded already, and the same is found
                yield "(tries again)", self._intend(state)._replace(seen=state.seen)
            if not self.has("intended-first"):
                yield "(begins)", state._replace(worker="intended", phase="setting", begun=self.so_far(state))
        if state.worker == "intended":
            yield from self._setting(state)
        if state.worker == "written" and (state.phase == "setting" or not self.has("compare")):
            done = state._replace(worker="idle", phase="live", open_act="", was_set=True)
            yield "done apply", done._replace(twice="done" if state.was_set else state.twice)
        if state.worker in ("intended", "written") and state.phase != "setting":
            yield "(finds the case changed)", state._replace(worker="idle")
        if state.phase == "setting" and state.worker == "idle":
            yield "failed apply", state._replace(phase="stopping")
        yield from self._ending(state)

    def _setting(self, state: State) -> Iterator[Step]:
        if not state.seen:
            yield "(a witness sees it)", state._replace(seen=True)
        if state.seen or not self.has("witness-first"):
            if state.ours and self.has("reads-first"):
                yield "(ours is there)", state._replace(worker="written")
            else:
                twice = "set" if state.ours else state.twice
                yield "(set)", state._replace(worker="written", ours=True, twice=twice)
        if state.phase == "setting" and not state.ours:
            yield "failed apply", state._replace(worker="idle", phase="over", open_act="")

    def may_set(self, state: State) -> bool:
        if state.phase == "setting":
            return self.may_begin(state) or not self.has("judged-again")
        is_open = state.phase in SETTABLE or (state.phase in OVER and not self.has("over-is-over"))
        return is_open and (state.phase != "asking" or self.asked_of_nobody) and self.may_begin(state)

    def _intend(self, state: State) -> State:
        made = state._replace(worker="intended", phase="setting", open_act="apply", seen=False)
        return made._replace(begun=self.so_far(state))

    def so_far(self, state: State) -> Begun:
        eyes = (*state.yes, *state.grounds, *state.requested)
        held = frozenset(one for one in eyes if one.who not in state.lost)
        agreed = state.consent == state.version
        return Begun(held, state.version, state.is_denied, state.objection, state.grounds, agreed)

    def _looked(self, state: State) -> Iterator[Step]:
        """The steps of a search: only while it is open; what comes of one that was begun is recorded whatever came in between."""
        if not self.searches:
            return
        if state.phase == "live" and not state.under_way:
            yield "step begun", state._replace(under_way=True)
            yield "step of two", state
        if state.phase == "live":
            yield "incident apply", state._replace(phase="stopping")
            yield "failed look", state._replace(phase="stopping")
        if state.phase in STANDS:
            yield "step closed", state._replace(under_way=False)
        if state.under_way and state.phase in STANDS:
            yield "step taken", state._replace(under_way=False)

    def _ending(self, state: State) -> Iterator[Step]:
        if state.phase == "stopping" and state.worker == "idle" and self.has("can-end"):
            yield "intended end", state._replace(phase="ending", worker="ends", open_act="end")
        if state.phase == "ending" and state.worker == "idle":
            yield "intended end", state._replace(worker="ends")
            yield "(tries again)", state._replace(worker="ends")
        if state.worker == "ends":
            if state.ours:
                yield "(taken away)", state._replace(ours=False)
            if not state.ours or not self.has("takes-away"):
                yield "ended", state._replace(phase="ended", worker="idle", open_act="")

    def _afterwards(self, state: State) -> Iterator[Step]:
        if state.phase not in OVER:
            return
        if not state.told or not self.has("told-once"):
            yield "accounted", state._replace(told=min(2, state.told + 1))
        if state.told or not self.has("told-first"):
            yield "(erased)", state._replace(erased=True)
