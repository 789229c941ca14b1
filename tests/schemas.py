"""Makers' schemas that requests and answers are judged by: they are beside the repository, in ../shared/schemas, and no part of it."""

from pathlib import Path

import pytest

SCHEMAS = Path(__file__).parent.parent.parent / "shared" / "schemas"


def schema(name: str) -> Path:
    """A file of the makers; the test that wants it is skipped where it is not there."""
    if not (SCHEMAS / name).is_file():
        pytest.skip(f"{name} is not here: it belongs in ../shared/schemas, beside the repository")
    return SCHEMAS / name
