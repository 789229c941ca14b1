"""What the pages about the house share: their words, and files. Changes nothing."""

from collections.abc import Callable
from typing import Final

from fastapi import Response

from locum.messages import LANGUAGES, say
from locum.web.signin.doorway import Signed

KINDS: Final = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
}


def language_of(who: Signed) -> str:
    """The language of the reader, as far as we have it."""
    return who.person.language if who.person.language in LANGUAGES else "en"


def words(language: str) -> Callable[..., str]:
    """The sentences of these pages, under `house.`."""

    def told(key: str, **values: object) -> str:
        return say(language, f"house.{key}", **values)

    return told


def attached(content: bytes, form: str, name: str) -> Response:
    """A file to keep. `name` is one of ours."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=KINDS[form], headers=headers)
