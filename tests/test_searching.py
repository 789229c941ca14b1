"""A search at the desk, step by step up to the list: what it takes, what it leaves behind, and what cannot be had from it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import select
from tests.mailroom import TRIED, Message, SearchWorld
from tests.signedworld import WEB

from locum.asides import Aside
from locum.cli import searching as commands
from locum.cli.cases import account, history, show
from locum.cli.door import Door
from locum.demo.sink import Sink
from locum.desk import keeping
from locum.desk.wished import write_protections
from locum.errors import LocumError
from locum.lifecycle import Case, State
from locum.query import Query
from locum.schema import metadata
from locum.store import Change, Job

pytest_plugins = ("tests.stores",)
Make = Callable[..., SearchWorld]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: SearchWorld(tmp_path, sink, **options)


@pytest.fixture
def world(make: Make) -> SearchWorld:
    return make()


@pytest.fixture
def stored(tmp_path: Path, store_url: str) -> Iterator[SearchWorld]:
    """On SQLite and on PostgreSQL."""
    with Sink() as sink:
        yield SearchWorld(tmp_path, sink, store_url=store_url)


def why(act: Callable[[], object]) -> str:
    """The key of the error that comes out."""
    try:
        act()
    except LocumError as error:
        return error.key
    return ""


def test_a_search_goes_from_the_ask_to_the_list(stored: SearchWorld) -> None:
    stored.room.put(Message(), Message(subject="Offerte 4712"), Message(sender="arts@arbo.test", subject="Offerte"))
    case = stored.open_search()
    assert (stored.counts(case), stored.lists(case)) == ("1-5", ["Offerte 4711", "Offerte 4712"])


# the question


def test_the_question_goes_back_thirty_days_where_no_list_has_her_absence(world: SearchWorld) -> None:
    query = world.searched().search.query  # type: ignore[union-attr]
    assert (query.since, query.senders) == (datetime(2026, 10, 25, 23, tzinfo=UTC), ("@klant.test",))


def test_the_question_goes_back_to_before_her_absence_where_a_list_has_it(make: Make) -> None:
    world = make(more=WEB + '[leave]\ncsv = "leave.csv"\n')
    (world.folder / "leave.csv").write_text("person,from,until\nanna,2026-10-12,2026-12-24\n")
    query = world.searched().search.query  # type: ignore[union-attr]
    assert query.since == datetime(2026, 9, 11, 22, tzinfo=UTC)


def test_a_question_that_goes_further_back_is_refused(world: SearchWorld) -> None:
    assert why(lambda: world.searched(since="2026-10-01")) == "search-too-early"


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("search-not-tried", {"tried": TRIED[1:]}),
        ("search-not-tried", {"tried": (("auto-reply", "2026-12-24"), *TRIED[1:])}),
        ("search-not-an-alternative", {"tried": (("prayer", "2026-11-20"), *TRIED)}),
        ("search-too-few-parts", {"words": ()}),
        ("search-dates-crossed", {"since": "2026-11-20", "before": "2026-11-20"}),
        ("search-outside", {"deliver_to": "bob@else.test"}),
        ("search-to-owner", {"deliver_to": "a.devries@corp.test"}),
        ("search-too-long", {"until": "2027-01-20"}),
        ("search-too-many", {"words": tuple("abcdefghijkl")}),
        ("bad-address", {"senders": ("klant@",)}),
        ("reason-not-listed", {"reason": "forgotten"}),
        ("reason-not-listed", {"reason": "investigation"}),
        ("because-tells-illness", {"because": "Zij is ziek, en de offerte moet weg."}),
    ],
)
def test_what_may_not_be_asked_is_refused_as_it_is_filed(
    world: SearchWorld, key: str, changes: dict[str, object]
) -> None:
    assert why(lambda: world.searched(**changes)) == key


def test_a_mail_system_without_a_search_is_said_to_have_none(world: SearchWorld) -> None:
    world.app.desk.office.searchers.clear()  # type: ignore[attr-defined]
    assert why(world.searched) == "no-searcher"


def test_nothing_joins_a_search(world: SearchWorld) -> None:
    case = world.searched()
    assert why(lambda: world.reply(joins=case.id)) == "join-search"


def test_a_preview_says_what_would_make_it_narrower(world: SearchWorld) -> None:
    found = world.desk.preview(world.me("bob"), world.search_form(words=("de",)))
    assert [one.key for one in found.advice] == ["short-word", "long-window"]


def test_without_a_witness_there_is_no_search_where_the_policy_wants_one(make: Make) -> None:
    world = make(witness="required")
    case = world.unanswered()
    world.signs("bob", case, "request")
    world.signs("dirk", case)
    (job,) = [one for one in world.app.store.jobs(case.id) if one.kind == "open-search"]
    assert job.trouble == "search-no-witness"


# who takes the steps


def test_a_search_waits_for_both_signatures(world: SearchWorld) -> None:
    case = world.unanswered()
    world.signs("bob", case, "request")
    assert world.state(case) is State.AWAITING_REVIEW


def test_somebody_of_the_same_function_signs_in_vain(world: SearchWorld) -> None:
    case = world.unanswered()
    assert why(lambda: world.signs("ivo", case)) == "not-a-reviewer"


def test_who_gets_the_message_does_not_approve_of_it(world: SearchWorld) -> None:
    case = world.unanswered(deliver_to="dirk@corp.test")
    assert why(lambda: world.signs("dirk", case)) == "receiver-review"


def test_nobody_else_counts(world: SearchWorld) -> None:
    case = world.open_search()
    assert why(lambda: world.counts(case, "petra")) == "search-not-one-of-both"


def test_the_other_one_may_count_too(world: SearchWorld) -> None:
    world.room.put(Message())
    assert world.counts(world.open_search(), "dirk") == "1-5"


def test_nothing_is_counted_before_it_is_open(world: SearchWorld) -> None:
    case = world.unanswered()
    assert (why(lambda: world.counts(case)), world.room.looks) == ("search-not-open", [])


def test_nobody_else_sees_the_list(world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    world.lists(case)
    seen = [
        why(lambda who=who: world.desk.searching.hits(world.me(who), world.now_of(case)))
        for who in ("petra", "ivo", "anna")
    ]
    assert seen == ["search-not-one-of-both"] * 3


# counting and narrowing


def test_a_count_is_told_in_steps_and_what_was_left_out_is_in_the_record_alone(world: SearchWorld) -> None:
    world.room.put(*(Message(subject=f"Offerte {number}") for number in range(7)), Message(sender="arts@arbo.test"))
    case = world.open_search(senders=(), words=("offerte",), before="2026-11-25")
    bucket = world.counts(case)
    (body,) = world.bodies(case, "counted")
    assert (bucket, body["bucket"], body["excluded"]) == ("6-20", "6-20", {"correspondent": 1})


def test_what_she_protects_is_left_out(world: SearchWorld) -> None:
    world.room.put(Message(), Message(sender="lief@klant.test"))
    write_protections(world.desk.office.wishes, "anna", {"senders": "lief@klant.test"})
    case = world.open_search()
    world.counts(case)
    assert world.lists(case) == ["Offerte 4711"]


def test_more_than_may_be_seen_is_made_narrower(world: SearchWorld) -> None:
    world.room.put(*(Message(subject=f"Offerte {number}") for number in range(30)), Message(subject="Offerte 4711 X"))
    case = world.open_search()
    first = world.counts(case)
    form = world.search_form(senders=(), words=("4711 X",), tried=())
    second = world.counts(case, query=world.desk.searching.narrower(world.now_of(case), form))
    assert (first, second, world.lists(case)) == ("more", "1-5", ["Offerte 4711 X"])


def test_a_wider_question_is_counted_by_nobody(world: SearchWorld) -> None:
    case = world.open_search()
    assert why(lambda: world.counts(case, query=Query(words=("offerte",)))) == "search-not-narrower"


def test_nobody_counts_a_sixth_time(stored: SearchWorld) -> None:
    case = stored.open_search()
    for _ in range(5):
        stored.counts(case)
    assert (why(lambda: stored.counts(case)), stored.room.looks) == ("search-counts-used", ["count"] * 5)


def test_the_budget_of_a_mailbox_holds_over_all_its_cases(make: Make) -> None:
    world = make(counts_per_month=6)
    case = world.open_search()
    for _ in range(5):
        world.counts(case)
    world.desk.end(world.me("bob"), case.id)
    world.work()
    other = world.open_search(words=("factuur",), because="Een factuur moet worden betaald.")
    world.counts(other)
    assert why(lambda: world.counts(other)) == "search-budget-used"


def test_nothing_is_listed_that_was_not_counted(world: SearchWorld) -> None:
    case = world.open_search()
    assert why(lambda: world.lists(case)) == "search-not-counted"


def test_what_came_in_since_it_was_counted_can_make_the_list_too_broad(world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    world.room.put(*(Message(subject=f"Offerte {number}") for number in range(30)))
    assert (world.lists(case), world.ladder(case).bucket, world.bodies(case, "listed")) == ([], "more", [])


def test_after_the_list_nothing_is_counted(world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    world.lists(case)
    assert why(lambda: world.counts(case)) == "search-listed-before"


def test_a_mailbox_that_cannot_be_reached_is_counted_later_and_the_try_stays_one(world: SearchWorld) -> None:
    world.room.put(Message())
    case = world.open_search()
    world.room.away = True
    before = world.counts(case)
    world.room.away = False
    world.later(hours=1)
    assert (before, world.ladder(case).bucket, world.ladder(case).counts) == ("", "1-5", 1)


# the list, and the end


def listed(world: SearchWorld) -> Case:
    world.room.put(Message())
    case = world.open_search()
    world.counts(case)
    world.lists(case)
    return world.now_of(case)


def dumped(world: SearchWorld) -> list[object]:
    """Every value of every row of the store."""
    with world.app.store.database.reading() as connection:
        return [value for table in metadata.sorted_tables for row in connection.execute(select(table)) for value in row]


def kept(world: SearchWorld, case: Case) -> bytes | None:
    return world.desk.office.asides.read(case.id, Aside.HITS)


def test_the_list_is_readable_nowhere_in_the_store(stored: SearchWorld) -> None:
    listed(stored)
    assert not any(b"4711" in bytes(value) for value in dumped(stored) if isinstance(value, bytes | memoryview))


def test_the_list_is_wiped_a_day_after_it_was_last_used_and_the_case_is_closed(world: SearchWorld) -> None:
    case = listed(world)
    world.later(hours=25)
    assert (kept(world, case), world.now_of(case).outcome, world.room.closed) == (None, "time", 1)


def test_whoever_looks_at_the_list_keeps_it_a_while_longer(world: SearchWorld) -> None:
    case = listed(world)
    world.later(hours=20)
    world.desk.searching.hits(world.me("dirk"), world.now_of(case))
    world.later(hours=20)
    assert kept(world, case) is not None


def test_her_objection_ends_it_and_the_list_is_gone(world: SearchWorld) -> None:
    case = listed(world)
    world.desk.contact(world.me("dirk"), case.id, by="phone", outcome="objected", because="Zij wil het niet.")
    world.work()
    assert (kept(world, case), world.now_of(case).outcome) == (None, "objection")


def test_nothing_of_the_list_is_shown_once_it_is_stopped_even_before_the_worker_wiped_it(world: SearchWorld) -> None:
    case = listed(world)
    world.desk.answer(world.token("anna@corp.test", "live"), "stop")
    assert why(lambda: world.desk.searching.hits(world.me("bob"), world.now_of(case))) == "search-not-open"


def test_her_stop_link_ends_it(stored: SearchWorld) -> None:
    case = listed(stored)
    stored.desk.answer(stored.token("anna@corp.test", "live"), "stop")
    stored.work()
    assert (stored.state(case), stored.now_of(case).outcome, kept(stored, case)) == (State.ENDED, "owner", None)


def test_it_ends_by_itself_and_she_has_the_account(world: SearchWorld) -> None:
    case = world.open_search()
    world.later(days=8)
    world.app.sign()
    world.later(minutes=1)
    assert (world.state(case), world.types(case)[-1]) == (State.ACCOUNTED, "accounted")


def test_a_key_that_is_withdrawn_ends_it_before_anything_is_looked_at(world: SearchWorld) -> None:
    case = world.open_search()
    world.desk.searching.count(world.me("bob"), world.now_of(case))
    world.withdraw("dirk")
    world.work()
    assert (world.now_of(case).outcome, world.room.looks) == ("approval-lost", [])


def test_her_objection_between_asking_for_a_count_and_counting_ends_it(world: SearchWorld) -> None:
    case = world.open_search()
    world.desk.searching.count(world.me("bob"), world.now_of(case))
    world.desk.answer(world.token("anna@corp.test", "live"), "stop")
    world.work()
    assert (world.room.looks, world.state(case)) == ([], State.ENDED)


def test_a_list_that_a_lost_worker_left_is_wiped_at_the_next_start(world: SearchWorld) -> None:
    case = listed(world)
    world.later(days=8)
    world.desk.office.asides.write(case.id, Aside.HITS, b"left behind")
    keeping.start(world.desk.office)
    assert kept(world, case) is None


def test_a_new_worker_takes_away_the_grants_of_a_lost_one_and_leaves_the_list(world: SearchWorld) -> None:
    case = listed(world)
    keeping.start(world.desk.office)
    assert (world.room.closed, kept(world, case) is not None) == (1, True)


# rows that somebody wrote


@pytest.mark.forges
def test_reviews_in_the_row_of_a_case_open_nothing(world: SearchWorld) -> None:
    case = world.unanswered()
    forged = replace(
        case, state=State.SCHEDULED, reviews=(("bob", "request", case.request), ("dirk", "approve", case.request))
    )
    job = Job(kind="open-search", case=case.id, due_at=world.now, lane="search")
    world.app.store.commit([Change(case=forged, put=(job,))])
    world.work()
    assert (world.room.looks, world.state(case)) == ([], State.AWAITING_REVIEW)


@pytest.mark.forges
def test_a_case_that_is_said_to_be_open_is_looked_into_by_nobody(world: SearchWorld) -> None:
    case = world.unanswered()
    world.app.store.commit([Change(case=replace(case, state=State.APPLIED))])
    assert why(lambda: world.counts(case)) == "search-not-open"


@pytest.mark.forges
def test_a_step_that_nobody_could_ask_for_is_an_incident(stored: SearchWorld) -> None:
    stored.room.put(Message())
    case = stored.open_search()
    office = stored.desk.office
    step = office.draft(case, "searching", act="list", by={"id": "bob", "name": "Bob"}, **{"try": 1, "query": None})
    stored.app.store.commit(
        [
            Change(
                case=case,
                entries=(step,),
                put=(Job(kind="look-search", case=case.id, due_at=stored.now, lane="search"),),
            )
        ]
    )
    stored.work()
    assert (stored.room.looks, "incident" in stored.types(case), stored.now_of(case).outcome) == ([], True, "forged")


@pytest.mark.forges
def test_another_question_in_the_row_of_a_case_is_an_incident(world: SearchWorld) -> None:
    case = world.open_search()
    wider = replace(case.search, query=Query(words=("a",)))  # type: ignore[type-var]
    case = world.app.store.commit([Change(case=replace(case, measures=(wider,)))])[0]
    assert (why(lambda: world.counts(case)), world.room.looks) == ("search-not-one-of-both", [])


# at the command line


class Running:
    """A worker beside, as there is one beside every command line."""

    def __init__(self, world: SearchWorld) -> None:
        self.world, self.over = world, Event()
        self.thread = Thread(target=self._work)

    def _work(self) -> None:
        while not self.over.is_set():
            self.world.work("beside")
            self.over.wait(0.05)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def door(world: SearchWorld, who: str = "bob", *, json: bool = False) -> Door:
    """The command line in this organisation, at its clock."""
    made = Door(config=world.config, as_person=who, json=json)
    made.__dict__["app"] = world.app
    return made


@pytest.mark.slow
def test_the_command_line_counts_and_never_says_what_was_found(
    world: SearchWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.room.put(Message(), Message(sender="arts@arbo.test", subject="Offerte"))
    case = world.open_search()
    with Running(world):
        commands.count(door(world), case_id=case.id)
    world.lists(case)
    for at in (door(world), door(world, json=True)):
        commands.show(at, case_id=case.id)
        show(at, case_id=case.id)
        history(at, mailbox="anna@corp.test")
    said = "".join(capsys.readouterr())
    assert ("1-5" in said, "Offerte 4711" in said, "klant.test>" in said, '"excluded"' in said) == (True, *[False] * 3)


def test_the_account_of_a_search_is_for_her_alone_at_the_command_line(world: SearchWorld) -> None:
    case = world.searched()
    assert why(lambda: account(door(world), case_id=case.id)) == "account-hers"


def test_a_search_is_asked_for_at_the_command_line(world: SearchWorld, capsys: pytest.CaptureFixture[str]) -> None:
    commands.search(
        door(world),
        mailbox="anna@corp.test",
        reason="customer",
        because="De afspraak moet worden nagekeken.",
        deliver_to="verkoop@corp.test",
        sender=["klant.test"],
        words=["offerte"],
        tried=[f"{what}={on}" for what, on in TRIED],
    )
    said = capsys.readouterr()
    assert (said.out.split()[1], "weeks in which" in said.err) == ("asking", True)
