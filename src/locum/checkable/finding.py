"""What checking an account brings out: one finding after the other, in the order in which a person would ask. Values only.

Their sentences are in messages/<language>/verify.toml, by check and key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from locum.herkey import HerKey

CHECKS: Final = ("origin", "complete", "unchanged", "allowed", "signed", "pairs")
"""The names of the checks, as docs/spec/account.md has them, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`holds`: True, False, or None where something is only to be known. `key` names its sentence, `values` fill it. `seq` is
    the number of her entry that it is about, `index` its place in the log.
    """

    check: str
    key: str
    holds: bool | None = True
    values: Mapping[str, str] = field(default_factory=dict)
    seq: int | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """All that was found. `entries` is how many places her stream has, `erased` how many of them are empty, `size` how many
    leaves the log has; `has_key` whether her own key file was at hand; `is_quiet`: nothing was ever asked or done, at most her
    key was handed over.
    """

    stream: str
    entries: int
    erased: int
    size: int
    has_key: bool
    is_quiet: bool
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found that does not hold."""
        return all(one.holds is not False for one in self.findings)

    def of(self, check: str) -> tuple[Finding, ...]:
        """The findings of one check."""
        return tuple(one for one in self.findings if one.check == check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What whoever checks holds against the file: her own key file, the keys of witnesses that she was told, the signed notes
    of files that she got earlier.
    """

    key: HerKey | None = None
    witnesses: Sequence[str] = ()
    earlier: Sequence[bytes] = ()


Findings = Iterator[Finding]


def numbered(values: Mapping[str, object]) -> Mapping[str, str]:
    """Values as text."""
    return {name: str(value) for name, value in values.items()}
