"""The store on SQLite and PostgreSQL: one commit is all or nothing, what is read was written, and tampering shows."""

import dataclasses
import itertools
import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.filings import NOON, Clock, a_case, a_draft, file_many, filing

from locum import entry, schema, tlog
from locum.errors import Conflict, Garbled, Invalid, LocumError, Unreachable
from locum.filing import dump_case, load_case
from locum.lifecycle import Case, Contact, State
from locum.measure import Audience, AutoReply
from locum.messages import says
from locum.sealing import seal
from locum.store import Change, Link, Store
from locum.tlog import Signer

pytest_plugins = ("tests.stores",)

# A case as JSON

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
zones = st.sampled_from([UTC, timezone(timedelta(hours=-9.5))])
instants = st.datetimes(NOON.replace(year=1990, tzinfo=None), NOON.replace(year=2100, tzinfo=None), timezones=zones)
whole_seconds = instants.map(lambda at: at.replace(microsecond=0))
replies = st.builds(AutoReply, handle=texts, from_date=whole_seconds, to_date=whole_seconds, subject=texts, text_body=texts,
    html_body=st.none() | texts, external_text=st.none() | texts, external_html=st.none() | texts,
    audience=st.sampled_from(Audience), exceptions=st.lists(texts, max_size=3).map(tuple),
    addresses=st.lists(texts, max_size=3).map(tuple), internal_domains=st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip
_BY_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: texts,
    int: st.integers(0, 2**31),
    datetime: instants,
    State: st.sampled_from(State),
    AutoReply: replies,
    datetime | None: st.none() | instants,
    int | None: st.none() | st.integers(-5, 2**31),
    tuple[tuple[str, str], ...]: st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
}


def of(kind: type) -> dict[str, st.SearchStrategy[object]]:
    hints = {f.name: kind.__init__.__annotations__[f.name] for f in dataclasses.fields(kind)}
    return {name: _BY_TYPE[hint] if hint in _BY_TYPE else st.from_type(hint) for name, hint in hints.items()}


contacts = st.builds(Contact, **of(Contact))
_BY_TYPE[tuple[Contact, ...]] = st.lists(contacts, max_size=3).map(tuple)


@given(st.builds(Case, **of(Case)))
def test_every_case_comes_back_from_json(case: Case) -> None:
    assert load_case(dump_case(case)) == case


@pytest.mark.parametrize(
    "changes",
    [
        {"filed_at": NOON.replace(tzinfo=None)},
        {"because": None},
        {"version": "1"},
        {"version": True},
        {"reviews": (("carla",),)},
        {"contacts": ["phone"]},
        {"state": "requested"},
        {"because": "\ud800"},
        {"measure": replace(a_case().measure, from_date=NOON.replace(microsecond=1))},
    ],
)
def test_a_case_with_a_wrong_value_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        dump_case(a_case(**changes))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":0', b'"version":0,"version":0'),
        (b'"version":0', b'"version":0.0'),
        (b'"version":0', b'"version":0,"more":1'),
        (b'"state":"requested"', b'"state":"lost"'),
        (b"+00:00", b"+01:00"),
        (b"+00:00", b""),
        (b'"mailbox"', b'"mail"'),
        (b'"reviews":[]', b'"reviews":[["a"]]'),
        (b'"measure":"auto-reply"', b'"measure":"forward"'),
    ],
)
def test_json_that_is_no_case_is_not_read(old: bytes, new: bytes) -> None:
    written = dump_case(a_case())
    assert old in written
    with pytest.raises(ValueError):
        load_case(written.replace(old, new))


# Making and migrating


def test_the_migrations_make_the_tables_of_the_schema(bare_url: str, clock: Clock) -> None:
    store = Store(bare_url, clock)
    store.migrate()
    with store._database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_the_schema_names_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "locum:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_migrating_again_changes_nothing(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    store.migrate()
    assert store.case(case.id) == case


def test_two_who_make_the_same_store_at_once_make_one(bare_url: str, clock: Clock) -> None:
    stores = [Store(bare_url, clock) for _ in range(4)]
    errors: list[LocumError] = []

    def make(one: Store) -> None:
        try:
            one.migrate()
        except LocumError as error:
            errors.append(error)

    together([lambda one=one: make(one) for one in stores])  # type: ignore[misc]
    assert errors == []
    assert stores[0].commit([filing(a_case())])[0].version == 1


def together(acts: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_file_is_for_its_owner_and_group(tmp_path: Path, clock: Clock) -> None:
    before = os.umask(0o077)
    try:
        made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
        made.migrate()
        made.commit([filing(a_case())])
    finally:
        os.umask(before)
    assert {p.name: oct(p.stat().st_mode & 0o7777) for p in tmp_path.iterdir()} == dict.fromkeys(
        ("locum.db", "locum.db-wal", "locum.db-shm"), "0o660"
    )


def test_sqlite_keeps_what_was_committed_through_a_power_cut(tmp_path: Path, clock: Clock) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    with made._database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "oracle://"])
def test_an_address_that_is_no_store_is_refused(url: str, clock: Clock) -> None:
    with pytest.raises(Invalid, match="store-url"):
        Store(url, clock)


def test_a_missing_store_is_not_made_by_reading_it(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(Unreachable, match="store-unreachable"):
        Store(f"sqlite:///{tmp_path}/locum.db", clock).find()
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_down_is_unreachable_and_its_password_unsaid(clock: Clock) -> None:
    with pytest.raises(Unreachable) as caught:
        Store("postgresql://locum:hunter2@127.0.0.1:9/locum", clock).find()
    assert "hunter2" not in str(caught.value) + repr(caught.value.values) + str(caught.value.__cause__)


def test_a_store_on_a_read_only_disk_is_unreachable(tmp_path: Path, clock: Clock) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    with made._database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=1")
    with pytest.raises(Unreachable, match="store-unreachable"):
        made.commit([filing(a_case())])


def test_every_error_of_the_store_has_its_sentence_in_both_languages() -> None:
    source = "".join(path.read_text() for path in Path(schema.__file__).parent.glob("*.py"))
    for key in ("changed-meanwhile", "lease-lost", "link-used", "no-such-case", "record-damaged", "worker-lost"):
        assert f'"{key}"' in source
        assert says("nl", f"errors.{key}.sentence")
        assert says("en", f"errors.{key}.sentence")


# Committing


def test_a_filed_case_is_read_back(store: Store) -> None:
    case = a_case()
    assert store.commit([filing(case)]) == (replace(case, version=1),)
    assert store.case(case.id) == replace(case, version=1)


def test_a_changed_case_is_read_back(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    (asked,) = store.commit([Change(case=replace(case, state=State.ASKING))])
    assert (asked.state, asked.version) == (State.ASKING, 2)
    assert store.case(case.id) == asked


def test_an_outdated_case_is_not_written(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    (newer,) = store.commit([Change(case=replace(case, state=State.ASKING))])
    with pytest.raises(Conflict, match="changed-meanwhile"):
        store.commit([Change(case=replace(case, state=State.WITHDRAWN))])
    assert store.case(case.id) == newer


def test_a_case_that_was_never_filed_cannot_be_changed(store: Store) -> None:
    store.commit([filing(a_case())])
    with pytest.raises((Conflict, Garbled)):
        store.commit([Change(case=a_case(2, version=3))])
    with pytest.raises(Conflict, match="changed-meanwhile"):
        store.commit([Change(case=a_case(1, version=3))])


def test_the_same_case_is_not_filed_twice(store: Store) -> None:
    store.commit([filing(a_case())])
    with pytest.raises(Conflict, match="changed-meanwhile"):
        store.commit([filing(a_case())])
    assert len(store.entries()) == 1


def test_a_case_may_go_two_steps_in_one_commit(store: Store) -> None:
    case = a_case()
    second = Change(case=replace(case, state=State.ASKING, version=1))
    assert [c.version for c in store.commit([filing(case), second])] == [1, 2]
    assert store.case(case.id).state is State.ASKING


def test_one_conflict_undoes_the_whole_commit(store: Store) -> None:
    (case,) = store.commit([filing(a_case(1))])
    store.commit([Change(case=case)])
    link = Link(token_hash=b"h", case="case-2", purpose="ask", expires_at=NOON)
    with pytest.raises(Conflict):
        store.commit([filing(a_case(2), links=(link,), found=b"hers"), Change(case=case)])
    assert [c.id for c in store.find()] == ["case-1"]
    assert store.entries(mailbox="user2@corp.test") == []
    assert store.jobs("case-2") == []
    assert store.link(b"h") is None
    assert store.found("case-2") is None


def test_an_entry_that_may_not_stand_stops_the_commit(store: Store) -> None:
    with pytest.raises(ValueError):
        store.commit([filing(a_case(), entries=(a_draft("user1@corp.test", text="a\u202eb"),))])
    assert store.find() == []


def test_nothing_is_committed_by_nothing(store: Store) -> None:
    assert store.commit([]) == ()


def test_writers_on_one_mailbox_make_one_chain(store_url: str, store: Store, clock: Clock) -> None:
    def write(number: int) -> None:
        mine = Store(store_url, clock)
        for n in range(5):
            mine.commit([filing(a_case(number * 100 + n), entries=(a_draft("shared@corp.test", writer=number),))])
        mine.close()

    together([lambda n=n: write(n) for n in range(4)])  # type: ignore[misc]
    found = store.entries(mailbox="shared@corp.test")
    assert [e.seq for e in found] == list(range(20))
    assert [e.index for e in store.entries()] == list(range(20))


def test_a_second_connection_sees_nothing_of_a_commit_before_it_is_done(store: Store) -> None:
    with store._database.writing() as connection:
        connection.execute(text("INSERT INTO settings (name, value) VALUES ('a', :v)"), {"v": b"x"})
        seen: list[bytes | None] = []
        with store._database.reading() as other:
            seen.append(other.execute(text("SELECT value FROM settings")).scalar())
    assert seen == [None]


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    with store._database.writing() as connection:
        connection.execute(text("UPDATE tree SET size = size"))
        assert store.case(case.id) == case


@pytest.mark.slow
def test_two_hundred_cases_at_once_do_not_hold_the_writers_for_long(store: Store) -> None:
    file_many(store, 0, 200, at_once=200)
    filed = store.find(limit=200)
    before = store.leaves()
    store.commit([Change(case=c, entries=(a_draft(c.mailbox, "intended"), a_draft(c.mailbox, "done"))) for c in filed])
    assert len(store.leaves()) == len(before) + 400


# Reading


def test_cases_come_in_the_order_asked_for(store: Store) -> None:
    file_many(store, 1, 6)
    assert [c.id for c in store.cases(["case-4", "case-1", "case-4"])] == ["case-4", "case-1", "case-4"]


def test_a_thousand_cases_are_read_at_once(store: Store) -> None:
    file_many(store, 0, 1100)
    ids = [f"case-{n}" for n in range(1100)]
    assert [c.id for c in store.cases(ids)] == ids


def test_an_unknown_case_is_said(store: Store) -> None:
    with pytest.raises(Invalid, match="no-such-case") as caught:
        store.case("case-9")
    assert caught.value.values == {"case": "case-9"}


def test_the_newest_cases_are_found_first(store: Store) -> None:
    file_many(store, 1, 4)
    assert [c.id for c in store.find(limit=2)] == ["case-3", "case-2"]


def test_cases_are_found_by_state_mailbox_and_batch(store: Store) -> None:
    one, two, three = store.commit([filing(a_case(1, batch="b")), filing(a_case(2, batch="b")), filing(a_case(3))])
    store.commit([Change(case=replace(two, state=State.ASKING))])
    assert [c.id for c in store.find(state=State.REQUESTED)] == [three.id, one.id]
    assert [c.id for c in store.find(mailbox=three.mailbox)] == [three.id]
    assert [c.id for c in store.find(batch="b", state=State.REQUESTED)] == [one.id]


@pytest.mark.parametrize("state", State)
def test_living_cases_are_those_that_are_not_final(tmp_path: Path, clock: Clock, state: State) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    (case,) = made.commit([filing(a_case(state=state))])
    assert bool(made.living_on(["other@corp.test", case.mailbox])) is not case.is_final


def test_found_bytes_are_kept_and_deleted(store: Store) -> None:
    (case,) = store.commit([filing(a_case(), found=b"her own script")])
    assert store.found(case.id) == b"her own script"
    (case,) = store.commit([Change(case=case)])
    assert store.found(case.id) == b"her own script"
    (case,) = store.commit([Change(case=case, found=b"another")])
    assert store.found(case.id) == b"another"
    store.commit([Change(case=case, found=b"")])
    assert store.found(case.id) is None


def test_a_link_works_once(store: Store, clock: Clock) -> None:
    link = Link(token_hash=b"hash", case="case-1", purpose="ask", expires_at=NOON + timedelta(days=1))
    store.commit([filing(a_case(), links=(link,))])
    assert store.link(b"hash") == link
    clock.later(60)
    store.commit([Change(use=link)])
    assert store.link(b"hash") == replace(link, used_at=clock.now)
    with pytest.raises(Conflict, match="link-used"):
        store.commit([Change(use=link)])


def test_a_link_that_two_use_at_once_is_used_by_one(store: Store) -> None:
    link = Link(token_hash=b"hash", case="case-1", purpose="ask", expires_at=NOON)
    store.commit([filing(a_case(), links=(link,))])
    said: list[str] = []

    def use() -> None:
        try:
            store.commit([Change(use=link, entries=(a_draft("user1@corp.test", "answered"),))])
        except Conflict as error:
            said.append(error.key)

    together([use] * 4)
    assert said == ["link-used"] * 3
    assert [e.type for e in store.entries()] == ["requested", "answered"]


def test_a_setting_is_made_once(store_url: str, store: Store, clock: Clock) -> None:
    made = [store.setting("links", lambda: b"first"), Store(store_url, clock).setting("links", lambda: b"second")]
    assert made == [b"first", b"first"]


# The record


def test_entries_are_read_back_as_they_were_written(store: Store) -> None:
    store.commit([filing(a_case(), entries=(a_draft("user1@corp.test", "requested", words=["ë", 1, None, True]),))])
    (found,) = store.entries(mailbox="user1@corp.test")
    assert (found.index, found.seq, found.type, found.time, found.case) == (0, 0, "requested", NOON, "case-1")
    assert found.body == {"words": ["ë", 1, None, True]}


def test_each_entry_names_the_commitment_of_the_one_before(store: Store) -> None:
    (case,) = store.commit(
        [filing(a_case(), entries=(a_draft("user1@corp.test"), a_draft("user1@corp.test", "asked")))]
    )
    store.commit([Change(case=case, entries=(a_draft("user1@corp.test", "answered"),))])
    found = store.entries(mailbox="user1@corp.test")
    assert [entry.payload(a_draft(e.stream, e.type, **dict(e.body)), e.seq, before) == e.payload
            for e, before in zip(found, [b"", *(e.leaf[33:] for e in found)], strict=False)] == [True] * 3  # fmt: skip


def test_entries_of_a_case_come_from_all_its_streams(store: Store) -> None:
    (case,) = store.commit([filing(a_case(1, mailbox="x@corp.test"))])
    store.commit([filing(a_case(2, mailbox="x@corp.test"))])
    store.commit([Change(case=case, entries=(a_draft("x@corp.test", "asked"), a_draft("org/figures", "figures")))])
    assert [e.type for e in store.entries(case=case.id)] == ["requested", "asked", "figures"]
    assert [e.case for e in store.entries(mailbox="x@corp.test")] == ["case-1", "case-2", "case-1"]


def test_an_entry_without_a_case_is_read_back(store: Store) -> None:
    store.commit([Change(entries=(a_draft("org/policy", "policy", hash="ab"),))])
    assert [(e.case, e.body) for e in store.entries(mailbox="org/policy")] == [("", {"hash": "ab"})]


def test_the_tree_is_that_of_the_leaves(store: Store) -> None:
    file_many(store, 0, 37, at_once=5)
    with store._database.reading() as connection:
        size, frontier = connection.execute(text("SELECT size, frontier FROM tree")).one()
    leaves = store.leaves()
    assert size == len(leaves) == 37
    assert tlog.Frontier.from_bytes(size, frontier).root() == tlog.root([tlog.leaf_hash(leaf) for leaf in leaves])
    assert store.leaves(3, 5) == leaves[3:5]


def test_no_text_of_a_case_lies_open_in_the_database(tmp_path: Path, clock: Clock) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    case = a_case(because="ZEKERHEID", measure=replace(a_case().measure, text_body="GEHEIM"))
    made.commit([filing(case, found=b"VERBORGEN", entries=(a_draft(case.mailbox, word="VERTROUWELIJK"),))])
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for word in (b"ZEKERHEID", b"GEHEIM", b"VERBORGEN", b"VERTROUWELIJK"):
        assert word not in on_disk


def test_the_same_mailbox_has_no_two_tags_alike_and_another_mailbox_has_others(store: Store) -> None:
    file_many(store, 0, 20)
    store.commit([filing(a_case(100 + n, mailbox="user1@corp.test")) for n in range(20)])
    assert len({leaf[1:33] for leaf in store.leaves()}) == 40


# Tampering with the database

TAMPERING = {
    "a leaf": "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE position = 0) WHERE position = 1",
    "a payload": "UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE position = 0) WHERE position = 1",
    "a place": "UPDATE entries SET seq = 7 WHERE position = 1",
    "a mailbox": "UPDATE entries SET stream = 'user2@corp.test', seq = 1 WHERE position = 1",
    "a case": "UPDATE entries SET case_id = 'case-2' WHERE position = 1",
    "the last entry": "DELETE FROM entries WHERE position = 2",
    "an entry between": "DELETE FROM entries WHERE position = 1",
    "a hidden end": "UPDATE streams SET length = 2 WHERE name = 'user1@corp.test'",
    "a whole stream": "DELETE FROM entries WHERE stream = 'user1@corp.test'",
    "a key": "DELETE FROM vault WHERE name = 'case-1'",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_was_changed_behind_our_back_is_not_shown(store: Store, what: str) -> None:
    (case,) = store.commit(
        [
            filing(a_case(1)),
        ]
    )
    store.commit([Change(case=case, entries=(a_draft(case.mailbox, "asked"), a_draft(case.mailbox, "answered")))])
    store.commit([filing(a_case(2))])
    assert len(store.entries(mailbox=case.mailbox)) == 3
    with store._database.writing() as connection:
        connection.execute(text(TAMPERING[what]))
    with pytest.raises(Garbled):
        store.entries(mailbox=case.mailbox)


def test_an_entry_put_in_place_of_another_with_all_keys_does_not_fit_the_chain(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    store.commit([Change(case=case, entries=(a_draft(case.mailbox, "asked"), a_draft(case.mailbox, "answered")))])
    with store._database.writing() as connection:
        keys = {row.kind: row.key for row in connection.execute(text("SELECT kind, key FROM vault"))}
        forged = entry.payload(a_draft(case.mailbox, "asked", word="forged"), 1, b"")
        tag = entry.tag(keys["tag"], 1)
        leaf = entry.leaf(tag, entry.commitment(bytes(32), tag, forged))
        values = {"leaf": leaf, "sealed": seal(keys["case"], bytes(12), bytes(32) + forged, leaf)}
        connection.execute(text("UPDATE entries SET leaf = :leaf, sealed = :sealed WHERE seq = 1"), values)
    with pytest.raises(Garbled, match="record-damaged"):
        store.entries(mailbox=case.mailbox)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cases SET sealed = (SELECT sealed FROM cases WHERE id = 'case-2') WHERE id = 'case-1'",
        "UPDATE cases SET version = 2 WHERE id = 'case-1'",
        "DELETE FROM vault WHERE name = 'case-1'",
    ],
)
def test_a_case_that_was_changed_behind_our_back_is_not_shown(store: Store, change: str) -> None:
    file_many(store, 1, 3)
    with store._database.writing() as connection:
        connection.execute(text(change))
    with pytest.raises(Garbled):
        store.case("case-1")


def test_a_case_whose_key_is_destroyed_gets_no_new_one(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    with store._database.writing() as connection:
        connection.execute(text("DELETE FROM vault WHERE kind = 'case'"))
    with pytest.raises(Garbled, match="record-key-missing"):
        store.commit([Change(case=case)])


# Checkpoints


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(tmp_path / "record.key", "corp.test/locum")


def signed(store: Store, signer: Signer) -> tlog.Checkpoint:
    note = store.sign_checkpoint(signer)
    assert note is not None
    assert store.checkpoint() == note
    return tlog.parse_checkpoint(tlog.verify(note, signer.vkey))


def test_a_checkpoint_says_what_the_leaves_say(store: Store, signer: Signer) -> None:
    file_many(store, 0, 11)
    leaves = [tlog.leaf_hash(leaf) for leaf in store.leaves()]
    assert signed(store, signer) == tlog.Checkpoint("corp.test/locum", 11, tlog.root(leaves))


def test_every_checkpoint_continues_the_one_before(store: Store, signer: Signer) -> None:
    made = []
    for first in (0, 3, 4, 9):
        file_many(store, first * 10, first * 10 + 7, at_once=3)
        made.append(signed(store, signer))
    hashes = [tlog.leaf_hash(leaf) for leaf in store.leaves()]
    for old, new in itertools.pairwise(made):
        proof = tlog.consistency_proof(hashes[: new.size], old.size)
        assert tlog.verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_nothing_is_signed_where_nothing_grew(store: Store, signer: Signer) -> None:
    assert store.sign_checkpoint(signer) is None
    file_many(store, 0, 3)
    signed(store, signer)
    assert store.sign_checkpoint(signer) is None


def test_signers_at_the_same_time_sign_one_history(store: Store, signer: Signer) -> None:
    file_many(store, 0, 3)
    signed(store, signer)
    file_many(store, 3, 40)
    notes: list[bytes | None] = []
    together([lambda: notes.append(store.sign_checkpoint(signer))] * 4)
    assert [note for note in notes if note] == [store.checkpoint()]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE position = 0) WHERE position = 4",
        "DELETE FROM entries WHERE position = 4",
        "UPDATE tree SET size = 2",
        "UPDATE tree SET checkpoint_size = 2",
        "UPDATE tree SET frontier = checkpoint_frontier, size = checkpoint_size + 4",
        "UPDATE tree SET checkpoint = NULL",
        "UPDATE tree SET checkpoint = :other",
        "UPDATE tree SET checkpoint = :foreign",
    ],
)
def test_nothing_is_signed_that_does_not_continue_what_was_signed(
    store: Store, signer: Signer, tmp_path: Path, change: str
) -> None:
    file_many(store, 0, 2)
    other = store.sign_checkpoint(signer)
    file_many(store, 2, 3)
    foreign = Signer(tmp_path / "foreign.key", "corp.test/locum").sign(signed(store, signer).text())
    file_many(store, 3, 6)
    with store._database.writing() as connection:
        values = {name: value for name, value in {"other": other, "foreign": foreign}.items() if f":{name}" in change}
        connection.execute(text(change), values)
    last = store.checkpoint()
    with pytest.raises(Garbled):
        store.sign_checkpoint(signer)
    assert store.checkpoint() == last


# Forks


def test_a_forked_child_uses_the_store_without_harm(store: Store) -> None:
    store.commit([filing(a_case(1))])
    child = os.fork()
    if child == 0:
        try:
            store.commit([filing(a_case(2))])
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    store.commit([filing(a_case(3))])
    assert [c.id for c in store.find()] == ["case-3", "case-2", "case-1"]


def test_a_locked_database_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    other = sqlite3.connect(tmp_path / "locum.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    assert made.commit([filing(a_case())])[0].version == 1
