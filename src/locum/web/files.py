"""The files that pages bring along: one stylesheet, two scripts. By name; there is no folder to look into.

They are packed once, beforehand. Pages never are: what is packed together with a secret tells of it by its length (BREACH).
"""

import gzip
from hashlib import sha256
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response


class PageFile:
    """One of them, with the answer to whoever asks for it."""

    def __init__(self, name: str, media_type: str) -> None:
        """`name` is that of a file in static/."""
        self._plain = files("locum.web").joinpath("static", name).read_bytes()
        self._packed = gzip.compress(self._plain, mtime=0)
        self._media_type = media_type
        self._tag = f'"{sha256(self._plain).hexdigest()[:16]}"'

    def answer(self, request: Request) -> Response:
        """The file, packed for who can unpack it; nothing where it is the one that the browser has."""
        headers = {"Cache-Control": "no-cache", "ETag": self._tag, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self._tag:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self._plain, media_type=self._media_type, headers=headers)
        return Response(self._packed, media_type=self._media_type, headers={**headers, "Content-Encoding": "gzip"})
