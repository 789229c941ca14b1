"""The story on a phone, in a real browser without JavaScript, against the real server; and what JavaScript would have done."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from desks import Counter
from playwright.sync_api import Browser, Page, expect

from locum.errors import Invalid, Unreachable
from locum.lifecycle import State
from locum.web import make_app, make_server, open_socket, serve

pytestmark = pytest.mark.slow

NASTY = "<script>document.title='owned'</script>\"><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False, locale="nl-NL")
    yield context.new_page()
    context.close()


@pytest.fixture
def site(counter: Counter) -> Iterator[str]:
    """The address of the pages, served as `locum serve` serves them."""
    listening = open_socket("127.0.0.1:0")
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = make_server(make_app(counter.desk, organisation="Voorbeeld BV", url=address))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield address
    server.should_exit = True
    thread.join()
    listening.close()


def test_she_reads_and_agrees(counter: Counter, site: str, phone: Page) -> None:
    case, token = counter.ask()
    phone.goto(f"{site}/l/{token}")
    expect(phone.get_by_role("heading", level=1)).to_have_text(
        "Anna de Vries, mogen we een automatisch antwoord voor je aanzetten?"
    )
    phone.get_by_role("button", name="Ja, zet dit aan").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dank je wel. Je bent akkoord.")
    assert phone.url == f"{site}/l/{token}"
    phone.reload()  # the GET once more, not the form
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dank je wel. Je bent akkoord.")
    assert counter.desk.case(case.id).answer == "agreed"


def test_she_goes_back_and_presses_again(counter: Counter, site: str, phone: Page) -> None:
    case, token = counter.ask()
    phone.goto(f"{site}/l/{token}")
    stale = phone.context.new_page()
    stale.goto(f"{site}/l/{token}")
    phone.get_by_role("button", name="Ja, zet dit aan").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dank je wel. Je bent akkoord.")
    stale.get_by_role("button", name="Ja, zet dit aan").click()
    expect(stale.get_by_role("alert")).to_contain_text("al beantwoord")
    expect(stale.get_by_role("heading", level=1)).to_have_text("Dank je wel. Je bent akkoord.")
    assert [entry.type for entry in counter.store.entries(case=case.id)].count("answered") == 1


def test_she_objects_with_the_keyboard_alone(counter: Counter, site: str, phone: Page) -> None:
    case, token = counter.ask()
    phone.goto(f"{site}/l/{token}")
    phone.get_by_text("Nee, dit wil ik niet").focus()
    phone.keyboard.press("Enter")
    phone.keyboard.press("Tab")
    phone.keyboard.type("Ik lees zelf mee.")
    phone.keyboard.press("Tab")
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Je hebt bezwaar gemaakt. Er wordt niets aangezet.")
    assert counter.store.entries(case=case.id)[-1].body["because"] == "Ik lees zelf mee."


def test_she_previews_and_uses_her_own_words(counter: Counter, site: str, phone: Page) -> None:
    _, token = counter.ask()
    phone.goto(f"{site}/l/{token}")
    phone.get_by_text("Liever mijn eigen woorden").click()
    phone.get_by_label("Onderwerp", exact=True).fill("Even weg")
    phone.get_by_label("Tekst voor collega's").fill("Hoi <b>allen</b>,\n\n  ik ben weg.")
    phone.get_by_role("button", name="Eerst bekijken").click()
    expect(phone.get_by_role("heading", name="Zo gaat het eruit")).to_be_in_viewport()
    expect(phone.locator("#preview pre")).to_have_text("Hoi <b>allen</b>,\n\n  ik ben weg.")
    expect(phone.get_by_label("Tekst voor collega's")).to_have_value("Hoi <b>allen</b>,\n\n  ik ben weg.")
    phone.get_by_role("button", name="Gebruik mijn tekst").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dank je wel. We gebruiken jouw tekst.")
    counter.work()
    (reply,) = counter.mail.replies["anna@corp.test"]
    assert reply.text_body == "Hoi <b>allen</b>,\n\n  ik ben weg."


def test_an_untouched_draft_is_sent_back_letter_for_letter(counter: Counter, site: str, phone: Page) -> None:
    case, token = counter.ask(internal_text="\n\n Hallo,\n\n\tik ben weg & terug op 3 > 2.\n\n")
    phone.goto(f"{site}/l/{token}")
    phone.get_by_text("Liever mijn eigen woorden").click()
    phone.get_by_role("button", name="Gebruik mijn tekst").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dank je wel. We gebruiken jouw tekst.")
    assert counter.desk.case(case.id).auto_reply.text_body == case.auto_reply.text_body


def test_she_has_done_it_herself(counter: Counter, site: str, phone: Page) -> None:
    case, token = counter.ask()
    phone.goto(f"{site}/l/{token}")
    phone.get_by_text("Ik heb het zelf al gedaan").click()
    phone.get_by_role("button", name="Ik heb het zelf gedaan").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Fijn, je hebt het zelf gedaan.")
    assert counter.desk.case(case.id).answer == "done-herself"


def test_she_switches_it_off_and_after_its_end_the_link_says_so(counter: Counter, site: str, phone: Page) -> None:
    case, token = counter.ask()
    counter.pass_time(hours=5)
    phone.goto(f"{site}/l/{token}")
    expect(phone.get_by_role("button", name="Zet het nu uit")).to_be_in_viewport()
    phone.get_by_role("button", name="Zet het nu uit").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Het automatische antwoord wordt uitgezet")
    counter.work()
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Het automatische antwoord staat uit")
    assert counter.desk.case(case.id).state is State.ACCOUNTED
    counter.pass_time(days=40)
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Deze link is verlopen")


def test_before_her_leave_she_sets_her_own(counter: Counter, site: str, phone: Page) -> None:
    phone.goto(f"{site}/l/{counter.remind()}")
    phone.get_by_label("De dag dat je weer mail leest").fill("2026-12-04")
    phone.get_by_role("button", name="Zet dit voor me klaar").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Dank je wel, je antwoord staat klaar")
    counter.work()
    assert counter.mail.replies["anna@corp.test"][0].to_date.isoformat() == "2026-12-03T23:00:00+00:00"


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_sticks_out_sideways_and_buttons_are_large(
    counter: Counter, site: str, chromium: Browser, width: int
) -> None:
    _, token = counter.ask(internal_text="woord" * 300, because="https://" + "a" * 500)
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(f"{site}/l/{token}")
    page.get_by_text("Liever mijn eigen woorden").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    heights = [
        box["height"]
        for button in page.locator("button:visible, summary:visible").all()
        if (box := button.bounding_box())
    ]
    assert len(heights) == 6
    assert min(heights) >= 48
    page.close()


def test_hostile_words_run_nowhere_even_with_javascript_on(counter: Counter, site: str, chromium: Browser) -> None:
    case, token = counter.ask(subject=NASTY, internal_text=NASTY, because=NASTY)
    page = chromium.new_page(locale="nl-NL")
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto(f"{site}/l/{token}")
    page.get_by_text("Liever mijn eigen woorden").click()
    page.get_by_role("button", name="Eerst bekijken").click()
    expect(page.locator("#preview pre")).to_have_text(NASTY)
    page.get_by_role("button", name="Gebruik mijn tekst").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dank je wel. We gebruiken jouw tekst.")
    assert "owned" not in page.title()
    assert {re.sub(r"#.*", "", url) for url in asked_for} == {f"{site}/l/{token}", f"{site}/static/locum.css"}
    assert counter.desk.case(case.id).auto_reply.text_body == NASTY
    page.close()


def test_a_page_of_a_stranger_cannot_answer_for_her(
    counter: Counter, site: str, chromium: Browser, tmp_path: Path
) -> None:
    case, token = counter.ask()
    (tmp_path / "evil.html").write_text(
        f'<form method="post" action="{site}/l/{token}"><button name="answer" value="agree">win</button></form>'
    )
    page = chromium.new_page(locale="nl-NL")
    page.goto(f"file://{tmp_path}/evil.html")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("niet van deze pagina")
    assert counter.desk.case(case.id).answer == ""
    page.close()


# the server itself

_SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from desks import Counter
from locum.web import make_app, serve
import locum.app
counter = Counter(Path(sys.argv[2]))
print(counter.ask()[1], flush=True)
heavy = {"weasyprint", "apprise", "icalendar", "playwright"} & set(sys.modules)
print(sorted(heavy), flush=True)
serve(make_app(counter.desk, organisation="V"), sys.argv[3])
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """`serve` as a process of its own, with its address and a token."""
    with open_socket("127.0.0.1:0") as probe:
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-c", _SERVE, str(Path(__file__).parent), str(tmp_path), listen]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    token = process.stdout.readline().strip()
    yield process, listen, token
    process.kill()
    process.wait()
    process.stdout.close()


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            urlopen(f"{address}/healthz").close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")


def test_serving_is_small_logs_no_token_and_stops_when_told(running: tuple[subprocess.Popen[str], str, str]) -> None:
    process, listen, token = running
    assert process.stdout is not None
    assert process.stdout.readline() == "[]\n"  # none of the heavy libraries
    wait_for(f"http://{listen}")
    for _ in range(5):
        urlopen(f"http://{listen}/l/{token}").close()
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) < 150_000
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM)
    assert token not in said


def test_an_address_that_cannot_be_listened_on_is_a_clear_refusal(counter: Counter) -> None:
    app = make_app(counter.desk, organisation="V")
    with open_socket("127.0.0.1:0") as taken, pytest.raises(Unreachable, match="listen-refused"):
        serve(app, f"127.0.0.1:{taken.getsockname()[1]}")
    for nonsense in ("8080", ":8080", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:99999", "127.0.0.1:²"):
        with pytest.raises(Invalid, match="listen-not-understood"):
            open_socket(nonsense)
