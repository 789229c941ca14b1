"""The regulation and its companions as Markdown, HTML and PDF/UA. An edge: it knows the documents' values and how things look.

Nothing is decided or worded here, and nothing is fetched: the pictures are ours and stand in the HTML as `data:`.
"""

import base64
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from locum.documents.printing import Printer, pdf
from locum.documents.steps import svg
from locum.errors import Invalid
from locum.messages import say
from locum.regulation import Document, Kind, Mark, Part, Section, Sentence, Steps

if TYPE_CHECKING:
    from jinja2 import Template

FORMS = ("md", "html", "pdf")


def render(documents: Sequence[Document], form: str, printer: Printer = pdf) -> bytes:
    """These documents (at least one, all in one language) as one file in one of FORMS; md and html are UTF-8.
    Raises Invalid (`document-form`) for another.
    """
    match form:
        case "md":
            return "\n".join(_markdown(document) for document in documents).encode()
        case "html":
            return _html(documents).encode()
        case "pdf":
            return printer(_html(documents))
    raise Invalid("document-form", form=form, forms=", ".join(FORMS))


# HTML and PDF


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  slow to import

    place = files("locum.documents").joinpath("regulation.html")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(place.read_text("utf-8"))


def _html(documents: Sequence[Document]) -> str:
    from markupsafe import Markup  # noqa: PLC0415  comes with jinja2

    style = files("locum.documents").joinpath("regulation.css").read_text("utf-8")

    def told(key: str) -> str:
        return say(documents[0].language, f"regulation.{key}")

    return _template().render(
        documents=documents,
        style=Markup(style),  # noqa: S704  our own file, no text of people
        told=told,
        foot=_foot,
        picture=_picture,
    )


def _foot(document: Document) -> str:
    """What stands at the foot of every page: what is open."""
    if not document.open_lines:
        return ""
    return say(
        document.language, "regulation.open", what=", ".join(dict.fromkeys(line.short for line in document.open_lines))
    )


def _picture(steps: Steps) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg(steps).encode()).decode()


# Markdown


def _markdown(document: Document) -> str:
    lines = [f"# {_plain(document.title)}", "", f"**{_plain(document.organisation)}**", ""]
    for sentence in document.lead:
        lines += [_written(sentence, document.language), ""]
    if document.open_lines:
        lines += [f"## {say(document.language, 'regulation.contents-open')}", ""]
        lines += [f"- {line.what}{f' ({line.refused})' if line.refused else ''}" for line in document.open_lines]
        lines += [""]
    if document.steps:
        lines += [*_step_lines(document.steps, document.language), ""]
    for section in document.sections:
        lines += _section(section, document.language)
    return "\n".join([*lines, "---", "", _plain(document.made), ""])


def _step_lines(steps: Steps, language: str) -> list[str]:
    labels = [" – ".join(_plain(part) for part in label if part) for label in steps.boxes.values()]
    return [f"## {say(language, 'regulation.summary.steps.title')}", "", *(f"- {label}" for label in labels)]


def _section(section: Section, language: str) -> list[str]:
    lines = [f"## {_plain(section.title)}", ""]
    for sentence in section.sentences:
        words = _written(sentence, language)
        if section.listed:
            lines.append(f"- {words}")
        else:
            lines += [f"{sentence.number} {words}".strip(), ""]
    return [*lines, ""] if section.listed else lines


def _written(sentence: Sentence, language: str) -> str:
    words = "".join(_part(part, language) for part in sentence.parts)
    return f"{words} ({say(language, 'regulation.duty-mark')})" if sentence.kind is Kind.DUTY else words


def _part(part: Part, language: str) -> str:
    text = _plain(part.text)
    match part.mark:
        case Mark.OPEN:
            return f"**\\[{text}\\]**"
        case Mark.VALUE:
            return f"**{text}**"
        case Mark.PROPOSAL:
            tag = f" ({say(language, 'regulation.proposal')})"
            return f"**{text}**{tag}" if text else tag
    return text


def _plain(text: str) -> str:
    """Text of people as text: what Markdown or HTML in it would read as signs is escaped."""
    return re.sub(r"([\\`*_\[\]<>|&#])", r"\\\1", text)
