"""Her key: docs/spec/key.md holds, a file has one spelling, and the QR code says the same to another's reader.

The part at the end imports nothing of Locum on purpose: it is what a stranger would write from the page.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from locum.errors import Garbled
from locum.herkey import LONGEST, HerKey, key_hash

PAGE = Path(__file__).parent.parent / "docs" / "spec" / "key.md"
VECTOR = dict(re.findall(r"^    ([a-z-]+) *= (.+)$", PAGE.read_text("utf-8").partition("## Vector")[2], re.MULTILINE))
FILE = VECTOR["file"].encode() + b"\n"
NOTE = VECTOR["checkpoint"].replace("\\n", "\n").encode()
KEY = HerKey(
    stream="anna@corp.test", key=bytes.fromhex(VECTOR["stream-key"]), vkey=VECTOR["verifier-key"], checkpoint=NOTE
)
WITNESS = "witness.test+00000000+" + base64.b64encode(b"\x04" + bytes(32)).decode()


def changed(**changes: object) -> bytes:
    """The file of the page with other values, spelled as it should be."""
    value = {name: kept for name, kept in (json.loads(FILE) | changes).items() if kept != "-"}
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_code_writes_the_file_of_the_page():
    assert KEY.dump() == FILE


def test_the_code_reads_the_file_of_the_page():
    assert HerKey.load(FILE) == KEY


def test_the_code_writes_the_qr_code_of_the_page():
    assert KEY.qr_text() == VECTOR["qr"].replace("\\n", "\n")


def test_the_code_reads_the_qr_code_of_the_page():
    found = HerKey.load(KEY.qr_text().encode())
    assert (found.stream, found.key, found.vkey, found.checkpoint) == (KEY.stream, KEY.key, KEY.vkey, b"")


def test_the_hash_is_that_of_the_page():
    assert KEY.hash == key_hash(KEY.key) == VECTOR["key-hash"]


def test_the_log_is_named_by_its_key():
    assert (KEY.origin, KEY.log and KEY.log.size) == ("corp.test/locum", 2)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        ("anna@corp.test", "anna.locum-key"),
        ("anna.de.vries@corp.test", "anna.de.vries.locum-key"),
        ("../../etc@corp.test", "etc.locum-key"),
        ("Ánna é@corp.test", "nna.locum-key"),
        ("日本@corp.test", "key.locum-key"),
    ],
)
def test_the_file_has_a_name_that_every_system_takes(stream, name):
    assert HerKey(stream=stream, key=KEY.key, vkey=KEY.vkey).file_name == name


@pytest.mark.parametrize("around", [b"\xef\xbb\xbf%s", b"\r\n  %s\r\n\r\n"])
def test_space_that_mail_programs_add_does_not_matter(around):
    assert HerKey.load(around % FILE) == KEY


def test_lines_that_an_editor_ended_its_own_way_are_read():
    assert HerKey.load(KEY.qr_text().replace("\n", "\r\n").encode()).key == KEY.key


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 50_000,
        b" " * (LONGEST + 1),
        FILE.replace(b'"v":1', b'"v": 1'),
        FILE.replace(b'"v":1', b'"v":1,"v":1'),
        FILE.replace(b'"v":1', b'"v":1.0'),
        FILE.replace(b"anna", b"\\u0061nna"),
        changed(v=2),
        changed(v=True),
        changed(kind="locum-account"),
        changed(more=1),
        changed(witnesses="-"),
        changed(stream=""),
        changed(stream="anna@corp.test\nbob@corp.test"),
        changed(stream="an\u202ena@corp.test"),
        changed(key="00"),
        changed(key=VECTOR["stream-key"].upper().replace("0", "A")),
        changed(key=None),
        changed(vkey="corp.test/locum"),
        changed(vkey=VECTOR["verifier-key"].replace("c9276c38", "c9276c39")),
        changed(vkey=VECTOR["verifier-key"].replace("corp.test", "else.test")),
        changed(witnesses=[VECTOR["verifier-key"]]),
        changed(witnesses=[WITNESS]),
        changed(witnesses=["x"] * 17),
        changed(checkpoint=VECTOR["checkpoint"]),
        changed(checkpoint=NOTE.decode().replace("\n2\n", "\n3\n")),
        changed(checkpoint=0),
        b"locum-key/v2\n" + KEY.qr_text().partition("\n")[2].encode(),
        KEY.qr_text().encode() + b"\nmore",
        KEY.qr_text().replace("00", "0", 1).encode(),
    ],
)
def test_anything_else_is_no_key(content):
    with pytest.raises(Garbled, match="her-key-damaged"):
        HerKey.load(content)


def test_what_was_no_key_is_not_told():
    with pytest.raises(Garbled) as raised:
        HerKey.load(changed(v=2))
    assert (raised.value.values, raised.value.__cause__, raised.value.__suppress_context__) == ({}, None, True)


def test_a_key_is_not_seen_in_its_repr():
    assert VECTOR["stream-key"] not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)


def test_a_witness_is_kept():
    identity = hashlib.sha256(b"witness.test\n\x04" + bytes(32)).digest()[:4].hex()
    key = HerKey(**(all_of(KEY) | {"witnesses": (WITNESS.replace("00000000", identity),)}))
    assert HerKey.load(key.dump()) == key


def all_of(key: HerKey) -> dict[str, object]:
    return {"stream": key.stream, "key": key.key, "vkey": key.vkey, "checkpoint": key.checkpoint}


def test_her_key_is_the_one_that_her_entry_speaks_of():
    assert KEY.is_hers({"key_hash": VECTOR["key-hash"], "vkey": KEY.vkey})


@pytest.mark.parametrize(
    "enrolled",
    [
        {},
        {"key_hash": VECTOR["key-hash"]},
        {"key_hash": key_hash(bytes(32)), "vkey": KEY.vkey},
        {"key_hash": VECTOR["key-hash"], "vkey": "else.test/locum+00000000+AA=="},
        {"key_hash": 0, "vkey": KEY.vkey},
    ],
)
def test_another_key_or_another_log_is_noticed(enrolled):
    assert not KEY.is_hers(enrolled)


# what a stranger would write


def test_a_stranger_reads_the_file():
    value = json.loads(VECTOR["file"])
    assert json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == VECTOR["file"]
    assert (value["v"], value["kind"], value["key"]) == (1, "locum-key", VECTOR["stream-key"])


def test_a_stranger_gets_the_same_hash():
    content = b"locum/key/v1\n" + bytes.fromhex(VECTOR["stream-key"])
    assert hashlib.sha256(content).hexdigest() == VECTOR["key-hash"]


def test_a_stranger_finds_the_same_in_the_qr_code():
    kind, stream, key, vkey = VECTOR["qr"].split("\\n")
    value = json.loads(VECTOR["file"])
    assert (kind, stream, key, vkey) == ("locum-key/v1", value["stream"], value["key"], value["vkey"])
