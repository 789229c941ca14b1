"""axe-core on a page in a real browser: what it finds against WCAG 2.2 AA and its best practices."""

from functools import cache
from pathlib import Path

import pytest
from npm import installed
from playwright.sync_api import Page

PACKAGE = "axe-core@4"


@cache
def _script() -> str:
    folder = installed(PACKAGE)
    if isinstance(folder, str):
        pytest.skip(folder)
    return Path(folder, "node_modules", "axe-core", "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands, a line each."""
    page.evaluate(_script())
    found = page.evaluate("axe.run()")
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
