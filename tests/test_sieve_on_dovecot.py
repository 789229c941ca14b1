"""Our script on a real Dovecot: who gets which text, who gets none, and from which second to which.

Mail comes in by LMTP and the replies are read as they went out. Bytes and compiling are in test_sieve.py; her own
script beside ours is in tests/connectors.
"""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from locum import sieve
from locum.demo.host import Dovecot, Sink
from locum.measure import Audience, AutoReply
from mailhosts.dovecot import PASSWORD, answers_at, letter, publish, run
from test_sieve import HOSTILE, lines

pytestmark = pytest.mark.slow

INSIDE, OUTSIDE = "bert@corp.test", "klant@example.net"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

Tell = Callable[..., None]
Write = Callable[..., list[EmailMessage]]


def a_reply(mailbox: str, **changes: object) -> AutoReply:
    now = datetime.now(UTC).replace(microsecond=0)
    made = AutoReply(
        handle="case-1",
        from_date=now - HOUR,
        to_date=now + 24 * HOUR,
        subject="Afwezig",
        text_body="Ik ben er even niet. (intern)",
        external_text="I am away for a while. (extern)",
        audience=Audience.EVERYONE,
        addresses=(mailbox, f"alias-{mailbox}"),
        internal_domains=("corp.test", "corp.example"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def set_reply(dovecot: Dovecot, mailbox: str) -> Tell:
    """Publish a reply for the mailbox."""

    def set_(**changes: object) -> None:
        publish(dovecot, mailbox, sieve.script([a_reply(mailbox, **changes)]))

    return set_


@pytest.fixture
def write(dovecot: Dovecot, sink: Sink, mailbox: str) -> Write:
    """Write to her from an envelope sender, with the headers given; gives the replies that went out."""

    def write_(sender: str, *, to: str = "", message: bytes = b"", **headers: str) -> list[EmailMessage]:
        sink.clear()
        content = message or letter(sender or "mailer-daemon@example.net", to or mailbox, **headers)
        dovecot.deliver(sender, mailbox, content)
        return [received.mail for received in sink.messages]

    return write_


def text(replies: list[EmailMessage]) -> str:
    """The plain text of the only reply."""
    (reply,) = replies
    part = reply.get_body(("plain",))
    assert part is not None
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode().removesuffix("\r\n")


# who gets which text


def test_an_internal_sender_gets_the_internal_text(set_reply: Tell, write: Write) -> None:
    set_reply()
    assert text(write(INSIDE)) == "Ik ben er even niet. (intern)"


def test_an_external_sender_gets_the_external_text(set_reply: Tell, write: Write) -> None:
    set_reply()
    assert text(write(OUTSIDE)) == "I am away for a while. (extern)"


@pytest.mark.parametrize("sender", ["Bert@CORP.test", "bert@corp.example"])
def test_internal_is_any_of_our_domains_in_any_case(set_reply: Tell, write: Write, sender: str) -> None:
    set_reply()
    assert "(intern)" in text(write(sender))


@pytest.mark.parametrize(
    "sender", ["x@sub.corp.test", "x@notcorp.test", "x@corp.test.example.net", "corp.test@example.net"]
)
def test_a_domain_that_only_resembles_ours_is_outside(set_reply: Tell, write: Write, sender: str) -> None:
    set_reply()
    assert "(extern)" in text(write(sender))


def test_nobody_outside_gets_a_reply_that_is_for_inside(set_reply: Tell, write: Write) -> None:
    set_reply(audience=Audience.INTERNAL)
    assert (write(OUTSIDE), len(write(INSIDE))) == ([], 1)


@pytest.mark.parametrize("header", ["From", "Sender", "Reply-To", "Return-Path", "Resent-From"])
def test_a_forger_of_a_header_does_not_get_the_internal_text(set_reply: Tell, write: Write, header: str) -> None:
    set_reply()
    assert text(write(OUTSIDE, **{header: f"<{INSIDE}>"})) == "I am away for a while. (extern)"


def test_a_forger_gets_nothing_where_the_reply_is_for_inside_only(set_reply: Tell, write: Write) -> None:
    set_reply(audience=Audience.INTERNAL)
    assert write(OUTSIDE, From=f"<{INSIDE}>", Reply_To=f"<{OUTSIDE}>") == []


def test_the_reply_goes_to_the_envelope_sender(set_reply: Tell, write: Write, sink: Sink) -> None:
    set_reply()
    write(OUTSIDE, From=f"<{INSIDE}>", Reply_To="<x@else.test>")
    assert [(message.sender, message.recipients) for message in sink.messages] == [("", (OUTSIDE,))]


def test_the_reply_says_that_it_is_one(set_reply: Tell, write: Write) -> None:
    set_reply()
    (reply,) = write(OUTSIDE)
    assert (reply["Auto-Submitted"], reply["MIME-Version"]) == ("auto-replied (vacation)", "1.0")
    assert [len(reply.get_all(name, [])) for name in ("MIME-Version", "Content-Type", "Subject")] == [1, 1, 1]


def test_text_and_html_go_out_together(set_reply: Tell, write: Write) -> None:
    set_reply(external_html="<p>I am <b>away</b> — é</p>")
    (reply,) = write(OUTSIDE)
    parts = [(part.get_content_type(), part.get_content()) for part in reply.iter_parts()]
    assert parts == [
        ("text/plain", "I am away for a while. (extern)"),
        ("text/html", "<p>I am <b>away</b> — é</p>"),
    ]


# hostile texts


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_goes_out_as_text(set_reply: Tell, write: Write, hostile: str) -> None:
    set_reply(external_text=hostile)
    assert text(write(OUTSIDE)) == lines(hostile).removesuffix("\r\n")


@pytest.mark.parametrize(
    "hostile", [*(one for one in HOSTILE if one.isprintable() and 0 < len(one) < 250), "x" * 255, "é" * 255, "🏖️" * 120]
)
def test_a_hostile_subject_goes_out_as_a_subject(set_reply: Tell, write: Write, hostile: str) -> None:
    set_reply(subject=hostile)
    (reply,) = write(OUTSIDE)
    assert (str(reply["Subject"]), reply["Bcc"]) == (hostile, None)


@pytest.mark.parametrize("subject", ["=?utf-8?q?=22?= ${subject}", "a  b   c" * 15, " a ", "onderwerp " * 14 + "x"])
def test_a_subject_survives_folding_and_decoding(set_reply: Tell, write: Write, subject: str) -> None:
    set_reply(subject=subject)
    assert str(write(OUTSIDE)[0]["Subject"]) == subject


def test_a_long_subject_keeps_its_words(set_reply: Tell, write: Write) -> None:
    set_reply(subject="één onderwerp " * 17 + "eind")
    assert str(write(OUTSIDE)[0]["Subject"]).split() == ["één", "onderwerp"] * 17 + ["eind"]


def test_the_longest_texts_go_out_whole(set_reply: Tell, write: Write) -> None:
    set_reply(external_text="é" * 32768, external_html="<p>" + "x" * 60000)
    (reply,) = write(OUTSIDE)
    assert [len(part.get_content()) for part in reply.iter_parts()] == [32768, 60003]


# who gets none


def test_a_second_mail_of_the_same_sender_is_not_answered(set_reply: Tell, write: Write) -> None:
    set_reply()
    assert (len(write(OUTSIDE)), write(OUTSIDE), len(write("other@example.net"))) == (1, [], 1)


def test_a_mended_word_does_not_answer_everybody_again(
    dovecot: Dovecot, mailbox: str, set_reply: Tell, write: Write
) -> None:
    set_reply()
    assert len(write(OUTSIDE)) == 1
    (dovecot.published / "before" / f"{mailbox}.sieve").unlink()
    for binary in (dovecot.home(mailbox) / ".locum-bin").iterdir():
        binary.unlink()
    set_reply(external_text="Better said.")
    assert (write(OUTSIDE), text(write("other@example.net"))) == ([], "Better said.")


@pytest.mark.parametrize(
    "headers",
    [
        {"List_Id": "<news.example.net>"},
        {"List_Unsubscribe": "<mailto:x@example.net>"},
        {"Precedence": "bulk"},
        {"Precedence": "LIST"},
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; x=y"},
        {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"},
        {"X_Spam_Flag": "YES"},
        {"X_Spam_Status": "Yes, score=9.1 required=5.0"},
        {"X_Spam": "Yes"},
        {"X_Bogosity": "Spam, tests=bogofilter"},
        {"Content_Type": "multipart/report; report-type=delivery-status; boundary=x"},
        {"Content_Type": "Multipart/Report; boundary=x"},
        {"Content_Type": 'text/calendar; method=REQUEST; charset="utf-8"'},
        {"Content_Class": "urn:content-classes:calendarmessage"},
    ],
    ids=str,
)
def test_a_machines_mail_is_not_answered(set_reply: Tell, write: Write, headers: dict[str, str]) -> None:
    set_reply()
    assert (write(OUTSIDE, **headers), len(write(OUTSIDE))) == ([], 1)


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "no"}, {"X_Spam_Status": "No, score=-1"}, {"X_Spam_Flag": "NO"}, {"Precedence": "normal"}],
    ids=str,
)
def test_a_persons_mail_is_answered_whatever_its_headers_deny(
    set_reply: Tell, write: Write, headers: dict[str, str]
) -> None:
    set_reply()
    assert len(write(OUTSIDE, **headers)) == 1


INVITATION = b"""\
From: <klant@example.net>
To: <%s>
Subject: Meeting
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain

Will you come?
--inner
Content-Type: %s

BEGIN:VCALENDAR
END:VCALENDAR
--inner--
--outer--
"""


def test_an_invitation_within_a_message_is_not_answered(set_reply: Tell, write: Write, mailbox: str) -> None:
    set_reply()
    calendar, page = (
        INVITATION % (mailbox.encode(), kind) for kind in (b"text/calendar; method=REQUEST", b"text/html")
    )
    assert (write(OUTSIDE, message=calendar), len(write(OUTSIDE, message=page))) == ([], 1)


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "noreply@example.net",
        "NoReply-42@example.net",
        "no-reply@example.net",
        "orders-noreply@example.net",
        "do-not-reply@example.net",
        "donotreply@example.net",
        "MAILER-DAEMON@example.net",
        "bounces@example.net",
        "bounce+abc@example.net",
        "news-bounces@example.net",
        "news-bounces+anna=corp.test@example.net",
        "news+anna=corp.test@example.net",
        "list-return-12-anna=corp.test@example.net",
        "owner-news@example.net",
        "news-request@example.net",
        "noreply@corp.test",
    ],
)
def test_a_sender_that_is_no_person_is_not_answered(set_reply: Tell, write: Write, sender: str) -> None:
    set_reply()
    assert write(sender) == []


@pytest.mark.parametrize("sender", ["postmaster@example.net", "prvs=1234abcd=klant@example.net", "norep@example.net"])
def test_a_sender_that_only_looks_odd_is_answered(set_reply: Tell, write: Write, sender: str) -> None:
    set_reply()
    assert len(write(sender)) == 1


@pytest.mark.parametrize("own", ["{}", "alias-{}"])
def test_her_own_address_is_not_answered(set_reply: Tell, write: Write, mailbox: str, own: str) -> None:
    set_reply()
    assert write(own.format(mailbox)) == []


@pytest.mark.parametrize("exception", [OUTSIDE, "KLANT@Example.NET", "example.net", "@example.net"])
def test_an_exception_is_not_answered(set_reply: Tell, write: Write, exception: str) -> None:
    set_reply(exceptions=("x@else.test", exception))
    assert (write(OUTSIDE), len(write("klant@example.org"))) == ([], 1)


@pytest.mark.parametrize("exception", [OUTSIDE, "example.net"])
def test_an_exception_in_the_from_header_is_not_answered(set_reply: Tell, write: Write, exception: str) -> None:
    set_reply(exceptions=(exception,))
    assert write("someone@else.test", From=f'"Klant" <{OUTSIDE}>') == []


def test_an_address_as_exception_leaves_its_neighbours(set_reply: Tell, write: Write) -> None:
    set_reply(exceptions=(OUTSIDE,))
    assert len(write("other@example.net")) == 1


# which of her addresses


def test_mail_to_an_alias_is_answered(set_reply: Tell, write: Write, mailbox: str) -> None:
    set_reply()
    assert len(write(OUTSIDE, to=f"alias-{mailbox}")) == 1


def test_mail_that_names_none_of_her_addresses_is_not_answered(set_reply: Tell, write: Write) -> None:
    set_reply()
    assert write(OUTSIDE, to="everyone@else.test") == []


def test_mail_to_a_subaddress_is_answered_from_it(dovecot: Dovecot, sink: Sink, mailbox: str) -> None:
    # By LMTP; Pigeonhole counts the envelope's recipient as hers. A delivery agent that strips +orders does not.
    tagged = mailbox.replace("@", "+orders@")
    publish(dovecot, mailbox, sieve.script([a_reply(mailbox)]))
    dovecot.deliver(OUTSIDE, tagged, letter(OUTSIDE, tagged))
    assert [message.mail["From"] for message in sink.messages] == [tagged]


@pytest.mark.parametrize("address", ["o'hara@corp.test", "anna+x@corp.test", "a.b-c_d@corp.test", "{x}|y~z@corp.test"])
def test_odd_but_legal_addresses_work(set_reply: Tell, write: Write, mailbox: str, address: str) -> None:
    set_reply(addresses=(mailbox, address))
    assert len(write(OUTSIDE, to=address)) == 1


# her mailbox and her script


def test_the_message_is_stored_unseen_and_once(set_reply: Tell, write: Write, dovecot: Dovecot, mailbox: str) -> None:
    set_reply()
    write(OUTSIDE)
    status = dovecot.doveadm("mailbox", "status", "-u", mailbox, "messages unseen recent", "INBOX")
    assert status.split() == ["INBOX", "messages=1", "recent=1", "unseen=1"]


@pytest.mark.parametrize("name", ["hers", 'a"; stop; "', "back\\slash", "roundcube é"])
def test_her_script_runs_after_ours_under_any_name(dovecot: Dovecot, mailbox: str, write: Write, name: str) -> None:
    def put(script: str, text: bytes) -> None:
        command = ["doveadm", "-c", str(dovecot.config_file), "sieve", "put", "-u", mailbox, "-a", script]
        subprocess.run(command, check=True, input=text, capture_output=True, env=dovecot.environment())

    put(name, b'require ["fileinto", "mailbox"]; fileinto :create "Filed"; stop;')
    put("locum", sieve.script([a_reply(mailbox)], include=name))
    assert len(write(OUTSIDE)) == 1
    assert "messages=1" in dovecot.doveadm("mailbox", "status", "-u", mailbox, "messages", "Filed")


def test_two_cases_one_after_the_other_answer_once_each(dovecot: Dovecot, mailbox: str, write: Write) -> None:
    first = a_reply(mailbox)
    later = a_reply(mailbox, handle="case-2", from_date=first.to_date, to_date=first.to_date + HOUR)
    earlier = a_reply(mailbox, handle="case-0", from_date=first.from_date - HOUR, to_date=first.from_date)
    publish(dovecot, mailbox, sieve.script([later, first, earlier]))
    assert len(write(OUTSIDE)) == 1


# from which second to which


@pytest.fixture(scope="module")
def clock() -> Iterator[Dovecot]:
    with Dovecot(users={"anna@corp.test": PASSWORD}, clock=True, time_zone="Pacific/Kiritimati") as host:
        yield host


ZONES = (
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/New_York",
    "Europe/Amsterdam",
    "Asia/Kolkata",
    "Pacific/Apia",
)
# Midnights in her zone around days on which the clock is changed there, or the day itself was left out.
MIDNIGHTS = (
    ("Europe/Amsterdam", "2027-03-28", "2027-03-29"),
    ("Europe/Amsterdam", "2026-10-25", "2026-10-26"),
    ("America/New_York", "2027-03-14", "2027-11-08"),
    ("Australia/Lord_Howe", "2027-04-04", "2027-10-04"),
    ("Pacific/Kiritimati", "2026-12-31", "2027-01-01"),
    ("Pacific/Pago_Pago", "2026-12-31", "2027-01-01"),
    ("Africa/Casablanca", "2027-02-07", "2027-03-15"),
)


@pytest.mark.parametrize("server", ZONES)
@pytest.mark.parametrize(("zone", "start", "end"), MIDNIGHTS)
def test_the_window_is_exact_to_the_second_in_every_zone(
    clock: Dovecot, server: str, zone: str, start: str, end: str
) -> None:
    from_date, to_date = (
        datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in (start, end)
    )
    script = sieve.script([a_reply("anna@corp.test", from_date=from_date, to_date=to_date)])
    instants = (from_date - SECOND, from_date, to_date - SECOND, to_date)
    assert [answers_at(clock, script, at, server) for at in instants] == [False, True, True, False]


def test_sieve_test_would_show_a_window_without_a_zone_to_be_wrong(clock: Dovecot) -> None:
    at = datetime(2026, 12, 31, 12, tzinfo=UTC)
    script = sieve.script([a_reply("anna@corp.test", from_date=at, to_date=at + HOUR)])
    assert answers_at(clock, script, at, "Asia/Tokyo")
    assert not answers_at(clock, script.replace(b':zone "+0000" ', b""), at, "Asia/Tokyo")


def test_a_running_dovecot_keeps_to_the_window(clock: Dovecot) -> None:
    from_date, to_date = datetime(2026, 12, 31, 10, tzinfo=UTC), datetime(2027, 1, 1, 10, tzinfo=UTC)
    publish(clock, "anna@corp.test", sieve.script([a_reply("anna@corp.test", from_date=from_date, to_date=to_date)]))
    seen = []
    for at in (from_date - SECOND, from_date, to_date - SECOND, to_date):
        clock.freeze_clock(at)
        clock.sink.clear()
        sender = f"klant{at.timestamp():.0f}@example.net"
        clock.deliver(sender, "anna@corp.test", letter(sender, "anna@corp.test"))
        seen.append(len(clock.sink.messages))
    assert seen == [0, 1, 1, 0]


def test_a_script_of_ours_is_what_sievec_takes(dovecot: Dovecot, mailbox: str, tmp_path: Path) -> None:
    (tmp_path / "x.sieve").write_bytes(sieve.script([a_reply(mailbox)]))
    assert run(dovecot, ["sievec", "-c", str(dovecot.config_file), str(tmp_path / "x.sieve")]).returncode == 0
