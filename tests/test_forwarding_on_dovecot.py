"""Our forward on a real Dovecot: what is copied to the colleague, what never is, and that hers is always kept.

Mail comes in by LMTP; what Dovecot sends out is read as it went out. Circles, queues and relays are in
tests/connectors/test_forwarding_hosts.py, the bytes of a script in test_sieve_forwarding.py.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from forwards import INSIDE, OUTSIDE, RECEIVER, a_forward
from locum import sieve
from locum.absence import Channel
from locum.demo.host import Dovecot, Received, Sink
from locum.letter import Letter
from locum.letters.mail import Sender, compose
from locum.measure import Senders
from mailhosts.dovecot import PASSWORD, letter, publish
from mailhosts.publishing import stored
from test_sieve_on_dovecot import a_reply

pytestmark = pytest.mark.slow

Copied = Callable[..., bool]
NOW = datetime(2026, 10, 5, 10, 0, tzinfo=UTC)


@pytest.fixture
def copied(dovecot: Dovecot, sink: Sink, mailbox: str) -> Copied:
    """Deliver a message, and whether it was copied to the receiver, once. Hers was kept in any case, once."""

    def deliver(sender: str = OUTSIDE, message: bytes = b"", **headers: str) -> bool:
        sink.clear()
        kept = stored(dovecot, mailbox)
        dovecot.deliver(sender, mailbox, message or letter(sender or "mailer-daemon@x.test", mailbox, **headers))
        assert stored(dovecot, mailbox) == kept + 1
        assert [one.recipients for one in sink.messages] in ([], [(RECEIVER,)])
        return bool(sink.messages)

    return deliver


@pytest.fixture
def forwards(dovecot: Dovecot, mailbox: str) -> Callable[..., None]:
    """Publish a forward for the mailbox."""

    def set_(**changes: object) -> None:
        publish(dovecot, mailbox, sieve.script([], forwards=[a_forward(mailbox, **changes)]))

    return set_


# whose mail


def test_a_message_is_copied_and_kept(forwards: Callable[..., None], copied: Copied) -> None:
    forwards()
    assert copied()


@pytest.mark.parametrize(
    ("senders", "inside", "outside"),
    [(Senders.EVERYONE, True, True), (Senders.INTERNAL, True, False), (Senders.EXTERNAL, False, True)],
)
def test_mail_of_those_it_is_for_is_copied(
    forwards: Callable[..., None], copied: Copied, senders: Senders, inside: bool, outside: bool
) -> None:
    forwards(senders=senders)
    assert (copied(INSIDE), copied(OUTSIDE)) == (inside, outside)


def test_inside_is_judged_by_the_envelope(forwards: Callable[..., None], copied: Copied) -> None:
    forwards(senders=Senders.INTERNAL)
    assert not copied(OUTSIDE, From=f"<{INSIDE}>")


def test_who_wrote_it_can_be_seen_on_the_copy(forwards: Callable[..., None], copied: Copied, sink: Sink) -> None:
    forwards()
    copied(From=f"Klant <{OUTSIDE}>", Subject="Bestelling 12")
    (copy,) = sink.messages
    assert (copy.sender, copy.mail["From"], copy.mail["Subject"]) == (OUTSIDE, f"Klant <{OUTSIDE}>", "Bestelling 12")


def test_the_copy_is_the_message_byte_for_byte(
    forwards: Callable[..., None], copied: Copied, sink: Sink, mailbox: str
) -> None:
    forwards()
    message = letter(OUTSIDE, mailbox)
    copied(message=message)
    assert sink.messages[0].content.replace(b"\r\n", b"\n").endswith(message)


def test_before_its_time_and_after_it_nothing_is_copied(
    dovecot: Dovecot, forwards: Callable[..., None], copied: Copied, mailbox: str
) -> None:
    start = a_forward(mailbox).from_date
    forwards(to_date=start + timedelta(minutes=30))
    after = copied()
    (dovecot.published / "before" / f"{mailbox}.sieve").unlink()
    time.sleep(1.1)  # or Dovecot runs what it compiled
    forwards(from_date=start + timedelta(hours=2))
    assert (after, copied()) == (False, False)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Pacific/Kiritimati", "2026-12-31T23:59:59+00:00"),
        ("America/New_York", "2027-03-14T06:59:59+00:00"),  # the clock goes forward a second later
    ],
)
def test_the_window_is_exact_to_the_second_whatever_the_zone_of_the_server(zone: str, start: str) -> None:
    anna, second = "anna@corp.test", timedelta(seconds=1)
    from_date = datetime.fromisoformat(start)
    to_date = from_date + timedelta(days=2, seconds=7)
    with Dovecot(users={anna: PASSWORD}, time_zone=zone, clock=True) as host:
        publish(host, anna, sieve.script([], forwards=[a_forward(anna, from_date=from_date, to_date=to_date)]))
        seen: list[bool] = []
        for at in (from_date - second, from_date, to_date - second, to_date):
            host.freeze_clock(at)
            host.sink.clear()
            host.deliver(OUTSIDE, anna, letter(OUTSIDE, anna))
            seen.append(bool(host.sink.messages))
    assert seen == [False, True, True, False]


# what is never copied

TWO_PARTS = b"""From: <klant@example.net>
To: <anna@corp.test>
Subject: Question
Message-ID: <%s@example.net>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

SGVsbG8K
--b
%s
--b--
"""


def in_parts(name: str, part: str) -> bytes:
    return TWO_PARTS % (name.encode(), part.encode())


NOT_COPIED: dict[str, dict[str, object]] = {
    "empty sender": {"sender": ""},
    "bounce that forges a sender": {"Content_Type": "multipart/report; report-type=delivery-status; boundary=x"},
    "mailer daemon": {"sender": "MAILER-DAEMON@example.net"},
    "mailer daemon in From": {"From": "Mail Delivery System <mailer-daemon@example.net>"},
    "list id": {"List_Id": "<news.example.net>"},
    "list unsubscribe": {"List_Unsubscribe": "<mailto:x@example.net>"},
    "list owner": {"sender": "owner-news@example.net"},
    "list bounces": {"sender": "news-bounces+anna=corp.test@example.net"},
    "bulk": {"Precedence": "bulk"},
    "list by precedence": {"Precedence": "List"},
    "junk": {"Precedence": "junk"},
    "spam flag": {"X_Spam_Flag": "YES"},
    "spam status": {"X_Spam_Status": "Yes, score=12.1 required=5.0"},
    "bogosity": {"X_Bogosity": "Spam, tests=bogofilter"},
    "personal": {"Sensitivity": "Personal"},
    "private": {"Sensitivity": "Private"},
    "private in capitals": {"Sensitivity": "PRIVATE"},
    "company confidential": {"Sensitivity": "Company-Confidential"},
    "answered automatically": {"Auto_Submitted": "auto-replied"},
    "answered automatically by vacation": {"Auto_Submitted": "auto-replied (vacation)"},
    "notified automatically": {"Auto_Submitted": 'auto-notified; owner-email="x@example.net"'},
    "answered automatically, old way": {"Precedence": "auto_reply"},
    "answered automatically, another old way": {"X_Autoreply": "yes"},
    "our own letter": {"X_Locum": "letter", "Auto_Submitted": "auto-generated"},
    "our own sender": {"sender": "locum@corp.test"},
    "our own sender in From": {"From": "Voorbeeld BV <locum@corp.test>"},
    "to us": {"To": "<locum@corp.test>"},
    "confidential envelope": {"sender": "doctor@health.test"},
    "confidential From": {"From": '"Dr. X" <Doctor@Health.test>'},
    "confidential Sender": {"Sender": "<doctor@health.test>"},
    "confidential Reply-To": {"Reply_To": "<doctor@health.test>"},
    "confidential To": {"To": "<anna@corp.test>, <doctor@health.test>"},
    "confidential Cc": {"Cc": "x@example.net, doctor@health.test"},
    "confidential group": {"To": "Team: doctor@health.test, x@example.net;"},
    "confidential with comments": {"Cc": "doctor (arts) @ (x) health.test"},
    "confidential in no proper line": {"Cc": '"arts <doctor@health.test>, <<'},
    "confidential, folded": {"Cc": "x@example.net,\n <doctor@health.test>"},
    "confidential domain envelope": {"sender": "someone@union.test"},
    "confidential domain From": {"From": "<someone@UNION.test>"},
    "confidential domain Cc": {"Cc": "<x@example.net>, Bond <someone@union.test>"},
    "confidential domain, under it": {"From": "<someone@post.union.test>"},
    "confidential domain in no proper line": {"To": "bond someone@union.test,,"},
    "encrypted (PGP)": {"Content_Type": 'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=x'},
    "encrypted (S/MIME)": {"Content_Type": "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"},
    "encrypted (S/MIME, old name)": {"Content_Type": "application/x-pkcs7-mime; name=smime.p7m"},
    "encrypted part": {"message": in_parts("enc1", "Content-Type: application/pgp-encrypted\n\nVersion: 1\n")},
    "protected part": {
        "message": in_parts("enc2", "Content-Type: application/x-microsoft-rpmsg-message\n\nAAAA\n"),
    },
    "encrypted text": {
        "message": in_parts(
            "enc3",
            "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
            "LS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0tCgpoUUVNQQo=\n",
        ),
    },
    "already forwarded": {"X_Sieve_Redirected_From": "dirk@corp.test"},
    "already forwarded, with subaddress": {"X_Sieve_Redirected_From": "<dirk+x@corp.test>"},
    "from the receiver": {"sender": RECEIVER},
    "from the receiver's other sender": {"From": f"Bert <{RECEIVER}>"},
}


@pytest.mark.parametrize("name", list(NOT_COPIED))
def test_what_is_never_forwarded_is_kept_and_not_copied(
    forwards: Callable[..., None], copied: Copied, name: str
) -> None:
    forwards()
    assert not copied(**NOT_COPIED[name])


def test_a_letter_as_we_send_it_is_not_copied_whoever_it_is_from(
    forwards: Callable[..., None], copied: Copied, mailbox: str
) -> None:
    forwards(never=())
    ours = Letter(event="ask", language="nl", channel=Channel.MAILBOX, address=mailbox, name="Anna", id="1")
    sent = compose(ours, "Uw afwezigheid", "Mag dit?", Sender(address="desk@corp.test", organisation="VB"), NOW)
    assert not copied(sent.sender, message=sent.message)


COPIED: dict[str, dict[str, object]] = {
    "generated automatically": {"sender": "noreply@example.net", "Auto_Submitted": "auto-generated"},
    "not automatic": {"Auto_Submitted": "no"},
    "VERP": {"sender": "bounces+123-anna=corp.test@mail.example.net"},
    "not spam": {"X_Spam_Flag": "NO", "X_Spam_Status": "No, score=-1"},
    "signed, not encrypted": {"Content_Type": "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"},
    "normal": {"Sensitivity": "Normal"},
    "a domain that only resembles one": {"From": "<x@reunion.test>"},
    "an address that only resembles one": {"From": "<doctor@wealth.test>, <x@example.net>"},
    "redirected from outside": {"X_Sieve_Redirected_From": "anna@home.example"},
    "an invitation": {"Content_Type": "text/calendar; method=REQUEST"},
    "two parts": {"message": in_parts("two", "Content-Type: text/plain\n\nMore\n")},
    "an attachment": {"message": in_parts("att", "Content-Type: application/pdf\n\n%PDF\n")},
}


@pytest.mark.parametrize("name", list(COPIED))
def test_what_only_resembles_it_is_copied(forwards: Callable[..., None], copied: Copied, name: str) -> None:
    forwards()
    assert copied(**COPIED[name])


# subjects marked as private

MARKED = (
    *(
        "Privé",
        "privé: salaris",
        "[Privé] salaris",
        "PRIVÉ salaris",
        "(prive) salaris",
        "Prive, even iets",
        "* privé *",
    ),
    *("Re: Privé: salaris", "RE: FW: [privé] x", "Antw: privé x", "AW: WG: Privé", "Re[2]: privé x", "Re : privé x"),
    *("[EXTERN] Re: privé x", "Doorst: privé x", "回复: privé x", "🔒 privé x", "  privé x", '"privé" x', "re:privé"),
    *("persoonlijk: x", "Fwd: Persoonlijk x", "PRIVATE - x", "niet openbaar: x", "Niet  openbaar", "prive\u0301 x"),
    *("=?utf-8?B?UHJpdsOpOiBzYWxhcmlz?=", "=?iso-8859-1?Q?Priv=E9?= salaris", "Re: =?utf-8?q?=5Bpriv=C3=A9=5D?= x"),
    *("privé\n salaris", "Privé/salaris", "Privé!"),
    *(
        "[Personal] x",
        "Re: (personal) x",
        "PERSONAL: x",
        "personal - x",
        "Personal",
        "*personal* x",
        "[EXT] [personal] x",
    ),
    *('Fwd: "Personal" x', "{ Personal } x", "Personal – x", "[ personal ] x", "Personal!"),
)
NOT_MARKED = (
    *(
        "Privatisering van de post",
        "Re: privatiseringsplan",
        "Privéparkeerplaats",
        "Persoonlijke groet",
        "privately held",
    ),
    *(
        "Personal trainer",
        "Personal-label",
        "[Personal label] x",
        "Personality: x",
        "Re: personal data request",
        "Person: x",
    ),
    *("Over privé parkeren", "Question about: private parking", "openbaar", "niet", "Vertrouwd: aanbod", "privée"),
)


@pytest.mark.parametrize("subject", MARKED)
def test_a_subject_marked_as_private_is_not_copied(forwards: Callable[..., None], copied: Copied, subject: str) -> None:
    forwards()
    assert not copied(Subject=subject)


@pytest.mark.parametrize("subject", NOT_MARKED)
def test_a_subject_that_only_holds_such_a_word_is_copied(
    forwards: Callable[..., None], copied: Copied, subject: str
) -> None:
    forwards()
    assert copied(Subject=subject)


@pytest.mark.parametrize("subject", ["[a.b*c] x", "Re: a.b*c", "D+E: x"])
def test_a_mark_is_text_and_no_pattern(forwards: Callable[..., None], copied: Copied, subject: str) -> None:
    forwards(private_marks=("a.b*c", "[d+e]"))
    others = [copied(Subject=one) for one in ("aXbbbc x", "[dde] x", "d+ex: y")]
    assert (copied(Subject=subject), others) == (False, [True, True, True])


@pytest.mark.parametrize(
    "subject",
    ["Re: " * 20_000, "[" * 60_000, "a" * 60_000, "é" * 30_000, "[x] " * 15_000, "re[1]" * 10_000, ": " * 30_000],
)
def test_no_subject_delays_mail(forwards: Callable[..., None], copied: Copied, subject: str) -> None:
    forwards()
    began = time.monotonic()
    copied(Subject=subject)
    assert time.monotonic() - began < 5


# beside a reply, in one script


def test_a_reply_and_a_forward_in_one_script_are_both_done(dovecot: Dovecot, sink: Sink, mailbox: str) -> None:
    publish(dovecot, mailbox, sieve.script([a_reply(mailbox)], forwards=[a_forward(mailbox)]))
    dovecot.deliver(OUTSIDE, mailbox, letter(OUTSIDE, mailbox))
    assert (sorted(sent(sink.messages)), stored(dovecot, mailbox)) == ([("", OUTSIDE), (OUTSIDE, RECEIVER)], 1)


def test_who_was_answered_already_is_still_forwarded(dovecot: Dovecot, sink: Sink, mailbox: str) -> None:
    publish(dovecot, mailbox, sieve.script([a_reply(mailbox)], forwards=[a_forward(mailbox)]))
    for _ in range(2):
        dovecot.deliver(OUTSIDE, mailbox, letter(OUTSIDE, mailbox))
    assert sent(sink.messages)[2:] == [(OUTSIDE, RECEIVER)]


def sent(messages: list[Received]) -> list[tuple[str, str]]:
    return [(message.sender, message.recipients[0]) for message in messages]
