"""Somebody's message sent on: every byte as it was, our headers in front, and nothing that goes in a circle."""

import os
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.demo.host import Postfix, free_port
from locum.demo.sink import Sink
from locum.errors import LocumError
from locum.letters import Post
from locum.letters.mail import Sender
from locum.letters.resending import resent

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
US = Sender(address="locum@corp.test", organisation="Voorbeeld BV")
MESSAGE = (
    b"From: Jansen <jansen@klant.test>\r\nTo: anna@corp.test\r\nSubject: Offerte\r\n\r\nDe offerte.\r\n.\r\n..\r\n"
)


def envelope(content=MESSAGE, to="verkoop@corp.test"):
    return resent(content, to, "c-1.delivered", US, NOW)


@given(st.binary(max_size=300))
def test_not_a_byte_of_it_is_touched_but_the_ends_of_its_lines(content):
    lines = b"X: y\r\n" + content.replace(b"\r", b"").replace(b"\n", b"\r\n")
    assert envelope(lines).message.endswith(b"\r\n" + lines)


def test_our_headers_stand_in_front_of_it():
    ours = envelope().message.removesuffix(MESSAGE).decode().split("\r\n")
    assert [one.partition(":")[0] for one in ours] == [
        "Resent-Date",
        "Resent-From",
        "Resent-To",
        "Resent-Message-ID",
        "",
    ]


def test_what_cannot_be_delivered_comes_back_to_us():
    assert envelope().sender == "locum@corp.test"


@pytest.mark.parametrize(
    "header", ["Return-Path: <>", "Auto-Submitted: auto-replied", "Resent-From: x@corp.test", "RETURN-PATH:<>"]
)
def test_nothing_answers_what_a_machine_sent_or_was_sent_on_before(header):
    assert envelope(header.encode() + b"\r\n" + MESSAGE).sender == ""


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Return-Path: <jansen@klant.test>"])
def test_what_a_person_sent_has_an_envelope(header):
    assert envelope(header.encode() + b"\r\n" + MESSAGE).sender == "locum@corp.test"


def test_what_the_text_says_is_no_header():
    assert envelope(MESSAGE + b"Auto-Submitted: auto-replied\r\n").sender == "locum@corp.test"


def test_the_line_with_which_mbox_files_begin_is_no_part_of_it():
    assert b"From jansen" not in envelope(b"From jansen@klant.test Mon Nov 23\r\n" + MESSAGE).message


@pytest.mark.parametrize("to", ["", "verkoop", "a@b.test\r\nBcc: x@y.test", "a@b.test, c@d.test"])
def test_it_goes_to_an_address_and_no_other(to):
    with pytest.raises(LocumError, match="letter-address"):
        envelope(to=to)


@pytest.mark.parametrize(
    "content",
    [MESSAGE, MESSAGE + "één € \r\n".encode(), MESSAGE + b"\xff\xfe\r\n", b"Subject: \xe9\xe9n\r\n" + MESSAGE],
    ids=["plain", "utf-8", "neither", "header"],
)
def test_it_arrives_byte_for_byte(content):
    with Sink() as sink:
        post = Post(relay=f"smtp://127.0.0.1:{sink.port}", from_address="locum@corp.test", organisation="Voorbeeld BV")
        post.resend(content, "verkoop@corp.test", "c-1.delivered")
        post.close()
        got = sink.wait_for(1)[0]
    assert (got.sender, got.recipients, got.content.endswith(content)) == (
        "locum@corp.test",
        ("verkoop@corp.test",),
        True,
    )


def test_an_answer_goes_to_whoever_wrote_it():
    with Sink() as sink:
        post = Post(relay=f"smtp://127.0.0.1:{sink.port}", from_address="locum@corp.test", organisation="Voorbeeld BV")
        post.resend(MESSAGE, "verkoop@corp.test", "c-1.delivered")
        post.close()
        mail = sink.wait_for(1)[0].mail
    assert (mail["From"].addresses[0].addr_spec, mail["Reply-To"]) == ("jansen@klant.test", None)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix can only be started by root")
def test_a_real_postfix_hands_it_on_as_it_is_and_an_answer_to_it_goes_back() -> None:
    content = MESSAGE.replace(b"De offerte.", "Eén offerte, 12 €.".encode())
    with Sink() as outside, Postfix(lmtp_port=free_port(), sink_port=outside.port, domain="elsewhere.test") as relay:
        post = Post(relay=f"smtp://127.0.0.1:{relay.port}", from_address="locum@corp.test", organisation="Voorbeeld BV")
        post.resend(content, "verkoop@corp.test", "c-1.delivered")
        post.close()
        got = outside.wait_for(1)[0]
        answer = EmailMessage()
        answer["From"], answer["To"] = "verkoop@corp.test", got.mail["Reply-To"] or got.mail["From"]
        answer.set_content("Dank.")
        with smtplib.SMTP("127.0.0.1", relay.port) as client:
            client.send_message(answer)
        back = outside.wait_for(2)[1]
    assert (got.content.endswith(content), got.sender, back.recipients) == (
        True,
        "locum@corp.test",
        ("jansen@klant.test",),
    )
