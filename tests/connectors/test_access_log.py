"""Dovecot's log, followed for who logged in: its lines as a real one writes them, names and ids that somebody chose, files that end."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from locum.connectors.access_log import AccessLog
from locum.seam import Access, Accesses

NOW = datetime(2026, 12, 1, 3, 21, tzinfo=UTC)
STAMP = "Dec 01 03:21:00 "
LOGIN = "imap-login: Info: Login: user=<anna@corp.test>, auth_user=<{who}>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid=30564, secured, session=<6g77A4phqOt/AAAB>\n"
LOGOUT = "imap(anna@corp.test)<30564><6g77A4phqOt/AAAB>: Info: Disconnected: Logged out in=121 out=1514 deleted=0 expunged=0 trashed=0 hdr_count=2 hdr_bytes=96 body_count=1 body_bytes=414\n"
SIEVE = "managesieve-login: Info: Login: user=<anna@corp.test>, auth_user=<{who}>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid=30557, secured, session=<QmD6A4phTqZ/AAAB>\n"
FAILED = "imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<{who}>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, secured, session=<qlqJ/4lhLJ1/AAAB>\n"


class Host:
    """A log that is written to, and what is read of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "dovecot.log"
        self.path.write_text(f"{STAMP}master: Info: Dovecot v2.3.19.1 starting up\n")
        self.log = AccessLog(self.path, ["locum"], ZoneInfo("UTC"))
        self.place = self.log.accesses(b"").place
        self.written_at = NOW

    def writes(self, *lines: str, stamp: str = STAMP) -> None:
        with self.path.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{stamp}{line}" for line in lines)

    def read(self) -> Accesses:
        os.utime(self.path, (self.written_at.timestamp(),) * 2)
        told = self.log.accesses(self.place)
        self.place = told.place
        return told

    def accesses(self, *lines: str) -> tuple[Access, ...]:
        self.writes(*lines)
        return self.read().accesses


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_login_for_somebody_else_is_told_with_what_was_read(host: Host) -> None:
    (found,) = host.accesses(LOGIN.format(who="locum"), LOGOUT)
    assert (found.user, found.identity, found.at, found.headers, found.bodies) == ("anna@corp.test", "locum", NOW, 2, 1)


def test_a_login_that_goes_on_is_told_at_once_and_its_end_later(host: Host) -> None:
    (first,) = host.accesses(LOGIN.format(who="locum"))
    (then,) = host.accesses(LOGOUT)
    assert (first.begun, first.bodies, then.begun, then.bodies) == (True, None, False, 1)


def test_each_line_is_told_once(host: Host) -> None:
    host.accesses(SIEVE.format(who="locum"))
    assert host.read().accesses == ()


FORMS = {
    "syslog": "Dec  1 03:21:00 mail dovecot: managesieve-login: Login: user=<anna@corp.test>, auth_user=<locum>, method=PLAIN, session=<a>\n",
    "syslog with a process": "Dec  1 03:21:00 mail dovecot[77]: imap-login: Login: user=<anna@corp.test>, auth_user=<locum>, session=<a>\n",
    "rsyslog": "2026-12-01T03:21:00.123456+00:00 mail dovecot: imap-login: Login: user=<anna@corp.test>, auth_user=<locum>, session=<a>\n",
    "upper case": "Dec 01 03:21:00 imap-login: Info: Login: user=<anna@corp.test>, auth_user=<Locum>, session=<a>\n",
}


@pytest.mark.parametrize("form", list(FORMS))
def test_a_login_is_found_in_every_form_of_log(host: Host, form: str) -> None:
    host.writes(FORMS[form], stamp="")
    assert len(host.read().accesses) == 1


HOSTILE = {
    "a name that looks like a login": FAILED.format(
        who="x>, method=PLAIN: Login: user=<anna@corp.test>, auth_user=<locum"
    ),
    "a message id that looks like a login": "lmtp(anna@corp.test)<1><a>: Info: sieve: msgid=<x imap-login: Info: Login: user=<anna@corp.test>, auth_user=<locum>, session=<a>>: stored mail into mailbox 'INBOX'\n",
    "her own login under a name with a comma": LOGIN.format(who="anna@corp.test"),
    "a folder that looks like numbers": "imap(anna@corp.test)<1><other>: Info: Disconnected: x body_count=9 in=1\n",
}


@pytest.mark.parametrize("line", list(HOSTILE))
def test_what_somebody_chose_makes_no_access(host: Host, line: str) -> None:
    assert host.accesses(HOSTILE[line]) == ()


def test_what_somebody_chose_hides_no_access(host: Host) -> None:
    assert (
        len(host.accesses(*HOSTILE.values(), SIEVE.format(who="locum"), *HOSTILE.values(), "\udcff\udcfe no text\n"))
        == 1
    )


def test_counts_are_read_from_the_end_of_the_line(host: Host) -> None:
    ended = LOGOUT.replace("Logged out", "Connection closed (hdr_count=0 body_count=0)")
    (found,) = host.accesses(LOGIN.format(who="locum"), ended)
    assert found.bodies == 1


def test_a_log_that_does_not_say_who_logged_in_is_told(host: Host) -> None:
    host.writes(SIEVE.replace(", auth_user=<{who}>", ""))
    assert host.read().troubles == ("says-not-who",)


def test_a_renamed_log_is_read_to_its_end(host: Host) -> None:
    host.writes(SIEVE.format(who="locum"))
    host.path.rename(host.path.with_name("dovecot.log.1"))
    host.writes(LOGIN.format(who="locum"))
    told = host.read()
    assert (len(told.accesses), told.troubles) == (2, ())


def test_a_log_that_was_copied_away_and_emptied_is_read_to_its_end(host: Host) -> None:
    host.writes(SIEVE.format(who="locum"))
    host.path.with_name("dovecot.log-20261201").write_bytes(host.path.read_bytes())
    os.truncate(host.path, 0)
    host.writes(LOGIN.format(who="locum"))
    told = host.read()
    assert (len(told.accesses), told.troubles) == (2, ())


def test_a_log_that_was_cut_is_told(host: Host) -> None:
    host.writes(SIEVE.format(who="locum"))
    host.read()
    os.truncate(host.path, 0)
    host.writes(LOGIN.format(who="locum"))
    told = host.read()
    assert (told.troubles, len(told.accesses)) == (("cut",), 1)


def test_a_log_that_was_written_over_is_told(host: Host) -> None:
    host.writes(SIEVE.format(who="locum"))
    host.read()
    host.path.write_bytes(b"x" * host.path.stat().st_size)
    assert host.read().troubles == ("cut",)


def test_a_log_whose_rest_is_gone_is_told(host: Host) -> None:
    host.writes(SIEVE.format(who="locum"))
    host.path.rename(host.path.with_name("dovecot.log.1.gz"))
    host.writes(LOGIN.format(who="locum"))
    assert host.read().troubles == ("gap",)


def test_a_log_that_cannot_be_read_is_told_and_read_on_later(host: Host) -> None:
    host.writes(SIEVE.format(who="locum"))
    host.path.rename(host.path.with_name("elsewhere"))
    gone = host.log.accesses(host.place)
    host.path.with_name("elsewhere").rename(host.path)
    host.place = gone.place
    assert (gone.troubles, len(host.read().accesses)) == (("unreadable",), 1)


def test_a_place_that_is_not_ours_is_told(host: Host) -> None:
    assert host.log.accesses(b"{").troubles == ("place-lost",)


def test_a_line_that_is_being_written_is_read_when_it_is_whole(host: Host) -> None:
    line = SIEVE.format(who="locum")
    host.writes(line[:40])
    first = host.read().accesses
    with host.path.open("a") as file:
        file.write(line[40:])
    assert (first, len(host.read().accesses)) == ((), 1)


def test_a_clock_that_differs_is_allowed_for(host: Host) -> None:
    host.written_at = NOW - timedelta(hours=3, minutes=7)
    (found,) = host.accesses(SIEVE.format(who="locum"))
    assert found.at == host.written_at


def test_a_stamp_without_a_year_is_of_last_year_in_january(host: Host) -> None:
    host.written_at = datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC)
    host.writes(SIEVE.format(who="locum"), stamp="Dec 31 23:59:50 ")
    assert host.read().accesses[0].at == datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC)
