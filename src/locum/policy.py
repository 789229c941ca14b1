"""The policy: what may be done, judged by pure functions over one TOML file.

`decide` asks every clause and keeps all that played a part; the strictest answer wins: Refused, then Needs, then Allowed.
Clause numbers are those of the regulation. Reading a file, a clock or a mailbox has no place here.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from locum.absence import Channel
from locum.entry import bad_character
from locum.errors import Invalid
from locum.measure import Audience

_REASONS = Literal[
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
_LATER_MEASURES = ("forward", "search")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=lambda name: name)


class Ask(_Table):
    """Clause 6: the ask."""

    channels: Annotated[list[Literal["mobile", "private_mail", "mailbox"]], Field(min_length=1)] = [
        "mobile",
        "private_mail",
        "mailbox",
    ]
    wait_hours: Annotated[float, Field(ge=0, le=2000, strict=False)] = 4
    if_unanswered: Literal["proceed", "review", "stop"] = "proceed"


class ReviewRule(_Table):
    """Clause 7: who looks besides."""

    count: Annotated[int, Field(ge=0, le=5)] = 0
    functions: list[str] = ["manager", "hr"]


class AutoReplyRules(_Table):
    """Everything the policy says of auto-replies."""

    reasons: Annotated[list[_REASONS], Field(min_length=1)] = ["forgotten"]
    max_days: Annotated[int, Field(ge=1, le=366)] = 92
    audience: Literal["internal", "known", "everyone"] = "internal"
    free_text: Literal["review", "allowed"] = "review"
    batch_review_above: Annotated[int, Field(ge=0)] = 20
    record_refusals: bool = True
    powers: list[Literal["redirect-mail", "read-mail"]] = ["redirect-mail"]
    ask: Ask = Ask()
    review: ReviewRule = ReviewRule()


def _one_plain_line(value: str) -> str:
    if not value.strip() or "\n" in value or bad_character(value) is not None:
        raise ValueError("one line of text")
    return value.strip()


_Line = Annotated[str, Field(max_length=300), AfterValidator(_one_plain_line)]


class RegulationFields(_Table):
    """What the organisation itself has to fill in. None is open: shown so in the regulation, and told by `policy check`."""

    adopted_by: _Line | None = None
    adopted_on: date | None = None
    ground: Literal["legitimate-interest", "public-task"] = "legitimate-interest"
    works_council: _Line | None = None
    works_council_on: date | None = None
    register_entry: Annotated[_Line | None, Field(alias="register")] = None
    dpia_on: date | None = None
    known_on: date | None = None
    known_where: _Line | None = None
    privacy_officer: _Line | None = None
    authority: _Line | None = None
    private_use: Literal["allowed", "tolerated", "forbidden"] | None = None

    @model_validator(mode="after")
    def _no_consent_without_a_council(self) -> "RegulationFields":
        if self.works_council == "none" and self.works_council_on is not None:
            raise ValueError('works_council = "none" and works_council_on contradict each other (clause 3)')
        return self


@dataclass(frozen=True, slots=True)
class OpenField:
    """A field that is not filled in: its key in [regulation], its clause, and the measures that are refused meanwhile."""

    key: str
    clause: int
    refused: tuple[str, ...] = ()


_FIELDS = (
    OpenField("adopted_by", 3),
    OpenField("adopted_on", 3),
    OpenField("works_council", 3, _LATER_MEASURES),
    OpenField("works_council_on", 3, _LATER_MEASURES),
    OpenField("register", 3, _LATER_MEASURES),
    OpenField("dpia_on", 3, _LATER_MEASURES),
    OpenField("known_on", 4),
    OpenField("known_where", 4),
    OpenField("privacy_officer", 16),
    OpenField("authority", 16),
    OpenField("private_use", 19),
)


class _File(_Table):
    preset: Literal["nl"] = "nl"
    regulation: RegulationFields = RegulationFields()
    auto_reply: Annotated[AutoReplyRules, Field(alias="auto-reply")]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as enforced, its text, and its hash (SHA-256 of the text, hex), which is part of every case."""

    auto_reply: AutoReplyRules
    text: str
    hash: str
    regulation: RegulationFields = field(default_factory=RegulationFields)

    @property
    def open_fields(self) -> tuple[OpenField, ...]:
        """What the organisation has yet to fill in, in the order of the clauses."""
        filled = self.regulation.model_dump(by_alias=True)
        if filled["works_council"] == "none":
            filled["works_council_on"] = "none"
        return tuple(one for one in _FIELDS if filled[one.key] is None)


def shipped() -> str:
    """The text of the policy that comes with Locum."""
    return files("locum").joinpath("policy.toml").read_text("utf-8")


def load(text: str | None = None) -> Policy:
    """Read a policy from TOML text, None for the shipped one.

    Raises Invalid `policy-not-toml` or `policy-mistake` (name, line, what).
    """
    text = shipped() if text is None else text
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("policy-not-toml", what=error) from error
    for measure in _LATER_MEASURES:  # their rules are read when these measures exist
        table.pop(measure, None)
    try:
        read = _File.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise Invalid("policy-mistake", name=path, line=_line_of(text, first["loc"]), what=first["msg"]) from None
    return Policy(read.auto_reply, text, hashlib.sha256(text.encode()).hexdigest(), read.regulation)


def check_reviewers(policy: Policy, functions: Sequence[str]) -> None:
    """Whether the reviews that the policy asks for can be given. `functions` are those on file, one for each person.

    Raises Invalid `policy-no-reviewers` (clause 7) with the line.
    """
    rules = policy.auto_reply
    can_ask = rules.free_text == "review" or rules.ask.if_unanswered == "review"
    wanted = max(rules.review.count, int(can_ask))
    there = sum(function in rules.review.functions for function in functions)
    if there < wanted:
        line = _line_of(policy.text, ("review", "functions"))
        named = ", ".join(rules.review.functions)
        raise Invalid("policy-no-reviewers", clause=7, line=line, functions=named, wanted=wanted, there=there)


def _line_of(text: str, path: tuple[int | str, ...]) -> str:
    """The line that names the last key of `path`, `?` where none does."""
    keys = [str(part) for part in path if isinstance(part, str)]
    for number, line in enumerate(text.splitlines(), 1):
        if keys and re.match(rf"\s*(\[.*\b)?{re.escape(keys[-1])}\b", line):
            return str(number)
    return "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the policy: a request for an auto-reply, whoever filed it and however. `powers` are what the
    credential of her mail system could do besides: redirect-mail, read-mail.
    """

    reason: str
    from_date: datetime
    to_date: datetime
    audience: Audience
    external_is_template: bool
    batch_size: int
    requester: str
    owner: str
    requester_function: str = ""
    powers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What has happened so far. `heard_by` is who noted her answer, empty where she gave it herself. `reviews` are (person, decision, function) of people other than requester and owner."""

    channels: frozenset[Channel]
    asked: frozenset[Channel] = frozenset()
    deadline_at: datetime | None = None
    answer: str = ""
    heard_by: str = ""
    reads_along: bool = False
    reviews: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go ahead."""

    clauses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """Not yet. `what`: ask, answer, or review."""

    what: str
    clauses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class No:
    """Refused: the first clause that says so, the message key of its sentence, and every clause that played a part."""

    clause: int
    key: str
    values: Mapping[str, str]
    clauses: tuple[int, ...] = ()


Verdict = Allowed | Needs | No
_ORDER = ("ask", "answer", "review")
AGREED = frozenset({"agreed", "own-text"})


def decide(policy: Policy, question: Question, facts: Facts, now: datetime) -> Verdict:
    """Whether the request may go ahead at `now`. Every clause is asked; the strictest answer wins, whatever the order."""
    rules = policy.auto_reply
    spoken = [(clause, verdict) for clause, ask in _CLAUSES for verdict in ask(rules, question, facts, now)]
    part = tuple(sorted({clause for clause, _ in spoken}))
    refusals = [verdict for _, verdict in spoken if isinstance(verdict, No)]
    if refusals:
        first = min(refusals, key=lambda no: (no.clause, no.key))
        return No(first.clause, first.key, first.values, part)
    needs = [verdict.what for _, verdict in spoken if isinstance(verdict, Needs)]
    if needs:
        return Needs(min(needs, key=_ORDER.index), part)
    return Allowed(part)


_Clause = Callable[[AutoReplyRules, Question, Facts, datetime], list[Verdict]]


def _purpose(rules: AutoReplyRules, question: Question, _facts: Facts, _now: datetime) -> list[Verdict]:
    if question.reason in rules.reasons:
        return [Allowed()]
    return [No(1, "reason-not-listed", {"reason": question.reason, "reasons": ", ".join(rules.reasons)})]


def _no_longer_than_needed(rules: AutoReplyRules, question: Question, _facts: Facts, _now: datetime) -> list[Verdict]:
    # The window is counted in elapsed days plus an hour, so that 92 calendar days over a clock change still fit.
    if question.to_date - question.from_date <= timedelta(days=rules.max_days, hours=1):
        return []
    return [No(5, "longer-than-allowed", {"max_days": str(rules.max_days)})]


def _least_power(rules: AutoReplyRules, question: Question, _facts: Facts, _now: datetime) -> list[Verdict]:
    # Promise 2: what could do more than set an auto-reply has to be allowed by name.
    more = sorted(question.powers - set(rules.powers))
    return [No(5, "power-not-allowed", {"powers": ", ".join(more)})] if more else []


def _the_ask(  # noqa: PLR0911  one exit per answer, in the order in which they are asked
    rules: AutoReplyRules, question: Question, facts: Facts, now: datetime
) -> list[Verdict]:
    wanted = facts.channels & {Channel(name) for name in rules.ask.channels}
    if not wanted:
        return [No(6, "no-channel", {})]
    if facts.answer == "objected":
        return [No(6, "objected", {})]
    if facts.answer in AGREED:
        return [Allowed()]
    if facts.reads_along and facts.answer == "unanswered":
        return [No(6, "reads-along", {})]
    if not wanted <= facts.asked:
        return [Needs("ask")]
    if facts.deadline_at is None or now < facts.deadline_at:
        return [Needs("answer")]
    match rules.ask.if_unanswered:
        case "stop":
            return [No(6, "unanswered-stops", {})]
        case "review":
            return _unless_reviewed(rules, question, facts, 1)
    return [Allowed()]


def _wording(rules: AutoReplyRules, question: Question, facts: Facts, _now: datetime) -> list[Verdict]:
    free = question.audience is not Audience.INTERNAL and not question.external_is_template
    if free and rules.free_text == "review":
        return _unless_agreed(rules, question, facts)
    return []


def _batch(rules: AutoReplyRules, question: Question, facts: Facts, _now: datetime) -> list[Verdict]:
    if question.batch_size > rules.batch_review_above:
        return _unless_agreed(rules, question, facts)
    return []


def _four_eyes(rules: AutoReplyRules, question: Question, facts: Facts, _now: datetime) -> list[Verdict]:
    if any(decision == "deny" for _, decision, _ in facts.reviews):
        return [No(7, "denied", {})]
    return _unless_reviewed(rules, question, facts, rules.review.count)


def _unless_agreed(rules: AutoReplyRules, question: Question, facts: Facts) -> list[Verdict]:
    # An agreement that only the requester heard would let one person publish in her name.
    if facts.answer in AGREED and facts.heard_by != question.requester:
        return [Allowed()]
    return _unless_reviewed(rules, question, facts, 1)


def _unless_reviewed(rules: AutoReplyRules, question: Question, facts: Facts, count: int) -> list[Verdict]:
    """Persons are counted, never accounts; neither the requester nor the person concerned is one of them, nor anybody of
    the requester's function (clause 7).
    """
    approving = {
        person
        for person, decision, function in facts.reviews
        if decision == "approve"
        and person not in (question.requester, question.owner)
        and function in rules.review.functions
        and function != question.requester_function
    }
    return [] if len(approving) >= count else [Needs("review")]


_CLAUSES: tuple[tuple[int, _Clause], ...] = (
    (1, _purpose),
    (5, _no_longer_than_needed),
    (5, _least_power),
    (6, _the_ask),
    (7, _four_eyes),
    (8, _wording),
    (8, _batch),
)
