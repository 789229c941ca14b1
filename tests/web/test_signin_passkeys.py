"""Passkeys: what counts as an answer, and every answer that must not. The authenticator signs whatever it is told to."""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authenticator import BACKED_UP, PRESENT, VERIFIED, Authenticator, decode, encode

from locum.register import Key as Enrolled
from locum.register import Register
from locum.register.standing import Span
from locum.web.signin import EnrolledKeys
from locum.web.signin.passkeys import (
    Key,
    NoProof,
    Party,
    ask_for_key,
    ask_for_proof,
    credential_of,
    handle,
    new_key,
    proof,
)

PARTY = Party(id="locum.corp.test", origin="https://locum.corp.test", name="Voorbeeld BV")
CHALLENGE = bytes(range(32))


def asked_for_key(**changes: Any) -> dict[str, Any]:
    told = {"person": "anna", "name": "Anna de Vries", "shown": "anna@corp.test", **changes}
    return ask_for_key(PARTY, CHALLENGE, **told)


@pytest.fixture
def device() -> Authenticator:
    made = Authenticator(PARTY.origin)
    made.create(asked_for_key())
    return made


@pytest.fixture
def key(device: Authenticator) -> Key:
    return Key(credential=device.credential, person="anna", public_key=device.public_key)


def asked() -> dict[str, Any]:
    return ask_for_proof(PARTY, CHALLENGE)


# what is asked


def test_a_browser_is_asked_for_a_key_of_its_own_and_for_the_person_behind_it() -> None:
    asked = asked_for_key(existing=[b"old key"])
    assert asked["rp"] == {"id": "locum.corp.test", "name": "Voorbeeld BV"}
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert asked["authenticatorSelection"]["requireResidentKey"] is True
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["attestation"] == "none"
    assert [one["id"] for one in asked["excludeCredentials"]] == [encode(b"old key")]
    assert [one["alg"] for one in asked["pubKeyCredParams"]] == [-8, -7, -257]
    assert decode(asked["challenge"]) == CHALLENGE


def test_what_a_key_calls_its_owner_says_nothing_of_her() -> None:
    called = decode(asked_for_key()["user"]["id"])
    assert called == handle(PARTY, "anna") != handle(PARTY, "sam")
    assert b"anna" not in called


def test_for_signing_in_no_key_is_named() -> None:
    asked = ask_for_proof(PARTY, CHALLENGE)
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == ("locum.corp.test", "required", [])
    assert [one["id"] for one in ask_for_proof(PARTY, CHALLENGE, [b"hers"])["allowCredentials"]] == [encode(b"hers")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Locum.Corp.test/", "https://locum.corp.test"),
        ("https://locum.corp.test:443/below", "https://locum.corp.test"),
        ("https://locum.corp.test:8443", "https://locum.corp.test:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_our_address_as_browsers_write_it(url: str, origin: str) -> None:
    party = Party.of(url, "Voorbeeld BV")
    assert party is not None
    assert party.origin == origin


@pytest.mark.parametrize(
    "url", ["http://locum.corp.test", "http://127.0.0.1:8080", "https://192.0.2.7", "https://[::1]", ""]
)
def test_where_browsers_make_no_passkeys_none_are_asked_for(url: str) -> None:
    assert Party.of(url, "Voorbeeld BV") is None


# a new key


def test_a_key_that_a_browser_made_is_read(device: Authenticator) -> None:
    device = replace(device, flags=PRESENT | VERIFIED | BACKED_UP, count=7)
    made = new_key(PARTY, device.create(asked_for_key()), CHALLENGE)
    assert (made.credential, made.public_key, made.sign_count) == (device.credential, device.public_key, 7)
    assert made.is_backed_up
    assert json.loads(made.client_data)["type"] == "webauthn.create"
    assert made.attestation


REFUSED_NEW: dict[str, Callable[[Authenticator], Authenticator]] = {
    "nobody was verified": lambda d: replace(d, flags=PRESENT),
    "nobody was there": lambda d: replace(d, flags=VERIFIED),
    "another origin": lambda d: replace(d, origin="https://evil.test"),
    "another host": lambda d: replace(d, rp_id="evil.test"),
    "in a frame": lambda d: replace(d, client={"crossOrigin": True}),
    "in a frame of": lambda d: replace(d, client={"topOrigin": "https://evil.test"}),
    "another challenge": lambda d: replace(d, client={"challenge": encode(b"x" * 32)}),
    "an answer to another question": lambda d: replace(d, client={"type": "webauthn.get"}),
    "an algorithm we do not take": lambda d: replace(d, algorithm=-39),
}


@pytest.mark.parametrize("why", REFUSED_NEW)
def test_a_key_is_not_taken_when(why: str, device: Authenticator) -> None:
    fresh = replace(device, rp_id="")
    new_key(PARTY, fresh.create(asked_for_key()), CHALLENGE)
    with pytest.raises(NoProof):
        new_key(PARTY, REFUSED_NEW[why](fresh).create(asked_for_key()), CHALLENGE)


# a proof


def test_a_good_answer_is_proof_and_its_bytes_are_kept(device: Authenticator, key: Key) -> None:
    device.count = 4
    found = proof(PARTY, device.get(asked()), CHALLENGE, key, count=3)
    assert (found.credential, found.sign_count) == (key.credential, 4)
    assert json.loads(found.client_data)["origin"] == PARTY.origin
    assert (len(found.authenticator_data), len(found.signature)) == (37, 64)


REFUSED: dict[str, Callable[[Authenticator], Authenticator]] = {
    **REFUSED_NEW,
    "an answer to another question": lambda d: replace(d, client={"type": "webauthn.create"}),
    "another key": lambda d: replace(d, key=Authenticator(PARTY.origin).key),
    "another credential": lambda d: replace(d, credential=b"x" * 32),
    "another owner": lambda d: replace(d, owner=handle(PARTY, "sam")),
    "no owner": lambda d: replace(d, owner=b""),
    "a counter that fell": lambda d: replace(d, count=2),
    "a counter that stood still": lambda d: replace(d, count=3),
}
del REFUSED["an algorithm we do not take"]


@pytest.mark.parametrize("why", REFUSED)
def test_it_is_no_proof_when_there_is(why: str, device: Authenticator, key: Key) -> None:
    device.count = 4
    proof(PARTY, device.get(asked()), CHALLENGE, key, count=3)
    with pytest.raises(NoProof):
        proof(PARTY, REFUSED[why](device).get(asked()), CHALLENGE, key, count=3)


def test_the_counter_at_enrolment_counts_too(device: Authenticator, key: Key) -> None:
    device.count = 5
    with pytest.raises(NoProof):
        proof(PARTY, device.get(asked()), CHALLENGE, replace(key, sign_count=5))


def test_a_key_that_was_named_need_not_say_whose_it_is(device: Authenticator, key: Key) -> None:
    answer = device.get(asked(), userHandle=None)
    assert proof(PARTY, answer, CHALLENGE, key, was_named=True)
    with pytest.raises(NoProof):
        proof(PARTY, answer, CHALLENGE, key)
    with pytest.raises(NoProof, match="another-owner"):
        proof(PARTY, device.get(asked(), userHandle=encode(b"sam")), CHALLENGE, key, was_named=True)


def test_a_changed_byte_is_no_proof(device: Authenticator, key: Key) -> None:
    good = json.loads(device.get(asked()))
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        raw = bytearray(decode(good["response"][name]))
        raw[-2] ^= 1
        with pytest.raises(NoProof):
            proof(PARTY, device.get(asked(), **{name: encode(bytes(raw))}), CHALLENGE, key)


def test_a_name_that_stands_twice_is_no_proof(device: Authenticator, key: Key) -> None:
    """Two readers would read two challenges from it; the signature is good."""
    told = json.dumps({"type": "webauthn.get", "challenge": encode(CHALLENGE), "origin": PARTY.origin})
    twice = told.replace('"origin"', '"crossOrigin": true, "crossOrigin": false, "origin"', 1).encode()
    device._client = lambda kind, asked: twice  # type: ignore[method-assign]
    with pytest.raises(NoProof, match="name-twice"):
        proof(PARTY, device.get(asked()), CHALLENGE, key)


@pytest.mark.parametrize("value", ["true", 1, None, "false", {}, []])
def test_a_frame_that_is_told_in_another_way_is_no_proof(device: Authenticator, key: Key, value: object) -> None:
    device.client = {"crossOrigin": value}
    with pytest.raises(NoProof, match="cross-origin"):
        proof(PARTY, device.get(asked()), CHALLENGE, key)


GARBAGE = [
    "",
    "{",
    "[]",
    "null",
    "7",
    '"x"',
    "{}",
    '{"id": {}}',
    '{"id": "AA"}',
    "[" * 100_000,
    '{"id": "é"}',
    "\0",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_no_proof_and_no_failure_of_ours(text: str, key: Key) -> None:
    with pytest.raises(NoProof):
        proof(PARTY, text, CHALLENGE, key)
    with pytest.raises(NoProof):
        new_key(PARTY, text, CHALLENGE)
    with contextlib.suppress(NoProof):
        credential_of(text)


def test_answers_with_parts_left_out_or_of_another_kind_are_no_proof(device: Authenticator, key: Key) -> None:
    good = json.loads(device.get(asked()))
    assert proof(PARTY, json.dumps(good), CHALLENGE, key)
    bad: list[Any] = [None, 7, [], {}, "", "é", "A", "A" * 9, encode(os.urandom(40))]
    for part in [("id",), ("rawId",), ("type",), ("response",), *(("response", name) for name in good["response"])]:
        for value in bad:
            changed = json.loads(json.dumps(good))
            place = changed if len(part) == 1 else changed["response"]
            place[part[-1]] = value
            with pytest.raises(NoProof):
                proof(PARTY, json.dumps(changed), CHALLENGE, key)


# the register's keys


ADDED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WAITED = Span(index=4, from_at=ADDED + timedelta(hours=24), until_at=ADDED + timedelta(days=3))
HERS = Enrolled(person="anna", credential=b"hers", public_key=b"public", span=WAITED, counts=((4, 1), (6, 7)))


def found_after(days: int, enrolled: Enrolled = HERS) -> Key:
    keys = EnrolledKeys(lambda: Register(keys={b"hers": enrolled}), lambda: ADDED + timedelta(days=days))
    assert keys.key(b"nobody's") is None
    found = keys.key(b"hers")
    assert found is not None
    return found


def test_a_key_of_the_register_counts_after_its_wait_and_until_its_end() -> None:
    assert [found_after(days).is_valid for days in range(4)] == [False, True, True, False]
    found = found_after(1)
    assert (found.person, found.public_key, found.sign_count) == ("anna", b"public", 7)


def test_a_key_of_the_register_that_was_withdrawn_signs_nobody_in() -> None:
    withdrawn = replace(HERS, span=replace(WAITED, ended=9))
    assert not found_after(1, withdrawn).is_valid
