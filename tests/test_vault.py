"""The vault under the key of a file: it is wrapped once, wrapped anew, and opens at every moment in between."""

import os
import signal
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.filings import NOON, Clock, a_case, a_draft, filing

from locum.errors import Garbled, Invalid, Rejected
from locum.sessions import How, Sessions
from locum.store import Change, Link, Store
from locum.vault_file import VaultFile
from locum.wishes import Wish, Wishes

pytest_plugins = ("tests.stores",)

STEPS = ["adopt.key", "adopt.wrapped", "renew.both", "renew.wrapped", "renew.destroyed"]
HERS = "user1@corp.test"


@pytest.fixture
def key(tmp_path: Path) -> VaultFile:
    (tmp_path / "keys").mkdir()
    return VaultFile(tmp_path / "keys" / "vault.key")


@pytest.fixture
def opened(store_url: str, clock: Clock, key: VaultFile) -> Iterator[Callable[[], Store]]:
    """Stores over the same database and key, each as another process would open it."""
    made: list[Store] = []

    def another() -> Store:
        made.append(Store(store_url, clock, key_file=key))
        made[-1].migrate()
        return made[-1]

    yield another
    for store in made:
        store.close()


def fill(store: Store) -> None:
    """Two cases on one mailbox, reviewed by carla; a letter without a case; a wish."""
    (case,) = store.commit([filing(a_case(1, batch="closing"))])
    store.commit([filing(a_case(2, mailbox=HERS), found=b"found")])
    store.commit([Change(case=replace(case, reviews=(("carla", "agree", "00"),)))])
    store.commit([Change(entries=(a_draft(HERS, "asked", note="letter-remind"), a_draft("org/policy", "policy")))])
    store.commit([Change(links=(Link(token_hash=b"token", case="person/person1", purpose="set", expires_at=NOON),))])
    Sessions(store.database, Clock(), lambda many: b"s" * many).begin("person1", How.PASSKEY)
    Wishes(store.database, Clock(), os.urandom).write("person1", Wish.TEXT, b"her text")
    Wishes(store.database, Clock(), os.urandom).write("person1", Wish.CHANNELS, b"her ways")


def all_of(store: Store) -> list[object]:
    """What a store says, in every way of asking that goes by a name."""
    wishes = Wishes(store.database, Clock(), os.urandom)
    ids = [
        [case.id for case in found]
        for found in (
            store.find(mailbox=HERS), store.find(requester="bob"), store.find(reviewer="carla"), store.find(batch="closing"),
            store.find(requester="nobody"), store.find(mailbox="nobody@corp.test"), store.living_on([HERS]),
        )
    ]  # fmt: skip
    entries = [(one.stream, one.type, one.case) for one in store.entries(mailbox=HERS)]
    of_case = [(one.stream, one.type) for one in store.entries(case="case-1")]
    wished = [wishes.of("person1", wish) for wish in Wish]
    link, sessions = store.link(b"token"), Sessions(store.database, Clock(), os.urandom)
    session = sessions.find(urlsafe_b64encode(b"s" * 32).rstrip(b"=").decode())
    signed_in = [session and session.person, len(sessions.of_person("person1"))]
    return [
        *signed_in,
        *ids,
        link and link.case,
        store.in_batch("closing"),
        entries,
        of_case,
        store.found("case-2"),
        wished,
        store.length(HERS)[0],
    ]


SAID = [
    "person1", 1,
    ["case-2", "case-1"], ["case-2", "case-1"], ["case-1"], ["case-1"], [], [], ["case-2", "case-1"], "person/person1",
    {HERS: "case-1"},
    [(HERS, "requested", "case-1"), (HERS, "requested", "case-2"), (HERS, "asked", "")], [(HERS, "requested")], b"found",
    [b"her text", b"her ways", None], 3,
]  # fmt: skip


def rows(store: Store) -> str:
    """Every value of every table, as text."""
    with store.database.reading() as connection:
        tables = [
            "entries",
            "streams",
            "vault",
            "cases",
            "reviewers",
            "wishes",
            "kept",
            "jobs",
            "links",
            "settings",
            "sessions",
        ]
        return "\n".join(
            str(tuple(row)) for name in tables for row in connection.execute(text(f"SELECT * FROM {name}"))
        )


def marks_and_keys(store: Store) -> set[object]:
    queries = [
        "SELECT requester FROM cases",
        "SELECT person FROM reviewers",
        "SELECT person FROM wishes",
        "SELECT batch FROM cases WHERE batch <> ''",
        "SELECT key FROM vault",
        "SELECT name FROM vault WHERE kind IN ('tag', 'wish', 'mark') AND name NOT LIKE 'org/%'",
    ]
    with store.database.reading() as connection:
        return {value for query in queries for value in connection.execute(text(query)).scalars()}


def test_with_a_key_the_store_says_what_it_says_without(opened: Callable[[], Store]) -> None:
    store = opened()
    fill(store)
    assert all_of(store) == SAID


def test_without_a_key_file_nothing_changes(store: Store) -> None:
    fill(store)
    assert all_of(store) == SAID


def test_a_store_of_before_is_wrapped_at_the_first_start(store: Store, opened: Callable[[], Store]) -> None:
    fill(store)
    assert all_of(opened()) == SAID


def test_no_row_names_anybody(store: Store, opened: Callable[[], Store]) -> None:
    fill(store)
    said = rows(opened())
    assert [name for name in (HERS, "bob", "carla", "person1", "closing") if name in said] == []


def test_wrapped_anew_it_says_the_same(opened: Callable[[], Store]) -> None:
    store = opened()
    fill(store)
    store.renew_vault()
    assert all_of(store) == SAID
    assert all_of(opened()) == SAID


def test_wrapped_anew_no_key_and_no_mark_is_what_it_was(opened: Callable[[], Store]) -> None:
    store = opened()
    fill(store)
    before = marks_and_keys(store)
    store.renew_vault()
    assert before & marks_and_keys(store) == set()


def test_another_process_that_holds_the_old_key_goes_on(opened: Callable[[], Store]) -> None:
    mine, other = opened(), opened()
    fill(mine)
    assert all_of(other) == SAID
    mine.renew_vault()
    assert all_of(other) == SAID
    other.commit([filing(a_case(3, mailbox=HERS))])
    assert [one.case for one in mine.entries(mailbox=HERS)] == ["case-1", "case-2", "", "case-3"]


def test_what_was_made_ready_under_the_old_key_is_made_ready_again(opened: Callable[[], Store]) -> None:
    mine, other = opened(), opened()
    fill(mine)
    turns = iter([True])

    def random(many: int) -> bytes:
        if next(turns, False):
            other.renew_vault()
        return os.urandom(many)

    mine._random = random
    mine.commit([filing(a_case(3, mailbox="new@corp.test"))])
    assert [one.id for one in opened().find(mailbox="new@corp.test", requester="bob")] == ["case-3"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_vault_opens_and_one_key_is_left(
    store: Store, opened: Callable[[], Store], key: VaultFile, step: str
) -> None:
    fill(store)
    if step.startswith("renew"):
        opened()
    store.close()
    pid = os.fork()
    if not pid:
        key.step = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == step else None
        try:
            opened().renew_vault()
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1]), "the step was never passed"
    assert all_of(opened()) == SAID
    assert len(key.read()) == 1


def test_what_lay_in_the_clear_is_gone_from_the_file_also_where_the_first_to_wrap_it_was_killed(
    tmp_path: Path, clock: Clock, key: VaultFile
) -> None:
    def another() -> Store:
        made = Store(f"sqlite:///{tmp_path}/before.db", clock, key_file=key)
        made.migrate()
        return made

    before = Store(f"sqlite:///{tmp_path}/before.db", clock)
    before.migrate()
    fill(before)
    before.close()
    pid = os.fork()
    if not pid:
        key.step = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == "adopt.wrapped" else None
        try:
            another()
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1]), "the step was never passed"
    assert HERS.encode() in b"".join(file.read_bytes() for file in tmp_path.glob("before.db*"))
    after = another()
    assert all_of(after) == SAID
    after.close()
    assert HERS.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("before.db*"))


def test_writing_the_database_anew_leaves_no_trouble_in_the_log(
    store: Store, opened: Callable[[], Store], caplog: pytest.LogCaptureFixture
) -> None:
    fill(store)
    opened()
    assert caplog.records == []


def test_a_lost_key_is_an_error_and_never_made_anew(opened: Callable[[], Store], key: VaultFile) -> None:
    fill(opened())
    key.path.unlink()
    with pytest.raises(Rejected, match="vault-key-lost"):
        opened().find()
    assert not key.path.exists()


def test_the_key_of_another_store_opens_nothing(opened: Callable[[], Store], key: VaultFile) -> None:
    fill(opened())
    key.write([bytes(32)])
    with pytest.raises(Rejected, match="vault-key-lost"):
        opened().entries(mailbox=HERS)


def test_a_store_without_a_key_file_reads_nothing_of_a_wrapped_one(store: Store, opened: Callable[[], Store]) -> None:
    fill(opened())
    with pytest.raises(Rejected, match="vault-key-lost"):
        store.find(mailbox=HERS)


def test_a_stream_whose_key_was_taken_out_is_no_stream_without_entries(opened: Callable[[], Store]) -> None:
    store = opened()
    fill(store)
    with store.database.writing() as connection:
        connection.execute(text("DELETE FROM vault WHERE kind = 'tag' AND name <> 'org/policy'"))
    with pytest.raises(Garbled, match="record-key-missing"):
        store.entries(mailbox=HERS)


def test_a_key_that_was_exchanged_in_the_vault_is_damage(opened: Callable[[], Store]) -> None:
    store = opened()
    fill(store)
    other = "(SELECT key FROM vault WHERE name = 'case-2')"
    with store.database.writing() as connection:
        connection.execute(text(f"UPDATE vault SET key = {other} WHERE name = 'case-1'"))
    with pytest.raises(Garbled, match="record-key-damaged"):
        store.case("case-1")


# The file


def test_the_key_is_readable_by_owner_and_group_alone(opened: Callable[[], Store], key: VaultFile) -> None:
    opened()
    assert key.path.stat().st_mode & 0o7777 == 0o640
    assert [path.name for path in key.path.parent.iterdir()] == ["vault.key"]


def test_a_key_that_others_can_read_is_refused(opened: Callable[[], Store], key: VaultFile) -> None:
    opened()
    key.path.chmod(0o644)
    with pytest.raises(Invalid, match="vault-key-open"):
        opened().find()


@pytest.mark.parametrize(
    "content", ["", "nonsense\n", "locum-vault/v1 0000000000000000 " + "A" * 43 + "=\n", "\0" * 80]
)
def test_a_damaged_key_file_is_said_to_be_one(key: VaultFile, content: str) -> None:
    key.path.write_text(content)
    key.path.chmod(0o640)
    with pytest.raises(Garbled, match="vault-key-damaged"):
        key.read()


def test_the_key_before_is_overwritten_where_it_lay(key: VaultFile) -> None:
    key.write([bytes(32)])
    os.link(key.path, key.path.with_name("held"))
    key.write([b"1" * 32])
    assert set(key.path.with_name("held").read_bytes()) == {0}
