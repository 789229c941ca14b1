"""The account as text, HTML, PDF and JSON: complete, safe with hostile texts, and readable on a phone."""

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pypdf
import pytest

from locum import documents
from locum.account import Account
from locum.documents import FORMS, printing, render, style_source
from locum.entry import Json
from locum.errors import Invalid
from test_account import REPLY, WHOLE, account, measure, requested

HOSTILE = "</style><script>alert(1)</script> {{ 7*7 }} <img src='file:///etc/passwd'> & \"quotes\" '"
WIDE = "x" * 400
EMOJI = "Fijne feestdagen 🎄, tot gauw. Žluťoučký kůň"


def hostile() -> Account:
    reply = replace(REPLY, subject=HOSTILE, text_body=f"{WIDE}\n.\n{EMOJI}\n{HOSTILE}")
    entry: dict[str, Json] = {"strange": HOSTILE}
    return account(requested(because=HOSTILE, measures=[measure(reply)]), ("incident", entry), ("figures", entry))


class Tags(HTMLParser):
    """The tags and attributes of a document, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def pdf_text(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_text_html_and_json_hold_every_row(language: str) -> None:
    made = account(*WHOLE, language=language)
    shown = {
        "text": flat(render(made, "text").decode().replace("  | ", "")),
        "html": flat(Tags(render(made, "html").decode()).text),
        "json": flat(json.dumps(json.loads(render(made, "json")), ensure_ascii=False).replace("\\n", " ")),
    }
    for form, text in shown.items():
        for section in made.sections:
            assert section.title in text, (form, section.key)
            for row in section.rows:
                assert flat(row.text) in text, (form, section.key)


def test_hostile_text_becomes_text_in_html_and_nothing_else() -> None:
    tags = Tags(render(hostile(), "html").decode())
    assert HOSTILE in tags.text
    assert EMOJI in tags.text
    assert not {tag for tag, _ in tags.found} & {"script", "img", "a", "link", "iframe", "form", "object"}


def test_the_html_refers_to_nothing_outside_itself() -> None:
    tags = Tags(render(account(*WHOLE), "html").decode())
    assert not [attrs for _, attrs in tags.found if attrs.keys() & {"src", "href", "style", "onclick"}]
    assert "url(" not in documents._style()
    assert "@import" not in documents._style()


def test_a_page_that_shows_it_can_allow_its_style_alone() -> None:
    html = render(account(*WHOLE), "html").decode()
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert style_source() == f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


def test_a_lone_dot_and_long_lines_stay_as_they_are_in_text() -> None:
    text = render(hostile(), "text").decode()
    assert f"  | {WIDE}\n  | .\n  | {EMOJI}\n" in text


def test_lines_of_ours_are_short_in_text() -> None:
    assert max(len(line) for line in render(account(*WHOLE), "text").decode().splitlines()) <= 78


def test_json_is_one_document_that_reads_back_the_same() -> None:
    raw = render(account(*WHOLE), "json")
    found = json.loads(raw)
    assert found["document"] == "locum/account/v1"
    assert found["outcome"] == "ended"
    assert found["replies_sent"] == 3
    assert found["measure"] == measure()
    assert (json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode() == raw


def test_the_same_account_is_the_same_json() -> None:
    assert render(account(*WHOLE), "json") == render(account(*WHOLE), "json")


def test_another_form_is_refused() -> None:
    with pytest.raises(Invalid, match="document-form"):
        render(account(*WHOLE), "docx")


def test_an_account_without_entries_can_be_made_in_every_form_but_pdf_quickly() -> None:
    assert all(render(account(), form) for form in FORMS if form != "pdf")


@pytest.mark.slow
def test_the_pdf_is_accessible_and_says_the_same() -> None:
    made = account(*WHOLE)
    raw = render(made, "pdf")
    reader = pypdf.PdfReader(io.BytesIO(raw))
    catalog = reader.trailer["/Root"]
    assert catalog["/Lang"] == "nl"  # type: ignore[index]
    assert catalog["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert b"pdfuaid:part" in catalog["/Metadata"].get_object().get_data()  # type: ignore[index, union-attr]
    assert reader.metadata is not None
    assert reader.metadata.title == f"{made.title} (abcd-2345)"
    text = flat(pdf_text(raw))
    for section in made.sections:
        assert section.title in text
        assert flat(section.rows[0].text)[:40] in text


@pytest.mark.slow
def test_a_text_longer_than_a_page_is_in_the_pdf_from_first_to_last_line() -> None:
    long = "\n".join(f"regel {number} van een lange tekst" for number in range(150))
    text = pdf_text(render(account(requested(measures=[measure(replace(REPLY, text_body=long))])), "pdf"))
    assert [number for number in range(150) if f"regel {number} van" not in text] == []


@pytest.mark.slow
def test_hostile_text_fetches_nothing_into_the_pdf() -> None:
    assert "root:x:0" not in pdf_text(render(hostile(), "pdf"))


@pytest.mark.slow
def test_the_pdf_maker_may_not_read_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="20"><text y="15">SESAME</text></svg>')
    page = '<html lang="en"><title>x</title><img alt="instead" src="{}">'
    assert "SESAME" not in pdf_text(printing.pdf(page.format(secret.as_uri())))


@pytest.mark.slow
def test_on_a_phone_nothing_is_wider_than_the_screen(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    page_file = tmp_path / "account.html"
    page_file.write_bytes(render(hostile(), "html"))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.goto(page_file.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert width <= 360
