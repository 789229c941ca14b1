"""How long it takes to check an account: 100 entries, among them a signed forward, in a log of 100,000 leaves; the whole process,
from nothing to the last word. Beside the bare hashing of such a log, which nobody who checks it can do without.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.forging import HERS, Forger, signed_note

from bench.table import Row
from locum.checkable import File

ENTRIES, LEAVES, TURNS = 100, 100_000, 5
SAMPLES = Path(__file__).parent.parent / "docs" / "spec" / "vectors"


def verify() -> list[Row]:
    """The row: the quickest of five runs, as a person would start them."""
    with tempfile.TemporaryDirectory() as name:
        account, key = Path(name, "anna.locum"), SAMPLES / "anna.locum-key"
        account.write_bytes(_long_account())
        command = [sys.executable, "-m", "locum", "verify", str(account), "--key", str(key), "--json"]
        took = min(_seconds(command) for _ in range(TURNS))
    bare = min(_bare() for _ in range(TURNS))
    return [
        Row(
            name="verify", unit=f"s, {ENTRIES} entries in {LEAVES:,} leaves, whole process", ours=took, peer=bare,
            peer_name="bare hashing", ratio=took / bare, goal="< 2", holds=took < 2,
        )
    ]  # fmt: skip


def _long_account() -> bytes:
    """The published sample, with as many entries, and a log as long, as the goal says."""
    forger = Forger(File.load((SAMPLES / "anna.locum").read_bytes()))
    last = forger.value(HERS, len(forger.places[HERS]) - 1)
    while len(forger.places[HERS]) < ENTRIES:
        forger.insert(HERS, len(forger.places[HERS]), last["type"], last["body"], last["time"], at=len(forger.leaves))
    made = forger.made()
    fill = (b"\x01" + hashlib.sha512(n.to_bytes(8)).digest() for n in range(LEAVES - len(forger.leaves)))
    leaves = [*forger.leaves, *fill]
    return replace(made, leaves=b"".join(leaves), checkpoint=signed_note(leaves)).dump()


def _seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True)
    took = time.perf_counter() - begin
    told = json.loads(done.stdout)
    assert (told["holds"], told["entries"], told["size"]) == (True, ENTRIES, LEAVES)
    return took


def _bare() -> float:
    """As many hashes as the tree of the log has, and nothing else."""
    leaf, node = bytes(66), bytes(65)
    begin = time.perf_counter()
    for _ in range(LEAVES):
        hashlib.sha256(leaf).digest()
    for _ in range(LEAVES - 1):
        hashlib.sha256(node).digest()
    return time.perf_counter() - begin
