"""Long absence, departure and death (clause 17): who is asked, who looks, who is told, what is named, and that nothing is closed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.world import PEOPLE, World

from locum.account import Account
from locum.demo.sink import Sink
from locum.desk.departing import ORDINARY, PATHS
from locum.desk.departing import Path as Way
from locum.errors import Invalid, LocumError, Refused
from locum.lifecycle import Case, State
from locum.measure import Audience
from locum.policy.around import Departure
from locum.wording import LANGUAGES, Known, from_template, lint

MORE = "emma,Emma Visser,emma@corp.test,,nl,Europe/Amsterdam,dpo,carla,,,\n"
POLICY = "[auto-reply.review]\ncount = 0\n"
MONTH = "2026-12-20"
REASONS = sorted(PATHS)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path, sink: Sink) -> World:
    made = World(tmp_path, sink, people=PEOPLE + MORE)
    (tmp_path / "policy.toml").write_text(POLICY)
    made.app = made.wired()
    return made


def asked(world: World, reason: str, **changes: object) -> Case:
    given: dict[str, object] = {"reason": reason, "until": MONTH, "contact_person": "sales@corp.test"}
    given |= {"audience": Audience.EVERYONE}
    case = world.request(**(given | changes))
    world.work()
    return world.desk.case(case.id)


def live(world: World, reason: str, **changes: object) -> Case:
    case = asked(world, reason, **changes)
    if reason == "death":
        for who in ("dirk", "emma"):
            world.desk.review(world.app.acting(who), case.id, approve=True, because="Agreed with the family.")
    world.later(hours=5)
    case = world.desk.case(case.id)
    assert case.state is State.APPLIED
    return case


def ended(world: World, case: Case) -> Case:
    world.now = case.to_date + timedelta(minutes=1)
    world.work()
    return world.desk.case(case.id)


def text_of(world: World, recipient: str, event: str) -> str:
    part = world.letters(recipient, event)[-1].mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def in_words(account: Account) -> str:
    return " ".join(row.text for section in account.sections for row in section.rows)


# who is asked, and who looks -----------------------------------------------------------------------------------------


def test_the_table_has_every_reason_of_the_clause() -> None:
    assert set(PATHS) == set(Departure().reasons)


def test_the_page_tells_the_table() -> None:
    page = (Path(__file__).parent.parent / "docs" / "cases.md").read_text("utf-8")
    section = page.partition("## Long absence")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")][
        2:
    ]
    assert {row[0]: row[1:] for row in rows} == {
        name: told(path) for name, path in {"every other": ORDINARY, **PATHS}.items()
    }


def told(path: Way) -> list[str]:
    them = "those who keep the contact"
    return [
        "yes" if path.asks_her else "no",
        "yes" if path.tells_keepers else "no",
        "her" if path.letters_to_her else them,
        "her" if path.account_to_her else them,
        "when the reply ends, or on the day named" if path.closes else "only where a day is named",
    ]


@pytest.mark.parametrize("reason", ["long-absence", "departure"])
def test_she_is_asked_herself_once_and_whoever_keeps_the_contact_hears_of_it(world: World, reason: str) -> None:
    case = asked(world, reason)
    assert case.state is State.ASKING
    assert [len(world.letters(address, "ask")) for address in ("anna@home.test", "anna@corp.test")] == [1, 1]
    told = text_of(world, "dirk@corp.test", "contact-asked")
    assert f"locum contact {case.id}" in told
    assert "/l/" not in told
    world.later(days=2)
    assert len(world.letters("anna@home.test", "ask")) == 1


def test_after_a_death_nobody_is_asked_and_nobody_writes_to_her(world: World) -> None:
    case = ended(world, live(world, "death"))
    assert case.state is State.ACCOUNTED
    assert world.letters("anna@home.test") == []
    assert world.letters("anna@corp.test") == []


@pytest.mark.parametrize("approving", [(), ("dirk",), ("emma",), ("carla", "emma")])
def test_after_a_death_both_human_resources_and_the_officer_look(world: World, approving: tuple[str, ...]) -> None:
    case = asked(world, "death")
    assert case.state is State.AWAITING_REVIEW
    assert world.letters("dirk@corp.test", "review")
    assert world.letters("emma@corp.test", "review")
    for who in approving:
        world.desk.review(world.app.acting(who), case.id, approve=True, because="Fine.")
    world.later(days=3)
    assert (world.desk.case(case.id).state, world.published()) == (State.AWAITING_REVIEW, {})


def test_what_the_family_does_not_want_stops_it(world: World) -> None:
    case = live(world, "death")
    said = {"by": "phone", "outcome": "objected", "because": "Her brother asks to stop it."}
    world.desk.contact(world.app.acting("dirk"), case.id, **said)
    world.work()
    assert (world.desk.case(case.id).outcome, world.published()) == ("objection", {})
    assert world.letters("anna@home.test") == world.letters("anna@corp.test") == []


def test_an_objection_of_the_family_is_overruled_only_as_hers_and_told_to_who_keeps_the_contact(world: World) -> None:
    case = asked(world, "death")
    world.desk.contact(
        world.app.acting("dirk"), case.id, by="phone", outcome="objected", because="Her brother objects."
    )
    for who in ("carla", "emma"):
        world.desk.overrule(world.app.acting(who), case.id, because="Creditors have to hear today whom to turn to.")
        world.work()
    assert "Creditors" in text_of(world, "dirk@corp.test", "contact-overruled")
    assert world.letters("anna@corp.test") == []


# how long ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["long-absence", "departure"])
def test_longer_than_a_month_needs_somebody_else(world: World, reason: str) -> None:
    case = asked(world, reason, until="2027-01-15")
    world.later(hours=5)
    assert world.desk.case(case.id).state is State.AWAITING_REVIEW


@pytest.mark.parametrize("reason", REASONS)
def test_longer_than_three_months_is_refused(world: World, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        asked(world, reason, until="2027-02-25")
    assert refused.value.clause in (5, 17)


# what is named -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", REASONS)
def test_the_reply_names_whom_to_turn_to_and_the_closing(world: World, reason: str) -> None:
    case = live(world, reason, mailbox_closes_on="2027-01-31")
    reply = case.auto_reply
    for said in (reply.text_body, reply.external_text or ""):
        assert "sales@corp.test" in said
        assert "gaat dicht op zondag 31 januari 2027" in said


@pytest.mark.parametrize(("reason", "said"), [("long-absence", False), ("departure", True), ("death", True)])
def test_where_no_day_is_named_the_mailbox_closes_when_the_reply_ends(world: World, reason: str, said: bool) -> None:
    case = asked(world, reason)
    assert (case.closes_on is not None) is said
    assert ("gaat dicht op zondag 20 december 2026" in case.auto_reply.text_body) is said


def test_a_colleague_is_named_with_name_and_work_address_only(world: World) -> None:
    case = asked(world, "long-absence", contact_person="dirk")
    assert case.contact_person == "dirk@corp.test"
    assert "Dirk Bakker (dirk@corp.test)" in case.auto_reply.text_body


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"contact_person": ""}, "contact-person-missing"),
        ({"contact_person": "anna"}, "contact-person-herself"),
        ({"contact_person": "a.devries@corp.test"}, "contact-person-herself"),
        ({"contact_person": "nobody"}, "contact-person-unknown"),
        ({"contact_person": "dirk@private.test"}, "contact-person-outside"),
        ({"contact_person": "x@corp.test\nBcc: y@z.test"}, "bad-address"),
        ({"mailbox_closes_on": "2026-12-19"}, "closes-before-end"),
        ({"mailbox_closes_on": "soon"}, "bad-day"),
        ({"mailbox_closes_on": "2026-12-31T00:00"}, "bad-day"),
        ({"reason": "forgotten", "contact_person": "", "mailbox_closes_on": "2026-12-31"}, "contact-person-missing"),
    ],
)
def test_what_cannot_be_named_is_said_and_nothing_is_filed(world: World, changes: dict[str, object], key: str) -> None:
    with pytest.raises(Invalid) as caught:
        asked(world, **({"reason": "departure"} | changes))  # type: ignore[arg-type]
    assert caught.value.key == key
    assert world.app.store.find() == []


def test_what_is_named_is_part_of_the_request(world: World) -> None:
    case = live(world, "departure", mailbox_closes_on="2027-01-31")
    body = next(entry.body for entry in world.app.store.entries(case=case.id) if entry.type == "requested")
    assert (body["contact_person"], body["closes_on"]) == ("sales@corp.test", "2027-01-31")


@pytest.mark.parametrize("reason", REASONS)
def test_the_account_names_both(world: World, reason: str) -> None:
    case = live(world, reason, mailbox_closes_on="2027-01-31")
    told = in_words(world.desk.account(case.id))
    assert "sales@corp.test" in told
    assert "zondag 31 januari 2027" in told
    assert "Locum sluit zelf niets" in told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", REASONS)
def test_a_template_that_names_the_closing_passes_the_linter(name: str, language: str) -> None:
    until = {"nl": "20 december 2026", "en": "20 December 2026", "de": "20. Dezember 2026", "fr": "20 décembre 2026"}
    values = {"name": "Anna de Vries", "organisation": "Voorbeeld BV", "until": until[language]}
    values |= {"contact": "Dirk Bakker (dirk@corp.test)", "closes_on": "2027-01-31"}
    known = Known(
        organisation="Voorbeeld BV", name="Anna de Vries", colleagues=("Dirk Bakker",), domains=("corp.test",)
    )
    subject, internal, external = from_template(name, language, values)
    assert "2027-01-31" in internal
    assert "2027-01-31" in external
    assert [lint(text, audience="external", known=known) for text in (subject, external)] == [(), ()]
    assert lint(internal, audience="internal", known=known) == ()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", REASONS)
def test_a_template_without_a_closing_says_nothing_of_one(name: str, language: str) -> None:
    values = {"name": "Anna", "organisation": "Voorbeeld BV", "until": "20 december 2026", "contact": "sales@corp.test"}
    assert all("{" not in text and "\n\n\n" not in text for text in from_template(name, language, values))


# who is told afterwards ----------------------------------------------------------------------------------------------


def test_after_long_absence_the_account_is_hers(world: World) -> None:
    ended(world, live(world, "long-absence"))
    assert len(world.letters("anna@corp.test", "account")) == 1
    assert world.letters("dirk@corp.test", "account") == []


def test_after_departure_the_account_goes_to_who_keeps_the_contact_and_to_her_private_address(world: World) -> None:
    case = ended(world, live(world, "departure"))
    assert case.state is State.ACCOUNTED
    assert world.letters("anna@corp.test", "account") == []
    assert len(world.letters("dirk@corp.test", "contact-account")) == 1
    assert len(world.letters("anna@home.test", "account")) == 1
    assert "artikel 17" in text_of(world, "dirk@corp.test", "contact-account")


def test_after_death_the_account_goes_to_human_resources_and_the_officer_and_to_nobody_else(world: World) -> None:
    ended(world, live(world, "death"))
    readers = {
        one
        for message in world.sink.messages
        if "account" in str(message.mail["Message-ID"])
        for one in message.recipients
    }
    assert readers == {"dirk@corp.test", "emma@corp.test"}
    kinds = {part.get_content_type() for part in world.letters("emma@corp.test", "contact-account")[0].mail.walk()}
    assert kinds >= {"text/plain", "text/html", "application/pdf", "application/json"}


def test_that_it_is_on_is_told_without_a_link_after_a_death(world: World) -> None:
    live(world, "death")
    told = text_of(world, "dirk@corp.test", "contact-live")
    assert "locum end" in told
    assert "/l/" not in told


def test_a_refused_request_after_a_death_is_accounted_for_to_who_keeps_the_contact(world: World) -> None:
    with pytest.raises(Refused):
        asked(world, "death", until="2027-02-25")
    world.work()
    assert world.letters("anna@corp.test") == []
    assert world.letters("dirk@corp.test", "contact-account")


def test_a_copy_that_cannot_leave_is_tried_again_and_the_others_are_not_sent_twice(world: World) -> None:
    case = live(world, "death")
    world.sink.refusing_to = {"emma@corp.test": "451 4.3.0 later"}
    assert ended(world, case).state is State.ENDED
    world.sink.refusing_to.clear()
    world.later(hours=2)
    assert world.desk.case(case.id).state is State.ACCOUNTED
    assert [len(world.letters(who, "contact-account")) for who in ("dirk@corp.test", "emma@corp.test")] == [1, 1]


def test_nothing_is_filed_where_the_account_would_reach_nobody(world: World) -> None:
    people = world.folder / "people.csv"
    people.write_text(people.read_text().replace(",hr,", ",sales,").replace(",dpo,", ",sales,"))
    world.app = world.wired()
    with pytest.raises(LocumError) as refused:
        asked(world, "departure")
    assert (refused.value.key, refused.value.clause) == ("nobody-keeps-contact", 17)
    assert world.app.store.find() == []


# the closing of the mailbox ------------------------------------------------------------------------------------------


def test_on_its_day_whoever_was_named_is_reminded_and_nothing_is_closed(world: World) -> None:
    case = ended(world, live(world, "departure", mailbox_closes_on="2027-01-31"))
    assert world.letters("sales@corp.test") == []
    standing = world.published()
    world.now = case.to_date.replace(year=2027, month=1, day=30, hour=23, minute=30)
    world.work()
    assert "Sunday 31 January 2027" in text_of(world, "sales@corp.test", "closing-due")
    assert len(world.letters("bob@corp.test", "closing-due")) == 1
    assert (world.desk.case(case.id).state, world.published()) == (State.ACCOUNTED, standing)


def test_nobody_is_reminded_of_what_never_came_about(world: World) -> None:
    case = asked(world, "departure", mailbox_closes_on="2027-01-31")
    world.desk.withdraw(world.app.acting("bob"), case.id)
    world.now = world.now.replace(year=2027, month=2, day=2)
    world.work()
    assert world.letters("sales@corp.test") == []


# her key


def with_a_key(world: World) -> set[str]:
    """Whoever got a letter with a key in it."""
    return {
        recipient
        for letter in world.sink.messages
        for part in letter.mail.iter_attachments()
        if (part.get_filename() or "").endswith(".locum-key")
        for recipient in letter.recipients
    }


def test_after_a_death_the_key_goes_to_nobody(world: World) -> None:
    ended(world, live(world, "death"))
    enrolled = [entry for entry in world.app.store.entries(mailbox="anna@corp.test") if entry.type == "enrolled"]
    assert (with_a_key(world), enrolled) == (set(), [])


def test_who_has_left_is_given_the_key_herself_and_nobody_in_her_place(world: World) -> None:
    ended(world, live(world, "departure"))
    assert with_a_key(world) == {"anna@corp.test"}
