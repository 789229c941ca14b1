"""How often a second one core asks the gate whether a forward that two people signed may be done; and how long it takes to
read a register of a thousand entries.

Keys of each kind. The register is folded once, as the worker does; what is measured is everything else, from bytes.
"""

import sys
import time
from pathlib import Path

from bench.table import Row

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from approvals import Story
from registers import key_of
from softkeys import KINDS, SoftKey

GOAL = 300
ENTRIES = 1000


def gate() -> list[Row]:
    """A row for each kind of key, and one for the register."""
    return [*(_row(kind) for kind in KINDS), _register()]


def _row(kind: str) -> Row:
    story = Story()
    for name in ("maria", "sam"):
        key = SoftKey(f"{name}'s {kind}", kind, count=4)
        story.org.deed("key-added", key_of(name, key), (name, "", key), story.org.me(name))
        story.org.keys[name] = key
    story.both()
    register, checks, begin = story.org.fold(), 0, time.process_time()
    while (passed := time.process_time() - begin) < 3:
        assert not story.why(register=register)
        checks += 1
    rate = checks / passed
    return Row(
        name=f"gate-{kind.lower()}", unit="checks/s on one core, two signatures each", ours=rate,
        ratio=rate / GOAL, goal=f">= {GOAL}", holds=rate >= GOAL,
    )  # fmt: skip


def _register() -> Row:
    story = Story()
    while len(story.org.entries) < ENTRIES:
        story.org.give(f"person{len(story.org.entries)}", "sales")
    begin = time.process_time()
    assert not story.org.fold().ignored
    took = time.process_time() - begin
    return Row(name="register-1000", unit="s for 1,000 entries of two signatures", ours=took)
