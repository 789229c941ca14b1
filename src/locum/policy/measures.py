"""What the policy says of each measure: reasons, length, powers, the ask, the review. One table each, frozen.

Defaults are those of the preset `nl`, and every number is a proposal. What a table says of the world around the measures
is in around.py; nothing here judges.
"""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Reason = Literal[
    "forgotten",
    "continuity",
    "handover",
    "deadline",
    "customer",
    "closing",
    "long-absence",
    "departure",
    "death",
]
Power = Literal["redirect-mail", "read-mail"]
ChannelName = Literal["mobile", "private_mail", "mailbox"]
Judgement = Literal["refuse", "review", "warn", "allow"]
FunctionName = Annotated[str, Field(pattern=r"^[^\s,](?:[^\n,]{0,38}[^\s,])?$")]
Days = Annotated[int, Field(ge=1, le=366)]
Hours = Annotated[float, Field(ge=0, le=2000, strict=False, allow_inf_nan=False)]

MEASURES = ("auto-reply", "forward", "search")
"""The measures that have a table of their own, from light to heavy."""
REASONS: tuple[str, ...] = get_args(Reason)
"""Every reason that a policy may have."""
_AT_WORK: list[Reason] = ["continuity", "handover", "deadline", "customer", "long-absence", "departure", "death"]
_CHANNELS: list[ChannelName] = ["mobile", "private_mail", "mailbox"]


class Table(BaseModel):
    """A table of the policy's file: an unknown key is a mistake, and nothing is taken for something else."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True, alias_generator=lambda name: name
    )


class HyphenTable(Table):
    """A table whose keys are names of measures, roles or kinds, written with hyphens."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))


class Ask(Table):
    """Clause 6: the ask. Hours are working hours of her time zone."""

    channels: Annotated[list[ChannelName], Field(min_length=1)] = _CHANNELS
    wait_hours: Hours = 4
    if_unanswered: Literal["proceed", "review", "stop"] = "proceed"


class ReplyAsk(Ask):
    """Clause 6, for an auto-reply: a template may wait shorter than somebody's own text. None: it waits just as long."""

    template_wait_hours: Hours | None = None


class ForwardAsk(Ask):
    """Clause 6, for a forward: one working day."""

    wait_hours: Hours = 8


class SearchAsk(Ask):
    """Clause 6, for a search: two working days."""

    wait_hours: Hours = 16


class ReviewRule(Table):
    """Clause 7: who looks besides."""

    count: Annotated[int, Field(ge=0, le=5)] = 0
    functions: list[FunctionName] = ["manager", "hr"]


class SignedReview(ReviewRule):
    """Clause 7, where somebody always looks. `signed`: an approval that is only recorded does not do."""

    count: Annotated[int, Field(ge=0, le=5)] = 1
    functions: list[FunctionName] = ["manager", "hr", "dpo"]
    signed: bool = True


class Wording(HyphenTable):
    """Clause 8: what the linter does about each kind of thing that tells too much (wording.Kind)."""

    illness: Judgement = "refuse"
    departure: Judgement = "refuse"
    whereabouts: Judgement = "refuse"
    return_date: Judgement = "refuse"
    private_number: Judgement = "refuse"
    third_person_data: Judgement = "warn"
    promise: Judgement = "warn"
    link: Judgement = "warn"
    bank_account: Judgement = "warn"
    more_than_away: Judgement = "review"


class MeasureRules(Table):
    """What every measure has."""

    reasons: Annotated[list[Reason], Field(min_length=1)] = _AT_WORK
    powers: list[Power] = ["redirect-mail"]
    record_refusals: bool = True
    witness: Literal["later", "wait", "required"] = "wait"
    ask: Ask = Field(default_factory=Ask)
    review: ReviewRule = Field(default_factory=ReviewRule)


class AutoReplyRules(MeasureRules):
    """Everything the policy says of auto-replies but their wording (Policy.wording)."""

    reasons: Annotated[list[Reason], Field(min_length=1)] = [
        "forgotten",
        "continuity",
        "handover",
        "customer",
        "long-absence",
        "departure",
        "death",
        "closing",
    ]
    max_days: Days = 92
    audience: Literal["internal", "known", "everyone"] = "internal"
    free_text: Literal["review", "allowed"] = "review"
    batch_review_above: Annotated[int, Field(ge=0)] = 20
    witness: Literal["later", "wait"] = "later"


class AutoReplyTable(AutoReplyRules):
    """[auto-reply] as it is written, with what is told apart once it is read."""

    ask: ReplyAsk = Field(default_factory=ReplyAsk)
    wording: Wording = Field(default_factory=Wording)


class ForwardRules(MeasureRules):
    """Clause 9: new mail copied to a colleague or a functional mailbox."""

    max_days: Days = 28
    default_days: Days = 14
    senders: Literal["internal", "external", "everyone"] = "everyone"
    receivers: Literal["internal"] = "internal"
    consent: Literal["everyone", "persons"] = "everyone"
    to_requester: Literal["review", "refuse"] = "review"
    witness: Literal["later", "wait"] = "wait"
    ask: ForwardAsk = Field(default_factory=ForwardAsk)
    review: SignedReview = Field(default_factory=SignedReview)


class SearchRules(MeasureRules):
    """Clauses 5 and 10: one message found."""

    powers: list[Power] = ["read-mail"]
    alternatives: list[Literal["auto-reply", "sender-resends", "colleagues-copies", "shared-mailbox"]] = [
        "auto-reply",
        "sender-resends",
        "colleagues-copies",
        "shared-mailbox",
    ]
    at_least: Annotated[int, Field(ge=1, le=3)] = 2
    days_before: Annotated[int, Field(ge=0, le=366)] = 30
    counts_max: Annotated[int, Field(ge=1, le=100)] = 5
    counts_per_month: Annotated[int, Field(ge=1, le=1000)] = 10
    buckets: Annotated[list[Annotated[int, Field(ge=0, le=1000)]], Field(min_length=1)] = [0, 5, 20]
    too_broad_above: Annotated[int, Field(ge=1, le=1000)] = 20
    words_in: Literal["anywhere", "subject"] = "anywhere"
    agreement: Literal["no", "private-use", "always"] = "no"
    present: Literal["no", "offered"] = "no"
    witness: Literal["wait", "required"] = "required"
    ask: SearchAsk = Field(default_factory=SearchAsk)
    review: SignedReview = Field(default_factory=SignedReview)
