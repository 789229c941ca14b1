"""What the API answers with, as its description says it. The values themselves are made by locum.shapes, as for --json.

Nothing is checked against these while serving; the tests hold every answer to them.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from locum.web.api.asking import AudienceName, CaseId, SendersName, Strict, WordsInName

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="UTC.")]
StateName = Literal[
    "requested",
    "asking",
    "agreed",
    "objected",
    "unanswered",
    "awaiting-review",
    "approved",
    "scheduled",
    "applying",
    "applied",
    "ending",
    "ended",
    "accounted",
    "withdrawn",
    "refused",
    "expired",
    "failed",
]


class Reply(Strict):
    """An auto-reply of a case."""

    measure: Literal["auto-reply"]
    from_: Annotated[Instant, Field(alias="from")]
    until: Instant
    template: str
    handle: str
    from_date: Instant
    to_date: Instant
    subject: str
    text_body: str
    html_body: str | None
    external_text: str | None
    external_html: str | None
    audience: AudienceName
    exceptions: list[str]
    addresses: list[str]
    internal_domains: list[str]


class Forward(Strict):
    """A forward of a case."""

    measure: Literal["forward"]
    from_: Annotated[Instant, Field(alias="from")]
    until: Instant
    handle: str
    from_date: Instant
    to_date: Instant
    to: str
    senders: SendersName
    addresses: list[str]
    internal_domains: list[str]
    never: list[str]
    private_marks: list[str]


class Alternative(Strict):
    """What was tried before a search was asked for, and on which day."""

    what: str
    on: str


class Question(Strict):
    """What is looked for; a date that is not asked is ""."""

    senders: list[str]
    words: list[str]
    words_in: WordsInName
    since: str
    before: str


class Search(Strict):
    """One message to be found."""

    measure: Literal["search"]
    from_: Annotated[Instant, Field(alias="from")]
    until: Instant
    handle: str
    from_date: Instant
    to_date: Instant
    query: Question
    deliver_to: str
    alternatives: list[Alternative]


class Contact(Strict):
    """One attempt to reach her; `by` is who made it, empty for Locum's own."""

    channel: str
    at: Instant
    outcome: str
    by: str
    note: str
    tries: int


class Review(Strict):
    """Who decided what."""

    person: str
    decision: Literal["approve", "deny", "overrule", "request"]


class Consent(Strict):
    """What the receiver of a forward said; it counts for the request that he was shown."""

    to: str
    answer: str
    counts: bool


class Case(Strict):
    """A case, complete."""

    case: CaseId
    state: StateName
    mailbox: str
    measures: list[Annotated[Reply | Forward | Search, Field(discriminator="measure")]]
    person: str
    requester: str
    reason: str
    because: str
    filed_at: Instant
    deadline_at: Instant | None
    not_after: Instant
    connector: str
    batch: str
    answer: str
    answered_at: Instant | None
    contacts: list[Contact]
    reviews: list[Review]
    consents: list[Consent]
    objected_before: str
    contact_person: str
    closes_on: str | None
    outcome: str
    clause: int | None
    trouble: str
    applied_at: Instant | None
    ended_at: Instant | None
    accounted_at: Instant | None
    request: str
    joins: str
    policy: str
    trial: Annotated[bool, Field(default=False, description="Of a forward: are reviews recorded and not signed.")]


class Warning(Strict):  # noqa: A001  what it is
    """What the policy minds in a text, and a wording to use instead. `does` review: she or a reviewer has to agree to it."""

    field: str
    kind: str
    word: str
    does: Literal["refuse", "review", "warn"]
    sentence: str
    advice: str


class FiledCase(Case):
    """A case that was just filed, or changed."""

    warnings: list[Warning]


class Step(Strict):
    """What is still to be done."""

    step: str
    due_at: Instant
    tries: int
    trouble: str
    sentence: str


class ShownCase(Case):
    """A case, and what is still to be done about it. `may_sign`: what you may sign about it now, on the page `sign_at`."""

    jobs: list[Step]
    may_sign: list[Literal["approve", "deny", "overrule", "request"]]
    sign_at: str | None


class Cases(Strict):
    """A page of cases. `next` is the address of the next page, null on the last; a page may hold fewer than asked for."""

    cases: list[Case]
    next: str | None


class WrongOne(Strict):
    """Why one of many was not filed."""

    code: str
    key: str
    clause: int | None
    sentence: str
    left_as: str
    advice: str


class Preview(Strict):
    """What would become of a request; nothing is kept. `refused`: why it would be; `measures` are empty where it is no request
    at all. `answer_by`: until when she would be waited for; `if_unanswered` what follows then; `approvals`: how many of the functions in
    `reviewers` have to say yes; `consent_of`: who has to agree to get her mail.
    """

    refused: WrongOne | None
    measures: list[Annotated[Reply | Forward | Search, Field(discriminator="measure")]]
    warnings: list[Warning]
    asked_by: list[str]
    answer_by: Instant | None
    if_unanswered: Literal["", "proceed", "review", "stop"]
    reviewers: list[str]
    approvals: int
    consent_of: str


class OneOfMany(Strict):
    """What became of one of many: a case, or an error (and the case that records it, where it was refused)."""

    mailbox: str
    case: str | None
    state: StateName | None
    error: WrongOne | None


class Batch(Strict):
    """What became of many, in the order in which they were sent."""

    batch: str
    results: list[OneOfMany]


class Entry(Strict):
    """An entry of the record. Its body is whole for her whose mailbox it is; for others without what people wrote."""

    index: int
    stream: str
    seq: int
    type: str
    time: Instant
    case: str
    body: dict[str, JsonValue]


class Entries(Strict):
    """Entries, oldest first."""

    entries: list[Entry]


class Gap(Strict):
    """Who is away without a reply, or still has one on."""

    person: str
    name: str
    mailbox: str | None
    gap: Literal["no-reply-now", "no-reply-planned", "reply-after-return", "unknown"]
    from_: Annotated[Instant, Field(alias="from")]
    until: Instant
    reminded: bool


class Gaps(Strict):
    """Gaps. `everyone`: of everybody; otherwise only your own."""

    everyone: bool
    gaps: list[Gap]


class Issued(Strict):
    """When figures were issued, and by whom."""

    at: Instant
    by: str


class Figures(Strict):
    """The figures of a year as they were issued (docs/figures.md says what is in them)."""

    hash: str
    issued: Issued
    figures: dict[str, JsonValue]


class Policy(Strict):
    """A policy: its text, and every value in force."""

    policy: str
    since: Instant | None
    until: Instant | None
    previous: str | None
    preset: str
    text: str
    auto_reply: Annotated[dict[str, JsonValue], Field(alias="auto-reply")]
    regulation: dict[str, JsonValue]
    values: dict[str, JsonValue]


class Person(Strict):
    """A colleague as others may know her. `function` is that of the list of people, which proposes; `functions` are those on
    record, in which she may sign.
    """

    person: str
    name: str
    function: str
    functions: list[str]
    manager: str
    mailbox: str | None


class People(Strict):
    """Who has which function, in the order of the list of people."""

    people: list[Person]


class Mistake(Strict):
    """What is wrong in what was sent, and where."""

    at: str
    what: str


class Problem(Strict):
    """Problem details (RFC 9457), in the language of Accept-Language."""

    type: str
    title: str
    status: int
    detail: str
    code: Literal["invalid", "refused", "conflict", "unsupported", "trouble", "error"]
    key: str
    clause: int | None
    left_as: str
    advice: str
    case: Annotated[str, Field(default="")]
    mistakes: Annotated[list[Mistake], Field(default=[])]
