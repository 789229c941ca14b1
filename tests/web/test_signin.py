"""Signing in and out over HTTP, on both stores: what a session is good for, what ends it, and every way to get one by force."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from httpx2 import Response
from reading import Reader, text_of
from signing import URL, House, answer, ask, cookie, form_token, sign_in
from starlette.testclient import TestClient
from tests.filings import Clock

from locum.sessions import How
from locum.store import Store
from locum.web.signin.browser import own_path

pytest_plugins = ("tests.stores",)


@pytest.fixture
def house(store: Store, clock: Clock) -> House:
    return House(store, clock)


@pytest.fixture
def browser(house: House) -> Iterator[TestClient]:
    with house.browser() as client:
        yield client


def cookies_of(page: Response) -> SimpleCookie:
    told: SimpleCookie = SimpleCookie()
    for line in page.headers.get_list("set-cookie"):
        told.load(line)
    return told


def is_sent_to_sign_in(page: Response) -> bool:
    return page.status_code == 303 and page.headers["location"].startswith("/sign-in")


# coming in


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(house: House, browser: TestClient) -> None:
    page = browser.get("/cases?state=applied")
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?to=%2Fcases%3Fstate%3Dapplied")
    assert browser.get(page.headers["location"]).status_code == 200
    page = sign_in(browser, house.enrol(), "/cases?state=applied")
    assert (page.status_code, page.headers["location"]) == (303, "/cases?state=applied")
    assert browser.get("/cases").text == "anna passkey True "


def test_without_a_place_to_go_one_sees_who_one_is(house: House, browser: TestClient) -> None:
    page = sign_in(browser, house.enrol())
    assert page.headers["location"] == "/signed-in"
    assert "Dag Anna de Vries" in text_of(browser.get("/signed-in"))


def test_who_is_signed_in_is_not_asked_again(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    assert browser.get("/sign-in?to=/cases").headers["location"] == "/cases"


def test_the_cookie_is_for_this_host_over_https_and_for_no_script(house: House, browser: TestClient) -> None:
    page = sign_in(browser, house.enrol())
    (line,) = [line for line in page.headers.get_list("set-cookie") if line.startswith("__Host-locum=")]
    flags = {part.strip().lower() for part in line.split(";")[1:]}
    assert flags == {"httponly", "secure", "path=/", "samesite=lax"}
    kept = cookies_of(browser.post("/sign-in/ask"))["__Host-locum-attempt"]
    assert (kept["secure"], kept["httponly"], kept["samesite"], kept["path"], kept["max-age"], kept["domain"]) == (
        True, True, "lax", "/", "600", "",
    )  # fmt: skip


def test_on_this_machine_itself_the_cookie_needs_no_https(store: Store, clock: Clock) -> None:
    house = House(store, clock, url="http://localhost:8080")
    with house.browser() as browser:
        page = sign_in(browser, house.enrol())
        kept = cookies_of(page)["locum"]
        assert (kept["secure"], kept["httponly"], kept["samesite"]) == ("", True, "lax")
        assert browser.get("/cases").status_code == 200


def test_over_plain_http_nobody_signs_in(store: Store, clock: Clock) -> None:
    house = House(store, clock, url="http://locum.corp.test")
    with house.browser() as browser:
        page = browser.get("/sign-in")
        assert "Op dit adres kun je niet aanmelden" in text_of(page)
        assert "passkey.js" not in page.text
        assert browser.post("/sign-in/ask").status_code == 403


# what is not proof


def failed(page: Response) -> bool:
    return (
        page.status_code == 403
        and "We konden je niet aanmelden." in text_of(page)
        and not cookies_of(page).get("__Host-locum")
    )


def test_every_refusal_looks_the_same(house: House, browser: TestClient) -> None:
    """Whoever tries learns nothing of who exists, whose key was withdrawn, and who left."""
    good, withdrawn, left = house.enrol("anna"), house.enrol("sam"), house.enrol("bert")
    house.ring.keys[withdrawn.credential] = replace(house.ring.keys[withdrawn.credential], is_valid=False)
    house.staff[:] = [one for one in house.staff if one.id != "bert"]
    stranger = replace(good, credential=b"nobody's" * 4)
    pages = [
        sign_in(browser, stranger),
        sign_in(browser, withdrawn),
        sign_in(browser, left),
        sign_in(browser, replace(good, key=withdrawn.key)),
        sign_in(browser, good, userHandle="AAAA"),
        sign_in(browser, good, userHandle=None),
        answer(browser, ""),
        answer(browser, "{"),
        answer(browser, "[]"),
        answer(browser, '{"id": 7}'),
        answer(browser, '{"id": "' + "A" * 30_000 + '"}'),
    ]
    assert [failed(page) for page in pages] == [True] * len(pages)
    assert len({page.text for page in pages}) == 1
    assert is_sent_to_sign_in(browser.get("/cases"))
    assert sign_in(browser, good).status_code == 303


def test_an_answer_counts_once(house: House, browser: TestClient) -> None:
    device = house.enrol()
    credential = device.get(ask(browser))
    kept = browser.cookies["__Host-locum-attempt"]
    assert answer(browser, credential).status_code == 303
    with house.browser(cookies={"__Host-locum-attempt": kept}) as thief:
        assert failed(answer(thief, credential))


def test_an_answer_to_another_browsers_question_is_none(house: House, browser: TestClient) -> None:
    """Whoever has somebody send an answer of his own does not sign her in as himself."""
    device = house.enrol("sam")
    with house.browser() as his:
        credential = device.get(ask(his))
    assert failed(answer(browser, credential))
    ask(browser)
    assert failed(answer(browser, credential))


def test_an_answer_that_comes_late_is_none(house: House, browser: TestClient, clock: Clock) -> None:
    credential = house.enrol().get(ask(browser))
    clock.now += timedelta(minutes=10)
    assert failed(answer(browser, credential))


def test_a_copied_key_is_refused_once_both_were_used(house: House, browser: TestClient) -> None:
    device = house.enrol(count=3)
    copy = replace(device, count=5)
    assert sign_in(browser, copy).status_code == 303
    with house.browser() as hers:
        assert failed(sign_in(hers, replace(device, count=5)))
        assert failed(sign_in(hers, replace(device, count=4)))
        assert sign_in(hers, replace(device, count=6)).status_code == 303


# fixing, stealing, riding along


def test_a_session_cannot_be_fixed(house: House) -> None:
    planted = "A" * 43
    with house.browser(cookies={"__Host-locum": planted}) as browser:
        assert is_sent_to_sign_in(browser.get("/cases"))
        sign_in(browser, house.enrol())
        (token,) = {one.value for one in browser.cookies.jar if one.name == "__Host-locum" and one.value != planted}
    for name, good in ((planted, False), (token, True)):
        with house.browser(cookies={"__Host-locum": str(name)}) as other:
            assert (other.get("/cases").status_code == 200) is good


def test_signing_in_again_makes_a_new_session_of_the_old_one(house: House, browser: TestClient) -> None:
    device = house.enrol()
    sign_in(browser, device)
    before = cookie(browser)
    sign_in(browser, device)
    assert cookie(browser) != before
    with house.browser(cookies={"__Host-locum": before}) as thief:
        assert is_sent_to_sign_in(thief.get("/cases"))


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    stolen = cookie(browser)
    with house.browser(cookies={"__Host-locum": stolen}) as thief:
        assert thief.get("/cases").status_code == 200
        page = browser.post("/sign-out", data={"form_token": form_token(browser)})
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in?said=out")
        assert is_sent_to_sign_in(thief.get("/cases"))
    assert cookie(browser) == ""
    assert "Je bent afgemeld." in text_of(browser.get("/sign-in?said=out"))


def test_signing_out_everywhere_ends_all_of_hers(house: House, browser: TestClient) -> None:
    device = house.enrol()
    with house.browser() as phone, house.browser() as sams:
        sign_in(browser, device)
        sign_in(phone, device)
        sign_in(sams, house.enrol("sam"))
        assert "je bent in één andere browser aangemeld" in text_of(browser.get("/signed-in"))
        browser.post("/sign-out", data={"form_token": form_token(browser), "everywhere": "yes"})
        assert is_sent_to_sign_in(phone.get("/cases"))
        assert sams.get("/cases").status_code == 200


def test_a_form_without_its_token_does_nothing(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    with house.browser() as sams:
        sign_in(sams, house.enrol("sam"))
        foreign = form_token(sams)
    for fields in ({}, {"form_token": ""}, {"form_token": foreign}, {"form_token": "é"}):
        page = browser.post("/cases", data={"what": "pay", **fields})
        assert (page.status_code, "Daarom is er niets gedaan" in text_of(page)) == (403, True)
    assert browser.post("/cases?form_token=" + form_token(browser), data={"what": "pay"}).status_code == 403
    assert house.done == []
    assert browser.post("/cases", data={"what": "ask", "form_token": form_token(browser)}).status_code == 200
    assert (
        browser.post("/cases", data={"what": "again"}, headers={"X-Form-Token": form_token(browser)}).status_code == 200
    )
    assert house.done == ["anna ask", "anna again"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "https://locum.corp.test.evil.test"},
        {"Origin": "http://locum.corp.test"},
        {"Origin": "https://locum.corp.test:8443"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": URL, "Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.test", "Origin": "https://evil.test"},
    ],
)
def test_another_site_does_nothing_even_with_the_token(
    house: House, browser: TestClient, headers: dict[str, str]
) -> None:
    device = house.enrol()
    sign_in(browser, device)
    token = form_token(browser)
    assert browser.post("/cases", data={"what": "pay", "form_token": token}, headers=headers).status_code == 403
    assert browser.post("/sign-out", data={"form_token": token}, headers=headers).status_code == 403
    assert browser.post("/sign-in/ask", headers=headers).status_code == 403
    credential = device.get(ask(browser))
    page = browser.post("/sign-in/passkey", data={"credential": credential}, headers=headers)
    assert (page.status_code, house.done) == (403, [])
    assert browser.get("/cases").status_code == 200


def test_our_own_pages_may(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    for headers in ({"Origin": URL}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        page = browser.post("/cases", data={"what": "ask", "form_token": form_token(browser)}, headers=headers)
        assert page.status_code == 200


def test_a_post_after_the_end_of_a_session_does_nothing_and_leads_in(
    house: House, browser: TestClient, clock: Clock
) -> None:
    sign_in(browser, house.enrol())
    token = form_token(browser)
    clock.now += timedelta(minutes=15)
    page = browser.post("/cases", data={"what": "late", "form_token": token})
    assert (page.headers["location"], house.done) == ("/sign-in?said=over", [])
    assert "Je bent niet meer aangemeld" in text_of(browser.get("/sign-in?said=over"))


# how long, and until what


def test_a_session_ends_after_a_quarter_of_an_hour_without_requests(
    house: House, browser: TestClient, clock: Clock
) -> None:
    sign_in(browser, house.enrol())
    for _ in range(14):
        clock.now += timedelta(minutes=1)
        assert browser.get("/live").status_code == 200
    clock.now += timedelta(minutes=1)
    assert is_sent_to_sign_in(browser.get("/live"))


def test_a_session_ends_when_she_leaves(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol())
    here = list(house.staff)
    house.staff[:] = [one for one in house.staff if one.id != "anna"]
    assert is_sent_to_sign_in(browser.get("/cases"))
    house.staff[:] = here
    assert is_sent_to_sign_in(browser.get("/cases"))


def test_a_session_ends_when_its_key_is_withdrawn(house: House, browser: TestClient) -> None:
    old, new = house.enrol(), house.enrol()
    with house.browser() as other:
        sign_in(browser, old)
        sign_in(other, new)
        house.ring.keys[old.credential] = replace(house.ring.keys[old.credential], is_valid=False)
        assert is_sent_to_sign_in(browser.get("/cases"))
        assert other.get("/cases").status_code == 200


def test_a_session_does_not_pass_to_the_new_owner_of_a_key(house: House, browser: TestClient) -> None:
    device = house.enrol()
    sign_in(browser, device)
    house.ring.keys[device.credential] = replace(house.ring.keys[device.credential], person="sam")
    assert is_sent_to_sign_in(browser.get("/cases"))


def test_what_is_sensitive_asks_once_more(house: House, browser: TestClient, clock: Clock) -> None:
    device = house.enrol()
    sign_in(browser, device)
    assert browser.get("/review").status_code == 200
    clock.now += timedelta(minutes=9)
    browser.get("/cases")
    clock.now += timedelta(minutes=2)
    page = browser.get("/review")
    assert page.headers["location"] == "/sign-in?to=%2Freview&said=again"
    assert "nog een keer zien dat jij het bent" in text_of(browser.get(page.headers["location"]))
    assert browser.get("/cases").status_code == 200
    assert sign_in(browser, device, "/review").headers["location"] == "/review"
    assert browser.get("/review").status_code == 200


def test_a_session_of_a_provider_that_is_gone_is_over(house: House) -> None:
    token = house.sessions.begin("anna", How.PROVIDER, proved_at=house.clock())
    with house.browser(cookies={"__Host-locum": token}) as browser:
        assert is_sent_to_sign_in(browser.get("/cases"))


# where one goes afterwards

ELSEWHERE = [
    "https://evil.test", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "/\n/evil.test", " //evil.test",
    "javascript:alert(1)", "data:text/html,x", "evil.test", "/..//evil.test\r\nX: y", "https:evil.test", "/%0d%0aX:y\r\n", "//evil.test/%2f..",
    "/sign-in", "/sign-out", "/l/token", "/first-keys/token", "/é", "/a b", "/x#y", "/" + "a" * 600, "@evil.test", "?to=//evil.test",
]  # fmt: skip


@pytest.mark.parametrize("to", ELSEWHERE)
def test_nobody_is_sent_elsewhere(house: House, browser: TestClient, to: str) -> None:
    assert own_path(to) == ""
    device = house.enrol()
    assert "evil.test" not in browser.get("/sign-in", params={"to": to}).text
    assert sign_in(browser, device, to).headers["location"] == "/signed-in"
    assert browser.get("/sign-in", params={"to": to}).headers["location"] == "/signed-in"


@pytest.mark.parametrize(
    "to", ["/", "/cases", "/cases?state=applied&x=%20", "/cases/a-b_c.d~e", "/cases?to=https://evil.test"]
)
def test_our_own_pages_are_places_to_go(to: str) -> None:
    assert own_path(to) == to


def test_pages_below_a_path_are_found_there(store: Store, clock: Clock) -> None:
    house = House(store, clock, url="https://corp.test/locum")
    with TestClient(house.app, base_url="https://corp.test", follow_redirects=False) as browser:
        assert browser.get("/cases").headers["location"] == "/locum/sign-in?to=%2Fcases"
        assert 'src="/locum/static/passkey.js"' in browser.get("/sign-in").text
        assert sign_in(browser, house.enrol(), "/cases").headers["location"] == "/locum/cases"


# how often


def test_who_fails_often_waits(house: House, browser: TestClient) -> None:
    device = house.enrol()
    codes = [answer(browser, "{}").status_code for _ in range(21)]
    assert codes == [403] * 20 + [429]
    assert "Wacht tien minuten" in text_of(answer(browser, "{}"))
    assert sign_in(browser, device).status_code == 303, "whoever shares her network does not keep her out"
    house.ticks.now += 601
    assert answer(browser, "{}").status_code == 403


def test_failures_with_one_persons_key_are_counted_wherever_they_come_from(house: House) -> None:
    device = house.enrol()
    with house.browser(client=("10.0.0.1", 1)) as browser:
        codes = []
        for number in range(21):
            credential = replace(device, flags=0x01).get(ask(browser))
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            codes.append(browser.post("/sign-in/passkey", data={"credential": credential}, headers=headers).status_code)
        assert codes == [403] * 20 + [429]


def test_nobody_begins_without_end(house: House, browser: TestClient) -> None:
    codes = {browser.post("/sign-in/ask").status_code for _ in range(300)}
    assert codes == {200}
    assert browser.post("/sign-in/ask").status_code == 429


def test_one_person_does_not_sign_in_without_end(house: House, browser: TestClient) -> None:
    device = house.enrol()
    codes = [sign_in(browser, device).status_code for _ in range(31)]
    assert codes == [303] * 30 + [429]
    assert len(house.sessions.of_person("anna")) == 0


# what browsers are told


@pytest.mark.parametrize("path", ["/sign-in", "/signed-in", "/cases", "/sign-in/provider", "/static/passkey.js"])
def test_no_page_is_shown_in_a_frame_or_kept(house: House, browser: TestClient, path: str) -> None:
    sign_in(browser, house.enrol())
    headers = browser.get(path).headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert headers["strict-transport-security"]


def test_only_our_own_script_runs_and_only_where_it_is_needed(browser: TestClient) -> None:
    policy = browser.get("/sign-in").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in browser.get("/").headers["content-security-policy"]
    elements = Reader(browser.get("/sign-in").text).elements
    assert [attrs.get("src") for tag, attrs in elements if tag == "script"] == ["/static/passkey.js"]
    assert not [name for _, attrs in elements for name in attrs if name.startswith("on") or name == "style"]


def test_text_in_an_address_stays_text(browser: TestClient) -> None:
    page = browser.get("/sign-in", params={"to": '/cases?x="><script>alert(1)</script>', "said": "<b>"})
    assert "<script>alert" not in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize(("language", "words"), [("nl", "Aanmelden met een passkey"), ("en", "Sign in with a passkey")])
def test_the_page_is_in_the_readers_language(browser: TestClient, language: str, words: str) -> None:
    page = browser.get("/sign-in", headers={"Accept-Language": language})
    assert words in text_of(page)
    assert f'<html lang="{language}">' in page.text


def test_her_own_page_is_in_her_language(house: House, browser: TestClient) -> None:
    sign_in(browser, house.enrol("bert"))
    assert "Hello, Bert Bos" in text_of(browser.get("/signed-in", headers={"Accept-Language": "nl"}))


def test_the_pages_behind_links_know_no_cookie(browser: TestClient) -> None:
    for path in ("/", "/l/guess", "/healthz", "/static/locum.css"):
        assert "set-cookie" not in browser.get(path).headers


def test_a_store_that_does_not_answer_lets_nobody_in(tmp_path: Path, clock: Clock) -> None:
    store = Store(f"sqlite:///{tmp_path}/locum.db", clock)
    store.migrate()
    house = House(store, clock)
    with house.browser() as browser:
        sign_in(browser, house.enrol())
        store.close()
        (tmp_path / "locum.db").rename(tmp_path / "gone.db")
        page = browser.get("/cases")
        assert (page.status_code, page.headers["retry-after"]) == (503, "30")
        assert "anna" not in page.text


def test_nothing_that_signs_in_is_logged(
    house: House, browser: TestClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    device = house.enrol()
    credential = device.get(ask(browser))
    attempt = browser.cookies["__Host-locum-attempt"]
    answer(browser, credential)
    failed(answer(browser, credential))
    out, err = capfd.readouterr()
    said = caplog.text + out + err
    assert "sign-in refused" in said
    for secret in (cookie(browser), attempt, form_token(browser), "anna"):
        assert secret not in said
