r"""A request's hash in words, for two people to compare: on the page, in the letter, in the terminal. Pure.

    SHA-256("locum/fingerprint/v1\n" || h_R as 64 hexadecimal digits), its first 66 bits, eleven for each of six words

words.txt has 2,048 lines, a thing in Dutch and the same thing in English, so that somebody who reads "fiets" and somebody
who reads "bicycle" see that it is one. Finding another request with the words of a given one takes some 2^66 tries, two
requests with the same words some 2^33: that is enough to notice a page that shows something else than what is signed, and
no more. What is signed is the whole hash. The order and the words are part of the format and never change.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

WORDS: Final = 6
_BITS: Final = 11
_COLUMNS: Final = {"nl": 0}


def fingerprint(hash_: str, language: str) -> str:
    """Six words for a request's hash, in Dutch or in English."""
    digest = hashlib.sha256(f"locum/fingerprint/v1\n{hash_}".encode()).digest()
    number = int.from_bytes(digest) >> (8 * len(digest) - WORDS * _BITS)
    places = [number >> shift & (1 << _BITS) - 1 for shift in range((WORDS - 1) * _BITS, -1, -_BITS)]
    words = _words(_COLUMNS.get(language, 1))
    return " ".join(words[place] for place in places)


@cache
def _words(column: int) -> tuple[str, ...]:
    lines = files(__package__).joinpath("words.txt").read_text("ascii").splitlines()
    return tuple(line.split(" ")[column] for line in lines)
