"""What the pages' log says of signing in, of refusals and of guesses: enough to look into, and nothing that signs in."""

from collections.abc import Iterator

import pytest
from signing import House, cookie, form_token, sign_in
from starlette.testclient import TestClient
from structlog.testing import capture_logs
from tests.filings import Clock

from locum.sessions import digest
from locum.store import Store
from locum.web.signin.who import mark

pytest_plugins = ("tests.stores",)


@pytest.fixture
def house(store: Store, clock: Clock) -> House:
    return House(store, clock)


@pytest.fixture
def browser(house: House) -> Iterator[TestClient]:
    with house.browser() as client:
        yield client


def test_signing_in_and_out_is_logged_by_a_mark_of_the_session(house: House, browser: TestClient) -> None:
    with capture_logs() as said:
        sign_in(browser, house.enrol())
        token = cookie(browser)
        browser.post("/sign-out", data={"form_token": form_token(browser)})
    assert [(line["event"], line["session"]) for line in said] == [
        ("signed in", mark(token)),
        ("signed out", mark(token)),
    ]
    assert digest(token).hex().startswith(mark(token))
    assert token not in str(said)


def test_a_form_that_is_not_ours_is_logged(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    with capture_logs() as said:
        assert browser.post("/sign-out", data={"form_token": "0" * 64}).status_code == 403
    assert [(line["event"], line["log_level"]) for line in said] == [("form refused", "warning")]


def test_what_another_site_sends_is_logged_without_its_address(house: House, browser: TestClient) -> None:
    with capture_logs() as said:
        browser.post("/l/sesame", data={"answer": "agree"}, headers={"Origin": "https://evil.test"})
    assert said == [{"event": "request refused", "key": "foreign-page", "status": 403, "log_level": "warning"}]


def test_twenty_guesses_are_logged_once_they_are_too_many(house: House, browser: TestClient) -> None:
    with capture_logs() as said:
        for _ in range(22):
            browser.post("/sign-in/passkey", data={"credential": "{}"})
    assert {line["event"] for line in said} == {"sign-in refused"}
    assert len(said) == 22


def test_signing_out_has_the_browser_forget_what_it_kept(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    page = browser.post("/sign-out", data={"form_token": form_token(browser)})
    assert page.headers["clear-site-data"] == '"cache", "storage"'
