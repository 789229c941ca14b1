"""HTML of strangers made harmless, and read as text. Pure; the sanitising is ammonia's (nh3), which parses as browsers do.

No element that stays can fetch, link, run, style or submit, and nothing that was hidden by a style stays hidden.
"""

import re
from html.parser import HTMLParser
from typing import Final

import nh3

from locum.phrases import legible

LONGEST: Final = 1_000_000
"""HTML of more characters than this is not shown."""
MOST_TAGS: Final = 30_000
"""Nor HTML with more tags: deep nesting takes a time that grows with its square."""

_BLOCKS: Final = frozenset(
    "p div blockquote pre ul ol li dl dt dd table caption tr h1 h2 h3 h4 h5 h6 hr br".split()  # a new line in the text
)
TAGS: Final = _BLOCKS | frozenset("span b strong i em u s small sub sup code thead tbody tfoot td th center".split())
"""The elements that stay."""
_SPACES = re.compile(r"\s+")
_ATTRIBUTES: Final = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
_GONE_WITH_CONTENT: Final = frozenset(
    "script style title template noscript noembed noframes iframe object svg math textarea select option audio video".split()
)


class TooMuch(ValueError):
    """This HTML is larger or deeper than is shown."""


def sanitised(html: str) -> str:
    """The harmless part of it. Raises TooMuch."""
    if len(html) > LONGEST or html.count("<") > MOST_TAGS:
        raise TooMuch
    cleaner = nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(_GONE_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_number,
        url_schemes=set(),
        link_rel=None,
    )
    return legible(cleaner.clean(legible(html)))


def _number(_tag: str, _name: str, value: str) -> str | None:
    """The few attributes that stay are small numbers."""
    return value if value.isascii() and value.isdigit() and len(value) <= 3 else None


def text_of(harmless: str) -> str:
    """What sanitised HTML says, as plain text."""
    reader = _Text()
    reader.feed(harmless)
    reader.close()
    return reader.text()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._kept_as_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._kept_as_is += tag == "pre"
        if tag in _BLOCKS:
            self._parts.append("\n")
        if tag == "li":
            self._parts.append("- ")
        if tag in {"td", "th"}:
            self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._kept_as_is -= tag == "pre"
        if tag in _BLOCKS - {"br", "hr", "li"}:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        self._parts.append(data if self._kept_as_is > 0 else _SPACES.sub(" ", data))

    def text(self) -> str:
        lines = ("".join(self._parts)).split("\n")
        kept: list[str] = []
        for line in (one.rstrip() for one in lines):
            if line or (kept and kept[-1]):
                kept.append(line)
        return "\n".join(kept).strip("\n")
