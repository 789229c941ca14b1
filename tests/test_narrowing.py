"""What a search leaves out before it counts, and how narrow its question is."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.narrowing import (
    CLAUSES,
    KINDS,
    Advice,
    Doubt,
    Exclusions,
    Headers,
    Protections,
    Query,
    WordsIn,
    advice,
    answers,
    bucket,
    excluded,
    folder_is_excluded,
    is_doubtful,
    is_within,
    read_headers,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TAGS = ("privé", "prive", "persoonlijk", "private", "personal", "privat", "persönlich", "personnel")
EXCLUDED = Exclusions(
    folders=TAGS,
    subject_tags=TAGS,
    sensitivities=("personal", "private"),
    labels=("$Private", "Privé"),
    correspondents=("@arbo.test", "or@corp.test", "vakbond.test"),
    own=("locum@corp.test",),
    protections=Protections(senders=("eva@home.test",), folders=("Zangkoor",), words=("scheiding",)),
)


def raw(**headers: str) -> bytes:
    """The headers of a business message, with these instead; an underscore is a hyphen."""
    given = {
        "From": "Klant <klant@else.test>",
        "To": "anna@corp.test",
        "Subject": "Offerte 4711",
        "Message-ID": "<1@else.test>",
    }
    given |= {"Date": "Mon, 23 Nov 2026 10:00:00 +0100"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return "".join(f"{name}: {value}\r\n" for name, value in given.items()).encode() + b"\r\n"


def kind(flags: tuple[str, ...] = (), **headers: str) -> str | None:
    return excluded(read_headers(raw(**headers)), flags, EXCLUDED)


# subjects


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "Privé",
            "privé: afspraak",
            "PRIVÉ - bel me",
            "Prive afspraak morgen",
            "[privé] foto's",
            "Foto's (privé)",
            "Borrel - privé",
        ),
        *(
            "Re: Privé",
            "RE: FW: privé: huis",
            "Antw: [persoonlijk]",
            "AW: WG: Privat",
            "Persönlich: Urlaub",
            "TR: personnel - vacances",
        ),
        *(
            "Personal: lunch?",
            "Lunch? #private",
            "Strikt persoonlijk en snel",
            "Dit is strictly private",
            "*privé* lees even",
        ),
        *(
            "Re[2]: Privé",
            "Re (3): privé",
            "  \tPrivé",
            "„Privé“ nieuws",
            "Pri\u0301ve\u0301: x",
            "=?utf-8?q?Priv=C3=A9=3A_huis?=",
            "=?iso-8859-1?q?Priv=E9?=",
        ),
        *("=?utf-8?b?UHJpdsOp?= afspraak", "Doorgestuurd: persoonlijk", "!privé! lezen"),
    ],
)
def test_a_subject_that_is_marked_is_left_out(subject: str) -> None:
    assert kind(Subject=subject) == "subject"


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "Privatisering van het station",
            "Offerte De Privé BV",
            "Organisatie van het congres",
            "Persoonlijke kennismaking met uw team",
        ),
        *(
            "Onze privélease-aanbieding",
            "De privacyverklaring",
            "Persoonlijkheidstest voor teams",
            "Equity? Nee: obligaties",
        ),
        *(
            "Re: privatisering",
            "Interpersonal skills",
            "Vraag over Privatrecht",
            "Impersonal: nieuw album",
            "Vandoor BV",
            "OR-gate 74HC32 levertijd",
            "personeelsfeest",
        ),
    ],
)
def test_a_subject_that_only_looks_like_it_is_not(subject: str) -> None:
    assert kind(Subject=subject) is None


@pytest.mark.parametrize(
    "subject",
    ["Vertrouwelijk: jaarcijfers", "Confidential offer", "Streng vertraulich", "Je salaris", "Ziekmelding: ziek"],
)
def test_a_subject_that_may_be_business_or_not_is_masked_and_not_left_out(subject: str) -> None:
    assert (kind(Subject=subject), is_doubtful(read_headers(raw(Subject=subject)))) == (None, True)


# marks of other kinds


@pytest.mark.parametrize(
    "value", ["Private", "private", "PERSONAL", " Personal ", "Personal; x", "privé", "geheim", "Highly Private"]
)
def test_sensitivity_is_left_out_in_every_spelling(value: str) -> None:
    assert kind(Sensitivity=value) == "sensitivity"


@pytest.mark.parametrize("value", ["Company-Confidential", "company confidential", "COMPANY-CONFIDENTIAL"])
def test_what_is_confidential_for_the_company_is_masked(value: str) -> None:
    assert (kind(Sensitivity=value), is_doubtful(read_headers(raw(Sensitivity=value)))) == (None, True)


@pytest.mark.parametrize("value", ["", "Normal"])
def test_no_sensitivity_is_none(value: str) -> None:
    assert (kind(Sensitivity=value), is_doubtful(read_headers(raw(Sensitivity=value)))) == (None, False)


@pytest.mark.parametrize("flag", ["$Private", "$private", "Privé", "PRIVE", "Priv&AOk-"])
def test_a_label_is_left_out(flag: str) -> None:
    assert kind((r"\Seen", flag)) == "label"


@pytest.mark.parametrize("name", ["Keywords", "X-Keywords", "X-Gmail-Labels"])
def test_a_label_among_the_headers_is_left_out(name: str) -> None:
    assert kind(**{name: "klant, Privé"}) == "label"


@pytest.mark.parametrize(
    "value",
    [
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=x',
        'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        "APPLICATION/X-PKCS7-MIME; name=smime.p7m",
        "application/pkcs7-mime",
    ],
)
def test_encrypted_mail_is_left_out(value: str) -> None:
    assert kind(Content_Type=value) == "encrypted"


def test_signed_mail_that_can_be_read_is_not() -> None:
    assert kind(Content_Type='multipart/signed; protocol="application/pkcs7-signature"; boundary=x') is None


@pytest.mark.parametrize("header", ["From", "To", "Cc", "Reply-To", "Sender", "Bcc", "Resent-To", "Return-Path"])
@pytest.mark.parametrize(
    "address",
    [
        "arts@arbo.test",
        "Arts <ARTS@ARBO.TEST>",
        "x@sub.arbo.test",
        "or@corp.test",
        "a@b.test, bond@vakbond.test",
        '"a, b" <or@corp.test>',
        "groep: or@corp.test;",
    ],
)
def test_a_confidential_correspondent_is_left_out_in_either_direction(header: str, address: str) -> None:
    given = {header: address} | ({"From": "x@else.test, " + address} if header == "From" else {})
    assert kind(**given) == "correspondent"


@pytest.mark.parametrize(
    "address", ["arts@arbo.test.else.test", "arts@notarbo.test", "for@corp.test", "or@else.test", "arbo.test@else.test"]
)
def test_an_address_that_only_looks_like_it_is_not(address: str) -> None:
    assert kind(From=address) is None


@pytest.mark.parametrize("name", ["List-Id", "List-Post"])
def test_a_list_of_a_confidential_correspondent_is_left_out(name: str) -> None:
    assert (
        kind(**{name: {"List-Id": "Leden <leden.vakbond.test>", "List-Post": "<mailto:leden@vakbond.test>"}[name]})
        == "correspondent"
    )


def test_odd_quoting_hides_no_correspondent() -> None:
    assert kind(To='"x" <a@b.test> (or@corp.test') == "correspondent"


@pytest.mark.parametrize("headers", [{"From": "Locum <locum@corp.test>"}, {"To": "locum@corp.test"}])
def test_our_own_letters_and_answers_to_them_are_left_out(headers: dict[str, str]) -> None:
    assert kind(**headers) == "own-letter"


@pytest.mark.parametrize(
    "headers", [{"From": "eva@home.test"}, {"Cc": "Eva <eva@home.test>"}, {"Subject": "Onze scheiding"}]
)
def test_what_she_protected_is_left_out(headers: dict[str, str]) -> None:
    assert kind(**headers) == "protected"


def test_a_protected_word_is_a_whole_word() -> None:
    assert kind(Subject="Waterscheidingslijn en onderscheiding") is None


# what cannot be read


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no headers at all",
        raw(From=""),
        raw(From="undisclosed"),
        raw(Date=""),
        raw(Date="gisteren"),
        raw(Date="Mon, 99 Nov 9999 99:99:99 +9999"),
        raw(Subject="=?x-unknown?q?abc?="),
        raw(Subject="=?utf-8?q?=FF=FE?="),
        raw() + b"",
        b"From: a@b.test\r\nFrom: c@d.test\r\n" + raw(),
        b"Subject: privaat\r\n" + raw(),
        b" continued\r\n" + raw(),
        raw(Subject="x" * 300_000),
    ],
)
def test_what_cannot_be_read_is_doubted(broken: bytes) -> None:
    if broken == raw():
        broken = broken.replace(b"\r\nTo", b"\r\nTo no colon at all")
    with pytest.raises(Doubt):
        read_headers(broken)


@given(st.binary(max_size=2000))
def test_whatever_the_bytes_are_they_are_read_or_doubted(data: bytes) -> None:
    for bytes_ in (data, raw()[:-2] + data):
        with suppress(Doubt):
            assert isinstance(read_headers(bytes_), Headers)


@given(st.text(max_size=200))
def test_a_text_in_the_subject_never_hides_a_mark_before_it(text: str) -> None:
    message = EmailMessage()
    clean = "".join(c for c in text if c.isprintable())
    message["From"], message["Date"], message["Subject"] = (
        "a@b.test",
        "Mon, 23 Nov 2026 10:00:00 +0100",
        f"Privé: {clean}",
    )
    with suppress(Doubt):
        assert excluded(read_headers(message.as_bytes()), (), EXCLUDED) == "subject"


def test_real_headers_of_the_standard_librarys_own_tests_are_read_or_doubted() -> None:
    files = list((Path(os.__file__).parent / "test" / "test_email" / "data").glob("*.txt"))
    if not files:
        pytest.skip("this Python comes without its own tests")
    for file in files:
        with suppress(Doubt):
            assert isinstance(read_headers(file.read_bytes().partition(b"\n\n")[0] + b"\n\n"), Headers)


# folders


@pytest.mark.parametrize(
    "path",
    [
        "Privé",
        "INBOX/Prive",
        "Archief/2026/Persoonlijk",
        "OR",
        "INBOX/OR",
        "Ondernemingsraad 2026",
        "Union",
        "Médecin du travail",
        "Zangkoor",
        "privé-foto's",
        "bad\x07name",
    ],
)
def test_a_private_folder_is_left_out(path: str) -> None:
    assert folder_is_excluded(path, EXCLUDED)


@pytest.mark.parametrize(
    "path", ["INBOX", "Archief", "Klanten/De Organisatie", "Privatisering", "Sent", "Orders", "Factory"]
)
def test_a_business_folder_is_not(path: str) -> None:
    assert not folder_is_excluded(path, EXCLUDED)


def test_every_kind_has_its_clause() -> None:
    assert set(CLAUSES) == set(KINDS)


# the question

QUERY = Query(senders=("@else.test",), words=("offerte",), since=NOW - timedelta(days=20), before=NOW)


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0"), (1, "1-5"), (5, "1-5"), (6, "6-20"), (20, "6-20"), (21, "more"), (9999, "more")]
)
def test_a_number_is_told_as_a_bucket(number: int, told: str) -> None:
    assert bucket(number, [0, 5, 20]) == told


@pytest.mark.parametrize(
    "narrower",
    [
        QUERY,
        Query(senders=("klant@else.test",), words=("offerte",), since=QUERY.since, before=QUERY.before),
        Query(senders=("@else.test",), words=("offerte", "4711"), since=QUERY.since, before=QUERY.before),
        Query(senders=("@else.test",), words=("offerte 4711",), since=QUERY.since, before=QUERY.before),
        Query(
            senders=("@else.test",),
            words=("offerte",),
            words_in=WordsIn.SUBJECT,
            since=NOW - timedelta(days=3),
            before=NOW - timedelta(days=1),
        ),
    ],
)
def test_what_asks_for_less_is_within(narrower: Query) -> None:
    assert is_within(narrower, QUERY)


@pytest.mark.parametrize(
    "wider",
    [
        Query(words=("offerte",), since=QUERY.since, before=QUERY.before),
        Query(senders=("@third.test",), words=("offerte",), since=QUERY.since, before=QUERY.before),
        Query(senders=("@else.test", "@third.test"), words=("offerte",), since=QUERY.since, before=QUERY.before),
        Query(senders=("@else.test",), since=QUERY.since, before=QUERY.before),
        Query(senders=("@else.test",), words=("offert",), since=QUERY.since, before=QUERY.before),
        Query(senders=("@else.test",), words=("offerte",), before=QUERY.before),
        Query(senders=("@else.test",), words=("offerte",), since=NOW - timedelta(days=21), before=NOW),
        Query(senders=("@else.test",), words=("offerte",), since=QUERY.since, before=NOW + timedelta(seconds=1)),
    ],
)
def test_what_asks_for_more_is_not(wider: Query) -> None:
    assert not is_within(wider, QUERY)


QUERIES = st.builds(
    Query,
    senders=st.lists(st.sampled_from(["@a.test", "x@a.test", "@b.test", "@sub.a.test"]), max_size=2).map(tuple),
    words=st.lists(st.sampled_from(["of", "offerte", "offerte 4711", "4711", "Ä"]), max_size=2).map(tuple),
    words_in=st.sampled_from(WordsIn),
    since=st.one_of(st.none(), st.integers(0, 9).map(lambda n: NOW - timedelta(days=n))),
    before=st.one_of(st.none(), st.integers(0, 9).map(lambda n: NOW + timedelta(days=n))),
)
MESSAGES = st.tuples(
    st.sampled_from(["x@a.test", "y@a.test", "x@sub.a.test", "x@b.test"]),
    st.sampled_from(["Offerte 4711", "offerte", "4711 offerte", "ä", "niets"]),
    st.sampled_from(["", "offerte 4711", "Ä en 4711"]),
    st.integers(-9, 9),
)


@settings(max_examples=400)
@given(QUERIES, QUERIES, MESSAGES)
def test_whatever_answers_a_narrower_question_answers_the_wider(
    one: Query, other: Query, made: tuple[str, str, str, int]
) -> None:
    from_, subject, text, days = made
    headers, received = read_headers(raw(From=from_, Subject=subject)), NOW + timedelta(days=days)
    if is_within(one, other) and answers(one, headers, received, text):
        assert answers(other, headers, received, text)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        (Query(words=("offerte",)), {"too-few-parts", "common-word", "no-sender", "long-window"}),
        (
            Query(senders=("@gmail.com",), words=("4711-B",), since=NOW - timedelta(days=9), before=NOW),
            {"everybodys-domain"},
        ),
        (
            Query(senders=("@corp.test",), words=("ja",), since=NOW - timedelta(days=9), before=NOW),
            {"own-domain", "short-word"},
        ),
        (Query(senders=("klant@gmail.com",), since=NOW - timedelta(days=90), before=NOW), {"no-words", "long-window"}),
        (Query(senders=("@else.test",), words=("raamovereenkomst",), since=NOW - timedelta(days=9), before=NOW), set()),
    ],
)
def test_what_makes_a_question_broad_is_said(query: Query, keys: set[str]) -> None:
    assert {one.key for one in advice(query, ["corp.test"], 2)} == keys


def test_advice_names_what_it_is_about() -> None:
    assert Advice("short-word", "ja") in advice(Query(words=("ja",)), [], 2)
