"""What the policy says around the measures: what an organisation fills in, and what holds for all measures alike.

One frozen table for each clause that has something to set; clauses 5, 8, 9 and 10 stand with the measures (measures.py),
and clause 20 has nothing to set. Nothing here judges.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from locum.addresses import exception
from locum.entry import bad_character
from locum.errors import Invalid
from locum.policy.measures import FunctionName, Hours, HyphenTable, Reason, Table


def _one_plain_line(value: str) -> str:
    if not value.strip() or "\n" in value or bad_character(value) is not None:
        raise ValueError("one line of text")
    return value.strip()


def _plain_text(value: str) -> str:
    if not value.strip() or bad_character(value) is not None:
        raise ValueError("text")
    return value.strip()


def _correspondent(value: str) -> str:
    try:
        return exception(value)
    except Invalid:
        raise ValueError("an address, or a domain") from None


Line = Annotated[str, Field(max_length=300), AfterValidator(_one_plain_line)]
Text = Annotated[str, Field(max_length=4000), AfterValidator(_plain_text)]
Correspondents = list[Annotated[str, AfterValidator(_correspondent)]]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Marks = dict[LanguageCode, list[Line]]

Circumstance = Literal["death", "dispute"]
Sensitivity = Literal["personal", "private"]
Protection = Literal["senders", "folders", "words"]

_NOBODY: list[str] = []
_DECIDING = ["manager", "hr", "dpo"]
_OFFICER = ["dpo"]
_HR = ["hr"]
_FIGURES = ["council", "dpo"]
_CIRCUMSTANCES: list[Circumstance] = ["death", "dispute"]
_SENSITIVITY: list[Sensitivity] = ["personal", "private"]
_LABELS = ["$Private", "Privé", "Private"]
_PROTECTIONS: list[Protection] = ["senders", "folders", "words"]
_LEAVING: list[Reason] = ["departure", "death", "long-absence"]


class RegulationFields(Table):
    """What the organisation itself has to fill in. None is open: shown so in the regulation, and told by `policy check`."""

    adopted_by: Line | None = None
    adopted_on: date | None = None
    ground: Literal["legitimate-interest", "public-task"] = "legitimate-interest"
    works_council: Line | None = None
    works_council_on: date | None = None
    register_entry: Annotated[Line | None, Field(alias="register")] = None
    dpia_on: date | None = None
    known_on: date | None = None
    known_where: Line | None = None
    privacy_officer: Line | None = None
    authority: Line | None = None
    private_use: Literal["allowed", "tolerated", "forbidden"] | None = None

    @model_validator(mode="after")
    def _no_consent_without_a_council(self) -> "RegulationFields":
        if self.works_council == "none" and self.works_council_on is not None:
            raise ValueError('works_council = "none" and works_council_on contradict each other (clause 3)')
        return self


class Weighing(Table):
    """Clause 2: the organisation's own answers to the six questions of Barbulescu (ECHR 61496/08, paragraph 121)."""

    notice: Text | None = None
    extent: Text | None = None
    reasons: Text | None = None
    lighter: Text | None = None
    consequences: Text | None = None
    safeguards: Text | None = None


class Known(HyphenTable):
    """Clause 4: what stands for somebody who was never told. `ask`: the question tells her, and that is enough;
    `agreement`: it tells her, and her silence is no answer.
    """

    auto_reply: Literal["ask", "agreement"] = "ask"
    forward: Literal["ask", "agreement"] = "agreement"
    search: Literal["ask", "agreement"] = "agreement"


class Requesters(HyphenTable):
    """Clause 4, "by whom": the functions that may ask for a measure; none named is everybody."""

    auto_reply: list[FunctionName] = _NOBODY
    forward: list[FunctionName] = _NOBODY
    search: list[FunctionName] = _NOBODY


class Hurry(Table):
    """Clause 6: a shorter wait, with a recorded reason and an approver; or never."""

    shorter: Literal["review", "never"] = "review"


class Objection(Table):
    """Clause 6: by whom an objection can be overruled. `approvers` are persons of as many different functions."""

    overrule: Literal["review", "never"] = "review"
    approvers: Annotated[int, Field(ge=2, le=5)] = 2
    functions: list[FunctionName] = _DECIDING


class FourEyes(Table):
    """Clause 7: when the data protection officer is one of those who look, and which function that is; and after how many
    working hours one more is asked, 0 for all at once.
    """

    officer: FunctionName = "dpo"
    escalate_hours: Hours = 4
    officer_for: list[Circumstance] = _CIRCUMSTANCES


def _marks(**words: str) -> Marks:
    return {language: text.split(" ") for language, text in words.items()}


class Private(Table):
    """Clause 11: what marks mail as private, per language. Encrypted mail is private always."""

    folders: Marks = _marks(
        nl="privé prive persoonlijk", en="private personal", de="privat persönlich", fr="privé personnel", it="privato"
    )
    subject_tags: Marks = _marks(
        nl="privé prive persoonlijk", en="private personal", de="privat persönlich", fr="privé personnel", it="privato"
    )
    sensitivity: list[Sensitivity] = _SENSITIVITY
    labels: list[Line] = _LABELS

    @property
    def marks(self) -> tuple[str, ...]:
        """All subject tags once, in the order of the file."""
        return tuple(dict.fromkeys(mark for marks in self.subject_tags.values() for mark in marks))


class Confidential(HyphenTable):
    """Clause 12: addresses and domains that are confidential correspondents, by role."""

    works_council: Correspondents = _NOBODY
    company_doctor: Correspondents = _NOBODY
    confidential_adviser: Correspondents = _NOBODY
    union: Correspondents = _NOBODY
    lawyer: Correspondents = _NOBODY
    privacy_officer: Correspondents = _NOBODY
    complaints_committee: Correspondents = _NOBODY

    @property
    def never(self) -> tuple[str, ...]:
        """All of them once, whatever their role."""
        roles: list[list[str]] = [getattr(self, name) for name in type(self).model_fields]
        return tuple(dict.fromkeys(one for role in roles for one in role))


class Protections(Table):
    """Clause 13: what she may protect beforehand; sealed."""

    kinds: list[Protection] = _PROTECTIONS


class Notify(Table):
    """Who is told besides her and the requester, by function (clauses 6 and 14)."""

    objection: list[FunctionName] = _NOBODY
    incident: list[FunctionName] = _OFFICER


class Keeping(Table):
    """Clause 15."""

    list_hours: Annotated[int, Field(ge=1, le=168)] = 24
    list_days: Annotated[int, Field(ge=1, le=31)] = 7
    record_months: Annotated[int, Field(ge=1, le=120)] = 24


class AccountRules(Table):
    """Clause 16."""

    when: Literal["at-once", "on-return"] = "at-once"
    within_days: Annotated[int, Field(ge=1, le=366)] = 31


class Departure(Table):
    """Clause 17. Months of 31 days at most: one is 31 days, three are 92. `contact` are the functions that keep the contact."""

    reasons: list[Reason] = _LEAVING
    months: Annotated[int, Field(ge=1, le=12)] = 1
    max_months: Annotated[int, Field(ge=1, le=12)] = 3
    forward: Literal["allowed", "refused"] = "allowed"
    contact: Annotated[list[FunctionName], Field(min_length=1)] = _HR


class Figures(Table):
    """Clause 18: numbers below `hide_below` are hidden; `to` are the functions that get the figures."""

    hide_below: Annotated[int, Field(ge=0, le=100)] = 5
    to: list[FunctionName] = _FIGURES


class Beforehand(Table):
    """Clause 19: persons or functions who see who is away without a reply, besides those whom the settings name."""

    gaps_visible_to: list[Line] = _NOBODY
