"""The tree against its definition (RFC 6962 section 2.1) at every size, published roots, notes of others, and the key file."""

import base64
import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum import tlog
from locum.errors import Garbled, Invalid, Rejected, Unreachable
from locum.signer import Signer
from locum.tlog import Checkpoint, Frontier

MOST = 130
LEAVES = [n.to_bytes(2, "big") for n in range(MOST)]
HASHES = [tlog.leaf_hash(leaf) for leaf in LEAVES]


# RFC 6962 section 2.1, word for word, over leaves [start, end)


def k_of(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    n = end - start
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + LEAVES[start]).digest()
    k = k_of(n)
    return hashlib.sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    n = end - start
    if n == 1:
        return []
    k = k_of(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, b: bool) -> list[bytes]:
    n = end - start
    if m == n:
        return [] if b else [mth(start, end)]
    k = k_of(n)
    if m <= k:
        return [*subproof(m, start, start + k, b), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def test_the_root_is_that_of_the_definition_at_every_size() -> None:
    assert [tlog.root(HASHES[:n]) for n in range(MOST + 1)] == [mth(0, n) for n in range(MOST + 1)]


def test_every_leaf_is_proved_at_every_size() -> None:
    for n in range(1, MOST + 1):
        for m in range(n):
            proof = tlog.inclusion_proof(HASHES[:n], m)
            assert proof == path(m, 0, n)
            assert tlog.verify_inclusion(HASHES[m], m, n, proof, mth(0, n))


def test_every_older_tree_is_proved_at_every_size() -> None:
    for n in range(1, MOST + 1):
        for m in range(1, n + 1):
            proof = tlog.consistency_proof(HASHES[:n], m)
            assert proof == subproof(m, 0, n, True)
            assert tlog.verify_consistency(m, n, mth(0, m), mth(0, n), proof)


def test_the_empty_tree_is_the_beginning_of_all() -> None:
    assert tlog.verify_consistency(0, 7, tlog.EMPTY_ROOT, mth(0, 7), tlog.consistency_proof(HASHES[:7], 0))


@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_frontier_grown_in_pieces_is_the_one_grown_at_once(pieces: list[int]) -> None:
    grown, done = Frontier(), 0
    for piece in pieces:
        grown = grown.extend([tlog.leaf_hash(bytes([n])) for n in range(done % 200, done % 200 + piece)])
        done += piece
    assert Frontier.from_bytes(grown.size, bytes(grown)) == grown
    assert grown.size == done
    assert len(grown.hashes) == done.bit_count()


@given(st.integers(0, MOST), st.data())
def test_a_frontier_has_the_root_of_its_leaves_wherever_it_was_cut(size: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, size))
    assert Frontier().extend(HASHES[:cut]).extend(HASHES[cut:size]).root() == mth(0, size)


def test_a_frontier_of_the_wrong_size_is_none() -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(3, bytes(32))


# What must not verify

sizes = st.integers(2, MOST)


@given(sizes, st.data())
def test_a_changed_inclusion_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tlog.inclusion_proof(HASHES[:size], index)
    at = data.draw(st.integers(0, len(proof) - 1))
    root = mth(0, size)
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[at], "big") ^ (1 << bit)).to_bytes(32, "big")
    assert not tlog.verify_inclusion(HASHES[index], index, size, [*proof[:at], flipped, *proof[at + 1 :]], root)
    assert not tlog.verify_inclusion(HASHES[index], index, size, proof[:-1], root)
    assert not tlog.verify_inclusion(HASHES[index], index, size, [*proof, bytes(32)], root)
    assert not tlog.verify_inclusion(HASHES[index], index, size, [*proof[:at], proof[at][:31], *proof[at + 1 :]], root)
    assert not tlog.verify_inclusion(HASHES[index], size, size, proof, root)
    assert not tlog.verify_inclusion(HASHES[index], -1, size, proof, root)
    assert not tlog.verify_inclusion(HASHES[(index + 1) % size], index, size, proof, root)


@given(sizes, st.data())
def test_a_changed_consistency_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    proof = tlog.consistency_proof(HASHES[:size], old)
    old_root, root = mth(0, old), mth(0, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes(b ^ 1 for b in proof[at])
    assert not tlog.verify_consistency(old, size, old_root, root, [*proof[:at], flipped, *proof[at + 1 :]])
    assert not tlog.verify_consistency(old, size, old_root, root, proof[:-1])
    assert not tlog.verify_consistency(old, size, old_root, root, [*proof, bytes(32)])
    assert not tlog.verify_consistency(old, size, root, old_root, proof)
    assert not tlog.verify_consistency(size, old, root, old_root, proof)
    assert not tlog.verify_consistency(old, size, old_root, bytes(32), proof)


def test_a_rewritten_leaf_makes_the_tree_inconsistent() -> None:
    forged = [*HASHES[:3], tlog.leaf_hash(b"forged"), *HASHES[4:9]]
    proof = tlog.consistency_proof(forged, 7)
    assert not tlog.verify_consistency(7, 9, mth(0, 7), tlog.root(forged), proof)


# What others publish


def test_the_published_roots_of_certificate_transparency_come_out() -> None:
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [tlog.leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]
    assert tlog.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tlog.root(hashes[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert tlog.root(hashes[:7]).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
    assert tlog.root(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
PETERS_NOTE = PETERS_TEXT + b"\n" + PETERS_LINE.encode()


def test_the_note_in_gos_documentation_verifies() -> None:
    assert tlog.verify(PETERS_NOTE, PETER) == PETERS_TEXT


def test_the_key_in_the_c2sp_specification_has_the_id_we_compute() -> None:
    key = base64.b64decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    assert tlog.key_id("example.com/foo", key).hex() == "530d903a"


# Notes


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "record.key", "corp.test/locum")


def test_a_signed_checkpoint_is_read_back(signer: Signer) -> None:
    checkpoint = Checkpoint("corp.test/locum", 5, mth(0, 5))
    note = signer.sign(checkpoint.text())
    assert tlog.parse_checkpoint(tlog.verify(note, signer.vkey)) == checkpoint
    assert note.startswith(b"corp.test/locum\n5\n")
    assert "\n\n\u2014 corp.test/locum ".encode() in note


def test_signatures_of_other_keys_are_passed_over(signer: Signer, tmp_path: Path) -> None:
    text = b"corp.test/locum\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    other = Signer(tmp_path / "other.key", "witness").sign(text)
    note = other + signer.sign(text)[len(text) + 1 :]
    assert tlog.verify(note, signer.vkey) == text


def test_a_note_without_our_signature_is_not_ours(signer: Signer) -> None:
    with pytest.raises(Garbled, match="checkpoint-unsigned"):
        tlog.verify(PETERS_NOTE, signer.vkey)


def test_one_false_signature_of_ours_condemns_the_note() -> None:
    false = PETERS_LINE.replace("x08go/ZJ", "x08go/aJ").encode()
    with pytest.raises(Garbled, match="checkpoint-damaged"):
        tlog.verify(PETERS_NOTE + false, PETER)


@pytest.mark.parametrize(
    "note",
    [
        PETERS_NOTE.replace(b"cryptography", b"Cryptography"),
        PETERS_NOTE.replace(b"\n\n", b"\n"),
        PETERS_NOTE.rstrip(b"\n"),
        PETERS_NOTE.replace("—".encode(), b"-"),
        PETERS_NOTE.replace(b"AM=\n", b"AN=\n"),
        PETERS_NOTE.replace(b"\n\n", b"\r\n\n"),
        PETERS_NOTE + b"\n",
        PETERS_NOTE.replace(b"your", b"yo\x00ur"),
        b"\xff" + PETERS_NOTE,
        PETERS_TEXT,
        b"",
        PETERS_NOTE + PETERS_LINE.encode() * 100,
    ],
)
def test_a_damaged_note_is_refused(note: bytes) -> None:
    with pytest.raises(Garbled):
        tlog.verify(note, PETER)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("PeterNeumann", ""),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        PETER.replace("+ARpc", "+BRpc"),
        PETER[:-4],
    ],
)
def test_a_damaged_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(Invalid):
        tlog.verify(PETERS_NOTE, vkey)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"o\n5\n",
        b"\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        b"o\n05\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        b"o\n-5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        b"o\n5\n47DEQpj8HBSa\n",
        b"o\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        b"o\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "o\n٥\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".encode(),
    ],
)
def test_a_damaged_checkpoint_is_refused(text: bytes) -> None:
    with pytest.raises(Garbled):
        tlog.parse_checkpoint(text)


# The key file


def test_the_key_is_made_at_first_use_and_for_its_owner_alone(signer: Signer, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []
    vkey = signer.vkey
    assert [path.name for path in tmp_path.iterdir()] == ["record.key"]
    assert (tmp_path / "record.key").stat().st_mode & 0o7777 == 0o600
    assert Signer(tmp_path / "record.key", "corp.test/locum").vkey == vkey


def test_the_key_is_for_its_owner_alone_whatever_the_umask(signer: Signer, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        signer.sign(b"text\n")
    finally:
        os.umask(before)
    assert (tmp_path / "record.key").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_reach_is_refused(signer: Signer, tmp_path: Path, mode: int) -> None:
    vkey = signer.vkey
    (tmp_path / "record.key").chmod(mode)
    with pytest.raises(Rejected, match="key-file-open"):
        Signer(tmp_path / "record.key", "corp.test/locum").sign(b"text\n")
    assert signer.vkey == vkey


def test_keys_with_a_plus_sign_in_their_base64_are_read_back(tmp_path: Path) -> None:
    for number in range(40):
        signer = Signer(tmp_path / f"{number}.key", "o")
        assert Signer(tmp_path / f"{number}.key", "o").vkey == signer.vkey


def test_the_key_of_another_record_is_refused(signer: Signer, tmp_path: Path) -> None:
    signer.sign(b"text\n")
    with pytest.raises(Garbled, match="key-file-damaged"):
        Signer(tmp_path / "record.key", "other.test/locum").sign(b"text\n")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"PRIVATE+KEY+corp.test/locum+00000000+AAAA", b"x" * 9000])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "record.key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Garbled, match="key-file-damaged"):
        Signer(file, "corp.test/locum").sign(b"text\n")
    assert file.read_bytes() == content


def test_a_key_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="key-file-unreachable"):
        Signer(tmp_path / "missing" / "record.key", "corp.test/locum").sign(b"text\n")


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "a\u2003b"])
def test_a_name_that_no_note_can_bear_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(Invalid, match="origin"):
        Signer(tmp_path / "record.key", origin)


@pytest.mark.parametrize("text", [b"no newline", b"a\x00b\n", b"tab\t\n"])
def test_a_text_that_is_no_note_is_not_signed(signer: Signer, text: bytes) -> None:
    with pytest.raises(ValueError, match="not the text of a note"):
        signer.sign(text)


def test_no_secret_shows_in_a_signer_or_its_errors(signer: Signer, tmp_path: Path) -> None:
    signer.sign(b"text\n")
    secret = (tmp_path / "record.key").read_text().split("+", 4)[4].strip()
    (tmp_path / "record.key").write_text(f"PRIVATE+KEY+corp.test/locum+00000000+{secret}\n")
    with pytest.raises(Garbled) as error:
        Signer(tmp_path / "record.key", "corp.test/locum").sign(b"text\n")
    assert secret not in repr(signer) + str(error.value) + repr(error.value.values)


@pytest.mark.slow
def test_processes_that_make_the_key_at_the_same_time_share_one(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from locum.signer import Signer; print(Signer(Path(sys.argv[1]), 'o').vkey)"
    command = [sys.executable, "-c", code, str(tmp_path / "record.key")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0] for process in running}
    assert len(keys) == 1
    assert len(list(tmp_path.iterdir())) == 1
