"""What acts are judged against: the policies as they came one after the other, the register as far as it stood, the log; and one
act with all that it was judged by. Values only; nothing is judged here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from locum.checkable.asked import Asked
from locum.checkable.file import File
from locum.checkable.finding import Finding
from locum.checkable.origin import Log
from locum.entry import Entry
from locum.errors import LocumError
from locum.measure import instant
from locum.policy import Facts, Policy, Question, digest_of, load
from locum.register import Grown, Register, grown


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What acts are judged against: the policies in the order of the log, and the register. Read policies are kept."""

    file: File
    log: Log
    policies: Sequence[Entry]
    register: Sequence[Entry]
    _read: dict[str, Policy | None] = field(default_factory=dict)
    _registers: dict[int, Register] = field(default_factory=dict)

    def policy(self, name: str) -> Policy | None:
        """The policy with this hash; None where its text is not in the file, or is another one."""
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> Policy | None:
        text = self.file.policies.texts.get(name) if self.file.policies is not None else None
        if text is None or hashlib.sha256(text.encode()).hexdigest() != name:
            return None
        try:
            return load(text, kept=True)
        except LocumError:
            return None

    def reads_otherwise(self, policy: Policy) -> bool:
        """Whether this version of the program reads other values in a policy than the one did that recorded it."""
        told = [one.body.get("values") for one in self.policies if one.body.get("hash") == policy.hash]
        return bool(told) and digest_of(policy) not in told

    def in_force(self, index: int) -> str:
        """The hash of the policy that was in force at this place of the log; empty before the first."""
        told = [str(one.body.get("hash", "")) for one in self.policies if one.index < index]
        return told[-1] if told else ""

    def register_at(self, index: int) -> Register:
        """The register as far as it stood before this place. Raises Garbled."""
        before = [one for one in self.register if one.index < index]
        if len(before) not in self._registers:
            sites = self.file.register.sites if self.file.register is not None else ()
            founded = self.file.register.founded if self.file.register is not None else ()
            found = grown(Grown(), before, sites, founded=founded)
            self._registers[len(before)] = found.growing.register
        return self._registers[len(before)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An act with all that it was judged by."""

    act: Entry
    before: tuple[Entry, ...]
    asked: Asked
    policy: Policy
    question: Question
    facts: Facts


def against(check: str, key: str, act: Entry, **values: object) -> Finding:
    """What does not hold of an act."""
    told = {name: str(value) for name, value in values.items()}
    about = {"case": act.case, "at": instant(act.time), **told}
    return Finding(check=check, key=key, holds=False, values=about, seq=act.seq, index=act.index)
