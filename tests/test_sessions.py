"""Sessions, attempts, counters and one-time links on both stores: what ends them, and that no token is ever kept."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from tests.filings import NOON, Clock, together

from locum import tokens
from locum.errors import Conflict, Invalid, LocumError, Unreachable
from locum.key_links import FIRST_KEYS, KeyLinks, write_link
from locum.schema import attempts
from locum.schema import sessions as rows
from locum.sessions import How, Lasting, Sessions
from locum.store import Store

pytest_plugins = ("tests.stores",)

KEY = b"k" * 32


@pytest.fixture
def sessions(store: Store, clock: Clock) -> Sessions:
    return Sessions(store.database, clock, os.urandom)


@pytest.fixture
def links(store: Store, clock: Clock) -> KeyLinks:
    return KeyLinks(store.database, KEY, clock, os.urandom)


# sessions


def test_who_signed_in_is_found_by_her_token(sessions: Sessions) -> None:
    found = sessions.find(sessions.begin("anna", How.PASSKEY, credential=b"key", proved_at=NOON))
    assert found is not None
    assert (found.person, found.how, found.credential, found.proved_at) == ("anna", How.PASSKEY, b"key", NOON)


def test_no_token_but_the_one_given_out_finds_anything(sessions: Sessions) -> None:
    token = sessions.begin("anna", How.PASSKEY)
    assert [sessions.find(guess) for guess in ("", token[:-1], token + "x", token.swapcase(), "x" * 43)] == [None] * 5


def test_two_sessions_never_share_a_token(sessions: Sessions) -> None:
    assert len({sessions.begin("anna", How.PASSKEY) for _ in range(20)}) == 20


def test_the_token_is_not_in_the_database(store: Store, sessions: Sessions) -> None:
    token = sessions.begin("anna", How.PASSKEY)
    attempt = sessions.attempt("passkey", b"challenge")
    with store.database.reading() as connection:
        kept = repr(connection.execute(select(rows)).all()) + repr(connection.execute(select(attempts)).all())
    assert "anna" in kept
    assert token not in kept
    assert attempt not in kept


def test_signing_in_ends_the_session_that_the_browser_came_with(sessions: Sessions) -> None:
    before = sessions.begin("anna", How.PROVIDER)
    after = sessions.begin("anna", How.PASSKEY, instead_of=before)
    assert after != before
    assert sessions.find(before) is None
    assert sessions.find(after) is not None


def test_a_token_that_was_set_from_outside_is_not_taken_over(sessions: Sessions) -> None:
    planted = "A" * 43
    token = sessions.begin("anna", How.PASSKEY, instead_of=planted)
    assert token != planted
    assert sessions.find(planted) is None


def test_a_session_ends_without_requests(sessions: Sessions, clock: Clock) -> None:
    token = sessions.begin("anna", How.PASSKEY)
    clock.now += timedelta(minutes=15)
    assert sessions.find(token) is None


def test_requests_keep_a_session_alive_until_its_whole_time_is_over(sessions: Sessions, clock: Clock) -> None:
    token = sessions.begin("anna", How.PASSKEY)
    for _ in range(47):
        clock.now += timedelta(minutes=10)
        assert sessions.find(token) is not None
    clock.now += timedelta(minutes=10)
    assert sessions.find(token) is None


def test_what_a_page_asks_by_itself_keeps_no_session_alive(sessions: Sessions, clock: Clock) -> None:
    token = sessions.begin("anna", How.PASSKEY)
    for _ in range(14):
        clock.now += timedelta(minutes=1)
        assert sessions.find(token, seen=False) is not None
    clock.now += timedelta(minutes=1)
    assert sessions.find(token, seen=False) is None


def test_the_settings_say_how_long(store: Store, clock: Clock) -> None:
    short = Sessions(store.database, clock, os.urandom, Lasting(timedelta(minutes=1), timedelta(minutes=2)))
    token = short.begin("anna", How.PASSKEY)
    clock.now += timedelta(minutes=1)
    assert short.find(token) is None


def test_a_session_that_was_ended_stays_so(sessions: Sessions) -> None:
    token, other = sessions.begin("anna", How.PASSKEY), sessions.begin("anna", How.PASSKEY)
    sessions.end(token)
    assert sessions.find(token) is None
    assert sessions.find(other) is not None


def test_signing_out_everywhere_ends_hers_and_nobody_elses(sessions: Sessions) -> None:
    hers = [sessions.begin("anna", how) for how in How]
    sams = sessions.begin("sam", How.PASSKEY)
    assert len(sessions.of_person("anna")) == 2
    assert sessions.end_all("anna") == 2
    assert [sessions.find(token) for token in hers] == [None, None]
    assert sessions.find(sams) is not None


def test_a_withdrawn_key_ends_the_sessions_it_opened(sessions: Sessions) -> None:
    old, new = (sessions.begin("anna", How.PASSKEY, credential=key) for key in (b"old", b"new"))
    assert sessions.end_of_key(b"old") == 1
    assert sessions.find(old) is None
    assert sessions.find(new) is not None


def test_what_is_over_is_not_kept(store: Store, sessions: Sessions, clock: Clock) -> None:
    sessions.begin("anna", How.PASSKEY)
    clock.now += timedelta(hours=9)
    sessions.begin("sam", How.PASSKEY)
    with store.database.reading() as connection:
        assert connection.execute(select(rows.c.person)).scalars().all() == ["sam"]


# attempts


def test_an_attempt_is_answered_once(sessions: Sessions) -> None:
    token = sessions.attempt("passkey", b"challenge")
    assert sessions.answered("passkey", token) == b"challenge"
    assert sessions.answered("passkey", token) is None


def test_an_attempt_of_another_kind_is_no_answer(sessions: Sessions) -> None:
    token = sessions.attempt("provider", b"state")
    assert sessions.answered("passkey", token) is None


def test_an_attempt_ends_after_ten_minutes(sessions: Sessions, clock: Clock) -> None:
    token = sessions.attempt("passkey", b"challenge")
    clock.now += timedelta(minutes=10)
    assert sessions.answered("passkey", token) is None


def test_of_two_answers_at_once_one_counts(store_url: str, clock: Clock) -> None:
    token = Sessions(Store(store_url, clock).database, clock, os.urandom).attempt("passkey", b"challenge")
    found: list[bytes | None] = []

    def answer() -> None:
        found.append(Sessions(Store(store_url, clock).database, clock, os.urandom).answered("passkey", token))

    together([answer for _ in range(6)])
    assert sorted(map(repr, found)) == ["None"] * 5 + ["b'challenge'"]


def test_attempts_do_not_fill_the_disk(store: Store, sessions: Sessions) -> None:
    many = [
        {"token_hash": number.to_bytes(4, "big"), "kind": "passkey", "content": b"", "expires_at": NOON + timedelta(minutes=number / 2000)}
        for number in range(1, 10_001)
    ]  # fmt: skip
    with store.database.writing() as connection:
        connection.execute(insert(attempts), many)
    token = sessions.attempt("passkey", b"mine")
    with store.database.reading() as connection:
        assert len(connection.execute(select(attempts.c.kind)).all()) == 10_000
    assert sessions.answered("passkey", token) == b"mine"


# counters of passkeys


def test_a_counter_has_to_rise(sessions: Sessions) -> None:
    assert [sessions.counted(b"key", number) for number in (1, 5, 5, 4, 6)] == [True, True, False, False, True]
    assert sessions.count(b"key") == 6


def test_a_key_that_counts_nothing_is_no_copy(sessions: Sessions) -> None:
    assert [sessions.counted(b"key", 0) for _ in range(3)] == [True] * 3


def test_a_key_that_counted_and_stops_counting_is_a_copy(sessions: Sessions) -> None:
    sessions.counted(b"key", 7)
    assert not sessions.counted(b"key", 0)


def test_of_two_uses_of_a_copied_key_at_once_one_counts(store_url: str, clock: Clock) -> None:
    found: list[bool] = []

    def use() -> None:
        found.append(Sessions(Store(store_url, clock).database, clock, os.urandom).counted(b"key", 3))

    together([use for _ in range(6)])
    assert found.count(True) == 1


# one-time links to enrol keys with


def made(links: KeyLinks, *, anew: bool = False) -> str:
    token = links.make(FIRST_KEYS, anew=anew)
    assert token is not None
    return token


def test_a_link_is_used_once(links: KeyLinks) -> None:
    token = made(links)
    assert links.purpose(token) == links.purpose(token) == FIRST_KEYS
    assert links.use(token) == FIRST_KEYS
    for again in (links.use, links.purpose):
        with pytest.raises(Conflict, match="key-link-used"):
            again(token)


def test_a_link_lasts_for_a_day(links: KeyLinks, clock: Clock) -> None:
    token = made(links)
    clock.now += timedelta(hours=24)
    with pytest.raises(Invalid, match="key-link-expired"):
        links.use(token)


def test_a_guessed_link_is_none(links: KeyLinks) -> None:
    token = made(links)
    forged = tokens.new(b"another key" * 3, os.urandom)
    letters = tokens.new(KEY, os.urandom)  # genuine, but never given out
    for guess in ("", "x", forged, letters, token[:-1] + ("0" if token[-1] != "0" else "1"), "/" * 40, "é" * 40):
        with pytest.raises(Invalid, match="key-link-unknown"):
            links.use(guess)
    assert links.use(token) == FIRST_KEYS


def test_the_link_is_not_in_the_database(store: Store, links: KeyLinks) -> None:
    token = made(links)
    with store.database.reading() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM key_links").all()
    assert kept
    assert token not in repr(kept)


def test_a_second_start_makes_no_second_link(links: KeyLinks) -> None:
    token = made(links)
    assert links.make(FIRST_KEYS) is None
    links.use(token)
    assert links.make(FIRST_KEYS) is None


def test_a_new_link_makes_the_old_one_worthless(links: KeyLinks) -> None:
    old = made(links)
    new = made(links, anew=True)
    with pytest.raises(Invalid, match="key-link-unknown"):
        links.use(old)
    assert links.use(new) == FIRST_KEYS
    assert links.use(made(links, anew=True)) == FIRST_KEYS


def test_of_many_who_start_at_once_one_makes_the_link(store_url: str, clock: Clock) -> None:
    found: list[str | None] = []

    def start() -> None:
        found.append(KeyLinks(Store(store_url, clock).database, KEY, clock, os.urandom).make(FIRST_KEYS))

    together([start for _ in range(6)])
    assert len([token for token in found if token]) == 1


RACER = """
import os, sys
from datetime import UTC, datetime
from locum.errors import Conflict
from locum.key_links import KeyLinks
from locum.store import Store
url, moment, token = sys.argv[1:]
links = KeyLinks(Store(url, datetime.now).database, b"k" * 32, lambda: datetime.fromisoformat(moment), os.urandom)
links.purpose(token)
print("ready", flush=True)
sys.stdin.readline()
try:
    print(links.use(token))
except Conflict as error:
    print(error.key)
"""


@pytest.mark.slow
def test_of_two_processes_that_use_a_link_at_once_one_gets_it(store_url: str, links: KeyLinks) -> None:
    for turn in range(3):
        command = [sys.executable, "-c", RACER, store_url, NOON.isoformat(), made(links, anew=True)]
        racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for one in racers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in racers:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert sorted(one.communicate()[0] for one in racers) == ["first-keys\n", "key-link-used\n"], turn


def test_of_two_who_both_saw_it_unused_one_gets_it(store_url: str, clock: Clock) -> None:
    both_looked = threading.Barrier(2)

    class Unlucky(KeyLinks):
        def purpose(self, token: str) -> str:
            found = super().purpose(token)
            both_looked.wait(timeout=10)
            return found

    token = made(KeyLinks(Store(store_url, clock).database, KEY, clock, os.urandom))
    said: list[str] = []

    def use() -> None:
        try:
            said.append(Unlucky(Store(store_url, clock).database, KEY, clock, os.urandom).use(token))
        except Conflict as error:
            said.append(error.key)

    together([use, use])
    assert sorted(said) == ["first-keys", "key-link-used"]


def test_the_file_of_the_link_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_link(tmp_path / "first", "https://locum.corp.test/first-keys/x")
    finally:
        os.umask(before)
    assert (tmp_path / "first").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "first").read_text() == "https://locum.corp.test/first-keys/x\n"
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_the_link_is_never_written_where_somebody_else_points(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("hers")
    elsewhere.chmod(0o644)
    (tmp_path / "first").symlink_to(elsewhere)
    (tmp_path / f".first.{os.getpid()}").symlink_to(elsewhere)
    write_link(tmp_path / "first", "secret")
    assert elsewhere.read_text() == "hers"
    assert not (tmp_path / "first").is_symlink()


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="key-link-unwritable") as caught:
        write_link(tmp_path / "nowhere" / "first", "secret")
    assert isinstance(caught.value, LocumError)
    assert "secret" not in str(caught.value)
