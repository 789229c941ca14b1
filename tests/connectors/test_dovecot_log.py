"""Counting replies in Dovecot's log: its lines, strangers' text in them, years that are not written, growing and rotating."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from locum.connectors.dovecot_log import DovecotLog

ANNA = "anna@corp.test"
FIRST = "Nov 01 00:00:00 master: Info: Dovecot v2.3.19.1 starting up for imap, sieve, lmtp\n"
SENT = "lmtp(anna@corp.test)<1952><aEK4CymmBGugBwAAg+zDdQ>: Info: sieve: msgid={id}: {action}sent vacation response to <{to}>\n"


def sent(stamp: str, msgid: str = "<1@x>", to: str = "a@example.net", action: str = "vacation action: ") -> str:
    return f"{stamp} " + SENT.format(id=msgid, to=to, action=action)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def log_of(folder: Path, text: str, written: str = "2026-11-30T00:00:00", zone: str = "UTC") -> DovecotLog:
    path = folder / "dovecot.log"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    os.utime(path, (at(written).timestamp(),) * 2)
    return DovecotLog(path, ZoneInfo(zone))


def count(log: DovecotLog, since: str = "2026-11-02T00:00:00", until: str = "2026-11-30T00:00:00") -> int | None:
    return log.replies_sent(ANNA, at(since), at(until))


FORMS = {
    "2.3": sent("Nov 23 20:46:33"),
    "2.4": "Nov 23 20:46:33 " + SENT.replace("Info: sieve", "Info: sieve").format(id="<1@x>", action="", to="a@b.test"),
    "a day below ten": sent("Nov  3 20:46:33"),
    "syslog": "Nov 23 20:46:33 mail dovecot: lmtp(anna@corp.test)<1><a>: sieve: msgid=<1@x>: sent vacation response to <a@b.test>\n",
    "syslog with a process": "Nov 23 20:46:33 mail dovecot[77]: lmtp(anna@corp.test)<1><a>: sieve: msgid=<1@x>: vacation action: sent vacation response to <a@b.test>\n",
    "rsyslog": "2026-11-23T20:46:33.123456+00:00 mail dovecot: lmtp(anna@corp.test)<1><a>: sieve: msgid=<1@x>: sent vacation response to <a@b.test>\n",
    "lda": "Nov 23 20:46:33 lda(anna@corp.test)<1><a>: Info: sieve: msgid=<1@x>: vacation action: sent vacation response to <a@b.test>\n",
    "no message id": sent("Nov 23 20:46:33", msgid="unspecified"),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_a_reply_is_counted(tmp_path: Path, form: str) -> None:
    assert count(log_of(tmp_path, FIRST + FORMS[form])) == 1


OTHER = {
    "another user": sent("Nov 23 20:46:33").replace("anna@", "joanna@"),
    "a duplicate": sent("Nov 23 20:46:33").replace("sent vacation", "discarded duplicate vacation"),
    "before": sent("Nov 01 23:59:59"),
    "at the end": sent("Nov 30 00:00:00"),
    "a message id that says so": "Nov 23 20:46:33 lmtp(anna@corp.test)<1><a>: Info: sieve: msgid=<x: sent vacation response to <y>: stored mail into mailbox 'INBOX'\n",
    "a message id that says so, and a duplicate": "Nov 23 20:46:33 lmtp(anna@corp.test)<1><a>: Info: sieve: msgid=<x: sent vacation response to <y>: vacation action: discarded duplicate vacation response to <a@b.test>\n",
    "another program": "Nov 23 20:46:33 imap(anna@corp.test)<1><a>: Info: sieve: msgid=<1@x>: vacation action: sent vacation response to <a@b.test>\n",
    "no time": SENT.format(id="<1@x>", action="", to="a@b.test"),
    "no such day": sent("Feb 31 20:46:33"),
    "no such month": sent("Xyz 23 20:46:33"),
    "garbage": "\udcff\udcfe\x00\x01 Nov\n\n\n: :\n" * 5,
    "not yet whole": sent("Nov 23 20:46:33").rstrip("\n"),
    "a line without end": "Nov 23 20:46:33 " + "x" * 100_000 + sent("Nov 23 20:46:33"),
}


@pytest.mark.parametrize("other", list(OTHER))
def test_what_is_not_a_reply_of_hers_in_that_time_is_not_counted(tmp_path: Path, other: str) -> None:
    assert count(log_of(tmp_path, FIRST + OTHER[other])) == 0


@pytest.mark.parametrize("other", ["garbage", "no such day", "a line without end"])
def test_it_goes_on_after_garbage(tmp_path: Path, other: str) -> None:
    assert count(log_of(tmp_path, FIRST + OTHER[other] + sent("Nov 24 00:00:00"))) == 1


def test_the_turn_of_the_year_is_seen(tmp_path: Path) -> None:
    text = FIRST + sent("Dec 31 23:59:59") + sent("Jan 01 00:00:00") + sent("Jan 02 10:00:00")
    log = log_of(tmp_path, text, written="2027-01-02T10:00:00")
    seen = [count(log, "2026-12-31T00:00:00", end) for end in ("2027-01-01T00:00:00", "2027-01-03T00:00:00")]
    assert seen == [1, 3]


def test_the_same_day_a_year_before_is_another_day(tmp_path: Path) -> None:
    text = FIRST + sent("Nov 23 10:00:00") + sent("Mar 01 10:00:00") + sent("Nov 23 10:00:00")
    log = log_of(tmp_path, text, written="2026-11-23T10:00:00")
    assert (count(log), count(log, "2025-11-02T00:00:00", "2025-11-30T00:00:00")) == (1, 1)


def test_a_clock_set_back_over_the_new_year_does_not_add_a_year(tmp_path: Path) -> None:
    text = FIRST + sent("Jan 01 00:10:00") + sent("Dec 31 23:30:00") + sent("Jan 01 00:20:00")
    log = log_of(tmp_path, text, written="2027-01-01T00:20:00")
    assert count(log, "2026-12-31T00:00:00", "2027-01-02T00:00:00") == 3


def test_the_29th_of_february_is_of_a_leap_year(tmp_path: Path) -> None:
    text = "Feb 01 00:00:00 master: Info: x\n" + sent("Feb 29 12:00:00")
    log = log_of(tmp_path, text, written="2028-02-29T12:00:00")
    assert count(log, "2028-02-02T00:00:00", "2028-03-01T00:00:00") == 1


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 20), ("Asia/Tokyo", 11), ("America/New_York", 1)])
def test_times_are_in_the_zone_of_the_server(tmp_path: Path, zone: str, hour: int) -> None:
    log = log_of(tmp_path, FIRST + sent("Nov 23 20:00:00"), zone=zone)
    real = datetime(2026, 11, 23 if hour > 1 else 24, hour, tzinfo=UTC)
    second = timedelta(seconds=1)
    since = at("2026-11-02T00:00:00")
    assert [log.replies_sent(ANNA, since, real), log.replies_sent(ANNA, since, real + second)] == [0, 1]


def test_a_log_that_begins_too_late_cannot_tell(tmp_path: Path) -> None:
    log = log_of(tmp_path, FIRST + sent("Nov 23 20:46:33"))
    assert count(log, since="2026-10-31T23:59:59") is None


@pytest.mark.parametrize("text", ["", "nothing with a time\n"])
def test_an_empty_log_cannot_tell(tmp_path: Path, text: str) -> None:
    assert count(log_of(tmp_path, text)) is None


def test_a_missing_log_cannot_tell(tmp_path: Path) -> None:
    log = DovecotLog(tmp_path / "none")
    assert (count(log), log.readable()) == (None, False)


def test_what_was_added_since_is_counted(tmp_path: Path) -> None:
    log = log_of(tmp_path, FIRST + sent("Nov 23 20:46:33") + sent("Nov 24 00:00:00")[:30])
    first = count(log)
    with log.path.open("a") as file:
        file.write(sent("Nov 24 00:00:00")[30:] + sent("Nov 25 00:00:00"))
    os.utime(log.path, (at("2026-11-30T00:00:00").timestamp(),) * 2)
    assert (first, count(log)) == (1, 3)


def test_what_was_counted_is_not_read_again(tmp_path: Path) -> None:
    log = log_of(tmp_path, FIRST + sent("Nov 23 20:46:33"))
    count(log)
    text = log.path.read_bytes()
    with log.path.open("r+b") as file:
        file.write(b"#" * len(text))
    os.utime(log.path, (at("2026-11-30T00:00:00").timestamp(),) * 2)
    assert count(log) == 1


def test_a_rotated_log_is_read_with_the_one_before(tmp_path: Path) -> None:
    log = log_of(tmp_path, FIRST + sent("Nov 23 20:46:33"))
    first = count(log)
    log.path.rename(tmp_path / "dovecot.log.1")
    log_of(tmp_path, sent("Nov 24 00:00:00"))
    assert (first, count(log)) == (1, 2)


def test_a_log_that_was_cut_off_in_its_place_is_read_anew(tmp_path: Path) -> None:
    log = log_of(tmp_path, FIRST + sent("Nov 23 20:46:33") * 3)
    count(log)
    log.path.write_text(FIRST + sent("Nov 24 00:00:00"))
    os.utime(log.path, (at("2026-11-30T00:00:00").timestamp(),) * 2)
    assert count(log) == 1
