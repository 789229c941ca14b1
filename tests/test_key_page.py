"""Her key for the eye: the QR code is read by a reader that is not ours, and the page to print is one page that can be scanned."""

import re
import subprocess
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

from locum.documents.keys import render
from locum.errors import Invalid
from locum.herkey import HerKey, KeyPaper
from locum.messages import LANGUAGES
from test_herkey import KEY

PAPER = KeyPaper(
    key=KEY,
    name="Anna de Vries",
    language="nl",
    organisation="Voorbeeld BV",
    on=date(2026, 12, 1),
    mine="https://locum.corp.test/mine/key",
    dpo="fg@corp.test",
)


def read(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize(
    "key", [KEY, replace(KEY, stream="anna.maria.de.vries-van.den.berg@afdeling.voorbeeldgemeente.test")]
)
def test_the_picture_says_the_key_to_another_reader(key: HerKey) -> None:
    text = read(Image.open(BytesIO(render(replace(PAPER, key=key), "png"))))
    assert text == [key.qr_text()]
    assert HerKey.load(text[0].encode()).hash == key.hash


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_printed_page_is_one_and_can_be_scanned(tmp_path: Path, language: str) -> None:
    file = tmp_path / "key.pdf"
    file.write_bytes(render(replace(PAPER, language=language), "pdf"))
    subprocess.run(["pdftoppm", "-r", "100", "-png", file, tmp_path / "page"], check=True)
    pages = sorted(tmp_path.glob("page*.png"))
    assert [read(Image.open(page)) for page in pages] == [[KEY.qr_text()]]


@pytest.mark.slow
def test_the_printed_page_has_the_key_to_type_in(tmp_path: Path) -> None:
    text = pypdf.PdfReader(BytesIO(render(PAPER, "pdf"))).pages[0].extract_text()
    assert all(line in text for line in KEY.qr_text().split("\n"))


def test_the_code_is_big_enough_to_scan() -> None:
    """A telephone reads modules of 0.5 mm; these are near a millimetre."""
    page = render(PAPER, "html").decode()
    width = re.search(r"\.code img \{[^}]*width: (\d+)mm", page)
    modules = Image.open(BytesIO(render(PAPER, "png"))).width / 8
    assert width is not None
    assert float(width[1]) / modules > 0.9


def test_names_are_text_and_nothing_else() -> None:
    page = render(replace(PAPER, name="<script>alert(1)</script>", organisation="A & <b>B</b>"), "html").decode()
    assert ("<script>alert" in page, "<b>B" in page, "&lt;script&gt;" in page) == (False, False, True)


def test_where_she_cannot_sign_in_no_page_is_named() -> None:
    assert "ingelogd" not in render(replace(PAPER, mine=""), "html").decode()


def test_there_is_no_other_form() -> None:
    with pytest.raises(Invalid, match="document-form"):
        render(PAPER, "svg")
