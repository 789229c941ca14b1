"""Who may call the API: a token and nothing else, the same answer for every one that does not work, and no way from pages to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import ASK, Calling, told
from structlog.testing import capture_logs
from tests.world import PEOPLE, World

from locum.demo.sink import Sink
from locum.sessions import How
from locum.web import make_app
from locum.web.api import Api

PATHS = ("/cases", "/policy", "/nothing", "/cases/aaaa-aaaa", "")


@pytest.fixture
def calling(tmp_path: Path) -> Iterator[Calling]:
    with Sink() as sink:
        yield Calling(World(tmp_path, sink))


def with_header(calling: Calling, value: str, path: str = "/policy"):
    return calling.client.get(f"/api/v1{path}", headers={"authorization": value})


# what works, and what does not


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_a_token(calling, path):
    answer = calling.client.get(f"/api/v1{path}")
    assert told(answer) == (401, "token-unknown")
    assert answer.headers["www-authenticate"] == 'Bearer realm="locum"'


def test_nothing_of_a_request_is_looked_at_before_its_token(calling):
    answers = [
        calling.client.post("/api/v1/cases", content=b"{", headers={"content-type": "application/json"}),
        calling.client.post("/api/v1/cases", content=b"x", headers={"content-type": "text/plain"}),
        calling.client.delete("/api/v1/cases"),
    ]
    assert [told(answer) for answer in answers] == [(401, "token-unknown")] * 3


def test_an_unknown_an_expired_an_ended_and_a_leavers_token_are_answered_alike(calling):
    world = calling.world
    leaver, expired, ended = calling.token("dirk"), calling.token("bob", days=1), calling.token("bob")
    calling.tokens.end(id_of(calling, ended))
    world.later(days=2)
    (world.folder / "people.csv").write_text("".join(line for line in PEOPLE.splitlines(True) if "dirk" not in line))
    answers = [calling.call("GET", "/policy", token=token) for token in ("locum_" + "x" * 43, expired, ended, leaver)]
    assert {(one.status_code, one.text, one.headers["www-authenticate"]) for one in answers} == {
        (401, answers[0].text, 'Bearer realm="locum", error="invalid_token"')
    }


def id_of(calling: Calling, token: str) -> str:
    found = calling.tokens.find(token)
    assert found is not None
    return found.id


def test_a_token_of_who_left_stays_ended_when_she_comes_back(calling):
    token, people = calling.token("dirk"), calling.world.folder / "people.csv"
    people.write_text("".join(line for line in PEOPLE.splitlines(True) if "dirk" not in line))
    assert calling.call("GET", "/policy", token=token).status_code == 401
    people.write_text(PEOPLE)
    assert calling.call("GET", "/policy", token=token).status_code == 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic {}", "Token {}", "Bearer {} x", "Bearer x,{}", "{}", "Bearer {}é"]
)
def test_a_header_of_another_shape_is_none(calling, value):
    header = value.format(calling.token()).encode("latin-1")
    assert with_header(calling, header).status_code == 401


def test_two_tokens_at_once_are_none(calling):
    value = ("authorization", f"Bearer {calling.token()}")
    assert calling.client.get("/api/v1/policy", headers=[value, value]).status_code == 401


def test_a_token_in_the_address_or_a_cookie_or_the_body_is_none(calling):
    token = calling.token()
    for name in ("locum", "__Host-locum", "token"):
        calling.client.cookies.set(name, token)
    assert calling.client.get(f"/api/v1/policy?access_token={token}&token={token}").status_code == 401


# guessing


def test_who_guesses_is_kept_waiting_and_who_has_a_token_is_not(calling):
    for number in range(20):
        assert with_header(calling, f"Bearer locum_{number:043d}").status_code == 401
    answer = with_header(calling, "Bearer locum_" + "x" * 43)
    assert told(answer) == (429, "too-many-tokens")
    assert int(answer.headers["retry-after"]) > 0
    assert calling.get("/policy").status_code == 200
    calling.ticks.now += 601
    assert with_header(calling, "Bearer locum_" + "x" * 43).status_code == 401


def test_a_wrong_token_is_logged_by_its_client_and_never_itself(calling):
    token = calling.token("bob", days=1)
    calling.world.later(days=2)
    with capture_logs() as said:
        assert with_header(calling, f"Bearer {token}").status_code == 401
        assert calling.get("/policy").status_code == 200
    assert said == [{"event": "token refused", "client": "testclient", "log_level": "warning"}]


# pages and the API are two doors


def test_a_session_never_opens_the_api(calling):
    session = calling.world.app.doorway.sessions.begin("bob", How.PASSKEY)
    calling.client.cookies.set("__Host-locum", session)
    assert calling.client.get("/api/v1/cases").status_code == 401
    assert with_header(calling, f"Bearer {session}").status_code == 401


def test_a_token_never_opens_a_page(calling):
    token = calling.token()
    calling.client.cookies.set("__Host-locum", token)
    answer = calling.client.get("/signed-in", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


def test_a_post_without_an_origin_passes_and_one_of_another_website_does_not(calling):
    headers = [{}, {"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}]
    answers = [calling.post("/cases", json={**ASK, "mailbox": "dirk@corp.test"}, headers=one) for one in headers]
    assert answers[0].status_code == 201
    assert [told(answer) for answer in answers[1:]] == [(403, "foreign-page")] * 2


def test_no_other_website_is_let_in(calling):
    headers = {"origin": "https://evil.test", "access-control-request-method": "GET"}
    for answer in (
        calling.client.options("/api/v1/policy", headers=headers),
        calling.get("/policy", headers={"origin": "https://evil.test"}),
    ):
        assert [name for name in answer.headers if name.startswith("access-control-")] == []


def test_where_a_token_would_pass_a_network_in_the_clear_there_is_no_api(calling):
    desk = calling.world.desk
    api = Api(desk=desk, tokens=calling.tokens, repeats=calling.repeats)
    app = make_app(desk, organisation="x", url="http://locum.corp.test", api=api)
    assert "/api" not in [getattr(route, "path", "") for route in app.routes]


# what is said


def test_answers_are_kept_by_nobody_and_have_the_headers_of_the_pages(calling):
    for answer in (calling.get("/policy"), calling.client.get("/api/v1/policy"), calling.get("/nothing")):
        found = answer.headers
        assert (found["cache-control"], found["x-content-type-options"]) == ("no-store", "nosniff")
        assert "default-src 'none'" in found["content-security-policy"]
        assert "set-cookie" not in found


def test_errors_are_in_the_language_asked_for_and_otherwise_in_that_of_the_person(calling):
    told_in = {
        wished: calling.get("/nothing", who, headers={"accept-language": wished}).headers["content-language"]
        for who, wished in (("bob", "nl"), ("bob", "en"), ("carla", ""))
    }
    assert told_in == {"nl": "nl", "en": "en", "": "en"}


@pytest.mark.parametrize(
    ("method", "path", "more", "problem"),
    [
        ("GET", "/nothing", {}, (404, "nothing-at-this-address")),
        ("GET", "/cases/a%0Ab/account", {}, (404, "no-such-case")),
        ("GET", "/a%0Ab", {}, (404, "nothing-at-this-address")),
        ("DELETE", "/cases", {}, (405, "method-not-here")),
        ("TRACE", "/policy", {}, (405, "method-not-here")),
        ("POST", "/cases", {"content": b"x" * 300_001}, (413, "body-too-big")),
        ("POST", "/cases", {"content": b"a=b"}, (415, "not-json")),
        ("POST", "/cases", {"data": {"mailbox": "anna@corp.test"}}, (415, "not-json")),
        ("GET", "/cases?limit=0", {}, (422, "not-as-described")),
        ("GET", "/cases?limmit=5", {}, (422, "not-as-described")),
        ("GET", "/figures/no", {}, (422, "not-as-described")),
        ("GET", "/policy?at=yesterday-ish", {}, (400, "bad-time")),
        ("GET", "/mailboxes/not-an-address/history", {}, (400, "bad-address")),
    ],
)
def test_every_refusal_of_the_framework_is_a_problem_too(calling, method, path, more, problem):
    assert told(calling.call(method, path, **more)) == problem


def test_a_method_that_is_not_here_is_told_which_are(calling):
    assert calling.call("DELETE", "/policy").headers["allow"] == "GET"


def test_what_is_our_fault_says_so_and_nothing_else(calling, caplog):
    calling.world.desk.office.people.everyone = None  # as no fault of the code would be: whatever it is, it is not told
    answer = calling.get("/people")
    assert told(answer) == (500, "our-fault")
    assert "NoneType" not in answer.text


def test_a_store_out_of_reach_is_not_now_and_says_nothing_of_where_it_is(calling):
    token = calling.token()
    (calling.world.folder / "locum.db").rename(calling.world.folder / "gone.db")
    calling.world.app.store.close()
    answer = calling.call("GET", "/cases", token=token)
    assert told(answer) == (503, "not-now")
    assert (answer.headers["retry-after"], "locum.db" in answer.text) == ("30", False)
