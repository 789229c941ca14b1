"""Marks of privacy as people and programs really write them, in four languages, and what only looks like one."""

import time
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.messages import LANGUAGES, says
from locum.narrowing import (
    KINDS,
    Advice,
    Doubt,
    Query,
    advice,
    any_is,
    excluded,
    folder_is_excluded,
    is_doubtful,
    is_within,
    read_headers,
)
from test_narrowing import EXCLUDED, NOW, TAGS, kind, raw

ADVICE = (
    *("too-few-parts", "no-sender", "no-words", "everybodys-domain", "own-domain"),
    *("short-word", "common-word", "long-window"),
)


def masked(subject: str) -> bool:
    return is_doubtful(read_headers(raw(Subject=subject)))


# subjects

MARKED = """
[EXTERN] Privé: huis
[EXT] Re: [klanten] privé - auto
*** SPAM *** Persoonlijk: even bellen
Geaccepteerd: Privé afspraak
Geannuleerd: privé
Gelezen: Privé: huis
Automatisch antwoord: persoonlijk
Accepted: Private: dentist
Undeliverable: [personal] photos
Abgelehnt: Privat: Zahnarzt
Gelesen: Persönlich
Réponse automatique : personnel
RE : Privé
Re^2: privé
Fwd:Fwd: FW:Privé
Onderwerp: privé
回复: Privé
Persoonlijk/vertrouwelijk
Vertrouwelijk & persoonlijk
Confidential - private
Fwd: Private & Confidential
Privat und vertraulich
Personnel et confidentiel
Vakantie: privé!
Uitje; privé
Let op - privé -
Projectweekend | Privé: kamerindeling
Nieuws – privé – niet doorsturen
privé-foto's
Privé, niet lezen
Priv\u200bé afspraak
PRI\u00adVÉ: x
PrivÃ©: afspraak
Fwd: PrivÃ© huis
Priv?: afspraak
Priv\ufffd: afspraak
Ｐｒｉｖé：huis
Dit gaat niet door: niet zakelijk
Message privé
Een privébericht voor jou
""".strip().split("\n")


@pytest.mark.parametrize("subject", MARKED)
def test_a_subject_is_marked_wherever_people_put_marks(subject):
    assert kind(Subject=subject) == "subject"


UNMARKED = """
Private equity: term sheet
Re: Private lease offerte 4711
Personal computer order 88
Private label pindakaas
Privé BV: offerte
Privé B.V. jaarrekening
Fwd: Privat GmbH, Rechnung 12
Offerte voor De Privé BV (herzien)
Privatisering NS: reactie
Private-cloud migratie
Semi-privé parkeerplaatsen
Lease zakelijk/privé
Persoonlijke beschermingsmiddelen
Personeelsplanning week 48
Impersonation warning
Primé: nieuw in de winkel
Prive­tisering
De organisatie: OR-gate en NOR-gate
[privatisering] voortgang
(persoonlijkheid) test
RFP#private-network
Foto privéstrand: fotoreportage
""".strip().split("\n")


@pytest.mark.parametrize("subject", UNMARKED)
def test_a_subject_of_business_is_not_marked(subject):
    assert kind(Subject=subject) is None


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "Verslag over mijn privé gebruik",
            "Lease zakelijk/privé",
            "A personal note",
            "Etwas ganz Persönliches für dich",
        ),
        *(
            "Uitnodiging vakbond",
            "Gesprek bedrijfsarts",
            "Votre arrêt maladie",
            "Your payslip of May",
            "Ihre Krankmeldung",
        ),
        *("Hypotheek offerte", "Job application J. Jansen", "Betriebsrat: Sitzung"),
    ],
)
def test_a_subject_that_may_be_private_is_masked(subject):
    assert masked(subject)


@pytest.mark.parametrize(
    "subject", ["Offerte 4711", "Privatisering", "Personeelsplanning", "Vandoor BV", "Arbodiensten"]
)
def test_a_subject_of_business_is_not_masked(subject):
    assert not masked(subject)


PREFIXES = [
    "Re:",
    "RE: ",
    "FW: ",
    "Fwd:",
    "Antw: ",
    "AW: ",
    "WG: ",
    "TR: ",
    "Re[2]: ",
    "[extern] ",
    "[lijst] ",
    "Accepted: ",
    "  ",
]


@given(
    st.lists(st.sampled_from(PREFIXES), max_size=12),
    st.sampled_from(TAGS),
    st.sampled_from([":", " - x", "", "]", " bel me", "!"]),
)
def test_no_number_of_prefixes_hides_a_mark(prefixes, tag, rest):
    assert kind(Subject="".join(prefixes) + tag + rest) == "subject"


@given(st.sampled_from(TAGS), st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=5), st.sampled_from(PREFIXES))
def test_a_word_that_begins_like_a_mark_is_none(tag, rest, prefix):
    if tag + rest not in TAGS:
        assert kind(Subject=f"{prefix}Offerte {tag}{rest} 4711") is None


# sensitivity, labels, encryption


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Keywords", "Persoonlijk"),
        ("X-Mozilla-Keys", "$label3 $label1"),
        ("X-Keywords", "$Forwarded privé"),
        ("X-Gmail-Labels", "Inbox,Privé/Familie"),
        ("Categories", "Niet-zakelijk"),
        ("Keywords", "=?utf-8?q?Priv=C3=A9?="),
    ],
)
def test_a_label_means_private_however_a_program_writes_it(header, value):
    assert kind(**{header: value}) == "label"


@pytest.mark.parametrize("flag", ["$label3", "Personal", "persoonlijk", "Private_mail", "$Priv&AOk-"])
def test_a_flag_means_private_however_a_program_writes_it(flag):
    assert kind((flag,)) == "label"


@pytest.mark.parametrize(
    "flag", [r"\Seen", "$label1", "$Forwarded", "NonJunk", "Privatisering", "&broken", "&AAA", "klant"]
)
def test_a_flag_of_business_is_none(flag):
    assert kind((flag,)) is None


@pytest.mark.parametrize(
    ("name", "left_out"), [("Personal", "label"), ("Non-Business", "label"), ("Confidential", None)]
)
def test_a_label_of_microsofts_is_known_by_its_name(name, left_out):
    labels = f"msip_labels: MSIP_Label_1_Enabled=true; MSIP_Label_1_Name={name}; MSIP_Label_1_SiteId=2\r\n"
    assert excluded(read_headers(labels.encode() + raw()), (), EXCLUDED) == left_out


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/octet-stream; name=smime.p7m"},
        {"Content_Disposition": 'attachment; filename="SMIME.P7M"'},
        {"Content_Class": "rpmsg.message"},
        {"Content_Type": "application/x-microsoft-rpmsg-message"},
    ],
)
def test_encrypted_mail_is_left_out_also_where_its_type_does_not_say_it(headers):
    assert kind(**headers) == "encrypted"


# correspondents


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Mail-Followup-To",
            "X-Forwarded-To",
            "X-Forwarded-For",
            "Disposition-Notification-To",
            "Errors-To",
            "Envelope-To",
        ),
        *("Resent-Bcc", "Resent-Reply-To", "X-Original-From", "X-Envelope-From", "Received", "Apparently-To", "Author"),
        *("Authentication-Results", "Message-ID", "X-Made-Up-Next-Year"),
    ],
)
def test_a_correspondent_counts_whatever_header_names_them(header):
    assert kind(**{header: "<arts@arbo.test>"}) == "correspondent"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "or+secretaris@corp.test",
            '"or"@corp.test',
            "or (raad) @ corp.test",
            "<@relay.test:or@corp.test>",
            "OR@CORP.TEST.",
        ),
        *(
            "=?utf-8?q?Raad?= <or@corp.test>",
            "=?utf-8?q?or=40corp.test?=",
            '"or@corp.test" <alias@else.test>',
            "'or@corp.test'",
        ),
        *(
            "undisclosed: or@corp.test, x@else.test;",
            "x@else.test; or@corp.test",
            "x@else.test or@corp.test",
            "mailto:or@corp.test",
        ),
    ],
)
def test_no_way_of_writing_an_address_hides_it(address):
    assert kind(To=address) == "correspondent"


@pytest.mark.parametrize(
    "address", ["for+or@corp.test", "x@or.corp.test", "or@corp.test.else.test", "+or@corp.test", "or@corp-test.nl"]
)
def test_an_address_beside_it_is_another(address):
    assert kind(To=address) is None


def test_a_domain_of_other_letters_is_known_in_both_forms():
    read = read_headers(raw(To="x@müller.test"))
    assert (any_is(read.correspondents, ["@müller.test"]), any_is(read.correspondents, ["@xn--mller-kva.test"])) == (
        True,
        True,
    )


@pytest.mark.parametrize("header", ["References", "In-Reply-To"])
def test_what_answers_mail_that_was_written_there_is_a_reply_to_them(header):
    assert kind(**{header: "<20261123.7@mail.arbo.test>"}) == "reply"


def test_what_answers_mail_from_elsewhere_is_not():
    assert kind(References="<1@else.test> <or@corp.test.else.test>") is None


# folders


@pytest.mark.parametrize(
    "path",
    [
        *(
            "Mijn privé",
            "INBOX/Persönlich/2024",
            "Klanten/Privé",
            "FNV",
            "ver.di",
            "Vakbonden",
            "Familie",
            "Archief/Home",
            "Thuis",
        ),
        *(
            "Gezin",
            "Délégué du personnel",
            "Occupational-Health",
            "Arbo & verzuim",
            "pri\u200bvé",
            "Priv\u0301e",
            "Zangkoor/2026",
        ),
    ],
)
def test_a_folder_is_left_out_as_people_name_it(path):
    assert folder_is_excluded(path, EXCLUDED)


@pytest.mark.parametrize(
    "path",
    [
        "Klanten/De Privé BV",
        "Leveranciers/Privat GmbH",
        "Product family",
        "Home office",
        "Homepage",
        "Vrienden van de Hoeve",
        "Orbit",
    ],
)
def test_a_folder_of_business_is_not_left_out(path):
    assert not folder_is_excluded(path, EXCLUDED)


# what could be read in two ways, and what takes long


@pytest.mark.parametrize(
    "broken",
    [
        raw(Subject="x\rSensitivity: Private"),
        raw(Subject="x\x00y"),
        raw(Subject="=?utf-8?q?Priv=C3=A9"),
        raw(Subject="=?utf-8?q?=3D=3Futf-8=3Fq=3FPriv=C3=A9=3F=3D?="),
        raw(Subject="=?punycode?q?Priv-?="),
        raw().replace(b"Subject:", b"Subject :"),
        b">From x\r\n" + raw(),
    ],
)
def test_what_programs_read_differently_is_doubted(broken):
    with pytest.raises(Doubt):
        read_headers(broken)


def test_the_language_of_an_encoded_word_says_nothing():
    assert kind(Subject="=?utf-8*nl?q?Priv=C3=A9?=: x") == "subject"


@pytest.mark.parametrize(
    "headers",
    [
        *({"To": text * 15_000} for text in ("a", "a@", "(", '"', "a@b.test,", "=?utf-8?q?a?= ", "<")),
        *({"Subject": text * 15_000} for text in ("=?", "Re: ", "[a", "[x] ", "[ ", " -", "_", ": prive ", "*", "- ")),
        *({"Keywords": text * 15_000} for text in (",", "&A", "&AOk-")),
        {"References": "<a@b>" * 20_000},
        {"To": "x@" + "é" * 50_000},
        {"Content_Type": "text/plain;" + "a=b;" * 20_000},
    ],
)
def test_no_header_takes_long(headers):
    begun = time.process_time()
    assert excluded(read_headers(raw(**headers)), (), EXCLUDED) in {None, "subject", "label"}
    assert time.process_time() - begun < 3


def test_nothing_of_a_message_shows_in_a_repr():
    assert "klant" not in repr(read_headers(raw())).lower()


# the question


@pytest.mark.parametrize(
    ("narrower", "wider"), [("prive", "privé"), ("privé", "prive"), ("strasse", "straße"), ("a", "ab"), ("ß", "s")]
)
def test_a_word_with_other_letters_is_not_narrower(narrower, wider):
    assert not is_within(Query(words=(narrower,)), Query(words=(wider,)))


@pytest.mark.parametrize(
    ("narrower", "wider"), [("PRIVÉ", "privé"), ("Prive\u0301", "privé"), ("offerte 4711", "OFFERTE")]
)
def test_the_same_word_otherwise_written_is(narrower, wider):
    assert is_within(Query(words=(narrower,)), Query(words=(wider,)))


@pytest.mark.parametrize(
    ("narrower", "wider"),
    [
        *(("@a.test", "x@a.test"), ("@a.test", "y@a.test"), ("@a.test", "@sub.a.test"), ("@nota.test", "@a.test")),
        *(("x@nota.test", "@a.test"), ("y@a.test", "x@a.test"), ("@test", "@a.test")),
    ],
)
def test_a_sender_beside_or_above_the_signed_one_is_not_narrower(narrower, wider):
    assert not is_within(Query(senders=(narrower,)), Query(senders=(wider,)))


@pytest.mark.parametrize(
    ("narrower", "wider"),
    [("x@a.test", "@a.test"), ("x@sub.a.test", "@a.test"), ("@sub.a.test", "@a.test"), ("@a.test", "@a.test")],
)
def test_a_sender_within_the_signed_domain_is_narrower(narrower, wider):
    assert is_within(Query(senders=(narrower,)), Query(senders=(wider,)))


def test_a_domain_below_ones_own_is_ones_own():
    assert Advice("own-domain", "mail.corp.test") in advice(
        Query(senders=("@mail.corp.test",), words=("4711-B",), since=NOW, before=NOW), ["corp.test"], 2
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_advice_and_every_kind_has_its_sentence(language):
    keys = [*ADVICE, *(f"kind.{one}" for one in KINDS)]
    assert [key for key in keys if not says(language, f"narrowing.{key}")] == []


def test_the_documentation_names_every_word_that_leaves_out_or_masks():
    table = tomllib.loads((files("locum.narrowing") / "markers.toml").read_text("utf-8"))
    said = (Path(__file__).parent.parent / "docs" / "search.md").read_text("utf-8")
    names = ("folders", "folders_alone", "labels", "phrases", "doubtful", "firms", "businesslike")
    assert [name for name in names if f"| {', '.join(table[name])} |" not in said] == []
