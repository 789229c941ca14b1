"""The pages of people and keys: the first two keys by link, a third by two, functions, standing in; and what is tried on them."""

import pytest
from authenticator import Authenticator
from people_house import URL, PeopleHouse, follow, form_to, forms, press
from sqlalchemy import update
from starlette.testclient import TestClient
from tests.filings import Clock

from locum.entry import canonical
from locum.schema import proposals
from locum.sessions import How
from locum.store import Store

pytest_plugins = ("tests.stores",)
DAY = 86400


def device() -> Authenticator:
    return Authenticator(URL)


class Founded:
    """Maria (hr) and Dirk (dpo) enrolled their keys through the page."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.house = PeopleHouse(store, clock)
        self.maria, self.dirk, self.sam = device(), device(), device()
        self.link = self.house.first_link()
        self.said = self.house.sit_down(self.house.browser(), self.link, self.maria, self.dirk)

    def at(self, name: str) -> TestClient:
        return self.house.signed_in(name)

    def by_two(self, path: str) -> None:
        """Maria and Dirk sign what is at this address."""
        for name, key in (("maria", self.maria), ("dirk", self.dirk)):
            browser = self.at(name)
            follow(browser, press(browser, browser.get(path), key))

    def key_of_sam(self) -> None:
        """Sam makes a key behind a link, and the two sign for it."""
        browser = self.at("maria")
        person = browser.get("/people/of/sam")
        shown = browser.post("/people/link", data=form_to(person, "/people/link"))
        link = shown.text.partition('code">')[2].partition("<")[0].removeprefix(URL)
        hers = self.house.browser()
        page = hers.post(link)
        page = press(hers, press(hers, page, self.sam), self.sam)
        assert page.status_code == 200, page.text
        self.by_two(f"/people/proposals/{self.house.desk.proposals()[0].id}")
        self.house.clock.later(DAY)


@pytest.fixture
def founded(store: Store, clock: Clock) -> Founded:
    return Founded(store, clock)


@pytest.fixture
def house(store: Store, clock: Clock) -> PeopleHouse:
    return PeopleHouse(store, clock)


# the first two keys


def test_two_people_enrol_in_one_sitting(founded: Founded) -> None:
    assert "Jullie hebben de eerste twee sleutels" in founded.said.text
    assert (founded.house.functions("maria"), founded.house.functions("dirk")) == ({"hr"}, {"dpo"})


def test_the_first_link_works_once(founded: Founded) -> None:
    answer = founded.house.browser().get(founded.link)
    assert (answer.status_code, "al gebruikt" in answer.text) == (409, True)


def test_a_second_founding_ends_nothing_by_itself(founded: Founded) -> None:
    link, browser = founded.house.first_link(), founded.house.browser()
    assert "Er zijn al sleutels" in browser.get(link).text
    page = founded.house.sit_down(browser, link, device(), device())
    assert ("founded = [" in page.text, founded.house.counts("maria")) == (True, 1)
    assert "geen recht geven" in founded.at("maria").get("/people").text


def test_opening_the_link_uses_nothing_up(house: PeopleHouse) -> None:
    link = house.first_link()
    assert [house.browser().get(link).status_code for _ in range(3)] == [200, 200, 200]


def test_a_sitting_that_stops_half_way_leaves_the_link(house: PeopleHouse) -> None:
    link, browser = house.first_link(), house.browser()
    page = browser.post(link, data={"one": "maria@corp.test", "other": "dirk@corp.test", "present": "niemand"})
    press(browser, page, device())
    assert house.recorded() == []
    assert browser.get(link).status_code == 200


@pytest.mark.parametrize("token", ["x" * 43, "", "AAAA.BBBB", "A" * 86])
def test_a_guessed_link_is_refused(house: PeopleHouse, token: str) -> None:
    house.first_link()
    assert house.browser().get(f"/first-keys/{token}").status_code == 404


def test_guessing_is_slowed_down(house: PeopleHouse) -> None:
    browser = house.browser()
    answers = [browser.get(f"/first-keys/{number:043d}").status_code for number in range(25)]
    assert (answers[0], answers[-1]) == (404, 429)


def test_an_old_link_is_refused(house: PeopleHouse) -> None:
    link = house.first_link()
    house.clock.later(DAY)
    assert house.browser().get(link).status_code == 410


def test_a_link_for_one_person_founds_nothing(founded: Founded) -> None:
    link = founded.house.desk.link_for(founded.house.acting("maria"), "sam").removeprefix(URL)
    assert founded.house.browser().get(link.replace("new-key", "first-keys")).status_code == 404


@pytest.mark.parametrize("said", [{"other": "maria@corp.test"}, {"one": "hugo@corp.test", "other": "maria@corp.test"}])
def test_the_two_have_to_be_two(house: PeopleHouse, said: dict[str, str]) -> None:
    form = {"one": "maria@corp.test", "other": "dirk@corp.test", "present": "Nora", **said}
    answer = house.browser().post(house.first_link(), data=form)
    assert "twee verschillende functies" in answer.text


def test_one_device_does_not_sign_for_both(house: PeopleHouse) -> None:
    link, browser, one, other = house.first_link(), house.browser(), device(), device()
    page = browser.post(link, data={"one": "maria@corp.test", "other": "dirk@corp.test", "present": "Nora"})
    for key in (one, other, one, one):
        page = press(browser, page, key)
    assert (page.status_code, house.recorded()) == (403, [])


def test_one_key_is_not_enrolled_for_both(house: PeopleHouse) -> None:
    one = device()
    page = house.sit_down(house.browser(), house.first_link(), one, one)
    assert (page.status_code, house.recorded()) == (403, [])


def test_who_else_was_there_is_recorded_whatever_is_typed(house: PeopleHouse) -> None:
    house.sit_down(house.browser(), house.first_link(), device(), device(), present="<b>Nora\u202e</b>\n{x}")
    assert house.recorded() == ["first-keys"]


# a key of somebody else's


def test_a_key_behind_a_link_counts_when_two_signed_and_a_day_went_by(founded: Founded) -> None:
    founded.key_of_sam()
    assert founded.house.counts("sam") == 1


def test_the_link_for_a_key_works_once(founded: Founded) -> None:
    link = founded.house.desk.link_for(founded.house.acting("maria"), "sam").removeprefix(URL)
    browser = founded.house.browser()
    page = browser.post(link)
    press(browser, press(browser, page, founded.sam), founded.sam)
    assert browser.get(link).status_code == 409


def test_the_words_of_a_new_key_are_the_same_for_both_sides(founded: Founded) -> None:
    link = founded.house.desk.link_for(founded.house.acting("maria"), "sam").removeprefix(URL)
    browser = founded.house.browser()
    page = press(browser, press(browser, browser.post(link), founded.sam), founded.sam)
    words = page.text.partition("</strong> ")[2].partition("<")[0]
    shown = founded.at("dirk").get(f"/people/proposals/{founded.house.desk.proposals()[0].id}").text
    assert (len(words.split()), words in shown) == (6, True)


def test_somebody_else_s_step_does_not_fit_another_link(founded: Founded) -> None:
    links = [
        founded.house.desk.link_for(founded.house.acting("maria"), name).removeprefix(URL) for name in ("sam", "mark")
    ]
    browser = founded.house.browser()
    form = forms(browser.post(links[0]))[0]
    answer = browser.post(f"{links[1]}/made", data={"sitting": form["sitting"], "credential": "{}"})
    assert answer.status_code == 404


def test_somebody_without_a_function_makes_no_link(founded: Founded) -> None:
    browser = founded.house.signed_in("sam", How.PROVIDER)
    token = form_to(browser.get("/people"), "/people/find")["form_token"]
    answer = browser.post("/people/link", data={"form_token": token, "person": "mark"})
    assert (answer.status_code, "new-key/" in answer.text) == (403, False)


def test_with_an_old_key_she_makes_another_that_counts_at_once(founded: Founded) -> None:
    browser, second = founded.at("maria"), device()
    page = follow(browser, press(browser, browser.get("/people/keys"), second))
    page = follow(browser, press(browser, page, second))
    page = follow(browser, press(browser, page, founded.maria))
    assert ("Vastgelegd" in page.text, founded.house.counts("maria")) == (True, 2)


def test_whoever_came_by_a_provider_makes_a_key_that_two_others_sign(founded: Founded) -> None:
    browser = founded.house.signed_in("sam", How.PROVIDER)
    page = follow(browser, press(browser, browser.get("/people/keys"), founded.sam))
    page = follow(browser, press(browser, page, founded.sam))
    assert "Nu is iemand anders nodig" in page.text
    founded.by_two(f"/people/proposals/{founded.house.desk.proposals()[0].id}")
    founded.house.clock.later(DAY)
    assert founded.house.counts("sam") == 1


def test_a_withdrawn_key_signs_out_who_is_in_with_it(founded: Founded) -> None:
    hers, browser = founded.at("maria"), founded.at("dirk")
    form = form_to(browser.get("/people/of/maria"), "/people/keys/withdraw")
    page = follow(browser, browser.post("/people/keys/withdraw", data={**form, "reason": "stolen"}))
    follow(browser, press(browser, page, founded.dirk))
    assert hers.get("/people").headers["location"].startswith("/sign-in")


# functions, managers, leavers


def test_what_people_csv_says_differently_is_proposed_at_once_and_signed_by_two(founded: Founded) -> None:
    browser = founded.at("maria")
    page = browser.get("/people")
    assert "Sam krijgt de functie ICT" in page.text
    page = follow(browser, browser.post("/people/differences", data=form_to(page, "differences")))
    assert "Bekijken en ondertekenen" in page.text
    founded.by_two(f"/people/proposals/{founded.house.desk.proposals()[0].id}")
    assert founded.house.functions("sam") == {"it"}
    assert "people.csv stelt iets anders voor" not in founded.at("maria").get("/people").text


def test_what_is_proposed_already_is_not_offered_again(founded: Founded) -> None:
    browser = founded.at("maria")
    page = browser.post("/people/differences", data=form_to(browser.get("/people"), "differences"))
    assert "people.csv stelt iets anders voor" not in follow(browser, page).text


def test_whoever_signs_reads_who_is_meant(founded: Founded) -> None:
    one = founded.house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    assert "Sam, sam@corp.test" in founded.at("maria").get(f"/people/proposals/{one.id}").text


def test_one_signature_is_not_enough(founded: Founded) -> None:
    browser = founded.at("maria")
    one = founded.house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    page = follow(browser, press(browser, browser.get(f"/people/proposals/{one.id}"), founded.maria))
    assert ("Het is nog niet vastgelegd" in page.text, founded.house.functions("sam")) == (True, frozenset())


def test_a_colleague_s_signature_at_her_page_is_refused(founded: Founded) -> None:
    browser = founded.at("maria")
    one = founded.house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    answer = press(browser, browser.get(f"/people/proposals/{one.id}"), founded.dirk)
    assert (answer.status_code, founded.house.desk.proposal(one.id).signed) == (403, ())


def test_a_proposal_changed_between_two_signatures_is_refused(founded: Founded) -> None:
    one = founded.house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    browser = founded.at("maria")
    press(browser, browser.get(f"/people/proposals/{one.id}"), founded.maria)
    with founded.house.store.database.writing() as connection:
        changed = canonical({"people": [{"person": "sam", "function": "hr"}]})
        connection.execute(update(proposals).values(what=changed))
    browser = founded.at("dirk")
    answer = press(browser, browser.get(f"/people/proposals/{one.id}"), founded.dirk)
    assert (answer.status_code, "na de eerste handtekening veranderd" in answer.text) == (403, True)
    assert founded.house.functions("sam") == frozenset()


def test_a_changed_statement_is_refused(founded: Founded) -> None:
    one = founded.house.propose("maria", "function-given", {"people": [{"person": "sam", "function": "it"}]})
    browser = founded.at("maria")
    answer = press(browser, browser.get(f"/people/proposals/{one.id}"), founded.maria, statement="e30")
    assert (answer.status_code, founded.house.desk.proposal(one.id).signed) == (403, ())


def test_who_left_is_shown_with_a_way_to_withdraw_all(founded: Founded) -> None:
    founded.key_of_sam()
    del founded.house.staff.persons["sam"]
    browser = founded.at("maria")
    page = browser.get("/people")
    assert "Niet meer in people.csv" in page.text
    follow(browser, browser.post("/people/leaver", data=form_to(page, "leaver")))
    assert [one.kind for one in founded.house.desk.proposals()] == ["key-withdrawn"]


# standing in


def test_she_says_who_stands_in_signs_it_and_either_ends_it(founded: Founded) -> None:
    founded.key_of_sam()
    browser = founded.at("maria")
    page = browser.get("/people/delegation")
    form = {**form_to(page, "/people/delegation"), "to": "sam", "from_day": "", "until_day": "2026-12-10"}
    page = follow(browser, browser.post("/people/delegation", data=form))
    follow(browser, press(browser, page, founded.maria))
    (one,) = founded.house.desk.register().delegations.values()
    assert (one.by, one.to, one.function) == ("maria", "sam", "hr")
    his = founded.at("sam")
    page = his.get("/people/delegation")
    assert "Sam beslist voor Maria, als personeelszaken" in page.text
    page = follow(his, his.post("/people/delegation/end", data=form_to(page, "/end")))
    follow(his, press(his, page, founded.sam))
    assert "Niemand neemt voor jou waar" in his.get("/people/delegation").text


def test_no_end_no_standing_in(founded: Founded) -> None:
    founded.key_of_sam()
    browser = founded.at("maria")
    form = form_to(browser.get("/people/delegation"), "/people/delegation")
    answer = browser.post("/people/delegation", data={**form, "to": "sam", "until_day": "2028-01-01"})
    assert "hoogstens een half jaar later" in answer.text


def test_nobody_signs_standing_in_for_another(founded: Founded) -> None:
    founded.key_of_sam()
    one = founded.house.delegation("maria", "sam")
    page = founded.at("dirk").get(f"/people/proposals/{one.id}")
    assert ([form for form in forms(page) if "@kind" in form], "Alleen zij kunnen" in page.text) == ([], True)


# who may look


PATHS = ("/people", "/people/keys", "/people/delegation", "/people/of/maria", "/people/proposals/x")


@pytest.mark.parametrize("path", PATHS)
def test_whoever_is_not_signed_in_sees_nothing(founded: Founded, path: str) -> None:
    answer = founded.house.browser().get(path)
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)


@pytest.mark.parametrize(
    "path", ["/people/differences", "/people/leaver", "/people/link", "/people/delegation", "/people/keys/new"]
)
def test_a_form_of_elsewhere_does_nothing(founded: Founded, path: str) -> None:
    assert founded.at("maria").post(path, data={"person": "sam"}).status_code == 403
    assert founded.house.desk.proposals() == []


@pytest.mark.parametrize("path", PATHS)
def test_pages_may_run_our_script_at_most(founded: Founded, path: str) -> None:
    policy = founded.at("maria").get(path).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_a_name_is_never_markup(founded: Founded) -> None:
    founded.house.staff.persons["sam"] = type(founded.house.staff.persons["sam"])(
        id="sam", name="<script>alert(1)</script>", mailbox=founded.house.staff.persons["sam"].mailbox, language="nl",
        time_zone="Europe/Amsterdam", function='"><img src=x onerror=alert(1)>',
    )  # fmt: skip
    for path in ("/people", "/people/of/sam"):
        page = founded.at("maria").get(path).text
        assert ("<script>alert" in page, "<img" in page) == (False, False)
