"""What somebody wishes beforehand: sealed, hers alone, and counting wherever she is asked or answered for. On both stores."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from tests.world import World

from locum.absence import Channel
from locum.demo.sink import Sink
from locum.desk import Acting, OwnText
from locum.errors import Invalid, Refused
from locum.lifecycle import State
from locum.measure import Audience
from locum.wishes import Wish

pytest_plugins = ("tests.stores",)
NL = OwnText(subject="Even weg", internal_text="Vraag het Bob.", external_text="Mail info@corp.test.")
EN = OwnText(subject="Away", internal_text="Ask Bob.", external_text="")
SECRETS = {"senders": "dokter@praktijk-linde.test", "folders": "Scheiding", "words": "sollicitatie bij Bakker"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as made:
        yield made


@pytest.fixture
def world(tmp_path: Path, sink: Sink, store_url: str) -> World:
    return World(tmp_path, sink, store_url=store_url)


def acting(world: World, who: str = "anna") -> Acting:
    person = world.app.people.person(who)
    assert person is not None
    assert person.mailbox is not None
    return Acting(id=person.id, name=person.name, address=person.mailbox.address, function=person.function)


def everything_written(world: World) -> bytes:
    """All the bytes of the store but its keys, as they lie there."""
    if world.store_url.startswith("postgresql"):
        with psycopg.connect(world.store_url) as connection:
            rows = connection.execute("SELECT person, wish, sealed FROM wishes").fetchall()
        return b"".join(repr(row).encode() + bytes(row[2]) for row in rows)
    path = world.store_url.removeprefix("sqlite:///")
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(file.read_bytes() for file in Path(path).parent.iterdir() if file.is_file())


def asked_at(world: World) -> set[str]:
    return {address for message in world.sink.messages for address in message.recipients if "anna" in address}


# sealed, and forgotten


def test_what_she_wishes_is_not_readable_in_the_store(world: World) -> None:
    hers = world.desk.hers
    hers.write_text(acting(world), "nl", NL)
    hers.protect(acting(world), SECRETS)
    hers.permit(acting(world), Channel.PRIVATE_MAIL, "anna.geheim@elders.test")
    written = everything_written(world)
    texts = [NL.subject, NL.internal_text, *SECRETS.values(), "anna.geheim"]
    assert [text for text in texts if text.encode() in written] == []
    assert b"protections" in written, "the place where they would stand"


def test_forgetting_destroys_the_key_too(world: World) -> None:
    hers, wishes = world.desk.hers, world.desk.office.wishes
    hers.write_text(acting(world), "nl", NL)
    hers.write_text(acting(world), "nl", None)
    assert (hers.texts(acting(world)), wishes.of("anna", Wish.TEXT)) == ({}, None)
    with world.app.store.database.reading() as connection:
        keys = connection.exec_driver_sql("SELECT count(*) FROM vault WHERE kind = 'wish'").scalar()
    assert keys == 0


def test_writing_anew_makes_a_new_key(world: World) -> None:
    hers, keys = world.desk.hers, []
    for text in (NL, EN):
        hers.write_text(acting(world), "nl", text)
        with world.app.store.database.reading() as connection:
            found = connection.exec_driver_sql("SELECT key FROM vault WHERE kind = 'wish'").scalars().all()
        keys.append(bytes(found[0]))
        assert len(found) == 1
    assert keys[0] != keys[1]


def test_wishes_are_of_one_person_alone(world: World) -> None:
    hers = world.desk.hers
    hers.write_text(acting(world), "nl", NL)
    hers.protect(acting(world), SECRETS)
    for who in ("bob", "carla", "dirk"):
        assert (hers.texts(acting(world, who)), any(hers.protections(acting(world, who)).values())) == ({}, False)


# her text


def test_her_own_text_takes_the_place_of_a_template(world: World) -> None:
    world.desk.hers.write_text(acting(world), "nl", NL)
    case = world.request(audience=Audience.EVERYONE)
    reply = case.auto_reply
    assert (case.template, reply.subject, reply.text_body.strip()) == ("own", NL.subject, NL.internal_text)
    assert (reply.external_text or "").strip() == NL.external_text


def test_it_counts_as_a_template_for_clause_8(world: World) -> None:
    world.desk.hers.write_text(acting(world), "nl", NL)
    case = world.request(audience=Audience.EVERYONE)
    world.work()
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.APPLIED


def test_the_requester_sees_it_before_sending(world: World) -> None:
    world.desk.hers.write_text(acting(world), "nl", NL)
    seen = world.desk.preview(world.app.acting("bob"), world.form())
    assert seen.case is not None
    assert (seen.case.template, seen.case.auto_reply.subject) == ("own", NL.subject)


def test_without_words_for_outsiders_they_get_no_reply(world: World) -> None:
    world.desk.hers.write_text(acting(world), "nl", EN)
    reply = world.request(audience=Audience.EVERYONE).auto_reply
    assert (reply.external_text, reply.audience) == (None, Audience.INTERNAL)


def test_it_is_used_in_the_languages_asked_for_as_far_as_she_wrote_them(world: World) -> None:
    hers = world.desk.hers
    hers.write_text(acting(world), "nl", NL)
    hers.write_text(acting(world), "en", EN)
    form = world.form(languages=("en", "fr"))
    seen = world.desk.preview(world.app.acting("bob"), form).case
    assert seen is not None
    assert seen.auto_reply.subject == EN.subject
    both = world.desk.preview(world.app.acting("bob"), world.form(languages=("nl", "en"))).case
    assert both is not None
    assert both.auto_reply.subject == f"{NL.subject} / {EN.subject}"


@pytest.mark.parametrize(
    "asked",
    [{"reason": "closing"}, {"template": "closing"}, {"internal_text": "Hello.\n"}],
    ids=["the office is closed", "a template that says so", "the requester's own words"],
)
def test_it_is_not_used_where_something_else_has_to_be_said(world: World, asked: dict[str, str]) -> None:
    world.desk.hers.write_text(acting(world), "nl", NL)
    seen = world.desk.preview(world.app.acting("bob"), world.form(**asked)).case
    assert seen is not None
    assert (seen.template == "own", seen.auto_reply.subject == NL.subject) == (False, False)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (OwnText(subject="", internal_text="x"), "text-empty"),
        (OwnText(subject="x", internal_text=" \n"), "text-empty"),
        (OwnText(subject="x\ny", internal_text="x"), "more-than-one-line"),
        (OwnText(subject="x", internal_text="\u202ex"), "bad-character"),
        (OwnText(subject="x", internal_text="x" * 20_001), "wish-too-long"),
    ],
)
def test_what_could_not_go_out_is_not_kept(world: World, text: OwnText, key: str) -> None:
    with pytest.raises(Invalid) as caught:
        world.desk.hers.write_text(acting(world), "nl", text)
    assert (caught.value.key, world.desk.hers.texts(acting(world))) == (key, {})


# her own page


def test_the_letter_names_no_page_that_she_could_not_sign_in_to(world: World) -> None:
    world.live()
    before = world.letters("anna@corp.test", ".live.")[-1].mail.as_string()
    assert "/mine" not in before


def test_the_letter_names_her_own_page_and_nothing_that_signs_in(world: World) -> None:
    settings = world.config.read_text()
    world.config.write_text(f'{settings}[oidc]\nissuer = "https://id.corp.test"\nclient_id = "locum"\n')
    world.app = world.wired()
    world.live()
    text = world.letters("anna@corp.test", ".live.")[-1].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "http://127.0.0.1:8080/mine" in text.split()


# how she may be reached


def test_a_withdrawal_holds_for_the_next_question(world: World) -> None:
    world.desk.hers.withdraw(acting(world), Channel.PRIVATE_MAIL)
    world.request()
    world.work()
    assert asked_at(world) == {"anna@corp.test"}


def test_a_withdrawal_holds_between_filing_and_asking(world: World) -> None:
    world.request()
    world.desk.hers.withdraw(acting(world), Channel.PRIVATE_MAIL)
    world.work()
    assert asked_at(world) == {"anna@corp.test"}


def test_a_way_that_she_permits_is_used_with_its_day(world: World) -> None:
    hers = world.desk.hers
    hers.permit(acting(world), Channel.PRIVATE_MAIL, "anna@elders.test")
    world.request()
    world.work()
    assert asked_at(world) == {"anna@corp.test", "anna@elders.test"}
    way = next(one for one in hers.ways(acting(world)) if one.channel is Channel.PRIVATE_MAIL)
    assert way.decided is not None
    assert (way.decided.permitted, way.decided.on, way.used) == (True, date(2026, 11, 23), "anna@elders.test")


def test_what_she_permitted_is_not_changed_by_the_list_of_people(world: World) -> None:
    world.desk.hers.permit(acting(world), Channel.PRIVATE_MAIL, "anna@home.test")
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace("anna@home.test", "anna.bob@evil.test"))
    world.request()
    world.work()
    assert asked_at(world) == {"anna@corp.test", "anna@home.test"}


def test_one_way_that_she_permits_says_nothing_of_the_other(world: World) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace("anna@home.test,,2026-01-05", "anna@home.test,+31612345678,"))
    world.desk.hers.permit(acting(world), Channel.MOBILE, "+31 6 12345678")
    owner = world.app.people.person("anna")
    assert owner is not None
    assert dict(world.desk.office.reached(owner).channels) == {
        Channel.MOBILE: "+31612345678",
        Channel.MAILBOX: "anna@corp.test",
    }


def test_where_her_word_cannot_be_opened_no_private_way_is_used(world: World) -> None:
    world.desk.hers.read_along(acting(world), wish=False)
    with world.app.store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM vault WHERE kind = 'wish'")
    world.request()
    world.work()
    assert asked_at(world) == {"anna@corp.test"}


def test_nobody_else_reads_her_address_in_the_record(world: World) -> None:
    world.desk.hers.permit(acting(world), Channel.PRIVATE_MAIL, "anna.geheim@elders.test")
    case = world.request()
    world.work()
    told = [str(entry.body) for entry in world.app.store.entries(case=case.id)]
    assert [one for one in told if "geheim" in one] == []
    assert [one for one in told if "a…@elders.test" in one]


@pytest.mark.parametrize(
    ("channel", "address"),
    [(Channel.MOBILE, "call me"), (Channel.PRIVATE_MAIL, "no address"), (Channel.MAILBOX, "x@y.test")],
)
def test_what_is_no_address_is_not_kept(world: World, channel: Channel, address: str) -> None:
    with pytest.raises(Invalid):
        world.desk.hers.permit(acting(world), channel, address)
    assert all(one.decided is None for one in world.desk.hers.ways(acting(world)))


def test_whoever_reads_along_is_not_overruled_by_silence(world: World) -> None:
    world.desk.hers.read_along(acting(world), wish=True)
    case = world.request()
    world.work()
    world.later(hours=30)
    assert world.desk.case(case.id).state is State.REFUSED


def test_who_reads_along_no_more_is_as_everybody(world: World) -> None:
    hers = world.desk.hers
    hers.read_along(acting(world), wish=True)
    hers.read_along(acting(world), wish=False)
    case = world.request()
    world.work()
    world.later(hours=5)
    assert (world.desk.case(case.id).state, hers.reads_along(acting(world))) == (State.APPLIED, False)


# what she protects


def test_her_lists_come_back_to_her_as_she_named_them(world: World) -> None:
    hers = world.desk.hers
    hers.protect(acting(world), {**SECRETS, "senders": "Dokter@Praktijk-Linde.test\n\n praktijk.test \npraktijk.test"})
    assert hers.protections(acting(world)) == {
        "senders": ("dokter@praktijk-linde.test", "praktijk.test"),
        "folders": ("Scheiding",),
        "words": ("sollicitatie bij Bakker",),
    }


def test_an_empty_list_is_a_forgotten_one(world: World) -> None:
    hers = world.desk.hers
    hers.protect(acting(world), SECRETS)
    hers.protect(acting(world), {})
    assert world.desk.office.wishes.of("anna", Wish.PROTECTIONS) is None


def test_without_any_way_left_a_request_is_refused_as_it_is_filed(world: World) -> None:
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text().replace('["mobile", "private_mail", "mailbox"]', '["private_mail"]'))
    world.app = world.wired()
    world.desk.hers.withdraw(acting(world), Channel.PRIVATE_MAIL)
    with pytest.raises(Refused) as caught:
        world.request()
    assert (caught.value.key, caught.value.clause) == ("no-channel", 6)
