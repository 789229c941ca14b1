"""The regulation says what is enforced and nothing else: promises, rules, settings and tests, checked both ways."""

import ast
import importlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html import unescape
from pathlib import Path

import pypdf
import pytest
from tests.policies import with_value
from tests.world import World

from locum.demo.sink import Sink
from locum.desk.forms import ForwardForm
from locum.desk.measuring import forward_of, window
from locum.documents.regulation import FORMS, render
from locum.errors import Invalid
from locum.figures.hiding import Count, is_small
from locum.messages import LANGUAGES, catalogue, says
from locum.policy import KEYS, Policy, RegulationFields, check_reviewers, load, shipped
from locum.policy.file import values
from locum.policy.keys import TOLD
from locum.regulation import NAMES, PROMISES, Document, House, Kind, Mark, Promise, document, open_warnings
from locum.regulation.duties import DUTIES
from locum.regulation.outline import CLAUSES, OTHERS
from locum.regulation.page import page
from locum.regulation.refusals import REFUSALS
from locum.wording import from_template

ROOT = Path(__file__).parent.parent
HOUSE = House(name="Voorbeeld BV", domains=("corp.test",))
HOSTILE = "<script>alert(1)</script> [x](http://a.test) {max_days} **vet**"
FILLED = """
adopted_by = "de directie"
adopted_on = 2026-09-01
works_council = "OR-2026-17"
works_council_on = 2026-08-20
register = "R-041"
dpia_on = 2026-08-11
known_on = 2026-09-01
known_where = "het intranet"
privacy_officer = "fg@corp.test"
authority = "Autoriteit Persoonsgegevens"
private_use = "allowed"
"""


def filled(fields: str = FILLED) -> Policy:
    return load(shipped().replace("[regulation]", f"[regulation]{fields}", 1))


def changed(path: str, value: object) -> Policy:
    """The shipped policy with another value at `path`."""
    policy = load()
    if path == "preset":
        return replace(policy, preset=str(value))
    if path.startswith("auto-reply.wording."):
        name = path.rpartition(".")[2].replace("-", "_")
        return replace(policy, wording=policy.wording.model_copy(update={name: value}))
    return with_value(policy, path, value)


def told(policy: Policy, language: str, name: str = "regulation") -> str:
    return render([document(policy, HOUSE, name, language)], "md").decode()


def sentences(made: Document) -> Iterator[tuple[str, str]]:
    for section in made.sections:
        yield from ((sentence.key, sentence.text) for sentence in section.sentences)


# settings are told


OTHER_VALUES: dict[str, list[tuple[object, dict[str, str]]]] = {
    "auto-reply.reasons": [(["deadline"], {"nl": "een termijn die bijna afloopt", "en": "deadline"})],
    "auto-reply.max_days": [(41, {"nl": "41 dagen", "en": "41 days"}), (1, {"nl": "1 dag", "en": "1 day"})],
    "auto-reply.audience": [
        ("everyone", {"nl": "ook van buiten de organisatie", "en": "outside the organisation"}),
        ("known", {"nl": "bekende afzenders", "en": "known senders"}),
    ],
    "auto-reply.free_text": [("allowed", {"nl": "zonder aparte goedkeuring", "en": "without separate approval"})],
    "auto-reply.batch_review_above": [(7, {"nl": "7 mailboxen", "en": "7 mailboxes"})],
    "auto-reply.record_refusals": [(False, {"nl": "niet vastgelegd", "en": "not recorded"})],
    "auto-reply.powers": [
        (["redirect-mail", "read-mail"], {"nl": "opgeslagen mail lezen", "en": "reading stored mail"}),
        ([], {"nl": "en verder niets", "en": "and nothing else"}),
    ],
    "auto-reply.ask.channels": [(["mailbox"], {"nl": "mail naar de werkmailbox", "en": "mail to the work mailbox"})],
    "auto-reply.ask.wait_hours": [
        (2.5, {"nl": "2,5 werkuren", "en": "2.5 working hours"}),
        (0, {"nl": "wordt er niet gewacht", "en": "there is no waiting"}),
    ],
    "auto-reply.ask.if_unanswered": [
        ("review", {"nl": "dan beslist een beoordelaar", "en": "a reviewer decides"}),
        ("stop", {"nl": "dan wordt er niets ingesteld", "en": "nothing is set"}),
    ],
    "auto-reply.review.count": [(2, {"nl": "2 anderen", "en": "2 other people"})],
    "auto-reply.review.functions": [(["dpo"], {"nl": "gegevensbescherming", "en": "data protection officer"})],
    "preset": [("de", {"nl": "voorbeeld voor Duitsland", "en": "example for Germany"})],
    **{
        f"weighing.{name}": [("Zo doen wij het.", {"nl": "Zo doen wij het.", "en": "Zo doen wij het."})]
        for name in ("notice", "extent", "reasons", "lighter", "consequences", "safeguards")
    },
    "known.auto-reply": [("agreement", {"nl": "telt zwijgen dan niet", "en": "silence is then no answer"})],
    "known.forward": [("ask", {"nl": "bij doorsturen is dat genoeg", "en": "for forwarding: that is enough"})],
    "requesters.auto-reply": [(["it"], {"nl": "aangevraagd door: ICT", "en": "requested by: IT"})],
    "requesters.forward": [(["manager"], {"nl": "door: leidinggevende", "en": "by: manager"})],
    "auto-reply.ask.template_wait_hours": [
        (2, {"nl": "2 werkuren als de tekst", "en": "2 working hours where the text"}),
        (4, {"nl": "wordt er 4 werkuren gewacht", "en": "4 working hours are waited"}),
    ],
    **{
        f"auto-reply.wording.{kind}": [(value, {"nl": words, "en": said})]
        for kind, value, words, said in (
            ("illness", "warn", "voor: ziekte", "about: illness"),
            ("departure", "warn", "voor: een vertrek", "about: a departure"),
            ("whereabouts", "warn", "voor: waar iemand is", "about: where somebody is"),
            ("return-date", "warn", "voor: voor mensen van buiten", "about: for people outside"),
            ("private-number", "warn", "voor: privénummers", "about: private numbers"),
            ("third-person-data", "refuse", "bijzonderheden van een ander", "particulars of somebody else"),
            ("promise", "refuse", "toezegging", "a promise that"),
            ("link", "refuse", "links die", "links that lead"),
            ("bank-account", "refuse", "bankrekeningen", "bank accounts"),
            ("more-than-away", "refuse", "woorden over: ziekte", "words about: illness"),
        )
    },
    "forward.reasons": [(["forgotten"], {"nl": "vergeten", "en": "forgotten"})],
    "forward.powers": [
        (["read-mail"], {"nl": "opgeslagen mail lezen", "en": "reading stored mail"}),
        ([], {"nl": "verder niets kan", "en": "can do nothing else"}),
    ],
    "forward.record_refusals": [(False, {"nl": "niet vastgelegd", "en": "not recorded"})],
    "forward.ask.channels": [(["mobile"], {"nl": "een sms", "en": "a text message"})],
    "forward.ask.wait_hours": [
        (12, {"nl": "12 werkuren", "en": "12 working hours"}),
        (0, {"nl": "niet gewacht", "en": "no waiting"}),
    ],
    "forward.ask.if_unanswered": [
        ("review", {"nl": "beslist ook daarover", "en": "decides on that too"}),
        ("stop", {"nl": "niets doorgestuurd", "en": "nothing is forwarded"}),
    ],
    "forward.review.count": [
        (2, {"nl": "2 anderen", "en": "2 other people"}),
        (0, {"nl": "geen beoordelaar", "en": "no reviewer"}),
    ],
    "forward.review.functions": [(["hr"], {"nl": "uit: personeelszaken", "en": "from among: human resources"})],
    "auto-reply.witness": [("wait", {"nl": "pas ingesteld als elke getuige", "en": "only once every witness"})],
    "forward.witness": [("later", {"nl": "wacht doorsturen niet", "en": "Forwarding does not wait for a witness"})],
    "forward.review.signed": [(False, {"nl": "ondertekenen hoeft niet", "en": "need not be signed"})],
    "forward.max_days": [(21, {"nl": "21 dagen", "en": "21 days"})],
    "forward.default_days": [(7, {"nl": "7 dagen", "en": "7 days"})],
    "forward.senders": [("external", {"nl": "van buiten de organisatie", "en": "from outside the organisation"})],
    "forward.consent": [("persons", {"nl": "Een collega moet", "en": "A colleague has to agree"})],
    "forward.to_requester": [("refuse", {"nl": "wordt geweigerd", "en": "is refused"})],
    "ask.shorter": [("never", {"nl": "Korter wachten kan niet", "en": "not possible"})],
    "objection.overrule": [("never", {"nl": "Niemand kan", "en": "Nobody can"})],
    "objection.approvers": [(3, {"nl": "3 anderen", "en": "3 other people"})],
    "objection.functions": [(["hr", "dpo"], {"nl": "uit: personeelszaken of", "en": "from among: human resources or"})],
    "notify.objection": [(["council"], {"nl": "ondernemingsraad", "en": "works council"})],
    "notify.incident": [
        (["council"], {"nl": "ondernemingsraad", "en": "works council"}),
        ([], {"nl": "De medewerker hoort ervan", "en": "the employee is told"}),
    ],
    "four-eyes.officer": [("hr", {"nl": "personeelszaken", "en": "human resources"})],
    "four-eyes.officer_for": [
        (["death"], {"nl": "Bij een overlijden is", "en": "In a death one of"}),
        ([], {"nl": "Geen enkele omstandigheid", "en": "No circumstance"}),
    ],
    "four-eyes.escalate_hours": [
        (8, {"nl": "na 8 werkuren zonder besluit", "en": "after every 8 working hours without"}),
        (0, {"nl": "allen tegelijk", "en": "all of them together"}),
    ],
    "private.subject_tags": [({"nl": ["geheim"]}, {"nl": "tussen haken: geheim", "en": "brackets: geheim"})],
    **{
        f"confidential.{role}": [([f"{role}@corp.test"], {"nl": f"{role}@corp.test", "en": f"{role}@corp.test"})]
        for role in (
            *("works-council", "company-doctor", "confidential-adviser", "union", "lawyer", "privacy-officer"),
            "complaints-committee",
        )
    },
    "protections.kinds": [(["words"], {"nl": "beschermd: woorden", "en": "protected: words"})],
    "keeping.record_months": [(12, {"nl": "12 maanden", "en": "12 months"})],
    "account.when": [("on-return", {"nl": "bij terugkeer", "en": "on return"})],
    "account.within_days": [(14, {"nl": "14 dagen", "en": "14 days"})],
    "departure.reasons": [(["departure"], {"nl": "Bij vertrek", "en": "For leaving the organisation, an"})],
    "departure.months": [(2, {"nl": "2 maanden", "en": "2 months"})],
    "departure.max_months": [(2, {"nl": "uiterlijk 2 maanden", "en": "to 2 months"})],
    "departure.forward": [("refused", {"nl": "geen mail doorgestuurd", "en": "no mail is forwarded"})],
    "departure.contact": [(["manager"], {"nl": "leidinggevende", "en": "manager"})],
    "figures.hide_below": [(10, {"nl": "onder 10", "en": "below 10"})],
    "figures.to": [
        (["hr"], {"nl": "naar: personeelszaken", "en": "to: human resources"}),
        ([], {"nl": "elk jaar afgesproken", "en": "agreed each year"}),
    ],
    "known.search": [("ask", {"nl": "bij zoeken is dat genoeg", "en": "for searching that is enough"})],
    "requesters.search": [(["manager"], {"nl": "Zoeken kan worden aangevraagd door: leid", "en": "by: manager"})],
    "search.reasons": [(["forgotten"], {"nl": "vergeten", "en": "forgotten"})],
    "search.powers": [(["redirect-mail"], {"nl": "nieuwe mail doorsturen", "en": "sending new mail on"})],
    "search.alternatives": [
        (["auto-reply"], {"nl": "erbij: een automatisch antwoord.", "en": "its day: an automatic reply."})
    ],
    "search.ask.channels": [(["mobile"], {"nl": "een sms", "en": "a text message"})],
    "search.ask.wait_hours": [(24, {"nl": "24 werkuren", "en": "24 working hours"})],
    "search.ask.if_unanswered": [
        ("review", {"nl": "beslist ook daarover", "en": "decides on that too"}),
        ("stop", {"nl": "wordt er niet gezocht", "en": "nothing is looked for"}),
    ],
    "search.review.count": [(2, {"nl": "2 anderen", "en": "2 other people"})],
    "search.review.functions": [(["hr"], {"nl": "uit: personeelszaken", "en": "from among: human resources"})],
    "search.at_least": [(3, {"nl": "ten minste 3", "en": "at least 3"})],
    "search.days_before": [(7, {"nl": "7 dagen", "en": "7 days"})],
    "search.words_in": [("subject", {"nl": "alleen in het onderwerp", "en": "in the subject only"})],
    "search.counts_max": [(3, {"nl": "3 keer", "en": "3 counts"})],
    "search.counts_per_month": [(7, {"nl": "7 keer", "en": "7 counts"})],
    "search.buckets": [([0, 3, 9], {"nl": "0, 1-3, 4-9", "en": "0, 1-3, 4-9"})],
    "search.too_broad_above": [(12, {"nl": "12 berichten", "en": "12 messages"})],
    "search.agreement": [
        ("private-use", {"nl": "toegestaan of gedoogd", "en": "allowed or tolerated"}),
        ("always", {"nl": "als de medewerker zelf instemt", "en": "unless the employee agrees"}),
    ],
    "search.present": [("offered", {"nl": "kan erbij zijn", "en": "can be there"})],
    "search.witness": [("wait", {"nl": "wordt er niet op gewacht", "en": "none is waited for"})],
    "search.record_refusals": [(False, {"nl": "niet vastgelegd", "en": "not recorded"})],
    "private.folders": [({"nl": ["geheim"]}, {"nl": "namen: geheim", "en": "names: geheim"})],
    "private.sensitivity": [(["private"], {"nl": "gemerkt als privé;", "en": "marked as private;"})],
    "private.labels": [(["Eigen"], {"nl": "labels: Eigen", "en": "labels: Eigen"})],
    "keeping.list_hours": [(8, {"nl": "8 uur", "en": "8 hours"})],
    "keeping.list_days": [(3, {"nl": "3 dagen", "en": "3 days"})],
    "beforehand.gaps_visible_to": [(["hr"], {"nl": "personeelszaken", "en": "human resources"})],
}
ALWAYS_SO = frozenset({"forward.receivers", "search.review.signed"})
"""Settings with a single value; a search is signed whatever a policy says."""


def test_every_setting_of_the_policy_stands_in_the_table_of_promises() -> None:
    enforced = {path for path in KEYS if not path.startswith("regulation.")}
    told = {path for promise in PROMISES for path in promise.settings}
    undertaken = {path for paths in DUTIES.values() for path in paths}
    assert told | undertaken == enforced == set(OTHER_VALUES) | ALWAYS_SO


def test_every_no_of_a_clause_stands_in_the_regulation_under_that_clause() -> None:
    files = (ROOT / "src" / "locum").rglob("*.py")
    calls = [
        node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    nos = [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id == "No"]
    said = {(args[1].value, args[0].value) for args in nos if isinstance(args[1], ast.Constant)}  # type: ignore[attr-defined]
    assert said == {(key, int(promise.partition(".")[0])) for key, promise in REFUSALS.items()}


def test_every_refusal_is_told_by_a_promise_and_has_its_own_words() -> None:
    assert set(REFUSALS.values()) <= {promise.key for promise in PROMISES}
    assert all(says(language, f"errors.{key}.sentence") for key in REFUSALS for language in LANGUAGES)


def test_what_only_the_organisation_keeps_is_no_promise() -> None:
    undertaken = {path for paths in DUTIES.values() for path in paths}
    kept_by_people = {path for path, key in KEYS.items() if key.kept_by == TOLD}
    assert kept_by_people - undertaken <= {"forward.default_days", "forward.senders", "figures.hide_below"}


CHANGES = [(path, value, words) for path, rows in OTHER_VALUES.items() for value, words in rows]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("path", "value", "words"), CHANGES, ids=lambda value: str(value)[:30])
def test_another_value_is_another_text_that_says_it(
    language: str, path: str, value: object, words: dict[str, str]
) -> None:
    assert path not in (shown := values(load())) or shown[path] != value
    name = "dpia" if path.startswith("weighing.") else "regulation"
    before = dict(sentences(document(load(), HOUSE, name, language)))
    after = dict(sentences(document(changed(path, value), HOUSE, name, language)))
    fresh = " ".join(text for key, text in after.items() if before.get(key) != text)
    assert words[language] in fresh


def test_a_value_that_nobody_chose_is_marked_as_a_proposal() -> None:
    made = document(load(), HOUSE, "regulation", "en")
    marked = {
        p.text for section in made.sections for s in section.sentences for p in s.parts if p.mark is Mark.PROPOSAL
    }
    assert {"92 days", "4 working hours", "20 mailboxes"} <= marked
    assert "**92 days** (proposal)" in told(load(), "en")


def test_a_value_that_was_chosen_is_not() -> None:
    assert "**41 days** (proposal)" not in told(changed("auto-reply.max_days", 41), "en")


def test_an_adopted_regulation_has_no_proposals() -> None:
    text = told(filled(), "nl").partition("## Wat we bedoelen")[2]
    assert "(voorstel)" not in text
    assert "**92 dagen**" in text


# promises are kept


def test_each_promise_stands_in_the_regulation_and_in_the_table_exactly_once() -> None:
    outline = [key for keys in CLAUSES.values() for key in keys.split() if key.startswith("promise.")]
    assert sorted(outline) == sorted(f"promise.{promise.key}" for promise in PROMISES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_of_the_catalogue_is_a_promise_of_the_table_or_a_variant_of_one(language: str) -> None:
    keys = {key.removeprefix("promise.") for key in catalogue(language, "regulation") if key.startswith("promise.")}
    known = {promise.key for promise in PROMISES}
    assert {key for key in keys if key not in known and key.rpartition(".")[0] not in known} == set()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.key)
def test_the_rule_of_a_promise_exists(promise: Promise) -> None:
    module, _, name = promise.rule.rpartition(".")
    try:
        found = getattr(importlib.import_module(f"locum.{module}"), name)
    except ModuleNotFoundError:
        outer, _, kind = module.rpartition(".")
        found = getattr(getattr(importlib.import_module(f"locum.{outer}"), kind), name)
    assert found is not None


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.key)
def test_a_promise_has_tests_that_exist(promise: Promise) -> None:
    assert promise.tests
    named = [test.partition("::") for test in promise.tests]
    assert [f"{file}::{name}" for file, _, name in named if name not in names_in(file)] == []


def test_what_the_other_documents_promise_stands_in_the_regulation_too() -> None:
    regulation = {key for keys in CLAUSES.values() for key in keys.split()}
    others = {key for sections in OTHERS.values() for _, keys in sections for key in keys.split()}
    assert {key for key in others if key.startswith(("promise.", "duty.", "note."))} <= regulation


def test_every_sentence_of_the_catalogue_is_used() -> None:
    used = {
        sentence.key
        for policy in [load(), *every_policy()]
        for name in NAMES
        for section in document(policy, HOUSE, name, "nl").sections
        for sentence in section.sentences
    }
    areas = ("promise.", "duty.", "note.", "define.", "council.", "dpia.", "register.", "notice.", "summary.")
    titles = {key for key in catalogue("nl", "regulation") if key.endswith(".title") or key.startswith("dpia.risks.")}
    keys = {key for key in catalogue("nl", "regulation") if key.startswith(areas)} - titles
    assert keys - used == set()


def every_policy() -> list[Policy]:
    fields = [
        f"\n{line}\n"
        for line in (
            'works_council = "none"',
            *(f'private_use = "{use}"' for use in ("allowed", "tolerated", "forbidden")),
        )
    ]
    public = load(shipped().replace('ground = "legitimate-interest"', 'ground = "public-task"'))
    allowed = load()
    allowed = replace(
        allowed, wording=allowed.wording.model_copy(update=dict.fromkeys(type(allowed.wording).model_fields, "allow"))
    )
    return [*(changed(path, value) for path, value, _ in CHANGES), *(filled(line) for line in fields), public, allowed]


def test_the_page_is_what_the_table_says() -> None:
    assert (ROOT / "docs" / "policy.md").read_text("utf-8") == page(), "run tools/policy_page.py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_in_the_docs_says_what_the_shipped_policy_does(language: str) -> None:
    made = document(load(), replace(HOUSE, name="Voorbeeld BV"), "regulation", language)
    kept = pypdf.PdfReader(ROOT / "docs" / "regulation" / f"regulation-{language}.pdf")
    fresh = pypdf.PdfReader(io.BytesIO(render([made], "pdf")))
    assert [p.extract_text() for p in kept.pages] == [p.extract_text() for p in fresh.pages], "run tools/policy_page.py"


# what no other test shows


def test_each_template_says_on_whose_behalf_it_is_set() -> None:
    for language, words in {"nl": "ingesteld door Org voor Anna", "en": "set by Org for Anna"}.items():
        for template in {key.partition(".")[0] for key in catalogue(language, "templates")}:
            values = {"name": "Anna", "organisation": "Org", "until": "X"}
            assert all(words in text for text in from_template(template, language, values)[1:]), (language, template)


def test_a_small_number_is_hidden() -> None:
    few, many = Count(cases=9, people={"anna", "bob", "carla", "dirk"}), Count(cases=5, people=set("abcde"))
    below = load().figures.hide_below
    assert (is_small(few, below), is_small(many, below)) == (True, False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink)


def test_who_gets_a_reply_where_the_requester_says_nothing(world: World) -> None:
    assert world.request().auto_reply.audience == load().auto_reply.audience


def test_how_long_and_whose_mail_is_forwarded_where_the_requester_says_nothing(world: World) -> None:
    form = ForwardForm(mailbox="anna@corp.test", to="bob@corp.test", reason="customer", because="Orders wait.")
    owner = world.app.people.person("anna")
    assert owner is not None
    given = window(world.desk.office, form, owner, world.now, joins=None)
    assert given.to_date - given.from_date == timedelta(days=load().forward.default_days)
    assert owner.mailbox is not None
    made = forward_of(world.desk.office, form, owner.mailbox, "abcd-efgh", given)
    assert made.senders == load().forward.senders


def test_what_was_found_is_wiped_after_the_account(world: World) -> None:
    case = world.live()
    world.later(days=15)
    assert world.letters("anna@corp.test", "account")
    assert not world.app.store.found(case.id)


def test_an_agreement_is_confirmed_in_her_mailbox(world: World) -> None:
    world.request()
    world.work()
    world.desk.answer(world.token(), "agree")
    world.work()
    assert world.letters("anna@corp.test", "answer-noted")


# what is open


def test_an_open_field_is_shown_and_told_with_what_is_refused_meanwhile() -> None:
    warnings = {warning.key: warning for warning in open_warnings(load(), HOUSE, "en")}
    fields = set(RegulationFields.model_json_schema(by_alias=True)["properties"]) - {"ground"}
    assert set(warnings) == fields
    assert warnings["dpia_on"].refused == ("forward", "search")
    assert "no forwarding or searching" in warnings["dpia_on"].sentence
    assert warnings["known_on"].refused == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_that_is_filled_in_has_nothing_open(name: str) -> None:
    made = document(filled(), HOUSE, name, "nl")
    assert made.open_lines == ()
    assert not [p for s in made.sections for t in s.sentences for p in t.parts if p.mark is Mark.OPEN]


@pytest.mark.parametrize("line", [line for line in FILLED.splitlines() if line])
def test_a_field_that_is_filled_in_stands_in_the_regulation(line: str) -> None:
    key = line.split(" ", maxsplit=1)[0]
    before, after = told(load(), "en"), told(filled(f"\n{line}\n"), "en")
    assert key not in {warning.key for warning in open_warnings(filled(f"\n{line}\n"), HOUSE, "en")}
    assert before.count("yet to be filled in") > after.count("yet to be filled in")


def test_no_works_council_is_an_answer() -> None:
    policy = filled('\nworks_council = "none"\n')
    assert not {"works_council", "works_council_on"} & {field.key for field in policy.open_fields}
    assert "has no works council" in told(policy, "en")


@pytest.mark.parametrize(
    "fields",
    [
        '\nworks_council = "none"\nworks_council_on = 2026-01-01\n',
        '\nregister = "a\\nb"\n',
        '\nregister = ""\n',
        '\ndpia_on = "soon"\n',
        '\nprivate_use = "sometimes"\n',
        '\ncolour = "red"\n',
    ],
)
def test_a_mistake_in_the_fields_is_refused_with_its_line(fields: str) -> None:
    with pytest.raises(Invalid) as caught:
        filled(fields)
    assert caught.value.key == "policy-mistake"
    assert caught.value.values["line"].isdigit()


def test_what_the_settings_say_of_the_officer_comes_first() -> None:
    house = replace(HOUSE, officer="fg@house.test", authority="AP")
    assert "fg@house.test" in render([document(filled(), house, "notice", "nl")], "md").decode()
    assert {"privacy_officer", "authority"}.isdisjoint(w.key for w in open_warnings(load(), house, "nl"))


def test_a_review_by_a_function_that_nobody_has_is_a_mistake_with_its_line() -> None:
    with pytest.raises(Invalid) as caught:
        check_reviewers(load(), ["it", "sales", ""])
    line = shipped().splitlines()[int(caught.value.values["line"]) - 1]
    assert (caught.value.clause, line) == (7, 'functions = ["manager", "hr"]')


def test_reviewers_are_as_many_as_are_needed() -> None:
    policy = changed("auto-reply.review.count", 2)
    check_reviewers(policy, ["manager", "hr"])
    with pytest.raises(Invalid, match="policy-no-reviewers"):
        check_reviewers(policy, ["manager", "it"])


def test_nobody_is_needed_where_nothing_asks_for_a_review() -> None:
    check_reviewers(changed("auto-reply.free_text", "allowed"), [])


# how it looks


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_each_document_is_written_as_markdown_and_html_in_full(name: str, language: str) -> None:
    made = document(load(), HOUSE, name, language)
    bare = re.sub(r' <span class="tag">[^<]*</span>|<[^>]+>', "", render([made], "html").decode())
    assert [key for key, text in sentences(made) if text not in unescape(bare)] == []
    assert made.title in told(load(), language, name)


@pytest.mark.parametrize("form", ["md", "html"])
def test_hostile_text_is_text(form: str) -> None:
    policy = filled(f"\nadopted_by = '{HOSTILE}'\n")
    made = document(policy, replace(HOUSE, name=HOSTILE), "regulation", "nl")
    text = render([made], form).decode()
    assert not re.search(r"(?<!\\)<script", text)
    assert "{max_days}" in text.replace("\\", "")
    if form == "md":
        assert "\\[x\\]" in text


def test_another_form_is_refused() -> None:
    with pytest.raises(Invalid, match="document-form"):
        render([document(load(), HOUSE, "notice", "nl")], "docx")


def test_no_promise_is_marked_as_an_undertaking() -> None:
    made = document(load(), HOUSE, "regulation", "en")
    duties = [s for section in made.sections for s in section.sentences if s.kind is Kind.DUTY]
    assert all(sentence.key.startswith("duty.") for sentence in duties)
    assert told(load(), "en").count("(undertaking)") == len(duties) + 1


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pdf_is_accessible_and_the_summary_is_one_page(language: str) -> None:
    for policy in (load(), filled(), changed("auto-reply.ask.if_unanswered", "stop")):
        pdf = pypdf.PdfReader(io.BytesIO(render([document(policy, HOUSE, "summary", language)], "pdf")))
        assert len(pdf.pages) == 1
        assert pdf.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
        assert b"pdfuaid" in pdf.trailer["/Root"]["/Metadata"].get_data()  # type: ignore[index]
        assert pdf.trailer["/Root"]["/Lang"] == language  # type: ignore[index]


@pytest.mark.slow
def test_what_is_open_is_shown_on_every_page() -> None:
    pdf = pypdf.PdfReader(io.BytesIO(render([document(load(), HOUSE, "regulation", "nl")], "pdf")))
    assert [n for n, one in enumerate(pdf.pages) if "vindplaats" not in one.extract_text()] == []


def test_the_forms_are_those_of_the_command_line() -> None:
    from locum.cli.policy import Paper, Sheet  # noqa: PLC0415

    assert tuple(map(str, Sheet)) == FORMS
    assert tuple(map(str, Paper)) == (*NAMES, "all")
