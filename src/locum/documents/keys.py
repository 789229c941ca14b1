"""Her key for the eye: a QR code, and a page to print that bears it. Nothing is decided here, and nothing is fetched."""

from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from locum.documents.printing import Printer, pdf
from locum.errors import Invalid
from locum.herkey import HerKey, KeyPaper
from locum.messages import say
from locum.phrases import day

if TYPE_CHECKING:
    import segno
    from jinja2 import Template

FORMS = ("png", "html", "pdf")
_LEVEL, _QUIET, _DOTS = "m", 4, 8
"""Error correction, the white border in modules that scanners need (ISO/IEC 18004), pixels to a module."""
_STYLE = """
.code { display: flex; align-items: center; gap: 6mm; margin: .4rem 0 .6rem -3mm; }
.code img { flex: none; width: 66mm; height: 66mm; }
h2 { margin-top: 1rem; }
.typed { margin-top: 1.2rem; break-inside: avoid; }
.typed pre { line-height: 1.5; }
@media print { html { font-size: 9.8pt; } }
@page { margin: 16mm 20mm; @bottom-right { content: none; } }
"""


def render(paper: KeyPaper, form: str, printer: Printer = pdf) -> bytes:
    """The QR code as `png`, or the page that bears it as `html` (UTF-8) or `pdf`. Raises Invalid (`document-form`)."""
    match form:
        case "png":
            content = BytesIO()
            _code(paper.key).save(content, kind="png", scale=_DOTS, border=_QUIET)
            return content.getvalue()
        case "html":
            return _html(paper).encode()
        case "pdf":
            return printer(_html(paper))
    raise Invalid("document-form", form=form, forms=", ".join(FORMS))


def _code(key: HerKey) -> "segno.QRCode":
    import segno  # noqa: PLC0415  only where a code is made

    return segno.make(key.qr_text(), error=_LEVEL, micro=False, encoding="utf-8")


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  slow to import

    place = files("locum.documents").joinpath("key.html")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(place.read_text("utf-8"))


def _html(paper: KeyPaper) -> str:
    from markupsafe import Markup  # noqa: PLC0415  comes with jinja2

    def told(key: str, **values: object) -> str:
        return say(paper.language, f"herkey.{key}", **values)

    style = files("locum.documents").joinpath("account.css").read_text("utf-8") + _STYLE
    return _template().render(
        key=paper.key,
        name=paper.name,
        language=paper.language,
        organisation=paper.organisation,
        on=day(paper.on, paper.language),
        mine=paper.mine,
        dpo=paper.dpo,
        qr=_code(paper.key).svg_data_uri(border=_QUIET),
        text=paper.key.qr_text(),
        style=Markup(style),  # noqa: S704 (our own files, no text of people)
        told=told,
    )
