"""The ladder of a search: every guard keeps its step, and no order of steps gets past one (hypothesis)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.climb import ladder_of, spent_in
from locum.entry import Draft, Json
from locum.errors import Refused
from locum.ladder import GUARDS, Ladder, Limits, Pair, Step
from locum.measure import Search, query_to_json
from locum.messages import LANGUAGES, says
from locum.query import Query

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
BOX = "anna@corp.test"
SIGNED = Query(senders=("jansen@klant.test",), words=("offerte",), since=datetime(2026, 11, 1, tzinfo=UTC))
NARROWER = Query(senders=("jansen@klant.test",), words=("offerte", "4711"), since=datetime(2026, 11, 1, tzinfo=UTC))
WIDER = Query(words=("offerte",), since=datetime(2026, 11, 1, tzinfo=UTC))
SEARCH = Search(
    handle="case",
    from_date=NOON - timedelta(hours=1),
    to_date=NOON + timedelta(days=7),
    query=SIGNED,
    deliver_to="verkoop@corp.test",
)
PAIR = Pair(requester="bob", function="it", others=(("dirk", "hr"),))


class Climb:
    """Entries as the desk would write them, and the ladder over them."""

    def __init__(self, pair: Pair = PAIR, limits: Limits = Limits()) -> None:  # noqa: B008 frozen
        self.pair, self.limits, self.now = pair, limits, NOON
        self.lines: list[Draft] = []
        self.earlier: list[datetime] = []

    def wrote(self, kind: str, **body: Json) -> "Climb":
        self.lines.append(Draft(stream=BOX, type=kind, time=self.now, body={"case": "case", **body}))
        return self

    def opened(self) -> "Climb":
        return self.wrote("intended", act="apply").wrote("done", act="apply")

    def counted(self, bucket: str = "1-5", query: Query | None = None) -> "Climb":
        asked = None if query is None else query_to_json(query)
        self.wrote("searching", act="count", by={"id": "bob"}, query=asked)  # type: ignore[arg-type]
        return self.wrote("counted", bucket=bucket)

    def listed(self, *digests: str) -> "Climb":
        hits: list[Json] = [{"digest": one} for one in digests or ("aa", "bb")]
        return self.wrote("searching", act="list", by={"id": "bob"}).wrote("listed", hits=hits)

    def chose(self, *who: str, digest: str = "aa") -> "Climb":
        for one in who:
            self.wrote("chosen", by={"id": one}, digest=digest)
        return self

    def signed(self, *who: str, digest: str = "aa") -> "Climb":
        for one in who:
            self.wrote("opening", by={"id": one}, digest=digest)
        return self

    def attends(self, what: str) -> "Climb":
        return self.wrote("attending", what=what)

    def later(self, **time: float) -> "Climb":
        self.now += timedelta(**time)
        return self

    def shown(self) -> "Climb":
        return self.wrote("searching", act="open", by={"id": "bob"}).wrote("opened", digest="aa")

    @property
    def ladder(self) -> Ladder:
        return ladder_of(SEARCH, self.pair, self.limits, self.lines, [*self.earlier, *spent_in(self.lines)])

    def why_not(self, step: Step, who: str = "bob", query: Query | None = None, digest: str = "") -> str:
        return self.ladder.why_not(step, who, self.now, query=query, digest=digest)


def chosen() -> Climb:
    return Climb().opened().counted().listed().chose("bob", "dirk")


SAME_FUNCTION = Pair(requester="bob", function="it", others=(("ivo", "it"),))
ALONE = Pair(requester="bob", function="it", others=(("bob", "hr"),))
STOPPED: list[tuple[str, Climb, Step, dict[str, object]]] = [
    ("not-open", Climb(), Step.COUNT, {}),
    ("not-open", Climb().opened().wrote("intended", act="end"), Step.COUNT, {}),
    ("not-open", Climb().opened().wrote("objected"), Step.COUNT, {}),
    ("not-open", Climb().opened().wrote("incident", act="apply"), Step.COUNT, {}),
    ("not-open", Climb().wrote("ended").opened(), Step.COUNT, {}),
    ("not-one-of-both", Climb().opened(), Step.COUNT, {"who": "carla"}),
    ("not-one-of-both", Climb(pair=Pair()).opened(), Step.COUNT, {}),
    ("not-one-of-both", Climb(pair=SAME_FUNCTION).opened(), Step.COUNT, {}),
    ("not-one-of-both", Climb(pair=ALONE).opened(), Step.COUNT, {}),
    ("step-under-way", Climb().opened().wrote("searching", act="count", by={"id": "bob"}), Step.COUNT, {}),
    ("over", chosen().shown().wrote("closed", why="private"), Step.DELIVER, {}),
    ("counts-used", Climb().opened().counted().counted().counted().counted().counted(), Step.COUNT, {}),
    ("not-narrower", Climb().opened(), Step.COUNT, {"query": WIDER}),
    ("listed-before", Climb().opened().counted().listed(), Step.COUNT, {}),
    ("listed-before", Climb().opened().counted().listed(), Step.LIST, {}),
    ("not-counted", Climb().opened(), Step.LIST, {}),
    ("nothing-found", Climb().opened().counted("0"), Step.LIST, {}),
    ("too-broad", Climb().opened().counted("more"), Step.LIST, {}),
    ("not-listed", Climb().opened().counted(), Step.CHOOSE, {"digest": "aa"}),
    ("not-listed", Climb().opened().counted(), Step.OPEN, {}),
    ("not-on-the-list", Climb().opened().counted().listed(), Step.CHOOSE, {"digest": "cc"}),
    ("not-both-chose", Climb().opened().counted().listed().chose("bob"), Step.OPEN, {}),
    ("not-both-chose", Climb().opened().counted().listed().chose("bob").chose("dirk", digest="bb"), Step.OPEN, {}),
    ("not-both-chose", chosen(), Step.SIGN, {"digest": "bb"}),
    ("she-is-awaited", chosen().attends("wants"), Step.SIGN, {"digest": "aa"}),
    ("she-is-awaited", chosen().attends("wants").signed("bob", "dirk"), Step.OPEN, {}),
    ("not-both-signed", chosen(), Step.OPEN, {}),
    ("not-both-signed", chosen().signed("bob"), Step.OPEN, {}),
    ("not-both-signed", chosen().signed("bob").signed("dirk", digest="bb"), Step.OPEN, {}),
    ("one-message", chosen().signed("bob", "dirk").shown(), Step.OPEN, {}),
    ("one-message", chosen().signed("bob", "dirk").shown(), Step.CHOOSE, {"digest": "bb"}),
    ("not-opened", chosen(), Step.DELIVER, {}),
    ("delivered-before", chosen().shown().wrote("delivered", to="x@corp.test"), Step.DELIVER, {}),
]


@pytest.mark.parametrize(("guard", "climb", "step", "asked"), STOPPED)
def test_a_guard_keeps_its_step(guard: str, climb: Climb, step: Step, asked: dict[str, str]) -> None:
    assert climb.why_not(step, **asked) == guard


def test_every_guard_was_tried() -> None:
    assert {guard for guard, *_ in STOPPED} | {"not-in-time", "budget-used"} == set(GUARDS)


def test_the_guards_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[1] / "docs" / "cases.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", page, re.MULTILINE) == [*GUARDS.items()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_guard_is_said(language: str) -> None:
    assert all(says(language, f"errors.search-{guard}.sentence") for guard in GUARDS)


AWAITED: dict[str, tuple[Climb, str]] = {
    "she is there": (chosen().attends("wants").attends("here"), ""),
    "she was there a while ago": (chosen().attends("wants").attends("here").later(minutes=16), "she-is-awaited"),
    "she need not be there any more": (chosen().attends("wants").attends("not-needed"), ""),
    "she changes her mind": (chosen().attends("wants").attends("not-needed").attends("wants"), "she-is-awaited"),
    "she did not come within a day": (chosen().attends("wants").later(hours=24), ""),
    "almost a day": (chosen().attends("wants").later(hours=23.9), "she-is-awaited"),
    "the day begins when both chose": (
        Climb().opened().attends("wants").later(days=2).counted().listed().chose("bob", "dirk").later(hours=2),
        "she-is-awaited",
    ),
    "saying it again makes the day no longer": (
        chosen().attends("wants").later(hours=20).attends("wants").later(hours=5),
        "",
    ),
    "it cannot be read what she said": (chosen().attends("?"), "she-is-awaited"),
}


@pytest.mark.parametrize("told", AWAITED)
def test_she_is_waited_for_where_she_wants_to_be_there(told: str) -> None:
    climb, guard = AWAITED[told]
    assert climb.why_not(Step.SIGN, digest="aa") == guard


def test_nothing_is_counted_after_the_time_that_was_asked_for() -> None:
    climb = Climb().opened()
    climb.now = SEARCH.to_date
    assert climb.why_not(Step.COUNT) == "not-in-time"


def test_a_mailbox_has_one_budget_for_all_its_cases() -> None:
    climb = Climb(limits=Limits(counts_per_month=3)).opened()
    climb.earlier = [NOON - timedelta(days=day) for day in (1, 2, 30)]
    assert climb.why_not(Step.COUNT) == "budget-used"


def test_a_count_of_over_a_month_ago_weighs_no_more() -> None:
    climb = Climb(limits=Limits(counts_per_month=3)).opened()
    climb.earlier = [NOON - timedelta(days=day) for day in (1, 2, 32)]
    assert climb.why_not(Step.COUNT) == ""


def test_a_narrower_question_may_be_counted() -> None:
    assert Climb().opened().counted("more").why_not(Step.COUNT, query=NARROWER) == ""


def test_what_is_listed_is_what_was_counted() -> None:
    assert Climb().opened().counted("more").counted("1-5", NARROWER).ladder.query == NARROWER


def test_signatures_of_a_while_ago_open_nothing() -> None:
    climb = chosen().signed("bob")
    climb.now += timedelta(minutes=6)
    assert climb.signed("dirk").why_not(Step.OPEN) == "not-both-signed"


def test_both_who_signed_together_open_the_message_that_both_chose() -> None:
    assert chosen().signed("bob", "dirk").why_not(Step.OPEN) == ""


def test_what_was_read_may_be_delivered_after_it_was_closed() -> None:
    assert chosen().signed("bob", "dirk").shown().wrote("closed", why="closed").why_not(Step.DELIVER) == ""


def test_a_refusal_names_its_clause() -> None:
    with pytest.raises(Refused) as refused:
        Climb().ladder.check(Step.COUNT, "bob", NOON)
    assert (refused.value.key, refused.value.clause) == ("search-not-open", 10)


# Whatever is tried in whatever order, by whoever: what the desk would have written is a way up the ladder.

ASKED = st.tuples(
    st.sampled_from([*Step]),
    st.sampled_from(["bob", "dirk", "ivo", "carla"]),
    st.sampled_from([None, NARROWER, WIDER]),
    st.sampled_from(["aa", "bb", "cc"]),
    st.sampled_from(["0", "1-5", "6-20", "more"]),
    st.integers(0, 400),
)


def climbed(asked: Sequence[tuple[Step, str, Query | None, str, str, int]]) -> tuple[Climb, list[tuple[Step, Ladder]]]:
    """Every step that the ladder lets through, with the ladder before it."""
    climb, taken = Climb().opened(), []
    for step, who, query, digest, bucket, seconds in asked:
        climb.now += timedelta(seconds=seconds)
        before = climb.ladder
        if before.may(step, who, climb.now, query=query, digest=digest):
            taken.append((step, before))
            _write(climb, step, who, query, digest, bucket)
    return climb, taken


def _write(climb: Climb, step: Step, who: str, query: Query | None, digest: str, bucket: str) -> None:
    match step:
        case Step.COUNT:
            climb.counted(bucket, query)
        case Step.LIST:
            climb.listed()
        case Step.CHOOSE:
            climb.chose(who, digest=digest)
        case Step.SIGN:
            climb.signed(who, digest=digest)
        case Step.OPEN:
            climb.shown()
        case Step.DELIVER:
            climb.wrote("searching", act="deliver", by={"id": who}).wrote("delivered", to="x@corp.test")


@settings(max_examples=150, deadline=None)
@given(st.lists(ASKED, max_size=60))
def test_no_order_of_steps_gets_past_a_guard(asked: list[tuple[Step, str, Query | None, str, str, int]]) -> None:
    climb, taken = climbed(asked)
    steps = [step for step, _ in taken]
    first = {step: steps.index(step) for step in set(steps)}
    assert all(
        (
            steps.count(Step.COUNT) <= 5,
            steps.count(Step.LIST) <= 1,
            steps.count(Step.OPEN) <= 1,
            steps.count(Step.DELIVER) <= 1,
            sorted(first, key=lambda step: first[step]) == [step for step in Step if step in first],
            all(before.bucket in ("1-5", "6-20") for step, before in taken if step is Step.LIST),
            all(before.pair.is_both(list(before.chosen)) for step, before in taken if step is Step.OPEN),
            all(one.query in (SIGNED, NARROWER) for one in climb.ladder.tries),
        )
    )
