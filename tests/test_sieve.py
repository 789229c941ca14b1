"""The Sieve script of our replies as bytes: what is written, what is refused, what is read back, what Pigeonhole compiles.

What a delivered message does is in test_sieve_on_dovecot.py; what her own script does in test_sieve_hers.py.
"""

import base64
import json
import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default as mail_policy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from locum import sieve
from locum.demo.host import Dovecot
from locum.errors import Garbled, Invalid, LocumError, Unsupported
from locum.measure import Audience, AutoReply
from locum.sieve.content import entity, subject
from mailhosts.dovecot import compiled

START = datetime(2026, 10, 1, tzinfo=UTC)

HOSTILE = (
    '" ; redirect "evil@example.net" ; "',
    'a\\b \\" \\\\ ends with \\',
    'before\n.\nredirect "evil@example.net";\n..\nafter',
    'text:\n.\n;\nredirect "evil@example.net";\n',
    '*/ redirect "evil@example.net"; /* # \r\nstop;',
    "${subject} ${1} ${unicode:0041} ${hex:41} %{user} %s {0} $(id)",
    "Content-Type: text/html\n\n<script>alert(1)</script>\n--boundary\n--boundary--\n",
    "🏖️ Łukasz Zażółć 北京 עברית é e\u0301",
    "x" * 5000 + " end",
    "a \n\tb\t\n \n\nFrom me\n=3D =\nend",
    "abc\u202edef\u2066ghi\u2069\u2028\u0085",
    "a\x01b\x07c\x1b[31md\x7f",
    "a\rb\r\rredirect",
    "Away\r\nBcc: evil@example.net\r\nX-Evil: yes",
    "\n\n.",
    "",
)


def a_reply(**changes: object) -> AutoReply:
    made = AutoReply(
        handle="case-1",
        from_date=START,
        to_date=START + timedelta(days=20),
        subject="Afwezig",
        text_body="Ik ben er even niet.",
        external_text="I am away for a while.",
        audience=Audience.EVERYONE,
        addresses=("anna@corp.test", "a.devries@corp.test"),
        internal_domains=("corp.test",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=300), st.text('"\\.;\r\n{}:=text redirct', max_size=80))
subjects = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=300), st.text('ab =?\\"', max_size=99))
names = st.one_of(
    st.sampled_from(("o'hara+x@corp.test", "anna@münchen.test", "@else.test", "else.test", *HOSTILE)),
    st.text(max_size=20),
    st.builds("{}@{}".format, st.text(max_size=9), st.text(max_size=9)),
)


@st.composite
def replies(draw: st.DrawFn) -> AutoReply:
    few = st.lists(names, max_size=2).map(tuple)
    return a_reply(
        handle=draw(st.one_of(st.sampled_from(("case-1", "C.2:x_y")), st.text(max_size=5))),
        subject=draw(st.one_of(st.just("Afwezig"), subjects)),
        text_body=draw(texts),
        html_body=draw(st.none() | texts),
        external_text=draw(st.none() | texts),
        external_html=draw(st.none() | texts),
        audience=draw(st.sampled_from(tuple(Audience))),
        exceptions=draw(st.just(()) | few),
        addresses=draw(st.just(("anna@corp.test",)) | few),
        internal_domains=draw(st.just(("corp.test",)) | few),
    )


def written(reply: AutoReply) -> bytes | None:
    """The script, None where it is refused."""
    try:
        return sieve.script([reply])
    except (Unsupported, Invalid):
        return None


def lines(text: str) -> str:
    """With CRLF as the only line end, none at the end."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").removesuffix("\r\n")


# read back


@settings(max_examples=300, deadline=None)
@given(replies())
def test_what_was_written_is_read_back(reply: AutoReply) -> None:
    script = written(reply)
    assert script is None or sieve.parse(script).replies == (reply,)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=3))
@example(0, b" ")
def test_a_script_that_was_changed_anywhere_is_not_ours(place: int, by: bytes) -> None:
    script = sieve.script([a_reply()])
    place %= len(script)
    changed = script[:place] + by + script[place + len(by) :]
    if changed != script:
        with pytest.raises(Garbled):
            sieve.parse(changed)


@pytest.mark.parametrize("more", [b" ", b"\r\n", b"# x\r\n", b'redirect "evil@example.net";\r\n'])
def test_a_script_with_something_behind_it_is_not_ours(more: bytes) -> None:
    with pytest.raises(Garbled):
        sieve.parse(sieve.script([a_reply()]) + more)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"include":null,"replies":[]}',
        b'{"include":1,"replies":[{}]}',
        b"[" * 50_000,
        b"\xff",
    ],
)
def test_our_mark_before_nonsense_is_not_ours(data: bytes) -> None:
    script = sieve.script([a_reply()])
    first, mark, rest = script.split(b"\r\n", 2)
    forged = b"\r\n".join((first, mark[:10] + base64.b64encode(data), rest))
    with pytest.raises(Garbled):
        sieve.parse(forged)


def test_the_data_of_another_reply_with_this_script_is_not_ours() -> None:
    one, other = (sieve.script([a_reply(subject=text)]).split(b"\r\n", 2) for text in ("Een", "Twee"))
    with pytest.raises(Garbled):
        sieve.parse(b"\r\n".join((one[0], other[1], one[2])))


def test_the_name_of_her_script_is_read_back() -> None:
    name = 'mijn "filter" \\ é'
    assert sieve.parse(sieve.script([a_reply()], include=name)).include == name


def test_two_replies_are_read_back_in_the_order_of_their_handles() -> None:
    later = a_reply(handle="a", from_date=START + timedelta(days=20), to_date=START + timedelta(days=30))
    assert sieve.parse(sieve.script([a_reply(), later])).replies == (later, a_reply())


def test_the_order_in_which_replies_are_given_does_not_matter() -> None:
    later = a_reply(handle="b", from_date=START + timedelta(days=20), to_date=START + timedelta(days=30))
    assert sieve.script([a_reply(), later]) == sieve.script([later, a_reply()])


# refused


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": Audience.KNOWN},
        {"text_body": "a\0b"},
        {"external_text": "a\ud800b"},
        {"html_body": "\0"},
        {"subject": "a\nBcc: evil@example.net"},
        {"subject": "a\rb"},
        {"subject": "a\x1bb"},
        {"subject": "a\u2028b"},
        {"subject": "\ud800"},
        {"subject": " "},
        {"subject": "x" * 256},
        {"subject": "=?" + "é" * 200},
        {"subject": " " + "é" * 200},
        {"text_body": "x" * 65537},
        {"external_text": "é" * 40_000},
        {"text_body": "x" * 1_000_000},
        {"external_text": None},
        {"audience": Audience.INTERNAL, "internal_domains": ()},
        {"handle": ""},
        {"handle": 'x"; stop; #'},
        {"handle": "é"},
        {"to_date": START},
        {"from_date": START.replace(tzinfo=None), "to_date": START.replace(tzinfo=None) + timedelta(1)},
        {"to_date": START + timedelta(days=1, microseconds=1)},
        {"addresses": ("corp.test",)},
        {"addresses": ('"a b"@corp.test',)},
        {"addresses": ("anna@corp.test, evil@example.net",)},
        {"exceptions": ("*@else.test",)},
        {"exceptions": ("a\nb@else.test",)},
        {"internal_domains": ("*",)},
        {"internal_domains": ("",)},
        {"internal_domains": ("anna@corp.test",)},
    ],
    ids=str,
)
def test_what_cannot_be_said_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises((Unsupported, Invalid)):
        sieve.script([a_reply(**changes)])


@pytest.mark.parametrize("days", [0, 5, 19])
def test_overlapping_replies_are_refused(days: int) -> None:
    second = a_reply(handle="case-2", from_date=START + timedelta(days=days), to_date=START + timedelta(days=40))
    with pytest.raises(Unsupported, match="overlap"):
        sieve.script([a_reply(), second])


def test_two_replies_of_the_same_handle_are_refused() -> None:
    second = a_reply(handle="CASE-1", from_date=START + timedelta(days=20), to_date=START + timedelta(days=40))
    with pytest.raises(Unsupported, match="overlap"):
        sieve.script([a_reply(), second])


def test_more_than_a_server_takes_is_refused() -> None:
    many = [
        a_reply(
            handle=f"case-{day}",
            from_date=START + timedelta(days=day),
            to_date=START + timedelta(days=day + 1),
            text_body="x" * 65536,
            external_text="é" * 32768,
        )
        for day in range(6)
    ]
    with pytest.raises(Unsupported, match="sieve-too-long"):
        sieve.script(many)


def test_no_reply_is_no_script() -> None:
    with pytest.raises(Unsupported):
        sieve.script([])


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "a\x9fb", "a\u2028b", "\ud800"])
def test_a_name_of_her_script_that_cannot_be_written_is_refused(name: str) -> None:
    with pytest.raises(Unsupported):
        sieve.script([a_reply()], include=name)


# what stands in it


def test_ours_come_before_hers() -> None:
    script = sieve.script([a_reply()], include="hers")
    assert script.index(b"vacation :days") < script.index(b'include :personal :optional "hers";')


def test_the_text_for_outside_is_in_no_script_for_inside_only() -> None:
    script = sieve.script([a_reply(audience=Audience.INTERNAL)])
    assert b"I am away" not in b"\r\n".join(script.split(b"\r\n")[2:])


def test_a_domain_with_other_letters_is_also_written_as_it_travels() -> None:
    assert b'["m\xc3\xbcnchen.test", "xn--mnchen-3ya.test"]' in sieve.script(
        [a_reply(internal_domains=("münchen.test",))]
    )


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=400) | texts)
def test_a_text_comes_out_of_its_encoding_as_it_went_in(text: str) -> None:
    if "\0" in text:
        return
    part = message_from_bytes(entity(text, None).encode(), policy=mail_policy)
    assert part.get_payload(decode=True).decode() == lines(text)  # type: ignore[union-attr]


@settings(max_examples=200, deadline=None)
@given(texts, texts)
def test_text_and_html_come_out_as_two_parts(text: str, html: str) -> None:
    if "\0" in text + html:
        return
    whole = message_from_bytes(entity(text, html).encode(), policy=mail_policy)
    assert [(part.get_content_type(), part.get_payload(decode=True).decode()) for part in whole.iter_parts()] == [  # type: ignore[attr-defined]
        ("text/plain", lines(text)),
        ("text/html", lines(html)),
    ]


@settings(max_examples=300, deadline=None)
@given(texts, st.none() | texts)
def test_an_encoded_text_has_short_ascii_lines_and_no_lone_dot(text: str, html: str | None) -> None:
    if "\0" in text + (html or ""):
        return
    encoded = entity(text, html)
    assert [line for line in encoded.split("\r\n") if len(line) > 76 or line.startswith(".")] == []
    assert re.fullmatch(r"[ -~\r\n]*", encoded)
    assert "\r" not in encoded.replace("\r\n", "")


@settings(max_examples=500, deadline=None)
@given(subjects | st.text(min_size=1, max_size=900))
def test_a_subject_comes_out_of_its_encoding_as_it_went_in_or_is_refused(text: str) -> None:
    try:
        encoded = subject(text)
    except Unsupported:
        return
    assert len(encoded) <= 255
    assert encoded == text or (encoded.isascii() and str(make_header(decode_header(encoded))) == text)


# what Pigeonhole makes of it

TESTS = frozenset(("ADDRESS", "BODY", "CURRENTDATE", "ENVELOPE", "EXISTS", "HEADER"))
JUMPS = frozenset(("DEBUG", "EXTENSIONS", "JMP", "JMPFALSE", "JMPTRUE"))


def operations(dump: str) -> list[str]:
    """The commands and tests of a compiled script, jumps left out."""
    program = dump[dump.index("* Main program") :]
    found = re.findall(r"^[0-9a-f]{8}:(?: +\d+:|  {5}) ([A-Z]+)\b", program, re.MULTILINE)
    return [name for name in found if name not in JUMPS]


def sayable(reply: AutoReply) -> int:
    """How many texts the script of a reply holds."""
    return (1 if reply.internal_domains else 0) + (1 if reply.audience is Audience.EVERYONE else 0)


def sizes(dump: str, field: str) -> list[int]:
    return [int(number) for number in re.findall(rf"{field}: STR\[(\d+)\]", dump)]


def as_said(reply: AutoReply) -> list[int]:
    """The lengths of the contents that the dump must show."""
    pairs = [(reply.text_body, reply.html_body)] if reply.internal_domains else []
    if reply.audience is Audience.EVERYONE and reply.external_text is not None:
        pairs.append((reply.external_text, reply.external_html))
    return [len(entity(text, html)) for text, html in pairs]


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(replies(), min_size=30, max_size=60))
@example([a_reply(text_body=text, external_html=text) for text in HOSTILE])
@example([a_reply(subject=text) for text in HOSTILE])
def test_pigeonhole_compiles_hostile_replies_to_tests_and_vacations_and_nothing_else(
    dovecot: Dovecot, given_replies: list[AutoReply]
) -> None:
    said = {str(n): (reply, script) for n, reply in enumerate(given_replies) if (script := written(reply)) is not None}
    with tempfile.TemporaryDirectory() as folder:
        dumps = compiled(dovecot, {name: script for name, (_, script) in said.items()}, Path(folder))
    assert set(dumps) == set(said)
    for name, (reply, _) in said.items():
        done = operations(dumps[name])
        assert set(done) <= TESTS | {"VACATION"}
        assert done.count("VACATION") == sayable(reply)
        assert sizes(dumps[name], "reason") == as_said(reply)
        assert sizes(dumps[name], "subject") == [len(subject(reply.subject).encode())] * sayable(reply)


@pytest.mark.slow
def test_the_dump_shows_a_redirect_where_there_is_one(dovecot: Dovecot, tmp_path: Path) -> None:
    hostile = sieve.script([a_reply()]) + b'redirect "evil@example.net"; keep; discard;'
    dump = compiled(dovecot, {"x": hostile}, tmp_path)["x"]
    assert set(operations(dump)) - TESTS == {"VACATION", "REDIRECT", "KEEP", "DISCARD"}


@pytest.mark.slow
def test_the_longest_texts_compile(dovecot: Dovecot, tmp_path: Path) -> None:
    long = a_reply(text_body="x" * 65536, external_text="é" * 32768, subject="é" * 255, html_body="=" * 65536)
    assert set(compiled(dovecot, {"x": sieve.script([long])}, tmp_path)) == {"x"}


@pytest.mark.slow
def test_many_replies_one_after_the_other_compile(dovecot: Dovecot, tmp_path: Path) -> None:
    day = timedelta(days=1)
    many = [a_reply(handle=f"c{n}", from_date=START + n * day, to_date=START + (n + 1) * day) for n in range(40)]
    dump = compiled(dovecot, {"x": sieve.script(many)}, tmp_path)["x"]
    assert operations(dump).count("VACATION") == 80


def test_reading_back_never_fails_otherwise_than_garbled() -> None:
    data = json.dumps({"include": None, "replies": [{"measure": "auto-reply"}]}).encode()
    for text in (b"", b"# locum:1 ", b"\0", b"# locum:1 " + base64.b64encode(data), b"keep;" * 9):
        with pytest.raises(LocumError, match="garbled"):
            sieve.parse(text)
