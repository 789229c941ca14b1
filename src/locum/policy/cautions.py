"""What is no mistake in a policy, and should be known all the same: told by `locum policy check`, and it changes nothing. Pure.

Fields that are open are told beside these (regulation.open_warnings). Sentences: messages/<lang>/policy.toml, `warning.`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from locum.messages import say
from locum.policy.file import Policy
from locum.policy.presets import preset


@dataclass(frozen=True, slots=True)
class Caution:
    """`name` is the key of the policy that it is about."""

    name: str
    clause: int
    key: str
    values: Mapping[str, str] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """What should be known."""
        differs = say(language, f"policy.preset.{self.values['preset']}") if "preset" in self.values else ""
        return say(language, f"policy.warning.{self.key}", differs=differs, **self.values)


def cautions(policy: Policy, functions: Sequence[str], today: date) -> tuple[Caution, ...]:
    """In the order of the clauses. `functions` are those on file, one for each person."""
    found = (
        *_of_preset(policy),
        *_of_dates(policy, today),
        *_of_people(policy, set(functions)),
        *_of_correspondents(policy),
    )
    return tuple(sorted(found, key=lambda one: (one.clause, one.name)))


def _of_preset(policy: Policy) -> Iterator[Caution]:
    if preset(policy.preset).is_example:
        yield Caution("preset", 3, "example", {"preset": policy.preset})


def _of_dates(policy: Policy, today: date) -> Iterator[Caution]:
    for one in policy.announced(today):
        yield Caution(f"regulation.{one.key}", one.clause, "not-yet", {"field": one.key})


def _of_people(policy: Policy, there: set[str]) -> Iterator[Caution]:
    rules = policy.objection
    if rules.overrule == "review" and len(there & set(rules.functions)) < rules.approvers:
        yield Caution("objection.functions", 6, "no-overrulers", {"wanted": str(rules.approvers)})
    if policy.four_eyes.officer_for and policy.four_eyes.officer not in there:
        yield Caution("four-eyes.officer", 7, "no-officer", {"function": policy.four_eyes.officer})
    if not there & set(policy.departure.contact):
        yield Caution("departure.contact", 17, "no-contact", {"functions": ", ".join(policy.departure.contact)})


def _of_correspondents(policy: Policy) -> Iterator[Caution]:
    if not policy.confidential.never:
        yield Caution("confidential", 12, "no-correspondents")
