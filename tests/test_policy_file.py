"""The policy's file: every mistake named with its line and its clause, presets and their floors, and no time lost."""

import time
from datetime import date
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies import FILLED, policy, written

from locum.errors import Invalid
from locum.messages import LANGUAGES, catalogue
from locum.policy import KEYS, PRESETS, Checked, cautions, check, load, preset, shipped, values
from locum.policy.keys import is_as_strict

TODAY = date(2026, 11, 23)
EVERYBODY = ["manager", "hr", "dpo", "council", "it"]
MANY = """\
preset = "xx"
colour = "red"
[auto-reply]
max_dayz = 3
max_days = "9"
reasons = ["revenge", "x"]
[auto-reply.ask]
wait_hours = -1
if_unanswered = "review"
[auto-reply.review]
functions = []
count = 9
[forward]
receivers = "everyone"
max_days = 30
default_days = 40
senders = 3
record_refusals = "yes"
[confidential]
lawyer = ["no address"]
works_council = ["x.test"]
[private.folders]
nederlands = ["x"]
[regulation]
works_council = "none"
works_council_on = 2026-01-01
dpia_on = "soon"
register = "a\\nb"
"""
MANY_FOUND = [
    (1, 3, "not-one-of"),
    (2, None, "unknown-key"),
    (4, 5, "unknown-key-close"),
    (5, 5, "no-whole-number"),
    (6, 1, "not-one-of"),
    (8, 6, "at-least"),
    (11, 7, "nobody-named"),
    (12, 7, "at-most"),
    (14, 9, "receivers-outside"),
    (15, 9, "too-mild"),
    (16, 9, "more-than"),
    (17, 9, "not-one-of"),
    (18, 16, "no-yes-or-no"),
    (20, 12, "no-correspondent"),
    (21, 12, "unknown-key-close"),
    (23, 11, "bad-name"),
    (26, 3, "council-none"),
    (27, 3, "no-date"),
    (28, 3, "no-line"),
]


def found(text: str, functions: list[str] | None = None) -> list[tuple[int | None, int | None, str]]:
    return [(one.line, one.clause, one.key) for one in check(text, functions).mistakes]


def test_all_mistakes_are_named_at_once_with_line_and_clause() -> None:
    assert found(MANY, EVERYBODY) == MANY_FOUND


@pytest.mark.parametrize(
    ("text", "line", "clause", "key"),
    [
        ("[forward]\ndefault_days = 20\nmax_days = 10\n", 2, 9, "more-than"),
        ("[departure]\nmonths = 3\nmax_months = 2\n", 2, 17, "more-than"),
        ("[search]\ncounts_max = 5\ncounts_per_month = 3\n", 2, 10, "more-than"),
        ("[auto-reply.ask]\nwait_hours = 2\ntemplate_wait_hours = 3\n", 3, 6, "more-than"),
        ("[keeping]\nlist_hours = 24\nlist_days = 0\n", 3, 15, "at-least"),
        ("[search]\nbuckets = [5, 0]\n", 2, 10, "not-rising"),
        ("[search]\nbuckets = [0, 5]\n", 1, 10, "no-bucket"),
        ("[objection]\nfunctions = ['hr', 'hr']\n", 2, 6, "too-few-functions"),
        ("[forward.review]\nfunctions = []\n", 2, 7, "nobody-named"),
        ("[auto-reply]\nfree_text = 'allowed'\n[auto-reply.review]\ncount = 1\nfunctions = []\n", 5, 7, "nobody-named"),
        ("[requesters]\nforward = ['hr']\n[forward.review]\nfunctions = ['hr']\n", 4, 7, "only-the-requesters"),
        ("[forward]\nreceivers = 'everyone'\n", 2, 9, "receivers-outside"),
        ("[account]\nwithin_days = 60\n", 2, 16, "too-mild"),
        ("[auto-reply.wording]\nillness = 'warn'\n", 2, 8, "too-mild"),
        ("[forward.review]\nsigned = false\n", 2, 7, "too-mild"),
        ("[forward.review]\ncount = 0\n", 2, 7, "too-mild"),
        ("[four-eyes]\nofficer_for = ['death']\n", 2, 7, "too-mild"),
        ("[figures]\nhide_below = 0\n", 2, 18, "too-mild"),
        ("forward = 3\n", 1, 1, "no-table"),
        ("[forward]\nmax_days = 14.5\n", 2, 9, "no-whole-number"),
        ("[auto-reply.ask]\nwait_hours = inf\n", 2, 6, "no-number"),
        ("[auto-reply.ask]\nchannels = []\n", 2, 6, "empty-list"),
        ("[auto-reply]\nreasons = 'forgotten'\n", 2, 1, "no-list"),
        ('[beforehand]\ngaps_visible_to = ["a\\nb"]\n', 2, 19, "no-line"),
        ("[figures]\nto = ['']\n", 2, 18, "bad-name"),
        ("[forward\n", 1, None, "not-toml"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_its_clause(text: str, line: int, clause: int | None, key: str) -> None:
    assert found(text) == [(line, clause, key)]
    with pytest.raises(Invalid):
        load(text)


def test_hours_of_a_list_may_not_outlast_its_days() -> None:
    assert found("[keeping]\nlist_hours = 24\nlist_days = 1\n") == []
    text = written({"keeping.list_days": 1}).replace("list_hours = 24", "list_hours = 25")
    assert (15, "more-than-days") in [(clause, key) for _, clause, key in found(text)]


@pytest.mark.parametrize(("functions", "there"), [(["it"], 0), (["hr"], 1), (["dpo", "manager"], 2)])
def test_a_review_by_functions_that_nobody_has_is_a_mistake(functions: list[str], there: int) -> None:
    text = written({**FILLED, "forward.review.count": 2, "auto-reply.free_text": "allowed"})
    mistakes = check(text, functions).mistakes
    assert [one.values["there"] for one in mistakes] == ([] if there == 2 else [str(there)])
    assert {(one.clause, one.name) for one in mistakes} <= {(7, "forward.review.functions")}


def test_a_forward_that_is_refused_as_yet_asks_for_no_reviewers() -> None:
    assert found(written({"auto-reply.free_text": "allowed"}), ["it"]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mistake_and_caution_is_said_in_words(language: str) -> None:
    for one in check(MANY, []).mistakes:
        assert one.name in one.sentence(language) or one.key == "council-none"
    for caution in cautions(load('preset = "de"\n'), [], TODAY):
        assert caution.sentence(language).endswith((".", ")"))


def test_the_sentences_of_both_languages_take_the_same_values() -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    dutch, english = catalogue("nl", "policy"), catalogue("en", "policy")
    assert {key: names(text) for key, text in dutch.items()} == {key: names(text) for key, text in english.items()}


def test_the_shipped_policy_has_no_mistake_and_says_what_should_be_known() -> None:
    checked = check(shipped(), EVERYBODY)
    assert checked.mistakes == ()
    assert checked.policy is not None
    assert [(one.clause, one.key) for one in cautions(checked.policy, EVERYBODY, TODAY)] == [(12, "no-correspondents")]


def test_what_nobody_could_do_is_known_beforehand() -> None:
    known = [(one.clause, one.key) for one in cautions(load(), ["it"], TODAY)]
    assert known == [(6, "no-overrulers"), (7, "no-officer"), (12, "no-correspondents"), (17, "no-contact")]


# presets


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_alone_is_a_policy_without_mistakes(name: str) -> None:
    checked = check(f'preset = "{name}"\n', EVERYBODY)
    assert checked.mistakes == ()
    assert checked.policy is not None
    assert (checked.policy.preset, preset(name).is_example) == (name, name != "nl")
    assert preset(name).sources


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "nl"])
def test_an_example_differs_and_is_told_to_be_one(name: str) -> None:
    ours, theirs = values(load(f'preset = "{name}"\n')), values(load(""))
    assert {path for path in ours if ours[path] != theirs[path]} > {"preset"}
    told = [one.sentence("nl") for one in cautions(load(f'preset = "{name}"\n'), EVERYBODY, TODAY)]
    assert "geen jurist" in told[0]


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_is_milder_than_its_floors_nor_its_floors_than_those_of_nl(name: str) -> None:
    ours, floors = values(load(f'preset = "{name}"\n')), preset(name).floors
    for path, limit in floors.items():
        order = KEYS[path].order
        assert order is not None
        assert is_as_strict(order, ours[path], limit), path
        assert is_as_strict(order, limit, preset("nl").floors.get(path, limit)), path


def test_what_a_policy_says_comes_before_its_preset() -> None:
    stricter = load('preset = "fi"\n[search]\ndays_before = 3\n')
    assert (stricter.search.days_before, stricter.search.words_in) == (3, "subject")


def test_the_shipped_file_on_another_preset_is_told_where_it_is_too_mild() -> None:
    mistakes = check(written({"preset": "fi"}), EVERYBODY).mistakes
    assert {(one.name, one.key) for one in mistakes} == {
        ("search.days_before", "too-mild"),
        ("search.words_in", "too-mild"),
    }
    assert all(one.line is not None for one in mistakes)


def test_an_empty_list_below_the_floor_is_shown_as_one() -> None:
    (mistake,) = check("[private]\nsensitivity = []\n", EVERYBODY).mistakes
    assert "[]" in mistake.sentence("en")


def test_a_value_below_the_floor_is_refused_for_everybody_else_too() -> None:
    with pytest.raises(Invalid) as caught:
        load("[forward]\nmax_days = 60\n")
    assert (caught.value.key, caught.value.clause, caught.value.values["line"]) == ("policy-too-mild", 9, "2")


def test_a_policy_that_was_in_force_is_judged_by_no_floor_of_now() -> None:
    assert load("[forward]\nmax_days = 60\n", kept=True).forward.max_days == 60


# whatever is in it

VALUES = st.recursive(
    st.one_of(st.integers(-5, 500), st.booleans(), st.sampled_from(["none", "hr", "review", "x" * 400, "a\\nb"])),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), VALUES, max_size=8))
def test_whatever_is_written_is_a_policy_or_mistakes_on_lines_that_there_are(given_values: dict[str, object]) -> None:
    text = "".join(f"{path} = {toml(value)}\n" for path, value in given_values.items())
    checked: Checked = check(text, EVERYBODY)
    assert (checked.policy is None) == bool(checked.mistakes)
    assert all(one.line is None or 1 <= one.line <= len(given_values) for one in checked.mistakes)
    assert all(one.sentence(language) for one in checked.mistakes for language in LANGUAGES)


def test_reading_the_policy_takes_no_time_to_speak_of() -> None:
    load()
    took = []
    for _ in range(10):
        begin = time.perf_counter()
        load()
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.05  # others use the machine too


def test_the_policy_with_another_value_is_another_policy() -> None:
    assert policy({"forward.max_days": 20}).hash != policy().hash


@pytest.mark.parametrize(("on", "told"), [("2026-11-23", []), ("2026-11-24", ["regulation.dpia_on"])])
def test_a_day_that_is_still_to_come_is_told(on: str, told: list[str]) -> None:
    found = cautions(policy({**FILLED, "regulation.dpia_on": on}), EVERYBODY, TODAY)
    assert [one.name for one in found if one.key == "not-yet"] == told
    assert all(
        "dpia_on" in one.sentence(language) for one in found if one.key == "not-yet" for language in ("nl", "en")
    )
