"""Signing in at the organisation's provider: a real one, and then everything that one of them could say wrong."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from fake_provider import FakeProvider, half_hash
from httpx2 import Response
from joserfc import jwk
from reading import text_of
from real_provider import SECRET, RealProvider, Visitor
from signing import URL, House, cookie, form_token
from starlette.testclient import TestClient
from tests.filings import Clock

from locum.absence import Mailbox, Person
from locum.errors import Garbled, Unreachable
from locum.store import Store
from locum.web.signin import Provider, new_client
from locum.web.signin.exchange import AT_ONCE, SILENT_SECONDS
from locum.web.signin.passkeys import NoProof
from locum.web.signin.provider import Begun

BACK = f"{URL}/sign-in/back"
INFO = Person(
    id="eva",
    name="Eva",
    mailbox=Mailbox(address="eva@corp.test", aliases=("info@corp.test",)),
    language="nl",
    time_zone="Europe/Amsterdam",
)


class Now:
    """The real time, for a real provider; later when a test says so."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def known_as(client_id: str, issuer: str, **more: Any) -> Provider:
    secret = None if client_id == "none" else lambda: SECRET
    told = {"secret": secret, "back": BACK, "client": new_client(), "monotonic": lambda: 0.0, **more}
    return Provider(issuer=issuer, client_id=client_id, **told)


def house_with(folder: Path, clock: Any, provider: Provider) -> House:
    store = Store(f"sqlite:///{folder}/locum.db", clock)
    store.migrate()
    house = House(store, clock, provider=provider)
    house.staff.append(INFO)
    return house


def back_of(address: str) -> str:
    """The address at which a browser comes back, as our pages see it."""
    assert address.startswith(f"{BACK}?")
    return address.removeprefix(URL)


def is_refused(page: Response) -> bool:
    return page.status_code == 403 and "We konden je niet aanmelden." in text_of(page)


# a real provider

real_only = pytest.mark.slow


@pytest.fixture(scope="module", params=["userinfo", "token"])
def real(request: pytest.FixtureRequest) -> Iterator[RealProvider]:
    provider = RealProvider(BACK, in_token=request.param == "token")
    yield provider
    provider.close()


@pytest.fixture
def now() -> Now:
    return Now()


@real_only
@pytest.mark.parametrize("client_id", ["rs", "es", "ed", "none"])
def test_she_signs_in_at_a_real_provider(real: RealProvider, tmp_path: Path, now: Now, client_id: str) -> None:
    house = house_with(tmp_path, now, known_as(client_id, real.issuer, name="Corp"))
    with house.browser() as browser:
        assert "Aanmelden met Corp" in text_of(browser.get("/sign-in?to=/cases"))
        page = browser.get("/sign-in/provider?to=/cases")
        assert (page.status_code, page.headers["location"].startswith(f"{real.issuer}/auth?")) == (303, True)
        back = Visitor(real).go(page.headers["location"], "anna")
        page = browser.get(back_of(back))
        assert (page.status_code, page.headers["location"]) == (303, "/cases")
        assert browser.get("/cases").text == "anna provider False "
        assert "Om iets goed te keuren onderteken je met een passkey." in text_of(browser.get("/signed-in"))
        assert browser.get("/review").text == "review anna"
        browser.post("/sign-out", data={"form_token": form_token(browser)})
        assert browser.get("/cases").status_code == 303


@real_only
@pytest.mark.parametrize(
    ("login", "who"),
    [("Anna", "anna"), *((name, None) for name in ("unverified", "silent", "alias", "stranger", "nobody"))],
)
def test_only_a_verified_mailbox_of_one_person_comes_in(
    real: RealProvider, tmp_path: Path, now: Now, login: str, who: str | None
) -> None:
    house = house_with(tmp_path, now, known_as("rs", real.issuer))
    with house.browser() as browser:
        back = Visitor(real).go(browser.get("/sign-in/provider").headers["location"], login)
        page = browser.get(back_of(back))
        assert (cookie(browser) != "", is_refused(page)) == (who is not None, who is None)
        assert len(house.sessions.of_person("anna")) == (1 if who else 0)


@real_only
def test_a_code_is_worth_something_once(real: RealProvider, now: Now) -> None:
    provider = known_as("rs", real.issuer)
    begun = Begun(state="s", nonce="n", verifier="v" * 50, began_at=now())
    back = parse_qs(urlsplit(Visitor(real).go(provider.address(begun), "anna")).query)
    answer = {name: values[0] for name, values in back.items()}
    assert provider.claim(begun, answer, now()).value == "anna@corp.test"
    with pytest.raises(NoProof, match="code-refused"):
        provider.claim(begun, answer, now())


@real_only
def test_a_code_that_was_caught_is_worth_nothing_to_somebody_else(real: RealProvider, tmp_path: Path, now: Now) -> None:
    """His browser brings her code with his own state: the provider asks for the verifier, which never left us."""
    house = house_with(tmp_path, now, known_as("rs", real.issuer))
    with house.browser() as hers, house.browser() as his:
        back = Visitor(real).go(hers.get("/sign-in/provider").headers["location"], "anna")
        caught = parse_qs(urlsplit(back).query)["code"][0]
        (own,) = parse_qs(urlsplit(his.get("/sign-in/provider").headers["location"]).query)["state"]
        assert is_refused(his.get(f"/sign-in/back?code={caught}&state={own}&iss={quote(real.issuer)}"))
        assert cookie(his) == ""


@real_only
def test_whoever_plants_his_own_answer_signs_nobody_in(real: RealProvider, tmp_path: Path, now: Now) -> None:
    house = house_with(tmp_path, now, known_as("rs", real.issuer))
    with house.browser() as hers, house.browser() as his:
        planted = back_of(Visitor(real).go(his.get("/sign-in/provider").headers["location"], "anna"))
        assert is_refused(hers.get(planted))
        hers.get("/sign-in/provider")
        assert is_refused(hers.get(planted))
        assert cookie(hers) == ""
        assert his.get(planted).status_code == 303
        assert is_refused(his.get(planted)), "an answer counts once"


@real_only
def test_who_has_to_prove_herself_again_is_asked_by_the_provider(real: RealProvider, tmp_path: Path, now: Now) -> None:
    house = house_with(tmp_path, now, known_as("rs", real.issuer))
    with house.browser() as browser:
        visitor = Visitor(real)
        for again, asked in (("", 1), ("", 1), ("&again=1", 2)):
            page = browser.get(f"/sign-in/provider?to=/review{again}")
            assert browser.get(back_of(visitor.go(page.headers["location"], "anna"))).status_code == 303
            assert visitor.asked == asked
        now.ahead = timedelta(minutes=11)
        browser.get("/cases")
        page = browser.get("/review")
        assert page.headers["location"] == "/sign-in?to=%2Freview&said=again"
        assert 'href="/sign-in/provider?to=%2Freview&amp;again=again"' in browser.get(page.headers["location"]).text


@real_only
def test_a_person_who_says_no_there_is_not_signed_in_here(real: RealProvider, tmp_path: Path, now: Now) -> None:
    house = house_with(tmp_path, now, known_as("rs", real.issuer))
    with house.browser() as browser:
        (state,) = parse_qs(urlsplit(browser.get("/sign-in/provider").headers["location"]).query)["state"]
        page = browser.get(f"/sign-in/back?error=access_denied&state={state}&iss={quote(real.issuer)}")
        assert is_refused(page)


# one that says something wrong


@pytest.fixture
def fake(clock: Clock) -> Iterator[FakeProvider]:
    provider = FakeProvider(clock)
    yield provider
    provider.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(tmp_path: Path, clock: Clock, fake: FakeProvider) -> House:
    return house_with(tmp_path, clock, known_as("locum", fake.issuer))


@pytest.fixture
def browser(house: House) -> Iterator[TestClient]:
    with house.browser() as client:
        yield client


def come_back(browser: TestClient, fake: FakeProvider, again: str = "", **instead: str | None) -> Response:
    """To the provider and back with a code; `instead` changes what is brought back."""
    page = browser.get(f"/sign-in/provider{again}")
    asked = parse_qs(urlsplit(page.headers["location"]).query)
    fake.nonce = asked["nonce"][0]
    brought = {"code": "a code", "state": asked["state"][0], **instead}
    return browser.get("/sign-in/back", params={name: value for name, value in brought.items() if value is not None})


def test_the_fake_lets_her_in_when_nothing_is_twisted(browser: TestClient, fake: FakeProvider) -> None:
    assert come_back(browser, fake).status_code == 303
    assert browser.get("/cases").text == "anna provider False "
    _, form, proof = next(one for one in fake.asked if one[0] == "/token")
    assert proof.startswith("Basic ")
    assert (form["code"], form["redirect_uri"], "client_secret" in form) == ("a code", BACK, False)
    assert len(form["code_verifier"]) >= 43


NOT_HERS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "for another client": {"aud": "other"},
    "for nobody": {"aud": None},
    "for an empty list": {"aud": []},
    "for several, and nobody in particular": {"aud": ["locum", "other"]},
    "for several, and another in particular": {"aud": ["locum", "other"], "azp": "other"},
    "for another party": {"azp": "other"},
    "from another issuer": {"iss": "https://evil.test"},
    "from the same issuer with a slash": {"iss": "SLASH"},
    "from nobody": {"iss": None},
    "expired": {"exp": "EXPIRED"},
    "without an end": {"exp": None},
    "without a beginning": {"iat": None},
    "made long ago": {"iat": "OLD", "exp": "LATER"},
    "made tomorrow": {"iat": "LATER", "exp": "LATER"},
    "not valid yet": {"nbf": "LATER"},
    "about nobody": {"sub": None},
    "with another access token": {"at_hash": half_hash("another")},
    "with an address that is not verified": {"email_verified": False},
    "with an address that is verified in a word": {"email_verified": "true"},
    "with an address of another kind": {"email": ["anna@corp.test"]},
    "with two addresses": {"email": "anna@corp.test, sam@corp.test"},
    "with a name before the address": {"email": "Anna <anna@corp.test>"},
    "with an alias": {"email": "info@corp.test"},
    "with an address of another domain": {"email": "anna@corp.test.evil.test"},
    "with an address and a null byte": {"email": "anna@corp.test\0"},
}


@pytest.mark.parametrize("why", NOT_HERS)
def test_an_id_token_is_refused_that_is(why: str, browser: TestClient, fake: FakeProvider, clock: Clock) -> None:
    moments = {"EXPIRED": -61, "OLD": -700, "LATER": 3600}
    now = int(clock().timestamp())
    twisted = {k: now + moments[v] if isinstance(v, str) and v in moments else v for k, v in NOT_HERS[why].items()}
    fake.claims = {k: f"{fake.issuer}/" if v == "SLASH" else v for k, v in twisted.items()}
    assert is_refused(come_back(browser, fake))
    assert cookie(browser) == ""
    fake.claims = {}
    assert come_back(browser, fake).status_code == 303


def test_an_access_token_that_fits_is_fine(browser: TestClient, fake: FakeProvider) -> None:
    fake.claims = {"at_hash": half_hash("access"), "aud": ["locum", "other"], "azp": "locum"}
    assert come_back(browser, fake).status_code == 303


def test_a_token_that_nobody_signed_is_refused(browser: TestClient, fake: FakeProvider) -> None:
    for header in ({"alg": "none"}, {"alg": "none", "kid": "one"}):
        fake.header = header
        assert is_refused(come_back(browser, fake))
    fake.header = {"alg": "RS256", "kid": "one"}
    good = fake.id_token()
    for token in (good.rpartition(".")[0] + ".", good[:-4] + "AAAA", "", "x", "a.b.c", "{}"):
        fake.token = token
        assert is_refused(come_back(browser, fake))


def test_a_token_that_is_signed_with_what_everybody_knows_is_refused(browser: TestClient, fake: FakeProvider) -> None:
    """The public key, or the client's secret, taken for a shared one (RFC 8725 3.1)."""
    fake.header = {"alg": "HS256", "kid": "one"}
    (public,) = fake.keys
    assert isinstance(public, jwk.RSAKey)
    pem, der = public.as_pem(private=False), public.as_der(private=False)
    for fake.shared in (pem, pem.strip(), der, SECRET.encode(), b"locum", b""):
        assert is_refused(come_back(browser, fake))


@pytest.mark.parametrize("alg", ["RS384", "PS256", "ES256"])
def test_a_token_that_is_signed_in_another_way_or_with_another_key_is_refused(
    browser: TestClient, fake: FakeProvider, alg: str
) -> None:
    kind = jwk.ECKey.generate_key("P-256") if alg == "ES256" else jwk.RSAKey.generate_key(2048)
    fake.signer, fake.header = kind, {"alg": alg, "kid": "one"}
    assert is_refused(come_back(browser, fake))


def test_a_key_that_is_not_the_providers_is_refused(browser: TestClient, fake: FakeProvider) -> None:
    fake.signer = jwk.RSAKey.generate_key(2048)
    assert is_refused(come_back(browser, fake))
    fake.header = {"alg": "RS256", "kid": "unknown"}
    assert is_refused(come_back(browser, fake))
    fake.header = {"alg": "RS256", "kid": "one", "jwk": fake.signer.as_dict(private=False)}
    assert is_refused(come_back(browser, fake))


def test_a_key_for_encrypting_signs_nobody_in(browser: TestClient, fake: FakeProvider) -> None:
    fake.keys = [jwk.RSAKey.import_key(fake.signer.as_dict(private=True) | {"use": "enc"})]
    assert is_refused(come_back(browser, fake))


def test_a_provider_may_change_its_keys(tmp_path: Path, clock: Clock, fake: FakeProvider) -> None:
    ticks = [0.0]
    house = house_with(tmp_path, clock, known_as("locum", fake.issuer, monotonic=lambda: ticks[0]))
    with house.browser() as browser:
        assert come_back(browser, fake).status_code == 303
        fake.keys = [jwk.RSAKey.generate_key(2048, {"kid": "two"})]
        fake.signer, fake.header = fake.keys[0], {"alg": "RS256", "kid": "two"}
        assert is_refused(come_back(browser, fake)), "not asked more than once a minute"
        ticks[0] += 61
        assert come_back(browser, fake).status_code == 303
        assert [path for path, _, _ in fake.asked].count("/jwks") == 2


def test_an_answer_from_another_issuer_is_never_taken_to_ours(browser: TestClient, fake: FakeProvider) -> None:
    """Mix-up (RFC 9207): its code would be given away to the wrong one."""
    assert is_refused(come_back(browser, fake, iss="https://evil.test"))
    assert not [path for path, _, _ in fake.asked if path == "/token"]
    assert come_back(browser, fake, iss=fake.issuer).status_code == 303


def test_who_says_that_it_says_who_it_is_has_to(browser: TestClient, fake: FakeProvider) -> None:
    fake.about = {"authorization_response_iss_parameter_supported": True}
    assert is_refused(come_back(browser, fake))
    assert not [path for path, _, _ in fake.asked if path == "/token"]


@pytest.mark.parametrize(
    "instead", [{"state": "another"}, {"state": ""}, {"state": None}, {"code": None}, {"code": ""}]
)
def test_an_answer_to_no_question_of_ours_is_refused(
    browser: TestClient, fake: FakeProvider, instead: dict[str, str | None]
) -> None:
    assert is_refused(come_back(browser, fake, "", **instead))
    assert not [path for path, _, _ in fake.asked if path == "/token"]


def test_a_name_that_stands_twice_is_not_read(browser: TestClient, fake: FakeProvider) -> None:
    asked = parse_qs(urlsplit(browser.get("/sign-in/provider").headers["location"]).query)
    fake.nonce = asked["nonce"][0]
    assert is_refused(browser.get(f"/sign-in/back?code=a&code=b&state={asked['state'][0]}"))


def test_a_question_lasts_ten_minutes(browser: TestClient, fake: FakeProvider, clock: Clock) -> None:
    (state,) = parse_qs(urlsplit(browser.get("/sign-in/provider").headers["location"]).query)["state"]
    clock.later(600)
    assert is_refused(browser.get(f"/sign-in/back?code=a&state={state}"))


def test_userinfo_about_somebody_else_is_refused(browser: TestClient, fake: FakeProvider) -> None:
    fake.claims = {"email": None}
    fake.info = {"sub": "43", "email": "anna@corp.test", "email_verified": True}
    assert is_refused(come_back(browser, fake))
    fake.info["sub"] = "42"
    assert come_back(browser, fake).status_code == 303


def test_another_claim_needs_no_verifying(tmp_path: Path, clock: Clock, fake: FakeProvider) -> None:
    house = house_with(tmp_path, clock, known_as("locum", fake.issuer, claim_name="preferred_username"))
    fake.claims = {"email": "sam@corp.test", "email_verified": None, "preferred_username": "anna@corp.test"}
    with house.browser() as browser:
        assert come_back(browser, fake).status_code == 303
        assert browser.get("/cases").text.startswith("anna ")


@pytest.mark.parametrize(
    ("ago", "good"), [(0, True), (50, True), (300, False), (None, False), ("now", False), (-300, False)]
)
def test_who_is_asked_again_has_to_have_answered_again(
    browser: TestClient, fake: FakeProvider, clock: Clock, ago: int | str | None, good: bool
) -> None:
    fake.claims = {"auth_time": int(clock().timestamp()) - ago if isinstance(ago, int) else ago}
    assert (come_back(browser, fake, "?again=1").status_code == 303) is good


def test_a_provider_that_does_not_say_when_lets_in_but_not_to_what_is_sensitive(
    browser: TestClient, fake: FakeProvider
) -> None:
    fake.claims = {"auth_time": None}
    assert come_back(browser, fake).status_code == 303
    assert browser.get("/cases").status_code == 200
    assert browser.get("/review").headers["location"] == "/sign-in?to=%2Freview&said=again"


GARBLED: dict[str, tuple[str, tuple[int, bytes]]] = {
    "no discovery": ("/.well-known/openid-configuration", (404, b"")),
    "discovery that is none": ("/.well-known/openid-configuration", (200, b"<html>")),
    "discovery that leads elsewhere": ("/.well-known/openid-configuration", (302, b"https://evil.test/")),
    "no keys": ("/jwks", (500, b"")),
    "keys that are none": ("/jwks", (200, b'{"keys": 7}')),
    "tokens that are none": ("/token", (200, b"[]")),
    "tokens elsewhere": ("/token", (307, b"https://evil.test/")),
    "tokens without end": ("/token", (200, b'{"id_token": "%s"}' % (b"A" * 600_000))),
    "an error of its own": ("/token", (502, b"<html>")),
}


@pytest.mark.parametrize("why", GARBLED)
def test_a_provider_that_is_not_understood_lets_nobody_in(why: str, browser: TestClient, fake: FakeProvider) -> None:
    path, said = GARBLED[why]
    fake.answers[path] = said
    page = browser.get("/sign-in/provider")
    if page.status_code == 303:
        page = come_back(browser, fake)
    assert (page.status_code, "lukt nu even niet" in text_of(page), cookie(browser)) == (503, True, "")


def test_a_provider_that_calls_itself_something_else_lets_nobody_in(browser: TestClient, fake: FakeProvider) -> None:
    for issuer in ("https://evil.test", f"{fake.issuer}/", None):
        fake.about = {"issuer": issuer}
        assert browser.get("/sign-in/provider").status_code == 503
    fake.about = {}
    assert come_back(browser, fake).status_code == 303


@pytest.mark.parametrize(
    "body", [b"{}", b'{"keys": []}', b'{"keys": [7, null, {}, {"kty": "RSA"}, {"kty": "oct", "k": "AAAA"}]}']
)
def test_keys_of_no_use_let_nobody_in(browser: TestClient, fake: FakeProvider, body: bytes) -> None:
    fake.answers["/jwks"] = (200, body)
    assert come_back(browser, fake).status_code in (403, 503)
    assert cookie(browser) == ""


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_code_that_the_provider_does_not_take_signs_nobody_in(
    browser: TestClient, fake: FakeProvider, status: int
) -> None:
    fake.answers["/token"] = (status, b'{"error": "invalid_grant"}')
    assert is_refused(come_back(browser, fake))


def test_the_secret_is_sent_nowhere_in_the_open(fake: FakeProvider, clock: Clock) -> None:
    fake.about = {"token_endpoint": "http://evil.test/token"}
    provider = known_as("locum", fake.issuer)
    begun = Begun(state="s", nonce="n", verifier="v" * 50, began_at=clock())
    with pytest.raises(Garbled, match="provider-garbled"):
        provider.claim(begun, {"state": "s", "code": "c"}, clock())


def test_a_provider_that_takes_the_secret_in_the_form_alone_gets_it_there(
    browser: TestClient, fake: FakeProvider
) -> None:
    fake.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert come_back(browser, fake).status_code == 303
    _, form, proof = next(one for one in fake.asked if one[0] == "/token")
    assert (form["client_id"], form["client_secret"], proof) == ("locum", SECRET, "")


def test_a_provider_that_does_not_answer_is_told_without_its_secrets(
    tmp_path: Path, clock: Clock, fake: FakeProvider
) -> None:
    fake.close()
    house = house_with(tmp_path, clock, known_as("locum", fake.issuer))
    with house.browser() as browser:
        assert browser.get("/sign-in/provider").status_code == 503
    with pytest.raises(Unreachable) as caught:
        known_as("locum", fake.issuer).address(Begun(state="s", nonce="n", verifier="v", began_at=clock()))
    assert SECRET not in str(caught.value)


def test_a_silent_provider_holds_up_nobody_for_long(tmp_path: Path, clock: Clock, fake: FakeProvider) -> None:
    ticks = [0.0]
    fake.hold.clear()
    provider = known_as("locum", fake.issuer, client=new_client(seconds=0.3), monotonic=lambda: ticks[0])
    house = house_with(tmp_path, clock, provider)
    with house.browser() as browser:
        codes = [browser.get("/sign-in/provider").status_code for _ in range(5)]
        assert (codes, len(fake.asked)) == ([503] * 5, 1), "asked once, not by everybody in turn"
        fake.hold.set()
        assert browser.get("/sign-in/provider").status_code == 503
        ticks[0] += SILENT_SECONDS
        assert come_back(browser, fake).status_code == 303


def test_a_slow_provider_takes_few_of_our_threads(fake: FakeProvider, clock: Clock) -> None:
    provider = known_as("locum", fake.issuer)
    begun = Begun(state="s", nonce="n", verifier="v" * 50, began_at=clock())
    fake.hold.clear()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        waiting = [threads.submit(provider.address, begun) for _ in range(AT_ONCE)]
        while provider._exchange._turns._value:
            time.sleep(0.01)
        with pytest.raises(Unreachable) as caught:
            provider.address(begun)
        assert caught.value.values["what"] == "busy"
        fake.hold.set()
        assert {future.result(timeout=60) for future in waiting} == {provider.address(begun)}


def test_what_is_sent_to_the_provider_says_nothing_of_where_she_goes(browser: TestClient) -> None:
    asked = parse_qs(urlsplit(browser.get("/sign-in/provider?to=/cases/secret").headers["location"]).query)
    assert sorted(asked) == ["client_id", "code_challenge", "code_challenge_method", "max_age", "nonce", "redirect_uri", "response_type", "scope", "state"]  # fmt: skip
    assert "secret" not in str(asked)
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == (["S256"], [BACK])


def test_no_link_of_another_site_sends_her_to_the_provider(browser: TestClient) -> None:
    page = browser.get("/sign-in/provider?to=/cases", headers={"Sec-Fetch-Site": "cross-site"})
    assert page.headers["location"] == "/sign-in?to=%2Fcases"
