"""The data protection officer's audit finds what stands under somebody else's tag, whoever wrote it there with all keys in hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.world import World

from locum.demo.sink import Sink
from locum.entry import Draft
from locum.keyring import keys_of
from locum.ledger import Ledger, hash_of
from locum.lifecycle import Case
from locum.record import read_keys, streams_of
from locum.seam import Report
from locum.store import Change

pytestmark = pytest.mark.forges

ANNA, BOB = "anna@corp.test", "bob@corp.test"


@pytest.fixture
def world(tmp_path: Path, sink: Sink) -> World:
    return World(tmp_path, sink, policy={"wait_hours": 0})


def audited(world: World) -> Report:
    return world.wired().desk.audit("en")


def wrong(world: World) -> set[str]:
    return {one.key.removeprefix("audit.") for one in audited(world) if one.holds is False}


def listed(world: World) -> set[str]:
    return {one.key.removeprefix("audit.") for one in audited(world) if one.holds is None}


def run(world: World, statement: str, **values: object) -> None:
    """As whoever administers the database."""
    with world.app.store.database.writing() as connection:
        connection.execute(text(statement), values)


def writes(world: World, stream: str, type_: str, of: Case | None = None, /, **body: object) -> None:
    """An entry as Locum writes it, with its keys, in whatever stream."""
    draft = Draft(stream=stream, type=type_, time=world.now, body=body)  # type: ignore[arg-type]
    kept = None if of is None else world.desk.case(of.id)
    world.app.store.commit([Change(case=kept, entries=(draft,))])


def ended(world: World) -> Case:
    case = world.live()
    world.desk.end(world.app.acting("bob"), case.id)
    world.work()
    return world.desk.case(case.id)


def test_a_record_that_is_as_it_should_be_holds(world: World) -> None:
    ended(world)
    world.live(mailbox=BOB)
    assert (wrong(world), {one.key for one in audited(world) if one.holds}) == (set(), {"audit.tags"})


def foreign_mailbox(world: World, case: Case) -> None:
    writes(world, BOB, "intended", None, act="apply", connector="dovecot", mailbox=ANNA)


def foreign_case(world: World, case: Case) -> None:
    writes(world, BOB, "intended", case, case=case.id, act="apply", connector="dovecot")


def place(world: World, mailbox: str) -> str:
    """What stands for a stream in the store."""
    with world.app.store.database.reading() as connection:
        return streams_of(connection, [mailbox])[mailbox]


def foreign_key(world: World, case: Case) -> None:
    with world.app.store.database.reading() as connection:
        hers = read_keys(connection, [ANNA])["tag", ANNA]
        row = keys_of(connection).row("tag", BOB, hers)
    run(world, "UPDATE vault SET key = :key WHERE kind = 'tag' AND name = :name", key=row["key"], name=row["name"])


def foreign_place(world: World, case: Case) -> None:
    a, b = place(world, ANNA), place(world, BOB)
    run(world, "UPDATE entries SET stream = :b, seq = 1000 WHERE stream = :a AND seq = 1", a=a, b=b)


def no_place(world: World, case: Case) -> None:
    leaf = b"\x01" + bytes(64)
    run(world, "UPDATE entries SET leaf = :leaf WHERE stream = :a AND seq = 1", a=place(world, ANNA), leaf=leaf)


def other_mailbox(world: World, case: Case) -> None:
    run(world, "UPDATE cases SET mailbox = :b WHERE id = :case", b=place(world, BOB), case=case.id)


def without_request(world: World, case: Case) -> None:
    writes(world, ANNA, "done", None, case="zzzz-zzzz", act="apply")


def of_an_alias(world: World, case: Case) -> None:
    writes(world, "a.devries@corp.test", "looked", None, connector="dovecot", why="leave")


def without_key(world: World, case: Case) -> None:
    with world.app.store.database.reading() as connection:
        name = keys_of(connection).place("tag", ANNA)
    run(world, "DELETE FROM vault WHERE kind = 'tag' AND name = :name", name=name)


ATTACKS: dict[str, tuple[Callable[[World, Case], None], str]] = {
    "an entry about her in his stream": (foreign_mailbox, "about-another"),
    "an entry of her case in his stream": (foreign_case, "case-in-two-streams"),
    "two streams with one key": (foreign_key, "same-key"),
    "her entry moved into his stream": (foreign_place, "foreign-tag"),
    "a leaf that is nobody's": (no_place, "tag-of-nobody"),
    "a case kept under another mailbox": (other_mailbox, "case-elsewhere"),
    "an act of a case that nobody asked for": (without_request, "case-without-request"),
    "an entry in a stream of her alias": (of_an_alias, "alias-stream"),
    "a lost key": (without_key, "key-lost"),
}


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_what_stands_under_somebody_elses_tag_is_found(world: World, attack: str) -> None:
    case = ended(world)
    world.live(mailbox=BOB)
    act, key = ATTACKS[attack]
    act(world, case)
    assert key in wrong(world)


def test_an_act_without_an_end_is_listed(world: World) -> None:
    case = ended(world)
    writes(world, ANNA, "intended", case, case=case.id, act="end", connector="dovecot")
    world.now += timedelta(hours=2)
    assert "unpaired" in listed(world)


def test_an_incident_is_listed_in_words(world: World) -> None:
    body = {"key": "access-unexplained", "connector": "dovecot", "identity": "locum", "service": "imap"}
    writes(world, ANNA, "incident", None, at="2026-11-23T09:00:00Z", **body)
    said = [dict(one.values)["said"] for one in audited(world) if one.key == "audit.incident"]
    assert "somebody logged in to this mailbox as locum, over IMAP" in said[0]


def test_what_was_erased_because_the_ledger_named_it_is_listed(world: World) -> None:
    case = ended(world)
    for _ in range(3):
        world.later(days=1)
    Ledger(world.folder / "log" / "erased").append([hash_of("case", case.id)])
    world.app.store.close()
    world.app = world.wired()
    assert "erased-again" in listed(world)


def test_every_change_of_the_policy_is_listed(world: World) -> None:
    world.app.desk.office.keep_policy()
    (world.folder / "policy.toml").write_text((world.folder / "policy.toml").read_text() + "\n# another\n")
    world.wired().desk.office.keep_policy("bob")
    assert {"policy-first", "policy"} <= listed(world)


def test_the_audit_shows_no_text_of_anybody(world: World) -> None:
    case = world.live(because="A sentence that only the two of them should read.")
    text_of_hers = case.reply.text_body if case.reply else ""
    told = repr(audited(world))
    assert ("only the two of them" in told, text_of_hers in told) == (False, False)
