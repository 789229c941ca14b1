"""The pages over the real desk: what they show, and what the buttons do."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from desks import Counter
from reading import Reader, buttons, press, text_of
from starlette.testclient import TestClient

from locum import tokens
from locum.lifecycle import State
from locum.measure import Audience
from locum.web import make_app

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# what it shows


def test_the_page_says_who_asks_why_from_when_until_when_and_what_if_she_does_nothing(
    counter: Counter, browser: TestClient
) -> None:
    case, token = counter.ask(audience=Audience.EVERYONE, external_text="Dear customer,\n\nAnna is away.\n")
    page = browser.get(f"/l/{token}")
    shown = text_of(page)
    assert page.status_code == 200
    for part in (
        "Voorbeeld BV",
        "Sam Jansen",
        "sam@corp.test",
        "Een klant belt steeds.",
        "maandag 23 november 2026, 10:00 uur",
        "vrijdag 25 december 2026, 00:00 uur",
        "Antwoord je niet vóór maandag 23 november 2026, 14:00 uur, dan kijkt iemand anders bij Voorbeeld BV ernaar",
        "Na afloop krijg je een verantwoording",
        "Wat we van je bewaren",
    ):
        assert part in shown
    assert case.auto_reply.text_body in Reader(page.text).text
    assert "Dear customer,\n\nAnna is away.\n" in Reader(page.text).text


def test_the_page_is_in_her_language_whatever_the_browser_wants(tmp_path: Path) -> None:
    counter = Counter(tmp_path, language="en")
    _, token = counter.ask()
    with TestClient(make_app(counter.desk, organisation="Voorbeeld BV")) as browser:
        page = browser.get(f"/l/{token}", headers={"Accept-Language": "nl"})
    assert '<html lang="en">' in page.text
    assert "What would you like?" in page.text


def test_without_an_external_text_the_page_says_that_nobody_outside_gets_a_reply(
    counter: Counter, browser: TestClient
) -> None:
    _, token = counter.ask()
    assert "Mensen van buiten Voorbeeld BV krijgen geen antwoord." in text_of(browser.get(f"/l/{token}"))


# opening changes nothing


def test_opening_a_link_in_any_way_and_often_changes_nothing(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    before = counter.everything()
    first = browser.get(f"/l/{token}")
    for _ in range(3):
        assert browser.get(f"/l/{token}", headers={"Purpose": "prefetch"}).text == first.text
        assert browser.head(f"/l/{token}").status_code == 200
    browser.get(f"/l/{token}?answer=agree")
    browser.request("OPTIONS", f"/l/{token}")
    assert counter.everything() == before


def test_no_other_method_reaches_the_desk(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    before = counter.everything()
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert browser.request(method, f"/l/{token}", data={"answer": "agree"}).status_code == 405
    assert counter.everything() == before


# the buttons


def test_agreeing_is_noted_and_leads_back_to_the_page(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    answer = press(browser, token, "agree")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/l/{token}")
    assert counter.desk.case(case.id).answer == "agreed"
    page = browser.get(f"/l/{token}")
    assert "Dank je wel. Je bent akkoord." in text_of(page)
    assert buttons(page) == {"object", "done"}


def test_what_was_said_already_is_a_409_with_the_page_as_it_stands(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    press(browser, token, "agree")
    before = counter.everything()
    again = press(browser, token, "agree")
    assert again.status_code == 409
    assert "Dank je wel. Je bent akkoord." in text_of(again)
    assert counter.everything() == before


def test_pressing_twice_at_the_same_moment_is_agreeing_once(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    together = threading.Barrier(4)

    def one_press(_: int) -> int:
        together.wait()
        return press(browser, token, "agree").status_code

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(one_press, range(4)))
    assert codes == [303, 409, 409, 409]
    assert [entry.type for entry in counter.store.entries(case=case.id)].count("answered") == 1


def test_an_objection_needs_no_reason_and_nothing_is_set(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    assert press(browser, token, "object").status_code == 303
    counter.pass_time(days=1)
    assert counter.desk.case(case.id).state is State.OBJECTED
    assert not counter.mail.replies
    assert buttons(browser.get(f"/l/{token}")) == {"agree", "own-text", "done"}  # she may agree after all


def test_the_reason_for_an_objection_is_recorded(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    press(browser, token, "object", because="Ik lees zelf mee.\r\nEcht.")
    assert counter.store.entries(case=case.id)[-1].body["because"] == "Ik lees zelf mee.\nEcht."


def test_she_can_object_after_having_agreed(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    press(browser, token, "agree")
    assert press(browser, token, "object").status_code == 303
    assert counter.desk.case(case.id).state is State.OBJECTED


def test_the_form_for_her_own_words_starts_with_the_draft(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    page = Reader(browser.get(f"/l/{token}").text)
    fields = {attrs["name"]: attrs for tag, attrs in page.elements if tag in ("input", "textarea")}
    assert fields["subject"]["value"] == case.auto_reply.subject
    assert page.text.count(case.auto_reply.text_body) == 2  # once as it is sent, once in the form


def test_her_own_words_are_set_to_the_letter(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    words = "\n  Hoi <b>allemaal</b> & co,\n\n.\nik ben weg — \u2018echt\u2019 🌻\n"
    fields = {"subject": "Even weg", "internal_text": words.replace("\n", "\r\n"), "external_text": "Away."}
    assert press(browser, token, "own-text", **fields).status_code == 303
    counter.work()
    (reply,) = counter.mail.replies["anna@corp.test"]
    assert (reply.subject, reply.text_body, reply.external_text) == ("Even weg", words, "Away.")
    assert words in Reader(browser.get(f"/l/{token}").text).text
    assert counter.desk.case(case.id).answer == "own-text"


def test_a_preview_shows_her_words_and_changes_nothing(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    before = counter.everything()
    page = press(browser, token, "preview", subject="Even weg", internal_text="Hoi,\r\n\r\nik ben weg.")
    assert page.status_code == 200
    assert "Zo gaat het eruit" in text_of(page)
    assert Reader(page.text).text.count("Hoi,\n\nik ben weg.") == 2  # as it goes out, and still in the form
    assert counter.everything() == before


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"subject": "Even weg", "internal_text": "weg \u202e geheim"}, 400),
        ({"subject": "", "internal_text": "ik ben er niet"}, 400),
        ({"subject": "Twee\nregels", "internal_text": "ik ben er niet"}, 400),
        ({"subject": "Even weg", "internal_text": "ik ben er niet", "until": "2030-01-01"}, 409),
        ({"subject": "Even weg", "internal_text": "ik ben er niet", "until": "morgen"}, 400),
        ({"subject": "Even weg", "internal_text": "lang " * 20_000}, 400),
    ],
)
def test_words_that_cannot_be_used_are_given_back_with_the_reason(
    counter: Counter, browser: TestClient, fields: dict[str, str], status: int
) -> None:
    _, token = counter.ask()
    before = counter.everything()
    page = press(browser, token, "own-text", **fields)
    assert page.status_code == status
    assert 'role="alert"' in page.text
    assert fields["internal_text"].replace("\u202e", "") in Reader(page.text).text
    assert '<details class="choice" open>' in page.text
    assert counter.everything() == before


def test_having_done_it_herself_ends_the_matter(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    assert press(browser, token, "done").status_code == 303
    counter.work()
    assert counter.desk.case(case.id).answer == "done-herself"
    assert "Fijn, je hebt het zelf gedaan." in text_of(browser.get(f"/l/{token}"))
    assert not counter.mail.replies


@pytest.mark.parametrize("answer", ["stop", "object"])
def test_a_live_reply_stops_at_her_word(counter: Counter, browser: TestClient, answer: str) -> None:
    case, token = counter.ask()
    counter.pass_time(hours=5)
    assert counter.desk.case(case.id).state is State.APPLIED
    page = browser.get(f"/l/{token}")
    assert "Het automatische antwoord staat aan" in text_of(page)
    assert buttons(page) == {"stop", "object"}
    assert press(browser, token, answer).status_code == 303
    counter.work()
    assert counter.mail.replies["anna@corp.test"] == ()
    shown = text_of(browser.get(f"/l/{token}"))
    assert "Het automatische antwoord staat uit" in shown
    assert {"stop": "je hebt het zelf gestopt", "object": "je hebt bezwaar gemaakt"}[answer] in shown


def test_the_link_in_the_letter_that_it_is_on_stops_it_too(counter: Counter, browser: TestClient) -> None:
    counter.ask()
    counter.pass_time(hours=5)
    assert press(browser, counter.link("live"), "stop").status_code == 303
    counter.work()
    assert counter.mail.replies["anna@corp.test"] == ()


def test_after_the_time_to_answer_she_can_still_object_until_it_is_on(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask(from_="2026-11-25")
    counter.pass_time(hours=5)
    page = browser.get(f"/l/{token}")
    assert "Doe je niets, dan gaat dit antwoord op woensdag 25 november 2026, 00:00 uur aan." in text_of(page)
    assert press(browser, token, "object").status_code == 303
    counter.pass_time(days=3)
    assert counter.desk.case(case.id).state is State.OBJECTED


def test_a_reminder_lets_her_set_her_own_reply(counter: Counter, browser: TestClient) -> None:
    token = counter.remind()
    page = browser.get(f"/l/{token}")
    assert buttons(page) == {"set"}
    fields = {"subject": "Weg", "internal_text": "Tot straks", "external_text": "", "until": "2026-12-07"}
    assert press(browser, token, "set", **fields).status_code == 303
    counter.work()
    (reply,) = counter.mail.replies["anna@corp.test"]
    assert (reply.subject, reply.text_body, reply.external_text) == ("Weg", "Tot straks", None)
    assert "je antwoord staat klaar" in text_of(browser.get(f"/l/{token}"))
    assert press(browser, token, "set", **fields).status_code == 409
    live = text_of(browser.get(f"/l/{counter.link('live')}"))
    assert "Weg" in live
    assert "Mail Anna" not in live  # she need not write to herself


@pytest.mark.parametrize("answer", ["", "AGREE", "set", "stop", "drop table", "agree "])
def test_an_answer_that_was_not_offered_changes_nothing(counter: Counter, browser: TestClient, answer: str) -> None:
    _, token = counter.ask()
    before = counter.everything()
    assert press(browser, token, answer).status_code in (400, 409)
    assert counter.everything() == before


@pytest.mark.parametrize("body", [b"\xff\xfe", b"answer=agree&extra=1", b"answer", b"", b"answer=%00%ff"])
def test_a_form_that_is_none_changes_nothing(counter: Counter, browser: TestClient, body: bytes) -> None:
    _, token = counter.ask()
    before = counter.everything()
    assert browser.post(f"/l/{token}", content=body, headers=FORM).status_code == 400
    assert counter.everything() == before


# links that do not work


def test_a_forged_link_and_nonsense_give_the_same_page(counter: Counter, browser: TestClient) -> None:
    counter.ask()
    forged = browser.get(f"/l/{tokens.new(b'another key', bytes)}")
    nonsense = browser.get("/l/nonsense")
    assert forged.status_code == nonsense.status_code == 404
    assert forged.content == nonsense.content
    assert {**forged.headers} == {**nonsense.headers}


def test_a_link_of_ours_whose_case_was_erased_says_so(counter: Counter, browser: TestClient) -> None:
    answer = browser.get(f"/l/{counter.desk.office.new_token()}")
    assert answer.status_code == 410
    assert "gewist" in answer.text


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("en-GB", "en"),
        ("de, en;q=0.5, nl;q=0.1", "en"),
        ("nl;q=0, en", "en"),
        ("fr", "nl"),
        ("", "nl"),
    ],
)
def test_a_page_about_nobody_is_in_the_browsers_language(browser: TestClient, wish: str, language: str) -> None:
    page = browser.get("/l/nonsense", headers={"Accept-Language": wish})
    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language


def test_after_its_end_the_link_has_expired_and_her_words_are_not_lost(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    counter.pass_time(days=40)
    assert browser.get(f"/l/{token}").status_code == 410
    page = press(browser, token, "own-text", subject="Weg", internal_text="Een heel verhaal")
    assert page.status_code == 410
    assert "Een heel verhaal" in text_of(page)


def test_a_link_typed_over_with_capitals_and_a_full_stop_works(counter: Counter, browser: TestClient) -> None:
    _, token = counter.ask()
    assert browser.get(f"/l/{token.upper()}.").status_code == 200


def test_a_link_is_good_until_the_very_end_and_not_a_second_more(counter: Counter, browser: TestClient) -> None:
    case, token = counter.ask()
    counter.clock.now = case.auto_reply.to_date - timedelta(seconds=1)
    assert browser.get(f"/l/{token}").status_code == 200
    counter.clock.now = case.auto_reply.to_date
    assert browser.get(f"/l/{token}").status_code == 410
