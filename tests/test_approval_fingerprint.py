"""A request in six words: the list they are from, and that two languages say the same."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from locum.approval import fingerprint

LINES = (Path(__file__).parent.parent / "src" / "locum" / "approval" / "words.txt").read_text().splitlines()
PAIRS = [line.split(" ") for line in LINES]
HASH = "f4a194f300d3e7df7086d172f510f6d2aece0f617f52023de2da0c9696f54b0a"


def test_there_are_as_many_things_as_eleven_bits_can_name():
    assert len(PAIRS) == 2048
    assert {len(pair) for pair in PAIRS} == {2}


@pytest.mark.parametrize("column", [0, 1])
def test_no_word_stands_twice(column):
    assert [word for word, often in Counter(pair[column] for pair in PAIRS).items() if often > 1] == []


def test_words_are_short_and_plain():
    words = {word for pair in PAIRS for word in pair}
    assert [word for word in words if not (3 <= len(word) <= 9 and word.isascii() and word.islower())] == []


def test_no_word_is_another_things_word_in_the_other_language():
    dutch = {pair[0]: place for place, pair in enumerate(PAIRS)}
    assert [pair for place, pair in enumerate(PAIRS) if dutch.get(pair[1], place) != place] == []


def test_the_words_are_those_of_the_page():
    digest = hashlib.sha256(b"locum/fingerprint/v1\n" + HASH.encode()).hexdigest()
    bits = f"{int(digest, 16):0256b}"
    places = [int(bits[at : at + 11], 2) for at in range(0, 66, 11)]
    assert fingerprint(HASH, "nl") == " ".join(PAIRS[place][0] for place in places)
    assert fingerprint(HASH, "en") == " ".join(PAIRS[place][1] for place in places)


def test_another_language_reads_english():
    assert fingerprint(HASH, "de") == fingerprint(HASH, "en") != fingerprint(HASH, "nl")


def test_one_changed_character_is_another_six_words():
    assert not set(fingerprint(HASH, "en").split()) & set(fingerprint(HASH[:-1] + "b", "en").split())


def test_the_list_never_changes():
    """Whoever wrote six words down has to find them again."""
    content = "".join(f"{line}\n" for line in LINES).encode()
    assert hashlib.sha256(content).hexdigest() == "816dbe2fb6d25742959c4adf1e6295d91eedd056a466ac2c09150d14f35f8a2e"
