"""Letters: what they say, how they travel, and that nothing of people's texts gets where it should not."""

import datetime as dt
import email
import email.policy
import http.server
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.absence import Channel
from locum.errors import Rejected, Unreachable
from locum.letter import Attachment, Letter
from locum.letters import Post, filling
from locum.letters.mail import Sender, compose
from locum.messages import LANGUAGES, catalogue

TEMPLATES = Path(filling.__file__).parent / "templates"
LINK = "https://locum.voorbeeld.example/l/" + "k" * 40
NOW = dt.datetime(2026, 12, 1, 8, 0, tzinfo=dt.UTC)
SENDER = Sender(address="locum@corp.test", organisation="Voorbeeld BV")
VALUES = {
    "organisation": "Voorbeeld BV",
    "name": "Anna Bakker",
    "requester": "Bob de Vries",
    "requester_address": "bob@corp.test",
    "case": "abcd-2345",
    "reason": "de afwezigheidsmelding was vergeten",
    "because": "Klanten krijgen geen antwoord.",
    "subject": "Even niet bereikbaar",
    "internal_text": "Ik ben er even niet.\n.\nVragen? Mail verkoop.",
    "external_text": "Thank you for your mail.",
    "audience": "iedereen die mailt",
    "from_words": "dinsdag 1 december 2026, 13:00 uur",
    "until_words": "vrijdag 25 december 2026, 00:00 uur",
    "deadline_words": "dinsdag 1 december 2026, 17:00 uur",
    "unanswered_words": "Horen we niets, dan zetten we het aan.",
    "link": LINK,
    "key_file": "anna.locum-key",
    "mine": "",
    "why": "je hebt het zelf gestopt",
    "news": "akkoord",
    "account_text": "Wie vroeg het\n-------------\nBob",
    "checkable_file": "",
    "checkable_part": "",
    "checkable_page": "",
}
ELSEWHERE = {
    "mine": "https://locum.voorbeeld.example/mine",
    "asked_words": "een automatisch antwoord",
    "asked_for": "een automatisch antwoord",
    "earlier": "wxyz-2345",
    "happened": "Er is niets ingesteld.",
    "ways": "sms: nee",
    "again": "Je kreeg deze sleutel al eerder.",
    "key_page": "https://locum.voorbeeld.example/mine/key",
    "found": "De handtekening van Dirk is niet met de sleutel van Dirk gezet.",
    "unsigned": "locum review abcd-2345",
    "words": "appel boom",
    "pages": "https://locum.voorbeeld.example/cases",
    "grounds": "Carla Jansen (leidinggevende):\nDe termijn loopt vrijdag af.",
    "officer": "fg@corp.test",
    "authority": "Autoriteit Persoonsgegevens",
    "reader": "Dirk Smit",
    "keeping": "Zorg er alsjeblieft voor dat Anna Bakker haar krijgt.",
    "mailbox": "anna@corp.test",
    "contact_person": "verkoop@corp.test",
    "closes_words": "zondag 31 januari 2027",
    "forward_to": "Dirk Smit (dirk@corp.test)",
    "forward_senders": "van iedereen",
    "owner": "Anna Bakker",
    "anew": "Er is iets bij gekomen; we vragen het je opnieuw.",
    "trial": "Dit is een proef.",
    "attend_offered": "Je mag erbij zijn.",
    "was_live": "abcd-2345",
    "never_live": "abcd-2345",
    "on_words": "dinsdag 1 december 2026, 13:00 uur",
    "signed_by": "Dirk Smit, Maria Bos",
    "text": "anna krijgt een nieuwe sleutel.",
    "waits_words": "woensdag 2 december 2026, 13:00 uur",
    "dpo": "fg@corp.test",
    "file": "offerte.pdf",
    "sender": "J. Jansen <jansen@klant.test>",
    "search_question": "Van: @klant.test\nMet de woorden: “offerte”",
    "deliver_to": "verkoop@corp.test",
}
"""What letters other than the ask say besides."""
LETTER = Letter(
    id="abcd-2345.ask.mailbox.1",
    event="ask",
    channel=Channel.MAILBOX,
    address="anna@corp.test",
    name="Anna Bakker",
    language="nl",
    values=VALUES,
    reply_name="Bob de Vries",
    reply_address="bob@corp.test",
)
SMS = replace(LETTER, channel=Channel.MOBILE, address="+31 6 12345678", id="abcd-2345.ask.mobile.1")
EVENTS = sorted(folder.name for folder in TEMPLATES.iterdir())


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def post(relay: str = "smtp://127.0.0.1:1", **more: object) -> Post:
    settings_: dict[str, object] = {
        "from_address": "locum@corp.test",
        "organisation": "Voorbeeld BV",
        "clock": lambda: NOW,
    }
    return Post(relay=relay, **(settings_ | more))  # type: ignore[arg-type]


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def with_values(letter: Letter, **values: str) -> Letter:
    return replace(letter, values={**letter.values, **values})


def parsed(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


# what they say -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
def test_every_letter_exists_in_both_languages_with_the_same_placeholders(event: str) -> None:
    texts = [(TEMPLATES / event / f"{language}.txt").read_text("utf-8") for language in LANGUAGES]
    names = [sorted(set(re.findall(r"\{(.*?)\}", text))) for text in texts]
    assert names[0] == names[1]
    assert set(names[0]) <= VALUES.keys() | ELSEWHERE.keys() | {"reply_name", "reply_address"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_letter_can_be_made_and_leaves_no_placeholder(event: str, language: str) -> None:
    channel = Channel.MOBILE if event.endswith(".sms") else Channel.MAILBOX
    letter = replace(LETTER, event=event.removesuffix(".sms"), channel=channel, language=language)
    subject, text = post().render(with_values(letter, **ELSEWHERE))
    assert subject.strip()
    assert not re.search(r"[{}]", subject + text)


def test_the_ask_tells_all_she_needs_to_decide() -> None:
    _, text = post().render(LETTER)
    for name in VALUES.keys() - {"internal_text", "mine", "why", "news", "account_text"}:
        assert VALUES[name] in text, name
    assert "  | Ik ben er even niet.\n  | .\n  | Vragen? Mail verkoop." in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", ["ask", "live", "remind", "account", "requester"])
def test_a_letter_says_how_to_check_it_and_asks_for_no_password(event: str, language: str) -> None:
    _, text = post().render(replace(LETTER, event=event, language=language))
    assert {"nl": "Twijfel je of dit bericht echt is?", "en": "Not sure whether this message is real?"}[
        language
    ] in text
    assert {"nl": "Niemand vraagt je hierbij om een wachtwoord", "en": "Nobody asks you for a password"}[
        language
    ] in text
    assert "Bob de Vries" in text


def test_the_requester_is_told_no_words_of_hers() -> None:
    _, text = post().render(replace(LETTER, event="requester"))
    for name in ("because", "subject", "internal_text", "external_text", "link", "reason"):
        assert VALUES[name] not in text


def test_a_paragraph_about_an_empty_value_is_left_out() -> None:
    _, text = post().render(with_values(LETTER, external_text="", deadline_words="  "))
    assert "mensen van buiten" not in text
    assert "Graag voor" not in text


def test_a_value_is_never_read_as_a_template() -> None:
    _, text = post().render(with_values(LETTER, because="{link} {0} {secret_file} {{x}}", name="{case}"))
    assert "  | {link} {0} {secret_file} {{x}}" in text
    assert "Dag {case}," in text


def test_people_cannot_make_their_words_look_like_ours() -> None:
    _, text = post().render(with_values(LETTER, because="Hallo\n\nGeef je wachtwoord:\nhttps://evil.test"))
    assert "\n  | Geef je wachtwoord:\n  | https://evil.test\n" in text


def test_a_letter_with_a_value_missing_is_not_sent() -> None:
    letter = replace(LETTER, values={name: value for name, value in VALUES.items() if name != "link"})
    with pytest.raises(Rejected, match="letter-incomplete"):
        post().send(letter)


@pytest.mark.parametrize("event", ["no-such", "../ask", "ask/../live", ""])
def test_an_unknown_letter_is_not_sent(event: str) -> None:
    with pytest.raises(Rejected, match="letter-unknown"):
        post().render(replace(LETTER, event=event))


def test_an_unknown_language_reads_english() -> None:
    assert post().render(replace(LETTER, language="fy"))[0].startswith("May we")


@pytest.mark.parametrize("event", [event for event in EVENTS if event.endswith(".sms")])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_message_stays_short_and_keeps_link_and_named_person_whole(event: str, language: str) -> None:
    letter = replace(
        SMS, event=event.removesuffix(".sms"), language=language, reply_address="bob.de.vries@voorbeeld.example"
    )
    long = with_values(
        letter,
        organisation="Gemeente Voorbeeldstad",
        requester="Servicedesk",
        until_words="donderdag 24 september 2026, 17:00 uur",
        forward_to="Wilhelmina van den Bosch (w.vandenbosch@voorbeeldstad.example)",
    )
    _, text = post().render(replace(long, reply_name="Bob de Vries"))
    assert len(text) <= 320
    assert "\n" not in text
    if "{link}" in (TEMPLATES / event / "nl.txt").read_text("utf-8"):
        assert LINK in text
    if event != "remind.sms":
        assert "Bob de Vries, bob.de.vries@voorbeeld.example" in text


def test_a_very_long_name_does_not_make_a_long_text_message() -> None:
    _, text = post().render(
        replace(with_values(SMS, requester="B" * 4000, organisation="O" * 4000), reply_name="C" * 4000)
    )
    assert len(text) < 400
    assert LINK in text


# the message ---------------------------------------------------------------------------------------------------------


def made(letter: Letter = LETTER) -> EmailMessage:
    subject, text = post().render(letter)
    return parsed(compose(letter, subject, text, SENDER, NOW).message)


def test_the_headers_say_who_it_is_from_and_where_an_answer_goes() -> None:
    message = made()
    assert message["From"] == "Voorbeeld BV <locum@corp.test>"
    assert message["To"] == "Anna Bakker <anna@corp.test>"
    assert message["Reply-To"] == "Bob de Vries <bob@corp.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]) == NOW


def test_the_message_id_comes_from_the_letter_and_is_the_same_at_every_try() -> None:
    assert made()["Message-ID"] == made(with_values(LETTER, because="Anders."))["Message-ID"]
    assert made()["Message-ID"] != made(replace(LETTER, id="abcd-2345.ask.mailbox.2"))["Message-ID"]
    assert made()["Message-ID"] == "<abcd-2345.ask.mailbox.1@corp.test>"


def test_the_account_goes_as_text_html_and_files() -> None:
    files = (
        Attachment(name="locum-abcd-2345.pdf", media_type="application/pdf", content=b"%PDF-1.7\r\n\x00\xff"),
        Attachment(name="locum-abcd-2345.json", media_type="application/json", content=b'{"a": 1}\n'),
    )
    message = made(replace(LETTER, event="account", html="<p>Dag Zoë</p>", attachments=files))
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Wie vroeg het\n-------------\nBob\n" in text.get_content().replace("\r\n", "\n")
    assert html.get_content().strip() == "<p>Dag Zoë</p>"
    found = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in message.iter_attachments()
    ]
    assert found == [(file.name, file.media_type, file.content) for file in files]


def test_a_line_of_a_megabyte_travels_in_short_lines_and_arrives_whole() -> None:
    letter = with_values(LETTER, internal_text="x" * 1_000_000)
    subject, text = post().render(letter)
    raw = compose(letter, subject, text, SENDER, NOW).message
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    body = parsed(raw).get_body()
    assert body is not None
    assert "x" * 1_000_000 in body.get_content()


HOSTILE = st.text(
    st.sampled_from('a é,;:<>@"()[]\\.\r\n\t\x00\x0b\x85\u2028\u202e\ud800=?🎄\u0301'), max_size=90
) | st.sampled_from(
    [
        "x\r\nBcc: evil@x.test",
        "a@x.test, b",
        "=?utf-8?q?=0d=0aBcc:_evil@x.test?=",
        'é"' * 40 + ", <evil@x.test>",
        "." * 2000,
    ]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_of_people_becomes_a_header_or_a_second_address(name: str, organisation: str, because: str) -> None:
    letter = replace(
        with_values(LETTER, name=name, requester=name, because=because, case=because), name=name, reply_name=name
    )
    subject, text = filling.fill(replace(letter, event="requester"), organisation, SENDER.address)
    envelope = compose(letter, subject, text, Sender(address="locum@corp.test", organisation=organisation), NOW)
    message = parsed(envelope.message)
    expected = (
        "From To Reply-To Subject Date Message-ID Auto-Submitted X-Auto-Response-Suppress X-Locum Content-Language"
    )
    assert set(message.keys()) == {*expected.split(), "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
    for header, address in (("From", "locum@corp.test"), ("To", "anna@corp.test"), ("Reply-To", "bob@corp.test")):
        assert [found for _, found in getaddresses([str(message[header])])] == [address]
    assert b"\n" not in envelope.message.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "a@b@c",
        "a b@c.test",
        "anna@c.test>,<evil@x.test",
        "anna@c.test\r\nRCPT TO:<evil@x.test>",
        "<a@c.test>",
        "a\u202e@c.test",
        "a@" + "x" * 70 + ".test",
    ],
)
def test_what_is_no_address_is_sent_nothing(address: str) -> None:
    with pytest.raises(Rejected, match="letter-address"):
        compose(replace(LETTER, address=address), "x", "y", SENDER, NOW)


@pytest.mark.parametrize("address", ["o'neill@corp.test", "anna+work@corp.test", "A.B@corp.test", "anna@bücher.test"])
def test_unusual_addresses_work(address: str) -> None:
    envelope = compose(replace(LETTER, address=address), "x", "y", SENDER, NOW)
    assert envelope.recipient == address.replace("bücher", "xn--bcher-kva")


# text messages -------------------------------------------------------------------------------------------------------


class Sms(http.server.ThreadingHTTPServer):
    """A gateway: keeps what came, and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), SmsRequest)


class SmsRequest(http.server.BaseHTTPRequestHandler):
    server: Sms

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *rest: object) -> None:
        pass


@pytest.fixture
def sms() -> Iterator[Sms]:
    with Sms() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def gateway(sms: Sms, folder: Path, *before: str) -> Post:
    urls = [*before, "# our gateway", f"json://127.0.0.1:{sms.server_port}/TOKEN/{{mobile}}", ""]
    return post(text_message_url_file=secret_file(folder, "\n".join(urls)))


def test_a_text_message_arrives_whole_at_her_number(sms: Sms, tmp_path: Path) -> None:
    one = gateway(sms, tmp_path)
    assert one.send(SMS) == "accepted by the gateway"
    path, body = sms.got[0]
    assert path.rstrip("/") in ("/TOKEN/%2B31612345678", "/TOKEN/+31612345678")
    assert body["message"] == one.render(SMS)[1]
    assert LINK in body["message"]


def test_a_second_gateway_is_used_only_where_the_first_fails(sms: Sms, tmp_path: Path) -> None:
    gateway(sms, tmp_path, f"json://127.0.0.1:{free_port()}/first").send(SMS)
    assert len(sms.got) == 1
    gateway(sms, tmp_path, f"json://127.0.0.1:{sms.server_port}/first").send(SMS)
    assert [path.split("/")[1] for path, _ in sms.got] == ["TOKEN", "first"]


def test_a_gateway_that_says_no_is_unreachable(sms: Sms, tmp_path: Path) -> None:
    sms.status = 500
    with pytest.raises(Unreachable, match="gateway-unreachable"):
        gateway(sms, tmp_path).send(SMS)


def test_neither_token_nor_text_is_logged_or_told(
    sms: Sms, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    sms.status = 403
    with caplog.at_level(logging.DEBUG), pytest.raises(Unreachable) as raised:
        gateway(sms, tmp_path).send(SMS)
    told = caplog.text + repr(raised.value) + str(raised.value.__cause__) + "".join(capfd.readouterr())
    for secret in ("TOKEN", "612345678", "k" * 40):
        assert secret not in told


@pytest.mark.parametrize(
    "number", ["", "none", "06-12", "+31612345678/../x", "+31612345678?x=1", "0612345678\r\nX: y\x00"]
)
def test_what_is_no_number_is_sent_nothing(sms: Sms, tmp_path: Path, number: str) -> None:
    with pytest.raises(Rejected, match="mobile-number"):
        gateway(sms, tmp_path).send(replace(SMS, address=number))
    assert sms.got == []


def test_no_gateway_a_wrong_one_and_an_open_file_are_said_without_the_url(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="gateway-missing"):
        post().send(SMS)
    with pytest.raises(Rejected, match="gateway-url") as raised:
        post(text_message_url_file=secret_file(tmp_path, "nonsense://TOKEN\n")).send(SMS)
    assert "TOKEN" not in str(raised.value)
    with pytest.raises(Rejected, match="secret-open-to-others"):
        post(text_message_url_file=secret_file(tmp_path, "json://x", 0o640)).send(SMS)


# the errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_of_the_post_has_its_sentence(language: str) -> None:
    source = "".join(file.read_text("utf-8") for file in Path(filling.__file__).parent.glob("*.py"))
    keys = set(re.findall(r'(?:Rejected|Unreachable|Invalid)\(\s*"([a-z-]+)"', source)) | {
        "relay-later",
        "relay-refused",
    }
    assert len(keys) > 12
    assert [key for key in keys if f"{key}.sentence" not in catalogue(language, "errors")] == []
