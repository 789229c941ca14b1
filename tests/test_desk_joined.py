"""A measure that joins an earlier request: asked anew, judged anew, set together or not at all, ended together."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.shelf import ForwardWorld
from tests.test_kills import LEASE, STEPS, in_child, kill_at

from locum.approval import request_hash
from locum.demo.sink import Sink
from locum.desk import LinkView, OwnText
from locum.desk.filing import canonical_request
from locum.errors import Conflict, Invalid, LocumError
from locum.lifecycle import Case, State
from locum.store import Change

pytest_plugins = ("tests.stores",)

Make = Callable[..., ForwardWorld]
BOTH = ["anna@corp.test.forwards", "anna@corp.test.replies"]


@pytest.fixture
def make(tmp_path: Path, store_url: str) -> Iterator[Make]:
    with Sink() as sink:
        yield lambda **options: ForwardWorld(tmp_path, sink, store_url=store_url, **options)


@pytest.fixture
def world(make: Make) -> ForwardWorld:
    return make()


def joined(world: ForwardWorld, **changes: object) -> Case:
    """A reply that was asked of her, and then a forward with it."""
    first = world.reply()
    world.work()
    return world.forward(joins=first.id, **changes)


def refused(act: Callable[[], object]) -> LocumError:
    with pytest.raises(LocumError) as caught:
        act()
    return caught.value


# one new request


def test_both_are_one_request_with_one_window_and_a_hash_of_its_own(world: ForwardWorld) -> None:
    first = world.reply()
    world.work()
    case = world.forward(joins=first.id)
    assert (case.id, case.state, case.asks_for) == (first.id, State.REQUESTED, "both")
    assert (case.from_date, case.to_date) == (first.from_date, first.to_date)
    assert case.request == request_hash(canonical_request(case)) != first.request
    assert case.joins == first.request


@pytest.mark.parametrize("first", ["reply", "forward"])
def test_either_may_come_first_and_both_go_live_in_one_act(world: ForwardWorld, first: str) -> None:
    one = world.reply(until="2026-12-07") if first == "reply" else world.forward(until="2026-12-07")
    world.work()
    case = world.forward(joins=one.id) if first == "reply" else world.reply(joins=one.id, until="", from_="")
    world.made_live(case)
    assert world.shelf.standing() == BOTH
    kinds = Counter((e.type, e.body.get("act")) for e in world.app.store.entries(case=case.id))
    assert kinds["intended", "apply"] == kinds["done", "apply"] == 1


def test_the_record_has_the_new_request_and_the_hash_of_the_one_before(world: ForwardWorld) -> None:
    case = joined(world)
    first, second = (e.body for e in world.app.store.entries(case=case.id) if e.type == "requested")
    assert second["joins"] == first["request"]
    measures = second["measures"]
    assert isinstance(measures, list)
    assert [one["measure"] for one in measures if isinstance(one, dict)] == ["auto-reply", "forward"]


def test_they_end_together(world: ForwardWorld) -> None:
    case = world.made_live(joined(world))
    world.later(days=15)
    assert (world.state(case), world.shelf.standing()) == (State.ACCOUNTED, [])


def test_her_stop_ends_both(world: ForwardWorld) -> None:
    world.made_live(joined(world))
    world.desk.answer(world.token(), "stop")
    world.work()
    assert world.shelf.standing() == []


def test_her_own_reply_while_both_are_on_ends_both(world: ForwardWorld) -> None:
    case = world.made_live(joined(world))
    world.shelf.own_replies.add("anna@corp.test")
    world.later(hours=2)
    assert (world.now_of(case).outcome, world.shelf.standing()) == ("changed-by-owner", [])


# nothing that was said before counts


def test_she_is_asked_anew_about_both_in_letters_of_their_own(world: ForwardWorld) -> None:
    joined(world)
    world.work()
    asks = world.letters("anna@home.test", "ask")
    assert len(asks) == 2
    assert len({one.mail["Message-ID"] for one in asks}) == 2
    assert "Over een deel hiervan is je eerder iets gevraagd" in world.said("anna@home.test", "ask")


def test_her_yes_to_the_one_is_none_to_both(world: ForwardWorld) -> None:
    first = world.reply(from_="2026-12-01", until="2026-12-14")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.work()
    assert world.state(first) is State.SCHEDULED
    case = world.forward(joins=first.id, from_="")
    world.work()
    assert (world.state(case), world.now_of(case).answer) == (State.ASKING, "")
    assert world.app.store.jobs(case.id)[0].kind != "apply"


def test_a_review_of_the_one_is_none_of_both(world: ForwardWorld) -> None:
    first = world.forward(until="2026-12-14")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(first)
    world.desk.review(world.app.acting("dirk"), first.id, approve=True, because="Fine.")
    case = world.reply(joins=first.id, until="", from_="")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(case)
    assert (world.state(case), world.shelf.standing()) == (State.AWAITING_REVIEW, [])


def test_a_receivers_yes_to_the_one_is_none_to_both_and_he_is_asked_anew(world: ForwardWorld) -> None:
    first = world.forward(until="2026-12-14")
    world.work()
    world.agrees(first)
    case = world.reply(joins=first.id, until="", from_="")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.later(hours=1)
    assert (world.state(case), len(world.letters("carla@corp.test", "consent"))) == (State.AGREED, 2)


def test_a_page_from_before_the_join_agrees_to_nothing(world: ForwardWorld) -> None:
    first = world.reply()
    world.work()
    token = world.token()
    page = world.desk.look(token)
    case = world.forward(joins=first.id)
    world.work()
    for answer in ("agree", "own-text", "done"):
        text = OwnText(subject="Weg", internal_text="Weg.\n")
        with pytest.raises(Conflict, match="shown-before"):
            world.desk.answer(token, answer, text, shown=page.request)
    assert (world.now_of(case).answer, world.types(case).count("answered")) == ("", 0)
    now = world.desk.look(token)
    assert isinstance(now, LinkView)
    assert now.forward_to == "Carla Jansen (carla@corp.test)"


def test_her_objection_on_a_page_from_before_the_join_is_never_lost(world: ForwardWorld) -> None:
    first = world.reply()
    world.work()
    page = world.desk.look(world.token())
    case = world.forward(joins=first.id)
    world.desk.answer(world.token(), "object", shown=page.request)
    assert world.state(case) is State.OBJECTED


def test_a_receivers_page_from_before_the_join_agrees_to_nothing(world: ForwardWorld) -> None:
    first = world.forward(until="2026-12-14")
    world.work()
    token = world.token("carla@corp.test", "consent")
    page = world.desk.look(token)
    case = world.reply(joins=first.id, until="", from_="")
    with pytest.raises(Conflict, match="shown-before"):
        world.desk.answer(token, "accept", shown=page.request)
    assert world.now_of(case).consents == ()


def test_her_own_text_for_both_asks_the_receiver_anew(world: ForwardWorld) -> None:
    case = joined(world)
    world.work()
    world.agrees(case)
    world.desk.answer(world.token(), "own-text", OwnText(subject="Weg", internal_text="Vraag het Carla.\n"))
    world.work()
    assert len(world.letters("carla@corp.test", "consent")) == 2
    world.agrees(case)
    world.approved(case)
    after = world.now_of(case)
    assert (after.state, after.auto_reply.subject) == (State.APPLIED, "Weg")


# who may join, and when


def test_only_the_same_requester_may_join(world: ForwardWorld) -> None:
    first = world.reply()
    error = refused(lambda: world.forward(joins=first.id, by="dirk"))
    assert (error.key, world.now_of(first)) == ("join-not-yours", first)


def test_another_mailbox_does_not_join(world: ForwardWorld) -> None:
    first = world.reply()
    assert refused(lambda: world.forward(joins=first.id, mailbox="dirk@corp.test")).key == "join-other-mailbox"


def test_one_of_each_kind(world: ForwardWorld) -> None:
    first = world.reply()
    assert refused(lambda: world.reply(joins=first.id, until="", from_="")).key == "join-same-measure"


def test_another_window_is_a_clear_error(world: ForwardWorld) -> None:
    first = world.reply()
    error = refused(lambda: world.forward(joins=first.id, until="2026-12-10"))
    assert isinstance(error, Invalid)
    assert (error.key, world.now_of(first)) == ("join-other-window", first)


def test_the_same_window_may_be_said(world: ForwardWorld) -> None:
    first = world.reply(until="2026-12-07")
    world.later(minutes=5)
    assert world.forward(joins=first.id, from_="now", until="2026-12-07").asks_for == "both"


def test_nothing_joins_what_is_live(world: ForwardWorld) -> None:
    first = world.live()
    error = refused(lambda: world.forward(joins=first.id))
    assert (error.key, world.state(first)) == ("join-too-late", State.APPLIED)


def test_nothing_joins_what_she_objected_to(world: ForwardWorld) -> None:
    first = world.reply()
    world.work()
    world.desk.answer(world.token(), "object")
    assert refused(lambda: world.forward(joins=first.id)).key == "join-objected"


def test_what_she_objected_to_before_joins_nothing(world: ForwardWorld) -> None:
    forward = world.forward()
    world.work()
    world.desk.answer(world.token(), "object")
    world.desk.withdraw(world.app.acting("bob"), forward.id)
    reply = world.reply()
    assert refused(lambda: world.forward(joins=reply.id)).key == "join-objected"
    assert world.now_of(reply).asks_for == "auto-reply"


def test_what_the_policy_refuses_leaves_the_earlier_request_and_is_recorded_by_itself(world: ForwardWorld) -> None:
    first = world.reply()
    world.work()
    error = refused(lambda: world.forward(joins=first.id, to="x@gmail.test"))
    world.work()
    apart = world.desk.case(error.values["case"])
    assert (error.key, apart.state, apart.asks_for) == ("forward-outside", State.REFUSED, "forward")
    assert world.now_of(first).asks_for == "auto-reply"
    assert apart.id != first.id
    world.desk.answer(world.token(), "agree")
    world.work()
    assert world.state(first) is State.APPLIED


def test_a_join_while_a_worker_asks_her_asks_about_both(world: ForwardWorld) -> None:
    first = world.reply()
    done: list[Case] = []

    def join(name: str) -> None:
        if name == "ask.sending" and not done:
            done.append(first)
            other = world.wired()
            form = {"mailbox": "anna@corp.test", "to": "carla@corp.test", "reason": "customer", "because": "Orders."}
            from locum.desk import ForwardForm  # noqa: PLC0415

            other.desk.request(other.acting("bob"), ForwardForm(**form), joins=first.id)

    world.step = join
    world.app = world.wired()
    world.work()
    world.step = lambda _name: None
    world.app = world.wired()
    world.later(minutes=10)
    assert (done, world.now_of(first).asks_for) == ([first], "both")
    assert "2. De kopieën." in world.said("anna@home.test", "ask")


# all or nothing


def test_where_the_forward_cannot_be_written_the_reply_does_not_stand(world: ForwardWorld) -> None:
    case = joined(world)
    world.shelf.breaks = "the forward"
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(case)
    world.approved(case)
    assert (world.state(case), world.shelf.standing()) == (State.APPLYING, [])
    world.shelf.breaks = ""
    world.later(minutes=5)
    assert (world.state(case), world.shelf.standing()) == (State.APPLIED, BOTH)


def test_where_it_never_can_be_written_nothing_ever_stands(world: ForwardWorld) -> None:
    case = joined(world)
    world.shelf.breaks = "the forward"
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(case)
    world.approved(case)
    for _ in range(20):
        world.later(hours=18)
        assert world.shelf.standing() == []
    assert world.now_of(case).is_final


@pytest.mark.parametrize("changed", ["forward", "reply"])
def test_one_changed_character_in_either_voids_both(world: ForwardWorld, changed: str) -> None:
    case = joined(world, from_="")
    world.work()
    world.desk.answer(world.token(), "agree")
    world.agrees(case)
    world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    case = world.now_of(case)
    forward, reply = case.forward, case.auto_reply
    assert forward is not None
    if changed == "forward":
        forward = replace(forward, to="dirk@corp.test")
    else:
        reply = replace(reply, subject=reply.subject + "!")
    world.app.store.commit([Change(case=replace(case, measures=(reply, forward)))])
    world.work()
    after = world.now_of(case)
    assert (after.state, after.outcome, world.shelf.standing()) == (State.REFUSED, "request-changed", [])


# kills


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_both_go_on_where_they_were(world: ForwardWorld, step: str) -> None:
    case = joined(world)
    if not step.startswith("ask"):
        world.work()
        world.desk.answer(world.token(), "agree")
        world.agrees(case)
        world.desk.review(world.app.acting("dirk"), case.id, approve=True, because="Fine.")
    if step.startswith("end"):
        world.work()
        world.now = case.to_date
    world.step = kill_at(step)
    _, status = os.waitpid(in_child(world, ForwardWorld.work), 0)
    assert os.WIFSIGNALED(status), "the step was never passed"
    world.step = lambda _name: None
    world.app = world.wired()
    world.later(seconds=LEASE)
    if step.startswith("ask"):
        world.desk.answer(world.token(), "agree")
        world.agrees(case)
        world.approved(case)
    if not step.startswith("end"):
        assert (world.state(case), world.shelf.standing()) == (State.APPLIED, BOTH)
    world.later(days=15)
    world.later(seconds=LEASE)
    kinds = Counter((e.type, e.body.get("act")) for e in world.app.store.entries(case=case.id))
    assert (world.state(case), world.shelf.standing()) == (State.ACCOUNTED, [])
    assert kinds["done", "apply"] == kinds["done", "end"] == kinds["ended", None] == kinds["accounted", None] == 1
