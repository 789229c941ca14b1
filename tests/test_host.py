"""The servers of the demo and of these tests: they carry mail, keep to themselves, and leave nothing behind."""

import os
import smtplib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from locum.demo.host import Dovecot, Postfix, Sink, free_port
from mailhosts.dovecot import PASSWORD, letter, publish

pytestmark = pytest.mark.slow

ANNA, KLANT = "anna@corp.test", "klant@example.net"
AWAY = b'require "vacation"; vacation "away";'


def processes_in(folder: Path) -> list[str]:
    """Command lines and working places of all processes that have to do with a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            if str(folder) in text + str((process / "cwd").readlink()):
                found.append(text)
        except OSError:  # it ended meanwhile, or is the kernel's
            continue
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix can only be started by root")
def test_mail_goes_in_by_postfix_and_the_reply_goes_out_by_postfix() -> None:
    port = free_port()
    with Sink() as outside, Dovecot(users={ANNA: PASSWORD}, relay_port=port) as host:
        publish(host, ANNA, AWAY)
        with Postfix(port=port, lmtp_port=host.lmtp_port, sink_port=outside.port):
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail(KLANT, [ANNA], letter(KLANT, ANNA))
            (reply,) = outside.wait_for(1)
    assert (reply.sender, reply.recipients, reply.mail.get_content().strip()) == ("", (KLANT,), "away")


def test_nothing_is_left_of_a_server_that_was_left() -> None:
    with Dovecot(users={ANNA: PASSWORD}) as host:
        folder = host.folder
        host.deliver(KLANT, ANNA, letter(KLANT, ANNA))
        assert processes_in(folder) != []
    assert (folder.exists(), processes_in(folder)) == (False, [])


def test_a_restarted_server_has_its_ports_and_its_mail() -> None:
    with Dovecot(users={ANNA: PASSWORD}) as host:
        host.deliver(KLANT, ANNA, letter(KLANT, ANNA))
        host.restart()
        host.deliver(KLANT, ANNA, letter(KLANT, ANNA))
        assert "messages=2" in host.doveadm("mailbox", "status", "-u", ANNA, "messages", "INBOX")


def test_a_stopped_server_takes_no_mail() -> None:
    with Dovecot(users={ANNA: PASSWORD}) as host:
        host.stop()
        with pytest.raises(OSError):
            host.deliver(KLANT, ANNA, letter(KLANT, ANNA))


def test_a_mailbox_added_later_takes_mail(dovecot: Dovecot) -> None:
    dovecot.add_user("late@corp.test", PASSWORD)
    dovecot.deliver(KLANT, "late@corp.test", letter(KLANT, "late@corp.test"))
    assert (dovecot.home("late@corp.test") / "Maildir").is_dir()


def test_the_clock_that_was_set_is_the_servers() -> None:
    with Dovecot(users={ANNA: PASSWORD}, clock=True, time_zone="Asia/Tokyo") as host:
        publish(host, ANNA, AWAY)
        host.set_clock(datetime(2031, 1, 1, 12, tzinfo=UTC))
        host.deliver(KLANT, ANNA, letter(KLANT, ANNA))
        assert host.sink.messages[0].mail["Date"].startswith("Wed, 01 Jan 2031 21:00:0")


def test_a_refusing_sink_keeps_nothing(dovecot: Dovecot, sink: Sink, mailbox: str) -> None:
    publish(dovecot, mailbox, AWAY)
    sink.refusing = "550 5.1.1 no such user"
    dovecot.deliver(KLANT, mailbox, letter(KLANT, mailbox))
    assert sink.messages == []


def test_a_line_that_begins_with_a_dot_arrives_in_the_sink_as_it_was(sink: Sink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail(KLANT, [ANNA], b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\n")
    assert sink.messages[0].content == b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\n"
