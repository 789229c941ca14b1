"""The yearly figures from the record: counted as it was, the same for ever, issued once, and not to be tampered with."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from tests.filings import Clock, a_case, erased
from tests.forwards import a_forward
from tests.policies import policy
from tests.world import World

from clihouse import House
from locum.demo.sink import Sink
from locum.desk import Acting, yearly
from locum.desk import in_force as policy_in_force
from locum.entry import Draft, Entry, Json
from locum.errors import Garbled, Invalid, Refused
from locum.figures import (
    Counting,
    Figures,
    Row,
    figures_from_json,
    figures_hash,
    figures_to_json,
    last_ready,
    published,
    sample,
    span_of,
)
from locum.lifecycle import Case
from locum.measure import measure_to_json
from locum.store import Change, Store
from locum.vault_file import VaultFile
from locum.whole import read_whole

pytest_plugins = ("tests.stores",)

ZONE = "Europe/Amsterdam"
SPAN = span_of(2026, ZONE)
MARCH = datetime(2026, 3, 2, 9, tzinfo=UTC)
READY = SPAN.ready_at
SAM = Acting(id="sam", name="Sam")


# rows from entries -------------------------------------------------------------------------------------------------


def entry(kind: str, after: float = 0, case: str = "c1", at: datetime = MARCH, **body: Json) -> Entry:
    time = at + timedelta(minutes=after)
    return Entry(
        index=0, stream="anna@corp.test", seq=0, type=kind, time=time, case=case, body={"case": case, **body},
        payload=b"", opening=b"", leaf=b"",
    )  # fmt: skip


def requested(after: float = 0, measures: tuple[str, ...] = ("auto-reply",), **changes: Json) -> Entry:
    asked: list[Json] = [{"measure": one} if isinstance(one, str) else one for one in measures]
    body: dict[str, Json] = {"person": "anna", "reason": "customer", "requester": {"id": "bob"}, "measures": asked}
    at = changes.pop("at", MARCH)
    return entry("requested", after, at=at, **(body | changes))  # type: ignore[arg-type]


def rows(*entries: Entry) -> list[Row]:
    counting = Counting(SPAN)
    for one in entries:
        counting.see(one)
    return list(counting.rows())


def row(*entries: Entry) -> Row:
    (one,) = rows(*entries)
    return one


ASKED = entry("asked", 2, channel="mailbox", outcome="delivered-to-relay", by="", note="")
SILENT = entry("answered", 240, answer="unanswered", via="", by="")
OBJECTED = entry("answered", 10, answer="objected", via="link", by="")
LIVE = entry("done", 250, act="apply")


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        ((), "going-on"),
        ((ASKED, SILENT, LIVE), "going-on"),
        ((ASKED, SILENT, LIVE, entry("ended", 900, why="time")), "ended"),
        ((ASKED, SILENT, LIVE, entry("ended", 900, why="owner")), "owner"),
        ((ASKED, SILENT, LIVE, entry("ended", 900, why="changed-by-owner")), "owner"),
        ((ASKED, SILENT, LIVE, entry("ended", 900, why="receiver")), "other"),
        ((ASKED, SILENT, LIVE, entry("withdrawn", 800, by="owner"), entry("ended", 900, why="owner")), "owner"),
        ((ASKED, entry("withdrawn", 9, by={"id": "bob", "name": "Bob"})), "withdrawn"),
        ((ASKED, entry("answered", 9, answer="done-herself", via="link", by="")), "herself"),
        ((ASKED, SILENT, entry("refused", 300, key="denied", by="policy")), "refused"),
        ((ASKED, entry("expired", 900, why="too-late")), "lapsed"),
        ((ASKED, SILENT, entry("failed", 300, act="apply", key="not-as-written")), "failed"),
        ((ASKED, SILENT, LIVE, entry("ended", 900, why="time"), entry("failed", 990, act="account")), "ended"),
        ((ASKED, OBJECTED, entry("expired", 900, why="objection")), "objection"),
        ((entry("answered", 0, answer="objected", via="earlier-case", by=""),), "objection"),
        ((ASKED, SILENT, LIVE, entry("objected", 300, via="link"), entry("ended", 301, why="objection")), "objection"),
        ((ASKED, OBJECTED, entry("answered", 20, answer="agreed", via="contact", by={"id": "x"}), LIVE), "taken-back"),
        ((ASKED, OBJECTED, entry("reviewed", 20, decision="overrule", lacking=1)), "objection"),
        ((ASKED, OBJECTED, entry("reviewed", 20, decision="overrule", lacking=0), LIVE), "overruled"),
        (
            (ASKED, OBJECTED, entry("reviewed", 20, decision="overrule", lacking=0), entry("objected", 30, via="link")),
            "objection",
        ),
    ],
)
def test_what_came_of_a_case_follows_from_its_entries(entries: tuple[Entry, ...], outcome: str) -> None:
    assert row(requested(), *entries).outcome == outcome


def test_an_overruling_is_remembered_after_another_objection() -> None:
    overruled = entry("reviewed", 20, decision="overrule", lacking=0)
    one = row(requested(), ASKED, OBJECTED, overruled, entry("objected", 30, via="link"))
    assert (one.objected, one.overruled) == (True, True)


def test_a_refusal_is_at_once_only_where_nothing_came_between() -> None:
    refused = entry("refused", 1, key="reason-not-listed", by="policy")
    assert [row(requested(), *before, refused).at_once for before in ((), (ASKED,))] == [True, False]


@pytest.mark.parametrize(
    ("measures", "kind"),
    [
        (("auto-reply",), "auto-reply"),
        (("forward",), "forward"),
        (("auto-reply", "forward"), "both"),
        (("search",), "search"),
    ],
)
def test_a_case_is_of_the_measures_that_it_asks_for(measures: tuple[str, ...], kind: str) -> None:
    assert row(requested(measures=measures)).measure == kind


def test_the_kinds_are_those_that_a_request_is_recorded_with() -> None:
    both = (a_case().auto_reply, a_forward("anna@corp.test"))
    written: list[Json] = [measure_to_json(one) for one in both]  # type: ignore[misc]
    kinds = [row(requested(measures=some)).measure for some in (written[:1], written[1:], written)]  # type: ignore[arg-type]
    assert kinds == ["auto-reply", "forward", "both"]


def test_a_measure_that_joins_later_makes_it_both_and_she_is_asked_anew() -> None:
    agreed = entry("answered", 5, answer="agreed", via="link", by="")
    one = row(requested(), ASKED, agreed, requested(30, ("auto-reply", "forward"), joins="ab"))
    assert (one.measure, one.answer, one.outcome, one.asked_after) == ("both", "none", "going-on", timedelta(minutes=2))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SILENT, "none"),
        (OBJECTED, "link"),
        (entry("answered", 9, answer="agreed", via="contact", by={"id": "x"}), "noted"),
    ],
)
def test_how_she_answered_is_counted(answer: Entry, said: str) -> None:
    assert row(requested(), ASKED, answer).answer == said


def test_she_was_asked_when_a_question_to_her_had_left() -> None:
    sending, failed = (entry("asked", 1, outcome=said, by="", note="") for said in ("sending", "failed"))
    to_receiver = entry("asked", 1, outcome="delivered-to-relay", by="", note="letter-consent")
    call = entry("asked", 1, outcome="unreached", by={"id": "bob"}, note="no answer")
    assert row(requested(), sending, failed, to_receiver, call).asked_after is None
    assert row(requested(), sending, failed, to_receiver, call, ASKED).asked_after == timedelta(minutes=2)


def test_an_incident_of_a_case_is_counted_with_it_and_any_other_apart() -> None:
    counting = Counting(SPAN)
    for one in (requested(), entry("incident", 5, what="x"), replace(entry("incident", 6), case="")):
        counting.see(one)
    assert ([one.incident for one in counting.rows()], counting.elsewhere) == ([True], ["anna@corp.test"])


def test_a_reply_of_her_own_is_known() -> None:
    assert row(requested(requester={"id": "anna", "name": "Anna"})).own


def test_a_case_counts_in_the_year_of_the_organisations_time_zone() -> None:
    moments = {
        "last year": datetime(2025, 12, 31, 22, 59, 59, tzinfo=UTC),
        "first": datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
        "last": datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
        "next year": datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
    }
    found = {name: len(rows(requested(at=at))) for name, at in moments.items()}  # type: ignore[arg-type]
    assert found == {"last year": 0, "first": 1, "last": 1, "next year": 0}


def test_what_is_later_than_the_last_day_does_not_count() -> None:
    before, after = (SPAN.until + timedelta(seconds=seconds) for seconds in (-1, 0))
    ended = [row(requested(), ASKED, entry("ended", at=at, why="time")).outcome for at in (before, after)]
    assert ended == ["ended", "going-on"]


def test_a_reason_that_is_not_of_the_list_is_another_one() -> None:
    assert row(requested(reason="curiosity")).reason == "other"


# a year of a real desk -----------------------------------------------------------------------------------------------

CROWD = 150


def crowd() -> str:
    head = "person,name,mailbox,aliases,language,time_zone,function,manager,private_mail,mobile,private_permitted_on"
    people = [f"p{n},Person {n},p{n}@corp.test,,en,{ZONE},sales,carla,,," for n in range(CROWD)]
    staff = ["bob,Bob,bob@corp.test,,en,,it,,,,", "carla,Carla,carla@corp.test,,en,,manager,,,,"]
    return "\n".join([head, *people, *staff, "dirk,Dirk,dirk@corp.test,,en,,hr,,,,"]) + "\n"


class Year:
    """Cases by the dozen through the real desk, and beside it the truth as it was made."""

    def __init__(self, world: World) -> None:
        self.world, self.next = world, 0
        self.outcomes: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def file(self, many: int, outcome: str, answer: str, reason: str = "forgotten") -> list[Case]:
        """New cases, each on a mailbox of its own."""
        found = [
            self.world.request(mailbox=f"p{n}@corp.test", reason=reason) for n in range(self.next, self.next + many)
        ]
        self.next += many
        self.outcomes[outcome] += many
        self.reasons[reason] += many
        self.answers[answer] += many
        return found

    def work(self) -> None:
        """What is due, but for the accounts: a hundred PDFs say nothing here."""
        store, desk = self.world.app.store, self.world.desk
        while taken := store.take("worker-1", seconds=60):
            if taken[0].job.kind == "account":
                store.back_off(taken, self.world.now + timedelta(days=800), "")
            else:
                desk.run(taken)

    def later(self, **span: float) -> None:
        self.world.now += timedelta(**span)
        self.work()

    def say(self, cases: list[Case], answer: str, event: str = "ask") -> None:
        for case in cases:
            self.world.desk.answer(self.world.token(case.mailbox, event), answer)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sink() as sink:
        yield World(tmp_path, sink, people=crowd())


def a_year(world: World) -> Year:
    year = Year(world)
    bob, carla, dirk = (world.app.acting(name) for name in ("bob", "carla", "dirk"))
    year.file(43, "ended", "none", "closing")
    agreed = year.file(17, "ended", "link", "customer")
    noted = year.file(6, "ended", "noted")
    herself = year.file(9, "herself", "link")
    objected = year.file(7, "objection", "link")
    overruled = year.file(3, "overruled", "link", "continuity")
    taken_back = year.file(2, "taken-back", "link")
    withdrawn = year.file(5, "withdrawn", "none")
    stopped = year.file(8, "owner", "none")
    objecting_live = year.file(4, "objection", "link", "continuity")
    for n in range(6):
        with pytest.raises(Refused):
            world.request(mailbox=f"p{140 + n}@corp.test", reason="curiosity")
    year.work()
    year.say(agreed, "agree")
    year.say(herself, "done")
    year.say([*objected, *overruled, *taken_back], "object")
    for case in withdrawn:
        world.desk.withdraw(bob, case.id)
    for case in noted:
        world.desk.contact(carla, case.id, by="phone", outcome="agreed", because="She said yes on the phone.")
    for case in overruled:
        for who in (carla, dirk):
            world.desk.overrule(who, case.id, because="The customer will lose the whole season without an answer.")
    year.say(taken_back, "agree")
    year.later(hours=5)
    year.say(stopped, "stop", "live")
    year.say(objecting_live, "object", "live")
    year.later(days=20)
    return year


@pytest.mark.slow
def test_the_figures_of_a_real_year_are_what_was_counted_beside_it(world: World) -> None:
    year = a_year(world)
    world.now = READY
    counting = Counting(SPAN)
    for one in read_whole(world.app.store.database):
        assert one is not None
        counting.see(one)
    figures = published(SPAN, counting.rows(), counting.elsewhere, 0)
    (auto_reply, *_) = figures.measures
    truth = {"outcome": year.outcomes, "reason": year.reasons, "answer": year.answers}
    for table in auto_reply.tables:
        found = {cell.key: cell.number for cell in table.cells if cell.number}
        assert found == dict(truth.get(table.name, Counter(without=104))), table.name
    assert (auto_reply.dealt_with.number, auto_reply.refused.number, figures.total) == (104, 6, 110)
    # And as they are published: what is small is not there, in none of the forms.
    made = yearly.make(world.app.store, SPAN)
    shown = {cell.key: cell.number for cell in made.measures[0].tables[0].cells}
    assert {key: shown[key] for key in ("overruled", "taken-back")} == {"overruled": None, "taken-back": None}
    assert {key: shown[key] for key in ("herself", "objection", "owner")} == {"herself": 9, "objection": 11, "owner": 8}
    assert made.measures[0].half == "hour"


# the record ----------------------------------------------------------------------------------------------------------


def put(store: Store, number: int, came_to: tuple[str, dict[str, Json]], at: datetime = MARCH) -> None:
    """A case with its entries, two minutes and a day after each other."""
    case = replace(a_case(number), id=f"case-{number}-{at:%Y%m%d}")
    asked: dict[str, Json] = {
        "person": f"p{number}",
        "reason": "closing",
        "requester": {"id": "bob"},
        "measures": [{"measure": "auto-reply"}],
    }
    steps: tuple[tuple[float, str, dict[str, Json]], ...] = (
        (0, "requested", asked),
        (2, "asked", {"outcome": "delivered-to-relay", "by": "", "note": ""}),
        (1440, came_to[0], came_to[1]),
    )
    drafts = tuple(
        Draft(stream=case.mailbox, type=kind, time=at + timedelta(minutes=after), body={"case": case.id, **body})
        for after, kind, body in steps
    )
    store.commit([Change(case=case, entries=drafts)])


ENDED: tuple[str, dict[str, Json]] = ("ended", {"why": "time"})
LAPSED: tuple[str, dict[str, Json]] = ("expired", {"why": "too-late"})


def a_record(store: Store) -> None:
    """Thirty cases that ended and seven that lapsed."""
    for number in range(37):
        put(store, number, ENDED if number < 30 else LAPSED)


def outcomes(figures: Figures) -> dict[str, int | None]:
    return {cell.key: cell.number for cell in figures.measures[0].tables[0].cells if cell.number != 0}


def test_the_whole_record_is_read_in_its_order(store: Store) -> None:
    a_record(store)
    read = list(read_whole(store.database))
    assert [one.index for one in read if one] == list(range(111))
    assert read == store.entries()


def test_figures_come_from_the_record_alone(store: Store) -> None:
    a_record(store)
    assert outcomes(yearly.make(store, SPAN)) == {"ended": 30, "lapsed": 7}


def test_the_figures_of_a_year_come_out_the_same_whatever_happens_later(store: Store) -> None:
    a_record(store)
    put(store, 40, ("withdrawn", {"by": {"id": "bob"}}), SPAN.until - timedelta(minutes=30))
    before = yearly.make(store, SPAN)
    for days in (0, 1, 30, 400):
        put(store, 50 + days, LAPSED, SPAN.until + timedelta(days=days))
        late: dict[str, Json] = {"case": "case-3-20260302", "via": "link"}
        draft = Draft(stream="user3@corp.test", type="objected", time=SPAN.until + timedelta(days=days), body=late)
        store.commit([Change(case=store.case("case-3-20260302"), entries=(draft,))])
        assert yearly.make(store, SPAN) == before


def test_a_year_is_not_ready_before_everything_that_counts_is_settled() -> None:
    assert last_ready(READY - timedelta(seconds=1), ZONE) == 2025
    assert yearly.ready_span(None, ZONE, READY).year == 2026
    with pytest.raises(Invalid, match="figures-not-yet"):
        yearly.ready_span(2026, ZONE, READY - timedelta(seconds=1))


@pytest.mark.parametrize("year", [-1, 0, 26, 99999])
def test_a_year_that_is_none_is_refused(year: int) -> None:
    with pytest.raises(Invalid, match="figures-year"):
        yearly.ready_span(year, ZONE, READY)


def in_force(store: Store, hide_below: int, at: datetime) -> None:
    policy_in_force.keep(store, policy({"figures.hide_below": hide_below}), at)


def test_the_threshold_is_that_of_the_policy_on_the_last_day(store: Store) -> None:
    assert yearly.hide_below(store, SPAN.until) == 5
    in_force(store, 8, MARCH)
    in_force(store, 3, SPAN.until + timedelta(days=1))
    assert yearly.hide_below(store, SPAN.until) == 8
    a_record(store)
    assert outcomes(yearly.make(store, SPAN)) == {"ended": None, "lapsed": None}


def issue(store: Store) -> yearly.Issued:
    return yearly.issue(store, SAM, yearly.make(store, SPAN), READY)


def test_issuing_records_what_is_published_and_by_whom(store: Store) -> None:
    a_record(store)
    figures = issue(store).figures
    (one,) = store.entries(mailbox="org/figures")
    assert (one.type, one.body["year"], one.body["by"]) == ("figures", 2026, {"id": "sam", "name": "Sam"})
    assert one.body["hash"] == figures_hash(figures)
    assert one.body["figures"] == figures_to_json(figures)


def test_a_year_is_issued_once(store: Store) -> None:
    a_record(store)
    first = issue(store)
    again = yearly.issue(store, SAM, replace(first.figures, below=3), READY + timedelta(days=30))
    assert again == first == yearly.issued(store, 2026)
    assert len(store.entries(mailbox="org/figures")) == 1


def test_issued_figures_can_be_made_again_and_compared(store: Store) -> None:
    a_record(store)
    yearly.check(store, issue(store), SPAN)


def test_figures_that_the_record_does_not_give_are_found_out(store: Store) -> None:
    a_record(store)
    figures = yearly.make(store, SPAN)
    nicer = replace(figures, own=replace(figures.own, number=7))
    with pytest.raises(Garbled, match="figures-differ"):
        yearly.check(store, yearly.issue(store, SAM, nicer, READY), SPAN)


def test_issued_figures_that_are_not_what_their_hash_says_are_not_shown(store: Store) -> None:
    document = figures_to_json(yearly.make(store, SPAN)) | {"below": 4}
    body: dict[str, Json] = {"year": 2026, "hash": "00" * 32, "figures": document, "by": {"id": "x", "name": "X"}}
    store.commit([Change(entries=(Draft(stream="org/figures", type="figures", time=READY, body=body),))])
    with pytest.raises(Garbled, match="figures-unknown"):
        yearly.issued(store, 2026)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE position = 50",
        "DELETE FROM entries WHERE position = 110",
        "DELETE FROM entries WHERE position >= 90",
        "UPDATE entries SET case_id = 'case-1-20260302' WHERE case_id = 'case-36-20260302'",
        "UPDATE entries SET stream = 'other@corp.test' WHERE position = 20",
        "UPDATE entries SET position = position + 1000 WHERE position = 60",
    ],
)
def test_a_record_that_was_tampered_with_gives_no_figures(store: Store, statement: str) -> None:
    a_record(store)
    with store.database.writing() as connection:
        connection.execute(sql(statement))
    with pytest.raises(Garbled):
        yearly.make(store, SPAN)


def erase(store: Store, *numbers: int, at: datetime = MARCH) -> None:
    erased(store, *(f"case-{number}-{at:%Y%m%d}" for number in numbers))


def test_a_year_of_which_cases_were_erased_gives_no_figures(store: Store) -> None:
    a_record(store)
    erase(store, 3)
    with pytest.raises(Garbled, match="figures-erased"):
        yearly.make(store, SPAN)


def test_issued_figures_are_shown_after_the_cases_were_erased(store: Store) -> None:
    a_record(store)
    figures = issue(store).figures
    erase(store, *range(37))
    found = yearly.issued(store, 2026)
    assert found is not None
    assert found.figures == figures


def test_cases_of_earlier_years_may_have_been_erased(store: Store) -> None:
    long_ago = MARCH - timedelta(days=800)
    for number in range(3):
        put(store, number, ENDED, long_ago)
    put(store, 4, ENDED, SPAN.begins - timedelta(days=30))
    a_record(store)
    erase(store, 0, 1, 2, at=long_ago)
    assert outcomes(yearly.make(store, SPAN)) == {"ended": 30, "lapsed": 7}


def test_figures_read_back_from_json_are_the_same() -> None:
    figures = sample(SPAN, 5)
    assert figures_from_json(json.loads(json.dumps(figures_to_json(figures)))) == figures


@pytest.mark.parametrize("damage", [{"year": "2026"}, {"more": 1}, {"own": None}, {"measures": [1]}, {"document": "x"}])
def test_json_that_is_no_figures_is_refused(damage: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match="not figures"):
        figures_from_json(figures_to_json(sample(SPAN, 5)) | damage)


# the command line ----------------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("LANG", "C.UTF-8")
    with Sink() as sink:
        yield House(tmp_path, sink, capfd)


NOW = datetime.now(UTC)
NEWEST = last_ready(NOW, ZONE)


def with_record(house: House) -> House:
    """The newest year that is ready, in the store of the house."""
    house("cases")
    store = Store(f"sqlite:///{house.folder / 'locum.db'}", Clock(NOW), key_file=VaultFile(house.folder / "vault.key"))
    for number in range(37):
        put(store, number, ENDED if number < 35 else LAPSED, datetime(NEWEST, 3, 2, 9, tzinfo=UTC))
    store.close()
    return house


def test_the_figures_are_said_in_words(house: House) -> None:
    ran = with_record(house)("figures")
    assert (ran.code, f"Yearly figures {NEWEST}" in ran.out) == (0, True)
    assert "fewer than 5 people  lapsed" in ran.out


def test_the_figures_are_one_json_document(house: House) -> None:
    found = with_record(house)("figures", "--json").json
    assert found["issued"] is None
    assert found["figures"]["measures"][0]["dealt_with"] == {"key": "dealt-with", "sign": "number", "number": 37}


def test_issuing_is_told_and_done_once(house: House) -> None:
    with_record(house)
    first = house("figures", "--issue", "--as", "carla", "--json")
    again = house("figures", "--issue", "--check", "--as", "bob", "--json")
    assert (first.code, again.code) == (0, 0)
    assert first.json["issued"]["by"] == "Carla Jansen"
    assert again.json == first.json
    assert "stay as they are" in again.err
    assert "still gives the figures" in again.err


def test_figures_of_a_year_that_is_not_over_are_refused_and_say_why(house: House) -> None:
    ran = house("figures", "--year", str(NEWEST + 1), "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "invalid")
    assert "--sample" in ran.json["error"]["advice"]


@pytest.mark.parametrize("form", ["text", "csv", "html", "json"])
def test_the_sample_can_be_had_in_every_form_and_says_that_it_is_one(house: House, form: str) -> None:
    ran = house("figures", "--sample", "--format", form, "--out", str(house.folder / "made"))
    made = (house.folder / "made").read_text("utf-8-sig")
    assert ran.code == 0
    assert "numbers are made up" in made or '"sample": true' in made


def test_a_file_that_cannot_be_written_is_said(house: House) -> None:
    assert house("figures", "--sample", "--out", str(house.folder / "none" / "made")).code == 2
