"""How long the documents take: all of them, in both languages, as PDF, from the policy that comes with Locum."""

import time

from bench.table import Row
from locum.documents.regulation import render
from locum.messages import LANGUAGES
from locum.policy import load
from locum.regulation import NAMES, House, document

_GOAL = 10.0


def regulation() -> list[Row]:
    """The importing of WeasyPrint counts too: it is what a person waits for."""
    begin = time.perf_counter()
    policy, house = load(), House(name="Voorbeeld BV", domains=("corp.test",))
    for language in LANGUAGES:
        for name in NAMES:
            assert render([document(policy, house, name, language)], "pdf").startswith(b"%PDF")
    seconds = time.perf_counter() - begin
    return [
        Row(
            name="regulation-pdf", unit="s, six documents in two languages", ours=seconds, ratio=seconds / _GOAL,
            goal=f"< {_GOAL:g}", holds=seconds < _GOAL,
        )
    ]  # fmt: skip
