"""What the tests of the pages share: a desk at work (desks.py) and a browser in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import URL, Counter, Ticks
from starlette.testclient import TestClient

from locum.web import make_app


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def browser(counter: Counter, ticks: Ticks) -> Iterator[TestClient]:
    app = make_app(counter.desk, organisation="Voorbeeld BV", url=URL, monotonic=ticks)
    with TestClient(app, base_url=URL, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client
