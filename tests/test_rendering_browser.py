"""A browser that is allowed everything is given what is left of hostile messages: it fetches nothing, runs nothing, goes nowhere."""

import pytest
from playwright.sync_api import Browser, Page

from test_rendering import HOSTILE, html_of

pytestmark = pytest.mark.slow
PAGE = "data:text/html,<title>before</title>"


def happened(page: Page, markup: str) -> list[str]:
    """What the browser did with this markup: addresses it asked for, dialogs, changes of place."""
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.goto(PAGE)
    page.evaluate("markup => { document.body.innerHTML = markup; }", markup)
    page.set_content(markup, wait_until="load")
    return [one for one in told if one != PAGE]


@pytest.fixture
def page(chromium: Browser):
    context = chromium.new_context(java_script_enabled=True)
    yield context.new_page()
    context.close()


def test_the_browser_would_tell(page):
    assert happened(page, "<img src=https://evil.test/x onerror=alert(1)>") != []


def test_nothing_of_hostile_messages_fetches_or_runs(page):
    found = {markup: happened(page, html_of(markup)) for markup in HOSTILE}
    assert {markup: told for markup, told in found.items() if told} == {}


def test_a_browser_reads_what_is_left_as_it_was_written(page):
    """Read back and written again it is the same: no parser sees another tree than the one that was judged."""
    page.goto(PAGE)
    left = [one for one in map(html_of, HOSTILE) if "\x00" not in one]
    read = page.evaluate(
        """all => all.map(one => { const box = document.createElement('div'); box.innerHTML = one; return box.innerHTML; })""",
        left,
    )
    assert [one for one, other in zip(read, left, strict=True) if html_of(one) != html_of(other)] == []
