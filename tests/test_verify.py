"""An account is checked: a good one holds, and every lie that its owner can see is seen, each tried on a real record.

The record is that of the published samples. Who lies has everything, the log's own key included (tests/forging.py), except
what she holds: her key file with its checkpoint, an earlier file, the key of a witness.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.accountworld import SECRET
from tests.forging import HERS, POLICIES, REGISTER, Forger, signed_note, split

from locum import tlog
from locum.approval.request import hash_of
from locum.checkable import File, Place, Trusted, Verified, verify
from locum.checkable.words import answers, conclusion, title
from locum.entry import canonical
from locum.herkey import HerKey
from locum.messages import LANGUAGES, say
from locum.tlog.cosignatures import cosignature_line, to_cosign, with_signatures
from locum.tlog.notes import vkey_of

VECTORS = Path(__file__).parent.parent / "docs" / "spec" / "vectors"


@cache
def file(name: str = "anna") -> File:
    return File.load((VECTORS / f"{name}.locum").read_bytes())


@cache
def key(name: str = "anna") -> HerKey:
    return HerKey.load((VECTORS / f"{name}.locum-key").read_bytes())


def found(one: File, **held: Any) -> Verified:
    return verify(one, Trusted(**{"key": key(), **held}))


def failing(one: File, **held: Any) -> set[str]:
    """What does not hold, as check and key."""
    return {f"{said.check} {said.key}" for said in found(one, **held).findings if said.holds is False}


def said(one: File, **held: Any) -> set[str]:
    return {f"{said.check} {said.key}" for said in found(one, **held).findings}


# what holds


@pytest.mark.parametrize("name", ["anna", "mark", "ivo"])
def test_a_good_account_holds(name):
    assert verify(file(name), Trusted(key=key(name))).holds


def test_nothing_has_been_done_is_an_answer():
    untouched = replace(file("ivo"), key=bytes(range(32)), places=())
    assert "complete nothing" in {f"{one.check} {one.key}" for one in verify(untouched).findings}


def test_whoever_only_got_a_key_is_told_that_nothing_was_done():
    found = verify(file("ivo"), Trusted(key=key("ivo")))
    assert (found.holds, found.entries, found.is_quiet) == (True, 1, True)


def test_an_account_without_a_key_file_says_what_it_cannot_know():
    assert "origin no-key-file" in said(file(), key=None)


def test_erased_places_verify_as_erased():
    assert "unchanged unchanged-erased" in said(file())


def test_each_act_was_allowed_and_signed_by_two_people():
    signed = [one for one in found(file()).findings if one.key == "signed" and one.check == "signed"]
    assert [one.values["who"] for one in signed] == ["Bob Smit (it), Dirk Bakker (hr)"]


def test_an_account_holds_against_an_earlier_one_of_the_same_log():
    assert failing(file(), earlier=[file("mark").checkpoint]) == set()


# the log


def changed(how: Callable[[Forger], object]) -> File:
    forger = Forger(file())
    how(forger)
    return forger.made()


def test_an_entry_taken_out_of_the_file_is_seen():
    assert "complete left-out" in failing(replace(file(), places=(*file().places[:30], *file().places[31:])))


def test_an_entry_taken_out_of_the_log_alone_is_seen():
    leaves = split(file().leaves)
    del leaves[file().places[30].index]
    assert "complete gap" in failing(replace(file(), leaves=b"".join(leaves), checkpoint=signed_note(leaves)))


def test_an_entry_taken_out_of_log_and_chain_is_seen_against_an_earlier_file():
    lie = changed(lambda forger: forger.drop(HERS, 30))
    assert "origin earlier-longer" in failing(lie, earlier=[file().checkpoint])


def test_a_changed_entry_is_seen():
    place = replace(file().places[30], payload=(file().places[30].payload or b"").replace(b"agreed", b"argued") + b" ")
    places = (*file().places[:30], place, *file().places[31:])
    assert failing(replace(file(), places=places)) >= {"unchanged changed"}


def test_an_entry_written_anew_in_the_log_is_seen_against_an_earlier_file():
    lie = changed(
        lambda f: f.change(HERS, f.find(HERS, "answered", answer="agreed"), lambda v: v["body"].update(because="-"))
    )
    assert "origin earlier-other" in failing(lie, earlier=[file().checkpoint])


def test_two_entries_that_changed_places_are_seen():
    forger = Forger(file())
    first, second = (file().places[seq].index for seq in (30, 31))
    forger.leaves[first], forger.leaves[second] = forger.leaves[second], forger.leaves[first]
    lie = replace(file(), leaves=b"".join(forger.leaves), checkpoint=signed_note(forger.leaves))
    assert {"complete order", "complete elsewhere"} <= failing(lie)


def test_an_entry_put_into_the_file_is_seen():
    more = Place(index=5, seq=len(file().places), payload=file().places[30].payload, opening=bytes(32))
    assert "complete not-in-log" in failing(replace(file(), places=(*file().places, more)))


def test_an_entry_that_stands_twice_in_the_log_is_seen():
    leaves = [*split(file().leaves), split(file().leaves)[60]]
    assert "complete twice" in failing(replace(file(), leaves=b"".join(leaves), checkpoint=signed_note(leaves)))


def test_an_entry_under_a_foreign_tag_with_hers_left_out_is_seen():
    leaves = split(file().leaves)
    index = file().places[30].index
    leaves[index] = b"\x01" + bytes(range(32)) + leaves[index][33:]
    assert "complete gap" in failing(replace(file(), leaves=b"".join(leaves), checkpoint=signed_note(leaves)))


def test_a_tail_that_was_cut_off_is_seen_against_an_earlier_file():
    leaves = split(file().leaves)[:60]
    lie = replace(
        file(),
        leaves=b"".join(leaves),
        checkpoint=signed_note(leaves),
        places=tuple(one for one in file().places if one.index < 60),
        erasures=(),
    )
    assert "origin earlier-longer" in failing(lie, earlier=[file().checkpoint])


def test_a_second_history_is_seen_by_the_checkpoint_of_her_key_file():
    leaves = split(file().leaves)
    leaves[2] = b"\x01" + bytes(64)
    assert "origin earlier-other" in failing(replace(file(), leaves=b"".join(leaves), checkpoint=signed_note(leaves)))


def test_leaves_that_are_not_the_signed_ones_are_seen():
    leaves = split(file().leaves)
    leaves[2] = b"\x01" + bytes(64)
    assert "origin leaves-other" in failing(replace(file(), leaves=b"".join(leaves)))


def test_leaves_that_are_too_few_are_seen():
    assert "origin leaves-count" in failing(replace(file(), leaves=(file().leaves or b"")[:-65]))


def test_a_made_up_log_is_seen_with_her_key_file():
    forger = Forger(file())
    other = Ed25519PrivateKey.from_private_bytes(b"\x43" * 32).public_key().public_bytes_raw()
    lie = replace(forger.made(), vkey=vkey_of("corp.test/locum", b"\x01", other))
    assert {"origin other-vkey", "origin not-signed"} <= failing(lie)


def test_somebody_elses_account_is_seen_with_her_key_file():
    assert {"origin other-stream", "origin other-key"} <= failing(file("mark"))


def test_an_account_without_the_leaves_of_the_log_does_not_hold():
    assert failing(replace(file(), leaves=None)) == {"origin no-leaves"}


def test_leaves_that_were_fetched_apart_are_as_good():
    assert verify(replace(file(), leaves=None), Trusted(key=key()), file().leaves).holds


def test_an_entry_that_is_said_to_be_erased_and_was_not_is_seen():
    hidden = Place(index=file().places[41].index, seq=41)
    lie = replace(file(), places=(*file().places[:41], hidden, *file().places[42:]))
    assert "unchanged erased-unsaid" in failing(lie)


# witnesses

WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x77" * 32)
VKEY = vkey_of("council.test", b"\x04", WITNESS.public_key().public_bytes_raw())


def cosigned(one: File, by: Ed25519PrivateKey = WITNESS) -> File:
    at = datetime(2026, 12, 20, 8, tzinfo=UTC)
    text = tlog.verify(one.checkpoint, one.vkey)
    line = cosignature_line(VKEY, at, by.sign(to_cosign(text, at)))
    return replace(one, checkpoint=with_signatures(one.checkpoint, line))


def test_a_witness_that_she_names_is_looked_for():
    assert failing(file(), witnesses=[VKEY]) == {"origin not-witnessed"}


def test_a_witness_that_cosigned_is_named():
    assert "origin witnessed" in said(cosigned(file()), witnesses=[VKEY])


def test_a_witness_of_the_file_alone_is_taken_by_its_word_only():
    assert "origin witnessed-by-its-word" in said(cosigned(replace(file(), witnesses=(VKEY,))))


def test_a_false_cosignature_is_seen():
    assert failing(cosigned(file(), SECRET), witnesses=[VKEY]) >= {"origin witness-false"}


# policy and gate, asked once more


def test_an_act_without_an_approval_is_seen():
    lie = changed(lambda f: f.drop(HERS, f.find(HERS, "reviewed", decision="approve")))
    assert {"signed not-signed", "allowed told-otherwise"} <= failing(lie)


def test_an_act_without_the_requesters_signature_is_seen():
    lie = changed(lambda f: f.drop(HERS, f.find(HERS, "reviewed", decision="request")))
    assert "signed not-signed" in failing(lie)


def test_an_approval_that_is_only_written_down_is_seen():
    lie = changed(
        lambda f: f.change(HERS, f.find(HERS, "reviewed", decision="approve"), lambda v: v["body"].update(signed=False))
    )
    assert "signed not-signed" in failing(lie)


def test_a_forged_approval_is_seen():
    def forge(value: dict[str, Any]) -> None:
        signed = value["body"]["signed"]
        signed["statement"] = signed["statement"].replace('"dirk"', '"petra"').replace('"hr"', '"dpo"')

    lie = changed(lambda f: f.change(HERS, f.find(HERS, "reviewed", decision="approve"), forge))
    assert "signed forged" in failing(lie)


def test_an_approval_of_something_else_is_seen():
    def other(value: dict[str, Any]) -> None:
        value["body"]["measures"][0]["to"] = "dirk@corp.test"

    lie = changed(lambda f: f.change(HERS, f.find(HERS, "requested"), other))
    assert "allowed request-other" in failing(lie)


def test_a_request_that_was_changed_and_hashed_anew_bears_no_signature():
    forger = Forger(file())
    asked = forger.find(HERS, "requested")
    forger.change(HERS, asked, lambda v: v["body"]["measures"][0].update(to="dirk@corp.test"))
    body = forger.value(HERS, asked)["body"]
    request = {name: value for name, value in body.items() if name not in ("case", "request")}
    made = hash_of(canonical({**request, "requester": body["requester"]["id"]}))
    for seq in (asked, forger.find(HERS, "intended", act="apply")):
        forger.change(HERS, seq, lambda v: v["body"].update(request=made))
    assert "signed not-signed" in failing(forger.made())


def test_a_policy_that_was_recorded_after_the_act_is_seen():
    forger = Forger(file())
    said_then = forger.value(POLICIES, 0)["body"]
    forger.drop(POLICIES, 0)
    forger.insert(POLICIES, 0, "policy", said_then, "2026-11-01T09:00:00Z", at=len(forger.leaves))
    assert "allowed policy-later" in failing(forger.made())


def test_a_policy_that_was_never_in_force_is_seen():
    lie = changed(lambda f: f.change(POLICIES, 0, lambda v: v["body"].update(hash="00" * 32)))
    assert "allowed policy-unknown" in failing(lie)


def test_a_policy_that_was_no_longer_in_force_at_filing_is_seen():
    def replaced(forger: Forger) -> None:
        asked = forger.places[HERS][forger.find(HERS, "requested")].index
        body = {**forger.value(POLICIES, 0)["body"], "hash": "11" * 32}
        forger.insert(POLICIES, 1, "policy", body, "2026-12-01T09:00:00Z", at=asked)

    assert "allowed policy-replaced" in failing(changed(replaced))


def test_a_policy_text_that_is_not_the_one_of_the_record_is_seen():
    policies = file().policies
    assert policies is not None
    texts = {name: text.replace("wait_hours = 4", "wait_hours = 0") for name, text in policies.texts.items()}
    assert "allowed policy-text" in failing(replace(file(), policies=replace(policies, texts=texts)))


def test_an_act_of_which_the_record_does_not_say_what_was_known_is_seen():
    lie = changed(lambda f: f.change(HERS, f.find(HERS, "intended", act="apply"), lambda v: v["body"].pop("judged")))
    assert "allowed not-told" in failing(lie)


def _of_an_early_version(forger: Forger) -> None:
    for one in list(forger.places[HERS]):
        if one.payload and b'"type":"enrolled"' in one.payload:
            forger.change(HERS, one.seq, lambda value: value.update(type="looked"))
        elif one.payload and b'"judged"' in one.payload:
            forger.change(HERS, one.seq, lambda value: value["body"].pop("judged"))


def test_an_act_of_a_version_that_wrote_down_less_is_no_accusation_and_no_praise():
    found_early = verify(changed(_of_an_early_version))
    early = [one for one in found_early.of("allowed") if one.key == "not-told-early"]
    assert early
    assert found_early.holds
    with_key = replace(found_early, has_key=True)
    assert all(
        conclusion(with_key, language, "x", "!").startswith(say(language, "verify.conclusion.good-untold"))
        for language in LANGUAGES
    )


def test_where_all_acts_were_erased_nothing_says_that_they_were_allowed():
    def erased(one: Place) -> bool:
        return one.payload is None or b'"type":"enrolled"' in one.payload

    bare = replace(file(), places=tuple(one for one in file().places if erased(one)))
    told = {(one.check, one.key, one.holds) for one in verify(bare).findings if one.check in ("allowed", "pairs")}
    assert told == {("allowed", "acts-erased", None), ("pairs", "acts-erased", None)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("answer", "own-text"),
        ("heard_by", "bob"),
        ("consent", "declined"),
        ("asked", ["mobile"]),
        ("deadline_at", "2026-12-07T23:22:00Z"),
        ("reviews", [["petra", "approve", "dpo"]]),
    ],
)
def test_what_the_policy_was_told_has_to_be_what_the_entries_say(name, value):
    def tell(said_then: dict[str, Any]) -> None:
        said_then["body"]["judged"]["facts"][name] = value

    lie = changed(lambda f: f.change(HERS, f.find(HERS, "intended", act="apply"), tell))
    assert "allowed told-otherwise" in failing(lie)


def test_an_act_that_the_policy_does_not_allow_is_seen():
    def unasked(forger: Forger) -> None:
        seq = forger.find(HERS, "answered", answer="unanswered")
        forger.drop(HERS, seq)
        forger.change(HERS, seq, lambda v: v["body"]["judged"]["facts"].update(answer="", deadline_at=""))

    assert "allowed policy-needs" in failing(changed(unasked))


def test_an_act_after_the_end_of_its_case_is_seen():
    def withdrawn(forger: Forger) -> None:
        seq = forger.find(HERS, "intended", act="apply")
        case = forger.value(HERS, seq)["body"]["case"]
        forger.insert(HERS, seq, "withdrawn", {"case": case, "by": "owner"}, "2026-12-07T23:21:00Z")

    assert "allowed over-before" in failing(changed(withdrawn))


def test_an_act_that_nobody_asked_for_is_seen():
    lie = changed(lambda f: f.drop(HERS, f.find(HERS, "requested")))
    assert "allowed nothing-asked" in failing(lie)


def test_a_register_entry_that_was_left_out_of_the_file_is_seen():
    register = file().register
    assert register is not None
    some = replace(register, stream=replace(register.stream, places=register.stream.places[:-1]))
    assert "complete left-out-house" in failing(replace(file(), register=some))


def test_a_register_that_never_gave_the_function_is_seen():
    lie = changed(lambda f: f.drop(REGISTER, len(f.places[REGISTER]) - 1))
    assert failing(lie) & {"signed forged", "signed not-signed"}


def test_a_register_that_is_not_there_is_seen():
    assert "signed no-register" in failing(replace(file(), register=None))


def test_an_act_without_its_outcome_is_unknown():
    lie = changed(lambda f: f.drop(HERS, f.find(HERS, "done", act="end")))
    assert "pairs unknown" in said(lie)


def test_an_act_that_was_not_announced_is_seen():
    lie = changed(lambda f: f.drop(HERS, f.find(HERS, "intended", act="end")))
    assert "pairs unannounced" in failing(lie)


def test_a_key_that_the_record_says_is_another_is_seen():
    body = {"key_hash": "00" * 32, "vkey": file().vkey, "log": {"origin": "corp.test/locum", "size": 0, "root": ""}}
    lie = changed(lambda f: f.insert(HERS, 0, "enrolled", body, "2026-11-01T09:00:00Z"))
    assert "origin enrolled-other-key" in failing(lie)


def test_every_finding_has_its_sentence_in_both_languages():
    lies = [file(), file("ivo"), *(File.load(path.read_bytes()) for path in sorted(VECTORS.glob("spoiled-*.locum")))]
    told = [(verify(one), language) for one in lies for language in LANGUAGES]
    assert all(answers(one, lang) and conclusion(one, lang, "x", "!") and title(one, lang) for one, lang in told)
