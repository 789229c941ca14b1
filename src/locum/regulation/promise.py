"""One promise of the regulation, as a row of the table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """`key` is the sentence (`regulation.promise.<key>`, with variants below it where settings choose); `rule` a dotted name
    under `locum`; `tests` are FILE::NAME under tests/; `settings` are paths in the policy.
    """

    key: str
    rule: str
    tests: tuple[str, ...]
    settings: tuple[str, ...] = ()

    @property
    def clause(self) -> int:
        """The clause it stands in."""
        return int(self.key.partition(".")[0])


def row(key: str, rule: str, tests: str, settings: str = "") -> Promise:
    return Promise(key, rule, tuple(tests.split()), tuple(settings.split()))
