"""The yearly figures as text, CSV, page, PDF and JSON: all say the same, hostile names stay text, plots can be read by everyone."""

import csv
import hashlib
import io
import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pypdf
import pytest
from playwright.sync_api import Browser

from locum.documents.figures import FORMS, Beside, Shown, _file, _html, figures_page, render, style_source
from locum.errors import Invalid
from locum.figures import Cell, Figures, Sign, figures_hash, sample, span_of
from locum.messages import LANGUAGES, say
from test_documents import Tags, flat, pdf_text

HOSTILE = '=HYPERLINK("http://x")</style><script>alert(1)</script><img src=\'file:///etc/passwd\'> & "x"'
FIGURES = sample(span_of(2026, "Europe/Amsterdam"), 5)
ISSUED = Beside(organisation="Voorbeeld BV", issued_at=datetime(2027, 4, 6, 9, tzinfo=UTC), issued_by="Sam Bakker")
SVG = "{http://www.w3.org/2000/svg}"


def page(language: str = "en", beside: Beside = ISSUED, figures: Figures = FIGURES) -> str:
    return figures_page(figures, language, beside)


def charts(html: str) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def rows_of_csv(beside: Beside = ISSUED, language: str = "en") -> list[list[str]]:
    return list(csv.reader(io.StringIO(render(FIGURES, "csv", language, beside).decode("utf-8-sig"), newline="")))


def sentences(language: str) -> list[str]:
    shown = Shown(FIGURES, language, ISSUED)
    told = [sentence for one in FIGURES.measures for sentence in shown.told(one)]
    return [*shown.lead(), *shown.sums(), *told, shown.say("misuse"), *shown.foot()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_page_tell_every_sentence(language: str) -> None:
    text = flat(render(FIGURES, "text", language, ISSUED).decode())
    shown = flat(Tags(page(language)).text)
    assert [one for one in sentences(language) if one not in text] == []
    assert [one for one in sentences(language) if one not in shown] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_every_number_in_a_table_and_in_a_plot(language: str) -> None:
    html, shown = page(language), Shown(FIGURES, language, ISSUED)
    cells = [pair for one in FIGURES.measures for table in shown.divided(one) for pair in shown.rows(table)]
    tables = re.findall(r'<tr><th scope="row">(.*?)</th><td.*?>(.*?)</td></tr>', html)
    plots = "; ".join(chart.findtext(f"{SVG}desc") or "" for chart in charts(html))
    assert len(cells) > 15
    assert [label for label, cell in cells if (label, shown.cell(cell)) not in tables] == []
    assert [label for label, cell in cells if f"{label}: {shown.cell(cell)}" not in plots] == []


def test_lines_of_the_text_are_short() -> None:
    lines = [line for language in LANGUAGES for line in render(FIGURES, "text", language, ISSUED).decode().splitlines()]
    assert [line for line in lines if len(line) > 78 and "SHA-256" not in line] == []


def test_every_plot_has_a_title_and_says_in_words_what_it_shows() -> None:
    for chart in charts(page()):
        title, desc = chart.find(f"{SVG}title"), chart.find(f"{SVG}desc")
        assert title is not None
        assert desc is not None
        assert chart.get("role") == "img"
        assert chart.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert title.text
        assert desc.text


def test_no_id_stands_twice_on_the_page() -> None:
    ids = [attrs["id"] for _, attrs in Tags(page()).found if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_what_is_hidden_is_hatched_and_what_is_shown_is_not() -> None:
    shown = Shown(FIGURES, "en", ISSUED)
    table = FIGURES.measures[0].tables[0]
    (chart,) = charts(shown.chart("x", table))
    kinds = [rect.get("class") for rect in chart.iter(f"{SVG}rect")]
    assert kinds == ["full" if cell.number else "hatched" for _, cell in shown.rows(table)]


def test_the_length_of_a_hatched_bar_is_the_same_for_all_small_numbers() -> None:
    shown = Shown(FIGURES, "en", ISSUED)
    table = FIGURES.measures[0].tables[0]
    (chart,) = charts(shown.chart("x", table))
    wide = [rect.get("width") for rect in chart.iter(f"{SVG}rect")]
    assert len({one for one, (_, cell) in zip(wide, shown.rows(table), strict=True) if cell.sign is Sign.FEW}) == 1


def test_a_hostile_name_stays_text_on_the_page() -> None:
    tags = Tags(page(beside=replace(ISSUED, organisation=HOSTILE, issued_by=HOSTILE)))
    assert tags.text.count(HOSTILE) == 4
    assert not {tag for tag, _ in tags.found} & {"script", "img", "a", "link", "iframe", "form", "object"}


def test_the_page_refers_to_nothing_outside_itself() -> None:
    html = page()
    assert not [attrs for _, attrs in Tags(html).found if attrs.keys() & {"src", "href", "style", "onclick"}]
    assert re.findall(r"url\((?!#)|@import", html) == []


def test_a_door_that_shows_the_page_can_allow_its_style_alone() -> None:
    style = page().partition("<style>")[2].partition("</style>")[0]
    assert style_source() == f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1", "＋1", "－1", "＠x"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(start: str) -> None:
    whose = {row[0] for row in rows_of_csv(replace(ISSUED, organisation=start))[1:]}
    assert len(whose) == 1
    assert not whose.pop().startswith(tuple("=+-@\t\r＝＋－＠"))


def test_no_cell_of_the_csv_begins_like_a_formula() -> None:
    every = [cell for language in LANGUAGES for row in rows_of_csv(language=language) for cell in row]
    assert [cell for cell in every if cell.startswith(tuple("=+-@"))] == []


def test_the_csv_has_a_number_or_the_words_for_it_in_columns_of_their_own() -> None:
    head, *rows = rows_of_csv()
    assert head == ["organisation", "year", "measure", "division", "row", "number", "shown as"]
    assert {row[6] for row in rows} == {"", "fewer than 5 people", "not shown"}
    assert [row for row in rows if row[5].isdigit() == bool(row[6])] == []


def test_the_csv_has_every_cell() -> None:
    cells = sum(len(table.cells) or 1 for one in FIGURES.measures for table in one.tables)
    assert len(rows_of_csv()) == 1 + cells + 2 * len(FIGURES.measures)


def test_json_holds_the_figures_and_their_hash() -> None:
    found = json.loads(render(FIGURES, "json", "en", ISSUED))
    assert (found["hash"], found["issued"]["by"]) == (figures_hash(FIGURES), "Sam Bakker")


def test_another_form_is_refused() -> None:
    with pytest.raises(Invalid, match="document-form"):
        render(FIGURES, "docx", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_figures_cannot_say_and_what_misuse_leads_to_is_on_each_of_them(language: str) -> None:
    for form in ("text", "html"):
        told = flat(Tags(render(FIGURES, form, language).decode()).text)
        assert say(language, "figures.mean") in told
        assert say(language, "figures.misuse") in told


def test_a_year_without_anything_can_be_shown() -> None:
    none = Cell("dealt-with", Sign.NUMBER, 0)
    empty = replace(
        FIGURES,
        measures=tuple(
            replace(one, dealt_with=none, refused=none, tables=(), half="", most="") for one in FIGURES.measures
        ),
    )
    assert all(render(empty, form, "nl") for form in FORMS)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_accessible_and_tells_the_same(language: str) -> None:
    raw = render(FIGURES, "pdf", language, ISSUED)
    reader = pypdf.PdfReader(io.BytesIO(raw))
    catalog = reader.trailer["/Root"]
    assert catalog["/Lang"] == language  # type: ignore[index]
    assert b"pdfuaid:part" in catalog["/Metadata"].get_object().get_data()  # type: ignore[index, union-attr]
    text = flat(pdf_text(raw))
    assert [one for one in sentences(language) if one[:50] not in text] == []


@pytest.mark.slow
def test_each_plot_in_the_pdf_has_its_description() -> None:
    html = _html(Shown(FIGURES, "en", ISSUED), _file("figures.css"), as_image=True)
    pictures = [attrs for tag, attrs in Tags(html).found if tag == "img"]
    shown = [b64decode((one["src"] or "").partition("base64,")[2]).decode() for one in pictures]
    assert len(pictures) == len(charts(page())) > 3
    assert [one["alt"] for one in pictures] == [charts(one)[0].findtext(f"{SVG}desc") for one in shown]


@pytest.mark.slow
def test_a_hostile_name_fetches_nothing_into_the_pdf() -> None:
    assert "root:x:0" not in pdf_text(render(FIGURES, "pdf", "en", replace(ISSUED, organisation=HOSTILE)))


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [320, 390, 1200])
def test_nothing_runs_off_the_page_and_its_texts_can_be_read(
    chromium: Browser, tmp_path: Path, width: int, language: str
) -> None:
    (tmp_path / "page.html").write_text(page(language), "utf-8")
    shown = chromium.new_page(viewport={"width": width, "height": 800})
    shown.goto((tmp_path / "page.html").as_uri())
    wide = shown.evaluate("document.documentElement.scrollWidth")
    outside = shown.evaluate(
        "[...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().right > t.closest('svg').getBoundingClientRect().right + 1).map(t => t.textContent)"
    )
    smallest = shown.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height))"
    )
    shown.close()
    assert (wide, outside) == (width, [])
    assert smallest > 14
