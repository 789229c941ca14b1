"""What a browser keeps for us and brings back: two cookies, and the address to go to after signing in. No decisions here.

The cookie of a session and that of an attempt hold a token and nothing else. Over https their names begin with `__Host-`,
which a browser takes from this very host alone, with Secure and for the whole of it (RFC 6265bis 4.1.3.2).
"""

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,499}")
_OURS: Final = ("/sign-in", "/sign-out", "/l/", "/first-keys/", "/new-key/", "/static/")


class Cookies:
    """The cookies of one site. `Lax`: she has to stay signed in when she follows a link in a letter, and a provider sends
    her back from its own address; what changes something is a POST, which brings neither cookie from another site.
    """

    def __init__(self, url: str) -> None:
        """`url` is where the pages are seen from outside."""
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        before = "__Host-" if self._is_secure else ""
        self.session = f"{before}locum"
        self.attempt = f"{before}locum-attempt"

    def read(self, request: Request, name: str) -> str:
        """The token that the browser brings, empty where there is none that we could have made."""
        token = request.cookies.get(name, "")
        return token if _TOKEN.fullmatch(token) else ""

    def keep(self, answer: Response, name: str, token: str, seconds: int | None = None) -> None:
        """Have the browser bring `token` from now on, until it is closed or for so many seconds."""
        answer.set_cookie(name, token, max_age=seconds, path="/", secure=self._is_secure, httponly=True, samesite="lax")

    def drop(self, answer: Response, name: str) -> None:
        """Have the browser forget it."""
        answer.delete_cookie(name, path="/", secure=self._is_secure, httponly=True, samesite="lax")


def may_keep(url: str) -> bool:
    """Whether a session may be kept at this address: what is brought back must not pass a network in the clear."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def own_path(text: str) -> str:
    """`text` where it is a path of our own pages that one can go to after signing in, otherwise nothing.

    No host, no scheme, no backslash (browsers read it as a slash), no space or control character, nothing but ASCII.
    """
    if not _OWN_PATH.fullmatch(text) or any(text.startswith(ours) for ours in _OURS):
        return ""
    parts = urlsplit(text)
    return text if not parts.scheme and not parts.netloc and not parts.fragment else ""
