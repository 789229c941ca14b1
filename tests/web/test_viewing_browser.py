"""Two people see one message together, each in a real browser with a passkey of its own; and what is left when one of them leaves."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import everywhere
from playwright.sync_api import Browser, Page, expect
from tests.mailroom import Message
from viewing_house import ViewingHouse

from locum.demo.sink import Sink

pytestmark = pytest.mark.slow

HEADERS = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n"
TEXT = """--x\r
Content-Type: multipart/alternative; boundary=y\r
\r
--y\r
Content-Type: text/plain; charset=utf-8\r
\r
Hierbij de offerte zoals afgesproken: 12.400 euro.\r
--y\r
Content-Type: text/html; charset=utf-8\r
\r
<script>parent.document.title='owned'</script><img src="http://localhost:1/x.png" onerror="document.title='owned'">\r
<form action="http://localhost:1/"><input autofocus onfocus="parent.document.title='owned'"></form>\r
<meta http-equiv="refresh" content="0;url=http://localhost:1/"><p>Hierbij de <b>offerte</b>.</p>\r
--y--\r
--x\r
Content-Type: text/plain\r
Content-Disposition: attachment; filename="voorwaarden.txt"\r
\r
Artikel 1. De voorwaarden.\r
--x--\r
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ViewingHouse]:
    with Sink() as sink, ViewingHouse(tmp_path, sink, Message(headers=HEADERS, text=TEXT)) as made:
        yield made


@pytest.fixture
def pages(chromium: Browser, house: ViewingHouse) -> Iterator[tuple[Page, Page]]:
    made = house.page(chromium, "bob"), house.page(chromium, "dirk", width=390, height=844)
    yield made
    for page in made:
        page.context.close()


def stops(page: Page) -> None:
    """This browser is gone without a word, as one that lost its network."""
    page.context.set_offline(offline=True)


def why(house: ViewingHouse) -> list[object]:
    return [one["why"] for one in house.world.bodies(house.case, "closed")]


def test_two_see_one_message_and_have_it_delivered(house: ViewingHouse, pages: tuple[Page, Page]) -> None:
    asked: list[str] = []
    for page in pages:
        page.on("request", lambda one: asked.append(one.url))
    house.opened(*pages)
    for page in pages:
        expect(page.locator(".mail.opened .text")).to_contain_text("12.400 euro")
        page.get_by_text("Zoals het is opgemaakt").click()
        expect(page.frame_locator("iframe").locator("b")).to_have_text("offerte")
        assert "owned" not in page.title()
    assert {one for one in asked if not one.startswith(house.house.url)} <= {"about:srcdoc"}
    wrong = [one for page in pages for one in everywhere(page)]
    for page in pages:
        page.get_by_role("button", name="Bekijken").click(timeout=60_000)
    expect(pages[0].get_by_text("Artikel 1. De voorwaarden.")).to_be_visible(timeout=60_000)
    for page in pages:
        page.get_by_role("button", name="Bezorgen bij verkoop@corp.test").click(timeout=60_000)
    house.world.work()
    expect(pages[0].locator("#room_main")).to_contain_text("Deze zaak is afgelopen.", timeout=60_000)
    kept = [
        one
        for one in Path(tempfile.gettempdir()).glob("playwright*/**/*")
        if one.is_file() and b"12.400 euro" in one.read_bytes()
    ]
    sent = [one for one in house.world.sink.messages if b"12.400 euro" in one.content]
    assert (house.now.outcome, [one.recipients for one in sent], wrong, kept) == (
        "delivered",
        [("verkoop@corp.test",)],
        [],
        [],
    )


def test_it_is_gone_for_both_when_one_leaves(house: ViewingHouse, pages: tuple[Page, Page]) -> None:
    bob, dirk = pages
    house.opened(*pages)
    stops(dirk)
    house.seconds.ahead += 14
    expect(dirk.locator(".mail.opened")).to_have_count(0, timeout=60_000)
    expect(bob.locator("#room_main")).to_contain_text("gesloten en hier gewist", timeout=60_000)
    assert "12.400" not in bob.content() + dirk.content()
    bob.go_back()
    assert "12.400" not in bob.content()
    assert why(house) == ["left"]


def test_the_pages_before_it_is_open_are_good_for_everybody(house: ViewingHouse, pages: tuple[Page, Page]) -> None:
    wrong: list[str] = []
    for page in pages:
        page.goto(house.at("viewing"))
        wrong += everywhere(page)
        house.choose(page)
        wrong += everywhere(page)
    pages[0].goto(house.at("viewing"))
    pages[1].goto(house.at("viewing"))
    pages[1].get_by_role("link", name="Tekenen om te openen").click(timeout=60_000)
    assert wrong + everywhere(pages[1]) == []
