"""Pages of cases: whose they are, what they show, asking, and deciding with a passkey; hostile text in every field."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from case_house import CaseHouse, answered, ask, ask_fields, attribute, hidden
from tests.signedworld import SignedWorld

from locum.approval import Approval, challenge, text_hash
from locum.approval.reading import text_of
from locum.demo.sink import Sink
from locum.desk.requested import canonical_request
from locum.lifecycle import State
from registers import nonce

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{7*7}}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SignedWorld]:
    with Sink() as sink:
        yield SignedWorld(tmp_path, sink)


@pytest.fixture
def house(world: SignedWorld) -> CaseHouse:
    return CaseHouse(world)


# who may see what


@pytest.mark.parametrize("name", ["bob", "anna"])
def test_whoever_asked_and_whose_mailbox_it_is_see_the_case(house: CaseHouse, world: SignedWorld, name: str) -> None:
    case = world.reply()
    assert "automatic reply" in house.browser(name).get(f"/cases/{case.id}").text.replace(
        "automatisch antwoord", "automatic reply"
    )


@pytest.mark.parametrize("name", ["carla", "mark", "ivo", "petra"])
@pytest.mark.parametrize("page", ["", "/part", "/review"])
def test_for_everybody_else_there_is_no_such_case(house: CaseHouse, world: SignedWorld, name: str, page: str) -> None:
    case = world.reply(because="Orders of Van Dam are waiting.")
    answer = house.browser(name).get(f"/cases/{case.id}{page}")
    assert answer.status_code in (400, 404)
    assert "Van Dam" not in answer.text
    unknown = house.browser(name).get(f"/cases/aaaa-aaaa{page}")
    assert unknown.text.replace("aaaa-aaaa", "") == answer.text.replace(case.id, "")


@pytest.mark.parametrize("do", ["withdraw", "end"])
def test_nobody_else_withdraws_or_ends_it(house: CaseHouse, world: SignedWorld, do: str) -> None:
    case = world.reply()
    ivo = house.browser("ivo")
    ivo.post(f"/cases/{case.id}", data={"do": do, "form_token": form_token(ivo)})
    assert world.now_of(case).version == case.version


def test_a_reviewer_sees_what_waits_for_her_function_and_what_she_decided(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    dirk, ivo = house.browser("dirk"), house.browser("ivo")
    assert case.id in dirk.get("/cases").text
    assert case.id not in ivo.get("/cases").text
    world.signs("dirk", case)
    assert case.id not in dirk.get("/cases").text
    assert case.id in dirk.get("/cases?which=decided").text


def test_the_requester_is_never_shown_that_her_own_request_waits_for_her(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    page = house.browser("bob").get("/cases?which=deciding")
    assert case.id not in page.text


def test_without_signing_in_one_is_sent_to_sign_in(house: CaseHouse, world: SignedWorld) -> None:
    browser = house.browser("bob")
    browser.cookies.clear()
    for path in (
        "/cases",
        "/cases/ask",
        f"/cases/{world.reply().id}",
        f"/cases/{world.reply(from_='2026-12-20', until='2026-12-24').id}/part",
    ):
        assert browser.get(path).headers["location"].startswith("/sign-in?to=")


def test_a_list_is_a_page_at_a_time(house: CaseHouse, world: SignedWorld) -> None:
    forms = [world.form(mailbox=one, from_=f"2027-01-{day:02}", until=f"2027-01-{day:02}T23:00", reason="customer")
             for one in ("anna@corp.test", "carla@corp.test") for day in range(1, 16)]  # fmt: skip
    for form in forms:
        world.desk.request(world.me("bob"), form)
    bob, seen, path = house.browser("bob"), [], "/cases?which=requester"
    while path:
        page = bob.get(path).text
        found = re.findall(r'href="/cases/(\w{4}-\w{4})"', page)
        assert len(found) <= 20
        seen += found
        following = re.search(r'href="([^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(set(seen)) == len(seen) == 30


def test_what_waits_is_listed_once_whether_it_waits_for_a_review_or_for_grounds(
    house: CaseHouse, world: SignedWorld
) -> None:
    expected = []
    for number in range(6):
        start = f"2027-0{number + 1}"
        if number % 2:
            case = world.reply(from_=f"{start}-05", until=f"{start}-20")
            world.work()
            world.desk.answer(world.token(), "object")
        else:
            case = world.asked_for(from_=f"{start}-01", until=f"{start}-12")
        world.work()
        expected.append(case.id)
    seen: list[str] = []
    listed = world.desk.listed(world.me("dirk"), "deciding", many=2)
    while listed.after:
        seen += [case.id for case in listed.cases]
        listed = world.desk.listed(world.me("dirk"), "deciding", before=listed.after, many=2)
    seen += [case.id for case in listed.cases]
    assert seen == expected[::-1]


def test_what_was_filed_under_an_earlier_policy_still_waits_for_those_whom_that_one_names(world: SignedWorld) -> None:
    case = world.asked_for()
    text = (
        (world.folder / "policy.toml").read_text().replace('functions = ["manager", "hr"]', 'functions = ["manager"]')
    )
    others = '[forward.review]\nfunctions = ["dpo"]\n[objection]\nfunctions = ["dpo", "council"]\n[departure]\ncontact = ["dpo"]\n'
    world.write_policy(f'{text}\n{others}[search.review]\nfunctions = ["dpo"]\n')
    world.app = world.wired()
    assert [one.id for one in world.desk.listed(world.me("dirk"), "deciding").cases] == [case.id]


# asking


def test_what_is_asked_leads_to_its_case(house: CaseHouse, world: SignedWorld) -> None:
    bob = house.browser("bob")
    answer = ask(bob)
    page = bob.get(answer.headers["location"])
    assert "Customers are waiting for an answer." in page.text
    (case,) = world.app.store.find(requester="bob")
    assert case.reply is not None


def test_the_same_form_sent_twice_is_one_case(house: CaseHouse, world: SignedWorld) -> None:
    bob = house.browser("bob")
    looked = bob.post("/cases/ask", data=ask_fields(bob.get("/cases/ask"), do="look"))
    fields = ask_fields(looked, do="send") | {"shown": hidden(looked.text)["shown"]}
    places = {bob.post("/cases/ask", data=fields).headers["location"] for _ in range(3)}
    assert len(places) == len(world.app.store.find(requester="bob")) == 1


def test_nothing_is_sent_that_was_not_shown_first(house: CaseHouse, world: SignedWorld) -> None:
    bob = house.browser("bob")
    looked = bob.post("/cases/ask", data=ask_fields(bob.get("/cases/ask"), do="look"))
    fields = ask_fields(looked, do="send", because="Something else altogether.") | {
        "shown": hidden(looked.text)["shown"]
    }
    answer = bob.post("/cases/ask", data=fields)
    assert answer.status_code == 200
    assert "veranderde iets" in answer.text
    assert world.app.store.find() == []


def test_a_preview_leaves_nothing_behind(house: CaseHouse, world: SignedWorld) -> None:
    bob, before = house.browser("bob"), len(world.app.store.leaves())
    form = bob.get("/cases/ask")
    for given in (
        {},
        {"reason": "holiday"},
        {"measure": "both", "to": "carla@corp.test"},
        {"mailbox": "nobody@corp.test"},
    ):
        assert bob.post("/cases/ask/preview", data=ask_fields(form, **given)).status_code == 200
    assert world.app.store.find() == []
    # that her rules were looked at is no secret kept from whoever's mailbox it is
    assert {one.type for one in world.app.store.entries()[before:]} <= {"looked"}


def test_a_preview_says_who_is_asked_who_decides_and_what_people_read(house: CaseHouse, world: SignedWorld) -> None:
    bob = house.browser("bob")
    fields = ask_fields(bob.get("/cases/ask"), measure="both", to="carla@corp.test", audience="everyone")
    page = bob.post("/cases/ask/preview", data=fields).text
    for said in ("Anna de Vries wordt eerst gevraagd, via privémail, werkmail", "carla@corp.test wordt gevraagd", "personeelszaken",
                 "Aan mensen van buiten", "Dank voor uw bericht", "maandag 14 december 2026"):  # fmt: skip
        assert said in page, said


def test_words_that_tell_too_much_are_refused_with_a_proposal_before_anything_is_sent(
    house: CaseHouse, world: SignedWorld
) -> None:
    bob = house.browser("bob")
    given = {"words": "own", "subject": "Afwezig", "internal_text": "Anna is ziek.", "audience": "internal"}
    page = bob.post("/cases/ask/preview", data=ask_fields(bob.get("/cases/ask"), **given)).text
    assert "Mag niet" in page
    assert "ziek" in page
    assert "Schrijf in plaats daarvan" in page
    assert 'value="send"' not in page


def test_both_measures_are_one_request(house: CaseHouse, world: SignedWorld) -> None:
    ask(house.browser("bob"), measure="both", to="carla@corp.test")
    (case,) = world.app.store.find()
    assert case.asks_for == "both"


def test_a_request_that_is_refused_leads_to_the_case_that_says_why(house: CaseHouse, world: SignedWorld) -> None:
    bob = house.browser("bob")
    given = ask_fields(bob.get("/cases/ask"), until="2027-09-01", do="send")
    mark = looked_mark(bob, given)
    answer = bob.post("/cases/ask", data=given | {"shown": mark})
    (case,) = world.app.store.find()
    assert case.state is State.REFUSED
    assert answer.headers["location"] == f"/cases/{case.id}"
    assert "92" in bob.get(f"/cases/{case.id}").text


def looked_mark(browser, fields: dict[str, str]) -> str:
    """What a page would have shown for these fields: the mark that stands beside the button, had there been one."""
    from locum.web.cases.form import AskForm  # noqa: PLC0415

    return AskForm(**fields).mark


# hostile text, and forms of strangers


@pytest.mark.parametrize("field", ["mailbox", "because", "reason", "subject", "internal_text", "external_text", "contact", "exceptions",
                                   "to", "until", "from_date", "template", "audience", "closes", "once", "shown"])  # fmt: skip
def test_hostile_text_in_a_field_is_text_and_nothing_else(house: CaseHouse, world: SignedWorld, field: str) -> None:
    bob = house.browser("bob")
    own = (
        {"words": "own", "subject": "x", "internal_text": "y"}
        if field in ("subject", "internal_text", "external_text")
        else {}
    )
    given = {**own, "measure": "both", "to": "carla@corp.test", "audience": "everyone", field: HOSTILE, "do": "look"}
    for path in ("/cases/ask", "/cases/ask/preview"):
        page = bob.post(path, data=ask_fields(bob.get("/cases/ask"), **given)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.findall(r"alert\(1\)&gt;&amp;amp;(\S{0,6})", page)


def test_hostile_text_that_was_filed_is_text_on_the_case_and_on_its_review(
    house: CaseHouse, world: SignedWorld
) -> None:
    case = world.asked_for(because=HOSTILE)
    for name, page in (("bob", ""), ("bob", "/review"), ("dirk", ""), ("dirk", "/review")):
        text = house.browser(name).get(f"/cases/{case.id}{page}").text
        assert "&lt;script&gt;alert" in text
        assert "<script>alert" not in text


@pytest.mark.parametrize(
    "path", ["/cases/ask", "/cases/ask/preview", "/cases/{case}", "/cases/{case}/review", "/cases/{case}/sign"]
)
def test_a_form_of_a_stranger_does_nothing(house: CaseHouse, world: SignedWorld, path: str) -> None:
    case = world.asked_for()
    fields = (
        ask_fields(house.browser("bob").get("/cases/ask")) if path.endswith(("ask", "preview")) else {"do": "withdraw"}
    )
    answer = house.browser("bob").post(path.format(case=case.id), data=fields | {"form_token": "0" * 64})
    assert answer.status_code == 403
    assert world.now_of(case).version == case.version


# a case


def test_the_part_that_changes_is_sent_only_when_it_did(house: CaseHouse, world: SignedWorld) -> None:
    case, bob = world.reply(), house.browser("bob")
    first = bob.get(f"/cases/{case.id}/part")
    same = bob.get(f"/cases/{case.id}/part", headers={"if-none-match": first.headers["etag"]})
    world.work()
    later = bob.get(f"/cases/{case.id}/part", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, same.status_code, later.status_code) == (200, 304, 200)
    assert "wordt gevraagd" in later.text


def test_nothing_between_keeps_the_part_that_changes(house: CaseHouse, world: SignedWorld) -> None:
    answer = house.browser("bob").get(f"/cases/{world.asked_for().id}/part")
    assert answer.headers["cache-control"] == "private, no-cache"


def test_why_she_objected_is_not_told_to_the_requester(house: CaseHouse, world: SignedWorld) -> None:
    case = world.reply()
    world.work()
    world.desk.answer(world.token(), "object", because="Because of my divorce.")
    page = house.browser("bob").get(f"/cases/{case.id}").text
    assert "maakte bezwaar" in page
    assert "divorce" not in page


def test_whoever_asked_withdraws_it(house: CaseHouse, world: SignedWorld) -> None:
    case, bob = world.reply(), house.browser("bob")
    bob.post(f"/cases/{case.id}", data={"do": "withdraw", "form_token": form_token(bob)})
    assert world.now_of(case).state is State.WITHDRAWN


# deciding


def test_a_forward_goes_on_with_the_signatures_of_whoever_asked_and_one_other(
    house: CaseHouse, world: SignedWorld
) -> None:
    case = world.asked_for()
    for name in ("bob", "dirk"):
        browser = house.browser(name)
        page = browser.get(f"/cases/{case.id}/review")
        assert house.sign(browser, name, page).headers["location"] == f"/cases/{case.id}"
    assert world.now_of(case).state is State.SCHEDULED


def test_the_text_on_the_page_is_the_text_that_is_signed(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for(because="Orders <of> 'Dam' & Co are waiting.")
    page = house.browser("dirk").get(f"/cases/{case.id}/review").text
    shown = re.search(r'<pre class="text signed"[^>]*>\n(.*?)</pre>', page, re.DOTALL)
    assert shown is not None
    import html  # noqa: PLC0415

    assert html.unescape(shown[1]) == world.asked("dirk", case, "approve").text


def test_an_old_proof_of_who_one_is_does_not_do_for_signing(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    assert (
        house.browser("dirk", minutes_ago=11)
        .get(f"/cases/{case.id}/review")
        .headers["location"]
        .startswith("/sign-in?")
    )
    browser, old = house.browser("dirk"), house.browser("dirk", minutes_ago=20)
    page = browser.get(f"/cases/{case.id}/review")
    assert house.sign(old, "dirk", page, form_token=form_token(old)).headers["location"].startswith("/sign-in")
    assert world.now_of(case).version == case.version


def test_a_denial_needs_its_reason_only_from_the_page_and_stops_the_request(
    house: CaseHouse, world: SignedWorld
) -> None:
    case, dirk = world.asked_for(), house.browser("dirk")
    page = dirk.get(f"/cases/{case.id}/review?decision=deny")
    house.sign(dirk, "dirk", page, because="There is a deputy.")
    assert world.now_of(case).state is State.REFUSED


@pytest.mark.parametrize("name", ["bob", "anna", "carla", "ivo"])
def test_who_may_not_decide_is_offered_no_button_to_approve(house: CaseHouse, world: SignedWorld, name: str) -> None:
    case = world.asked_for()
    page = house.browser(name).get(f"/cases/{case.id}/review").text
    assert "decision=deny" not in page
    assert "met passkey" not in page.replace("Ondertekenen met passkey", "")


def test_a_statement_of_another_is_not_taken_over(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    page = house.browser("dirk").get(f"/cases/{case.id}/review")
    mark = house.browser("mark")
    answer = house.sign(mark, "mark", page, form_token=form_token(mark))
    assert answer.status_code == 403
    assert world.now_of(case).version == case.version


def signed_by_hand(world: SignedWorld, name: str, function: str, case, **instead: str) -> dict[str, str]:
    """The fields of a form that no page gave her: a statement that she made herself, signed with her own passkey."""
    shown = text_of(canonical_request(case), "approve", "nl")
    said = Approval(
        decision="approve",
        function=function,
        approver=name,
        request=case.request,
        display=text_hash(shown),
        policy=case.policy,
        log=world.desk.office.log(),
        nonce=nonce(),
    )
    statement = replace(said, **instead).dump()
    credential = answered(world.keys[name].sign(challenge("approval", statement)))
    field = urlsafe_b64encode(statement).rstrip(b"=").decode()
    return {"statement": field, "credential": credential, "decision": "approve", "because": "Fine."}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("bob", "it"),
        ("bob", "hr"),
        ("anna", "sales"),
        ("anna", "hr"),
        ("carla", "manager"),
        ("ivo", "it"),
        ("ivo", "hr"),
    ],
)
@pytest.mark.parametrize("address", ["sign", "review"])
def test_who_may_not_decide_does_not_by_posting_what_no_page_gave(
    house: CaseHouse, world: SignedWorld, name: str, function: str, address: str
) -> None:
    case = world.asked_for()
    world.asked("dirk", case, "approve")  # the history was shown, so that only the person is wrong
    browser = house.browser(name)
    fields = {**signed_by_hand(world, name, function, case), "request": case.request, "form_token": form_token(browser)}
    answer = browser.post(f"/cases/{case.id}/{address}", data=fields)
    after = world.now_of(case)
    assert answer.status_code in (400, 403)
    assert (after.reviews, "reviewed" in world.types(case)) == ((), False)


def test_whoever_may_decide_does_so_with_the_same_fields(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for()
    world.asked("dirk", case, "approve")
    browser = house.browser("dirk")
    fields = {**signed_by_hand(world, "dirk", "hr", case), "form_token": form_token(browser)}
    assert browser.post(f"/cases/{case.id}/sign", data=fields).headers["location"] == f"/cases/{case.id}"
    assert [who for who, *_ in world.now_of(case).reviews] == ["dirk"]
    assert browser.post(f"/cases/{case.id}/sign", data=fields).status_code == 403
    again = {**signed_by_hand(world, "dirk", "hr", case), "form_token": form_token(browser)}
    assert browser.post(f"/cases/{case.id}/sign", data=again).status_code == 403
    assert len(world.now_of(case).reviews) == 1


@pytest.mark.parametrize("field", ["request", "policy", "display"])
def test_one_changed_character_of_what_is_signed_is_refused_at_the_page(
    house: CaseHouse, world: SignedWorld, field: str
) -> None:
    case = world.asked_for()
    world.asked("dirk", case, "approve")
    browser = house.browser("dirk")
    fields = {**signed_by_hand(world, "dirk", "hr", case, **{field: "0" * 64}), "form_token": form_token(browser)}
    assert browser.post(f"/cases/{case.id}/sign", data=fields).status_code in (403, 409)
    assert "reviewed" not in world.types(case)


def test_the_case_of_another_that_is_in_the_way_is_not_named(house: CaseHouse, world: SignedWorld) -> None:
    bob, dirk = house.browser("bob"), house.browser("dirk")
    case = ask(bob).headers["location"].split("/")[2]
    assert case not in ask(dirk).text
    assert case in ask(bob).text


def form_token(browser) -> str:
    return attribute(browser.get("/cases/ask").text.partition('name="form_token"')[2], "value")


def test_a_requester_with_a_key_and_no_function_reads_which_of_the_two_is_missing(
    house: CaseHouse, world: SignedWorld
) -> None:
    case = world.asked_for()
    world.deed("function-withdrawn", {"people": [{"person": "bob", "function": "it"}]}, *world.two)
    page = house.browser("bob").get(f"/cases/{case.id}/review").text
    assert "Je hebt een sleutel, maar nog geen functie in het logboek" in page
    assert 'href="/people"' in page.partition("<main")[2]


def test_a_reviewer_reads_what_is_missing_on_record(house: CaseHouse, world: SignedWorld) -> None:
    case = world.asked_for(because="Orders of Van Dam are waiting.")
    petra, ivo = ("petra", "dpo", world.keys["petra"]), ("ivo", "it", world.keys["ivo"])
    world.deed("function-withdrawn", {"people": [{"person": "dirk", "function": "hr"}]}, petra, ivo)
    page = house.browser("dirk").get(f"/cases/{case.id}/review")
    assert "geen functie van je vastgelegd" in " ".join(page.text.split())
    assert "Van Dam" not in page.text


@pytest.mark.parametrize(
    ("name", "key"), [("dirk", "no-key"), ("ivo", ""), ("petra", "no-key"), ("anna", ""), ("bob", ""), ("carla", "")]
)
def test_who_would_review_it_by_people_csv_hears_of_a_missing_key(world: SignedWorld, name: str, key: str) -> None:
    case = world.asked_for()
    world.withdraw(name)
    lacking = world.desk.lacking(world.me(name), case.id)
    assert (lacking.key if lacking else "") == key
