"""The demo after its story, played by its reader: what the terminal says is done in a real browser, with two virtual authenticators.

Only what is printed is used: its links, its addresses, and the words between quotation marks, which are to stand on the buttons.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from test_signin_browser import Keyring, device

from locum.demo.queueing import may_forward

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="the demo starts a real Postfix, which only root can"),
    pytest.mark.skipif(shutil.which("postfix", path="/usr/sbin:/usr/bin") is None, reason="Postfix is not installed"),
    pytest.mark.skipif(not may_forward(), reason="this machine gives no program its own view of /etc/postfix"),
]
PLAY = "from rich.console import Console; from locum.demo.playing import play; play(Console(width=80), port=0)"


class Terminal:
    """The demo in a terminal of its own; `text` is what it has printed."""

    def __init__(self, folder: Path, language: str) -> None:
        environment = {**os.environ, "TMPDIR": str(folder), "LC_ALL": language, "PYTHONIOENCODING": "utf-8"}
        self.language = "nl" if language.startswith("nl") else "en"
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", PLAY],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.text += line

    def enter(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def until(self, holds: Callable[[], object], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.text
            time.sleep(0.1)

    def step(self, number: int) -> str:
        """A step as it reads, in one line."""
        found = re.search(rf"^  {number}\. (.*?)(?=^  {number + 1}\. |^$)", self.text, re.MULTILINE | re.DOTALL)
        assert found is not None, self.text
        return " ".join(found[1].split())

    def links(self, to: str) -> list[str]:
        """The links that arrived for an address, in their order."""
        blocks = re.split(r"^  ✉ ", self.text, flags=re.MULTILINE)[1:]
        found = [block for block in blocks if block[6:].startswith(f"{to}:")]
        return [link for block in found for link in re.findall(r"http\S+", block)]

    def arrived(self, to: str, subject: str) -> bool:
        return re.search(rf"^  ✉ \d\d:\d\d {re.escape(to)}: {re.escape(subject)}", self.text, re.MULTILINE) is not None


@pytest.fixture(params=["nl_NL.UTF-8", "C.UTF-8"])
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    with tempfile.TemporaryDirectory(prefix="locum-demo-test-") as folder:
        Path(folder).chmod(0o711)
        made = Terminal(Path(folder), request.param)
        try:
            yield made
            made.process.send_signal(signal.SIGINT)
            assert made.process.wait(60) == 0
            assert [path.name for path in Path(folder).iterdir()] == []
        finally:
            made.process.kill()


def quoted(step: str) -> list[str]:
    """What stands between quotation marks: the words on buttons."""
    return re.findall(r"“([^”]*)”", step)


class Devices:
    """Two authenticators in one tab, of which one is active, as the DevTools of Chromium have them."""

    def __init__(self, page: Page) -> None:
        self.rings = {name: Keyring(page, transport="usb") for name in ("bas", "carla")}
        self.turn("bas")

    def turn(self, whose: str) -> None:
        for name, ring in self.rings.items():
            told = {"authenticatorId": ring.id, "enabled": name == whose}
            ring.cdp.send("WebAuthn.setAutomaticPresenceSimulation", told)


def press(page: Page, label: str) -> None:
    """Press a button that leads to another page, and be there: whoever goes on at once would take back what was sent."""
    with page.expect_navigation():
        page.get_by_role("button", name=label, exact=True).click()


def the_first_keys(terminal: Terminal, page: Page, devices: Devices) -> None:
    step = terminal.step(1)
    page.goto(re.search(r"http\S+", step)[0])
    one, other = re.findall(r"\w+@corp\.test", step)
    for name, value in (("one", one), ("other", other), ("present", "Nora")):
        page.locator(f"[name={name}]").fill(value)
    press(page, quoted(step)[0])
    for whose in ("bas", "carla", "bas", "carla"):
        devices.turn(whose)
        badge = page.locator(".badge").inner_text()
        page.locator("form[data-passkey] button").click()
        expect(page.locator(".badge")).not_to_have_text(badge)
    devices.turn("bas")


def ask_and_sign(terminal: Terminal, page: Page) -> str:
    """Gives back the six words."""
    step = terminal.step(2)
    page.goto(re.search(r"http\S+", step)[0])
    sign_in, what, reason, send = quoted(step)
    _bas, anna, eva = re.findall(r"\w+@corp\.test", step)
    press(page, sign_in)
    page.locator("#mailbox").fill(anna)
    page.get_by_label(what).check()
    page.locator("#to").fill(eva)
    page.locator("#reason").select_option(label=reason)
    page.locator("#because").fill("De klant wacht.")
    day, month, year = re.search(r"(\d\d)-(\d\d)-(\d{4})", step).groups()
    page.locator("#until").fill(f"{year}-{month}-{day}")
    press(page, send)
    words = page.locator(".words").inner_text()
    press(page, quoted(terminal.step(3))[0])
    page.wait_for_url(re.compile(r"/cases/[^/]+$"))
    return words


def answer(terminal: Terminal, page: Page, address: str, step: int) -> None:
    """Behind the first link that arrived for this address."""
    terminal.until(lambda: terminal.links(address))
    page.goto(terminal.links(address)[0])
    press(page, quoted(terminal.step(step))[-1])


def read(terminal: Terminal, page: Page, subject: str) -> str:
    """A letter as the demo's own page shows it, found by the beginning of its subject."""
    page.goto(re.search(r"http://127\.0\.0\.1:\d+/", terminal.text)[0])
    page.get_by_role("link", name=subject).first.click()
    return page.locator("pre").inner_text()


def decide(terminal: Terminal, page: Page, devices: Devices, words: str) -> None:
    step = terminal.step(6)
    out, button = quoted(step)
    page.goto(re.search(r"http\S+", step)[0])
    press(page, out)
    devices.turn("carla")
    sign_in = quoted(terminal.step(2))[0]
    terminal.until(lambda: terminal.links("carla@corp.test"))
    page.goto(terminal.links("carla@corp.test")[-1])
    press(page, sign_in)
    page.locator("main a[href$='/review']").click()
    expect(page.locator(".words")).to_have_text(words)
    press(page, button)
    page.wait_for_url(re.compile(r"/cases/[^/]+$"))


def test_the_reader_plays_all_the_people(terminal: Terminal, chromium: Browser) -> None:
    terminal.until(lambda: "Ctrl-C" in terminal.text)
    assert max(len(line) for line in terminal.text.splitlines() if "http" not in line) <= 80
    with device(chromium, locale=terminal.language) as context:
        page = context.new_page()
        devices = Devices(page)
        the_first_keys(terminal, page, devices)
        words = ask_and_sign(terminal, page)
        answer(terminal, page, "anna@home.test", 4)
        answer(terminal, page, "eva@corp.test", 5)
        decide(terminal, page, devices, words)
        question = "Onze bestelling, vraag" if terminal.language == "nl" else "Our order, question"
        terminal.until(lambda: len(terminal.links("eva@corp.test")) > 1)  # the letter that it is on
        terminal.enter()
        terminal.until(lambda: terminal.arrived("eva@corp.test", f"{question} 1"))
        assert terminal.arrived("anna@corp.test", f"{question} 1")
        answer(terminal, page, "anna@home.test", 8)
        account = "Wat er in jouw naam" if terminal.language == "nl" else "What was asked and done"
        terminal.until(lambda: terminal.arrived("anna@corp.test", account))
        told = read(terminal, page, account)
        assert all(name in told for name in ("Bas Smit", "Carla Jansen", "eva@corp.test"))
        terminal.enter()
        terminal.until(lambda: terminal.arrived("anna@corp.test", f"{question} 2"))
        time.sleep(2)
        assert not terminal.arrived("eva@corp.test", f"{question} 2")
