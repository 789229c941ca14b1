"""The grant of a search, attacked on a real Dovecot: before, after, elsewhere, copied. And what it may do while it lives."""

import imaplib
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from locum.absence import Mailbox
from locum.connectors.imap import ImapSearcher
from locum.connectors.imap_grants import Grant, Grants
from locum.connectors.imap_wire import Wire
from locum.errors import Invalid, Rejected, Unreachable
from mailhosts.searching import Searched, searched

pytestmark = pytest.mark.slow
ANNA, BERT = "anna@corp.test", "bert@corp.test"


@pytest.fixture(scope="module")
def place() -> Iterator[Searched]:
    with searched([ANNA, BERT]) as made:
        made.put(ANNA, [b"From: a@else.test\nSubject: x\nDate: Mon, 23 Nov 2026 10:00:00 +0100\n\ntext\n"])
        yield made


@pytest.fixture
def searcher(place: Searched) -> ImapSearcher:
    return place.searcher()


def may_enter(searcher: ImapSearcher, grant: Grant, user: str | None = None) -> bool:
    with searcher.wire() as wire:
        try:
            wire.authenticate(grant.name, grant.secret, grant.user if user is None else user)
        except (Rejected, Unreachable):
            return False
        return True


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


# before, after, elsewhere


def test_it_opens_its_mailbox_while_somebody_looks(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        assert may_enter(searcher, grant)


def test_before_there_is_a_grant_nobody_gets_in(searcher: ImapSearcher) -> None:
    assert not may_enter(searcher, Grant("locum-000000000000", ANNA, b"guessed"))


def test_after_the_look_it_opens_nothing(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        may_enter(searcher, grant)
    assert within(5, lambda: not may_enter(searcher, grant))


def test_it_opens_no_other_mailbox(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        assert not may_enter(searcher, grant, BERT)


def test_it_opens_no_other_mailbox_although_that_has_a_grant_too(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant, searcher.grants.grant(BERT):
        assert not may_enter(searcher, grant, BERT)


def test_it_is_no_login_of_its_own(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        assert not may_enter(searcher, grant, "")


def test_another_secret_does_not_open_it(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        assert not may_enter(searcher, Grant(grant.name, ANNA, b"guessed"))


def test_it_is_good_for_no_other_service(place: Searched, searcher: ImapSearcher) -> None:
    from locum.connectors import sieve_wire  # noqa: PLC0415

    door = ("127.0.0.1", place.host.sieve_port)
    with searcher.grants.grant(ANNA) as grant, sieve_wire.Wire(*door) as wire, pytest.raises(Rejected):
        wire.authenticate(grant.name, grant.secret, ANNA)


def test_it_is_good_from_no_other_place(place: Searched) -> None:
    elsewhere = ImapSearcher(
        name="imap",
        host="127.0.0.1",
        port=place.host.imap_port,
        grants=Grants(directory=place.grants, group="locum-search", nets="192.0.2.1"),
        tls="none",
    )
    with elsewhere.grants.grant(ANNA) as grant:
        assert not may_enter(elsewhere, grant)


# the file


def test_the_file_holds_a_hash_and_no_secret(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        files = list(searcher.grants.directory.iterdir())
        assert [grant.secret in file.read_bytes() for file in files] == [False]


def test_others_cannot_read_it(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA):
        modes = {stat.S_IMODE(file.stat().st_mode) for file in searcher.grants.directory.iterdir()}
    assert modes == {0o640}


def test_nothing_stays_after_a_look_that_failed(searcher: ImapSearcher) -> None:
    with pytest.raises(RuntimeError), searcher.grants.grant(ANNA):
        raise RuntimeError
    assert list(searcher.grants.directory.iterdir()) == []


def test_what_a_killed_worker_leaves_is_taken_away_by_close(searcher: ImapSearcher) -> None:
    program = (
        "import os; from pathlib import Path; from locum.connectors.imap_grants import Grants\n"
        f"g = Grants(directory=Path({str(searcher.grants.directory)!r}), group='x').grant({ANNA!r}); g.__enter__(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    left = len(list(searcher.grants.directory.iterdir()))
    searcher.close(Mailbox(address=ANNA))
    assert (left, list(searcher.grants.directory.iterdir())) == (1, [])


def test_close_takes_away_no_grant_of_another_mailbox(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(BERT) as grant:
        searcher.close(Mailbox(address=ANNA))
        assert may_enter(searcher, grant)


def test_what_was_left_behind_is_known_after_a_quarter_of_an_hour(place: Searched) -> None:
    later = Grants(directory=place.grants, group="x", wall=lambda: time.time() + 1000)
    with later.grant(ANNA):
        assert later.forgotten() == [ANNA]


@pytest.mark.parametrize("user", ["", "../evil", "a/b", ".hidden", "a\0b", "a:b", "a b", "a\nb", "x" * 300])
def test_a_mailbox_whose_name_could_leave_the_directory_gets_none(user: str, searcher: ImapSearcher) -> None:
    with pytest.raises(Invalid), searcher.grants.grant(user):
        pass


def test_a_directory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="search-grants"), Grants(directory=tmp_path / "gone", group="x").grant(ANNA):
        pass


# a copied secret, and what it could do


def test_a_session_opened_with_a_copied_secret_is_ended_with_the_look(place: Searched) -> None:
    kick = ["doveadm", "-c", str(place.host.config_file), "kick", "{user}"]
    grants = Grants(directory=place.grants, group="locum-search", kick=kick)
    with grants.grant(ANNA) as grant:
        thief = imaplib.IMAP4("127.0.0.1", place.host.imap_port)
        thief.authenticate("PLAIN", lambda _: b"\0".join((ANNA.encode(), grant.name.encode(), grant.secret)))

    def is_ended() -> bool:
        try:
            thief.noop()
        except (imaplib.IMAP4.error, OSError):
            return True
        return False

    assert within(10, is_ended)


@pytest.mark.parametrize(
    ("kick", "told"), [(["false"], ["kick-failed"]), (["no-such-command"], ["kick-failed"]), (["true"], [])]
)
def test_that_sessions_could_not_be_ended_is_told(place: Searched, kick: list[str], told: list[str]) -> None:
    remarks: list[str] = []
    with Grants(directory=place.grants, group="locum-search", kick=kick).grant(ANNA, remarks.append):
        pass
    assert remarks == told


def test_that_there_was_no_session_to_be_ended_is_no_failure(place: Searched) -> None:
    remarks: list[str] = []
    kick = ["doveadm", "-c", str(place.host.config_file), "kick", "{user}"]
    with Grants(directory=place.grants, group="locum-search", kick=kick).grant(ANNA, remarks.append):
        pass
    assert remarks == []


@pytest.fixture
def thief(place: Searched, searcher: ImapSearcher) -> Iterator[imaplib.IMAP4]:
    """Somebody with a copied secret, within the seconds of the look, and a mail program that may say anything."""
    with searcher.grants.grant(ANNA) as grant:
        client = imaplib.IMAP4("127.0.0.1", place.host.imap_port)
        client.authenticate("PLAIN", lambda _: b"\0".join((ANNA.encode(), grant.name.encode(), grant.secret)))
        yield client
        with suppress(imaplib.IMAP4.error):
            client.logout()


def enter_inbox(thief: imaplib.IMAP4) -> None:
    with suppress(imaplib.IMAP4.readonly):  # what the server says of it; the program goes on all the same
        thief.select("INBOX")
    thief.is_readonly = True


def test_even_then_nothing_can_be_marked_or_deleted(place: Searched, thief: imaplib.IMAP4) -> None:
    enter_inbox(thief)
    thief.store("1", "+FLAGS", r"(\Seen \Deleted)")
    thief.expunge()
    hers = imaplib.IMAP4("127.0.0.1", place.host.imap_port)
    hers.login(ANNA, "secret")
    hers.select("INBOX", readonly=True)
    flags = hers.fetch("1", "(FLAGS)")[1]
    hers.logout()
    assert [word for word in (b"Seen", b"Deleted") if word in flags[0]] == []  # type: ignore[operator]


@pytest.mark.parametrize(
    "order",
    [
        ("COPY", "1", "Trash"),
        ("APPEND", "INBOX"),
        ("CREATE", "Neu"),
        ("DELETE", "INBOX"),
        ("SETACL", "INBOX", "x", "lr"),
    ],
)
def test_even_then_nothing_can_be_put_or_made(order: tuple[str, ...], thief: imaplib.IMAP4) -> None:
    enter_inbox(thief)
    try:
        answer = thief.append("INBOX", None, None, b"x") if order[0] == "APPEND" else thief._simple_command(*order)
    except imaplib.IMAP4.error:
        return
    assert answer[0] == "NO"


def test_even_then_a_private_folder_is_not_there(place: Searched, thief: imaplib.IMAP4) -> None:
    place.put(ANNA, [b"From: x@y.test\n\nprivate\n"], "Privé")
    listed = b" ".join(one for one in thief.list()[1] if isinstance(one, bytes))
    assert (b"Priv" in listed, thief.select('"Priv&AOk-"', readonly=True)[0]) == (False, "NO")


# the wire has no words for it


@pytest.mark.parametrize(
    "word",
    ["select", "store", "copy", "move", "append", "expunge", "delete", "create", "rename", "subscribe", "setacl"],
)
def test_the_wire_has_no_way_to_change_anything(word: str) -> None:
    assert [name for name in dir(Wire) if word in name.lower()] == []


def test_whatever_the_wire_fetches_it_peeks() -> None:
    import locum.connectors.imap_wire as wire  # noqa: PLC0415

    written = Path(wire.__file__).read_text("utf-8")
    assert written.count("BODY[") - written.count('b"BODY["') == 0


def test_no_secret_is_shown(searcher: ImapSearcher) -> None:
    with searcher.grants.grant(ANNA) as grant:
        assert grant.secret.decode() not in repr(grant)
