"""A passkey's signature: what a real one says passes, and whatever one could make it say instead does not."""

import json
from dataclasses import replace
from hashlib import sha256

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.approval import Assertion, NotProven, Site, plain_key
from locum.approval.public_key import load_key
from locum.entry import canonical
from softkeys import (
    BACKED_UP,
    EXTENDED,
    KINDS,
    MAY_BE_BACKED_UP,
    PRESENT,
    SITE,
    VERIFIED,
    WITH_KEY,
    SoftKey,
)

CHALLENGE = sha256(b"what is signed").digest()


def why(key: SoftKey, one: Assertion | None = None, challenge: bytes = CHALLENGE, count: int = 0) -> str:
    """Why a signature is refused; empty where it is good."""
    try:
        (one or key.sign(CHALLENGE)).verify(key.public_key, challenge, (SITE,), count)
    except NotProven as error:
        return error.key
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_signature_is_one(kind):
    assert why(SoftKey("maria", kind)) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_of_something_else_is_none(kind):
    assert why(SoftKey("maria", kind), challenge=bytes(32)) == "signature-of-something-else"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_signature_of_another_key_is_none(kind, other):
    one = SoftKey("eve", other).sign(CHALLENGE)
    assert why(SoftKey("maria", kind), one) == ("signature-wrong")


@pytest.mark.parametrize(
    "signature", [b"\x00", b"\x30\x00", bytes(64), bytes(256), b"\x30\x06\x02\x01\x01\x02\x01\x01"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_other_bytes_are_no_signature(kind, signature):
    key = SoftKey("maria", kind)
    assert why(key, replace(key.sign(CHALLENGE), signature=signature)) == "signature-wrong"


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ({}, ""),
        ({"crossOrigin": None}, ""),
        ({"other_keys_can_be_added_here": "do not compare clientDataJSON against a template"}, ""),
        ({"type": "webauthn.create"}, "signature-of-another-kind"),
        ({"type": None}, "signature-of-another-kind"),
        ({"challenge": None}, "signature-of-something-else"),
        ({"challenge": ""}, "signature-of-something-else"),
        ({"challenge": "AAAA"}, "signature-of-something-else"),
        ({"origin": None}, "signature-on-another-page"),
        ({"origin": "https://evil.test"}, "signature-on-another-page"),
        ({"origin": "http://locum.corp.test"}, "signature-on-another-page"),
        ({"origin": "https://locum.corp.test/"}, "signature-on-another-page"),
        ({"origin": "https://locum.corp.test:8443"}, "signature-on-another-page"),
        ({"origin": "https://locum.corp.test.evil.test"}, "signature-on-another-page"),
        ({"origin": ["https://locum.corp.test"]}, "signature-on-another-page"),
        ({"crossOrigin": True}, "signature-in-a-frame"),
        ({"crossOrigin": "false"}, "signature-in-a-frame"),
        ({"crossOrigin": 0}, "signature-in-a-frame"),
        ({"topOrigin": "https://locum.corp.test"}, "signature-in-a-frame"),
        ({"topOrigin": ""}, "signature-in-a-frame"),
    ],
)
def test_what_the_browser_says_of_the_page_is_judged(client, reason):
    assert why(SoftKey("maria", client=client)) == reason


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"[]",
        b"null",
        b"\xff{}",
        b"{",
        b'{"type":"webauthn.get","type":"webauthn.get"}',
        b"[" * 100_000,
    ],
)
def test_client_data_that_cannot_be_read_in_one_way_is_refused(spoiled):
    key = SoftKey("maria")
    assert why(key, key.sign(CHALLENGE, client=spoiled)) == "signature-unreadable"


def test_a_key_that_stands_twice_is_refused_where_both_are_good():
    key = SoftKey("maria")
    client = key.sign(CHALLENGE).client_data
    doubled = client[:-1] + b', "origin": "https://locum.corp.test"}'
    assert why(key, key.sign(CHALLENGE, client=doubled)) == "signature-unreadable"


def test_a_byte_order_mark_is_refused():
    key = SoftKey("maria")
    assert (
        why(key, key.sign(CHALLENGE, client=b"\xef\xbb\xbf" + key.sign(CHALLENGE).client_data))
        == "signature-unreadable"
    )


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (PRESENT | VERIFIED, ""),
        (PRESENT | VERIFIED | MAY_BE_BACKED_UP, ""),
        (PRESENT | VERIFIED | MAY_BE_BACKED_UP | BACKED_UP, ""),
        (PRESENT, "person-not-verified"),
        (VERIFIED, "nobody-present"),
        (0, "nobody-present"),
        (PRESENT | VERIFIED | BACKED_UP, "signature-unreadable"),
        (PRESENT | VERIFIED | WITH_KEY, "signature-unreadable"),
        (PRESENT | VERIFIED | EXTENDED, "signature-unreadable"),
    ],
)
def test_she_was_there_and_was_verified(flags, reason):
    assert why(SoftKey("maria", flags=flags)) == reason


def test_a_signature_for_another_host_is_refused():
    assert why(SoftKey("maria", site=Site(SITE.origin, "corp.test"))) == "signature-for-another-host"


def test_host_and_page_go_together():
    moved = Site("https://new.corp.test", "new.corp.test")
    key = SoftKey("maria", site=Site(SITE.origin, moved.rp_id))
    one = key.sign(CHALLENGE)
    with pytest.raises(NotProven, match="signature-for-another-host"):
        one.verify(key.public_key, CHALLENGE, (moved, SITE), 0)
    key.site = moved
    assert key.sign(CHALLENGE).verify(key.public_key, CHALLENGE, (SITE, moved), 0) == 0


@pytest.mark.parametrize("more", [-1, 1, 32])
def test_authenticator_data_has_its_length(more):
    key = SoftKey("maria")
    data = key.sign(CHALLENGE).authenticator_data
    assert why(key, key.sign(CHALLENGE, data=data[:more] if more < 0 else data + bytes(more))) == "signature-unreadable"


def test_no_authenticator_data_is_refused():
    key = SoftKey("maria")
    assert why(key, key.sign(CHALLENGE, data=b"")) == "signature-unreadable"


@pytest.mark.parametrize(
    ("makes", "before", "reason"),
    [(0, 0, ""), (7, 6, ""), (7, 0, ""), (7, 7, "key-copied"), (7, 8, "key-copied"), (0, 1, "key-copied"), (1, 0, "")],
)
def test_a_counter_grows_where_there_is_one(makes, before, reason):
    key = SoftKey("maria", count=makes - 1 if makes > 1 else 0)
    one = key.sign(CHALLENGE)
    if makes == 1:
        data = one.authenticator_data[:33] + (1).to_bytes(4)
        one = key.sign(CHALLENGE, data=data)
    assert why(key, one, count=before) == reason


def test_the_counter_is_told():
    key = SoftKey("maria", count=300)
    assert key.sign(CHALLENGE).verify(key.public_key, CHALLENGE, (SITE,), 0) == 301


# as bytes


def test_an_assertion_comes_back_as_it_was():
    one = SoftKey("maria").sign(CHALLENGE)
    assert Assertion.load(one.dump()) == one


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("signature"),
        lambda value: value.update(user="maria"),
        lambda value: value.update(signature=""),
        lambda value: value.update(signature="AQ="),
        lambda value: value.update(credential=1),
        lambda value: value.update(client_data="A" * 16_384),
    ],
)
def test_an_assertion_of_another_shape_is_none(change):
    value = json.loads(SoftKey("maria").sign(CHALLENGE).dump())
    change(value)
    with pytest.raises(NotProven, match="signature-unreadable"):
        Assertion.load(canonical(value))


def test_an_assertion_may_be_as_long_as_that():
    one = SoftKey("maria").sign(CHALLENGE)
    room = 16_384 - len(replace(one, client_data=b"").dump())
    assert Assertion.load(replace(one, client_data=bytes(room // 4 * 3)).dump())


def test_an_assertion_does_not_show_its_bytes():
    assert "signature" not in repr(SoftKey("maria").sign(CHALLENGE))


FLIPPED = {kind: SoftKey("maria", kind, count=5).sign(CHALLENGE) for kind in KINDS}


@settings(max_examples=500, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    part=st.sampled_from(["client_data", "authenticator_data", "signature"]),
    at=st.integers(0),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_is_refused(kind, part, at, bit):
    content = bytearray(getattr(FLIPPED[kind], part))
    content[at % len(content)] ^= 1 << bit
    assert why(SoftKey("maria", kind), replace(FLIPPED[kind], **{part: bytes(content)}))


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_of_a_key_makes_it_none_or_another(kind):
    key = SoftKey("maria", kind)
    one = key.sign(CHALLENGE)
    for at in range(len(key.public_key)):
        spoiled = bytearray(key.public_key)
        spoiled[at] ^= 1
        with pytest.raises(NotProven, match=r"key-unreadable|signature-wrong"):
            one.verify(bytes(spoiled), CHALLENGE, (SITE,), 0)


# keys


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_kept_as_it_is_spelled(kind):
    assert plain_key(SoftKey("maria", kind).public_key) == SoftKey("maria", kind).public_key


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_spelled_otherwise_is_kept_as_we_do(kind):
    key = SoftKey("maria", kind)
    backwards = cbor2.dumps(dict(reversed(cbor2.loads(key.public_key).items())))
    assert backwards != key.public_key
    with pytest.raises(NotProven, match="key-unreadable"):
        load_key(backwards)
    assert plain_key(backwards) == key.public_key


def rsa_key(bits: int, exponent: int = 65537) -> bytes:
    numbers = rsa.generate_private_key(exponent, bits).public_key().public_numbers()
    return cbor2.dumps({1: 3, 3: -257, -1: numbers.n.to_bytes(bits // 8), -2: numbers.e.to_bytes(3).lstrip(b"\0")})


POINT = ec.derive_private_key(7, ec.SECP256R1()).public_key().public_numbers()
X, Y = POINT.x.to_bytes(32), POINT.y.to_bytes(32)
OTHERS = {
    "nothing": b"",
    "a number": b"\x01",
    "an uncompressed point": b"\x04" + X + Y,
    "a point that is not on the curve": cbor2.dumps({1: 2, 3: -7, -1: 1, -2: X, -3: X}),
    "another curve": cbor2.dumps({1: 2, 3: -7, -1: 2, -2: X, -3: Y}),
    "another algorithm over that curve": cbor2.dumps({1: 2, 3: -35, -1: 1, -2: X, -3: Y}),
    "a short coordinate": cbor2.dumps({1: 2, 3: -7, -1: 1, -2: X[1:], -3: Y}),
    "another kind of Edwards curve": cbor2.dumps({1: 1, 3: -8, -1: 7, -2: bytes(32)}),
    "a short Edwards point": cbor2.dumps({1: 1, 3: -8, -1: 6, -2: bytes(31)}),
    "something after the key": SoftKey("maria").public_key + b"\0",
    "RSA with another hash": cbor2.dumps({1: 3, 3: -37, -1: b"\xff" * 256, -2: b"\x01\x00\x01"}),
    "RSA with a leading zero": cbor2.dumps({1: 3, 3: -257, -1: b"\x00" + b"\xff" * 256, -2: b"\x01\x00\x01"}),
    "RSA of 2040 bits": cbor2.dumps({1: 3, 3: -257, -1: b"\xff" * 255, -2: b"\x01\x00\x01"}),
    "RSA that is shorter than it says": cbor2.dumps({1: 3, 3: -257, -1: b"\x7f" + b"\xff" * 255, -2: b"\x01\x00\x01"}),
    "another type": cbor2.dumps({1: 9, 3: -8}),
    "no algorithm": cbor2.dumps({1: 1}),
}


@pytest.mark.parametrize("name", list(OTHERS))
def test_another_key_is_none(name):
    for load in (load_key, plain_key):
        if name not in ("an uncompressed point", "something after the key") or load is load_key:
            with pytest.raises(NotProven, match="key-unreadable"):
                load(OTHERS[name])


def test_an_rsa_key_of_1024_bits_is_none():
    with pytest.raises(NotProven, match="key-unreadable"):
        load_key(rsa_key(1024))


def test_an_rsa_key_of_another_exponent_is_none():
    with pytest.raises(NotProven, match="key-unreadable"):
        plain_key(rsa_key(2048, 3))


@pytest.mark.parametrize("bits", [3072, 4096])
def test_a_longer_rsa_key_is_one(bits):
    assert plain_key(key := rsa_key(bits)) == key


def test_an_rsa_key_whose_length_is_not_what_it_says_is_none():
    key = SoftKey("maria", "RS256").public_key
    spoiled = key.replace(b"\x59\x01\x00", b"\x59\x01\x01")
    assert spoiled != key
    with pytest.raises(NotProven, match="key-unreadable"):
        load_key(spoiled)
