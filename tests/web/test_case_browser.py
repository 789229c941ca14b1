"""Asking and following in a real browser: with a script and without one, by keyboard, on a phone; and axe-core on every page."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import everywhere, violations
from case_house import CaseHouse
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from tests.signedworld import SignedWorld

from locum.demo.sink import Sink
from locum.lifecycle import State
from locum.web import make_server, open_socket

pytestmark = pytest.mark.slow

NASTY = "<script>document.title='owned'</script>\"><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SignedWorld]:
    with Sink() as sink:
        yield SignedWorld(tmp_path, sink)


@pytest.fixture
def house(world: SignedWorld) -> Iterator[CaseHouse]:
    """The pages, served as `locum serve` serves them."""
    listening = open_socket("127.0.0.1:0")
    made = CaseHouse(world, f"http://localhost:{listening.getsockname()[1]}")
    server = make_server(made.app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield made
    server.should_exit = True
    thread.join()
    listening.close()


def context(chromium: Browser, house: CaseHouse, name: str, *, width: int = 1200, **options: object) -> BrowserContext:
    made = chromium.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
    made.add_cookies([{"name": "locum", "value": house.token(name), "url": house.url}])
    return made


def fill(page: Page) -> None:
    page.get_by_label("Wiens mailbox").fill("anna@corp.test")
    page.get_by_label("Reden").select_option("customer")
    page.get_by_label("In je eigen woorden").fill("Klanten wachten op antwoord.")
    page.get_by_label("Tot", exact=True).fill("2026-12-14")


def test_asking_without_a_script(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    page = context(chromium, house, "bob", width=390, java_script_enabled=False).new_page()
    page.goto(f"{house.url}/cases")
    page.get_by_role("link", name="Iets vragen").click()
    fill(page)
    expect(page.get_by_role("button", name="Dit vragen")).to_have_count(0)
    page.get_by_role("button", name="Eerst bekijken").click()
    expect(page.locator("#shown")).to_contain_text("Anna de Vries wordt eerst gevraagd")
    expect(page.locator("#shown")).to_contain_text("Anna de Vries leest op dit moment geen mail")
    assert world.app.store.find() == []
    page.get_by_role("button", name="Dit vragen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna de Vries: automatisch antwoord")
    assert [case.requester for case in world.app.store.find()] == ["bob"]


def test_the_answer_of_the_policy_is_there_while_one_types(
    chromium: Browser, house: CaseHouse, world: SignedWorld
) -> None:
    page = context(chromium, house, "bob").new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{house.url}/cases/ask")
    expect(page.get_by_role("button", name="Eerst bekijken")).to_be_hidden()
    fill(page)
    expect(page.locator("#shown")).to_contain_text("Dit mag worden gevraagd")
    page.get_by_label("Eigen tekst").check()
    page.get_by_label("Onderwerp").fill("Afwezig")
    page.get_by_label("Tekst voor collega's").fill("Anna is ziek.")
    expect(page.locator("#shown")).to_contain_text("Mag niet")
    expect(page.get_by_role("button", name="Dit vragen")).to_have_count(0)
    page.get_by_label("Tekst voor collega's").fill("Anna is er even niet.")
    page.get_by_role("button", name="Dit vragen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna de Vries: automatisch antwoord")
    assert said == []


def tab(page: Page, name: str) -> None:
    """To the next field of this name, by keyboard."""
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(name)


def test_asking_with_the_keyboard_alone(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    page = context(chromium, house, "bob").new_page()
    page.goto(f"{house.url}/cases/ask")
    page.get_by_label("Wiens mailbox").focus()
    page.keyboard.type("anna@corp.test")
    tab(page, "measure")
    tab(page, "reason")
    reason = page.locator("#reason")
    for _ in range(20):  # not by typing its name: what is typed slowly begins anew
        if reason.input_value() == "customer":
            break
        page.keyboard.press("ArrowDown")
    tab(page, "because")
    page.keyboard.type("Klanten wachten.")
    page.get_by_label("Tot", exact=True).fill("2026-12-14")
    button = page.get_by_role("button", name="Dit vragen")
    expect(button).to_be_visible()
    for _ in range(40):
        if button.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Anna de Vries: automatisch antwoord")


def test_the_enter_key_in_a_field_sends_nothing(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    page = context(chromium, house, "bob").new_page()
    page.goto(f"{house.url}/cases/ask")
    fill(page)
    expect(page.get_by_role("button", name="Dit vragen")).to_be_visible()
    page.get_by_label("Wiens mailbox").press("Enter")
    expect(page.locator("#shown")).to_contain_text("Dit mag worden gevraagd")
    assert world.app.store.find() == []


def test_a_case_keeps_itself_up_to_date_while_one_looks(
    chromium: Browser, house: CaseHouse, world: SignedWorld
) -> None:
    case = world.reply()
    page = context(chromium, house, "bob").new_page()
    page.goto(f"{house.url}/cases/{case.id}")
    expect(page.locator(".now")).to_contain_text("aangevraagd")
    world.work()
    expect(page.locator(".now")).to_contain_text("wordt gevraagd", timeout=60_000)
    expect(page.locator("[data-announce]")).to_contain_text("antwoorden kan tot")


def test_withdrawing_without_a_script(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    case = world.reply()
    page = context(chromium, house, "bob", java_script_enabled=False).new_page()
    page.goto(f"{house.url}/cases/{case.id}")
    page.get_by_role("button", name="Verzoek intrekken").click()
    expect(page.locator(".now")).to_contain_text("Het verzoek is ingetrokken.")
    assert world.now_of(case).state is State.WITHDRAWN


def test_hostile_words_run_nowhere_with_the_script_on(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    page = context(chromium, house, "bob").new_page()
    page.goto(f"{house.url}/cases/ask")
    fill(page)
    page.get_by_label("In je eigen woorden").fill(NASTY)
    page.get_by_label("Eigen tekst").check()
    page.get_by_label("Onderwerp").fill(NASTY)
    page.get_by_label("Tekst voor collega's").fill(NASTY)
    expect(page.locator("#asked")).to_contain_text("onerror")
    case = world.reply(because=NASTY)
    page.goto(f"{house.url}/cases/{case.id}")
    expect(page.locator("main")).to_contain_text("onerror")
    assert "owned" not in page.title()


def all_pages(world: SignedWorld) -> list[tuple[str, str]]:
    """Every page of cases, with somebody who reads English (Mark) and somebody who reads Dutch."""
    forward = world.asked_for()
    mine = world.reply(by="mark", mailbox="ivo@corp.test")
    world.work()
    objected = world.reply(from_="2027-01-10", until="2027-01-20")
    world.work()
    world.desk.answer(world.token(), "object")
    world.work()
    of_bob = [f"/cases/{forward.id}", f"/cases/{forward.id}/review", f"/cases/{objected.id}", "/cases?which=owner"]
    of_others = [f"/cases/{forward.id}", f"/cases/{forward.id}/review", f"/cases/{forward.id}/review?decision=deny"]
    of_others += [f"/cases/{objected.id}", f"/cases/{objected.id}/review", "/cases", "/cases/ask"]
    return [
        *(("bob", path) for path in ("/cases", "/cases/ask", *of_bob)),
        *((name, path) for name in ("dirk", "mark") for path in of_others),
        ("mark", f"/cases/{mine.id}"),
        ("mark", "/cases/aaaa-aaaa"),
        ("anna", f"/cases/{forward.id}"),
    ]


def test_axe_finds_nothing_and_nothing_sticks_out(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    found: list[str] = []
    pages = {name: context(chromium, house, name).new_page() for name in ("bob", "dirk", "mark", "anna")}
    for name, path in all_pages(world):
        page = pages[name]
        page.goto(house.url + path)
        if path == "/cases/ask" and name == "bob":
            fill(page)
            page.get_by_label("Allebei").check()
            page.get_by_label("Naar wie", exact=True).fill("carla@corp.test")
            expect(page.locator("#shown .verdict")).to_be_visible()
        found += [f"{name} {path}: {one}" for one in everywhere(page)]
    assert found == []


def test_axe_does_find_what_is_wrong(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content('<html lang="nl"><title>x</title><main><h1>x</h1><img src="x"><input></main></html>')
    assert {one.partition(":")[0] for one in violations(page)} >= {"image-alt", "label"}
    page.close()


def test_a_page_is_small_on_the_wire(chromium: Browser, house: CaseHouse, world: SignedWorld) -> None:
    for name, path in all_pages(world):
        page = context(chromium, house, name).new_page()
        asked: list[Request] = []
        page.on("request", lambda one, asked=asked: asked.append(one))  # type: ignore[misc]
        page.goto(house.url + path)
        sizes = [one.sizes() for one in asked]
        total = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
        assert 0 < total < 60_000, (path, sizes)
        page.context.close()
