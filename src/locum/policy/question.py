"""What the policy is asked, what it is told, and what it answers. Frozen values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from locum.absence import Channel
from locum.measure import Audience, Senders
from locum.query import Query

AGREED = frozenset({"agreed", "own-text"})
"""The answers that are her agreement."""
FAVOURABLE = frozenset({"approve", "overrule"})
"""The decisions of a reviewer that are a yes. `overrule` is a yes in spite of her objection."""
_NO_QUERY = Query()
_REPLY = frozenset({"auto-reply"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the policy: one or several measures of one case, whoever filed it and however. They share a window,
    and stand and fall together. `powers` are what the credential of her mail system could do besides: redirect-mail,
    read-mail. `words_doubted`: the requester's own words hold what the policy wants somebody to look at (wording). `hurried`: a shorter wait is asked for, with a recorded reason. `disputed`: there is a dispute with her, or she
    is suspended. `reviews_are`: signed, trial (recorded ones are accepted by the settings) or unsigned.

    Of a forward: `forward_to_person` is the receiver's id, empty for a functional mailbox; `forward_inside`: the receiver is
    inside the organisation; `forward_circle`: the addresses of a circle or a chain that was found, in its order. Of a search
    they say the same of whom the message goes to; `query` is what is looked for, `alternatives` what was tried before, and
    `away_since` the beginning of her absence, by the lists of leave; where none has it, when it was asked: a requester's word
    alone makes no absence longer.
    """

    reason: str
    from_date: datetime
    to_date: datetime
    audience: Audience
    external_is_template: bool
    batch_size: int
    words_doubted: bool = False
    requester: str
    owner: str
    requester_function: str = ""
    powers: frozenset[str] = frozenset()
    measures: frozenset[str] = _REPLY
    hurried: bool = False
    disputed: bool = False
    reviews_are: str = "unsigned"
    forward_to: str = ""
    forward_to_person: str = ""
    forward_inside: bool = False
    forward_circle: tuple[str, ...] = ()
    receiver_away: bool = False
    senders: Senders = Senders.EVERYONE
    query: Query = _NO_QUERY
    alternatives: tuple[tuple[str, date], ...] = ()
    away_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What has happened so far. `heard_by` is who noted her answer, empty where she gave it herself. `reviews` are (person,
    decision, function) of others: approve, deny, or overrule (an approval in spite of her objection, with compelling grounds
    in writing). `consent` is what the receiver of a forward answered: "", agreed or declined.
    """

    channels: frozenset[Channel]
    asked: frozenset[Channel] = frozenset()
    deadline_at: datetime | None = None
    answer: str = ""
    heard_by: str = ""
    reads_along: bool = False
    reviews: tuple[tuple[str, str, str], ...] = ()
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go ahead."""

    clauses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """Not yet. `what`: ask, answer, overrule, consent, or review; the first that is to be done."""

    what: str
    clauses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class No:
    """Refused: the first clause that says so, the message key of its sentence, and every clause that played a part.

    `values` go into an entry beside `case`, `clause`, `key`, `mailbox`, `by`, `requester` and `because`: never named like these.
    """

    clause: int
    key: str
    values: Mapping[str, str]
    clauses: tuple[int, ...] = ()


Verdict = Allowed | Needs | No
