"""A search over a made-up office mailbox on a real Dovecot: nothing that is left out is ever counted, listed or opened, and what is
wanted is found. `make bench` asks a thousand questions of ten thousand messages; here it is a sample.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from locum.absence import Mailbox
from locum.query import Exclusions, Look, Query
from mailhosts.searching import Searched, searched
from officemail import Office, asked, office
from officemail.judging import LEFT_OUT, judge, look, put

pytestmark = pytest.mark.slow
ANNA, ALONE = "anna@corp.test", "alone@corp.test"
MANY, QUESTIONS = 700, 70


@pytest.fixture(scope="module")
def mailbox() -> Office:
    return office(MANY, seed=4)


@pytest.fixture(scope="module")
def place(mailbox: Office) -> Iterator[Searched]:
    with searched([ANNA, ALONE, "real@corp.test"]) as made:
        put(made, ANNA, mailbox.messages)
        put(made, ALONE, [one for one in mailbox.messages if not one.left_out])
        yield made


def test_the_same_seed_gives_the_same_mailbox() -> None:
    assert office(50, seed=9) == office(50, seed=9)


def test_nothing_leaks_and_what_is_wanted_is_found(place: Searched, mailbox: Office) -> None:
    found = judge(place.searcher(), ANNA, mailbox, asked(mailbox, QUESTIONS, seed=5))
    assert (found.leaked, found.too_many, found.missed) == ([], [], [])


@pytest.mark.parametrize("nothing", [{"subject_tags": ()}, {"correspondents": ()}, {"sensitivities": ()}])
def test_a_leak_would_be_noticed(nothing: dict[str, tuple[str, ...]], place: Searched, mailbox: Office) -> None:
    left_out = replace(LEFT_OUT, **nothing)  # type: ignore[arg-type]
    aimed = [one for one in asked(mailbox, 600, seed=5) if one.aims][:120]
    assert judge(place.searcher(), ANNA, mailbox, aimed, left_out).leaked != []


def test_a_mailbox_without_the_excluded_mail_answers_just_the_same(place: Searched, mailbox: Office) -> None:
    """So nobody learns by any difference of counts whether there is something, or how much, that is left out."""
    searcher = place.searcher()
    for question in asked(mailbox, 25, seed=6):
        with_, without = (searcher.count(Mailbox(address=who), look(question)).number for who in (ANNA, ALONE))
        assert with_ == without


def test_real_mail_that_is_given_is_read_without_a_crash(place: Searched) -> None:
    """LOCUM_REAL_MAIL names a folder of maildir files or of single messages."""
    folder = os.environ.get("LOCUM_REAL_MAIL")
    if not folder:
        pytest.skip("LOCUM_REAL_MAIL names no folder")
    files = [file for file in Path(folder).rglob("*") if file.is_file() and file.suffix != ".mbox"]
    place.put("real@corp.test", [file.read_bytes() for file in files])
    counted = place.searcher().count(
        Mailbox(address="real@corp.test"), Look(query=Query(), exclusions=Exclusions(), most=10**6)
    )
    assert counted.number + sum(many for _, many in counted.looked.excluded) == len(files)
