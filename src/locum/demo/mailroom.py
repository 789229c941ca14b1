"""Pages on which everything that arrived can be read, newest first, with a button by which a customer writes.

Part of the demo, not of Locum: whoever plays all people reads all their mail. On an address in numbers, so that no browser brings
the cookies of Locum's pages here. Everything from letters is text.
"""

import re
import threading
from collections.abc import Callable
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from locum.demo.arrivals import Arrival
from locum.demo.host import LOOPBACK
from locum.messages import say

_PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
{refresh}<title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
li{{border-top:1px solid #8886;padding:.5rem 0}}ul{{list-style:none;padding:0}}pre{{white-space:pre-wrap;font:inherit}}
button{{font:inherit;padding:.4rem .8rem}}</style><h1>{title}</h1>{content}</html>"""


class Mailroom:
    """Serves the pages while it is entered. `write` is what the button does; `arrived` is what there is to read."""

    def __init__(self, language: str, port: int, write: Callable[[], None]) -> None:
        self._language, self._port, self._write = language, port, write
        self.arrived: list[Arrival] = []

    def __enter__(self) -> Self:
        room = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = room.page(self.path).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Referrer-Policy", "no-referrer")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                room._write()
                self.send_response(303)
                self.send_header("Location", "/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer((LOOPBACK, self._port), Page)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}/"

    def page(self, path: str) -> str:
        """The list, which loads itself again and again; or one letter, by its number."""
        number = path.strip("/")
        if number.isdecimal() and int(number) < len(self.arrived):
            one = self.arrived[int(number)]
            return self._page(one.subject, _shown(one), "")
        return self._page(say(self._language, "demo.mailroom"), self._list(), '<meta http-equiv="refresh" content="5">')

    def _page(self, title: str, content: str, refresh: str) -> str:
        return _PAGE.format(language=self._language, title=escape(title), content=content, refresh=refresh)

    def _list(self) -> str:
        button = f'<form method="post"><button>{escape(say(self._language, "demo.write"))}</button></form>'
        rows = "".join(
            f'<li><b>{escape(one.to)}</b> <a href="/{number}">{escape(one.subject)}</a></li>'
            for number, one in reversed(list(enumerate(self.arrived)))
        )
        return f"{button}<ul>{rows}</ul>"


def _shown(one: Arrival) -> str:
    """A letter; its links open beside it."""
    links = sorted(map(escape, one.links), key=len, reverse=True)
    text = escape(one.text)
    if links:
        either = "|".join(map(re.escape, links))
        text = re.sub(either, r'<a href="\g<0>" target="_blank" rel="noreferrer">\g<0></a>', text)
    return f"<p>{escape(one.sender)} → <b>{escape(one.to)}</b></p><pre>{text}</pre>"
