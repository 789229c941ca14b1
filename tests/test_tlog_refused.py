"""What the tree, notes and cosignatures refuse, and with which word: one case for each condition.

Each of these fails for one change of a line in src/locum/tlog that no other test notices (tools/mutants).
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from locum import tlog
from locum.errors import Garbled, Invalid, LocumError
from locum.tlog import Checkpoint
from locum.tlog.cosignatures import COSIGNATURE
from locum.tlog.notes import DASH, ED25519, from_base64, parts, vkey_of

HASHES = [tlog.leaf_hash(bytes([number])) for number in range(9)]
ROOT = tlog.root(HASHES)
NAME, WITNESS = "corp.test/locum", "council.test"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
VKEY, WITNESS_KEY = vkey_of(NAME, ED25519, PUBLIC), vkey_of(WITNESS, COSIGNATURE, PUBLIC)
TEXT = Checkpoint(NAME, 9, ROOT).text()
LINE = f"{DASH} other AAAAAAE=\n".encode()
"""A signature line of somebody else: five bytes, the fewest."""


def signed(text: bytes = TEXT, below: bytes = b"") -> bytes:
    content = base64.b64encode(tlog.key_id(NAME, ED25519 + PUBLIC) + KEY.sign(text)).decode()
    return text + f"\n{DASH} {NAME} {content}\n".encode() + below


def cosignature(at: int, signature: bytes = b"s" * 64) -> bytes:
    identity = tlog.key_id(WITNESS, COSIGNATURE + PUBLIC)
    return f"{DASH} {WITNESS} {base64.b64encode(identity + at.to_bytes(8, 'big') + signature).decode()}\n".encode()


def said(ask: Callable[[], object]) -> str:
    """The word with which it is refused."""
    with pytest.raises(LocumError) as error:
        ask()
    return f"{type(error.value).__name__} {error.value.key}"


DAMAGED = "Garbled checkpoint-damaged"


# proofs


@pytest.mark.parametrize("index", [-1, 9, 10])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index):
    with pytest.raises(IndexError) as error:
        tlog.inclusion_proof(HASHES, index)
    assert error.value.args == (index,)


@pytest.mark.parametrize("old", [-1, 10])
def test_there_is_no_proof_of_a_beginning_that_is_none(old):
    with pytest.raises(IndexError) as error:
        tlog.consistency_proof(HASHES, old)
    assert error.value.args == (old,)


def test_a_longer_tree_is_no_beginning():
    assert not tlog.verify_consistency(10, 9, ROOT, ROOT, [])


def test_a_negative_size_is_no_beginning():
    assert not tlog.verify_consistency(-1, 9, ROOT, ROOT, [ROOT])


def test_a_tree_of_less_than_no_leaves_is_none():
    assert not tlog.verify_consistency(-1, -1, ROOT, ROOT, [])


def test_a_root_of_another_length_is_none():
    assert not tlog.verify_consistency(9, 9, ROOT[:31], ROOT[:31], [])


@pytest.mark.parametrize("size", [0, 9])
def test_where_there_is_nothing_to_prove_a_proof_proves_nothing(size):
    old_root = tlog.root(HASHES[:size])
    assert not tlog.verify_consistency(size, 9, old_root, ROOT, [ROOT])


@pytest.mark.parametrize("size", [0, 9])
def test_where_there_is_nothing_to_prove_the_root_still_counts(size):
    assert not tlog.verify_consistency(size, 9, HASHES[0], ROOT, [])


@pytest.mark.parametrize("old", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_proof_that_is_too_short_by_the_last_hash_proves_nothing_whatever_the_roots(old):
    """Where it leads is asked of the proof alone, so that no root can be made to fit."""
    proof = tlog.consistency_proof(HASHES, old)[:-1]
    path = [tlog.root(HASHES[:old]), *proof] if old & (old - 1) == 0 else proof
    roots = [tlog.root(HASHES[:old]), ROOT, *path, *(tlog.root(HASHES[:size]) for size in range(10))]
    assert not any(tlog.verify_consistency(old, 9, roots[0], one, proof) for one in roots)


# checkpoints


@pytest.mark.parametrize(
    "text",
    [
        b"corp.test/locum\n9\n",
        b"\xff\n9\n" + base64.b64encode(ROOT) + b"\n",
        b"\n9\n" + base64.b64encode(ROOT) + b"\n",
        b"corp.test/locum\n9\n" + base64.b64encode(ROOT),
        b"corp.test/locum\n9 \n" + base64.b64encode(ROOT) + b"\n",
        b"corp.test/locum\n9\n" + base64.b64encode(ROOT) + b"\r\n",
        b"corp.test/locum\n9\n" + base64.b64encode(ROOT) + b"=\n",
        b"corp.test/locum\n9\n" + base64.b64encode(ROOT[:31]) + b"\n",
        b"corp.test/locum\n9223372036854775808\n" + base64.b64encode(ROOT) + b"\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_damaged(text):
    assert said(lambda: tlog.parse_checkpoint(text)) == DAMAGED


def test_a_checkpoint_of_three_words_on_one_line_is_none():
    text = b"corp.test/locum 9 " + base64.b64encode(ROOT) + b"\n"
    assert said(lambda: tlog.parse_checkpoint(text)) == DAMAGED


def test_an_origin_may_have_a_space():
    assert tlog.parse_checkpoint(Checkpoint("go.sum database tree", 9, ROOT).text()).origin == "go.sum database tree"


def test_a_checkpoint_begins_with_its_origin():
    assert said(lambda: tlog.parse_checkpoint(b"\n" + TEXT)) == DAMAGED


@pytest.mark.parametrize("text", ["AA=A", "AB==", "A", "AA", "A A=", "A-==", "AAA=\n", "é"])
def test_base64_in_another_spelling_is_damaged(text):
    assert said(lambda: from_base64(text)) == DAMAGED


# notes


def test_a_note_without_our_signature_says_whose_is_missing():
    with pytest.raises(Garbled) as error:
        tlog.verify(TEXT + b"\n" + LINE, VKEY)
    assert (error.value.key, error.value.values) == ("checkpoint-unsigned", {"name": NAME})


def test_a_false_signature_is_damage():
    assert said(lambda: tlog.verify(signed().replace(b"\n9\n", b"\n8\n"), VKEY)) == DAMAGED


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a b+00000000+AAAA", VKEY.replace(NAME, "x"), VKEY[:-4], f"{VKEY}!", WITNESS_KEY]
)
def test_a_key_that_is_none_is_said(vkey):
    assert said(lambda: tlog.verify(signed(), vkey)) == "Invalid verifier-key"


@pytest.mark.parametrize(
    "note",
    [
        b"\xff" + signed(),
        TEXT,
        TEXT + b"\n",
        signed()[:-1],
        signed() + b"\n",
        signed().replace(DASH.encode(), b"-"),
        signed().replace(DASH.encode() + b" ", DASH.encode() + b"  "),
        signed().replace(DASH.encode() + b" ", DASH.encode() + b"\xe2\x80\x83"),
        signed(below=f"{DASH} other\n".encode()),
        signed(below=f"{DASH} other AAAAAAE= more\n".encode()),
        signed(below=f"{DASH}\n".encode()),
        signed(below=f"{DASH} a+b AAAAAAE=\n".encode()),
        signed(below=f"{DASH} a\u2003b AAAAAAE=\n".encode()),
        signed(below=f"{DASH} other AAAAAA==\n".encode()),
        signed(below=LINE * 100),
    ],
)
def test_a_note_that_is_none_is_damaged(note):
    assert said(lambda: tlog.verify(note, VKEY)) == DAMAGED


def test_a_note_may_bear_a_hundred_signatures():
    assert tlog.verify(signed(below=LINE * 99), VKEY) == TEXT


def test_a_signature_of_one_byte_may_stand_beside_ours():
    assert tlog.verify(signed(below=LINE), VKEY) == TEXT


def test_the_signatures_stand_below_the_last_empty_line():
    text = b"corp.test/locum\n\nmore\n"
    assert parts(signed(text))[0] == text


# cosignatures


@pytest.mark.parametrize("signature", [b"s" * 63, b"s" * 65, b""])
def test_a_cosignature_of_another_length_is_damaged(signature):
    assert said(lambda: tlog.cosigned_at(signed(below=cosignature(0, signature)), WITNESS_KEY)) == DAMAGED


def test_a_cosignature_beyond_all_years_is_damaged():
    assert said(lambda: tlog.cosigned_at(signed(below=cosignature(2**63)), WITNESS_KEY)) == DAMAGED


def test_lines_that_are_no_signatures_are_put_under_no_note():
    assert said(lambda: tlog.with_signatures(signed(), b"nothing\n")) == DAMAGED


def test_several_lines_are_put_under_a_note_one_after_the_other():
    more = [cosignature(0), cosignature(1)]
    assert tlog.with_signatures(signed(), b"".join(more)) == signed() + b"".join(more)


def test_what_is_there_already_is_looked_for_below_the_last_empty_line():
    text = b"corp.test/locum\n\n" + LINE
    assert tlog.with_signatures(signed(text), LINE) == signed(text) + LINE


def test_all_lines_of_one_witness_are_told():
    more = cosignature(0) + cosignature(1)
    assert tlog.lines_of(signed(below=more), WITNESS_KEY) == more


def test_the_key_of_a_log_is_none_of_a_witness():
    with pytest.raises(Invalid, match="verifier-key"):
        tlog.cosigned_at(signed(), VKEY)


def test_the_time_of_a_cosignature_is_eight_bytes_with_the_highest_first():
    at = datetime(2026, 7, 1, 8, tzinfo=UTC)
    line = tlog.cosignature_line(WITNESS_KEY, at, b"s" * 64)
    assert line == cosignature(1782892800)
