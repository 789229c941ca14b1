"""What nobody can do with the pages: guess links, answer from another website, send too much; and what browsers are told."""

from collections.abc import Iterator
from ipaddress import ip_network
from urllib.parse import urlencode

import pytest
from desks import URL, Counter, Ticks
from httpx2 import Response
from reading import press, shown_on, text_of
from starlette.testclient import TestClient

from locum.desk import LinkView, OwnText
from locum.errors import Unreachable
from locum.lifecycle import State
from locum.web import make_app
from locum.web.guard import BODY_LIMIT, GuessLimit, client_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# guesses


def test_after_twenty_unknown_links_there_is_a_pause(browser: TestClient, ticks: Ticks) -> None:
    codes = [browser.get(f"/l/guess{n}").status_code for n in range(21)]
    assert codes == [404] * 20 + [429]
    ticks.now += 60
    page = browser.get("/l/guess")
    assert (page.status_code, page.headers["retry-after"]) == (429, "541")
    assert "10 minuten" in text_of(page)
    ticks.now += 541
    assert browser.get("/l/guess").status_code == 404


def test_posted_guesses_count_as_well(browser: TestClient) -> None:
    guesses = [browser.post("/l/guess", data={"answer": "agree"}).status_code for _ in range(21)]
    assert guesses == [404] * 20 + [429]


def test_guesses_from_her_network_do_not_keep_her_from_objecting(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    for _ in range(30):
        browser.get("/l/guess")
    assert browser.get(f"/l/{token}").status_code == 200
    assert press(browser, token, "object").status_code == 303
    assert counter.desk.case(case.id).state is State.OBJECTED


def test_the_memory_of_guesses_is_bounded(ticks: Ticks) -> None:
    limit = GuessLimit(ticks, clients=50)
    for n in range(500):
        limit.guessed(f"client{n}")
    assert len(limit._guesses) == 50


def test_a_forwarded_address_counts_only_from_a_configured_proxy(counter: Counter, ticks: Ticks) -> None:
    def guess_as(app: object, peer: str) -> list[int]:
        with TestClient(app, client=(peer, 1)) as browser:  # type: ignore[arg-type]
            return [
                browser.get("/l/guess", headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(21)
            ]

    plain = make_app(counter.desk, organisation="V", monotonic=ticks)
    behind = make_app(counter.desk, organisation="V", monotonic=ticks, proxies=["127.0.0.0/8"])
    assert guess_as(plain, "127.0.0.1")[-1] == 429
    assert guess_as(behind, "198.51.100.7")[-1] == 429
    assert guess_as(behind, "127.0.0.1")[-1] == 404


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "203.0.113.1, 10.0.0.2", "203.0.113.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.1", "", "203.0.113.1"),
        ("testclient", "203.0.113.1", "testclient"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(peer: str, forwarded: str, client: str) -> None:
    assert client_of(peer, forwarded, [ip_network("10.0.0.0/8")]) == client


# what the browser is told


class Broken:
    """A desk whose database is away, or that has a mistake in it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def look(self, token: str) -> LinkView:
        raise self.error

    def answer(
        self, token: str, answer: str, text: OwnText | None = None, because: str = "", *, shown: str | None = None
    ) -> LinkView:
        raise self.error


POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


def check_headers(page: Response) -> None:
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "noindex" in page.headers["x-robots-tag"]
    assert page.headers["cache-control"] in ("no-store", "no-cache")
    assert "set-cookie" not in page.headers
    assert "server" not in page.headers


def test_every_answer_carries_the_strict_headers_and_no_cookie(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    for path in ("/", f"/l/{token}", "/l/none", "/nowhere", "/healthz", "/robots.txt", "/static/locum.css"):
        check_headers(browser.get(path))
    check_headers(press(browser, token, "agree"))
    check_headers(press(browser, token, "agree"))
    check_headers(browser.post(f"/l/{token}", content=b"x" * (BODY_LIMIT + 1), headers=FORM))
    check_headers(browser.delete(f"/l/{token}"))
    assert browser.get(f"/l/{token}").headers["cache-control"] == "no-store"


def test_a_mistake_of_ours_is_a_plain_page_with_the_same_headers_and_no_detail() -> None:
    app = make_app(Broken(RuntimeError("secret detail")), organisation="Voorbeeld BV")
    with TestClient(app, raise_server_exceptions=False) as browser:
        page = browser.get("/l/anything")
    assert page.status_code == 500
    assert "secret detail" not in page.text
    assert "Dit ligt aan ons, niet aan jou." in text_of(page)
    check_headers(page)


@pytest.mark.parametrize("error", [RuntimeError("ours"), Unreachable("store-unreachable", what="gone")])
def test_an_error_of_ours_keeps_browsers_on_https(error: Exception) -> None:
    app = make_app(Broken(error), organisation="Voorbeeld BV", url="https://locum.corp.test")
    with TestClient(app, base_url="https://locum.corp.test", raise_server_exceptions=False) as browser:
        page = browser.get("/l/anything")
    assert page.status_code in (500, 503)
    assert page.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/", "/l/none", "/nowhere", "/healthz", "/robots.txt", "/static/locum.css"])
def test_every_text_says_its_character_set(browser: TestClient, path: str) -> None:
    assert browser.get(path).headers["content-type"].endswith("; charset=utf-8")


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_no_other_site_may_read_our_pages(browser: TestClient, method: str) -> None:
    asked = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    page = browser.request(method, "/", headers=asked)
    assert not [name for name in page.headers if name.startswith("access-control-")]


def test_with_the_database_away_the_page_says_so_and_her_words_are_not_lost() -> None:
    app = make_app(Broken(Unreachable("store-unreachable", what="x")), organisation="Voorbeeld BV")
    with TestClient(app, raise_server_exceptions=False) as browser:
        page = browser.post("/l/x", data={"answer": "own-text", "subject": "s", "internal_text": "Een heel verhaal"})
    assert (page.status_code, page.headers["retry-after"]) == (503, "30")
    assert "Een heel verhaal" in text_of(page)


def test_nothing_of_the_case_or_the_token_is_in_the_page_source(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    page = browser.get(f"/l/{token}").text
    assert token not in page
    assert case.id not in page


# posts from elsewhere, and too much


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"{URL}.evil.example"}, 403),
        ({"Origin": "http://locum.corp.test:81"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": URL, "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null"}, 303),
        ({}, 303),
    ],
)
def test_another_website_cannot_answer_in_passing(
    counter: Counter, browser: TestClient, headers: dict[str, str], status: int
) -> None:
    case, token = counter.ask()
    form = {**shown_on(browser.get(f"/l/{token}")), "answer": "agree"}
    assert browser.post(f"/l/{token}", data=form, headers=headers).status_code == status
    assert counter.desk.case(case.id).answer == ("agreed" if status == 303 else "")


def test_behind_a_proxy_the_origin_is_the_address_of_the_settings(counter: Counter) -> None:
    _, token = counter.ask()
    app = make_app(counter.desk, organisation="V", url="https://www.corp.test/afwezig/")
    with TestClient(app, base_url="http://10.0.0.5:8080", follow_redirects=False) as browser:
        page = browser.get(f"/l/{token}")
        form = {**shown_on(page), "answer": "agree"}
        answer = browser.post(f"/l/{token}", data=form, headers={"Origin": "https://www.corp.test"})
    assert 'href="/afwezig/static/locum.css"' in page.text
    assert page.headers["strict-transport-security"]
    assert answer.headers["location"] == f"/afwezig/l/{token}"


def test_too_much_text_is_refused_whether_its_length_is_said_or_not(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    before = counter.everything()
    body = urlencode({"answer": "own-text", "subject": "s", "internal_text": "x" * BODY_LIMIT}).encode()

    def in_pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    assert browser.post(f"/l/{token}", content=body, headers=FORM).status_code == 413
    assert browser.post(f"/l/{token}", content=in_pieces(), headers=FORM).status_code == 413
    assert counter.everything() == before


def test_as_much_text_as_is_allowed_is_read(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    words = "é" * 30_000
    assert press(browser, token, "own-text", subject="s", internal_text=words).status_code == 303
    assert counter.desk.case(case.id).auto_reply.text_body == words


# the rest of the house


def test_the_landing_page_says_what_this_is(browser: TestClient) -> None:
    assert "Een automatisch antwoord, in overleg" in browser.get("/").text
    assert "An automatic reply, with your say" in browser.get("/", headers={"Accept-Language": "en"}).text


def test_health_and_robots_are_plain(browser: TestClient) -> None:
    assert (browser.get("/healthz").text, browser.get("/robots.txt").text) == ("ok\n", "User-agent: *\nDisallow: /\n")


def test_no_description_of_the_interface_is_served(browser: TestClient) -> None:
    assert {browser.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def test_the_stylesheet_is_sent_once(browser: TestClient) -> None:
    first = browser.get("/static/locum.css")
    again = browser.get("/static/locum.css", headers={"If-None-Match": first.headers["etag"]})
    assert (first.headers["content-type"], again.status_code, again.content) == ("text/css; charset=utf-8", 304, b"")


def test_files_are_packed_and_pages_never(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    packed = browser.get("/static/locum.css", headers={"Accept-Encoding": "gzip"})
    plain = browser.get("/static/locum.css", headers={"Accept-Encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain.content)
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    for path in ("/", f"/l/{token}", "/nowhere"):
        assert "content-encoding" not in browser.get(path, headers={"Accept-Encoding": "gzip"}).headers
