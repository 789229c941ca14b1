"""Postfix's log and the lines of Dovecot's about copies, with lines as the servers write them and as strangers would like them.

The real servers' lines are in test_forwarding_hosts.py.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from locum.connectors.dovecot_log import DovecotLog
from locum.connectors.postfix_log import PostfixLog

BERT = "bert@corp.test"
SINCE = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
BEGINS = "Nov 24 15:00:00 mail postfix/master[1]: daemon started -- version 3.7.11, configuration /etc/postfix\n"
PICKED_UP = "Nov 24 16:{minute:02}:00 mail postfix/pickup[2]: {id}: uid=59990 from=<klant@example.net>\n"
STATUS = (
    "Nov 24 16:{minute:02}:00 mail postfix/lmtp[3]: {id}: to=<{to}>, relay=127.0.0.1[127.0.0.1]:25, delay=0.08, "
    "delays=0.03/0.02/0/0.02, dsn=5.1.1, status={status} ({answer})\n"
)
Read = Callable[..., int | None]


def picked_up(queue_id: str = "AAAA1") -> str:
    return PICKED_UP.format(id=queue_id, minute=1)


def status(said: str, queue_id: str = "AAAA1", *, minute: int = 2, to: str = BERT, answer: str = "no such user") -> str:
    return STATUS.format(id=queue_id, minute=minute, status=said, to=to, answer=answer)


@pytest.fixture
def failed(tmp_path: Path) -> Read:
    """How many copies for Bert failed, by a log with these lines."""

    def read(*lines: str, begins: str = BEGINS, to: str = BERT) -> int | None:
        path = tmp_path / "mail.log"
        path.write_text(begins + "".join(lines))
        at = datetime(2026, 11, 24, 18, 0, tzinfo=UTC).timestamp()
        os.utime(path, (at, at))
        return PostfixLog(path, UTC).not_handed_on(to, SINCE)

    return read


@pytest.mark.parametrize(
    ("said", "count"), [("bounced", 1), ("deferred", 1), ("expired", 1), ("undeliverable", 1), ("sent", 0)]
)
def test_what_became_of_a_copy_is_counted(failed: Read, said: str, count: int) -> None:
    assert failed(picked_up(), status(said)) == count


def test_a_copy_that_waits_and_then_arrives_did_not_fail(failed: Read) -> None:
    assert failed(picked_up(), status("deferred"), status("sent", minute=5)) == 0


def test_a_copy_is_counted_once_however_often_it_is_tried(failed: Read) -> None:
    assert failed(picked_up(), *(status("deferred", minute=minute) for minute in range(2, 9))) == 1


def test_each_copy_is_counted(failed: Read) -> None:
    lines = [line for one in ("AAAA1", "BBBB2", "3XkYzz1ab") for line in (picked_up(one), status("bounced", one))]
    assert failed(*lines) == 3


def test_mail_that_came_from_elsewhere_is_not_counted(failed: Read) -> None:
    assert failed(status("bounced", "CCCC3")) == 0


def test_mail_for_others_is_not_counted(failed: Read) -> None:
    assert failed(picked_up(), status("bounced", to="dirk@corp.test")) == 0


@pytest.mark.parametrize("to", ["BERT@corp.test", "b.smit@old.test>, orig_to=<bert@corp.test"])
def test_the_receiver_is_known_by_his_address_and_by_what_it_was_first(failed: Read, to: str) -> None:
    assert failed(picked_up(), status("bounced", to=to)) == 1


def test_what_was_before_is_not_counted(failed: Read) -> None:
    before = (picked_up() + status("bounced")).replace("Nov 24 16:", "Nov 24 15:")
    assert failed(before) == 0


def test_where_the_log_begins_later_nothing_is_known_of_what_went_well(failed: Read) -> None:
    later = BEGINS.replace("15:00", "17:00")
    assert (failed(begins=later), failed(picked_up(), status("bounced"), begins=later)) == (None, 1)


def test_what_was_rotated_away_is_read_too(tmp_path: Path, failed: Read) -> None:
    rotated = tmp_path / "mail.log.1"
    rotated.write_text(BEGINS + picked_up())
    at = datetime(2026, 11, 24, 16, 30, tzinfo=UTC).timestamp()
    os.utime(rotated, (at, at))
    assert failed(status("bounced", minute=40), begins="") == 1


def test_a_log_that_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    log = PostfixLog(tmp_path / "none", UTC)
    assert (log.readable(), log.not_handed_on(BERT, SINCE)) == (False, None)


@pytest.mark.parametrize(
    "line",
    [
        f"Nov 24 16:02:00 mail postfix/smtpd[4]: NOQUEUE: reject: RCPT from x: helo=<AAAA1: to=<{BERT}>, status=bounced (x)>\n",
        status("sent", answer=f"250 AAAA1: to=<{BERT}>, relay=x, delay=1, delays=1, dsn=5.0.0, status=bounced (x"),
        f"Nov 24 16:02:00 mail postfix/cleanup[5]: AAAA1: message-id=<x status=bounced (to=<{BERT}>@x>\n",
        f"Nov 24 16:02:00 mail dovecot: lmtp: postfix/lmtp[3]: AAAA1: to=<{BERT}>, relay=x, delay=1, delays=1, dsn=5.0.0, status=bounced (x)\n",
        "\xff\x00 status=bounced\n",
        "Nov 31 16:02:00 mail postfix/lmtp[3]: AAAA1: to=<bert@corp.test> status=bounced\n",
    ],
)
def test_no_text_of_strangers_is_taken_for_a_failure(failed: Read, line: str) -> None:
    assert failed(picked_up(), line) == 0


# Dovecot's own

REFUSED = (
    "Nov 24 16:05:00 lmtp({user})<1><x>: Error: sieve: msgid=<{id}>: redirect action: failed to redirect message to <{to}>: "
    "Sendmail program returned error (temporary failure)\n"
)


def refused(tmp_path: Path, *lines: str) -> int:
    path = tmp_path / "dovecot.log"
    path.write_text("Nov 24 15:00:00 master: Info: Dovecot v2.3.19.1 starting up\n" + "".join(lines))
    at = (SINCE + timedelta(hours=2)).timestamp()
    os.utime(path, (at, at))
    return DovecotLog(path, UTC).redirects_failed("anna@corp.test", BERT, SINCE)


@pytest.mark.parametrize(
    ("user", "to", "count"),
    [("anna@corp.test", BERT, 1), ("carla@corp.test", BERT, 0), ("anna@corp.test", "dirk@corp.test", 0)],
)
def test_a_copy_that_dovecot_could_not_hand_on_is_counted(tmp_path: Path, user: str, to: str, count: int) -> None:
    assert refused(tmp_path, REFUSED.format(user=user, id="1@x", to=to)) == count


@pytest.mark.parametrize("forged", [f"x>: redirect action: forwarded to <{BERT}", f"x: forwarded to <{BERT}>"])
def test_a_message_id_that_looks_like_a_copy_is_none(tmp_path: Path, forged: str) -> None:
    line = (
        f"Nov 24 16:05:00 lmtp(anna@corp.test)<1><x>: Info: sieve: msgid=<{forged}>: stored mail into mailbox 'INBOX'\n"
    )
    refused(tmp_path, line)
    log = DovecotLog(tmp_path / "dovecot.log", UTC)
    assert log.redirected("anna@corp.test", BERT, SINCE, SINCE + timedelta(hours=1)) == 0


def test_a_message_id_that_looks_like_a_failure_is_none(tmp_path: Path) -> None:
    forged = f"x>: redirect action: failed to redirect message to <{BERT}>: x"
    line = (
        f"Nov 24 16:05:00 lmtp(anna@corp.test)<1><x>: Info: sieve: msgid=<{forged}>: stored mail into mailbox 'INBOX'\n"
    )
    assert refused(tmp_path, line) == 0


def test_without_a_log_none_is_known(tmp_path: Path) -> None:
    assert DovecotLog(tmp_path / "none", UTC).redirects_failed("anna@corp.test", BERT, SINCE) == 0
