"""The question to the letter: what answers it, which addresses it names, what is said of its breadth. At each edge, from both sides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from locum.narrowing import (
    Advice,
    Query,
    WordsIn,
    advice,
    answers,
    any_is,
    excluded,
    folder_is_excluded,
    is_within,
    parts,
    read_headers,
)
from test_narrowing import EXCLUDED, NOW, QUERY, raw

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def answered(query: Query, received=NOW - DAY, text: str = "De levering is op 3 december.", **headers: str) -> bool:
    return answers(query, read_headers(raw(**headers)), received, text)


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        Query(),
        Query(senders=("klant@else.test",)),
        Query(senders=("x@third.test", "@else.test")),
        Query(words=("OFFERTE", "levering")),
        Query(words=("de  levering",)),
        Query(words=("Lévering",)),
        Query(words=("4711",), words_in=WordsIn.SUBJECT),
        Query(since=NOW - DAY),
        Query(before=NOW - DAY + SECOND),
    ],
)
def test_what_answers_in_every_part_answers(query):
    assert answered(query)


@pytest.mark.parametrize(
    "query",
    [
        Query(senders=("ander@else.test",)),
        Query(senders=("@third.test",)),
        Query(words=("offerte", "afgewezen")),
        Query(words=("levering",), words_in=WordsIn.SUBJECT),
        Query(since=NOW - DAY + SECOND),
        Query(before=NOW - DAY),
        replace(QUERY, senders=("@third.test",)),
        replace(QUERY, words=("afgewezen",)),
        replace(QUERY, since=NOW),
        replace(QUERY, before=QUERY.since),
    ],
)
def test_what_misses_one_part_does_not(query):
    assert not answered(query)


def test_without_a_text_the_subject_is_all_there_is():
    assert not answers(Query(words=("levering",)), read_headers(raw()), NOW)


@pytest.mark.parametrize(
    ("query", "many"),
    [
        (Query(), 0),
        (Query(since=NOW), 0),
        (Query(before=NOW), 0),
        (Query(since=NOW, before=NOW), 1),
        (Query(senders=("a@b.test",)), 1),
        (Query(words=("x",)), 1),
        (QUERY, 3),
    ],
)
def test_dates_are_a_part_only_where_both_ends_are_there(query, many):
    assert parts(query) == many


IN_SUBJECT = replace(QUERY, words_in=WordsIn.SUBJECT)


@pytest.mark.parametrize(
    ("narrower", "wider", "holds"),
    [
        (IN_SUBJECT, QUERY, True),
        (IN_SUBJECT, IN_SUBJECT, True),
        (QUERY, IN_SUBJECT, False),
        (QUERY, replace(IN_SUBJECT, words=()), True),
        (replace(QUERY, senders=("a@else.test",)), QUERY, True),
        (replace(QUERY, senders=("a@else.test",)), replace(QUERY, senders=("a@else.test",)), True),
        (replace(QUERY, senders=("A@else.test",)), replace(QUERY, senders=("b@else.test",)), False),
        (replace(QUERY, senders=("else.test",)), QUERY, True),
        (replace(QUERY, senders=("a@else.test", "b@third.test")), QUERY, False),
    ],
)
def test_a_question_is_narrower_only_where_every_part_is(narrower, wider, holds):
    assert is_within(narrower, wider) == holds


@pytest.mark.parametrize(
    ("address", "named", "holds"),
    [
        ("a@b.test", "a@b.test", True),
        ("a@b.test", "A@B.test.", True),
        ("a@b.test.", "@b.test", True),
        ("a@b.test", "b.test.", True),
        ("a@x.b.test", ".b.test", False),
        ("c@b.test", "a@b.test", False),
        ('"x@y"@b.test', "@b.test", True),
        ("x@b.test@c.test", "@b.test", False),
        ("a@.b.test", "@b.test", True),
    ],
)
def test_an_address_is_named_as_itself_or_by_its_domain(address, named, holds):
    assert any_is([address], [named]) == holds


@pytest.mark.parametrize(
    ("named", "said", "kind"),
    [
        (("private",), "Private", "sensitivity"),
        (("private",), "Personal", None),
        (("personal",), "Private", None),
        (("personal",), "Personal", "sensitivity"),
        ((), "Geheim", "sensitivity"),
    ],
)
def test_a_policy_may_let_one_sensitivity_pass_and_never_an_unknown_one(named, said, kind):
    left_out = replace(EXCLUDED, sensitivities=named)
    assert excluded(read_headers(raw(Sensitivity=said)), (), left_out) == kind


@pytest.mark.parametrize("path", ["zangkoor", "INBOX/Zangkoor/Repetities", "Mijn zangkoor"])
def test_a_folder_that_she_named_is_left_out_at_any_level(path):
    assert folder_is_excluded(path, EXCLUDED)


def test_a_folder_that_she_named_by_its_whole_path_is_left_out():
    hers = replace(EXCLUDED, protections=replace(EXCLUDED.protections, folders=("Archief/2024",)))
    assert (folder_is_excluded("archief/2024", hers), folder_is_excluded("Archief/2025", hers)) == (True, False)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query(), Advice("too-few-parts", "2")),
        (Query(senders=("@gmail.com",)), Advice("everybodys-domain", "gmail.com")),
        (Query(senders=("@corp.test",)), Advice("own-domain", "corp.test")),
        (Query(words=("ja!",)), Advice("short-word", "ja!")),
        (Query(words=("Factuur",)), Advice("common-word", "Factuur")),
        (Query(since=NOW - timedelta(days=62, seconds=1), before=NOW), Advice("long-window")),
        (Query(since=NOW), Advice("long-window")),
        (Query(before=NOW), Advice("long-window")),
    ],
)
def test_what_makes_it_broad_is_said_with_what_it_is_about(query, said):
    assert said in advice(query, ["corp.test"], 2)


@pytest.mark.parametrize(
    ("query", "key"),
    [
        (QUERY, "too-few-parts"),
        (Query(senders=("a@gmail.com",)), "everybodys-domain"),
        (Query(senders=("a@corp.test",)), "own-domain"),
        (Query(words=("4711",)), "short-word"),
        (Query(words=("factuurnummer",)), "common-word"),
        (Query(since=NOW - timedelta(days=62), before=NOW), "long-window"),
    ],
)
def test_at_the_edge_nothing_is_said(query, key):
    assert key not in {one.key for one in advice(query, ["corp.test"], 2)}
