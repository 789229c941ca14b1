"""docs/spec/record.md holds: its vector comes out of Locum's code, and out of the standard library alone.

The second half imports nothing of Locum's record on purpose: it is what a stranger would write from the page.
"""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from locum import entry, tlog
from locum.approval import request_hash
from locum.desk.filing import canonical_request
from locum.measure import parse_instant
from test_lifecycle import CASE

PAGE = Path(__file__).parent.parent / "docs" / "spec" / "record.md"
VECTOR = dict(
    re.findall(r"^    ([a-z-]+(?:-\d)?) *= (.+)$", PAGE.read_text("utf-8").partition("## Vector")[2], re.MULTILINE)
)
NOTE = VECTOR["note"].replace("\\n", "\n").encode()


def raw(name: str) -> bytes:
    return bytes.fromhex(VECTOR[name])


@pytest.mark.parametrize("seq", [0, 1])
def test_the_code_makes_the_payload_of_the_page(seq):
    value = json.loads(VECTOR[f"payload-{seq}"])
    draft = entry.Draft(
        stream=value["stream"], type=value["type"], time=parse_instant(value["time"]), body=value["body"]
    )
    prev = raw(f"commitment-{seq - 1}") if seq else b""
    assert entry.payload(draft, seq, prev).decode() == VECTOR[f"payload-{seq}"]


@pytest.mark.parametrize("seq", [0, 1])
def test_the_code_makes_the_leaf_of_the_page(seq):
    tag = entry.tag(raw("stream-key"), seq)
    commitment = entry.commitment(raw(f"opening-{seq}"), tag, VECTOR[f"payload-{seq}"].encode())
    assert (tag, commitment, entry.leaf(tag, commitment)) == (
        raw(f"tag-{seq}"),
        raw(f"commitment-{seq}"),
        raw(f"leaf-{seq}"),
    )


def test_the_code_makes_the_root_and_accepts_the_note_of_the_page():
    root = tlog.root([tlog.leaf_hash(raw("leaf-0")), tlog.leaf_hash(raw("leaf-1"))])
    checkpoint = tlog.parse_checkpoint(tlog.verify(NOTE, VECTOR["verifier-key"]))
    assert (root, checkpoint.size, checkpoint.root) == (raw("root"), 2, raw("root"))


def test_the_code_makes_the_hash_of_the_request():
    assert request_hash(json.loads(VECTOR["request"])) == VECTOR["request-hash"]


def test_a_request_that_is_filed_has_the_keys_of_the_page():
    words = PAGE.read_text("utf-8").partition("with the keys ")[2].partition("with the literal")[0]
    assert set(re.findall(r"`([a-z_]+)`", words)) == set(canonical_request(CASE)) == set(json.loads(VECTOR["request"]))


def test_every_type_of_entry_is_on_the_page():
    words = PAGE.read_text("utf-8").partition("Types: ")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", words)) == entry.TYPES


# what a stranger would write


@pytest.mark.parametrize("seq", [0, 1])
def test_a_stranger_gets_the_same_leaf(seq):
    tag = hmac.new(raw("stream-key"), b"locum/tag/v1\n" + seq.to_bytes(8, "big"), hashlib.sha256).digest()
    content = raw(f"opening-{seq}") + tag + VECTOR[f"payload-{seq}"].encode()
    commitment = hmac.new(b"locum/commit/v1", content, hashlib.sha256).digest()
    assert b"\x01" + tag + commitment == raw(f"leaf-{seq}")


@pytest.mark.parametrize("seq", [0, 1])
def test_a_stranger_reads_a_payload_as_canonical_json(seq):
    text = VECTOR[f"payload-{seq}"]
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text


def test_a_stranger_gets_the_same_hash_of_the_request():
    content = b"locum/request/v1\n" + VECTOR["request"].encode()
    assert hashlib.sha256(content).hexdigest() == VECTOR["request-hash"]


def test_an_entry_points_at_the_one_before_it():
    assert [json.loads(VECTOR[f"payload-{seq}"])["prev"] for seq in (0, 1)] == ["", VECTOR["commitment-0"]]


def test_a_stranger_gets_the_same_root():
    left, right = (hashlib.sha256(b"\x00" + raw(f"leaf-{seq}")).digest() for seq in (0, 1))
    assert (left, right) == (raw("leaf-hash-0"), raw("leaf-hash-1"))
    assert hashlib.sha256(b"\x01" + left + right).digest() == raw("root")


def test_a_stranger_can_check_the_signature_of_the_note():
    text, _, signatures = NOTE.decode().partition("\n\n")
    _, name, encoded = signatures.rstrip("\n").split(" ")
    _, key_id, public = VECTOR["verifier-key"].split("+", 2)
    signed, key = base64.b64decode(encoded), base64.b64decode(public)
    assert signed[:4].hex() == key_id == hashlib.sha256(f"{name}\n".encode() + key).hexdigest()[:8]
    assert text == f"{name}\n2\n{base64.b64encode(raw('root')).decode()}"
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signed[4:], f"{text}\n".encode())


def test_the_key_of_the_page_is_the_one_that_signed():
    public = Ed25519PrivateKey.from_private_bytes(raw("secret-key")).public_key().public_bytes_raw()
    assert base64.b64decode(VECTOR["verifier-key"].split("+", 2)[2]) == b"\x01" + public
