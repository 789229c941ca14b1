"""Her key is handed over before anything happens: with the first ask, before a forward, to everybody, and anew. Over the real
desk and a relay that keeps what it is handed, on both stores.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.shelf import ForwardWorld
from tests.world import PEOPLE, World

from locum.demo.sink import Received, Sink
from locum.entry import Entry, tag
from locum.errors import Garbled, Unreachable
from locum.herkey import HerKey
from locum.keyring import keys_of
from locum.lifecycle import Case, State
from locum.schema import settings, vault

pytest_plugins = ("tests.stores",)
ANNA = "anna@corp.test"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, sink: Sink, store_url: str) -> World:
    return World(tmp_path, sink, store_url=store_url)


@pytest.fixture
def forwards(tmp_path: Path, sink: Sink, store_url: str) -> ForwardWorld:
    return ForwardWorld(tmp_path, sink, store_url=store_url)


def enrolled(world: World, mailbox: str = ANNA) -> list[Entry]:
    return [entry for entry in world.app.store.entries(mailbox=mailbox) if entry.type == "enrolled"]


def key_in(letter: Received) -> HerKey:
    """The file that a letter brought."""
    files = [part for part in letter.mail.iter_attachments() if (part.get_filename() or "").endswith(".locum-key")]
    assert len(files) == 1
    return HerKey.load(files[0].get_content())


def files_in(letter: Received) -> list[str]:
    return [part.get_filename() or "" for part in letter.mail.iter_attachments()]


def everyone(world: World) -> int:
    """Hand over to everybody; how many got a letter."""
    taken = world.desk.handed.begin("test")
    assert taken is not None
    return world.desk.handed.to_everyone(taken, lambda _: None, by="os:root").given


# with the first ask


def test_the_first_ask_into_her_mailbox_brings_her_key(world: World) -> None:
    world.request()
    world.work()
    assert key_in(world.letters(ANNA, "ask")[0]).key == world.desk.office.beside.key(ANNA)


def test_a_plain_auto_reply_costs_her_no_letter_more(world: World) -> None:
    world.request()
    world.work()
    assert [letter.mail["Message-ID"].split(".")[1] for letter in world.letters(ANNA)] == ["ask"]


def test_the_key_finds_all_of_her_entries_and_no_more(world: World) -> None:
    world.live()
    key = key_in(world.letters(ANNA, "ask")[0])
    hers = [entry.leaf[1:33] for entry in world.app.store.entries(mailbox=ANNA)]
    assert [tag(key.key, seq) for seq in range(len(hers))] == hers
    assert tag(key.key, len(hers)) not in {leaf[1:33] for leaf in world.app.store.leaves()}


def test_only_the_letter_into_her_mailbox_brings_it(world: World) -> None:
    world.request()
    world.work()
    assert files_in(world.letters("anna@home.test", "ask")[0]) == []


def test_it_is_recorded_once_the_relay_took_it(world: World) -> None:
    world.request()
    world.work()
    key, body = key_in(world.letters(ANNA, "ask")[0]), enrolled(world)[0].body
    assert key.is_hers(body)
    assert (body["how"], body["by"], bool(body["receipt"]), len(enrolled(world))) == ("ask", "", True, 1)


def test_the_record_says_which_checkpoint_she_was_given(world: World) -> None:
    world.app.sign()
    world.request()
    world.app.sign()
    world.work()
    log = key_in(world.letters(ANNA, "ask")[0]).log
    assert log is not None
    assert enrolled(world)[0].body["log"] == {"origin": log.origin, "size": log.size, "root": log.root.hex()}


def test_where_the_relay_does_not_take_it_nothing_was_handed_over(world: World, sink: Sink) -> None:
    sink.refusing_to[ANNA] = "451 later"
    world.request()
    world.work()
    assert enrolled(world) == []


def test_who_has_it_is_asked_without_it(world: World) -> None:
    everyone(world)
    world.request()
    world.work()
    assert files_in(world.letters(ANNA, "ask")[0]) == []


def test_the_ask_says_what_the_file_is(world: World) -> None:
    world.request()
    world.work()
    text = world.letters(ANNA, "ask")[0].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "anna.locum-key" in text
    assert "niemand vraagt hem ooit terug" in text


def test_the_entry_is_of_no_case_and_outlives_it(world: World) -> None:
    case = world.request()
    world.work()
    assert (enrolled(world)[0].case, "enrolled" in world.types(case)) == ("", False)


# before a forward


def test_before_a_forward_a_letter_of_its_own_brings_her_key(forwards: ForwardWorld) -> None:
    forwards.forward()
    forwards.work()
    told = [letter.mail["Message-ID"].partition("@")[0].strip("<") for letter in forwards.letters(ANNA)]
    assert told[0] == "her-key.anna.1"
    assert key_in(forwards.letters(ANNA)[0]).key == forwards.desk.office.beside.key(ANNA)


def test_the_key_is_recorded_before_the_ask(forwards: ForwardWorld) -> None:
    forwards.forward()
    forwards.work()
    entries = forwards.app.store.entries(mailbox=ANNA)
    asked = [entry.index for entry in entries if entry.type == "asked" and not entry.body["note"]]
    assert enrolled(forwards)[0].index < min(asked)


def test_a_forward_is_not_asked_for_before_she_has_her_key(forwards: ForwardWorld, sink: Sink) -> None:
    sink.refusing_to[ANNA] = "451 later"
    case = forwards.forward()
    forwards.work()
    assert (forwards.state(case), forwards.letters("anna@home.test")) == (State.REQUESTED, [])


def test_where_the_relay_is_well_again_she_gets_both(forwards: ForwardWorld, sink: Sink) -> None:
    sink.refusing_to[ANNA] = "451 later"
    forwards.forward()
    forwards.work()
    del sink.refusing_to[ANNA]
    forwards.later(hours=1)
    assert (len(enrolled(forwards)), len(forwards.letters(ANNA, "ask"))) == (1, 1)


def test_a_forward_asked_for_before_she_had_her_key_is_not_set(forwards: ForwardWorld) -> None:
    case = asked_without_a_key(forwards)
    assert (forwards.state(case), forwards.shelf.standing()) == (State.SCHEDULED, [])


def test_what_it_waits_for_is_named(forwards: ForwardWorld) -> None:
    case = asked_without_a_key(forwards)
    assert [job.trouble for job in forwards.app.store.jobs(case.id) if job.kind == "apply"] == ["key-not-handed-over"]


def test_a_key_handed_over_after_the_ask_does_not_mend_it(forwards: ForwardWorld) -> None:
    case = asked_without_a_key(forwards)
    everyone(forwards)
    forwards.later(hours=2)
    assert forwards.state(case) is State.SCHEDULED


def asked_without_a_key(world: ForwardWorld) -> Case:
    """A forward to which she said yes on the telephone before any letter had left."""
    case = world.forward()
    world.desk.contact(world.app.acting("dirk"), case.id, by="phone", outcome="agreed", because="She says yes.")
    world.work()
    world.agrees(case)
    world.approved(case, "carla")
    return world.now_of(case)


# everybody, and anew


def test_everybody_gets_a_key_of_their_own(world: World) -> None:
    assert everyone(world) == 4
    keys = {person: key_in(world.letters(f"{person}@corp.test")[0]) for person in ("anna", "bob", "carla", "dirk")}
    assert len({key.key for key in keys.values()}) == 4
    assert {name: key.stream for name, key in keys.items()} == {name: f"{name}@corp.test" for name in keys}


def test_who_has_a_key_is_not_written_to_again(world: World) -> None:
    everyone(world)
    assert (everyone(world), len(world.letters(ANNA))) == (0, 1)


def test_a_newcomer_gets_hers_the_next_day(tmp_path: Path, sink: Sink, store_url: str) -> None:
    world = World(tmp_path, sink, store_url=store_url, more="[record]\nhand_over = true\n")
    world.desk.handed.start()
    world.work()
    (tmp_path / "people.csv").write_text(PEOPLE + "eva,Eva Vos,eva@corp.test,,nl,Europe/Amsterdam,sales,carla,,,\n")
    world.app = world.wired()
    world.later(days=1)
    assert [len(world.letters(f"{name}@corp.test")) for name in ("anna", "eva")] == [1, 1]


def test_without_the_setting_nobody_is_written_to(world: World, sink: Sink) -> None:
    world.desk.handed.start()
    world.later(days=2)
    assert sink.messages == []


def test_where_the_relay_breaks_off_who_has_it_has_it(world: World, sink: Sink) -> None:
    sink.refusing_to["carla@corp.test"] = "451 later"
    with pytest.raises(Unreachable):
        everyone(world)
    del sink.refusing_to["carla@corp.test"]
    assert [everyone(world), *(len(world.letters(f"{n}@corp.test")) for n in ("anna", "bob", "carla", "dirk"))] == [
        2,
        1,
        1,
        1,
        1,
    ]


def test_an_address_that_is_refused_holds_up_nobody(world: World, sink: Sink) -> None:
    sink.refusing_to["bob@corp.test"] = "550 no such user"
    assert (everyone(world), [person.id for person in world.desk.handed.never()]) == (3, ["bob"])


def test_killed_in_the_middle_it_goes_on_there(world: World) -> None:
    class Killed(BaseException):
        pass

    def die(name: str) -> None:
        raise Killed

    office = world.desk.office
    dying = replace(office, step=die)
    taken = world.desk.handed.begin("killed")
    with pytest.raises(Killed):
        type(world.desk.handed)(dying).to_everyone(taken, lambda _: None, by="")  # type: ignore[arg-type]
    world.now += timedelta(minutes=2)
    everyone(world)
    identities = [letter.mail["Message-ID"] for letter in world.sink.messages]
    assert (len(identities), len(set(identities)), world.desk.handed.never()) == (5, 4, [])


def test_two_at_once_are_one(world: World) -> None:
    first = world.desk.handed.begin("one")
    assert (first is not None, world.desk.handed.begin("another")) == (True, None)


def test_whoever_comes_second_does_not_end_the_work_of_the_first(world: World) -> None:
    first = world.desk.handed.begin("one")
    world.desk.handed.begin("another")
    assert first is not None
    assert world.desk.handed.to_everyone(first, lambda _: None, by="").given == 4


def test_a_lost_key_is_replaced_by_the_same(world: World) -> None:
    everyone(world)
    person = world.app.people.person("anna")
    assert person is not None
    world.desk.handed.send(person, by="dirk")
    first, second = world.letters(ANNA)
    assert (key_in(first).key, [e.body["by"] for e in enrolled(world)]) == (key_in(second).key, ["os:root", "dirk"])
    assert len({entry.body["key_hash"] for entry in enrolled(world)}) == 1


def test_the_letter_says_that_it_is_the_same_one(world: World) -> None:
    everyone(world)
    person = world.app.people.person("anna")
    assert person is not None
    world.desk.handed.send(person, by="dirk")
    texts = [one.mail.get_body(("plain",)).get_content() for one in world.letters(ANNA)]  # type: ignore[union-attr]
    assert ["Het is dezelfde als eerder" in text for text in texts] == [False, True]


def test_an_answer_to_the_letter_reaches_the_officer(tmp_path: Path, sink: Sink) -> None:
    world = World(tmp_path, sink, more='[contact]\ndpo = "fg@corp.test"\n')
    everyone(world)
    assert "fg@corp.test" in world.letters(ANNA)[0].mail["Reply-To"]


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("anna", "Hij is geen wachtwoord: je mail is er niet mee te lezen"),
        ("carla", "It is not a password: it cannot be"),
    ],
)
def test_the_letter_says_in_her_language_what_it_is_not(world: World, person: str, said: str) -> None:
    everyone(world)
    assert said in world.letters(f"{person}@corp.test")[0].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


# a false one is noticed


def test_another_key_in_the_vault_is_given_to_nobody(world: World) -> None:
    everyone(world)
    with world.app.store.database.writing() as connection:
        opened = keys_of(connection)
        place = (vault.c.kind == "tag") & (vault.c.name == opened.place("tag", ANNA))
        connection.execute(update(vault).where(place).values(key=opened.row("tag", ANNA, bytes(32))["key"]))
    person = world.app.people.person("anna")
    assert person is not None
    with pytest.raises(Garbled):
        world.desk.handed.send(person, by="dirk")


def test_another_key_in_the_file_is_not_the_one_of_the_record(world: World) -> None:
    everyone(world)
    key = key_in(world.letters(ANNA)[0])
    body = enrolled(world)[0].body
    assert [one.is_hers(body) for one in (key, replace(key, key=bytes(32)))] == [True, False]


def test_another_log_is_given_to_nobody(world: World) -> None:
    everyone(world)
    world.app.sign()
    other = world.wired()
    other.__dict__["signer"] = None
    with other.store.database.writing() as connection:
        vkey = "else.test/locum+c9276c38+ASFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS"
        connection.execute(update(settings).where(settings.c.name == "log-vkey").values(value=vkey.encode()))
    person = other.people.person("anna")
    assert person is not None
    with pytest.raises(Garbled, match="her-key-other"):
        other.desk.handed.send(person, by="dirk")


def test_the_key_stands_in_no_error_and_no_repr(world: World) -> None:
    everyone(world)
    key = key_in(world.letters(ANNA)[0]).key
    told = repr(world.app.store.entries(mailbox=ANNA)) + repr(world.desk.office) + repr(world.desk.handed)
    assert (key.hex() in told, repr(key)[2:-1] in told) == (False, False)


def test_check_says_how_many_never_got_a_key(world: World) -> None:
    before = world.app.check(["record"])["record"][-1]
    everyone(world)
    after = world.app.check(["record"])["record"][-1]
    assert (before.key, dict(before.values)["never"], before.holds) == ("record.keys-missing", "4", None)
    assert (after.key, after.holds) == ("record.keys-handed-over", True)
