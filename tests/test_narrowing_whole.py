"""A whole message is judged once more before it is shown: what it holds, and what was forwarded in it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.narrowing import KINDS, excluded_within
from test_narrowing import EXCLUDED, raw


def written(body: str, kind: str = "text/plain; charset=utf-8", **headers: str) -> bytes:
    return raw(Content_Type=kind, **headers) + body.encode()


def mixed(*parts: str, boundary: str = "q") -> bytes:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return written(body, f"multipart/mixed; boundary={boundary}")


def holding(message: bytes) -> bytes:
    inner = "Content-Type: message/rfc822\r\n\r\n" + message.decode()
    return mixed("\r\nzie bijlage", inner, boundary=f"q{len(message)}")


@pytest.mark.parametrize(
    "message",
    [
        written("Beste Anna,\r\n\r\nDe levering is op 3 december. Privé heb ik het druk.\r\nOnderwerp: levering"),
        written("<p>Zie <a href='https://else.test'>hier</a>", "text/html"),
        mixed("\r\ntekst", "Content-Type: application/pdf; name=privé.pdf\r\n\r\n%PDF"),
        mixed(
            "\r\nx",
            "Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\nCLASS:PUBLIC\r\nSUMMARY:CLASS:PRIVATE\r\nEND:VEVENT",
        ),
        holding(raw() + b"inner"),
        holding(holding(raw() + b"inner")),
        raw(),
    ],
)
def test_a_message_of_business_is_shown(message):
    assert excluded_within(message, EXCLUDED) is None


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (raw(Subject="Privé: x"), "subject"),
        (raw(From=""), "doubt"),
        (b"", "doubt"),
        (written("-----BEGIN PGP MESSAGE-----\r\n\r\nhQ"), "encrypted"),
        (mixed("\r\nx", "Content-Type: application/pkcs7-mime\r\n\r\nx"), "encrypted"),
        (mixed("\r\nx", "Content-Type: application/octet-stream; name=smime.p7m\r\n\r\nx"), "encrypted"),
        (mixed("\r\nx", "Content-Type: application/octet-stream; name=oud.msg\r\n\r\nx"), "doubt"),
        (mixed("\r\nx", "Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx"), "doubt"),
        (mixed("\r\nx", "Content-Type: text/plain; name=oud.eml\r\n\r\nSubject: x"), "doubt"),
        (
            mixed("\r\nx", "Content-Type: text/calendar\r\n\r\nBEGIN:VEVENT\r\nCLASS:PRIVATE\r\nEND:VEVENT"),
            "sensitivity",
        ),
        (written("BEGIN:VEVENT\r\nCLASS;X=1:confidential\r\n", "text/calendar"), "sensitivity"),
        (holding(raw(Subject="Privé: x")), "subject"),
        (holding(raw(From="arts@arbo.test")), "correspondent"),
        (holding(raw(Sensitivity="Private")), "sensitivity"),
        (holding(holding(raw(To="eva@home.test"))), "protected"),
        (holding(b"Subject: no sender\r\n\r\nx"), "doubt"),
        (written("-----Oorspronkelijk bericht-----\r\nVan: Arts <arts@arbo.test>\r\nAan: Anna"), "correspondent"),
        (written("> From: or@corp.test\r\n> Subject: x"), "correspondent"),
        (written("<p>From: <a href='mailto:arts@arbo.test'>de arts</a>", "text/html"), "correspondent"),
        (written("<p><b>Onderwerp:</b> Re: priv&eacute; afspraak</p>", "text/html"), "subject"),
        (written("Begin doorgestuurd bericht:\r\n\r\n*Onderwerp: *Privé: huis\r\n"), "subject"),
        (written("> > Betreff: Fwd: [privat] Haus"), "subject"),
        (written("Objet : Privat"), "subject"),
        (written("Sensitivity: Personal"), "sensitivity"),
        (written("Gevoeligheid: private"), "sensitivity"),
        (written("Doorgestuurd van locum@corp.test"), "own-letter"),
        (written("Was getekend, eva@home.test"), "protected"),
    ],
)
def test_what_is_in_a_message_leaves_it_out(message, kind):
    assert excluded_within(message, EXCLUDED) == kind


def test_messages_in_messages_are_not_followed_for_ever():
    message = raw()
    for _ in range(12):
        message = holding(message)
    assert excluded_within(message, EXCLUDED) == "doubt"


@given(st.binary(max_size=800))
def test_whatever_the_bytes_are_they_are_judged(data):
    for message in (data, raw() + data, raw()[:-2] + data, written("x")[:-5] + data):
        assert excluded_within(message, EXCLUDED) in {None, *KINDS}


@pytest.mark.parametrize("text", ["> ", "\n", "* ", " \n", "subject", "subject: ", "Onderwerp: privé", "a@"])
def test_no_text_takes_long(text):
    begun = time.process_time()
    excluded_within(written(text * (600_000 // len(text))), EXCLUDED)
    assert time.process_time() - begun < 5
