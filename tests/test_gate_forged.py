"""False evidence: forged rows, other pages, copied keys, and any bit flipped in anything that the gate is given. It stays shut."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals import REVIEW, Story
from locum.approval import Approval, Log, Signed, Site
from locum.errors import Garbled
from locum.gate import Need, Reason, Stopped, gate
from locum.register import Register, fold
from registers import key_of, log
from softkeys import KINDS, SITE, SoftKey

SECOND = timedelta(seconds=1)


@pytest.fixture
def story() -> Story:
    return Story()


# false evidence


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"flags": 0x01}, "person-not-verified"),
        ({"flags": 0x04}, "nobody-present"),
        ({"client": {"crossOrigin": True}}, "signature-in-a-frame"),
        ({"client": {"topOrigin": "https://portal.corp.test"}}, "signature-in-a-frame"),
        ({"site": Site("https://evil.test", "locum.corp.test")}, "signature-on-another-page"),
        ({"site": Site("https://locum.corp.test", "corp.test")}, "signature-for-another-host"),
        ({"client": {"type": "webauthn.create"}}, "signature-of-another-kind"),
    ],
)
def test_a_signature_made_otherwise_shuts_the_gate(story, change, reason):
    story.both()
    for name, value in change.items():
        setattr(story.org.keys["dirk"], name, value)
    story.signs("dirk", "dpo")
    found = story.ask()
    assert (story.why(), isinstance(found, Stopped) and found.is_false) == ({reason}, True)


def test_a_row_that_somebody_made_up_shuts_the_gate(story):
    story.both()
    story.signs("dirk", "dpo", key=SoftKey("eve's"))
    assert story.ask() == Stopped((Reason("key-unknown", "dirk", "dpo"),), is_false=True)


def test_a_signature_with_anothers_key_shuts_the_gate(story):
    story.both()
    story.signs("dirk", "dpo", key=story.org.keys["sam"])
    assert story.ask() == Stopped((Reason("key-of-another", "dirk", "dpo"),), is_false=True)


@pytest.mark.parametrize(("statement", "assertion"), [(b"", None), (None, b""), (b"{}", b"{}")])
def test_a_row_that_cannot_be_read_shuts_the_gate(story, statement, assertion):
    one = story.both().approvals[1].signed
    spoiled = Signed(
        one.statement if statement is None else statement, one.assertion if assertion is None else assertion
    )
    story.approvals.append(replace(story.approvals[1], signed=spoiled))
    assert story.why() & {"statement-unreadable", "signature-unreadable"}


def test_a_copied_key_shuts_the_gate(story):
    key = SoftKey("counting", count=5)
    story.org.deed("key-added", key_of("maria", key), ("maria", "", key), story.org.me("maria"))
    story.signs("sam", "it", "request")
    one = story.signs("maria", "hr", key=SoftKey("counting", count=5))
    assert story.why() == {"key-copied"}
    story.approvals[1] = story.signs("maria", "hr", key=SoftKey("counting", count=6))
    del story.approvals[2]
    assert story.why() == set()
    story.approvals[1] = replace(story.approvals[1], count=7)
    assert story.why() == {"key-copied"}
    assert one.count == 0


def test_an_approval_from_the_future_shuts_the_gate(story):
    story.both()
    story.approvals[1] = replace(story.approvals[1], recorded_at=story.now + SECOND)
    assert story.why() == {"recorded-later"}


@pytest.mark.parametrize(
    ("signed", "around", "reason"),
    [
        (log(90), {}, ""),
        (log(100), {}, ""),
        (log(101), {}, "log-ahead"),
        (log(90), {"log": Log("corp.test/locum", 89, "00" * 32)}, "log-ahead"),
        (log(90), {"log": Log("corp.test/locum", 90, "00" * 32)}, ""),
        (replace(log(90), origin="other.test/locum"), {}, "log-other"),
        (log(90), {"roots": {90: log(90).root}}, ""),
        (log(90), {"roots": {90: "00" * 32}}, "log-other"),
        (log(90), {"roots": {}}, "log-other"),
    ],
)
def test_the_history_she_signed_is_ours(story, signed, around, reason):
    story.org.place()
    story.signs("maria", "hr", log=signed)
    assert story.approvals[0].index == 100
    assert story.why(around=around, need=Need(parts=(REVIEW,))) == ({reason} if reason else set())


def test_false_evidence_is_told_without_the_rest(story):
    story.signs("ivo", "it")
    story.signs("dirk", "dpo", key=SoftKey("eve's"))
    assert story.why() == {"key-unknown"}


# any bit, anywhere


@cache
def signed_by_all(kind: str) -> Story:
    """More than enough: the requester and three others, so that no flipped bit hides behind one that was missing anyway."""
    story = Story()
    for name in ("maria", "dirk", "sam", "mark"):
        key = SoftKey(f"{name}'s {kind}", kind, count=3)
        story.org.deed("key-added", key_of(name, key), (name, "", key), story.org.me(name))
        story.org.keys[name] = key
    story.both()
    story.signs("dirk", "dpo")
    story.signs("mark", "manager")
    assert story.why() == set()
    return story


@cache
def register(kind: str) -> Register:
    return signed_by_all(kind).org.fold()


def flipped(content: bytes, at: int, bit: int) -> bytes:
    spoiled = bytearray(content)
    spoiled[at % len(content)] ^= 1 << bit
    return bytes(spoiled)


BITS = {"at": st.integers(0, 10_000), "bit": st.integers(0, 7)}


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), which=st.integers(0, 3), part=st.sampled_from(["statement", "assertion"]), **BITS)
def test_no_bit_of_an_approval_can_be_flipped(kind, which, part, at, bit):
    story = signed_by_all(kind)
    one = story.approvals[which]
    spoiled = replace(one, signed=replace(one.signed, **{part: flipped(getattr(one.signed, part), at, bit)}))
    given_ = [*story.approvals[:which], spoiled, *story.approvals[which + 1 :]]
    found = story.ask(given=given_, register=register(kind))
    assert isinstance(found, Stopped)
    assert found.is_false


@settings(max_examples=200, deadline=None)
@given(**BITS)
def test_no_bit_of_the_request_can_be_flipped(at, bit):
    story = signed_by_all("EdDSA")
    assert story.why(request=flipped(story.bytes, at, bit), register=register("EdDSA")) & {
        "request-changed",
        "request-unreadable",
    }


@pytest.mark.parametrize("name", ["recorded", "policy"])
def test_no_bit_of_a_hash_can_be_flipped(name):
    story = signed_by_all("EdDSA")
    value = getattr(story.act, name).encode()
    for at in range(len(value)):
        for bit in range(7):
            assert story.why(**{name: flipped(value, at, bit).decode()}, register=register("EdDSA"))


@settings(max_examples=100, deadline=None)
@given(which=st.integers(0, 1), **BITS)
def test_no_bit_of_what_was_shown_can_be_flipped(which, at, bit):
    story = signed_by_all("EdDSA")
    shown = story.approvals[which].shown[0].encode()
    try:
        spoiled = replace(story.approvals[which], shown=(flipped(shown, at, bit).decode(),))
    except UnicodeDecodeError:
        return
    given_ = [spoiled, *story.approvals[2:], story.approvals[1 - which]]
    found = story.ask(given=given_, register=register("EdDSA"))
    who = Approval.load(spoiled.signed.statement).approver
    assert isinstance(found, Stopped) or who not in {one.person for one in found.eyes}


@settings(max_examples=300, deadline=None)
@given(which=st.integers(0, 100), part=st.sampled_from(["payload", "opening", "leaf"]), **BITS)
def test_no_bit_of_the_register_can_be_flipped(which, part, at, bit):
    story = signed_by_all("EdDSA")
    entries = list(story.org.entries)
    one = entries[which % len(entries)]
    entries[which % len(entries)] = replace(one, **{part: flipped(getattr(one, part), at, bit)})
    with pytest.raises(Garbled):
        fold(entries, (SITE,))


@pytest.mark.parametrize("name", ["origin", "rp_id"])
def test_no_character_of_where_we_are_can_be_changed(name):
    story = signed_by_all("EdDSA")
    value = getattr(SITE, name)
    for at in range(len(value)):
        site = replace(SITE, **{name: f"{value[:at]}~{value[at + 1 :]}"})
        found = gate(story.act, story.approvals, register("EdDSA"), replace(story.around, site=site), story.now)
        assert isinstance(found, Stopped)
        assert found.is_false


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=300), other=st.binary(max_size=300))
def test_whatever_stands_in_a_row_the_gate_says_no_and_no_more(text, other):
    story = signed_by_all("EdDSA")
    made_up = replace(story.approvals[0], signed=Signed(text, other))
    assert isinstance(story.ask(given=[*story.approvals, made_up], register=register("EdDSA")), Stopped)
