"""What a requester's own words may say: refused before anything is recorded, with the word and a wording instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world import World

from locum.demo.sink import Sink
from locum.errors import Invalid, Refused
from locum.measure import Audience
from locum.wording import likely_language


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


def test_a_template_is_not_read(world: World) -> None:
    assert list(world.desk.warnings(world.request())) == []


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
