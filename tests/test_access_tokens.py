"""Tokens of the API on both stores: what makes one work, what ends it, and that none is ever kept."""

import os
from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.filings import NOON, Clock

from locum.access_tokens import LONGEST_DAYS, PREFIX, AccessTokens, Scope, scopes_of
from locum.errors import Invalid
from locum.schema import access_tokens as rows
from locum.store import Store

pytest_plugins = ("tests.stores",)

READ = (Scope.CASES_READ,)


@pytest.fixture
def tokens(store: Store, clock: Clock) -> AccessTokens:
    return AccessTokens(store.database, clock, os.urandom)


def make(tokens: AccessTokens, person: str = "bob", days: int = 30) -> tuple[str, str]:
    token, made = tokens.make(person, READ, days=days, made_by="root")
    return token, made.id


def test_a_token_stands_for_a_person_and_her_scopes(tokens: AccessTokens) -> None:
    found = tokens.find(make(tokens)[0])
    assert found is not None
    assert (found.person, found.scopes, found.made_by) == ("bob", frozenset(READ), "root")


def test_no_token_but_the_one_given_out_finds_anything(tokens: AccessTokens) -> None:
    token, _ = make(tokens)
    guesses = ("", PREFIX, token[:-1], token + "x", token.swapcase(), token.removeprefix(PREFIX), "\udcff")
    assert [tokens.find(guess) for guess in guesses] == [None] * len(guesses)


def test_a_token_is_long_and_says_what_it_is_for(tokens: AccessTokens) -> None:
    assert [(len(token), token.startswith("locum_")) for token in (make(tokens)[0], make(tokens)[0])] == [
        (49, True)
    ] * 2


def test_the_token_is_not_in_the_database(store: Store, tokens: AccessTokens) -> None:
    token, _ = make(tokens)
    with store.database.reading() as connection:
        kept = repr(connection.execute(select(rows)).all())
    assert "bob" in kept
    assert token.removeprefix(PREFIX) not in kept


def test_a_token_ends_by_itself(tokens: AccessTokens, clock: Clock) -> None:
    token, _ = make(tokens, days=1)
    clock.later(86_399)
    assert tokens.find(token) is not None
    clock.later(1)
    assert tokens.find(token) is None


@pytest.mark.parametrize("days", [0, -1, LONGEST_DAYS + 1, 10**9])
def test_a_token_without_an_end_within_a_year_is_not_made(tokens: AccessTokens, days: int) -> None:
    with pytest.raises(Invalid, match="token-days"):
        make(tokens, days=days)


@pytest.mark.parametrize("names", [[], ["cases:read", "cases:sign"], ["*"]])
def test_a_token_has_scopes_that_exist(names: list[str]) -> None:
    with pytest.raises(Invalid, match="token-scopes"):
        scopes_of(names)


def test_an_ended_token_works_no_more_and_stays_in_the_list(tokens: AccessTokens, clock: Clock) -> None:
    token, name = make(tokens)
    assert tokens.end(name).ended_at == NOON
    clock.later(60)
    assert tokens.end(name).ended_at == NOON
    assert tokens.find(token) is None
    assert [one.id for one in tokens.all()] == [name]


def test_a_token_that_is_not_there_cannot_be_ended(tokens: AccessTokens) -> None:
    with pytest.raises(Invalid, match="no-such-token"):
        tokens.end("nothing")


def test_all_of_hers_end_together_and_those_of_others_stay(tokens: AccessTokens) -> None:
    hers, his = [make(tokens, "anna")[0] for _ in range(3)], make(tokens)[0]
    tokens.end_all("anna")
    assert [tokens.find(token) is None for token in (*hers, his)] == [True, True, True, False]


def test_the_list_tells_to_the_hour_when_it_was_used(tokens: AccessTokens, clock: Clock) -> None:
    token, _ = make(tokens)
    for _ in range(4):
        tokens.find(token)
        clock.later(1800)
    assert [one.used_at for one in tokens.all()] == [NOON + timedelta(minutes=90)]
