"""The life of a case: Case and the state table. The only place where a case changes state.

    requested -> asking -> (agreed | objected | unanswered) -> awaiting-review -> approved -> scheduled
        -> applying -> applied -> ending -> ended -> accounted
    final besides accounted: withdrawn, refused, expired, failed (undone); each of these is accounted for too

The table below is checked against docs/cases.md. Pure: no clock, no store, no mail system.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from locum.errors import Refused
from locum.measure import AutoReply, Forward, Measure, Search


class State(StrEnum):
    """Where a case is; the words of `--state` and of JSON."""

    REQUESTED = "requested"
    ASKING = "asking"
    AGREED = "agreed"
    OBJECTED = "objected"
    UNANSWERED = "unanswered"
    AWAITING_REVIEW = "awaiting-review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    APPLYING = "applying"
    APPLIED = "applied"
    ENDING = "ending"
    ENDED = "ended"
    ACCOUNTED = "accounted"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"


class Event(StrEnum):
    """What moves a case."""

    ASK = "ask"
    JOIN = "join"
    AGREE = "agree"
    OBJECT = "object"
    LAPSE = "lapse"
    NEED_REVIEW = "need-review"
    APPROVE = "approve"
    DENY = "deny"
    OVERRULE = "overrule"
    SCHEDULE = "schedule"
    APPLY = "apply"
    APPLIED = "applied"
    END = "end"
    ENDED = "ended"
    ACCOUNT = "account"
    WITHDRAW = "withdraw"
    REFUSE = "refuse"
    EXPIRE = "expire"
    FAIL = "fail"


_S, _E = State, Event

TABLE: dict[State, dict[Event, State]] = {
    # Another measure joins it: a new request, and she is asked anew.
    _S.REQUESTED: {
        _E.ASK: _S.ASKING,
        _E.JOIN: _S.REQUESTED,
        _E.NEED_REVIEW: _S.AWAITING_REVIEW,  # after a death nobody is asked (clause 17)
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.REFUSE: _S.REFUSED,
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.ASKING: {
        _E.JOIN: _S.REQUESTED,
        _E.AGREE: _S.AGREED,
        _E.OBJECT: _S.OBJECTED,
        _E.LAPSE: _S.UNANSWERED,
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.REFUSE: _S.REFUSED,  # the receiver of a forward does not want it
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.AGREED: {
        _E.JOIN: _S.REQUESTED,
        _E.NEED_REVIEW: _S.AWAITING_REVIEW,
        _E.APPROVE: _S.APPROVED,
        _E.OBJECT: _S.OBJECTED,
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.REFUSE: _S.REFUSED,
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.UNANSWERED: {
        _E.JOIN: _S.REQUESTED,
        _E.AGREE: _S.AGREED,
        _E.NEED_REVIEW: _S.AWAITING_REVIEW,
        _E.APPROVE: _S.APPROVED,
        _E.OBJECT: _S.OBJECTED,
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.REFUSE: _S.REFUSED,
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.AWAITING_REVIEW: {
        _E.JOIN: _S.REQUESTED,
        _E.AGREE: _S.AGREED,
        _E.APPROVE: _S.APPROVED,
        _E.DENY: _S.REFUSED,
        _E.OBJECT: _S.OBJECTED,
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.APPROVED: {_E.SCHEDULE: _S.SCHEDULED, _E.OBJECT: _S.OBJECTED, _E.WITHDRAW: _S.WITHDRAWN, _E.EXPIRE: _S.EXPIRED},
    _S.SCHEDULED: {
        _E.APPLY: _S.APPLYING,
        _E.JOIN: _S.REQUESTED,
        _E.NEED_REVIEW: _S.AWAITING_REVIEW,  # what allowed it no longer holds: judged again right before the act
        _E.AGREE: _S.AGREED,
        _E.OBJECT: _S.OBJECTED,
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.REFUSE: _S.REFUSED,
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.APPLYING: {_E.APPLIED: _S.APPLIED, _E.END: _S.ENDING, _E.FAIL: _S.FAILED},
    _S.APPLIED: {_E.END: _S.ENDING},
    _S.ENDING: {_E.ENDED: _S.ENDED},
    _S.ENDED: {_E.ACCOUNT: _S.ACCOUNTED},
    # An objection rests here until she agrees after all, it is overruled (clause 6), or the request lapses with its end.
    _S.OBJECTED: {
        _E.AGREE: _S.AGREED,
        _E.OVERRULE: _S.AWAITING_REVIEW,
        _E.WITHDRAW: _S.WITHDRAWN,
        _E.REFUSE: _S.REFUSED,
        _E.EXPIRE: _S.EXPIRED,
    },
    _S.ACCOUNTED: {},
    _S.WITHDRAWN: {},
    _S.REFUSED: {},
    _S.EXPIRED: {},
    _S.FAILED: {},
}

FINAL = frozenset(state for state, row in TABLE.items() if not row)
"""Nothing leads on from here. All but `accounted` are still accounted for: `Case.accounted_at` says when."""

ON_SERVER = frozenset({State.APPLYING, State.APPLIED, State.ENDING})
"""States in which something of ours may be set on the mail system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One attempt to reach her. `outcome`: sending, sent, failed, reached, unreached, agreed, objected."""

    channel: str
    at: datetime
    outcome: str
    by: str = ""
    note: str = ""
    tries: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request and all that has become of it.

    `request` is the hash of the canonical request, fixed when filed (docs/spec/record.md). `version` grows with
    every commit and is what the store compares. `policy` is the hash of the policy in force when filed.
    `because` is the requester's own sentence. `template` names the wording, empty for free text. `answer` is what she
    said: agreed, objected, own-text, done-herself; `answered_by` is the person who noted it, empty where it was herself.
    `reviews` are (person, decision, hash of the request that was judged). `outcome` says why it ended: time, owner, requester,
    changed-by-owner, objection, and so on (keys under `words.outcome.` in the messages). `own_reply_found` is whether
    she had a reply of her own when ours was set, None where that could not be seen; `own_forward_found` is the same of a
    forward of her own. `measures` are applied together and
    taken away together, at most one of each kind, all with one window. `consents` are what the receivers of a forward
    answered: (address, agreed or declined, hash of the request that was shown). `joins` is the hash of the request before, where
    a measure joined it. `objected_before` is an earlier case in which
    she objected to the same: her objection there counts here. `contact_person` is the address that senders are told to turn
    to, and `closes_on` the day on which the organisation means to close the mailbox (clause 17).
    """

    id: str
    version: int = 0
    state: State
    mailbox: str
    person: str
    requester: str
    reason: str
    because: str
    measures: tuple[Measure, ...]
    template: str = ""
    filed_at: datetime
    not_after: datetime
    request: str
    nonce: str
    policy: str
    connector: str
    language: str
    batch: str = ""
    batch_size: int = 1
    contacts: tuple[Contact, ...] = ()
    ask_deadline_at: datetime | None = None
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    reviews: tuple[tuple[str, str, str], ...] = ()
    consents: tuple[tuple[str, str, str], ...] = ()
    outcome: str = ""
    clause: int | None = None
    applied_at: datetime | None = None
    ended_at: datetime | None = None
    accounted_at: datetime | None = None
    own_reply_found: bool | None = None
    own_forward_found: bool | None = None
    joins: str = ""
    objected_before: str = ""
    contact_person: str = ""
    closes_on: date | None = None
    trouble: str = ""

    @property
    def reply(self) -> AutoReply | None:
        """The auto-reply of this case, if it has one."""
        return next((one for one in self.measures if isinstance(one, AutoReply)), None)

    @property
    def auto_reply(self) -> AutoReply:
        """The auto-reply, where it is known that there is one. Raises ValueError where there is none."""
        if (reply := self.reply) is None:
            raise ValueError(f"case {self.id} has no auto-reply")
        return reply

    @property
    def forward(self) -> Forward | None:
        """The forward of this case, if it has one."""
        return next((one for one in self.measures if isinstance(one, Forward)), None)

    @property
    def search(self) -> Search | None:
        """The search of this case, if it is one. It stands alone: no other measure joins it."""
        return next((one for one in self.measures if isinstance(one, Search)), None)

    @property
    def receives(self) -> str:
        """The address that gets something of hers: copies of new mail, or the message that is found. Empty where nobody does."""
        if self.search is not None:
            return self.search.deliver_to
        return self.forward.to if self.forward is not None else ""

    @property
    def asks_for(self) -> str:
        """What is asked for, in a word: auto-reply, forward, both, or search."""
        if self.search is not None:
            return "search"
        if self.reply is not None and self.forward is not None:
            return "both"
        return "auto-reply" if self.forward is None else "forward"

    @property
    def from_date(self) -> datetime:
        """The first instant at which anything of this case works."""
        return min(one.from_date for one in self.measures)

    @property
    def to_date(self) -> datetime:
        """The first instant at which nothing of this case works any more."""
        return max(one.to_date for one in self.measures)

    @property
    def is_final(self) -> bool:
        """Nothing more will happen to the mailbox."""
        return self.state in FINAL or self.state is State.ENDED


def may(case: Case, event: Event) -> bool:
    """Whether the table has a way on from here by `event`."""
    return event in TABLE[case.state]


def advance(case: Case, event: Event, **changes: object) -> Case:
    """The case after `event`, with `changes` to other fields.

    Raises Refused (`no-such-step`) where the table has no such way; the case is as it was.
    """
    if not may(case, event):
        raise Refused("no-such-step", case=case.id, state=case.state, event=event)
    return replace(case, state=TABLE[case.state][event], **changes)  # type: ignore[arg-type]
