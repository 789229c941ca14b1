"""A page on which everything that arrived can be read, newest first, with a button by which a customer writes.

Part of the demo, not of Locum: whoever plays all people reads all their mail. On an address in numbers, so that no browser brings
the cookies of Locum's pages here. Everything from letters is text.
"""

import threading
from collections.abc import Callable
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from locum.demo.arrivals import Arrival
from locum.demo.host import LOOPBACK
from locum.messages import say

_PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
details{{border-top:1px solid #8886;padding:.6rem 0}}pre{{white-space:pre-wrap;font:inherit}}summary{{cursor:pointer}}
button{{font:inherit;padding:.4rem .8rem}}</style>
<h1>{title}</h1><form method="post"><button>{write}</button></form>{letters}</html>"""


class Mailroom:
    """Serves the page while it is entered. `write` is what the button does; `arrived` is what there is to read."""

    def __init__(self, language: str, port: int, write: Callable[[], None]) -> None:
        self._language, self._port, self._write = language, port, write
        self.arrived: list[Arrival] = []

    def __enter__(self) -> Self:
        room = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = room.page().encode()
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

    def page(self) -> str:
        """The page as it is now."""
        return _PAGE.format(
            language=self._language,
            title=escape(say(self._language, "demo.mailroom")),
            write=escape(say(self._language, "demo.write")),
            letters="".join(map(_shown, reversed(self.arrived))),
        )


def _shown(one: Arrival) -> str:
    text = escape(one.text)
    for link in one.links:
        text = text.replace(
            escape(link), f'<a href="{escape(link)}" target="_blank" rel="noreferrer">{escape(link)}</a>'
        )
    head = f"<b>{escape(one.to)}</b> {escape(one.subject)} <small>{escape(one.sender)}</small>"
    return f"<details><summary>{head}</summary><pre>{text}</pre></details>"
