"""How many decisions a second the policy makes: all clauses, an auto-reply and a forward of one case, on one core."""

import time
from dataclasses import replace

from tests.policies import FILLED, JOINED, NOW, QUESTION, SETTLED, policy

from bench.table import Row
from locum.policy import Allowed, Facts, No, Policy, Question, decide, load

_GOAL, _TIMES = 20_000, 20_000
_LOAD = 50.0


def decisions() -> list[Row]:
    """A yes, in which every clause has its say, and a no; and how long reading the policy takes, which every command waits for."""
    rules = policy(FILLED)
    assert isinstance(decide(rules, JOINED, SETTLED, NOW), Allowed)
    refused = replace(QUESTION, reason="curiosity")
    assert isinstance(decide(rules, refused, SETTLED, NOW), No)
    begin = time.perf_counter()
    for _ in range(50):
        load()
    read = (time.perf_counter() - begin) / 50 * 1000
    return [
        _rate("decide-reply-and-forward", _per_second(rules, JOINED, SETTLED)),
        _rate("decide-refused", _per_second(rules, refused, SETTLED)),
        Row(name="policy-load", unit="ms", ours=read, ratio=read / _LOAD, goal=f"< {_LOAD:g}", holds=read < _LOAD),
    ]


def _per_second(rules: Policy, question: Question, facts: Facts) -> float:
    begin = time.perf_counter()
    for _ in range(_TIMES):
        decide(rules, question, facts, NOW)
    return _TIMES / (time.perf_counter() - begin)


def _rate(name: str, rate: float) -> Row:
    return Row(
        name=name, unit="decisions/s", ours=rate, ratio=rate / _GOAL, goal=f">= {_GOAL:g}", holds=rate >= _GOAL,
    )  # fmt: skip
