"""A forward through the desk: asked of her and of the receiver, looked at, set, watched, ended, accounted for."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.shelf import ForwardWorld

from locum.demo.sink import Sink
from locum.desk import ConsentView, LinkView
from locum.errors import Conflict, Invalid, Refused, Unsupported
from locum.lifecycle import State
from locum.measure import Can, Forward, Senders

pytest_plugins = ("tests.stores",)

Make = Callable[..., ForwardWorld]


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: ForwardWorld(tmp_path, sink, store_url=store_url, **options)


@pytest.fixture
def world(make: Make) -> ForwardWorld:
    return make()


# the path


def test_a_forward_goes_from_the_asking_to_the_account(world: ForwardWorld) -> None:
    case = world.live_forward()
    assert world.shelf.standing() == ["anna@corp.test.forwards"]
    world.later(days=15)
    assert world.state(case) is State.ACCOUNTED
    assert world.shelf.standing() == []


def test_every_step_of_it_has_its_entry(world: ForwardWorld) -> None:
    case = world.live_forward()
    world.later(days=15)
    assert [kind for kind in world.types(case) if kind != "asked"] == [
        "requested", "answered", "consented", "reviewed", "intended", "done", "read-back",
        "intended", "done", "read-back", "ended", "accounted",
    ]  # fmt: skip


def test_what_is_set_is_what_was_asked_and_what_the_policy_leaves_out(world: ForwardWorld) -> None:
    forward = world.live_forward(senders=Senders.EXTERNAL).forward
    assert isinstance(forward, Forward)
    assert forward.never == ("arts@arbo.test", "locum@corp.test")
    assert (forward.to, forward.senders, forward.addresses) == (
        "carla@corp.test",
        Senders.EXTERNAL,
        ("anna@corp.test", "a.devries@corp.test"),
    )
    assert "privé" in forward.private_marks


def test_two_weeks_is_how_long_it_is_where_nothing_is_said(world: ForwardWorld) -> None:
    case = world.forward()
    assert case.to_date - case.from_date == timedelta(days=14)


def test_she_and_the_receiver_are_asked_at_the_same_time(world: ForwardWorld) -> None:
    world.forward()
    world.work()
    assert len(world.letters("anna@home.test", "ask")) == len(world.letters("carla@corp.test", "consent")) == 1


def test_she_is_asked_as_long_as_a_forward_wants(make: Make) -> None:
    world = make()
    (world.folder / "policy.toml").write_text(
        (world.folder / "policy.toml").read_text().replace("wait_hours = 4", "wait_hours = 8")
    )
    world.app = world.wired()
    case = world.forward()
    world.later(hours=6)
    assert world.state(case) is State.ASKING


def test_a_forward_and_an_auto_reply_each_by_itself_may_both_be_live(world: ForwardWorld) -> None:
    forward = world.live_forward()
    reply = world.reply()
    world.work()
    world.desk.answer(world.token(), "agree")
    world.work()
    assert (world.state(forward), world.state(reply)) == (State.APPLIED, State.APPLIED)
    world.desk.end(world.app.acting("bob"), forward.id)
    world.work()
    assert world.shelf.standing() == ["anna@corp.test.replies"]


def test_one_forward_per_mailbox_at_a_time(world: ForwardWorld) -> None:
    world.live_forward()
    assert world.refused(to="dirk@corp.test").key == "overlapping"


# what is refused


@pytest.mark.parametrize(
    ("changes", "key", "clause"),
    [
        ({"to": "someone@gmail.test"}, "forward-outside", 9),
        ({"to": "anna@corp.test"}, "forward-circle", 9),
        ({"to": "A.deVries@corp.test"}, "forward-circle", 9),
        ({"to": "anna+work@corp.test"}, "forward-circle", 9),
        ({"reason": "forgotten"}, "reason-not-listed", 1),
        ({"until": "2027-01-15"}, "forward-too-long", 9),
    ],
)
def test_what_the_clauses_refuse_is_refused_recorded_and_told(
    world: ForwardWorld, changes: dict[str, object], key: str, clause: int
) -> None:
    error = world.refused(**changes)
    world.work()
    case = world.desk.case(error.values["case"])
    assert (error.key, error.clause, case.state) == (key, clause, State.REFUSED)
    assert "accounted" in world.types(case)
    assert not world.letters("carla@corp.test")


def test_an_address_that_is_none_is_bad_input(world: ForwardWorld) -> None:
    assert isinstance(world.refused(to="carla at corp"), Invalid)


def test_an_address_that_is_nobodys_is_a_functional_mailbox(world: ForwardWorld) -> None:
    case = world.live_forward(to="Orders@corp.test")
    assert case.forward is not None
    assert case.forward.to == "orders@corp.test"


def test_a_colleagues_alias_or_subaddress_leads_to_the_colleague(make: Make) -> None:
    world = make()
    people = (world.folder / "people.csv").read_text()
    (world.folder / "people.csv").write_text(people.replace("carla@corp.test,,en", "carla@corp.test,chef@corp.test,en"))
    world.app = world.wired()
    found = [world.forward(to="chef@corp.test").forward]
    world.later(days=20)
    found.append(world.forward(to="carla+anna@corp.test").forward)
    assert [one.to for one in found if one] == ["carla@corp.test"] * 2


def test_while_reviews_are_neither_signed_nor_a_trial_nothing_is_asked_of_her(make: Make) -> None:
    world = make(trial=False)
    error = world.refused()
    world.work()
    assert (error.key, error.clause, error.exit_code) == ("reviews-unsigned", 7, 3)
    assert not world.letters("anna@home.test", "ask")


def test_a_trial_that_is_over_sets_no_forward_any_more(make: Make) -> None:
    world = make()
    case = world.forward(from_="2026-12-01")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(case)
    world.approved(case)
    assert world.state(case) is State.SCHEDULED
    settings = world.config.read_text()
    world.config.write_text(settings.replace("unsigned_reviews = true", "unsigned_reviews = false"))
    world.app = world.wired()
    world.later(days=9)
    assert (world.state(case), world.now_of(case).trouble) == (State.REFUSED, "reviews-unsigned")
    assert world.shelf.standing() == []


def test_a_mail_system_that_cannot_forward_says_so(world: ForwardWorld) -> None:
    world.shelf.can = Can()
    error = world.refused()
    assert isinstance(error, Unsupported)
    assert error.key == "cannot-forward"


# the receiver


def test_without_the_receivers_agreement_it_waits_until_its_end(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "agree")
    world.later(days=3)
    assert (world.state(case), world.shelf.standing()) == (State.AGREED, [])
    world.later(days=12)
    assert (world.state(case), world.now_of(case).outcome) == (State.EXPIRED, "too-late")


def test_an_agreement_before_hers_is_kept(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    world.agrees(case)
    assert world.state(case) is State.ASKING
    world.later(hours=5)
    assert world.state(case) is State.AWAITING_REVIEW
    world.approved(case)
    assert world.state(case) is State.APPLIED


@pytest.mark.parametrize("when", ["asking", "agreed", "review"])
def test_a_receiver_who_declines_ends_the_case_by_clause_9(world: ForwardWorld, when: str) -> None:
    case = world.forward()
    world.work()
    if when != "asking":
        world.desk.answer(world.token(), "agree")
    if when == "review":
        world.agrees(case)
    world.desk.answer(world.token("carla@corp.test", "consent"), "decline")
    world.work()
    after = world.now_of(case)
    assert (after.state, after.clause, after.outcome) == (State.REFUSED, 9, "receiver")
    assert after.accounted_at is not None
    assert "receiver" in world.said("bob@corp.test", "news") or "ontvanger" in world.said("bob@corp.test", "news")


def test_stop_sending_me_these_ends_it_at_once(world: ForwardWorld) -> None:
    case = world.live_forward()
    world.desk.answer(world.token("carla@corp.test", "consent"), "no-more")
    world.work()
    after = world.now_of(case)
    assert (after.state, after.outcome, world.shelf.standing()) == (State.ACCOUNTED, "receiver", [])
    assert [e.body["answer"] for e in world.app.store.entries(case=case.id) if e.type == "consented"] == [
        "agreed",
        "withdrawn",
    ]


def test_the_letter_that_says_it_is_on_stops_it_too(world: ForwardWorld) -> None:
    case = world.live_forward()
    world.desk.answer(world.token("carla@corp.test", "receiver-live"), "no-more")
    world.work()
    assert world.now_of(case).outcome == "receiver"


def test_the_receiver_is_told_that_it_is_on_and_that_it_is_over(world: ForwardWorld) -> None:
    world.live_forward()
    assert len(world.letters("carla@corp.test", "receiver-live")) == 1
    world.later(days=15)
    assert "no longer come" in world.said("carla@corp.test", "receiver-ended")


def test_a_receiver_who_was_asked_is_told_that_nothing_came_of_it(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    world.desk.withdraw(world.app.acting("bob"), case.id)
    world.work()
    assert "went no further" in world.said("carla@corp.test", "receiver-ended")


def test_the_receivers_letters_and_page_tell_nothing_of_why(world: ForwardWorld) -> None:
    world.live_forward(because="Wolff GmbH is furious.")
    view = world.desk.look(world.token("carla@corp.test", "consent"))
    told = [world.said("carla@corp.test", event) for event in ("consent", "receiver-live")]
    assert not [text for text in (*told, repr(view)) if "Wolff" in text or "customer" in text]


def test_whoever_asks_for_it_to_come_to_himself_needs_no_consent_but_somebody_elses_eyes(world: ForwardWorld) -> None:
    case = world.forward(to="bob@corp.test")
    world.work()
    assert not world.letters("bob@corp.test", "consent")
    world.desk.answer(world.token(), "agree")
    world.work()
    assert world.state(case) is State.AWAITING_REVIEW
    world.approved(case)
    assert world.state(case) is State.APPLIED


# each link for its own page


def test_the_receivers_link_cannot_answer_for_her(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    token = world.token("carla@corp.test", "consent")
    for answer in ("agree", "object", "own-text", "done", "stop", "set"):
        with pytest.raises(Conflict, match="link-used"):
            world.desk.answer(token, answer)
    assert isinstance(world.desk.look(token), ConsentView)
    assert (world.now_of(case).answer, world.now_of(case).consents) == ("", ())


def test_her_link_cannot_answer_for_the_receiver(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    for answer in ("accept", "decline", "no-more"):
        with pytest.raises(Conflict, match="link-used"):
            world.desk.answer(world.token(), answer)
    assert isinstance(world.desk.look(world.token()), LinkView)
    assert world.now_of(case).consents == ()


def test_her_own_text_has_no_place_where_there_is_no_text(world: ForwardWorld) -> None:
    world.forward()
    world.work()
    view = world.desk.look(world.token())
    assert isinstance(view, LinkView)
    assert view.may == {"agree", "object", "done"}
    with pytest.raises(Conflict, match="link-used"):
        world.desk.answer(world.token(), "own-text")


def test_an_agreement_is_given_once_and_a_link_is_opened_as_often_as_one_likes(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    world.agrees(case)
    with pytest.raises(Conflict, match="link-used"):
        world.desk.answer(world.token("carla@corp.test", "consent"), "accept")
    view = world.desk.look(world.token("carla@corp.test", "consent"))
    assert isinstance(view, ConsentView)
    assert (view.phase, view.may) == ("agreed", {"decline"})


def test_her_objection_stops_a_live_forward_at_once(world: ForwardWorld) -> None:
    case = world.live_forward()
    world.desk.answer(world.token(), "object")
    world.work()
    assert (world.now_of(case).outcome, world.shelf.standing()) == ("objection", [])


def test_a_requester_may_not_review_and_the_receivers_word_is_no_review(world: ForwardWorld) -> None:
    case = world.forward()
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(case)
    with pytest.raises(Refused, match="own-review"):
        world.desk.review(world.app.acting("bob"), case.id, approve=True, because="Fine.")
    assert world.state(case) is State.AWAITING_REVIEW
    assert world.shelf.standing() == []
