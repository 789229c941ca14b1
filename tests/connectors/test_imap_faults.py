"""A look at a server that answers wrongly: nothing is told that might be left out, and what went wrong is said."""

from pathlib import Path

import pytest

from locum.absence import Mailbox
from locum.connectors.imap import ImapSearcher
from locum.connectors.imap_grants import Grants
from locum.connectors.imap_tokens import Unreadable, counted
from locum.errors import Garbled, LocumError, Rejected
from locum.query import Exclusions, Look, Query
from mailhosts.fake_imap import fake_imap

ANNA = Mailbox(address="anna@corp.test")
LEFT_OUT = Exclusions(subject_tags=("privé",), correspondents=("@arbo.test",))


def counts(folder: Path, fault: str) -> int | LocumError:
    """How many answer, or the error; nothing of a grant may be left either way."""
    with fake_imap(fault) as port:
        grants = Grants(directory=folder, group="locum-search")
        searcher = ImapSearcher(name="imap", host="127.0.0.1", port=port, grants=grants, tls="none")
        try:
            return searcher.count(ANNA, Look(query=Query(senders=("@else.test",)), exclusions=LEFT_OUT)).number
        except LocumError as error:
            return error
        finally:
            assert list(folder.iterdir()) == []


def test_a_server_that_says_how_many_and_not_which_is_not_believed(tmp_path: Path) -> None:
    assert isinstance(counts(tmp_path, "short"), Garbled)


def test_a_server_that_cannot_be_asked_about_what_is_left_out_tells_nothing(tmp_path: Path) -> None:
    found = counts(tmp_path, "ascii")
    assert (type(found), getattr(found, "key", "")) == (Rejected, "imap-search-refused")


def test_an_answer_that_does_not_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert isinstance(counts(tmp_path, "endless"), Garbled)


@pytest.mark.parametrize("said", [[b"UID", b"ALL", b"1"], [], [b"COUNT", b"x"]])
def test_an_answer_without_a_number_is_no_answer(said: list[bytes]) -> None:
    with pytest.raises(Unreadable):
        counted(said)
