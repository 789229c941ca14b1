"""A look at a server that answers wrongly: nothing is told that might be left out, and what went wrong is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from locum.absence import Mailbox
from locum.connectors.imap import ImapSearcher
from locum.connectors.imap_grants import Grants
from locum.connectors.imap_tokens import Unreadable, counted
from locum.errors import Garbled, LocumError, Rejected, Unreachable
from locum.query import Exclusions, Look, Query
from locum.seam import Counted
from mailhosts.fake_imap import MESSAGE, fake_imap

ANNA = Mailbox(address="anna@corp.test")
LEFT_OUT = Exclusions(subject_tags=("privé",), correspondents=("@arbo.test",))


def looks(
    folder: Path, fault: str, query: Query, messages: Sequence[bytes] = (MESSAGE,), **more: Any
) -> Counted | LocumError:
    """What a count tells, or the error; nothing of a grant may be left either way."""
    with fake_imap(fault, messages) as port:
        grants = Grants(directory=folder, group="locum-search")
        known: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": "none"}
        searcher = ImapSearcher(name="imap", grants=grants, **(known | more))
        try:
            return searcher.count(ANNA, Look(query=query, exclusions=LEFT_OUT))
        except LocumError as error:
            return error
        finally:
            assert list(folder.iterdir()) == []


def counts(folder: Path, fault: str) -> int | LocumError:
    """How many answer, or the error."""
    told = looks(folder, fault, Query(senders=("@else.test",)))
    return told if isinstance(told, LocumError) else told.number


def test_a_server_that_says_how_many_and_not_which_is_not_believed(tmp_path: Path) -> None:
    assert isinstance(counts(tmp_path, "short"), Garbled)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("shorter", Garbled), ("huge", Garbled), ("longer", Unreachable)],
)
def test_a_literal_that_lies_about_its_length_tells_nothing(tmp_path: Path, fault: str, kind: type[LocumError]) -> None:
    assert isinstance(counts(tmp_path, fault), kind)


def test_what_nobody_asked_about_is_not_counted(tmp_path: Path) -> None:
    assert counts(tmp_path, "others") == 0


def test_what_was_sent_before_tls_is_no_answer(tmp_path: Path) -> None:
    told = looks(tmp_path, "", Query(senders=("@else.test",)), tls="starttls")
    assert isinstance(told, Garbled)
    assert told.values["what"] == "injected"  # refused for that, and not since no TLS came after it


def test_news_of_a_flag_is_not_taken_for_a_message(tmp_path: Path) -> None:
    assert counts(tmp_path, "flags") == 1


def test_the_answer_to_a_message_that_is_there_and_not_handed_over_is_left_out(tmp_path: Path) -> None:
    answer = mail(1, "offerte", **{"In-Reply-To": "<hers@corp.test>"})
    told = looks(tmp_path, "hidden", Query(senders=("@else.test",)), [answer])
    assert isinstance(told, Counted)
    assert (told.number, told.looked.excluded) == (0, (("reply", 1),))


# a server that knows US-ASCII alone


def mail(number: int, text: str, **headers: str) -> bytes:
    """A message of the customer's, in UTF-8."""
    head = {"From": "Klant <klant@else.test>", "Subject": "Offerte", "Message-ID": f"<{number}@else.test>"} | headers
    lines = [f"{name}: {value}" for name, value in head.items()]
    lines += ["Date: Mon, 23 Nov 2026 10:00:00 +0100", "Content-Type: text/plain; charset=utf-8", "", text, ""]
    return "\r\n".join(lines).encode()


IN_ASCII = {
    "what answers": (mail(1, "Hierbij de première offerte."), 1),
    "without the word": (mail(1, "Hierbij de offerte."), 0),
    "a mark in what was forwarded": (mail(1, "première\r\n> Subject: privé: iets"), 0),
    "a correspondent in what was forwarded": (mail(1, "première\r\n> From: arts@arbo.test"), 0),
    "a mark in its subject": (mail(1, "première", Subject="=?utf-8?q?Priv=C3=A9=3A_iets?="), 0),
}


@pytest.mark.parametrize("case", list(IN_ASCII))
def test_where_the_server_knows_no_such_words_they_are_compared_here(tmp_path: Path, case: str) -> None:
    message, number = IN_ASCII[case]
    told = looks(tmp_path, "ascii", Query(senders=("@else.test",), words=("première",)), [message])
    assert isinstance(told, Counted)
    assert (told.number, told.looked.remarks) == (number, ("words-compared-here",))


@pytest.mark.parametrize("case", list(IN_ASCII))
def test_what_is_left_out_is_compared_here_too_where_the_server_cannot_be_asked(tmp_path: Path, case: str) -> None:
    message, _ = IN_ASCII[case]
    told = looks(tmp_path, "ascii", Query(senders=("@else.test",), words=("offerte",)), [message])
    assert isinstance(told, Counted)
    assert told.number == (1 if case in ("what answers", "without the word") else 0)
    assert "words-compared-here" in told.looked.remarks or sum(many for _, many in told.looked.excluded) == 1


@pytest.mark.parametrize(
    ("answered", "number"), [("<" + "a" * 600 + "@corp.test>", 1), ("<é@corp.test>", 0), ("<plain@corp.test>", 1)]
)
def test_there_an_id_is_looked_for_that_can_be_said_in_ascii(tmp_path: Path, answered: str, number: int) -> None:
    told = looks(tmp_path, "ascii", Query(senders=("@else.test",)), [mail(1, "offerte", **{"In-Reply-To": answered})])
    assert isinstance(told, Counted)
    assert told.number == number


def test_there_a_message_whose_text_is_not_handed_over_is_left_out(tmp_path: Path) -> None:
    told = looks(tmp_path, "ascii", Query(senders=("@else.test",)), [mail(1, "offerte", **{"X-Gone": "yes"})])
    assert isinstance(told, Counted)
    assert (told.number, told.looked.excluded) == (0, (("doubt", 1),))


def test_a_server_that_refuses_ascii_too_tells_nothing(tmp_path: Path) -> None:
    told = looks(tmp_path, "refuses", Query(senders=("@else.test",), words=("première",)))
    assert (type(told), getattr(told, "key", "")) == (Rejected, "imap-search-refused")


def test_however_many_are_left_out_there_the_answer_is_the_same(tmp_path: Path) -> None:
    private = [mail(n, "première\r\n> Subject: privé: iets") for n in range(2, 400)]
    question = Query(senders=("@else.test",), words=("première",))
    told = looks(tmp_path, "ascii", question, [mail(1, "première"), *private])
    assert isinstance(told, Counted)
    assert (told.number, told.looked.excluded) == (1, (("subject", 398),))
    assert told.looked.bodies == 399


def test_an_answer_that_does_not_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert isinstance(counts(tmp_path, "endless"), Garbled)


@pytest.mark.parametrize("said", [[b"UID", b"ALL", b"1"], [], [b"COUNT", b"x"]])
def test_an_answer_without_a_number_is_no_answer(said: list[bytes]) -> None:
    with pytest.raises(Unreadable):
        counted(said)
