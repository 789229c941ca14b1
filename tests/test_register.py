"""Keys: how they begin and end, and every way in which somebody could try to have one who should not."""

from datetime import timedelta

import pytest

from locum.approval import NotProven
from locum.approval.strict import encoded
from locum.register import LASTS, WAIT, Moment, fold, founding
from locum.register.signers import people as rows_of
from registers import Book, People, key_of, log, nonce, signed
from softkeys import KINDS, SITE, Site, SoftKey

SECOND = timedelta(seconds=1)


@pytest.fixture
def org() -> People:
    return People()


def names(org: Book) -> set[str]:
    return set(org.fold().people(org.moment))


# the first two


def test_the_first_two_keys_count_at_once():
    org = Book()
    maria, dirk = SoftKey("maria"), SoftKey("dirk")
    what = {
        "people": [{**key_of("maria", maria), "function": "hr"}, {**key_of("dirk", dirk), "function": "dpo"}],
        "present": "Nora",
    }
    org.deed("first-keys", what, ("maria", "hr", maria), ("dirk", "dpo", dirk))
    assert org.fold().people(org.moment) == {"maria": {"hr"}, "dirk": {"dpo"}}


def first(people: list[tuple[str, str, SoftKey]], *signers: tuple[str, str, SoftKey]) -> Book:
    org = Book()
    what = {
        "people": [{**key_of(name, key), "function": function} for name, function, key in people],
        "present": "Nora",
    }
    org.deed("first-keys", what, *signers)
    return org


M, D, X = SoftKey("maria"), SoftKey("dirk"), SoftKey("else")


@pytest.mark.parametrize(
    ("people", "signers", "why"),
    [
        ([("maria", "hr", M), ("dirk", "dpo", D)], [("maria", "hr", M)], "signatures-missing"),
        ([("maria", "hr", M), ("dirk", "dpo", D)], [("maria", "hr", M), ("dirk", "hr", D)], "signatures-missing"),
        ([("maria", "hr", M), ("dirk", "dpo", D)], [("maria", "hr", M), ("dirk", "dpo", X)], "key-unknown"),
        ([("maria", "hr", M), ("dirk", "dpo", D)], [("maria", "hr", D), ("dirk", "dpo", M)], "key-of-another"),
        (
            [("maria", "hr", M), ("maria", "dpo", D)],
            [("maria", "hr", M), ("maria", "dpo", D)],
            "same-person-or-function",
        ),
        ([("maria", "hr", M), ("dirk", "hr", D)], [("maria", "hr", M), ("dirk", "hr", D)], "same-person-or-function"),
        ([("maria", "hr", M), ("dirk", "dpo", M)], [("maria", "hr", M), ("dirk", "dpo", M)], "key-of-another"),
    ],
)
def test_a_founding_takes_two_people_of_two_functions_with_their_own_keys(people, signers, why):
    org = first(people, *signers)
    assert (org.why, names(org)) == (why, set())


def test_a_founding_signed_three_times_is_none():
    org = first([("maria", "hr", M), ("dirk", "dpo", D)], ("maria", "hr", M), ("dirk", "dpo", D), ("maria", "hr", M))
    assert org.why == "signatures-missing"


def test_two_people_cannot_found_with_one_key_under_two_names():
    org = Book()
    twin = SoftKey("twin")
    maria, dirk = key_of("maria", twin), {**key_of("dirk", twin), "credential": encoded(D.credential)}
    what = {"people": [{**maria, "function": "hr"}, {**dirk, "function": "dpo"}], "present": "Nora"}
    under = [signed("first-keys", what, ("maria", "hr", twin), org.now)]
    other = signed("first-keys", what, ("dirk", "dpo", twin), org.now)
    renamed = other.assertion.replace(encoded(twin.credential).encode(), encoded(D.credential).encode())
    org.of([*under, type(other)(other.statement, renamed)], "first-keys")
    assert (org.why, names(org)) == ("key-known", set())


def test_a_second_founding_gives_nothing(org):
    org.found()
    assert org.why == "founded-before"


def forged_founding(org: People) -> dict[str, object]:
    eve, ed = SoftKey("eve"), SoftKey("ed")
    what = {
        "people": [{**key_of("eve", eve), "function": "hr"}, {**key_of("ed", ed), "function": "dpo"}],
        "present": "us",
    }
    org.deed("first-keys", what, ("eve", "hr", eve), ("ed", "dpo", ed))
    return what


def test_somebody_who_writes_the_tables_cannot_found_the_register_anew(org):
    forged_founding(org)
    assert (org.why, "eve" in names(org)) == ("founded-before", False)


def test_a_later_founding_counts_where_the_worker_was_told_of_it(org):
    org.delegate(org.me("hugo", "hr"), "maria")
    what = forged_founding(org)
    anew = org.fold(founded=[founding(what)])
    assert set(anew.people(org.moment)) == {"eve", "ed"}
    assert anew.manager_of("anna", org.moment) == ""
    assert not anew.functions_of("hugo", org.moment)
    assert list(anew.rights("maria", "hr", org.moment, "anna")) == []
    assert all(one.span.ended is not None for one in anew.delegations.values())


def test_a_later_founding_leaves_what_was_before_it_as_it_was(org):
    before = Moment(org.now, org.entries[-1].index + 1)
    what = forged_founding(org)
    assert set(org.fold(founded=[founding(what)]).people(before)) == {
        "maria",
        "dirk",
        "sam",
        "mark",
        "hugo",
        "ivo",
        "anna",
    }


def test_another_founding_than_the_one_told_counts_for_nothing(org):
    forged_founding(org)
    assert set(org.fold(founded=["00" * 32]).people(org.moment)) == names(org) == set(org.keys)


# a new key


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_key_with_the_old_one_counts_at_once(org, kind):
    new = SoftKey(f"sam's telephone {kind}", kind)
    org.deed("key-added", key_of("sam", new), ("sam", "", new), org.me("sam"))
    keys = org.fold().keys_of("sam", org.moment)
    assert [key.credential for key in keys] == [org.keys["sam"].credential, new.credential]


def test_a_key_added_by_two_others_counts_after_a_day_and_not_before(org):
    new = SoftKey("nina")
    org.add("nina", new)
    register = org.fold()
    there = [bool(register.keys_of("nina", Moment(org.now + passed))) for passed in (SECOND * 0, WAIT - SECOND, WAIT)]
    assert there == [False, False, True]


def test_a_waiting_key_signs_nothing(org):
    new = SoftKey("sam's other")
    org.add("sam", new)
    another = SoftKey("sam's third")
    org.deed("key-added", key_of("sam", another), ("sam", "", another), ("sam", "", new))
    assert org.why == "key-not-valid"


def test_a_waiting_key_that_is_withdrawn_never_counts(org):
    new = SoftKey("sam's other")
    org.add("sam", new)
    org.withdraw("sam", org.me("sam"), key=new)
    org.later(days=2)
    assert [key.credential for key in org.fold().keys_of("sam", org.moment)] == [org.keys["sam"].credential]


def attempts(org: People, new: SoftKey) -> dict[str, tuple[str, list[tuple[str, str, SoftKey]]]]:
    itself, me = ("sam", "", new), org.me
    return {
        "alone": ("signatures-missing", [itself]),
        "without the new key": ("signatures-missing", list(org.two)),
        "with the old key alone": ("signatures-missing", [me("sam")]),
        "by one other": ("signatures-missing", [itself, me("maria", "hr")]),
        "by two of one function": ("same-person-or-function", [itself, me("maria", "hr"), me("hugo", "hr")]),
        "by one person twice": ("same-person-or-function", [itself, me("mark", "sales"), me("mark", "manager")]),
        "by herself and one other": ("function-not-hers", [itself, me("sam"), me("maria", "hr")]),
        "by herself, as her function, and one other": (
            "person-concerned",
            [itself, me("sam", "it"), me("maria", "hr")],
        ),
        "by a function that is not hers": ("function-not-hers", [itself, me("maria", "hr"), me("hugo", "dpo")]),
        "by three others": ("signatures-missing", [itself, *org.two, me("mark", "sales")]),
        "by two others and the new key twice": ("signatures-missing", [itself, itself, *org.two]),
        "with another's key": ("key-of-another", [itself, ("sam", "", org.keys["mark"])]),
        "with a key that is not known": ("key-unknown", [itself, ("sam", "", SoftKey("nobody's"))]),
        "with the old key as a function": ("signatures-missing", [itself, me("sam", "it")]),
        "with the new key as a function": ("signatures-missing", [("sam", "it", new), me("sam")]),
    }


@pytest.mark.parametrize("way", list(attempts(People(), SoftKey("new"))))
def test_nobody_gets_a_key(org, way):
    new = SoftKey("new")
    why, signers = attempts(org, new)[way]
    org.deed("key-added", key_of("sam", new), *signers)
    org.later(days=2)
    assert (org.why, new.credential in org.fold().keys) == (why, False)


def test_a_key_is_not_enrolled_for_somebody_else_than_who_made_it(org):
    eves = SoftKey("eve's")
    org.deed("key-added", key_of("sam", eves), ("ivo", "", eves), *org.two)
    assert org.why == "key-of-another"


def test_one_credential_is_not_two_peoples(org):
    org.deed("key-added", key_of("nina", org.keys["sam"]), ("nina", "", org.keys["sam"]), *org.two)
    assert (org.why, org.fold().keys[org.keys["sam"].credential].person) == ("key-known", "sam")


def test_one_key_is_not_two_peoples_under_another_name(org):
    what = {**key_of("nina", org.keys["sam"]), "credential": encoded(b"another name")}
    under = [signed("key-added", what, ("nina", "", org.keys["sam"]), org.now)]
    old, new = encoded(org.keys["sam"].credential).encode(), encoded(b"another name").encode()
    renamed = type(under[0])(under[0].statement, under[0].assertion.replace(old, new))
    org.of([renamed, *(signed("key-added", what, one, org.now) for one in org.two)], "key-added")
    assert org.why == "key-known"


def test_a_withdrawn_key_is_not_enrolled_again(org):
    org.withdraw("sam")
    org.add("sam")
    assert org.why == "key-known"


# a key withdrawn


def test_a_withdrawn_key_counts_from_that_place_on(org):
    before = Moment(org.now, org.entries[-1].index + 1)
    at = org.withdraw("sam").index
    key = org.fold().keys[org.keys["sam"].credential]
    held = [key.span.holds(one) for one in (before, Moment(org.now, at - 1), Moment(org.now, at), org.moment)]
    assert held == [True, True, False, False]


def test_one_other_who_has_a_function_withdraws_a_key(org):
    org.withdraw("sam", org.me("hugo", "hr"))
    assert (org.why, org.fold().keys_of("sam", org.moment)) == ("", [])


def test_she_withdraws_her_own_key_in_her_function_too(org):
    org.withdraw("sam", org.me("sam", "it"))
    assert org.why == ""


@pytest.mark.parametrize(
    ("by", "function", "why"), [("hugo", "", "function-not-hers"), ("hugo", "dpo", "function-not-hers")]
)
def test_others_withdraw_no_key_without_a_function(org, by, function, why):
    org.withdraw("sam", org.me(by, function))
    assert org.why == why


def test_a_key_is_withdrawn_by_one(org):
    org.withdraw("sam", *org.two)
    assert org.why == "signatures-missing"


def test_a_key_that_is_withdrawn_signs_nothing(org):
    org.withdraw("sam")
    org.give("nina", "it", org.me("sam", "it"), org.me("maria", "hr"))
    assert org.why == "key-not-valid"


def test_a_key_is_withdrawn_once(org):
    org.withdraw("sam", org.me("hugo", "hr"))
    org.withdraw("sam", org.me("maria", "hr"))
    assert org.why == "key-unknown"


def test_a_key_is_withdrawn_under_its_owners_name(org):
    org.withdraw("ivo", org.me("ivo"), key=org.keys["sam"])
    assert (org.why, len(org.fold().keys_of("sam", org.moment))) == ("key-unknown", 1)


def test_a_key_that_nobody_has_is_not_withdrawn(org):
    org.withdraw("sam", org.me("maria", "hr"), key=SoftKey("nobody's"))
    assert org.why == "key-unknown"


# what every signature under a deed has to be


def test_a_deed_is_recorded_in_time(org):
    org.add("sam", SoftKey("late"))
    assert org.why == ""
    what = {"people": [{"person": "sam", "function": "dpo"}]}
    for not_after, why in (
        (org.now, ""),
        (org.now - SECOND, "deed-out-of-time"),
        (org.now + LASTS, ""),
        (org.now + LASTS + SECOND, "deed-out-of-time"),
    ):
        org.deed("function-given", what, *org.two, not_after=not_after)
        assert org.why == why


def test_a_deed_is_not_recorded_twice(org):
    under = [
        signed("function-given", {"people": [{"person": "sam", "function": "hr"}]}, one, org.now) for one in org.two
    ]
    org.of(under, "function-given")
    org.take("sam", "hr")
    org.of(under, "function-given")
    assert (org.why, "hr" in org.fold().functions_of("sam", org.moment)) == ("nonce-used", False)


def test_two_signatures_of_one_deed_have_nonces_of_their_own(org):
    org.by_two("function-given", {"people": [{"person": "sam", "function": "hr"}]})
    once = nonce()
    org.deed("function-given", {"people": [{"person": "sam", "function": "dpo"}]}, *org.two, nonce=once)
    assert org.why == "nonce-used"


def test_a_deed_that_gave_nothing_uses_up_no_nonce(org):
    what = {"people": [{"person": "sam", "function": "hr"}]}
    maria, dirk = (signed("function-given", what, one, org.now) for one in org.two)
    org.of([maria], "function-given")
    org.of([maria, dirk], "function-given")
    assert org.why == ""


def test_all_sign_the_same(org):
    one, other = ({"people": [{"person": "sam", "function": f}]} for f in ("hr", "dpo"))
    maria, dirk = org.two
    org.of(
        [signed("function-given", one, maria, org.now), signed("function-given", other, dirk, org.now)],
        "function-given",
    )
    assert org.why == "deed-differs"


def test_nobody_signs_a_history_that_is_not_there_yet(org):
    place = org.entries[-1].index + 10
    what = {"people": [{"person": "sam", "function": "hr"}]}
    org.deed("function-given", what, *org.two, log=log(place))
    assert org.why == ""
    org.deed("function-given", what, *org.two, log=log(place + 11))
    assert org.why == "log-ahead"


def test_a_signature_for_one_deed_is_none_for_another(org):
    under = [
        signed("function-given", {"people": [{"person": "sam", "function": "it"}]}, one, org.now) for one in org.two
    ]
    relabelled = [
        type(one)(one.statement.replace(b"function-given", b"function-withdrawn"), one.assertion) for one in under
    ]
    org.of(relabelled, "function-withdrawn")
    assert (org.why, "it" in org.fold().functions_of("sam", org.moment)) == ("signature-of-something-else", True)


def test_a_statement_stands_under_the_type_it_names(org):
    under = [
        signed("function-given", {"people": [{"person": "sam", "function": "it"}]}, one, org.now) for one in org.two
    ]
    org.of(under, "function-withdrawn")
    assert org.why == "statement-unreadable"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"flags": 0x01}, "person-not-verified"),
        ({"client": {"crossOrigin": True}}, "signature-in-a-frame"),
        ({"site": Site("https://evil.test", "locum.corp.test")}, "signature-on-another-page"),
    ],
)
def test_a_deed_is_signed_on_our_pages_by_somebody_verified(org, change, why):
    for name, value in change.items():
        setattr(org.keys["maria"], name, value)
    org.give("sam", "hr")
    assert org.why == why


def test_a_deed_signed_where_our_pages_were_before_counts_where_that_is_known(org):
    moved = Site("https://old.corp.test", "locum.corp.test")
    for key in org.keys.values():
        key.site = moved
    org.give("sam", "hr")
    assert org.why == "signature-on-another-page"
    assert "hr" in fold(org.entries, (SITE, moved)).functions_of("sam", org.moment)


@pytest.mark.parametrize("body", [{}, {"signed": []}, {"signed": "no"}, {"signed": [{}]}, {"signed": [1]}])
def test_an_entry_without_signatures_gives_nothing(org, body):
    org.write("key-added", body)
    assert org.why in ("deed-unreadable", "statement-unreadable")


def test_what_stands_beside_the_signatures_makes_the_entry_none(org):
    under = [
        signed("function-given", {"people": [{"person": "sam", "function": "hr"}]}, one, org.now) for one in org.two
    ]
    org.write("function-given", {"signed": [one.as_json() for one in under], "by": "the works council"})
    assert org.why == "deed-unreadable"


def test_more_signatures_than_any_deed_takes_are_refused(org):
    org.give("sam", "hr", *org.two, org.me("mark", "sales"), org.me("ivo", "it"))
    assert org.why == "signatures-missing"
    org.give("sam", "hr", *org.two, org.me("mark", "sales"), org.me("ivo", "it"), org.me("hugo", "hr"))
    assert org.why == "deed-unreadable"


def test_another_type_of_entry_gives_nothing_and_is_told(org):
    org.write("incident", {"what": "something"})
    assert (org.why, org.fold().ignored[-1].type) == ("not-a-deed", "incident")


def test_rows_are_those_of_people_or_the_one_there_is():
    assert rows_of({"people": [{"person": "sam"}]}) == [{"person": "sam"}]
    assert rows_of({"person": "sam"}) == [{"person": "sam"}]


# counters


def test_a_copied_key_signs_nothing(org):
    counting = SoftKey("counting", count=5)
    org.deed("key-added", key_of("sam", counting), ("sam", "", counting), org.me("sam"))
    copy = SoftKey("counting", count=5)
    org.withdraw("sam", ("sam", "", counting))
    assert org.why == ""
    org.withdraw("sam", ("sam", "", copy), key=counting)
    assert org.why == "key-copied"


def test_a_new_key_counts_on_from_where_it_was_made(org):
    counting = SoftKey("counting", count=5)
    what = key_of("sam", counting)
    counting.count = 4
    org.deed("key-added", what, ("sam", "", counting), org.me("sam"))
    assert org.why == "key-copied"


def test_a_proof_has_its_reason_and_what_it_is_about():
    assert [str(NotProven("key-unknown", "sam")), str(NotProven("key-unknown"))] == ["key-unknown (sam)", "key-unknown"]


def test_a_key_is_asked_for_the_highest_count_before_a_place(org):
    counting = SoftKey("counting", count=5)
    org.deed("key-added", key_of("sam", counting), ("sam", "", counting), org.me("sam"))
    place = org.entries[-1].index
    org.withdraw("ivo", ("sam", "it", counting))
    key = org.fold().keys[counting.credential]
    assert [key.count_before(n) for n in (place, place + 1, org.entries[-1].index, org.entries[-1].index + 1)] == [
        0,
        6,
        6,
        7,
    ]
