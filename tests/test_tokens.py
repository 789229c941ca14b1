"""Tokens of one-time links: what is made is genuine, what is guessed is not, and what the store keeps cannot be turned back."""

import hashlib
import os
import string
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from locum import tokens

KEY = bytes(range(32))
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def test_a_token_is_genuine_under_its_key_and_no_other() -> None:
    token = tokens.new(KEY, os.urandom)
    assert tokens.genuine(KEY, token)
    assert not tokens.genuine(b"another key", token)


def test_a_token_holds_all_the_random_bits_it_asked_for() -> None:
    asked: list[int] = []

    def random(count: int) -> bytes:
        asked.append(count)
        return b"\xff" * count

    tokens.new(KEY, random)
    assert sum(asked) * 8 >= 128


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_other_randomness_is_another_token(one: bytes, other: bytes) -> None:
    assert (tokens.new(KEY, lambda _: one) == tokens.new(KEY, lambda _: other)) == (one == other)


@given(st.binary(min_size=16, max_size=16))
def test_a_token_fits_a_text_message_and_an_address(secret: bytes) -> None:
    token = tokens.new(KEY, lambda _: secret)
    assert len(token) == 40
    assert quote(token, safe="") == token
    assert not set(token) & set("ilouILOU" + string.punctuation)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 39), st.sampled_from(ALPHABET))
def test_one_changed_character_is_a_forgery(secret: bytes, place: int, char: str) -> None:
    token = tokens.new(KEY, lambda _: secret)
    changed = token[:place] + char + token[place + 1 :]
    assert tokens.genuine(KEY, changed) == (changed == token)


@given(st.text(max_size=60))
def test_any_text_at_all_is_judged_without_an_error(text: str) -> None:
    assert not tokens.genuine(KEY, text)
    assert len(tokens.digest(text)) == 32


@given(st.text(alphabet=ALPHABET, min_size=40, max_size=40))
def test_a_well_formed_guess_is_not_genuine(guess: str) -> None:
    assert not tokens.genuine(KEY, guess)


def test_a_token_typed_over_by_hand_is_the_same_token() -> None:
    token = tokens.new(KEY, bytes)
    typed = token.upper().replace("0", "O").replace("1", "l") + "."
    assert typed != token
    assert tokens.genuine(KEY, typed)
    assert tokens.digest(typed) == tokens.digest(token)


def test_the_digest_is_the_sha256_of_the_token() -> None:
    token = tokens.new(KEY, os.urandom)
    assert tokens.digest(token) == hashlib.sha256(token.encode()).digest()


def test_a_lookalike_letter_of_another_alphabet_is_refused() -> None:
    token = tokens.new(KEY, lambda count: b"k" * count)
    kelvin = token.replace(token[0], "\u212a", 1)
    assert not tokens.genuine(KEY, kelvin)


def test_a_huge_guess_is_turned_away_by_its_length() -> None:
    assert not tokens.genuine(KEY, "0" * 10_000_000)
