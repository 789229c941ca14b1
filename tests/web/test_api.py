"""The API over a whole organisation: what each route does, who may see and stop what, and what is said when it may not be."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import ASK, Calling, told
from tests.signedworld import SignedWorld
from tests.world import World

from locum.access_tokens import Scope
from locum.demo.sink import Sink
from locum.desk import yearly

NOBODY = "aaaa-aaaa"


@pytest.fixture
def calling(tmp_path: Path) -> Iterator[Calling]:
    with Sink() as sink:
        yield Calling(World(tmp_path, sink, policy={"count": 1, "if_unanswered": "review"}))


# asking


def test_a_request_is_filed_for_whom_the_token_acts_as(calling):
    answer = calling.ask()
    case = calling.world.desk.case(answer.json()["case"])
    assert (answer.status_code, case.requester, case.mailbox) == (201, "bob", "anna@corp.test")
    assert answer.headers["location"] == f"/api/v1/cases/{case.id}"


def test_what_is_filed_goes_its_way_like_any_other(calling):
    name = calling.filed()
    calling.world.work()
    assert calling.get(f"/cases/{name}").json()["state"] == "asking"


def test_what_the_policy_refuses_is_recorded_and_told_with_its_clause(calling):
    answer = calling.ask(reason="revenge")
    assert told(answer) == (403, "reason-not-listed")
    assert answer.json()["clause"] == 1
    assert calling.get(f"/cases/{answer.json()['case']}").json()["state"] == "refused"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mailbox": "nobody@corp.test"}, (400, "unknown-mailbox")),
        ({"mailbox": "anna@elsewhere.test"}, (400, "foreign-domain")),
        ({"until": "someday"}, (400, "bad-time")),
        ({"until": "2026-11-01"}, (400, "end-in-the-past")),
        ({"until": ""}, (422, "not-as-described")),
        ({"because": "\x00"}, (400, "bad-character")),
        ({"joins": NOBODY}, (404, "no-such-case")),
        ({"measure": "search"}, (422, "not-as-described")),
        ({"mailbox": 7}, (422, "not-as-described")),
        ({"audience": "all"}, (422, "not-as-described")),
        ({"password": "reset"}, (422, "not-as-described")),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_key_and_recorded_nowhere(calling, changes, problem):
    assert told(calling.ask(**changes)) == problem
    assert calling.get("/cases").json()["cases"] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b"[" * 100_000, b"9" * 5000, b'{"measure": "\\ud800"}'],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_request_is_refused_as_one(calling, body):
    answer = calling.post("/cases", content=body, headers={"content-type": "application/json"})
    assert told(answer) == (422, "not-as-described")


def test_a_mistake_is_told_by_its_place_and_never_said_back(calling):
    answer = calling.ask(audience="a secret")
    assert answer.json()["mistakes"] == [{"at": "body/auto-reply/audience", "what": "literal_error"}]
    assert "a secret" not in answer.text


def test_a_preview_says_what_would_happen_and_records_nothing(calling):
    found = calling.post("/cases/preview", json=ASK).json()
    assert (found["refused"], found["if_unanswered"], found["reviewers"]) == (None, "review", ["manager", "hr"])
    assert calling.post("/cases/preview", json={**ASK, "reason": "revenge"}).json()["refused"]["clause"] == 1
    assert calling.get("/cases").json()["cases"] == []


def test_many_are_filed_and_one_mistake_keeps_none_back(calling):
    mailboxes = ("anna@corp.test", "nobody@corp.test", "dirk@corp.test")
    body = {"batch": "week", "requests": [{**ASK, "mailbox": mailbox} for mailbox in mailboxes]}
    results = calling.post("/batches", json=body).json()["results"]
    assert [one["state"] for one in results] == ["requested", None, "requested"]
    assert results[1]["error"]["key"] == "unknown-mailbox"
    again = calling.post("/batches", json=body).json()["results"]
    assert [one["case"] for one in again] == [one["case"] for one in results]


def test_the_batch_of_another_with_the_same_name_is_another(calling):
    body = {"batch": "week", "requests": [ASK]}
    first = calling.post("/batches", json=body).json()["results"][0]
    found = calling.post("/batches", "dirk", json=body).json()["results"][0]
    assert (first["error"], found["case"], found["error"]["key"]) == (None, None, "overlapping")


# looking


def test_a_case_is_shown_to_who_asked_and_to_her_and_to_nobody_else(calling):
    name = calling.filed()
    seen = {who: calling.get(f"/cases/{name}", who).status_code for who in ("bob", "anna", "carla", "dirk")}
    assert seen == {"bob": 200, "anna": 200, "carla": 404, "dirk": 404}


@pytest.mark.parametrize("path", ["", "/entries", "/account"])
def test_a_case_that_is_not_hers_is_no_other_than_one_that_is_not_there(calling, path):
    name = calling.filed()
    theirs, none = calling.get(f"/cases/{name}{path}", "dirk"), calling.get(f"/cases/{NOBODY}{path}", "dirk")
    assert told(theirs) == (404, "no-such-case")
    assert theirs.text.replace(name, "x") == none.text.replace(NOBODY, "x")


@pytest.mark.parametrize("act", ["withdraw", "end", "contact", "review"])
def test_what_is_not_hers_cannot_be_acted_on_either(calling, act):
    body = {"json": {"by": "phone", "outcome": "agreed", "because": "She agrees."}} if act == "contact" else {}
    assert told(calling.post(f"/cases/{calling.filed()}/{act}", "dirk", **body)) == (404, "no-such-case")


def test_another_persons_case_is_not_named_in_an_error(calling):
    name = calling.filed()
    answer = calling.ask("dirk")
    assert told(answer) == (409, "overlapping")
    assert (name in answer.text, "case" in answer.json(), name in calling.ask("bob").text) == (False, False, True)


def test_each_sees_her_own_list(calling):
    name = calling.waiting()
    lists = {
        (who, part): [one["case"] for one in calling.get(f"/cases?part={part}", who).json()["cases"]]
        for who in ("bob", "anna", "carla")
        for part in ("requester", "owner", "deciding")
    }
    assert {key for key, found in lists.items() if found == [name]} == {
        ("bob", "requester"),
        ("anna", "owner"),
        ("carla", "deciding"),
    }
    assert sum(map(len, lists.values())) == 3


def test_what_waits_is_a_list_of_its_own(calling):
    name = calling.waiting()
    assert [one["case"] for one in calling.get("/cases/waiting", "carla").json()["cases"]] == [name]
    assert calling.get("/cases/waiting", "bob").json() == {"cases": [], "next": None}


def test_a_long_list_is_read_page_by_page(calling):
    names = [calling.filed(mailbox=f"{who}@corp.test") for who in ("anna", "carla", "dirk")]
    found, path = [], "/cases?limit=2"
    while path:
        page = calling.get(path).json()
        found += [one["case"] for one in page["cases"]]
        path = page["next"] and page["next"].removeprefix("/api/v1")
    assert found == names[::-1]


def test_a_list_can_be_narrowed_to_a_state_and_a_mailbox(calling):
    calling.filed()
    kept = calling.filed(mailbox="dirk@corp.test")
    calling.post(f"/cases/{kept}/withdraw")
    both = calling.get("/cases?state=withdrawn&mailbox=Dirk@corp.test").json()["cases"]
    assert [one["case"] for one in both] == [kept]
    assert calling.get("/cases?state=applied").json()["cases"] == []


def test_the_record_of_a_case_is_whole_for_her_and_without_words_for_who_asked(calling):
    name = calling.filed()
    hers, his = (calling.get(f"/cases/{name}/entries", who).json()["entries"] for who in ("anna", "bob"))
    assert [one["type"] for one in hers] == [one["type"] for one in his] == ["requested"]
    assert ("because" in hers[0]["body"], "because" in his[0]["body"]) == (True, False)


def test_the_history_of_a_mailbox_is_hers_and_others_see_what_is_of_their_cases(calling):
    name = calling.filed()
    calling.filed("carla", mailbox="anna@corp.test", **{"from": "2026-12-08", "until": "2026-12-10"})
    seen = {
        who: {one["case"] for one in calling.get("/mailboxes/A.deVries@corp.test/history", who).json()["entries"]}
        for who in ("anna", "bob", "dirk")
    }
    assert (len(seen["anna"]), seen["bob"], seen["dirk"]) == (2, {name}, set())


# acting


def test_who_asked_takes_it_back_and_she_can_too(calling):
    for who in ("bob", "anna"):
        answer = calling.post(f"/cases/{calling.filed()}/withdraw", who)
        assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")


def test_who_decides_cannot_stop_it_instead(calling):
    assert told(calling.post(f"/cases/{calling.waiting()}/withdraw", "carla")) == (403, "not-yours-to-stop")


def test_what_is_not_live_cannot_be_ended(calling):
    assert told(calling.post(f"/cases/{calling.filed()}/end")) == (409, "no-such-step")


def test_a_contact_that_was_noted_moves_the_case_on(calling):
    name = calling.filed()
    body = {"by": "phone", "outcome": "objected", "because": "She would rather not."}
    assert calling.post(f"/cases/{name}/contact", json=body).json()["state"] == "objected"


@pytest.mark.parametrize("who", ["bob", "anna", "carla"])
def test_nobody_decides_through_the_api(calling, who):
    name = calling.waiting()
    for body in ({}, {"json": {"approve": True}}, {"json": {"decision": "approve", "as": "dirk"}}):
        answer = calling.post(f"/cases/{name}/review", who, **body)
        assert told(answer) == (403, "sign-on-the-page")
        assert answer.json()["detail"].endswith(f"/cases/{name}/review")
    assert calling.world.desk.case(name).reviews == ()


def test_a_case_says_what_she_may_sign_and_where(tmp_path):
    with Sink() as sink:
        world = SignedWorld(tmp_path, sink)
        calling, name = Calling(world), world.asked_for().id
        seen = {who: calling.get(f"/cases/{name}", who).json() for who in ("bob", "anna", "dirk")}
        waits = [one["case"] for one in calling.get("/cases/waiting", "mark").json()["cases"]]
    assert {who: one["may_sign"] for who, one in seen.items()} == {
        "bob": ["request"],
        "anna": [],
        "dirk": ["approve", "deny"],
    }
    assert [one["sign_at"] for one in seen.values()][1:] == [None, f"https://locum.corp.test/cases/{name}/review"]
    assert waits == [name]


# what is hers, and the house


@pytest.mark.parametrize(
    ("form", "kind"), [("json", "application/json"), ("text", "text/plain"), ("html", "text/html")]
)
def test_her_account_is_hers_in_each_form(calling, form, kind):
    name = calling.filed()
    answer = calling.get(f"/cases/{name}/account?format={form}&language=en", "anna")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0], "Bob Smit" in answer.text) == (
        200,
        kind,
        True,
    )
    assert answer.headers["content-disposition"].startswith("attachment")


def test_her_account_is_not_for_who_asked(calling):
    assert told(calling.get(f"/cases/{calling.filed()}/account", "bob")) == (403, "account-is-hers")


def test_the_policy_is_the_one_in_force_and_says_nothing_of_who_saw_it(calling):
    calling.filed()
    found = calling.get("/policy").json()
    assert (found["policy"], "seen_by" in found) == (calling.world.desk.office.policy.hash, False)
    assert calling.get("/policy?at=2026-11-24").json()["since"] == "2026-11-23T09:00:00Z"
    assert told(calling.get("/policy?at=2020-01-01")) == (404, "policy-none-yet")


def test_people_are_shown_by_function_and_without_anything_private(calling):
    answer = calling.get("/people?function=hr")
    assert [one["person"] for one in answer.json()["people"]] == ["dirk"]
    assert "home.test" not in calling.get("/people").text


def test_a_function_on_record_is_told_apart_from_one_that_is_proposed(tmp_path):
    with Sink() as sink:
        found = Calling(SignedWorld(tmp_path, sink)).get("/people").json()["people"]
    named = {one["person"]: (one["function"], one["functions"]) for one in found}
    assert (named["petra"], named["bob"]) == (("dpo", ["dpo"]), ("it", ["it"]))


def test_figures_are_those_that_were_issued(calling):
    assert told(calling.get("/figures/2025")) == (404, "figures-not-issued")
    world = calling.world
    span = yearly.ready_span(2025, "Europe/Amsterdam", world.now)
    issued = yearly.issue(world.app.store, world.app.acting("carla"), yearly.make(world.app.store, span), world.now)
    assert calling.get("/figures/2025").json()["hash"] == issued.hash


def test_who_is_away_is_her_own_line_unless_the_policy_shows_all(tmp_path):
    leave = "person,from,until\nanna,2026-11-25,2026-12-10\nbob,2026-11-26,2026-12-10\n"
    (tmp_path / "leave.csv").write_text(leave)
    with Sink() as sink:
        more = '[leave]\ncsv = "leave.csv"\ngaps_visible_to = ["hr"]\n'
        calling = Calling(World(tmp_path, sink, more=more))
        seen = {who: calling.get("/gaps", who).json() for who in ("bob", "dirk")}
    assert [(found["everyone"], len(found["gaps"])) for found in seen.values()] == [(False, 1), (True, 2)]
    assert seen["bob"]["gaps"][0]["person"] == "bob"


# scopes


NEEDED = {
    ("GET", "/cases"): Scope.CASES_READ,
    ("GET", "/cases/waiting"): Scope.CASES_READ,
    ("GET", f"/cases/{NOBODY}"): Scope.CASES_READ,
    ("GET", f"/cases/{NOBODY}/entries"): Scope.CASES_READ,
    ("GET", "/mailboxes/anna@corp.test/history"): Scope.CASES_READ,
    ("POST", f"/cases/{NOBODY}/review"): Scope.CASES_READ,
    ("POST", "/cases"): Scope.CASES_WRITE,
    ("POST", "/cases/preview"): Scope.CASES_WRITE,
    ("POST", "/batches"): Scope.CASES_WRITE,
    ("POST", f"/cases/{NOBODY}/withdraw"): Scope.CASES_WRITE,
    ("POST", f"/cases/{NOBODY}/end"): Scope.CASES_WRITE,
    ("POST", f"/cases/{NOBODY}/contact"): Scope.CONTACT_WRITE,
    ("GET", f"/cases/{NOBODY}/account"): Scope.ACCOUNT_READ,
    ("GET", "/gaps"): Scope.GAPS_READ,
    ("GET", "/figures/2025"): Scope.FIGURES_READ,
    ("GET", "/policy"): Scope.POLICY_READ,
    ("GET", "/people"): Scope.PEOPLE_READ,
}


@pytest.mark.parametrize(("method", "path"), NEEDED)
def test_a_token_is_for_what_its_scopes_name(calling, method, path):
    needed = NEEDED[method, path]
    others = calling.token("bob", *(set(Scope) - {needed}))
    body = {"json": {"by": "desk", "outcome": "reached", "because": "x"}} if path.endswith("contact") else {"json": ASK}
    if path == "/batches":
        body = {"json": {"batch": "b", "requests": [ASK]}}
    answer = calling.call(method, path, token=others, **(body if method == "POST" else {}))
    assert told(answer) == (403, "scope-missing")
    assert f'scope="{needed}"' in answer.headers["www-authenticate"]
    answer = calling.call(method, path, token=calling.token("bob", needed), **(body if method == "POST" else {}))
    assert answer.status_code in (200, 201, 404) or told(answer)[1] == "sign-on-the-page"
