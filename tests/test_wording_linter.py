"""What the linter finds, what it lets pass, and how well: judged by the labelled set (tests/data/wording.toml)."""

import random
import tomllib
from datetime import date
from functools import cache

import pytest
from bench.wording import (
    GUESSED,
    HELD_OUT,
    NEVER_MISSED,
    PRECISION,
    RECALL,
    SET,
    TUNED_BY,
    counted,
    messages,
    passing,
    unseen,
)
from bench.wording import known as facts
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import Invalid, Refused
from locum.messages import LANGUAGES as SPOKEN
from locum.messages import say
from locum.wording import (
    LANGUAGES,
    PROPOSED,
    Kind,
    Known,
    Severity,
    in_languages,
    likely_language,
    lint,
    refuse,
)
from locum.wording.linter import LONGEST
from locum.wording.lists import word_list
from locum.wording.matching import phrases, steps_of

KNOWN = Known(
    organisation="Voorbeeld BV",
    name="Anna de Vries",
    colleagues=("Bob Smit",),
    domains=("voorbeeld.example",),
    numbers=("+31 20 555 01 00",),
    links=("https://partner.test/voorbeeld",),
    bank_accounts=("NL91 ABNA 0417 1643 00",),
    return_on=date(2026, 12, 28),
)


def kinds(text: str, audience: str = "external", known: Known = KNOWN) -> set[str]:
    return {str(remark.kind) for remark in lint(text, audience=audience, known=known)}


# the labelled set


@cache
def judged():
    return counted(messages())


def test_the_set_is_large_and_half_of_it_is_harmless():
    every = list(messages())
    assert (len(every) >= 240, 0.45 < sum(not message.kinds for message in every) / len(every) < 0.55) == (True, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_sixty_messages(language):
    assert sum(message.language == language for message in messages()) >= 60


@pytest.mark.parametrize("kind", NEVER_MISSED)
def test_illness_and_whereabouts_are_never_missed(kind):
    assert [message.text for message in judged()["all", str(kind)].missed] == []


@pytest.mark.parametrize("part", ["messages", "later"])
def test_no_message_about_illness_or_whereabouts_passes(part):
    assert passing(messages(part)) == []


@pytest.mark.parametrize("part", [*TUNED_BY, *HELD_OUT])
def test_no_illness_or_whereabouts_goes_live_without_her_or_a_reviewer(part):
    assert unseen(messages(part)) == []


@pytest.mark.parametrize("kind", Kind)
def test_what_is_remarked_is_mostly_right(kind):
    assert judged()["all", str(kind)].precision >= (GUESSED if kind is Kind.MORE_THAN_AWAY else PRECISION)


@pytest.mark.parametrize("kind", Kind)
def test_what_should_be_remarked_mostly_is(kind):
    assert judged()["all", str(kind)].recall >= RECALL


def test_what_was_found_first_is_told_with_the_set():
    assert tomllib.loads(SET.read_text("utf-8"))["first_look"].keys() == {"held_out", "later", "last"}


# disguises

DISGUISES = {
    "case": "Ik ben ZiEk",
    "accents": "Ik ben zïék",
    "hyphen": "Ik ben zie-k",
    "line end": "Ik ben zie-\nk",
    "apart": "Ik ben z i e k",
    "dots": "Ik ben z.i.e.k.",
    "zero width": "Ik ben z\u200bi\u200de\ufeffk",
    "soft hyphen": "Ik ben zi\u00adek",
    "no-break space": "Ik\u00a0ben\u00a0ziek",
    "wide letters": "Ik ben ｚｉｅｋ",
    "bold letters": "Ik ben 𝐳𝐢𝐞𝐤",
    "Cyrillic": "Ik ben zі\u0435k",
    "digits": "Ik ben z13k",
}


@pytest.mark.parametrize("text", DISGUISES.values(), ids=DISGUISES)
def test_a_disguise_helps_nothing(text):
    assert kinds(text) == {"illness"}


@pytest.mark.parametrize("text", ["on\nvacation", "on\r\nvacation", "on\u2003vacation", "on  vacation", "ON VACATION"])
def test_white_space_plays_no_part(text):
    assert "whereabouts" in kinds(f"I am {text}.")


@pytest.mark.parametrize("text", ["I am burnt out", "I have a burn-out", "I have a burnout", "I have a burn\u2011out"])
def test_a_hyphen_may_join_or_part(text):
    assert kinds(text) == {"illness"}


@given(st.integers(0, 2**32))
def test_marks_strewn_through_a_word_hide_nothing(seed):
    chance = random.Random(seed)
    strewn = "".join(
        c + chance.choice(["", "", "\u200b", "\u00ad", "\u2060", "\u0301"]) for c in "Wegens griep afwezig"
    )
    assert "illness" in kinds(strewn)


# near misses that are told apart in one and the same sentence


@pytest.mark.parametrize(
    ("harmless", "telling"),
    [
        ("Ziekenhuis Sint Jan is onze klant.", "Ik lig in ziekenhuis Sint Jan."),
        ("Anna is niet ziek.", "Anna is niet ziek meer."),
        ("Onze training burn-out voorkomen is vol.", "Anna heeft een burn-out."),
        ("Vanwege de overgang naar een nieuw systeem zijn wij beperkt bereikbaar.", "Anna is in de overgang."),
        ("Onze balie is bereikbaar van 8.30 tot 17.00 uur.", "Anna is er niet tot 17.01."),
        ("Our offices are closed over the bank holiday weekend.", "Anna is on holiday."),
        ("Unser Büro ist vom 24. Dezember bis 1. Januar geschlossen.", "Anna ist vom 24. Dezember bis 1. Januar weg."),
        ("Sick of waiting? Call our front desk.", "Sick today. Call our front desk."),
        ("Deliveries go to departure hall 2.", "Anna has left the company."),
        ("Der Urlaubskatalog ist da.", "Anna ist im Urlaub."),
        ("Die Reise GmbH ist unser Kunde.", "Ich bin auf Reise in Polen."),
        ("Anna n'est pas malade.", "Anna est malade."),
        ("Die Frist endet bald, schreiben Sie bis dahin.", "Sie ist tot."),
    ],
)
def test_a_near_miss_is_told_apart(harmless, telling):
    assert (kinds(harmless), bool(kinds(telling))) == (set(), True)


def test_what_is_taken_back_in_one_sentence_stands_in_the_next():
    assert kinds("Anna is niet ziek. Zij heeft griep.") == {"illness"}


def test_a_negation_does_not_reach_over_a_full_stop():
    assert kinds("Ik lees mijn mail niet. Ziek.") == {"illness"}


HANDED_OVER = pytest.mark.parametrize(
    "text",
    [
        "Bob Smit takes over her work for the project Noordzee.",
        "Bob Smit takes over the work on project Aurora.",
        "Bob Smit is covering for me on Aurora.",
        "Carla Jansen is covering for me on the Noordzee project.",
        "Meine Vertretung für das Projekt Aurora übernimmt Bob Smit.",
        "Meine Vertretung für das Projekt Nordlicht übernimmt Carla Jansen.",
        "Mijn werkzaamheden voor project Aurora zijn overgenomen door Bob Smit.",
        "Mijn werkzaamheden voor het project Noordzee zijn overgenomen door Carla Jansen.",
        "Ma collègue Carla Jansen reprend le projet Aurore.",
        "Ma collègue Sophie Martin reprend mes dossiers.",
        "Ma collègue Sophie Martin reprend mes dossiers pour le projet Aurore.",
        "Bob Smit neemt project Aurora van mij over.",
        "Bob Smit übernimmt das Projekt Aurora.",
        "Bob Smit takes over from me on project Aurora.",
    ],
)
NEARLY_HANDED_OVER = pytest.mark.parametrize(
    "text",
    [
        "Bob Smit takes over her work for the project while she has chemotherapy.",
        "Bob Smit is covering for me on sick leave.",
        "Bob Smit is covering for me on my holiday.",
        "Carla Jansen is covering for me on Terschelling.",
        "Bob Smit is covering for me on Texel.",
        "Meine Vertretung für das Projekt Reha übernimmt Bob Smit, da ich krank bin.",
        "Meine Vertretung für die Zeit der Kur übernimmt Bob Smit.",
        "Mijn werkzaamheden voor project Aurora zijn overgenomen door Bob Smit wegens mijn burn-out.",
        "Mijn werkzaamheden zijn overgenomen door Bob Smit vanwege mijn operatie.",
        "Ma collègue Carla Jansen reprend le projet Aurore pendant mon hospitalisation.",
        "Ma collègue Carla Jansen reprend son souffle après sa maladie.",
        "Bob Smit takes over while I am in Lisbon.",
        "Bob Smit takes over the project Aurora while I breathe sea air.",
        "Mijn project Baby is overgenomen door Bob Smit.",
        "My project Baby is taken over by Bob Smit.",
        "Meine Vertretung für das Projekt Aurora übernimmt Bob Smit, ich liege im Bett.",
        "Bob Smit is covering for me on the beach.",
        "Anna takes over the project Hammock.",
        "Ma collègue Carla Jansen reprend le projet Aurore, je suis à la plage.",
        "Mon projet Bébé est repris par Carla Jansen.",
        "Mein Projekt Baby übernimmt Bob Smit.",
        "My project Knee is taken over by Bob Smit.",
        "Mijn project Knie is overgenomen door Bob Smit.",
        "Mein Projekt Rücken übernimmt Bob Smit.",
    ],
)


@HANDED_OVER
def test_who_takes_over_which_project_is_plain(text):
    assert lint(text, audience="external", known=facts()) == ()


@NEARLY_HANDED_OVER
def test_what_only_begins_like_it_is_still_caught(text):
    does = {remark.severity for remark in lint(text, audience="external", known=facts())}
    assert does & {Severity.REFUSE, Severity.REVIEW}


# by audience and by facts


@pytest.mark.parametrize(
    "written", ["28-12", "28/12/2026", "2026-12-28", "28 december", "Dec 28th", "28. Dezember", "28 décembre"]
)
def test_her_day_of_return_is_found_however_it_is_written(written):
    assert "return-date" in kinds(f"{written}: weer open voor u.")


def test_colleagues_may_know_the_day_of_return():
    assert kinds("Anna is afwezig tot maandag 28 december.", "internal") == set()


def test_a_departure_that_is_public_may_be_told():
    known = Known(name="Anna de Vries", departure_is_public=True)
    assert kinds("Anna de Vries werkt niet meer bij ons.", known=known) == set()


@pytest.mark.parametrize(
    "own", ["020 555 01 00", "+31 20 5550100", "+31 (0)20 555 01 00", "0031205550100", "020-5550100"]
)
def test_a_number_of_the_organisation_is_known_however_it_is_written(own):
    assert kinds(f"Bel {own}.") == set()


@pytest.mark.parametrize(
    "foreign", ["020 555 01 01", "+32 20 555 01 00", "06 12345678", "0 6 1 2 3 4 5 6 7 8", "06\u200b12345678"]
)
def test_any_other_number_is_not_ours(foreign):
    assert "private-number" in kinds(f"Bel {foreign}.")


@pytest.mark.parametrize(
    "own",
    [
        "https://voorbeeld.example/x",
        "www.voorbeeld.example",
        "a@mail.voorbeeld.example",
        "mailto:a.de@voorbeeld.example",
        "https://partner.test/voorbeeld/uur",
    ],
)
def test_an_address_of_the_organisation_is_no_link_elsewhere(own):
    assert kinds(f"Zie {own}.") == set()


@pytest.mark.parametrize(
    "foreign",
    [
        "https://voorbeeld.example.evil.test/",
        "https://voorbeeld.example@evil.test/",
        "https://evil.test\\@voorbeeld.example/",
        "https://evilvoorbeeld.example/",
        "https://vоorbeeld.example/",
        "https://voor\u200bbeeld.example/",
        "https://partner.test/voorbeeldig",
        "evil.com/voorbeeld.example",
        "//evil.test/x",
        "javascript:alert(1)",
        "tel:+31612345678",
        "HTTPS://EVIL.TEST",
        "info@voorbeeld.example.evil.test",
        "https://[::1",
        "mailto:x@evil.test",
        "evil.test@voorbeeld.example.evil.test",
    ],
)
def test_a_link_that_only_looks_like_ours_is_not_ours(foreign):
    assert "link" in kinds(f"Zie {foreign} hier.")


@pytest.mark.parametrize("own", ["NL91ABNA0417164300", "nl91 abna 0417 1643 00", "NL91-ABNA-0417-1643-00"])
def test_a_bank_account_of_the_organisation_is_known(own):
    assert kinds(f"Betaal op {own} ten name van Voorbeeld BV.") == set()


@pytest.mark.parametrize(
    "foreign", ["NL20INGB0001234567", "BE68 5390 0754 7034", "de89.3704.0044.0532.0130.00", "NL92 ABNA 0417 1643 00"]
)
def test_any_other_bank_account_is_not_ours(foreign):
    assert "bank-account" in kinds(f"Betaal op {foreign}.")


def test_a_colleague_who_stands_in_is_nobodys_secret():
    assert kinds("Anna is afwezig, Bob Smit neemt haar werk waar.", "internal") == set()


def test_a_colleague_of_whom_illness_is_told_is_somebody_else():
    assert kinds("Bob Smit is ziek.", "internal") == {"illness", "third-person-data"}


def test_what_no_list_knows_is_remarked_as_more_than_away():
    assert kinds("Anna telt schapen.") == {"more-than-away"}


# remarks, and what they do


def test_a_remark_names_the_word_its_place_and_a_wording_instead():
    text = "Goedendag,\n\nik ben hélaas  zie\u00adk."
    (remark,) = lint(text, audience="external", known=KNOWN)
    assert (remark.clause, remark.key, remark.instead) == (8, "wording.illness", "is op dit moment niet bereikbaar")
    assert text[remark.start : remark.end] == remark.word == "zie\u00adk"


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("Anna is at home with the baby.", "is not available at the moment"),
        ("Anna is thuis met de baby.", "is op dit moment niet bereikbaar"),
        ("Voor vragen kunt u ons bellen.\nAnna is at home with the baby.", "is not available at the moment"),
    ],
)
def test_what_is_proposed_is_in_the_language_of_its_line(text, proposed):
    assert {remark.instead for remark in lint(text, audience="external", known=KNOWN)} == {proposed}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", SPOKEN)
def test_every_kind_has_its_sentence_and_its_error(kind, language):
    assert "ZZ" in say(language, f"wording.{kind}.sentence", word="ZZ")
    assert "ZZ" in say(language, f"errors.wording-{kind}.sentence", word="ZZ", field="x")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_proposed_is_no_objection_itself(kind, language):
    said = word_list(language).instead[kind].replace("{organisation}", "Voorbeeld BV")
    assert kinds(f"Anna {said}" if said.startswith(("is", "ist", "n'est", "ne", "liest", "leest")) else said) == set()


def test_the_policy_says_what_a_remark_does():
    said = {**PROPOSED, Kind.ILLNESS: Severity.WARN, Kind.WHEREABOUTS: Severity.ALLOW}
    remarks = lint("Ik ben ziek en met vakantie.", audience="external", known=KNOWN, severities=said)
    assert [(remark.kind, remark.severity) for remark in remarks] == [(Kind.ILLNESS, Severity.WARN)]


def test_a_kind_of_which_the_policy_is_silent_is_refused():
    (remark,) = lint("Ik ben ziek.", audience="external", known=KNOWN, severities={})
    assert remark.severity is Severity.REFUSE


def test_a_refusal_names_clause_field_word_and_what_to_write_instead():
    with pytest.raises(Refused, match="wording-illness") as caught:
        refuse([("external", one) for one in lint("Ik ben ziek.", audience="external", known=KNOWN)])
    assert (caught.value.clause, caught.value.values["word"], caught.value.values["field"]) == (8, "ziek", "external")


def test_warnings_are_given_back():
    remarks = tuple(("external", one) for one in lint("Zie www.evil.test.", audience="external", known=KNOWN))
    assert refuse(remarks) == remarks != ()


def test_all_that_is_wrong_is_told_at_once_what_has_a_name_first():
    texts = {"subject": "Anna telt schapen.", "external": "Ik ben ziek. Zie www.evil.test."}
    remarks = [(field, one) for field, text in texts.items() for one in lint(text, audience="external", known=KNOWN)]
    with pytest.raises(Refused) as caught:
        refuse(remarks)
    told = [(one.key, one.values["field"]) for one in (caught.value, *caught.value.others)]
    assert told == [
        ("wording-illness", "external"),
        ("wording-more-than-away", "subject"),
        ("wording-link", "external"),
    ]


def test_her_own_words_may_tell_when_she_returns_and_where_to_call():
    said = "Ik ben terug op 28 december. Bel 06-12345678."
    assert lint(said, audience="external", known=KNOWN, are_her_own_words=True) == ()


def test_her_own_words_are_never_refused():
    remarks = lint("Ik ben ziek; zie www.evil.test.", audience="external", known=KNOWN, are_her_own_words=True)
    assert {remark.severity for remark in remarks} == {Severity.WARN}


def test_a_longer_text_than_any_reply_is_refused():
    with pytest.raises(Invalid, match="wording-too-long"):
        lint("a" * (LONGEST + 1), audience="external", known=KNOWN)


@given(st.text(max_size=300) | st.text("zieklvan .-@/:\n\u200b0123456789+", max_size=300))
def test_any_text_can_be_read_and_every_place_is_in_it(text):
    for remark in lint(text, audience="external", known=KNOWN):
        assert 0 <= remark.start < remark.end <= len(text)


def test_facts_of_the_set_are_no_objection_themselves():
    said = f"{facts().organisation}, {facts().numbers[0]}, {facts().bank_accounts[0]}, www.{facts().domains[0]}"
    assert lint(said, audience="external", known=facts()) == ()


# the lists


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_list_can_be_read(language):
    assert word_list(language).kinds.keys() == set(Kind)


@pytest.mark.parametrize("line", ["", "@nobody", "zie.k", "***"])
def test_a_phrase_that_cannot_be_read_is_said_so(line):
    with pytest.raises(ValueError, match=r"not|no such"):
        steps_of(line, {})


def test_a_phrase_without_words_is_no_phrase():
    with pytest.raises(ValueError, match="not a phrase"):
        phrases(["ziek, "], {})


# languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ik lees mijn mail op dit moment niet.", "nl"),
        ("I am not reading my mail at the moment.", "en"),
        ("Ich lese meine Mails zurzeit nicht.", "de"),
        ("Je ne lis pas mes messages pour le moment.", "fr"),
        ("Anna", None),
        ("", None),
    ],
)
def test_the_likely_language_is_told_by_common_words(text, language):
    assert likely_language(text) == language


TEXTS = [("nl", "Hallo\n"), ("en", "Hello"), ("de", " "), ("nl", "Nog eens")]


def test_several_languages_are_said_each_once():
    assert in_languages(TEXTS) == "Hallo\n\n-- --\n\nHello\n"


def test_nothing_in_no_language_is_nothing():
    assert in_languages([]) == ""
