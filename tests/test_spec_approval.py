"""docs/spec/approval.md holds: its vectors come out of Locum's code, and out of the standard library and one signature library.

The second half imports nothing of Locum's on purpose: it is what a stranger would write from the page.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from locum.approval import (
    DEEDS,
    Approval,
    Assertion,
    Deed,
    Log,
    NotProven,
    Opening,
    Signed,
    Site,
    challenge,
    fingerprint,
)
from locum.approval.statement import DECISIONS, REASONS
from locum.approval.strict import decoded
from locum.desk.searching.sealedto import unseal_with
from locum.entry import Entry
from locum.gate import Act, Given, Need, Part, Passed, Surroundings, gate
from locum.measure import parse_instant
from locum.register import LASTS, LONGEST, WAIT, fold

SPEC = Path(__file__).parent.parent / "docs" / "spec"
PAGE = (SPEC / "approval.md").read_text("utf-8")
VECTORS = json.loads((SPEC / "vectors" / "approval.json").read_text("utf-8"))
SITE = Site(**VECTORS["site"])
FAR = datetime(2026, 1, 1, tzinfo=UTC)


def case_name(one: dict[str, str]) -> str:
    return one.get("domain") or one["why"] or "good"


@pytest.mark.parametrize("one", VECTORS["challenges"], ids=case_name)
def test_the_code_makes_the_challenge(one):
    content = one["statement"].encode()
    own = {"approval": Approval.load, "opening": Opening.load}
    load = own[one["domain"]](content) if one["domain"] in own else Deed.load(one["domain"], content)
    assert load.dump() == content
    assert challenge(one["domain"], content).hex() == one["challenge"]


def test_every_kind_of_statement_has_a_vector_and_a_line():
    assert {one["domain"] for one in VECTORS["challenges"]} == {"approval", "opening", *DEEDS}
    table = PAGE.partition("\n| kind |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == set(DEEDS)


def test_the_screen_opens_what_was_sealed_for_it():
    one = VECTORS["sealed"]
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(one["private"]))
    assert private.public_key().public_bytes_raw().hex() == one["to"]
    assert unseal_with(private, bytes.fromhex(one["sealed"]), one["request"], one["digest"]) == one["content"].encode()


def test_the_words_and_figures_of_the_page_are_those_of_the_code():
    assert all(f"`{word}`" in PAGE for word in (*DECISIONS, *REASONS))
    assert f"{LONGEST.days} days at most" in PAGE
    assert f"more than {LASTS.days} days" in PAGE
    assert f"{WAIT.days * 24} hours later" in PAGE


@pytest.mark.parametrize("one", VECTORS["assertions"], ids=case_name)
def test_the_code_judges_the_assertion_as_the_page(one):
    assertion = Assertion.load(one["assertion"].encode())
    try:
        assertion.verify(decoded(one["key"]), decoded(one["challenge"]), (SITE,), one["count"])
        why = ""
    except NotProven as error:
        why = error.key
    assert why == one["why"]


def entries() -> list[Entry]:
    return [
        Entry(
            index=one["index"], stream="", seq=-1, type="", time=FAR, case="", body={},
            payload=one["payload"].encode(), opening=bytes.fromhex(one["opening"]), leaf=bytes.fromhex(one["leaf"]),
        )
        for one in VECTORS["register"]
    ]  # fmt: skip


def at_the_gate() -> tuple[Act, list[Given], Callable[[Act, Sequence[Given]], bool]]:
    """The act, the approvals, and whether the gate lets such through."""
    told = VECTORS["gate"]
    register = fold(entries(), (SITE,))
    assert register.ignored == []
    need = Need(parts=(Part(count=1, functions=frozenset(told["functions"])),), requester_signs=True)
    act = Act(request=told["request"].encode(), recorded=told["recorded"], policy=told["policy"], need=need)
    given = [
        Given(
            signed=Signed(one["statement"].encode(), one["assertion"].encode()), index=one["index"],
            recorded_at=parse_instant(one["recorded_at"]), shown=tuple(one["shown"]), count=one["count"],
        )
        for one in told["approvals"]
    ]  # fmt: skip
    around = Surroundings(site=SITE, log=Log(**told["log"]))
    now = parse_instant(told["now"])
    return act, given, lambda act, given: isinstance(gate(act, given, register, around, now), Passed)


def test_the_code_lets_the_request_through_the_gate():
    act, given, passes = at_the_gate()
    assert passes(act, given)


def changed(content: bytes) -> Iterator[bytes]:
    """The same with one bit of one byte changed, byte after byte."""
    for place, byte in enumerate(content):
        yield content[:place] + bytes([byte ^ 1 << place % 8]) + content[place + 1 :]


def test_no_byte_of_the_request_can_be_another():
    act, given, passes = at_the_gate()
    assert not any(passes(replace(act, request=other), given) for other in changed(act.request))


@pytest.mark.parametrize("part", ["statement", "assertion"])
def test_no_byte_of_an_approval_can_be_another(part):
    act, given, passes = at_the_gate()
    for one in given:
        others = [each for each in given if each is not one]
        for other in changed(getattr(one.signed, part)):
            assert not passes(act, [*others, replace(one, signed=replace(one.signed, **{part: other}))])


def test_the_code_makes_the_six_words():
    told = VECTORS["fingerprint"]
    assert [fingerprint(told["hash"], language) for language in ("nl", "en")] == [told["nl"], told["en"]]


# what a stranger would write


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("one", VECTORS["challenges"], ids=case_name)
def test_a_stranger_gets_the_same_challenge(one):
    made = hashlib.sha256(f"locum/{one['domain']}/v1\n".encode() + one["statement"].encode()).hexdigest()
    assert made == one["challenge"]
    value = json.loads(one["statement"])
    assert json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == one["statement"]


def verifies(key: bytes, signature: bytes, content: bytes) -> bool:
    try:
        if key[:10].hex() == "a4010103272006215820":
            Ed25519PublicKey.from_public_bytes(key[10:]).verify(signature, content)
        elif key[:10].hex() == "a5010203262001215820":
            point = b"\x04" + key[10:42] + key[45:]
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point).verify(signature, content, ECDSA(SHA256()))
        else:
            numbers = RSAPublicNumbers(65537, int.from_bytes(key[11:-5]))
            numbers.public_key().verify(signature, content, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def is_good(key: bytes, asked: bytes, count: int, assertion: dict[str, str]) -> bool:
    client, data = bytes_of(assertion["client_data"]), bytes_of(assertion["authenticator_data"])
    try:
        said = json.loads(client)
    except ValueError:
        return False
    made = int.from_bytes(data[33:])
    return (
        said["type"] == "webauthn.get"
        and bytes_of(said["challenge"]) == asked
        and said["origin"] == VECTORS["site"]["origin"]
        and said.get("crossOrigin") in (None, False)
        and "topOrigin" not in said
        and len(data) == 37
        and data[:32] == hashlib.sha256(VECTORS["site"]["rp_id"].encode()).digest()
        and data[32] & 0x05 == 0x05
        and (made > count or made == count == 0)
        and verifies(key, bytes_of(assertion["signature"]), data + hashlib.sha256(client).digest())
    )


@pytest.mark.parametrize("one", VECTORS["assertions"], ids=case_name)
def test_a_stranger_judges_the_assertion_as_the_page(one):
    found = is_good(bytes_of(one["key"]), bytes_of(one["challenge"]), one["count"], json.loads(one["assertion"]))
    assert found == (one["why"] == "")


def keys_of_the_register() -> dict[str, tuple[str, bytes]]:
    """Every key that was ever added, by its credential: enough to see who signed."""
    found = {}
    for one in VECTORS["register"]:
        value = json.loads(one["payload"])
        for signed in value["body"]["signed"]:
            what = json.loads(signed["statement"])["what"]
            for row in what.get("people", [what]):
                if "key" in row:
                    found[row["credential"]] = (row["person"], bytes_of(row["key"]))
    return found


def test_a_stranger_sees_who_signed_the_request():
    told, keys = VECTORS["gate"], keys_of_the_register()
    recorded = hashlib.sha256(b"locum/request/v1\n" + told["request"].encode()).hexdigest()
    assert recorded == told["recorded"]
    signers = {}
    for one in told["approvals"]:
        assertion, said = json.loads(one["assertion"]), json.loads(one["statement"])
        person, key = keys[assertion["credential"]]
        asked = hashlib.sha256(b"locum/approval/v1\n" + one["statement"].encode()).digest()
        assert is_good(key, asked, one["count"], assertion)
        assert (said["approver"], said["request"], said["policy"]) == (person, recorded, told["policy"])
        assert said["display"] in {hashlib.sha256(text.encode()).hexdigest() for text in one["shown"]}
        signers[said["decision"]] = person
    assert signers == {"request": "sam", "approve": "maria"}
