"""axe-core on a page in a real browser: what it finds against WCAG 2.2 AA and its best practices, in every width and colour."""

import time
from functools import cache
from pathlib import Path

import pytest
from npm import installed
from playwright.sync_api import Page

PACKAGE = "axe-core@4"
_WIDEST = """[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth)
    .slice(-3).map(one => one.outerHTML.slice(0, 120)).join(' | ')"""
"""What reaches furthest out of the window."""


@cache
def _script() -> str:
    folder = installed(PACKAGE)
    if isinstance(folder, str):
        pytest.skip(folder)
    return Path(folder, "node_modules", "axe-core", "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands, a line each. Only that is fetched: all that it found in order is megabytes."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    found = page.evaluate("axe.run({ resultTypes: ['violations'] }).then((found) => found.violations)")
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]
    ]


def everywhere(page: Page) -> list[str]:
    """The same on a phone and wide, dark and light; and whether anything sticks out."""
    found = []
    for width in (390, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        until = time.monotonic() + 10  # while it is being drawn, something may for a moment
        while (out := page.evaluate("document.documentElement.scrollWidth") > width) and time.monotonic() < until:
            page.wait_for_timeout(100)
        if out:
            found.append(f"sticks out at {width}: {page.evaluate(_WIDEST)}")
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [f"{width} {scheme}: {one}" for one in violations(page)]
    return found
