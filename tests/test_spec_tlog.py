"""docs/spec/vectors/tlog.json holds: it comes out of Locum's code, and out of the standard library and one signature library.

The second half imports nothing of Locum's on purpose: it is what a stranger would write from docs/spec/record.md. Go and Rust
judge the same file in test_tlog_judged.py.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from locum import tlog
from locum.errors import Garbled
from locum.measure import parse_instant

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docs" / "spec" / "vectors" / "tlog.json"
VECTORS = json.loads(FILE.read_text("utf-8"))
NOTES = VECTORS["checkpoints"]
HASHES = [hashlib.sha256(b"\0" + bytes.fromhex(leaf)).digest() for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]


def proof_of(one: dict[str, list[str]]) -> list[bytes]:
    return list(map(bytes.fromhex, one["proof"]))


def reason(one: dict[str, str]) -> str:
    return one["why"]


@pytest.mark.slow
def test_the_tool_makes_the_file_that_is_published(tmp_path):
    made = tmp_path / "tlog.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, ROOT / "tools" / "tlog-vectors", made], check=True, env=environment)
    assert made.read_bytes() == FILE.read_bytes()


def test_the_code_makes_the_roots():
    assert [tlog.root(HASHES[:size]) for size in range(len(HASHES) + 1)] == ROOTS


def test_the_code_makes_the_proofs_of_inclusion():
    made = [tlog.inclusion_proof(HASHES[: one["size"]], one["index"]) for one in VECTORS["inclusion"]]
    assert made == list(map(proof_of, VECTORS["inclusion"]))


def test_the_code_makes_the_proofs_of_consistency():
    made = [tlog.consistency_proof(HASHES[: one["size"]], one["old"]) for one in VECTORS["consistency"]]
    assert made == list(map(proof_of, VECTORS["consistency"]))


@pytest.mark.parametrize("one", VECTORS["refused"]["inclusion"], ids=reason)
def test_the_code_refuses_what_proves_no_inclusion(one):
    leaf = HASHES[min(one["index"], len(HASHES) - 1)]
    assert not tlog.verify_inclusion(leaf, one["index"], one["size"], proof_of(one), ROOTS[one["size"]])


@pytest.mark.parametrize("one", VECTORS["refused"]["consistency"], ids=reason)
def test_the_code_refuses_what_proves_no_consistency(one):
    old_root = ROOTS[min(one["old"], len(HASHES))]
    assert not tlog.verify_consistency(one["old"], one["size"], old_root, ROOTS[one["size"]], proof_of(one))


@pytest.mark.parametrize("one", [*NOTES["good"], NOTES["cosigned"]], ids=lambda one: str(one["size"]))
def test_the_code_reads_the_checkpoints(one):
    read = tlog.parse_checkpoint(tlog.verify(one["note"].encode(), NOTES["verifier_key"]))
    assert (read.size, read.root) == (one["size"], ROOTS[one["size"]])


@pytest.mark.parametrize("one", NOTES["refused"], ids=reason)
def test_the_code_refuses_a_checkpoint_that_is_none(one):
    with pytest.raises(Garbled):
        tlog.parse_checkpoint(tlog.verify(one["note"].encode(), NOTES["verifier_key"]))


def test_the_code_says_when_it_was_cosigned():
    one = NOTES["cosigned"]
    assert tlog.cosigned_at(one["note"].encode(), NOTES["witness_verifier_key"]) == parse_instant(one["at"])


@pytest.mark.parametrize("one", NOTES["cosigned_refused"], ids=reason)
def test_the_code_refuses_a_cosignature_that_is_none(one):
    with pytest.raises(Garbled):
        tlog.cosigned_at(one["note"].encode(), NOTES["witness_verifier_key"])


# what a stranger would write


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def below(size: int) -> int:
    """The largest power of two below it."""
    return 1 << (size - 1).bit_length() - 1


def tree(hashes: list[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    at = below(len(hashes))
    return node(tree(hashes[:at]), tree(hashes[at:]))


def reached(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root that a proof of inclusion leads to; from the root down, so that its end is used first."""
    if size == 1:
        assert not proof
        return leaf
    at = below(size)
    if index < at:
        return node(reached(leaf, index, at, proof[:-1]), proof[-1])
    return node(proof[-1], reached(leaf, index - at, size - at, proof[:-1]))


def both(old: int, size: int, proof: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """The two roots that a proof of consistency leads to."""
    if old == size:
        assert len(proof) == (known is None)
        found = proof[0] if known is None else known
        return found, found
    at = below(size)
    if old <= at:
        older, newer = both(old, at, proof[:-1], known)
        return older, node(newer, proof[-1])
    older, newer = both(old - at, size - at, proof[:-1], None)
    return node(proof[-1], older), node(proof[-1], newer)


def test_a_stranger_gets_the_same_roots():
    assert [tree(HASHES[:size]) for size in range(len(HASHES) + 1)] == ROOTS


def test_a_stranger_follows_the_proofs_of_inclusion():
    found = [reached(HASHES[i], i, n, proof_of(one)) for one in VECTORS["inclusion"] for i, n in [places(one)]]
    assert found == [ROOTS[one["size"]] for one in VECTORS["inclusion"]]


def places(one: dict[str, int]) -> tuple[int, int]:
    return one["index"], one["size"]


def test_a_stranger_follows_the_proofs_of_consistency():
    found = [both(one["old"], one["size"], proof_of(one), ROOTS[one["old"]]) for one in VECTORS["consistency"]]
    assert found == [(ROOTS[one["old"]], ROOTS[one["size"]]) for one in VECTORS["consistency"]]


def signatures(note: str, vkey: str, kind: int) -> tuple[bytes, list[bytes], Ed25519PublicKey]:
    """The text of a note, what was signed under it by this key, and the key."""
    name, hash_, encoded = vkey.split("+", 2)
    key = base64.b64decode(encoded)
    assert (key[0], hash_) == (kind, hashlib.sha256(f"{name}\n".encode() + key).hexdigest()[:8])
    text, _, lines = note.rpartition("\n\n")
    found = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.split(" ")[1] == name]
    ours = [one[4:] for one in found if one[:4].hex() == hash_]
    return f"{text}\n".encode(), ours, Ed25519PublicKey.from_public_bytes(key[1:])


@pytest.mark.parametrize("one", [*NOTES["good"], NOTES["cosigned"]], ids=lambda one: str(one["size"]))
def test_a_stranger_verifies_the_checkpoints(one):
    text, signed, key = signatures(one["note"], NOTES["verifier_key"], 1)
    key.verify(signed[0], text)
    assert text.decode().split("\n")[1:3] == [str(one["size"]), base64.b64encode(ROOTS[one["size"]]).decode()]


def test_a_stranger_verifies_the_cosignature():
    text, signed, key = signatures(NOTES["cosigned"]["note"], NOTES["witness_verifier_key"], 4)
    at = int.from_bytes(signed[0][:8], "big")
    key.verify(signed[0][8:], f"cosignature/v1\ntime {at}\n".encode() + text)
    assert at == parse_instant(NOTES["cosigned"]["at"]).timestamp()


def test_a_stranger_refuses_the_cosignature_with_another_time():
    text, signed, key = signatures(NOTES["cosigned_refused"][0]["note"], NOTES["witness_verifier_key"], 4)
    at = int.from_bytes(signed[0][:8], "big")
    with pytest.raises(InvalidSignature):
        key.verify(signed[0][8:], f"cosignature/v1\ntime {at}\n".encode() + text)
