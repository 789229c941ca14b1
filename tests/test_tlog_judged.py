"""Go's sumdb/note and sumdb/tlog and Rust's metamorphic-log are asked about our checkpoints and proofs, and we about theirs.

All three accept the same and refuse the same; where one is stricter on purpose, it is named here.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judges import Consistency, Go, Inclusion, Note, built, changed, flipped, moved, verdicts
from locum import tlog
from locum.errors import LocumError
from locum.signer import Signer
from locum.tlog import Checkpoint
from locum.tlog.cosignatures import COSIGNATURE
from locum.tlog.notes import vkey_of

pytestmark = pytest.mark.slow

LARGEST = 5000
LEAVES = [hashlib.shake_128(number.to_bytes(4)).digest(65) for number in range(2 * LARGEST)]
HASHES = [tlog.leaf_hash(leaf) for leaf in LEAVES]
SMALL = (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 31, 33)
YES, NO = (True, True, True), (False, False, False)


@pytest.fixture(scope="module")
def go() -> Iterator[Go]:
    with built() as judge:
        yield judge


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("key") / "record.key", "corp.test/locum")


def inclusion(size: int, index: int, start: int = 0) -> Inclusion:
    hashes = HASHES[start : start + size]
    proof = tlog.inclusion_proof(hashes, index)
    return Inclusion(leaf=hashes[index], index=index, size=size, proof=proof, root=tlog.root(hashes))


def consistency(size: int, old: int, start: int = 0) -> Consistency:
    hashes = HASHES[start : start + size]
    proof = tlog.consistency_proof(hashes, old)
    return Consistency(old=old, size=size, old_root=tlog.root(hashes[:old]), root=tlog.root(hashes), proof=proof)


# a thousand made-up logs

sizes = st.one_of(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 700),
    st.builds(lambda power, by: min(2**power + by, LARGEST), st.integers(3, 12), st.integers(-1, 1)),
    st.integers(0, LARGEST),
)


@given(sizes, st.integers(0, LARGEST), st.data())
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_go_makes_the_same_roots_and_proofs_of_any_log_and_all_accept_them(go, size, start, data):
    old, index = data.draw(st.integers(0, size)), data.draw(st.integers(0, max(0, size - 1)))
    leaves = base64.b64encode(b"".join(LEAVES[start : start + size])).decode()
    theirs = go.ask(op="log", leaves=leaves, old=old, index=index)
    grown = consistency(size, old, start)
    assert (theirs["root"], theirs["old_root"]) == (grown.root.hex(), grown.old_root.hex())
    assert [one.hex() for one in grown.proof] == (theirs["tree"] or [])
    assert old == 0 or verdicts(grown, go) == YES
    if size:
        held = inclusion(size, index, start)
        assert [one.hex() for one in held.proof] == theirs["record"]
        assert verdicts(held, go) == YES


# proofs with something wrong about them


@pytest.mark.parametrize("size", SMALL)
def test_all_refuse_a_changed_proof_of_inclusion(go, size):
    wrong = [one for index in {0, size // 2, size - 1} for one in changed(inclusion(size, index))]
    assert {repr(one): verdicts(one, go) for one in wrong} == {repr(one): NO for one in wrong}


@pytest.mark.parametrize("size", SMALL)
def test_all_refuse_a_changed_proof_of_consistency(go, size):
    wrong = [one for old in {1, size // 2 or 1, size} for one in changed(consistency(size, old))]
    assert {repr(one): verdicts(one, go) for one in wrong} == {repr(one): NO for one in wrong}


@pytest.mark.parametrize("size", SMALL)
def test_all_say_the_same_of_a_proof_put_at_another_place(go, size):
    asked = [one for index in range(size) for one in moved(inclusion(size, index))]
    asked += [one for old in range(1, size + 1) for one in moved(consistency(size, old))]
    assert [repr(one) for one in asked if len(set(verdicts(one, go))) > 1] == []


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=6), st.integers(1, 40), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_all_refuse_proofs_that_prove_nothing(go, proof, old, size):
    grown = Consistency(old=old, size=size, old_root=HASHES[0], root=HASHES[1], proof=proof)
    held = Inclusion(leaf=HASHES[0], index=old - 1, size=size, root=HASHES[1], proof=proof)
    assert (verdicts(grown, go), verdicts(held, go)) == (NO, NO)


def test_only_we_say_that_every_log_begins_with_the_empty_one(go):
    """There is nothing to prove, and we accept just that; the others want to be asked about a tree with leaves."""
    assert verdicts(consistency(5, 0), go) == (True, False, False)


# checkpoints


def opened(note: Note, go: Go) -> tuple[object, object, object]:
    return note.ours(), note.gos(go), note.rusts()


@pytest.mark.parametrize("size", [0, 1, 2, 5000, 2**53 + 1, 2**63 - 1])
def test_all_read_a_checkpoint_that_we_sign(go, signer, size):
    told = ("corp.test/locum", size, HASHES[0])
    note = Note(signer.sign(Checkpoint(*told).text()), signer.vkey)
    assert opened(note, go) == (told, told, told)


def test_go_signs_with_our_key_file_and_makes_the_same_note(go, signer):
    text = Checkpoint("corp.test/locum", 3, tlog.root(HASHES[:3])).text()
    ours = signer.sign(text)
    secret = Path(signer._path).read_text().strip()
    theirs = go.ask(op="sign", text=text.decode(), secret=secret)["note"]
    assert base64.b64decode(str(theirs)) == ours


def test_all_pass_over_the_signature_of_another(go, signer, tmp_path):
    text = Checkpoint("corp.test/locum", 3, HASHES[0]).text()
    line = Signer(tmp_path / "other.key", "other.test").sign(text)[len(text) + 1 :]
    told = ("corp.test/locum", 3, HASHES[0])
    ours = signer.sign(text)
    before = text + b"\n" + line + ours[len(text) + 1 :]
    assert opened(Note(ours + line, signer.vkey), go) == (told, told, told)
    assert opened(Note(before, signer.vkey), go) == (told, told, told)


def signed(signer: Signer) -> bytes:
    return signer.sign(Checkpoint("corp.test/locum", 12, HASHES[0]).text())


def test_a_flipped_bit_anywhere_in_a_note_is_refused_by_all(go, signer):
    """But for the last two bits of base64 that stand for nothing, which Go passes over and we do not."""
    note = signed(signer)
    asked = [Note(flipped(note, bit), signer.vkey) for bit in range(8 * len(note))]
    assert [one.note for one in asked if one.ours() or one.rusts()] == []
    assert [one.note for one in asked if one.gos(go) and not _is_loose(one.note, note)] == []


def _is_loose(note: bytes, good: bytes) -> bool:
    """Whether it is the same note but for unused bits in its base64."""
    pairs = list(zip(note.split(), good.split(), strict=False))
    return all(one == other or _bytes_of(one) == _bytes_of(other) for one, other in pairs)


def _bytes_of(word: bytes) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except ValueError:
        return word


def spoiled(note: bytes, other: bytes) -> dict[str, bytes]:
    """A note in ways in which none may stand."""
    text, _, below = note.partition(b"\n\n")
    return {
        "nothing": b"",
        "the text alone": text + b"\n",
        "no signature": text + b"\n\n",
        "no last newline": note[:-1],
        "a line more": note + b"\n",
        "no empty line": text + b"\n" + below,
        "lines of Windows": note.replace(b"\n", b"\r\n"),
        "another dash": note.replace("\u2014".encode(), b"-"),
        "two spaces": note.replace("\u2014 ".encode(), "\u2014  ".encode()),
        "another name": note.replace(b" corp.test/locum", b" corp.test/other"),
        "another origin": b"other" + note[4:],
        "another size": note.replace(b"\n12\n", b"\n13\n"),
        "a size with a zero before it": note.replace(b"\n12\n", b"\n012\n"),
        "another's signature": text + b"\n\n" + other,
        "not UTF-8": b"\xff" + note,
        "a control character": note.replace(b"corp", b"co\x00rp"),
        "a word more in the text": note.replace(b"\n12\n", b"\n12\nmore\n"),
        "text twice": text + b"\n\n" + note,
        "a key that is too short": text + b"\n\n" + below[:-9] + b"\n",
    }


def test_all_refuse_a_spoiled_note(go, signer, tmp_path):
    note = signed(signer)
    text = note.partition(b"\n\n")[0] + b"\n"
    other = Signer(tmp_path / "other.key", "other.test").sign(text)[len(text) + 1 :]
    found = {why: opened(Note(one, signer.vkey), go) for why, one in spoiled(note, other).items()}
    assert found == dict.fromkeys(found, (None, None, None))


@pytest.mark.parametrize("size", [b"-1", b"+1", b"01", b"", b"1.0", b" 1", b"1e3", b"0x1"])
def test_all_refuse_a_size_in_another_spelling(go, signer, size):
    text = Checkpoint("corp.test/locum", 5, HASHES[0]).text().replace(b"\n5\n", b"\n" + size + b"\n")
    assert opened(Note(signer.sign(text), signer.vkey), go) == (None, None, None)


def test_a_size_that_does_not_fit_63_bits_is_refused_by_go_and_us(go, signer):
    """Rust holds one bit more."""
    told = ("corp.test/locum", 2**63, HASHES[0])
    assert opened(Note(signer.sign(Checkpoint(*told).text()), signer.vkey), go) == (None, None, told)


@pytest.mark.parametrize("root", [b"", b"AAAA", b"AAAA" * 11, b"=" * 44, b"not base64"])
def test_all_refuse_a_root_that_is_none(go, signer, root):
    text = b"corp.test/locum\n5\n" + root + b"\n"
    assert opened(Note(signer.sign(text), signer.vkey), go) == (None, None, None)


def test_all_refuse_a_verifiers_key_with_another_hash(go, signer):
    name, hash_, key = signer.vkey.split("+", 2)
    wrong = f"{name}+{flipped(bytes.fromhex(hash_)).hex()}+{key}"
    assert opened(Note(signed(signer), wrong), go)[0::2] == (None, None)


# cosignatures, which Rust's does not know: it passes over them

WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = vkey_of("council.test/witness", COSIGNATURE, WITNESS.public_key().public_bytes_raw())
AT = datetime(2026, 7, 1, 8, tzinfo=UTC)


def cosigned(signer: Signer) -> bytes:
    note = signed(signer)
    text = note.partition(b"\n\n")[0] + b"\n"
    line = tlog.cosignature_line(WITNESS_KEY, AT, WITNESS.sign(tlog.to_cosign(text, AT)))
    return tlog.with_signatures(note, line)


def test_go_verifies_our_cosignature_beside_our_signature(go, signer):
    note = base64.b64encode(cosigned(signer)).decode()
    found = go.ask(op="note", note=note, keys=[signer.vkey, WITNESS_KEY])
    assert found["names"] == ["corp.test/locum", "council.test/witness"]


def test_all_read_a_checkpoint_that_is_cosigned(go, signer):
    told = ("corp.test/locum", 12, HASHES[0])
    assert opened(Note(cosigned(signer), signer.vkey), go) == (told, told, told)


def test_a_flipped_bit_under_a_cosignature_is_refused_by_go_and_us(go, signer):
    good = cosigned(signer)
    line = range(8 * good.rindex(b"\n\n"), 8 * good.rindex(b"\n", 0, -1))  # our own signature is another's here
    notes = [flipped(good, bit) for bit in range(8 * len(good)) if 8 * len(good) - 1 - bit not in line]
    assert [one for one in notes if is_cosigned(one)] == []
    assert [one for one in notes if is_cosigned_for(go, one) and not _is_loose(one, good)] == []


def is_cosigned(note: bytes) -> bool:
    try:
        return tlog.cosigned_at(note, WITNESS_KEY) == AT
    except LocumError:
        return False


def is_cosigned_for(go: Go, note: bytes) -> bool:
    return go.ask(op="note", note=base64.b64encode(note).decode(), keys=[WITNESS_KEY])["ok"] is True


# what we publish: docs/spec/vectors/tlog.json

VECTORS = json.loads(Path(__file__).parent.parent.joinpath("docs/spec/vectors/tlog.json").read_text("utf-8"))
PUBLISHED = [tlog.leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]


def questions(told: dict[str, list[dict[str, object]]]) -> Iterator[Inclusion | Consistency]:
    last = len(PUBLISHED)
    for one in told["inclusion"]:
        at, size, proof = one["index"], one["size"], list(map(bytes.fromhex, one["proof"]))
        yield Inclusion(leaf=PUBLISHED[min(at, last - 1)], index=at, size=size, proof=proof, root=ROOTS[size])
    for one in told["consistency"]:
        old, size, proof = one["old"], one["size"], list(map(bytes.fromhex, one["proof"]))
        yield Consistency(old=old, size=size, old_root=ROOTS[min(old, last)], root=ROOTS[size], proof=proof)


def test_all_accept_the_published_proofs(go):
    assert [repr(one) for one in questions(VECTORS) if verdicts(one, go) != YES] == []


def test_all_refuse_the_published_proofs_that_are_none(go):
    assert [repr(one) for one in questions(VECTORS["refused"]) if verdicts(one, go) != NO] == []


def test_all_read_the_published_checkpoints(go):
    told = VECTORS["checkpoints"]
    for one in [*told["good"], told["cosigned"]]:
        read = ("corp.test/locum", one["size"], ROOTS[one["size"]])
        assert opened(Note(one["note"].encode(), told["verifier_key"]), go) == (read, read, read)


def test_all_refuse_the_published_checkpoints_that_are_none(go):
    """But for the size of 64 bits, which Rust holds."""
    told = VECTORS["checkpoints"]
    found = {one["why"]: opened(Note(one["note"].encode(), told["verifier_key"]), go) for one in told["refused"]}
    assert found.pop("a size of 64 bits")[:2] == (None, None)
    assert found == dict.fromkeys(found, (None, None, None))


def test_go_says_of_the_published_cosignatures_what_we_say(go):
    told = VECTORS["checkpoints"]
    asked = [told["cosigned"], *told["cosigned_refused"]]
    answers = [
        go.ask(op="note", note=base64.b64encode(one["note"].encode()).decode(), keys=[told["witness_verifier_key"]])
        for one in asked
    ]
    assert [one["ok"] for one in answers] == [True, False, False]
