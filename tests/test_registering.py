"""People and keys at the desk: what is proposed is signed by those it takes, recorded, and told; and what must not be possible."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, insert, select, update
from tests.filings import Clock, a_draft, together

from keyholders import Keyholders
from locum.approval import Deed, Signed
from locum.approval.strict import encoded
from locum.desk import Desk
from locum.entry import canonical
from locum.errors import Conflict, Garbled, Invalid, LocumError, Refused
from locum.register import STREAM, Moment
from locum.schema import entries, proposals, streams
from locum.sessions import How, Sessions
from locum.store import Change, Store
from registers import key_of
from softkeys import SoftKey

pytest_plugins = ("tests.stores",)
DAY = 86400


@pytest.fixture
def house(store: Store, clock: Clock) -> Keyholders:
    made = Keyholders(store, clock)
    made.found()
    return made


def refused(key: str):
    return pytest.raises(Refused, match=f"refused: {key}")


def pairs(**functions: str):
    return {"people": [{"person": name, "function": function} for name, function in functions.items()]}


# the first keys


def test_the_first_two_keys_count_at_once(house: Keyholders) -> None:
    assert (house.functions("maria"), house.functions("dirk")) == ({"hr"}, {"dpo"})
    assert (house.counts("maria"), house.recorded()) == (1, ["first-keys"])


def test_both_are_told_of_their_keys(house: Keyholders) -> None:
    assert [letter.event for letter in house.told("maria")] == ["key-changed"]
    assert "Nora, works council" in house.told("dirk")[0].values["text"]


def test_first_keys_are_not_enrolled_a_second_time(house: Keyholders) -> None:
    with refused("deed-key-known"):
        house.found()
    assert house.recorded() == ["first-keys"]


def test_a_second_founding_counts_only_where_the_settings_name_it(house: Keyholders) -> None:
    house.keys |= {name: SoftKey(f"{name}, anew") for name in ("maria", "dirk")}
    what = house.founding("maria", "dirk")
    signed = [
        house.answer(house.desk.founding_to_sign(what, name, "nl"), house.keys[name]) for name in ("maria", "dirk")
    ]
    name = house.desk.found(signed)
    key = house.keys["maria"].credential
    assert [ignored.key for ignored in house.desk.register().ignored] == ["founded-before"]
    named = Desk(replace(house.desk.office, founded=(name,), _registers=[]))
    assert [one.credential for one in named.register().keys_of("maria", Moment(house.clock.now))] == [key]


def test_the_two_are_two_people_of_different_functions(store: Store, clock: Clock) -> None:
    house = Keyholders(store, clock)
    what = house.founding("maria", "hugo")
    signed = [
        house.answer(house.desk.founding_to_sign(what, name, "nl"), house.keys[name]) for name in ("maria", "hugo")
    ]
    with refused("deed-same-person-or-function"):
        house.desk.found(signed)
    assert house.recorded() == []


# a key of somebody else's by two


def test_a_key_that_two_others_give_counts_after_a_day(house: Keyholders) -> None:
    assert house.key_for("sam").state == "recorded"
    assert house.counts("sam") == 0
    house.clock.later(DAY)
    assert house.counts("sam") == 1


def test_she_is_told_of_a_key_that_waits_and_until_when(house: Keyholders) -> None:
    house.key_for("sam")
    (letter,) = house.told("sam")
    assert (letter.event, letter.values["waits_words"]) == ("key-changed", "dinsdag 24 november 2026, 13:00 uur")
    assert "http" not in letter.values["text"]


def test_whoever_signed_gets_it_back_in_words(house: Keyholders) -> None:
    house.key_for("sam")
    assert [letter.event for letter in house.told("maria")] == ["key-changed", "people-signed"]


def test_the_officer_withdraws_a_key_while_it_waits(house: Keyholders) -> None:
    house.key_for("sam")
    what = {"person": "sam", "credential": encoded(house.keys["sam"].credential), "reason": "stolen"}
    house.sign("dirk", house.propose("dirk", "key-withdrawn", what))
    house.clock.later(2 * DAY)
    assert house.counts("sam") == 0


def test_nobody_signs_for_a_key_that_did_not_sign_itself(house: Keyholders) -> None:
    one = house.propose("sam", "key-added", key_of("sam", house.keys["sam"]))
    with refused("deed-new-key-first"):
        house.sign("maria", one)


def test_with_the_old_key_a_new_one_counts_at_once(house: Keyholders) -> None:
    new = SoftKey("maria's second")
    one = house.propose("maria", "key-added", key_of("maria", new))
    one = house.sign("maria", house.sign("maria", one, key=new))
    assert (one.state, house.counts("maria")) == ("recorded", 2)


def test_a_key_of_another_cannot_be_taken_for_hers(house: Keyholders) -> None:
    with refused("deed-key-known"):
        one = house.propose("sam", "key-added", key_of("sam", house.keys["maria"]))
        house.sign("sam", one, key=house.keys["maria"])


def test_signing_with_the_key_of_another_is_refused(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    with refused("deed-key-of-another"):
        house.sign("maria", one, key=house.keys["dirk"])
    assert house.desk.proposal(one.id).signed == ()


# withdrawing a key


def withdrawal(house: Keyholders, name: str, reason: str = "lost"):
    return {"person": name, "credential": encoded(house.keys[name].credential), "reason": reason}


def test_a_withdrawn_key_signs_nothing_and_its_sessions_end(house: Keyholders) -> None:
    sessions = Sessions(house.store.database, house.clock, house.desk.office.random)
    token = sessions.begin("maria", How.PASSKEY, credential=house.keys["maria"].credential)
    house.sign("maria", house.propose("maria", "key-withdrawn", withdrawal(house, "maria")))
    assert (house.counts("maria"), sessions.find(token)) == (0, None)
    with refused("deed-no-key"):
        house.propose("maria", "function-given", pairs(sam="it"))


def test_she_is_told_that_her_key_was_withdrawn(house: Keyholders) -> None:
    house.sign("dirk", house.propose("dirk", "key-withdrawn", withdrawal(house, "maria", "left")))
    assert "weg bij de organisatie" in house.told("maria")[-1].values["text"]


# functions and managers


def test_a_function_begins_when_two_of_different_functions_signed(house: Keyholders) -> None:
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it", anna="sales")))
    assert (one.state, house.functions("sam")) == ("open", frozenset())
    one = house.sign("dirk", one)
    assert (one.state, house.functions("sam"), house.functions("anna")) == ("recorded", {"it"}, {"sales"})


def test_each_is_told_only_what_is_about_herself(house: Keyholders) -> None:
    house.by_two("function-given", pairs(sam="it", anna="sales"))
    assert "anna: sales" in house.told("anna")[0].values["text"]
    assert "sam" not in house.told("anna")[0].values["text"]


def test_one_person_does_not_sign_twice(house: Keyholders) -> None:
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it")))
    with refused("deed-signed-before"):
        house.sign("maria", one)


def test_one_person_with_two_functions_is_one(house: Keyholders) -> None:
    house.key_for("sam")
    house.give("sam", "it")
    house.clock.later(DAY)
    one = house.propose("sam", "function-given", pairs(maria="it"))
    house.sign("dirk", house.sign("sam", one))
    assert house.functions("maria") == {"hr", "it"}
    one = house.sign("maria", house.propose("maria", "function-given", pairs(anna="sales")), "hr")
    with refused("deed-signed-before"):
        house.sign("maria", one, "it")


def test_two_of_one_function_are_not_enough(house: Keyholders) -> None:
    house.key_for("hugo")
    house.give("hugo", "hr")
    house.clock.later(DAY)
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it")))
    with refused("deed-same-person-or-function"):
        house.sign("hugo", one)
    assert house.desk.proposals_waiting(house.acting("hugo")) == []


def test_nobody_signs_about_herself(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(maria="it"))
    with refused("deed-person-concerned"):
        house.sign("maria", one)


def test_an_administrator_alone_gives_nobody_a_function(house: Keyholders) -> None:
    with refused("deed-no-key"):
        house.propose("sam", "function-given", pairs(sam="hr"))


def test_somebody_with_a_key_and_no_function_proposes_nothing(house: Keyholders) -> None:
    house.key_for("sam")
    house.clock.later(DAY)
    with refused("deed-no-function"):
        house.propose("sam", "function-given", pairs(sam="hr"))


def test_people_csv_gives_nobody_a_function(house: Keyholders) -> None:
    house.staff.persons["sam"] = replace(house.staff.persons["sam"], function="hr")
    assert house.functions("sam") == frozenset()


def test_a_manager_is_given_and_both_are_told(house: Keyholders) -> None:
    house.by_two("manager-given", {"people": [{"person": "anna", "manager": "mark"}]})
    assert house.desk.register().manager_of("anna", Moment(house.clock.now)) == "mark"
    assert (len(house.told("anna")), len(house.told("mark"))) == (1, 1)


def test_nobody_unknown_gets_anything(house: Keyholders) -> None:
    with pytest.raises(Invalid, match="unknown-person"):
        house.propose("maria", "function-given", pairs(nobody="it"))


@pytest.mark.parametrize(
    "what", [{}, {"people": []}, {"people": [{"person": "sam"}]}, {"people": [{"person": " ", "function": "x"}]}]
)
def test_what_is_no_deed_is_not_proposed(house: Keyholders, what) -> None:
    with pytest.raises(Invalid, match="deed-unreadable"):
        house.propose("maria", "function-given", what)


# proposals


def test_the_same_is_proposed_once(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    assert house.propose("dirk", "function-given", pairs(sam="it")).id == one.id


def test_what_waits_is_shown_to_whoever_may_sign_it(house: Keyholders) -> None:
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it")))
    assert [p.id for p in house.desk.proposals_waiting(house.acting("dirk"))] == [one.id]
    assert house.desk.proposals_waiting(house.acting("maria")) == []


def test_a_proposal_is_withdrawn_by_whoever_made_it_and_nobody_else(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    with refused("proposal-of-another"):
        house.desk.withdraw_proposal(house.acting("dirk"), one.id)
    house.desk.withdraw_proposal(house.acting("maria"), one.id)
    with refused("proposal-withdrawn"):
        house.sign("dirk", one)


def test_a_proposal_lapses_after_two_weeks(house: Keyholders) -> None:
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it")))
    house.clock.later(14 * DAY)
    with refused("proposal-expired"):
        house.sign("dirk", one)
    assert house.desk.proposals() == []


def test_a_proposal_changed_after_the_first_signature_is_never_recorded(house: Keyholders) -> None:
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it")))
    with house.store.database.writing() as connection:
        connection.execute(update(proposals).values(what=canonical(pairs(sam="hr"))))
    with refused("deed-deed-differs"):
        house.sign("dirk", one)
    assert (house.functions("sam"), house.recorded()) == (frozenset(), ["first-keys"])


def test_a_signature_copied_to_another_proposal_does_not_count(house: Keyholders) -> None:
    one = house.sign("maria", house.propose("maria", "function-given", pairs(sam="it")))
    other = house.propose("maria", "function-given", pairs(sam="hr"))
    with house.store.database.writing() as connection:
        signed = select(proposals.c.signed).where(proposals.c.id == one.id).scalar_subquery()
        connection.execute(update(proposals).where(proposals.c.id == other.id).values(signed=signed))
    with refused("deed-deed-differs"):
        house.sign("dirk", other)


def test_rows_written_by_hand_give_no_function(house: Keyholders) -> None:
    """Somebody who may write every table makes a proposal look signed, and appends an entry that says so."""
    one = house.propose("maria", "function-given", pairs(sam="hr"))
    with house.store.database.writing() as connection:
        connection.execute(update(proposals).where(proposals.c.id == one.id).values(state="recorded"))
        row = {
            "id": "x",
            "kind": "function-given",
            "what": canonical(pairs(sam="hr")),
            "by": "maria",
            "state": "recorded",
        }
        row |= {"made_at": house.clock.now, "not_after": one.not_after, "signed": b"[]", "version": 1}
        connection.execute(insert(proposals), row)
    house.store.commit([Change(entries=(a_draft(STREAM, "function-given", **pairs(sam="hr")),))])
    assert house.functions("sam") == frozenset()
    assert [ignored.key for ignored in house.desk.register().ignored] == ["deed-unreadable"]


def test_an_entry_taken_out_again_is_noticed(house: Keyholders) -> None:
    """Somebody who may write every table takes back that a key was withdrawn."""
    house.sign("maria", house.propose("maria", "key-withdrawn", withdrawal(house, "maria")))
    assert house.counts("maria") == 0
    first = house.store.entries(mailbox=STREAM)[0]
    with house.store.database.writing() as connection:
        connection.execute(delete(entries).where(entries.c.stream == STREAM, entries.c.seq == 1))
        connection.execute(update(streams).where(streams.c.name == STREAM).values(length=1, head=first.leaf[33:]))
    with pytest.raises(Garbled, match="record-incomplete"):
        house.counts("maria")


def test_of_two_who_sign_at_once_none_is_lost(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    together([lambda who=who: house.sign(who, one) for who in ("maria", "dirk")])
    assert (house.functions("sam"), house.recorded().count("function-given")) == ({"it"}, 1)


def test_a_statement_about_another_text_is_refused(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    asked = house.desk.deed_to_sign(house.acting("maria"), one.id)
    deed = replace(Deed.load("function-given", asked.statement), display="ab" * 32)
    made = house.answer(replace(asked, statement=deed.dump()), house.keys["maria"])
    with refused("deed-text-other"):
        house.desk.sign_deed(house.acting("maria"), one.id, made.statement, made.assertion)


def test_a_history_that_is_not_there_yet_is_not_signed(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    asked = house.desk.deed_to_sign(house.acting("maria"), one.id)
    deed = Deed.load("function-given", asked.statement)
    ahead = replace(deed, log=replace(deed.log, size=999)).dump()
    made = house.answer(replace(asked, statement=ahead), house.keys["maria"])
    with refused("deed-not-good"):
        house.desk.sign_deed(house.acting("maria"), one.id, made.statement, made.assertion)


def test_what_was_judged_before_another_entry_came_is_judged_again(house: Keyholders) -> None:
    with pytest.raises(Conflict, match="changed-meanwhile"):
        house.store.commit([Change(entries=(a_draft(STREAM, "function-given"),), judged_at=(STREAM, 0))])
    assert house.recorded() == ["first-keys"]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_she_reads_is_what_she_signs(house: Keyholders, language: str) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    asked = house.desk.deed_to_sign(house.acting("maria"), one.id, language=language)
    made = house.answer(asked, house.keys["maria"])
    assert "sam: it" in asked.text
    assert len(house.desk.sign_deed(house.acting("maria"), one.id, made.statement, made.assertion).signed) == 1


def test_where_no_passkeys_are_made_nothing_is_signed(store: Store, clock: Clock) -> None:
    house = Keyholders(store, clock, site=None)
    with refused("no-passkeys-here"):
        house.desk.founding_to_sign(house.founding(), "maria", "nl")


# standing in


@pytest.fixture
def three(house: Keyholders) -> Keyholders:
    """Sam (it) has a key and a function as well."""
    house.key_for("sam")
    house.give("sam", "it")
    house.clock.later(DAY)
    return house


def test_she_says_herself_who_decides_for_her(three: Keyholders) -> None:
    assert three.sign("maria", three.delegation("maria", "sam")).state == "recorded"
    (right,) = three.desk.register().rights("sam", "hr", Moment(three.clock.now), "anna")
    assert right.instead_of == "maria"


def test_both_are_told_of_standing_in(three: Keyholders) -> None:
    three.work()
    before = len(three.post.letters)
    three.sign("maria", three.delegation("maria", "sam"))
    three.work()
    assert {letter.name for letter in three.post.letters[before:]} == {"Maria", "Sam"}


def test_nobody_else_says_it_for_her(three: Keyholders) -> None:
    one = three.delegation("maria", "sam")
    with refused("deed-delegation-of-others"):
        three.sign("dirk", one)


def test_standing_in_never_goes_round(three: Keyholders) -> None:
    three.sign("maria", three.delegation("maria", "sam"))
    three.sign("sam", three.delegation("sam", "dirk"))
    with refused("deed-delegation-circle"):
        three.delegation("dirk", "maria")


@pytest.mark.parametrize("days", [-1, 0, 200])
def test_standing_in_has_an_end_that_is_near(three: Keyholders, days: float) -> None:
    with refused("deed-delegation-without-end"):
        three.delegation("maria", "sam", days)


def test_somebody_without_a_key_stands_in_for_nobody(three: Keyholders) -> None:
    with refused("deed-receiver-without-key"):
        three.delegation("maria", "anna")


@pytest.mark.parametrize("who", ["maria", "sam"])
def test_either_of_the_two_ends_it(three: Keyholders, who: str) -> None:
    three.sign("maria", three.delegation("maria", "sam"))
    (name,) = three.desk.register().delegations
    three.sign(who, three.propose(who, "delegation-ended", {"delegation": name}))
    assert list(three.desk.register().rights("sam", "hr", Moment(three.clock.now), "anna")) == []


def test_nobody_else_ends_it(three: Keyholders) -> None:
    three.sign("maria", three.delegation("maria", "sam"))
    (name,) = three.desk.register().delegations
    with refused("deed-delegation-of-others"):
        three.propose("dirk", "delegation-ended", {"delegation": name})


# everything that is refused is said


def test_a_bad_signature_is_told_as_one_sentence(house: Keyholders) -> None:
    one = house.propose("maria", "function-given", pairs(sam="it"))
    asked = house.desk.deed_to_sign(house.acting("maria"), one.id)
    with pytest.raises(LocumError, match="deed-not-good"):
        house.desk.sign_deed(house.acting("maria"), one.id, asked.statement, Signed(b"", b"{}").assertion)
