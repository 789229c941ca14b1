"""What a page is made of: every state has words in both languages, hostile text stays text, and everyone can read it."""

import re
import string
from dataclasses import replace
from importlib.resources import files

import pytest
from reading import Reader
from views import case, entry, view

from locum.desk import LinkView, OwnText
from locum.lifecycle import State
from locum.messages import LANGUAGES, catalogue
from locum.web.shown import Site, case_page, home_page, problem_page, so_far

SITE = Site(organisation="Voorbeeld BV", language="nl", url="")
ALL = "agree object own-text done stop"
ANSWERS = ("", "agreed", "own-text", "objected", "done-herself", "unanswered")
PROBLEMS = (400, 403, 404, 405, 408, 409, 410, 413, 429, 500, 503)

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea></pre><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "{subject} {0} {__class__}",
    "&lt;b&gt; &amp;#60;",
    "<!-- --><![CDATA[ ]]>",
    "a@b\r\nSet-Cookie: x=1",
]


def pages(language: str) -> dict[str, str]:
    """Every kind of page there is."""
    shown = {f"{state}-{answer}": view(language, state, ALL, answer=answer) for state in State for answer in ANSWERS}
    shown |= {"set": view(language, None, "set"), "noted": view(language, None, "")}
    shown |= {f"if-{what}": view(language, if_unanswered=what) for what in ("proceed", "review", "stop")}
    shown |= {"no-wait": view(language, deadline_words=""), "internal": view(language, external=False)}
    found = {name: body(case_page(SITE, one)) for name, one in shown.items()}
    draft = OwnText(subject="Weg", internal_text="Ik ben weg", until="2026-12-25T10:00")
    found["preview"] = body(case_page(SITE, view(language), draft=draft, preview=True))
    found["home"] = body(home_page(SITE, language))
    found["problem"] = body(problem_page(SITE, language, 404, "page-unknown", {}, hers=draft))
    return found


def body(page: object) -> str:
    return bytes(page.body).decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_and_answer_has_a_page(language: str) -> None:
    for name, page in pages(language).items():
        assert f'<html lang="{language}">' in page, name
        assert "{" not in Reader(page).text, name


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    def places(language: str, area: str) -> dict[str, set[str | None]]:
        words = catalogue(language, area)
        return {key: {name for _, name, _, _ in string.Formatter().parse(said)} - {None} for key, said in words.items()}

    assert places("nl", "pages") == places("en", "pages")
    hers = {
        key
        for key in places("nl", "errors")
        if key.startswith(("answer-", "link-over", "no-such-link", "body-", "try-"))
    }
    assert len(hers) > 10
    assert all(places("nl", "errors")[key] == places("en", "errors")[key] for key in hers)


@pytest.mark.parametrize("status", PROBLEMS)
def test_every_status_has_a_title_in_both_languages(status: int) -> None:
    titles = {body(problem_page(SITE, language, status, "page-unknown", {})) for language in LANGUAGES}
    assert len(titles) == 2
    for language in LANGUAGES:
        assert f"problem.title-{status}" in catalogue(language, "pages")


@pytest.mark.parametrize("nasty", NASTY)
def test_hostile_text_in_every_field_is_shown_as_text_and_makes_no_element(nasty: str) -> None:
    made = case(because=nasty, mailbox=nasty)
    measure = replace(
        made.auto_reply, subject=nasty, text_body=nasty, html_body=nasty, external_text=nasty, exceptions=(nasty,)
    )
    plain = view(entries=(entry("asked", channel=nasty, outcome=nasty),))
    hostile = replace(
        plain,
        organisation=nasty,
        owner=replace(plain.owner, name=nasty),
        case=replace(made, measures=(measure,)),
        requester=nasty,
        requester_address=nasty,
        reason=nasty,
        from_words=nasty,
        until_words=nasty,
        deadline_words=nasty,
    )
    draft = OwnText(subject=nasty, internal_text=nasty, external_text=nasty, until=nasty)
    site = replace(SITE, organisation=nasty)
    problem = ("body-too-big", {"limit": nasty})
    page = Reader(body(case_page(site, hostile, draft=draft, preview=True, problem=problem)))
    innocent = Reader(body(case_page(SITE, harmless(plain), draft=HARMLESS, preview=True, problem=problem)))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in innocent.elements]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith(("on", "style"))]
    assert all(
        (attrs["href"] or "").startswith(("/static/", "mailto:", "#"))
        for tag, attrs in page.elements
        if "href" in attrs
    )
    assert page.text.count(nasty.replace("\r\n", "\n")) >= 15
    fields = [attrs for tag, attrs in page.elements if tag == "input" and attrs.get("type") != "hidden"]
    assert [attrs["value"] for attrs in fields] == [nasty.replace("\r\n", "\n")] * 2


HARMLESS = OwnText(subject="x", internal_text="x", external_text="x", until="x")


def harmless(plain: LinkView) -> LinkView:
    made = case()
    measure = replace(made.auto_reply, html_body="x", exceptions=("x",))
    return replace(plain, case=replace(made, measures=(measure,)))


def test_text_that_turns_around_or_hides_is_shown_without_its_marks() -> None:
    shown = view(because="safe\u202egnp.exe\u2066\x00\x1b[31m")
    page = body(case_page(SITE, shown))
    assert not set(page) & set("\u202e\u2066\x00\x1b")
    assert "safegnp.exe[31m" in page


def test_what_happened_so_far_is_said_without_what_was_only_tried() -> None:
    happened = (
        entry("requested"),
        entry("asked", 1, channel="mobile", outcome="sending"),
        entry("asked", 2, channel="mobile", outcome="delivered-to-relay"),
        entry("answered", 30, answer="agreed"),
        entry("policy", 31),
    )
    assert so_far(view("en", entries=happened)) == [
        ("Monday 23 November 2026, 10:12", "asked for by Sam Jansen"),
        (
            "Monday 23 November 2026, 10:14",
            "you were asked: text message, handed to the mail server or text message service",
        ),
        ("Monday 23 November 2026, 10:42", "answer: agreed"),
    ]


def test_letters_about_the_case_are_not_called_asking_and_those_to_others_are_left_out() -> None:
    sent = "delivered-to-relay"
    happened = (
        entry("asked", 1, channel="mailbox", outcome=sent, note="letter-answer-noted"),
        entry("asked", 2, channel="mailbox", outcome=sent, note="letter-requester"),
        entry("asked", 3, channel="mailbox", outcome=sent, note="letter-review"),
        entry("asked", 4, channel="phone", outcome="reached", note="She picked up"),
    )
    said = [what.partition(":")[0] for _, what in so_far(view("en", entries=happened))]
    assert said == ["you were told how it stands", "you were asked"]


def test_the_texts_are_shown_with_every_space_and_line() -> None:
    text = "\n\n  first\n\tsecond   third \n\n\nlast"
    made = case(external=False)
    shown = replace(view(), case=replace(made, measures=(replace(made.auto_reply, text_body=text),)))
    assert f">\n{text}</pre>" in body(case_page(SITE, shown))  # HTML drops one newline after <pre>


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_read_by_a_screen_reader(language: str) -> None:
    for name, page in pages(language).items():
        elements = Reader(page).elements
        ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
        assert len(ids) == len(set(ids)), name
        tags = [tag for tag, _ in elements]
        assert (tags.count("h1"), tags.count("main"), tags.count("header"), tags.count("footer")) == (1, 1, 1, 1), name
        labelled = {attrs["for"] for tag, attrs in elements if tag == "label"}
        seen = [attrs for tag, attrs in elements if tag in ("input", "textarea") and attrs.get("type") != "hidden"]
        fields = {attrs["id"] for attrs in seen}
        assert fields == labelled, name
        pointed = [
            attrs.get(at) for _, attrs in elements for at in ("aria-labelledby", "aria-describedby") if at in attrs
        ]
        assert set(pointed) <= set(ids), name


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


STYLE = files("locum.web").joinpath("static", "locum.css").read_text("utf-8")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_what_they_are_on(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    pairs = [
        ("ink", "paper"), ("ink", "sheet"), ("ink", "sun-wash"), ("soft", "paper"), ("soft", "sheet"), ("leaf", "paper"),
        ("leaf", "sheet"), ("leaf", "leaf-wash"), ("on-leaf", "leaf"), ("on-leaf", "leaf-deep"), ("sun", "sun-wash"),
    ]  # fmt: skip
    assert min(contrast(colours[one], colours[other]) for one, other in pairs) >= 5
    assert contrast(colours["edge"], colours["sheet"]) >= 3  # WCAG 1.4.11: what shows where a field is
    assert contrast(colours["focus"], colours["paper"]) >= 3


def test_no_text_is_smaller_than_sixteen_pixels() -> None:
    base = 16 * float(re.findall(r"html \{[^}]*font-size: ([0-9.]+)%", STYLE)[0]) / 100
    sizes = [base * float(size) for size in re.findall(r"font-size: ([0-9.]+)rem", STYLE)]
    assert min(sizes) >= 16
