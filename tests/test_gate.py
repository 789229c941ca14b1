"""The gate: what passes, and every attempt to get through without the right people having signed just this."""

from dataclasses import replace
from datetime import timedelta

import pytest

from approvals import REVIEW, SHOWN, Story, request
from locum.approval import Signed, challenge, request_hash, text_hash
from locum.approval.strict import encoded
from locum.entry import canonical
from locum.gate import Need, Part, Passed, Reason, Stopped
from locum.register import Key, Register
from registers import key_of, nonce
from softkeys import SoftKey

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def story() -> Story:
    return Story()


# what passes


def test_a_request_signed_by_both_passes(story):
    found = story.both().ask()
    assert isinstance(found, Passed)
    assert [(one.person, one.function, one.decision) for one in found.eyes] == [
        ("sam", "it", "request"),
        ("maria", "hr", "approve"),
    ]
    assert found.reviews == (("maria", "approve", "hr"),)
    assert found.eyes[1].credential == story.org.keys["maria"].credential


@pytest.mark.parametrize("kind", ["EdDSA", "ES256", "RS256"])
def test_any_kind_of_passkey_passes(kind):
    story = Story()
    key = SoftKey(f"maria's {kind}", kind, count=3)
    story.org.deed("key-added", key_of("maria", key), ("maria", "", key), story.org.me("maria"))
    story.signs("sam", "it", "request")
    story.signs("maria", "hr", key=key)
    assert story.why() == set()


def test_her_manager_passes_as_her_manager(story):
    story.signs("sam", "it", "request")
    story.signs("mark", "manager")
    assert story.why() == set()


def test_the_manager_of_others_is_no_manager_here():
    story = Story()
    story.request = request(story.now + DAY, person="ivo")
    story.recorded = request_hash(story.request)
    story.signs("sam", "it", "request")
    story.signs("mark", "manager")
    assert story.why() == {"review-missing", "function-not-hers"}


def test_a_text_in_either_language_passes(story):
    story.signs("sam", "it", "request")
    story.signs("maria", "hr", display=text_hash(SHOWN[1]))
    assert story.why() == set()


def test_nothing_signed_passes_where_nothing_is_needed(story):
    assert story.ask(need=Need(parts=())) == Passed(())


def test_the_act_is_done_until_the_last_moment(story):
    end = story.now + 14 * DAY
    story.both()
    assert (story.why(at=end - SECOND), story.why(at=end)) == (set(), {"request-expired"})


# nothing missing


@pytest.mark.parametrize(
    ("signers", "reasons"),
    [
        ([], {"review-missing", "requester-not-signed"}),
        ([("sam", "it", "request")], {"review-missing"}),
        ([("maria", "hr", "approve")], {"requester-not-signed"}),
        ([("sam", "it", "request"), ("maria", "hr", "request")], {"review-missing", "not-the-requester"}),
        ([("sam", "it", "request"), ("ivo", "it", "approve")], {"review-missing", "same-function"}),
        ([("sam", "it", "request"), ("mark", "sales", "approve")], {"review-missing"}),
        ([("sam", "it", "request"), ("sam", "it", "approve")], {"review-missing", "own-request"}),
        ([("sam", "it", "approve"), ("maria", "hr", "approve")], {"requester-not-signed", "own-request"}),
        ([("sam", "it", "request"), ("anna", "sales", "approve")], {"review-missing", "person-concerned"}),
        ([("sam", "it", "request"), ("maria", "dpo", "approve")], {"review-missing", "function-not-hers"}),
        ([("sam", "hr", "request"), ("maria", "hr", "approve")], {"requester-not-signed", "function-not-hers"}),
    ],
)
def test_anything_missing_means_no(story, signers, reasons):
    for one in signers:
        story.signs(*one)
    assert story.why() == reasons


def test_a_reason_says_who_and_what(story):
    story.signs("sam", "it", "request")
    story.signs("maria", "dpo")
    found = story.ask()
    assert found == Stopped(
        (Reason("review-missing", what="dpo, hr, manager"), Reason("function-not-hers", "maria", "dpo"))
    )


def test_a_requester_need_not_sign_where_that_is_not_asked(story):
    story.signs("maria", "hr")
    assert story.why(need=Need(parts=(REVIEW,))) == set()


def test_one_no_is_a_no(story):
    story.both()
    story.signs("hugo", "hr", "deny")
    assert story.ask() == Stopped((Reason("denied", "hugo", "hr"),))


def test_a_no_counts_of_whomever_it_is(story):
    story.both()
    story.signs("ivo", "dpo", "deny")
    assert "denied" in story.why()


def test_a_no_counts_after_the_key_was_withdrawn(story):
    story.both()
    story.signs("hugo", "hr", "deny")
    story.org.withdraw("hugo")
    assert "denied" in story.why()


# own request


def test_the_requesters_word_alone_is_nobodys_review(story):
    story.signs("sam", "it", "request")
    story.signs("sam", "it", "overrule")
    assert story.why() == {"review-missing", "own-request"}


def test_the_requester_with_a_second_function_is_still_the_requester(story):
    story.org.give("sam", "hr")
    story.signs("sam", "it", "request")
    story.signs("sam", "hr")
    assert story.why() == {"review-missing", "own-request"}


def test_whoever_else_is_concerned_does_not_decide(story):
    story.both()
    assert story.why(concerned=frozenset({"maria"})) == {"review-missing", "person-concerned"}


# one person as two


def two(apart: bool = True, **instead: object) -> Need:
    part = Part(count=2, functions=frozenset({"hr", "dpo", "manager"}), apart=apart)
    return Need(parts=(replace(part, **instead),))  # type: ignore[arg-type]


def test_two_people_of_two_functions_are_two(story):
    story.signs("maria", "hr")
    story.signs("dirk", "dpo")
    assert story.why(need=two()) == set()


def test_two_people_of_one_function_are_two_where_that_is_enough(story):
    story.signs("maria", "hr")
    story.signs("hugo", "hr")
    assert (story.why(need=two(apart=False)), story.why(need=two())) == (set(), {"review-missing"})


def test_one_person_with_two_keys_is_one(story):
    second = SoftKey("maria's second")
    story.org.deed("key-added", key_of("maria", second), ("maria", "", second), story.org.me("maria"))
    story.signs("maria", "hr")
    story.signs("maria", "hr", key=second)
    assert story.why(need=two(apart=False)) == {"review-missing", "person-twice"}


def test_one_person_with_two_functions_is_one(story):
    story.org.give("maria", "manager", story.org.me("mark", "sales"), story.org.me("dirk", "dpo"))
    story.signs("maria", "hr")
    story.signs("maria", "manager")
    assert story.why(need=two()) == {"review-missing", "person-twice"}


def test_one_person_is_not_two_parts_of_a_need_by_two_functions(story):
    story.org.give("maria", "dpo", story.org.me("mark", "sales"), story.org.me("dirk", "dpo"))
    need = Need(parts=(Part(count=1, functions=frozenset({"hr"})), Part(count=1, functions=frozenset({"dpo"}))))
    story.signs("maria", "hr")
    story.signs("maria", "dpo")
    assert story.why(need=need) == {"review-missing", "person-twice"}
    story.signs("dirk", "dpo")
    assert story.why(need=need) == set()


def test_two_accounts_with_one_key_are_shut_out(story):
    """The register takes no key twice; were it to, the gate would not."""
    register = story.org.fold()
    dirks = register.keys[story.org.keys["dirk"].credential]
    marias = register.keys[story.org.keys["maria"].credential]
    twin = replace(dirks, public_key=marias.public_key)
    keys: dict[bytes, Key] = {**register.keys, twin.credential: twin}
    double: Register = replace(register, keys=keys)
    story.signs("maria", "hr")
    one = story.signs("dirk", "dpo", key=story.org.keys["maria"])
    old, new = (_text(name, story) for name in ("maria", "dirk"))
    story.approvals[-1] = replace(one, signed=Signed(one.signed.statement, one.signed.assertion.replace(old, new)))
    assert story.why(need=two(), register=double) == {"key-of-another"}


def _text(name, story):
    return encoded(story.org.keys[name].credential).encode()


def test_a_part_of_nobody_is_no_part():
    with pytest.raises(ValueError, match="nobody"):
        Part(count=0, functions=frozenset({"hr"}))


def test_an_objection_is_overruled_by_those_who_say_so(story):
    need = two(decisions=frozenset({"overrule"}))
    story.signs("maria", "hr", "overrule")
    story.signs("dirk", "dpo")
    assert story.why(need=need) == {"review-missing"}
    story.approvals.pop()
    story.signs("dirk", "dpo", "overrule")
    assert story.why(need=need) == set()


# a changed character


def test_another_request_than_the_one_filed_is_not_done(story):
    story.both()
    changed = {**story.request, "because": "Offertes wachten op antwoord — elke dag!"}
    assert story.ask(request=canonical(changed)) == Stopped((Reason("request-changed"),), is_false=True)


def test_a_request_changed_with_its_recorded_hash_is_not_done(story):
    story.both()
    changed = {**story.request, "because": "x"}
    reasons = story.why(request=canonical(changed), recorded=request_hash(changed))
    assert reasons == {"review-missing", "requester-not-signed", "request-other"}


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        canonical({**request(Story().now), "not_after": "soon"}),
        canonical({k: v for k, v in request(Story().now).items() if k != "requester"}),
    ],
)
def test_a_request_that_cannot_be_read_is_not_done(story, spoiled):
    story.both()
    assert story.ask(request=spoiled) == Stopped((Reason("request-unreadable"),), is_false=True)


def test_a_request_spelled_otherwise_is_not_done(story):
    story.both()
    for spoiled in (story.bytes + b" ", story.bytes.replace(b'"v":1', b'"v":1.0'), b" " + story.bytes):
        assert story.why(request=spoiled) == {"request-unreadable"}


def test_a_request_with_text_that_may_stand_in_no_entry_is_not_done(story):
    odd = canonical({**story.request, "because": "e\u0301"})
    assert story.why(request=odd) == {"request-unreadable"}


def test_another_policy_than_the_cases_shuts_the_gate(story):
    story.both()
    assert story.ask(policy="00" * 32) == Stopped((Reason("policy-other"),), is_false=True)


def test_an_approval_under_another_policy_is_none(story):
    story.both()
    story.signs("dirk", "dpo", policy="00" * 32)
    assert story.ask() == Stopped((Reason("policy-other", "dirk", "dpo"),), is_false=True)


def test_an_approval_of_another_text_than_the_request_makes_is_none(story):
    story.signs("sam", "it", "request")
    story.signs("maria", "hr", display=text_hash("Nothing much will happen."))
    found = story.ask()
    assert isinstance(found, Stopped)
    assert (Reason("text-other", "maria", "hr") in found.reasons, found.is_false) == (True, False)


# replay


def test_an_approval_of_another_request_counts_for_nothing(story):
    other = Story(org=story.org, request=request(story.now + DAY, mailbox="ivo@corp.test", person="ivo"))
    other.both()
    assert other.why() == set()
    assert story.why(given=other.approvals) == {"review-missing", "requester-not-signed", "request-other"}


def test_approvals_of_an_earlier_version_do_not_stand_in_the_way(story):
    earlier = Story(org=story.org, request=request(story.now + DAY))
    earlier.signs("maria", "hr", "deny", policy="00" * 32, display="00" * 32)
    story.both()
    assert story.why(given=[*earlier.approvals, *story.approvals]) == set()


def test_an_approval_renamed_to_this_request_is_none(story):
    other = Story(org=story.org, request=request(story.now + DAY))
    one = other.signs("maria", "hr")
    renamed = one.signed.statement.replace(other.recorded.encode(), story.recorded.encode())
    forged = replace(one, signed=Signed(renamed, one.signed.assertion))
    assert story.ask(given=[forged]) == Stopped((Reason("signature-of-something-else", "maria", "hr"),), is_false=True)


def test_a_no_renamed_to_another_request_shuts_the_gate_all_the_same(story):
    story.both()
    one = story.signs("hugo", "hr", "deny")
    hidden = one.signed.statement.replace(story.recorded.encode(), b"00" * 32)
    story.approvals[-1] = replace(one, signed=Signed(hidden, one.signed.assertion))
    assert story.why() == {"signature-of-something-else"}


def test_an_approval_does_not_count_twice(story):
    story.both()
    assert story.why(given=[*story.approvals, story.approvals[1]]) == {"nonce-used"}


def test_an_approval_that_was_used_elsewhere_does_not_count(story):
    used = nonce()
    story.signs("sam", "it", "request")
    story.signs("maria", "hr", nonce=used)
    assert story.why(around={"used": frozenset({used})}) == {"nonce-used"}


def test_a_signature_under_a_deed_is_no_approval(story):
    story.signs("sam", "it", "request")
    one = story.signs("maria", "hr")
    signed = story.org.keys["maria"].sign(_other_challenge(one.signed.statement))
    story.approvals[-1] = replace(one, signed=Signed(one.signed.statement, signed.dump()))
    assert story.why() == {"signature-of-something-else"}


def _other_challenge(statement):
    return challenge("function-given", statement)


# rights that ended


def test_a_key_that_was_withdrawn_since_does_not_count(story):
    story.both()
    story.org.withdraw("maria", story.org.me("hugo", "hr"))
    assert story.why() == {"review-missing", "key-not-valid"}


def test_the_requesters_key_that_was_withdrawn_since_does_not_count(story):
    story.both()
    story.org.withdraw("sam")
    assert story.why() == {"requester-not-signed", "key-not-valid"}


def test_a_key_that_did_not_count_yet_when_she_signed_does_not_count_later(story):
    new = SoftKey("sam's second")
    story.org.deed("key-added", key_of("hugo", new), ("hugo", "", new), *_two(story))
    story.signs("sam", "it", "request")
    story.signs("hugo", "hr", key=new)
    story.org.later(days=2)
    assert story.why() == {"review-missing", "key-not-valid"}


def _two(story):
    return story.org.me("mark", "sales"), story.org.me("dirk", "dpo")


def test_a_key_enrolled_after_the_approval_was_recorded_does_not_count(story):
    """Whatever time the entry of the key bears: its place in the log is what counts."""
    story.signs("sam", "it", "request")
    new = SoftKey("maria's second")
    story.signs("maria", "hr", key=new)
    story.org.deed("key-added", key_of("maria", new), ("maria", "", new), story.org.me("maria"))
    assert story.why() == {"review-missing", "key-not-valid"}


def test_a_function_that_was_taken_since_does_not_count(story):
    story.both()
    story.org.take("maria", "hr", *_two(story))
    assert story.why() == {"review-missing", "function-not-hers"}


def test_the_requesters_function_that_was_taken_since_does_not_count(story):
    story.both()
    story.org.take("sam", "it")
    assert story.why() == {"requester-not-signed", "function-not-hers"}


def test_a_function_that_was_given_after_she_signed_does_not_count(story):
    story.signs("sam", "it", "request")
    story.signs("ivo", "dpo")
    story.org.give("ivo", "dpo")
    assert story.why() == {"review-missing", "function-not-hers"}


def test_the_requesters_function_that_was_given_after_he_signed_does_not_count(story):
    story.signs("sam", "sales", "request")
    story.signs("maria", "hr")
    story.org.give("sam", "sales")
    assert story.why() == {"requester-not-signed", "function-not-hers"}


def test_a_requester_who_came_to_have_her_function_stands_in_the_way(story):
    story.both()
    story.org.give("sam", "hr", *_two(story))
    assert story.why() == {"review-missing", "same-function"}


def test_a_requester_who_had_her_function_then_stands_in_the_way(story):
    story.org.give("sam", "hr", *_two(story))
    story.both()
    story.org.take("sam", "hr", *_two(story))
    assert story.why() == {"review-missing", "same-function"}


def test_what_else_is_known_of_the_requesters_function_counts_too(story):
    story.both()
    assert story.why(requester_functions=frozenset({"hr"})) == {"review-missing", "same-function"}


# standing in


def test_who_stands_in_passes(story):
    story.org.delegate(story.org.me("dirk", "dpo"), "mark")
    story.signs("sam", "it", "request")
    story.signs("mark", "dpo")
    found = story.ask()
    assert isinstance(found, Passed)
    assert (found.eyes[1].instead_of, found.eyes[1].persons) == ("dirk", {"mark", "dirk"})


def test_who_stood_in_and_does_no_more_does_not_count(story):
    story.org.delegate(story.org.me("dirk", "dpo"), "mark", days=1)
    story.signs("sam", "it", "request")
    story.signs("mark", "dpo")
    assert story.why(at=story.now + DAY) == {"review-missing", "function-not-hers"}


def test_who_stands_in_for_the_requester_does_not_count(story):
    story.org.delegate(story.org.me("sam", "it"), "mark")
    story.signs("sam", "it", "request")
    story.signs("mark", "it")
    need = Need(parts=(Part(count=1, functions=frozenset({"it"})),))
    assert story.why(need=need) == {"review-missing", "person-concerned"}


def test_the_requester_stands_in_for_nobody(story):
    story.org.delegate(story.org.me("maria", "hr"), "sam")
    story.signs("sam", "it", "request")
    story.signs("sam", "hr")
    assert story.why() == {"review-missing", "own-request"}


def test_the_owner_stands_in_for_nobody(story):
    story.org.delegate(story.org.me("maria", "hr"), "anna")
    story.signs("sam", "it", "request")
    story.signs("anna", "hr")
    assert story.why() == {"review-missing", "person-concerned"}


def test_a_colleague_of_the_requester_does_not_stand_in(story):
    story.org.delegate(story.org.me("maria", "hr"), "ivo")
    story.signs("sam", "it", "request")
    story.signs("ivo", "hr")
    assert story.why() == {"review-missing", "same-function"}


def test_she_and_who_stands_in_for_her_are_one(story):
    story.org.delegate(story.org.me("maria", "hr"), "mark")
    story.signs("maria", "hr")
    story.signs("mark", "hr")
    assert story.why(need=two(apart=False)) == {"review-missing", "person-twice"}


def test_two_who_stand_in_for_one_are_one(story):
    story.org.delegate(story.org.me("maria", "hr"), "mark")
    story.org.delegate(story.org.me("maria", "hr"), "hugo")
    story.org.take("hugo", "hr", *_two(story))
    story.signs("mark", "hr")
    story.signs("hugo", "hr")
    assert story.why(need=two(apart=False)) == {"review-missing", "person-twice"}


def test_she_decides_herself_where_she_also_stands_in_for_somebody_concerned(story):
    story.org.delegate(story.org.me("maria", "hr"), "hugo")
    story.signs("sam", "it", "request")
    story.signs("hugo", "hr")
    assert story.why(concerned=frozenset({"maria"})) == set()


def test_who_stands_in_for_two_does_so_for_the_one_who_is_not_concerned(story):
    story.org.delegate(story.org.me("hugo", "hr"), "mark")
    story.org.delegate(story.org.me("maria", "hr"), "mark")
    story.signs("sam", "it", "request")
    story.signs("mark", "hr")
    found = story.ask(concerned=frozenset({"hugo"}))
    assert isinstance(found, Passed)
    assert found.eyes[1].instead_of == "maria"
