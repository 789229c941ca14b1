"""The policy's file: TOML text -> Policy, over the values of its preset. Mistakes are found in checking.py.

A policy is its text, the hash of the text, and what is in force: one frozen table for each table of the file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, Field

from locum.policy.around import (
    AccountRules,
    Beforehand,
    Confidential,
    Departure,
    Figures,
    FourEyes,
    Hurry,
    Keeping,
    Known,
    Notify,
    Objection,
    Private,
    Protections,
    RegulationFields,
    Requesters,
    Weighing,
)
from locum.policy.measures import (
    AutoReplyRules,
    AutoReplyTable,
    ForwardRules,
    MeasureRules,
    SearchRules,
    Table,
    Wording,
)

_LATER_MEASURES = ("forward", "search")


class File(Table):
    """The whole file, as it is written."""

    preset: Literal["nl", "be", "de", "fi", "fr", "it", "no"] = "nl"
    regulation: RegulationFields = Field(default_factory=RegulationFields)
    weighing: Weighing = Field(default_factory=Weighing)
    known: Known = Field(default_factory=Known)
    requesters: Requesters = Field(default_factory=Requesters)
    auto_reply: AutoReplyTable = Field(default_factory=AutoReplyTable, alias="auto-reply")
    forward: ForwardRules = Field(default_factory=ForwardRules)
    search: SearchRules = Field(default_factory=SearchRules)
    hurry: Hurry = Field(default_factory=Hurry, alias="ask")
    objection: Objection = Field(default_factory=Objection)
    four_eyes: FourEyes = Field(default_factory=FourEyes, alias="four-eyes")
    private: Private = Field(default_factory=Private)
    confidential: Confidential = Field(default_factory=Confidential)
    protections: Protections = Field(default_factory=Protections)
    notify: Notify = Field(default_factory=Notify)
    keeping: Keeping = Field(default_factory=Keeping)
    account: AccountRules = Field(default_factory=AccountRules)
    departure: Departure = Field(default_factory=Departure)
    figures: Figures = Field(default_factory=Figures)
    beforehand: Beforehand = Field(default_factory=Beforehand)


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
_ATTRIBUTES = {"register": "register_entry"}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as enforced, its text, and its hash (SHA-256 of the text, hex), which is part of every case."""

    auto_reply: AutoReplyRules
    text: str
    hash: str
    regulation: RegulationFields = field(default_factory=RegulationFields)
    preset: str = "nl"
    weighing: Weighing = field(default_factory=Weighing)
    known: Known = field(default_factory=Known)
    requesters: Requesters = field(default_factory=Requesters)
    wording: Wording = field(default_factory=Wording)
    forward: ForwardRules = field(default_factory=ForwardRules)
    search: SearchRules = field(default_factory=SearchRules)
    hurry: Hurry = field(default_factory=Hurry)
    objection: Objection = field(default_factory=Objection)
    four_eyes: FourEyes = field(default_factory=FourEyes)
    private: Private = field(default_factory=Private)
    confidential: Confidential = field(default_factory=Confidential)
    protections: Protections = field(default_factory=Protections)
    notify: Notify = field(default_factory=Notify)
    keeping: Keeping = field(default_factory=Keeping)
    account: AccountRules = field(default_factory=AccountRules)
    departure: Departure = field(default_factory=Departure)
    figures: Figures = field(default_factory=Figures)
    beforehand: Beforehand = field(default_factory=Beforehand)

    @property
    def open_fields(self) -> tuple[OpenField, ...]:
        """What the organisation has yet to fill in, in the order of the clauses."""
        return tuple(one for one in _FIELDS if self._is_open(one))

    def _is_open(self, one: OpenField) -> bool:
        if one.key == "works_council_on" and self.regulation.works_council == "none":
            return False
        return getattr(self.regulation, _ATTRIBUTES.get(one.key, one.key)) is None

    def rules(self, measure: str) -> MeasureRules:
        """The rules of one measure. Raises KeyError for a word that is none."""
        return {"auto-reply": self.auto_reply, "forward": self.forward, "search": self.search}[measure]

    def missing(self, measure: str, today: date | None = None) -> tuple[str, ...]:
        """The open fields while which this measure is refused (clause 3); where it is known what day it is, with those that
        are only announced.
        """
        announced = self.announced(today) if today is not None else ()
        open_now = (one.key for one in _FIELDS if measure in one.refused and (self._is_open(one) or one in announced))
        return tuple(open_now)

    def announced(self, today: date) -> tuple[OpenField, ...]:
        """The fields that hold a measure back and whose day is still to come: until then nobody has consented or assessed."""
        days = {one: getattr(self.regulation, one.key) for one in _FIELDS if one.refused and one.key.endswith("_on")}
        return tuple(one for one, on in days.items() if on is not None and on > today)


def policy_of(read: File, text: str) -> Policy:
    """The policy that a file says."""
    tables = {name: getattr(read, name) for name in File.model_fields}
    return Policy(text=text, hash=hashlib.sha256(text.encode()).hexdigest(), wording=read.auto_reply.wording, **tables)


def shipped() -> str:
    """The text of the policy that comes with Locum."""
    return files("locum").joinpath("policy.toml").read_text("utf-8")


def values(policy: Policy) -> Mapping[str, object]:
    """Every value in force by its path in the file: `forward.ask.wait_hours`."""
    found: dict[str, object] = {}
    for name, field_ in File.model_fields.items():
        path, value = field_.alias or name, getattr(policy, name)
        found |= dict(_flat(path, value)) if isinstance(value, BaseModel) else {path: value}
    found |= dict(_flat("auto-reply.wording", policy.wording))
    return MappingProxyType(found)


def _flat(path: str, table: BaseModel) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, field_ in type(table).model_fields.items():
        inner, value = f"{path}.{field_.alias or name}", getattr(table, name)
        rows += _flat(inner, value) if isinstance(value, BaseModel) else [(inner, value)]
    return rows


def digest_of(policy: Policy) -> str:
    """SHA-256 of every value in force, in hex."""
    written = json.dumps(dict(values(policy)), sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()
