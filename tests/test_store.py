"""The store on SQLite and PostgreSQL: one commit is all or nothing, and what is read was written."""

import os
import sqlite3
import threading
import time
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from tests.filings import NOON, Clock, a_case, a_draft, file_many, filing, together

from locum import schema
from locum.errors import Conflict, Garbled, Invalid, LocumError, Unreachable
from locum.lifecycle import State
from locum.messages import says
from locum.store import Change, Link, Store
from mailhosts import postgres

pytest_plugins = ("tests.stores",)

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


def test_cases_of_before_are_found_by_who_asked_and_who_reviewed(store: Store) -> None:
    (case,) = store.commit([filing(a_case())])
    (case,) = store.commit([Change(case=replace(case, reviews=(("dirk", "approve", case.request),)))])
    fill = import_module("locum.migrations.versions.0005_who_asked").fill
    with store.database.writing() as connection:
        connection.execute(text("UPDATE cases SET requester = ''"))
        connection.execute(text("DELETE FROM reviewers"))
        fill(connection)
    assert store.find(requester=case.requester) == store.find(reviewer="dirk") == [case]
    assert store.find(requester="nobody") == store.find(reviewer="nobody") == []


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


def test_two_hundred_cases_at_once_do_not_hold_the_writers_for_long(tmp_path: Path, clock: Clock) -> None:
    made = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    made.migrate()
    filed = file_many(made, 0, 1000)
    began, took = [0.0], []
    event.listen(made._database.engine, "begin", lambda _connection: began.append(time.thread_time()))
    event.listen(made._database.engine, "commit", lambda _connection: took.append(time.thread_time() - began[-1]))
    for at in range(0, 1000, 200):
        steps = (a_draft("x@corp.test", "intended"), a_draft("x@corp.test", "done"))
        made.commit([Change(case=case, entries=steps) for case in filed[at : at + 200]])
    writing = took[1::2]  # each commit reads once, then writes once
    assert len(writing) == 5
    assert min(writing) < 0.02


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


@pytest.mark.slow
def test_a_restart_of_the_database_server_is_survived(clock: Clock) -> None:
    server = postgres.shared()
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    made = Store(server.url(server.new_database()), clock)
    made.migrate()
    made.commit([filing(a_case(1))])
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'locum'")
    made.commit([filing(a_case(2))])
    assert len(made.find()) == 2
    made.close()
