"""Looking for one message on a real Dovecot: what is counted, listed and fetched, and what is not even seen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from locum.absence import Mailbox
from locum.connectors.imap import ImapSearcher
from locum.errors import Refused
from locum.query import Exclusions, Look, Protections, Query, WordsIn
from mailhosts.searching import Searched, owner, searched

pytestmark = pytest.mark.slow

MAILBOXES = [f"anna{number}@corp.test" for number in range(200)]
NOW = datetime.now(UTC).replace(microsecond=0)
_serial = count()
_ids = count(1)
TAGS = ("privé", "prive", "persoonlijk", "private", "personal")
EXCLUDED = Exclusions(
    folders=TAGS,
    subject_tags=TAGS,
    sensitivities=("personal", "private"),
    labels=("$Private", "Privé"),
    correspondents=("@arbo.test", "or@corp.test"),
    own=("locum@corp.test",),
    protections=Protections(senders=("eva@home.test",), folders=("Zangkoor",), words=("scheiding",)),
)


@pytest.fixture(scope="module")
def place() -> Iterator[Searched]:
    with searched(MAILBOXES) as made:
        yield made


@pytest.fixture
def searcher(place: Searched) -> ImapSearcher:
    return place.searcher()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(address=MAILBOXES[next(_serial)])


def message(body: str = "De levering is op 3 december.", **headers: str) -> bytes:
    given = {
        "From": "Klant <klant@else.test>",
        "To": "anna@corp.test",
        "Subject": "Offerte 4711",
        "Message-ID": f"<{next(_ids)}@else.test>",
    }
    given |= {"Date": "Mon, 23 Nov 2026 10:00:00 +0100"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return ("".join(f"{name}: {value}\n" for name, value in given.items()) + "\n" + body + "\n").encode()


def look(
    *words: str,
    senders: tuple[str, ...] = ("@else.test",),
    excluded: Exclusions = EXCLUDED,
    most: int = 20,
    **query: object,
) -> Look:
    return Look(query=Query(senders=senders, words=words, **query), exclusions=excluded, most=most)  # type: ignore[arg-type]


# what is counted


def test_what_answers_is_counted(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message(), message("Iets anders"), message(From="a@third.test")])
    assert searcher.count(mailbox, look("levering")).number == 1


def test_an_empty_mailbox_holds_nothing(searcher: ImapSearcher, mailbox: Mailbox) -> None:
    assert searcher.count(mailbox, look("levering")).number == 0


@pytest.mark.parametrize(
    "word", ["lévering", "北京", 'a"b\\c', "x" * 600, "a\r\nZZ LOGOUT", "{3}", ")", "*", "%", "ALL"]
)
def test_a_word_is_only_a_word_whatever_is_in_it(
    word: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message(), message(" ".join(word.split()), Content_Type="text/plain; charset=utf-8")])
    assert searcher.count(mailbox, look(word)).number == (0 if "\r" in word else 1)


def test_every_word_has_to_be_there(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message("appel en peer"), message("appel")])
    assert searcher.count(mailbox, look("appel", "peer")).number == 1


def test_words_can_be_asked_of_the_subject_alone(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message("levering"), message(Subject="De levering")])
    assert searcher.count(mailbox, look("levering", words_in=WordsIn.SUBJECT)).number == 1


def test_the_window_is_held_to_the_second(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    for seconds in (-1, 0, 1):
        place.put(mailbox.address, [message()], at=NOW - timedelta(days=3, seconds=seconds))
    asked = look(since=NOW - timedelta(days=3), before=NOW - timedelta(days=3) + timedelta(seconds=1))
    assert searcher.count(mailbox, asked).number == 1


@pytest.mark.parametrize("sender", ["klant@notelse.test", "klant@else.test.evil.test", "x@else.tes"])
def test_a_sender_that_only_looks_like_it_is_none(
    sender: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message(From=sender)])
    assert searcher.count(mailbox, look()).number == 0


def test_no_more_than_one_beyond_what_is_told_apart_is_counted(
    place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message() for _ in range(30)])
    counted = searcher.count(mailbox, look(most=5))
    assert (counted.number, counted.looked.all_judged) == (6, False)


# what is left out before anything is counted

LEFT_OUT = {
    "subject": message(Subject="Privé: levering"),
    "sensitivity": message(Sensitivity="Private"),
    "encrypted": message(Content_Type="application/pkcs7-mime; smime-type=enveloped-data"),
    "correspondent": message(Cc="arts@arbo.test"),
    "own-letter": message(To="locum@corp.test"),
    "protected": message(Cc="eva@home.test"),
    "doubt": message(Date="ooit"),
}


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_what_is_left_out_is_not_counted_and_its_kind_is_told(
    kind: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [LEFT_OUT[kind], message()])
    counted = searcher.count(mailbox, look())
    assert (counted.number, counted.looked.excluded) == (1, ((kind, 1),))


@pytest.mark.parametrize("folder", ["Privé", "Privé/Huis", "OR", "Archief/Persoonlijk", "Zangkoor"])
def test_a_private_folder_is_not_looked_into(
    folder: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message()], folder)
    assert searcher.count(mailbox, look("levering")).number == 0


def test_other_folders_are(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message()], "Klanten/Élan & Co")
    assert searcher.count(mailbox, look("levering")).number == 1


def test_a_label_leaves_out(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message()], keywords=["$Private"])
    assert searcher.count(mailbox, look("levering")).looked.excluded == (("label", 1),)


@pytest.mark.parametrize("header", ["References", "In-Reply-To"])
def test_what_answers_something_left_out_is_left_out(
    header: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(
        mailbox.address,
        [message(From="arts@arbo.test", Message_ID="<dokter@arbo.test>"), message(**{header: "<dokter@arbo.test>"})],
    )
    assert searcher.count(mailbox, look("levering")).looked.excluded == (("reply", 1),)


def test_so_is_what_answers_an_answer_to_it(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    chain = [
        message(From="arts@arbo.test", Message_ID="<a@x.test>"),
        message(From="b@corp.test", Message_ID="<b@x.test>", In_Reply_To="<a@x.test>"),
        message(From="c@corp.test", Message_ID="<c@x.test>", In_Reply_To="<b@x.test>"),
        message(In_Reply_To="<c@x.test>"),
    ]
    place.put(mailbox.address, chain[:2], "Archief")
    place.put(mailbox.address, chain[2:])
    assert searcher.count(mailbox, look("levering")).number == 0


def test_what_answers_business_is_not(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message("Ja", Message_ID="<a@x.test>"), message(References="<gone@x.test> <a@x.test>")])
    assert searcher.count(mailbox, look("levering")).number == 1


@pytest.mark.parametrize(
    "body",
    [
        "Zie onder.\n\n-----Oorspronkelijk bericht-----\nVan: Arts <arts@arbo.test>\nOnderwerp: spreekuur\n\nlevering",
        "> From: eva@home.test\nlevering",
        "levering\n---\nSubject: Privé: huis\n",
        "levering\n-----BEGIN PGP MESSAGE-----\n\nhQ",
        "levering\nBEGIN:VEVENT\nCLASS:PRIVATE\nEND:VEVENT",
    ],
)
def test_what_was_forwarded_with_it_counts_too(
    body: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message(body)])
    assert searcher.count(mailbox, look("levering")).number == 0


def holding(*parts: str) -> bytes:
    """A message with these parts, each with its own header lines."""
    body = "".join(f"--b\n{part}\n" for part in ("Content-Type: text/plain\n\nlevering", *parts)) + "--b--"
    return message(body, Content_Type='multipart/mixed; boundary="b"', MIME_Version="1.0")


def attached(**headers: str) -> str:
    return "Content-Type: message/rfc822\n\n" + message(**headers).decode()


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (attached(From="arts@arbo.test"), "correspondent"),
        (attached(Subject="=?utf-8?q?Priv=C3=A9?="), "subject"),
        (attached(Sensitivity="Personal"), "sensitivity"),
        (attached(Date="ooit"), "doubt"),
        ('Content-Type: application/octet-stream; name="Uitslag.MSG"\nContent-Disposition: attachment\n\nabc', "doubt"),
        ('Content-Type: application/pkcs7-mime; name="smime.p7m"\n\nabc', "doubt"),
        (
            attached(Content_Type='multipart/mixed; boundary="c"').rstrip()
            + "\n\n--c\n"
            + attached(From="arts@arbo.test")
            + "\n--c--",
            "correspondent",
        ),
    ],
)
def test_what_was_attached_to_it_counts_too(
    part: str, kind: str, place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(
        mailbox.address,
        [holding(part), holding(attached()), holding('Content-Type: application/pdf; name="offerte.pdf"\n\nabc')],
    )
    counted = searcher.count(mailbox, look("levering"))
    assert (counted.number, counted.looked.excluded) == (2, ((kind, 1),))


def test_counts_before_and_after_excluded_mail_came_are_the_same(
    place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message()])
    before = searcher.count(mailbox, look("levering")).number
    place.put(mailbox.address, list(LEFT_OUT.values()))
    assert searcher.count(mailbox, look("levering")).number == before


# the list, and the one message


def test_the_list_has_from_date_and_subject_the_newest_first(
    place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message(Subject="=?utf-8?q?Eerste=21?=")], at=NOW - timedelta(days=2))
    place.put(mailbox.address, [message(Subject="Vertrouwelijk aanbod")], at=NOW - timedelta(days=1))
    listed = searcher.list(mailbox, look())
    assert [(hit.from_, hit.at, hit.subject, hit.masked) for hit in listed.hits] == [
        ("Klant <klant@else.test>", NOW - timedelta(days=1), "Vertrouwelijk aanbod", True),
        ("Klant <klant@else.test>", NOW - timedelta(days=2), "Eerste!", False),
    ]


def test_a_list_that_is_too_long_is_refused(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message() for _ in range(4)])
    with pytest.raises(Refused, match="too-broad"):
        searcher.list(mailbox, look(most=3))


def test_the_one_message_comes_as_it_is(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    sent = message("levering\nmet twee regels")
    place.put(mailbox.address, [message("iets anders"), sent])
    hit = searcher.list(mailbox, look("twee regels")).hits[0]
    assert searcher.fetch(mailbox, look("twee regels"), hit.place).content == sent.replace(b"\n", b"\r\n")


def test_a_message_that_answers_another_question_is_not_handed_over(
    place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message("appel"), message("peer")])
    hit = searcher.list(mailbox, look("appel")).hits[0]
    with pytest.raises(Refused, match="no-longer-there"):
        searcher.fetch(mailbox, look("peer"), hit.place)


def test_a_message_that_she_marked_since_is_not_handed_over(
    place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(mailbox.address, [message()])
    hit = searcher.list(mailbox, look()).hits[0]
    hers = owner(place.host, mailbox.address)
    hers.select("INBOX")
    hers.store("1", "+FLAGS", "($Private)")
    hers.logout()
    with pytest.raises(Refused, match="no-longer-there"):
        searcher.fetch(mailbox, look(), hit.place)


# nothing is changed


def test_nothing_is_seen_or_moved_or_made_un_recent(place: Searched, searcher: ImapSearcher, mailbox: Mailbox) -> None:
    place.put(mailbox.address, [message(), message(), message(Subject="Privé")])
    searcher.count(mailbox, look("levering"))
    searcher.fetch(mailbox, look(), searcher.list(mailbox, look()).hits[0].place)
    new = place.host.home(mailbox.address) / "Maildir" / "new"
    hers = owner(place.host, mailbox.address)
    status = hers.status("INBOX", "(RECENT UNSEEN)")[1][0]
    hers.logout()
    assert (len(list(new.iterdir())), status.split(b"(")[1]) == (3, b"RECENT 3 UNSEEN 3)")


# the server as witness


def test_what_the_server_says_was_read_is_what_we_say(
    place: Searched, searcher: ImapSearcher, mailbox: Mailbox
) -> None:
    place.put(
        mailbox.address,
        [
            message(Message_ID="<a@x.test>"),
            message(In_Reply_To="<a@x.test>"),
            holding(attached(From="arts@arbo.test")),
            message(Subject="Privé"),
        ],
    )
    hit = searcher.list(mailbox, look()).hits[0]
    looked = searcher.fetch(mailbox, look(), hit.place).looked
    told = place.logged_out(looked.grants[0])
    assert (looked.headers, looked.bodies) == (told["hdr_count"], told["body_count"])
