"""Reading a page in tests: its text, its elements, its buttons; and pressing one."""

from html.parser import HTMLParser

from httpx2 import Response
from starlette.testclient import TestClient


class Reader(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(page: Response) -> str:
    return " ".join(Reader(page.text).text.split())


def shown_on(page: Response) -> dict[str, str]:
    """What the page's forms send along unseen."""
    hidden = [attrs for tag, attrs in Reader(page.text).elements if tag == "input" and attrs.get("type") == "hidden"]
    return {str(attrs["name"]): str(attrs["value"] or "") for attrs in hidden}


def press(browser: TestClient, token: str, answer: str, **fields: str) -> Response:
    """Press a button on the page as it is now."""
    shown = shown_on(browser.get(f"/l/{token}"))
    return browser.post(f"/l/{token}", data={**shown, "answer": answer, **fields})


def buttons(page: Response) -> set[str]:
    found = {attrs["value"] for tag, attrs in Reader(page.text).elements if tag == "button"}
    return {value for value in found if value is not None} - {"preview"}
