"""What a requester's own words may say: refused before anything is recorded, with the word and a wording instead."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.desk import OwnText
from locum.desk.templated import is_its_template
from locum.errors import Invalid, Refused
from locum.lifecycle import Case, State
from locum.measure import Audience
from locum.shapes import explained, remark_shape
from locum.wording import Severity, likely_language


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"internal_text": "Anna is ziek en komt later.\n"}, "wording-illness"),
        ({"subject": "Ziekgemeld"}, "wording-illness"),
        ({"internal_text": "Anna zit op Terschelling.\n"}, "wording-whereabouts"),
        (
            {"audience": Audience.EVERYONE, "external_text": "Anna is terug op 3 december.\n"},
            "wording-return-date",
        ),
        (
            {"audience": Audience.EVERYONE, "external_text": "Bel haar thuis op 06 12345678.\n"},
            "wording-private-number",
        ),
    ],
)
def test_words_that_tell_too_much_are_refused_and_recorded_nowhere(
    world: World, fields: dict[str, object], key: str
) -> None:
    with pytest.raises(Refused) as caught:
        world.request(**fields)
    assert (caught.value.key, caught.value.clause) == (key, 8)
    assert caught.value.values["word"]
    assert world.app.store.find() == []


def test_why_she_is_away_is_not_taken_as_a_reason(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.request(because="Anna heeft griep en klanten wachten.")
    assert (caught.value.key, caught.value.clause) == ("because-tells-illness", 6)
    assert world.app.store.find() == []


@pytest.mark.parametrize("reason", ["ziek", "Ziekte", "sick-leave", "burn-out"])
def test_an_illness_is_not_recorded_as_a_reason_that_is_none_of_the_list(world: World, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        world.request(reason=reason)
    assert (caught.value.key, caught.value.clause) == ("because-tells-illness", 6)
    assert world.app.store.find() == []


def test_any_other_reason_that_is_none_of_the_list_is_refused_and_recorded(world: World) -> None:
    with pytest.raises(Refused, match="reason-not-listed"):
        world.request(reason="nieuwsgierigheid")
    assert [case.reason for case in world.app.store.find()] == ["nieuwsgierigheid"]


def test_a_customer_that_is_a_hospital_is_no_illness(world: World) -> None:
    case = world.request(because="Ziekenhuis Sint Jan wacht op antwoord.")
    assert case.id


def test_what_the_policy_only_warns_about_is_told(world: World) -> None:
    case = world.request(internal_text="Anna is er niet. Zij antwoordt u morgen.\n", subject="Afwezig")
    assert "promise" in {str(remark.kind) for _, remark in world.desk.warnings(case)}


DOUBTED = "Anna telt schapen.\n"


def at_rest(world: World, case: Case) -> State:
    world.work()
    world.later(hours=5)
    return world.desk.case(case.id).state


@pytest.mark.parametrize(
    "fields",
    [
        {"internal_text": DOUBTED},
        {"internal_text": DOUBTED, "subject": "Afwezig"},
        {"subject": "Anna telt schapen"},
        {"internal_text": DOUBTED, "template": "customer"},
    ],
)
def test_a_doubted_sentence_waits_for_her_or_a_reviewer(world: World, fields: dict[str, str]) -> None:
    assert at_rest(world, world.request(**fields)) is State.AWAITING_REVIEW


def test_a_doubted_sentence_goes_live_with_one_reviewer(world: World) -> None:
    case = world.request(internal_text=DOUBTED)
    at_rest(world, case)
    world.desk.review(world.app.acting("carla"), case.id, approve=True, because="A joke of hers.")
    assert at_rest(world, case) is State.APPLIED


def test_a_doubted_sentence_goes_live_with_her_own_agreement(world: World) -> None:
    case = world.request(internal_text=DOUBTED)
    world.work()
    world.desk.answer(world.token(), "agree")
    assert at_rest(world, case) is State.APPLIED


def test_what_she_writes_herself_is_never_doubted(world: World) -> None:
    case = world.request()
    world.work()
    world.desk.answer(world.token(), "own-text", OwnText(subject="Weg", internal_text=DOUBTED))
    assert at_rest(world, case) is State.APPLIED


@pytest.mark.parametrize("words", [{}, {"internal_text": "Anna is er niet.\n"}])
def test_a_template_and_plain_words_need_nobody_else(world: World, words: dict[str, str]) -> None:
    assert at_rest(world, world.request(**words)) is State.APPLIED


def test_the_requester_is_told_which_sentence_it_is_and_that_somebody_has_to_agree(world: World) -> None:
    case = world.request(internal_text=f"Anna is er niet. {DOUBTED}")
    ((field, remark),) = world.desk.warnings(case)
    told = remark_shape(field, remark, "nl")
    assert (field, told["word"], told["does"]) == ("internal", "Anna telt schapen", "review")
    assert "tekst voor collega's" in told["sentence"]
    assert "pas in als zijzelf akkoord is" in told["sentence"]


def test_a_preview_says_that_somebody_has_to_look(world: World) -> None:
    shown = world.desk.preview(world.app.acting("bob"), world.form(internal_text=DOUBTED))
    assert (shown.problem, shown.if_silent, shown.approvals) == (None, "review", 0)
    assert ([remark.severity for _, remark in shown.remarks], bool(shown.reviewers)) == ([Severity.REVIEW], True)


def test_all_objections_are_told_at_once(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.request(subject="Anna telt schapen", internal_text="Anna is ziek. Zij zit op Terschelling.\n")
    told = explained(caught.value, "nl")
    words = "\n".join(told.values())
    assert all(word in words for word in ("ziek", "Terschelling", "Anna telt schapen", "onderwerp"))


def test_a_template_in_several_languages_is_not_read_either(world: World) -> None:
    case = world.request(languages=("en", "nl", "de"))
    reply, owner = case.auto_reply, world.app.people.person("anna")
    assert owner is not None
    assert is_its_template(world.desk.office, case, reply, owner)
    assert not is_its_template(world.desk.office, case, replace(reply, text_body=f"{reply.text_body}x"), owner)


def test_a_template_is_not_read(world: World) -> None:
    assert world.desk.warnings(world.request()) == ()


def test_one_reply_can_say_it_in_several_languages(world: World) -> None:
    reply = world.request(languages=("en", "nl", "de"), audience=Audience.EVERYONE).auto_reply
    for text in (reply.text_body, reply.external_text or ""):
        assert text.count("-- --") == 2
        assert likely_language(text.split("-- --")[0]) == "en"
        assert likely_language(text.split("-- --")[2]) == "de"
    assert "Uhr" in reply.text_body


def test_a_language_without_templates_is_said_so(world: World) -> None:
    with pytest.raises(Invalid, match="no-such-language"):
        world.request(languages=("xx",))
